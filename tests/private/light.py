#!/usr/bin/env python3
"""Light clients (QLight) at a server, both ours: a chain with private contracts of all flags, synchronised and followed; sending and extending
through the client; who is refused; ends and kills of both; TLS; permitted clients; tokens; tenants. What is expected is what GoQuorum's do
(tests/mixed/light.py has the same steps with theirs).

usage: light.py NODE MANAGER FIXTURES STEP..."""
import os, sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import light_steps as steps  # noqa: E402
from light_peers import Light, LightTenants  # noqa: E402

node, manager, fixtures = sys.argv[1:4]
for name in sys.argv[4:]:
    kind, more = (LightTenants, {}) if name == "two_tenants" else (Light, {})
    if name == "with_markers":
        more = {"network": "private-marker", "serving": ["--privacymarker.enable"]}
    kind(node, manager, fixtures, **more).run(getattr(steps, name))
    print("passed:", name, flush=True)

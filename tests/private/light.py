#!/usr/bin/env python3
"""Light clients (QLight) at a server, both ours: a chain with private contracts of all flags, synchronised and followed; sending and extending
through the client; who is refused; ends and kills of both; TLS; permitted clients; tokens; tenants; and what is harder (light_trouble.py).
What is expected is what GoQuorum's do (tests/mixed/light.py has the same steps with theirs).

usage: light.py NODE MANAGER FIXTURES STEP..."""
import os, sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import light_steps as steps  # noqa: E402
import light_trouble as trouble  # noqa: E402
from light_peers import Light, LightRaft, LightTenants  # noqa: E402

node, manager, fixtures = sys.argv[1:4]
KINDS = {"two_tenants": LightTenants, "tokens_of_tenants": LightTenants, "raft": LightRaft}
MORE = {"with_markers": {"network": "private-marker", "serving": ["--privacymarker.enable"]}}
for name in sys.argv[4:]:
    KINDS.get(name, Light)(node, manager, fixtures, **MORE.get(name, {})).run(getattr(steps, name, None) or getattr(trouble, name))
    print("passed:", name, flush=True)

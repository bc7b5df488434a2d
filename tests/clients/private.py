#!/usr/bin/env python3
"""Drives three peers with transaction managers with web3js-quorum: private contracts sent by the node's account, and signed by the client.

    private.py NODE MANAGER FIXTURES CACHE

Packages as in clients.py; skipped (77) without them, and without the recorded keys."""
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "private")]
from clients import node_packages  # noqa: E402
from peers import Peers  # noqa: E402

node, manager, fixtures, cache = sys.argv[1:5]


def test(p):
    environment = {**os.environ, "URLS": ",".join(f"http://127.0.0.1:{p.port + 20 + i}" for i in range(3)),
                   "MANAGER": f"http://127.0.0.1:{p.port + 30}", "KEYS": ",".join(p.keys), "ACCOUNT": p.address[0],
                   "KEY": p.network["accounts"][0]["key"], "TOKEN": os.path.join(fixtures, "recordings", "contracts", "Golden.json"),
                   "NODE_PATH": str(packages / "node_modules")}
    subprocess.run(["node", HERE / "javascript/private.js"], env=environment, check=True, timeout=280)


packages = node_packages(pathlib.Path(cache).resolve())
Peers(node, manager, fixtures, "private", [[], [], []]).run(test)

#!/usr/bin/env python3
"""Compiles the permission contracts with npm's solc, of the version in package.json, and compares with what is committed.

    permission_compiled.py CACHE
"""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "tools"))
from clients import node_packages  # noqa: E402
import permission_contracts  # noqa: E402

permission_contracts.check(node_packages(pathlib.Path(sys.argv[1])))
print("contracts/permission: the artefacts are of these sources")

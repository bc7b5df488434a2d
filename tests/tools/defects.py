#!/usr/bin/env python3
"""docs/defects.md has a line for each of the 56 defects, and every test that a line names is a test of this build.

usage: defects.py DEFECTS.md BUILD"""

import json
import re
import sys

with open(sys.argv[1]) as f:
    rows = [line for line in f if re.match(r"\| \d+ \|", line)]
with open(f"{sys.argv[2]}/meson-info/intro-tests.json") as f:
    tests = {test["name"].split(":")[-1] for test in json.load(f)}
numbers = [int(row.split("|")[1]) for row in rows]
if numbers != list(range(1, 57)):
    sys.exit(f"the numbers are {numbers}")
named = [(row.split("|")[1].strip(), name) for row in rows for name in re.findall(r"`([^`]+)`", row.rsplit("|", 2)[1])]
# The image and the pods of podman are not run under sanitizers.
gone = [f"{name} (of {number})" for number, name in named if name not in tests | {"image", "chart_pods_podman"}]
if gone or len(named) < 50:
    sys.exit("no such test: " + ", ".join(gone))
print(f"{len(rows)} defects, {len({n for _, n in named})} tests")

"""Prints "<passed> <failed>" of a Meson test log, skipped tests left out."""

import json
import sys

passed = failed = 0
with open(sys.argv[1]) as log:
    for line in log:
        result = json.loads(line)["result"]
        if result == "OK":
            passed += 1
        elif result != "SKIP":
            failed += 1
print(passed, failed)

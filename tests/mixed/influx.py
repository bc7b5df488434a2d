#!/usr/bin/env python3
"""GoQuorum's geth and quorate-node side by side, each the validator of a network of its own and with a server in InfluxDB's place: what both ask for,
and the names, fields, their types and the tags of what both write.

    influx.py --goquorum GETH --node QUORATE_NODE

What they write and ours does not must be of what habits.py knows as absent, or of a method that ours was not asked for. Without a GoQuorum binary
($QUORATE_GOQUORUM) it says so and ends with 77."""
import argparse
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from habits import ABSENT, Validator  # noqa: E402
from influx import Server  # noqa: E402

OWN = re.compile(r"geth\.(quorum/ptm/|chain/head/(gaslimit|gasused|transactions)|system/cpu/proctime)")
WRITES = 3  # each of them is looked at; meters and timers of what happens later come with these


def forms(writes):
    """Measurement to the types of its fields, and its tags."""
    return {point.name: (point.types(), point.tags) for write in writes for point in write.points}


def absent(name):
    return ABSENT.match(name.removeprefix("geth.").rsplit(".", 1)[0].replace("/", "_")) or name.startswith("geth.rpc/duration/")


def compare(ours, theirs):
    wrong = [f"{name} is not here" for name in sorted(theirs.keys() - ours.keys()) if not absent(name)]
    wrong += [f"{name} is not there" for name in sorted(ours.keys() - theirs.keys()) if not OWN.match(name) and not name.startswith("geth.rpc/duration/")]
    return wrong + [f"{name}: {ours[name]}, theirs {theirs[name]}" for name in sorted(ours.keys() & theirs.keys()) if ours[name] != theirs[name]]


def asked(write):
    return {"path": write.path, "query": write.query, "login": write.login, "agent": write.fields.get("user-agent"), "method": write.method}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--goquorum", default=os.environ.get("QUORATE_GOQUORUM"))
    parser.add_argument("--node", required=True)
    options = parser.parse_args()
    if not options.goquorum:
        print("no GoQuorum: set QUORATE_GOQUORUM to its binary; skipped")
        return 77
    servers, nodes = [], []
    with tempfile.TemporaryDirectory(prefix="quorate-influx-") as work:
        try:
            for name, program in (("ours", options.node), ("theirs", options.goquorum)):
                servers.append(Server())
                # not all of the tags are such; that of zone is given twice
                nodes.append(Validator(os.path.abspath(program), f"{work}/{name}", "--metrics.influxdb", "--metrics.influxdb.endpoint", servers[-1].url + "/x/",
                                       "--metrics.influxdb.database", "my db", "--metrics.influxdb.tags", "zone=a b,host=h,none,a=b=c,zone=z,,e="))
            for server in servers:
                while len(server.writes) < WRITES:
                    server.next()
        finally:
            codes = [node.stop() for node in nodes]
    writes = [server.writes[:WRITES] for server in servers]
    wrong = [line for some in writes for write in some for line in write.wrong]
    wrong += compare(*map(forms, writes)) + ([] if codes == [0, 0] else [f"exit codes {codes}"])
    ours, theirs = (asked(some[-1]) for some in writes)
    wrong += [f"{key}: {ours[key]!r}, theirs {theirs[key]!r}" for key in ours if ours[key] != theirs[key]]
    names = [forms(some).keys() for some in writes]
    print("\n".join(wrong))
    print(f"{len(names[0] & names[1])} measurements that both have of {len(names[1])}; {len(wrong)} differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

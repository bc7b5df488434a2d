#!/usr/bin/env python3
"""GoQuorum's geth and quorate-node report to one ethstats server: a validator and one who follows it, and once more the other way round. Of each
message the keys, their order and the types are the same, of each block everything, and of a history that both are asked for.

    ethstats.py --goquorum GETH --node QUORATE_NODE

Without a GoQuorum binary ($QUORATE_GOQUORUM) it says so and ends with 77."""
import argparse
import os
import pathlib
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from ethstats import Service, Validator  # noqa: E402
from ports import free_ports  # noqa: E402
from processes import SKIPPED, until  # noqa: E402

OURS, THEIRS = "ours", "theirs"
# Of hello: what is another program's, or a node's own; "protocol" is the same but for snap/1, which is not spoken here.
OWN = {"node", "name", "port", "protocol"}
failed = 0


def check(what, holds, seen=""):
    global failed
    failed += not holds
    print(f"{'ok' if holds else 'FAILED'}: {what}{'' if holds else f': {seen!r:.3000}'}", flush=True)


def shape(value):
    """Keys in their order and types; of a list what its members have in common."""
    if isinstance(value, dict):
        return [(key, shape(inner)) for key, inner in value.items()]
    if isinstance(value, list):
        return [shape(inner) for inner in value[:1]]
    return type(value).__name__


def blocks(caller):
    return {report["block"]["number"]: report["block"] for report in caller.of("block")}


def compare_hello(ours, theirs):
    check("hello has the same form", shape(ours) == shape(theirs), (ours, theirs))
    mine, yours = ours["info"], theirs["info"]
    check("hello says the same", all(mine[k] == yours[k] for k in mine.keys() - OWN), (mine, yours))
    check("protocols", mine["protocol"] == yours["protocol"].replace("snap/1, ", ""), (mine, yours))
    check("clients", mine["node"].startswith("Geth/v1.10.3-") and yours["node"].startswith("Geth/v1.10.3-"), (mine, yours))


def history_of(caller, what):
    before = len(caller.of("history"))
    caller.emit("history", what)
    return until(lambda: caller.of("history")[before:], f"no history of {what} from {caller.of('hello')[0]['id']}, gone: {caller.gone}")[0]


def compare_histories(ours, theirs):
    for what in ({"max": 4, "min": 0, "list": [0, 1, 4]}, {"list": [3]}, {"list": []}, {"list": [2, 1000000, 1]}, {"list": [1000000]}, None, 5):
        both = [history_of(caller, what) for caller in (ours, theirs)]
        # Where no block is named there may be a new one in between.
        newest = what in (None, 5, {"list": []})
        numbers = [{b["number"] for b in one["history"]} for one in both]
        if newest:
            both = [{**one, "history": [b for b in one["history"] if b["number"] in numbers[0] & numbers[1]]} for one in both]
        mine, yours = ({**one, "id": ""} for one in both)
        check(f"history of {what}", mine == yours and list(mine) == list(yours) and (not newest or mine["history"]), both)


def compare(service, validator):
    names = {caller.of("hello")[0]["id"]: caller for caller in service.callers if caller.of("stats")}
    ours, theirs = names[OURS], names[THEIRS]
    compare_hello(ours.of("hello")[0], theirs.of("hello")[0])
    until(lambda: len(blocks(ours).keys() & blocks(theirs).keys()) >= 5, "no blocks of both")
    mine, yours = blocks(ours), blocks(theirs)
    for number in sorted(mine.keys() & yours.keys()):
        check(f"block {number}", mine[number] == yours[number] and shape(mine[number]) == shape(yours[number]), (mine[number], yours[number]))
    until(lambda: len(ours.of("stats")) > 1 and len(theirs.of("stats")) > 1, "no second report")
    for command in ("node-ping", "latency", "block", "pending", "stats"):
        check(f"{command} has the same form", shape(ours.of(command)[-1]) == shape(theirs.of(command)[-1]), (ours.of(command)[-1], theirs.of(command)[-1]))
    # Of the second report: both have caught up, and see each other.
    mine, yours = ours.of("stats")[1]["stats"], theirs.of("stats")[1]["stats"]
    check("the same figures", {**mine, "mining": 0} == {**yours, "mining": 0}, (mine, yours))
    check("who makes blocks says so", (mine["mining"], yours["mining"]) == (validator == OURS, validator != OURS), (mine, yours))
    compare_histories(ours, theirs)
    orders = [[word for word, _ in list(caller.documents)][:6] for caller in (ours, theirs)]
    check("the same comes first", orders[0] == orders[1], orders)
    for caller in (ours, theirs):
        caller.say("primus::ping::12")
    until(lambda: ours.others and theirs.others, "no answer to primus")
    check("primus", ours.others == theirs.others, (ours.others, theirs.others))
    fields = [{k: v for k, v in caller.fields.items() if k in ("origin", "upgrade", "connection", "sec-websocket-version", "host")} for caller in (ours, theirs)]
    check("the same request", fields[0] == fields[1] and ours.path == theirs.path, fields)


def run(programs, validator, work):
    """`validator` makes the blocks, the other follows."""
    other = THEIRS if validator == OURS else OURS
    port, = free_ports(1)
    service = Service(port, "s")
    nodes = []
    try:
        for name in (validator, other):
            folder = pathlib.Path(work) / f"{validator}-{name}"
            folder.mkdir()
            nodes.append(Validator(programs[name], folder, "--ethstats", f"{name}:s@127.0.0.1:{port}", mine=name == validator))
        enode = until(lambda: nodes[0].ask("admin_nodeInfo"), "no answer")["enode"].split("?")[0].split("@")[0] + f"@127.0.0.1:{nodes[0].port}"
        until(lambda: nodes[1].ask("admin_addPeer", enode), "no answer")
        until(lambda: all(node.ask("net_peerCount") == "0x1" for node in nodes), "they do not meet")
        until(lambda: len({c.of("hello")[0]["id"] for c in service.callers if c.of("stats")}) == 2, "they do not both report")
        compare(service, validator)
        for node, name in zip(nodes, (validator, other)):
            check(f"{name} says: Stats daemon started", node.told("Stats daemon started") == 1)
    finally:
        codes = [node.stop() for node in nodes]
        service.close()
    check("both end", codes == [0, 0], codes)
    for node, name in zip(nodes, (validator, other)):
        check(f"{name} says: Stats daemon stopped", node.told("Stats daemon stopped") == 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--goquorum", default=os.environ.get("QUORATE_GOQUORUM"))
    parser.add_argument("--node", required=True)
    options = parser.parse_args()
    if not options.goquorum:
        print("no GoQuorum: set QUORATE_GOQUORUM to its binary; skipped")
        return SKIPPED
    programs = {OURS: options.node, THEIRS: options.goquorum}
    with tempfile.TemporaryDirectory(prefix="quorate-ethstats-") as work:
        for validator in (OURS, THEIRS):
            print(f"--- blocks by {validator} ---")
            run(programs, validator, work)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

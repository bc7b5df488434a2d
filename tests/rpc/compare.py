#!/usr/bin/env python3
"""Asks GoQuorum and quorate-node the same questions about the same chain, and compares the answers.

    compare.py NODE [--peer GETH] [--recording qbft] [--port PORT]

The peer's binary is that of --peer, or $QUORATE_GOQUORUM; without one, or without the recordings, there is nothing to
compare with and the test is skipped (77). Questions go beyond the recordings: every built-in tracer, blocks, storage
between transactions, ranges of accounts, calls on a changed state, and wrong parameters.
"""
import argparse
import gzip
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from ports import free_base  # noqa: E402
from processes import SKIPPED, ask, end, fixtures, until  # noqa: E402

APIS = "admin,debug,eth,istanbul,miner,net,personal,rpc,txpool,web3"
TRACERS = ["callTracer", "prestateTracer", "4byteTracer", "noopTracer", "opcountTracer",
           "unigramTracer", "bigramTracer", "trigramTracer", "evmdisTracer"]
# Answers that differ on purpose (docs/compatibility.md): method, and the beginning of what the peer says.
ON_PURPOSE = [
    # It runs the call twice on one state, and shows what the second one finds.
    ("debug_traceCall", ""),
    ("debug_traceTransaction", "TypeError: cannot read property"),  # its prestateTracer on plain transfers
    ("debug_traceBlockByNumber", "TypeError: cannot read property"),
    ("eth_createAccessList", "method handler crashed"),
]


class Node:
    """One of the two, on a data directory with the recorded chain."""

    def __init__(self, name, binary, folder, recording, port, chain=None, apis=APIS, more=("--ipcdisable",), key=None,
                 private_config="ignore", files=()):
        self.name, self.url = name, f"http://127.0.0.1:{port}"
        self.data = data = folder / name
        common = [str(binary), "--datadir", str(data)]
        if key:
            (data / "geth").mkdir(parents=True)
            (data / "geth" / "nodekey").write_text(key)
        for path, text in dict(files).items():
            (data / path).write_text(text)
        env = dict(os.environ, PRIVATE_CONFIG=private_config, TMPDIR=str(folder))
        self.log = open(folder / f"{name}.log", "wb")
        for command in (["init", str(recording / "genesis.json")],
                        ["--gcmode", "archive", "import", str(chain or recording / "chain.rlp.gz")]):
            subprocess.run(common + command, env=env, stdout=self.log, stderr=self.log, check=True,
                           timeout=120)
        self.process = subprocess.Popen(
            common + ["--gcmode", "archive", "--networkid", "1337", "--nodiscover", "--port", str(port + 1),
                      "--http", "--http.addr", "127.0.0.1", "--http.port", str(port), "--http.api", apis,
                      "--rpc.gascap", "700000000", *more],
            env=env, stdout=self.log, stderr=self.log)
        until(lambda: self.ask("web3_clientVersion", []), f"an answer of {name}, whose log is {folder}/{name}.log")

    def ask(self, method, params):
        answer = ask(self.url, method, *params)
        return answer.get("result"), answer.get("error")

    def stop(self):
        end(self.process, signal.SIGINT)
        self.log.close()


def questions(recording):
    """(method, params), from the recorded transactions, blocks and accounts."""
    lines = [json.loads(line) for line in gzip.open(recording / "rpc.jsonl.gz", "rt")]
    blocks = [line["result"] for line in lines
              if line["method"] == "eth_getBlockByNumber" and isinstance(line.get("result"), dict)]
    full = {block["number"]: block for block in blocks
            if block["number"] and any(isinstance(tx, dict) for tx in block["transactions"])}
    transactions = [tx for block in full.values() for tx in block["transactions"]]
    contracts = sorted({tx["to"] for tx in transactions if tx["to"] and tx["input"] != "0x"})
    accounts = sorted({tx["from"] for tx in transactions})
    head = max((int(block["number"], 16) for block in blocks if block["number"]), default=0)
    for tx in transactions:
        for tracer in TRACERS:
            yield "debug_traceTransaction", [tx["hash"], {"tracer": tracer}]
    yield from configurations(transactions)
    for number, block in list(full.items())[:40]:
        yield "debug_traceBlockByNumber", [number, {"disableMemory": True, "disableStack": True}]
        yield "debug_traceBlockByHash", [block["hash"], {"tracer": "callTracer"}]
        yield from storages(block, contracts)
        yield "debug_getModifiedAccountsByNumber", [int(number, 16)]
        yield "debug_getModifiedAccountsByHash", [block["parentHash"], block["hash"]]
    yield "debug_getModifiedAccountsByNumber", [0, head]
    yield "debug_getModifiedAccountsByNumber", [head, 1]
    yield "debug_getModifiedAccountsByNumber", [head + 9]
    for account in contracts + accounts:
        yield "debug_dumpAddress", [account, hex(head)]
        yield "debug_dumpAddress", [account, "latest"]
    for number in ("0x0", hex(head // 2), "latest", hex(head + 7)):
        yield "debug_dumpBlock", [number]
        yield "debug_accountRange", [number, "", 3, True, True, True]
        yield "debug_accountRange", [number, "gAAAAA==", 256, False, False, False]
    for number in (0, 1, head, head + 1):
        yield "debug_seedHash", [number]
    yield from calls(contracts, accounts)
    yield from wrong(transactions)


def configurations(transactions):
    for tx in transactions[:25]:
        for config in ({"disableStorage": True, "limit": 7}, {"disableStack": True, "disableMemory": True},
                       {"timeout": "1m30s"}, {"tracer": "callTracer", "timeout": "nonsense"},
                       {"tracer": "callTracer", "timeout": "2s", "reexec": 5}, None):
            yield "debug_traceTransaction", [tx["hash"], config]


def storages(block, contracts):
    for contract in contracts[:6]:
        for index in range(min(3, len(block["transactions"]) + 1)):
            yield "debug_storageRangeAt", [block["hash"], index, contract, "0x", 2]
        yield "debug_storageRangeAt", [block["hash"], 0, contract, "0x80", 100]


def calls(contracts, accounts):
    sender = accounts[0]
    for contract in contracts:
        for data in ("0x6d4ce63c", "0x60fe47b1" + "0" * 63 + "5", "0xdeadbeef", "0x3fa4f245", "0x"):
            call = {"from": sender, "to": contract, "data": data}
            overrides = {contract: {"stateDiff": {"0x" + "0" * 64: "0x" + "0" * 62 + "2a"}, "balance": "0x64"}}
            whole = {contract: {"state": {"0x" + "0" * 64: "0x" + "0" * 62 + "2b"}}}
            yield "eth_call", [call, "latest", overrides]
            yield "eth_call", [call, "latest", whole]
            yield "eth_call", [call, "latest", {contract: {"code": "0x60aa60005260206000f3", "nonce": "0x7"}}]
            yield "debug_traceCall", [call, "latest", {"stateOverrides": overrides}]
            yield "debug_traceCall", [call, "latest", {"stateOverrides": whole, "tracer": "prestateTracer"}]
            for tracer in TRACERS:
                yield "debug_traceCall", [call, "latest", {"tracer": tracer}]
            yield "eth_createAccessList", [call, "latest"]
    yield "eth_call", [{"to": contracts[0]}, "latest",
                       {contracts[0]: {"state": {}, "stateDiff": {}}}]
    yield "debug_traceCall", [{"from": sender, "data": "0x600160005500"}, "latest"]
    yield "debug_traceCall", [{"from": sender, "data": "0x6001600055fe"}, "latest"]
    yield "debug_traceCall", [{"from": sender, "gas": "0x20000", "data": "0x5b600056"}, "latest",
                               {"tracer": "callTracer"}]
    yield "debug_traceCall", [{"from": sender, "data": "0x01"}, "latest", {"tracer": "callTracer"}]
    yield "debug_traceCall", [{"from": sender, "gas": "0x5208", "data": "0x01"}, "latest"]


def wrong(transactions):
    some = transactions[0]["hash"]
    yield "debug_traceTransaction", []
    yield "debug_traceTransaction", ["0x12"]
    yield "debug_traceTransaction", [some, 5]
    yield "debug_traceTransaction", [some, {"tracer": 5}]
    yield "debug_traceTransaction", [some, {"disableMemory": "yes"}]
    yield "debug_traceTransaction", [some, {"limit": "7"}]
    yield "debug_traceTransaction", [some, {"reexec": -1}]
    yield "debug_traceTransaction", [some, {}, 1]
    yield "debug_traceBlockByNumber", ["0x0"]
    yield "debug_traceBlockByNumber", ["0xffffff"]
    yield "debug_traceBlockByHash", [some]
    yield "debug_traceBadBlock", [some]
    yield "debug_traceCall", [{}, "latest", {"stateOverrides": 5}]
    yield "debug_traceCall", [{}, "0xffffff"]
    yield "debug_traceCall", [{}]
    yield "debug_storageRangeAt", [some, 0, "0x" + "11" * 20, "0x", 1]
    yield "debug_accountRange", ["latest", "0x", 3, True, True, False]
    yield "debug_accountRange", ["latest", "", "3", True, True, False]
    yield "debug_preimage", ["0x" + "11" * 32]
    yield "debug_getBadBlocks", []
    yield "debug_setHead", [5]
    yield "eth_call", [{}, "latest", {"zz": {}}]
    yield "eth_call", [{}, "latest", {"0x" + "11" * 20: {"balance": 5}}]
    yield "eth_call", [{}, "latest", {"0x" + "11" * 20: {"nonce": "0x01"}}]
    yield "eth_call", [{}, "latest", {"0x" + "11" * 20: 7}]
    yield "miner_setExtra", ["x" * 40]
    yield "miner_setExtra", [5]
    yield "miner_start", ["x"]
    yield "miner_setEtherbase", ["0x11"]
    yield "admin_importChain", ["/nonexistent"]
    yield "admin_exportChain", ["/nonexistent/x"]
    yield "txpool_status", [1]


def without_time(value):
    """How long callTracer took is nobody's to repeat."""
    if isinstance(value, dict):
        return {key: without_time(item) for key, item in value.items() if key != "time"}
    if isinstance(value, list):
        return [without_time(item) for item in value]
    return value


def comparable(method, answer):
    result, error = without_time(answer[0]), answer[1]
    if method.startswith("debug_getModifiedAccounts") and isinstance(result, list):
        result = sorted(result)
    if method == "raft_cluster" and isinstance(result, list):
        result = sorted(result, key=lambda member: member["raftId"])  # there in any order
    if method.startswith("quorumPermission_") and isinstance(result, (list, dict)):
        result = without_order(result)  # there by their last use
    return result, error


def without_order(records):
    if isinstance(records, list):
        return sorted(records, key=json.dumps)
    return {key: without_order(value) if isinstance(value, list) else value for key, value in records.items()}


def on_purpose(method, params, ours, theirs):
    text = json.dumps(theirs)
    if method == "eth_call" and len(params) == 3:
        return ours[1] is None  # its state overrides do not reach the state that the call runs on
    if method == "debug_traceCall" and ours[1]:
        return False
    return any(method == name and beginning in text for name, beginning in ON_PURPOSE)


def compare(ours, theirs, recording, show):
    table = {}
    for method, params in questions(recording):
        row = table.setdefault(method, [0, 0, 0])
        a, b = ours.ask(method, params), theirs.ask(method, params)
        if comparable(method, a) == comparable(method, b):
            row[0] += 1
        elif on_purpose(method, params, a, b):
            row[1] += 1
        else:
            row[2] += 1
            if row[2] <= show:
                x, y = json.dumps(comparable(method, b), sort_keys=True), json.dumps(comparable(method, a), sort_keys=True)
                at = next((i for i, (c, d) in enumerate(zip(x, y)) if c != d), min(len(x), len(y)))
                at = max(0, at - 60)
                print(f"{method} {json.dumps(params)[:300]}\n  GoQuorum …{x[at:at + 300]}\n  here     …{y[at:at + 300]}")
    print(f"{'method':40} {'equal':>7} {'on purpose':>11} {'other':>6}")
    for method, row in sorted(table.items()):
        print(f"{method:40} {row[0]:7} {row[1]:11} {row[2]:6}")
    totals = [sum(row[i] for row in table.values()) for i in range(3)]
    print(f"{'all':40} {totals[0]:7} {totals[1]:11} {totals[2]:6}")
    return totals[2]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("node")
    parser.add_argument("--peer", default=os.environ.get("QUORATE_GOQUORUM"))
    parser.add_argument("--recording", default="qbft")
    parser.add_argument("--port", type=int, default=free_base(12))
    parser.add_argument("--show", type=int, default=4, help="differences shown of each method")
    options = parser.parse_args()
    recording = fixtures() / "recordings" / options.recording
    if not options.peer or not (recording / "chain.rlp.gz").exists():
        print("compare: skipped: it needs GoQuorum's binary in $QUORATE_GOQUORUM, and the recordings")
        return SKIPPED
    folder = pathlib.Path(tempfile.mkdtemp(prefix="quorate-compare-"))
    nodes = []
    try:
        nodes.append(Node("quorate", options.node, folder, recording, options.port))
        nodes.append(Node("goquorum", options.peer, folder, recording, options.port + 10))
        different = compare(nodes[0], nodes[1], recording, options.show)
    finally:
        for node in nodes:
            node.stop()
    if different:
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())

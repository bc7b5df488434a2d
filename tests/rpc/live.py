#!/usr/bin/env python3
"""Plays the recording `live` in order against a validator of ours: filters, pool, accounts and signing, miner, admin.

    live.py NODE [--port PORT]

What a run gives anew (filter ids, hashes of its own blocks, new accounts) is mapped: the first time the recorded value is
met it is paired with ours, and from then on it must be that one, in questions and answers. Everything else must be equal, but
for the keys in VOLATILE and the exchanges in ON_PURPOSE.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from ports import free_base  # noqa: E402
from processes import SKIPPED, ask, end, fixtures, until  # noqa: E402

# When blocks are made, and by which program, is nobody's to repeat.
VOLATILE = {"blockNumber", "number", "timestamp", "extraData", "size", "totalDifficulty", "logsBloom", "gasUsed", "stateRoot",
            "transactionsRoot", "receiptsRoot"}
# (method, tag or None): why the answers may differ (docs/compatibility.md).
ON_PURPOSE = {
    ("debug_chaindbProperty", None): "another store",
    ("eth_getBlockByNumber", None): "pending is the head",
}
# Parts of the node that may not be there: when the first method answers that it does not exist, the others go with it.
PARTS = {
    "eth_newFilter": {"eth_newFilter", "eth_newBlockFilter", "eth_newPendingTransactionFilter", "eth_getFilterChanges",
                      "eth_getFilterLogs", "eth_uninstallFilter"},
    "eth_sendTransactionAsync": {"eth_sendTransactionAsync"},
}
MAPPED = re.compile(r"^0x([0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{29,32})$")


class Player:
    def __init__(self, node, recording, port):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="quorate-live-"))
        self.url = f"http://127.0.0.1:{port}"
        self.data = self.folder / "n0"
        self.mapping = {}
        self.block_filter = None
        network = json.loads((recording / "network.json").read_text())
        (self.data / "geth").mkdir(parents=True)
        (self.data / "geth" / "nodekey").write_text(network["node_keys"][0])
        env = dict(os.environ, PRIVATE_CONFIG="ignore")
        self.log = open(self.folder / "log", "wb")
        common = [str(node), "--datadir", str(self.data)]
        subprocess.run(common + ["init", str(recording / "genesis.json")], env=env, check=True, stdout=self.log,
                       stderr=self.log, timeout=60)
        self.process = subprocess.Popen(
            common + ["--networkid", "1337", "--nodiscover", "--mine", "--syncmode", "full", "--gcmode", "archive",
                      "--port", str(port + 1), "--http", "--http.addr", "127.0.0.1", "--http.port", str(port),
                      "--http.api", "admin,debug,eth,istanbul,miner,net,personal,txpool,web3", "--allow-insecure-unlock",
                      "--rpc.gascap", "700000000", "--miner.gaslimit", "3758096384", "--miner.gastarget", "3758096384",
                      "--lightkdf"],
            env=env, stdout=self.log, stderr=self.log)
        self.wait(lambda: int(self.ask("eth_blockNumber", [])[0], 16) >= 1, "the first block")

    def ask(self, method, params):
        answer = ask(self.url, method, *params)
        return answer.get("result"), answer.get("error")

    def wait(self, condition, what):
        until(condition, f"{what} (the log is {self.folder}/log)")

    # --- Values of this run in the place of recorded ones ---

    def ours(self, value):
        if isinstance(value, dict):
            return {key: self.ours(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.ours(item) for item in value]
        if isinstance(value, str):
            if value.lower() in self.mapping:
                return self.mapping[value.lower()]
            return value.replace("DIR", str(self.folder))
        return value

    def same(self, theirs, ours, key=None):
        if key in VOLATILE:
            return (theirs is None) == (ours is None)
        if isinstance(theirs, dict) and isinstance(ours, dict):
            return theirs.keys() == ours.keys() and all(self.same(theirs[k], ours[k], k) for k in theirs)
        if isinstance(theirs, list) and isinstance(ours, list):
            return len(theirs) == len(ours) and all(self.same(a, b) for a, b in zip(theirs, ours))
        if not isinstance(theirs, str) or not isinstance(ours, str):
            return theirs == ours
        return self.same_text(theirs, ours)

    def same_text(self, theirs, ours):
        if theirs.startswith("keystore://") and ours.startswith("keystore://"):
            theirs, ours = "0x" + theirs[-40:], "0x" + ours[-40:]
        known = self.mapping.get(theirs.lower())
        if known is not None:
            return known == ours.lower()
        if theirs == ours:
            return True
        if MAPPED.match(theirs) and MAPPED.match(ours):
            self.mapping[theirs.lower()] = ours.lower()
            return True
        return False

    def play(self, line):
        """One exchange; what is different, or None."""
        method = line["method"]
        mined = not (self.ask("txpool_status", [])[0] or {}).get("pending", "0x0") != "0x0"
        if method == "eth_getFilterChanges" and "tag" not in line and not mined:
            self.wait(lambda: self.ask("txpool_status", [])[0]["pending"] == "0x0", "the next block")
        if method == "debug_storageRangeAt": # of the block that is the head by now
            self.mapping[line["params"][0]] = self.ask("eth_getBlockByNumber", ["latest", False])[0]["hash"]
        if method == "debug_setHead": # else the next block comes before what is asked then: the head's number, a vote that this one would carry
            self.ask("miner_stop", [])
        ours = self.ask(method, self.ours(line["params"]))
        if method == "eth_getFilterChanges" and line.get("result") and ours[0] == []:
            ours = until(lambda: (found := self.ask(method, self.ours(line["params"])))[0] and found, "what the filter has seen")
        if method.endswith("listAccounts") or method in ("eth_accounts", "personal_listWallets"):
            return self.compare_accounts(line, ours)
        if line.get("tag") == "pending or just mined" and ours[0] and ours[0]["blockHash"]:
            ours = {**ours[0], "blockHash": None, "blockNumber": None, "transactionIndex": None}, None
        if method == "eth_newBlockFilter" and "tag" not in line:
            self.block_filter = line["result"]
        if method == "eth_getFilterChanges" and line["params"][0] == self.block_filter and line.get("result") is not None:
            return self.compare_blocks(line, ours)
        if method == "eth_getFilterLogs" and ours[0] == [] and not self.ask("eth_getBlockByNumber", ["latest", False])[0]["transactions"]:
            return None  # it is asked of the head alone, which is the next block by now
        if self.same(line.get("result"), ours[0]) and self.same(line.get("error"), ours[1]):
            return None
        return ours

    def compare_blocks(self, line, ours):
        """How many blocks there were since the last question is the clock's matter: some, where there must be."""
        hashes = ours[0] if isinstance(ours[0], list) else None
        well = hashes is not None and all(MAPPED.match(h) and len(h) == 66 for h in hashes)
        return None if well and (hashes or not line["result"]) else ours

    def compare_accounts(self, line, ours):
        """The order is that of file names, which the time of their making decides."""
        theirs = self.ours(line["result"])
        if line["method"] == "personal_listWallets":
            names = lambda wallets: sorted((w["status"], w["accounts"][0]["address"].lower()) for w in wallets)
            return None if names(theirs) == names(ours[0] or []) else ours
        return None if sorted(theirs) == sorted(ours[0] or []) else ours

    def stop(self):
        end(self.process, signal.SIGINT)
        self.log.close()


def subscriptions_transaction(recording):
    """The transaction that was sent by WebSocket, between the filters and the pool."""
    for exchange in json.loads((recording / "ws.json").read_text()):
        sent = exchange.get("sent")
        if isinstance(sent, dict) and sent.get("method") == "eth_sendRawTransaction":
            return sent["params"]
    raise SystemExit("live: ws.json has no transaction")


def missing_parts(player):
    missing = set()
    for method, family in PARTS.items():
        error = player.ask(method, [{}])[1]
        if error and error["code"] == -32601:
            missing |= family
    return missing


def play(player, recording, show):
    table, shown, started, missing = {}, 0, False, missing_parts(player)
    for text in open(recording / "live.jsonl", encoding="utf-8"):
        line = json.loads(text)
        method = line["method"]
        if line.get("tag") == "nonce gap" and not started:
            started = True
            player.ask("eth_sendRawTransaction", subscriptions_transaction(recording))
            player.wait(lambda: player.ask("txpool_status", [])[0]["pending"] == "0x0", "a block")
        row = table.setdefault(method, [0, 0, 0, 0])
        answer = player.play(line)
        if method == "eth_sendRawTransaction" and not table.get("eth_newBlockFilter"):
            player.wait(lambda: player.ask("txpool_status", [])[0]["pending"] == "0x0", "a block")
        if answer is None:
            row[0] += 1
        elif (method, None) in ON_PURPOSE or (method, line.get("tag")) in ON_PURPOSE:
            row[1] += 1
        elif method in missing:
            row[3] += 1
        else:
            row[2] += 1
            shown += 1
            if shown <= show:
                wanted = json.dumps(line.get("error") or line.get("result"), sort_keys=True)
                print(f"{method} {json.dumps(line['params'])[:200]} {line.get('tag', '')}\n  GoQuorum {wanted[:300]}\n"
                      f"  here     {json.dumps(answer[1] or answer[0], sort_keys=True)[:300]}")
    print(f"{'method':32} {'equal':>6} {'on purpose':>11} {'other':>6} {'missing':>8}")
    for method, row in sorted(table.items()):
        print(f"{method:32} {row[0]:6} {row[1]:11} {row[2]:6} {row[3]:8}")
    totals = [sum(row[i] for row in table.values()) for i in range(4)]
    print(f"{'all':32} {totals[0]:6} {totals[1]:11} {totals[2]:6} {totals[3]:8}")
    return totals[2]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("node")
    parser.add_argument("--port", type=int, default=free_base(2))
    parser.add_argument("--show", type=int, default=30)
    options = parser.parse_args()
    recording = fixtures() / "recordings" / "live"
    if not (recording / "live.jsonl").exists():
        print("live: skipped: it needs the recordings")
        return SKIPPED
    player = Player(options.node, recording, options.port)
    try:
        different = play(player, recording, options.show)
    finally:
        player.stop()
    if different:
        return 1
    shutil.rmtree(player.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())

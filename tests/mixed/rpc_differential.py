#!/usr/bin/env python3
"""Asks GoQuorum and quorate-node the same generated requests about the same chain, and compares their answers field by field.

    rpc_differential.py NODE [--peer GETH] [--recording NAME …] [--manager QUORATE_TM] [--requests N] [--seed N] [--only METHOD …]

Both import a recorded chain, or one of those that made.py makes (clique, permission-v1, permission-v2), and take no part in making blocks. Requests are made from the table of methods by tests/rpc/generate.py, from
a seed that is printed; bodies that are no good requests and what HTTP says about them by tests/rpc/envelopes.py. It prints a table by method,
and each difference that no reason is listed for, with the request and both answers; the exit code is 0 when there is none. The peer's binary is that
of --peer, or $QUORATE_GOQUORUM; without one, or without the recordings, the test is skipped (77)."""
import argparse
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "rpc"), str(ROOT / "tests" / "support")]
import compare  # noqa: E402
import envelopes  # noqa: E402
import made  # noqa: E402
import reasons  # noqa: E402
from ports import free_base  # noqa: E402
from generate import NEVER, Chain, Requests  # noqa: E402
from recorded import Recorded  # noqa: E402

APIS = "admin,debug,eth,istanbul,clique,raft,miner,net,personal,quorumPermission,quorumExtension,rpc,txpool,web3"
PASSWORD = "password"
PATIENCE = 60  # seconds for an answer
SILENCE = (None, {"code": 0, "message": "no answer"})
FILTERS = {"eth_newFilter", "eth_newBlockFilter", "eth_newPendingTransactionFilter"}
# The result is a new name, time, address or measure of the node that is asked: nobody's to repeat.
VOLATILE = {"web3_clientVersion", "debug_memStats", "admin_nodeInfo", "admin_peers", "personal_newAccount", "rpc_discover"}


class Live(compare.Node):
    """One of the two, with a kept connection."""

    def __init__(self, *arguments, **more):
        self.connection, self.first_port = None, arguments[4]
        super().__init__(*arguments, **more)

    def post(self, body, tries=2):
        """The answer's text."""
        port = int(self.url.rsplit(":", 1)[1])
        for left in range(tries - 1, -1, -1):
            try:
                if not self.connection:
                    self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
                self.connection.request("POST", "/", body, {"Content-Type": "application/json"})
                return self.connection.getresponse().read().decode(errors="surrogateescape")
            except (OSError, http.client.HTTPException) as fault:
                self.connection = None
                if not left or isinstance(fault, TimeoutError):
                    raise
        return None

    def ask_text(self, method, params):
        """Result and error; params is a text of JSON."""
        text = self.post(f'{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}'.encode(errors="surrogateescape"))
        answer = json.loads(text)
        return answer.get("result"), answer.get("error")

    def ask(self, method, params):
        return self.ask_text(method, json.dumps(params))

    def same(self, value):
        """The answer without this node's ports, the places of its files and the times in their names."""
        text = json.dumps(value).replace(str(self.data), "DIR")
        for offset in (1, 5):
            text = re.sub(rf"\b{self.first_port + offset}\b", str(offset), text)
        return json.loads(re.sub(r"UTC--[0-9T.-]*Z--", "UTC--", text))


def without_payload(answer):
    """Each payload that a manager keeps has a hash of its own, and so has what carries it."""
    return json.loads(re.sub(r"0x[0-9a-f]{64,}", lambda match: f"{len(match[0])} digits", json.dumps(answer)))


class Comparison:
    def __init__(self, ours, theirs, show, recorded):
        self.ours, self.theirs, self.show, self.has_manager = ours, theirs, show, recorded.is_private
        self.reasons = reasons.MARKERS if recorded.makes_markers else ()
        self.table, self.used = {}, {}
        self.filters = []  # (ours, theirs)

    def params_of(self, node, method, params):
        """A filter's id is another at each of the two."""
        if self.filters and method in ("eth_getFilterChanges", "eth_getFilterLogs", "eth_uninstallFilter"):
            which = self.filters[len(params) % len(self.filters)]
            return re.sub(r'^\["0x[0-9a-f]{32}"\]$', json.dumps([which[node is self.theirs]]), params)
        return params

    def ask(self, method, params):
        answers = []
        for node in (self.ours, self.theirs):
            try:
                result, error = node.ask_text(method, self.params_of(node, method, params))
            except TimeoutError:
                answers.append(SILENCE)
                continue
            except (OSError, http.client.HTTPException, ValueError) as fault:
                raise SystemExit(f"{node.name} does not answer {method} {params}: {fault!r}; its log is {node.log.name}") from fault
            answers.append(compare.comparable(method, (node.same(result), node.same(error))))
        ours, theirs = answers
        if method in FILTERS and ours[0] and theirs[0]:
            self.filters.append((ours[0], theirs[0]))
            ours, theirs = (None, None), (None, None)
        if method in VOLATILE and ours[1] is None and theirs[1] is None:
            ours = theirs
        if self.has_manager and method == "eth_fillTransaction" and "privateFor" in params:
            ours, theirs = without_payload(ours), without_payload(theirs)
        self.count(method, params, ours, theirs)

    def count(self, method, params, ours, theirs):
        row = self.table.setdefault(method, [0, 0, 0, 0])
        row[0] += 1
        if ours == theirs:
            row[1] += 1
            return
        reason = reasons.of(method, params, ours, theirs, self.reasons)
        if reason:
            row[2] += 1
            self.used[reason] = self.used.get(reason, 0) + 1
            return
        row[3] += 1
        if row[3] > self.show:
            return
        x, y = json.dumps(theirs, sort_keys=True), json.dumps(ours, sort_keys=True)
        at = next((i for i, (c, d) in enumerate(zip(x, y)) if c != d), min(len(x), len(y)))
        at = max(0, at - 80)
        print(f"{method} {params[:600]}\n  GoQuorum …{x[at:at + 400]}\n  here     …{y[at:at + 400]}", flush=True)

    def print_table(self):
        print(f"{'method':55} {'asked':>7} {'equal':>7} {'listed':>7} {'unlisted':>8}")
        for method, row in sorted(self.table.items()):
            print(f"{method:55} {row[0]:7} {row[1]:7} {row[2]:7} {row[3]:8}")
        totals = [sum(row[i] for row in self.table.values()) for i in range(4)]
        print(f"{'all':55} {totals[0]:7} {totals[1]:7} {totals[2]:7} {totals[3]:8}")
        for reason, times in sorted(self.used.items(), key=lambda item: -item[1]):
            print(f"{times:7} {reason}")
        return totals[3]


def give_accounts(comparison, network, chain):
    """The same accounts to both, one unlocked for ever, one locked."""
    for index, account in enumerate(network["accounts"][:2]):
        comparison.ask("personal_importRawKey", json.dumps([account["key"][2:], PASSWORD]))
        chain.keys.append(account["address"].lower())
        if index == 0:
            comparison.ask("personal_unlockAccount", json.dumps([account["address"], PASSWORD, 0]))


def sign_transactions(node, r, requests, count):
    """Raw transactions of the unlocked account, good ones and such as the pool refuses."""
    sender, signed = requests.chain.keys[0], []
    nonce = int(node.ask("eth_getTransactionCount", [sender, "latest"])[0], 16)
    for _ in range(count):
        transaction = {"from": sender, "to": r.choice(requests.chain.contracts), "gas": r.choice(["0x5208", "0x1", "0x30000", "0xffffffff"]),
                       "gasPrice": r.choice(["0x0", "0x0", "0x1", "0x3b9aca00"]), "value": r.choice(["0x0", "0x1", "0x" + "f" * 40]),
                       "nonce": hex(max(0, nonce + r.randint(-2, 8))), "data": r.choice(["0x", requests.data(), "0x" + "ab" * 70000])}
        result, error = node.ask("eth_signTransaction", [transaction])
        if error is None:
            raw = result["raw"]
            signed.append(r.choice([raw] * 4 + [raw[:-2], raw + "00", "0x01" + raw[2:], raw[:-1] + "z", raw[:40] + "00" + raw[42:]]))
    return signed


def start_both(options, recorded):
    nodes, absent = [], options.port + 18
    for name, binary, number in (("quorate", options.node, 0), ("goquorum", options.peer, 9)):
        port = options.port + number
        more = ["--ws", "--ws.port", str(port + 2), "--ws.api", APIS, "--ws.origins", "http://app.example", "--allow-insecure-unlock", "--lightkdf", "--http.corsdomain",
                "http://app.example", "--http.vhosts", "localhost,node.example", "--rpc.allow-unprotected-txs", *recorded.flags(port)]
        nodes.append(Live(name, binary, recorded.folder, recorded.recording, port, chain=recorded.chain(), apis=APIS, more=more,
                          key=recorded.network["node_keys"][0], private_config=recorded.private_config,
                          files=recorded.files(port, absent, options.port + 16 if name == "goquorum" else None)))
    return nodes


def ask_all(options, comparison, requests, table):
    r = requests.r
    names = [name for name in sorted(table) if name not in NEVER and (not options.only or any(re.fullmatch(o, name) for o in options.only))]
    weights = [1 + 2 * len(table[name]["params"]) * (3 if name.startswith(("eth_", "debug_")) else 1) for name in names]
    began = time.monotonic()
    for number in range(options.requests):
        name = names[number % len(names)] if number < 2 * len(names) else r.choices(names, weights)[0]
        params = requests.params(name)
        if requests.is_harmless(name, params):
            comparison.ask(name, params)
    print(f"{options.requests} requests: {time.monotonic() - began:.0f} s")


def compare_chain(options, recorded, table):
    """One recorded chain; returns the number of differences that are not listed."""
    nodes = []
    try:
        if recorded.is_private:
            recorded.start_manager(os.path.abspath(options.manager))
        recorded.start_peer(options.node, options.port + 15)
        nodes = start_both(options, recorded)
        recorded.wait_ready(nodes)
        print(recorded.recording.name)
        chain = Chain(nodes[1], recorded.network, recorded.contracts, recorded.parties)
        comparison = Comparison(nodes[0], nodes[1], options.show, recorded)
        requests = Requests(random.Random(options.seed), table, chain)
        give_accounts(comparison, recorded.network, chain)
        chain.raw = sign_transactions(nodes[1], requests.r, requests, 40)
        ask_all(options, comparison, requests, table)
        if not options.only:
            envelopes.compare(comparison, 9)
        return comparison.print_table()
    finally:
        for node in nodes:
            node.stop()
        recorded.stop()


def chain_of(name, fixtures, folder, program, contracts):
    """The recording's folder."""
    if name not in made.KINDS:
        return fixtures / name
    (folder / name).mkdir()
    made.make(name, folder / name, program, contracts)
    return folder / name


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("node")
    parser.add_argument("--peer", default=os.environ.get("QUORATE_GOQUORUM"))
    parser.add_argument("--manager", help="quorate-tm, which both nodes ask, for recordings of private networks")
    parser.add_argument("--recording", nargs="+", default=["qbft"])
    parser.add_argument("--requests", type=int, default=2000, help="of each chain")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", metavar="METHOD", help="regular expressions of names")
    parser.add_argument("--port", type=int, default=None)
    parser.add_argument("--show", type=int, default=4, help="differences shown of each method")
    options = parser.parse_args()
    fixtures = compare.fixtures() / "recordings"
    if not options.peer or not all(name in made.KINDS or (fixtures / name / "genesis.json").exists() for name in options.recording):
        print("rpc_differential: skipped: it needs GoQuorum's binary in $QUORATE_GOQUORUM, and the recordings")
        return 77
    options.port = options.port or free_base(20)
    print(f"seed {options.seed}")
    table = {method["name"]: method for method in json.loads((ROOT / "docs" / "openrpc.json").read_text())["methods"]}
    contracts = json.loads((fixtures / "contracts" / "Golden.json").read_text())
    different = 0
    for name in options.recording:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="quorate-differential-"))
        recorded = Recorded(chain_of(name, fixtures, folder, options.node, contracts), folder, contracts)
        if recorded.is_private and not options.manager:
            parser.error(f"{name} needs --manager")
        here = compare_chain(options, recorded, table)
        different += here
        if not here:
            shutil.rmtree(recorded.folder)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""GoQuorum and quorate-node with multiple private states, both at one quorate-tm that has two tenants; a quorate-node with one private state
is the peer. Random private contracts between the three, then all private state roots ("empty", too), receipts, logs and payloads are the
same at the two, for each tenant.

    states.py --goquorum GETH --node QUORATE_NODE --manager QUORATE_TM [--fixtures FOLDER] [--transactions N] [--seed S]

Without a GoQuorum binary ($QUORATE_GOQUORUM) it says so and ends with 77."""
import argparse, json, os, random, shutil, subprocess, sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../private"))
from peers import set_to, until  # noqa: E402
from tenants import FOR_ALL, ONE, Tenants  # noqa: E402

OURS, PEER, THEIRS = 0, 1, 2
STATES = (ONE, FOR_ALL)


class Mixed(Tenants):
    """Node 2 is GoQuorum, at the manager of node 0."""

    def __init__(self, goquorum, *args, **kw):
        super().__init__(*args, **kw)
        self.goquorum = goquorum

    def start_manager(self, i):
        if i != THEIRS:
            super().start_manager(i)

    def start_node(self, i):
        if i != THEIRS:
            super().start_node(i)
            return
        d = os.path.join(self.work, "n2")
        environment = dict(os.environ, PRIVATE_CONFIG=os.path.join(self.work, "t0", "tm.ipc"))
        subprocess.run([self.goquorum, "--datadir", d, "init", self.multiple], env=environment, check=True, capture_output=True)
        self.write("n2/geth/static-nodes.json", json.dumps([
            e.split("@")[0] + f"@127.0.0.1:{self.port + 10 + j}?discport=0" for j, e in enumerate(self.network["enodes"][:2])]))
        self.nodes[i] = subprocess.Popen(
            [self.goquorum, "--datadir", d, "--networkid", "1337", "--port", str(self.port + 10 + i), "--nodiscover", "--mine",
             "--syncmode", "full", "--gcmode", "archive", "--nodekeyhex", self.network["node_keys"][i], "--http",
             "--http.port", str(self.port + 20 + i), "--http.api", "eth,debug"],
            env=environment, stdout=open(d + ".log", "a"), stderr=subprocess.STDOUT)


def load(p, count, seed):
    """Random contracts and calls of random parties; the hashes of the transactions."""
    r, contracts, sent = random.Random(seed), [], []
    key = {(OURS, ONE): p.keys[0], (OURS, FOR_ALL): p.keys[2], (PEER, FOR_ALL): p.keys[1]}

    def some(side):
        return r.sample([k for s, k in key.items() if s != side], r.randint(1, 2))

    def send(side, **what):
        i, psi = side
        sent.append(p.as_(psi, "eth_sendTransaction", p.arguments(i, **what), i=i))
        return sent[-1]

    for n in range(count):
        side, flag = r.choice(list(key)), r.choice((0, 0, 1))
        if n < 8 or r.random() < 0.2:
            to = some(side)
            made = receipt(p, side[0], side[1], send(side, input=p.creation("Store", n), privateFor=to, privacyFlag=flag))
            contracts.append((made["contractAddress"], flag, side, to))
            continue
        contract, flag, side, to = r.choice(contracts)
        if flag == 0 and r.random() < 0.3:  # whoever calls, and for whom, may be no party of the contract
            side = r.choice(list(key))
            to = some(side)
        send(side, to=contract, data=set_to(n), privateFor=to, privacyFlag=flag)
    return sent


def receipt(p, i, psi, sent):
    """The private one, of a marker that of the transaction inside."""
    made = p.receipt(i, sent)
    return p.as_(psi, "eth_getPrivateTransactionReceipt", sent, i=i) if made.get("isPrivacyMarkerTransaction") else made


def same(p, what, psi, method, *params):
    ours, theirs = (p.ask_as(psi, method, *params, i=i) for i in (OURS, THEIRS))
    assert ours == theirs, (what, psi, params, ours, theirs)
    return ours


def compare(p, sent, markers):
    for h in sent:
        p.receipt(OURS, h)
    last = int(p.receipt(OURS, sent[-1])["blockNumber"], 16)
    until(lambda: int(p.result(THEIRS, "eth_blockNumber"), 16) >= last, "the last block at GoQuorum")
    head, roots = min(int(p.result(i, "eth_blockNumber"), 16) for i in (OURS, THEIRS)), set()
    for block in range(1, head + 1):
        for psi in STATES:
            roots.add((psi, same(p, "root", psi, "debug_privateStateRoot", hex(block))["result"]))
    same(p, "empty", FOR_ALL, "debug_defaultStateRoot", hex(head))
    logs = 0
    for psi in () if markers else STATES:  # of a block with two markers GoQuorum reads no receipts any more
        logs += len(same(p, "logs", psi, "eth_getLogs", {"fromBlock": "0x0", "toBlock": hex(head)})["result"])
        for h in sent:
            receipt = same(p, "receipt", psi, "eth_getTransactionReceipt", h)["result"]
            digest = p.result(OURS, "eth_getTransactionByHash", h)["input"]
            same(p, "payload", psi, "eth_getQuorumPayload", digest)
            same(p, "payload", psi, "eth_getQuorumPayloadExtra", digest)
            if receipt["contractAddress"]:
                same(p, "code", psi, "eth_getCode", receipt["contractAddress"], "latest")
                same(p, "metadata", psi, "eth_getContractPrivacyMetadata", receipt["contractAddress"])
    for method, params in (("eth_getPSI", []), ("eth_getBalance", [p.address[0], "latest"]), ("eth_getLogs", [{}]),
                           ("debug_privateStateRoot", ["latest"]), ("eth_call", [{"to": p.address[0]}, "latest"])):
        assert "unable to find private state" in str(same(p, "unknown state", "nobody", method, *params))
    print(f"{len(sent)} private transactions, {len(roots)} different private states, {logs} logs: the same at both")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--goquorum", default=os.environ.get("QUORATE_GOQUORUM"))
    parser.add_argument("--node", required=True)
    parser.add_argument("--manager", required=True)
    parser.add_argument("--fixtures", default=os.environ.get("QUORATE_FIXTURES", os.path.join(HERE, "../../../shared/fixtures")))
    parser.add_argument("--transactions", type=int, default=60)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    if not args.goquorum or not os.access(args.goquorum, os.X_OK):
        print("no GoQuorum: set QUORATE_GOQUORUM to its binary; skipped")
        sys.exit(77)
    run(args, False)
    run(args, True)


def run(args, markers):
    """`markers`: those of node 0 go into marker transactions."""
    p = Mixed(args.goquorum, args.node, args.manager, args.fixtures, network="private-marker" if markers else "private",
              flags=[["--gcmode", "archive"] + ["--privacymarker.enable"] * markers, [], []])
    try:
        p.start()
        until(lambda: int(p.result(THEIRS, "eth_blockNumber"), 16) >= 2, "blocks of GoQuorum")
        compare(p, load(p, args.transactions, args.seed), markers)
    finally:
        p.stop()
        shutil.rmtree(p.work, ignore_errors=True)


main()

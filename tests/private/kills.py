#!/usr/bin/env python3
"""Four peers, each a node and a transaction manager; contracts private between the first and the third, which write to them all the time. Each of
the eight processes is killed (kill -9) at some moment and started again: afterwards the private state roots of the parties agree, whoever was
down has caught up, and the two others have seen nothing.

    kills.py NODE MANAGER FIXTURES [SEED]"""
import json, os, random, subprocess, sys, threading, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from peers import Peers, set_to, until

node, manager, fixtures = sys.argv[1], sys.argv[2], sys.argv[3]
seed = int(sys.argv[4]) if len(sys.argv) > 4 else 1
PARTIES, OTHERS = (0, 2), (1, 3)


class FourPeers(Peers):
    """The recorded three, and one with keys of its own, which is no validator."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        path = os.path.join(self.work, "fourth")
        subprocess.run([self.manager, "keygen", "--keyout", path], input="\n\n", text=True, check=True, stdout=subprocess.DEVNULL)
        self.keys.append(open(path + ".pub").read().strip())
        self.network["tm_private_keys"].append(json.load(open(path + ".key"))["data"]["bytes"])
        self.network["node_keys"].append(os.urandom(32).hex())

    def kill(self, kind, i):
        process = (self.nodes if kind == "node" else self.managers)[i]
        process.kill()
        process.wait()
        if kind == "manager":
            os.remove(os.path.join(self.work, f"t{i}", "tm.ipc"))

    def restart(self, kind, i):
        self.start_node(i) if kind == "node" else self.start_manager(i)


class Writers:
    """Sends from both parties until it is ended; what fails because somebody is down is left."""

    def __init__(self, p, contracts, chance):
        self.p, self.contracts, self.sent, self.over = p, contracts, [], threading.Event()
        self.threads = [threading.Thread(target=self.write, args=(i, random.Random(chance.random()))) for i in PARTIES]
        for thread in self.threads:
            thread.start()

    def write(self, i, chance):
        other = self.p.keys[PARTIES[1] if i == PARTIES[0] else PARTIES[0]]
        while not self.over.is_set():
            flag, contract = chance.choice(self.contracts)
            arguments = self.p.arguments(i, to=contract, data=set_to(chance.randrange(1000)), privateFor=[other], privacyFlag=flag)
            try:
                answer = self.p.post(self.p.port + 20 + i, "/", {"jsonrpc": "2.0", "id": 1, "method": "eth_sendTransaction", "params": [arguments]})
                if "result" in answer:
                    self.sent.append(answer["result"])
            except (OSError, ValueError):
                pass
            time.sleep(0.02)

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


def height(p, i):
    return int(p.result(i, "eth_blockNumber"), 16)


def agree(p, contracts, what):
    """Some blocks later, all at one head: the parties have one private state, the others have none of it."""
    at = max(height(p, i) for i in range(4)) + 2
    for i in range(4):
        until(lambda: height(p, i) >= at, f"{what}: node {i} at block {at}", 180)
    roots = {p.result(i, "debug_privateStateRoot", hex(at)) for i in PARTIES}
    assert len(roots) == 1, (what, at, roots)
    assert roots != {p.result(OTHERS[0], "debug_privateStateRoot", hex(at))}
    for _, contract in contracts:
        assert len({p.result(i, "eth_storageRoot", contract, hex(at)) for i in PARTIES}) == 1, (what, contract)
        assert all(p.result(i, "eth_getCode", contract, hex(at)) == "0x" for i in OTHERS), (what, contract)


def test(p):
    chance = random.Random(seed)
    contracts = []
    for flag in (0, 1, 3):
        sent = p.send(0, input=p.creation("Store", 1), privateFor=[p.keys[2]], privacyFlag=flag)
        contracts.append((flag, [p.receipt(i, sent) for i in range(4)][0]["contractAddress"]))
    victims = [(kind, i) for kind in ("node", "manager") for i in range(4)]
    chance.shuffle(victims)
    sent = []
    for kind, i in victims:
        writers = Writers(p, contracts, chance)
        time.sleep(chance.uniform(0.1, 1.5))
        p.kill(kind, i)
        time.sleep(chance.uniform(0, 0.5))
        p.restart(kind, i)
        time.sleep(0.3)
        writers.end()
        sent += writers.sent
        agree(p, contracts, f"{kind} {i}")
    mined = [h for h in sent if p.result(0, "eth_getTransactionReceipt", h)]
    for h in mined:
        receipts = [p.result(i, "eth_getTransactionReceipt", h) for i in range(4)]
        assert receipts[0]["status"] == receipts[2]["status"] and receipts[0]["logs"] == receipts[2]["logs"], h
        assert receipts[1]["logs"] == receipts[3]["logs"] == [], h
    assert mined, "nothing was written"
    print(f"8 processes killed under {len(sent)} private transactions, {len(mined)} of them mined: the parties agree")


FourPeers(node, manager, fixtures, "private", [[], [], [], []]).run(test)

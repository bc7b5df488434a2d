#!/usr/bin/env python3
"""Subscriptions and filters at GoQuorum and quorate-node, which follow the same chain while it grows, event by event.

    rpc_events.py --goquorum GETH --node QUORATE_NODE [--fixtures FOLDER] [--keep] [scenario ...]

Two followers, one of each kind, hear of the same blocks and transactions from one validator or signer. The same is asked of both at the same
moments, over WebSocket and IPC; what each subscription and each filter told is compared, in its order. Prints one line a check; exit code 0
when all hold, 77 without GoQuorum's binary (option, or $QUORATE_GOQUORUM) or the recordings.

scenarios
    follow-goquorum, follow-quorate   a QBFT chain, by a validator of that kind: newHeads, logs of every shape of filter, pending transactions;
              filters; several subscriptions on a connection, batches, unsubscribing, wrong requests
    reorg     a Clique chain of two signers, whose branch of more difficulty takes back the other's blocks: what is told as removed, and the pool
    sethead   debug_setHead at both followers, all that is asked about what was dropped, and the same blocks once more
"""
import itertools
import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../rpc"), os.path.join(HERE, "../support")]
from mixed import Failed, Net, Node, free_ports, main  # noqa: E402
from subscriber import Subscriber  # noqa: E402

NO_ONE = "0x" + "11" * 20
WORD = "0x%064x"
NO_BLOCK = WORD % 0


def emitter():
    """Runtime code: copies the call's data to memory, then LOG0 to LOG4 with the first words as topics."""
    code = "3660006000" "37"
    for n in range(5):
        code += "".join("60%02x35" % (32 * i) for i in reversed(range(n))) + "366000" + "%02x" % (0xa0 + n)
    return code + "00"


def creation(runtime):
    size = len(runtime) // 2
    return "0x60%02x600c60003960%02x6000f3" % (size, size) + runtime


class Follower(Node):
    """A node that makes no blocks, with WebSocket and IPC."""

    def __init__(self, *arguments, **more):
        super().__init__(*arguments, validator=False, **more)
        self.ws = free_ports(1)[0]
        self.more = ["--ws", "--ws.addr", "127.0.0.1", "--ws.port", str(self.ws), "--ws.api", "admin,eth,net,web3,debug,txpool"]

    def answer(self, method, *params):
        """The whole answer, but its id."""
        try:
            return self.rpc(method, *params)
        except Failed as error:
            return str(error).replace(f"{self.name} ", "")


def add_follower(net, index, kind, name, peers):
    node = Follower(net, index, kind, name=name, peers=peers)
    net.nodes.append(node)
    node.init()
    return node


class Pair:
    """What is asked of both followers, and compared."""

    def __init__(self, net, ours, theirs):
        self.net, self.ours, self.theirs = net, ours, theirs
        self.nodes = (ours, theirs)
        self.different = 0

    def same(self, what, ours, theirs):
        if ours == theirs:
            return True
        self.different += 1
        a, b = json.dumps(theirs, sort_keys=True), json.dumps(ours, sort_keys=True)
        at = next((i for i, (c, d) in enumerate(zip(a, b)) if c != d), min(len(a), len(b)))
        at = max(0, at - 100)
        print(f"   different: {what}\n      GoQuorum …{a[at:at + 500]}\n      here     …{b[at:at + 500]}", flush=True)
        return False

    def ask(self, method, *params):
        answers = [node.answer(method, *params) for node in self.nodes]
        self.same(f"{method} {json.dumps(params)[:300]}", *answers)
        return answers

    def check(self, text):
        self.net.check(self.different == 0, text)
        self.different = 0


# --- Filters of logs ---

def shapes(contract, other, head):
    """Criteria, all of which are taken; `head` is the chain's when they are made."""
    t = [WORD % (0xa0 + i) for i in range(4)]
    yield {}
    yield {"address": contract}
    yield {"address": [contract, other]}
    yield {"address": other}
    yield {"address": NO_ONE}
    yield {"address": []}
    yield {"address": None, "topics": None, "fromBlock": None, "toBlock": None}
    for topics in ([], [None], [t[0]], [[t[0]]], [None, t[1]], [t[0], t[1], t[2], t[3]], [[t[0], WORD % 0xb0], None, [t[2], WORD % 1]], [[], []], [[None, t[0]], t[1]],
                   [None, None, None, None], [None] * 5, [t[1]], [[WORD % 1, WORD % 2]], [t[0], t[0]]):
        yield {"topics": topics}
        yield {"address": contract, "topics": topics}
    for first, last in (("latest", "latest"), ("0x0", "latest"), ("earliest", "latest"), (hex(head + 4), "latest"), (hex(head + 3), hex(head + 6)), ("0x0", hex(head + 4)),
                        ("0x0", "0x1"), ("latest", "pending"), ("0x1", "pending"), (None, "latest"), ("latest", None), ("0x0", None), ("earliest", "earliest"),
                        (hex(head + 1000), hex(head + 2000))):
        yield {key: value for key, value in (("fromBlock", first), ("toBlock", last)) if value}
    yield {"blockHash": WORD % 5}


def wrong_criteria(contract):
    places = [None, "earliest", "latest", "pending", "0x0", "0x5", "0xffffffffff"]
    for first, last in itertools.product(places, places):
        yield {key: value for key, value in (("fromBlock", first), ("toBlock", last)) if value}
    yield from ({"fromBlock": "0x1", "blockHash": WORD % 1}, {"blockHash": "0x1"}, {"address": "0x1"}, {"address": 5}, {"address": [5]}, {"address": [contract[2:]]}, {"address": {}},
                {"topics": "x"}, {"topics": ["0x1"]}, {"topics": [5]}, {"topics": [[5]]}, {"topics": [{}]}, {"fromBlock": 5}, {"fromBlock": "x"}, {"toBlock": "0x"}, 
                {"fromBlock": "0x01"}, {"nonsense": 1}, {"ADDRESS": contract}, {"topics": [None] * 20})


def wrong_subscriptions(contract):
    """But for what is taken here and not there: whole pending transactions, the tags safe and finalized."""
    yield from ([], {}, "newHeads", None, [5], [None], [[]], [""], ["nope"], ["NewHeads"], ["newHeads", 1], ["newHeads", {}], ["newHeads", None], ["newHeads", None, None],
                ["syncing", 1], ["syncing", False], ["logs"], ["logs", None],
                ["logs", 5], ["logs", "x"], ["logs", []], ["logs", {}, {}], ["logs", {}, None], ["peerEvents"], ["traceChain"])
    yield from (["logs", criteria] for criteria in wrong_criteria(contract))


# --- A chain that grows ---

class Scene:
    """The source of blocks, two followers, and the accounts of the recording at the source."""

    def __init__(self, net, source):
        self.net, self.source = net, source
        self.nonces = {}
        for owner in net.accounts[:3]:
            source.rpc("personal_importRawKey", owner["key"][2:], "pw")
            source.rpc("personal_unlockAccount", owner["address"], "pw", 0)
        self.owners = [owner["address"] for owner in net.accounts[:3]]

    def raw(self, owner, to=None, data="0x", gas=500000):
        """Signed at the source, not sent."""
        nonce = self.nonces.get(owner, 0)
        self.nonces[owner] = nonce + 1
        transaction = {"from": owner, "gas": hex(gas), "gasPrice": "0x0", "value": "0x0", "nonce": hex(nonce), "data": data}
        if to:
            transaction["to"] = to
        return self.source.rpc("eth_signTransaction", transaction)["raw"]

    def send(self, via, *arguments, **more):
        return via.rpc("eth_sendRawTransaction", self.raw(*arguments, **more))

    def mined(self, hashes, nodes):
        for node in nodes:
            self.net.wait(lambda: all(node.try_rpc("eth_getTransactionReceipt", h) for h in hashes), 60, f"{node.name} has {len(hashes)} receipts")

    def deploy(self, nodes):
        hashes = [self.send(self.source, self.owners[0], data=creation(emitter())) for _ in range(2)]
        self.mined(hashes, nodes)
        return [self.source.rpc("eth_getTransactionReceipt", h)["contractAddress"] for h in hashes]

    def emit_raw(self, owner, contract, first=0xa0):
        return self.raw(owner, to=contract, data="0x" + "".join("%064x" % (first + i) for i in range(4)))

    def emit(self, via, *arguments):
        return via.rpc("eth_sendRawTransaction", self.emit_raw(*arguments))

    def address_of(self, nonce):
        """Of the contract that the first owner makes with that nonce."""
        return "0x" + self.source.rpc("web3_sha3", "0xd694" + self.owners[0][2:] + ("%02x" % (nonce or 0x80)))[-40:]


class Listening:
    """The same subscriptions and filters at both followers."""

    def __init__(self, pair, contracts, head):
        self.pair, self.criteria = pair, list(shapes(*contracts, head))
        self.connections = [{"WebSocket": Subscriber(node.ws), "IPC": Subscriber(os.path.join(node.folder, "geth.ipc")), "second": Subscriber(node.ws)} for node in pair.nodes]
        self.pending = 0  # logs that were of no block yet
        self.has_branches, self.told_more = False, 0
        self.subscriptions, self.filters = [], []  # (what, (ours, theirs)), of each connection
        for name in ("WebSocket", "IPC"):
            for params in [["newHeads"], ["newHeads"], ["newPendingTransactions"], ["syncing"]] + [["logs", c] for c in self.criteria]:
                self.subscribe(name, params)
        self.subscribe("second", ["logs", {}])
        for method, params in [("eth_newFilter", [c]) for c in self.criteria] + [("eth_newBlockFilter", []), ("eth_newPendingTransactionFilter", [])] * 2:
            ids = [node.rpc(method, *params) for node in pair.nodes]
            self.filters.append((f"{method} {json.dumps(params)}", ids))

    def subscribe(self, name, params):
        answers = [c[name].ask("eth_subscribe", *params) for c in self.connections]
        if not all("result" in a for a in answers):
            self.pair.same(f"eth_subscribe {params} over {name}", *answers)
            return
        self.subscriptions.append((name, params, [a["result"] for a in answers]))

    def told(self, name, ids):
        return [c[name].told(i) for c, i in zip(self.connections, ids)]

    def of(self, kind, name="WebSocket"):
        """ids of the first subscription of that kind"""
        return next(ids for where, params, ids in self.subscriptions if where == name and params[0] == kind)

    def wait_head(self, number_):
        """Until all that belongs to blocks up to there has been told: the answers to a last question come behind."""
        for c in self.connections:
            for name, kept in c.items():
                ids = [i for where, params, pair in self.subscriptions if where == name and params[0] == "newHeads" for i in pair]
                if ids:
                    kept.wait(lambda all_: any(m.get("params", {}).get("subscription") in ids and int(m["params"]["result"]["number"], 16) >= number_ for m in all_ if isinstance(m, dict)),
                              f"the head {number_}")

    def compare(self, low, high):
        """Heads from low to high, all logs, all transactions."""
        counts = {"newHeads": 0, "logs": 0, "newPendingTransactions": 0, "syncing": 0}
        for name, params, ids in self.subscriptions:
            ours, theirs = self.told(name, ids)
            if params[0] == "newHeads":
                ours, theirs = ([h for h in told if low <= int(h["number"], 16) <= high] for told in (ours, theirs))
                ours = self.less(ours, theirs)
            elif params[0] == "newPendingTransactions":
                ours, theirs = sorted(ours), sorted(theirs)
            elif params[0] == "logs":
                theirs = self.mined(theirs)
            counts[params[0]] += len(theirs)
            self.pair.same(f"{json.dumps(params)} over {name}", ours, theirs)
        return counts

    def less(self, ours, theirs):
        """Of a branch that becomes the chain GoQuorum tells the last block alone, which made it that; here all that are new in the chain are told."""
        rest = iter(ours)
        if self.has_branches and all(head in rest for head in theirs):
            self.told_more += len(ours) - len(theirs)
            return theirs
        return ours

    def mined(self, logs):
        """Without those of the block that GoQuorum is making, which there are none of here."""
        self.pending += sum(log["blockHash"] == NO_BLOCK for log in logs)
        return [log for log in logs if log["blockHash"] != NO_BLOCK]

    def changes(self, low, high, quiet=False):
        """Of hashes of blocks those from low to high; logs of the latest block only while it stays that."""
        count, hashes = 0, set() if quiet else {self.pair.ours.rpc("eth_getBlockByNumber", hex(n), False)["hash"] for n in range(low, high + 1)}
        for what, ids in self.filters:
            ours, theirs = (node.answer("eth_getFilterChanges", i) for node, i in zip(self.pair.nodes, ids))
            if what.startswith("eth_newBlockFilter"):
                ours, theirs = ([h for h in told if quiet or h in hashes] for told in (ours, theirs))
                ours = self.less(ours, theirs)
            elif what.startswith("eth_newPending"):
                ours, theirs = sorted(ours), sorted(theirs)
            else:
                theirs = self.mined(theirs)
            count += len(theirs)
            self.pair.same(f"eth_getFilterChanges of {what}", ours, theirs)
            if what.startswith("eth_newFilter"):
                self.logs(what, ids, high, quiet)
        return count

    def logs(self, what, ids, high, quiet):
        criteria = json.loads(what.split(" ", 1)[1])[0]
        if criteria.get("toBlock") == "pending" or (not quiet and criteria.get("fromBlock") in (None, "latest") and "blockHash" not in criteria):
            return # GoQuorum has none up to the pending block
        logs = [node.answer("eth_getFilterLogs", i) for node, i in zip(self.pair.nodes, ids)]
        if all(isinstance(one, list) for one in logs):
            logs = [[x for x in one if int(x["blockNumber"], 16) <= high] for one in logs]
        self.pair.same(f"eth_getFilterLogs of {what}", *logs)

    def close(self):
        for c in self.connections:
            for kept in c.values():
                kept.close()


def one_validator(net):
    with open(net.genesis) as f:
        genesis = json.load(f)
    genesis["extraData"] = "0xf83aa0" + "00" * 32 + "d594" + net.addresses[0][2:].lower() + "c080c0"
    with open(net.genesis, "w") as f:
        json.dump(genesis, f)


def check_wrong(net, pair, contracts):
    """Requests that are no good, or only look so, over WebSocket and HTTP."""
    connections = [Subscriber(node.ws) for node in pair.nodes]
    count = 0
    for params in wrong_subscriptions(contracts[0]):
        answers = []
        for kept in connections:
            kept.send(json.dumps({"jsonrpc": "2.0", "id": "w%d" % count, "method": "eth_subscribe", "params": params}))
            answer = kept.wait(lambda all_: next((m for m in all_ if isinstance(m, dict) and m.get("id") == "w%d" % count), None), f"an answer to {params}")
            answers.append("a subscription" if "result" in answer else answer["error"])
        pair.same(f"eth_subscribe {json.dumps(params)}", *answers)
        count += 1
    for criteria in wrong_criteria(contracts[0]):
        answers = [node.answer("eth_newFilter", criteria) for node in pair.nodes]
        pair.same(f"eth_newFilter {json.dumps(criteria)}", *("a filter" if a.startswith("0x") else a for a in answers))
        count += 1
    for method, params in (("net_subscribe", ["newHeads"]), ("admin_subscribe", ["newHeads"]), ("nope_subscribe", ["x"]), ("debug_subscribe", ["nope"]), ("eth_unsubscribe", []),
                           ("eth_unsubscribe", ["0x1"]), ("eth_unsubscribe", [1]), ("eth_unsubscribe", [None]), ("nope_unsubscribe", ["0x1"]), ("eth_subscription", [])):
        pair.same(f"{method} {params}", *(kept.ask(method, *params) for kept in connections))
        pair.ask(method, *params)
        count += 1
    for kept in connections:
        kept.close()
    pair.check(f"{count} requests to subscribe or for a filter, wrong ones and strange ones, have the same answers")


def check_batches(net, pair, scene, contracts):
    """Ids of a batch come as one answer, before all that they tell."""
    batch = [{"id": 1, "method": "eth_subscribe", "params": ["newHeads"]}, {"id": 2, "method": "eth_blockNumber"}, {"id": 3, "method": "eth_subscribe", "params": ["logs", {"address": contracts[0]}]},
             {"id": 4, "method": "eth_unsubscribe", "params": ["0x1"]}, {"id": 5, "method": "eth_subscribe", "params": ["nope"]}, {"method": "eth_subscribe", "params": ["newHeads"]}]
    for name in ("WebSocket", "IPC"):
        seen = []
        for node in pair.nodes:
            kept = Subscriber(node.ws if name == "WebSocket" else os.path.join(node.folder, "geth.ipc"))
            kept.send(json.dumps([{"jsonrpc": "2.0", **call} for call in batch]))
            first = kept.wait(lambda all_: all_ and all_[0], "the answer of a batch")
            kept.wait(lambda all_: sum(m.get("method") == "eth_subscription" for m in all_[1:]) >= 6, "six heads")
            ids = [answer.get("result") for answer in first] if isinstance(first, list) else []
            told = {m["params"]["subscription"] for m in kept.messages[1:]}
            seen.append([isinstance(first, list), [sorted(a) for a in first], [a["id"] for a in first], [a.get("error") for a in first], ids[0] in told, len(told - {ids[0], ids[2]})])
            kept.close()
        pair.same(f"a batch over {name}", *seen)
        net.check(seen[0][0] and seen[0][4], f"a batch over {name}: one answer, then what its subscriptions tell")
    pair.check("and the same of both")


def check_order(net, listening):
    """Nothing is told of a subscription before the answer that names it."""
    early = 0
    for c in listening.connections:
        for kept in c.values():
            known = set()
            for message in kept.messages:
                if "params" in message:
                    early += message["params"]["subscription"] not in known
                elif isinstance(message.get("result"), str):
                    known.add(message["result"])
    net.check(early == 0, "nothing is told before the answer that names its subscription")


def check_ends(net, pair, scene, listening, contracts):
    """Unsubscribed and uninstalled, they tell nothing more; those of another connection stay."""
    name, params, ids = next(s for s in listening.subscriptions if s[0] == "second")
    for other in ("WebSocket", "IPC"):
        pair.same("eth_unsubscribe over another connection", *(c[other].ask("eth_unsubscribe", i) for c, i in zip(listening.connections, ids)))
    gone = [s for s in listening.subscriptions if s[0] != "second"]
    for where, params, ids_ in gone:
        for _ in range(2):
            pair.same(f"eth_unsubscribe of {params}", *(c[where].ask("eth_unsubscribe", i) for c, i in zip(listening.connections, ids_)))
    before = [[len(told) for told in listening.told(where, ids_)] for where, params, ids_ in gone]
    sent = [scene.emit(scene.source, scene.owners[0], contracts[0])]
    scene.mined(sent, pair.nodes)
    for c, i in zip(listening.connections, ids):
        c["second"].wait(lambda all_: any("params" in m and m["params"]["result"]["transactionHash"] == sent[0] for m in all_), "the log of the subscription that stays")
        for where in ("WebSocket", "IPC"): # what had been told before would stand before this answer
            c[where].ask("net_version")
    net.check(before == [[len(told) for told in listening.told(where, ids_)] for where, params, ids_ in gone], f"{len(gone)} subscriptions that ended tell nothing more")
    for what, ids_ in listening.filters:
        for method in ("eth_uninstallFilter", "eth_uninstallFilter", "eth_getFilterChanges", "eth_getFilterLogs"):
            pair.same(f"{method} of {what}", *(node.answer(method, i) for node, i in zip(pair.nodes, ids_)))
    pair.check(f"unsubscribing, uninstalling {len(listening.filters)} filters, and asking for them again is answered alike")


def follow(args, kind):
    with Net(args, "qbft", f"QBFT, followed from a validator of {kind}") as net:
        one_validator(net)
        source = net.add(0, kind)
        source.peers, source.more = [source], ["--lightkdf"]
        pair = Pair(net, add_follower(net, 1, "quorate", "ours", [source]), add_follower(net, 2, "goquorum", "theirs", [source]))
        for node in net.nodes:
            node.start()
        net.wait_height(2, 90)
        scene = Scene(net, source)
        contracts = scene.deploy(pair.nodes)
        listening = Listening(pair, contracts, max(node.head() for node in net.nodes))
        low = max(node.head() for node in net.nodes) + 1
        sent = []
        for turn in range(5):
            for at, owner in enumerate(scene.owners):
                via = (source, pair.ours, pair.theirs)[at if turn > 1 else 0]
                sent += [scene.emit(via, owner, contracts[(turn + at) % 2], (0xa0, 0xb0, 0x0)[turn % 3]) for _ in range(1 + turn % 2)]
            scene.mined(sent, net.nodes)
            if turn == 2: # filters are asked twice
                high = max(int(source.rpc("eth_getTransactionReceipt", h)["blockNumber"], 16) for h in sent)
                listening.wait_head(high)
                listening.changes(low, high)
                asked = max(node.head() for node in net.nodes)
        high = max(int(source.rpc("eth_getTransactionReceipt", h)["blockNumber"], 16) for h in sent)
        listening.wait_head(high + 1)
        counts = listening.compare(low, high)
        net.check(counts["logs"] > 100 and counts["newPendingTransactions"] >= 2 * len(sent), f"GoQuorum told {counts} in blocks {low} to {high}")
        pair.check(f"{len(listening.subscriptions)} subscriptions told the same")
        changes = listening.changes(asked + 1, high)
        net.check(changes > 100, f"GoQuorum's filters gave {changes} at the second question")
        pair.check(f"{len(listening.filters)} filters gave the same")
        net.check(listening.pending > 0, f"{listening.pending} logs were of GoQuorum's own pending block, which are not told here")
        check_order(net, listening)
        check_ends(net, pair, scene, listening, contracts)
        check_wrong(net, pair, contracts)
        check_batches(net, pair, scene, contracts)
        listening.close()
    return net.failures


# --- A chain that is taken back ---

class Signer(Node):
    """Of a Clique chain; it makes a block whenever there is a transaction."""

    def __init__(self, net, index, name):
        super().__init__(net, index, "goquorum", name=name, validator=False)
        self.peers = [self]

    def begin(self):
        os.makedirs(os.path.join(self.folder, "geth"))
        with open(os.path.join(self.folder, "geth", "nodekey"), "w") as f:
            f.write(self.net.keys[self.index])
        self.run("init", self.net.genesis)
        for name, text in (("key", self.net.keys[self.index]), ("password", "pw\n")):
            with open(os.path.join(self.folder, name), "w") as f:
                f.write(text)
        password = os.path.join(self.folder, "password")
        self.run("--lightkdf", "--password", password, "account", "import", os.path.join(self.folder, "key"))
        address = self.net.addresses[self.index]
        self.more = ["--lightkdf", "--mine", "--miner.threads", "1", "--miner.etherbase", address, "--unlock", address, "--password", password]
        self.start()


def clique_genesis(net):
    with open(net.genesis) as f:
        genesis = json.load(f)
    genesis["config"].pop("qbft")
    genesis["config"]["clique"] = {"period": 0, "epoch": 30000}
    signers = sorted(address[2:].lower() for address in net.addresses[:2])
    genesis.update(extraData="0x" + "00" * 32 + "".join(signers) + "00" * 65, mixHash=NO_BLOCK, difficulty="0x1", nonce="0x0")
    with open(net.genesis, "w") as f:
        json.dump(genesis, f)
    return sorted((0, 1), key=lambda i: net.addresses[i].lower())


def branch(net, name, first, second, transactions):
    """Blocks of one transaction each, signed in turns by `first` and `second`, as files; `transactions`: a function of a scene."""
    signers = [Signer(net, index, f"{name}{index}") for index in (first, second)]
    signers[1].peers = [signers[0]]
    net.nodes += signers
    try:
        signers[0].begin()
        raws = transactions(Scene(net, signers[0]))
        for at, raw in enumerate(raws):
            if at == 1:
                signers[1].begin()
                net.wait(lambda: signers[1].head() == 1, 60, f"{signers[1].name} has block 1")
            for node in signers[:at + 1]:
                node.try_rpc("eth_sendRawTransaction", raw) # which the other may have told it of
            for node in signers[:at + 1]:
                net.wait(lambda: node.head() == at + 1, 60, f"{node.name} has block {at + 1}")
        files = []
        for number in range(1, len(raws) + 1):
            files.append(os.path.join(net.folder, f"{name}-{number}.rlp"))
            signers[0].rpc("admin_exportChain", files[-1], number, number)
        return files, raws
    finally:
        for node in signers:
            node.stop()
            net.nodes.remove(node)


def branches(net):
    """A, all of it out of turn (difficulty 1), and B in turn (2): B is heavier than A with half its length. Some transactions are in both."""
    out_of_turn, in_turn = clique_genesis(net)
    contracts = []

    def of_a(scene):
        raws = [scene.raw(scene.owners[0], data=creation(emitter())) for _ in range(2)]
        contracts.extend(scene.address_of(n) for n in range(2))
        raws += [scene.emit_raw(scene.owners[1], contracts[0]) for _ in range(3)]
        raws += [scene.emit_raw(scene.owners[2 if n % 3 else 1], contracts[n % 2], (0xa0, 0xb0, 0x0)[n % 3]) for n in range(8)]
        return raws

    def of_b(scene):
        raws = [scene.raw(scene.owners[0], data=creation(emitter())) for _ in range(2)]
        raws += [scene.emit_raw(scene.owners[1], contracts[0]) for _ in range(2)] # as in A
        raws += [scene.emit_raw(scene.owners[2], contracts[1], 0xb0) for _ in range(2)]
        return raws
    a = branch(net, "a", out_of_turn, in_turn, of_a)
    return a, branch(net, "b", in_turn, out_of_turn, of_b), contracts


def begin_quiet(net, pair, contracts):
    for node in pair.nodes:
        node.peers = [node]
        node.start()
    return Listening(pair, contracts, 0)


STATE = [("eth_blockNumber",), ("eth_getBlockByNumber", "latest", False), ("txpool_content",), ("txpool_status",), ("eth_pendingTransactions",), ("eth_syncing",)]


def is_aside(pair, block):
    """Of a branch that GoQuorum keeps beside its chain; such are not to be had here."""
    ours, theirs = (node.rpc("eth_getBlockByHash", block["hash"], False) for node in pair.nodes)
    at = pair.theirs.rpc("eth_getBlockByNumber", block["number"], False)
    if not theirs or (at and at["hash"] == block["hash"]):
        return False
    pair.same(f"a block of another branch, {block['hash']}", ours, None)
    return True


def look(pair, blocks, contracts, owners, returned=False):
    """All that is asked about what the chain has or had; `returned`: transactions of dropped blocks are in our pool again, GoQuorum loses them."""
    for question in STATE if not returned else STATE[:2] + STATE[-1:]:
        pair.ask(*question)
    for owner in owners:
        for tag in ("latest", "0x2") if returned else ("latest", "pending", "0x2"):
            pair.ask("eth_getTransactionCount", owner, tag)
        pair.ask("eth_getBalance", owner, "latest")
    for number in range(15):
        pair.ask("eth_getBlockByNumber", hex(number), True)
        pair.ask("eth_getBlockTransactionCountByNumber", hex(number))
        pair.ask("eth_getLogs", {"fromBlock": hex(number), "toBlock": hex(number)})
    for block in blocks: # of either branch
        if is_aside(pair, block):
            continue
        pair.ask("eth_getBlockByHash", block["hash"], False)
        pair.ask("eth_getHeaderByHash", block["hash"])
        pair.ask("eth_getLogs", {"blockHash": block["hash"]})
        pair.ask("eth_getBalance", owners[0], {"blockHash": block["hash"]})
        pair.ask("eth_getBalance", owners[0], {"blockHash": block["hash"], "requireCanonical": True})
        for transaction in block["transactions"]:
            if returned and (pair.ours.rpc("eth_getTransactionByHash", transaction) or {"blockHash": ""})["blockHash"] is None:
                pair.same(f"a transaction of a dropped block, {transaction}", pair.theirs.rpc("eth_getTransactionByHash", transaction), None)
                continue
            pair.ask("eth_getTransactionByHash", transaction)
            pair.ask("eth_getTransactionReceipt", transaction)
            pair.ask("eth_getRawTransactionByHash", transaction)
            pair.ask("debug_traceTransaction", transaction, {"disableStack": True})
            pair.ask("eth_getTransactionByBlockHashAndIndex", block["hash"], "0x0")
    for contract in contracts:
        pair.ask("eth_getCode", contract, "latest")
        pair.ask("eth_call", {"to": contract, "data": "0x"}, "latest")
    pair.ask("eth_getLogs", {"fromBlock": "0x0"})


class Script:
    """Blocks come as files, one after the other, to both followers, which have no peers."""

    def __init__(self, net, pair, listening):
        self.net, self.pair, self.listening = net, pair, listening
        self.blocks, self.owners = [], [owner["address"] for owner in net.accounts[:3]]

    def take(self, path):
        for node in self.pair.nodes:
            node.rpc("admin_importChain", path)
        heads = [node.rpc("eth_getBlockByNumber", "latest", False) for node in self.pair.nodes]
        self.pair.same(f"the head after {os.path.basename(path)}", *(head["hash"] for head in heads))
        if heads[1]["hash"] not in [block["hash"] for block in self.blocks]:
            self.blocks.append(heads[1])

    def settle(self):
        """Until both have told what there is: nothing comes for a while."""
        def size():
            return [len(kept.messages) for c in self.listening.connections for kept in c.values()]
        last, since = size(), time.monotonic()
        while time.monotonic() - since < 1:
            time.sleep(0.1)
            if size() != last:
                last, since = size(), time.monotonic()


def reorg(args):
    with Net(args, "qbft", "Clique: a branch takes another one's blocks back") as net:
        a, b, contracts = branches(net)
        net.check(True, f"GoQuorum made a branch of {len(a[0])} blocks and one of {len(b[0])}")
        pair = Pair(net, add_follower(net, 2, "quorate", "ours", None), add_follower(net, 3, "goquorum", "theirs", None))
        listening = begin_quiet(net, pair, contracts)
        listening.has_branches = True
        script = Script(net, pair, listening)
        told = 0
        for what, files in (("five blocks", a[0][:5]), ("two of the other branch, which are lighter", b[0][:2]), ("a third, with which it is shorter, and heavier", b[0][2:3]),
                            ("three more", b[0][3:]), ("the first branch, longer and as heavy", a[0][5:12]), ("and heavier", a[0][12:])):
            for path in files:
                script.take(path)
            script.settle()
            look(pair, script.blocks, contracts, script.owners)
            pair.check(f"{what}: blocks, receipts, states and the pool are answered alike")
            counts = listening.compare(0, 100)
            told_now = sum(counts.values())
            pair.check(f"{told_now - told} more events of {len(listening.subscriptions)} subscriptions")
            told = told_now
            listening.changes(0, 0, quiet=True)
            pair.check(f"changes and logs of {len(listening.filters)} filters")
        removed = sum(log["removed"] for log in listening.told("WebSocket", listening.of("logs"))[1])
        net.check(removed > 0, f"GoQuorum told {removed} logs of blocks taken back to a subscription of all logs")
        net.check(listening.told_more > 0, "and left out blocks of the branch that became the chain")
        listening.close()
    return net.failures


def set_head(args):
    with Net(args, "qbft", "debug_setHead") as net:
        a, b, contracts = branches(net)
        pair = Pair(net, add_follower(net, 2, "quorate", "ours", None), add_follower(net, 3, "goquorum", "theirs", None))
        listening = begin_quiet(net, pair, contracts)
        script = Script(net, pair, listening)
        for path in a[0]:
            script.take(path)
        for to, again in (("0xa", a[0][10:12]), ("0x3", a[0][3:5]), ("0x5", []), ("0x63", []), ("0x0", a[0][:6]), ("0x1", b[0]), ("latest", []), ("0x2", a[0])):
            pair.ask("debug_setHead", to)
            script.settle()
            look(pair, script.blocks, contracts, script.owners, returned=True)
            pair.check(f"after debug_setHead {to} all is answered alike")
            for path in again:
                script.take(path)
            script.settle()
            look(pair, script.blocks, contracts, script.owners, returned=True)
            pair.check(f"and after {len(again)} blocks more")
        # What is told of it differs on purpose: GoQuorum says nothing (docs/compatibility.md).
        ours, theirs = listening.told("WebSocket", listening.of("newHeads"))
        net.check(len(ours) > len(theirs), f"told of {len(ours)} heads here, of {len(theirs)} there")
        listening.close()
    return net.failures


SCENARIOS = {
    "follow-goquorum": lambda args: follow(args, "goquorum"),
    "follow-quorate": lambda args: follow(args, "quorate"),
    "reorg": reorg,
    "sethead": set_head,
}


if __name__ == "__main__":
    sys.exit(main(SCENARIOS, __doc__))

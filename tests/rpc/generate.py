"""Requests made from the table of methods (docs/openrpc.json) and from a chain, right and wrong ones, by a seeded generator.

Parameters are texts of JSON, so that they can be what no encoder writes: keys twice, zeros in front, numbers of any size."""
import json
import re

ZERO = "0x" + "0" * 64
TAGS = ["latest", "earliest", "latest", "earliest", "latest", "earliest", "pending"]
TRACERS = ["callTracer", "prestateTracer", "4byteTracer", "noopTracer", "opcountTracer", "unigramTracer", "bigramTracer", "trigramTracer",
           "evmdisTracer"]
# What would end the comparison, write files, or take long, when it is asked with what is right: asked with what is wrong alone.
ONLY_WRONG = {"admin_startHTTP", "admin_startRPC", "admin_startWS", "admin_importChain", "admin_exportChain", "debug_setHead", "miner_start",
              "debug_traceBlockFromFile", "debug_standardTraceBlockToFile", "debug_standardTraceBadBlockToFile", "debug_verbosity",
              "debug_vmodule", "debug_backtraceAt", "debug_testSignCliqueBlock", "admin_addPeer", "admin_removePeer", "admin_addTrustedPeer",
              "admin_removeTrustedPeer", "personal_newAccount", "personal_lockAccount", "personal_unlockAccount", "personal_importRawKey",
              "debug_cpuProfile", "debug_goTrace", "debug_blockProfile", "debug_mutexProfile", "debug_writeBlockProfile",
              "debug_writeMemProfile", "debug_writeMutexProfile", "debug_startCPUProfile", "debug_startGoTrace", "raft_addPeer",
              "raft_addLearner", "raft_removePeer", "raft_promoteToPeer", "eth_sendTransactionAsync", "personal_sendTransaction", "personal_signAndSendTransaction", "debug_setGCPercent"}
# What they are told changes the node: not asked at all.
NEVER = {"admin_stopHTTP", "admin_stopRPC", "admin_stopWS", "debug_freeOSMemory", "debug_chaindbCompact", "debug_stopCPUProfile",
         "debug_stopGoTrace", "debug_stacks"}
JUNK = ['null', 'true', 'false', '0', '1', '-1', '1.5', '1e3', '1E400', '18446744073709551615', '18446744073709551616', '-9223372036854775809',
        '9223372036854775808', '2147483648', '""', '"0x"', '"0X"', '"0x0"', '"0x00"', '"0x01"', '"0X1"', '"0x1"', '"1"', '"-1"', '"-0x1"', '"0x-1"',
        '"0xg"', '"0x1g"', '"0xzz"', '"x"', '" 0x1"', '"0x1 "', '"0xffffffffffffffff"', '"0x10000000000000000"', '"0x7fffffffffffffff"',
        '"0x8000000000000000"', '"0xffffffff"', '"0x' + 'f' * 64 + '"', '"0x1' + '0' * 64 + '"', '"0x' + 'F' * 40 + '"', '"0X' + 'f' * 40 + '"',
        '"' + 'f' * 40 + '"', '"' + 'f' * 64 + '"', '"0x' + 'f' * 39 + '"', '"0x' + 'f' * 41 + '"', '"0x' + 'f' * 42 + '"',
        '"0x' + 'f' * 63 + '"', '"0x' + 'f' * 65 + '"', '"0x' + 'f' * 66 + '"', '"0x' + 'g' * 40 + '"', '"0x' + 'g' * 64 + '"',
        '"Latest"', '"LATEST"', '"latest"', '"earliest"', '"pending"', '" latest "', '"late\\u0073t"', '"\\u00e9\\ud83d\\ude00"', '"\\ud800"',
        '"a\\nb\\"c<>&"', '[]', '{}', '[[]]', '[null]', '[1]', '["0x1"]', '{"a":1}', '{"blockNumber":"0x1"}', '{"":null}', '[{}]', '"gAAAAA=="',
        '"gAAAAA="', '"g A="', '"true"', '01'[1:] + '2', '"https://a:b@c/"', '"enode://00@127.0.0.1:1"', '"m/44\'/60\'/0\'/0"']


def dump(value):
    return json.dumps(value)


class Chain:
    """What requests are about: from the exported blocks as a node tells them."""

    def __init__(self, node, network, contracts, parties):
        def ask(method, *params):
            result, error = node.ask(method, list(params))
            assert error is None, (method, params, error)
            return result
        self.head = int(ask("eth_blockNumber"), 16)
        self.blocks = [ask("eth_getBlockByNumber", hex(n), True) for n in range(self.head + 1)]
        self.transactions = [tx for block in self.blocks for tx in block["transactions"]]
        receipts = [ask("eth_getTransactionReceipt", tx["hash"]) for tx in self.transactions]
        self.contracts = sorted({r["contractAddress"] for r in receipts if r and r["contractAddress"]})
        self.topics = sorted({topic for r in receipts if r for log in r["logs"] for topic in log["topics"]})
        self.accounts = sorted({tx["from"] for tx in self.transactions})
        self.others = sorted({b["miner"] for b in self.blocks} | set(network["node_addresses"]))
        self.selectors = sorted({s for c in contracts.values() for s in selectors(c["methods"])})
        self.enodes = network["enodes"]
        self.parties = parties
        # What private transactions carry: hashes of their payloads.
        self.payloads = [tx["input"] for tx in self.transactions if tx["v"] in ("0x25", "0x26") or int(tx["to"] or "0x0", 16) == 0x7A]
        self.raw = []      # signed transactions, good and bad
        self.filters = []  # ids of filters, as each node has them: the caller keeps them
        self.keys = []     # accounts that both nodes have


def selectors(methods):
    return [s if s.startswith("0x") else "0x" + s for s in (methods.values() if isinstance(methods, dict) else methods)]


class Requests:
    def __init__(self, random, table, chain):
        self.r, self.table, self.chain = random, table, chain

    # --- Values of each type ---

    def address(self):
        chain = self.chain
        one = self.r.choice([self.r.choice(chain.contracts or chain.accounts), self.r.choice(chain.accounts), self.r.choice(chain.others),
                             "0x" + "0" * 38 + "%02x" % self.r.randrange(1, 10), "0x" + "%040x" % self.r.getrandbits(160)])
        return self.r.choice([one, one, one, "0x" + one[2:].upper(), one[2:], "0X" + one[2:]])

    def number(self):
        head = self.chain.head
        return self.r.choice([hex(self.r.randint(0, head)), hex(self.r.randint(0, head)), hex(head), hex(head + self.r.randint(0, 3)), "0x0",
                              self.r.choice(TAGS), "latest"])

    def hash(self):
        return self.r.choice([self.r.choice(self.chain.blocks)["hash"], self.r.choice(self.chain.transactions)["hash"],
                              self.r.choice(self.chain.transactions)["hash"], ZERO, "0x%064x" % self.r.getrandbits(256)])

    def block_or_hash(self):
        block = self.r.choice(self.chain.blocks)
        unknown = "0x%064x" % self.r.getrandbits(256)
        return self.r.choice([self.number(), self.number(), self.number(), block["hash"], {"blockNumber": block["number"]}, {"blockHash": block["hash"]},
                              {"blockHash": block["hash"], "requireCanonical": self.r.choice([True, False])}, {"blockHash": unknown}, unknown,
                              {"blockHash": unknown, "requireCanonical": True}, {"blockNumber": self.number(), "blockHash": block["hash"]},
                              {"blockNumber": block["number"], "requireCanonical": True}, {}])

    def data(self):
        words = "".join(self.r.choice(["%064x" % self.r.randrange(4), "%064x" % self.r.getrandbits(256), "0" * 24 + self.r.choice(self.chain.accounts)[2:]])
                        for _ in range(self.r.randrange(4)))
        start = self.r.choice(self.chain.selectors + ["0x", "0xdeadbeef"])
        return start + words

    def code(self):
        """Creation code or a text of instructions of random kinds."""
        return self.r.choice(["0x600160005500", "0x6001600055fe", "0x01", "0x60206000f3", "0x600080fd", "0x6001600081f0",
                              "0x3660006000376000600036f3", "0x60806040526000fd", "0xf8", "0x4260005260206000f3", "0x47325a3a606052",
                              "0x6000600060006000600073" + self.r.choice(self.chain.contracts or self.chain.accounts)[2:] + "5af100",
                              "0x" + self.r.randbytes(self.r.randrange(1, 40)).hex()])

    def call(self, sends=False):
        r, call = self.r, {}
        if r.random() < (0.95 if sends else 0.7):
            call["from"] = r.choice(self.chain.keys) if sends and self.chain.keys and r.random() < 0.6 else r.choice(self.chain.accounts + self.chain.others)
        if r.random() < 0.85:
            call["to"] = r.choice(self.chain.contracts * 3 + self.chain.accounts + ["0x" + "0" * 39 + "%x" % r.randrange(1, 11)])
            name = "input" if r.random() < (0.3 if sends else 0.03) else "data"
            call[name] = self.data()
            if r.random() < 0.05:
                call["input"] = r.choice([call[name], self.data()])
        elif r.random() < 0.8:
            call["data"] = self.code()
        for name, values, often in (("gas", ["0x5208", "0x0", "0x1", "0xffff", "0x100000", "0x7fffffffffffffff", "0xffffffffffffffff"], 0.3),
                                    ("gasPrice", ["0x0", "0x1", "0x3b9aca00", "0x" + "f" * 64], 0.2),
                                    ("value", ["0x0", "0x1", "0xde0b6b3a7640000", "0x" + "f" * 64], 0.25),
                                    ("nonce", ["0x0", "0x1", "0x7", "0xffffffffffffffff"], 0.3 if sends else 0.05),
                                    ("chainId", ["0x539", "0x1"], 0.05), ("type", ["0x0", "0x1", "0x2"], 0.03)):
            if r.random() < often:
                call[name] = r.choice(values)
        if r.random() < 0.08:
            call["accessList"] = r.choice([[], [{"address": self.r.choice(self.chain.accounts), "storageKeys": [ZERO]}],
                                           [{"address": r.choice(self.chain.accounts), "storageKeys": []}], None])
        if sends and r.random() < 0.1:
            call.update(self.private())
        return call

    def private(self):
        parties = {"privateFor": self.r.choice(self.chain.parties)}
        return self.r.choice([parties, parties, {**parties, "privateFrom": "x"}, {**parties, "privacyFlag": self.r.randrange(5)},
                              {**parties, "mandatoryFor": []}, {"privateFrom": "x"}, {"privacyFlag": self.r.randrange(5)}, {"mandatoryFor": []}])

    def topics(self):
        def one():
            return self.r.choice([None, [], self.r.choice(self.chain.topics or [ZERO]), [self.r.choice(self.chain.topics or [ZERO]), ZERO], [None], ZERO])
        return [one() for _ in range(self.r.randrange(6))]

    def filter(self):
        r, chain, criteria = self.r, self.chain, {}
        if r.random() < 0.25:
            criteria["blockHash"] = r.choice([r.choice(chain.blocks)["hash"], ZERO])
        if r.random() < 0.7:
            criteria["fromBlock"] = r.choice(["0x0", self.number(), "earliest", None])
        if r.random() < 0.6:
            criteria["toBlock"] = r.choice([self.number(), "latest", None])
        if r.random() < 0.5:
            criteria["address"] = r.choice([r.choice(chain.contracts or chain.accounts), chain.contracts[:3], [], None, [self.address()]])
        if r.random() < 0.5:
            criteria["topics"] = r.choice([self.topics(), self.topics(), [], None])
        return criteria

    def overrides(self):
        word, slot = "0x%064x" % self.r.randrange(99), "0x%064x" % self.r.randrange(3)
        account = self.r.choice(self.chain.contracts or self.chain.accounts)
        return self.r.choice([None, {}, {account: {"balance": "0x64"}}, {account: {"nonce": "0x7"}}, {account: {"code": self.code()}},
                              {account: {"state": {slot: word}}}, {account: {"stateDiff": {slot: word}}}, {account: {"stateDiff": {slot: word}, "state": {}}}])

    def trace(self, of_call=False):
        r, config = self.r, {}
        if r.random() < 0.6:
            config["tracer"] = r.choice(TRACERS)
            if r.random() < 0.3:
                config["tracerConfig"] = r.choice([{"withLog": True}, {"onlyTopCall": True}, {"diffMode": True}])
        for name in ("disableStorage", "disableStack", "disableMemory", "disableReturnData", "debug", "enableMemory", "enableReturnData"):
            if r.random() < 0.15:
                config[name] = r.choice([True, False])
        if r.random() < 0.1:
            config["limit"] = r.choice([0, 1, 7, 1000])
        if r.random() < 0.1:
            config["timeout"] = r.choice(["5s", "1m", "x", "", "5", "-1s", "1h30m"])
        if r.random() < 0.1:
            config["reexec"] = r.choice([0, 1, 128])
        if of_call and r.random() < 0.1:
            config["stateOverrides"] = self.overrides()
        return config

    def text(self, method, name):
        r, chain = self.r, self.chain
        if "ilter" in method:
            return "0x%032x" % r.getrandbits(128)
        if method == "eth_getStorageAt":
            return r.choice(["0x0", "0x1", ZERO, "0x", "0", "1", "0x%064x" % r.getrandbits(256), "zz", "0x1" + "0" * 64, "0x0%x" % r.randrange(9)])
        if name == "enodeId":
            return r.choice(chain.enodes + [enode[8:136] for enode in chain.enodes] + ["", "x"])
        if "enode" in name or "node" in name.lower() or "Node" in method:
            return r.choice(chain.enodes + ["enode://", "enode://zz@127.0.0.1:1", ""])
        if "file" in name:
            return "/nonexistent/x"
        if name == "password":
            return r.choice(["", "password", "wrong"])
        if method == "miner_setExtra":
            return r.choice(["abc", "", "x" * 32, "x" * 33])
        if "Payload" in method:
            if chain.payloads and r.random() < 0.7:
                return r.choice(chain.payloads)
            return r.choice(["0x" + "11" * 64, "0x" + "11" * 63, "0x", "x", "", "0x" + "zz" * 64])
        if name == "roleId":
            return r.choice(["SENDER", "MAKER", "ORGADMIN", "ADMIN", "NEW", "", "a b"])
        if name == "ip":
            return r.choice(["127.0.0.1", "10.0.0.1", "", "localhost"])
        return r.choice(["", "x", "ORG", "ADMINORG", "ADMINORG", "ADMINORG.SUB", "ORG.SUB", "WAITS", "NEW", "latest", "0x1", "a b", "é"])

    def value(self, method, param):
        """A value of the parameter's type that may well be right, as a text of JSON."""
        r, kind, name = self.r, param["summary"], param["name"]
        if kind.startswith("20 bytes"):
            return dump(r.choice(self.chain.keys) if name == "account" and self.chain.keys and r.random() < 0.5 else self.address())
        if kind.startswith("32 bytes"):
            hash_ = self.hash()
            if "lock" in method:
                hash_ = r.choice([r.choice(self.chain.blocks)["hash"]] * 3 + [hash_])
            elif "ransaction" in method:
                hash_ = r.choice([r.choice(self.chain.transactions)["hash"]] * 3 + [hash_])
            return dump(hash_)
        if kind.startswith("block number, hex"):
            return dump(self.number())
        if kind.startswith("block number or tag"):
            return dump(self.block_or_hash())
        if kind == "true or false":
            return r.choice(["true", "false"])
        if kind == "array of texts":
            return dump([r.choice(["0x0", "0x1", ZERO, "0x2", "zz", ""]) for _ in range(r.randrange(4))])
        if kind == "bytes, hex":
            if "Raw" in method and self.chain.raw and r.random() < 0.8:
                return dump(r.choice(self.chain.raw))
            if name == "start" or method == "debug_storageRangeAt":
                return dump(r.choice(["0x", "0x00", ZERO, "0x80", "0x" + r.randbytes(r.randrange(34)).hex()]))
            return dump("0x" + r.randbytes(r.choice([0, 1, 20, 32, 65, 100])).hex())
        if kind == "bytes, base64":
            return r.choice(['""', '"gAAAAA=="', '"AAAA"', 'null', '"' + "A" * 43 + '="'])
        if kind == "number, hex":
            return dump(hex(r.choice([0, 0, 0, 1, 2, 5, 100])))
        if kind.startswith("number of 256"):
            return dump(r.choice(["0x0", "0x1", hex(r.getrandbits(64)), "0x" + "f" * 64]))
        if kind.startswith("number, decimal"):
            return str(r.choice([0, 1, 2, 3, 5, r.randint(0, self.chain.head), self.chain.head, self.chain.head + 5, 256, 300]))
        if kind.startswith("a call"):
            return dump(self.call())
        if kind.startswith("a transaction"):
            return dump(self.call(sends=True))
        if kind.startswith("logs"):
            return dump(self.filter())
        if kind.startswith("how to trace"):
            return dump(self.trace("stateOverrides" in kind))
        if kind.startswith("accounts to change"):
            return dump(self.overrides())
        if kind == "text":
            return dump(self.text(method, name))
        if kind.startswith("array of percentages"):
            return r.choice(["[]", "[25,50]", "null"])
        return r.choice(JUNK)

    # --- What is wrong ---

    def spoiled(self, text):
        """A text of JSON with one thing in it changed."""
        r = self.r
        try:
            value = json.loads(text)
        except ValueError:
            return r.choice(JUNK)
        if isinstance(value, dict):
            names = list(value)
            how = r.randrange(5)
            items = [(dump(k), dump(v)) for k, v in value.items()]
            if how == 0 or not names:
                items.append((dump(r.choice(["x", "FROM", "Gas", "unknown", "from", "to", "gas", "data", "value", "nonce", "tracer", "limit", "topics", "address",
                                             "blockHash", "fromBlock", "balance"])), r.choice(JUNK)))
            elif how == 1:
                items.append((dump(r.choice(names)), r.choice(JUNK)))
            elif how == 2:
                at = r.randrange(len(items))
                items[at] = (items[at][0].upper(), items[at][1])
            else:
                at = r.randrange(len(items))
                items[at] = (items[at][0], self.spoiled(items[at][1]))
            return "{" + ",".join(f"{k}:{v}" for k, v in items) + "}"
        if isinstance(value, list) and value and r.random() < 0.8:
            items = [dump(v) for v in value]
            at = r.randrange(len(items))
            items[at] = self.spoiled(items[at])
            return "[" + ",".join(items) + "]"
        if isinstance(value, str) and value and r.random() < 0.5:
            at = r.randrange(len(value))
            return dump(r.choice([value[:at], value + r.choice("0fgz "), value.upper(), value[:2] + "0" + value[2:], value[:at] + "g" + value[at + 1:],
                                  value[2:], value + value[2:], " " + value, "0X" + value[2:]]))
        return r.choice(JUNK)

    def params(self, name):
        """The parameters of one request, a text of JSON."""
        r, declared = self.r, self.table[name]["params"]
        wrong = name in ONLY_WRONG
        count = len(declared)
        while count and not declared[count - 1]["required"] and r.random() < 0.3:
            count -= 1
        values = [self.value(name, param) for param in declared[:count]]
        if wrong or r.random() < 0.35:
            how = r.randrange(12)
            if how == 0:
                return values and self.envelope(values) or r.choice(["{}", '"x"', "5", "null", "true", '{"a":1}'])
            if how == 1 and values:
                del values[r.randrange(len(values)):]
            elif how == 2 or not values:
                values = [self.value(name, param) for param in declared] + [r.choice(JUNK) for _ in range(r.randint(1, 3))]
            elif how < 8:
                values[r.randrange(len(values))] = r.choice(JUNK)
            else:
                at = r.randrange(len(values))
                values[at] = self.spoiled(values[at])
        return "[" + ",".join(values) + "]"

    def envelope(self, values):
        return self.r.choice(['{"0":%s}' % values[0], values[0] if not values[0].startswith("[") else "7", "null", "{}", '"x"'])

    def is_harmless(self, name, params):
        """Of those that may only be asked with what is wrong."""
        if name not in ONLY_WRONG:
            return True
        try:
            values = json.loads(params)
        except ValueError:
            return True
        declared = self.table[name]["params"]
        needed = sum(p["required"] for p in declared)
        if not isinstance(values, list):
            return values is not None or needed > 0
        if not needed <= len(values) <= len(declared):
            return True
        return any(not fits(value, param["summary"]) for value, param in zip(values, declared))


def fits(value, kind):
    """Whether it is near enough to the type that something might happen."""
    if value is None:
        return True
    if kind.startswith("number, decimal"):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind in ("text", "bytes, base64") or kind.startswith(("20 bytes", "32 bytes", "number, hex", "number of", "bytes", "block")):
        return isinstance(value, str) and (kind == "text" or re.fullmatch("(0[xX])?[0-9a-fA-F]*", value) is not None)
    if kind == "true or false":
        return isinstance(value, bool)
    return isinstance(value, dict)

#!/usr/bin/env python3
"""Asks GoQuorum and quorate-node the same GraphQL queries about the same chain, and compares status and body.

    graphql.py NODE [--peer GETH] [--recording qbft] [--queries N] [--seed N] [--show N]

Both import a recorded chain and take no part in making blocks. Queries are made from the types that the nodes tell, which must be the same, and from
the chain's blocks, transactions and accounts; wrong ones are written out below. The exit code is 0 when nothing differs but what is listed. The peer's
binary is that of --peer, or $QUORATE_GOQUORUM; without one, or without the recordings, the test is skipped (77)."""
import argparse
import gzip
import json
import os
import pathlib
import random
import shutil
import sys
import tempfile
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "rpc"), str(ROOT / "tests" / "support")]
import compare  # noqa: E402
from ports import free_base  # noqa: E402

TYPE = "type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }"
SCHEMA = (f"{{ __schema {{ queryType {{ name }} mutationType {{ name }} subscriptionType {{ name }} directives {{ name locations args {{ name {TYPE} "
          f"defaultValue }} }} types {{ name kind fields(includeDeprecated: true) {{ name args {{ name {TYPE} defaultValue }} {TYPE} isDeprecated "
          f"deprecationReason }} inputFields {{ name {TYPE} defaultValue }} interfaces {{ name }} enumValues {{ name }} possibleTypes {{ name }} }} }} }}")
TRIES = 10
ENDLESS = {"ommers", "ommerAt", "block"}
# What differs on purpose: a part of one of GoQuorum's errors, and why.
ON_PURPOSE = {
    "panic occurred": "GoQuorum's resolvers fall over what they did not find",
    "unexpected type float64 for Long": "numbers may stand in variables",
    "%!q(<nil>)": "a type that there is not, printed",
}


class Node(compare.Node):
    def query(self, body, **more):
        headers = {"Content-Type": "application/json", **more}
        request = urllib.request.Request(f"{self.url}/graphql", body if isinstance(body, bytes) else json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


def comparable(answer):
    """Fields are found side by side there: errors come in any order."""
    status, text = answer
    try:
        body = json.loads(text)
    except ValueError:
        return status, text
    if isinstance(body, dict) and "errors" in body:
        body["errors"] = sorted(body["errors"], key=json.dumps)
    return status, body


class Chain:
    def __init__(self, recording):
        lines = [json.loads(line) for line in gzip.open(recording / "rpc.jsonl.gz", "rt")]
        blocks = [line["result"] for line in lines if line["method"] == "eth_getBlockByNumber" and isinstance(line.get("result"), dict)]
        self.head = max(int(block["number"], 16) for block in blocks if block["number"])
        self.hashes = sorted({block["hash"] for block in blocks if block["hash"]})
        transactions = {tx["hash"]: tx for block in blocks for tx in block["transactions"] if isinstance(tx, dict)}
        self.transactions = sorted(transactions)
        self.contracts = sorted({tx["to"] for tx in transactions.values() if tx["to"] and tx["input"] != "0x"})
        self.accounts = sorted({tx["from"] for tx in transactions.values()})


class Maker:
    """Queries by chance, from the types."""

    def __init__(self, schema, chain, seed):
        self.types = {t["name"]: t for t in schema["types"]}
        self.chain, self.random = chain, random.Random(seed)

    @staticmethod
    def bare(t):
        while t.get("ofType"):
            t = t["ofType"]
        return t["name"]

    def value(self, name, key):
        pick, chain = self.random.choice, self.chain
        if name == "Long":
            number = self.random.randint(0, chain.head + 1)
            if key in ("number", "from", "to"):
                return pick((str(number), f'"{number}"'))
            return pick((f'"{hex(number if key != "gas" else 200000)}"', str(number if key != "gas" else 200000)))
        if name == "Bytes32":
            return f'"{pick(chain.hashes if key == "hash" and self.random.random() < 0.3 else chain.transactions if key == "hash" else ["0x" + "0" * 63 + "%d" % self.random.randint(0, 3)])}"'
        if name == "Address":
            return f'"{pick(chain.contracts + chain.accounts)}"'
        if name == "Bytes":
            return f'"{pick(("0x", "0x6d4ce63c", "0x3fa4f245", "0xdeadbeef"))}"'
        if name == "BigInt":
            return pick(('"0x0"', "0", '"0x1"'))
        if name == "Int":
            return str(self.random.randint(-1, 3))
        if name == "CallData":
            fields = {"from": chain.accounts, "to": chain.contracts, "data": ["0x6d4ce63c", "0x3fa4f245", "0x"]}
            return "{" + ", ".join(f'{k}: "{pick(v)}"' for k, v in fields.items() if self.random.random() < 0.8) + "}"
        if name in ("FilterCriteria", "BlockFilterCriteria"):
            parts = [f'addresses: ["{pick(chain.contracts)}"]'] if self.random.random() < 0.3 else []
            if name == "FilterCriteria":
                start = self.random.randint(0, chain.head)
                parts += [f"fromBlock: {start}", f'toBlock: "{hex(min(chain.head, start + 9))}"']
            return "{" + ", ".join(parts) + "}"
        return "true"

    def arguments(self, field):
        parts = [f'{a["name"]}: {self.value(self.bare(a["type"]), a["name"])}' for a in field["args"]
                 if a["type"]["kind"] == "NON_NULL" or self.random.random() < 0.5 or field["name"] == "blocks"]
        if field["name"] == "blocks":
            start = self.random.randint(0, self.chain.head)
            parts = [f"from: {start}", f"to: {min(self.chain.head, start + self.random.randint(-1, 3))}"]
        return f"({', '.join(parts)})" if parts else ""

    def selection(self, name, depth, whole=False):
        """`whole`: a block that is asked for by itself; only of those GoQuorum always finds the parent."""
        fields = self.types[name]["fields"]
        chosen = []
        for field in fields:
            inner = self.types[self.bare(field["type"])]
            leaf = inner["kind"] in ("SCALAR", "ENUM")
            if self.random.random() > (0.5 if leaf else 0.35 if depth else 0) or (field["name"] == "parent" and not whole) or (field["name"] in ENDLESS and depth < 2):
                continue
            label = f"a{len(chosen)}: " if self.random.random() < 0.2 else ""
            chosen.append(label + field["name"] + self.arguments(field) + ("" if leaf else " " + self.selection(inner["name"], depth - 1)))
        if not chosen:
            chosen.append("__typename")
        return "{ " + " ".join(chosen) + " }"

    def query(self):
        fields = [f for f in self.types["Query"]["fields"] if f["name"] not in ("syncing", "gasPrice")]
        chosen = self.random.sample(fields, self.random.randint(1, 3))
        parts = [f["name"] + self.arguments(f) + ("" if self.types[self.bare(f["type"])]["kind"] == "SCALAR"
                                                  else " " + self.selection(self.bare(f["type"]), 3, f["name"] == "block")) for f in chosen]
        return "{ " + " ".join(parts) + " }"


def wrong(chain):
    """Queries that are no good, or only just."""
    tx, block, contract = chain.transactions[0], chain.hashes[0], chain.contracts[0]
    for text in ("", " ", "{", "}", "{}", "{ block }", "{ block { } }", "{ block { foo } }", "{ blok { hash } }", "{ block { numbr hsh } }", "query", "query {", "foo { a }", "{ block { hash } ",
                 "{ block { hash(a: 1) } }", "{ block(number: ) { hash } }", "{ block(number: \"x\") { hash } }", "{ block(number: 99999999999) { hash } }",
                 "{ block(number: -1) { hash } }", "{ block(number: \"-1\") { hash } }", "{ block(number: 1.5) { hash } }", "{ block(number: true) { hash } }",
                 "{ block(number: null) { hash } }", "{ block(number: [1]) { hash } }", "{ block(number: {a: 1}) { hash } }", "{ block(number: \"0x1\") { hash } }",
                 "{ block(hash: \"0x1\") { hash } }", "{ block(hash: 1) { hash } }", "{ block(hash: \"" + "0x" + "11" * 32 + "\") { hash } }",
                 "{ block(hash: \"" + "11" * 32 + "\") { hash } }", "{ block(hash: \"0x" + "zz" * 32 + "\") { hash } }", "{ block(hash: \"\") { hash } }",
                 "{ block(num: 1) { hash } }", "{ block(number: 1, number: 2) { hash } }", "{ transaction { hash } }", "{ transaction(hash: null) { hash } }",
                 "{ block { hash { x } } }", "{ a: block { hash } a: chainID }", "{ block(number: 1) { hash } block(number: 2) { hash } }",
                 "{ block { account(address: \"0x1\") { balance } } }", "{ block { account(address: \"0x" + "zz" * 20 + "\") { balance } } }",
                 "{ block { call(data: {to: \"0x1\"}) { data } } }", "{ block { call(data: {foo: 1}) { data } } }", "{ block { call(data: 1) { data } } }",
                 "{ block { call(data: {gas: \"x\"}) { data } } }", "{ block { call(data: {value: \"0xx\"}) { data } } }", "{ block { call(data: {value: \"1\"}) { data } } }",
                 "{ block { call(data: {data: \"0x1\"}) { data } } }", "{ block { call(data: {data: 1}) { data } } }", "{ block { call(data: {gas: 1, to: \"%s\"}) { data status } } }" % contract,
                 "{ block { logs(filter: {topics: [[\"0x1\"]]}) { index } } }", "{ logs(filter: {fromBlock: \"1\"}) { index } }", "{ logs { index } }",
                 "{ block @include(if: false) { hash } chainID }", "{ block @skip(if: true) { hash } chainID }", "{ block @foo { hash } }", "{ block @include { hash } }",
                 "query @skip(if: true) { chainID }", "{ ...A } fragment A on Query { chainID }", "{ ...A } fragment A on Block { hash }", "{ ...B }",
                 "{ chainID } fragment A on Query { chainID }", "{ ...A } fragment A on Query { ...A }", "{ ...A } fragment A on Foo { hash }", "{ ...A } fragment A on Long { hash }",
                 "{ ... on Query { chainID } }", "{ ... { chainID } }", "{ ... on Block { hash } }", "{ block { ... on Block { number ...F } } } fragment F on Block { n: number }",
                 "query A { chainID } query B { gasPrice }", "query A { chainID } query A { chainID }", "query A { chainID } { chainID }", "mutation { foo }", "mutation { sendRawTransaction(data: \"0x\") }",
                 "mutation { sendRawTransaction(data: \"0x00\") }", "mutation { sendRawTransaction(data: \"0xf8\") }", "mutation { sendRawTransaction(data: \"x\") }", "mutation { sendRawTransaction }",
                 "mutation { sendRawTransaction(data: \"0xc0\") }", "subscription { foo }", "query ($a: Foo) { chainID }", "query ($a: Block) { chainID }", "query ($a: Long) { chainID }",
                 "query ($a: Long = 1) { block(number: $a) { number } }", "query ($a: Long! = 1) { block(number: $a) { number } }", "query ($a: Int) { block(number: $a) { number } }",
                 "{ block(number: $a) { number } }", "query Q { block(number: $a) { number } }", "query ($a: Bytes32) { transaction(hash: $a) { hash } }",
                 "query ($a: Bytes32!) { transaction(hash: $a) { hash } }", "query ($a: Long, $a: Long) { block(number: $a) { number } }",
                 "{ block { transactionAt(index: 99) { hash } transactionAt2: transactionAt(index: -1) { hash } ommerAt(index: 0) { hash } } }",
                 "{ block { transactionAt(index: 3000000000) { hash } } }", "{ block { transactionAt(index: \"1\") { hash } } }",
                 "{ __type { name } }", "{ __typename block { __typename miner { __typename } } }",
                 "# text\n{ chainID, # more\n }", "{ chainID \n\n foo }", "{ \"x\" }", "{ chainID % }", "{ block(hash: \"a\nb\") { hash } }", "{ block(hash: \"\\q\") { hash } }",
                 "{ block(hash: \"\\u0030x%s\") { number } }" % block[2:], "{ block(number: 01) { number } }", "{ block(number: 1e1) { number } }", "{ block(number: - 1) { number } }",
                 "{ transaction(hash: \"%s\") { hash from(block: \"0x0\") { balance } to(block: 1) { balance } logs { index topics } } }" % tx,
                 "{ transaction(hash: \"%s\") { from(block: \"0xffff\") { balance } } }" % tx, "{ block { account(address: \"%s\") { storage(slot: \"0x0\") } } }" % contract,
                 "{ blocks(from: 5, to: 3) { number } }", "{ blocks(from: 0, to: 2) { number } }", "{ block(number: 0) { parent { number } transactions { hash } miner { address } } }"):
        yield {"query": text}
    for body in ({"query": "{ chainID }", "operationName": "A"}, {"query": "query A { chainID } query B { gasPrice }", "operationName": "A"}, {}, {"query": None},
                 {"query": "query A { chainID } query B { chainID }", "operationName": "C"}, {"query": "{ chainID }", "variables": {}}, {"query": "{ chainID }", "variables": {"a": 1}},
                 {"query": "query ($a: Bytes32!) { transaction(hash: $a) { hash } }", "variables": {"a": tx}}, {"query": "query ($a: Bytes32!) { transaction(hash: $a) { hash } }", "variables": {"a": None}},
                 {"query": "query ($a: Bytes32!) { transaction(hash: $a) { hash } }", "variables": {"a": 1}}, {"query": "query ($a: Long) { block(number: $a) { number } }", "variables": {"a": "3"}},
                 {"query": "query ($a: Long) { block(number: $a) { number } }", "variables": {"a": 3}}, {"query": "query ($a: [Address!]) { logs(filter: {addresses: $a}) { index } }", "variables": {"a": contract}},
                 {"query": "query ($a: FilterCriteria!) { logs(filter: $a) { index } }", "variables": {"a": {"fromBlock": "0x0", "addresses": [contract]}}},
                 {"query": "query ($a: CallData!) { block { call(data: $a) { data status gasUsed } } }", "variables": {"a": {"to": contract, "data": "0x6d4ce63c"}}},
                 {"query": "query ($a: Boolean!) { block @include(if: $a) { number } chainID }", "variables": {"a": True}},
                 {"query": "query ($a: Boolean!) { block @include(if: $a) { number } chainID }", "variables": {"a": False}},
                 {"query": "query ($a: Boolean!) { block @skip(if: $a) { number } chainID }"}):
        yield body


class Comparison:
    def __init__(self, ours, theirs, show):
        self.ours, self.theirs, self.show = ours, theirs, show
        self.asked = self.equal = self.listed = self.different = self.unsteady = 0

    @staticmethod
    def on_purpose(theirs):
        body = theirs[1]
        errors = body.get("errors") if isinstance(body, dict) else None
        return any(part in error["message"] for error in errors or [] for part in ON_PURPOSE)

    def ask(self, body):
        ours, theirs = comparable(self.ours.query(body)), comparable(self.theirs.query(body))
        self.asked += 1
        # GoQuorum finds fields side by side, and one may or may not have found what another needs: it is asked again.
        for _ in range(TRIES):
            if ours == theirs:
                break
            again = comparable(self.theirs.query(body))
            self.unsteady += again != theirs
            theirs = again
        if ours == theirs:
            self.equal += 1
        elif self.on_purpose(theirs):
            self.listed += 1
        else:
            self.different += 1
            if self.different <= self.show:
                self.tell(body, ours, theirs)

    @staticmethod
    def tell(body, ours, theirs):
        """From a little before the first difference on."""
        ours, theirs = json.dumps(ours), json.dumps(theirs)
        at = max(0, len(os.path.commonprefix([ours, theirs])) - 200)
        print(f"{body if isinstance(body, bytes) else json.dumps(body)[:1500]}\n  GoQuorum {theirs[at:at + 500]}\n  here     {ours[at:at + 500]}", flush=True)


def sorted_schema(answer):
    schema = json.loads(answer[1])["data"]["__schema"]
    for key in ("types", "directives"):
        schema[key].sort(key=lambda t: t["name"])
    for t in schema["types"]:
        for key in ("fields", "enumValues", "inputFields"):
            t[key] = sorted(t[key], key=lambda f: f["name"]) if t[key] else t[key]
    for d in schema["directives"]:
        d["locations"].sort()
    return schema


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("node")
    parser.add_argument("--peer", default=os.environ.get("QUORATE_GOQUORUM"))
    parser.add_argument("--recording", default="qbft")
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=10)
    options = parser.parse_args()
    recording = compare.fixtures() / "recordings" / options.recording
    if not options.peer or not (recording / "chain.rlp.gz").exists():
        print("graphql: skipped: it needs GoQuorum's binary in $QUORATE_GOQUORUM, and the recordings")
        return 77
    folder, port = pathlib.Path(tempfile.mkdtemp(prefix="quorate-graphql-")), free_base(20)
    nodes = [Node(name, binary, folder, recording, port + 2 * i, more=("--ipcdisable", "--graphql"))
             for i, (name, binary) in enumerate((("ours", options.node), ("theirs", options.peer)))]
    try:
        schemas = [sorted_schema(node.query({"query": SCHEMA})) for node in nodes]
        comparison = Comparison(*nodes, options.show)
        comparison.asked, comparison.equal = 1, int(schemas[0] == schemas[1])
        comparison.different = 1 - comparison.equal
        if comparison.different:
            for ours, theirs in zip(schemas[0]["types"] + schemas[0]["directives"], schemas[1]["types"] + schemas[1]["directives"]):
                if ours != theirs:
                    print(f"types\n  GoQuorum {json.dumps(theirs)}\n  here     {json.dumps(ours)}")
        chain = Chain(recording)
        maker = Maker(schemas[1], chain, options.seed)
        for body in wrong(chain):
            comparison.ask(body)
        for body in (b"", b"{", b"[]", b"1", b'"x"', b'{"query":1}', b'{"query":"{chainID}","variables":[]}', b'{"query":"{chainID}","operationName":1}'):
            comparison.ask(body)
        for _ in range(options.queries):
            comparison.ask({"query": maker.query()})
    finally:
        for node in nodes:
            node.stop()
    print(f"seed {options.seed}: {comparison.asked} queries, {comparison.equal} equal, {comparison.listed} listed, {comparison.different} different; "
          f"GoQuorum changed its mind {comparison.unsteady} times")
    if comparison.different:
        print(f"logs: {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())

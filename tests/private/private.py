#!/usr/bin/env python3
"""Two peers with transaction managers and a third without, as processes: private contracts between the two, their states equal and
unseen by the third; logs by filters and subscriptions; refusals; kill -9 of a party; a manager that is killed and comes back; private audit,
private replay."""
import base64, http.client, json, os, socket, struct, subprocess, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from peers import Peers, set_to, until

node, manager, fixtures = sys.argv[1:4]
WEBSOCKET, METRICS = 33, 43  # where these ports begin, from the first of the network's


def same_roots(p):
    return len(p.roots((0, 1))) == 1


class Subscriber:
    """Logs of a contract, as a node tells them over WebSocket."""

    def __init__(self, p, i, contract):
        self.socket = socket.create_connection(("127.0.0.1", p.port + WEBSOCKET + i), timeout=60)
        self.bytes = self.socket.makefile("rb")
        self.socket.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                            b"Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)) + b"\r\n\r\n")
        assert b" 101 " in self.bytes.readline()
        while self.bytes.readline() != b"\r\n":
            pass
        self.ask("eth_subscribe", "logs", {"address": contract})
        assert "result" in self.next()

    def ask(self, method, *params):
        text = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        size = bytes([0x80 | len(text)]) if len(text) < 126 else struct.pack(">BH", 0x80 | 126, len(text))
        self.socket.sendall(b"\x81" + size + bytes(4) + text)

    def next(self):
        _, length = self.bytes.read(2)
        if length >= 126:
            length = int.from_bytes(self.bytes.read(2 if length == 126 else 8), "big")
        return json.loads(self.bytes.read(length))

    def only(self):
        """The one log that was told: an answer that is asked for now comes after all that was told before."""
        told = []
        self.ask("eth_chainId")
        while "params" in (message := self.next()):
            told.append(message["params"]["result"])
        self.socket.close()
        return told


def logs_where_they_belong(p, contract):
    """A private log is in all that a party is told of logs, the same each time, and in nothing that the third is told."""
    criteria = {"address": contract, "fromBlock": "0x0"}
    filters = [p.result(i, "eth_newFilter", criteria) for i in range(3)]
    told = [Subscriber(p, i, contract) for i in range(3)]
    sent = p.send(0, to=contract, data=set_to(33), privateFor=[p.keys[1]])
    for i in range(3):
        number = int(p.receipt(i, sent)["blockNumber"], 16)
        until(lambda: int(p.result(i, "eth_blockNumber"), 16) >= number + 2, "two blocks more")
    for i in range(3):
        of_receipt = p.receipt(i, sent)["logs"]
        assert len(of_receipt) == (i < 2), of_receipt
        assert not of_receipt or of_receipt[0]["transactionHash"] == sent
        assert p.result(i, "eth_getFilterChanges", filters[i]) == of_receipt
        assert told[i].only() == of_receipt
        assert p.result(i, "eth_getLogs", criteria)[-1:] == of_receipt == p.result(i, "eth_getFilterLogs", filters[i])[-1:]
        assert p.result(i, "eth_getFilterChanges", filters[i]) == []


def watched(p, i, path):
    connection = http.client.HTTPConnection("127.0.0.1", p.port + METRICS + i, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode().strip()


def measured(p, i, name):
    return json.loads(watched(p, i, "/debug/metrics")[1])["quorum/ptm/" + name]


def manager_killed(p, contract):
    """A party's manager is killed: that party raises the alarm, the others go on without it, and it follows when the manager is back."""
    assert watched(p, 1, "/ready") == (200, "ready") and measured(p, 1, "waiting") == 0
    p.managers[1].kill()
    p.managers[1].wait()
    # Node 1 is no party of it, which it cannot know; the value is the one that is there.
    sent = p.send(0, to=contract, data=set_to(33), privateFor=[])
    until(lambda: measured(p, 1, "waiting") and measured(p, 1, "failures") >= 2, "the alarm of node 1")
    status, why = watched(p, 1, "/ready")
    assert status == 503 and "a block waits for the private transaction manager" in why, (status, why)
    assert watched(p, 1, "/health")[0] == 200
    assert "a block waits for it" in p.log(1)
    stopped = int(p.result(1, "eth_blockNumber"), 16)  # it answers, with what it has
    for i in (0, 2):
        until(lambda: int(p.result(i, "eth_blockNumber"), 16) >= stopped + 5, f"blocks of node {i} without node 1", 120)
    assert int(p.result(1, "eth_blockNumber"), 16) == stopped
    os.remove(os.path.join(p.work, "t1", "tm.ipc"))
    p.start_manager(1)
    p.receipt(1, sent)
    until(lambda: measured(p, 1, "waiting") == 0 and watched(p, 1, "/ready")[0] == 200, "the end of the alarm")
    until(lambda: "answers again" in p.log(1), "what the log says of it")
    head = int(p.result(0, "eth_blockNumber"), 16)
    until(lambda: int(p.result(1, "eth_blockNumber"), 16) >= head, "node 1 at the head")
    sent = p.send(0, to=contract, data=set_to(44), privateFor=[p.keys[1]])
    p.receipt(0, sent)
    p.receipt(1, sent)
    assert p.stored(contract)[:2] == [44, 44] and same_roots(p)


def tool(p, *arguments, i=None, tm=None):
    """A command of the node's program: its exit code, and what it printed."""
    environment = dict(os.environ, PRIVATE_CONFIG="ignore" if tm is None else os.path.join(p.work, f"t{tm}", "tm.ipc"))
    where = [] if i is None else ["--datadir", os.path.join(p.work, f"n{i}")]
    done = subprocess.run([p.node, *where, "private", *arguments], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def audit_and_replay(p, contract):
    """A transaction that one party has alone is found by an audit; a replay makes the private state of the payloads there are."""
    endpoints = [f"http://127.0.0.1:{p.port + 20 + i}" for i in range(2)]
    code, said = tool(p, "audit", *endpoints)
    assert code == 0 and "3 the same, 0 differ, 0 not there" in said, said
    sent = p.send(0, to=contract, data=set_to(9), privateFor=[])
    number = int(p.receipt(0, sent)["blockNumber"], 16)
    p.receipt(1, sent)
    code, said = tool(p, "audit", *endpoints)
    assert code == 1 and f"{contract} parts at block {number}\n" in said and f"transaction {sent}: its payload" in said, said
    assert "2 the same, 1 differ, 0 not there" in said, said
    until(lambda: int(p.result(1, "eth_blockNumber"), 16) > number, "a block more")
    head = hex(number + 1)
    root = p.result(1, "debug_privateStateRoot", head)
    p.nodes[1].terminate()
    p.nodes[1].wait()
    code, said = tool(p, "check", p.genesis, i=1)
    assert code == 1 and "there is no private transaction manager" in said, said
    code, said = tool(p, "check", p.genesis, i=1, tm=1)
    assert code == 0 and "all the same" in said, said
    code, said = tool(p, "check", p.genesis, i=1, tm=0)  # with the payloads of the other: it has one more
    assert code == 1 and f"first at block {number}, transaction {sent}" in said, said
    code, said = tool(p, "replay", p.genesis, i=1, tm=1)
    assert code == 0 and "all the same" in said and "The chain was replaced" in said, said
    p.start_node(1)
    assert p.result(1, "debug_privateStateRoot", head) == root
    assert p.stored(contract)[:2] == [9, 44]


def manager_killed_as_the_reference(p, contract):
    p.nodes[1].terminate()
    p.nodes[1].wait()
    p.flags[1] = [*p.flags[1], "--ptm.exitonfailure"]
    p.start_node(1)
    p.result(1, "eth_blockNumber")
    p.managers[1].kill()
    p.managers[1].wait()
    p.send(0, to=contract, data=set_to(10), privateFor=[])
    assert p.nodes[1].wait(60) == 112, p.nodes[1].returncode


def test(p):
    creation = p.creation("Store", 5)
    contracts = {}
    for flag in (0, 1, 3):
        sent = p.send(0, input=creation, privateFor=[p.keys[1]], privacyFlag=flag)
        made = p.receipt(0, sent)
        assert made["status"] == "0x1", made
        assert len(p.result(2, "eth_getTransactionByHash", sent)["input"]) == 2 + 128  # `input` does not leak
        contracts[flag] = made["contractAddress"]
        p.receipt(1, sent)
        sent = p.send(1, to=contracts[flag], data=set_to(70 + flag), privateFor=[p.keys[0]], privacyFlag=flag)
        assert len(p.receipt(0, sent)["logs"]) == 1 and p.receipt(0, sent)["status"] == "0x1"
        assert p.receipt(2, sent)["logs"] == []
        p.receipt(1, sent)
        assert p.stored(contracts[flag]) == [70 + flag, 70 + flag, 0], p.stored(contracts[flag])
        assert p.result(2, "eth_getCode", contracts[flag], "latest") == "0x"
    assert p.result(0, "eth_getContractPrivacyMetadata", contracts[3])["privacyFlag"] == 3
    assert same_roots(p)

    refused = p.ask(0, "eth_sendTransaction", p.arguments(0, to=contracts[0], data=set_to(1), privateFor=["BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="]))
    assert refused["error"]["message"].startswith("404 status: Recipient not found for key: BwcH"), refused
    refused = p.ask(0, "eth_sendTransaction", p.arguments(0, to=contracts[0], value="0x1", data=set_to(1), privateFor=[p.keys[1]]))
    assert refused["error"]["message"] == "ether value is not supported for private transactions", refused
    refused = p.ask(0, "eth_sendTransaction", p.arguments(0, to=contracts[1], data=set_to(1), privateFor=[p.keys[1]]))
    assert refused["error"]["message"] == "sent privacy flag doesn't match all affected contract flags", refused

    p.nodes[1].kill()
    p.nodes[1].wait()
    sent = p.send(0, to=contracts[0], data=set_to(4242), privateFor=[p.keys[1]])
    p.start_node(1)
    p.receipt(1, sent)
    p.receipt(0, sent)
    assert p.stored(contracts[0])[:2] == [4242, 4242] and same_roots(p)

    logs_where_they_belong(p, contracts[0])
    manager_killed(p, contracts[0])
    audit_and_replay(p, contracts[0])
    manager_killed_as_the_reference(p, contracts[0])
    print("private contracts of two of three peers: equal states, logs, refusals, a kill, a manager that was away, audit, replay")


p = Peers(node, manager, fixtures, flags=[[]] * 3, managed=2)
for i in range(p.count):
    p.flags[i] = ["--ws", "--ws.port", str(p.port + WEBSOCKET + i), "--ws.api", "eth", "--metrics", "--metrics.addr", "127.0.0.1",
                  "--metrics.port", str(p.port + METRICS + i)]
p.run(test)

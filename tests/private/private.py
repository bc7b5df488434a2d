#!/usr/bin/env python3
"""Two peers with transaction managers and a third without, as processes: private contracts between the two, their states equal and
unseen by the third; logs by filters and subscriptions; refusals; kill -9 of a party; a manager that is killed and comes back; private audit,
private replay."""
import base64, http.client, json, os, shutil, socket, struct, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from ports import free_base  # noqa: E402

node, manager, fixtures, port = sys.argv[1], sys.argv[2], sys.argv[3], free_base(50)
recorded = os.path.join(fixtures, "recordings", "private")
if not os.path.isdir(recorded):
    print(f"no recordings in {fixtures}: skipped")
    sys.exit(77)
network = json.load(open(os.path.join(recorded, "network.json")))
code = json.load(open(os.path.join(fixtures, "recordings", "contracts", "Golden.json")))["Store"]
keys = network["tm_public_keys"]
work = tempfile.mkdtemp(prefix="quorate-private-")
address = [a["address"].lower() for a in network["accounts"]]
managers, nodes = [None, None], [None, None, None]


def write(name, text, mode=0o644):
    path = os.path.join(work, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as f:
        f.write(text)
    return path


def start_manager(i):
    d = os.path.join(work, f"t{i}")
    if not os.path.exists(d):
        write(f"t{i}/tm.pub", keys[i])
        write(f"t{i}/tm.key", json.dumps({"type": "unlocked", "data": {"bytes": network["tm_private_keys"][i]}}), 0o600)
        server = {"enabled": True, "communicationType": "REST", "sslConfig": {"tls": "OFF"}}
        write(f"t{i}/config.json", json.dumps({
            "useWhiteList": False, "alwaysSendTo": [], "features": {"enablePrivacyEnhancements": True},
            "jdbc": {"username": "", "password": "", "url": f"jdbc:sqlite:{d}/db", "autoCreateTables": True},
            "serverConfigs": [{"app": "Q2T", "serverAddress": f"unix:{d}/tm.ipc", "enabled": True, "communicationType": "REST"},
                              {"app": "P2P", "serverAddress": f"http://127.0.0.1:{port + i}", **server}],
            "peer": [{"url": f"http://127.0.0.1:{port + j}"} for j in range(2)],
            "keys": {"passwords": [], "keyData": [{"privateKeyPath": f"{d}/tm.key", "publicKeyPath": f"{d}/tm.pub"}]}}))
    managers[i] = subprocess.Popen([manager, "--configfile", f"{d}/config.json"], stdout=open(f"{d}/log", "a"), stderr=subprocess.STDOUT)
    until(lambda: os.path.exists(f"{d}/tm.ipc"), "a manager")


def start_node(i, *more):
    d = os.path.join(work, f"n{i}")
    environment = dict(os.environ, PRIVATE_CONFIG="ignore")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": True, "env": environment}
    if not os.path.exists(d):
        subprocess.run([node, "--datadir", d, "init", os.path.join(recorded, "genesis.json")], **quiet)
        subprocess.run([node, "--datadir", d, "account", "import", "--lightkdf", "--password", password,
                        write(f"key{i}", network["accounts"][i]["key"][2:], 0o600)], **quiet)
        write(f"n{i}/geth/static-nodes.json", json.dumps([
            e.split("@")[0] + f"@127.0.0.1:{port + 10 + j}?discport=0" for j, e in enumerate(network["enodes"]) if j != i]))
    if i < 2:
        environment["PRIVATE_CONFIG"] = os.path.join(work, f"t{i}", "tm.ipc")
    nodes[i] = subprocess.Popen(
        [node, "--datadir", d, "--networkid", "1337", "--port", str(port + 10 + i), "--nodiscover", "--mine",
         "--nodekeyhex", network["node_keys"][i], "--http", "--http.port", str(port + 20 + i), "--http.api", "eth,debug",
         "--ws", "--ws.port", str(port + 30 + i), "--ws.api", "eth", "--metrics", "--metrics.addr", "127.0.0.1",
         "--metrics.port", str(port + 40 + i), "--unlock", address[i], "--password", password, "--allow-insecure-unlock", *more],
        env=environment, stdout=open(f"{d}.log", "a"), stderr=subprocess.STDOUT)


def ask(i, method, *params):
    for _ in range(100):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port + 20 + i, timeout=30)
            connection.request("POST", "/", json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}),
                               {"Content-Type": "application/json"})
            return json.loads(connection.getresponse().read())
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"node {i} does not answer")


def result(i, method, *params):
    answer = ask(i, method, *params)
    assert "result" in answer, (method, params, answer)
    return answer["result"]


def until(done, what, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = done()
        if value:
            return value
        time.sleep(0.1)
    raise SystemExit(f"{what}: not within {seconds} s")


def receipt(i, transaction):
    return until(lambda: result(i, "eth_getTransactionReceipt", transaction), f"receipt at node {i}")


def transaction(i, **more):
    return {"from": address[i], "gas": "0x47b760", "gasPrice": "0x0", **more}


def set_to(value):
    return "0x60fe47b1" + "%064x" % value


def stored(contract):
    return [int(result(i, "eth_getStorageAt", contract, "0x0", "latest"), 16) for i in range(3)]


def same_roots():
    head = hex(min(int(result(i, "eth_blockNumber"), 16) for i in (0, 1)))
    return result(0, "debug_privateStateRoot", head) == result(1, "debug_privateStateRoot", head)


class Subscriber:
    """Logs of a contract, as a node tells them over WebSocket."""

    def __init__(self, i, contract):
        self.socket = socket.create_connection(("127.0.0.1", port + 30 + i), timeout=60)
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


def logs_where_they_belong(contract):
    """A private log is in all that a party is told of logs, the same each time, and in nothing that the third is told."""
    criteria = {"address": contract, "fromBlock": "0x0"}
    filters = [result(i, "eth_newFilter", criteria) for i in range(3)]
    told = [Subscriber(i, contract) for i in range(3)]
    sent = result(0, "eth_sendTransaction", transaction(0, to=contract, data=set_to(33), privateFor=[keys[1]]))
    for i in range(3):
        number = int(receipt(i, sent)["blockNumber"], 16)
        until(lambda: int(result(i, "eth_blockNumber"), 16) >= number + 2, "two blocks more")
    for i in range(3):
        of_receipt = receipt(i, sent)["logs"]
        assert len(of_receipt) == (i < 2), of_receipt
        assert not of_receipt or of_receipt[0]["transactionHash"] == sent
        assert result(i, "eth_getFilterChanges", filters[i]) == of_receipt
        assert told[i].only() == of_receipt
        assert result(i, "eth_getLogs", criteria)[-1:] == of_receipt == result(i, "eth_getFilterLogs", filters[i])[-1:]
        assert result(i, "eth_getFilterChanges", filters[i]) == []


def watched(i, path):
    connection = http.client.HTTPConnection("127.0.0.1", port + 40 + i, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode().strip()


def measured(i, name):
    return json.loads(watched(i, "/debug/metrics")[1])["quorum/ptm/" + name]


def manager_killed(contract):
    """A party's manager is killed: that party raises the alarm, the others go on without it, and it follows when the manager is back."""
    assert watched(1, "/ready") == (200, "ready") and measured(1, "waiting") == 0
    managers[1].kill()
    managers[1].wait()
    # Node 1 is no party of it, which it cannot know; the value is the one that is there.
    sent = result(0, "eth_sendTransaction", transaction(0, to=contract, data=set_to(33), privateFor=[]))
    until(lambda: measured(1, "waiting") and measured(1, "failures") >= 2, "the alarm of node 1")
    status, why = watched(1, "/ready")
    assert status == 503 and "a block waits for the private transaction manager" in why, (status, why)
    assert watched(1, "/health")[0] == 200
    assert "a block waits for it" in open(os.path.join(work, "n1.log")).read()
    stopped = int(result(1, "eth_blockNumber"), 16)  # it answers, with what it has
    for i in (0, 2):
        until(lambda: int(result(i, "eth_blockNumber"), 16) >= stopped + 5, f"blocks of node {i} without node 1", 120)
    assert int(result(1, "eth_blockNumber"), 16) == stopped
    os.remove(os.path.join(work, "t1", "tm.ipc"))
    start_manager(1)
    receipt(1, sent)
    until(lambda: measured(1, "waiting") == 0 and watched(1, "/ready")[0] == 200, "the end of the alarm")
    assert "answers again" in open(os.path.join(work, "n1.log")).read()
    head = int(result(0, "eth_blockNumber"), 16)
    until(lambda: int(result(1, "eth_blockNumber"), 16) >= head, "node 1 at the head")
    sent = result(0, "eth_sendTransaction", transaction(0, to=contract, data=set_to(44), privateFor=[keys[1]]))
    receipt(0, sent)
    receipt(1, sent)
    assert stored(contract)[:2] == [44, 44] and same_roots()


def tool(*arguments, i=None, tm=None):
    """A command of the node's program: its exit code, and what it printed."""
    environment = dict(os.environ, PRIVATE_CONFIG="ignore" if tm is None else os.path.join(work, f"t{tm}", "tm.ipc"))
    where = [] if i is None else ["--datadir", os.path.join(work, f"n{i}")]
    done = subprocess.run([node, *where, "private", *arguments], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def audit_and_replay(contract):
    """A transaction that one party has alone is found by an audit; a replay makes the private state of the payloads there are."""
    endpoints = [f"http://127.0.0.1:{port + 20 + i}" for i in range(2)]
    code, said = tool("audit", *endpoints)
    assert code == 0 and "3 the same, 0 differ, 0 not there" in said, said
    sent = result(0, "eth_sendTransaction", transaction(0, to=contract, data=set_to(9), privateFor=[]))
    number = int(receipt(0, sent)["blockNumber"], 16)
    receipt(1, sent)
    code, said = tool("audit", *endpoints)
    assert code == 1 and f"{contract} parts at block {number}\n" in said and f"transaction {sent}: its payload" in said, said
    assert "2 the same, 1 differ, 0 not there" in said, said
    until(lambda: int(result(1, "eth_blockNumber"), 16) > number, "a block more")
    head = hex(number + 1)
    root = result(1, "debug_privateStateRoot", head)
    nodes[1].terminate()
    nodes[1].wait()
    genesis = os.path.join(recorded, "genesis.json")
    code, said = tool("check", genesis, i=1)
    assert code == 1 and "there is no private transaction manager" in said, said
    code, said = tool("check", genesis, i=1, tm=1)
    assert code == 0 and "all the same" in said, said
    code, said = tool("check", genesis, i=1, tm=0)  # with the payloads of the other: it has one more
    assert code == 1 and f"first at block {number}, transaction {sent}" in said, said
    code, said = tool("replay", genesis, i=1, tm=1)
    assert code == 0 and "all the same" in said and "The chain was replaced" in said, said
    start_node(1)
    assert result(1, "debug_privateStateRoot", head) == root
    assert stored(contract)[:2] == [9, 44]


def manager_killed_as_the_reference(contract):
    nodes[1].terminate()
    nodes[1].wait()
    start_node(1, "--ptm.exitonfailure")
    result(1, "eth_blockNumber")
    managers[1].kill()
    managers[1].wait()
    result(0, "eth_sendTransaction", transaction(0, to=contract, data=set_to(10), privateFor=[]))
    assert nodes[1].wait(60) == 112, nodes[1].returncode


def run():
    creation = "0x" + (code.get("bin") or code.get("creation") or code.get("bytecode")).removeprefix("0x") + "%064x" % 5
    for i in range(2):
        start_manager(i)
    for i in range(3):
        start_node(i)
    until(lambda: int(result(2, "eth_blockNumber"), 16) >= 2, "blocks")
    contracts = {}
    for flag in (0, 1, 3):
        sent = result(0, "eth_sendTransaction", transaction(0, input=creation, privateFor=[keys[1]], privacyFlag=flag))
        made = receipt(0, sent)
        assert made["status"] == "0x1", made
        assert len(result(2, "eth_getTransactionByHash", sent)["input"]) == 2 + 128  # `input` does not leak
        contracts[flag] = made["contractAddress"]
        receipt(1, sent)
        sent = result(1, "eth_sendTransaction", transaction(1, to=contracts[flag], data=set_to(70 + flag), privateFor=[keys[0]], privacyFlag=flag))
        assert len(receipt(0, sent)["logs"]) == 1 and receipt(0, sent)["status"] == "0x1"
        assert receipt(2, sent)["logs"] == []
        receipt(1, sent)
        assert stored(contracts[flag]) == [70 + flag, 70 + flag, 0], stored(contracts[flag])
        assert result(2, "eth_getCode", contracts[flag], "latest") == "0x"
    assert result(0, "eth_getContractPrivacyMetadata", contracts[3])["privacyFlag"] == 3
    assert same_roots()

    refused = ask(0, "eth_sendTransaction", transaction(0, to=contracts[0], data=set_to(1), privateFor=["BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="]))
    assert refused["error"]["message"].startswith("404 status: Recipient not found for key: BwcH"), refused
    refused = ask(0, "eth_sendTransaction", transaction(0, to=contracts[0], value="0x1", data=set_to(1), privateFor=[keys[1]]))
    assert refused["error"]["message"] == "ether value is not supported for private transactions", refused
    refused = ask(0, "eth_sendTransaction", transaction(0, to=contracts[1], data=set_to(1), privateFor=[keys[1]]))
    assert refused["error"]["message"] == "sent privacy flag doesn't match all affected contract flags", refused

    nodes[1].kill()
    nodes[1].wait()
    sent = result(0, "eth_sendTransaction", transaction(0, to=contracts[0], data=set_to(4242), privateFor=[keys[1]]))
    start_node(1)
    receipt(1, sent)
    receipt(0, sent)
    assert stored(contracts[0])[:2] == [4242, 4242] and same_roots()

    logs_where_they_belong(contracts[0])
    manager_killed(contracts[0])
    audit_and_replay(contracts[0])
    manager_killed_as_the_reference(contracts[0])
    print("private contracts of two of three peers: equal states, logs, refusals, a kill, a manager that was away, audit, replay")


password = write("password", "x\n", 0o600)
try:
    run()
    shutil.rmtree(work)
finally:
    for p in nodes + managers:
        if p and p.poll() is None:
            p.terminate()
    for p in nodes + managers:
        if p:
            try:
                p.wait(10)
            except subprocess.TimeoutExpired:
                p.kill()

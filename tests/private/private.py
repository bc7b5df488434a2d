#!/usr/bin/env python3
"""Two peers with transaction managers and a third without, as processes: private contracts between the two, their states equal and
unseen by the third; refusals; kill -9 of a party; a manager that goes away and comes back."""
import http.client, json, os, shutil, subprocess, sys, tempfile, time

node, manager, fixtures, port = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
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


def start_node(i):
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
         "--unlock", address[i], "--password", password, "--allow-insecure-unlock"],
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

    managers[1].terminate()
    managers[1].wait()
    sent = result(0, "eth_sendTransaction", transaction(0, to=contracts[0], data=set_to(9), privateFor=[]))
    until(lambda: "a block waits for it" in open(os.path.join(work, "n1.log")).read(), "the alarm of node 1")
    start_manager(1)
    receipt(1, sent)
    assert "answers again" in open(os.path.join(work, "n1.log")).read()
    print("private contracts of two of three peers: equal states, refusals, a kill and a manager that was away")


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

"""Peers of a private network as processes: a node each, with a transaction manager. Keys, accounts and the genesis file are those of a
recorded network."""
import http.client, json, os, shutil, socket, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from ports import free_base  # noqa: E402
from processes import PATIENCE, end, until  # noqa: E402


def set_to(value):
    return "0x60fe47b1" + "%064x" % value


def serves(path):
    """Whether a manager answers at its socket. It then listens everywhere: the socket alone is there before that."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    try:
        connection.sock.settimeout(PATIENCE)
        connection.sock.connect(path)
        connection.request("GET", "/upcheck")
        return connection.getresponse().status == 200
    finally:
        connection.close()


def comes_later(answer):
    """A node's account is unlocked after it answers; and it waits for its manager five seconds, as the reference does, which is not long where other
    tests have the processors and the disk."""
    said = str(answer.get("error"))
    return "authentication needed" in said or ("(method:POST,path:/send)" in said and "timed out" in said)


class Peers:
    """`flags`: of each node, beside the common ones; the first `managed` of them (by default all) have a manager."""

    def __init__(self, node, manager, fixtures, network="private", flags=(), managed=None):
        recorded = os.path.join(fixtures, "recordings", network)
        if not os.path.isdir(recorded):
            print(f"no recordings in {fixtures}: skipped")
            sys.exit(77)
        self.node, self.manager, self.port, self.flags = node, manager, free_base(50), list(flags)
        self.genesis = os.path.join(recorded, "genesis.json")
        self.network = json.load(open(os.path.join(recorded, "network.json")))
        self.contracts = json.load(open(os.path.join(fixtures, "recordings", "contracts", "Golden.json")))
        self.keys = self.network["tm_public_keys"]
        self.address = [a["address"].lower() for a in self.network["accounts"]]
        self.count = len(self.flags)
        self.managed = self.count if managed is None else managed
        self.work = tempfile.mkdtemp(prefix="quorate-private-")
        self.password = self.write("password", "x\n", 0o600)
        self.nodes, self.managers = [None] * self.count, [None] * self.managed

    def write(self, name, text, mode=0o644):
        path = os.path.join(self.work, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as f:
            f.write(text)
        return path

    def start_manager(self, i):
        d = os.path.join(self.work, f"t{i}")
        if not os.path.exists(d):
            self.write(f"t{i}/tm.pub", self.keys[i])
            self.write(f"t{i}/tm.key", json.dumps(
                {"type": "unlocked", "data": {"bytes": self.network["tm_private_keys"][i]}}), 0o600)
            server = {"enabled": True, "communicationType": "REST", "sslConfig": {"tls": "OFF"}}
            self.write(f"t{i}/config.json", json.dumps({
                "useWhiteList": False, "alwaysSendTo": [], "features": {"enablePrivacyEnhancements": True},
                "jdbc": {"username": "", "password": "", "url": f"jdbc:sqlite:{d}/db", "autoCreateTables": True},
                "serverConfigs": [
                    {"app": "Q2T", "serverAddress": f"unix:{d}/tm.ipc", "enabled": True, "communicationType": "REST"},
                    {"app": "ThirdParty", "serverAddress": f"http://127.0.0.1:{self.port + 30 + i}", **server},
                    {"app": "P2P", "serverAddress": f"http://127.0.0.1:{self.port + i}", **server,
                     "properties": {"pushTimeout": "30000"}}],  # on a machine that is busy with other things
                "peer": [{"url": f"http://127.0.0.1:{self.port + j}"} for j in range(self.managed)],
                "keys": {"passwords": [], "keyData": [{"privateKeyPath": f"{d}/tm.key", "publicKeyPath": f"{d}/tm.pub"}]}}))
        self.managers[i] = subprocess.Popen([self.manager, "--configfile", f"{d}/config.json"],
                                            stdout=open(f"{d}/log", "a"), stderr=subprocess.STDOUT)
        until(lambda: serves(f"{d}/tm.ipc"), f"manager {i}")

    def everybody(self):
        """The keys of all managers."""
        return self.keys[:self.managed]

    def wait_met(self):
        """Until each manager knows where everybody's key is: a send to a key that it has not heard of is refused."""
        def known(i):
            connection = http.client.HTTPConnection("127.0.0.1", self.port + i, timeout=PATIENCE)
            connection.request("GET", "/partyinfo")
            answer = connection.getresponse().read()
            connection.close()
            return {item["key"] for item in json.loads(answer)["keys"]}
        for i in range(self.managed):
            until(lambda: set(self.everybody()) <= known(i), f"all keys at manager {i}")

    def static_nodes(self, i):
        """The recorded ones; a peer with a key of its own looks for them."""
        return [self.enode(j) for j in range(min(self.count, len(self.network["enodes"]))) if j != i]

    def enode(self, i):
        return self.network["enodes"][i].split("@")[0] + f"@127.0.0.1:{self.port + 10 + i}?discport=0"

    def program(self, i):
        """What runs as node `i`."""
        return self.node

    def start_node(self, i):
        d = os.path.join(self.work, f"n{i}")
        environment = dict(os.environ, PRIVATE_CONFIG="ignore")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": True, "env": environment}
        if not os.path.exists(d):
            subprocess.run([self.program(i), "--datadir", d, "init", self.genesis], **quiet)
            subprocess.run([self.program(i), "--datadir", d, "account", "import", "--lightkdf", "--password", self.password,
                            self.write(f"key{i}", self.network["accounts"][i]["key"][2:], 0o600)], **quiet)
            self.write(f"n{i}/geth/static-nodes.json", json.dumps(self.static_nodes(i)))
        if i < self.managed:
            environment["PRIVATE_CONFIG"] = os.path.join(self.work, f"t{i}", "tm.ipc")
        self.nodes[i] = subprocess.Popen(
            [self.program(i), "--datadir", d, "--networkid", "1337", "--port", str(self.port + 10 + i), "--nodiscover", "--mine",
             "--nodekeyhex", self.network["node_keys"][i], "--http", "--http.port", str(self.port + 20 + i),
             "--http.api", "eth,debug,personal,web3,quorumExtension", "--unlock", self.address[i], "--password", self.password,
             "--allow-insecure-unlock", *self.flags[i]],
            env=environment, stdout=open(f"{d}.log", "a"), stderr=subprocess.STDOUT)

    def start(self):
        for i in range(self.managed):
            self.start_manager(i)
        for i in range(self.count):
            self.start_node(i)
        self.wait_for_blocks()
        self.wait_met()

    def wait_for_blocks(self):
        until(lambda: int(self.result(0, "eth_blockNumber"), 16) >= 2, "blocks")

    def level(self):
        """Until every node has the block that one has now: what is in it, all have then."""
        nodes = [i for i in range(self.count) if self.nodes[i]]
        head = max(int(self.result(i, "eth_blockNumber"), 16) for i in nodes)
        for i in nodes:
            until(lambda: int(self.result(i, "eth_blockNumber"), 16) >= head, f"block {head} at node {i}")

    def log(self, i):
        return open(os.path.join(self.work, f"n{i}.log")).read()

    def post(self, port, path, body, **fields):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json", **fields})
        answer = connection.getresponse().read()
        connection.close()
        return json.loads(answer)

    def ask(self, i, method, *params):
        """Waits for the node's start, and for what comes later. What was taken and is not answered in time is not sent again."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                answer = self.post(self.port + 20 + i, "/", {"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
                if not comes_later(answer):
                    return answer
            except ConnectionError:
                pass
            time.sleep(0.1)
        raise SystemExit(f"node {i} does not answer, or its account is locked, or its manager does not answer")

    def result(self, i, method, *params):
        answer = self.ask(i, method, *params)
        assert "result" in answer, (method, params, answer)
        return answer["result"]

    def error(self, i, method, *params):
        answer = self.ask(i, method, *params)
        assert "error" in answer, (method, params, answer)
        return answer["error"]["message"]

    def receipt(self, i, transaction):
        return until(lambda: self.result(i, "eth_getTransactionReceipt", transaction), f"receipt at node {i}")

    def send(self, i, **more):
        return self.result(i, "eth_sendTransaction", self.arguments(i, **more))

    def arguments(self, i, **more):
        return {"from": self.address[i], "gas": "0x47b760", "gasPrice": "0x0", **more}

    def creation(self, contract, *values):
        code = self.contracts[contract]["bin"].removeprefix("0x")
        return "0x" + code + "".join("%064x" % v for v in values)

    def stored(self, contract, at="0x0"):
        return [int(self.result(i, "eth_getStorageAt", contract, at, "latest"), 16) for i in range(self.count)]

    def roots(self, members):
        head = hex(min(int(self.result(i, "eth_blockNumber"), 16) for i in members))
        return {self.result(i, "debug_privateStateRoot", head) for i in members}

    def stop(self):
        for p in self.nodes + self.managers:
            if p and p.poll() is None:
                p.terminate()
        for p in self.nodes + self.managers:
            if p:
                end(p)

    def run(self, test):
        """Starts, tests, stops; what was written stays when the test fails."""
        try:
            self.start()
            test(self)
            self.stop()
            shutil.rmtree(self.work)
        finally:
            self.stop()

"""A network of real processes on loopback: four validators of one genesis, each with its data directory."""

import copy
import http.client
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from ports import free_ports  # noqa: E402

HERE = pathlib.Path(__file__).parent
DATA = json.loads((HERE / "network.json").read_text())


def rlp(item):
    if isinstance(item, list):
        body, base = b"".join(rlp(i) for i in item), 0xC0
    else:
        body, base = item, 0x80
        if len(body) == 1 and body[0] < 0x80:
            return body
    if len(body) < 56:
        return bytes([base + len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([base + 55 + len(size)]) + size + body


def make_genesis(consensus, nodes=None, transition=0):
    """The genesis of network.json for another engine, other validators (of the form of `nodes` there), or with a change from
    IBFT to QBFT at a block."""
    genesis = copy.deepcopy(DATA["genesis"])
    validators = sorted(bytes.fromhex(node["address"][2:]) for node in nodes or DATA["nodes"])
    if consensus == "ibft":
        genesis["config"]["ibft"] = genesis["config"].pop("qbft")
        genesis["extraData"] = "0x" + (bytes(32) + rlp([validators, b"", []])).hex()
    else:
        genesis["extraData"] = "0x" + rlp([bytes(32), validators, [], b"", []]).hex()
    if transition:
        genesis["config"]["transitions"] = [{"block": transition, "algorithm": "qbft"}]
    return genesis


class Node:
    def __init__(self, program, folder, key, rpc_port, port, arguments):
        self.program, self.folder, self.rpc_port, self.port = program, folder, rpc_port, port
        self.arguments = arguments
        self.environment = {}
        self.process = None
        self.started = 0
        self.connection = None
        (folder / "geth").mkdir(parents=True, exist_ok=True)
        (folder / "geth/nodekey").write_text(key)

    def init(self, genesis):
        path = self.folder / "genesis.json"
        path.write_text(json.dumps(genesis))
        subprocess.run([self.program, "--datadir", self.folder, "init", path], check=True,
                       stdout=subprocess.DEVNULL, stderr=open(self.folder / "init.log", "w"))

    def command(self):
        return [self.program, "--datadir", str(self.folder), "--networkid", "1337", "--nodiscover", "--mine",
                "--syncmode", "full", "--port", str(self.port), "--nat", "none", "--http", "--http.port", str(self.rpc_port),
                "--http.addr", "127.0.0.1", "--http.api", "admin,debug,eth,istanbul,miner,net,txpool,web3",
                *self.arguments]

    def start(self):
        with open(self.folder / "log", "a") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            env={**os.environ, "PRIVATE_CONFIG": "ignore", **self.environment})
        self.started = time.monotonic()

    def running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None
        self.connection = None

    def stop(self):
        """As an operator stops it; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=60)
        self.process = None
        self.connection = None
        return code

    def rpc(self, method, *params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        for attempt in range(2):
            try:
                if not self.connection:
                    self.connection = http.client.HTTPConnection("127.0.0.1", self.rpc_port, timeout=60)
                self.connection.request("POST", "/", body, {"Content-Type": "application/json"})
                answer = json.loads(self.connection.getresponse().read())
                break
            except (http.client.HTTPException, OSError) as error:
                self.connection = None
                if attempt or isinstance(error, TimeoutError):  # which it may have taken: that is not sent again
                    raise
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def batch(self, requests):
        """The answers, whole, to requests that are sent as one; each is a method and its parameters."""
        body = json.dumps([{"jsonrpc": "2.0", "id": i, "method": method, "params": params}
                           for i, (method, *params) in enumerate(requests)])
        connection = http.client.HTTPConnection("127.0.0.1", self.rpc_port, timeout=60)
        connection.request("POST", "/", body, {"Content-Type": "application/json"})
        answers = json.loads(connection.getresponse().read())
        connection.close()
        return sorted(answers, key=lambda answer: answer["id"])

    def receipt(self, transaction, seconds=60):
        end = time.monotonic() + seconds
        while True:
            receipt = self.rpc("eth_getTransactionReceipt", transaction)
            if receipt:
                return receipt
            if time.monotonic() > end:
                raise AssertionError(f"{self.folder}: {transaction} is in no block after {seconds} s")
            time.sleep(0.01)

    def height(self):
        """-1 when it does not answer."""
        try:
            return int(self.rpc("eth_blockNumber"), 16)
        except OSError:
            return -1

    def wait_answer(self, seconds):
        """The height, as soon as the process answers."""
        end = time.monotonic() + seconds
        while self.height() < 0:
            if not self.running() or time.monotonic() > end:
                raise AssertionError(f"{self.folder}: no answer")
            time.sleep(0.005)
        return self.height()

    def memory_kib(self):
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith("VmRSS"):
                return int(line.split()[1])
        return 0

    def cpu_seconds(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def log_tail(self, lines=15):
        return "\n".join((self.folder / "log").read_text(errors="replace").splitlines()[-lines:])


class Network:
    def __init__(self, folder, programs, arguments=(), genesis=None, identities=None):
        """`programs`: one path for each validator; `identities`: their keys, of the form of `nodes` in network.json."""
        identities = identities or DATA["nodes"]
        ports = free_ports(2 * len(programs))
        self.genesis = genesis or DATA["genesis"]
        enodes = [f"enode://{node['id']}@127.0.0.1:{port}?discport=0"
                  for node, port in zip(identities, ports[len(programs):])]
        self.nodes = []
        for i, program in enumerate(programs):
            node = Node(program, pathlib.Path(folder) / f"n{i}", identities[i]["key"], ports[i],
                        ports[len(programs) + i], list(arguments))
            (node.folder / "geth/static-nodes.json").write_text(
                json.dumps([e for j, e in enumerate(enodes[:len(programs)]) if j != i]))
            node.init(self.genesis)
            self.nodes.append(node)

    def start(self):
        for node in self.nodes:
            node.start()

    def close(self):
        for node in self.nodes:
            if node.running():
                node.kill()

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        """Ends all nodes; after a failure with the end of their logs."""
        for node in self.nodes if failure else []:
            if (node.folder / "log").exists():
                print(f"--- {node.folder}\n{node.log_tail(25)}", file=sys.stderr)
        self.close()

    def heights(self):
        return [node.height() if node.running() else -1 for node in self.nodes]

    def wait_height(self, height, seconds, nodes=None):
        """Seconds until all of `nodes` have reached the height; fails after so many."""
        began = time.monotonic()
        while True:
            heights = [node.height() for node in nodes or self.nodes]
            if min(heights) >= height:
                return time.monotonic() - began
            if time.monotonic() - began > seconds:
                raise AssertionError(f"not at block {height} after {seconds} s, but at {heights}")
            time.sleep(0.02)

    def check_agreement(self):
        """No two nodes have different blocks at one height. Returns the height that all have."""
        height = min(h for h in self.heights() if h >= 0)
        for number in sorted({1, height // 2, height}):
            hashes = {node.rpc("eth_getBlockByNumber", hex(number), False)["hash"]
                      for node in self.nodes if node.running()}
            if len(hashes) != 1:
                raise AssertionError(f"a fork at block {number}: {hashes}")
        return height

#!/usr/bin/env python3
"""Clients that come and go without manners, over HTTP, WebSocket and IPC, all at once: they ask for what a thread of theirs, the loop or a
worker answers, subscribe in the middle of it, send frames in pieces, pings and closes between them, listen to half of it, or say that they send
nothing more, or are gone; meanwhile the servers are stopped and started, and at last the node itself, by SIGTERM. It ends well each time, and
until then answers whoever asks properly.

usage: churn.py PROGRAM [--rounds N] [--seconds S] [--clients N] [--seed N]"""

import argparse
import base64
import json
import os
import pathlib
import random
import socket
import struct
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../network"))
from network import DATA, Node, free_ports  # noqa: E402

SECONDS = 120  # for all that is waited for
FAULTS = ("Sanitizer", "runtime error", "Assertion", "panic")
ADDRESS = DATA["nodes"][0]["address"]
CALLS = [("net_version",), ("eth_blockNumber",), ("eth_syncing",), ("admin_peers",), ("eth_getBalance", ADDRESS, "latest"),
         ("eth_getBlockByNumber", "latest", True), ("eth_call", {"to": ADDRESS, "data": "0x"}, "latest"), ("txpool_content",),
         ("eth_call", {"data": "0x5b600056", "gas": "0x80000"}, "latest"), ("eth_estimateGas", {"to": ADDRESS}), ("eth_nothing",),
         ("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"}), ("eth_getTransactionReceipt", "0x" + "11" * 32),
         ("eth_newBlockFilter",)]
SUBSCRIBES = [("eth_subscribe", "newHeads"), ("eth_subscribe", "logs", {}), ("eth_subscribe", "nonsense"), ("admin_subscribe", "peerEvents"),
              ("eth_unsubscribe", "0x1")]


def message(chance, subscribes):
    def one(i):
        call = chance.choice(SUBSCRIBES if subscribes and chance.random() < 0.3 else CALLS)
        body = {"jsonrpc": "2.0", "id": i, "method": call[0], "params": call[1:]}
        if chance.random() < 0.1:
            del body["id"]
        return body
    if chance.random() < 0.3:
        return json.dumps([one(i) for i in range(chance.choice((1, 3, 30)))]).encode()
    return json.dumps(one(1)).encode()


def frames(chance, text):
    """A message as a client sends it, in one piece or some, with pings between."""
    pieces = chance.choice((1, 1, 1, 3))
    step = -(-len(text) // pieces)
    out = b""
    for at in range(0, len(text), step):
        piece, mask = text[at:at + step], os.urandom(4)
        first = (0x80 if at + step >= len(text) else 0) | (1 if at == 0 else 0)
        size = bytes([0x80 | len(piece)]) if len(piece) < 126 else b"\xfe" + struct.pack(">H", len(piece)) \
            if len(piece) < 65536 else b"\xff" + struct.pack(">Q", len(piece))
        out += bytes([first]) + size + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(piece))
        if chance.random() < 0.2:
            out += b"\x89\x84\0\0\0\0ping"
    return out


class Storm:
    def __init__(self, node, ws_port, seed):
        self.node, self.ws_port, self.seed = node, ws_port, seed
        self.ended, self.done, self.lock = threading.Event(), 0, threading.Lock()

    def tcp(self, port):
        return socket.create_connection(("127.0.0.1", port), timeout=2)

    def local(self):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(2)
        s.connect(str(self.node.folder / "geth.ipc"))
        return s

    def http(self, chance):
        s = self.tcp(self.node.rpc_port)
        for _ in range(chance.choice((1, 1, 2, 8))):
            body = message(chance, False)
            s.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        return s

    def upgrade(self, s, query=""):
        s.sendall(f"GET /{query} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                  f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n".encode())

    def websocket(self, chance):
        s = self.tcp(self.ws_port)
        self.upgrade(s, chance.choice(("", "", "?PSI=private")))
        s.sendall(b"".join(frames(chance, message(chance, True)) for _ in range(chance.choice((1, 3, 20)))))
        if chance.random() < 0.3:
            s.sendall(b"\x88\x82\0\0\0\0\x03\xe8")
        return s

    def shared(self, chance):
        """HTTP that becomes a WebSocket, when the server happens to have one."""
        s = self.http(chance)
        self.upgrade(s)
        s.sendall(frames(chance, message(chance, True)))
        return s

    def ipc(self, chance):
        s = self.local()
        s.sendall(b"".join(message(chance, True) for _ in range(chance.choice((1, 3, 100)))))
        return s

    def leave(self, chance, s):
        with s:
            way = chance.randrange(5)
            if way == 0:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif way == 1:
                s.shutdown(socket.SHUT_WR)
                while s.recv(65536):
                    pass
            elif way == 2:
                s.recv(100)
            elif way == 3:
                time.sleep(chance.random() * 0.2)
                s.recv(1 << 20)

    def come_and_go(self, index):
        chance = random.Random(self.seed * 1000 + index)
        while not self.ended.is_set():
            try:
                self.leave(chance, chance.choice((self.http, self.websocket, self.shared, self.ipc))(chance))
            except OSError:
                self.ended.wait(0.01)
            with self.lock:
                self.done += 1

    def switch(self, index):
        """Starts and stops what listens, by a connection of any kind."""
        chance = random.Random(self.seed * 1000 + index)
        http, ws = ["127.0.0.1", self.node.rpc_port], ["127.0.0.1", self.ws_port]
        calls = [("admin_stopWS",), ("admin_startWS", *ws, "*"), ("admin_startWS", *http, "*"), ("admin_stopHTTP",), ("admin_startHTTP", *http)]
        while not self.ended.is_set():
            batch = json.dumps([{"jsonrpc": "2.0", "id": 1, "method": c[0], "params": c[1:]}
                                for c in chance.sample(calls, chance.choice((1, 2, 4)))] ).encode()
            try:
                kind = chance.randrange(3)
                s = self.local() if kind == 0 else self.tcp(self.node.rpc_port if kind == 1 else self.ws_port)
                with s:
                    if kind == 0:
                        s.sendall((b'{"id":0,"method":"eth_subscribe","params":["newHeads"]}' if chance.random() < 0.5 else b"") + batch)
                    elif kind == 1:
                        s.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                                  % len(batch) + batch)
                    else:
                        self.upgrade(s)
                        s.sendall(frames(chance, b'{"id":0,"method":"eth_subscribe","params":["newHeads"]}') + frames(chance, batch))
                    if chance.random() < 0.7:
                        s.recv(65536)
            except OSError:
                pass
            self.ended.wait(chance.random() * 0.2)

    def run(self, clients, switches):
        self.threads = [threading.Thread(target=self.come_and_go, args=(i,), daemon=True) for i in range(clients)]
        self.threads += [threading.Thread(target=self.switch, args=(clients + i,), daemon=True) for i in range(switches)]
        for thread in self.threads:
            thread.start()

    def end(self):
        self.ended.set()
        for thread in self.threads:
            thread.join(SECONDS)
            assert not thread.is_alive(), "a client hangs"


def ask(node, method, *params):
    """By the unix socket, which nobody switches off."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(node.folder / "geth.ipc"))  # waits for its place, which it doesn't with a timeout
        s.settimeout(SECONDS)
        s.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode())
        return json.loads(s.makefile("rb").readline())


def one_round(node, ws_port, options, number):
    node.start()
    node.wait_answer(SECONDS)
    before = len(os.listdir(f"/proc/{node.process.pid}/fd"))
    storm = Storm(node, ws_port, options.seed + number)
    storm.run(options.clients, 2 if number % 2 else 0)
    end = time.monotonic() + options.seconds
    while time.monotonic() < end:
        assert "result" in ask(node, "eth_syncing") and node.running(), node.log_tail(40)
        time.sleep(0.05)
    if number % 3 == 0:  # all have gone: what they had is given back
        storm.end()
        end = time.monotonic() + SECONDS
        while len(os.listdir(f"/proc/{node.process.pid}/fd")) > before + 5:
            assert time.monotonic() < end, "connections that ended are held"
            time.sleep(0.05)
        assert "result" in ask(node, "eth_syncing")
    code = node.stop()
    storm.end()
    log = (node.folder / "log").read_text(errors="replace")
    assert code == 0 and not any(fault in log for fault in FAULTS), f"exit code {code}\n{node.log_tail(80)}"
    return storm.done


def ends_inside_a_batch(node, ws_port):
    """SIGTERM while a worker has a call of a batch; what follows would start and stop servers of a node that has none any more."""
    endless = {"data": "0x5b600056", "gas": "0xffffffffff"}
    servers = [("admin_startWS", "127.0.0.1", ws_port), ("admin_stopRPC",), ("admin_startRPC",), ("admin_stopWS",)]
    calls = [("debug_traceCall", endless, "latest", {"disableStack": True, "limit": 1})] * 20 + servers
    node.start()
    node.wait_answer(SECONDS)
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(node.folder / "geth.ipc"))
        s.sendall(json.dumps([{"jsonrpc": "2.0", "id": i, "method": call[0], "params": call[1:]} for i, call in enumerate(calls)]).encode())
        time.sleep(0.3)
        code = node.stop()
    assert code == 0, f"exit code {code}\n{node.log_tail(40)}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--clients", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="quorate-churn-") as folder:
        http_port, port, ws_port = free_ports(3)
        node = Node(os.path.abspath(options.program), pathlib.Path(folder) / "node", DATA["nodes"][0]["key"], http_port, port,
                    ["--ws", "--ws.addr", "127.0.0.1", "--ws.port", str(ws_port), "--ws.origins", "*", "--ws.api", "admin,eth,net,txpool,web3"])
        node.init(DATA["genesis"])
        try:
            ends_inside_a_batch(node, ws_port)
            done = sum(one_round(node, ws_port, options, number) for number in range(options.rounds))
        except BaseException:
            print(node.log_tail(60), file=sys.stderr)
            raise
        finally:
            if node.running():
                node.kill()
    print(f"{options.rounds} times {options.clients} clients that come and go: {done} connections, the node ended well each time")
    return 0


if __name__ == "__main__":
    sys.exit(main())

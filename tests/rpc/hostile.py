#!/usr/bin/env python3
"""What a client may do to a node's HTTP and WebSocket: bodies too large, too deep, of no UTF-8, requests and WebSockets that stop
half-way, a thousand connections that say nothing, more than there may be open files, dozens that hold megabytes, thousands of
subscriptions. Each is answered or closed, others are served meanwhile, and what was taken is given back.

usage: hostile.py PROGRAM [--idle N]"""

import argparse
import base64
import json
import os
import pathlib
import resource
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../network"))
from network import DATA, Node, free_ports  # noqa: E402

BODY_MAX = 5 * 1024 * 1024
MESSAGE_MAX = 15 * 1024 * 1024
DEPTH_MAX = 10000
SUBSCRIPTIONS_MAX = 1000
HELD_MAX = 512 * 1024 * 1024
FEW_FILES, FILES_LEFT = 600, 256


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def head_of(length, more=""):
    return (f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{more}\r\n").encode()


def read_all(s):
    """To the end of the connection."""
    parts = []
    while part := s.recv(65536):
        parts.append(part)
    return b"".join(parts)


def post(port, body):
    """Status and body of the answer."""
    with connect(port) as s:
        s.sendall(head_of(len(body), "Connection: close\r\n") + body)
        head, _, rest = read_all(s).partition(b"\r\n\r\n")
        return int(head.split()[1]), rest


def code_of(port, body):
    status, answer = post(port, body)
    assert status == 200, (status, answer)
    return json.loads(answer)["error"]["code"]


def check_bodies(port):
    started = time.monotonic()
    for length in (BODY_MAX + 1, 4 * BODY_MAX, 1 << 40):  # told, not sent
        with connect(port) as s:
            s.sendall(head_of(length, "Connection: close\r\n"))
            answer = read_all(s)
            assert answer.startswith(b"HTTP/1.1 413 ") and b"content length too large" in answer, answer
    with connect(port) as s:  # sent in chunks, without telling
        s.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        answer = b""
        try:
            for _ in range(BODY_MAX // 65536 + 2):
                s.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
            answer = read_all(s)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert not answer or answer.startswith(b"HTTP/1.1 413 "), answer
    assert time.monotonic() - started < 20, "a refused body holds its connection"
    call = b'{"jsonrpc":"2.0","id":1,"method":"eth_getBlockByNumber","params":%s}'
    assert code_of(port, b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1)) == -32700
    assert code_of(port, call % (b"[" * 9000 + b"]" * 9000)) == -32602
    assert code_of(port, b"[" * 1000000) == -32700
    assert code_of(port, b'{"a":' * 1000000) == -32700
    assert code_of(port, call % b'["\xff\xfe\xc0\x80", false]') == -32602
    status, answer = post(port, b'{"jsonrpc":"2.0","id":"\xed\xa0\x80","method":"\xff_\xfe"}')
    assert status == 200 and b"-32601" in answer, answer
    assert code_of(port, b"\x00\xff\xfe") == -32700


class WebSocket:
    def __init__(self, port):
        self.s = connect(port)
        self.s.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                       b"Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)) + b"\r\n\r\n")
        self.stream = self.s.makefile("rb")
        assert b" 101 " in self.stream.readline()
        while self.stream.readline() != b"\r\n":
            pass

    def frame(self, first, text):
        size = bytes([0x80 | len(text)]) if len(text) < 126 else bytes([0xFE]) + len(text).to_bytes(2, "big") \
            if len(text) < 65536 else bytes([0xFF]) + len(text).to_bytes(8, "big")
        self.s.sendall(bytes([first]) + size + bytes(4) + text)

    def read(self):
        """Kind and content of the next frame; kind None at the end of the connection."""
        head = self.stream.read(2)
        if len(head) < 2:
            return None, b""
        size = head[1] & 127
        if size > 125:
            size = int.from_bytes(self.stream.read(2 if size == 126 else 8), "big")
        return head[0] & 15, self.stream.read(size)

    def ask(self, method, *params):
        self.frame(0x81, json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode())
        while True:
            kind, text = self.read()
            assert kind == 1, (kind, text)
            if "id" in (answer := json.loads(text)):
                return answer

    def close_code(self):
        """The code by which the node closed, 0 when it just ended."""
        while True:
            kind, text = self.read()
            if kind in (None, 8):
                self.s.close()
                return int.from_bytes(text[:2], "big")


def check_websocket(port):
    s = WebSocket(port)
    s.s.sendall(b"\x81\xff" + (MESSAGE_MAX + 1).to_bytes(8, "big") + bytes(4))
    assert s.close_code() == 1009
    s = WebSocket(port)
    s.frame(0x81, b'{"id":1,"method":"\xff"}')
    assert s.close_code() == 1007
    s = WebSocket(port)
    s.s.sendall(b"\x81\x05hello")  # without a mask
    assert s.close_code() == 1002
    s = WebSocket(port)
    s.frame(0x81, b"[" * (DEPTH_MAX + 1))
    assert s.close_code() == 0
    s = WebSocket(port)
    made = 0
    while "result" in (answer := s.ask("eth_subscribe", "newHeads")):
        made += 1
        assert made <= SUBSCRIPTIONS_MAX
    assert made == SUBSCRIPTIONS_MAX and answer["error"]["code"] == -32000, (made, answer)
    assert "result" in s.ask("eth_blockNumber")
    s.s.close()


def check_idle(node, count):
    """Connections that say nothing, or begin and stop, do not keep others from being served."""
    before = len(os.listdir(f"/proc/{node.process.pid}/fd"))
    held = []
    for i in range(count):
        s = connect(node.rpc_port)
        held.append(s)
        if i % 4 == 1:
            s.sendall(b"POST / HTTP/1.1\r\nHost: loc")
        elif i % 4 == 2:
            s.sendall(head_of(1000) + b'{"id":')
        elif i % 4 == 3:
            s.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                      b"Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)) + b"\r\n\r\n\x81")
    assert node.height() == 0
    end = time.monotonic() + 60
    while len(os.listdir(f"/proc/{node.process.pid}/fd")) <= count:
        assert time.monotonic() < end, "connections that came are not taken"
        time.sleep(0.02)
    held[0].sendall(head_of(65) + b'{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}  ')
    assert held[0].recv(100).startswith(b"HTTP/1.1 200 ")
    for s in held:
        s.close()
    end = time.monotonic() + 20
    while len(os.listdir(f"/proc/{node.process.pid}/fd")) > before + 5:
        assert time.monotonic() < end, "connections that ended are held"
        time.sleep(0.02)


def resident(node):
    with open(f"/proc/{node.process.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def hold(node, size):
    """A connection that has sent so many bytes of a body, and owes some."""
    s = connect(node.rpc_port)
    s.sendall(head_of(BODY_MAX) + b" " * size)
    return s


def wait_read(node):
    """Until the node has read what was sent to it: the system has nothing of it, neither to receive there nor to send here."""
    port, end = f":{node.rpc_port:04X}", time.monotonic() + 60
    while True:
        with open("/proc/net/tcp", encoding="ascii") as file:
            rows = [line.split() for line in file if port in line]
        if not any(int(row[4].split(":")[row[1].endswith(port)], 16) for row in rows):
            return
        assert time.monotonic() < end, "what was sent is not read"
        time.sleep(0.02)


def check_crowd(node):
    """Bodies that stop half-way cost no more than all may have; small requests are served meanwhile, large ones when they have gone."""
    large = b'{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]' + b" " * 1000000 + b"}"
    before = resident(node)
    held = [hold(node, 4 << 20) for _ in range(HELD_MAX // (8 << 20) + 4)]  # a buffer doubles: 4 MiB and more have 8
    wait_read(node)
    # Bodies that grew together may have been refused together, and leave room: it goes to small ones, until there is none for another.
    for _ in range(HELD_MAX // len(large)):
        if (answer := post(node.rpc_port, large))[0] != 200:
            break
        held.append(hold(node, len(large)))
        wait_read(node)
    assert answer == (503, b"too many large requests at a time; try again later\n"), answer
    assert resident(node) - before < HELD_MAX + (100 << 20), resident(node) - before
    assert post(node.rpc_port, b'{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}')[0] == 200 and node.height() == 0
    s = WebSocket(node.rpc_port)
    assert "result" in s.ask("eth_blockNumber")
    s.frame(0x01, b" " * 1000000)
    assert s.close_code() == 1013
    for s in held:
        s.close()
    end = time.monotonic() + 20
    while post(node.rpc_port, large)[0] != 200:
        assert time.monotonic() < end, "what is over is counted"
        time.sleep(0.02)


def ask_owner(node):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(20)
        s.connect(str(node.folder / "geth.ipc"))
        s.sendall(b'{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}')
        return json.loads(s.makefile("rb").readline())


def check_descriptors(node):
    """Strangers do not have the last of the files that may be open: the owner finds one, and peers."""
    folder, before = f"/proc/{node.process.pid}/fd", resource.prlimit(node.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(node.process.pid, resource.RLIMIT_NOFILE, (FEW_FILES, before[1]))
    held = [connect(node.rpc_port) for _ in range(FEW_FILES)]
    assert held[-1].recv(1) == b"", "a connection with one of the last files is kept"
    assert FEW_FILES - FILES_LEFT - 20 < len(os.listdir(folder)) < FEW_FILES - FILES_LEFT + 20, len(os.listdir(folder))
    assert "result" in ask_owner(node)
    with connect(node.port) as peer:
        peer.settimeout(0.5)
        try:
            assert peer.recv(1), "a peer finds no file"
        except TimeoutError:
            pass  # it waits for what the peer says
    for s in held:
        s.close()
    resource.prlimit(node.process.pid, resource.RLIMIT_NOFILE, before)
    end = time.monotonic() + 20
    while len(os.listdir(folder)) > FILES_LEFT:
        assert time.monotonic() < end, "connections that ended are held"
        time.sleep(0.02)
    assert node.height() == 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--idle", type=int, default=1000)
    arguments = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 2 * arguments.idle + 1000)), hard))
    with tempfile.TemporaryDirectory() as temporary:
        ports = free_ports(2)
        node = Node(os.path.abspath(arguments.program), pathlib.Path(temporary) / "node", DATA["nodes"][0]["key"], ports[0], ports[1],
                    ["--ws", "--ws.addr", "127.0.0.1", "--ws.port", str(ports[0])])
        node.init(DATA["genesis"])
        node.start()
        try:
            node.wait_answer(30)
            check_bodies(node.rpc_port)
            check_websocket(node.rpc_port)
            check_idle(node, arguments.idle)
            check_descriptors(node)
            check_crowd(node)
            assert node.height() == 0
            assert node.stop() == 0
        except BaseException:
            print(node.log_tail(60), file=sys.stderr)
            raise
        finally:
            if node.running():
                node.kill()
    print(f"bodies, messages and {arguments.idle} idle connections: answered or closed")


if __name__ == "__main__":
    main()

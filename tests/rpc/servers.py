#!/usr/bin/env python3
"""JSON-RPC's servers started and stopped while the node runs (admin_startHTTP and its kin), asked for over the unix socket and over
the very connection that goes; and admin_subscribe peerEvents, told as a peer comes and goes.

usage: servers.py PROGRAM"""

import http.client
import json
import os
import socket
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../network"))
from network import Network, free_ports  # noqa: E402

WAIT = 90  # seconds; everything ends as soon as it holds


class Ipc:
    """A connection to the node's unix socket: answers by id, notifications in order."""

    def __init__(self, node):
        path = str(node.folder / "geth.ipc")
        end = time.monotonic() + WAIT
        while True:
            self.socket = socket.socket(socket.AF_UNIX)
            try:
                self.socket.connect(path)
                break
            except OSError:
                self.socket.close()
                assert node.running() and time.monotonic() < end, f"{path}: nobody listens"
                time.sleep(0.02)
        self.socket.settimeout(WAIT)
        self.lines = self.socket.makefile("rb")
        self.told = []

    def ask(self, method, *params):
        """The result, or the error's text."""
        self.socket.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode())
        while True:
            message = json.loads(self.lines.readline())
            if "id" in message:
                return message["result"] if "result" in message else message["error"]["message"]
            self.told.append(message)

    def next_told(self):
        while not self.told:
            self.told.append(json.loads(self.lines.readline()))
        return self.told.pop(0)

    def close(self):
        self.lines.close()
        self.socket.close()


def post(port, method, *params, headers=()):
    """Status and answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT)
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    connection.request("POST", "/", body, {"Content-Type": "application/json", **dict(headers)})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text) if answer.status == 200 else text.decode().strip()


def result(port, method, *params, **more):
    status, answer = post(port, method, *params, **more)
    assert status == 200, (status, answer)
    return answer["result"] if "result" in answer else answer["error"]["message"]


def upgrade(port, origin):
    """The status of a request for WebSocket."""
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT) as s:
        s.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                  f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: {origin}\r\n\r\n".encode())
        return int(s.makefile("rb").readline().split()[1])


def wait_closed(port):
    end = time.monotonic() + WAIT
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=WAIT).close()
        except OSError:
            return
        assert time.monotonic() < end, f"port {port} is still served"
        time.sleep(0.02)


def check_http(ipc, configured, port):
    assert ipc.ask("admin_startHTTP") == "JSON-RPC over HTTP is already enabled"
    assert ipc.ask("admin_startHTTP", "127.0.0.1", port).startswith("HTTP server already running on 127.0.0.1:")
    # Over the connection that goes: the answer comes first.
    assert result(configured, "admin_stopHTTP") is True
    wait_closed(configured)
    assert ipc.ask("admin_stopRPC") is True
    assert ipc.ask("admin_startHTTP", "127.0.0.1", port, "http://app.example", "net,web3", "node.example") is True
    assert result(port, "net_version") == "1337"
    assert result(port, "eth_blockNumber") == "the method eth_blockNumber does not exist/is not available"
    assert result(port, "net_version", headers={"Host": "node.example"}) == "1337"
    assert post(port, "net_version", headers={"Host": "other.example"}) == (403, "invalid host specified")
    # What was asked to stop is gone before something starts in its place.
    assert ipc.ask("admin_stopHTTP") is True
    assert ipc.ask("admin_startRPC", "127.0.0.1", port, None, "eth") is True
    assert result(port, "eth_chainId").startswith("0x")
    assert "0.0.0.0" not in ipc.ask("admin_stopRPC", "x")  # it takes no parameters
    assert ipc.ask("admin_stopRPC") is True
    wait_closed(port)
    # As configured, without parameters.
    assert ipc.ask("admin_startHTTP") is True
    assert result(configured, "net_version") == "1337"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ipc.ask("admin_stopHTTP")
        answer = ipc.ask("admin_startHTTP", "127.0.0.1", taken.getsockname()[1])
        assert "in use" in answer, answer
    assert ipc.ask("admin_startHTTP", None, None, None, None, None) is True
    assert ipc.ask("admin_startHTTP", "127.0.0.1", 70000) == "listen tcp: address 70000: invalid port"


def check_websocket(ipc, configured, port):
    assert upgrade(configured, "http://app.example") != 101
    # With the server of HTTP, and alone.
    assert ipc.ask("admin_startWS", "127.0.0.1", configured, "http://app.example", "net") is True
    assert upgrade(configured, "http://app.example") == 101
    assert upgrade(configured, "http://elsewhere.example") == 403
    assert ipc.ask("admin_startWS", "127.0.0.1", configured) == "JSON-RPC over WebSocket is already enabled"
    assert result(configured, "net_version") == "1337"
    assert ipc.ask("admin_stopWS") is True
    assert ipc.ask("admin_startWS", "127.0.0.1", port, "*") is True
    assert upgrade(configured, "http://app.example") != 101
    assert upgrade(port, "http://elsewhere.example") == 101
    assert post(port, "net_version")[0] == 404
    assert ipc.ask("admin_startWS", "127.0.0.1", port + 1).startswith("HTTP server already running on 127.0.0.1:")
    assert ipc.ask("admin_stopWS") is True
    wait_closed(port)


def check_peers(network, ipc):
    other = network.nodes[1]
    key = ipc.ask("admin_subscribe", "peerEvents")
    other.start()
    added = ipc.next_told()
    assert added["method"] == "admin_subscription" and added["params"]["subscription"] == key, added
    event = added["params"]["result"]
    assert list(event) == ["type", "peer", "local", "remote"] and event["type"] == "add", event
    (peer,) = ipc.ask("admin_peers")
    assert event["peer"] == peer["id"] and event["local"] == peer["network"]["localAddress"], (event, peer)
    assert event["remote"] == peer["network"]["remoteAddress"], (event, peer)
    other.kill()
    gone = ipc.next_told()["params"]["result"]
    assert gone["type"] == "drop" and gone["peer"] == event["peer"] and gone["remote"] == event["remote"], gone
    assert list(gone) == ["type", "peer", "error", "local", "remote"] and gone["error"], gone
    assert ipc.ask("admin_unsubscribe", key) is True


def main():
    with tempfile.TemporaryDirectory(prefix="quorate-servers-") as folder:
        network = Network(folder, sys.argv[1:2] * 2)
        node = network.nodes[0]
        (node.folder / "geth/static-nodes.json").write_text("[]")  # one dials: of two connections at a time, one would come and go
        with network:
            node.start()
            ipc = Ipc(node)
            (port,) = free_ports(1)
            check_http(ipc, node.rpc_port, port)
            check_websocket(ipc, node.rpc_port, port)
            check_peers(network, ipc)
            ipc.close()
            assert node.stop() == 0
    print("HTTP and WebSocket started and stopped, a peer seen to come and go")


if __name__ == "__main__":
    main()

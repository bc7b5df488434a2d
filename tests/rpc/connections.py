#!/usr/bin/env python3
"""Many clients hold connections to one of four validators, HTTP and WebSocket, and ask now and then: each is answered, none is
cut, and blocks keep their period.

usage: connections.py PROGRAM [--connections N] [--websockets N] [--seconds S] [--pause S]"""

import argparse
import asyncio
import base64
import json
import os
import resource
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../network"))
from network import Network, free_ports  # noqa: E402

QUESTION = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}).encode()


class Client:
    def __init__(self, port, websocket):
        self.port, self.websocket = port, websocket
        self.reader = self.writer = None

    async def open(self):
        for attempt in range(20):
            try:
                self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
                break
            except OSError:
                await asyncio.sleep(0.2)
        else:
            raise AssertionError(f"no connection to port {self.port}")
        if self.websocket:
            self.writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + base64.b64encode(os.urandom(16)) + b"\r\n\r\n")
            head = await self.reader.readuntil(b"\r\n\r\n")
            assert b" 101 " in head.split(b"\r\n")[0], head
            self.answers = asyncio.Queue()
            self.listener = asyncio.create_task(self.listen())

    async def ask(self):
        """The height; a connection that was cut is an error."""
        return int(json.loads(await (self.ask_websocket() if self.websocket else self.ask_http()))["result"], 16)

    async def ask_http(self):
        self.writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                          % len(QUESTION) + QUESTION)
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        assert b" 200 " in head.split(b"\r\n")[0] + b" ", head
        return await self.reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))

    async def ask_websocket(self):
        mask = os.urandom(4)
        self.writer.write(bytes([0x81, 0x80 | len(QUESTION)]) + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(QUESTION)))
        answer = await self.answers.get()
        assert answer is not None, "the WebSocket was closed"
        return answer

    async def listen(self):
        """As clients do it, pings are answered whenever they come."""
        try:
            while True:
                first, size = await self.reader.readexactly(2)
                body = await self.reader.readexactly(size)
                if first & 15 == 1:
                    self.answers.put_nowait(body)
                elif first & 15 == 9:
                    self.writer.write(bytes([0x8A, 0x80 | size, 0, 0, 0, 0]) + body)
                else:
                    raise EOFError(f"frame {first:#x} {body}")
        except (EOFError, OSError):
            self.answers.put_nowait(None)


async def hold(client, end, pause, delay, seen):
    await asyncio.sleep(delay)
    while time.monotonic() < end:
        began = time.monotonic()
        await asyncio.wait_for(client.ask(), 30)
        seen.append(time.monotonic() - began)
        await asyncio.sleep(pause)


async def run(options, http_port, ws_port):
    clients = [Client(ws_port, True) for _ in range(options.websockets)]
    clients += [Client(http_port, False) for _ in range(options.connections - options.websockets)]
    for i in range(0, len(clients), 200):
        await asyncio.gather(*(c.open() for c in clients[i:i + 200]))
    seen, end = [], time.monotonic() + options.seconds
    await asyncio.gather(*(hold(c, end, options.pause, options.pause * i / len(clients), seen) for i, c in enumerate(clients)))
    await asyncio.gather(*(asyncio.wait_for(c.ask(), 30) for c in clients[:500]))  # still there
    for c in clients:
        c.writer.close()
    return seen


TRIES = 3


def steady(measure):
    """What `measure` gives: the number of blocks, that of the late ones, the mean and the longest time between two. Once more when one is late, since
    anything else on the machine may have been in its way; clients that are in the way are so each time."""
    for _ in range(TRIES):
        count, late, mean, longest = measured = measure()
        if late * 50 <= count:
            return measured
        print(f"{late} of {count} blocks are late, at most {longest} s", flush=True)
    raise AssertionError(f"blocks are late, {TRIES} times out of {TRIES}")


def look_at_blocks(node, first, last):
    stamps = [int(node.rpc("eth_getBlockByNumber", hex(n), False)["timestamp"], 16) for n in range(first, last + 1)]
    gaps = [b - a for a, b in zip(stamps, stamps[1:])]
    return len(gaps), sum(gap > 2 for gap in gaps), sum(gaps) / max(len(gaps), 1), max(gaps, default=0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--connections", type=int, default=400)
    parser.add_argument("--websockets", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--pause", type=int, default=2, help="between two questions of one client, seconds")
    options = parser.parse_args()
    need = options.connections + 200
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(need, 1024), max(need, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    ws_port, = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="quorate-connections-") as folder:
        network = Network(folder, [options.program] * 4)
        node = network.nodes[0]
        node.arguments += ["--ws", "--ws.port", str(ws_port), "--ws.origins", "*"]
        with network:
            network.start()
            network.wait_height(2, 60)
            before, seen = node.memory_kib(), []

            def measure():
                first = node.height()
                seen[:] = asyncio.run(run(options, node.rpc_port, ws_port))
                last = node.height()
                network.wait_height(last, 60, network.nodes[1:2])
                return look_at_blocks(network.nodes[1], first, last)
            count, _, mean, longest = steady(measure)
            after = node.memory_kib()
            seen.sort()
            print(f"{options.connections} connections, {options.websockets} of them WebSockets, {options.seconds} s: {len(seen)} answers, "
                  f"median {1000 * seen[len(seen) // 2]:.1f} ms, 99 % within {1000 * seen[len(seen) * 99 // 100]:.0f} ms; "
                  f"{count} blocks, {mean:.2f} s apart, at most {longest} s; memory {before} to {after} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Four validators whose ports are flooded by peers that keep no rule: connections that say nothing, half a handshake, noise, and all of it again as
soon as it is closed. Blocks go on, memory and descriptors stay bounded, and a validator that was killed comes back among them meanwhile.

usage: flood.py PROGRAM [--attackers N]"""

import argparse
import os
import pathlib
import random
import selectors
import socket
import sys
import tempfile
import threading
import time

from network import DATA, Network

BLOCKS = 8
LIMIT = 180  # seconds, for whatever is waited for
MEMORY_MORE_KIB = 100 << 10  # above what each had before
DESCRIPTORS_MORE = 200  # pending connections each way have a bound of 50


class Flood(threading.Thread):
    """Holds so many connections to each port, from as many addresses of this machine; each that ends is made again."""

    def __init__(self, ports, count, seed):
        super().__init__(daemon=True)
        self.ports, self.count, self.random, self.over = ports, count, random.Random(seed), threading.Event()
        self.selector, self.made, self.refused = selectors.DefaultSelector(), 0, 0

    def connect(self, port):
        s = socket.socket()
        s.setblocking(False)
        try:
            s.bind((f'127.{self.random.randrange(1, 255)}.{self.random.randrange(256)}.{self.random.randrange(1, 255)}', 0))
            s.connect_ex(('127.0.0.1', port))
        except OSError:
            s.close()
            return
        self.selector.register(s, selectors.EVENT_READ | selectors.EVENT_WRITE, [port, self.words()])

    def words(self):
        """What it says once it is connected: nothing, noise, the length of a handshake that does not come, or all of one that nobody can read."""
        kind = self.random.randrange(4)
        if kind == 0:
            return b''
        if kind == 1:
            return self.random.randbytes(self.random.randrange(1, 2000))
        size = self.random.randrange(300, 400)
        return size.to_bytes(2, 'big') + self.random.randbytes(10 if kind == 2 else size)

    def ended(self, s, port):
        self.selector.unregister(s)
        s.close()
        self.refused += 1

    def run(self):
        while not self.over.is_set():
            held = {}
            for key in list(self.selector.get_map().values()):
                held[key.data[0]] = held.get(key.data[0], 0) + 1
            for port in self.ports:
                for _ in range(self.count - held.get(port, 0)):
                    self.connect(port)
            for key, events in self.selector.select(0.05):
                try:
                    if events & selectors.EVENT_WRITE:
                        if key.data[1]:
                            key.fileobj.send(key.data[1])
                        self.made += 1
                        self.selector.modify(key.fileobj, selectors.EVENT_READ, key.data)
                    elif not key.fileobj.recv(65536):
                        self.ended(key.fileobj, key.data[0])
                except OSError:
                    self.ended(key.fileobj, key.data[0])
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()


def descriptors(node):
    return len(os.listdir(f'/proc/{node.process.pid}/fd'))


def until(holds, text):
    end = time.monotonic() + LIMIT
    while not holds():
        assert time.monotonic() < end, f'not within {LIMIT} s: {text}'
        time.sleep(0.1)


def run(folder, program, attackers):
    network = Network(folder, [program] * 4)
    flood = None
    try:
        network.start()
        for node in network.nodes:
            node.wait_answer(LIMIT)
        network.wait_height(2, LIMIT)
        until(lambda: all(int(n.rpc('net_peerCount'), 16) == 3 for n in network.nodes), 'all know each other')
        memory, files = [n.memory_kib() for n in network.nodes], [descriptors(n) for n in network.nodes]
        flood = Flood([n.port for n in network.nodes], attackers, 1)
        flood.start()
        until(lambda: flood.refused > 4 * attackers, 'connections are closed')
        network.wait_height(max(network.heights()) + BLOCKS, LIMIT)
        for i, node in enumerate(network.nodes):
            assert node.memory_kib() < memory[i] + MEMORY_MORE_KIB, f'n{i}: {memory[i]} KiB before, {node.memory_kib()} now'
            assert descriptors(node) < files[i] + DESCRIPTORS_MORE, f'n{i}: {files[i]} descriptors before, {descriptors(node)} now'
            assert int(node.rpc('net_peerCount'), 16) == 3, f'n{i} has lost its peers: {node.log_tail()}'
        back = network.nodes[0]
        back.kill()
        others = network.nodes[1:]
        network.wait_height(max(network.heights()) + 2, LIMIT, others)
        began, closed = time.monotonic(), flood.refused
        back.start()
        back.wait_answer(LIMIT)
        until(lambda: int(back.rpc('net_peerCount'), 16) >= 1, 'who was killed has a peer again')
        network.wait_height(max(network.heights()) + 2, LIMIT)
        took = time.monotonic() - began
        network.check_agreement()
        print(f'{flood.made} connections of strangers, {flood.refused} of them closed: blocks go on; who was killed is level after {took:.1f} s, '
              f'in which {flood.refused - closed} were closed')
    except AssertionError:
        for node in network.nodes:
            print(f'{node.folder.name}:\n{node.log_tail()}')
        raise
    finally:
        if flood:
            flood.over.set()
            flood.join(30)
        network.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('program')
    parser.add_argument('--attackers', type=int, default=80, help='connections to each validator')
    args = parser.parse_args()
    assert len(DATA['nodes']) >= 4
    with tempfile.TemporaryDirectory(prefix='quorate-flood-') as folder:
        run(pathlib.Path(folder), os.path.abspath(args.program), args.attackers)


sys.exit(main())

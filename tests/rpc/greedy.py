#!/usr/bin/env python3
"""Greedy clients at one of four validators: they ask without end for all logs, for traces of a block that ran out of its gas, for calls
that never end, for batches of a thousand, and some read no answer. Blocks keep their period, the one that is asked proposes its share of
them, and everybody who reads is answered.

usage: greedy.py PROGRAM [--blocks N]"""

import argparse
import collections
import http.client
import json
import os
import socket
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../network"))
from clique import add_account  # noqa: E402
from connections import look_at_blocks, steady  # noqa: E402
from network import DATA, Network  # noqa: E402

ENDLESS = "0x5b600056"  # JUMPDEST PUSH1 0 JUMP
TRANSACTION_GAS = 2_000_000
READERS, DEAF = 16, 4  # clients
MEMORY_MAX_KIB = 1 << 20
SECONDS = 120  # for all that is waited for


def questions(number):
    def body(method, *params):
        return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return [body("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"}),
            body("debug_traceBlockByNumber", hex(number), {}),
            body("eth_call", {"data": ENDLESS, "gas": "0xffffffffff"}, "latest"),
            body("debug_traceCall", {"data": ENDLESS, "gas": "0xffffffffff"}, "latest", {}),
            [body("eth_getBalance", DATA["nodes"][0]["address"], "latest")] * 1000]


class Greedy:
    """Asks one question again and again on one connection."""

    def __init__(self, port, question, reads):
        self.port, self.name, self.reads = port, question[0]["method"] if isinstance(question, list) else question["method"], reads
        self.body = json.dumps(question).encode()
        self.answers, self.failure, self.ended = 0, None, threading.Event()
        self.thread = threading.Thread(target=self.read_all if reads else self.read_nothing, daemon=True)
        self.thread.start()

    def read_all(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            while not self.ended.is_set():
                connection.request("POST", "/", self.body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                assert answer.status == 200, answer.status
                while answer.read(1 << 20):
                    pass
                self.answers += 1
        except Exception as failure:  # told by the main thread
            if not self.ended.is_set():
                self.failure = failure
        finally:
            connection.close()

    def read_nothing(self):
        head = (f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(self.body)}\r\n\r\n").encode()
        with socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS) as s:
            s.settimeout(0.5)
            while not self.ended.is_set():
                try:
                    s.sendall(head + self.body)
                except TimeoutError:
                    pass  # the node takes no more from who does not read
                except OSError:
                    return
                self.ended.wait(0.05)


def make_work(network):
    """The number of a block with a transaction that burned all of its gas."""
    node = network.nodes[0]
    while "Unlocked account" not in (node.folder / "log").read_text():
        assert node.running() and time.monotonic() - node.started < SECONDS, node.log_tail()
        time.sleep(0.05)
    transaction = node.rpc("eth_sendTransaction", {"from": DATA["nodes"][0]["address"], "gas": hex(TRANSACTION_GAS), "gasPrice": "0x0", "data": ENDLESS})
    receipt = node.receipt(transaction, SECONDS)
    assert int(receipt["gasUsed"], 16) == TRANSACTION_GAS, receipt
    return int(receipt["blockNumber"], 16)


def load(network, blocks):
    node, watched = network.nodes[0], network.nodes[1]
    asked = questions(make_work(network))
    greedy = [Greedy(node.rpc_port, asked[i % len(asked)], True) for i in range(READERS)]
    greedy += [Greedy(node.rpc_port, asked[i % len(asked)], False) for i in range(DEAF)]
    memory, begun = 0, watched.height()

    def measure():
        nonlocal memory
        first, end = watched.height(), time.monotonic() + SECONDS
        # A block is under way when the load begins; and each client gets an answer.
        while (height := watched.height()) < first + blocks or not all(g.answers for g in greedy if g.reads):
            failed = [f"{g.name}: {g.failure!r}" for g in greedy if g.failure]
            assert not failed, failed
            assert time.monotonic() < end, f"{height - first} blocks, {[(g.name, g.answers) for g in greedy]}"
            memory = max(memory, node.memory_kib())
            time.sleep(0.1)
        return look_at_blocks(watched, first, height)
    count, _, mean, longest = steady(measure)
    for g in greedy:
        g.ended.set()
    blocks_made = range(begun + 1, watched.height() + 1)
    proposers = collections.Counter(watched.rpc("eth_getBlockByNumber", hex(n), False)["miner"].lower() for n in blocks_made)
    assert DATA["nodes"][0]["address"].lower() in proposers, proposers
    assert memory < MEMORY_MAX_KIB, f"{memory} KiB"
    answers = collections.Counter()
    for g in greedy:
        answers[g.name] += g.answers
    print(f"{count} blocks, {mean:.2f} s apart, at most {longest} s, {proposers[DATA['nodes'][0]['address'].lower()]} of them by the one that was asked; "
          f"answers: {dict(answers)}; memory at most {memory} KiB")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--blocks", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="quorate-greedy-") as folder:
        network = Network(folder, [os.path.abspath(options.program)] * 4)
        with network:
            add_account(network.nodes[0], DATA["nodes"][0])
            network.start()
            network.wait_height(2, SECONDS)
            load(network, options.blocks)
            network.check_agreement()
    return 0


if __name__ == "__main__":
    sys.exit(main())

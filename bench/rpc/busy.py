"""A network of validators under a steady load, one of which is asked: what it answers, and what becomes of the blocks meanwhile."""

import json
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "network"))
from network import DATA, Network, free_ports, make_genesis  # noqa: E402

POOL = "100000"  # transactions that a node keeps waiting, at most
GAS_LIMIT = "3758096384"
START_SECONDS = 120
SENDERS = 200
FILLED_BLOCKS = 3  # of the load, before anything is asked


class Busy:
    """Four validators of one program, one second a block, `rate` transfers a second offered to all of them."""

    def __init__(self, build, program, folder, consensus, rate, seconds):
        self.nodebench = build / "bench/network/nodebench"
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.rate, self.seconds = rate, seconds
        self.load = None
        ws_port, = free_ports(1)
        self.network = Network(self.folder, [str(program)] * 4, [
            "--miner.threads", "1", "--miner.gaslimit", GAS_LIMIT, "--miner.gastarget", GAS_LIMIT, "--txpool.globalslots", POOL,
            "--txpool.globalqueue", POOL, "--txpool.accountslots", POOL, "--txpool.accountqueue", POOL, "--verbosity", "3"],
            self.genesis(consensus))
        self.asked, self.watched = self.network.nodes[0], self.network.nodes[1]
        self.asked.ws_port = ws_port
        self.asked.arguments += ["--ws", "--ws.addr", "127.0.0.1", "--ws.port", str(ws_port), "--ws.api", "eth,net,web3"]

    def genesis(self, consensus):
        """That of the tests' network, with the load's senders and its token."""
        genesis = make_genesis(consensus)
        genesis["config"][consensus]["requesttimeoutseconds"] = 4
        subprocess.run([self.nodebench, "genesis", "--folder", self.folder, "--senders", str(SENDERS), "--token", ROOT / "bench/network/token.hex"],
                       check=True)
        genesis["alloc"].update(json.loads((self.folder / "genesis.json").read_text())["alloc"])
        return genesis

    def start(self):
        self.network.start()
        for node in self.network.nodes:
            node.wait_answer(START_SECONDS)
        self.network.wait_height(2, START_SECONDS)
        urls = ",".join(f"http://127.0.0.1:{node.rpc_port}" for node in self.network.nodes)
        with open(self.folder / "load.log", "w") as log:
            self.load = subprocess.Popen([self.nodebench, "load", "--urls", urls, "--rate", str(self.rate), "--seconds", str(self.seconds), "--senders",
                                          str(SENDERS), "--batch", "10", "--connections", "1", "--patience", "1"], stdout=log, stderr=log)
        self.wait_filled()

    def wait_filled(self):
        """Until blocks of the load have come; the first whole one is what is asked for in full."""
        end, number = time.monotonic() + START_SECONDS, self.watched.height()
        found = []
        while len(found) < FILLED_BLOCKS:
            assert time.monotonic() < end and self.load.poll() is None, (self.folder / "load.log").read_text()
            count = self.watched.rpc("eth_getBlockTransactionCountByNumber", hex(number))
            if count is None:
                time.sleep(0.05)
                continue
            if int(count, 16) >= self.rate / 2:
                found.append(number)
            number += 1
        self.full = found[1]

    def full_count(self):
        return int(self.watched.rpc("eth_getBlockTransactionCountByNumber", hex(self.full)), 16)

    def blocks(self, first, last):
        """(timestamp, transactions) of the blocks from `first` to `last`."""
        seen = []
        for number in range(first, last + 1):
            block = self.watched.rpc("eth_getBlockByNumber", hex(number), False)
            seen.append((int(block["timestamp"], 16), len(block["transactions"])))
        return seen

    def is_loaded(self):
        return self.load is not None and self.load.poll() is None

    def close(self):
        if self.is_loaded():
            self.load.kill()
            self.load.wait()
        self.network.close()


class Pace:
    """The blocks of a network while something happens, gathered over rounds."""

    def __init__(self):
        self.gaps, self.transactions, self.seconds = [], 0, 0

    def add(self, busy, began, first):
        """From the moment and the height that `begin` gave until now."""
        last = busy.watched.height()
        seen = busy.blocks(first, last)
        self.gaps += [b[0] - a[0] for a, b in zip(seen, seen[1:])]
        self.transactions += sum(count for _, count in seen[1:])
        self.seconds += time.monotonic() - began

    @staticmethod
    def begin(busy):
        return time.monotonic(), busy.watched.height()

    def show(self):
        if not self.gaps:
            return "no block | | | | "
        return (f"{len(self.gaps)} in {self.seconds:.0f} s | {statistics.median(self.gaps):.0f} s | {statistics.mean(self.gaps):.2f} s | {max(self.gaps)} s | "
                f"{self.transactions / sum(self.gaps) if sum(self.gaps) else 0:.0f}")

#!/usr/bin/env python3
"""Four validators, killed and started again in random order: blocks go on soon after a quorum is back, nobody forks,
nothing that was seen is lost.

usage: crashes.py PROGRAM [--schedules N] [--seed N] [--consensus qbft|ibft] [--transition BLOCK]
                        [--keep FOLDER]"""

import argparse
import pathlib
import random
import shutil
import sys
import tempfile
import time

from network import Network, make_genesis

PERIOD = 1  # seconds, of the genesis
# The reference point is the moment when the last process of the quorum was started: its connections and the
# next second of the clock come on top.
LIMIT = 3 * PERIOD + 2.5


class Watch:
    """The highest block that any node has shown, with its hash: it may never be taken back."""

    def __init__(self, network):
        self.network = network
        self.number, self.hash = -1, None

    def look(self):
        for node in self.network.nodes:
            if not node.running():
                continue
            height = node.height()
            if height > self.number:
                self.number = height
                self.hash = node.rpc("eth_getBlockByNumber", hex(height), False)["hash"]

    def check_kept(self):
        for node in self.network.nodes:
            block = node.rpc("eth_getBlockByNumber", hex(self.number), False)
            assert block and block["hash"] == self.hash, f"block {self.number} was lost or changed: {block}"


def schedule(network, watch, dice):
    """Kills some, waits, brings them back. Returns the seconds from the quorum's return to the next block."""
    count = dice.choice([1, 1, 2, 2, 3, 4])
    victims = dice.sample(range(4), count)
    watch.look()
    for victim in victims:
        network.nodes[victim].kill()
        time.sleep(dice.choice([0, 0, dice.random()]))
    watch.look()
    if count == 1:
        # Three go on; the dead one's turn costs a round, whose timeout is the genesis file's 2 s.
        survivors = [n for n in network.nodes if n.running()]
        network.wait_height(watch.number + 2, 60, survivors)
    time.sleep(dice.random() * 3)
    watch.look()
    dice.shuffle(victims)
    for at, victim in enumerate(victims):
        network.nodes[victim].start()
        if len(victims) - at - 1 == 1 or count == 1:  # three run: a quorum
            began = time.monotonic()
    # The first answers say where the chain stood; the block after that is a new one.
    stood = [node.wait_answer(60) for node in network.nodes]
    before = max([watch.number] + stood)
    network.wait_height(before + 1, 60)
    took = time.monotonic() - began
    watch.check_kept()
    network.check_agreement()
    return took if count > 1 else None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--schedules", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--consensus", default="qbft")
    parser.add_argument("--transition", type=int, default=0, help="from IBFT to QBFT")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds to the next block; a loaded machine needs more")
    parser.add_argument("--keep")
    options = parser.parse_args()
    folder = options.keep or tempfile.mkdtemp(prefix="quorate-network-")
    program = str(pathlib.Path(options.program).resolve())
    dice = random.Random(options.seed)
    network = Network(folder, [program] * 4, genesis=make_genesis(options.consensus, transition=options.transition))
    watch = Watch(network)
    failed = True
    times = []
    try:
        network.start()
        first = network.wait_height(1, 60)
        print(f"first block after {first:.2f} s")
        for number in range(options.schedules):
            took = schedule(network, watch, dice)
            if took is not None:
                times.append(took)
                print(f"schedule {number}: next block {took:.2f} s after the quorum was back", flush=True)
            else:
                print(f"schedule {number}: went on with three", flush=True)
        for node in network.nodes:
            assert node.stop() == 0, "a node did not end cleanly"
        late = [t for t in times if t > options.limit]
        if times:
            print(f"{len(times)} returns of a quorum: median {sorted(times)[len(times) // 2]:.2f} s, longest {max(times):.2f} s")
        assert not late, f"later than {options.limit} s: {late}"
        failed = False
    finally:
        network.close()
        if failed:
            for node in network.nodes:
                print(f"--- {node.folder}/log\n{node.log_tail(30)}", file=sys.stderr)
        elif not options.keep:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Four validators; the clock of one jumps forward by an hour, and back by an hour; the others go on, nobody forks, and it
takes part again when its clock is right. Needs libfaketime (Debian package libfaketime); skipped without.

usage: clock.py PROGRAM [--consensus qbft|ibft]"""

import argparse
import glob
import sys
import tempfile
import time

from network import Network, make_genesis

SKIPPED = 77
HOUR = 3600


def faketime_library():
    found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    return found[0] if found else None


class Clock:
    """What one process takes for the wall clock; its other clocks stay as they are."""

    def __init__(self, node):
        self.path = node.folder / "clock"
        self.set(0)
        node.environment = {"LD_PRELOAD": faketime_library(), "FAKETIME_TIMESTAMP_FILE": str(self.path), "FAKETIME_NO_CACHE": "1",
                            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}

    def set(self, seconds):
        other = self.path.with_suffix(".new")
        other.write_text(f"{seconds:+d}\n")
        other.replace(self.path)  # never read half written


def authors(node, first, last):
    return [node.rpc("istanbul_getSignersFromBlock", hex(n))["Author"] for n in range(first, last + 1)]


def jump(network, clock, seconds):
    """One node's clock is wrong for six blocks of the others."""
    node, others = network.nodes[0], network.nodes[1:]
    clock.set(seconds)
    begun = max(network.heights())
    took = network.wait_height(begun + 6, 120, others)
    network.check_agreement()
    print(f"clock {seconds:+d} s: six blocks of the others after {took:.1f} s, its own height {node.height() - begun:+d}")
    assert node.running(), f"it ended: {node.log_tail()}"
    stamps = [int(others[0].rpc("eth_getBlockByNumber", hex(n), False)["timestamp"], 16) for n in (begun, begun + 6)]
    assert stamps[1] - stamps[0] < 180, f"the wrong clock is in the chain: {stamps}"

    clock.set(0)
    height = max(network.heights())
    took = network.wait_height(height + 6, 90)
    print(f"clock right again: six blocks of all four after {took:.1f} s")
    network.check_agreement()
    wait_turn(network, height + 1, 90)


def wait_turn(network, first, seconds):
    """Until one of the blocks from there on is of the first node. On a busy machine a turn of it may pass, as anybody's."""
    own, watched, made, end = network.nodes[0].rpc("istanbul_nodeAddress").lower(), network.nodes[1], [], time.monotonic() + seconds
    while own not in made:
        assert time.monotonic() < end, f"{own} makes no block: {made}"
        made += [author.lower() for author in authors(watched, first + len(made), watched.height())]
        time.sleep(0.1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--consensus", default="qbft", choices=["qbft", "ibft"])
    options = parser.parse_args()
    if not faketime_library():
        print("skipped: no libfaketime (Debian package libfaketime)")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="quorate-clock-") as folder:
        network = Network(folder, [options.program] * 4, genesis=make_genesis(options.consensus))
        with network:
            clock = Clock(network.nodes[0])
            network.start()
            for node in network.nodes:
                node.wait_answer(60)
            network.wait_height(4, 60)
            jump(network, clock, HOUR)
            jump(network, clock, -HOUR)
    return 0


if __name__ == "__main__":
    sys.exit(main())

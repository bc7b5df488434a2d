#!/usr/bin/env python3
"""GoQuorum's geth and quorate-node as validators of one network: they take turns, vote members in and out, bring each
other up from nothing, and get out of the standstill that restarts of the reference lead to. By hand: it needs GoQuorum.

usage: mixed.py PROGRAM GETH [--consensus qbft|ibft] [--transition BLOCK] [--blocks N] [--fixtures FOLDER] [STEP ...]

steps: turns votes sync standstill (the last one: QBFT, and the node keys of FOLDER/recordings/qbft-order)"""

import argparse
import collections
import json
import pathlib
import shutil
import tempfile
import time

from network import Network, make_genesis


def split_rlp(data):
    """The items of a list, undecoded content."""
    def head(at):
        b = data[at]
        if b < 0x80:
            return at, 1
        if b < 0xB8:
            return at + 1, b - 0x80
        if b < 0xC0:
            n = b - 0xB7
            return at + 1 + n, int.from_bytes(data[at + 1:at + 1 + n], "big")
        if b < 0xF8:
            return at + 1, b - 0xC0
        n = b - 0xF7
        return at + 1 + n, int.from_bytes(data[at + 1:at + 1 + n], "big")
    at, length = head(0)
    end, items = at + length, []
    while at < end:
        start, size = head(at)
        items.append(data[start:start + size])
        at = start + size
    return items


def blocks(node, first, last):
    for number in range(first, last + 1):
        yield node.rpc("eth_getBlockByNumber", hex(number), False)


def author(node, block):
    """IBFT's header does not name it: the node recovers it."""
    return node.rpc("istanbul_getSignersFromBlock", block["number"])["Author"]


def turns(network, options):
    """Everybody proposes as often as the others, and nobody waits for a second round."""
    network.wait_height(8, 60)
    first = max(network.heights()) + 1
    last = first + options.blocks - 1
    network.wait_height(last, options.blocks * 3 + 30)
    node = network.nodes[0]
    authors, rounds, gaps, before = collections.Counter(), collections.Counter(), collections.Counter(), 0
    for block in blocks(node, first, last):
        authors[author(node, block)] += 1
        extra = bytes.fromhex(block["extraData"][2:])
        if options.consensus == "qbft":
            rounds[int.from_bytes(split_rlp(extra)[3], "big")] += 1
        if before:
            gaps[int(block["timestamp"], 16) - before] += 1
        before = int(block["timestamp"], 16)
    network.check_agreement()
    print(f"turns: {options.blocks} blocks, authors {dict(authors)}, rounds {dict(rounds)}, seconds between {dict(gaps)}")
    assert len(authors) == 4, "not everybody proposes"


def votes(network, options):
    """A fifth address is voted in and out again; it does not run, so its turns cost a round."""
    candidate = "0x" + "5a" * 20
    for wanted in (True, False):
        began = max(network.heights())
        for node in network.nodes:
            node.rpc("istanbul_propose", candidate, wanted)
        end = time.monotonic() + 90
        while any((candidate in node.rpc("istanbul_getValidators", "latest")) != wanted for node in network.nodes):
            assert time.monotonic() < end, f"the vote ({wanted}) does not pass"
            time.sleep(0.2)
        for node in network.nodes:
            node.rpc("istanbul_discard", candidate)
        print(f"votes: {'in' if wanted else 'out'} after {max(network.heights()) - began} blocks")
    network.wait_height(max(network.heights()) + 3, 40)
    network.check_agreement()


def sync(network, options):
    """One of each kind loses its chain and gets it from the others."""
    for index in (0, 1):
        node = network.nodes[index]
        node.kill()
        key = (node.folder / "geth/nodekey").read_text()
        static = (node.folder / "geth/static-nodes.json").read_text()
        shutil.rmtree(node.folder / "geth")
        (node.folder / "geth").mkdir()
        (node.folder / "geth/nodekey").write_text(key)
        (node.folder / "geth/static-nodes.json").write_text(static)
        node.init(network.genesis)
        target = max(network.heights())
        node.start()
        took = network.wait_height(target, 120, [node])
        print(f"sync: node {index} ({pathlib.Path(node.program).name}) has {target} blocks after {took:.1f} s")
        network.wait_height(max(network.heights()) + 2, 40)
        network.check_agreement()


def standstill(options):
    """Two of each; one GoQuorum node is restarted (and sorts the set anew), twelve blocks later the other is killed."""
    recorded = json.loads((options.fixtures / "recordings/qbft-order/network.json").read_text())
    identities = [{"key": key, "address": address, "id": enode[8:136]} for key, address, enode in
                  zip(recorded["node_keys"][:4], recorded["node_addresses"], recorded["enodes"])]
    folder = tempfile.mkdtemp(prefix="quorate-standstill-")
    network = Network(folder, [options.geth, options.program] * 2, genesis=make_genesis("qbft", identities),
                      identities=identities)
    try:
        network.start()
        network.wait_height(6, 60)
        network.nodes[0].kill()
        network.nodes[0].start()
        height = max(network.heights())
        network.wait_height(height + 12, 90)
        network.nodes[2].kill()
        height = max(network.heights())
        took = network.wait_height(height + 12, 120, [network.nodes[i] for i in (0, 1, 3)])
        print(f"standstill: 12 blocks in {took:.1f} s after the second GoQuorum validator was killed")
        network.check_agreement()
    finally:
        network.close()
    shutil.rmtree(folder)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("program", type=lambda p: str(pathlib.Path(p).resolve()))
    parser.add_argument("geth", type=lambda p: str(pathlib.Path(p).resolve()))
    parser.add_argument("steps", nargs="*", default=["turns", "votes", "sync"])
    parser.add_argument("--consensus", default="qbft")
    parser.add_argument("--transition", type=int, default=0)
    parser.add_argument("--blocks", type=int, default=40)
    parser.add_argument("--fixtures", type=pathlib.Path)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="quorate-mixed-")
    steps = [step for step in options.steps if step != "standstill"]
    if steps:
        network = Network(folder, [options.geth, options.program] * 2,
                          genesis=make_genesis(options.consensus, transition=options.transition))
        try:
            network.start()
            for step in steps:
                {"turns": turns, "votes": votes, "sync": sync}[step](network, options)
        except BaseException:
            print(f"logs: {folder}")
            raise
        finally:
            network.close()
        shutil.rmtree(folder)
    if "standstill" in options.steps:
        standstill(options)


if __name__ == "__main__":
    main()

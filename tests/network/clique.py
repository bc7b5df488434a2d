#!/usr/bin/env python3
"""Three signers of a Clique chain as real processes, each signing by an account: they come to one chain, go on when one is
killed, take it back in, and a transaction of one is in the chain of all.

usage: clique.py PROGRAM [--peer PROGRAM]     (--peer: the third signer's, such as GoQuorum's geth)"""

import argparse
import copy
import subprocess
import tempfile
import time

from network import DATA, Network

SIGNERS = DATA["nodes"][:3]


def make_genesis():
    genesis = copy.deepcopy(DATA["genesis"])
    del genesis["config"]["qbft"]
    genesis["config"]["clique"] = {"period": 1, "epoch": 30000}
    signers = sorted(node["address"][2:].lower() for node in SIGNERS)
    genesis["extraData"] = "0x" + "00" * 32 + "".join(signers) + "00" * 65
    genesis["mixHash"] = "0x" + "00" * 32
    return genesis


def add_account(node, identity):
    """The signer's key as an account of the node's; its password in a file."""
    password, key = node.folder / "password", node.folder / "key"
    password.write_text("three signers\n")
    key.write_text(identity["key"])
    for path in password, key:
        path.chmod(0o600)
    subprocess.run([node.program, "--datadir", node.folder, "--lightkdf", "--password", password, "account", "import", key],
                   check=True, stdout=subprocess.DEVNULL, stderr=open(node.folder / "import.log", "w"))
    key.unlink()
    node.arguments += ["--unlock", identity["address"], "--password", str(password), "--allow-insecure-unlock",
                       "--miner.etherbase", identity["address"]]


def wait_agreement(network, number, seconds):
    """Until all running nodes have the same block there: the ends of branches differ for a moment."""
    end = time.monotonic() + seconds
    while True:
        hashes = {node.rpc("eth_getBlockByNumber", hex(number), False)["hash"] for node in network.nodes if node.running()}
        if len(hashes) == 1:
            return hashes.pop()
        assert time.monotonic() < end, f"a fork at block {number}: {hashes}"
        time.sleep(0.2)


def wait_receipt(node, transaction, seconds):
    end = time.monotonic() + seconds
    while not (receipt := node.rpc("eth_getTransactionReceipt", transaction)):
        assert time.monotonic() < end, f"{node.folder}: no receipt of {transaction}"
        time.sleep(0.1)
    return receipt


def wait_in_turn(node, seconds):
    """The difficulties of all blocks, once one is in turn. None need be for a while: where the signer in turn has always just signed
    (2, 0, 1, 2, ... from block 1), the next block is a race of the other two, and either may win it many times."""
    end = time.monotonic() + seconds
    difficulties = []
    while 2 not in difficulties:
        assert time.monotonic() < end, f"no block in turn: {difficulties}"
        time.sleep(0.2)
        blocks = [node.rpc("eth_getBlockByNumber", hex(n), False) for n in range(1, node.height() + 1)]
        difficulties = [int(block["difficulty"], 16) for block in blocks if block]  # the last one may have gone with its branch
    return difficulties


def run(network):
    network.start()
    for node in network.nodes:
        node.wait_answer(60)
    network.wait_height(4, 60)
    wait_agreement(network, 3, 60)
    assert all(node.rpc("eth_mining") for node in network.nodes)

    sender = SIGNERS[0]["address"]
    while "Unlocked account" not in (network.nodes[0].folder / "log").read_text():  # two others make blocks without it
        assert network.nodes[0].running(), network.nodes[0].log_tail()
        time.sleep(0.05)
    transaction = network.nodes[0].rpc("eth_sendTransaction", {"from": sender, "to": SIGNERS[1]["address"], "value": "0x0",
                                                               "gas": "0x5208", "gasPrice": "0x0"})
    receipts = [wait_receipt(node, transaction, 60) for node in network.nodes]
    assert all(receipt["status"] == "0x1" for receipt in receipts)

    network.nodes[1].kill()
    rest = [network.nodes[0], network.nodes[2]]
    height = max(node.height() for node in rest)
    network.wait_height(height + 3, 60, rest)
    network.nodes[1].start()
    network.nodes[1].wait_answer(60)
    height = max(network.heights())
    network.wait_height(height + 3, 90)
    wait_agreement(network, height, 60)

    difficulties = wait_in_turn(network.nodes[0], 60)
    assert set(difficulties) <= {1, 2}, difficulties
    return len(difficulties), difficulties.count(2)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--peer")
    options = parser.parse_args()
    programs = [options.program, options.program, options.peer or options.program]
    with tempfile.TemporaryDirectory(prefix="quorate-clique-") as folder:
        network = Network(folder, programs, ["--nousb"], make_genesis(), SIGNERS)
        with network:
            for node, identity in zip(network.nodes, SIGNERS):
                add_account(node, identity)
            height, in_turn = run(network)
            print(f"one chain of {height} blocks, {in_turn} of them in turn")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""`quorate plan`, `restart` and `doctor`, and `up` killed on its way: what is there is never made again.

usage: plan.py PROGRAM [--rounds N]

PROGRAM is `quorate` in a folder that has quorate-node and quorate-tm too. N is how often `up` is killed."""

import argparse
import os
import random
import shutil
import signal
import socket
import subprocess
import time

from support import Network, rpc, until

NOTHING = "nothing to do"


def public_keys(network):
    """Of all that `up` has made so far: file names and contents that may appear, and never change."""
    names = ["genesis.json", "static-nodes.json"]
    files = [network.data / name for name in names] + sorted(network.data.glob("*/*/node/keystore/*"))
    return {str(path.relative_to(network.data)): path.read_bytes() for path in files if path.exists()}


def killed(network, rounds, rng):
    seen = {}
    for _ in range(rounds):
        process = subprocess.Popen([network.program, "up", "--detach", "network.yaml"], cwd=network.folder, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        time.sleep(rng.uniform(0, 0.9))
        process.kill()
        process.wait()
        now = public_keys(network)
        assert {name: now.get(name) for name in seen} == seen, "keys or genesis changed"
        seen = now
    network.up(text="ready four/four")
    now = public_keys(network)
    assert {name: now.get(name) for name in seen} == seen and len(now) == 6, sorted(now)
    assert len(network.processes()) == 8, network.processes()
    network.run("plan", "network.yaml", text=NOTHING)
    print(f"up killed {rounds} times, then completed: the same keys and genesis, nothing orphaned")


def planned(network):
    text = network.run("plan", "network.yaml")
    assert "make     keys of one/one" in text and "make     genesis" in text and "start    four/four node" in text, text
    assert not network.data.exists(), "plan left something behind"


def changed(network):
    text = network.file.read_text()
    network.file.write_text(text.replace("lock: true ", "lock: false", 1))
    plan = network.run("plan", "network.yaml", text="1 changes")
    assert "restart  one/one node" in plan, plan
    before = network.processes()
    network.up()
    network.run("plan", "network.yaml", text=NOTHING)
    after = network.processes()
    assert len(set(after) - set(before)) == 1 and len(after) == 8, (before, after)
    network.run("restart", "--tm", "two", text="two/two tm serves again")
    network.run("restart", "three", text="three/three node serves again")
    assert len(set(network.processes()) - set(after)) == 3
    network.file.write_text(text.replace("  config:\n", "  config:\n    chain_id: 99\n"))
    network.run("plan", "network.yaml", code=1, text="asks for another genesis")
    network.file.write_text(text.replace("lock: true ", "lock: false", 1))
    network.run("restart", "--tm", "--node", "two", code=2)
    print("plan names what up then does, and no more; restart restarts what it names")


def process_of(network, peer, program):
    return next(pid for pid, line in network.processes().items() if f"/{peer}/{peer}/" in line and program in line)


def stands(urls):
    """Whether no block comes in some periods."""
    before = [rpc(url, "eth_blockNumber") for url in urls]
    time.sleep(3)
    return [rpc(url, "eth_blockNumber") for url in urls] == before


def examined(network):
    until(lambda: "\n0 problems" in network.run("doctor", code=None), "a network without problems")
    network.run("doctor", text="transaction managers answer and know each other")
    manager = process_of(network, "two", "quorate-tm")
    os.kill(manager, signal.SIGSTOP)
    network.run("doctor", code=1, text="transaction manager of two/two does not answer")
    os.kill(manager, signal.SIGCONT)

    urls = [network.url(peer) for peer in ("one/one", "two/two")]
    validators = [process_of(network, peer, "quorate-node") for peer in ("three", "four")]
    for pid in validators:
        os.kill(pid, signal.SIGSTOP)
    until(lambda: stands(urls), "no more blocks")  # of one that was under way
    found = network.run("doctor", code=1, text="the node of four/four does not answer")
    assert "no block for" in found and "2 of 4 nodes answer" in found, found
    for pid in validators:
        os.kill(pid, signal.SIGCONT)
    until(lambda: "blocks are made" in network.run("doctor", code=None), "the network to go on")

    network.run("down", text="stopped")
    port = next(row["rpc"] for row in network.status() if row["peer"] == "one/one")
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        network.run("doctor", code=1, text=f"port {port} of one/one is in use")

    # A data directory of another network, as after a wrong copy.
    shutil.rmtree(network.data / "two" / "two" / "node" / "geth")
    other = (network.data / "genesis.json").read_text().replace('"gasLimit": "0xE0000000"', '"gasLimit": "0xE0000001"')
    (network.folder / "other.json").write_text(other)
    node = os.path.join(os.path.dirname(network.program), "quorate-node")
    subprocess.run([node, "--datadir", str(network.data / "two" / "two" / "node"), "init", str(network.folder / "other.json")], check=True,
                   capture_output=True)
    network.run("up", "--detach", "--wait", "5", "network.yaml", code=1)
    until(lambda: "two/two lives on genesis" in network.run("doctor", code=None), "a node on its foreign chain")
    print("doctor names a silent manager, a stuck round, a port in use and a foreign chain")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    args = parser.parse_args()
    print(f"seed {args.seed}")
    with Network(args.program) as network:
        network.init("--organizations", "one,two,three,four")
        planned(network)
        killed(network, args.rounds, random.Random(args.seed))
        changed(network)
        examined(network)
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()

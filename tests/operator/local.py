#!/usr/bin/env python3
"""A network on this machine by `quorate up`: real processes, killed at the worst moments.

usage: local.py PROGRAM [--rounds N] [--consensus NAME]

PROGRAM is `quorate` in a folder that has quorate-node too. N is how often `up` is killed on its way."""

import argparse
import hashlib
import os
import pathlib
import random
import signal
import subprocess
import time

from support import Network, until


class Four(Network):
    """Four organizations, a validator each, without managers."""

    def __init__(self, program, consensus):
        super().__init__(program)
        self.init("--transaction-manager", "none", "--consensus", consensus, "--organizations", "one,two,three,four")

    def fingerprint(self):
        """Of everything that must never change by itself."""
        digest = hashlib.sha256()
        for name in ["genesis.json", "static-nodes.json"]:
            digest.update((self.data / name).read_bytes())
        for path in sorted(self.data.glob("*/*/node/keystore/*")):
            digest.update(path.read_bytes())
        return digest.hexdigest()


def well(network):
    return all(row["node"] == "ready" and row["height"] and row["peers"] == 3 for row in network.status())


def killed_on_its_way(network, rounds, rng):
    for _ in range(rounds):
        process = subprocess.Popen([network.program, "up", "--detach", "network.yaml"], cwd=network.folder,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        time.sleep(rng.uniform(0, 0.7))
        process.kill()
        process.wait()


def heights(network):
    return [row["height"] or 0 for row in network.status()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--consensus", default="qbft")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    args = parser.parse_args()
    print(f"seed {args.seed}")
    with Four(args.program, args.consensus) as network:
        check(network, args.rounds, random.Random(args.seed))


def check(network, rounds, rng):
    killed_on_its_way(network, rounds, rng)
    network.up(code=0, text="ready four/four")
    before = network.fingerprint()
    until(lambda: well(network), "a network that is well")
    network.up(code=0, text="there genesis")
    assert network.fingerprint() == before, "a second `up` changed keys or genesis"
    print(f"up killed {rounds} times, then completed; a second one changed nothing")

    assert len(network.processes()) == 4, network.processes()
    secrets = [path for path in network.data.rglob("*") if path.is_file() and path.stat().st_mode & 0o077
               and path.name not in ("genesis.json", "static-nodes.json")]
    assert not [p for p in secrets if "secret" in p.name or "key" in p.name.lower()], secrets

    victim = rng.choice(sorted(network.processes()))
    os.kill(victim, signal.SIGKILL)
    until(lambda: victim not in network.processes() and well(network), "a killed node to come back")
    print("a node that was killed came back")

    reached = max(heights(network))
    supervisor = next(int(line.split()[-1].strip()) for line in (network.data / "supervisor.log").read_text().splitlines()[::-1]
                      if "started, process" in line)
    parent = int(pathlib.Path(f"/proc/{supervisor}/stat").read_text().rsplit(")", 1)[1].split()[1])
    os.kill(parent, signal.SIGKILL)
    until(lambda: not network.processes(), "the nodes of a killed supervisor to end")
    network.run("status", code=1, text="stopped")
    network.up(code=0)
    until(lambda: min(heights(network)) > reached, "blocks after the ones there were")
    assert network.fingerprint() == before
    print("after its supervisor was killed nothing was left behind; `up` went on from the same chain")

    text = network.file.read_text()
    network.file.write_text(text.replace("  config:\n", "  config:\n    chain_id: 99\n"))
    network.up(code=1, text="asks for another genesis")
    network.file.write_text(text)
    until(lambda: well(network), "the network to be well after a refusal")
    print("another genesis was refused, and nothing stopped")

    network.run("logs", "--lines", "3", "two", code=0)
    network.run("logs", "nobody", code=2, text="there is no peer nobody")
    network.run("down", "--purge", code=2, text="nothing was removed or stopped")
    network.run("down", code=0, text="stopped")
    assert not network.processes()
    network.run("down", "--purge", "--yes", code=0, text="removed")
    assert not network.data.exists()
    network.run("status", code=2, text="there is no network in quorate.d")
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()

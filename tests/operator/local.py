#!/usr/bin/env python3
"""A network on this machine by `quorate up`: real processes, killed at the worst moments.

usage: local.py PROGRAM [--rounds N] [--consensus NAME]

PROGRAM is `quorate` in a folder that has quorate-node too. N is how often `up` is killed on its way."""

import argparse
import hashlib
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

from support import PATIENCE, with_own_ports


class Network:
    def __init__(self, program, folder, consensus):
        self.program = os.path.abspath(program)
        self.folder = folder
        self.data = folder / "d"
        self.run("init", "--transaction-manager", "none", "--consensus", consensus, "--organizations", "one,two,three,four", code=0)
        file = folder / "network.yaml"
        file.write_text(with_own_ports(file.read_text()))

    def run(self, *arguments, code=None, text=None):
        done = subprocess.run([self.program, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=PATIENCE,
                              stdin=subprocess.DEVNULL)
        output = done.stdout + done.stderr
        if code is not None and done.returncode != code:
            sys.exit(f"quorate {' '.join(arguments)} ended with {done.returncode}, expected {code}:\n{output}")
        if text is not None and text not in output:
            sys.exit(f"quorate {' '.join(arguments)} printed no '{text}':\n{output}")
        return done.stdout

    def up(self, **expected):
        return self.run("up", "--detach", "--data", "d", "network.yaml", **expected)

    def status(self):
        return json.loads(self.run("status", "--data", "d", "--json"))

    def processes(self):
        """What runs for this network, by its folder in the command line."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if str(self.data) in line and "quorate-node" in line:
                found[int(entry.name)] = line
        return found

    def fingerprint(self):
        """Of everything that must never change by itself."""
        digest = hashlib.sha256()
        for name in ["genesis.json", "static-nodes.json"]:
            digest.update((self.data / name).read_bytes())
        for path in sorted(self.data.glob("*/*/node/keystore/*")):
            digest.update(path.read_bytes())
        return digest.hexdigest()


def wait_for(what, condition):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    sys.exit(f"waited {PATIENCE} s in vain for {what}")


def well(network):
    return all(row["node"] == "ready" and row["height"] and row["peers"] == 3 for row in network.status())


def killed_on_its_way(network, rounds, rng):
    for _ in range(rounds):
        process = subprocess.Popen([network.program, "up", "--detach", "--data", "d", "network.yaml"], cwd=network.folder,
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
    with tempfile.TemporaryDirectory(prefix="quorate-") as folder:
        network = Network(args.program, pathlib.Path(folder), args.consensus)
        try:
            check(network, args.rounds, random.Random(args.seed))
        finally:
            network.run("down", "--data", "d")


def check(network, rounds, rng):
    killed_on_its_way(network, rounds, rng)
    network.up(code=0, text="ready four/four")
    before = network.fingerprint()
    wait_for("a network that is well", lambda: well(network))
    network.up(code=0, text="there genesis")
    assert network.fingerprint() == before, "a second `up` changed keys or genesis"
    print(f"up killed {rounds} times, then completed; a second one changed nothing")

    assert len(network.processes()) == 4, network.processes()
    secrets = [path for path in network.data.rglob("*") if path.is_file() and path.stat().st_mode & 0o077
               and path.name not in ("genesis.json", "static-nodes.json")]
    assert not [p for p in secrets if "secret" in p.name or "key" in p.name.lower()], secrets

    victim = rng.choice(sorted(network.processes()))
    os.kill(victim, signal.SIGKILL)
    wait_for("a killed node to come back", lambda: victim not in network.processes() and well(network))
    print("a node that was killed came back")

    reached = max(heights(network))
    supervisor = next(int(line.split()[-1].strip()) for line in (network.data / "supervisor.log").read_text().splitlines()[::-1]
                      if "started, process" in line)
    parent = int(pathlib.Path(f"/proc/{supervisor}/stat").read_text().rsplit(")", 1)[1].split()[1])
    os.kill(parent, signal.SIGKILL)
    wait_for("the nodes of a killed supervisor to end", lambda: not network.processes())
    network.run("status", "--data", "d", code=1, text="stopped")
    network.up(code=0)
    wait_for("blocks after the ones there were", lambda: min(heights(network)) > reached)
    assert network.fingerprint() == before
    print("after its supervisor was killed nothing was left behind; `up` went on from the same chain")

    text = (network.folder / "network.yaml").read_text()
    (network.folder / "network.yaml").write_text(text.replace("  config:\n", "  config:\n    chain_id: 99\n"))
    network.up(code=1, text="asks for another genesis")
    (network.folder / "network.yaml").write_text(text)
    wait_for("the network to be well after a refusal", lambda: well(network))
    print("another genesis was refused, and nothing stopped")

    network.run("logs", "--data", "d", "--lines", "3", "two", code=0)
    network.run("logs", "--data", "d", "nobody", code=2, text="there is no peer nobody")
    network.run("down", "--data", "d", "--purge", code=2, text="nothing was removed or stopped")
    network.run("down", "--data", "d", code=0, text="stopped")
    assert not network.processes()
    network.run("down", "--data", "d", "--purge", "--yes", code=0, text="removed")
    assert not network.data.exists()
    network.run("status", "--data", "d", code=2, text="there is no network in d")
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()

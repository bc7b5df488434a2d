#!/usr/bin/env python3
"""A network with transaction managers by `quorate up`: what is private between two of its peers is seen by these two.

usage: private.py PROGRAM [--consensus NAME]

PROGRAM is `quorate` in a folder that has quorate-node and quorate-tm too."""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from support import PATIENCE, until, with_own_ports

STORES_42 = "0x602a60005560006000f3"  # a creation: SSTORE(0, 42), and no code


def run(program, *arguments, cwd):
    done = subprocess.run([program, *arguments], cwd=cwd, capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        sys.exit(f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def attach(node, data, peer, expression):
    answer = run(node, "attach", str(data / peer / peer / "node" / "geth.ipc"), "--exec", expression, cwd=data)
    return json.loads(answer)


def attempt(node, data, peer, expression):
    """None as long as it fails, as right after the managers have begun."""
    try:
        return attach(node, data, peer, expression)
    except SystemExit as e:
        print(e, file=sys.stderr)
        return None


def in_memory(data, peer, name):
    """A secret where the programs read it: under /dev/shm, named in the processes' command lines."""
    for process in json.loads((data / "processes.json").read_text()):
        arguments = process["arguments"]
        if process["name"] == f"{peer}/{peer} node":
            return (pathlib.Path(arguments[arguments.index("--nodekey") + 1]).parent / name).read_text()
    sys.exit(f"no process of {peer}")


def storage(node, data, peer, transaction):
    expression = f"var r = eth.getTransactionReceipt('{transaction}'); r ? eth.getStorageAt(r.contractAddress, 0) : null"
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        value = attach(node, data, peer, expression)
        if value is not None:
            return int(value, 16)
        time.sleep(0.2)
    sys.exit(f"{peer} has no receipt of {transaction} after {PATIENCE} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--consensus", default="qbft")
    args = parser.parse_args()
    program = os.path.abspath(args.program)
    node = str(pathlib.Path(program).parent / "quorate-node")
    with tempfile.TemporaryDirectory(prefix="quorate-") as folder:
        data = pathlib.Path(folder) / "d"
        run(program, "init", "--consensus", args.consensus, "--organizations", "one,two,three,four", cwd=folder)
        file = pathlib.Path(folder) / "network.yaml"
        file.write_text(with_own_ports(file.read_text()))
        run(program, "up", "--detach", "--data", "d", "network.yaml", cwd=folder)
        try:
            password = in_memory(data, "one", "passwords.txt")
            party = in_memory(data, "three", "tm.pub")
            call = {"gas": 300000, "data": STORES_42, "privateFor": [party]}
            expression = f"var t = {json.dumps(call)}; t.from = eth.accounts[0]; personal.sendTransaction(t, '{password}')"
            transaction = until(lambda: attempt(node, data, "one", expression), "managers that know each other")
            seen = {peer: storage(node, data, peer, transaction) for peer in ["one", "two", "three", "four"]}
            assert seen == {"one": 42, "two": 0, "three": 42, "four": 0}, seen
            print(f"private between one and three: {seen}")
            run(program, "status", "--data", "d", cwd=folder)
        finally:
            run(program, "down", "--data", "d", cwd=folder)
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()

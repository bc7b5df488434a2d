#!/usr/bin/env python3
"""A GoQuorum node's data directory and its exported chain (recorded: 95 blocks) taken over by `migrate --from`: every block is checked,
a second run goes on where the first one ended, a changed block is refused by name, and the report tells the recorded head.

usage: migrate_chain.py QUORATE_NODE   (the recordings of GoQuorum are needed; skipped without them)"""

import gzip
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = pathlib.Path(os.environ.get("QUORATE_FIXTURES") or ROOT.parent / "shared" / "fixtures")
RECORDED = FIXTURES / "recordings" / "qbft"
PROGRAM = os.path.abspath(sys.argv[1])
LIMIT = 300  # seconds, for one run

if not RECORDED.is_dir():
    print(f"skipped: the recordings of GoQuorum are not here ({RECORDED})")
    sys.exit(77)


def run(*arguments):
    """Exit code, and all that it says."""
    done = subprocess.run([PROGRAM, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT,
                          stdin=subprocess.DEVNULL, env={**os.environ, "PRIVATE_CONFIG": "ignore"})
    return done.returncode, done.stdout


def recorded(method, *params):
    """What the first node answered."""
    with gzip.open(RECORDED / "rpc.jsonl.gz", "rt") as lines:
        for line in lines:
            exchange = json.loads(line)
            if exchange["peer"] == 0 and exchange["method"] == method and (not params or exchange["params"] == list(params)):
                yield exchange["result"]


def report_of(text):
    found = re.search(r"Files: +(\d+) copied, (\d+) there already\nChain: +head (\d+), (0x[0-9a-f]{64})\n +state root (0x[0-9a-f]{64})\n"
                      r"Blocks: +(\d+) checked and imported, (\d+) there already\n", text)
    assert found, text
    return found.groups()


def make_old(folder):
    """As GoQuorum lays it out: the files that are its own, and a database that is only its."""
    network = json.loads((RECORDED / "network.json").read_text())
    (folder / "geth/chaindata").mkdir(parents=True)
    (folder / "geth/chaindata/CURRENT").write_text("MANIFEST-000001\n")
    (folder / "keystore").mkdir()
    (folder / "geth/nodekey").write_text(network["node_keys"][0])
    for name in "geth/static-nodes.json", "geth/trusted-nodes.json", "permissioned-nodes.json", "disallowed-nodes.json":
        (folder / name).write_text(json.dumps(network["enodes"][1:] if "dis" not in name else []))
    (folder / "keystore/UTC--a").write_text('{"address":"00","version":3}')
    return 6


def main():
    blocks = [bytes.fromhex(block) for block in recorded("debug_getBlockRlp")]
    count = len(blocks)
    head = next(recorded("eth_getBlockByNumber", hex(count - 1), True), None) or next(recorded("eth_getBlockByNumber", hex(count - 1), False))
    with tempfile.TemporaryDirectory(prefix="quorate-migrate-") as folder:
        folder = pathlib.Path(folder)
        old, new, part, whole, spoilt = (folder / name for name in ("old", "new", "part.rlp", "whole.rlp.gz", "spoilt.rlp"))
        files = make_old(old)
        half = count // 2
        part.write_bytes(b"".join(blocks[:half]))
        whole.write_bytes(gzip.compress(b"".join(blocks)))
        changed = bytearray(blocks[half])
        at = changed.index(bytes.fromhex(next(recorded("eth_getBlockByNumber", hex(half), True))["stateRoot"][2:]))
        changed[at] ^= 1
        spoilt.write_bytes(b"".join(blocks[:half]) + bytes(changed))

        code, text = run("--datadir", new, "init", RECORDED / "genesis.json")
        assert code == 0, text
        code, text = run("--datadir", new, "migrate", "--from", old, part)
        assert code == 0 and "Importing blockchain" in text, text
        copied, same, number, _, _, imported, known = report_of(text)
        assert (int(copied), int(same), int(number)) == (files, 0, half - 1), text
        assert (int(imported), int(known)) == (half - 1, 1), text
        for path in new.rglob("*"):
            if path.is_file() and path.name != "LOCK":
                assert path.stat().st_mode & 0o077 == 0, f"{path} can be read by others"

        code, text = run("--datadir", new, "migrate", "--from", old, spoilt)
        assert code == 1 and f"block {half}:" in text, text
        assert int(report_of(text)[2]) == half - 1, text

        code, text = run("--datadir", new, "migrate", "--from", old, whole)
        assert code == 0, text
        copied, same, number, digest, root, imported, known = report_of(text)
        assert (int(copied), int(same), int(number)) == (0, files, count - 1), text
        assert (digest, root) == (head["hash"], head["stateRoot"]), text
        assert (int(imported), int(known)) == (count - half, half), text
    print(f"{count} blocks and {files} files taken over, in two runs")


if __name__ == "__main__":
    main()

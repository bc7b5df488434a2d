#!/usr/bin/env python3
"""`quorate backup` of a network that is given work, and what `quorate restore` makes of it.

usage: backup.py PROGRAM [--consensus NAME] [--manager NAME] [--database NAME]

PROGRAM is `quorate` in a folder that has quorate-node and quorate-tm too."""

import argparse
import hashlib
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import threading
import time

from members import growing, leader
from support import Network, rpc, until

PEERS = ["one/one", "two/two", "three/three", "four/four"]


def number_creation(number):
    """A creation: SSTORE(0, number), and no code."""
    return "0x61%04x60005560006000f3" % number


class Load(threading.Thread):
    """Private contracts between one and three, each with the next number, one after the other is mined."""

    def __init__(self, network):
        super().__init__()
        self.url = network.url("one/one")
        self.party = network.secret("three", "tm.pub").strip()
        self.account = rpc(self.url, "eth_accounts")[0]
        self.contracts = []  # (transaction, contract, block, number)
        self.ending = threading.Event()
        self.failure = None

    def accepted(self, call):
        """Its hash; None as long as the other's key is not known, right after both have begun."""
        try:
            return rpc(self.url, "eth_sendTransaction", call)
        except RuntimeError as e:
            if self.contracts:
                raise
            print(f"not yet: {e}")
            time.sleep(0.5)
            return None

    def send(self, number):
        call = {"from": self.account, "gas": "0x493e0", "data": number_creation(number), "privateFor": [self.party]}
        transaction = until(lambda: self.accepted(call), "a manager that knows the other")
        receipt = until(lambda: rpc(self.url, "eth_getTransactionReceipt", transaction), "a receipt")
        self.contracts.append((transaction, receipt["contractAddress"], int(receipt["blockNumber"], 16), number))

    def run(self):
        try:
            while not self.ending.is_set():
                for _ in range(5):  # that the next block has more than one to execute
                    rpc(self.url, "eth_sendTransaction", {"from": self.account, "to": self.account, "gas": "0x5208"})
                self.send(1000 + len(self.contracts))
        except Exception as e:  # told by the main thread
            self.failure = e

    def __enter__(self):
        self.start()
        until(lambda: len(self.contracts) >= 3 or self.failure, "the first contracts")
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.join()
        if self.failure:
            sys.exit(f"the load ended early: {self.failure}")


def fingerprint(folder):
    """Of keys and settings, which nothing but their owner changes; not of what a node or a supervisor writes as it runs."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "db" not in path.parts and path.parent.name not in ("logs", "geth", "quorate") and path.suffix not in (".log", ".pid") and "payloads" not in path.name:
            digest.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return digest.hexdigest()


def heads(output):
    """The block to which each peer was copied."""
    return {peer: int(block) for peer, block in re.findall(r"copied +(\S+), to block (\d+)", output)}


def value(url, contract):
    return int(rpc(url, "eth_getStorageAt", contract, "0x0", "latest"), 16)


def check_private(network, contracts, data=None):
    """What each peer sees of the contracts: parties the number and the payload, others nothing."""
    urls = {row["peer"]: f"http://127.0.0.1:{row['rpc']}" for row in network.status()}
    last = contracts[-1][0]
    until(lambda: all(rpc(url, "eth_getTransactionReceipt", last) for url in urls.values()), "all to have the contracts")
    for transaction, contract, _, number in contracts:
        digest = rpc(next(iter(urls.values())), "eth_getTransactionByHash", transaction)["input"]
        for peer, url in urls.items():
            party = peer in ("one/one", "three/three")
            assert value(url, contract) == (number if party else 0), (peer, contract, number)
            payload = rpc(url, "eth_getQuorumPayload", digest)
            assert payload == (number_creation(number) if party else "0x"), (peer, payload)


class Site:
    """The test's network with another folder of data."""

    def __init__(self, network, data, file):
        self.network, self.kept = network, (network.data, network.file)
        self.data, self.file = data, file

    def __enter__(self):
        self.network.data, self.network.file = self.data, self.file
        return self.network

    def __exit__(self, *_):
        self.network.run("down")
        self.network.data, self.network.file = self.kept


class Backups(Network):
    """Every command with --data, so that one network can live in several folders."""

    def run(self, *arguments, **expected):
        own = ["--data", str(self.data)] if arguments[0] != "init" else []
        return super().run(*arguments, *own, **expected)

    def up(self, **expected):
        return self.run("up", "--detach", str(self.file), **expected)


def refusals(network, archive, good, bad):
    before = fingerprint(network.data)
    fresh = network.folder / "refused"

    def refused(code, text, path, passphrase=good, data=fresh):
        with_data = Network.run  # not into the network's own folder
        with_data(network, "restore", str(path), "--archive-passphrase-file", str(passphrase), "--data", str(data), code=code, text=text)
        assert data is network.data or not data.exists(), f"{text}: {data} was left"

    whole = archive.read_bytes()
    spoilt = network.folder / "spoilt.tar"
    refused(2, "the passphrase in", archive, passphrase=bad)
    for length in (0, 100, 512, len(whole) // 2, len(whole) - 4096):
        spoilt.write_bytes(whole[:length])
        refused(1, "was cut off", spoilt)
    with tarfile.open(archive) as tar:
        members = {member.name: member for member in tar.getmembers()}
    for name, text in (("secrets", "is damaged at secrets"), ("peers/two/two/tm/payloads.db", "is damaged at peers/two/two/tm/payloads.db"),
                       ("SHA256SUMS", "is damaged")):
        at = members[name].offset_data + members[name].size // 2
        spoilt.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
        refused(1, text, spoilt)
    at = members["secrets"].offset
    spoilt.write_bytes(whole[:at] + b"S" + whole[at + 1:])
    refused(1, "the checksum before a file is wrong", spoilt)
    spoilt.write_bytes(whole.replace(b'"quorate-backup": 1,', b'"quorate-backup": 2,', 1))
    refused(1, "damaged at quorate-backup.json", spoilt)
    refused(1, "no tar archive", network.file)
    refused(2, "No such file", network.folder / "nowhere.tar")
    # What is there stays, and what runs runs on.
    refused(1, "is not replaced", archive, data=network.data)
    network.run("backup", "--out", str(archive), "--archive-passphrase-file", str(good), code=1, text="exists, and is not replaced")
    network.run("backup", "nobody", "--out", str(network.folder / "x"), "--archive-passphrase-file", str(good), code=2, text="there is no peer nobody")
    network.run("backup", "--out", str(network.folder / "x"), code=2, text="a passphrase for the keys")
    assert archive.read_bytes() == whole
    assert fingerprint(network.data) == before
    assert not list(network.folder.glob("*.tar.*")), "a folder was left beside an archive"
    network.run("status")
    print("wrong passphrases, archives that were cut off or changed, and what is there already: refused, and nothing changed")


def half_placed(network, archive):
    """As a restore of one peer that was killed when it had placed the node, and not yet the payloads."""
    stage, peer = network.data / ".restore", network.data / "one" / "one"
    with tarfile.open(archive) as tar:
        tar.extractall(stage)
    shutil.rmtree(stage / "peers" / "one" / "one" / "node")
    shutil.rmtree(peer / "tm")
    for path in (peer / "restored", peer / "genesis.json", stage / "SHA256SUMS"):
        path.unlink(missing_ok=True)
    (stage / "placing").write_text(hashlib.sha256(archive.read_bytes()[-65536:]).hexdigest() + "\n")
    return stage


def interrupted(network, single, whole, good):
    """Nothing is started until the same restore has gone on."""
    stage = half_placed(network, single)
    for command in (("up", "--detach"), ("plan",)):
        network.run(*command, "network.yaml", code=1, text="was interrupted, and not all is in its place")
    network.run("restore", str(whole), "--archive-passphrase-file", str(good), code=1, text="a restore of another archive was interrupted")
    network.run("restore", str(single), "--archive-passphrase-file", str(good), text="restored one/one")
    assert not stage.exists() and (network.data / "one" / "one" / "tm" / "payloads.db").exists()
    print("a restore that was killed while it placed: nothing starts until it has gone on")


def killed_at_work(network, good, out):
    """Whether it was, and had not made its archive before."""
    process = subprocess.Popen([network.program, "backup", "--out", str(out / "a.tar"), "--archive-passphrase-file", str(good)], cwd=network.folder,
                               stdout=subprocess.DEVNULL, env=network.environment)
    while process.poll() is None and not list(out.glob("a.tar.backup-??????")):
        time.sleep(0.001)
    process.kill()
    process.wait()
    (out / "a.tar").unlink(missing_ok=True)
    return list(out.glob("a.tar.backup-??????"))


def killed(network, good):
    """A backup that is killed leaves a folder; the next one beside it takes it away, and nobody else's."""
    out = network.folder / "killed"
    out.mkdir()
    until(lambda: killed_at_work(network, good, out), "a backup that is killed at its work")
    (out / "mine.backup-abcdef").mkdir()
    (out / "mine.backup-abcdef" / "other").write_text("kept")
    network.run("backup", "--out", str(out / "b.tar"), "--archive-passphrase-file", str(good))
    left = sorted(path.name for path in out.iterdir())
    assert left == ["b.tar", "mine.backup-abcdef"], left
    shutil.rmtree(out)


def keys_are_closed(archive, network):
    secrets = [network.secret(peer, name).strip() for peer in ("one", "two") for name in ("nodekey", "tm.key", "passwords.txt")]
    content = archive.read_bytes()
    assert not [s for s in secrets if s.encode() in content], "a secret lies open in the archive"
    assert archive.stat().st_mode & 0o077 == 0
    with tarfile.open(archive) as tar:
        names = tar.getnames()
    assert names[0] == "quorate-backup.json" and names[-1] == "SHA256SUMS", names


def check(network, consensus, manager):
    good, bad = network.folder / "passphrase", network.folder / "wrong"
    good.write_text("correct horse\n")
    bad.write_text("battery staple\n")
    whole, single = network.folder / "whole.tar", network.folder / "one.tar"

    with Load(network) as load:
        copied = heads(network.run("backup", "--out", str(whole), "--archive-passphrase-file", str(good)))
        single_copied = heads(network.run("backup", "one", "--out", str(single), "--archive-passphrase-file", str(good)))
        made = len(load.contracts)
        until(lambda: len(load.contracts) > made or load.failure, "work after the backup")
    assert sorted(copied) == sorted(PEERS) and list(single_copied) == ["one/one"], (copied, single_copied)
    url = network.url("one/one")
    low = min(copied.values())
    old = [c for c in load.contracts if c[2] <= low]
    assert old and low > 0, (copied, load.contracts)
    hashes = {n: rpc(url, "eth_getBlockByNumber", hex(n), False)["hash"] for n in (1, low, single_copied["one/one"])}
    keys_are_closed(whole, network)
    refusals(network, whole, good, bad)
    killed(network, good)

    # One peer's disk is lost while the others go on.
    shutil.rmtree(network.data / "one" / "one")
    network.run("restore", str(single), "--archive-passphrase-file", str(good), text="restored one/one")
    interrupted(network, single, whole, good)
    network.up(text="ready one/one")
    newest = max(c[2] for c in load.contracts)
    until(lambda: int(rpc(url, "eth_blockNumber"), 16) >= newest, "one to have caught up")
    assert all(rpc(url, "eth_getBlockByNumber", hex(n), False)["hash"] == h for n, h in hashes.items())
    # What came after the backup is executed again, with payloads that the others' managers have kept; Constellation's dialect has no way to ask.
    check_private(network, load.contracts if manager == "tessera" else old)
    growing_or_leader(network, consensus)
    until(lambda: "all transaction managers answer" in network.run("doctor", code=None), "all managers")
    with Load(network) as more:
        pass
    check_private(network, more.contracts)
    print(f"one peer restored from block {single_copied['one/one']} beside the others, which had gone on to {newest}: same blocks, same private state")

    # An empty machine: nothing of the old folder is there.
    ports = (network.data / "ports.json").read_text()
    network.run("down", "--purge", "--yes")
    with Site(network, network.folder / "fresh", network.folder / "fresh" / "network.yaml"):
        left = network.data / ".restore" / "peers"  # by one that was killed
        left.mkdir(parents=True)
        (left / "part").write_text("of a file")
        network.run("restore", str(whole), "--archive-passphrase-file", str(good), text="restored four/four")
        assert not left.exists()
        assert (network.data / "ports.json").read_text() == ports, "others know the network by other ports"
        network.up(text="ready four/four")
        assert all(rpc(network.url(peer), "eth_getBlockByNumber", hex(n), False)["hash"] == hashes[n] for peer in PEERS for n in (1, low))
        # Peers were copied one after the other: whoever was first gets the later blocks from the others, and has their payloads.
        there = [c for c in load.contracts if rpc(network.url("four/four"), "eth_getTransactionByHash", c[0])]
        assert len(there) >= len(old)
        growing_or_leader(network, consensus)
        check_private(network, there)
        until(lambda: "all transaction managers answer" in network.run("doctor", code=None), "all managers")
        with Load(network) as more:
            pass
        check_private(network, more.contracts)
    print(f"the network restored on an empty machine, to block {low}: same blocks, {len(there)} private contracts as they were; it goes on")

    with Site(network, network.folder / "alone", network.folder / "alone" / "network.yaml"):
        network.run("restore", str(single), "--archive-passphrase-file", str(good), text="restored one/one")
        if consensus != "raft":  # alone it has no leader, for which `up` waits
            network.up(text="ready one/one")
            assert rpc(network.url("one/one"), "eth_getBlockByNumber", hex(low), False)["hash"] == hashes[low]
            check_private(network, old)
        assert "static-nodes.elsewhere.json" in [path.name for path in network.data.iterdir()]
    print("one peer restored alone on an empty machine")


def growing_or_leader(network, consensus):
    if consensus == "raft":
        until(lambda: leader(network), "a leader")
    else:
        growing(network)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--consensus", default="qbft")
    parser.add_argument("--manager", default="tessera")
    parser.add_argument("--database", default="sqlite")
    args = parser.parse_args()
    with Backups(args.program) as network:
        network.init("--organizations", "one,two,three,four", "--consensus", args.consensus, "--transaction-manager", args.manager)
        text = network.file.read_text().replace("lock: true", "lock: false")
        if args.database != "sqlite":
            text = text.replace("  config:\n", f"  config:\n    database: {args.database}\n")
        network.file.write_text(text)
        network.up()
        until(lambda: "all transaction managers answer" in network.run("doctor", code=None), "all managers")
        check(network, args.consensus, args.manager)
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()

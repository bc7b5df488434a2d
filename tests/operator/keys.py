#!/usr/bin/env python3
"""`quorate keys`: material that exists already is brought along before the first `up`, and rotated on the live network.

usage: keys.py PROGRAM

PROGRAM is `quorate` in a folder that has quorate-node and quorate-tm too."""

import json
import os
import pathlib
import re
import subprocess
import sys

from support import PATIENCE, Network, rpc, until

STORES_42 = "0x602a60005560006000f3"  # a creation: SSTORE(0, 42), and no code
# Private key 0x01…01 (32 bytes), whose address is known; and an RFC 7748 pair for the manager.
NODEKEY = "01" * 32
NODE_ADDRESS = "0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1"
PASSWORD = "a password of the test"


def run(*arguments, text=None, **more):
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=PATIENCE, input=text or "", **more)
    assert done.returncode == 0, (arguments, done)
    return done.stdout


def write(path, text):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    return str(path)


class Material:
    """What an operator brings along, made by the programs themselves."""

    def __init__(self, network):
        tools = pathlib.Path(network.program).parent
        folder = network.folder / "own"
        folder.mkdir()
        self.nodekey = write(folder / "nodekey", NODEKEY + "\n")
        self.password = write(folder / "password", PASSWORD + "\n")
        said = run(str(tools / "quorate-node"), "--datadir", str(folder / "node"), "--lightkdf", "--password", self.password, "account", "new")
        self.account = re.search(r"0x[0-9a-fA-F]{40}", said).group(0)
        self.keystore = str(next((folder / "node" / "keystore").iterdir()))
        argon = write(folder / "argon.json", '{"variant": "id", "memory": 1024, "iterations": 1, "parallelism": 1}')
        run(str(tools / "quorate-tm"), "keygen", "--keyout", str(folder / "tm"), "--argonconfig", argon, text=f"{PASSWORD}\n{PASSWORD}\n")
        self.tm = str(folder / "tm.key")
        self.tm_public = (folder / "tm.pub").read_text().strip()
        assert "argon2sbox" in pathlib.Path(self.tm).read_text()


def described(network, peer):
    return json.loads(network.run("keys", "show", peer, "--json"))


def check_import(network):
    own = Material(network)
    file = ("--network", "network.yaml")
    network.run("keys", "list", code=2, text="there is no network")
    network.run("keys", "import", "one", "tm", own.tm, *file, code=2, text="is locked; --file-passphrase")
    network.run("keys", "import", "one", "tm", own.nodekey, *file, code=2, text="tm of one/one: a transaction manager's key is a file of JSON")
    network.run("keys", "import", "one", "account", own.keystore, *file, code=2, text="does not open")
    network.run("keys", "import", "one", "nodekey", own.password, *file, code=2, text="64 hexadecimal digits")
    network.run("keys", "import", "one", "nodekey", own.nodekey, "--key", own.tm, *file, code=2, text="without --key")
    network.run("keys", "import", "nobody", "nodekey", own.nodekey, *file, code=2, text="there is no peer nobody")
    network.run("keys", "import", "one", "nodkey", own.nodekey, *file, code=2, text="did you mean nodekey?")
    network.run("keys", "import", "one", "nodekey", "missing.txt", *file, code=2, text="missing.txt")
    network.run("keys", "import", "one", "nodekey", own.nodekey, *file, text="version 1 of secret/one-quo/crypto/one/quorum")
    network.run("keys", "import", "one", "account", own.keystore, "--file-passphrase", own.password, *file, text="version 2 of")
    network.run("keys", "import", "one", "passphrase", own.password, *file, text="version 3 of")
    network.run("keys", "import", "one", "tm", own.tm, "--file-passphrase", own.password, *file, text="version 1 of")
    network.up(text="ready three/three")
    one = described(network, "one")
    assert one["nodekey"]["address"] == NODE_ADDRESS, one
    assert (one["account"]["address"].lower(), one["tm"]["public_key"]) == (own.account.lower(), own.tm_public), one
    assert network.attach("one", "eth.accounts[0]").lower() == own.account.lower()
    assert network.secret("one", "passwords.txt") == PASSWORD
    assert network.attach("two", "istanbul.getValidators()").count(NODE_ADDRESS.lower()) == 1
    print("a nodekey, an account, its passphrase and a locked manager's key of before: the network runs with them")


def send(network, maker, partner):
    assert described(network, partner)["tm"]["public_key"] == network.secret(partner, "tm.pub").strip()
    transaction = network.send_private(maker, partner, STORES_42)
    until(lambda: rpc(network.url(f"{partner}/{partner}"), "eth_getTransactionReceipt", transaction), "the receipt")
    assert read(network, partner, transaction) == STORES_42
    return transaction


def read(network, peer, transaction):
    return network.attach(peer, f"eth.getQuorumPayload(eth.getTransaction('{transaction}').input)")


def check_rotation(network):
    before = send(network, "one", "two")
    old = described(network, "two")
    running = network.processes()
    network.run("keys", "rotate", "two", "tm", text="made tm of two/two: version 2")
    network.run("plan", "network.yaml", text="restart  two/two tm")
    network.up(text="ready three/three")
    manager = next(pid for pid, line in running.items() if "two/two/tm" in line and "quorate-tm" in line)
    until(lambda: manager not in network.processes() and len(network.processes()) == 6, "the new manager")
    gone = [line for pid, line in running.items() if pid not in network.processes()]
    assert len(gone) == 1, gone
    new = described(network, "two")
    assert new["tm"]["public_key"] != old["tm"]["public_key"] and new["tm"]["former"] == 1
    until(lambda: read(network, "two", before) == STORES_42, "the payload of before")
    network.run("doctor", text="0 problems")
    send(network, "one", "two")
    print("a manager's new key: only it is started again, what was sent to the old one is read")

    network.run("keys", "rotate", "one", "passphrase", text="made passphrase of one/one")
    network.run("keys", "rotate", "one", "account", text="made account of one/one")
    network.up(text="ready three/three")
    accounts = until(lambda: (lambda found: found if len(found) == 2 else None)(network.attach("one", "eth.accounts")), "the new account")
    assert described(network, "one")["account"]["former"] == 1 and network.secret("one", "passwords.txt") != PASSWORD
    for account in accounts:
        assert len(network.attach("one", f"personal.sign('0x01', '{account}', '{network.secret('one', 'passwords.txt')}')")) == 132
    send(network, "one", "two")
    print("a new passphrase and a new account: both accounts open with it")

    certificate, authority = (described(network, "one")[name]["sha256"] for name in ("certificate", "authority"))
    network.run("keys", "rotate", "one", "certificate", text="made certificate of one/one: version 2")
    assert described(network, "one")["certificate"]["sha256"] != certificate
    network.run("keys", "rotate", "one", "authority", text="signed the certificate of one/one anew")
    assert described(network, "one")["authority"]["sha256"] != authority
    network.up(text="ready three/three")
    until(lambda: "0 problems" in network.run("doctor", code=None), "managers that trust each other")
    send(network, "two", "one")
    print("a new certificate, and a new authority: all trust it")


def check_node_keys(network):
    network.run("keys", "rotate", "one", "nodekey", code=2, text="is a validator by this key; `quorate demote` it first")
    old = described(network, "three")["nodekey"]["enode_id"]
    network.run("keys", "rotate", "three", "nodekey", text="made nodekey of three/three")
    network.up(text="ready three/three")
    new = described(network, "three")["nodekey"]["enode_id"]
    assert new != old
    until(lambda: new in network.attach("three", "admin.nodeInfo.enode"), "the node with its new key")
    until(lambda: network.attach("three", "net.peerCount") == 2, "its peers")
    print("a validator's key stays as long as it is one; another node's is changed")


def check_showing(network):
    table, one = network.run("keys", "list"), network.run("keys", "show", "one")
    whole = json.loads(network.run("keys", "list", "--json"))
    assert [row["peer"] for row in whole] == ["one/one", "two/two", "three/three"]
    assert all(set(row) == {"peer", "nodekey", "account", "tm", "certificate", "authority", "database"} for row in whole), whole
    assert "one.one-quo" in whole[0]["certificate"]["names"]
    for peer in ("one", "two", "three"):
        for name in ("nodekey", "passwords.txt", "keystore_1", "tm.key", "tm-tls.key"):
            secret = network.secret(peer, name)
            for text in (table, one, json.dumps(whole)):
                assert secret not in text and json.dumps(secret)[1:-1] not in text, (peer, name)
    network.run("keys", code=2, text="keys list, keys show PEER")
    network.run("keys", "list", "more", code=2, text="is expected")
    network.run("keys", "show", "nobody", code=2, text="there is no peer nobody")
    network.run("keys", "rotate", "one", "tm", "--network", "network.yaml", code=2, text="--network is for import")
    print("list and show: identities, versions, dates, and no secret")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with Network(sys.argv[1]) as network:
        network.init("--organizations", "one,two,three")
        text = network.file.read_text().replace('tm_tls: "off"', 'tm_tls: "strict"').replace('tm_trust: "tofu"', 'tm_trust: "ca"')
        network.file.write_text("type: non-validator".join(text.rsplit("type: validator      ", 1)))
        check_import(network)
        check_rotation(network)
        check_node_keys(network)
        check_showing(network)
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()

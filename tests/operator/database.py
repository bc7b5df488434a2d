#!/usr/bin/env python3
"""Transaction managers with a MariaDB server each, behind TLS by the certificates of the organizations' authorities.

usage: database.py PROGRAM

PROGRAM is `quorate` in a folder that has quorate-init, quorate-node and quorate-tm too. Skipped without a MariaDB server (Debian:
mariadb-server-core, mariadb-client-core)."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

from support import PATIENCE, Network, rpc, until

SKIPPED = 77
STORES_42 = "0x602a60005560006000f3"  # a creation: SSTORE(0, 42), and no code
PATH = os.environ["PATH"] + ":/usr/sbin"


def payload(network, peer, transaction):
    return network.attach(peer, f"eth.getQuorumPayload(eth.getTransaction('{transaction}').input)")


def wait_private(network, transaction):
    for peer in ("one", "two"):
        until(lambda: rpc(network.url(f"{peer}/{peer}"), "eth_getTransactionReceipt", transaction), "the receipt")
        assert payload(network, peer, transaction) == STORES_42, peer


def ask_database(network, peer, statement, password=None):
    """As the managers' user, whose password is given by a file."""
    options = network.folder / "client.cnf"
    with open(os.open(options, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(f"[client]\nuser=demouser\npassword={password or network.secret(peer, 'db-password')}\n")
    return subprocess.run(["mariadb", f"--defaults-file={options}", f"--socket={network.data}/{peer}/{peer}/db/db.sock", "-N", "-e",
                           statement, "demodb"], capture_output=True, text=True, timeout=PATIENCE)


def servers(network):
    return {pid: line for pid, line in network.processes().items() if "mariadbd" in line}


def nothing_shows(network, words):
    """No password in a log, a command line, an environment, or a file that others may read."""
    for path in network.data.rglob("*"):
        if path.is_file() and (path.parent.name == "logs" or path.stat().st_mode & 0o077 or path.suffix in (".json", ".log")):
            content = path.read_bytes()
            assert not [word for word in words if word.encode() in content], path
    for pid in network.processes():
        for name in ("cmdline", "environ"):
            content = pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
            assert not [word for word in words if word.encode() in content], (pid, name)


def check(network):
    network.init("--organizations", "one,two")
    text = network.file.read_text()
    text = re.sub(r'tm_tls: "off"', 'tm_tls: "strict"', text)
    text = re.sub(r'tm_trust: "tofu"', 'tm_trust: "ca"', text)
    network.file.write_text(text.replace("  config:\n", "  config:\n    database: mysql\n"))
    network.up(text="ready two/two")
    assert len(servers(network)) == 2, network.processes()
    first = network.send_private("one", "two", STORES_42)
    wait_private(network, first)
    for peer in ("one", "two"):
        found = ask_database(network, peer, "select count(*) from ENCRYPTED_TRANSACTION")
        assert found.stdout.strip() == "1", (peer, found)
        # A server that starts removes all temporary tables where its own would be.
        assert ask_database(network, peer, "select @@tmpdir").stdout.strip() == f"{network.data}/{peer}/{peer}/db/tmp", peer
    assert not list(network.data.rglob("payloads.db"))
    words = [network.secret(peer, "db-password") for peer in ("one", "two")]
    assert words[0] != words[1]
    nothing_shows(network, words)
    print("two servers, each with a password of its own that shows nowhere; a private transaction over TLS lies in both")

    victim = sorted(servers(network))[0]
    os.kill(victim, signal.SIGKILL)
    until(lambda: victim not in servers(network) and len(servers(network)) == 2, "a killed server to come back")
    until(lambda: ask_database(network, "one", "select 1").returncode == 0, "its manager")
    until(lambda: payload(network, "one", first) == STORES_42, "the payload")
    print("a server that was killed came back with its data")

    network.run("down", text="stopped")
    assert not network.processes()
    network.up(text="ready two/two")
    wait_private(network, first)
    wait_private(network, network.send_private("two", "one", STORES_42))
    print("down and up again: the payloads are there")

    old = network.secret("one", "db-password")
    network.run("keys", "rotate", "one", "database", text="quorate up")
    network.up(text="ready two/two")
    new = network.secret("one", "db-password")
    assert new != old
    until(lambda: ask_database(network, "one", "select 1").returncode == 0, "the new password")
    assert ask_database(network, "one", "select 1", old).returncode != 0
    until(lambda: payload(network, "one", first) == STORES_42, "the payload under a new password")
    nothing_shows(network, words + [new])
    print("a new password: the server takes it, the manager too, the old one is refused")

    network.file.write_text(network.file.read_text().replace("    database: mysql\n", ""))
    network.up(code=1, text="asks for another place")
    network.run("down", "--purge", "--yes", text="removed")
    assert not network.data.exists() and not network.processes()
    print("another place for payloads is refused while there are some; --purge leaves nothing")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if not all(shutil.which(name, path=PATH) for name in ("mariadbd", "mariadb-install-db", "mariadb")):
        print("skipped: no MariaDB server (Debian: mariadb-server-core, mariadb-client-core)")
        sys.exit(SKIPPED)
    with Network(sys.argv[1]) as network:
        check(network)
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Both dialects of transaction managers, with and without TLS, in each mode of trust: what is private between two peers is seen by these.

usage: dialects.py PROGRAM

PROGRAM is `quorate` in a folder that has quorate-node and quorate-tm too. Certificates are looked at where `openssl` is."""

import pathlib
import re
import shutil
import subprocess
import sys

from support import PATIENCE, Network, rpc, until

STORES_42 = "0x602a60005560006000f3"  # a creation: SSTORE(0, 42), and no code


def private(network):
    transaction = network.send_private("one", "two", STORES_42)
    seen = {}
    for peer in ("one", "two", "three"):
        url = network.url(f"{peer}/{peer}")
        receipt = until(lambda: rpc(url, "eth_getTransactionReceipt", transaction), "the receipt")
        seen[peer] = int(rpc(url, "eth_getStorageAt", receipt["contractAddress"], "0x0", "latest"), 16)
    assert seen == {"one": 42, "two": 42, "three": 0}, seen


def openssl(*arguments):
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done
    return done.stdout


def in_memory(network, peer, name):
    for line in network.processes().values():
        found = re.search(rf"(/dev/shm/\S+/{peer}/{peer})/nodekey", line)
        if found:
            return pathlib.Path(found.group(1)) / name
    sys.exit(f"no node of {peer} runs")


def check_certificates(network):
    """An authority an organization, and a certificate that it has signed for every name of the peer."""
    roots = in_memory(network, "one", "authorities.pem")
    assert roots.read_text().count("BEGIN CERTIFICATE") == 3
    for peer in ("one", "two"):
        path = in_memory(network, peer, "tm-tls.pem")
        assert path.stat().st_mode & 0o777 == 0o400 and in_memory(network, peer, "tm-tls.key").stat().st_mode & 0o777 == 0o400
        if not shutil.which("openssl"):
            continue
        openssl("verify", "-CAfile", str(roots), "-purpose", "sslserver", "-verify_hostname", f"{peer}.{peer}-quo", str(path))
        openssl("verify", "-CAfile", str(roots), "-purpose", "sslclient", "-verify_ip", "127.0.0.1", str(path))
        text = openssl("x509", "-in", str(path), "-noout", "-text")
        for name in (f"DNS:{peer}.{peer}-quo.svc.cluster.local", "DNS:localhost", "CA:FALSE", "CN = DLT Root CA", f"OU = {peer}"):
            assert name in text, (name, text)
    assert not [path for path in network.data.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]


def check(program, manager, tls, trust):
    with Network(program) as network:
        network.init("--organizations", "one,two,three", "--transaction-manager", manager)
        text = network.file.read_text()
        text = text.replace('tm_tls: "off"', f'tm_tls: "{tls}"').replace('tm_trust: "tofu"', f'tm_trust: "{trust}"')
        network.file.write_text(text.replace("  config:\n", "  config:\n    subject: \"CN=DLT Root CA,OU=DLT,O=DLT,L=London,C=GB\"\n"))
        network.up(text="ready three/three")
        private(network)
        names = " ".join(network.processes().values())
        assert ("constellation-node" in names) == (manager == "constellation"), names
        nodes = [pid for pid, line in network.processes().items() if "quorate-node" in line]
        told = [b"PRIVATE_CONFIG=" in pathlib.Path(f"/proc/{pid}/environ").read_bytes() for pid in nodes]
        assert told == [manager == "constellation"] * 3, told
        check_certificates(network)
        network.run("doctor", text="0 problems")
        before = network.processes()
        network.up(text="there genesis")
        assert network.processes() == before
    print(f"{manager}, TLS {tls}, trust {trust}: a private transaction; a second up changes nothing")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    check(sys.argv[1], "constellation", "off", "tofu")
    check(sys.argv[1], "constellation", "strict", "whitelist")
    check(sys.argv[1], "tessera", "strict", "ca-or-tofu")
    check(sys.argv[1], "tessera", "strict", "tofu")
    print("4 passed, 0 failed")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""`quorate demo` on the example: what it prints is what the nodes answer, and the network is left running.

usage: demo.py PROGRAM EXAMPLE

PROGRAM is `quorate` in a folder that has quorate-node and quorate-tm too; EXAMPLE is examples/network.yaml."""

import re
import sys

from support import Network, rpc, with_own_ports


def check(network):
    text = network.run("demo", "network.yaml")
    contract = re.search(r"sees at (0x[0-9a-f]{40})", text).group(1)
    rows = dict(re.findall(r"^(\w+/\w+) +((?:yes|no) .*)$", text, re.MULTILINE))
    party, outsider = r"yes +24 bytes +43 +number 43", r"no +none +nothing +none"
    for peer, row in rows.items():
        assert re.fullmatch(party if peer.startswith(("carrier", "store")) else outsider, row), (peer, row)
    assert len(rows) == 4, text
    assert "carries 64 bytes" in text and "the same on 4 of 4" in text, text
    urls = dict(re.findall(r"^(\w+/\w+) +\w+ +(http://\S+)", text, re.MULTILINE))
    seen = {peer: rpc(url, "eth_call", {"to": contract}, "latest") for peer, url in urls.items()}
    assert {peer: int(word, 16) if word != "0x" else None for peer, word in seen.items()} == {
        "carrier/carrier": 43, "manufacturer/manufacturer": None, "store/store": 43, "warehouse/warehouse": None}, seen
    assert network.attach("store", f"eth.getStorageAt('{contract}', 0)").endswith("2b")
    print("the screen is what the nodes answer")

    again = network.run("demo", "network.yaml", text="there keys of carrier/carrier")
    assert contract not in again and "number 43" in again, again
    assert len(network.processes()) == 8, network.processes()
    print("done again it makes another contract on the same network")
    network.run("attach", "nobody", code=2, text="there is no peer nobody")
    network.run("demo", code=2, text="demo takes one file")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    example = open(sys.argv[2]).read()
    with Network(sys.argv[1]) as network:
        starter = network.run("init", "--output", "-")
        assert starter == example, "examples/network.yaml is not what `quorate init` writes"
        network.file.write_text(with_own_ports(example))
        check(network)
    with Network(sys.argv[1]) as network:
        network.init("--transaction-manager", "none")
        network.run("demo", "network.yaml", code=1, text="needs two peers with a transaction manager")
        assert not network.processes()
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()

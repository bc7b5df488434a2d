#!/usr/bin/env python3
"""A peer by network.yaml beside a network that others run: of its chain and network ids, whatever they are.

usage: joins.py PROGRAM

PROGRAM is `quorate` in a folder that has quorate-node too."""

import sys

from support import Network, rpc, with_own_ports

JOINS = """network:
  type: quorum
  config:
    consensus: qbft
    transaction_manager: none
    genesis: {data}/genesis.json
    staticnodes: {data}/static-nodes.json
    bootnode: {{name: one, url: 127.0.0.1, rpcport: {rpc}}}
  organizations:
    - organization:
      name: five
      services:
        peers:
        - peer:
          name: five
          type: non-validator
          p2p:
            port: 1
          rpc:
            port: 1
"""


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with Network(sys.argv[1]) as first, Network(sys.argv[1]) as second:
        first.init("--organizations", "one", "--transaction-manager", "none")
        first.file.write_text(first.file.read_text().replace("  config:\n", "  config:\n    chain_id: 77\n"))
        first.up(text="ready one/one")
        text = with_own_ports(JOINS.format(data=first.data, rpc=first.status()[0]["rpc"]))
        second.file.write_text(text.replace("    consensus", "    network_id: 7\n    consensus"))
        second.up("--wait", "5", code=1, text="the network's id is 77, this peer's 7: write network_id: 77 under config")
        second.run("down", "--purge", "--yes")
        second.file.write_text(text)  # the genesis says it
        second.up(text="ready five/five")
        same = [rpc(n.url(p), "net_version") for n, p in ((first, "one/one"), (second, "five/five"))]
        assert same == ["77", "77"], same
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Organizations and peers come to a running network and go: `quorate add-org`, `add-peer`, `promote`, `demote`, `remove-peer`.

usage: members.py PROGRAM [--consensus NAME]

PROGRAM is `quorate` in a folder that has quorate-node and quorate-tm too."""

import argparse

from support import Network, rpc, until

STORES_42 = "0x602a60005560006000f3"  # a creation: SSTORE(0, 42), and no code


def private(network, sender, party):
    """Deploys a contract between two, and returns what each peer reads of it."""
    until(lambda: "and know each other" in network.run("doctor", code=None), "managers that know each other")
    keys = {row["peer"]: row for row in network.status()}
    transaction = network.send_private(sender, party, STORES_42)
    seen = {}
    for peer in keys:
        url = network.url(peer)
        receipt = until(lambda: rpc(url, "eth_getTransactionReceipt", transaction), f"a receipt at {peer}")
        seen[peer] = int(rpc(url, "eth_getStorageAt", receipt["contractAddress"], "0x0", "latest"), 16)
    return seen


def validators(network):
    return set(rpc(network.url("one/one"), "istanbul_getValidators", "latest"))


def growing(network):
    def all_grow():
        heights = {row["peer"]: row["height"] for row in network.status()}
        if None in heights.values():
            return False
        until(lambda: all((row["height"] or 0) > heights[row["peer"]] for row in network.status()), "a block")
        return True
    until(all_grow, "blocks at all")


def check(network):
    genesis = (network.data / "genesis.json").read_bytes()
    founders = validators(network)
    before = network.processes()
    network.run("add-org", "network.yaml", "five", text="ready five/five")
    assert "- organization:\n      name: five\n" in network.file.read_text()
    assert set(before) <= set(network.processes()), "a peer that was there has been restarted"
    assert validators(network) == founders
    # The new one's transaction manager is known to all: a contract between an old peer and the new one.
    seen = private(network, "one", "five")
    assert {peer for peer, value in seen.items() if value} == {"one/one", "five/five"}, seen
    print("an organization came, has the chain, and takes part in a private contract")

    network.run("promote", "network.yaml", "five", text="five/five is a validator")
    assert len(validators(network)) == 5 and founders < validators(network)
    growing(network)
    network.run("promote", "network.yaml", "five", text="five/five is a validator")
    network.run("add-peer", "--validator", "network.yaml", "one", "second", text="one/second is a validator")
    assert len(validators(network)) == 6
    growing(network)
    network.run("add-peer", "network.yaml", "one", "second", text="one/second")
    network.run("demote", "network.yaml", "one/second", text="one/second is no validator any more")
    assert len(validators(network)) == 5
    assert "type: non-validator" in network.file.read_text()
    growing(network)
    print("votes in, votes out; each done again changes nothing")

    network.run("remove-peer", "network.yaml", "two", text="two/two is gone")
    assert len(validators(network)) == 4 and "name: two" not in network.file.read_text()
    assert len(network.status()) == 5 and len(network.processes()) == 10, network.processes()
    growing(network)
    network.run("plan", "network.yaml", text="nothing to do")
    assert (network.data / "genesis.json").read_bytes() == genesis
    network.run("remove-peer", "network.yaml", "two", code=2, text="there is no peer two")
    network.run("add-org", "network.yaml", "one", text="one/one")
    network.run("add-peer", "network.yaml", "nobody", "x", code=2, text="there is no organization nobody")
    network.run("add-org", "network.yaml", "BAD NAME", code=2)
    assert "BAD" not in network.file.read_text()
    network.run("down")
    network.up(text="ready five/five")
    growing(network)
    print("a founder went, the network went on, and comes up again")


def leader(network):
    """None while none is elected."""
    try:
        return rpc(network.url("one/one"), "raft_leader")
    except RuntimeError:
        return None


def members(network, peer, count):
    """Of the cluster, as the peer knows it; None while these are not so many."""
    cluster = rpc(network.url(peer), "raft_cluster")
    return cluster if len(cluster) == count else None


def check_raft(network):
    genesis = (network.data / "genesis.json").read_bytes()
    network.run("add-org", "--validator", "network.yaml", "five", text="ready five/five")
    cluster = until(lambda: members(network, "five/five", 5), "the cluster's log at the new member")
    assert [row["raftId"] for row in cluster if row["role"] == "learner"] == [], cluster
    network.run("add-peer", "network.yaml", "one", "second", text="one/second")
    learners = [row["raftId"] for row in until(lambda: members(network, "one/one", 6), "the learner") if row["role"] == "learner"]
    assert len(learners) == 1, learners
    seen = private(network, "five", "two")
    assert {peer for peer, value in seen.items() if value} == {"five/five", "two/two"}, seen
    network.run("promote", "network.yaml", "one/second", text="is a validator")
    assert not [row for row in rpc(network.url("one/one"), "raft_cluster") if row["role"] == "learner"]
    network.run("demote", "network.yaml", "one/second", code=1, text="cannot be made a learner")
    network.run("remove-peer", "network.yaml", "two", text="two/two is gone")
    assert members(network, "one/one", 5)
    network.run("down")
    network.up(text="ready one/second")
    until(lambda: leader(network), "a leader")
    seen = private(network, "three", "five")
    assert {peer for peer, value in seen.items() if value} == {"three/three", "five/five"}, seen
    assert (network.data / "genesis.json").read_bytes() == genesis
    print("members of the cluster came, were promoted and went")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--consensus", default="qbft")
    args = parser.parse_args()
    with Network(args.program) as network:
        network.init("--organizations", "one,two,three,four", "--consensus", args.consensus)
        network.up()
        (check_raft if args.consensus == "raft" else check)(network)
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""raft_gas_usage of GoQuorum's acceptance tests: private contracts with too little gas, over Raft, when the minter is a party and when it is
none: it cannot know what a party's execution takes, and the parties must not refuse its block."""
import json, os, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from peers import Peers, until

node, manager, fixtures = sys.argv[1], sys.argv[2], sys.argv[3]
PEERS = 3
# Below what a transaction costs before it runs; enough for that, not for the contract; enough.
TOO_LOW, BETWEEN, ENOUGH = 25100, 60352, 1000000


class RaftPeers(Peers):
    def __init__(self):
        super().__init__(node, manager, fixtures, flags=[[]] * PEERS)
        self.flags = [["--raft", "--raftport", str(self.port + 40 + i), "--raftblocktime", "50",
                       "--http.api", "eth,debug,personal,raft,txpool"] for i in range(PEERS)]
        genesis = json.load(open(self.genesis))
        del genesis["config"]["qbft"]
        genesis.update(difficulty="0x0", extraData="0x" + 64 * "0", mixHash="0x" + 64 * "0", timestamp="0x0")
        self.genesis = self.write("genesis.json", json.dumps(genesis))

    def static_nodes(self, i):  # of all members in the order of their Raft ids
        return [self.enode(j) for j in range(PEERS)]

    def enode(self, i):
        return super().enode(i) + f"&raftport={self.port + 40 + i}"

    def minter(self):
        """Waits for one: while another is elected, there is none."""
        return until(lambda: [i for i in range(PEERS) if self.result(i, "raft_role") == "minter"], "a minter")[0]

    def wait_for_blocks(self):  # there are none without transactions
        self.minter()


def nothing_waits(p, i):
    until(lambda: p.result(i, "txpool_status") == {"pending": "0x0", "queued": "0x0"}, "an empty pool")


def below_intrinsic(p, sender, party):
    refusal = p.error(sender, "eth_sendTransaction", contract(p, sender, party, TOO_LOW))
    assert refusal == "intrinsic gas too low", refusal


def contract(p, sender, party, gas):
    return p.arguments(sender, input=p.creation("Store", 7), privateFor=[p.keys[party]], gas=hex(gas))


def mined(p, sender, party, gas):
    """What the two parties have of it, and whether the third has its code."""
    sent = p.result(sender, "eth_sendTransaction", contract(p, sender, party, gas))
    receipts = [p.receipt(i, sent) for i in range(PEERS)]
    assert all(r["gasUsed"] == "0x0" for r in receipts), receipts
    other = 3 - sender - party
    assert receipts[other]["status"] == "0x1" and p.result(other, "eth_getCode", receipts[other]["contractAddress"], "latest") == "0x"
    codes = {p.result(i, "eth_getCode", receipts[i]["contractAddress"], "latest") for i in (sender, party)}
    assert len(codes) == 1, codes
    return {receipts[sender]["status"], receipts[party]["status"]}, codes.pop()


def test(p):
    minter = p.minter()
    sender, third = (i for i in range(PEERS) if i != minter)
    for party, what in ((minter, "a party"), (third, "none")):
        below_intrinsic(p, sender, party)
        nothing_waits(p, sender)
        assert mined(p, sender, party, BETWEEN) == ({"0x0"}, "0x")
        nothing_waits(p, sender)
        statuses, code = mined(p, sender, party, ENOUGH)
        assert statuses == {"0x1"} and len(code) > 2, (statuses, code)
        nothing_waits(p, sender)
        assert all(process.poll() is None for process in p.nodes)
        print(f"raft_gas_usage: the minter is {what}: refused, failed and made, as they should be; nothing waits")
    assert len({p.result(i, "eth_getBlockByNumber", "0x4", False)["hash"] for i in range(PEERS)}) == 1


RaftPeers().run(test)

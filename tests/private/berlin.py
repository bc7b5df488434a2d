#!/usr/bin/env python3
"""Private contracts of every kind on a network with berlinBlock and privacy enhancements, where GoQuorum ends in a panic: they are made and changed, the
parties agree, and gas is Berlin's (EIP-2929: the first access of a slot costs 2,100).

usage: berlin.py NODE MANAGER FIXTURES"""
import json, sys

from peers import Peers, set_to


class Berlin(Peers):
    def __init__(self, *args, **kw):
        super().__init__(*args, **kw)
        genesis = json.load(open(self.genesis))
        genesis["config"].update(muirGlacierBlock=0, berlinBlock=0)
        self.genesis = self.write("berlin.json", json.dumps(genesis))


def costs(p, i, sent, operation):
    return [log["gasCost"] for log in p.result(i, "debug_traceTransaction", sent)["structLogs"] if log["op"] == operation]


def test(p):
    for flag in (0, 1, 3):
        sent = p.send(0, data=p.creation("Store", 5), privateFor=[p.keys[1]], privacyFlag=flag)
        made = [p.receipt(i, sent) for i in range(2)]
        assert [m["status"] for m in made] == ["0x1", "0x1"], made
        contract = made[0]["contractAddress"]
        for i in range(2):
            sent = p.send(i, to=contract, data=set_to(6 + i), privateFor=[p.keys[1 - i]], privacyFlag=flag)
            assert [p.receipt(k, sent)["status"] for k in range(2)] == ["0x1", "0x1"]
            assert p.stored(contract) == [6 + i] * 2, p.stored(contract)
            for k in range(2):  # before Berlin 800 and 5,000
                assert costs(p, k, sent, "SLOAD")[0] == 2100 and costs(p, k, sent, "SSTORE") == [2900], k
        call = {"from": p.address[0], "to": contract, "data": set_to(9), "privateFor": [p.keys[1]], "privacyFlag": flag}
        assert p.result(0, "eth_estimateGas", call) == p.result(1, "eth_estimateGas", call)
    assert len(p.roots((0, 1))) == 1


Berlin(*sys.argv[1:4], flags=[[], []]).run(test)

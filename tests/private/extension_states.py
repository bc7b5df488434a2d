#!/usr/bin/env python3
"""Contract extensions where a node serves several tenants: between tenants of one node, from a tenant to another node and the other way round;
nobody else sees them. (GoQuorum's acceptance tests: extend_private_contract_multi_tenancy.spec.)

usage: extension_states.py NODE MANAGER FIXTURES"""
import os, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from peers import set_to, until
from tenants import FOR_ALL, ONE, Tenants

# Who is who: a node, and the private state there.
AT = {"one": (0, ONE), "other": (0, FOR_ALL), "peer": (1, FOR_ALL)}


class Extensions(Tenants):
    def start(self):
        """Node 0 has a second account, of its other tenant."""
        super().start()
        key = "0x" + self.network["accounts"][2]["key"][2:]
        self.second = self.result(0, "personal_importRawKey", key[2:], "x")
        assert self.result(0, "personal_unlockAccount", self.second, "x", 0)

    def at(self, who, method, *params):
        i, psi = AT[who]
        return self.as_(psi, method, *params, i=i)

    def refused_at(self, who, method, *params):
        i, psi = AT[who]
        return self.refused_as(psi, method, *params, i=i)

    def key(self, who):
        return self.keys[{"one": 0, "other": 2, "peer": 1}[who]]

    def account(self, who):
        return {"one": self.address[0], "other": self.second, "peer": self.address[1]}[who]

    def by(self, who, *to, **more):
        return {"from": self.account(who), "gas": "0x47b760", "gasPrice": "0x0", "privateFrom": self.key(who), "privateFor": [self.key(t) for t in to], **more}

    def mined(self, sent, *who):
        return [until(lambda: self.at(w, "eth_getTransactionReceipt", sent), f"the receipt at {w}") for w in who]

    def slot(self, who, contract):
        return int(self.at(who, "eth_getStorageAt", contract, "0x0", "latest"), 16)

    def listed(self, who, contract):
        found = [e for e in self.at(who, "quorumExtension_activeExtensionContracts") if e["contractExtended"] == contract]
        return found[0]["managementContractAddress"] if found else None


def extended(p, flag, owner, to, others):
    """`owner` makes a contract for itself alone and extends it `to` another."""
    sent = p.at(owner, "eth_sendTransaction", p.by(owner, data=p.creation("Store", 40 + flag), privacyFlag=flag))
    contract = p.mined(sent, owner)[0]["contractAddress"]
    assert [p.slot(w, contract) for w in (owner, to)] == [40 + flag, 0]
    for who in (to, *others):
        said = p.refused_at(who, "quorumExtension_extendContract", contract, p.key(to), p.account(owner), p.by(who, to))
        assert said == "extending a non-existent private contract!!! not allowed", said
    p.at(owner, "quorumExtension_extendContract", contract, p.key(to), p.account(to), p.by(owner, to))
    management = until(lambda: p.listed(owner, contract), "the extension at who began it")
    assert until(lambda: p.listed(to, contract), "the extension at the new party") == management
    for who in others:
        assert p.listed(who, contract) is None
        assert p.refused_at(who, "quorumExtension_getExtensionStatus", management) == "no contract code at given address"
        said = p.refused_at(who, "quorumExtension_approveExtension", management, True, p.by(who, owner))
        assert said == "no contract code at given address", said
    ballot = {"from": p.account(owner), "to": management, "data": p.result(0, "web3_sha3", "0x" + b"checkIfVoted()".hex())[:10]}
    until(lambda: int(p.at(owner, "eth_call", ballot, "latest"), 16) == 1, "the vote of who began it")
    p.at(to, "quorumExtension_approveExtension", management, True, p.by(to, owner))
    for who in (owner, to):
        until(lambda: p.at(who, "quorumExtension_getExtensionStatus", management) == "DONE", f"the end at {who}")
        until(lambda: p.listed(who, contract) is None, f"the extension off the list of {who}")
    until(lambda: p.slot(to, contract) == 40 + flag, "the state at the new party")
    assert p.at(to, "eth_getCode", contract, "latest") == p.at(owner, "eth_getCode", contract, "latest") != "0x"
    sent = p.at(to, "eth_sendTransaction", p.by(to, owner, to=contract, data=set_to(50 + flag), privacyFlag=flag))
    assert [r["status"] for r in p.mined(sent, owner, to)] == ["0x1", "0x1"]
    until(lambda: [p.slot(w, contract) for w in (owner, to)] == [50 + flag] * 2, "the change at both")
    for who in others:
        assert p.at(who, "eth_getCode", contract, "latest") == "0x" and p.slot(who, contract) == 0
    if flag:
        assert len({p.at(w, "eth_getContractPrivacyMetadata", contract)["creationTxHash"] for w in (owner, to)}) == 1
    print(f"flag {flag}: extended from {owner} to {to}", flush=True)


def another_key(p):
    """A tenant does not extend with another's key."""
    sent = p.at("one", "eth_sendTransaction", p.by("one", data=p.creation("Store", 1)))
    contract = p.mined(sent, "one")[0]["contractAddress"]
    said = p.refused_at("one", "quorumExtension_extendContract", contract, p.key("peer"), p.account("peer"), p.by("one", "peer", privateFrom=p.key("other")))
    assert said.startswith(f"The PrivateFrom ({p.key('other')}) address does not match the specified private state ({ONE})"), said


def test(p):
    another_key(p)
    extended(p, 0, "one", "other", ["peer"])
    extended(p, 1, "one", "peer", ["other"])
    extended(p, 3, "peer", "other", ["one"])


Extensions(*sys.argv[1:4], flags=[[]] * 2).run(test)

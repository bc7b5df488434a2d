#!/usr/bin/env python3
"""Contract extensions from their beginning to their end, at three peers: 0 and 1 have the contract, 2 is to get it. Every refusal says what
GoQuorum says. Scenarios of its acceptance tests (contract_extension) are named where they are."""
import json, os, sys
from concurrent.futures import ThreadPoolExecutor
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from peers import Peers, set_to, until

node, manager, fixtures = sys.argv[1], sys.argv[2], sys.argv[3]
STANDARD, PROTECTED, MANDATORY, VALIDATED = 0, 1, 2, 3
NOBODY = "0x" + "11" * 20


def deploy(p, flag, to=(1,), **more):
    sent = p.send(0, input=p.creation("Store", 42), privateFor=[p.keys[i] for i in to], privacyFlag=flag, **more)
    assert all(p.receipt(i, sent)["isPrivacyMarkerTransaction"] for i in range(3))
    return p.result(0, "eth_getPrivateTransactionReceipt", sent)["contractAddress"]


def active(p, i):
    return p.result(i, "quorumExtension_activeExtensionContracts")


def entry_at(p, i, contract):
    return next((e for e in active(p, i) if e["contractExtended"] == contract), None)


def begin(p, contract, *more):
    """The management contract; everybody who is to vote for it knows it."""
    sent = p.result(0, "quorumExtension_extendContract", contract, p.keys[2], p.address[2], p.arguments(0, privateFor=[p.keys[2]], **dict(more)))
    management = until(lambda: entry_at(p, 0, contract), "the extension at who began it")["managementContractAddress"]
    at_new = until(lambda: entry_at(p, 2, contract), "the extension at the new party")
    assert p.receipt(2, sent), sent
    assert {k: at_new[k] for k in at_new if k != "creationData"} == {
        "contractExtended": contract, "initiator": p.address[0], "recipient": p.address[2], "managementContractAddress": management,
        "recipientPtmKey": p.keys[2]}, at_new
    assert p.result(2, "quorumExtension_getExtensionStatus", management) == "ACTIVE"
    return management


def selector(p, signature):
    return p.result(0, "web3_sha3", "0x" + signature.encode().hex())[:10]


def voted(p, management, i):
    """At who began it and at the new party: either may have the block first."""
    ballot = {"from": p.address[i], "to": management, "data": selector(p, "checkIfVoted()")}
    return all(int(p.result(node, "eth_call", ballot, "latest"), 16) == 1 for node in (0, 2))


def approve(p, management, vote=True, i=2, **more):
    return p.result(i, "quorumExtension_approveExtension", management, vote, p.arguments(i, privateFor=[p.keys[0], p.keys[1]], **more))


def done(p, management, members=(0, 2)):
    for i in members:
        until(lambda: p.ask(i, "quorumExtension_getExtensionStatus", management).get("result") == "DONE", f"the extension's end at {i}")
        until(lambda: all(e["managementContractAddress"] != management for e in active(p, i)), f"the extension off the list of {i}")


def shared(p, flag, **more):
    """contract_extension: a contract of each kind, extended; afterwards all three run it."""
    contract = deploy(p, flag, **more)
    management = begin(p, contract)
    assert p.error(0, "quorumExtension_extendContract", contract, p.keys[2], p.address[2],
                   p.arguments(0, privateFor=[p.keys[2]])) == "contract extension in progress for the given contract address"
    until(lambda: voted(p, management, 0), "the vote of who began it")
    assert p.stored(contract) == [42, 42, 0]
    approve(p, management)
    done(p, management)
    until(lambda: p.stored(contract) == [42, 42, 42], "the state at the new party")
    p.level()  # the third may not have noted yet what the two have
    assert len({p.result(i, "eth_storageRoot", contract, "latest") for i in range(3)}) == 1
    if flag:
        after = [p.result(i, "eth_getContractPrivacyMetadata", contract) for i in range(3)]
        assert len({a["creationTxHash"] for a in after}) == 1 and after[2]["privacyFlag"] == flag, after
    sent = p.send(2, to=contract, data=set_to(43), privateFor=p.keys[0:2], privacyFlag=flag, **more)
    assert [p.receipt(i, sent)["status"] for i in range(3)] == ["0x1"] * 3
    assert p.stored(contract) == [43, 43, 43], p.stored(contract)
    for method, params, said in (
            ("approveExtension", (True, p.arguments(2, privateFor=p.keys[0:1])), "contract extension process complete. nothing to accept"),
            ("generateExtensionApprovalUuid", (p.address[2], p.arguments(2, privateFor=p.keys[0:1])),
             "contract extension process complete. nothing to accept"),
            ("cancelExtension", (p.arguments(2, privateFor=p.keys[0:1]),), "contract extension process complete. nothing to cancel")):
        assert p.error(2, f"quorumExtension_{method}", management, *params) == said, method
    print("shared: a contract with flag", flag, flush=True)


def refusals(p):
    contract, public = deploy(p, STANDARD), p.send(0, input=p.creation("Store", 1))
    protected = deploy(p, PROTECTED)
    public = p.receipt(0, public)["contractAddress"]

    def said(i, contract=contract, key=p.keys[2], recipient=p.address[2], **more):
        return p.error(i, "quorumExtension_extendContract", contract, key, recipient, p.arguments(i, **more))
    for wanted, got in (
            ("extending a public contract!!! not allowed", said(0, contract=public)),
            ("invalid recipient address", said(0, recipient="0x" + "00" * 20)),
            ("extending a non-existent private contract!!! not allowed", said(0, contract=NOBODY)),
            ("extending a non-existent private contract!!! not allowed", said(2)),
            ("operation not allowed", said(1, contract=protected)),
            ("account accepting the extension cannot be the account initiating extension", said(0, recipient=p.address[0])),
            ("invalid new recipient transaction manager key provided", said(0, key="no key")),
            ("mismatch between recipient transaction manager key and privateFor argument", said(0, privateFor=[p.keys[1]])),
            ("invalid transaction manager keys given in privateFor argument", said(0, privateFor=p.keys[1:3]))):
        assert got == wanted, (wanted, got)
    no_wallet = p.error(0, "quorumExtension_extendContract", contract, p.keys[2], p.address[2], {"from": NOBODY})
    assert no_wallet == "no wallet found for account 0x1111111111111111111111111111111111111111", no_wallet
    for method, params in (("getExtensionStatus", ()), ("approveExtension", (True, p.arguments(0, privateFor=[]))),
                           ("cancelExtension", (p.arguments(0, privateFor=[]),))):
        assert p.error(0, f"quorumExtension_{method}", NOBODY, *params) == "no contract code at given address", method
    management = begin(p, contract)
    until(lambda: voted(p, management, 0), "the vote of who began it")
    for i, wanted, method, params in (
            (2, "must specify private participants", "approveExtension", (True, p.arguments(2))),
            (2, "no wallet found for account " + NOBODY, "approveExtension", (True, {"from": NOBODY, "privateFor": p.keys[0:1]})),
            (0, "already voted", "approveExtension", (True, p.arguments(0, privateFor=p.keys[2:3]))),
            (0, "already voted", "generateExtensionApprovalUuid", (p.address[0], p.arguments(0, privateFor=p.keys[2:3]))),
            (0, "account is not acceptor of this extension request", "generateExtensionApprovalUuid",
             (p.address[1], p.arguments(0, privateFor=p.keys[2:3]))),
            (2, "account is not the creator of this extension request", "cancelExtension", (p.arguments(2, privateFor=p.keys[0:1]),)),
            (0, "not all have voted for the extension: nothing to share", "shareState", ())):
        got = p.error(i, f"quorumExtension_{method}", management, *params)
        assert got == wanted, (method, got)
    return contract, management


def declined(p, contract, management):
    """contract_extension: the new party refuses; then another extension is begun, and cancelled by who began it."""
    approve(p, management, vote=False)
    done(p, management)
    assert p.stored(contract) == [42, 42, 0]
    again = begin(p, contract)
    until(lambda: voted(p, again, 0), "the vote of who began it")
    p.result(0, "quorumExtension_cancelExtension", again, p.arguments(0, privateFor=p.keys[1:3]))
    done(p, again)
    assert p.stored(contract) == [42, 42, 0]
    print("declined and cancelled extensions leave the state alone", flush=True)
    return contract


def outside(p, contract):
    """The new party's account signs elsewhere: its node gives what the vote proves its own by."""
    management = begin(p, contract)
    until(lambda: voted(p, management, 0), "the vote of who began it")
    uuid = p.result(2, "quorumExtension_generateExtensionApprovalUuid", management, p.address[2], p.arguments(2, privateFor=p.keys[0:1]))
    assert len(uuid) == 130 and uuid.startswith("0x"), uuid
    vote = selector(p, "doVote(bool,string)") + "%064x%064x%064x" % (1, 64, len(uuid)) + uuid.encode().hex().ljust(320, "0")
    p.receipt(2, p.send(2, to=management, data=vote, privateFor=p.keys[0:1]))
    done(p, management)
    until(lambda: p.stored(contract) == [42, 42, 42], "the state at the new party")
    print("a vote that was signed elsewhere counts", flush=True)


def killed(p):
    """Who began it is killed before the last vote, and does its part when it is back."""
    contract = deploy(p, PROTECTED)
    management = begin(p, contract)
    until(lambda: voted(p, management, 0), "the vote of who began it")
    kept = json.load(open(os.path.join(p.work, "n0/geth/activeExtensions.json")))
    assert [e["managementContractAddress"] for e in kept["psiContracts"]["private"].values()] == [management], kept
    p.nodes[0].kill()
    p.nodes[0].wait()
    approve(p, management)
    p.start_node(0)
    done(p, management)
    until(lambda: p.stored(contract) == [42, 42, 42], "the state at the new party")
    print("who was killed before the last vote shares the state afterwards", flush=True)


def test(p):
    refused = refusals(p)
    outside(p, declined(p, *refused))
    with ThreadPoolExecutor(3) as pool:
        for end in [pool.submit(shared, p, STANDARD), pool.submit(shared, p, PROTECTED), pool.submit(shared, p, MANDATORY, mandatoryFor=[p.keys[1]])]:
            end.result()
    shared(p, VALIDATED)  # alone: its address must be the one that the head's nonce gives
    killed(p)


Peers(node, manager, fixtures, "private-marker", [["--privacymarker.enable"], [], []]).run(test)

#!/usr/bin/env python3
"""More scenarios of GoQuorum's acceptance tests (quorum-acceptance-tests), each under its specification's name: contracts that stand on contracts of
other parties, traces, transactions that are signed elsewhere, extended contracts that stand on each other. Three peers: 0 is Node1, 1 Node4, 2 Node2.
Contracts (contracts/Nested.sol) and steps are our own."""
import base64, json, os, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from peers import Peers, set_to, until
from scenarios import MANDATORY, MISMATCH, PROTECTED, STANDARD, VALIDATED, run_all, scenario

node, manager, fixtures = sys.argv[1], sys.argv[2], sys.argv[3]
nested = json.load(open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "contracts", "Nested.json")))
GET, ADD = "0x6d4ce63c", "0x1003e2d2"
BRANCH, RESTORE = "0x" + nested["Root"]["methods"]["branch(uint256)"], "0x" + nested["Branch"]["methods"]["restore()"]


def word(value):
    return "%064x" % (int(value, 16) if isinstance(value, str) else value)


def private(p, to, flag, **more):
    return {"privateFor": [p.keys[i] for i in to], "privacyFlag": flag, **more}


def everywhere(p, sent):
    return [p.receipt(i, sent) for i in range(3)]


def deploy(p, name, value, to, flag, at=0, **more):
    receipts = everywhere(p, p.send(at, data="0x" + nested[name]["bin"] + word(value), **private(p, to, flag, **more)))
    assert receipts[at]["status"] == "0x1", receipts
    return receipts[at]["contractAddress"]


def execute(p, contract, data, to, flag, at=0, **more):
    """Whether it went well at each."""
    return [int(r["status"], 16) for r in everywhere(p, p.send(at, to=contract, data=data, **private(p, to, flag, **more)))]


def refused(p, contract, data, to, flag, at=0, **more):
    return p.error(at, "eth_sendTransaction", p.arguments(at, to=contract, data=data, **private(p, to, flag, **more)))


def values(p, contract):
    """What get() gives at each; None: it fails."""
    answers = [p.ask(i, "eth_call", {"to": contract, "data": GET}, "latest") for i in range(3)]
    return [None if "error" in a else 0 if a["result"] == "0x" else int(a["result"], 16) for a in answers]


@scenario("private_nested_contract")
def plain(p):
    root = deploy(p, "Root", 42, (1,), STANDARD)
    branch = deploy(p, "Branch", root, (1,), STANDARD)
    assert values(p, root) == values(p, branch) == [42, 42, 0]
    assert execute(p, branch, set_to(5), (1,), STANDARD) == [1, 1, 1]
    assert values(p, root) == values(p, branch) == [5, 5, 0]


@scenario("qe81_non_party_transactions: nested contracts")
def strangers(p):
    root = deploy(p, "Root", 30, (1,), PROTECTED)
    branch = deploy(p, "Branch", root, (2,), PROTECTED)
    said = refused(p, branch, set_to(1), (0,), PROTECTED, at=2)  # which has the branch, and not what it stands on
    assert said.startswith("execution reverted"), said
    assert values(p, root) == [30, 30, 0] and values(p, branch) == [30, 0, None], (values(p, root), values(p, branch))
    # What the specification calls a limitation: who is party to both may send to any of them.
    assert execute(p, branch, set_to(31), (2,), PROTECTED) == [1, 1, 0]
    assert values(p, root) == [31, 30, 0]
    made = deploy(p, "Root", 5, (1,), PROTECTED)
    assert execute(p, made, BRANCH + word(100), (1,), PROTECTED) == [1, 1, 1]
    assert values(p, made) == [100, 100, 0]


@scenario("qe81_private_state_validation: nested contracts", alone=True)
def validation(p):
    for below, above in ((VALIDATED, STANDARD), (STANDARD, VALIDATED)):
        root = deploy(p, "Root", 42, (1,), below)
        branch = deploy(p, "Branch", root, (1,), above)
        for data in (set_to(1), RESTORE):
            assert refused(p, branch, data, (1,), STANDARD) == MISMATCH
            assert refused(p, branch, data, (1,), VALIDATED).startswith("PrivacyMetadata not found")
        assert values(p, branch) == [42, 42, 0]
    for to in ((2,), (1, 2)):
        root = deploy(p, "Root", 100, (1,), VALIDATED)
        branch = deploy(p, "Branch", root, to, VALIDATED)
        said = refused(p, branch, set_to(1), to, VALIDATED)
        assert "Recipients mismatched for Affected Txn" in said, said
    public = everywhere(p, p.send(0, data="0x" + nested["Root"]["bin"] + word(42)))[0]["contractAddress"]
    branch = deploy(p, "Branch", public, (1,), VALIDATED)
    assert execute(p, branch, RESTORE, (1,), VALIDATED) == [1, 1, 1]
    said = refused(p, branch, set_to(1), (1,), VALIDATED)
    assert said.startswith("execution reverted"), said


@scenario("mandatory_recipients: nested contracts")
def mandatory(p):
    root = deploy(p, "Root", 30, (1, 2), MANDATORY, mandatoryFor=[p.keys[1]])
    branch = deploy(p, "Branch", root, (1,), MANDATORY, mandatoryFor=[p.keys[1]])
    assert execute(p, branch, set_to(3), (1,), MANDATORY, mandatoryFor=[p.keys[1]]) == [1, 1, 1]
    assert values(p, root) == [3, 3, 30], values(p, root)
    other = deploy(p, "Branch", root, (1, 2), MANDATORY, mandatoryFor=[p.keys[2]])
    said = refused(p, other, set_to(4), (2,), MANDATORY, mandatoryFor=[p.keys[2]])
    assert "Privacy metadata mismatched" in said, said
    assert execute(p, other, set_to(5), (1, 2), MANDATORY, mandatoryFor=p.keys[1:3]) == [1, 1, 1]
    assert values(p, root) == values(p, other) == [5, 5, 5]


@scenario("accumulator_smart_contract: traces")
def traces(p):
    contract = everywhere(p, p.send(1, input=p.creation("Store", 1), **private(p, (0, 2), STANDARD)))[1]["contractAddress"]

    def trace(to):
        sent = p.send(1, to=contract, data=ADD + word(1), **private(p, to, STANDARD))
        everywhere(p, sent)
        return [p.result(i, "debug_traceTransaction", sent)["structLogs"] for i in range(3)]
    both = trace((0, 2))
    assert both[0] == both[1] == both[2] != []
    one = trace((0,))
    assert one[0] == one[1] != [] and one[2] == []
    parted = trace((2,))
    assert parted[0] == [] and parted[1] != [] and parted[2] != [] and parted[1] != parted[2]  # another value is stored
    assert values(p, contract) == [3, 4, 3]


@scenario("externally_signed_private_raw_smart_contract_single", alone=True)
def elsewhere(p):
    """The wallets are accounts that the sending node has not: two other nodes sign for them."""
    def send(wallet, data, **more):
        stored = p.post(p.port + 30, "/storeraw", {"payload": base64.b64encode(bytes.fromhex(data[2:])).decode(), "from": p.keys[0]})
        arguments = p.arguments(wallet, data="0x" + base64.b64decode(stored["key"]).hex(), **private(p, (1,), STANDARD), **more,
                                nonce=p.result(0, "eth_getTransactionCount", p.address[wallet], "pending"))
        signed = p.result(wallet, "eth_signTransaction", arguments)["raw"]
        return p.result(0, "eth_sendRawPrivateTransaction", signed, private(p, (1,), STANDARD))
    sent = send(2, p.creation("Store", 23))
    receipts = everywhere(p, sent)
    contract, number = receipts[0]["contractAddress"], receipts[0]["blockNumber"]
    assert {r["from"] for r in receipts} == {p.address[2]}
    roots = [p.ask(i, "eth_storageRoot", contract, number).get("result") for i in range(3)]
    assert roots[0] == roots[1] != roots[2]
    hashed = p.result(2, "eth_getTransactionByHash", sent)["input"]
    payloads = [p.result(i, "eth_getQuorumPayload", hashed) for i in range(3)]
    assert payloads == [p.creation("Store", 23)] * 2 + ["0x"]
    assert values(p, contract) == [23, 23, 0]
    everywhere(p, send(1, set_to(5), to=contract))
    assert values(p, contract) == [5, 5, 0]


def extend(p, contract, at=0, party=1):
    """To peer 2."""
    p.result(at, "quorumExtension_extendContract", contract, p.keys[2], p.address[2], p.arguments(at, privateFor=[p.keys[2]]))

    def found(i):
        return next((e for e in p.result(i, "quorumExtension_activeExtensionContracts") if e["contractExtended"] == contract), None)
    management = until(lambda: found(2), "the extension at the new party")["managementContractAddress"]
    p.result(2, "quorumExtension_approveExtension", management, True, p.arguments(2, privateFor=[p.keys[at], p.keys[party]]))
    until(lambda: p.ask(2, "quorumExtension_getExtensionStatus", management).get("result") == "DONE", "the extension's end")
    until(lambda: not found(at), "the extension off the list")


@scenario("extend_private_contract, extend_private_contract_pe: nested contracts", alone=True)
def extended(p):
    for flag in (STANDARD, PROTECTED, VALIDATED):
        root = deploy(p, "Root", 1, (1,), flag)
        branch = deploy(p, "Branch", root, (1,), flag)
        assert execute(p, branch, set_to(10), (1,), flag) == [1, 1, 1]
        extend(p, root)
        extend(p, branch)
        until(lambda: values(p, branch) == values(p, root) == [10, 10, 10], "both at the new party")


@scenario("extend_private_contract_fail_conditions, extend_private_contract_fail_conditions_pe", alone=True)
def afterwards(p):
    contract = deploy(p, "Root", 42, (1,), STANDARD)
    extend(p, contract, at=1, party=0)  # any party may
    until(lambda: values(p, contract) == [42, 42, 42], "the state at the new party")
    assert execute(p, contract, set_to(999), (1,), STANDARD) == [1, 1, 1]
    assert values(p, contract) == [999, 999, 42]
    for flag in (PROTECTED, VALIDATED):
        contract = deploy(p, "Root", 42, (1,), flag)
        said = p.error(1, "quorumExtension_extendContract", contract, p.keys[2], p.address[2], p.arguments(1, privateFor=[p.keys[2]]))
        assert said == "operation not allowed", said


Peers(node, manager, fixtures, "private", [[], [], []]).run(run_all)

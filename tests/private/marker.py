#!/usr/bin/env python3
"""Privacy marker transactions made by a node: what parties, others and the public chain see of them; several at once; and the refusal of
a chain without the precompile."""
import json, os, subprocess, sys
from concurrent.futures import ThreadPoolExecutor
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from peers import Peers, set_to

node, manager, fixtures = sys.argv[1], sys.argv[2], sys.argv[3]
PRECOMPILE = "0x000000000000000000000000000000000000007a"


def made_by_marker(p, i, **what):
    """Sends at peer i, whose node makes a marker; the hash, the private receipt there."""
    sent = p.send(i, **what)
    public, inner = p.receipt(i, sent), p.result(i, "eth_getPrivateTransactionByHash", sent)
    tx = p.result(i, "eth_getTransactionByHash", sent)
    assert tx["to"] == PRECOMPILE and len(tx["input"]) == 2 + 128 and int(tx["v"], 16) > 38, tx
    assert public["isPrivacyMarkerTransaction"] and public["status"] == "0x1", public
    assert public["gasUsed"] == tx["gas"] and public["logs"] == [] and not public["contractAddress"], public
    assert inner["nonce"] == tx["nonce"] and inner["v"] in ("0x25", "0x26") and inner["from"] == tx["from"], inner
    return sent, p.result(i, "eth_getPrivateTransactionReceipt", sent)


def asked_in_graphql(p, i, sent):
    """What GraphQL says of a marker at peer i, and of what is inside (GoQuorum's acceptance test graphql_queries_privacy_precompile)."""
    query = """query ($hash: Bytes32!) { transaction(hash: $hash) { hash isPrivate privateInputData status gasUsed privateTransaction {
               hash isPrivate inputData privateInputData status block { number } index logs { topics transaction { hash } } createdContract { address } } } }"""
    answer = p.post(p.port + 20 + i, "/graphql", {"query": query, "variables": {"hash": sent}})
    assert "errors" not in answer, answer
    return answer["data"]["transaction"]


def check_graphql(p, sent, made, payload):
    outside = asked_in_graphql(p, 0, sent)
    inside = outside["privateTransaction"]
    assert outside["hash"] == sent and not outside["isPrivate"] and outside["privateInputData"] == "0x" and outside["status"] == 1, outside
    assert inside["hash"] == sent and inside["isPrivate"] and inside["status"] == 1 and len(inside["inputData"]) == 2 + 128, inside
    assert inside["privateInputData"] == payload and inside["block"]["number"] == int(made["blockNumber"], 16), inside
    assert [log["topics"] for log in inside["logs"]] == [log["topics"] for log in made["logs"]], inside
    assert all(log["transaction"]["hash"] == sent for log in inside["logs"]), inside
    created = inside["createdContract"]
    assert (created and created["address"]) == (made["contractAddress"] and made["contractAddress"].lower()), inside
    assert asked_in_graphql(p, 2, sent)["privateTransaction"] is None  # no party


def check_traces(p, sent, contract, value):
    """Of a marker a party traces what is inside of it, others nothing."""
    for i, stored in ((0, [value]), (1, [value]), (2, [])):
        logs = p.result(i, "debug_traceTransaction", sent)["structLogs"]
        assert [int(log["stack"][-2], 16) for log in logs if log["op"] == "SSTORE"] == stored, (i, logs)
        assert bool(logs) == bool(stored), (i, logs)
        called = p.result(i, "debug_traceTransaction", sent, {"tracer": "callTracer"})
        assert called["to"] == (contract.lower() if stored else PRECOMPILE), (i, called)
        assert (called["input"] == set_to(value)) == bool(stored), (i, called)
        assert called["from"] == p.address[0].lower() and called["output"] == "0x" and "error" not in called, (i, called)


def test(p):
    assert p.result(0, "eth_getPrivacyPrecompileAddress") == PRECOMPILE
    for flag in (0, 1, 3):
        sent, made = made_by_marker(p, 0, input=p.creation("Store", 5), privateFor=[p.keys[1]], privacyFlag=flag)
        assert made["status"] == "0x1" and made["transactionHash"] == sent, made
        contract = made["contractAddress"]
        p.receipt(1, sent), p.receipt(2, sent)
        check_graphql(p, sent, made, p.creation("Store", 5))
        assert p.stored(contract) == [5, 5, 0], p.stored(contract)
        assert p.result(2, "eth_getPrivateTransactionByHash", sent) is None
        assert p.error(2, "eth_getPrivateTransactionReceipt", sent) == "private transaction not found for this participant"
        # The other party makes no markers: both kinds change one contract.
        p.receipt(0, p.send(1, to=contract, data=set_to(70), privateFor=[p.keys[0]], privacyFlag=flag))
        sent, changed = made_by_marker(p, 0, to=contract, data=set_to(71), privateFor=[p.keys[1]], privacyFlag=flag)
        assert len(changed["logs"]) == 1 and changed["logs"][0]["transactionHash"] == sent, changed
        check_graphql(p, sent, changed, set_to(71))
        p.receipt(1, sent), p.receipt(2, sent)
        assert p.stored(contract) == [71, 71, 0], p.stored(contract)
        check_traces(p, sent, contract, 71)
        assert p.result(1, "eth_getPrivateTransactionReceipt", sent)["logs"] == changed["logs"]

    # personal_sendTransaction makes markers, too.
    sent = p.result(0, "personal_sendTransaction", p.arguments(0, to=contract, data=set_to(72), privateFor=[p.keys[1]], privacyFlag=3), "x")
    assert p.receipt(0, sent)["isPrivacyMarkerTransaction"]
    # Many at once, a public one among them, get nonces without gaps.
    first = int(p.result(0, "eth_getTransactionCount", p.address[0], "pending"), 16)
    with ThreadPoolExecutor(8) as pool:
        def one(n):
            if n % 4 == 3:
                return p.send(0, to=p.address[1], value="0x0", gas="0x5208")
            return p.send(0, to=contract, data=set_to(100 + n), privateFor=[p.keys[1]], privacyFlag=3)
        hashes = list(pool.map(one, range(16)))
    nonces = sorted(int(p.result(0, "eth_getTransactionByHash", h)["nonce"], 16) for h in hashes if p.receipt(0, h))
    assert nonces == list(range(first, first + 16)), (first, nonces)
    # Refused before a marker is made, and the nonce is not used.
    refused = p.error(0, "eth_sendTransaction", p.arguments(0, input=p.creation("Store", 1),
                                                            privateFor=["BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="]))
    assert refused.startswith("404 status: Recipient not found for key: BwcH"), refused
    assert int(p.result(0, "eth_getTransactionCount", p.address[0], "pending"), 16) == first + 16
    for h in hashes:
        p.receipt(1, h)
    assert len(p.roots((0, 1))) == 1
    print("markers of three kinds of contracts, 16 sends at once, refusals")


def refuses_without_precompile():
    p = Peers(node, manager, fixtures, "private", [[]])
    d = os.path.join(p.work, "n0")
    environment = dict(os.environ, PRIVATE_CONFIG="ignore")
    subprocess.run([node, "--datadir", d, "init", p.genesis], env=environment, check=True, capture_output=True)
    ended = subprocess.run([node, "--datadir", d, "--networkid", "1337", "--port", str(p.port), "--nodiscover", "--privacymarker.enable"],
                           env=environment, capture_output=True, text=True, timeout=60)
    wanted = "Privacy marker transactions require privacyPrecompileBlock to be set in genesis.json"
    assert ended.returncode != 0 and wanted in ended.stdout + ended.stderr, ended


refuses_without_precompile()
Peers(node, manager, fixtures, "private-marker", [["--privacymarker.enable", "--graphql"], [], ["--graphql"]]).run(test)

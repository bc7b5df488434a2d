#!/usr/bin/env python3
"""Scenarios of GoQuorum's acceptance tests (quorum-acceptance-tests), each under its specification's name, at three peers: 0 and 1 are Node1 and Node4
there, parties, and 2 is Node3, which is none. Contracts and steps are our own."""
import base64, json, os, socket, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from peers import Peers, set_to
from scenarios import MANDATORY, MISMATCH, PROTECTED, STANDARD, VALIDATED, run_all, scenario

node, manager, fixtures = sys.argv[1], sys.argv[2], sys.argv[3]
GET, ADD, MAKE, MADE, CALL_SET, STATIC_GET = "0x6d4ce63c", "0x1003e2d2", "0x516517ab", "0x1bffa932", "0xf4a6e2a9", "0x045f984e"


def words(selector, *values):
    return selector + "".join("%064x" % (int(v, 16) if isinstance(v, str) else v) for v in values)


def deploy(p, contract, *values, at=0, to=(1,), flag=STANDARD, **more):
    """The address; every node has the block."""
    sent = p.send(at, input=p.creation(contract, *(int(v, 16) if isinstance(v, str) else v for v in values)),
                  privateFor=[p.keys[i] for i in to], privacyFlag=flag, **more)
    receipts = [p.receipt(i, sent) for i in range(p.count)]
    assert receipts[at]["status"] == "0x1", receipts
    return receipts[at]["contractAddress"]


def public(p, at=0, **what):
    sent = p.send(at, **what)
    return [p.receipt(i, sent) for i in range(p.count)][at]


def execute(p, contract, data, at=0, to=(1,), flag=STANDARD, **more):
    """The receipts at all nodes."""
    sent = p.send(at, to=contract, data=data, privateFor=[p.keys[i] for i in to], privacyFlag=flag, **more)
    return [p.receipt(i, sent) for i in range(p.count)]


def refused(p, contract, data, at=0, to=(1,), flag=STANDARD, **more):
    return p.error(at, "eth_sendTransaction", p.arguments(at, to=contract, data=data, privacyFlag=flag,
                                                          privateFor=[p.keys[i] for i in to], **more))


def values(p, contract):
    """What get() returns at each; 0 where there is no contract."""
    found = [p.result(i, "eth_call", {"to": contract, "data": GET}, "latest") for i in range(p.count)]
    return [0 if v == "0x" else int(v, 16) for v in found]


def statuses(receipts):
    return [int(r["status"], 16) for r in receipts]


@scenario("private_smart_contract_single, private_smart_contract_event, estimate_gas_private")
def single(p):
    contract = deploy(p, "Store", 42)
    assert values(p, contract) == [42, 42, 0]
    roots = [p.ask(i, "eth_storageRoot", contract, "latest") for i in range(3)]
    assert roots[0]["result"] == roots[1]["result"] and roots[2].get("result") != roots[0]["result"], roots
    estimate = p.result(0, "eth_estimateGas", p.arguments(0, to=contract, data=set_to(5), value="0x0", privateFor=[p.keys[1]]))
    done = execute(p, contract, set_to(5), gas=estimate)
    assert statuses(done) == [1, 1, 1] and values(p, contract) == [5, 5, 0], (done, values(p, contract), estimate)
    assert [len(r["logs"]) for r in done] == [1, 1, 0]
    tx = p.result(2, "eth_getTransactionByHash", done[0]["transactionHash"])
    payloads = [p.result(i, "eth_getQuorumPayload", tx["input"]) for i in range(3)]
    assert payloads == [set_to(5), set_to(5), "0x"], payloads
    logs = [p.result(i, "eth_getLogs", {"fromBlock": "0x0", "address": contract}) for i in range(3)]
    assert [len(l) for l in logs] == [2, 2, 0]
    for a, b in zip(*logs[:2]):  # their index counts what else the node sees in the block
        assert {**a, "logIndex": 0} == {**b, "logIndex": 0}, (a, b)


@scenario("private_smart_contract_multiple")
def multiple(p):
    sent = [(a, b, p.send(a, input=p.creation("Store", n), privateFor=[p.keys[b]])) for n in range(4) for a, b in ((0, 1), (1, 2), (2, 0))]
    for a, b, transaction in sent:
        contract = p.receipt(a, transaction)["contractAddress"]
        p.receipt(b, transaction), p.receipt(3 - a - b, transaction)
        there = [p.result(i, "eth_getCode", contract, "latest") != "0x" for i in range(3)]
        assert there == [i in (a, b) for i in range(3)], (a, b, there)


@scenario("private_smart_contract_parent_child, private_smart_contract_parent_child_pe, private_nested_contract", alone=True)
def parents(p):
    for flag in (STANDARD, PROTECTED, VALIDATED):
        factory = deploy(p, "Factory", flag=flag)
        execute(p, factory, words(MAKE, 10), flag=flag)
        made = "0x" + p.result(1, "eth_call", {"to": factory, "data": words(MADE, 0)}, "latest")[-40:]
        assert values(p, made) == [10, 10, 0]
        caller = deploy(p, "Caller", flag=flag)
        done = execute(p, caller, words(CALL_SET, made, 15), flag=flag)
        assert statuses(done) == [1, 1, 1] and values(p, made) == [15, 15, 0], (flag, done)


@scenario("accumulator_smart_contract: parties who are left out keep the value that they had")
def subset(p):
    contract = deploy(p, "Store", 1, to=(1, 2))
    for to, wanted in (((1, 2), [2, 2, 2]), ((1,), [3, 3, 2]), ((2,), [4, 3, 3])):
        execute(p, contract, words(ADD, 1), to=to)
        assert values(p, contract) == wanted, (to, values(p, contract))
    done = execute(p, contract, set_to(9), to=(1,))
    assert [len(r["logs"]) for r in done] == [1, 1, 0]


@scenario("smart_contract_dual_state: a private contract reads public ones and does not write them; a public one finds no private ones")
def dual(p):
    store = public(p, input=p.creation("Store", 1))["contractAddress"]
    caller = deploy(p, "Caller")
    done = execute(p, caller, words(STATIC_GET, store))
    assert done[1]["logs"][0]["data"].endswith("%064x" % 1) and done[1]["logs"][0]["data"][2:66] == "%064x" % 1, done
    done = execute(p, caller, words(CALL_SET, store, 10))
    assert int(done[0]["logs"][0]["data"][2:66], 16) == 0 and values(p, store) == [1, 1, 1], done
    secret, plain = deploy(p, "Store", 1), public(p, input=p.creation("Caller"))["contractAddress"]
    public(p, to=plain, data=words(CALL_SET, secret, 10))
    assert values(p, secret) == [1, 1, 0]


@scenario("value_transfer_private_transactions")
def transfer(p):
    said = p.error(0, "eth_sendTransaction", p.arguments(0, to=p.address[1], value="0x1", privateFor=[p.keys[1]]))
    assert said == "ether value is not supported for private transactions", said


@scenario("private_smart_contract_async")
def behind(p):
    told, arrived = [], threading.Event()

    class Callback(BaseHTTPRequestHandler):
        def do_POST(self):
            assert self.headers["Content-Type"] == "application/json"
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            arrived.set()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", p.port + 40), Callback)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        for sender, good in ((p.address[0], True), (p.address[1], False)):
            arrived.clear()
            answer = p.result(0, "eth_sendTransactionAsync", {
                **p.arguments(0, input=p.creation("Store", 10), privateFor=[p.keys[1]]), "from": sender,
                "callbackUrl": f"http://127.0.0.1:{p.port + 40}/done"})
            assert answer == "0x" + 64 * "0", answer
            assert arrived.wait(30) and told[-1]["id"] == "1", told
            if good:
                contract = p.receipt(0, told[-1]["txHash"])["contractAddress"]
                p.receipt(1, told[-1]["txHash"]), p.receipt(2, told[-1]["txHash"])
                assert values(p, contract) == [10, 10, 0]
            else:
                assert told[-1] == {"id": "1", "error": "unknown account"}, told
    finally:
        server.shutdown()
        server.server_close()


def raw_private(p, sign):
    """A payload stored by the manager, signed apart, brought to its parties."""
    def put(data, **more):
        stored = p.post(p.port + 30, "/storeraw", {"payload": base64.b64encode(bytes.fromhex(data[2:])).decode(), "from": p.keys[0]})
        arguments = p.arguments(0, data="0x" + base64.b64decode(stored["key"]).hex(), privateFor=[p.keys[1]], **more,
                                nonce=p.result(0, "eth_getTransactionCount", p.address[0], "pending"))
        sent = p.result(0, "eth_sendRawPrivateTransaction", sign(arguments), {"privateFor": [p.keys[1]]})
        return [p.receipt(i, sent) for i in range(3)][0]
    contract = put(p.creation("Store", 23))["contractAddress"]
    assert values(p, contract) == [23, 23, 0]
    put(set_to(5), to=contract)
    assert values(p, contract) == [5, 5, 0]


@scenario("eth_api_signed_private_raw_smart_contract_single (with storeraw)", alone=True)
def raw(p):
    raw_private(p, lambda arguments: p.result(0, "eth_signTransaction", arguments)["raw"])


@scenario("personal_api_signed_private_raw_smart_contract_single (with storeraw)", alone=True)
def raw_personal(p):
    raw_private(p, lambda arguments: p.result(0, "personal_signTransaction", arguments, "x")["raw"])


def all_hold(p, sent, expected):
    """Each contract's value at its two parties, and at the third nothing."""
    for (at, to, transaction), value in zip(sent, expected):
        contract = [p.receipt(i, transaction) for i in range(3)][at]["contractAddress"]
        assert values(p, contract) == [value if i in (at, to) else 0 for i in range(3)], (at, to, contract)


@scenario("private_smart_contract_spam")
def spam(p):
    pairs = [(at, to) for at in range(3) for to in range(3) if at != to for _ in range(10)]
    sent = [(at, to, p.send(at, input=p.creation("Store", 100 + n), privateFor=[p.keys[to]])) for n, (at, to) in enumerate(pairs)]
    all_hold(p, sent, range(100, 100 + len(pairs)))


@scenario("private_raw_smart_contract_spam", alone=True)
def raw_spam(p):
    sent, pairs = [], [(at, to) for at in range(3) for to in range(3) if at != to for _ in range(10)]
    nonces = [int(p.result(i, "eth_getTransactionCount", p.address[i], "pending"), 16) for i in range(3)]
    for n, (at, to) in enumerate(pairs):
        payload = base64.b64encode(bytes.fromhex(p.creation("Store", 200 + n)[2:])).decode()
        stored = p.post(p.port + 30 + at, "/storeraw", {"payload": payload, "from": p.keys[at]})
        arguments = p.arguments(at, data="0x" + base64.b64decode(stored["key"]).hex(), privateFor=[p.keys[to]], nonce=hex(nonces[at]))
        signed = p.result(at, "eth_signTransaction", arguments)["raw"]
        sent.append((at, to, p.result(at, "eth_sendRawPrivateTransaction", signed, {"privateFor": [p.keys[to]]})))
        nonces[at] += 1
    all_hold(p, sent, range(200, 200 + len(pairs)))


@scenario("fill_transaction", alone=True)
def fill(p):
    arguments = p.arguments(0, input=p.creation("Store", 129), privateFor=[p.keys[1]])
    filled = p.result(0, "eth_fillTransaction", arguments)["tx"]
    assert len(filled["input"]) == 2 + 128
    signed = p.result(0, "eth_signTransaction", p.arguments(0, data=filled["input"], nonce=filled["nonce"], privateFor=[p.keys[1]]))
    sent = p.result(0, "eth_sendRawPrivateTransaction", signed["raw"], {"privateFor": [p.keys[1]]})
    contract = [p.receipt(i, sent) for i in range(3)][0]["contractAddress"]
    assert values(p, contract) == [129, 129, 0]


@scenario("privacy_marker_transactions: one that is distributed and marked apart", alone=True)
def marked_apart(p):
    filled = p.result(0, "eth_fillTransaction", p.arguments(0, input=p.creation("Store", 7), privateFor=[p.keys[1]]))["tx"]
    signed = p.result(0, "eth_signTransaction", p.arguments(0, data=filled["input"], nonce=filled["nonce"], privateFor=[p.keys[1]]))
    assert p.error(0, "eth_distributePrivateTransaction", signed["raw"], {}) == "transaction is not private"
    content = p.result(0, "eth_distributePrivateTransaction", signed["raw"], {"privateFor": [p.keys[1]]})
    sent = p.send(0, to=p.result(0, "eth_getPrivacyPrecompileAddress"), data=content, nonce=filled["nonce"])
    assert all(p.receipt(i, sent)["isPrivacyMarkerTransaction"] for i in range(3))
    contract = p.result(1, "eth_getPrivateTransactionReceipt", sent)["contractAddress"]
    assert values(p, contract) == [7, 7, 0] and p.result(2, "eth_getPrivateTransactionByHash", sent) is None


@scenario("qe81_non_party_transactions", alone=True)
def strangers(p):
    for flag in (PROTECTED, VALIDATED):
        contract = deploy(p, "Store", 42, flag=flag)
        assert refused(p, contract, set_to(1), at=2, to=(0,), flag=flag) == "contract not found. cannot transact"
        done = execute(p, contract, set_to(1), at=2, to=(0,))  # without the flag, from one who is no party
        assert statuses(done) == [0, 1, 1] and values(p, contract) == [42, 42, 0], (flag, statuses(done))


@scenario("qe81_private_state_validation", alone=True)
def validation(p):
    protected, standard = deploy(p, "Store", 42, flag=VALIDATED), deploy(p, "Store", 42)
    caller, checked = deploy(p, "Caller"), deploy(p, "Caller", flag=VALIDATED)
    assert refused(p, caller, words(CALL_SET, protected, 1)) == MISMATCH
    assert refused(p, caller, words(CALL_SET, protected, 1), flag=VALIDATED).startswith("PrivacyMetadata not found")
    assert refused(p, checked, words(CALL_SET, standard, 1)) == MISMATCH
    assert refused(p, checked, words(CALL_SET, standard, 1), flag=VALIDATED).startswith("PrivacyMetadata not found")
    assert refused(p, caller, words(STATIC_GET, protected)) == MISMATCH
    for to in ((1, 2), (2,), ()):
        said = refused(p, protected, set_to(1), to=to, flag=VALIDATED)
        assert "Recipients mismatched for Affected Txn" in said, (to, said)
    assert refused(p, protected, set_to(1)) == MISMATCH
    assert statuses(execute(p, protected, set_to(2), at=1, to=(0,), flag=VALIDATED)) == [1, 1, 1]
    assert values(p, protected) == [2, 2, 0] and values(p, standard) == [42, 42, 0]


@scenario("mandatory_recipients")
def mandatory(p):
    only = "privacy metadata invalid. mandatory recipients are only applicable for PrivacyFlag=2(MandatoryRecipients)"
    none = "missing mandatory recipients data. if no mandatory recipients required consider using PrivacyFlag=1(PartyProtection)"
    creation = p.creation("Store", 30)

    def said(flag, to, required):
        return p.error(0, "eth_sendTransaction", p.arguments(0, input=creation, privacyFlag=flag, privateFor=[p.keys[i] for i in to],
                                                             mandatoryFor=[p.keys[i] for i in required]))
    for flag in (STANDARD, PROTECTED, VALIDATED):
        assert said(flag, (1,), (1,)) == only
    assert said(MANDATORY, (1,), ()) == none
    assert "mandatory recipients not included in the participant list" in said(MANDATORY, (1,), (2,))
    contract = deploy(p, "Store", 30, to=(1, 2), flag=MANDATORY, mandatoryFor=[p.keys[1]])
    assert p.result(2, "eth_getContractPrivacyMetadata", contract)["mandatoryFor"] == [p.keys[1]]
    assert "Privacy metadata mismatched" in refused(p, contract, set_to(1), to=(2,), flag=MANDATORY, mandatoryFor=[p.keys[2]])
    execute(p, contract, set_to(19), flag=MANDATORY, mandatoryFor=[p.keys[1]])
    assert values(p, contract) == [19, 19, 30], values(p, contract)


@scenario("eth_decryptQuorumPayload: of a payload that is encrypted and not stored")
def decrypted(p):
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(os.path.join(p.work, "t0", "tm.ipc"))
    body = json.dumps({"payload": base64.b64encode(b"nowhere").decode(), "from": p.keys[0], "to": [p.keys[1]], "privacyFlag": 0}).encode()
    connection.sendall(b"POST /encodedpayload/create HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    answer = b""
    while more := connection.recv(65536):
        answer += more
    connection.close()
    encrypted = json.loads(answer.split(b"\r\n\r\n", 1)[1])
    found = p.result(0, "eth_decryptQuorumPayload", "0x" + json.dumps(encrypted).encode().hex())
    assert found["Payload"] == "0x" + b"nowhere".hex() and found["IsSender"], found
    assert found["ExtraMetaData"]["PrivacyFlag"] == 0, found
    for payload, said in (("0x", "Invalid payload hex"), ("0xzz", "encoding/hex: invalid byte: U+007A 'z'"), ("0x3b", "invalid character ';' looking for beginning of value")):
        assert p.error(0, "eth_decryptQuorumPayload", payload).startswith(said), payload


@scenario("revert_reason: kept by nodes with --revertreason, of private transactions by parties")
def reasons(p):
    reverts = "0x63deadbeef6000526004601cfd"  # a creation that reverts with these four bytes
    sent = p.send(2, input=reverts)
    done = [p.receipt(i, sent) for i in range(3)]
    assert statuses(done) == [0, 0, 0], done
    assert [r.get("revertReason") for r in done] == ["0xdeadbeef", "0xdeadbeef", None], done
    done = [p.receipt(i, public(p, input=p.creation("Store", 1))["transactionHash"]) for i in range(3)]
    assert [r.get("revertReason") for r in done] == [None] * 3, done
    sent = p.send(0, input=reverts, privateFor=[p.keys[1]])
    done = [p.receipt(i, sent) for i in range(3)]
    assert statuses(done) == [0, 0, 1], done
    assert [r.get("revertReason") for r in done] == ["0xdeadbeef", "0xdeadbeef", None], done


def test(p):
    run_all(p)
    assert len(p.roots((0, 1, 2))) > 1


Peers(node, manager, fixtures, "private-marker", [["--revertreason"], ["--revertreason"], []]).run(test)

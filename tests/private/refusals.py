#!/usr/bin/env python3
"""What is refused around private transactions, row by row: code and text are GoQuorum's. Three peers with privacy enhancements, then three without."""
import base64, json, os, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from peers import Peers, set_to

node, manager, fixtures = sys.argv[1], sys.argv[2], sys.argv[3]
NOBODY = "0x" + "11" * 20
STRANGER = base64.b64encode(b"\7" * 32).decode()
NO_MANDATORY = ("missing mandatory recipients data. if no mandatory recipients required consider using PrivacyFlag=1(PartyProtection)")
ONLY_MANDATORY = "privacy metadata invalid. mandatory recipients are only applicable for PrivacyFlag=2(MandatoryRecipients)"
VALUE = "ether value is not supported for private transactions"
ERROR, REVERTED = -32000, 3


def check(p, rows):
    for i, method, params, code, text, *begins in rows:
        answer = p.ask(i, method, *params)
        assert "error" in answer, (method, params, answer)
        said = answer["error"]["message"]
        assert answer["error"]["code"] == code and (said.startswith(text) if begins else said == text), (method, params, answer["error"], text)
    print(f"{len(rows)} refusals are GoQuorum's", flush=True)


def send(p, i=0, **more):
    return [{"from": p.address[i], "gas": "0x47b760", "gasPrice": "0x0", **more}]


def arguments(p, contract, public, validated):
    """SendTxArgs, and the checks that all private transactions go through, in their order."""
    to, data, creation = [p.keys[1]], set_to(1), p.creation("Store", 1)
    other = {"to": contract, "data": data}
    return [
        (0, "eth_sendTransaction", [{**send(p)[0], "from": NOBODY, **other, "privateFor": to}], ERROR, "unknown account"),
        (0, "eth_sendTransaction", send(p, to=contract, data=data, input="0x11", privateFor=to), ERROR,
         'both "data" and "input" are set and not equal. Please use "input" to pass transaction call data'),
        (0, "eth_sendTransaction", send(p, privateFor=to), ERROR, "contract creation without any data provided"),
        (0, "eth_sendTransaction", send(p, **other, privateFor=to, privacyFlag=4), ERROR, "invalid privacy flag"),
        (0, "eth_sendTransaction", send(p, **other, privateFor=to, privacyFlag=2), ERROR, NO_MANDATORY),
        (0, "eth_sendTransaction", send(p, **other, privateFor=to, privacyFlag=1, mandatoryFor=to), ERROR, ONLY_MANDATORY),
        (0, "eth_sendTransaction", send(p, **other, privateFor=to, mandatoryFor=to), ERROR, ONLY_MANDATORY),
        (0, "eth_sendTransaction", send(p, to=NOBODY, data=data, privateFor=to, privacyFlag=1), ERROR, "contract not found. cannot transact"),
        (0, "eth_sendTransaction", send(p, to=public, data=data, privateFor=to, privacyFlag=1), ERROR, "PrivacyMetadata not found: ", True),
        (0, "eth_sendTransaction", send(p, **other, privateFor=to), ERROR, "sent privacy flag doesn't match all affected contract flags"),
        (0, "eth_sendTransaction", send(p, to=validated, data=data, privateFor=[p.keys[2]], privacyFlag=3), ERROR,
         "403 status: Recipients mismatched for Affected Txn ", True),
        (0, "eth_sendTransaction", send(p, data=creation, privateFor=[STRANGER]), ERROR, f"404 status: Recipient not found for key: {STRANGER}", True),
        (0, "eth_sendTransaction", send(p, data=creation, privateFor=to, privateFrom=p.keys[2]), ERROR,
         f"404 status: Public key {p.keys[2]} not found when searching for private key", True),
        (0, "eth_sendTransaction", send(p, data=creation, privateFor=p.keys[1:2], privacyFlag=2, mandatoryFor=[p.keys[2]]), ERROR,
         "403 status: One or more mandatory recipients not included in the participant list"),
        (0, "eth_sendTransaction", send(p, **other, value="0x1", privateFor=to, privacyFlag=1), ERROR, "execution reverted"),
        (0, "eth_sendTransaction", send(p, to=contract, privateFor=to), ERROR, VALUE),
        (0, "eth_sendTransaction", send(p, **other, privateFor=to, privacyFlag=1, accessList=[]), ERROR, "transaction type not supported"),
        (0, "personal_sendTransaction", [*send(p, **other, privateFor=to, privacyFlag=1), "wrong"], ERROR,
         "could not decrypt key with given password"),
        *[(0, "eth_signTransaction", [{k: v for k, v in {**send(p, **other, nonce="0x1", privateFor=to)[0]}.items() if k != name}], ERROR,
           f"{name} not specified") for name in ("gas", "gasPrice", "nonce")],
    ]


def raw(p):
    """Transactions that were signed elsewhere."""
    signed = p.result(0, "eth_signTransaction", *send(p, to=NOBODY, data="0x" + "22" * 64, nonce="0xffff", privateFor=[p.keys[1]]))["raw"]
    to = {"privateFor": [p.keys[1]]}
    return [
        (0, "eth_sendRawPrivateTransaction", [signed, {}], ERROR, "transaction is not private"),
        (0, "eth_sendRawPrivateTransaction", [signed, {**to, "privacyFlag": 7}], ERROR, "invalid privacy flag"),
        (0, "eth_sendRawPrivateTransaction", [signed, {**to, "privacyFlag": 2}], ERROR, NO_MANDATORY),
        (0, "eth_sendRawPrivateTransaction", [signed, {**to, "mandatoryFor": [p.keys[1]]}], ERROR, ONLY_MANDATORY),
        (0, "eth_sendRawPrivateTransaction", [signed, to], ERROR, "404 status: ", True),
        (0, "eth_distributePrivateTransaction", [signed, {}], ERROR, "transaction is not private"),
    ]


def questions(p, contract, public, sent, marker):
    """What is asked: payloads, receipts of markers, storage, metadata."""
    digest = "0x" + "33" * 64
    return [
        (0, "eth_getQuorumPayload", ["0x"], ERROR, "Invalid digest hex"),
        (0, "eth_getQuorumPayload", ["0xzz"], ERROR, "encoding/hex: invalid byte: U+007A 'z'"),
        (0, "eth_getQuorumPayload", ["0X33"], ERROR, "encoding/hex: invalid byte: U+0058 'X'"),
        (0, "eth_getQuorumPayload", ["333"], ERROR, "encoding/hex: odd length hex string"),
        (0, "eth_getQuorumPayload", [digest[:-2]], ERROR, "Expected a Quorum digest of length 64, but got 63"),
        (0, "eth_getQuorumPayloadExtra", [digest[:-2]], ERROR, "Expected a Quorum digest of length 64, but got 63"),
        (0, "eth_getContractPrivacyMetadata", [public], ERROR, public[2:] + ": the provided address is not a private contract"),
        (2, "eth_getContractPrivacyMetadata", [contract], ERROR, "0x", True),
        (0, "eth_getPrivateTransactionByHash", [sent], ERROR, "invalid character '`' looking for beginning of value"),
        (0, "eth_getPrivateTransactionReceipt", ["0x" + "44" * 32], ERROR, "privacy marker transaction not found"),
        (2, "eth_getPrivateTransactionReceipt", [marker], ERROR, "private transaction not found for this participant"),
        (0, "eth_storageRoot", [NOBODY], ERROR, "can't find state object"),
        (0, "debug_dumpAddress", [NOBODY, "latest"], ERROR, "error retrieving state"),
        (0, "eth_call", [{"to": contract, "data": "0x" + p.contracts["Store"]["methods"]["fail(string)"].removeprefix("0x") + "%064x%064x" % (32, 3) + b"bad".hex().ljust(64, "0")},
                         "latest"], REVERTED, "execution reverted: bad"),
    ]


def enhanced(p):
    creation = p.creation("Store", 1)
    made = []
    for more in ({"privateFor": [p.keys[1]], "privacyFlag": 1}, {}, {"privateFor": [p.keys[1]], "privacyFlag": 3}):
        made.append(p.send(0, data=creation, **more))
        receipts = [p.receipt(i, made[-1]) for i in range(3)]
        made[-1] = (made[-1], receipts[0]["contractAddress"])
    contract, public, validated = (address for _, address in made)
    marker = p.send(1, data=creation, privateFor=[p.keys[0]])
    assert [p.receipt(i, marker)["isPrivacyMarkerTransaction"] for i in range(3)] == [True] * 3
    check(p, arguments(p, contract, public, validated) + raw(p) + questions(p, contract, public, made[0][0], marker))


def plain(p):
    text = "PrivacyEnhancements are disabled. Can only accept transactions with PrivacyFlag=0(StandardPrivate)."
    check(p, [(0, "eth_sendTransaction", send(p, data=p.creation("Store", 1), privateFor=[p.keys[1]], privacyFlag=flag), ERROR, text)
              for flag in (1, 2, 3)])


Peers(node, manager, fixtures, "private-marker", [[], ["--privacymarker.enable"], []]).run(enhanced)
without = Peers(node, manager, fixtures, "private-marker", [[], [], []])
genesis = json.load(open(without.genesis))
del genesis["config"]["privacyEnhancementsBlock"]
without.genesis = without.write("genesis.json", json.dumps(genesis))
without.run(plain)

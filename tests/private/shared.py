#!/usr/bin/env python3
"""A private contract's state shared with a new party, as extensions end: who has the contract notes the new payload, who voted takes the state,
who did not vote takes nothing; afterwards all three run it. The management contract is one that logs what it is given."""
import base64, http.client, json, os, socket, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from peers import Peers, set_to

node, manager, fixtures = sys.argv[1], sys.argv[2], sys.argv[3]
TOPIC = "67a92539f3cbd7c5a9b36c23c0e2beceb27d2e1b3cd8eda02c623689267ae71e"
RUNTIME = f"366000600037" f"7f{TOPIC}" "366000a100"
LOGGER = "0x602c600c600039602c6000f3" + RUNTIME


def at_manager(p, i, path, body):
    """A node's request, by the manager's socket."""
    connection = http.client.HTTPConnection("c")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(os.path.join(p.work, f"t{i}", "tm.ipc"))
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json", "Accept": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status in (200, 201), (path, answer.status, text)
    connection.close()
    return json.loads(text)


def b64(data):
    return base64.b64encode(data).decode()


def checksummed(p, address):
    digits = address[2:].lower()
    hashed = p.result(0, "web3_sha3", "0x" + digits.encode().hex())[2:]
    return "0x" + "".join(c.upper() if int(h, 16) >= 8 else c for c, h in zip(digits, hashed))


def event(contract, payload, vote):
    def text(value):
        data = value.encode()
        return "%064x" % len(data) + data.hex() + "00" * (-len(data) % 32)
    first = text(payload)
    return "0x" + "%064x%064x%064x" % (int(contract, 16), 96, 96 + len(first) // 2) + first + text(vote)


def vote_of(p, i, management, to):
    sealed = at_manager(p, i, "/encodedpayload/create", {"payload": b64(bytes.fromhex(management[2:])), "from": p.keys[i], "to": []})
    sent = at_manager(p, i, "/send", {"payload": b64(json.dumps(sealed).encode()), "from": p.keys[i], "to": [p.keys[j] for j in to]})
    return "0x" + base64.b64decode(sent["key"]).hex()


def share(p, contract, flag):
    """The state of the contract in a payload for all three."""
    account = p.result(0, "debug_dumpAddress", contract, "latest")
    state = {checksummed(p, contract): {"state": account}}
    return at_manager(p, 0, "/send", {"payload": b64(json.dumps(state).encode()), "from": p.keys[0], "to": p.keys[1:3],
                                      "affectedContractTransactions": [], "privacyFlag": flag})["key"]


def everywhere(p, transaction):
    return [p.receipt(i, transaction) for i in range(3)]


def test(p):
    sent = p.send(0, input=LOGGER, privateFor=p.keys[1:3])
    management = everywhere(p, sent)[0]["contractAddress"]
    for flag in (0, 1):
        sent = p.send(0, input=p.creation("Store", 42), privateFor=[p.keys[1]], privacyFlag=flag)
        contract = everywhere(p, sent)[0]["contractAddress"]
        before = [p.ask(i, "eth_getContractPrivacyMetadata", contract) for i in range(2)]
        payload = share(p, contract, flag)
        for vote in ("", "0x" + "11" * 64, vote_of(p, 0, management, (2,)), vote_of(p, 2, contract, (0,))):  # none of them is the new party's
            everywhere(p, p.send(0, to=management, data=event(contract, b64(bytes(64)), vote), privateFor=p.keys[1:3]))
            assert p.stored(contract) == [42, 42, 0] and p.result(2, "eth_getCode", contract, "latest") == "0x"
        vote = vote_of(p, 2, management, (0, 1))
        done = everywhere(p, p.send(0, to=management, data=event(contract, payload, vote), privateFor=p.keys[1:3]))
        assert all(len(r["logs"]) == 1 for r in done), done
        assert p.stored(contract) == [42, 42, 42], p.stored(contract)
        assert len({p.result(i, "eth_getCode", contract, "latest") for i in range(3)}) == 1
        assert len({p.result(i, "eth_storageRoot", contract, "latest") for i in range(3)}) == 1
        after = [p.ask(i, "eth_getContractPrivacyMetadata", contract) for i in range(3)]
        if flag:
            assert before[0]["result"]["creationTxHash"] != payload
            assert [a["result"]["creationTxHash"] for a in after] == [payload] * 3 and after[2]["result"]["privacyFlag"] == flag, after
        else:
            assert before == after[:2] and after[2]["error"] == after[0]["error"], after
        everywhere(p, p.send(2, to=contract, data=set_to(43), privateFor=p.keys[0:2], privacyFlag=flag))
        assert p.stored(contract) == [43, 43, 43], p.stored(contract)
    print("the states of a standard and of a party-protected contract, taken by who voted")


Peers(node, manager, fixtures, "private-marker", [[], [], []]).run(test)

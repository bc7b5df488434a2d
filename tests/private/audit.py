#!/usr/bin/env python3
"""private audit over the managers' channel: three peers with private contracts of all kinds agree; then one loses payloads and makes its
state anew without them, and the audit of either party names contract, party, first block and transaction. A stranger is told nothing.

usage: audit.py NODE MANAGER FIXTURES"""
import os, shutil, sqlite3, subprocess, sys

from peers import Peers, set_to, until


def audit(p, i, other=None):
    environment = dict(os.environ, PRIVATE_CONFIG=os.path.join(p.work, f"t{i}", "tm.ipc"))
    endpoints = [f"http://127.0.0.1:{p.port + 20 + j}" for j in ([i] if other is None else [i, other])]
    done = subprocess.run([p.node, "private", "audit", *endpoints], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def everywhere(p, sent):
    receipts = [p.receipt(i, sent) for i in range(p.count)]
    return int(receipts[0]["blockNumber"], 16), receipts[0]


def lose(p, i, transactions):
    """Takes the payloads out of the peer's database, and the peer makes its chain anew."""
    hashes = [bytes.fromhex(p.result(0, "eth_getTransactionByHash", t)["input"][2:]) for t in transactions]
    for process in (p.nodes[i], p.managers[i]):
        process.terminate()
        process.wait(60)
    with sqlite3.connect(os.path.join(p.work, f"t{i}", "db")) as db:
        table = next(name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'") if name.upper() == "ENCRYPTED_TRANSACTION")
        for h in hashes:
            assert db.execute(f"DELETE FROM {table} WHERE HASH = ?", (h,)).rowcount == 1, h
    db.close()
    shutil.rmtree(os.path.join(p.work, f"n{i}", "geth", "quorate"))
    subprocess.run([p.node, "--datadir", os.path.join(p.work, f"n{i}"), "init", p.genesis], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, env=dict(os.environ, PRIVATE_CONFIG="ignore"))
    if os.path.exists(os.path.join(p.work, f"t{i}", "tm.ipc")):
        os.remove(os.path.join(p.work, f"t{i}", "tm.ipc"))
    p.start_manager(i)
    p.start_node(i)


def test(p):
    to, back = [p.keys[1]], [p.keys[0]]
    made = {3: p.send(0, data=p.creation("Store", 5), privateFor=to, privacyFlag=3)}
    everywhere(p, made[3])  # its simulation takes the nonce of the state, so that none may be under way
    made |= {flag: p.send(0, data=p.creation("Store", 5), privateFor=to, privacyFlag=flag) for flag in (0, 1)}
    # One that makes another, one that nobody else has, and one of three parties.
    factory = p.send(1, data=p.creation("Factory"), privateFor=back)
    alone = p.send(0, data=p.creation("Store", 1), privateFor=[])
    all_three = p.send(2, data=p.creation("Store", 3), privateFor=[p.keys[0], p.keys[1]])
    contracts = {flag: everywhere(p, sent)[1]["contractAddress"] for flag, sent in made.items()}
    factory, alone, all_three = [everywhere(p, sent)[1]["contractAddress"] for sent in (factory, alone, all_three)]
    store = contracts[0]
    sent = [p.send(0, to=factory, data=p.call("make(uint256)", 7), privateFor=to)]
    sent += [p.send(1, to=contracts[flag], data=set_to(6 + flag), privateFor=back, privacyFlag=flag) for flag in (0, 1, 3)]
    for one in sent:
        everywhere(p, one)

    code, said = audit(p, 0)
    assert code == 0, said
    assert f"{p.keys[1]}: 5 the same, 0 differ" in said and f"{p.keys[2]}: 1 the same, 0 differ" in said, said
    assert "1 without another party" in said, said
    code, said = audit(p, 2)  # the third sent to two
    assert code == 0 and said.count(": 1 the same, 0 differ") == 2, said

    # What is lost: one change of the first contract, and what made that of flag 1.
    lost = p.send(0, to=store, data=p.call("add(uint256)", 4), privateFor=to)
    number, _ = everywhere(p, lost)
    everywhere(p, p.send(1, to=store, data=p.call("add(uint256)", 1), privateFor=[p.keys[0]]))
    lose(p, 1, [lost, made[1]])
    head = int(p.result(0, "eth_blockNumber"), 16)
    until(lambda: int(p.result(1, "eth_blockNumber"), 16) >= head, "the chain made anew", 120)
    until(lambda: p.knows(0, 1) and p.knows(1, 0), "the managers know each other again")
    code, said = audit(p, 0)
    assert code == 1 and f"{store} parts from {p.keys[1]} at block {number}\n      transaction {lost}: that party has no payload" in said, said
    assert f"{contracts[1]} parts from {p.keys[1]} where it was made\n      transaction {made[1]}: that party has no payload" in said, said
    assert f"{p.keys[1]}: 3 the same, 2 differ" in said, said
    code, said = audit(p, 1)  # who lost it sees the difference, and that it is here
    assert code == 1 and f"{store} parts from {p.keys[0]} at block {number}\n      transaction {lost}: this node has no payload" in said, said
    assert alone not in said and all_three not in said, said

    # A party whose manager is down has not been asked.
    p.managers[2].terminate()
    p.managers[2].wait(60)
    code, said = audit(p, 0)
    assert code == 1 and f"{p.keys[2]} cannot be asked: " in said and ", the rest without an answer" in said, said


class AuditPeers(Peers):
    def call(self, signature, *values):
        """The data of a call of a recorded contract."""
        return "0x" + self.selector(signature) + "".join("%064x" % v for v in values)

    def selector(self, signature):
        hashed = self.result(0, "web3_sha3", "0x" + signature.encode().hex())
        return hashed[2:10]

    def knows(self, i, j):
        """Whether manager i knows where the key of peer j is."""
        refused = self.ask(i, "eth_sendTransaction", {"from": self.address[i], "to": self.address[i], "data": "0x00", "gas": "0x0", "gasPrice": "0x0",
                                                      "privateFor": [self.keys[j]]})
        return "Recipient not found" not in str(refused)


AuditPeers(*sys.argv[1:4], flags=[["--gcmode", "archive"]] * 3).run(test)

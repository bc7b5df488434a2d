#!/usr/bin/env python3
"""Multiple private states: node 0 serves two tenants, each with a resident group of its manager, node 1 is a peer with one private state. A
tenant sees what it is party to, by every way to say who asks, and nothing of the other's; the same private states as at a node of its own;
from one private state to several by mpsdbupgrade; what is refused. (GoQuorum's acceptance tests: multi_tenancy.spec,
mps_mixed_network_private_state_root_check.spec, mps_backward_compatibility_network_upgrade_downgrade_txtrace_psr.spec.)"""
import base64, hashlib, hmac, json, os, shutil, subprocess, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from peers import set_to, until
from tenants import FOR_ALL, ONE, Tenants

node, manager, fixtures = sys.argv[1], sys.argv[2], sys.argv[3]
def test_naming(p):
    assert p.result(0, "eth_getPSI") == FOR_ALL
    for how in ("field", "short", "query"):
        assert p.as_(ONE, "eth_getPSI", how=how) == ONE, how
        unknown = p.refused_as("nobody", "eth_getPSI", how=how)
        assert unknown == "unable to find private state for context psi nobody", unknown
    assert p.refused_as("x" * 300, "eth_getPSI").startswith("unable to find private state for context psi xxx")
    assert p.ask_ipc(ONE + "/1", "eth_getPSI") == {"jsonrpc": "2.0", "id": ONE + "/1", "result": ONE}
    assert p.ask_ipc("plain", "eth_getPSI")["result"] == FOR_ALL
    assert p.ask_ipc(7, "eth_getPSI")["result"] == FOR_ALL
    ws = p.port + 45
    assert p.ask_ws(ws, "/?PSI=" + ONE, "eth_getPSI")["result"] == ONE
    assert p.ask_ws(ws, "/", "eth_getPSI", Quorum_PSI=ONE)["result"] == ONE == p.ask_ws(ws, "/?PSI=private", "eth_getPSI", PSI=ONE)["result"]
    assert p.ask_ws(ws, "/", "eth_getPSI")["result"] == FOR_ALL
    assert "unable to find private state for context psi nobody" in str(p.ask_ws(ws, "/?PSI=nobody", "eth_getPSI"))
    only = "only the 'private' psi is supported by the default private state manager"
    assert p.refused_as(ONE, "eth_getPSI", i=1) == only
    assert p.as_(FOR_ALL, "eth_getPSI", i=1) == FOR_ALL


def test_one_tenant(p):
    """Between tenant one and node 1: the other tenant sees an account without code."""
    sent = p.as_(ONE, "eth_sendTransaction", p.arguments(0, input=p.creation("Store", 5), privateFor=[p.keys[1]]))
    contract = p.receipt(0, sent)["contractAddress"]
    p.receipt(1, sent)
    assert p.stored_as(ONE, contract) == 5 and int(p.result(1, "eth_getStorageAt", contract, "0x0", "latest"), 16) == 5
    assert p.as_(ONE, "eth_getCode", contract, "latest") == p.result(1, "eth_getCode", contract, "latest") != "0x"
    assert p.result(0, "eth_getCode", contract, "latest") == "0x"
    assert p.result(0, "eth_getTransactionCount", contract, "latest") == "0x1"

    sent = p.send(1, to=contract, data=set_to(70), privateFor=[p.keys[0]])
    p.receipt(1, sent)
    mine, others = p.as_(ONE, "eth_getTransactionReceipt", p.receipt(0, sent)["transactionHash"]), p.receipt(0, sent)
    assert len(mine["logs"]) == 1 and others["logs"] == [] and mine["status"] == others["status"] == "0x1", (mine, others)
    assert p.stored_as(ONE, contract) == 70
    where = {"fromBlock": "0x0", "toBlock": "latest", "address": contract}
    assert p.as_(ONE, "eth_getLogs", where) == p.result(1, "eth_getLogs", where) and \
        p.as_(ONE, "eth_getLogs", where)[-1]["transactionHash"] == sent, p.as_(ONE, "eth_getLogs", where)
    assert p.result(0, "eth_getLogs", where) == []
    digest = p.result(0, "eth_getTransactionByHash", sent)["input"]
    assert p.as_(ONE, "eth_getQuorumPayload", digest) == set_to(70) and p.result(0, "eth_getQuorumPayload", digest) == "0x"
    assert p.as_(ONE, "eth_getQuorumPayloadExtra", digest)["IsSender"] is False
    assert p.result(0, "eth_getQuorumPayloadExtra", digest) is None
    call = {"to": contract, "data": "0x6d4ce63c"}
    assert int(p.as_(ONE, "eth_call", call, "latest"), 16) == 70 and p.result(0, "eth_call", call, "latest") == "0x"
    traces = [p.as_(ONE, "debug_traceTransaction", sent), p.result(1, "debug_traceTransaction", sent), p.result(0, "debug_traceTransaction", sent)]
    assert traces[0] == traces[1] and traces[0]["structLogs"] and traces[2]["structLogs"] == [], [len(t["structLogs"]) for t in traces]
    return contract


def test_between_tenants(p):
    """From one to the other, on one node; node 1 is no party."""
    sent = p.as_(ONE, "eth_sendTransaction", p.arguments(0, input=p.creation("Store", 9), privateFor=[p.keys[2]]))
    contract = p.receipt(0, sent)["contractAddress"]
    p.receipt(1, sent)
    assert [p.stored_as(ONE, contract), p.stored_as(FOR_ALL, contract)] == [9, 9]
    assert p.result(1, "eth_getCode", contract, "latest") == "0x"
    # Each changes its own when the other is no party.
    p.receipt(0, p.as_(ONE, "eth_sendTransaction", p.arguments(0, to=contract, data=set_to(10), privateFor=[p.keys[1]])))
    p.receipt(0, p.send(0, to=contract, data=set_to(11), privateFor=[p.keys[1]]))
    assert [p.stored_as(ONE, contract), p.stored_as(FOR_ALL, contract)] == [10, 11]


def test_refusals(p):
    wrong = p.refused_as(ONE, "eth_sendTransaction", p.arguments(
        0, input=p.creation("Store", 1), privateFrom=p.keys[2], privateFor=[p.keys[1]]))
    assert wrong == f"The PrivateFrom ({p.keys[2]}) address does not match the specified private state ({ONE}) ", wrong


def test_filters(p, contract):
    mine = p.as_(ONE, "eth_newFilter", {"address": contract})
    others = p.result(0, "eth_newFilter", {"address": contract})
    sent = p.send(1, to=contract, data=set_to(72), privateFor=[p.keys[0]])
    p.receipt(0, sent)
    logs = until(lambda: p.as_(ONE, "eth_getFilterChanges", mine), "a private log")
    assert [x["transactionHash"] for x in logs] == [sent]
    assert p.result(0, "eth_getFilterChanges", others) == []
    assert p.error(0, "eth_getFilterChanges", mine) == "filter not found for private"


def test_same_states(p):
    """Tenant one's state is that of the peer that had the same transactions; and "empty" is what nobody is party to."""
    head = hex(min(int(p.result(i, "eth_blockNumber"), 16) for i in range(2)))
    roots = {psi: p.as_(psi, "debug_privateStateRoot", head) for psi in (ONE, FOR_ALL)}
    roots["empty"] = p.result(0, "debug_defaultStateRoot", head)
    assert len(set(roots.values())) == 3, roots
    return head, roots


def test_restart(p, contract, head, roots):
    p.end(p.nodes[0])
    p.start_node(0)
    assert int(p.result(0, "eth_blockNumber"), 16) >= int(head, 16)  # it answers again
    assert p.stored_as(ONE, contract) == 72
    for psi in (ONE, FOR_ALL):
        assert p.as_(psi, "debug_privateStateRoot", head) == roots[psi]


SECRET = b"the secret of the tokens of the test"


def token_of(scope):
    def part(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")
    text = part(b'{"alg":"HS256","kid":"k"}') + b"." + part(json.dumps(
        {"aud": "tenants", "exp": int(time.time()) + 3600, "scope": "rpc://*_* " + scope}).encode())
    return (text + b"." + part(hmac.new(SECRET, text, hashlib.sha256).digest())).decode()


def test_tokens(p, contract):
    """With --multitenancy the token decides whose state it is, and who may send."""
    p.end(p.nodes[0])
    keys = {"keys": [{"kty": "oct", "kid": "k", "alg": "HS256", "k": base64.urlsafe_b64encode(SECRET).rstrip(b"=").decode()}]}
    p.flags[0] = ["--multitenancy", "--rpc.auth.jwks", p.write("keys.json", json.dumps(keys), 0o600), "--rpc.auth.audience", "tenants"]
    p.start_node(0)
    missing = until(lambda: answers(p), "the node")
    assert missing["error"] == {"code": -32001, "message": "missing access token"}, missing
    one, both, none = token_of(f"psi://{ONE}?node.eoa=0x0"), token_of(f"psi://{ONE} psi://{FOR_ALL}"), token_of("")
    assert p.as_(None, "eth_getPSI", token=one) == ONE
    assert p.as_(FOR_ALL, "eth_getPSI", token=both) == FOR_ALL
    assert p.refused_as(None, "eth_getPSI", token=both) == "found multiple authorized private state identifiers"
    assert p.refused_as(None, "eth_getPSI", token=none) == "no private state identifiers found"
    assert p.refused_as(FOR_ALL, "eth_getStorageAt", contract, "0x0", "latest", token=one) == "not authorized"
    send = p.arguments(0, to=contract, data=set_to(80), privateFor=[p.keys[1]])
    assert p.refused_as(ONE, "eth_sendTransaction", send, token=both) == "not authorized"
    other = token_of(f"psi://{ONE}?node.eoa={p.address[1]}&self.eoa={p.address[0]}")
    assert p.refused_as(ONE, "eth_sendTransaction", send, token=other) == "not authorized"
    until(lambda: "authentication needed" not in str(p.ask_as(ONE, "eth_sign", p.address[0], "0x00", token=one)), "the unlocked account")
    sent = p.as_(ONE, "eth_sendTransaction", send, token=token_of(f"psi://{ONE}?node.eoa={p.address[0]}"))
    p.receipt(1, sent)
    assert int(until(lambda: p.as_(ONE, "eth_getTransactionReceipt", sent, token=one), "a receipt")["status"], 16) == 1


def answers(p):
    try:
        return p.ask_as(None, "eth_getPSI")
    except OSError:
        return None


def test_upgrade():
    """A node with one private state becomes one with several; its state is that of "private" from then on."""
    p = Tenants(node, manager, fixtures, flags=[[], []], upgraded=True)
    try:
        p.start()
        made = p.send(0, input=p.creation("Store", 5), privateFor=[p.keys[1]])
        contract = p.receipt(0, made)["contractAddress"]
        p.receipt(0, p.send(1, to=contract, data=set_to(6), privateFor=[p.keys[0]]))
        head = p.result(0, "eth_blockNumber")
        root = p.result(0, "debug_privateStateRoot", head)
        p.end(p.nodes[0])
        environment = dict(os.environ, PRIVATE_CONFIG=os.path.join(p.work, "t0", "tm.ipc"))
        command = [p.node, "--datadir", os.path.join(p.work, "n0")]
        done = subprocess.run(command + ["mpsdbupgrade"], env=environment, capture_output=True, text=True)
        assert done.returncode == 0 and done.stdout.endswith("MPS DB upgrade finished successfully.\n"), done
        assert "Processing block 1 with hash 0x" in done.stdout, done
        again = subprocess.run(command + ["mpsdbupgrade"], env=environment, capture_output=True, text=True)
        assert again.returncode != 0 and "already upgraded to support multiple private states." in again.stderr + again.stdout, again
        p.start_node(0)
        assert p.result(0, "debug_privateStateRoot", head) == root
        assert p.stored_as(FOR_ALL, contract) == 6
        assert p.as_(ONE, "eth_getCode", contract, "latest") == "0x"
        # The account is there for whoever is no party, once there is a further block.
        until(lambda: int(p.result(0, "eth_blockNumber"), 16) > int(head, 16) + 1, "a block")
        assert p.as_(ONE, "eth_getTransactionCount", contract, "latest") == "0x1"
        sent = p.as_(ONE, "eth_sendTransaction", p.arguments(0, input=p.creation("Store", 8), privateFor=[p.keys[1]]))
        new = p.receipt(0, sent)["contractAddress"]
        p.receipt(1, sent)  # from which node 0 will have the chain anew
        assert p.stored_as(ONE, new) == 8 and p.result(0, "eth_getCode", new, "latest") == "0x"
        assert p.as_(ONE, "eth_getTransactionCount", contract, "latest") == "0x1"
        downgrade(p, contract, new)
    finally:
        p.stop()


def downgrade(p, *contracts):
    """Back to one private state: the chain is made anew, by the genesis file without isMPS; it then has what the keys of all tenants are party to."""
    head = int(p.result(1, "eth_blockNumber"), 16)
    p.end(p.nodes[0])
    shutil.rmtree(os.path.join(p.work, "n0", "geth", "quorate"))
    subprocess.run([p.node, "--datadir", os.path.join(p.work, "n0"), "init", p.plain], check=True, capture_output=True,
                   env=dict(os.environ, PRIVATE_CONFIG="ignore"))
    p.start_node(0)
    until(lambda: int(p.result(0, "eth_blockNumber"), 16) >= head, "the chain made anew", 120)
    assert p.refused_as(ONE, "eth_getPSI") == "only the 'private' psi is supported by the default private state manager"
    assert [p.stored_as(FOR_ALL, c) for c in contracts] == [6, 8]
    head = hex(head)
    assert p.result(0, "debug_privateStateRoot", head) == p.result(1, "debug_privateStateRoot", head)


def test_refused_start(p):
    """A chain with several private states at a manager without; without any."""
    data = os.path.join(p.work, "other")
    quiet = dict(os.environ, PRIVATE_CONFIG="ignore")
    subprocess.run([p.node, "--datadir", data, "init", p.multiple], env=quiet, check=True, capture_output=True)
    for config, why in (("ignore", "cannot instantiate MultiplePrivateStateManager while the transaction manager does not support "),
                        (os.path.join(p.work, "t1", "tm.ipc"), "503 status: ")):
        started = subprocess.run([p.node, "--datadir", data, "--port", "0", "--nodiscover"], env=dict(os.environ, PRIVATE_CONFIG=config),
                                 capture_output=True, text=True, timeout=120)
        assert started.returncode != 0 and why in started.stderr + started.stdout, started


def main():
    p = Tenants(node, manager, fixtures, flags=[[], []])
    p.flags[0] = ["--ws", "--ws.port", str(p.port + 45), "--ws.api", "eth"]
    try:
        p.start()
        test_naming(p)
        contract = test_one_tenant(p)
        test_between_tenants(p)
        test_refusals(p)
        test_filters(p, contract)
        test_restart(p, contract, *test_same_states(p))
        test_tokens(p, contract)
        test_refused_start(p)
    except BaseException:
        for i in range(2):
            print(f"--- node {i}\n" + p.log(i)[-3000:], file=sys.stderr)
        raise
    finally:
        p.stop()
        shutil.rmtree(p.work, ignore_errors=True)
    test_upgrade()
    print("multiple private states: two tenants of one node, a peer, an upgrade, and back")


main()

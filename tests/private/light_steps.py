"""What a light client has, says and does, beside its server; for servers and clients of either program (light.py here with ours alone,
tests/mixed/light.py with GoQuorum's). What is expected is what GoQuorum's client does at GoQuorum's server; where ours differs, it is said."""
import base64, hashlib, hmac, json, os, shutil, subprocess, time
from light_peers import APIS, NOBODY, OTHER, QLIGHT, SERVER
from peers import set_to, until
from tenants import FOR_ALL, ONE

GET = "0x6d4ce63c"
FLAGS = (0, 1, 2, 3)
UNKNOWN = "0x" + "ab" * 64
CRASHED = "method handler crashed"  # GoQuorum's client, over mandatory recipients and, once restarted, over payloads that it asks its server for


def private_for(p, flag, to):
    return {"privateFor": [p.keys[to]], "privacyFlag": flag, **({"mandatoryFor": [p.keys[OTHER]]} if flag == 2 else {})}


def mined(p, sent, nodes=(SERVER, OTHER)):
    return [p.receipt(i, sent) for i in nodes][0]


def load(p):
    """A contract of each privacy flag, made by the server and changed by the other party; and one of which the server is no party."""
    p.made = []
    for flag in FLAGS:
        sent = p.send(SERVER, data=p.creation("Store", 5 + flag), **private_for(p, flag, OTHER))
        contract = address_of(p, SERVER, sent)
        mined(p, sent)
        changed = p.send(OTHER, to=contract, data=set_to(70 + flag), **private_for(p, flag, SERVER))
        mined(p, changed)
        p.made.append({"flag": flag, "contract": contract, "sent": [sent, changed], "value": 70 + flag})
    sent = p.send(OTHER, data=p.creation("Store", 99), **private_for(p, 0, NOBODY))
    contract = address_of(p, OTHER, sent)
    mined(p, sent)
    p.made.append({"flag": 0, "contract": contract, "sent": [sent], "value": 0})


def address_of(p, i, sent):
    """The contract that a transaction made, which may be inside of a marker."""
    receipt = p.receipt(i, sent)
    if receipt.get("isPrivacyMarkerTransaction"):
        receipt = p.result(i, "eth_getPrivateTransactionReceipt", sent)
    assert receipt["status"] == "0x1", receipt
    return receipt["contractAddress"]


def answer(p, i, method, *params):
    said = p.ask(i, method, *params)
    return {k: said[k] for k in ("result", "error") if k in said}


def same(p, client, method, *params, ask=answer):
    at_server, at_client = (ask(p, i, method, *params) for i in (SERVER, client))
    if not p.ours(client) and isinstance(at_client, dict) and message(at_client) == CRASHED:
        return at_server
    assert at_server == at_client, (method, params, "server", at_server, "client", at_client)
    return at_client


def message(said):
    return said.get("error", {}).get("message")


def extra(p, i, method, *params):
    """What came by the protocol knows no managed parties where the server has one private state, and has empty lists for none."""
    said = answer(p, i, method, *params)
    about = said.get("result") and said["result"]["ExtraMetaData"]
    if about:
        about.pop("ManagedParties")
        about["MandatoryRecipients"] = about["MandatoryRecipients"] or []
    return said


def instructions(p, i, method, *params):
    """Which ran, not what they cost: GoQuorum traces as if what ran before in the block were of the same transaction."""
    said = answer(p, i, method, *params)
    return [said["result"]["failed"], [[s["pc"], s["op"], s["depth"]] for s in said["result"]["structLogs"]]] if "result" in said else said


def same_of_contract(p, client, made):
    contract = made["contract"]
    assert int(same(p, client, "eth_getStorageAt", contract, "0x0", "latest")["result"], 16) == made["value"], made
    assert (same(p, client, "eth_getCode", contract, "latest")["result"] != "0x") == bool(made["value"]), made
    said = same(p, client, "eth_call", {"to": contract, "data": GET}, "latest")["result"]
    assert said == ("0x%064x" % made["value"] if made["value"] else "0x"), said
    same(p, client, "eth_storageRoot", contract)
    same(p, client, "eth_getLogs", {"address": contract, "fromBlock": "0x0"})
    same(p, client, "eth_getContractPrivacyMetadata", contract)


def same_of_transaction(p, client, sent):
    receipt = same(p, client, "eth_getTransactionReceipt", sent)["result"]
    outside = same(p, client, "eth_getTransactionByHash", sent)["result"]
    inside = same(p, client, "eth_getPrivateTransactionByHash", sent).get("result")
    same(p, client, "eth_getPrivateTransactionReceipt", sent)
    same(p, client, "debug_traceTransaction", sent, ask=answer if p.ours(client) == p.ours(SERVER) else instructions)
    for digest in [outside["input"]] + ([inside["input"]] if inside else []):
        same(p, client, "eth_getQuorumPayload", digest)
        same(p, client, "eth_getQuorumPayloadExtra", digest, ask=extra)
    return receipt


def same_state(p, client):
    """All that the server says of private contracts, the client says, too."""
    p.follows(client)
    for made in p.made:
        same_of_contract(p, client, made)
        for sent in made["sent"]:
            same_of_transaction(p, client, sent)
    for block in range(min(p.height(SERVER), p.height(client)) + 1):
        same(p, client, "debug_privateStateRoot", hex(block))
    for digest in (UNKNOWN, "0x", "0xab"):
        same(p, client, "eth_getQuorumPayload", digest)


def changed(p, client, made, value, by):
    """A party changes a contract; the client follows."""
    sent = p.send(by, to=made["contract"], data=set_to(value), **private_for(p, made["flag"], OTHER if by != OTHER else SERVER))
    note(p, client, made, value, sent)


def brought(p, client, sent):
    """What came by the protocol has lists, of nobody too, which of a manager's answer are null."""
    digest = p.result(client, "eth_getTransactionByHash", sent)["input"]
    said = p.result(client, "eth_getQuorumPayloadExtra", digest)
    about = said and said["ExtraMetaData"]
    if about:
        assert about["MandatoryRecipients"] == [] and isinstance(about["ManagedParties"], list), said


def note(p, client, made, value, sent):
    for i in (SERVER, OTHER, client):
        p.receipt(i, sent)
    made["value"] = value
    made["sent"].append(sent)
    same_of_contract(p, client, made)
    same_of_transaction(p, client, sent)
    brought(p, client, sent)


def following(p, client):
    for n, made in enumerate(p.made[:4]):
        changed(p, client, made, 200 + n, OTHER)
        changed(p, client, made, 300 + n, SERVER)
    sent = p.send(SERVER, to=p.address[3], value="0x1")
    p.receipt(client, sent)
    same(p, client, "eth_getTransactionReceipt", sent)
    same(p, client, "eth_getBalance", p.address[3], "latest")


def sending(p, client):
    """Through the client, which has no account: the server signs."""
    def arguments(**more):
        return p.arguments(SERVER, **more)
    assert p.result(client, "eth_accounts") == [] != p.result(SERVER, "eth_accounts")
    sent = p.result(client, "eth_sendTransaction", arguments(to=p.address[3], value="0x5"))
    assert same_of_transaction_when_mined(p, client, sent)["status"] == "0x1"
    for n, made in enumerate(p.made[:4]):
        note(p, client, made, 400 + n, p.result(client, "eth_sendTransaction", arguments(
            to=made["contract"], data=set_to(400 + n), **private_for(p, made["flag"], OTHER))))
    sent = p.result(client, "eth_sendTransaction", arguments(data=p.creation("Store", 8), **private_for(p, 1, OTHER)))
    mined(p, sent, (SERVER, OTHER, client))
    p.made.append({"flag": 1, "contract": address_of(p, client, sent), "sent": [sent], "value": 8})
    same_of_contract(p, client, p.made[-1])
    raw_ones(p, client, arguments)
    signatures(p, client, arguments)
    refusals(p, client, arguments)


def same_of_transaction_when_mined(p, client, sent):
    mined(p, sent, (SERVER, client))
    return same(p, client, "eth_getTransactionReceipt", sent)["result"]


def nonce(p):
    return p.result(SERVER, "eth_getTransactionCount", p.address[SERVER], "pending")


def raw_ones(p, client, arguments):
    signed = p.result(client, "eth_signTransaction", arguments(to=p.address[3], value="0x6", nonce=nonce(p)))["raw"]
    sent = p.result(client, "eth_sendRawTransaction", signed)
    assert same_of_transaction_when_mined(p, client, sent)["status"] == "0x1"
    assert p.error(client, "eth_sendRawTransaction", signed) == "nonce too low"
    made = p.made[0]
    stored = p.post(p.port + 30, "/storeraw", {"payload": base64.b64encode(bytes.fromhex(set_to(500)[2:])).decode(), "from": p.keys[SERVER]})
    digest = "0x" + base64.b64decode(stored["key"]).hex()
    signed = p.result(client, "eth_signTransaction", arguments(to=made["contract"], data=digest, value="0x0", nonce=nonce(p), privateFor=[p.keys[OTHER]]))
    assert p.error(client, "eth_sendRawPrivateTransaction", signed["raw"], {}) == "transaction is not private"
    note(p, client, made, 500, p.result(client, "eth_sendRawPrivateTransaction", signed["raw"], {"privateFor": [p.keys[OTHER]]}))
    sent = p.result(client, "personal_sendTransaction", arguments(to=p.address[3], value="0x7"), "x")
    assert same_of_transaction_when_mined(p, client, sent)["status"] == "0x1"


def signatures(p, client, arguments):
    same(p, client, "eth_sign", p.address[SERVER], "0x1234")
    same(p, client, "personal_sign", "0x1234", p.address[SERVER], "x")
    same(p, client, "personal_sign", "0x1234", p.address[SERVER], "wrong")
    same(p, client, "personal_signTransaction", arguments(to=p.address[3], value="0x7", nonce="0x64"), "x")
    same(p, client, "eth_fillTransaction", arguments(to=p.address[3], value="0x8", nonce="0x64"))
    assert p.result(client, "personal_listAccounts") == []


def refusals(p, client, arguments):
    """With the words of the server."""
    contract, nobody = p.made[0]["contract"], "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="
    for method, params, words in (
            ("eth_sendTransaction", [{**arguments(to=p.address[3]), "from": p.address[3]}], "unknown account"),
            ("eth_sendTransaction", [arguments(to=contract, data=set_to(1), privateFor=[nobody])], f"404 status: Recipient not found for key: {nobody}"),
            ("eth_sendTransaction", [arguments(to=contract, data=set_to(1), value="0x1", privateFor=[p.keys[OTHER]])],
             "ether value is not supported for private transactions"),
            ("eth_sendTransaction", [], "missing value for required argument 0"),
            ("eth_sendRawTransaction", ["0x1234"], "transaction type not supported"),
            ("eth_sendRawTransaction", ["0x"], "empty typed transaction bytes"),
            ("eth_sign", [p.address[3], "0x1234"], "unknown account")):
        error = same(p, client, method, *params)["error"]
        assert error["message"] == words, (method, params, error)


def extending(p, client):
    """An extension that is begun, listed, and cancelled through the client."""
    made, options = p.made[0], p.arguments(SERVER, privateFor=[p.keys[OTHER]])
    assert same(p, client, "quorumExtension_activeExtensionContracts")["result"] == []
    sent = p.result(client, "quorumExtension_extendContract", made["contract"], p.keys[OTHER], p.address[OTHER], options)
    mined(p, sent, (SERVER, client))
    for i in (client, SERVER):
        until(lambda: p.result(i, "quorumExtension_activeExtensionContracts"), f"the extension at node {i}")
    entry, = same(p, client, "quorumExtension_activeExtensionContracts")["result"]
    management = entry["managementContractAddress"]
    assert entry["contractExtended"] == made["contract"], entry
    until(lambda: p.result(SERVER, "eth_call", {"from": p.address[SERVER], "to": management, "data": voted(p)}, "latest")[-1] == "1", "the vote")
    assert same(p, client, "quorumExtension_getExtensionStatus", management)["result"] == "ACTIVE"
    assert same(p, client, "quorumExtension_approveExtension", management, True, options)["error"]["message"] == "already voted"
    sent = p.result(client, "quorumExtension_cancelExtension", management, options)
    mined(p, sent, (SERVER, client))
    until(lambda: p.result(client, "quorumExtension_getExtensionStatus", management) == "DONE", "the end of the extension at the client")
    until(lambda: p.result(client, "quorumExtension_activeExtensionContracts") == [], "its list")


def voted(p):
    return p.result(SERVER, "web3_sha3", "0x" + b"checkIfVoted()".hex())[:10]


def introductions(p, client):
    """admin_peers and its kin at both."""
    at_server, at_client = p.result(SERVER, "admin_nodeInfo"), p.result(client, "admin_nodeInfo")
    light = p.result(SERVER, "admin_qnodeInfo")
    assert (light["id"], light["name"], light["ports"]["listener"]) == (at_server["id"], "qgeth", p.port + QLIGHT), light
    assert light["enode"] == p.server_enode() and list(light["protocols"]) == ["qlight"], light
    assert set(light) - {"plugins"} == set(at_server) - {"plugins"}, (light, at_server)
    assert set(light["protocols"]["qlight"]) == {"network", "difficulty", "genesis", "config", "head"}, light
    assert list(at_client["protocols"]) == ["qlight"] and at_client["ports"] == {"discovery": 0, "listener": 0}, at_client
    assert at_client["listenAddr"] == "" and at_client["enode"].endswith("@127.0.0.1:0"), at_client
    assert p.result(client, "admin_qpeers") is None and p.result(client, "admin_qnodeInfo") is None
    peer, = [q for q in p.served() if q["id"] == at_client["id"]]
    assert peer["caps"] == ["qlight/65"] and list(peer["protocols"]) == ["qlight"], peer
    assert peer["network"]["inbound"] and peer["network"]["localAddress"] == f"127.0.0.1:{p.port + QLIGHT}", peer
    assert set(peer["protocols"]["qlight"]) == {"version", "difficulty", "head"} and peer["protocols"]["qlight"]["version"] == 65, peer
    assert peer["enode"].split("@")[0] == at_client["enode"].split("@")[0] and peer["name"] == at_client["name"], peer
    mine, = p.result(client, "admin_peers")
    assert (mine["name"], mine["caps"], mine["enode"]) == ("qgeth", ["qlight/65"], p.server_enode()), mine
    assert not mine["network"]["inbound"] and mine["network"]["static"] and list(mine["protocols"]) == ["qlight"], mine
    assert all("qlight/65" not in q["caps"] for q in p.result(SERVER, "admin_peers"))
    assert p.result(SERVER, "net_peerCount") == "0x1" == p.result(client, "net_peerCount")
    assert p.result(client, "eth_mining") is False and p.result(client, "eth_getPSI") == "private"


def refused(p, log, before, said):
    """A client that gets nothing: it goes on running, with its genesis block and no peer. `said`: what the server's log says, by kind."""
    words = said[0] if p.ours(SERVER) else said[1]
    until(lambda: words in p.log(SERVER)[before:], f"the server's log says {words!r}") if words else time.sleep(3)
    p.is_outside(log)
    p.end_client(log)


def unwelcome(p):
    """No psi; a port of the usual protocols; nobody at the server's JSON-RPC."""
    client, before = p.new_client(), len(p.log(SERVER))
    p.start_client(client, psi="")
    refused(p, client, before, ("without specifying PSI", "client connected without specifying PSI"))
    p.start_client(client, enode=p.server_enode(p.port + 10))
    refused(p, client, before, (None, None))
    p.start_client(client, psi="nobody", rpc="http://127.0.0.1:1")  # every psi is "private" where there is one private state
    same_state_of_one(p, client)
    error = p.error(client, "eth_sendTransaction", p.arguments(SERVER, to=p.address[3]))
    assert "http://127.0.0.1:1" in error, error
    p.end_client(client)


def same_state_of_one(p, client):
    p.follows(client)
    for made in p.made[:2]:
        same(p, client, "eth_getStorageAt", made["contract"], "0x0", "latest")


def restarts(p, client):
    """The client ends, is killed, and misses what happens meanwhile; the server is killed."""
    for value, stop in ((601, p.end_client), (602, p.kill)):
        stop(client)
        for n, made in enumerate(p.made[:4]):
            made["value"] = 10 * value + n
            made["sent"].append(p.send(SERVER, to=made["contract"], data=set_to(made["value"]), **private_for(p, made["flag"], OTHER)))
            mined(p, made["sent"][-1])
        p.start_client(client)
        same_state(p, client)
    before = p.height(client)
    p.restart_server()
    until(lambda: p.height(SERVER) > before, "a block after the server's start", 120)
    if p.ours(client):
        until(lambda: p.result(client, "admin_peers"), "the server at the client", 120)
    else:  # GoQuorum's never takes a server back that it lost: "too many peers"
        p.end_client(client)
        p.start_client(client)
    same_state(p, client)
    changed(p, client, p.made[3], 700, OTHER)


def late(p, blocks=0):
    """A client that begins when there are some hundred blocks."""
    until(lambda: p.height(SERVER) >= blocks, f"{blocks} blocks", 5 * blocks + 60)
    client = p.light()
    same_state(p, client)
    return client


def step(run, p, *more):
    run(p, *more)
    print(f"   {run.__name__.replace('_', ' ')}: block {p.height(SERVER)}", flush=True)


def whole(p, blocks=0):
    step(load, p)
    client = p.light()
    for run in (same_state, following, introductions, sending, extending):
        step(run, p, client)
    step(unwelcome, p)
    step(restarts, p, client)
    step(late, p, blocks)


def with_markers(p):
    """The server makes markers of private transactions; the other validator sends them as they are."""
    step(load, p)
    client = p.light()
    for run in (same_state, following, sending):
        step(run, p, client)
    step(late, p)


# TLS, files of permitted clients, tokens, tenants

def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


class Authority:
    """Signs certificates for 127.0.0.1, all in one folder."""

    def __init__(self, p, name):
        self.p, self.name, self.certificate = p, name, os.path.join(p.work, name + ".pem")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=" + name,
                "-keyout", self.path(name, "key"), "-out", self.certificate)

    def path(self, name, end):
        return os.path.join(self.p.work, f"{name}.{end}")

    def sign(self, name, address="127.0.0.1"):
        """The flags of a certificate and its key."""
        key, request, certificate = self.path(name, "key"), self.path(name, "csr"), self.path(name, "pem")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + name, "-keyout", key, "-out", request)
        names = self.p.write(name + ".ext", f"subjectAltName=IP:{address}\n")
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.path(self.name, "key"), "-CAcreateserial", "-days", "2",
                "-extfile", names, "-out", certificate)
        return ["--qlight.tls.cert", certificate, "--qlight.tls.key", key]


def stays_out(p, client, **how):
    """A client that does not come to the server, while another that may does."""
    p.start_client(client, **how)
    until(lambda: p.result(client, "eth_blockNumber") == "0x0", "a client's JSON-RPC")
    time.sleep(2)
    p.is_outside(client)
    p.end_client(client)


def comes_in(p, client, **how):
    p.start_client(client, **how)
    p.follows(client)
    peer, = p.served()
    assert peer["id"] == p.result(client, "admin_nodeInfo")["id"], peer
    p.end_client(client)
    until(lambda: p.served() == [], "the end of a client at its server")


def certificates(p):
    ours, strange = Authority(p, "authority"), Authority(p, "stranger")
    server, client, other = ours.sign("server"), ours.sign("client"), strange.sign("other")
    wrong_host = ours.sign("elsewhere", "127.0.0.9")
    trusting = ["--qlight.tls", "--qlight.tls.cacerts", ours.certificate]
    plain, shown, unknown = {"more": trusting}, {"more": trusting + client}, {"more": trusting + other}
    i = p.new_client()
    p.restart_server("--qlight.tls", *server)
    stays_out(p, i)  # no TLS
    stays_out(p, i, more=["--qlight.tls", "--qlight.tls.cacerts", strange.certificate])
    comes_in(p, i, **plain)
    p.restart_server("--qlight.tls", *server, "--qlight.tls.cacerts", ours.certificate, "--qlight.tls.clientauth", "4")
    i = p.new_client()
    for how in ({}, plain, unknown):
        stays_out(p, i, **how)
    comes_in(p, i, **shown)
    p.restart_server("--qlight.tls", *server, "--qlight.tls.cacerts", ours.certificate, "--qlight.tls.clientauth", "2")
    i = p.new_client()
    stays_out(p, i, **plain)
    if p.ours(i):  # GoQuorum's shows no certificate but of the authorities that the server names
        comes_in(p, i, **unknown)
    else:
        comes_in(p, i, **shown)
    suite = ["--qlight.tls.ciphersuites", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"]
    p.restart_server("--qlight.tls", *wrong_host, *suite)
    i = p.new_client()
    stays_out(p, i, **plain)
    p.restart_server("--qlight.tls", *server, *suite)
    comes_in(p, i, more=trusting + suite)
    p.restart_server()
    stays_out(p, p.new_client(), **plain)  # TLS at the client alone


def listed(p):
    """Only clients in a file; the file is read anew at each connection."""
    def file(kind, *clients):
        p.write(f"n{SERVER}/{kind}-nodes.json", json.dumps([p.result(c, "admin_nodeInfo")["enode"].split("@")[0] + "@127.0.0.1:0?discport=0" for c in clients]))
    first, second = p.light(), p.light()
    file("qlight-permissioned", first)
    file("other-permissioned", second)
    for c in (first, second):
        p.end_client(c)
    p.restart_server("--qlight.server.p2p.permissioning")
    check_listed(p, first, second)
    p.restart_server("--qlight.server.p2p.permissioning", "--qlight.server.p2p.permissioning.prefix", "other")
    check_listed(p, second, first)
    p.write(f"n{SERVER}/other-disallowed-nodes.json", open(os.path.join(p.work, f"n{SERVER}", "other-permissioned-nodes.json")).read())
    p.start_client(second)
    stays_behind(p, second)


def check_listed(p, allowed, not_allowed):
    p.start_client(not_allowed)
    stays_behind(p, not_allowed)
    p.start_client(allowed)
    p.follows(allowed)
    p.end_client(allowed)


def stays_behind(p, client):
    """A client that has some blocks and gets no more."""
    head = p.height(client)
    until(lambda: p.height(SERVER) > head + 1, "blocks of the server", 120)
    p.is_outside(client, head)
    p.end_client(client)


SECRET = b"the secret of the tokens of the test"
ALL = "p2p://qlight rpc://eth_* psi://private"


def token_of(scope, seconds=600, audience="light"):
    def part(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")
    text = part(b'{"alg":"HS256","kid":"k"}') + b"." + part(json.dumps({"aud": audience, "exp": int(time.time()) + seconds, "scope": scope}).encode())
    return "bearer " + (text + b"." + part(hmac.new(SECRET, text, hashlib.sha256).digest())).decode()


def access(p):
    """The server's flags."""
    keys = {"keys": [{"kty": "oct", "kid": "k", "alg": "HS256", "k": base64.urlsafe_b64encode(SECRET).rstrip(b"=").decode()}]}
    return ["--rpc.auth.jwks", p.write("keys.json", json.dumps(keys), 0o600), "--rpc.auth.audience", "light"]


def showing(token, management="none"):
    value = ["--qlight.client.token.value", token] if token else []
    return {"more": ["--qlight.client.token.enabled", *value, "--qlight.client.token.management", management], "apis": APIS + ",qlight" * (management == "external")}


def tokens(p):
    """Of a server of ours: who may come in, whose token is replaced, and whose is looked at again."""
    p.token = token_of("rpc://*_*")
    p.restart_server(*access(p))
    load(p)
    wrong = {"no p2p": token_of("rpc://eth_* psi://private"), "no eth_*": token_of("p2p://qlight rpc://eth_call psi://private"),
             "no psi": token_of("p2p://qlight rpc://eth_*"), "another psi": token_of("p2p://qlight rpc://eth_* psi://other"),
             "another audience": token_of(ALL, audience="dark"), "of yesterday": token_of(ALL, seconds=-86400)}
    outside = {p.new_client(): why for why in [None, *wrong]}
    for i, why in outside.items():
        p.start_client(i, **(showing(wrong[why]) if why else {}))
    time.sleep(2)
    for i, why in outside.items():
        print(f"   {why or 'no token'} is to be refused", flush=True)
        p.is_outside(i)
    assert p.guests() == []
    for i in outside:
        p.end_client(i)
    p.nodes, p.count = p.nodes[:min(outside)], min(outside)
    for i in outside:
        shutil.rmtree(os.path.join(p.work, f"n{i}"))
    client = p.light(**showing(token_of(ALL)))
    same_state(p, client)
    note(p, client, p.made[0], 81, p.result(client, "eth_sendTransaction", p.arguments(
        SERVER, to=p.made[0]["contract"], data=set_to(81), **private_for(p, 0, OTHER))))
    denied = p.ask(client, "personal_sign", "0x1234", p.address[SERVER], "x")["error"]
    assert denied == {"code": -32001, "message": "personal_sign - access denied"}, denied
    p.end_client(client)
    if p.ours(client):  # GoQuorum's qlight_setCurrentToken crashes
        replaced(p, client)


def replaced(p, client):
    """A token that is set later; and one that no longer will do, which the server sees within half a minute."""
    p.start_client(client, **showing(None, "external"))
    assert p.result(client, "qlight_getCurrentToken") == ""
    time.sleep(2)
    p.is_outside(client, p.height(client))
    assert "access token" in p.error(client, "eth_sign", p.address[SERVER], "0x1234")
    good = token_of(ALL)
    assert p.result(client, "qlight_setCurrentToken", good) is None and p.result(client, "qlight_getCurrentToken") == good
    until(lambda: p.result(client, "admin_peers"), "the server at a client with a token", 90)
    same_state(p, client)
    assert "result" in p.ask(client, "eth_sign", p.address[SERVER], "0x1234")
    p.result(client, "qlight_setCurrentToken", token_of("rpc://eth_* psi://private"))
    assert "result" in p.ask(client, "eth_sign", p.address[SERVER], "0x1234")  # JSON-RPC needs no p2p://qlight
    until(lambda: p.guests() == [], "the server looks at a token again", 90)
    until(lambda: p.result(client, "admin_peers") == [], "the client without its server")
    p.result(client, "qlight_setCurrentToken", token_of(ALL))
    until(lambda: p.result(client, "admin_peers"), "the server at a client with a good token", 90)
    same_state(p, client)
    assert all(token_of(ALL).split(".")[0].split()[1] not in p.log(i) for i in (SERVER, client))


def as_tenant(psi):
    """Answers of the server for a tenant, of the client as they are."""
    def ask(p, i, method, *params):
        said = p.ask_as(psi, method, *params) if i == SERVER else p.ask(i, method, *params)
        return {k: said[k] for k in ("result", "error") if k in said}
    return ask


def two_tenants(p):
    """Each tenant's client has the private state of its tenant, and sends for it."""
    sent, contracts = {}, {}
    for psi, key in ((ONE, 2), (FOR_ALL, 0)):
        for to, where in (([p.keys[OTHER]], "other"), ([p.keys[key]], "both")):
            h = p.as_(psi, "eth_sendTransaction", p.arguments(SERVER, data=p.creation("Store", 5), privateFor=to))
            contracts[psi, where], sent[psi, where] = p.receipt(SERVER, h)["contractAddress"], h
    clients = {psi: p.new_client() for psi in (ONE, FOR_ALL)}
    for psi, client in clients.items():
        p.start_client(client, psi=psi)
    for psi, client in clients.items():
        p.follows(client)
        same_of_tenant(p, psi, client, contracts, sent)
    for psi, client in clients.items():
        h = p.result(client, "eth_sendTransaction", p.arguments(SERVER, to=contracts[psi, "other"], data=set_to(77), privateFor=[p.keys[OTHER]]))
        mined(p, h, (SERVER, OTHER, client))
        assert int(p.result(client, "eth_getStorageAt", contracts[psi, "other"], "0x0", "latest"), 16) == 77 == p.stored_as(psi, contracts[psi, "other"])
        sent[psi, "changed"] = h
    for psi, client in clients.items():
        same_of_tenant(p, psi, client, contracts, sent)
    assert {q["id"] for q in p.served()} == {p.result(c, "admin_nodeInfo")["id"] for c in clients.values()}
    nobody = p.new_client()
    p.start_client(nobody, psi="nobody")
    until(lambda: p.height(nobody) >= 0, "a client's JSON-RPC")
    time.sleep(5)
    assert p.height(nobody) < p.height(SERVER), p.log(nobody)[-2000:]
    if p.ours(nobody):
        another_psi(p, clients[ONE], contracts[FOR_ALL, "other"])


def another_psi(p, client, contract):
    """With the other tenant's psi the private state that is there is the wrong one: the client takes no block whose private root it cannot have."""
    p.end_client(client)
    p.start_client(client, psi=FOR_ALL)
    sent = p.as_(FOR_ALL, "eth_sendTransaction", p.arguments(SERVER, to=contract, data=set_to(78), privateFor=[p.keys[OTHER]]))
    block = int(p.receipt(SERVER, sent)["blockNumber"], 16)
    until(lambda: p.height(SERVER) > block + 2, "blocks of the server")
    until(lambda: "private root hash mismatch" in p.log(client), "the client says that private states differ")
    assert p.height(client) < block, p.log(client)[-2000:]
    p.end_client(client)
    p.start_client(client, psi=ONE)
    p.follows(client)


def same_of_tenant(p, psi, client, contracts, sent):
    p.follows(client)
    ask, head = as_tenant(psi), min(p.height(SERVER), p.height(client))
    for contract in contracts.values():
        for method, params in (("eth_getCode", [contract, "latest"]), ("eth_getStorageAt", [contract, "0x0", "latest"]),
                               ("eth_call", [{"to": contract, "data": GET}, "latest"]), ("eth_getLogs", [{"address": contract, "fromBlock": "0x0"}])):
            same(p, client, method, *params, ask=ask)
    for h in sent.values():
        same(p, client, "eth_getTransactionReceipt", h, ask=ask)
        same(p, client, "eth_getQuorumPayload", p.result(SERVER, "eth_getTransactionByHash", h)["input"], ask=ask)
    for block in range(head + 1):
        same(p, client, "debug_privateStateRoot", hex(block), ask=ask)
    assert p.result(client, "eth_getCode", contracts[psi, "other"], "latest") != "0x"
    assert p.result(client, "eth_getCode", contracts[FOR_ALL if psi == ONE else ONE, "other"], "latest") == "0x"

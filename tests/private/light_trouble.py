"""Light clients where it is harder: extensions to their server, random contracts, kills in the middle of synchronising, a manager that is away,
much private data, more clients than the server takes."""
import http.client, json, os, random, shutil, signal, socket, ssl, threading, time
from light_peers import NOBODY, OTHER, QLIGHT, SERVER
from light_steps import Authority, access, following, load, mined, nonce, private_for, same, same_of_transaction, same_state, showing, stays_out, token_of, voted
from peers import set_to, until
from tenants import FOR_ALL, ONE


def extended_to_server(p):
    """A contract that two others have is extended to the server, which approves through its client; client and server get its state, and so does a
    client that comes later."""
    p.made = []
    client = p.light()
    for flag in (0, 1, 3):
        sent = p.send(OTHER, data=p.creation("Store", 42), privateFor=[p.keys[NOBODY]], privacyFlag=flag)
        contract = p.receipt(OTHER, sent)["contractAddress"]
        extend(p, client, contract)
        until(lambda: int(p.result(client, "eth_getStorageAt", contract, "0x0", "latest"), 16) == 42, f"flag {flag}: the state at the client")
        p.made.append({"flag": flag, "contract": contract, "sent": [], "value": 42})
        same_state(p, client)
        sent = p.send(OTHER, to=contract, data=set_to(43 + flag), privateFor=[p.keys[SERVER], p.keys[NOBODY]], privacyFlag=flag)
        mined(p, sent, (SERVER, OTHER, client))
        p.made[-1].update(sent=[sent], value=43 + flag)
        same_state(p, client)
    same_state(p, p.light())
    p.end_client(client)
    p.start_client(client)
    same_state(p, client)


def extend(p, client, contract):
    begun = p.result(OTHER, "quorumExtension_extendContract", contract, p.keys[SERVER], p.address[SERVER],
                     p.arguments(OTHER, privateFor=[p.keys[SERVER]]))
    mined(p, begun, (SERVER, OTHER, client))
    entry, = until(lambda: p.result(client, "quorumExtension_activeExtensionContracts"), "the extension at the client")
    management = entry["managementContractAddress"]
    until(lambda: p.result(OTHER, "eth_call", {"from": p.address[OTHER], "to": management, "data": voted(p)}, "latest")[-1] == "1", "the first vote")
    p.result(client, "quorumExtension_approveExtension", management, True,
             p.arguments(SERVER, privateFor=[p.keys[OTHER], p.keys[NOBODY]]))
    for i in (OTHER, SERVER, client):
        until(lambda: p.ask(i, "quorumExtension_getExtensionStatus", management).get("result") == "DONE", f"the extension's end at node {i}")
        until(lambda: p.result(i, "quorumExtension_activeExtensionContracts") == [], f"the list of node {i}")


CALLS = {"Store": [("60fe47b1", "n"), ("1003e2d2", "n"), ("52efea6e", "")], "Token": [("a9059cbb", "an"), ("095ea7b3", "an"), ("23b872dd", "aan")],
         "Factory": [("516517ab", "n"), ("a5dcd9a2", "nn")], "Caller": [("f4a6e2a9", "cn"), ("9a6299ea", "cn"), ("b1e77e52", "c"), ("045f984e", "c"), ("1a6d2878", "d"), ("a81d9bcc", "")],
         "Mortal": [("8c4dd39d", "a")]}


def make_random(p, count, seed):
    """Contracts of all kinds, and calls of either side that may fail; `p.sent` has the transactions, `p.where` the contracts."""
    r, made, p.sent = random.Random(seed), [], []

    def word(kind):
        if kind in "ac":
            return "%064x" % int(r.choice(made)["address"] if kind == "c" else r.choice(p.address[:6]), 16)
        return "%064x" % r.randrange(1, 5 if kind == "d" else 1000)

    wanted = [(name, flag) for flag in (0, 1, 3) for name in ("Store", "Token", "Factory")] + [("Caller", 0), ("Mortal", 0)]
    for n, (name, flag) in enumerate(wanted):
        by = n % 2
        sent = p.send(by, data=p.creation(name, *([10000] if name in ("Store", "Token", "Mortal") else [])), **private_for(p, flag, 1 - by))
        made.append({"name": name, "flag": flag, "address": p.receipt(by, sent)["contractAddress"]})
        mined(p, sent)
        p.sent.append(sent)
    while len(p.sent) < count:
        burst = []
        for _ in range(r.randrange(1, 9)):
            contract, by = r.choice(made), r.randrange(2)
            selector, kinds = r.choice(CALLS[contract["name"]])
            data = "0x" + selector + "".join(word(k) for k in kinds)
            said = p.ask(by, "eth_sendTransaction", p.arguments(by, to=contract["address"], data=data, **private_for(p, contract["flag"], 1 - by)))
            burst += [said["result"]] if "result" in said else []  # a party may refuse what fails on its newest state
        for sent in burst:
            mined(p, sent)
        p.sent += burst
    p.where = [m["address"] for m in made]


def same_random(p, client):
    p.follows(client)
    for sent in p.sent:
        same_of_transaction(p, client, sent)
    logs = same(p, client, "eth_getLogs", {"fromBlock": "0x0"})["result"]
    for contract in sorted(set(p.where) | {log["address"] for log in logs}):
        for method, params in (("eth_getCode", [contract, "latest"]), ("eth_storageRoot", [contract]), ("eth_getStorageAt", [contract, "0x0", "latest"])):
            same(p, client, method, *params)
    roots = {same(p, client, "debug_privateStateRoot", hex(n))["result"] for n in range(min(p.height(SERVER), p.height(client)) + 1)}
    print(f"   {len(p.sent)} random transactions, {len(logs)} logs, {len(roots)} private states", flush=True)


def random_contracts(p, count=100, seed=7):
    """While a client follows, for one that comes later, and for ones that are killed while they synchronise."""
    client = p.light()
    make_random(p, count, seed)
    same_random(p, client)
    torn(p, client)


def torn(p, client, times=12):
    """Killed at a random moment after its start, when it synchronises; every fourth time it begins with nothing."""
    r = random.Random(times)
    p.end_client(client)
    for n in range(times):
        if n % 4 == 0:
            shutil.rmtree(os.path.join(p.work, f"n{client}"))
        p.start_client(client)
        time.sleep(r.uniform(0.05, 0.35))
        p.kill(client)
    p.start_client(client)
    same_random(p, client)


def manager_away(p):
    """What the server's manager does not give is not taken for nothing: the client waits."""
    load(p)
    client = p.light()
    same_state(p, client)
    p.end_client(client)
    made, blocks = p.made[0], []
    for value in (11, 12, 13):
        made["sent"].append(p.send(OTHER, to=made["contract"], data=set_to(value), **private_for(p, 0, SERVER)))
        blocks.append(int(mined(p, made["sent"][-1])["blockNumber"], 16))
        made["value"] = value
    p.managers[SERVER].kill()
    p.managers[SERVER].wait()
    os.remove(os.path.join(p.work, "t0", "tm.ipc"))
    p.start_client(client)
    until(lambda: p.height(client) >= 0, "a client's JSON-RPC")
    time.sleep(5)
    stopped = p.height(client)
    assert stopped < blocks[0], (stopped, blocks)
    print(f"   {p.height(SERVER)} blocks at the server, {stopped} at the client", flush=True)
    p.start_manager(SERVER)
    if not p.ours(client):  # who never takes back a server that he lost
        p.end_client(client)
        p.start_client(client)
    same_state(p, client)


def much(p, count=24, size=500_000):
    """More private data than one message may carry (10 MB at GoQuorum's)."""
    client = p.light()
    p.end_client(client)
    sent = []
    for n in range(count):
        data = p.creation("Store", n) + "%02x" % n * size
        sent.append(p.send(n % 2, data=data, gas="0x7fffffff", **private_for(p, 0, 1 - n % 2)))
        mined(p, sent[-1])
    p.start_client(client)
    p.follows(client)
    for h in sent:
        same(p, client, "eth_getTransactionReceipt", h)
    for n in range(min(p.height(SERVER), p.height(client)) + 1):
        same(p, client, "debug_privateStateRoot", hex(n))


def crowded(p):
    """One client more than the server takes."""
    p.restart_server("--qlight.server.p2p.maxpeers", "1")
    first, second = p.light(), p.new_client()
    p.start_client(second)
    until(lambda: p.result(second, "eth_blockNumber") == "0x0", "a client's JSON-RPC")
    time.sleep(3)
    p.is_outside(second)
    assert len(p.guests()) == 1
    p.end_client(first)
    until(lambda: p.height(second) >= p.height(SERVER) - 1, "the second client, when the first has gone", 120)


def raft(p, blocks=300):
    """Clients of a member of a Raft cluster, the last one late by some hundred blocks, every one with a private transaction; by fewer where they take
    long to make."""
    load(p)
    client = p.light()
    same_state(p, client)
    following(p, client)
    made, end = p.made[0], time.monotonic() + 90
    while p.height(SERVER) < blocks and time.monotonic() < end:
        sent = [p.send(i, to=made["contract"], data=set_to(n + 100 * i), **private_for(p, 0, 1 - i)) for n in range(10) for i in (SERVER, OTHER)]
        made["sent"].append(sent[-1])
        for h in sent:
            mined(p, h)
    made["value"] = int(p.result(SERVER, "eth_getStorageAt", made["contract"], "0x0", "latest"), 16)
    same_state(p, client)
    late = p.new_client()
    for seconds in (0.1, 0.2, 0.3, 0.4):
        p.start_client(late)
        time.sleep(seconds)
        p.kill(late)
    begun = time.monotonic()
    p.start_client(late)
    p.follows(late)
    print(f"   {p.height(late)} blocks after {time.monotonic() - begun:.1f} s", flush=True)
    same_state(p, late)


def transports(p):
    """The server's JSON-RPC by WebSocket, IPC and TLS; noise at the port for clients; a client of another chain."""
    ws = p.port + QLIGHT + 5
    p.restart_server("--ws", "--ws.port", str(ws), "--ws.api", "eth,personal,quorumExtension")
    load(p)
    noise(p)
    for url in (f"ws://127.0.0.1:{ws}", os.path.join(p.work, f"n{SERVER}", "geth.ipc")):
        client = p.light(rpc=url)
        same_state(p, client)
        sent = p.result(client, "eth_sendTransaction", p.arguments(SERVER, to=p.made[0]["contract"], data=set_to(5), **private_for(p, 0, OTHER)))
        mined(p, sent, (SERVER, OTHER, client))
        p.made[0].update(value=5, sent=p.made[0]["sent"] + [sent])
        assert p.error(client, "eth_sign", p.address[3], "0x00") == "unknown account"
        p.end_client(client)
        p.start_client(client, rpc=url)  # payloads are asked for
        same_state(p, client)
        p.end_client(client)
    genesis = json.load(open(p.shared))
    genesis["timestamp"] = "0x5f5e1001"
    shared, p.shared = p.shared, p.write("another.json", json.dumps(genesis))
    stays_out(p, p.new_client())
    p.shared = shared


def noise(p, count=40):
    """Bytes that are no handshake, and connections that say nothing, which stay open meanwhile."""
    held = []
    for n in range(2 * count):
        s = socket.create_connection(("127.0.0.1", p.port + QLIGHT), timeout=10)
        try:
            if n % 2:
                s.sendall(random.Random(n).randbytes(n * 37 % 3000 + 1))
        except OSError:
            pass
        held.append(s)
    p.end_client(p.light())
    for s in held:
        s.close()


def rewound(p):
    """The client's head is set back; a client that keeps little state is killed; both take the blocks again. Logs are told to who subscribed."""
    load(p)
    client = p.light()
    watched = p.result(client, "eth_newFilter", {"address": p.made[1]["contract"]})
    following(p, client)
    logs = p.result(client, "eth_getFilterChanges", watched)
    assert [log["transactionHash"] for log in logs] == p.made[1]["sent"][-2:], logs
    for height in (p.height(client) // 2, 1):
        p.result(client, "debug_setHead", hex(height))
        same_state(p, client)
    p.end_client(client)
    shutil.rmtree(os.path.join(p.work, f"n{client}"))
    p.start_client(client, gcmode="full")
    for _ in range(3):
        same_state(p, client)
        p.kill(client)
        p.start_client(client, gcmode="full")
    following(p, client)
    same_state(p, client)


def stopped(p):
    """A client that is stopped for some blocks; a server that is stopped, which a client's end does not wait for."""
    load(p)
    client = p.light()
    p.nodes[client].send_signal(signal.SIGSTOP)
    begun = p.height(SERVER)
    until(lambda: p.height(SERVER) > begun + 12, "blocks while a client is stopped", 120)
    made = p.made[1]
    made["sent"].append(p.send(OTHER, to=made["contract"], data=set_to(30), **private_for(p, 1, SERVER)))
    mined(p, made["sent"][-1])
    made["value"] = 30
    p.nodes[client].send_signal(signal.SIGCONT)
    same_state(p, client)
    p.nodes[SERVER].send_signal(signal.SIGSTOP)
    try:
        asked = [threading.Thread(target=asked_in_vain, args=(p, client)) for _ in range(20)]
        for thread in asked:
            thread.start()
        time.sleep(1)
        assert int(p.result(client, "eth_getStorageAt", made["contract"], "0x0", "latest"), 16) == 30
        code = p.end_client(client)
        assert code == 0 or not p.ours(client), code
        for thread in asked:
            thread.join()
    finally:
        p.nodes[SERVER].send_signal(signal.SIGCONT)
    p.start_client(client)
    same_state(p, client)


def asked_in_vain(p, client):
    try:
        p.post(p.port + 20 + client, "/", {"jsonrpc": "2.0", "id": 1, "method": "eth_sign", "params": [p.address[SERVER], "0x12"]})
    except (OSError, http.client.HTTPException, ValueError):
        pass


def hammered(p, senders=8, each=30):
    """Many send through the client at a time while the server is killed and comes back: each is answered, and what was answered with a hash and is
    mined is the same at both."""
    load(p)
    client, answers, before = p.light(), [], nonce(p)

    def sender(n):
        for k in range(each):
            made = p.made[0]
            body = p.arguments(SERVER, to=made["contract"], data=set_to(1000 * n + k), **private_for(p, 0, OTHER))
            try:
                answers.append(p.post(p.port + 20 + client, "/", {"jsonrpc": "2.0", "id": 1, "method": "eth_sendTransaction", "params": [body]}))
            except TimeoutError as error:
                answers.append({"never": str(error)})
            time.sleep(0.05)

    threads = [threading.Thread(target=sender, args=(n,)) for n in range(senders)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    p.restart_server()
    for thread in threads:
        thread.join()
    hashes = [a["result"] for a in answers if "result" in a]
    refused = {str(a["error"]["message"])[:60] for a in answers if "error" in a}
    print(f"   {len(hashes)} sent, {len(answers) - len(hashes)} not: {sorted(refused)[:4]}", flush=True)
    assert len(answers) == senders * each and len(hashes) + sum("error" in a for a in answers) == len(answers), answers
    if not p.ours(client):
        p.end_client(client)
        p.start_client(client)
    # The other may have some that the server does not know any more: what were sent now would take their nonces.
    emptied(p)
    last = p.send(SERVER, to=p.made[0]["contract"], data=set_to(7), **private_for(p, 0, OTHER))
    mined(p, last)
    p.made[0]["sent"].append(last)
    emptied(p)
    p.made[0].update(value=int(p.result(SERVER, "eth_getStorageAt", p.made[0]["contract"], "0x0", "latest"), 16))
    same_state(p, client)
    for h in hashes:
        same(p, client, "eth_getTransactionReceipt", h)
    failed = sum("error" in a and "authentication needed" not in a["error"]["message"] for a in answers)
    assert int(nonce(p), 16) - int(before, 16) - 1 <= len(hashes) + failed  # nothing was sent twice


def emptied(p):
    for i in (SERVER, OTHER):
        until(lambda: p.result(i, "txpool_status")["pending"] == "0x0", f"an empty pool at node {i}")


def tokens_of_tenants(p):
    """With --multitenancy the token says whose client it is, at the port for clients and at the JSON-RPC."""
    p.token = token_of(f"rpc://*_* psi://{FOR_ALL}?node.eoa={p.address[SERVER]}")
    p.restart_server("--multitenancy", *access(p))
    p.result(SERVER, "eth_sign", p.address[SERVER], "0x00")  # its account is unlocked
    contracts = {}
    for psi in (ONE, FOR_ALL):
        token = token_of(f"rpc://*_* psi://{psi}?node.eoa={p.address[SERVER]}").split()[1]
        sent = p.as_(psi, "eth_sendTransaction", p.arguments(SERVER, data=p.creation("Store", 5), privateFor=[p.keys[OTHER]]), token=token)
        contracts[psi] = p.receipt(OTHER, sent)["contractAddress"]
    clients = {}
    for psi, other in ((ONE, FOR_ALL), (FOR_ALL, ONE)):
        clients[psi] = p.new_client()
        scope = f"p2p://qlight rpc://eth_* psi://{psi}?node.eoa={p.address[SERVER]}"
        stays_out(p, clients[psi], psi=other, **showing(token_of(scope)))
        p.start_client(clients[psi], psi=psi, **showing(token_of(scope)))
    head = p.height(OTHER)
    for psi, client in clients.items():
        until(lambda: p.height(client) >= head, "a client of a tenant")
        other = FOR_ALL if psi == ONE else ONE
        assert p.result(client, "eth_getCode", contracts[psi], "latest") != "0x" == p.result(client, "eth_getCode", contracts[other], "latest")
        sent = p.result(client, "eth_sendTransaction", p.arguments(SERVER, to=contracts[psi], data=set_to(9), privateFor=[p.keys[OTHER]]))
        mined(p, sent, (OTHER, client))
        assert int(p.result(client, "eth_getStorageAt", contracts[psi], "0x0", "latest"), 16) == 9


class Closing:
    """In the server's place: answers what asks for a signature, and closes the connection when it has read anything else; `asked` has the methods."""

    def __init__(self):
        self.asked, self.listener = [], socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.take, daemon=True).start()

    def take(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection, connection.makefile("rb") as stream:
            while stream.readline():
                length = 0
                while (field := stream.readline()) != b"\r\n":
                    if field.lower().startswith(b"content-length:"):
                        length = int(field.split(b":")[1])
                asked = json.loads(stream.read(length))
                self.asked.append(asked["method"])
                if asked["method"] != "eth_sign":
                    return
                answer = json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": "0x12"}).encode()
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)


def once(p):
    """What a server took and did not answer is not sent again."""
    server = Closing()
    client = p.light(rpc=server.url)
    for value in (1, 2, 3):
        assert p.result(client, "eth_sign", p.address[SERVER], "0x12") == "0x12"
        assert server.url in p.error(client, "eth_sendTransaction", p.arguments(SERVER, to=p.address[3], value=hex(value)))
    assert server.asked == 3 * ["eth_sign", "eth_sendTransaction"], server.asked
    server.listener.close()


class TlsFront:
    """Takes TLS at a port of its own and passes on what is inside to the server's JSON-RPC. Clients must show a certificate of the authority."""

    def __init__(self, p, authority, name):
        self.to, flags = p.port + 20 + SERVER, authority.sign(name)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(flags[1], flags[3])
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(authority.certificate)
        self.listener, self.context = socket.create_server(("127.0.0.1", 0)), context
        self.url = f"https://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.take, daemon=True).start()

    def take(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(plain,), daemon=True).start()

    def serve(self, plain):
        try:
            with self.context.wrap_socket(plain, server_side=True) as s, socket.create_connection(("127.0.0.1", self.to)) as inner:
                threading.Thread(target=self.copy, args=(inner, s), daemon=True).start()
                self.copy(s, inner)
        except OSError:
            pass

    @staticmethod
    def copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except (OSError, ValueError):
            pass


def behind_tls(p):
    """The server's JSON-RPC behind TLS that wants a certificate; blocks come in any case."""
    load(p)
    ours, strange = Authority(p, "authority"), Authority(p, "stranger")
    front, shown, other = TlsFront(p, ours, "front"), ours.sign("shown"), strange.sign("other")
    certificate = ["--qlight.client.rpc.tls.cert", shown[1], "--qlight.client.rpc.tls.key", shown[3]]
    trusting = ["--qlight.client.rpc.tls", "--qlight.client.rpc.tls.cacert", ours.certificate]
    client = p.new_client()
    for more, works in ((trusting + certificate, True), (trusting, False),
                        (trusting + ["--qlight.client.rpc.tls.cert", other[1], "--qlight.client.rpc.tls.key", other[3]], False),
                        (["--qlight.client.rpc.tls", "--qlight.client.rpc.tls.cacert", strange.certificate, *certificate], False),
                        (certificate, False)):
        p.start_client(client, rpc=front.url, more=more)
        p.follows(client)
        said = p.ask(client, "eth_sign", p.address[SERVER], "0x1234")
        assert ("result" in said) == works, (more, said)
        same(p, client, "eth_getStorageAt", p.made[0]["contract"], "0x0", "latest")
        if works:
            same_state(p, client)
        p.end_client(client)
    front.listener.close()

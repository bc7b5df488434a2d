#!/usr/bin/env python3
"""--ethstats: what a validator reports to a server, and what it makes of servers that refuse it, hang up, or say rubbish.

    ethstats.py QUORATE_NODE"""
import calendar
import os
import pathlib
import re
import ssl
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from ethstats import CLOSE, Service, Validator, as_reported  # noqa: E402
from ports import free_ports  # noqa: E402
from processes import until  # noqa: E402

NODE = sys.argv[1]
SECRET = "a-secret-of-the-service"
AGAIN_MAX = 30  # seconds until it calls again: ten, and what a busy machine needs
GO_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \+0000 UTC")
failed = 0


def check(what, holds, seen=""):
    global failed
    failed += not holds
    print(f"{'ok' if holds else 'FAILED'}: {what}{'' if holds else f': {seen!r:.1500}'}", flush=True)


def check_hello(caller, node):
    hello = caller.of("hello")[0]
    info = node.ask("admin_nodeInfo")
    check("the request's path and origin", (caller.path, caller.fields["origin"]) == ("/api", "http://localhost"), caller.fields)
    check("hello", list(hello) == ["id", "info", "secret"] and hello["id"] == "validator 1" and hello["secret"] == SECRET, hello)
    check("who it is", hello["info"] == {
        "name": "validator 1", "node": info["name"], "port": node.port, "net": "1337",
        "protocol": "eth/66, eth/65, istanbul/100, istanbul/99, istanbul/64", "api": "No", "os": "linux",
        "os_v": {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine], "client": "0.1.1", "canUpdateHistory": True}, hello["info"])


def expected(node, number):
    block = node.ask("eth_getBlockByNumber", hex(number), False)
    return as_reported(block, int(block["totalDifficulty"], 16))


def check_reports(caller, node):
    first = [word for word, _ in list(caller.documents)][:6]
    check("what comes first, in order", first == ["hello", "node-ping", "latency", "block", "pending", "stats"], first)
    check("each carries the name", all(what["id"] == "validator 1" for _, what in list(caller.documents)))
    ping, latency, stats = caller.of("node-ping")[0], caller.of("latency")[0], caller.of("stats")[0]
    check("the time", list(ping) == ["clientTime", "id"] and GO_TIME.fullmatch(ping["clientTime"]), ping)
    check("the latency", re.fullmatch(r"\d+", latency["latency"]), latency)
    check("figures", stats["stats"] == {"active": True, "syncing": True, "mining": True, "hashrate": 0, "peers": 0, "gasPrice": 0, "uptime": 100}, stats)
    until(lambda: len(caller.of("block")) >= 4, "no blocks")
    blocks = caller.of("block")
    numbers = [b["block"]["number"] for b in blocks]
    check("every new head", numbers[1:] == list(range(numbers[1], numbers[1] + len(numbers) - 1)), numbers)
    for report in blocks[:4]:
        wanted = expected(node, report["block"]["number"])
        check(f"block {report['block']['number']}", report["block"] == wanted and list(report["block"]) == list(wanted), (report, wanted))
    check("with each its pending ones", len(caller.of("pending")) >= len(blocks) - 1)


def check_transactions(caller, node):
    account = node.ask("personal_newAccount", "p")
    node.ask("personal_unlockAccount", account, "p", 300)
    hashes = {node.ask("eth_sendTransaction", {"from": account, "to": account, "value": "0x0", "gas": "0x5208", "gasPrice": "0x0"}) for _ in range(5)}

    def seen():
        return hashes <= {tx["hash"] for b in caller.of("block") for tx in b["block"]["transactions"]}
    until(seen, "the transactions are in no report")
    full = next(b["block"] for b in caller.of("block") if b["block"]["transactions"])
    check("a block with transactions", full == expected(node, full["number"]), full)
    check("some were pending", any(p["stats"]["pending"] > 0 for p in caller.of("pending")), caller.of("pending"))


def check_history(caller, node):
    def ask(what):
        before = len(caller.of("history"))
        caller.emit("history", what)
        return until(lambda: caller.of("history")[before:], "no history")[0]["history"]
    wanted = [expected(node, n) for n in (3, 1, 0)]
    got = ask({"max": 3, "min": 1, "list": [0, 1, 3]})
    check("the history that was asked for, the last first", got == wanted, (got, wanted))
    got = ask({"list": [1, 100000, 2]})
    check("it ends where there is no block", [b["number"] for b in got] == [1], got)
    check("no block at all", ask({"list": [100000]}) == [])
    check("numbers that are none", ask({"list": [-1]}) == [])
    got = [b["number"] for b in ask(None)]
    check("the newest 50 where none is named", got == list(range(got[0], max(got[0] - 50, -1), -1)), got)
    # 5,000 numbers of one block: only so many are looked at.
    check("a long list", len(ask({"list": [1] * 5000})) == 1024)


def check_others(caller):
    caller.say("primus::ping::1583929")
    until(lambda: caller.others, "no answer to primus")
    check("primus' ping is answered", caller.others == ["primus::pong::1583929"], caller.others)
    caller.frame(9, b"are you there")
    until(lambda: caller.pongs, "no pong")
    check("WebSocket's, too", caller.pongs == [b"are you there"], caller.pongs)


def check_period(caller):
    """The second full report, by the clock of the node: either side may have been kept waiting since."""
    until(lambda: len(caller.of("stats")) >= 2, "no second report")
    words = [word for word, _ in list(caller.documents)]
    before = words[:words.index("stats", words.index("stats") + 1)]
    first, second = (calendar.timegm(time.strptime(ping["clientTime"][:19], "%Y-%m-%d %H:%M:%S")) for ping in caller.of("node-ping")[:2])
    check("a full report every 15 s", 14 <= second - first < 25 and before.count("node-ping") == before.count("latency") == 2, (second - first, words))


def rubbish(node, service):
    """What each does is in the log; then the node is there again, not sooner than ten seconds after it came."""
    def endless(caller):
        caller.raw(b"\x01\x7f" + (1 << 40).to_bytes(8, "big") + b"x" * 1000000)
    cases = (("a message that is no JSON", lambda c: c.frame(1, b"{rubbish"), 'Failed to retrieve stats server message  err="it is no JSON"'),
             ("an endless message", endless, "Failed to retrieve stats server message"),
             ("a frame that is none", lambda c: c.raw(b"\xff" * 5000), "Failed to retrieve stats server message"),
             ("a list that is none", lambda c: c.emit("history", {"list": "all"}), "Invalid stats history block list"),
             ("a close", lambda c: c.frame(CLOSE, b"\x03\xe8"), "Failed to retrieve stats server message"))
    for what, do, line in cases:
        count, told, began = len(service.callers), len(re.findall(re.sub(" +", " +", re.escape(line).replace(r"\ ", " ")), node.log.read_text())), time.monotonic()
        do(service.callers[-1])
        until(lambda: service.callers[count - 1].gone, f"{what}: the node stays")
        service.next(count)
        took = time.monotonic() - began
        now = len(re.findall(re.sub(" +", " +", re.escape(line).replace(r"\ ", " ")), node.log.read_text()))
        check(f"{what} ends the connection, and it comes again", now == told + 1 and took < AGAIN_MAX, (now, told, took, node.log.read_text()[-500:]))
    for _ in range(100):
        service.callers[-1].emit("what is this")
    service.callers[-1].say("primus::ping::1")
    until(lambda: service.callers[-1].others, "it does not listen any more")
    check("what is unknown fills no log", node.told("Unknown stats message") == 8, node.told("Unknown stats message"))


def height(node):
    return int(node.ask("eth_blockNumber"), 16)


def run_plain(folder):
    port, = free_ports(1)
    node = Validator(NODE, folder, "--ethstats", f"validator 1:{SECRET}@127.0.0.1:{port}", "--verbosity", "5")
    try:
        until(lambda: node.told("Stats server unreachable"), "it does not say that nobody is there")
        check("it starts without a server", node.told("Stats daemon started") == 1 and until(lambda: height(node) >= 2, "no blocks"))
        service = Service(port, "another secret")
        until(lambda: node.told("Stats login failed"), "it is not refused")
        check("a refused login", service.strangers >= 1 and re.search(r"Stats login failed +err=unauthorized", node.log.read_text()), (service.strangers, [line for line in node.log.read_text().splitlines() if "Stats" in line]))
        service.secret = SECRET
        caller = service.next()
        check_hello(caller, node)
        check_reports(caller, node)
        check_transactions(caller, node)
        check_history(caller, node)
        check_others(caller)
        check_period(caller)
        count = len(service.callers)
        caller.drop()
        service.next(count)
        check("a connection that was dropped is made again", True)
        rubbish(node, service)
        before = height(node)
        check("blocks go on", until(lambda: height(node) > before, "no blocks"))
        last = service.callers[-1]
        code = node.stop()
        check("it ends", code == 0 and node.told("Stats daemon stopped") == 1, code)
        until(lambda: last.gone, "it does not hang up")
        check("with a close frame", last.code == 1000, last.code)
    finally:
        node.process.kill()
        node.process.wait()
    check("the secret is in no log", node.told(SECRET) == 0 and node.told("another secret") == 0)
    service.close()


def run_bad_servers(folder):
    """Handshakes that are none, pings without pongs."""
    port, = free_ports(1)
    service = Service(port, SECRET)
    service.greeting = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    node = Validator(NODE, folder, "--ethstats", f"validator 1:{SECRET}@ws://127.0.0.1:{port}")
    try:
        until(lambda: re.search(r'Stats server unreachable +err="websocket: bad handshake"', node.log.read_text()), "a wrong answer is taken")
        check("a scheme that is named is the only one", service.strangers == 0, service.strangers)
        service.greeting, service.pongs = None, False
        until(lambda: re.search(r'Initial stats report failed +err="ping timed out"', node.log.read_text()), "no pong, and it goes on")
        check("no pong, no report", all(not c.of("block") for c in service.callers))
    finally:
        check("it ends while it waits", node.stop() == 0)
        service.close()


def run_tls(folder):
    port, = free_ports(1)
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=stats",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    service = Service(port, SECRET, context)
    for what, trusted, host, wanted in (("one that is trusted", str(cert), "localhost", None),
                                        ("one that is not", "/dev/null", "wss://localhost", "is not trusted: self-signed certificate"),
                                        ("one of another name", str(cert), "wss://127.0.0.1", "is not trusted: ")):
        count = len(service.callers)
        node = Validator(NODE, folder, "--ethstats", f"n:{SECRET}@{host}:{port}", env={"SSL_CERT_FILE": trusted, "SSL_CERT_DIR": "/nonexistent"})
        try:
            if wanted:
                until(lambda: re.search("Stats server unreachable .*" + wanted, node.log.read_text()), f"{what}: {node.log.read_text()[-500:]}")
                check(f"{what} is told nothing", len(service.callers) == count)
            else:
                check(f"TLS comes first: {what}", service.next(count).of("hello")[0]["secret"] == SECRET)
        finally:
            check("it ends", node.stop() == 0)
    service.close()


def check_config(folder):
    """The file that dumpconfig writes does the same."""
    shown = subprocess.run([NODE, "--ethstats", "a:b@c:3000", "dumpconfig"], capture_output=True, text=True, timeout=60, check=True).stdout
    check("dumpconfig", '[Ethstats]\nURL = "a:b@c:3000"\n' in shown, shown)
    (folder / "c.toml").write_text(shown)
    again = subprocess.run([NODE, "--config", folder / "c.toml", "dumpconfig"], capture_output=True, text=True, timeout=60, check=True).stdout
    check("it is read as it is written", again == shown, again)


def main():
    os.environ.setdefault("PRIVATE_CONFIG", "ignore")
    with tempfile.TemporaryDirectory(prefix="quorate-ethstats-") as work:
        folders = [pathlib.Path(work) / name for name in ("plain", "bad", "tls")]
        for folder in folders:
            folder.mkdir()
        check_config(folders[0])
        run_bad_servers(folders[1])
        run_tls(folders[2])
        run_plain(folders[0])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

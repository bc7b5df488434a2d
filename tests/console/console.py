#!/usr/bin/env python3
"""The JavaScript console at a node of its own: expressions of expressions.txt answer what GoQuorum's console answered
(answers.json), by unix socket and by HTTP; so do the lines of one long session (session.json); a session at a terminal completes,
remembers and ends.

usage: console.py QUORATE_NODE [--record GETH]   (the recordings' `live` genesis is needed; skipped without it)
"""
import json, os, pty, re, select, shutil, subprocess, sys, tempfile, time, urllib.request

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "../support"))
from ports import free_ports  # noqa: E402

node = os.path.abspath(sys.argv[1])
record = sys.argv[3] if sys.argv[2:3] == ["--record"] else None
fixtures = os.environ.get("QUORATE_FIXTURES") or os.path.join(here, "../../../shared/fixtures")
live = os.path.join(fixtures, "recordings/live")
if not os.path.isdir(live):
    print("skipped: the recordings of GoQuorum are not here (" + live + ")")
    sys.exit(77)

# What names this run's folders and ports cannot be kept.
VOLATILE = ("admin.datadir", "admin.nodeInfo.enode", "admin.nodeInfo.ports")
METRICS, = free_ports(1)
work = tempfile.mkdtemp(prefix="quorate-console-")
home = work + "/n"
environment = dict(os.environ, PRIVATE_CONFIG="ignore", TERM="xterm", HOME=work, TZ="UTC")


def start():
    os.makedirs(home + "/geth")
    shutil.copytree(live + "/keystore", home + "/keystore")
    with open(home + "/geth/nodekey", "w") as f:
        f.write(json.load(open(live + "/network.json"))["node_keys"][0])
    subprocess.run([node, "--datadir", home, "init", live + "/genesis.json"], check=True, capture_output=True)
    log = open(work + "/log", "w+")
    process = subprocess.Popen([node, "--datadir", home, "--nodiscover", "--port", "0", "--mine", "--http", "--http.port", "0",
                                "--http.api", "eth,net,web3,admin", "--metrics", "--metrics.addr", "127.0.0.1",
                                "--metrics.port", str(METRICS)], stderr=log, stdout=log, env=environment)
    for _ in range(1200):
        text = open(work + "/log").read()
        if "number=2 " in text:
            break
        time.sleep(0.05)
    port = re.search(r"HTTP server started\s+endpoint=127.0.0.1:(\d+)", text)
    return process, "http://127.0.0.1:" + port.group(1)


def ask(program, expression, endpoint):
    answer = subprocess.run([program, "attach", "--exec", expression, endpoint], capture_output=True, text=True, timeout=60,
                            env=environment)
    # geth shows where in its own library files an error came up.
    lines = [l for l in answer.stdout.split("\n") if not l.startswith("\tat ")]
    return "\n".join(lines).rstrip("\n")


def lines_of(program, expressions, endpoint):
    """What each of these lines is answered, typed into one console."""
    typed = "".join('%s\nconsole.log("--- %d")\n' % (e, i) for i, e in enumerate(expressions))
    answer = subprocess.run([program, "attach", endpoint], input=typed, capture_output=True, text=True, errors="replace", timeout=120,
                            env=environment)
    text = answer.stdout.split("To exit, press ctrl-d\n", 1)[1]
    shown = []
    for i in range(len(expressions)):
        one, text = text.split("--- %d\nnull\n" % i, 1)
        lines = [re.sub("^(> )+", "", l) for l in one.split("\n") if not l.startswith("\tat ")]
        shown.append(re.sub("SyntaxError: .*", "SyntaxError", "\n".join(l for l in lines if l)))
    return shown


def session(lines, wait):
    """What a terminal shows while these lines are typed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(node, [node, "--datadir", home, "attach"], environment)
    shown = b""
    for line in lines:
        end = time.time() + 20
        while not shown.endswith(b"> ") and wait not in shown[-40:] and time.time() < end:
            if select.select([terminal], [], [], 0.05)[0]:
                shown += os.read(terminal, 65536)
        os.write(terminal, line)
        time.sleep(0.05)
    try:
        while True:
            shown += os.read(terminal, 65536)
    except OSError:
        pass
    os.waitpid(pid, 0)
    return shown.decode(errors="replace")


failures = 0


def check(what, have, want):
    global failures
    if have != want:
        failures += 1
        print("%s\n  have: %s\n  want: %s" % (what, have, want))


process, http = start()
try:
    expressions = open(here + "/expressions.txt").read().splitlines()
    ipc = home + "/geth.ipc"
    if record:
        answers = [[e, ask(record, e, ipc)] for e in expressions if e not in VOLATILE]
        json.dump(answers, open(here + "/answers.json", "w"), indent=1)
    answers = json.load(open(here + "/answers.json"))
    compared = 0
    for e in [e for e in expressions if e in VOLATILE] + [a[0] for a in answers]:
        have = ask(node, e, ipc)
        if e in VOLATILE:
            check(e, bool(have) and not have.startswith("Error"), True)
            continue
        check(e, have, answers[compared][1])
        compared += 1
    if record:
        asked = [e for e in open(here + "/session.txt").read().splitlines() if e]
        json.dump(list(zip(asked, lines_of(record, asked, ipc))), open(here + "/session.json", "w"), indent=1, ensure_ascii=False)
    typed = json.load(open(here + "/session.json"))
    for (e, want), have in zip(typed, lines_of(node, [e for e, _ in typed], ipc)):
        check(e, have, want)
    compared += len(typed)
    for e in ("eth.blockNumber > 0", "eth.getBlock(0).hash", "admin.peers.length", "web3.toWei(1)"):
        check(http + " " + e, ask(node, e, http), ask(node, e, ipc))
    check("a module that is not offered", ask(node, "istanbul.nodeAddress", http), "ReferenceError: istanbul is not defined")
    script = work + "/script.js"
    open(script, "w").write("var fromScript = eth.getBlock(0).number + 41;\n")
    check("loadScript", ask(node, 'loadScript("%s"); fromScript + 1' % script, ipc), "42")
    check("loadScript of nothing", ask(node, 'loadScript("/nowhere")', ipc),
          "GoError: Could not read file /nowhere: open /nowhere: no such file or directory")
    preloaded = subprocess.run([node, "attach", "--preload", "script.js", "--jspath", work, "--exec", "fromScript", ipc],
                               capture_output=True, text=True, env=environment)
    check("--preload", preloaded.stdout, "41\n")
    piped = subprocess.run([node, "attach", ipc], input="1 +\n1\nvar f = function () {\n  return 7\n}\nf()\nexit\n",
                           capture_output=True, text=True, env=environment)
    check("a pipe", "Welcome to the Geth JavaScript console!" in piped.stdout and "\n7\n" in piped.stdout, True)
    shown = session([b"eth.blockNum\t > 0\n", b"personal.sign(1, 2, 'secret')\n", b"exit\n"], b"xx")
    check("a terminal: " + repr(shown[-600:]), "ber > 0" in shown and "true" in shown, True)
    remembered = open(home + "/history").read()
    check("the history", "eth.blockNumber" in remembered and "secret" not in remembered, True)
    check("its mode", os.stat(home + "/history").st_mode & 0o777, 0o600)
    missing = subprocess.run([node, "attach", "--exec", "1", work + "/none.ipc"], capture_output=True, text=True, env=environment)
    check("no node", missing.stdout, "Fatal: Unable to attach to remote geth: dial unix %s/none.ipc: connect: "
                                     "no such file or directory\n" % work)
    counted = urllib.request.urlopen("http://127.0.0.1:%d/debug/metrics/prometheus" % METRICS).read().decode()
    block = re.search(r"^# TYPE chain_head_block gauge\nchain_head_block (\d+)$", counted, re.M)
    check("metrics", bool(block) and int(block.group(1)) >= 2 and "\np2p_peers 0\n" in counted, True)
    for name in ("p2p_ingress 0", "p2p_egress 0", "rpc_requests [1-9][0-9]*", "rpc_duration_all_count [1-9][0-9]*", "system_cpu_procload [0-9]+",
                 "system_cpu_threads [1-9][0-9]*", "system_disk_readbytes [1-9][0-9]*", "eth_db_chaindata_disk_size [1-9][0-9]*",
                 r'rpc_duration_eth_getBlockByNumber_success {quantile="0.5"} [1-9][0-9]*'):
        check("metric " + name, bool(re.search("^%s$" % name, counted, re.M)), True)
    figures = json.load(urllib.request.urlopen("http://127.0.0.1:%d/debug/metrics" % METRICS))
    check("metrics as JSON", figures["rpc/duration/all.count"] == figures["rpc/requests"] and figures["p2p/egress.count"] == 0, True)
    print("%d expressions as GoQuorum's console answers them" % compared)
finally:
    process.terminate()
    process.wait()
    shutil.rmtree(work)
sys.exit(1 if failures else 0)

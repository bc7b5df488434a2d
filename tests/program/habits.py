#!/usr/bin/env python3
"""What operators of geth are used to, of one validator: lines of the log in colours and as JSON, signals, what is said when something is in use
already, the console's history and Ctrl-C, the names of the metrics.

    habits.py NODE"""
import json, os, pty, re, select, signal, subprocess, sys, tempfile, time, urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../support"))
from ports import free_ports  # noqa: E402

NODE = os.path.abspath(sys.argv[1])
WAIT = 120
failed = 0


def check(what, holds, seen=""):
    global failed
    failed += not holds
    print(f"{'ok' if holds else 'FAILED'}: {what}{'' if holds else f': {seen!r:.1500}'}", flush=True)


def wait(condition):
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        try:
            if condition():
                return True
        except OSError:
            pass
        time.sleep(0.05)
    return False


class Terminal:
    """A program at a terminal of its own."""

    def __init__(self, *words):
        self.seen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm"
            os.environ["LSAN_OPTIONS"] = "detect_leaks=0"  # libedit 3.1 does not free the names of functions that are added to it
            os.execv(words[0], words)

    def read_until(self, pattern):
        """What came up to it; "" when it doesn't come."""
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            found = re.search(pattern, self.seen)
            if found:
                text, self.seen = self.seen[:found.end()], self.seen[found.end():]
                return text
            if select.select([self.fd], [], [], 1)[0]:
                try:
                    more = os.read(self.fd, 65536)
                except OSError:  # the other end is closed
                    break
                self.seen += more.decode(errors="replace")
        return ""

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        self.read_until(r"(?!)")  # until it is closed
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def run(*words):
    done = subprocess.run([NODE, *words], capture_output=True, text=True, timeout=WAIT, stdin=subprocess.DEVNULL)
    return done.returncode, done.stderr


def make_chain(folder):
    network = json.load(open(os.path.join(HERE, "../network/network.json")))
    first = network["nodes"][0]
    genesis = dict(network["genesis"], extraData="0xf83aa0" + "00" * 32 + "d594" + first["address"][2:] + "c080c0")
    os.makedirs(f"{folder}/d/geth")
    open(f"{folder}/d/geth/nodekey", "w").write(first["key"])
    json.dump(genesis, open(f"{folder}/genesis.json", "w"))
    init = Terminal(NODE, "--datadir", f"{folder}/d", "init", f"{folder}/genesis.json")
    line = init.read_until(r"wrote genesis state.*\n")
    check("init at a terminal is in colours", re.search(r"\x1b\[32mINFO \x1b\[0m\[\d\d-\d\d\|[\d:.]+\] Successfully wrote genesis state {9}"
                                                         r"\x1b\[32mdatabase\x1b\[0m=chaindata \x1b\[32mhash\x1b\[0m=", line), line)
    check("init ends with 0", init.end() == 0)


def check_console(folder):
    open(f"{folder}/d/history", "w").write("eth.old1\neth.old2")
    console = Terminal(NODE, "--datadir", f"{folder}/d", "attach")
    check("the console begins", console.read_until(r"> \x1b?") != "", console.seen)
    console.type("function f() {\r")
    console.read_until(r"\.\.\. ")
    console.type("return 5\x03")
    check("Ctrl-C drops the lines of an expression", console.read_until(r"\^C\r?\n") != "", console.seen)
    console.type("'a' + 'b'\r")
    check("and the console goes on", console.read_until(r"ab") != "", console.seen)
    console.type("\x10\x10\x10\r")  # up, up, up
    check("lines of geth's history file come back", console.read_until(r"undefined") != "", console.seen)
    console.type("exit\r")
    check("exit ends it", console.end() == 0, console.seen)
    check("the history is written as geth does", open(f"{folder}/d/history").read() == "eth.old1\neth.old2\n'a' + 'b'\neth.old1",
          open(f"{folder}/d/history").read())
    check("and is private", os.stat(f"{folder}/d/history").st_mode & 0o777 == 0o600)


def check_in_use(folder, port, http):
    code, err = run("--datadir", f"{folder}/d", "--port", "0")
    check("a data directory in use", code == 1 and "Failed to create the protocol stack: datadir already used by another process" in err and "--datadir" in err, err)
    os.makedirs(f"{folder}/e")
    code, err = run("--datadir", f"{folder}/e", "init", f"{folder}/genesis.json")
    for flags, place, flag in ((("--port", str(port)), f"listen tcp :{port}", "--port"),
                               (("--port", "0", "--http", "--http.port", str(http)), f"listen tcp 127.0.0.1:{http}", "--http.port")):
        code, err = run("--datadir", f"{folder}/e", "--nodiscover", *flags)
        check(f"{flag} in use", code == 1 and f"Error starting protocol stack: {place}: bind: address already in use" in err and flag in err, err)


def check_metrics(port, path):
    def rounds():  # a validator that is kept waiting for seconds begins one
        return open(path).read().count("QBFT: start new round")
    before = rounds()
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/debug/metrics/prometheus", timeout=WAIT).read().decode()
    figures = dict(line.rsplit(" ", 1) for line in text.splitlines() if line and line[0] != "#")
    head = int(figures["chain_head_block"])
    check("heights are counted", head - 2 <= int(figures["consensus_istanbul_qbft_core_sequence"]) <= head, figures)
    check("and rounds", before <= int(figures["consensus_istanbul_qbft_core_round"]) <= rounds(), figures["consensus_istanbul_qbft_core_round"])
    check("and how long they took", head - 2 <= int(figures["consensus_istanbul_qbft_core_consensus_count"]) <= head and
          int(figures['consensus_istanbul_qbft_core_consensus {quantile="0.5"}']) > 0, figures)
    for name in ("consensus_istanbul_core_sequence", "chain_inserts_count", "chain_reorg_drop", "txpool_valid", "txpool_slots"):
        check(name, figures.get(name) == "0", figures.get(name))


def check_log(path):
    lines = [json.loads(line) for line in open(path)]
    told = {line["msg"]: line for line in lines}
    check("every line has level, message and time", all({"lvl", "msg", "t"} <= line.keys() for line in lines))
    check("keys are in order", all(list(line) == sorted(line) for line in lines))
    check("times are of RFC 3339", all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", line["t"]) for line in lines))
    for message, keys in (("Commit new mining work", "elapsed gas number sealhash txs uncles"), ("BFT: block proposal committed", "author hash number"),
                          ("Successfully sealed new block", "elapsed hash number sealhash"), ("🔨 mined potential block", "hash number"),
                          ("HTTP server started", "cors endpoint isTls prefix vhosts"), ("IPC endpoint opened", "isMultitenant url"),
                          ("Loaded most recent local full block", "age hash number td"), ("Started P2P networking", "self"),
                          ("Got interrupt, shutting down...", ""), ("HTTP server stopped", "endpoint"), ("IPC endpoint closed", "url"), ("Blockchain stopped", "")):
        check(message, message in told and set(keys.split()) <= told[message].keys(), told.get(message))
    return lines


def check_signals(node, path):
    """However many come while it is taken down, it ends in order, or at once by the eleventh."""
    node.send_signal(signal.SIGUSR1)
    for _ in range(9):
        node.send_signal(signal.SIGINT)
        time.sleep(0.001)
    code = node.wait(WAIT)
    check("nine interrupts end it in order", code == 0, code)
    lines = check_log(path)
    left = [line["times"] for line in lines if line["msg"] == "Already shutting down, interrupt more to panic."]
    check("it says how many more end it at once", left == list(range(9, 9 - len(left), -1)), left)


def main():
    port, http, metrics = free_ports(3)
    with tempfile.TemporaryDirectory(prefix="quorate-habits-") as folder:
        make_chain(folder)
        with open(f"{folder}/log", "w") as log:
            node = subprocess.Popen([NODE, "--datadir", f"{folder}/d", "--networkid", "1337", "--nodiscover", "--mine", "--port", str(port), "--http", "--http.port", str(http),
                                     "--metrics", "--metrics.addr", "127.0.0.1", "--metrics.port", str(metrics), "--log.json"],
                                    stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=dict(os.environ, PRIVATE_CONFIG="ignore"))
        try:
            check("blocks are made", wait(lambda: open(f"{folder}/log").read().count("Successfully sealed") >= 3), open(f"{folder}/log").read())
            check_metrics(metrics, f"{folder}/log")
            check_console(folder)
            check_in_use(folder, port, http)
            check_signals(node, f"{folder}/log")
        finally:
            node.kill()
            node.wait()
        code, _ = run("--datadir", f"{folder}/d", "dump", "3")
        check("what was sealed is there", code == 0)
    return 1 if failed else 0


if __name__ == "__main__":
    os.environ.setdefault("PRIVATE_CONFIG", "ignore")
    sys.exit(main())

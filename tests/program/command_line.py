#!/usr/bin/env python3
"""What GoQuorum printed for right and wrong command lines (recordings/live/command-line.json), asked of quorate-node: exit
codes, and the texts that scripts look for. What is another on purpose stands in `DIFFERENT` with its reason.

usage: command_line.py QUORATE_NODE
"""
import json, os, re, shutil, subprocess, sys, tempfile

here = os.path.dirname(os.path.abspath(__file__))
node = os.path.abspath(sys.argv[1])
fixtures = os.environ.get("QUORATE_FIXTURES") or os.path.join(here, "../../../shared/fixtures")
live = os.path.join(fixtures, "recordings/live")
if not os.path.isfile(live + "/command-line.json"):
    print("skipped: the recordings of GoQuorum are not here (" + live + ")")
    sys.exit(77)

# By the words behind the program's name.
DIFFERENT = {
    "init DIR/bad.json": "the fault's line and column are said",
    "export DIR/e.rlp": "the recorded chain is not here, but a new one",
    "export DIR/e2.rlp 1 2": "the recorded chain is not here, but a new one: its head is block 0",
    "export DIR/e2.rlp 2 1": "the recorded chain is not here, but a new one: its head is block 0",
    "import /nonexistent": "there are no compaction statistics",
    "dumpgenesis": "the data directory's, not Ethereum's",
    "version": "Quorate's version in place of Go's",
    "dumpconfig": "no nodes of Ethereum's main network, and no proof of work",
    "--raft --raftport 99999999": "the chain is not a raft one",
}
work = tempfile.mkdtemp(prefix="quorate-command-line-")
environment = dict(os.environ, PRIVATE_CONFIG="ignore", HOME=work)


def mapped(text):
    return text.replace("DIR", work)


def prepare():
    os.makedirs(work + "/n0/geth")
    shutil.copytree(live + "/keystore", work + "/n0/keystore")
    genesis = json.load(open(live + "/genesis.json"))
    json.dump(genesis, open(work + "/n0/genesis.json", "w"))
    genesis["timestamp"] = "0x1"
    json.dump(genesis, open(work + "/other.json", "w"))
    open(work + "/bad.json", "w").write('{"config":')
    open(work + "/pw", "w").write("secret one\n")


def plain(text):
    """Times, random keys and hashes are not compared."""
    text = re.sub(r"\[\d\d-\d\d\|[\d:.]+\]", "[time]", text)
    text = re.sub(r"UTC--[\w.-]+--[0-9a-f]{40}", "KEYFILE", text)
    text = re.sub(r"key:   0x[0-9a-fA-F]{40}", "key:   ADDRESS", text)
    return re.sub(r"new [0-9a-f]{64}", "new HASH", text)


failed = compared = 0
prepare()
try:
    for e in json.load(open(live + "/command-line.json")):
        words = [mapped(w) for w in e["command"][1:]]
        got = subprocess.run([node] + words, capture_output=True, text=True, timeout=120, env=environment)
        shown = " ".join(w for w in e["command"][1:] if w not in ("--datadir", "DIR/n0", "DIR/fresh"))
        last = plain(got.stderr.rstrip("\n").split("\n")[-1])
        wrong = []
        if got.returncode != e["exit"]:
            wrong.append("exit code %d, not %d" % (got.returncode, e["exit"]))
        if shown not in DIFFERENT:
            if e["exit"] != 0 and last != plain(mapped(e["err_last"])):
                wrong.append("last line %r, not %r" % (last, e["err_last"]))
            # the help is recorded only from somewhere in its middle
            if e["out"].startswith(("Fatal: ", "Account #", "\nYour new key")) and plain(got.stdout) != plain(mapped(e["out"])):
                wrong.append("printed %r, not %r" % (got.stdout, e["out"]))
        compared += 1
        if wrong:
            failed += 1
            print("quorate-node %s\n  %s" % (" ".join(words), "\n  ".join(wrong)))
    print("%d command lines, %d of them different on purpose" % (compared, len(DIFFERENT)))
finally:
    shutil.rmtree(work)
sys.exit(1 if failed else 0)

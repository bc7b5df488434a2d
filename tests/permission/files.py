#!/usr/bin/env python3
"""permissioned-nodes.json, disallowed-nodes.json, static-nodes.json and permission-config.json as a careless hand leaves them.

usage: files.py QUORATE_NODE NETWORK [GETH]

For each case a node is started with --permissioned, and another one, whose key is listed, dials it. Whom GoQuorum v24.4.1 refuses ours must
refuse; where ours refuses more, or does not end with a panic, the row says what GoQuorum does. Given GETH, that is what the cases are run on."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from ports import free_ports  # noqa: E402
from processes import ask, until  # noqa: E402

PERMITTED, DISALLOWED, STATIC, CONFIG = "permissioned-nodes.json", "disallowed-nodes.json", "static-nodes.json", "permission-config.json"
FOLDER, PIPE, LINK, LOOP = "a folder", "a pipe", "a link to nothing", "a link to itself"
IN, OUT, ENDS, WAITS, PANIC = "connected", "refused", "ends with 1", "waits for ever", "ends with 2 at a connection"
REFUSED = ("A node is not permitted to connect", "DENIED-BY", "Node Permissioning")
NOBODY, GONE = "No node is permitted to connect", "file is missing. Smart-contract-based permission service will be disabled"


def cases(own, peer):
    """File, content, what ours does, words in its log, what GoQuorum does where that differs."""
    listed = json.dumps([own, peer])
    yield PERMITTED, listed, IN, GONE, None
    yield PERMITTED, None, OUT, NOBODY, None
    yield PERMITTED, "", OUT, "line 1, column 0", None
    yield PERMITTED, "null", OUT, NOBODY, None
    yield PERMITTED, "{}", OUT, "a JSON array of enode URLs belongs here", None
    yield PERMITTED, json.dumps(peer), OUT, NOBODY, None
    yield PERMITTED, listed + "]", OUT, "end of file expected", None
    yield PERMITTED, json.dumps([[peer]]), OUT, "entry 1 is no string", None
    yield PERMITTED, json.dumps([5, peer]), OUT, "entry 1 is no string", None
    yield PERMITTED, json.dumps([None, peer]), OUT, "entry 1 is no string", IN
    yield PERMITTED, json.dumps(["zz", "", peer]), IN, "Node URL zz: invalid URL scheme", None
    yield PERMITTED, json.dumps([own]), OUT, "", None
    yield PERMITTED, json.dumps([peer]), IN, "", None
    yield PERMITTED, json.dumps([peer.replace("127.0.0.1", "host.invalid")]), IN, "", OUT  # the key counts, not the name
    yield PERMITTED, FOLDER, OUT, "Is a directory", None
    yield PERMITTED, PIPE, OUT, "is no regular file", None
    yield PERMITTED, LINK, OUT, "it is a link to what is not there", None
    yield PERMITTED, LOOP, OUT, "Too many levels of symbolic links", None
    yield DISALLOWED, "[]", IN, "", None
    yield DISALLOWED, json.dumps([own]), IN, "", None
    yield DISALLOWED, json.dumps([peer]), OUT, "", None
    yield DISALLOWED, "null", OUT, NOBODY, IN
    yield DISALLOWED, "", OUT, NOBODY, None
    yield DISALLOWED, "{}", OUT, NOBODY, None
    yield DISALLOWED, "[5]", OUT, NOBODY, None
    yield DISALLOWED, '["zz"]', OUT, "an entry names no node, and was meant to keep one out", PANIC
    yield DISALLOWED, '[""]', OUT, "mend it, or remove it so that nobody is kept out", PANIC
    yield DISALLOWED, json.dumps(["zz", peer]), OUT, NOBODY, PANIC
    yield DISALLOWED, json.dumps([peer, "zz"]), OUT, NOBODY, None
    yield DISALLOWED, FOLDER, OUT, "Is a directory", None
    yield DISALLOWED, PIPE, OUT, "is no regular file", None
    yield DISALLOWED, LINK, OUT, "it is a link to what is not there", IN
    yield DISALLOWED, LOOP, OUT, "Too many levels of symbolic links", IN
    yield STATIC, json.dumps([own]), IN, "", None
    yield STATIC, '["zz"]', IN, "static-nodes.json: Node URL zz", None
    for content in ("", "zz", "{}", "[5]", FOLDER):
        yield STATIC, content, IN, "Can't load node list file", None
    yield STATIC, PIPE, IN, "is no regular file", WAITS
    yield STATIC, LINK, IN, "Can't load node list file", None
    for content in ("", "zz", "null", "[]", "{}", '{"permissionModel": "v9"}', '{"permissionModel": "v2"}', FOLDER):
        yield CONFIG, content, ENDS, "Fatal: Error starting protocol stack: loading of ", None
    yield CONFIG, "zz", ENDS, "/permission-config.json failed: permission-config.json is no JSON object: line 1, column 2", None
    yield CONFIG, PIPE, ENDS, "is no regular file", WAITS
    yield CONFIG, LINK, ENDS, "it is a link to what is not there", IN
    yield CONFIG, LOOP, ENDS, "Too many levels of symbolic links", IN


def put(path, content):
    if content == FOLDER:
        path.mkdir()
    elif content == PIPE:
        os.mkfifo(path)
    elif content in (LINK, LOOP):
        path.symlink_to("/nonexistent/elsewhere" if content == LINK else path.name)
    elif content is not None:
        path.write_text(content)


def clear(folder):
    for name in (PERMITTED, DISALLOWED, STATIC, CONFIG):
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)


class Running:
    """A program on a data directory of its own; `with` ends it."""

    def __init__(self, program, folder, *more):
        self.port, http = free_ports(2)
        self.url = f"http://127.0.0.1:{http}"
        self.log = folder.parent / (folder.name + ".log")
        self.process = subprocess.Popen(
            [program, "--datadir", str(folder), "--networkid", "1337", "--nodiscover", "--port", str(self.port), "--verbosity", "4", "--ipcdisable",
             "--http", "--http.port", str(http), "--http.api", "admin,net", *more], stdout=self.log.open("w"), stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def said(self):
        return self.log.read_text(errors="replace")

    def rpc(self, method, *params):
        try:
            return ask(self.url, method, *params)["result"]
        except (OSError, KeyError):
            return None

    def serves(self, seconds):
        """False when it has ended, or does not answer within so many seconds."""
        try:
            until(lambda: self.process.poll() is not None or self.rpc("net_version"), "an answer", seconds)
        except AssertionError:
            return False
        return self.process.poll() is None


def outcome(node, peer, own, patience=60):
    """What becomes of a node that a listed one dials."""
    if not node.serves(patience):
        return ENDS if node.process.poll() == 1 else WAITS

    def decided():
        peer.rpc("admin_addPeer", own.replace(":0?", f":{node.port}?"))
        if node.process.poll() is not None:
            return PANIC if node.process.poll() == 2 else "ended"
        return IN if node.rpc("admin_peers") else OUT if any(words in node.said() for words in REFUSED) else None
    try:
        return until(decided, "a connection, or a refusal", 20)
    except AssertionError:
        return OUT if node.serves(1) else WAITS  # GoQuorum does not log each refusal


def run_case(program, folder, peer, urls, case):
    name, content, wanted, words, theirs = case
    reference = program.endswith("geth")
    clear(folder)
    if name != PERMITTED:
        put(folder / PERMITTED, json.dumps(urls))
    put(folder / name, content)
    with Running(program, folder, "--permissioned") as node:
        got = outcome(node, peer, urls[0], 8 if reference else 60)  # GoQuorum reads a pipe until somebody writes there
        peer.rpc("admin_removePeer", urls[0].replace(":0?", f":{node.port}?"))
    expected = theirs if reference and theirs else wanted
    if got == expected and (reference or words in node.said()):
        return True
    print(f"{name} {content!r}: {got}, expected {expected} with '{words}' said:\n{node.said()[-1500:]}", flush=True)
    return False


def check_running(program, folder, peer, urls):
    """A file that goes wrong while the node runs is told of once; one that is mended is obeyed at once."""
    clear(folder)
    put(folder / PERMITTED, json.dumps(urls))
    with Running(program, folder, "--permissioned") as node:
        assert outcome(node, peer, urls[0]) == IN
        assert NOBODY not in node.said()
        (folder / DISALLOWED).write_text("zz")
        url = urls[0].replace(":0?", f":{node.port}?")
        peer.rpc("admin_removePeer", url)
        until(lambda: not node.rpc("admin_peers"), "the connection to end")
        until(lambda: [peer.rpc("admin_addPeer", url), node.said().count("A node is not permitted to connect") > 1][1], "two refusals")
        assert node.said().count(NOBODY) == 1, node.said()
        (folder / DISALLOWED).unlink()
        until(lambda: [peer.rpc("admin_addPeer", url), node.rpc("admin_peers")][1], "a connection")


def main():
    program, network = os.path.abspath(sys.argv[1]), json.load(open(sys.argv[2]))
    os.environ["PRIVATE_CONFIG"] = "ignore"
    target = os.path.abspath(sys.argv[3]) if len(sys.argv) > 3 else program
    with tempfile.TemporaryDirectory(prefix="quorate-files-") as temporary:
        base = pathlib.Path(temporary)
        (base / "genesis.json").write_text(json.dumps(network["genesis"]))
        node_folder, peer_folder = base / "node", base / "peer"
        for binary, folder in ((target, node_folder), (program, peer_folder)):
            subprocess.run([binary, "--datadir", str(folder), "init", str(base / "genesis.json")], check=True, capture_output=True)
        with Running(program, peer_folder) as peer:
            assert peer.serves(60), peer.said()
            with Running(target, node_folder) as node:
                assert node.serves(60), node.said()
                urls = [n.rpc("admin_nodeInfo")["enode"].split("@")[0] + "@127.0.0.1:0?discport=0" for n in (node, peer)]
            results = [run_case(target, node_folder, peer, urls, case) for case in cases(*urls)]
            if target == program:
                check_running(program, node_folder, peer, urls)
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    sys.exit(not all(results))


if __name__ == "__main__":
    main()

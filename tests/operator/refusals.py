#!/usr/bin/env python3
"""What `quorate up` refuses, it refuses before it writes anything: no folder, no key, nothing in memory, nothing in a vault.

usage: refusals.py PROGRAM

PROGRAM is `quorate` in a folder that has quorate-node and quorate-tm too."""

import hashlib
import json
import os
import pathlib
import re
import signal
import socket
import sys
import time

from support import Network, rpc

KEPT_BYTES = 1 << 16


def everything(network):
    """The folder of the test and what is in memory for it, by name and content. A node that runs writes on, so its data is left out."""
    found = {}
    for path in sorted([*network.folder.rglob("*"), *pathlib.Path("/dev/shm").glob("quorate-*")]):
        if path.is_file() and "node" not in path.parts and path.parent.name != "logs" and path.suffix not in (".log", ".sock", ".lock"):
            found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
        elif path.is_dir() and "node" not in path.parts:
            found[str(path)] = ""
    return {path: value for path, value in found.items() if not path.startswith("/dev/shm/quorate-try-")}


def refused(network, change, text, code=1, options=(), undo=True):
    """`change` alters the network file's text; `up` is refused with `text`, and all is as before."""
    original = network.file.read_text()
    network.file.write_text(change(original))
    before = everything(network)
    network.run("up", "--detach", *options, "network.yaml", code=code, text=text)
    after = everything(network)
    own = {path for path in set(before) ^ set(after) if path.startswith(str(network.folder))}
    assert not own, own
    assert [path for path in before if path.startswith(str(network.folder)) and before[path] != after[path]] == []
    if undo:
        network.file.write_text(original)


def config(line):
    return lambda text: text.replace("  config:\n", f"  config:\n    {line}\n")


def joins(genesis, nodes):
    return config(f"genesis: {genesis}\n    staticnodes: {nodes}\n    bootnode:\n      url: 127.0.0.1\n      rpcport: 8545")


def vault(url, token="env:TOKEN_OF_THE_TEST"):
    block = f"      vault:\n        url: \"{url}\"\n        root_token: {token}\n"
    return lambda text: re.sub(r"(\n      name: \w+\n)(      services:)", lambda m: m.group(1) + block + m.group(2), text)


def check_new(network):
    folder = network.folder
    good_nodes, bad_nodes, bad_genesis = folder / "nodes.json", folder / "bad-nodes.json", folder / "bad-genesis.json"
    good_nodes.write_text('["enode://' + "a" * 128 + '@127.0.0.1:1?discport=0"]\n')
    bad_nodes.write_text('{"a": 1}\n')
    bad_genesis.write_text('{"config": {"chainId": 10}, "gasLimit": "many"}\n')
    missing = folder / "missing.json"
    refused(network, joins(missing, good_nodes), "missing.json", code=2)
    refused(network, joins(bad_genesis, missing), "missing.json", code=2)
    refused(network, joins(bad_genesis, bad_nodes), "is no list of enodes", code=2)
    refused(network, joins(bad_genesis, good_nodes), "is no genesis", code=2)
    refused(network, lambda text: text.replace("          lock: true", "          geth_passphrase: env:NOT_THERE_AT_ALL\n          lock: true"),
            "NOT_THERE_AT_ALL", code=2)
    refused(network, lambda text: text.replace("          lock: true", f"          geth_passphrase: file:{missing}\n          lock: true"),
            "missing.json", code=2)
    # Only the last peer's: those before it must not have keys by then.
    refused(network, lambda text: "          geth_passphrase: env:NOT_THERE_AT_ALL\n          lock: true".join(text.rsplit("          lock: true", 1)),
            "keys of two/two", code=2)
    refused(network, config(f"genesis: {good_nodes}/genesis.json"), "is no folder")
    refused(network, config(f"genesis: {folder}"), "is no file")
    refused(network, lambda text: text, "missing", code=2, options=("--passphrase-file", str(missing)))
    refused(network, lambda text: text, "takes file or vault", code=2, options=("--secrets", "nowhere"))
    refused(network, lambda text: text, "is no folder", options=("--data", str(good_nodes)))
    refused(network, lambda text: text + "  config: {}\n", "has errors", code=2)
    refused(network, lambda text: text + "---\nnetwork: {}\n", "a second document begins here", code=2)
    refused(network, lambda text: text, "--image is for clusters", code=2, options=("--image", "x"))
    refused(network, lambda text: config("blockperiod: 2")(text).replace("lock: true", f"geth_passphrase: file:{missing}\n          lock: true", 1),
            "`quorate check network.yaml` shows ", code=2)
    check_warnings(network)
    network.run("promote", "network.yaml", "one", code=2, text="there is no network in")
    print("a new network: files, references, folders and options")


def check_warnings(network):
    """A plan shows what `check` warns of, for people and for scripts."""
    (network.folder / "warned.yaml").write_text(config("blockperiod: 2")(network.file.read_text()))
    told = json.loads(network.run("check", "--json", "warned.yaml"))
    assert told["warnings"] == 2, told
    for problem in told["problems"]:
        network.run("plan", "warned.yaml", text=problem["message"])
    plan = json.loads(network.run("plan", "--json", "warned.yaml"))
    assert (plan["file"], plan["warnings"], plan["problems"]) == ("warned.yaml", 2, told["problems"]), plan
    assert {"action": "make", "what": "genesis"} in plan["changes"], plan["changes"]
    assert {"action": "start", "what": "two/two node"} in plan["changes"], plan["changes"]
    (network.folder / "warned.yaml").unlink()


def check_vault(network):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    refused(network, vault(url), "TOKEN_OF_THE_TEST", code=2, options=("--secrets", "vault"))
    network.environment["TOKEN_OF_THE_TEST"] = "a-token-of-the-test"
    refused(network, vault(url), url, options=("--secrets", "vault"))
    refused(network, lambda text: text, "has no vault.url", code=2, options=("--secrets", "vault"))
    print("a vault that is not there")


def check_port(network):
    port = int(re.search(r"\n            port: (\d+)", network.file.read_text()).group(1))
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        refused(network, lambda text: text, f"port {port} of one/one is in use by {pathlib.Path('/proc/self/comm').read_text().strip()} (process {os.getpid()})")
    print("a port in use")


def listen_in_place_of(network, program, port):
    """A socket that listens at the port of a running program, which was killed for it."""
    for _ in range(50):
        for process, line in network.processes().items():
            if program in line and "/one/one/" in line:
                os.kill(process, signal.SIGKILL)
        end = time.monotonic() + 0.2  # until the supervisor starts it again
        while time.monotonic() < end:
            other = socket.socket()
            try:
                other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                other.bind(("127.0.0.1", port))
                other.listen()
                return other
            except OSError:
                other.close()
    sys.exit(f"{program} always was faster at port {port}")


def check_taken(network):
    """A program that ends since another one has its port is no reason to wait: who has it is said at once."""
    ports = json.loads((network.data / "ports.json").read_text())["one/one"]
    for program, port in (("quorate-node", ports[1][1]), ("quorate-node", ports[0][1]), ("quorate-tm", ports[3][1])):
        with listen_in_place_of(network, program, port):
            network.run("up", "--detach", "--wait", "3600", "network.yaml", code=1, text=f"port {port} of one/one is in use by")
        network.up(text="ready one/one")
    print("ports taken from programs that run")


def listening(port):
    other = socket.socket()
    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    other.bind(("127.0.0.1", port))
    other.listen()
    return other


def given(network):
    """{peer: [p2p, JSON-RPC, Raft, manager, database]}"""
    return {peer: [row[1] for row in rows] for peer, rows in json.loads((network.data / "ports.json").read_text()).items()}


def check_serves(network):
    """With the ports that ports.json has now, and none of the others'."""
    ports = given(network)
    for peer, (p2p, http, _, tm, _) in ports.items():
        nodes = (network.data / peer / "node/static-nodes.json").read_text()
        assert all(f"@127.0.0.1:{row[0]}?" in nodes for row in ports.values()), nodes
        managers = (network.data / peer / "tm/tessera-config.json").read_text()
        assert all(f"127.0.0.1:{row[3]}" in managers for row in ports.values()), managers
        url = f"http://127.0.0.1:{http}"
        assert len(rpc(url, "admin_peers")) == 1 and rpc(url, "admin_nodeInfo")["ports"]["listener"] == p2p
    network.run("doctor", text="0 problems")


def check_new_ports(network):
    """In place of ports that others took while the network was down, and of one that a running program lost."""
    before = given(network)
    taken = [before["one/one"][0], before["two/two"][3]]
    network.run("down", text="stopped")
    with listening(taken[0]), listening(taken[1]):
        network.up(code=1, text="--new-ports")
        published = lambda text: text.replace(f"port: {taken[0]}\n", f"port: {taken[0]}\n            ambassador: {taken[0]}\n")
        refused(network, published, f"port {taken[0]} of one/one is in use by", options=("--new-ports",))
        output = network.run("up", "--detach", "--new-ports", "network.yaml", text=f"of two/two (of its transaction manager) in place of {taken[1]}, which")
        assert f"of one/one (of its node for other nodes) in place of {taken[0]}, which" in output, output
        now = given(network)
        assert now["one/one"][1:] == before["one/one"][1:] and now["two/two"][:3] == before["two/two"][:3], now
        assert now["one/one"][0] not in taken and now["two/two"][3] not in taken, now
        check_serves(network)
    network.up(text="there data of one/one")
    assert given(network) == now, "the ports did not stay"
    with listen_in_place_of(network, "quorate-node", now["one/one"][1]):
        network.run("up", "--detach", "--new-ports", "network.yaml", text=f"of one/one (of its node for JSON-RPC) in place of {now['one/one'][1]}, which")
        check_serves(network)
    print("other ports in place of those that are taken")


def check_lost_keys(network):
    """Keys that nodes live by are never made anew."""
    for name, text in (("secrets", "the node lives on a chain by them"), ("secrets.key", "secrets.key is not there")):
        path = network.data / name
        path.rename(network.folder / "away")
        refused(network, lambda text: text, text, code=2)
        network.run("plan", "network.yaml", code=2, text=text)
        (network.folder / "away").rename(path)


def check_living(network):
    network.up(text="ready two/two")
    check_taken(network)
    check_new_ports(network)
    one_more = "    - organization:\n      name: late\n      services:\n        peers:\n        - peer:\n          name: late\n"
    refused(network, lambda text: config("chain_id: 99")(text) + one_more, "asks for another genesis")
    refused(network, lambda text: text.replace("transaction_manager: tessera", "transaction_manager: constellation"), "asks for another place")
    refused(network, lambda text: text, "stay there", options=("--secrets", "vault"))
    network.up(text="there genesis")
    network.data.chmod(0o770)
    network.run("doctor", code=1, text="can be written by others")
    network.data.chmod(0o700)
    network.run("down", text="stopped")
    founders = network.data / "founders.json"
    kept = founders.read_text()
    founders.write_text("[")
    refused(network, lambda text: text, "founders.json is damaged")
    founders.write_text(kept)
    secrets = network.data / "secrets"
    content = secrets.read_bytes()
    secrets.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    refused(network, lambda text: text, "does not open", code=2)
    secrets.write_bytes(content)
    check_lost_keys(network)
    store = network.data / "two" / "two" / "node" / "geth" / "quorate" / "data.mdb"
    store.rename(network.folder / "away")
    store.mkdir()
    network.up("--wait", "8", code=1, text='after 8 seconds: two/two node ends with "Fatal: Error starting protocol stack: ')
    store.rmdir()
    (network.folder / "away").rename(store)
    network.up(text="ready two/two")
    print("a network that lives: another genesis, another dialect, another store, damaged files")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if os.getuid() != 0:
        os.umask(0o077)
    with Network(sys.argv[1]) as network:
        network.init("--organizations", "one,two")
        check_new(network)
        check_vault(network)
        check_port(network)
        check_living(network)
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()

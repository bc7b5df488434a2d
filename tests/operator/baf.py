#!/usr/bin/env python3
"""The sample network files of BAF 0.8.1: `check` explains their placeholders, and with nothing but these filled `up --local` runs the network of
each, also with Constellation's dialect.

usage: baf.py PROGRAM FIXTURES tessera|constellation

PROGRAM is `quorate` in a folder that has quorate-node and quorate-tm too."""

import json
import os
import pathlib
import re
import sys

from members import STORES_42, growing, members
from samples import baf
from support import Network, free_base, rpc, until

# As a person sees them in the files: places that only the owner of a network knows.
PLACEHOLDERS = {
    "network-quorum.yaml": ["docker_username", "docker_password", "quorum_staticnodes", "quorum_genesis", "aws_access_key", "cluster_context", "vault_addr",
                            "vault_root_token", "git_username", "git_access_token", "git_email", "path_to_private_key", "true/false"],
    "network-minikube.yaml": ["<YOUR DOCKER USERNAME>", "<Your Vault local IP address>", "<Your Vault root token>", "github_username", "git password / token"],
    "network-quorum-newnode.yaml": ["docker_username", "quorum_staticnodes", "quorum_genesis", "cluster_config", "vault_addr", "git_email"],
}


def explained(network, folder):
    """Every placeholder is named with its line and field, and what belongs there."""
    for name, words in PLACEHOLDERS.items():
        path = folder / name
        report = json.loads(network.run("check", "--json", str(path), code=1))
        lines = path.read_text().splitlines()
        for word in words:
            found = [p for p in report["problems"] if "placeholder" in p["message"] and word in p["message"]]
            assert found, f"{name}: nothing is said of {word}"
            for p in found:
                assert p["severity"] == "error" and p["remedy"] and p["path"].startswith("network."), p
                assert word in lines[p["line"] - 1], p
        # One machine needs neither registry nor vault nor git.
        local = json.loads(network.run("check", "--local", "--json", str(path), code=None))
        assert local["errors"] < report["errors"], (local["errors"], report["errors"])
        print(f"{name}: {report['errors']} errors on clusters, {local['errors']} on one machine; {len(words)} placeholders are explained")


def own_ports(text):
    """Published ports are the test's own, each as often as the sample has it: the samples' would collide with whoever else runs them."""
    ports = sorted(set(re.findall(r"ambassador: (\d+)", text)) | set(re.findall(r"(?<!\w)port: (\d+)", text)))
    base = free_base(len(ports))
    for i, port in enumerate(ports):
        text = re.sub(rf"((?:ambassador|port|rpcport): ){port}\b", lambda m, new=base + i: f"{m.group(1)}{new}", text)
    return text


def sample(network, fixtures, name, change=lambda text: text, **files):
    text = baf(fixtures, name, **files)
    network.environment.update(VAULT_TOKEN="not used", AWS_ACCESS="not used", AWS_SECRET="not used", DOCKER_PASSWORD="not used", GIT_TOKEN="not used")
    network.file.write_text(change(own_ports(text)))


def private(network, sender, party):
    """A contract between the two; what each peer of the network reads of it."""
    transaction = network.send_private(sender, party, STORES_42)
    seen = {}
    for row in network.status():
        url = f"http://127.0.0.1:{row['rpc']}"
        receipt = until(lambda u=url: rpc(u, "eth_getTransactionReceipt", transaction), f"a receipt at {row['peer']}")
        seen[row["peer"]] = int(rpc(url, "eth_getStorageAt", receipt["contractAddress"], "0x0", "latest"), 16)
    return seen


def runs(network, what, sender, party):
    network.run("check", "--local", str(network.file), text=" 0 errors")
    network.run("up", "--local", "--detach", "--wait", "120", str(network.file), text="ready")
    seen = private(network, sender, party)
    parties = [peer for peer, value in seen.items() if value == 42]
    assert sorted(p.split("/")[1] for p in parties) == sorted([sender, party]), seen
    assert set(seen.values()) == {0, 42}, seen
    print(f"{what}: {len(seen)} peers, private between {' and '.join(parties)} alone")


def constellation(text):
    """As the sample's own comments say it: one boot node, with a / at its end."""
    text = re.sub(r'(    tm_nodes: *\n)(?:      - "https://[^\n]*\n)+', r'\1      - "https://carrier.test.quorum.blockchaincloudpoc.com:15012/"' "\n", text)
    text = text.replace('transaction_manager: "tessera"', 'transaction_manager: "constellation"')
    assert "constellation\"" in text
    return re.sub(r'tm_version: "[^"]*"', 'tm_version: "0.3.2"', text)


def newcomer(network, fixtures, program, genesis, staticnodes):
    """The third sample joins the network of the first, as another operator on the same machine."""
    with Network(program) as other:
        rpcport = int(network.url("carrier/carrier").rsplit(":", 1)[1])
        managers = json.loads((network.data / "carrier/carrier/tm/tessera-config.json").read_text())
        own = next(s["serverAddress"] for s in managers["serverConfigs"] if s["app"] == "P2P")
        nodes = [own] + [peer["url"].rstrip("/") for peer in managers["peer"]]

        def reachable(text):
            """Names of the sample's domain do not resolve here."""
            text = re.sub(r"url: carrier\.test\S*", "url: 127.0.0.1", text)
            text = re.sub(r"rpcport: \d+", f"rpcport: {rpcport}", text)
            listed = iter(nodes)
            return re.sub(r'- "https://\w+\.test\.quorum\.blockchaincloudpoc\.com:\d+"', lambda m: f'- "{next(listed)}"', text)
        sample(other, fixtures, "network-quorum-newnode.yaml", reachable, genesis=str(genesis), staticnodes=str(staticnodes))
        other.run("check", "--local", str(other.file), text=" 0 errors")
        other.run("up", "--local", "--detach", "--wait", "120", str(other.file), text="ready neworg/neworg")
        url = other.url("neworg/neworg")
        until(lambda: members(network, "carrier/carrier", 5), "a fifth member")
        head = rpc(network.url("carrier/carrier"), "eth_getBlockByNumber", "latest", False)
        until(lambda: rpc(url, "eth_getBlockByNumber", head["number"], False) == head, "the newcomer to have the chain")
        before = (other.data / "genesis.json").read_bytes()
        assert before == genesis.read_bytes()
        # Done again it is the same member.
        other.run("up", "--local", "--detach", str(other.file), text="there genesis")
        assert len(rpc(url, "raft_cluster")) == 5
        # A contract between the newcomer and one that was there.
        transaction = network.send_private("store", other.secret("neworg", "tm.pub").strip(), STORES_42)
        receipt = until(lambda: rpc(url, "eth_getTransactionReceipt", transaction), "a receipt")
        assert int(rpc(url, "eth_getStorageAt", receipt["contractAddress"], "0x0", "latest"), 16) == 42
        assert int(rpc(network.url("warehouse/warehouse"), "eth_getStorageAt", receipt["contractAddress"], "0x0", "latest"), 16) == 0
        print("network-quorum-newnode.yaml: the newcomer is a member, has the chain, and takes part in a private contract")


def main():
    if len(sys.argv) != 4 or sys.argv[3] not in ("tessera", "constellation"):
        sys.exit(__doc__)
    program, fixtures = sys.argv[1], pathlib.Path(os.environ.get("QUORATE_FIXTURES", sys.argv[2]))
    folder = fixtures / "network-yaml/baf-0.8.1"
    if not folder.is_dir():
        print(f"skipped: no {folder}")
        sys.exit(77)
    with Network(program) as network:
        genesis, nodes = network.folder / "build" / "quorum_genesis", network.folder / "build" / "quorum_staticnodes"
        for name, words in (("network-quorum.yaml", "Raft"), ("network-minikube.yaml", "IBFT")):
            change = constellation if sys.argv[3] == "constellation" else lambda text: text
            sample(network, fixtures, name, change, genesis=str(genesis), staticnodes=str(nodes))
            runs(network, f"{name} ({words}, the dialect of {sys.argv[3]})", "carrier", "warehouse")
            if words == "IBFT":
                growing(network)
            elif sys.argv[3] == "tessera":
                assert json.loads(genesis.read_text())["config"]["chainId"] and len(json.loads(nodes.read_text())) == 4
                newcomer(network, fixtures, program, genesis, nodes)
            network.run("down", "--purge", "--yes")
            genesis.unlink(missing_ok=True)
            nodes.unlink(missing_ok=True)
        explained(network, folder)
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()

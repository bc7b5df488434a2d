#!/usr/bin/env python3
"""`quorate up` on a real Kubernetes API: kube-apiserver with its controllers, kubectl and helm, and OpenBao whose token reviews it answers.

usage: apiserver.py PROGRAM INIT CHARTS

$QUORATE_KUBERNETES is a folder with kube-apiserver and kube-controller-manager, and may have kubectl and a folder `crds`, whose definitions (Gateway API, Flux) the
rendered objects are then checked against. Beside it: etcd, kubectl, helm ($QUORATE_HELM), OpenBao ($QUORATE_OPENBAO) and openssl. Skipped without. No kubelet runs: pods
are made and stay pending, so nothing is waited for; the namespaces enforce the restricted pod security standard."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import samples  # noqa: E402
from cluster import PASSWORD  # noqa: E402
from kubernetes import PROGRAMS, Kubernetes, call, programs  # noqa: E402
from vault import Vault  # noqa: E402

SKIPPED = 77
ORGANIZATIONS = ("carrier", "store")
VERSION = "registry.example/quorate:"


class Operator:
    def __init__(self, folder, program, charts, vault):
        self.folder, self.program, self.charts = folder, program, charts
        text = samples.bevel().replace('            geth_passphrase: "env:PASSPHRASE"\n', "")
        for name in ORGANIZATIONS:
            text = text.replace(f"/etc/kube/{name}", str(folder / f"kube-{name}"))
        self.file = folder / "network.yaml"
        self.file.write_text(text.replace("https://vault.example:8200", vault.url))

    def run(self, *words, code=0, text=None):
        environment = dict(os.environ, DOCKER_PASSWORD=PASSWORD, VAULT_TOKEN="root")
        done = subprocess.run([self.program, *words], cwd=self.folder, capture_output=True, text=True, env=environment, timeout=600)
        output = done.stdout + done.stderr
        if done.returncode != code or (text is not None and text not in output):
            sys.exit(f"quorate {' '.join(words)} ended with {done.returncode}, expected {code} and '{text}':\n{output}")
        return output

    def up(self, tag, **expected):
        return self.run("up", "--no-wait", "--charts", self.charts, "--image", VERSION + tag, "network.yaml", **expected)


def check_up(kubernetes, operator):
    operator.run("plan", "--charts", operator.charts, "network.yaml", text="would  carrier: login method quorumcarrier")
    assert not [n for n in kubernetes.get("namespaces")["items"] if n["metadata"]["name"].endswith("-quo")], "a plan has made a namespace"
    for name in ORGANIZATIONS:  # somebody else's field, which must stay
        kubernetes.kubectl("create", "namespace", f"{name}-quo")
        kubernetes.kubectl("label", "namespace", f"{name}-quo", "pod-security.kubernetes.io/enforce=restricted", "pod-security.kubernetes.io/enforce-version=latest")
    output = operator.up("first", text="made   carrier: release carriervalidator-1node")
    for name in ORGANIZATIONS:
        namespace = kubernetes.get("namespaces", None, f"{name}-quo", "--show-managed-fields")["metadata"]
        assert namespace["labels"]["pod-security.kubernetes.io/enforce"] == "restricted", namespace
        managers = {(m["manager"], m["operation"]) for m in namespace["managedFields"]}
        assert ("quorate", "Apply") in managers, managers
        binding = kubernetes.get("clusterrolebindings", None, f"{name}-quo-role-tokenreview-binding")
        assert binding["roleRef"]["name"] == "system:auth-delegator"
        secret = kubernetes.get("secrets", f"{name}-quo", f"supply-{name}-ambassador-certs")
        assert secret["type"] == "kubernetes.io/tls" and set(secret["data"]) == {"tls.crt", "tls.key"}
    sets = kubernetes.get("statefulsets", "carrier-quo")["items"]
    assert sorted(s["metadata"]["name"] for s in sets) == ["supply-carrier"] + [f"validator-{i}" for i in range(1, 5)]
    return output


def check_pods(kubernetes):
    """The controllers make them: the restricted standard takes them as they are."""
    def made():
        pods = kubernetes.get("pods", "carrier-quo")["items"] + kubernetes.get("pods", "store-quo")["items"]
        return pods if len(pods) == 6 else None
    pods = kubernetes.wait("the pods", made)
    for pod in pods:
        assert pod["spec"]["serviceAccountName"] == "vault-auth" and pod["status"]["phase"] == "Pending", pod["metadata"]["name"]
    claims = {c["metadata"]["name"] for c in kubernetes.get("persistentvolumeclaims", "store-quo")["items"]}
    assert claims == {"supply-store-pv-supply-store-0", "supply-store-mysql-supply-store-0"}, claims
    return pods


def check_again(operator):
    operator.up("first", text="nothing to do")
    output = operator.run("plan", "--charts", operator.charts, "--image", VERSION + "next", "network.yaml")
    assert "6 changes" in output and "would  store: release storesupply-storetessera, changed" in output, output


def check_upgrade(kubernetes, operator):
    """A new image: every stateful set takes it, as no selector has a version in it."""
    operator.up("next", text="release storesupply-storetessera, changed")
    for name in ORGANIZATIONS:
        for item in kubernetes.get("statefulsets", f"{name}-quo")["items"]:
            assert item["spec"]["template"]["spec"]["containers"][-1]["image"] == VERSION + "next", item["metadata"]["name"]
    rows = json.loads(operator.run("status", "--json", code=1))
    assert len(rows) == 6 and not any(r["ready"] for r in rows), rows
    # What somebody has taken away is put back, by server-side apply.
    kubernetes.kubectl("delete", "serviceaccount", "vault-auth", "--namespace", "store-quo")
    output = operator.up("next", text="made   store: ServiceAccount vault-auth")
    assert output.count("made ") == 1, output


def login(init, vault, folder, name, peer, token, prefix=None):
    """quorate-init as in the pod, with a token that the API server made for the pods' account."""
    jwt, secret = folder / "jwt", folder / f"secret-{name}"
    jwt.write_text(token)
    environment = {"PATH": os.environ["PATH"], "VAULT_ADDR": vault.url, "VAULT_SECRET_PREFIX": prefix or f"secretsv2/{name}-quo/crypto/{peer}",
                   "KUBERNETES_AUTH_PATH": f"quorum{name}", "VAULT_APP_ROLE": "vault-role", "VAULT_JWT_FILE": str(jwt), "MOUNT_PATH": str(secret)}
    done = subprocess.run([init, "certificates", "--certificate-secret=certs"], env=environment, capture_output=True, text=True, timeout=60)
    assert token not in done.stdout + done.stderr
    return done, secret / "keys"


def check_login(kubernetes, init, vault, folder):
    """OpenBao has the token reviewed by the API server, with itself; an account, a namespace or an organization that is another's is refused."""
    def token(namespace, account):
        return kubernetes.kubectl("create", "token", account, "--namespace", namespace, "--duration", "10m").strip()
    for name in ORGANIZATIONS:
        done, keys = login(init, vault, folder, name, f"supply-{name}", token(f"{name}-quo", "vault-auth"))
        assert done.returncode == 0, done.stderr
        fields = vault.ask("GET", f"secretsv2/data/{name}-quo/crypto/supply-{name}/quorum")["data"]["data"]
        assert (keys / "nodekey").read_text() == fields["nodekey"] and (keys / "nodekey").stat().st_mode & 0o777 == 0o400
        assert (keys / "tls.pem").read_text().count("BEGIN CERTIFICATE") == 2 and (keys / "tls.key").read_text().startswith("-----BEGIN")
    kubernetes.kubectl("create", "serviceaccount", "stranger", "--namespace", "store-quo")
    for name, account, namespace in (("store", "stranger", "store-quo"), ("store", "vault-reviewer", "store-quo"), ("carrier", "vault-auth", "store-quo")):
        done, _ = login(init, vault, folder, name, f"supply-{name}", token(namespace, account))
        assert done.returncode == 1 and f"the login at auth/quorum{name} is refused" in done.stderr and "not authorized" in done.stderr, done.stderr
    done, _ = login(init, vault, folder, "store", "supply-store", token("store-quo", "vault-auth")[:-8] + "AAAAAAAA")
    assert done.returncode == 1 and "the login at auth/quorumstore is refused" in done.stderr, done.stderr
    # In, but not at another's secrets: the message has the path and the policies.
    done, _ = login(init, vault, folder, "store", "supply-carrier", token("store-quo", "vault-auth"), "secretsv2/carrier-quo/crypto/supply-carrier")
    assert done.returncode == 1 and "carrier-quo/crypto/supply-carrier/quorum" in done.stderr, done.stderr
    assert "vault-crypto-organization-store-ro" in done.stderr, done.stderr


def check_definitions(kubernetes, operator, folder_of_programs, helm):
    """Objects of the Gateway API, by its own definitions, strictly."""
    crds = folder_of_programs / "crds"
    if not crds.is_dir():
        print("no folder crds: the Gateway API's objects are not looked at")
        return
    kubernetes.kubectl("apply", "--server-side", "--filename", str(crds))
    kubernetes.kubectl("wait", "--for=condition=Established", "--timeout=60s", "--filename", str(crds))
    text = operator.file.read_text()
    operator.file.write_text(text.replace("proxy: ambassador", "proxy: gateway\n    proxy_class: any"))
    operator.run("render", "--data", "other", "--out", "rendered", "network.yaml")
    operator.file.write_text(text)
    kinds = set()
    for name in ORGANIZATIONS:
        release = f"{name}supply-{name}tessera"
        objects = call(helm, "template", release, os.path.join(operator.charts, "node-tessera"), "--kube-version", "1.33.0", "--namespace", f"{name}-quo",
                       "--values", f"rendered/{name}/values/{release}.yaml", cwd=operator.folder)
        answer = kubernetes.kubectl("apply", "--server-side", "--dry-run=server", "--validate=strict", "--force-conflicts", "--filename", "-", text=objects)
        kinds |= set(re.findall(r"^([a-z]+)\.gateway\.networking\.k8s\.io/", answer, re.M))
    assert kinds == {"gateway", "httproute", "tcproute", "tlsroute"}, kinds
    print("gateway, routes: as their definitions demand")


def check_down(kubernetes, operator, vault):
    operator.run("down", text="gone   store: release storesupply-storetessera")
    assert not kubernetes.get("statefulsets", "store-quo")["items"]
    assert kubernetes.get("persistentvolumeclaims", "store-quo")["items"], "claims must outlive the releases"
    operator.run("down", "--purge", "--yes", text="gone   store: namespace, binding, login, secrets")
    kubernetes.wait("the namespaces to go", lambda: not [n for n in kubernetes.get("namespaces")["items"] if n["metadata"]["name"].endswith("-quo")])
    left = [b["metadata"]["name"] for b in kubernetes.get("clusterrolebindings")["items"] if "-quo-" in b["metadata"]["name"]]
    assert not left, left
    assert not [m for m in vault.ask("GET", "sys/auth")["data"] if m.startswith("quorum")]


def main():
    program, init, charts = (os.path.abspath(w) for w in sys.argv[1:4])
    folder_of_programs = programs()
    helm, bao = (shutil.which(os.environ.get(v, n)) for v, n in (("QUORATE_HELM", "helm"), ("QUORATE_OPENBAO", "bao")))
    lacks = [n for n in (*PROGRAMS, "etcd", "kubectl", "openssl") if not folder_of_programs or not shutil.which(n)]
    lacks += [n for n, p in (("helm (QUORATE_HELM)", helm), ("bao (QUORATE_OPENBAO)", bao)) if not p]
    if lacks:
        print(f"skipped: not there: {', '.join(lacks)}; QUORATE_KUBERNETES names Kubernetes' programs")
        return SKIPPED
    os.environ["PATH"] = f"{os.path.dirname(helm)}:{os.environ['PATH']}"
    with tempfile.TemporaryDirectory(prefix="quorate-apiserver-") as folder:
        folder = pathlib.Path(folder)
        vault, kubernetes = Vault(bao), None
        try:
            kubernetes = Kubernetes(folder, ORGANIZATIONS)
            version = json.loads(kubernetes.kubectl("version", "--output", "json"))["serverVersion"]["gitVersion"]
            operator = Operator(folder, program, charts, vault)
            check_up(kubernetes, operator)
            check_pods(kubernetes)
            print(f"Kubernetes {version}: up, by server-side apply and helm; the restricted standard takes every pod")
            check_again(operator)
            check_upgrade(kubernetes, operator)
            print("again: nothing to do; upgraded in place; what was taken away is put back")
            check_login(kubernetes, init, vault, folder)
            print("pods' tokens are reviewed by the API server for OpenBao; others are refused")
            check_definitions(kubernetes, operator, folder_of_programs, helm)
            check_down(kubernetes, operator, vault)
            print("down: namespaces, bindings, logins are gone")
        finally:
            if kubernetes:
                kubernetes.end()
            vault.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())

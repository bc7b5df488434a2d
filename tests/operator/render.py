#!/usr/bin/env python3
"""`quorate render`: the samples of BAF 0.8.1 and a file of Bevel 1.1's schema become the objects of the reference.

usage: render.py PROGRAM CHARTS FIXTURES

Plain objects, files and vault paths are compared with the table below; the pods, expanded by helm ($QUORATE_HELM or that of the path), with
FIXTURES/reference-pods.json. Without helm the releases' values alone are looked at; with $QUORATE_DEFINITIONS the releases as Flux's definitions demand
(support/definitions.py). Needs python3-yaml and BAF's samples; skipped without."""

import base64
import copy
import json
import os
import pathlib
import shutil
import ssl
import stat
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../charts"))
import charts as chart_checks  # noqa: E402
from charts import definitions  # noqa: E402
import samples  # noqa: E402

SKIPPED = 77
SECRET = "registry-secret-of-the-test"
BOUND = [{"kind": "ServiceAccount", "name": "vault-reviewer"}, {"kind": "ServiceAccount", "name": "vault-auth"}]


class Rendered:
    def __init__(self, program, text, *options, code=0):
        self.temporary = tempfile.TemporaryDirectory(prefix="quorate-render-")
        self.folder = pathlib.Path(self.temporary.name)
        self.out = self.folder / "out"
        (self.folder / "network.yaml").write_text(text)
        self.program = program
        self.output = self.run(*options, code=code)

    def run(self, *options, code=0, out="out"):
        environment = dict(os.environ, DOCKER_PASSWORD=SECRET, PASSPHRASE="a passphrase")
        done = subprocess.run([self.program, "render", "--out", out, *options, "network.yaml"], cwd=self.folder, capture_output=True, text=True,
                              env=environment, timeout=120)
        if done.returncode != code:
            sys.exit(f"quorate render ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def files(self, out="out"):
        root = self.folder / out
        return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}

    def load(self, path):
        import yaml
        return yaml.safe_load((self.out / path).read_text())


def same(what, ours, theirs):
    if ours != theirs:
        sys.exit(f"{what}: {ours}\nexpected: {theirs}")


def names(objects):
    return sorted((o["kind"], o["metadata"]["name"], o["metadata"].get("namespace", "")) for o in objects)


def check_plain(rendered, organization, storage_class, registry="index.docker.io"):
    """The objects of an organization that no chart makes, in BAF's files."""
    namespace = f"{organization}-quo"
    release = f"{organization}/release"
    files = {f"{namespace}/namespace.yaml": ("Namespace", namespace, ""), f"{namespace}/vaultAuth.yaml": ("ServiceAccount", "vault-auth", namespace),
             f"{namespace}/vault-reviewer.yaml": ("ServiceAccount", "vault-reviewer", namespace),
             f"{namespace}/reviewer_rbac.yaml": ("ClusterRoleBinding", f"{namespace}-role-tokenreview-binding", ""),
             f"{namespace}/disruption.yaml": ("PodDisruptionBudget", "peers", namespace),
             f"{storage_class}/storageclass.yaml": ("StorageClass", storage_class, "")}
    objects = []
    for file, name in files.items():
        objects.append(rendered.load(f"{release}/{file}"))
        same(file, names(objects[-1:]), [name])
    binding = objects[3]
    same("role of the binding", binding["roleRef"], {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:auth-delegator"})
    same("subjects", binding["subjects"], [dict(s, namespace=namespace) for s in BOUND])
    secret = rendered.load(f"{organization}/secrets/regcred.yaml")
    same("registry's secret", names([secret]), [("Secret", "regcred", namespace)])
    auths = json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))["auths"]
    same("registry", auths, {registry: {"username": "puller", "password": SECRET,
                                        "auth": base64.b64encode(f"puller:{SECRET}".encode()).decode()}})
    mode = stat.S_IMODE((rendered.out / f"{organization}/secrets/regcred.yaml").stat().st_mode)
    same("mode of a secret", mode, 0o600)
    return objects + [secret]


def check_vault(rendered, organization, mount, peers):
    """`peers`: name -> has a transaction manager."""
    folder = f"{mount}/{organization}-quo/crypto"
    expected = [f"{folder}/{p}/{s}" for p, tm in peers.items() for s in ("quorum", "transaction", "certs")[:3 if tm else 1]]
    same("paths in the vault", (rendered.out / organization / "vault/paths.txt").read_text().split(), expected)
    role = json.loads((rendered.out / organization / "vault/role.json").read_text())
    same("role", (role["bound_service_account_names"], role["bound_service_account_namespaces"], role["token_policies"], role["token_ttl"]),
         (["vault-auth"], [f"{organization}-quo"], [f"vault-crypto-organization-{organization}-ro"], 120))
    policy = (rendered.out / organization / "vault/policy.hcl").read_text()
    for path in (f"{mount}/{organization}-quo/crypto/*", f"{mount}/data/{organization}-quo/crypto/*", f"{mount}/{organization}-quo/smartContracts/*"):
        assert f'path "{path}" {{\n  capabilities = ["read", "list"]\n}}' in policy, policy
    assert "create" not in policy and "update" not in policy and "sudo" not in policy


def decode(pem):
    """A certificate's fields, by Python's own TLS."""
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(pem)
        file.flush()
        return ssl._ssl._test_decode_cert(file.name)


def check_certificate(rendered, organization, peer, suffix, helm, values):
    """For every name by which the manager is called, by the organization's own authority, whose key is nowhere in what is rendered."""
    secret = rendered.load(f"{organization}/secrets/{peer}-ambassador-certs.yaml")
    same("proxy's secret", (secret["type"], names([secret])),
         ("kubernetes.io/tls", [("Secret", f"{peer}-ambassador-certs", f"{organization}-quo")]))
    chain = base64.b64decode(secret["data"]["tls.crt"]).decode()
    leaf, authority = decode(chain), decode(chain[chain.index("-----BEGIN", 10):])
    inside = f"{peer}.{organization}-quo"
    for name in (f"{peer}.{suffix}", f"{organization}.{suffix}", inside, f"{inside}.svc.cluster.local",
                 f"{peer}-0.{inside}.svc.cluster.local", "localhost"):
        assert ("DNS", name) in leaf["subjectAltName"], (name, leaf)
    same("issuer", leaf["issuer"], authority["subject"])
    assert len(leaf["serialNumber"]) == 32 and leaf["serialNumber"] != authority["serialNumber"], leaf
    assert (("organizationalUnitName", organization),) in authority["subject"], authority
    if values["tessera"]["trust"] in ("CA", "CA_OR_TOFU"):
        assert chain[chain.index("-----BEGIN", 10):] in values["tessera"]["authorities"]
        same("secret of the certificate", values["vault"]["certsname"], "certs")
    if helm:
        objects = helm.render("tessera", values)
        pod = chart_checks.one(objects, "StatefulSet")["spec"]["template"]
        assert "--certificate-secret=certs" in pod["spec"]["initContainers"][0]["args"]
        same("mark", pod["metadata"]["annotations"]["quorate/certificate"], values["vault"]["certsmark"])
        config = json.loads(chart_checks.one(objects, "ConfigMap", f"tessera-config-{peer}")["data"]["tessera-config.json"])
        tls = next(s for s in config["serverConfigs"] if s["app"] == "P2P")["sslConfig"]
        same("trusted", tls["serverTrustCertificates"], ["/etc/quorum/qdata/genesis/authorities.pem"])
        assert tls["serverTlsKeyPath"] == "/etc/quorum/qdata/crypto/keys/tls.key" and not tls["generateKeyStoreIfNotExisted"], tls
        assert ("tessera", f"{peer}-genesis-volume", "/etc/quorum/qdata/genesis") in chart_checks.mounts(pod["spec"])


def check_ways_in(program, helm):
    """Other words of env.proxy, and ranges that restrict something or are told to restrict nothing."""
    text = samples.bevel().replace('            geth_passphrase: "env:PASSPHRASE"\n', "")  # a random one is quicker to derive from
    gateway = Rendered(program, text.replace("proxy: ambassador", "proxy: gateway\n    proxy_class: istio"))
    values, _ = release(gateway, "store", "storesupply-storetessera")
    same("gateway", (values["proxy"]["provider"], values["proxy"]["gateway"]), ("gateway", {"className": "istio"}))
    assert not list(gateway.out.rglob("*ambassador*"))
    ingress = Rendered(program, text.replace("proxy: ambassador", "proxy: haproxy").replace("SourceRanges: 0.0.0.0/0", "SourceRanges: 10.0.0.0/8,192.0.2.0/24"))
    other, _ = release(ingress, "store", "storesupply-storetessera")
    same("ingress", (other["proxy"]["provider"], other["proxy"]["ingress"]["className"], other["proxy"]["sourceRanges"]),
         ("ingress", "haproxy", ["10.0.0.0/8", "192.0.2.0/24"]))
    if helm:
        same("service", chart_checks.one(helm.render("tessera", other), "Service", "supply-store-p2p")["spec"]["loadBalancerSourceRanges"],
             ["10.0.0.0/8", "192.0.2.0/24"])
        chart_checks.one(helm.render("tessera", values), "Gateway")
    for change, words in (((("proxy: ambassador", "proxy: traefik"),), "no way in that the charts have"),
                          ((("proxy: ambassador", "proxy: gateway"),), "proxy_class"),
                          ((("proxy: ambassador", "proxy: ambassador\n    proxy_class: x"),), "is of ingresses and gateways"),
                          ((("rpc: {port: 8546", "rpc: {port: 30303"),), "30303 is the port of p2p in line"),
                          ((("https://vault.example", "vault.example"),), "is no URL of a vault")):
        bad = text
        for old, new in change:
            bad = bad.replace(old, new)
        refused = Rendered(program, bad, code=2)
        assert words in refused.output, refused.output
    mistyped = Rendered(program, text.replace("cloud_provider: aws", "cloud_provider: awz", 1))
    assert "note: 1 warning; `quorate check --kubernetes network.yaml` shows it" in mistyped.output, mistyped.output
    shown = json.loads(mistyped.run("--json"))
    assert shown["warnings"] == 1 and '"awz" is no provider that is known here' in shown["problems"][0]["message"], shown
    told = subprocess.run([program, "check", "--kubernetes", "network.yaml"], cwd=mistyped.folder, capture_output=True, text=True)
    assert told.returncode == 0 and '"awz" is no provider that is known here' in told.stdout + told.stderr, told
    print("ways in: gateway, ingress, source ranges")


def check_again(program):
    """A peer and an organization go: so do their files, and nobody else's."""
    text = samples.bevel()
    rendered = Rendered(program, text)
    gone = [f for f in rendered.files() if f.startswith("store/") or "validator-4" in f]
    assert len(gone) > 8, gone
    (rendered.out / "store/values/notes.txt").write_text("of a person")
    import yaml
    network = yaml.safe_load(text)
    carrier = network["network"]["organizations"][0]
    carrier["services"]["validators"] = carrier["services"]["validators"][:3]
    del network["network"]["organizations"][1:]
    network["network"]["config"]["tm_nodes"] = network["network"]["config"]["tm_nodes"][:1]
    (rendered.folder / "network.yaml").write_text(yaml.safe_dump(network))
    changed = "carrier/values/carriervalidator-1node.yaml"
    kept = (rendered.out / changed).read_text()
    (rendered.out / changed).write_text(kept + "more: 1\n")
    refused = rendered.run("--data", "other.d", code=1)
    assert changed in refused and "--overwrite" in refused, refused
    assert set(gone) <= set(rendered.files()), "a refused rendering has removed files"
    (rendered.out / changed).write_text(kept)
    told = rendered.run("--data", "other.d", "--json")
    told = json.loads(told[:told.rindex("}") + 1])  # behind it: what was told on the other stream
    same("removed", sorted(told["removed"]), sorted(f for f in gone if ".rendered.json" not in f))
    same("kept", (told["kept"], told["replaced"]), ([], []))
    left = rendered.files()
    same("left of who went", [f for f in left if f in gone or f.startswith("store/")], ["store/values/notes.txt"])
    fresh = rendered.run("--data", "other.d", out="fresh")
    assert "files written, 0 as they were, 0 removed" in fresh, fresh
    del left["store/values/notes.txt"]
    same("as in a new folder", left, rendered.files("fresh"))
    print("rendered again: files of a peer and an organization that went are removed, a person's stay")


def check_no_secrets(rendered):
    for path in rendered.out.rglob("*"):
        if path.is_file() and path.parent.name != "secrets":
            text = path.read_bytes()
            assert SECRET.encode() not in text and b"env:" not in text and b"nodekey" not in text, path


def release(rendered, organization, name):
    """The values of a peer, the same for Flux and for helm."""
    flux = rendered.load(f"{organization}/release/{organization}/{organization}/{name}.yaml")
    same("release", (flux["apiVersion"], flux["kind"], flux["metadata"], flux["spec"]["releaseName"]),
         ("helm.toolkit.fluxcd.io/v2", "HelmRelease", {"name": name, "namespace": f"{organization}-quo"}, name))
    known = definitions.load()
    if known is not None:
        same("release with a definition", definitions.check(known, [flux]), 1)
    values = rendered.load(f"{organization}/values/{name}.yaml")
    same("values for Flux and helm", flux["spec"]["values"], values)
    chart = flux["spec"]["chart"]["spec"]
    same("source", chart["sourceRef"]["kind"], "GitRepository")
    return values, chart["chart"]


def reference_of(reference, manager, consensus, changes):
    """The reference's pod of carrier with the names and ports of another peer."""
    pod = next(p for p in reference if p["transaction_manager"] == manager and p["consensus"] == consensus)
    text = json.dumps(pod)
    for old, new in changes:
        text = text.replace(old, new)
    return json.loads(text)


def compare_values(ours, theirs):
    """Every value that the reference's playbooks make is there, and is the same but for what the network itself brings."""
    ours, theirs = copy.deepcopy(ours), copy.deepcopy(theirs)
    static = ours["staticnodes"]
    for v in (ours, theirs):
        v.pop("genesis"), v.pop("staticnodes"), v.pop("images")
        v.get("tessera", v.get("constellation", {})).pop("othernodes")
    theirs["metadata"].pop("labels")
    ours["node"].pop("mine", None)  # ours: whether it makes blocks
    same("plain http", ours["vault"].pop("allowPlainHttp", False), theirs["vault"]["address"].startswith("http://"))
    enode = ours["node"].pop("enode")  # ours: the published key, without which the pod does not begin
    assert len(enode) == 128 and sum(f"enode://{enode}@" in n for n in static) == 1, enode
    same("disruption", ours.pop("disruption"), {"enabled": False})  # one budget is for all peers of the organization
    same("values", ours, theirs)


def compare_pod(helm, chart, values, pod):
    """Objects, names, containers in order, mounts, environment, claims, ports: as the reference's, which see its own images."""
    values = dict(values, images=pod["values"]["images"])
    objects = helm.render(chart[len("node-"):], values)
    environment = chart_checks.one(objects, "StatefulSet")["spec"]["template"]["spec"]["initContainers"][0]["env"]
    environment.remove({"name": "VAULT_ALLOW_PLAIN_HTTP", "value": "true"})  # the samples' vaults are asked by plain http
    chart_checks.compare(objects, pod["objects"])
    return objects


def staticnodes_of(rendered):
    return json.loads((rendered.out / "static-nodes.json").read_text())


def check_four(program, fixtures, helm, reference, manager):
    refused = Rendered(program, samples.baf(fixtures, "network-quorum.yaml"), code=2)
    assert refused.output.count("geth_passphrase: is a secret, in clear") == 4, refused.output
    literal = Rendered(program, samples.baf(fixtures, "network-quorum.yaml").replace("env:VAULT_TOKEN", "s.token").replace("env:GIT_TOKEN", "git"), code=2)
    for field in ("vault.root_token", "gitops.password"):
        assert literal.output.count(f"{field}: is a secret, in clear") == 4 and "s.token" not in literal.output, literal.output
    assert "vault.url: is plain http" in refused.output and "allow_plain_http: true" in refused.output, refused.output
    text = samples.baf(fixtures, "network-quorum.yaml", plain_http=True)
    if manager == "constellation":
        text = text.replace('transaction_manager: "tessera"', 'transaction_manager: "constellation"')
        text = text.replace("8443", "9001")
        lines, kept = text.split("\n"), []
        for line in lines:  # one boot node
            if line.strip().startswith('- "https://') and "carrier." not in line:
                continue
            kept.append(line.replace(':9001"', ':9001/"') if line.strip().startswith('- "https://') else line)
        text = "\n".join(kept)
        for i in range(1, 5):
            text = text.replace("ambassador: 9001", f"ambassador: 150{i}2", 1)
    rendered = Rendered(program, text)
    nodes = staticnodes_of(rendered)
    objects = []
    for i, name in enumerate(("carrier", "manufacturer", "store", "warehouse")):
        objects += check_plain(rendered, name, "awsstorageclass")
        check_vault(rendered, name, "secret", {name: True})
        values, chart = release(rendered, name, f"{name}{name}{manager}")
        same("chart", chart, f"platforms/quorum/charts/node-{manager}")
        changes = [(f"150{1}{n}", f"150{i + 1}{n}") for n in ((0, 1, 3) if manager == "tessera" else range(4))]
        if manager == "tessera":
            changes.append(("15012", "8443"))
        pod = reference_of(reference, manager, "raft", [("carrier", name), ("secretsv2/", "secret/"), ("Carrier", name.capitalize())] + changes)
        pod["values"]["node"]["subject"] = values["node"]["subject"]
        pod["values"]["vault"]["address"] = "http://vault.example:8200"
        compare_values(values, pod["values"])
        same("static nodes", values["staticnodes"], nodes)
        host, port = nodes[i].split("@")[1].split("?")[0].split(":")
        same("address", (host, port), (f"{name}.test.quorum.blockchaincloudpoc.com", f"150{i + 1}0"))
        assert nodes[i].endswith(f"?discport=0&raftport=150{i + 1}3"), nodes[i]
        same("genesis", base64.b64decode(values["genesis"]), (rendered.out / "genesis.json").read_bytes())
        if helm:
            objects += compare_pod(helm, f"node-{manager}", values, pod)
    check_no_secrets(rendered)
    rendered.run(out="again")
    same("a second rendering", rendered.files("again"), rendered.files())
    text = (rendered.folder / "network.yaml").read_text().replace('    consensus: "raft"', '    chain_id: 77\n    consensus: "raft"', 1)
    (rendered.folder / "network.yaml").write_text(text)
    assert "chain_id is 77" in rendered.run(code=1), "another chain id was taken"
    if manager == "tessera":
        chart_checks.validate(objects)
    print(f"network-quorum.yaml, {manager}: four organizations as the reference{'' if helm else ' (pods not expanded: no helm)'}")
    return rendered


def check_minikube(program, fixtures, helm, reference):
    text = samples.baf(fixtures, "network-minikube.yaml", plain_http=True)
    rendered = Rendered(program, text)
    objects = []
    for i, name in enumerate(("carrier", "manufacturer", "warehouse")):
        objects += check_plain(rendered, name, "minikubestorageclass")
        values, _ = release(rendered, name, f"{name}{name}tessera")
        ports = {p: values["proxy"][p] for p in ("quorumport", "rpcport", "portTM")}
        pod = reference_of(reference, "tessera", "ibft", [("carrier", name), ("secretsv2/", "secret/"), ("8443", "9001"), ("awsstorage", "minikubestorage"),
                                                          ("15010", str(ports["quorumport"])), ("15011", str(ports["rpcport"])),
                                                          ("15012", str(ports["portTM"]))])
        pod["values"]["node"].update(subject=values["node"]["subject"], lock=True, servicetype="NodePort")
        next(o for o in pod["objects"] if o["kind"] == "Service")["spec"]["type"] = "NodePort"
        compare_values(values, pod["values"])
        same("type", values["node"]["mine"], True)
        if helm:
            objects += compare_pod(helm, "node-tessera", values, pod)
    same("others", [n["url"] for n in values["tessera"]["othernodes"]],
         [f"https://{n}.{n}-quo.svc.cluster.local:9001" for n in ("carrier", "manufacturer", "warehouse")])
    print("network-minikube.yaml: three organizations as the reference")


def check_newnode(program, fixtures, helm, reference, first):
    files = {"genesis": str(first.out / "genesis.json"), "staticnodes": str(first.out / "static-nodes.json")}
    text = samples.baf(fixtures, "network-quorum-newnode.yaml", plain_http=True, **files)
    refused = Rendered(program, text, code=2)
    assert "has no id there yet" in refused.output and "--raft-id" in refused.output, refused.output
    rendered = Rendered(program, text, "--raft-id", "5")
    objects = check_plain(rendered, "neworg", "awsstorageclass")
    values, _ = release(rendered, "neworg", "neworgneworgtessera")
    same("status", (values["node"]["status"], values["node"]["peer_id"]), ("additional", 5))
    same("genesis", base64.b64decode(values["genesis"]), (first.out / "genesis.json").read_bytes())
    same("the nodes that are there", values["staticnodes"][:-1], staticnodes_of(first))
    assert "@neworg." in values["staticnodes"][-1]
    if helm:
        pod = reference_of(reference, "tessera", "raft", [("carrier", "neworg"), ("secretsv2/", "secret/"), ("15012", "8443")])
        objects += compare_pod(helm, "node-tessera", values, pod)
        quorum = chart_checks.one(objects, "StatefulSet")["spec"]["template"]["spec"]["containers"][-1]
        assert "--raftjoinexisting=5" in quorum["args"], quorum["args"]
    print("network-quorum-newnode.yaml: one that joins, as the reference")


def check_bevel(program, helm):
    rendered = Rendered(program, samples.bevel())
    validators = [f"validator-{i}" for i in range(1, 5)]
    objects = check_plain(rendered, "carrier", "awsstorageclass", "ghcr.io") + check_plain(rendered, "store", "awsstorageclass", "ghcr.io")
    check_vault(rendered, "carrier", "secretsv2", {**dict.fromkeys(validators, False), "supply-carrier": True})
    check_vault(rendered, "store", "secretsv2", {"supply-store": True})
    for name in validators:
        values, chart = release(rendered, "carrier", f"carrier{name}node")
        same("chart", chart, "platforms/quorum/charts/node-only")
        assert "tm_keyname" not in values["vault"] and values["node"]["mine"]
        if helm:
            pod = helm.render("only", values)
            spec = chart_checks.one(pod, "StatefulSet")["spec"]["template"]["spec"]
            same("init containers", [c["name"] for c in spec["initContainers"]], ["certificates-init", "quorum-genesis-init-container"])
            same("containers", [c["name"] for c in spec["containers"]], ["quorum"])
            same("claims", [c["metadata"]["name"] for c in chart_checks.one(pod, "StatefulSet")["spec"]["volumeClaimTemplates"]], [f"{name}-pv"])
            same("ports", [p["name"] for p in chart_checks.one(pod, "Service")["spec"]["ports"]], ["wsrpc-listener", "quorum-listener"])
            assert "PRIVATE_CONFIG" in json.dumps(spec) and '"ignore"' in json.dumps(spec)
            chart_checks.check_security(pod, budget=False)
            objects += pod
    for org in ("carrier", "store"):
        values, chart = release(rendered, org, f"{org}supply-{org}tessera")
        same("member", (values["node"]["mine"], values["tessera"]["url"], values["tessera"]["trust"]),
             (False, f"https://supply-{org}.{org}.example.com:443", "CA_OR_TOFU"))
        check_certificate(rendered, org, f"supply-{org}", f"{org}.example.com", helm, values)
        if helm:
            objects += helm.render("tessera", values)
    same("nodes", [n.split("@")[1].split(":")[0] for n in staticnodes_of(rendered)],
         [f"{v}.carrier.example.com" for v in validators] + ["supply-carrier.carrier.example.com", "supply-store.store.example.com"])
    # Four validators by their names in the file, none by a number: 32 bytes, then a list with four addresses of 21 bytes.
    extra = json.loads((rendered.out / "genesis.json").read_text())["extraData"]
    assert "f854" + "94" in extra and len(extra[extra.index("f85494") + 4:]) >= 4 * 42, extra
    check_no_secrets(rendered)
    chart_checks.validate(objects)
    print("Bevel 1.1: four validators without a manager, two members")


def main():
    program, charts, fixtures = os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3]
    try:
        import yaml  # noqa: F401
    except ImportError:
        print("python3-yaml is not there: skipped")
        return SKIPPED
    path = os.environ.get("QUORATE_HELM") or shutil.which("helm")
    helm = chart_checks.Helm(path, charts) if path else None
    check_bevel(program, helm)
    check_ways_in(program, helm)
    check_again(program)
    if not os.path.exists(os.path.join(fixtures, "reference-pods.json")):
        print(f"no BAF samples and reference pods in {fixtures}: skipped")
        return SKIPPED
    with open(os.path.join(fixtures, "reference-pods.json")) as f:
        reference = json.load(f)
    first = check_four(program, fixtures, helm, reference, "tessera")
    check_four(program, fixtures, helm, reference, "constellation")
    check_minikube(program, fixtures, helm, reference)
    check_newnode(program, fixtures, helm, reference, first)
    return 0


if __name__ == "__main__":
    sys.exit(main())

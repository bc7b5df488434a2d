#!/usr/bin/env python3
"""The charts, rendered by helm: valid for Kubernetes, and the pods of the reference.

usage: charts.py CHARTS FIXTURES

`helm` is $QUORATE_HELM or that of the path; skipped without it. Rendered objects are checked strictly against
Kubernetes' own schemas when the Python module kubernetes_validate is there (also that of $QUORATE_KUBERNETES_VALIDATE,
a python that has it), those of Ambassador and the Gateway API against their own definitions (support/definitions.py). The reference's pods are in
FIXTURES/reference-pods.json.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import definitions  # noqa: E402

SKIP = 77
VALIDATE = r"""
import json, sys, kubernetes_validate as k
known = [v for v in k.SUPPORTED_VERSIONS if int(v.split(".")[1]) >= 27] if hasattr(k, "SUPPORTED_VERSIONS") else []
if not known:
    from kubernetes_validate.utils import latest_version
    known = ["1.%d" % n for n in range(27, int(latest_version().split(".")[1]) + 1)]
objects, bad = json.load(sys.stdin), 0
for version in known:
    for o in objects:
        try:
            k.validate(o, version, strict=True)
        except k.ValidationError as e:
            bad += 1
            print(version, o["kind"], o["metadata"]["name"], e.message, ".".join(map(str, e.path)))
print("kubernetes %s to %s: %d objects each, %d faults" % (known[0], known[-1], len(objects), bad))
sys.exit(bad != 0)
"""
# What differs from the reference's pods, on purpose. Anything else fails the test.
MORE_VOLUMES = {"vault-token", "database-run"}
MORE_MOUNTS = {
    ("certificates-init", "vault-token", "/var/run/secrets/kubernetes.io/serviceaccount"),  # the only one with the account's token
    ("mysql-db", "database-run", "/run/mysqld"), ("mysql-db", "database-run", "/tmp"),  # its root file system is read only
    ("tessera", "tessera-config", "/etc/quorum/qdata/tessera-config.json"),  # one configuration instead of three templates
}
LESS_MOUNTS = {("tessera", "tessera-config", "/etc/quorum/qdata/tessera-config%s.json.tmpl" % s) for s in ("", "-enhanced", "-9.0")}
MORE_KEYS = {"static-nodes.json", "tessera-config.json"}
LESS_KEYS = {"tessera-config%s.json.tmpl" % s for s in ("", "-enhanced", "-9.0")}
OTHER_ENV = {"MYSQL_DATABASE", "MYSQL_USER", "MYSQL_PASSWORD", "MYSQL_ROOT_PASSWORD", "MYSQL_ROOT_HOST"}  # quorate-init makes the user


def fail(text):
    raise AssertionError(text)


class Helm:
    def __init__(self, program, charts):
        self.program, self.charts = program, charts

    def run(self, *words, ok=True):
        done = subprocess.run([self.program, *words], capture_output=True, text=True)
        if ok and done.returncode != 0:
            fail("helm %s: %s%s" % (words, done.stdout, done.stderr))
        return done

    def render(self, manager, values, *words, ok=True):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(values, file)
            file.flush()
            done = self.run("template", "carrier", os.path.join(self.charts, "node-" + manager), "--namespace", "carrier-quo",
                            "--kube-version", "1.31.0", "--values", file.name, *words, ok=ok)
        return load(done.stdout) if done.returncode == 0 else done.stderr


def load(text):
    import yaml
    return [o for o in yaml.safe_load_all(text) if o]


def one(objects, kind, name=None):
    found = [o for o in objects if o["kind"] == kind and name in (None, o["metadata"]["name"])]
    if len(found) != 1:
        fail("%d objects %s %s" % (len(found), kind, name or ""))
    return found[0]


def same(what, ours, theirs):
    if ours != theirs:
        fail("%s: %s, and the reference %s" % (what, ours, theirs))


def mounts(pod):
    return {(c["name"], m["name"], m["mountPath"]) for c in pod["initContainers"] + pod["containers"] for m in c["volumeMounts"]}


def compare(ours, theirs):
    """One pod with its services and maps; `theirs` is a list of the reference's objects."""
    a, b = one(ours, "StatefulSet"), one(theirs, "StatefulSet")
    pa = a["spec"]["template"]["spec"]
    # the list of the reference has the pod's fields in the set's own
    pb = b["spec"]["template"]["spec"] if "template" in b["spec"] else b["spec"]
    for kind in ("initContainers", "containers"):
        same(kind, [c["name"] for c in pa[kind]], [c["name"] for c in pb[kind]])
        for ca, cb in zip(pa[kind], pb[kind]):
            same("image of " + ca["name"], ca["image"], cb["image"])
            same("ports of " + ca["name"], [p["containerPort"] for p in ca.get("ports", [])],
                 [p["containerPort"] for p in cb.get("ports", [])])
            ea, eb = ({e["name"]: e["value"] for e in c.get("env", []) if e["name"] not in OTHER_ENV} for c in (ca, cb))
            for name, value in eb.items():
                same("%s of %s" % (name, ca["name"]), ea.get(name), value)
    same("mounts", mounts(pa) - MORE_MOUNTS, mounts(pb) - LESS_MOUNTS)
    same("volumes", {v["name"] for v in pa["volumes"]} - MORE_VOLUMES, {v["name"] for v in pb["volumes"]})
    claim = lambda s: [(c["metadata"]["name"], c["spec"]) for c in s["spec"]["volumeClaimTemplates"]]
    same("claims", claim(a), claim(b))
    for field in ("serviceAccountName", "imagePullSecrets"):
        same(field, pa[field], pb[field])
    same("names", (a["metadata"]["name"], a["metadata"]["namespace"], a["spec"]["serviceName"], a["spec"]["replicas"]),
         (b["metadata"]["name"], b["metadata"]["namespace"], b["spec"]["serviceName"], b["spec"]["replicas"]))
    compare_rest(ours, theirs)


def mappings(service):
    import yaml
    text = service["metadata"]["annotations"]["getambassador.io/config"]
    return sorted(json.dumps(m, sort_keys=True) for m in yaml.safe_load_all(text) if m)


def compare_rest(ours, theirs):
    sa, sb = one(ours, "Service"), one(theirs, "Service")
    same("service", sa["metadata"]["name"], sb["metadata"]["name"])
    same("service's type", sa["spec"]["type"], sb["spec"]["type"])
    same("service's ports", sa["spec"]["ports"], sb["spec"]["ports"])
    same("mappings", mappings(sa), mappings(sb))
    for m in (o for o in theirs if o["kind"] == "ConfigMap"):
        mine = one(ours, "ConfigMap", m["metadata"]["name"])
        same("keys of " + m["metadata"]["name"], set(mine["data"]) - MORE_KEYS, set(m["data_keys"]) - LESS_KEYS)


def check_security(objects, budget=True):
    pod = one(objects, "StatefulSet")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for c in pod["initContainers"] + pod["containers"]:
        s = c["securityContext"]
        assert s["readOnlyRootFilesystem"] and s["capabilities"] == {"drop": ["ALL"]} and not s["allowPrivilegeEscalation"], c["name"]
        assert c["resources"]["requests"] and c["resources"]["limits"], c["name"]
        if c in pod["containers"]:
            assert c["startupProbe"] and c["livenessProbe"], c["name"]
    policy = one(objects, "NetworkPolicy")["spec"]
    opened = {p["port"] for rule in policy["ingress"] for p in rule["ports"]}
    assert not opened & {3306, 9080}, "the database or the manager's clients are open to the cluster"
    assert len([o for o in objects if o["kind"] == "PodDisruptionBudget"]) == budget
    # A selector with a version in it could never be upgraded.
    assert set(one(objects, "StatefulSet")["spec"]["selector"]["matchLabels"]) == {"app", "service.rpc"}
    whole = json.dumps(objects)
    assert "sh -c" not in whole and '"-c"' not in json.dumps([c.get("command") for c in pod["containers"]])


def validate_others(objects):
    known = definitions.load()
    if known is None:
        print("$QUORATE_DEFINITIONS is not set: the definitions of Ambassador and the Gateway API are not looked at")
        return
    custom = [o for o in objects if o["apiVersion"].startswith(("getambassador.io/", "gateway.networking.k8s.io/"))]
    seen = definitions.check(known, custom)
    same("objects with a definition", seen, len(custom))
    print("%d objects of %s: as their definitions demand" % (seen, ", ".join(sorted({o["kind"] for o in custom}))))


def validate(objects):
    python = os.environ.get("QUORATE_KUBERNETES_VALIDATE") or sys.executable
    standard = [o for o in objects if not o["apiVersion"].startswith(("getambassador.io/", "gateway.networking.k8s.io/"))]
    if subprocess.run([python, "-c", "import kubernetes_validate"], capture_output=True).returncode != 0:
        print("kubernetes_validate is not there (PyPI: kubernetes-validate): the schemas of Kubernetes are not checked")
        return
    done = subprocess.run([python, "-c", VALIDATE], input=json.dumps(standard), capture_output=True, text=True)
    print(done.stdout, end="")
    if done.returncode != 0:
        fail("objects that Kubernetes would refuse: " + done.stderr)


def refuses(helm, manager, values, change, words):
    values = json.loads(json.dumps(values))
    change(values)
    answer = helm.render(manager, values, ok=False)
    if not isinstance(answer, str) or not re.search(words, answer):
        fail("not refused as it should be (%s): %.300s" % (words, answer))


def check_gateway(helm, pod):
    """Every port of the peer by a gateway of its own, or by one that is there: each route finds its listener, and the port its service."""
    manager, values = pod["transaction_manager"], pod["values"]
    objects = helm.render(manager, values, "--set", "proxy.provider=gateway,proxy.gateway.className=any")
    own = one(objects, "Gateway")["spec"]
    listeners = {x["name"]: x for x in own["listeners"]}
    routes = [o for o in objects if o["kind"].endswith("Route")]
    service = {p["port"] for p in one(objects, "Service")["spec"]["ports"]}
    raft = ["raft"] if pod["consensus"] == "raft" else []
    same("listeners", sorted(listeners), sorted(["quorum", "rpc", "tm"] + raft))
    same("ports", len({x["port"] for x in own["listeners"]}), len(listeners))
    for r in routes:
        parent, backend = r["spec"]["parentRefs"][0], r["spec"]["rules"][0]["backendRefs"][0]
        listener = listeners.pop(parent["sectionName"])
        same("gateway of " + r["metadata"]["name"], parent["name"], "carrier")
        same("kind", listener["allowedRoutes"]["kinds"], [{"group": "gateway.networking.k8s.io", "kind": r["kind"]}])
        same("host", r["spec"].get("hostnames"), [listener["hostname"]] if "hostname" in listener else None)
        assert backend["port"] in service and backend["name"] == "carrier", backend
    assert not listeners, "listeners without routes: %s" % listeners
    kinds = {r["spec"]["parentRefs"][0]["sectionName"]: r["kind"] for r in routes}
    if manager == "tessera":  # the manager's TLS ends in the pod
        same("manager's TLS", [x["tls"] for x in own["listeners"] if x["name"] == "tm"], [{"mode": "Passthrough"}])
    same("kinds", kinds, dict({"quorum": "TCPRoute", "rpc": "HTTPRoute", "tm": "TLSRoute" if manager == "tessera" else kinds["tm"]},
                              **{r: "TCPRoute" for r in raft}))
    shared = helm.render(manager, values, "--set", "proxy.provider=gateway,proxy.gateway.name=edge,proxy.gateway.namespace=front,proxy.gateway.sections.rpc=web")
    assert not [o for o in shared if o["kind"] == "Gateway"]
    same("parent", one(shared, "HTTPRoute")["spec"]["parentRefs"], [{"name": "edge", "namespace": "front", "sectionName": "web"}])
    refuses(helm, manager, values, lambda v: v["proxy"].update(provider="gateway"), "proxy.gateway.className is missing")
    return objects + shared


def check_source_ranges(helm, manager, values):
    """They restrict the service that carries the nodes' own traffic, or are refused."""
    objects = helm.render(manager, values, "--set", "proxy.provider=ingress,proxy.sourceRanges={10.0.0.0/8,192.0.2.0/24}")
    same("source ranges", one(objects, "Service", "carrier-p2p")["spec"]["loadBalancerSourceRanges"], ["10.0.0.0/8", "192.0.2.0/24"])
    refuses(helm, manager, values, lambda v: v["proxy"].update(sourceRanges=["10.0.0.0/8"]), "proxy.sourceRanges needs")
    refuses(helm, manager, values, lambda v: v["proxy"].update(provider="ingress", sourceRanges=["everybody"]), "sourceRanges")
    return objects


def check_vault(helm, pod):
    """The reference asks its vault by plain http, which is taken when a value says so, or when it stays in the pod."""
    manager, values = pod["transaction_manager"], pod["values"]
    assert values["vault"]["address"].startswith("http://"), values["vault"]
    refuses(helm, manager, values, lambda v: None, "address")
    for address in ("http://127.0.0.1.example:8200", "http://localhost@vault:8200", "ftp://vault"):
        refuses(helm, manager, values, lambda v: v["vault"].update(address=address), "address")
    for address in ("https://vault.example:8200", "http://127.0.0.1:8200", "http://localhost:8200/", "http://[::1]:8200"):
        objects = helm.render(manager, values, "--set", "vault.address=" + address)
        assert "VAULT_ALLOW_PLAIN_HTTP" not in json.dumps(objects), address
    values["vault"]["allowPlainHttp"] = True
    environment = one(helm.render(manager, values), "StatefulSet")["spec"]["template"]["spec"]["initContainers"][0]["env"]
    assert {"name": "VAULT_ALLOW_PLAIN_HTTP", "value": "true"} in environment, environment
    environment.remove({"name": "VAULT_ALLOW_PLAIN_HTTP", "value": "true"})


def check_node(helm, manager, values):
    """What the reference's node was told, or was not."""
    objects = helm.render(manager, values, "--set", "node.lock=true")
    pod = one(objects, "StatefulSet")["spec"]["template"]["spec"]
    node = next(c for c in pod["containers"] if c["name"] == "quorum")
    root = values["node"]["mountPath"]
    assert "--http.api=eth,net,web3" in node["args"] and "--verbosity=3" in node["args"], node["args"]
    assert not [a for a in node["args"] if "unlock" in a] and "tee" not in node["args"], node["args"]
    unlocked = one(helm.render(manager, values, "--set", "node.lock=false"), "StatefulSet")["spec"]["template"]["spec"]["containers"]
    assert "--unlock=0" in next(c for c in unlocked if c["name"] == "quorum")["args"]
    # Its data is on the claim; it waits for the manager's socket in the pod, and is told of it.
    claims = {c["metadata"]["name"] for c in one(objects, "StatefulSet")["spec"]["volumeClaimTemplates"]}
    assert f"--datadir={root}/dd" in node["args"] and [m for m in node["volumeMounts"] if m["mountPath"] == root and m["name"] in claims]
    assert f"--wait=unix:{root}/tm/tm.ipc" in node["args"] and {"name": "PRIVATE_CONFIG", "value": f"{root}/tm/tm.ipc"} in node["env"]
    # A token that ends soon, for the one container that logs in.
    tokens = [s["serviceAccountToken"] for v in pod["volumes"] for s in v.get("projected", {}).get("sources", []) if "serviceAccountToken" in s]
    assert [t["expirationSeconds"] for t in tokens] == [600], tokens
    assert [c["name"] for c in pod["initContainers"] + pod["containers"] if any("serviceaccount" in m["mountPath"] for m in c["volumeMounts"])] == [
        "certificates-init"]
    own = helm.render(manager, values, "--set", "vault.caConfigMap=authority")
    init = one(own, "StatefulSet")["spec"]["template"]["spec"]["initContainers"][0]
    assert {"name": "VAULT_CACERT", "value": "/vault-ca/ca.crt"} in init["env"], init["env"]
    if manager == "tessera":
        jdbc = json.loads(one(objects, "ConfigMap", "tessera-config-carrier")["data"]["tessera-config.json"])["jdbc"]
        assert "password" not in jdbc and jdbc["passwordFile"].startswith(root), jdbc


def check_pod(helm, pod):
    manager, values = pod["transaction_manager"], pod["values"]
    objects = helm.render(manager, values)
    compare(objects, pod["objects"])
    check_security(objects)
    everything = list(objects)
    for word in ("proxy.provider=ingress", "proxy.provider=none", "proxy.ambassadorApi=v3alpha1"):
        everything += helm.render(manager, values, "--set", word)
    same("kinds", {o["kind"] for o in everything} & {"Ingress", "TCPMapping", "Listener"}, {"Ingress", "TCPMapping", "Listener"})
    everything += check_gateway(helm, pod)
    # On nodes of their own, whose-ever the others are; of the same organization before all.
    affinity = one(objects, "StatefulSet")["spec"]["template"]["spec"]["affinity"]
    all_peers, own = affinity["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    labels = one(objects, "StatefulSet")["spec"]["template"]["metadata"]["labels"]
    assert all_peers["podAffinityTerm"]["namespaceSelector"] == {} and "namespaceSelector" not in own["podAffinityTerm"], affinity
    assert all(t["podAffinityTerm"]["labelSelector"]["matchLabels"].items() <= labels.items() for t in (all_peers, own)), affinity
    assert own["weight"] > all_peers["weight"] > 0, affinity
    assert "affinity" not in one(helm.render(manager, values, "--set", "spread=false"), "StatefulSet")["spec"]["template"]["spec"]
    everything += check_source_ranges(helm, manager, values)
    validate(everything)
    validate_others(everything)
    refuses(helm, manager, values, lambda v: v["node"].update(colour="red"), "colour")
    refuses(helm, manager, values, lambda v: v["node"].update(consensus="poa"), "consensus")
    refuses(helm, manager, values, lambda v: v.update(genesis=""), "genesis is missing")
    refuses(helm, manager, values, lambda v: v.update(replicaCount=2), "replicaCount")
    print("node-%s, %s: as the reference" % (manager, pod["consensus"]))


def check_spellings(helm, values):
    """What YAML makes of a bare off, and the word that Tessera does not know."""
    values = json.loads(json.dumps(values))
    values["tessera"].update(tls=False, trust="ca-or-tofu")
    data = one(helm.render("tessera", values), "ConfigMap", "tessera-config-carrier")["data"]["tessera-config.json"]
    p2p = [s for s in json.loads(data)["serverConfigs"] if s["app"] == "P2P"][0]
    assert p2p["sslConfig"] == {"tls": "OFF"} and p2p["bindingAddress"].startswith("http:"), p2p
    values["tessera"]["tls"] = "strict"
    data = one(helm.render("tessera", values), "ConfigMap", "tessera-config-carrier")["data"]["tessera-config.json"]
    assert '"serverTrustMode": "CA_OR_TOFU"' in data and "password\":" not in data.replace(" ", "").lower().replace("passwords\":", "")


def main():
    charts, fixtures = sys.argv[1:3]
    program = os.environ.get("QUORATE_HELM") or shutil.which("helm")
    reference = os.path.join(fixtures, "reference-pods.json")
    try:
        import yaml  # noqa: F401
    except ImportError:
        print("python3-yaml is not there: skipped")
        return SKIP
    for shared in ("_common.tpl", "_gateway.tpl"):
        texts = [open(os.path.join(charts, "node-%s/templates/%s" % (m, shared))).read() for m in ("tessera", "constellation", "only")]
        same("%s of all charts" % shared, texts[1:], texts[:1] * 2)
    if not program or not os.path.exists(reference):
        print("%s: skipped" % ("no helm (the Go module helm.sh/helm/v3)" if not program else "no " + reference))
        return SKIP
    helm = Helm(program, charts)
    pods = json.load(open(reference))
    for pod in pods:
        check_vault(helm, pod)
        check_node(helm, pod["transaction_manager"], pod["values"])
        check_pod(helm, pod)
    for manager in ("tessera", "constellation"):
        values = [p["values"] for p in pods if p["transaction_manager"] == manager][0]
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(values, file)
            file.flush()
            print(helm.run("lint", "--strict", os.path.join(charts, "node-" + manager), "--values", file.name).stdout.strip())
    check_spellings(helm, [p["values"] for p in pods if p["transaction_manager"] == "tessera"][0])
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Four organizations' pods, as helm renders what `quorate up` gives it, run by `podman kube play`: init containers in order, a private
transaction between two pods, a pod killed and brought back with its data.

usage: podman.py QUORATE_FOLDER CHARTS TOOLS     QUORATE_FOLDER has the programs under their names; TOOLS is tools/ of the sources

All real: our image, MariaDB from Debian's packages, OpenBao ($QUORATE_OPENBAO or `bao`), helm ($QUORATE_HELM or `helm`). What a cluster would do besides is
done here: a StatefulSet becomes its pod and claims, the account's token comes from a file, tokens are reviewed by a few lines of Python, probes are the test's.
Everything is in a network namespace of its own. Skipped unless root with podman, runc, unshare and the others."""

import base64
import contextlib
import http.server
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../operator")]
import samples  # noqa: E402
from vault import Vault  # noqa: E402

SKIPPED, PATIENCE = 77, 180
ORGANIZATIONS = ("one", "two", "three", "four")
STORES_42 = "0x602a60005560006000f3"  # a creation: SSTORE(0, 42), and no code
REVIEW, ROOT = 18080, "/etc/quorum/qdata"


def port(index, kind):
    return 20000 + 100 * index + ("p2p", "rpc", "tm", "db", "third").index(kind)


def network(vault, kube):
    text = f"""network:
  type: quorum
  version: 24.4.1
  env: {{type: "test", proxy: none, retry_count: 5, external_dns: disabled}}
  docker: {{url: "localhost"}}
  config:
    consensus: qbft
    transaction_manager: tessera
    tm_tls: strict
    tm_trust: tofu
    tm_nodes: {json.dumps([f"https://{o}.{o}-quo.svc.cluster.local:{port(i, 'tm')}" for i, o in enumerate(ORGANIZATIONS)])}
  organizations:"""
    for i, name in enumerate(ORGANIZATIONS):
        text += f"""
    - organization:
      name: {name}
      external_url_suffix: {name}.test
      cloud_provider: aws-baremetal
      k8s: {{context: "{name}", config_file: "{kube}"}}
      vault: {{url: "{vault}", root_token: "env:VAULT_TOKEN", secret_path: "secretsv2", allow_plain_http: true}}
      services:
        peers:
          - peer:
            name: {name}
            lock: false
            p2p: {{port: {port(i, 'p2p')}}}
            rpc: {{port: {port(i, 'rpc')}}}
            transaction_manager: {{port: {port(i, 'tm')}}}
            db: {{port: {port(i, 'db')}}}"""
    return text + "\n"


def token(namespace):
    """Formed as a service account's; what says that it is good is the review."""
    part = lambda o: base64.urlsafe_b64encode(json.dumps(o).encode()).decode().rstrip("=")
    claims = {"iss": "https://kubernetes.default.svc", "exp": int(time.time()) + 3600, "iat": int(time.time()) - 60, "nbf": int(time.time()) - 60, "sub": f"system:serviceaccount:{namespace}:vault-auth",
              "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": "vault-auth", "uid": f"uid-{namespace}"}}}
    return f"{part({'alg': 'RS256', 'typ': 'JWT'})}.{part(claims)}.{part({'signature': namespace})}"


class Review(http.server.BaseHTTPRequestHandler):
    tokens = {}  # token -> namespace

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        namespace = self.tokens.get(body["spec"]["token"])
        status = {"authenticated": bool(namespace)}
        if namespace:
            status["user"] = {"username": f"system:serviceaccount:{namespace}:vault-auth", "uid": f"uid-{namespace}",
                              "groups": ["system:serviceaccounts", f"system:serviceaccounts:{namespace}"]}
        answer = json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status}).encode()
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def run(*words, ok=True, **more):
    done = subprocess.run(words, capture_output=True, text=True, timeout=600, **more)
    if ok and done.returncode != 0:
        sys.exit(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


DATABASE_START = r"""#!/bin/bash
set -eu
share=/usr/share/mysql common="--no-defaults --datadir=/var/lib/mysql --tmpdir=/tmp --lc-messages-dir=/usr/share/mysql --innodb-buffer-pool-size=16M"
if [ ! -e /var/lib/mysql/mysql ]; then
    { printf 'CREATE DATABASE mysql;\nUSE mysql;\n'; cat $share/mysql_system_tables.sql $share/mysql_performance_tables.sql $share/mysql_system_tables_data.sql; } |
        mariadbd $common --bootstrap
fi
exec mariadbd $common --socket=/run/mysqld/mysqld.sock --skip-name-resolve --init-file=/docker-entrypoint-initdb.d/createTables.sql "$@"
"""


def database_image(folder, name):
    """Debian's MariaDB with what it loads, bash and cat, and the first start of a server."""
    root = folder / "database"
    for below in ("usr/bin", "usr/share", "var/lib/mysql", "run/mysqld", "tmp", "docker-entrypoint-initdb.d", "secret", "etc"):
        (root / below).mkdir(parents=True)
    for program in ("mariadbd", "bash", "cat"):
        path = shutil.which(program, path="/usr/sbin:/usr/bin:/bin")
        shutil.copy(path, root / "usr/bin" / program)
        for word in run("ldd", path).split():
            if word.startswith("/") and not (root / word[1:]).exists():
                (root / word[1:]).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(word, root / word[1:])
    (root / "bin").symlink_to("usr/bin")
    shutil.copytree("/usr/share/mysql", root / "usr/share/mysql")
    (root / "etc/passwd").write_text("root:x:0:0::/:/bin/bash\nmysql:x:1000:1000::/:/bin/bash\n")
    (root / "usr/bin/start").write_text(DATABASE_START)
    (root / "usr/bin/start").chmod(0o755)
    (folder / "Containerfile").write_text('FROM scratch\nCOPY . /\nENV PATH=/usr/bin\nUSER 1000:1000\nENTRYPOINT ["/usr/bin/start"]\n')
    run("podman", "build", "--quiet", "--file", str(folder / "Containerfile"), "--tag", name, str(root))


def as_pod(objects, namespace, token_folder, volumes):
    """What controllers and the kubelet make of a StatefulSet: a pod, and a folder for each of its claims and volumes."""
    sets = [o for o in objects if o["kind"] == "StatefulSet"][0]
    spec = sets["spec"]["template"]["spec"]

    def place(name):
        """A folder for a volume, which the kubelet gives to the pod's group by fsGroup."""
        path = volumes / namespace / name
        path.mkdir(parents=True, exist_ok=True)
        os.chown(path, 1000, 1000)
        path.chmod(0o770)
        return {"hostPath": {"path": str(path), "type": "Directory"}}

    for template in sets["spec"]["volumeClaimTemplates"]:
        name = template["metadata"]["name"]
        spec["volumes"].append(dict(place(name), name=name))
    for volume in list(spec["volumes"]):
        if "projected" in volume:
            volume.pop("projected")
            volume["hostPath"] = {"path": str(token_folder), "type": "Directory"}
        elif "emptyDir" in volume:
            volume.pop("emptyDir")
            volume.update(place(volume["name"]))
    for c in spec["initContainers"] + spec["containers"]:
        for mount in c["volumeMounts"]:  # a part of a volume is a volume here
            part = mount.pop("subPath", None)
            texts = next((o["data"] for v in spec["volumes"] for o in objects if v["name"] == mount["name"] and o["kind"] == "ConfigMap" and
                          v.get("configMap", {}).get("name") == o["metadata"]["name"]), None)
            if not part or mount["name"].endswith("-mysql"):
                continue
            mount["name"] = f"{mount['name']}-{part.replace('.', '-')}"
            if [v for v in spec["volumes"] if v["name"] == mount["name"]]:
                continue
            if texts:
                (volumes / namespace / part).write_text(texts[part])
                spec["volumes"].append({"name": mount["name"], "hostPath": {"path": str(volumes / namespace / part), "type": "File"}})
            else:
                spec["volumes"].append(dict(place(mount["name"]), name=mount["name"]))
    for c in spec["initContainers"] + spec["containers"]:
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            c.pop(probe, None)
        c.pop("resources", None)  # no control groups of one's own in many sandboxes
        c.pop("ports", None)  # the pods share a network
        c["imagePullPolicy"] = "Never"
    spec.pop("imagePullSecrets", None)
    spec["hostNetwork"] = True
    spec["restartPolicy"] = "Never"  # podman would restart init containers that have done their work
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"{sets['metadata']['name']}-0", "labels": {"app": "quorate-test"},
                                                       "annotations": {"io.podman.annotations.init.container.type": "always"}}, "spec": spec}
    maps = [{k: o[k] for k in ("apiVersion", "kind", "metadata", "data")} for o in objects if o["kind"] == "ConfigMap"]
    return maps + [pod]


class Pods:
    def __init__(self, folder, programs, charts, tools, bao, helm, stack):
        self.folder, self.programs, self.charts, self.helm = folder, programs, charts, helm
        self.vault = Vault(bao)
        stack.callback(self.vault.end)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", REVIEW), Review)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        run("bash", os.path.join(tools, "image-root"), str(self.programs_folder()), str(folder / "image"))
        run("podman", "build", "--quiet", "--file", os.path.join(tools, "../Containerfile"), "--tag", "localhost/quorate:pods", str(folder / "image"))
        database_image(folder, "localhost/mariadb:pods")
        stack.callback(self.clean)

    def programs_folder(self):
        """As image-root expects it: a folder with bin/."""
        build = self.folder / "build"
        (build / "bin").mkdir(parents=True)
        for name in ("quorate", "quorate-init", "quorate-node", "quorate-tm"):
            shutil.copy(os.path.join(self.programs, name), build / "bin" / name)
        return build

    def clean(self):
        for name in ORGANIZATIONS:
            run("podman", "pod", "rm", "--force", f"{name}-0", ok=False)
        for image in ("quorate", "mariadb"):
            run("podman", "rmi", "--force", f"localhost/{image}:pods", ok=False)

    def values(self):
        """`quorate up` sets up the vault and hands values to helm; the cluster behind it is the fake one."""
        bin_folder = self.folder / "bin"
        bin_folder.mkdir()
        for tool in ("kubectl", "helm"):
            (bin_folder / tool).symlink_to(os.path.join(HERE, "../operator/fake_cluster.py"))
        kube, state = self.folder / "kube", self.folder / "state.json"
        authority = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nMIIBFAKE\n-----END CERTIFICATE-----\n").decode()
        kube.write_text(json.dumps({o: {"server": f"http://127.0.0.1:{REVIEW}", "certificate-authority-data": authority} for o in ORGANIZATIONS}))
        state.write_text("{}")
        (self.folder / "network.yaml").write_text(network(self.vault.url, kube))
        run(os.path.join(self.programs, "quorate"), "up", "--image", "localhost/quorate:pods", "--database-image", "localhost/mariadb:pods", "--charts",
            self.charts, "network.yaml", cwd=self.folder,
            env=dict(os.environ, PATH=f"{bin_folder}:{os.environ['PATH']}", FAKE_CLUSTER=str(state), VAULT_TOKEN="root"))
        return {o: json.loads(state.read_text())[o]["releases"][f"{o}-quo"][f"{o}{o}tessera"] for o in ORGANIZATIONS}

    def write(self, index, name, values):
        import yaml
        namespace = f"{name}-quo"
        values["node"]["ports"]["thirdparty"] = port(index, "third")  # one network for all pods
        values["node"]["rpcapi"] = "eth,net,web3"
        values["networkPolicy"] = {"enabled": False}
        (self.folder / f"{name}.json").write_text(json.dumps(values))
        rendered = run(self.helm, "template", name, os.path.join(self.charts, "node-tessera"), "--namespace", namespace, "--kube-version", "1.31.0",
                       "--values", str(self.folder / f"{name}.json"))
        folder = self.folder / f"token-{name}"
        folder.mkdir()
        own = token(namespace)
        (folder / "token").write_text(own)
        Review.tokens[own] = namespace
        folder.chmod(0o755)
        objects = as_pod([o for o in yaml.safe_load_all(rendered) if o], namespace, folder, self.folder / "volumes")
        (self.folder / f"{name}.yaml").write_text(yaml.safe_dump_all(objects))

    def play(self, name):
        done = subprocess.run(["podman", "kube", "play", "--quiet", "--network", "host", str(self.folder / f"{name}.yaml")], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"the pod of {name} does not begin: {done.stderr}{self.logs(name)}")

    def logs(self, name):
        text = ""
        for container in ("certificates-init", "mysql-init", "quorum-genesis-init-container", "mysql-db", "tessera", "quorum"):
            done = subprocess.run(["podman", "logs", "--tail", "15", f"{name}-0-{container}"], capture_output=True, text=True)
            text += f"--- {name} {container}\n{done.stdout}{done.stderr}"
        return text

    def wait(self, what, condition, name=None):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                found = condition()
            except (OSError, ValueError, RuntimeError):
                found = None
            if found:
                return found
            time.sleep(0.25)
        sys.exit(f"waited {PATIENCE} s in vain for {what}\n" + "".join(self.logs(o) for o in ([name] if name else ORGANIZATIONS)))

    def rpc(self, name, method, *params):
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        url = f"http://127.0.0.1:{port(ORGANIZATIONS.index(name), 'rpc')}"
        call = urllib.request.Request(url, json.dumps(request).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(call, timeout=60) as answer:
            body = json.load(answer)
        if "error" in body:
            raise RuntimeError(f"{method}: {body['error']['message']}")
        return body["result"]

    def height(self, name):
        return int(self.rpc(name, "eth_blockNumber"), 16)

    def stored(self, name, transaction):
        receipt = self.wait(f"a receipt at {name}", lambda: self.rpc(name, "eth_getTransactionReceipt", transaction))
        return int(self.rpc(name, "eth_getStorageAt", receipt["contractAddress"], "0x0", "latest"), 16)


def check_order(name):
    """Each init container has ended well before the next began. (Of a short one podman may note the end before the beginning.)"""
    ended = ""
    for container in ("certificates-init", "mysql-init", "quorum-genesis-init-container"):
        state = json.loads(run("podman", "inspect", f"{name}-0-{container}"))[0]["State"]
        assert state["ExitCode"] == 0 and state["StartedAt"] >= ended, (name, container, state, ended)
        ended = state["FinishedAt"]


def memory(name):
    kib = 0
    for container in ("tessera", "quorum", "mysql-db"):
        process = json.loads(run("podman", "inspect", f"{name}-0-{container}"))[0]["State"]["Pid"]
        for line in pathlib.Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            kib += int(line.split()[1]) if line.startswith("Pss:") else 0
    return kib // 1024


def drive(pods):
    values = pods.values()
    began = time.monotonic()
    for index, name in enumerate(ORGANIZATIONS):
        pods.write(index, name, values[name])
        pods.play(name)
    for name in ORGANIZATIONS:
        pods.wait(f"blocks at {name}", lambda n=name: pods.height(n) > 0 and int(pods.rpc(n, "net_peerCount"), 16) == 3, name)
    print(f"four pods make blocks {time.monotonic() - began:.1f} s after the first was played")
    for name in ORGANIZATIONS:
        check_order(name)
    print("init containers ended well, one behind the other")
    key = {o: pods.vault.ask("GET", f"secretsv2/data/{o}-quo/crypto/{o}/transaction")["data"]["data"]["tm.pub"] for o in ORGANIZATIONS}
    account = pods.rpc("one", "eth_accounts")[0]
    sent = pods.wait("a private transaction", lambda: pods.rpc("one", "eth_sendTransaction", {
        "from": account, "data": STORES_42, "gas": "0x47b760", "gasPrice": "0x0", "privateFor": [key["two"]]}))
    assert {o: pods.stored(o, sent) for o in ORGANIZATIONS} == {"one": 42, "two": 42, "three": 0, "four": 0}
    print("a private transaction: 42 at its two parties, nothing at the others")
    print("memory of a pod with its database, MiB: " + ", ".join(f"{o} {memory(o)}" for o in ORGANIZATIONS))
    run("podman", "pod", "kill", "two-0")
    run("podman", "pod", "rm", "--force", "two-0")
    before = pods.height("one")
    pods.wait("blocks of three", lambda: pods.height("one") > before + 2)
    began = time.monotonic()
    pods.play("two")
    pods.wait("two to be in sync", lambda: pods.height("two") >= pods.height("one") - 1 > before, "two")
    assert pods.stored("two", sent) == 42, "the killed pod has lost its private state"
    check_order("two")
    more = pods.wait("a private transaction", lambda: pods.rpc("one", "eth_sendTransaction", {
        "from": account, "data": STORES_42, "gas": "0x47b760", "gasPrice": "0x0", "privateFor": [key["two"]]}))
    assert pods.stored("two", more) == 42
    print(f"a killed pod was back with its data and in sync after {time.monotonic() - began:.1f} s; the others went on")


def missing():
    needed = ["podman", "runc", "catatonit", "unshare", "ip", "mariadbd"]
    gone = [p for p in needed if not shutil.which(p, path="/usr/sbin:/sbin:" + os.environ["PATH"])]
    if os.geteuid() != 0:
        return "not root"
    try:
        import yaml  # noqa: F401
    except ImportError:
        gone.append("python3-yaml")
    bao, helm = (shutil.which(os.environ.get(v, n)) for v, n in (("QUORATE_OPENBAO", "bao"), ("QUORATE_HELM", "helm")))
    gone += [n for n, p in (("bao (QUORATE_OPENBAO)", bao), ("helm (QUORATE_HELM)", helm)) if not p]
    if gone:
        return "not there: " + ", ".join(gone)
    if subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode != 0:
        return "no network namespace may be made here"
    if subprocess.run(["podman", "info"], capture_output=True).returncode != 0:
        return "podman does not work here"
    return None


def set_limits(folder):
    """podman asks for a million open files, and processes, which a sandbox's root may not have."""
    files = min(16384, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    limits = f'"nofile={files}:{files}", "nproc=4096:4096"'
    names = " ".join(n for o in ORGANIZATIONS for n in (o, f"{o}.{o}-quo.svc.cluster.local"))
    (folder / "hosts").write_text(f"127.0.0.1 localhost {names}\n")  # the cluster's names
    (folder / "containers.conf").write_text(f'[containers]\ndefault_ulimits = [{limits}]\nbase_hosts_file = "{folder}/hosts"\n')
    os.environ["CONTAINERS_CONF"] = str(folder / "containers.conf")


def main():
    why = missing()
    if why:
        print(f"skipped: {why}")
        return SKIPPED
    if "QUORATE_PODS_INSIDE" not in os.environ:
        inside = "ip link set lo up && exec \"$@\""
        return subprocess.run(["unshare", "--net", "sh", "-c", inside, "sh", sys.executable, *sys.argv],
                              env=dict(os.environ, QUORATE_PODS_INSIDE="1")).returncode
    programs, charts, tools = (os.path.abspath(p) for p in sys.argv[1:4])
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quorate-pods-")))
        folder.chmod(0o755)
        set_limits(folder)
        drive(Pods(folder, programs, charts, tools, shutil.which(os.environ.get("QUORATE_OPENBAO", "bao")),
                   shutil.which(os.environ.get("QUORATE_HELM", "helm")), stack))
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""BAF 0.8.1's own charts with our image of the variant with a shell: the very commands of their containers, one after the other, in podman.

usage: baf.py BUILD FIXTURES TOOLS NETWORK.json

$QUORATE_BAF_CHARTS is the folder platforms/quorum/charts of a checkout of BAF 0.8.1, helm $QUORATE_HELM or that of the path. One peer by itself, over Raft, for each
transaction manager: secrets from a stand-in for the vault, genesis, manager, node, a private contract. The database's image isn't ours: Tessera's pod has SQLite, with
the tables that its own mysql-init writes down. Skipped unless root with podman, busybox, curl, jq and the others."""

import base64
import http.server
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from ports import free_ports  # noqa: E402

SKIPPED, PATIENCE, ROOT = 77, 180, "/etc/quorum/qdata"
BUILD, FIXTURES, TOOLS, NETWORK = (os.path.abspath(p) for p in sys.argv[1:5])
IMAGE, TOKEN = "localhost/quorate:baf", "token-of-the-account"
NODE_KEY, ACCOUNT_KEY, PASSWORD = "1" * 64, "2" * 64, "passw0rd"  # without a space: the charts put it on a command line as it is
STORES_42 = "0x602a60005560006000f3"  # a creation: SSTORE(0, 42), and no code


def run(*words, **more):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=600, **more)
    if done.returncode != 0:
        sys.exit(f"{words} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


class Vault(http.server.BaseHTTPRequestHandler):
    """Its login for pods and the first version of its key-value store, as far as the charts' scripts ask."""
    secrets = {}

    def answer(self, body, code=200):
        text = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        good = self.path == "/v1/auth/quorumcarrier/login" and asked == {"role": "vault-role", "jwt": TOKEN}
        self.answer({"auth": {"client_token": "of-the-pod"}} if good else {"errors": ["permission denied"]}, 200 if good else 403)

    def do_GET(self):
        found = self.secrets.get(self.path.rsplit("/", 1)[1]) if self.headers["X-Vault-Token"] == "of-the-pod" else None
        self.answer({"data": found} if found else {"errors": []}, 200 if found else 404)

    def log_message(self, *_):
        pass


class Peer:
    def __init__(self, folder, pod, helm):
        self.folder, self.manager, self.values, self.running = folder, pod["transaction_manager"], pod["values"], []
        self.helm = helm
        self.make_secrets()
        self.set_values()
        self.render()

    def program(self, name):
        return os.path.join(BUILD, "bin", name)

    def make_secrets(self):
        (self.folder / "account").write_text(ACCOUNT_KEY)
        (self.folder / "password").write_text(PASSWORD)
        run(self.program("geth"), "--datadir", self.folder / "other", "account", "import", "--lightkdf", "--password", self.folder / "password",
            self.folder / "account")
        run(self.program("quorate-tm"), "keygen", "--keyout", self.folder / "tm", input="\n\n")
        self.key = (self.folder / "tm.pub").read_text().strip()
        store = next((self.folder / "other/keystore").iterdir()).read_text()
        Vault.secrets = {"quorum": {"nodekey": NODE_KEY, "keystore": store, "gethpassword": PASSWORD, "db_user": "demouser", "db_password": PASSWORD},
                         "transaction": {"tm.pub": self.key, "tm.key": (self.folder / "tm.key").read_text()}}

    def set_values(self):
        v, (self.rpc_port, raft, quorum, tm, db) = self.values, free_ports(5)
        genesis = json.loads(pathlib.Path(NETWORK).read_text())["genesis"]
        del genesis["config"]["qbft"]
        genesis.update(extraData="0x" + "00" * 32, difficulty="0x0", mixHash="0x" + "00" * 32)
        v["genesis"] = base64.b64encode(json.dumps(genesis).encode()).decode()
        public = run(self.program("bootnode"), "-nodekeyhex", NODE_KEY, "-writeaddress").strip()
        v["staticnodes"] = [f"enode://{public}@127.0.0.1:{quorum}?discport=0&raftport={raft}"]
        v["node"]["ports"].update(rpc=self.rpc_port, raft=raft, quorum=quorum)
        if self.manager == "tessera":
            v["node"]["ports"].update(tm=tm, db=db)
            # The node's script asks by the public URL and has no certificate: on clusters the proxy, which is not here, has one.
            v["tessera"].update(dburl=f"jdbc:sqlite:{ROOT}/database", tls="OFF", url=f"http://127.0.0.1:{tm}", othernodes=[{"url": f"http://127.0.0.1:{tm}"}])
        else:
            v["node"]["ports"]["constellation"] = tm
            v["constellation"].update(url=f"https://127.0.0.1:{tm}/", othernodes=f"https://127.0.0.1:{tm}/")

    def render(self):
        import yaml
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Vault)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.values["vault"]["address"] = f"http://127.0.0.1:{server.server_port}"
        (self.folder / "values.json").write_text(json.dumps(self.values))
        objects = [o for o in yaml.safe_load_all(run(self.helm, "template", "carrier", os.path.join(os.environ["QUORATE_BAF_CHARTS"], f"node_{self.manager}"),
                                                     "--values", self.folder / "values.json")) if o]
        self.spec = next(o for o in objects if o["kind"] == "StatefulSet")["spec"]["template"]["spec"]
        self.maps = {o["metadata"]["name"]: o["data"] for o in objects if o["kind"] == "ConfigMap"}
        (self.folder / "token").mkdir()
        (self.folder / "token/token").write_text(TOKEN)

    def place(self, mount):
        """The folder or file of a volume; claims and volumes in memory are empty and root's, as on most clusters."""
        volume = next((v for v in self.spec["volumes"] if v["name"] == mount["name"]), {})
        path = self.folder / "volumes" / mount["name"]
        path.mkdir(parents=True, exist_ok=True)
        for name, text in self.maps.get(volume.get("configMap", {}).get("name"), {}).items():
            (path / name).write_text(text)
        return path / mount["subPath"] if mount.get("subPath") else path

    def words(self, c):
        mounts = [w for m in c["volumeMounts"] if not m.get("subPath") or self.place(m).exists() for w in ("--volume", f"{self.place(m)}:{m['mountPath']}")]
        env = [w for e in c.get("env", []) for w in ("--env", f"{e['name']}={e['value']}")]
        token = ["--volume", f"{self.folder}/token:/var/run/secrets/kubernetes.io/serviceaccount:ro"]
        return ["podman", "run", "--rm", "--network", "host", "--name", f"baf-{self.manager}-{c['name']}", *mounts, *token, *env,
                "--entrypoint", json.dumps(c["command"]), IMAGE, *c["args"]]

    def container(self, name):
        return next(c for c in self.spec["initContainers"] + self.spec["containers"] if c["name"] == name)

    def log(self, name):
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""

    def start(self):
        for c in self.spec["initContainers"]:
            done = subprocess.run(self.words(c), capture_output=True, text=True, timeout=300)
            assert done.returncode == 0, (c["name"], done.stdout, done.stderr)
        keys = {p.name for p in (self.folder / "volumes/certificates/keys").iterdir()}
        assert {"nodekey", "keystore_1", "passwords.txt", "tm.pub", "tm.key"} <= keys, keys
        claim = self.folder / "volumes/carrier-pv"
        assert (claim / "dd/genesis_created").exists() and (claim / "dd/geth").is_dir(), "no genesis"
        if self.manager == "tessera":
            script = (self.folder / "volumes/mysql/createTables.sql").read_text()
            assert f"PASSWORD('{PASSWORD}')" in script
            with sqlite3.connect(claim / "database") as base:
                for line in re.findall(r"CREATE TABLE.*?;", script):
                    base.execute(line)
        for c in self.spec["containers"]:
            if c["name"] != "mysql-db":
                log = open(self.folder / f"{c['name']}.log", "w")
                self.running.append((c["name"], subprocess.Popen(self.words(c), stdout=log, stderr=subprocess.STDOUT)))

    def rpc(self, method, *params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.rpc_port}", body, {"Content-Type": "application/json"})
        answer = json.load(urllib.request.urlopen(request, timeout=60))
        if "error" in answer:
            raise OSError(answer["error"]["message"])
        return answer["result"]

    def wait(self, what, condition):
        end, last = time.monotonic() + PATIENCE, None
        while time.monotonic() < end:
            try:
                found = condition()
                if found:
                    return found
            except (OSError, ValueError) as error:
                last = error
            time.sleep(0.25)
        sys.exit(f"waited {PATIENCE} s in vain for {what}: {last}\n" + "".join(f"--- {n}\n{self.log(n)}" for n, _ in self.running))

    def check(self):
        account = self.wait("an account", lambda: self.rpc("eth_accounts"))[0]
        sent = self.wait("a private transaction", lambda: self.rpc("eth_sendTransaction", {
            "from": account, "data": STORES_42, "gas": "0x47b760", "gasPrice": "0x0", "privateFor": [self.key]}))
        receipt = self.wait("its receipt", lambda: self.rpc("eth_getTransactionReceipt", sent))
        stored = int(self.rpc("eth_getStorageAt", receipt["contractAddress"], "0x0", "latest"), 16)
        assert stored == 42, stored
        print(f"BAF's node_{self.manager}: secrets, genesis, manager and node by its own commands; a private contract stores 42")

    def end(self):
        for name, process in self.running:
            subprocess.run(["podman", "rm", "--force", "--time", "5", f"baf-{self.manager}-{name}"], capture_output=True)
            process.wait(timeout=60)


def missing():
    gone = [p for p in ("podman", "busybox", "curl", "jq") if not shutil.which(p)]
    if not shutil.which(os.environ.get("QUORATE_HELM", "helm")):
        gone.append("helm (QUORATE_HELM)")
    if not os.path.isdir(os.environ.get("QUORATE_BAF_CHARTS", "")):
        gone.append("BAF 0.8.1's charts (QUORATE_BAF_CHARTS)")
    if not os.path.exists(os.path.join(FIXTURES, "reference-pods.json")):
        gone.append("reference-pods.json")
    return "not root" if os.geteuid() != 0 else "not there: " + ", ".join(gone) if gone else None


def main():
    why = missing()
    if why:
        print(f"skipped: {why}")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="quorate-baf-") as top:
        limits = pathlib.Path(top) / "containers.conf"  # podman asks for more than a sandbox's root may have
        limits.write_text('[containers]\ndefault_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]\nbase_hosts_file = "%s/hosts"\n' % top)
        (pathlib.Path(top) / "hosts").write_text("127.0.0.1 localhost carrier\n")
        os.environ["CONTAINERS_CONF"] = str(limits)
        run("bash", os.path.join(TOOLS, "image"), BUILD, IMAGE, "shell-root", env=dict(os.environ, IMAGE_TOOL="podman"))
        try:
            for pod in json.loads(pathlib.Path(FIXTURES, "reference-pods.json").read_text()):
                if pod["consensus"] != "raft":
                    continue
                folder = pathlib.Path(top) / pod["transaction_manager"]
                folder.mkdir()
                peer = Peer(folder, pod, shutil.which(os.environ.get("QUORATE_HELM", "helm")))
                try:
                    peer.start()
                    peer.check()
                finally:
                    peer.end()
        finally:
            subprocess.run(["podman", "rmi", "--force", IMAGE], capture_output=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

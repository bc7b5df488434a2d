#!/usr/bin/env python3
"""The pods' own commands, as helm renders them, run on this machine: genesis, database, manager, node, a private contract.

usage: pod.py CHARTS FIXTURES BUILD NETWORK.json     BUILD/src has the programs

Paths of the pod lie in a folder of the test, ports are free ones; all else is the charts'. Skipped without helm
($QUORATE_HELM), python3-yaml or MariaDB. Secrets lie where certificates-init puts them (tests/program/init.py).
"""
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from ports import free_ports  # noqa: E402

CHARTS, FIXTURES, BUILD, NETWORK = sys.argv[1:5]
NODE_KEY, ACCOUNT_KEY, PASSWORD = "1" * 64, "2" * 64, "a passw'ord"


class Pod:
    def __init__(self, folder, values, manager, helm):
        self.folder, self.root, self.manager, self.helm = folder, folder + "/qdata", manager, helm
        self.keys, self.values = self.root + "/crypto/keys", json.loads(json.dumps(values))
        self.values["vault"]["allowPlainHttp"] = True  # the reference's vault is asked by plain http
        self.processes = []
        os.makedirs(self.keys)
        os.makedirs(self.root + "/genesis")
        os.makedirs(folder + "/bin")
        for name, program in (("quorate-init", "quorate-init"), ("quorate-node", "quorate-node"), ("geth", "quorate-node"),
                              ("bootnode", "quorate-node"), ("quorate-tm", "quorate-tm"), ("constellation-node", "quorate-tm")):
            os.symlink(os.path.abspath("%s/src/%s" % (BUILD, program)), "%s/bin/%s" % (folder, name))
        self.env = dict(os.environ, PATH="%s/bin:/usr/sbin:%s" % (folder, os.environ["PATH"]))

    def run(self, *words, **more):
        done = subprocess.run(words, capture_output=True, text=True, env=self.env, timeout=120, **more)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def secret(self, name, text):
        with open("%s/%s" % (self.keys, name), "w") as f:
            f.write(text)

    def make_secrets(self):
        self.secret("nodekey", NODE_KEY)
        self.secret("passwords.txt", PASSWORD)
        self.secret("password", PASSWORD + "\n")
        with open(self.folder + "/account", "w") as f:
            f.write(ACCOUNT_KEY)
        self.run("geth", "--datadir", self.folder + "/other", "account", "import", "--lightkdf", "--password",
                 self.keys + "/passwords.txt", self.folder + "/account")
        store = self.folder + "/other/keystore"
        shutil.copy("%s/%s" % (store, os.listdir(store)[0]), self.keys + "/keystore_1")
        self.run("quorate-tm", "keygen", "--keyout", self.keys + "/tm", input="\n\n")

    def set_values(self):
        rpc, raft, quorum, tm, db, third = free_ports(6)
        v, self.rpc_port, self.db_port, self.third_port = self.values, rpc, db, third
        with open(NETWORK) as f:
            genesis = json.load(f)["genesis"]
        del genesis["config"]["qbft"]
        genesis.update(extraData="0x" + "00" * 32, difficulty="0x0", mixHash="0x" + "00" * 32)
        v["genesis"] = base64.b64encode(json.dumps(genesis).encode()).decode()
        public = self.run("bootnode", "-nodekeyhex", NODE_KEY, "-writeaddress").strip()
        v["staticnodes"] = ["enode://%s@127.0.0.1:%d?discport=0&raftport=%d" % (public, quorum, raft)]
        v["node"]["mountPath"] = self.root
        v["node"]["ports"].update(rpc=rpc, raft=raft, quorum=quorum)
        if self.manager == "tessera":
            v["node"]["ports"].update(tm=tm, db=db, thirdparty=third)
            url = "https://127.0.0.1:%d" % tm
            v["tessera"].update(dburl="jdbc:mysql://carrier:%d/demodb" % db, url=url, othernodes=[{"url": url}])
        else:
            v["node"]["ports"]["constellation"] = tm
            url = "https://127.0.0.1:%d/" % tm
            v["constellation"].update(url=url, othernodes=[url], storage="bdb:%s/database" % self.root)

    def render(self):
        import yaml
        path = self.folder + "/values.json"
        with open(path, "w") as f:
            json.dump(self.values, f)
        objects = [o for o in yaml.safe_load_all(self.run(self.helm, "template", "carrier", "%s/node-%s" % (CHARTS, self.manager),
                                                          "--kube-version", "1.31.0", "--values", path)) if o]
        for o in (o for o in objects if o["kind"] == "ConfigMap"):
            place = self.root + ("/genesis" if o["metadata"]["name"].startswith("genesis-") else "")
            for name, text in o["data"].items():
                with open("%s/%s" % (place, name), "w") as f:
                    f.write(text)
        self.spec = [o for o in objects if o["kind"] == "StatefulSet"][0]["spec"]["template"]["spec"]

    def container(self, kind, name):
        return [c for c in self.spec[kind] if c["name"] == name][0]

    def start_database(self):
        words = self.container("initContainers", "mysql-init")
        words = [w.replace("/docker-entrypoint-initdb.d", self.folder).replace("/secret", self.root + "/crypto")
                 for w in words["command"] + words["args"]]
        self.run(*words)
        data, sock = self.folder + "/mysql", self.folder + "/mysql.sock"
        temporary = "--tmpdir=" + self.folder  # a server that starts removes other servers' temporary tables in /tmp
        self.run("mariadb-install-db", "--no-defaults", "--user=root", "--datadir=" + data, temporary, "--skip-test-db", "--force",
                 "--auth-root-authentication-method=normal")
        server = ["mariadbd", "--no-defaults", "--user=root", "--datadir=" + data, temporary, "--socket=" + sock, "--skip-name-resolve",
                  "--innodb-buffer-pool-size=16M", *self.container("containers", "mysql-db")["args"]]
        self.spawn("mysql-db", server)
        client = ["mariadb", "--no-defaults", "--socket=" + sock, "-uroot"]
        for _ in range(300):
            with open(self.folder + "/createTables.sql") as script:
                if subprocess.run(client, stdin=script, capture_output=True).returncode == 0:
                    return
            time.sleep(0.1)
        raise AssertionError("the database does not start")

    def spawn(self, name, words, env=None):
        with open("%s/%s.log" % (self.folder, name), "w") as log:
            self.processes.append(subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT, env=dict(self.env, **(env or {}))))

    def start(self):
        self.make_secrets()
        self.set_values()
        self.render()
        genesis = self.container("initContainers", "quorum-genesis-init-container")
        for _ in range(2):  # as at a restart of the pod
            self.run(*genesis["command"], *genesis["args"])
        # The node first: it has to wait for the manager, and that for the database.
        for c in reversed(self.spec["containers"]):
            if c["name"] != "mysql-db":
                self.spawn(c["name"], c["command"] + c["args"], {e["name"]: e["value"] for e in c["env"]})
        if self.manager == "tessera":
            self.start_database()

    def rpc(self, method, *params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request("http://127.0.0.1:%d" % self.rpc_port, body, {"Content-Type": "application/json"})
        answer = json.load(urllib.request.urlopen(request, timeout=10))
        if "error" in answer:  # while it starts, accounts are not unlocked yet
            raise OSError(answer["error"]["message"])
        return answer["result"]

    def until(self, what, fn):
        for _ in range(600):
            try:
                result = fn()
                if result:
                    return result
            except OSError as e:
                what = "%s (%s)" % (what.split(" (")[0], e)
            time.sleep(0.1)
        logs = "".join("--- %s\n%s" % (n, open("%s/%s" % (self.folder, n)).read()[-2000:])
                       for n in os.listdir(self.folder) if n.endswith(".log"))
        raise AssertionError("%s: not in a minute\n%s" % (what, logs))

    def check(self):
        account = self.until("the node's accounts", lambda: self.rpc("eth_accounts"))[0]
        with open(self.keys + "/tm.pub") as f:
            key = f.read().strip()
        sent = self.until("a private contract", lambda: self.rpc("eth_sendTransaction", {
            "from": account, "data": "0x6001600055", "gas": "0x47b760", "privateFor": [key]}))
        receipt = self.until("its receipt", lambda: self.rpc("eth_getTransactionReceipt", sent))
        assert receipt["status"] == "0x1", receipt
        assert int(self.rpc("eth_getStorageAt", receipt["contractAddress"], "0x0", "latest"), 16) == 1
        probes = [("quorum", "readinessProbe")]
        if self.manager == "tessera":
            probes += [("tessera", p) for p in ("startupProbe", "readinessProbe", "livenessProbe")]
        for name, probe in probes:
            get = self.container("containers", name)[probe]["httpGet"]
            assert urllib.request.urlopen("http://127.0.0.1:%d%s" % (get["port"], get["path"]), timeout=10).status == 200

    def stop(self):
        for p in reversed(self.processes):
            p.terminate()
        for p in reversed(self.processes):
            try:
                p.wait(20)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()


def main():
    helm, reference = os.environ.get("QUORATE_HELM") or shutil.which("helm"), FIXTURES + "/reference-pods.json"
    try:
        import yaml  # noqa: F401
    except ImportError:
        helm = None
    if not helm or not os.path.exists(reference) or not shutil.which("mariadbd", path="/usr/sbin:/usr/bin") \
            or not shutil.which("mariadb-install-db"):
        print("helm, python3-yaml, MariaDB or the reference's pods are not there: skipped")
        return 77
    with open(reference) as f:
        pods = [p for p in json.load(f) if p["consensus"] == "raft"]
    for p in pods:
        with tempfile.TemporaryDirectory(prefix="quorate-pod.") as folder:
            pod = Pod(folder, p["values"], p["transaction_manager"], helm)
            try:
                pod.start()
                pod.check()
                print("node-%s: a private contract" % p["transaction_manager"], flush=True)
            finally:
                pod.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())

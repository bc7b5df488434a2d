#!/usr/bin/env python3
"""BAF 0.8.1's own charts with our image of the variant with a shell: the very commands of their containers, one after the other, in podman.

usage: baf.py BUILD FIXTURES TOOLS NETWORK.json

$QUORATE_BAF_CHARTS is the folder platforms/quorum/charts of a checkout of BAF 0.8.1, helm $QUORATE_HELM or that of the path. One peer by itself, over Raft for each
transaction manager and over IBFT for Constellation: secrets from a stand-in for the vault, genesis, manager, node, a private contract; Tessera's pod has SQLite there. Then two peers with Tessera that agree
by IBFT: a MariaDB for each in place of the database's image, which isn't ours, TLS between the managers through a proxy before each, as on clusters, and a contract that is private
between the two. The tables are those that the chart's own mysql-init writes down. Skipped unless root with podman, busybox, curl, jq and the others."""

import base64
import copy
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import sqlite3
import ssl
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
ACCOUNT_KEY, PASSWORD = "a" * 64, "passw0rd"  # without a space: the charts put it on a command line as it is
ISTANBUL = "0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365"  # mixHash of its blocks
STORES_42 = "0x602a60005560006000f3"  # a creation: SSTORE(0, 42), and no code


def run(*words, **more):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=600, **more)
    if done.returncode != 0:
        sys.exit(f"{words} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


class Vault(http.server.BaseHTTPRequestHandler):
    """Its login for pods and the first version of its key-value store, as far as the charts' scripts ask; one for each peer."""
    secrets = None

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


class Proxy(http.server.BaseHTTPRequestHandler):
    """What stands before a manager on clusters: it takes TLS from others, and speaks TLS to the manager with a certificate of its own."""
    protocol_version = "HTTP/1.1"
    port, folder, passed = None, None, None

    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(self.folder / "proxy.pem", self.folder / "proxy.key")
        there = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=30)
        try:
            there.request(self.command, self.path, body, {k: v for k, v in self.headers.items() if k.lower() in ("content-type", "accept")})
            answer = there.getresponse()
            code, kind, text = answer.status, answer.getheader("Content-Type"), answer.read()
        except OSError as error:  # the manager does not serve yet
            code, kind, text = 502, "text/plain", str(error).encode()
        finally:
            there.close()
        self.passed.append((self.command, self.path, code))
        self.send_response(code)
        if kind:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_HEAD = forward

    def log_message(self, *_):
        pass


def rlp(item):
    """A list of items, or bytes that are longer than one."""
    body = b"".join(map(rlp, item)) if isinstance(item, list) else item
    assert len(body) < 56, "more than the test has validators"
    return bytes([(0xc0 if isinstance(item, list) else 0x80) + len(body)]) + body


class Peer:
    """`number`: of those that are there at once, from 0; its node's key follows from it. Its proxy is at 127.0.1.<number + 1>."""

    def __init__(self, folder, pod, helm, number=0, name="carrier"):
        self.folder, self.manager, self.values, self.running = folder, pod["transaction_manager"], copy.deepcopy(pod["values"]), []
        self.helm, self.number, self.name, self.raft = helm, number, name, pod["consensus"] == "raft"
        self.node_key, self.passed, self.servers = str(number + 1) * 64, [], []
        self.values["node"]["name"] = name
        self.rpc_port, self.raft_port, self.quorum_port, self.tm_port, self.db_port = free_ports(5)
        self.public = run(self.program("bootnode"), "-nodekeyhex", self.node_key, "-writeaddress").strip()
        self.make_secrets()

    def enode(self):
        return f"enode://{self.public}@127.0.0.1:{self.quorum_port}?discport=0" + (f"&raftport={self.raft_port}" if self.raft else "")

    def validator(self):
        """The address of its node's key."""
        key = self.folder / "node-key"
        if key.exists():
            return self.seals_as
        key.write_text(self.node_key)
        text = run(self.program("geth"), "--datadir", self.folder / "validator", "account", "import", "--lightkdf", "--password", self.folder / "password", key)
        self.seals_as = bytes.fromhex(re.search(r"\{([0-9a-fA-F]{40})\}", text).group(1))
        return self.seals_as

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
        self.secrets = {"quorum": {"nodekey": self.node_key, "keystore": store, "gethpassword": PASSWORD, "db_user": "demouser", "db_password": PASSWORD},
                        "transaction": {"tm.pub": self.key, "tm.key": (self.folder / "tm.key").read_text()}}

    def set_values(self, peers, mysql=False):
        v, managers = self.values, [p.url(mysql) for p in peers]
        v["genesis"] = base64.b64encode(json.dumps(genesis_of(peers, self.raft)).encode()).decode()
        v["staticnodes"] = [p.enode() for p in peers]
        v["node"]["ports"].update(rpc=self.rpc_port, raft=self.raft_port, quorum=self.quorum_port)
        if self.manager == "tessera":
            v["node"]["ports"].update(tm=self.tm_port, db=self.db_port)
            v["tessera"].update(url=self.url(mysql), othernodes=[{"url": u} for u in managers])
            if mysql:
                v["tessera"].update(dburl=f"jdbc:mysql://127.0.0.1:{self.db_port}/{v['node']['dbname']}")
                assert (v["tessera"]["tls"], v["tessera"]["trust"]) == ("STRICT", "TOFU"), v["tessera"]
            else:
                # The node's script asks by the public URL and has no certificate: without a proxy before it, that is refused.
                v["tessera"].update(dburl=f"jdbc:sqlite:{ROOT}/database", tls="OFF")
        else:
            v["node"]["ports"]["constellation"] = self.tm_port
            v["constellation"].update(url=managers[0] + "/", othernodes=managers[0] + "/")
        self.mysql, self.peers = mysql, peers
        self.render()

    def url(self, proxied):
        """As others see it."""
        if proxied:
            return f"https://tm-{self.name}.test:{self.tm_port}"
        return f"{'http' if self.manager == 'tessera' else 'https'}://127.0.0.1:{self.tm_port}"

    def serve(self, handler, address, **members):
        server = http.server.ThreadingHTTPServer(address, type(handler.__name__, (handler,), members))
        server.daemon_threads = True
        self.servers.append(server)
        return server

    def start_proxy(self):
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.folder / "proxy.key", "-out", self.folder / "proxy.pem", "-days", "2",
            "-subj", f"/CN=proxy-{self.name}", "-addext", f"subjectAltName=DNS:tm-{self.name}.test")
        server = self.serve(Proxy, (f"127.0.1.{self.number + 1}", self.tm_port), port=self.tm_port, folder=self.folder, passed=self.passed)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "proxy.pem", self.folder / "proxy.key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def start_database(self):
        """With the user and database that the chart's image would make, and the tables that mysql-init writes."""
        data, socket = self.folder / "mysql-data", self.folder / "mysql.sock"
        temporary = f"--tmpdir={self.folder}"  # a server that starts removes other servers' temporary tables in /tmp
        run("mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={data}", temporary, "--skip-test-db", "--force", "--auth-root-authentication-method=normal")
        log = open(self.folder / "mysql-db.log", "w")
        self.running.append(("mysql-db", subprocess.Popen(
            ["mariadbd", "--no-defaults", "--user=root", f"--datadir={data}", temporary, f"--socket={socket}", "--skip-name-resolve", "--innodb-buffer-pool-size=16M",
             "--bind-address=127.0.0.1", f"--port={self.db_port}"], stdout=log, stderr=subprocess.STDOUT)))
        node = self.values["node"]
        script = f"CREATE DATABASE {node['dbname']}; CREATE USER '{node['mysqluser']}'@'%' IDENTIFIED BY '{PASSWORD}'; " \
                 f"GRANT ALL ON {node['dbname']}.* TO '{node['mysqluser']}'@'%'; USE {node['dbname']};\n" + "\n".join(self.tables())
        self.wait("the database", lambda: subprocess.run(["mariadb", "--no-defaults", f"--socket={socket}", "-uroot"], input=script, text=True,
                                                         capture_output=True).returncode == 0)

    def count(self, table):
        return int(run("mariadb", "--no-defaults", f"--socket={self.folder}/mysql.sock", "-uroot", "--skip-column-names", "--execute",
                       f"SELECT COUNT(*) FROM {self.values['node']['dbname']}.{table}"))

    def tables(self):
        script = (self.folder / "volumes/mysql/createTables.sql").read_text()
        assert f"PASSWORD('{PASSWORD}')" in script
        return re.findall(r"CREATE TABLE.*?;", script)

    def render(self):
        import yaml
        server = self.serve(Vault, ("127.0.0.1", 0), secrets=self.secrets)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.values["vault"]["address"] = f"http://127.0.0.1:{server.server_port}"
        (self.folder / "values.json").write_text(json.dumps(self.values))
        objects = [o for o in yaml.safe_load_all(run(self.helm, "template", self.name, os.path.join(os.environ["QUORATE_BAF_CHARTS"], f"node_{self.manager}"),
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
        # Its own manager listens behind the proxy; all others see what is before it.
        hosts = [w for p in self.peers for w in ("--add-host", f"tm-{p.name}.test:" + (
            "127.0.0.1" if p is self and c["name"] == "tessera" else f"127.0.1.{p.number + 1}"))] if self.mysql else []
        return ["podman", "run", "--rm", "--network", "host", "--name", self.container_name(c["name"]), *hosts, *mounts, *token, *env,
                "--entrypoint", json.dumps(c["command"]), IMAGE, *c["args"]]

    def container_name(self, name):
        return f"baf-{self.manager}-{self.name}-{name}"

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
        claim = self.folder / f"volumes/{self.name}-pv"
        assert (claim / "dd/genesis_created").exists() and (claim / "dd/geth").is_dir(), "no genesis"
        if self.mysql:
            self.start_database()
            self.start_proxy()
        elif self.manager == "tessera":
            with sqlite3.connect(claim / "database") as base:
                for line in self.tables():
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

    def stored(self, sent):
        receipt = self.wait("its receipt", lambda: self.rpc("eth_getTransactionReceipt", sent))
        return int(self.rpc("eth_getStorageAt", receipt["contractAddress"], "0x0", "latest"), 16)

    def send(self, key):
        account = self.wait("an account", lambda: self.rpc("eth_accounts"))[0]
        return self.wait("a private transaction", lambda: self.rpc("eth_sendTransaction", {
            "from": account, "data": STORES_42, "gas": "0x47b760", "gasPrice": "0x0", "privateFor": [key]}))

    def check(self):
        stored = self.stored(self.send(self.key))
        assert stored == 42, stored
        print(f"BAF's node_{self.manager}, {'Raft' if self.raft else 'IBFT'}: secrets, genesis, manager and node by its own commands; a private contract stores 42")

    def end(self):
        for name, process in self.running:
            if name == "mysql-db":
                process.terminate()
            else:
                subprocess.run(["podman", "rm", "--force", "--time", "5", self.container_name(name)], capture_output=True)
            process.wait(timeout=60)
        for server in self.servers:
            server.server_close()


def genesis_of(peers, raft):
    genesis = json.loads(pathlib.Path(NETWORK).read_text())["genesis"]
    del genesis["config"]["qbft"]
    if raft:
        genesis.update(extraData="0x" + "00" * 32, difficulty="0x0", mixHash="0x" + "00" * 32)
    else:
        genesis["config"]["istanbul"] = {"epoch": 30000, "policy": 0, "ceil2Nby3Block": 0}
        extra = rlp([sorted(p.validator() for p in peers), b"", []])
        genesis.update(extraData="0x" + "00" * 32 + extra.hex(), difficulty="0x1", mixHash=ISTANBUL)
    return genesis


def check_alone(top, pod, helm):
    folder = top / f"{pod['transaction_manager']}-{pod['consensus']}"
    folder.mkdir()
    peer = Peer(folder, pod, helm)
    try:
        peer.set_values([peer])
        peer.start()
        peer.check()
    finally:
        peer.end()


def check_two(top, pod, helm):
    """IBFT, MySQL, TLS."""
    peers = []
    try:
        for number, name in enumerate(("carrier", "store")):
            folder = top / f"ibft-{name}"
            folder.mkdir()
            peers.append(Peer(folder, pod, helm, number, name))
        for peer in peers:
            peer.set_values(peers, mysql=True)
            peer.start()
        one, two = peers
        both, alone = one.send(two.key), two.send(two.key)
        assert (one.stored(both), two.stored(both)) == (42, 42)
        assert (one.stored(alone), two.stored(alone)) == (0, 42)
        assert len(one.rpc("istanbul_getValidators", "latest")) == 2
        payloads = [p.count("ENCRYPTED_TRANSACTION") for p in peers]
        assert payloads == [1, 2], payloads
        pushed = [(r[0], r[2]) for r in two.passed if r[1] == "/push"]
        assert ("POST", 201) in pushed, two.passed
        print("BAF's node_tessera, twice: IBFT, MySQL, TLS between the managers; a contract private between the two, and one of the second alone; payloads in "
              f"the databases: {payloads}")
    finally:
        for peer in peers:
            peer.end()


def missing():
    gone = [p for p in ("podman", "busybox", "curl", "jq", "openssl", "mariadbd", "mariadb", "mariadb-install-db") if not shutil.which(p)]
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
        (pathlib.Path(top) / "hosts").write_text("127.0.0.1 localhost carrier\n127.0.0.2 store\n")
        os.environ["CONTAINERS_CONF"] = str(limits)
        run("bash", os.path.join(TOOLS, "image"), BUILD, IMAGE, "shell-root", env=dict(os.environ, IMAGE_TOOL="podman"))
        try:
            helm = shutil.which(os.environ.get("QUORATE_HELM", "helm"))
            for pod in json.loads(pathlib.Path(FIXTURES, "reference-pods.json").read_text()):
                two = (pod["transaction_manager"], pod["consensus"]) == ("tessera", "ibft")
                (check_two if two else check_alone)(pathlib.Path(top), pod, helm)
        finally:
            subprocess.run(["podman", "rmi", "--force", IMAGE], capture_output=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

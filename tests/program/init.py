#!/usr/bin/env python3
"""quorate-init, command by command. usage: init.py QUORATE_INIT QUORATE_NODE NETWORK.json"""
import base64
import http.server
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time

INIT, NODE, GENESIS = (os.path.abspath(p) for p in sys.argv[1:4])
SECRETS = {"quorum": {"nodekey": "ab" * 32, "keystore": '{"version": 3}', "gethpassword": "s3cret-geth", "db_user": "demouser",
                      "db_password": "s3cret-db"},
           "transaction": {"tm.pub": "cHVi", "tm.key": '{"type": "unlocked"}'}}


def run(*words, env=None, code=0):
    done = subprocess.run([INIT, *words], capture_output=True, text=True, env=dict(os.environ, **(env or {})), timeout=60)
    assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


class Vault(http.server.BaseHTTPRequestHandler):
    """The four requests of a login and a read, as Vault answers them."""
    version, denied, secrets = 1, False, SECRETS

    def log_message(self, *_):
        pass

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        good = self.path == "/v1/auth/quorumcarrier/login" and body == {"role": "vault-role", "jwt": "the.jwt"}
        self.answer(200 if good else 400, {"auth": {"client_token": "t0ken"}} if good else {"errors": ["bad login"]})

    do_PUT = do_POST

    def do_GET(self):
        v, path = Vault.version, self.path.split("?")[0]
        if self.headers.get("X-Vault-Token") != "t0ken":
            return self.answer(403, {"errors": ["permission denied"]})
        if path == "/v1/auth/token/lookup-self":
            return self.answer(200, {"data": {"policies": ["default", "carrier-ro"]}})
        if path == "/v1/sys/internal/ui/mounts/kv":
            return self.answer(200, {"data": {"type": "kv", "options": {"version": str(v)}}})
        start = "/v1/kv/" + ("data/" if v == 2 else "") + "carrier-quo/crypto/carrier/"
        fields = Vault.secrets.get(path[len(start):]) if path.startswith(start) else None
        if Vault.denied:
            return self.answer(403, {"errors": ["permission denied"]})
        if fields is None:
            return self.answer(404, {"errors": []})
        return self.answer(200, {"data": {"data": fields, "metadata": {"version": 1}} if v == 2 else fields})


def no_secret(text):
    for secret in ("s3cret", "the.jwt", "t0ken", "ab" * 32):
        assert secret not in text, text


def test_certificates(folder):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Vault)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with open(folder + "/jwt", "w") as f:
        f.write("the.jwt")
    env = {"VAULT_ADDR": "http://127.0.0.1:%d" % server.server_port, "VAULT_SECRET_PREFIX": "kv/carrier-quo/crypto/carrier",
           "KUBERNETES_AUTH_PATH": "quorumcarrier", "VAULT_APP_ROLE": "vault-role", "VAULT_JWT_FILE": folder + "/jwt"}
    for version, prefix, manager in ((1, "kv/", "tessera"), (2, "kv/", "constellation"), (2, "kv/data/", "none")):
        Vault.version = version
        mount = "%s/secret%d%s" % (folder, version, manager)
        env.update(MOUNT_PATH=mount, VAULT_SECRET_PREFIX=prefix + "carrier-quo/crypto/carrier")
        for _ in range(2):  # a second time too
            no_secret(run("certificates", "--manager", manager, env=env))
        want = {"passwords.txt": "s3cret-geth", "nodekey": "ab" * 32, "keystore_1": '{"version": 3}'}
        if manager != "none":
            want.update({"tm.pub": "cHVi", "tm.key": '{"type": "unlocked"}'})
        if manager == "tessera":
            want.update(username="demouser\n", password="s3cret-db\n")
        keys = mount + "/keys"
        assert {n: open(keys + "/" + n).read() for n in os.listdir(keys)} == want
        assert all(stat.S_IMODE(os.stat(keys + "/" + n).st_mode) == 0o400 for n in want)
    # The manager's certificate: base64, with lines broken as openssl does.
    pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    wrapped = base64.encodebytes(pem.encode()).decode()
    Vault.secrets = dict(SECRETS, certs={"ambassadorcrt": wrapped, "ambassadorkey": base64.b64encode(b"the key").decode()})
    env.update(MOUNT_PATH=folder + "/certified", VAULT_SECRET_PREFIX="kv/carrier-quo/crypto/carrier")
    run("certificates", "--certificate-secret=certs", env=env)
    keys = folder + "/certified/keys/"
    assert open(keys + "tls.pem").read() == pem and open(keys + "tls.key").read() == "the key"
    assert stat.S_IMODE(os.stat(keys + "tls.key").st_mode) == 0o400
    Vault.secrets["certs"]["ambassadorkey"] = "not base64!"
    assert "field ambassadorkey is not base64" in run("certificates", "--certificate-secret=certs", env=env, code=2)
    assert "without a manager" in run("certificates", "--manager=none", "--certificate-secret=certs", env=env, code=2)
    Vault.denied = True
    text = run("certificates", env=env, code=1)
    no_secret(text)
    assert "carrier-quo/crypto/carrier/quorum" in text and "carrier-ro" in text, text
    Vault.denied, Vault.secrets = False, {"quorum": dict(SECRETS["quorum"], nodekey=""), "transaction": {}}
    text = run("certificates", env=env, code=2)
    assert "nodekey" in text and "carrier-quo/crypto/carrier/quorum" in text, text
    Vault.secrets = {}
    assert "carrier/quorum" in run("certificates", env=env, code=2)
    # The key is that of the enode which the others have (the generator's point, as its key is 1; another), or nothing is written.
    enode = ("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
             "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8")
    Vault.secrets = dict(SECRETS, quorum=dict(SECRETS["quorum"], nodekey="0" * 63 + "1"))
    env.update(MOUNT_PATH=folder + "/published", VAULT_SECRET_PREFIX="kv/carrier-quo/crypto/carrier")
    run("certificates", "--enode=" + enode, env=env)
    assert open(folder + "/published/keys/nodekey").read() == "0" * 63 + "1"
    Vault.secrets["quorum"]["nodekey"] = "0" * 63 + "2"
    env.update(MOUNT_PATH=folder + "/unpublished")
    text = run("certificates", "--enode=" + enode, env=env, code=2)
    no_secret(text)
    assert "carrier/quorum: field nodekey is not the key of the published enode 79be667ef9dcbbac" in text, text
    assert not os.listdir(folder + "/unpublished/keys")
    assert "128 hex digits" in run("certificates", "--enode=abcd", env=env, code=2)
    # Plain http leaves the pod only when it is told to; then it is tried, and nobody is there.
    outside = dict(env, VAULT_ADDR="http://192.0.2.1.invalid:8200")
    text = run("certificates", env=outside, code=2)
    assert "would go in clear" in text and "VAULT_ALLOW_PLAIN_HTTP" in text, text
    assert "would go in clear" in run("certificates", env=dict(outside, VAULT_ALLOW_PLAIN_HTTP="no"), code=2)
    assert "would go in clear" not in run("certificates", env=dict(outside, VAULT_ALLOW_PLAIN_HTTP="true"), code=1)
    assert "VAULT_ADDR is not set" in run("certificates", env=dict(env, VAULT_ADDR=""), code=2)
    server.shutdown()


def test_genesis(folder):
    text = json.dumps(json.load(open(GENESIS))["genesis"]).encode()
    first, other = folder + "/genesis.base64", folder + "/other.json"
    with open(first, "wb") as f:
        f.write(base64.b64encode(text) + b"\n")
    changed = json.loads(text)
    changed["gasLimit"] = "0x1234567"
    with open(other, "w") as f:
        json.dump(changed, f)
    nodes = folder + "/nodes.json"
    with open(nodes, "w") as f:
        f.write("[]")
    dd = folder + "/qdata/dd"
    words = ("genesis", "--node", NODE, "--datadir", dd, "--static-nodes", nodes, "--genesis")
    run(*words, first)
    run(*words, first)
    assert open(dd + "/static-nodes.json").read() == "[]"
    text = run(*words, other, code=1)
    assert "genesis" in text.lower(), text
    run(*words, first)  # what was refused has changed nothing
    assert "neither JSON nor base64" in run(*words, INIT, code=2)


def test_run(folder):
    path = folder + "/sock"
    assert "takes no connections" in run("run", "--limit", "1", "--wait", "unix:" + path, "--", "true", code=1)
    assert "is expected" in run("run", "--wait", "path", "--", "true", code=2)

    def later():
        time.sleep(0.3)
        s.bind(path)
        s.listen()
    s = socket.socket(socket.AF_UNIX)
    threading.Thread(target=later).start()
    t = socket.create_server(("127.0.0.1", 0))
    out = run("run", "--folder", folder + "/made", "--wait", "unix:%s,tcp:127.0.0.1:%d" % (path, t.getsockname()[1]), "--",
              "echo", "--kept", "as it is")
    assert out == "--kept as it is\n" and os.path.isdir(folder + "/made"), out


def test_mysql(folder):
    script, password = folder + "/createTables.sql", folder + "/password"
    with open(password, "w") as f:
        f.write("it's \\ s3cret\n")
    words = ("mysql", "--script", script, "--database", "demodb", "--password-file", password, "--user")
    for _ in range(2):
        no_secret(run(*words, "demouser"))
    assert stat.S_IMODE(os.stat(script).st_mode) == 0o400
    assert "only letters" in run(*words, "o'brien", code=2)
    server, install = shutil.which("mariadbd", path="/usr/sbin:/usr/bin"), shutil.which("mariadb-install-db")
    if not server or not install or not shutil.which("mariadb"):
        print("no MariaDB (Debian: mariadb-server-core, mariadb-client-core): the script is not run")
        return
    data, sock = folder + "/data", folder + "/db.sock"
    apart = dict(os.environ, TMPDIR=folder)  # a server that starts removes other servers' temporary tables in /tmp
    subprocess.run([install, "--no-defaults", "--user=root", "--datadir=" + data, "--skip-test-db", "--force",
                    "--auth-root-authentication-method=normal"], check=True, capture_output=True, env=apart)
    client = ["mariadb", "--no-defaults", "--socket=" + sock]

    def start(*more):
        with open(folder + "/log", "a") as log:
            started = subprocess.Popen([server, "--no-defaults", "--user=root", "--datadir=" + data, "--socket=" + sock, "--skip-networking",
                                        "--innodb-buffer-pool-size=16M", "--pid-file=" + folder + "/pid", *more], stdout=log, stderr=log, env=apart)
        for _ in range(600):
            if subprocess.run(client + ["-uroot", "-e", "SELECT 1"], capture_output=True).returncode == 0:
                return started
            time.sleep(0.1)
        started.kill()
        sys.exit("the server does not answer: " + open(folder + "/log").read())
    db = start()
    try:
        for _ in range(2):
            subprocess.run(client + ["-uroot"], stdin=open(script), check=True)
        own = client + ["-udemouser", "demodb", "-e"]
        env = dict(os.environ, MYSQL_PWD="it's \\ s3cret")
        subprocess.run(own + ["CREATE TABLE t (a INT); INSERT INTO t VALUES (1)"], env=env, check=True)
        denied = subprocess.run(own + ["SELECT * FROM mysql.user"], env=env, capture_output=True)
        assert denied.returncode != 0, "the user may read other databases"
        assert subprocess.run(own + ["SELECT 1"], env=dict(env, MYSQL_PWD="wrong"), capture_output=True).returncode != 0
        # At each start by the server itself: a new password takes the place of the old one, the data stays.
        with open(password, "w") as f:
            f.write("another 's3cret'\n")
        no_secret(run(*words, "demouser"))
        for _ in range(2):
            db.terminate()
            db.wait()
            db = start("--init-file=" + script)
            found = subprocess.run(own + ["SELECT a FROM t"], env=dict(env, MYSQL_PWD="another 's3cret'"), capture_output=True, text=True)
            assert found.returncode == 0 and found.stdout.split() == ["a", "1"], found
        assert subprocess.run(own + ["SELECT 1"], env=env, capture_output=True).returncode != 0
        no_secret(open(folder + "/log", errors="replace").read())
    finally:
        db.kill()
        db.wait()


for test in (test_run, test_mysql, test_genesis, test_certificates):
    with tempfile.TemporaryDirectory(prefix="quorate-init.") as folder:
        test(folder)
        print(test.__name__, "ok", flush=True)

#!/usr/bin/env python3
"""TLS and access tokens of a running node: who shows no token, a wrong one, one of another node or without the scope is
refused over HTTPS and over WebSocket, who has the scope is answered; and settings that do not go together end the start.

usage: security.py PROGRAM"""

import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../network"))
from network import DATA, free_ports  # noqa: E402

SECRET = os.urandom(32)


def url64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token_of(scope, audience="node1", seconds=600, secret=SECRET):
    claims = {"aud": [audience], "iss": "test", "exp": int(time.time()) + seconds, "scope": scope}
    text = url64(b'{"alg":"HS256","kid":"k"}') + "." + url64(json.dumps(claims).encode())
    return "Bearer " + text + "." + url64(hmac.new(secret, text.encode(), hashlib.sha256).digest())


def body_of(method):
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": []})


def ask(port, context, method, token):
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=context)
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = token
    connection.request("POST", "/", body_of(method), headers)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def ask_websocket(port, context, method, token):
    with socket.create_connection(("127.0.0.1", port), timeout=60) as plain, context.wrap_socket(plain, server_hostname="127.0.0.1") as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                  b"Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)) + b"\r\n" +
                  (b"Authorization: " + token.encode() + b"\r\n" if token else b"") + b"\r\n")
        stream = s.makefile("rb")
        head = stream.readline()
        assert b" 101 " in head, head
        while stream.readline() != b"\r\n":
            pass
        text, mask = body_of(method).encode(), os.urandom(4)
        assert len(text) < 126
        s.sendall(bytes([0x81, 0x80 | len(text)]) + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(text)))
        first, size = stream.read(2)
        assert first == 0x81, first
        if size == 126:
            size = int.from_bytes(stream.read(2), "big")
        return json.loads(stream.read(size))


def check_answers(ports, context):
    cases = [
        (None, "eth_blockNumber", "missing access token"),
        ("Basic dTpw", "eth_blockNumber", "malformed access token"),
        (token_of("rpc://eth_*"), "eth_blockNumber", None),
        (token_of("rpc://*_*"), "rpc_modules", None),
        (token_of("rpc://eth_blockNumber"), "net_version", "net_version - access denied"),
        (token_of("rpc://eth_blockNumber"), "eth_subscribe", "eth_subscribe - access denied"),
        (token_of("rpc://eth_*", audience="node2"), "eth_blockNumber", "invalid audience claim (aud)"),
        (token_of("rpc://eth_*", seconds=-1), "eth_blockNumber", "token expired"),
        (token_of("rpc://eth_*", secret=bytes(32)), "eth_blockNumber", "invalid signature of the access token"),
    ]
    for token, method, wanted in cases:
        for asked in (ask(ports[0], context, method, token), ask_websocket(ports[1], context, method, token)):
            if wanted:
                assert asked["error"] == {"code": -32001, "message": wanted}, (method, wanted, asked)
            else:
                assert "result" in asked, (method, asked)


def check_plain(port):
    """Who speaks no TLS gets no answer of HTTP."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as s:
        try:
            s.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = s.recv(1000)
        except ConnectionResetError:
            answer = b""
        assert not answer.startswith(b"HTTP"), answer


def check_refused(command, *cases):
    for arguments, wanted in cases:
        done = subprocess.run([*command, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and wanted in done.stderr, (arguments, done.returncode, done.stderr)


class Issuer:
    """Serves a key set over TLS; None: it fails."""

    def __init__(self, cert, key):
        issuer, self.keys, self.failed = self, None, threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = json.dumps({"keys": issuer.keys}).encode() if issuer.keys else b"broken"
                self.send_response(200 if issuer.keys else 500)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                if not issuer.keys:
                    issuer.failed.set()

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_port}/keys"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class SigningKey:
    """An RSA key of the issuer."""

    def __init__(self, folder, name):
        self.name, self.path = name, folder / f"{name}.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", self.path], check=True,
                       capture_output=True)
        modulus = subprocess.run(["openssl", "rsa", "-in", self.path, "-noout", "-modulus"], check=True, capture_output=True, text=True)
        self.public = {"kty": "RSA", "kid": name, "alg": "RS256", "e": "AQAB",
                       "n": url64(bytes.fromhex(modulus.stdout.strip().removeprefix("Modulus=")))}

    def token(self):
        claims = {"aud": "node1", "iss": "test", "exp": int(time.time()) + 600, "scope": "rpc://eth_*"}
        text = url64(json.dumps({"alg": "RS256", "kid": self.name}).encode()) + "." + url64(json.dumps(claims).encode())
        signed = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.path], input=text.encode(), check=True, capture_output=True)
        return "Bearer " + text + "." + url64(signed.stdout)


def until_allowed(port, context, token):
    end = time.monotonic() + 90
    while "result" not in (answer := ask(port, context, "eth_blockNumber", token)):
        assert time.monotonic() < end, answer
        time.sleep(0.2)


def check_issuer(command, folder, context, cert, key, ports):
    """The keys come by URL, late and again when the issuer changes them."""
    issuer, first, second = Issuer(cert, key), SigningKey(folder, "first"), SigningKey(folder, "second")
    log = folder / "issuer.log"
    with started([*command, "--rpc.auth.jwks", issuer.url, "--rpc.auth.cacert", str(cert), "--identity", "node1"], log):
        answer = ask(ports[0], context, "eth_blockNumber", first.token())
        assert "keys are not known yet" in answer["error"]["message"], answer
        assert issuer.failed.wait(90)
        issuer.keys = [first.public, {"kty": "oct", "kid": "k", "alg": "HS256", "k": url64(SECRET)}]
        until_allowed(ports[0], context, first.token())
        answer = ask(ports[0], context, "eth_blockNumber", token_of("rpc://eth_*"))
        assert answer["error"]["message"] == "invalid signature of the access token", answer  # of a secret that everybody reads
        issuer.keys = [second.public]
        until_allowed(ports[0], context, second.token())
        answer = ask(ports[0], context, "eth_blockNumber", first.token())
        assert answer["error"]["message"] == "invalid signature of the access token", answer
        issuer.server.shutdown()
        until_allowed(ports[0], context, second.token())
    text = log.read_text()
    assert "cannot be fetched" in text and "status 500" in text and "Fetched the keys" in text, text


@contextlib.contextmanager
def started(command, log_path):
    """A node whose listeners are there, as long as this lasts."""
    with open(log_path, "w") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   env={**os.environ, "PRIVATE_CONFIG": "ignore"})
    try:
        end = time.monotonic() + 60
        while "WebSocket enabled" not in log_path.read_text():
            assert process.poll() is None and time.monotonic() < end, log_path.read_text()
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


def run(program, folder):
    data, cert, key, jwks = folder / "data", folder / "cert.pem", folder / "key.pem", folder / "jwks.json"
    (folder / "genesis.json").write_text(json.dumps(DATA["genesis"]))
    subprocess.run([program, "--datadir", data, "init", folder / "genesis.json"], check=True, stderr=subprocess.DEVNULL)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=node", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    jwks.write_text(json.dumps({"keys": [{"kty": "oct", "kid": "k", "alg": "HS256", "k": url64(SECRET)}]}))
    os.chmod(jwks, 0o600)
    ports = free_ports(3)
    command = [program, "--datadir", str(data), "--networkid", "1337", "--nodiscover", "--nat", "none", "--port", str(ports[2])]
    network = ["--http", "--http.port", str(ports[0]), "--http.addr", "127.0.0.1",
               "--ws", "--ws.port", str(ports[1]), "--ws.addr", "127.0.0.1"]
    tls = ["--rpc.tls.cert", str(cert), "--rpc.tls.key", str(key)]
    auth = ["--rpc.auth.jwks", str(jwks)]
    check_refused(command,
                  (network + tls[:2], "--rpc.tls.cert and --rpc.tls.key go together"),
                  (network + ["--rpc.tls.cert", str(key), "--rpc.tls.key", str(key)], "--rpc.tls.cert"),
                  (network + ["--rpc.tls.clientca", str(cert)], "--rpc.tls.clientca needs"),
                  (network + auth, "--rpc.auth.jwks needs --rpc.auth.audience or --identity"),
                  (network + ["--rpc.auth.issuer", "x"], "need --rpc.auth.jwks"),
                  (network + ["--rpc.auth.jwks", str(cert), "--identity", "n"], "no JSON Web Key Set"),
                  (network + auth + ["--identity", "n", "--rpc.auth.cacert", str(cert)], "--rpc.auth.cacert needs"),
                  (network + ["--identity", "n", "--rpc.auth.jwks", "https://127.0.0.1/", "--rpc.auth.cacert", str(jwks)],
                   "https://127.0.0.1/: "),
                  (tls, "need --http or --ws"))
    context = ssl.create_default_context(cafile=cert)
    with started([*command, *network, *tls, *auth, "--identity", "node1", "--rpc.auth.issuer", "test"], folder / "log"):
        check_answers(ports, context)
        check_plain(ports[0])
        check_plain(ports[1])
    check_issuer([*command, *network, *tls], folder, context, cert, key, ports)
    assert url64(SECRET) not in (folder / "log").read_text()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        run(os.path.abspath(sys.argv[1]), pathlib.Path(temporary))
    print("18 answers, 9 refused starts and the changes of an issuer's keys are as they should be")

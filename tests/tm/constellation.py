#!/usr/bin/env python3
"""Constellation's dialect, live: nodes of ours by its configuration, flags and key files, beside one of ours in Tessera's.

usage: constellation.py QUORATE_TM

Two by configuration files (storage `dir:` and `memory`), with keys of --generatekeys, over strict TLS with the certificates
that they make for themselves; then one without TLS by flags alone (`sqlite:`), with a manager in Tessera's dialect. Known
bytes of the wire (a push of 205 bytes, party information) are taken and answered; storages that nobody has migrated are
refused, migrated, and served.
"""
import base64
import hashlib
import http.client
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile

from managers import SKIPPED, START_SECONDS, Checks, Failed, Manager, Unix, end, free_ports, request, tail, until

# known answers: keys 01..20 and 21..40, master key 60..7f, nonces 00..17 and 40..57, payload "hello quorate"
SECRETS = {'a': bytes(range(0x01, 0x21)), 'b': bytes(range(0x21, 0x41))}
KEYS = {'a': 'B6N8vBQgk8i3VdwbEOhstCY3StFqqFPtC9/AsrhtHHw=', 'b': 'WGmv9FBUlzLLqu1eXfmzCm2jHLDldCutWtShp2jxpns='}
CIPHER = bytes.fromhex('b90d8945e5348665b5cd84bdeb033e480ffef59004950956b3ce516870')
BOX_B = bytes.fromhex('70a94ecbdaae661814def9dfa4ae9d38ab9eef27d6ed9942adca1674638441a7ae27143d0eec03bfa2ca907852e599a7')
HASH = '0GUHJNU7GMBEYt1HpmAQ6pc+zcNUlmbo2fN1ubUK2xXd379XX50IQV5yOUxYC8C2ggmQPvX7CwCR4hcRZNFjrQ=='
PUSH_SHA256 = 'b3ca555f3c107e44f702d04df8145ebd140175f8260ae43cf82b68b1f3e232c6'


def field(data):
    return struct.pack('>Q', len(data)) + data


def array(items):
    return struct.pack('>Q', len(items)) + b''.join(field(item) for item in items)


def known_push():
    push = (field(base64.b64decode(KEYS['a'])) + field(CIPHER) + field(bytes(range(24))) + array([BOX_B]) +
            field(bytes(range(0x40, 0x58))))
    assert hashlib.sha256(push).hexdigest() == PUSH_SHA256
    return push


def party_info(url, keys, parties):
    return (field(url.encode()) + struct.pack('>Q', len(keys)) +
            b''.join(field(base64.b64decode(key)) + field(at.encode()) for key, at in keys) +
            array([p.encode() for p in parties]))


class Node:
    """A process that is called constellation-node."""

    def __init__(self, folder, program, name, tls='off'):
        self.name, self.folder, self.tls = name, f'{folder}/{name}', tls
        os.mkdir(self.folder)
        self.program = f'{folder}/constellation-node'
        if not os.path.lexists(self.program):
            os.symlink(program, self.program)
        self.port = free_ports(1)[0]
        self.url = f'{"https" if tls == "strict" else "http"}://127.0.0.1:{self.port}/'
        self.log, self.process, self.arguments = f'{folder}/{name}.log', None, []

    def generate(self, password=''):
        ran = subprocess.run([self.program, f'--generatekeys={self.folder}/key'], input=f'{password}\n', text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if ran.returncode or 'Lock key pair' not in ran.stdout:
            raise Failed(f'--generatekeys: {ran.returncode} {ran.stdout}')

    def known_key(self, which):
        for end, text in (('pub', KEYS[which]), ('key', json.dumps(
                {'type': 'unlocked', 'data': {'bytes': base64.b64encode(SECRETS[which]).decode()}}))):
            with open(os.open(f'{self.folder}/key.{end}', os.O_WRONLY | os.O_CREAT, 0o600), 'w') as f:
                f.write(text)

    def key(self):
        with open(f'{self.folder}/key.pub') as f:
            return f.read()

    def configure(self, storage, others, more=''):
        nodes = ', '.join(f'"{url}"' for url in others)
        with open(f'{self.folder}/node.conf', 'w') as f:
            f.write(f'# a node\nurl = "{self.url}"\nport = {self.port}\nworkdir = "{self.folder}"\nsocket = "tm.ipc"\n'
                    f'othernodes = [{nodes}]\npublickeys = ["key.pub"]\nprivatekeys = ["key.key"]\n'
                    f'storage = "{storage}"\ntls = "{self.tls}"\nverbosity = 2\n{more}')
        self.arguments = [f'{self.folder}/node.conf']

    def flags(self, storage, others):
        self.arguments = [f'--url={self.url}', f'--port={self.port}', f'--workdir={self.folder}', '--socket=tm.ipc',
                          f'--othernodes={",".join(others)}', '--publickeys=key.pub', '--privatekeys=key.key',
                          f'--storage={storage}', f'--tls={self.tls}', '-v2']

    def start(self):
        with open(self.log, 'a') as log:
            self.process = subprocess.Popen([self.program, *self.arguments], stdout=log, stderr=log)

        def up():
            if self.process.poll() is not None:
                raise Failed(f'{self.name} ended with {self.process.returncode}: {tail(self.log)}')
            return self.ask('GET', '/upcheck') == (200, b"I'm up!")
        until(up, START_SECONDS['quorate'], f'{self.name} is up')

    def stop(self, how=signal.SIGTERM):
        process, self.process = self.process, None
        return end(process, how) if process else None

    def ask(self, method, path, body=None, public=False, headers=None):
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        connection = (http.client.HTTPConnection('127.0.0.1', self.port, timeout=60) if public else
                      Unix(f'{self.folder}/tm.ipc'))
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def send(self, payload, to):
        status, answer = self.ask('POST', '/send', request(payload, self.key(), to))
        if status != 200:
            raise Failed(f'{self.name} /send: {status} {answer!r}')
        return json.loads(answer)['key']

    def payload(self, key):
        status, answer = self.ask('GET', '/receive', {'key': key, 'to': self.key()})
        return base64.b64decode(json.loads(answer)['payload']) if status == 200 else None


def can_send(a, b):
    """Once they have heard of each other."""
    def sent():
        try:
            return a.send(b'hello', [b.key()])
        except Failed:
            return None
    return until(sent, 60, f'{a.name} knows {b.name}')


def both_ways(checks, a, b, text):
    can_send(a, b)
    can_send(b, a)
    for sender, other in ((a, b), (b, a)):
        payload = os.urandom(5000)
        key = sender.send(payload, [other.key()])
        checks([m.payload(key) == payload for m in (sender, other)] == [True, True], f'{text}: {sender.name} to {other.name}')
    return key, payload


def private_calls(checks, a, b):
    payload = os.urandom(100)
    status, key = a.ask('POST', '/sendraw', payload, headers={'c11n-from': a.key(), 'c11n-to': b.key()})
    checks(status == 200 and len(key) == 88, f'/sendraw: {status} {key!r}')
    status, got = b.ask('GET', '/receiveraw', headers={'c11n-key': key.decode(), 'c11n-to': b.key()})
    checks((status, got) == (200, payload), f'/receiveraw: {status}')
    status, answer = b.ask('POST', '/delete', {'key': key.decode()})
    checks((status, answer) == (200, b''), f'/delete: {status} {answer!r}')
    checks(b.ask('GET', '/receive', {'key': key.decode()})[0] == 500, 'a payload that is missing: 500, as there is no 404')
    checks(b.ask('GET', '/receiveraw', headers={'c11n-key': key.decode()})[0] == 404, 'but 404 for nodes, which wait at 500')
    status, answer = a.ask('POST', '/send', request(b'x', a.key(), [KEYS['a']]))
    checks(status == 500, f'/send to nobody: {status} {answer!r}')
    for path, wanted in (('/version', 400), ('/nothing', 400)):
        checks(a.ask('GET', path)[0] == wanted, f'{path}: {wanted}')
    checks(a.ask('POST', '/send', b'{')[0] == 400, 'no JSON: 400')


def tls_pair(checks, folder, program):
    a, b = Node(folder, program, 'dir', 'strict'), Node(folder, program, 'memory', 'strict')
    try:
        a.generate()
        b.generate()
        a.configure('dir:storage', [b.url], 'tlsservertrust = "tofu"\ntlsclienttrust = "tofu"\n')
        b.configure('memory', [a.url], 'tlsservertrust = "tofu"\ntlsclienttrust = "tofu"\n')
        a.start()
        b.start()
        checks(os.stat(f'{a.folder}/tm.ipc').st_mode & 0o777 == 0o600, 'the socket has mode 0600')
        key, payload = both_ways(checks, a, b, 'strict TLS')
        private_calls(checks, a, b)
        for name in ('tls-server-cert.pem', 'tls-client-cert.pem', 'tls-known-clients', 'tls-known-servers'):
            checks(os.path.exists(f'{a.folder}/{name}'), f'{name} is there')
        a.stop(signal.SIGKILL)
        a.start()
        checks(a.payload(key) == payload, 'after kill -9 and a start it has what it had')
    finally:
        a.stop()
        b.stop()


def beside_tessera(checks, folder, program):
    c = Node(folder, program, 'flags')
    t = Manager(folder, 'tessera-dialect', 'quorate', program)
    try:
        c.known_key('b')
        c.flags('sqlite:payloads.db', [f'{t.url}/'])
        t.peers = [c]
        t.start()
        c.start()
        can_send(c, t)
        until(lambda: c.key() in t.known_keys(), 60, 'it is known')
        for sender, other in ((c, t), (t, c)):
            payload = os.urandom(3000)
            key = sender.send(payload, [other.key()])
            checks(sender.payload(key) == other.payload(key) == payload, f'{sender.name} to {other.name}')
        wire(checks, c)
        status, answer = t.ask('POST', '/push', known_push(), 'P2P', {'Content-Type': 'application/octet-stream'})
        checks(status == 400 and t.transaction(HASH) is None, f'a push that no key of the manager opens: {status} {answer!r}')
        checks(c.ask('POST', '/send', request(b'x', c.key(), [t.key()]), public=True) == (401, b'Unauthorized'),
               '/send on the public port: 401')
        resend(checks, c, t)
        checks(c.stop() == 0, 'it stops')
        c.arguments.append('--ipwhitelist=127.0.0.2')
        c.start()
        checks(c.ask('GET', '/upcheck', public=True)[0] == 401, 'an address that is not in ipwhitelist: 401')
        checks(c.payload(HASH) == b'hello quorate', 'sqlite: has it after a restart')
    finally:
        c.stop()
        t.stop()


def wire(checks, c):
    """Bytes as Constellation writes them."""
    push = known_push()
    checks(c.ask('POST', '/push', push, public=True) == (200, HASH.encode()), 'a push of 205 bytes: its hash, 88 characters')
    checks(c.payload(HASH) == b'hello quorate', 'and it opens')
    status, answer = c.ask('POST', '/push', push[:100], public=True)
    checks(status == 400, f'half of it: {status} {answer!r}')
    stranger, another = 'http://10.255.255.1:9001/', 'http://10.255.255.2:9001/'
    info = party_info(stranger, [(KEYS['a'], stranger)], [another])
    checks(len(info) == 143 + 2 * (len(stranger) - 21) + (len(another) - 21), 'party information, as known')
    status, answer = c.ask('POST', '/partyinfo', info, public=True)
    own = field(c.url.encode())
    checks(status == 200 and answer.startswith(own), f'is answered with its own: {status}')
    for what, text in ((field(base64.b64decode(c.key())) + own, 'its key'),
                       (field(base64.b64decode(KEYS['a'])) + field(stranger.encode()), 'the key that it has heard of'),
                       (field(another.encode()), 'and a party that has no key')):
        checks(what in answer, f'   with {text}')


def resend(checks, c, t):
    payload = b'again'
    key = c.send(payload, [t.key()])
    t.delete(key)
    status, answer = c.ask('POST', '/resend', {'type': 'individual', 'publicKey': t.key(), 'key': key}, public=True)
    checks(status == 200 and t.ask('POST', '/push', answer, 'P2P', {'Content-Type': 'application/octet-stream'})[0] == 201,
           f'/resend individual: {status}, {len(answer)} bytes that the other takes')
    checks(t.payload(key) == payload, 'and opens')
    t.delete(key)
    status, answer = c.ask('POST', '/resend', {'type': 'all', 'publicKey': t.key()}, public=True)
    checks(status == 200 and t.payload(key) == payload, f'/resend all: {status} {answer!r}')


def left_behind(checks, folder, program):
    """A storage that Constellation itself has written."""
    n = Node(folder, program, 'old')
    n.known_key('b')
    os.makedirs(f'{n.folder}/storage/payloads')
    name = base64.b32encode(base64.b64decode(HASH)).decode()
    with open(f'{n.folder}/storage/payloads/{name}', 'wb') as f:
        f.write(known_push() + array([]))
    n.configure('dir:storage', [])
    ran = subprocess.run([n.program, *n.arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    checks(ran.returncode == 1 and 'quorate-tm migrate --from dir:' in ran.stdout, f'refused: {ran.stdout.strip()}')
    ran = subprocess.run([program, 'migrate', '--from', f'dir:{n.folder}/storage', '--configfile', n.arguments[0]],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    checks(ran.returncode == 0 and '1 stored' in ran.stdout, f'migrate: {ran.stdout.strip()}')
    try:
        n.start()
        checks(n.payload(HASH) == b'hello quorate', 'then it is served')
    finally:
        n.stop()


def wrong(checks, folder, program):
    n = Node(folder, program, 'wrong')
    for arguments, word in ((['--urls=x'], 'url'), (['--url=http://127.0.0.1:1/'], 'port'),
                            (['--url=http://127.0.0.1:1/', '--port=1', '--tls=maybe'], 'tls'),
                            (['--verbosity=loud', '--url=http://127.0.0.1:1/', '--port=1', '--tls=off'], 'verbosity'),
                            (['/nowhere.conf'], 'nowhere')):
        ran = subprocess.run([n.program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        checks(ran.returncode == 1 and word in ran.stdout, f'{arguments[0]}: {ran.returncode} {ran.stdout.strip()[:150]}')
    ran = subprocess.run([n.program, '--version'], stdout=subprocess.PIPE, text=True)
    checks(ran.stdout == 'Constellation Node 0.3.2\n', '--version')


def main():
    if not shutil.which('openssl'):
        print('skipped: no openssl')
        return SKIPPED
    checks, folder = Checks(), tempfile.mkdtemp(prefix='quorate-tm-constellation-')
    program = os.path.abspath(sys.argv[1])
    try:
        for part in (tls_pair, beside_tessera, left_behind, wrong):
            print(part.__name__, flush=True)
            try:
                part(checks, folder, program)
            except Failed as error:
                checks(False, f'{part.__name__}: {error}')
    finally:
        shutil.rmtree(folder)
    checks.end()


sys.exit(main())

"""Transaction managers as processes, ours and Tessera, for the tests beside this file and for tests/mixed/tm.py."""
import base64
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from ports import free_ports  # noqa: E402

SKIPPED = 77
START_SECONDS = {'quorate': 60, 'tessera': 180}  # a JVM on a busy machine takes its time


class Failed(Exception):
    pass


def until(condition, seconds, text):
    """What the condition gives once it holds; a failure to connect is a "not yet"."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            value = condition()
            if value:
                return value
        except (OSError, http.client.HTTPException, ValueError):
            pass
        time.sleep(0.05)
    raise Failed(f'not within {seconds} s: {text}')


def tail(path, lines=15):
    with open(path, errors='replace') as f:
        return ''.join(f.readlines()[-lines:])


def end(process, how=signal.SIGTERM):
    """The exit code; killed when it has not ended after 30 s."""
    if process.poll() is None:
        process.send_signal(how)
    try:
        return process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None


def key_pair():
    """A pair as managers use it: X25519; (public, private) in base64."""
    secret = subprocess.run(['openssl', 'genpkey', '-algorithm', 'X25519', '-outform', 'DER'], check=True,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    public = subprocess.run(['openssl', 'pkey', '-inform', 'DER', '-pubout', '-outform', 'DER'], input=secret,
                            check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return tuple(base64.b64encode(der[-32:]).decode() for der in (public, secret))


class Authority:
    """A certificate authority, and what it signs, as PEM files."""

    def __init__(self, folder, name='ca'):
        self.folder, self.name = folder, name
        self.key, self.certificate = f'{folder}/{name}.key.pem', f'{folder}/{name}.pem'
        self.run('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', self.key, '-out', self.certificate,
                 '-days', '30', '-subj', f'/CN={name}')

    @staticmethod
    def run(*arguments):
        subprocess.run(['openssl', *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def issue(self, name, common_name=None):
        """A certificate for 127.0.0.1 and localhost, for servers and clients; (key, certificate)."""
        key, request, certificate, more = (f'{self.folder}/{name}.{end}' for end in
                                           ('key.pem', 'csr', 'pem', 'extensions'))
        with open(more, 'w') as f:
            f.write('subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n')
        self.run('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', request,
                 '-subj', f'/CN={common_name or name}')
        self.run('x509', '-req', '-in', request, '-CA', self.certificate, '-CAkey', self.key, '-CAcreateserial',
                 '-days', '30', '-extfile', more, '-out', certificate)
        return key, certificate


def fingerprint(certificate):
    """As the files of known hosts have it."""
    with open(certificate) as f:
        der = ssl.PEM_cert_to_DER_cert(f.read())
    import hashlib
    return hashlib.sha1(der).hexdigest()


def tls(own, trust, authorities=(), known=None):
    """A strict sslConfig: `own` is (key, certificate); `trust` is a mode, or (of the server, of the client)."""
    server, client = (trust, trust) if isinstance(trust, str) else trust
    return {'tls': 'STRICT', 'generateKeyStoreIfNotExisted': False,
            'serverTlsKeyPath': own[0], 'serverTlsCertificatePath': own[1], 'serverTrustMode': server,
            'serverTrustCertificates': list(authorities), 'knownClientsFile': f'{known}.clients',
            'clientTlsKeyPath': own[0], 'clientTlsCertificatePath': own[1], 'clientTrustMode': client,
            'clientTrustCertificates': list(authorities), 'knownServersFile': f'{known}.servers'}


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__('localhost', timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(self.path)


class Manager:
    """One process; kind is 'quorate' or 'tessera', program the binary or the JAR."""

    def __init__(self, folder, name, kind, program, ssl_config=None, pairs=None, database=None, **more):
        self.folder, self.name, self.kind, self.program = f'{folder}/{name}', name, kind, program
        os.mkdir(self.folder)
        self.pairs = pairs or [key_pair()]
        self.keys = [public for public, _ in self.pairs]
        self.port, self.q2t = free_ports(2)
        self.scheme = 'https' if ssl_config else 'http'
        self.url = f'{self.scheme}://127.0.0.1:{self.port}'
        self.ssl = ssl_config
        self.database = database or ('jdbc:sqlite:{0}/db' if kind == 'quorate' else
                                     'jdbc:h2:{0}/db;MODE=Oracle;TRACE_LEVEL_SYSTEM_OUT=0;AUTO_SERVER=FALSE')
        self.more, self.process, self.class_path = more, None, program
        self.interval = 2000  # milliseconds; three quarters of it is what a Tessera waits for an answer
        self.log = f'{folder}/{name}.log'
        self.peers = []

    def key(self):
        return self.keys[0]

    def configure(self):
        p2p = {'app': 'P2P', 'enabled': True, 'serverAddress': self.url, 'bindingAddress': self.url,
               'sslConfig': self.ssl or {'tls': 'OFF'}, 'communicationType': 'REST',
               'properties': {'partyInfoInterval': str(self.interval)}}
        if self.kind == 'quorate':
            p2p['properties']['pushTimeout'] = '30000'  # on a machine that is busy with other things
        q2t = {'app': 'Q2T', 'enabled': True, 'serverAddress': f'http://127.0.0.1:{self.q2t}',
               'communicationType': 'REST'}
        config = {'useWhiteList': False, 'alwaysSendTo': [],
                  'jdbc': {'username': 'sa' if self.kind == 'tessera' else '', 'password': '',
                           'url': self.database.format(self.folder), 'autoCreateTables': True},
                  'serverConfigs': [q2t, p2p], 'peer': [{'url': m.url} for m in self.peers or [self]],
                  'keys': {'passwords': [], 'keyData': [{'privateKey': private, 'publicKey': public}
                                                        for public, private in self.pairs]},
                  'features': {'enablePrivacyEnhancements': True}}
        config.update(self.more)
        with open(os.open(f'{self.folder}/config.json', os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w') as f:
            json.dump(config, f)

    def command(self, *more):
        config = f'{self.folder}/config.json'
        if self.kind == 'quorate':
            return [self.program, '--configfile', config, *more]
        return ['java', '-Xmx384M', '-XX:+UseSerialGC', '-cp', self.class_path, 'com.quorum.tessera.launcher.Main',
                '-configfile', config, *more]

    def start(self, wait=True):
        self.configure()
        with open(self.log, 'a') as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, cwd=self.folder)
        if wait:
            self.wait_up()

    def wait_up(self):
        def up():
            if self.process.poll() is not None:
                raise Failed(f'{self.name} ended with {self.process.returncode}: {tail(self.log)}')
            return self.ask('GET', '/upcheck')[0] == 200
        until(up, START_SECONDS[self.kind], f'{self.name} is up; its log ends with {tail(self.log, 3)}')

    def stop(self, how=signal.SIGTERM):
        process, self.process = self.process, None
        return end(process, how) if process else None

    # --- requests ---

    def connection(self, app='Q2T'):
        if app == 'Q2T':
            return http.client.HTTPConnection('127.0.0.1', self.q2t, timeout=60)
        if not self.ssl:
            return http.client.HTTPConnection('127.0.0.1', self.port, timeout=60)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(self.ssl['clientTlsCertificatePath'], self.ssl['clientTlsKeyPath'])
        return http.client.HTTPSConnection('127.0.0.1', self.port, timeout=60, context=context)

    def ask(self, method, path, body=None, app='Q2T', headers=None):
        """Status and bytes of the answer; a body that is no bytes goes as JSON."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        connection = self.connection(app)
        try:
            connection.request(method, path, body, headers or {'Content-Type': 'application/json'})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def send(self, payload, to, **more):
        """The hash."""
        status, answer = self.ask('POST', '/send', request(payload, self.key(), to, **more))
        if status != 201:
            raise Failed(f'{self.name} /send: {status} {answer[:300]!r}')
        return json.loads(answer)['key']

    def transaction(self, key):
        """The answer as JSON; None: it has none."""
        status, answer = self.ask('GET', '/transaction/' + urllib.parse.quote(key, safe=''))
        if status == 404:
            return None
        if status != 200:
            raise Failed(f'{self.name} /transaction: {status} {answer[:300]!r}')
        return json.loads(answer)

    def payload(self, key):
        found = self.transaction(key)
        return found and base64.b64decode(found['payload'])

    def delete(self, key):
        status, answer = self.ask('DELETE', '/transaction/' + urllib.parse.quote(key, safe=''))
        if status != 204:
            raise Failed(f'{self.name} DELETE: {status} {answer[:300]!r}')

    def known_keys(self):
        return {item['key'] for item in json.loads(self.ask('GET', '/partyinfo', app='P2P')[1])['keys']}


def request(payload, sender, to, **more):
    return {'payload': base64.b64encode(payload).decode(), 'from': sender, 'to': to, **more}


def introduce(managers):
    for m in managers:
        m.peers = [other for other in managers if other is not m] or [m]


def wait_met(managers, seconds=60):
    """Until each knows everybody's keys."""
    everybody = {key for m in managers for key in m.keys}
    for m in managers:
        until(lambda: everybody <= m.known_keys() | set(m.keys), seconds, f'{m.name} knows all keys')


@contextlib.contextmanager
def network(checks, title, program, names, **more):
    """Managers of ours that know each other, in a folder of their own. What fails in there is a failed check."""
    folder = tempfile.mkdtemp(prefix=f'quorate-tm-{title}-')
    managers = [Manager(folder, name, 'quorate', os.path.abspath(program), **more) for name in names]
    try:
        introduce(managers)
        for m in managers:
            m.start()
        wait_met(managers)
        yield managers
    except Failed as error:
        checks(False, str(error))
    finally:
        for m in managers:
            m.stop()
        shutil.rmtree(folder)


def exchange(checks, managers, text):
    """They are started, send to each other, and are stopped."""
    try:
        for m in managers:
            m.start()
        wait_met(managers)
        for a, b in (managers, managers[::-1]):
            payload = os.urandom(300)
            checks(b.payload(a.send(payload, [b.key()])) == payload, f'{text}: from {a.name} to {b.name}')
    finally:
        for m in managers:
            m.stop()


class Checks:
    """One line a check, and how many failed."""

    def __init__(self):
        self.failures = self.count = 0

    def __call__(self, holds, text):
        print(f'   {"ok" if holds else "FAILED"}: {text}', flush=True)
        self.count += 1
        self.failures += not holds
        return holds

    def end(self):
        print(f'{self.count} checks, {self.failures} failed', flush=True)
        sys.exit(1 if self.failures else 0)

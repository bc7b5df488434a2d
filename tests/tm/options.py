#!/usr/bin/env python3
"""What a configuration may ask beside the rest: an enclave that is a process of its own, key stores of Java, cipher suites
that are left out, pages of other origins, sealed values.

usage: options.py QUORATE_TM

Stores of Java's old form are made by keytool, where there is one.
"""
import http.client
import json
import os
import pty
import select
import shutil
import signal
import ssl
import socket
import subprocess
import sys
import tempfile

from managers import (SKIPPED, Authority, Checks, Failed, Manager, exchange, free_ports, introduce, request, tail, tls, until,
                      wait_met)


# --- The enclave apart ---

class Enclave:
    def __init__(self, folder, program, pairs):
        self.socket, self.config, self.log = f'{folder}/enclave.ipc', f'{folder}/enclave.json', f'{folder}/enclave.log'
        self.program, self.process = program, None
        with open(os.open(self.config, os.O_WRONLY | os.O_CREAT, 0o600), 'w') as f:
            json.dump({'serverConfigs': [{'app': 'ENCLAVE', 'serverAddress': f'unix:{self.socket}'}],
                       'keys': {'keyData': [{'privateKey': private, 'publicKey': public} for public, private in pairs]}}, f)

    def start(self):
        with open(self.log, 'a') as log:
            self.process = subprocess.Popen([self.program, '-configfile', self.config], stdout=log, stderr=log)

        def up():
            if self.process.poll() is not None:
                raise Failed(f'the enclave ended: {tail(self.log)}')
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(self.socket)
            return True
        until(up, 60, 'the enclave is up')

    def stop(self, how=signal.SIGTERM):
        process, self.process = self.process, None
        if process:
            process.send_signal(how)
            return process.wait(30)
        return None


class Keyless(Manager):
    """Its keys are the enclave's."""

    def __init__(self, folder, name, program):
        super().__init__(folder, name, 'quorate', program)
        self.enclave = None

    def configure(self):
        super().configure()
        path = f'{self.folder}/config.json'
        with open(path) as f:
            config = json.load(f)
        del config['keys']
        config['serverConfigs'].append({'app': 'ENCLAVE', 'serverAddress': f'unix:{self.enclave.socket}'})
        with open(path, 'w') as f:
            json.dump(config, f)


def apart(checks, folder, program):
    a = Keyless(folder, 'keyless', program)
    b = Manager(folder, 'other', 'quorate', program)
    enclave = a.enclave = Enclave(a.folder, program, a.pairs)
    introduce([a, b])
    try:
        a.configure()
        ended = subprocess.run(a.command(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        checks(ended.returncode == 2 and enclave.socket in ended.stdout, f'no enclave, no start: {ended.stdout.strip()[-150:]}')
        enclave.start()
        checks(os.stat(enclave.socket).st_mode & 0o777 == 0o600, 'its socket has mode 0600')
        a.start()
        b.start()
        wait_met([a, b])
        kept = {}
        for sender, other in ((a, b), (b, a)):
            payload = os.urandom(3000)
            key = sender.send(payload, [other.key()])
            kept[key] = payload
            checks(a.payload(key) == b.payload(key) == payload, f'{sender.name} to {other.name}')
        enclave.stop(signal.SIGKILL)
        status, text = a.ask('POST', '/send', request(b'x', a.key(), [b.key()]))
        checks(status == 503, f'the enclave is killed: {status} {text!r}')
        checks(a.ask('GET', '/ready')[0] == 503 and a.ask('GET', '/upcheck')[0] == 200, 'not ready, but up')
        enclave.start()
        checks(a.ask('GET', '/ready')[0] == 200, 'it is back: ready')
        checks(all(a.payload(key) == payload for key, payload in kept.items()), 'and opens what it had')
        checks(a.stop() == 0 and enclave.stop() is not None, 'both stop')
    finally:
        a.stop()
        b.stop()
        enclave.stop()


# --- Stores ---

def pkcs12(folder, name, own):
    path = f'{folder}/{name}.p12'
    Authority.run('pkcs12', '-export', '-in', own[1], '-inkey', own[0], '-out', path, '-passout', 'pass:store pw')
    return path


def java_stores(folder, name, authority):
    """(key store, trust store) of the old form; None without keytool."""
    if not shutil.which('keytool'):
        return None
    key, trust = f'{folder}/{name}.jks', f'{folder}/{name}-trust.jks'
    quiet = {'check': True, 'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}
    store = pkcs12(folder, name, authority.issue(name))
    subprocess.run(['keytool', '-importkeystore', '-srckeystore', store, '-srcstoretype', 'PKCS12', '-srcstorepass',
                    'store pw', '-destkeystore', key, '-deststoretype', 'JKS', '-deststorepass', 'store pw', '-noprompt'],
                   **quiet)
    subprocess.run(['keytool', '-importcert', '-noprompt', '-alias', 'ca', '-file', authority.certificate, '-keystore', trust,
                    '-storetype', 'JKS', '-storepass', 'trust pw'], **quiet)
    return key, trust


def with_stores(folder, name, own, key_store, trust_store, mode):
    config = tls(own, mode, [], f'{folder}/{name}-known')
    for end in ('server', 'client'):
        for member in ('TlsKeyPath', 'TlsCertificatePath', 'TrustCertificates'):
            del config[end + member]
        config[f'{end}KeyStore'], config[f'{end}KeyStorePassword'] = key_store, 'store pw'
        if trust_store:
            config[f'{end}TrustStore'], config[f'{end}TrustStorePassword'] = trust_store, 'trust pw'
    return config


class Stored(Manager):
    """Answers over TLS whoever asks: the tests' own certificate is of the same authority."""

    def __init__(self, folder, name, program, config, own):
        super().__init__(folder, name, 'quorate', program, ssl_config=config)
        self.own = own

    def connection(self, app='Q2T'):
        whole, self.ssl = self.ssl, self.ssl and {'clientTlsCertificatePath': self.own[1], 'clientTlsKeyPath': self.own[0]}
        try:
            return super().connection(app)
        finally:
            self.ssl = whole


def meet(checks, managers, text):
    introduce(managers)
    exchange(checks, managers, text)


def stores(checks, folder, program):
    authority = Authority(folder)
    own = authority.issue('test')
    made = java_stores(folder, 'java', authority)
    if made:
        config = with_stores(folder, 'java', own, *made, 'CA')
        pem = tls(authority.issue('pem'), 'CA', [authority.certificate], f'{folder}/pem-known')
        managers = [Stored(folder, 'java', program, config, own), Stored(folder, 'pem', program, pem, own)]
        meet(checks, managers, "Java's stores of the old form, CA")
        config['serverKeyStorePassword'] = 'wrong'
        managers[0].configure()
        ended = subprocess.run(managers[0].command(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        checks(ended.returncode == 2 and 'password' in ended.stdout and made[0] in ended.stdout,
               f'a wrong password: {ended.stdout.strip()}')
    else:
        print('   no keytool: stores of the old form are left out')
    managers = []
    for name in ('p12-a', 'p12-b'):
        store = pkcs12(folder, name, authority.issue(name))
        managers.append(Stored(folder, name, program, with_stores(folder, name, own, store, None, 'TOFU'), own))
    meet(checks, managers, 'PKCS#12, TOFU')
    managers = []
    for name in ('made-a', 'made-b'):
        config = with_stores(folder, name, own, f'{folder}/{name}.jks', f'{folder}/{name}-nowhere.jks', 'TOFU')
        config['generateKeyStoreIfNotExisted'] = True
        managers.append(Stored(folder, name, program, config, own))
    meet(checks, managers, 'stores that were not there')
    if made:
        listed = subprocess.run(['keytool', '-list', '-keystore', f'{folder}/made-a.jks', '-storepass', 'store pw'],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        checks(listed.returncode == 0 and 'PrivateKeyEntry' in listed.stdout, 'Java reads the store that was made')


# --- Cipher suites ---

def suites(checks, folder, program):
    authority = Authority(folder, 'suites')
    own = authority.issue('suites-own')
    config = tls(own, 'CA', [authority.certificate], f'{folder}/suites-known')
    config['excludeCipherSuites'] = ['TLS_AES_256_GCM_SHA384', 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
                                     'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 'SSL_RSA_WITH_RC4_128_MD5']
    m = Manager(folder, 'suites', 'quorate', program, ssl_config=config)
    try:
        m.start()

        def agreed(version, ciphers):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.load_cert_chain(own[1], own[0])
            context.minimum_version = context.maximum_version = version
            if ciphers:
                context.set_ciphers(ciphers)
            try:
                with socket.create_connection(('127.0.0.1', m.port), 20) as plain, context.wrap_socket(plain) as secure:
                    return secure.cipher()[0]
            except ssl.SSLError:
                return None
        got = agreed(ssl.TLSVersion.TLSv1_3, None)
        checks(got not in (None, 'TLS_AES_256_GCM_SHA384'), f'TLS 1.3 agrees on {got}')
        got = agreed(ssl.TLSVersion.TLSv1_2, 'ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305')
        checks(got is None, f'TLS 1.2 with suites that are left out: {got}')
        got = agreed(ssl.TLSVersion.TLSv1_2, 'ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256')
        checks(got == 'ECDHE-RSA-AES128-GCM-SHA256', f'TLS 1.2 with one more: {got}')
    finally:
        m.stop()


# --- Other origins ---

class Open(Manager):
    def configure(self):
        super().configure()
        path = f'{self.folder}/config.json'
        with open(path) as f:
            config = json.load(f)
        self.third = free_ports(1)[0]
        config['serverConfigs'].append({'app': 'ThirdParty', 'serverAddress': f'http://127.0.0.1:{self.third}',
                                        'cors': {'allowedOrigins': ['http://*.example', 'HTTP://one:8080'],
                                                 'allowedMethods': ['GET', 'OPTIONS']}})
        with open(path, 'w') as f:
            json.dump(config, f)


def origins(checks, folder, program):
    m = Open(folder, 'origins', 'quorate', program)
    try:
        m.start()

        def ask(method, origin, more=None):
            connection = http.client.HTTPConnection('127.0.0.1', m.third, timeout=60)
            headers = dict({'Origin': origin} if origin else {}, **(more or {}))
            connection.request(method, '/keys', headers=headers)
            answer = connection.getresponse()
            answer.read()
            connection.close()
            return answer.status, answer.headers
        for origin, allowed in (('http://a.example', True), ('http://A.Example', True), ('http://one:8080', True),
                                ('http://example', False), ('http://a.example.org', False), (None, False)):
            status, headers = ask('GET', origin)
            checks(status == 200 and headers['Access-Control-Allow-Origin'] == (origin if allowed else None),
                   f'{origin}: {headers["Access-Control-Allow-Origin"]}')
        status, headers = ask('OPTIONS', 'http://a.example', {'Access-Control-Request-Headers': 'x-one'})
        got = [headers['Access-Control-Allow-' + name] for name in ('Methods', 'Headers', 'Credentials')]
        checks((status, got) == (200, ['GET,OPTIONS', 'x-one', 'true']), f'before a request: {status} {got}')
        checks(ask('OPTIONS', 'http://b')[0] == 405, 'of another origin: 405')
    finally:
        m.stop()


# --- Sealed values ---

def sealed(checks, folder, program):
    """ENC(...) of Jasypt, secret "quince": the user's name is "open sesame"."""
    m = Manager(folder, 'sealed', 'quorate', program,
                jdbc={'url': f'jdbc:sqlite:{folder}/sealed.db', 'username': 'ENC(iT2crACl6kZ7SBmbiWza0sYJPDnzUaef)', 'password': ''})
    with open(f'{folder}/secret', 'w') as f:
        f.write('quince\n')
    m.configure()
    ended = subprocess.run(m.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                           timeout=60)
    checks(ended.returncode == 1 and 'TESSERA_CONFIG_SECRET' in ended.stdout, f'without its secret: {ended.stdout.strip()[-150:]}')
    os.environ['TESSERA_CONFIG_SECRET'] = f'{folder}/secret'
    try:
        m.start()
        checks(True, 'with it: serves')
    finally:
        m.stop()
        del os.environ['TESSERA_CONFIG_SECRET']
    at_terminal(checks, m)


def at_terminal(checks, m):
    """Without a file the operator is asked, and what is typed is not shown."""
    ours, its = pty.openpty()
    with open(m.log, 'w') as log:
        m.process = subprocess.Popen(m.command(), stdin=its, stdout=log, stderr=log, cwd=m.folder)
    os.close(its)
    try:
        until(lambda: 'Please enter the secret' in tail(m.log), 60, 'the secret is asked for')
        os.write(ours, b'quince\n')
        m.wait_up()
        shown = select.select([ours], [], [], 0)[0] and os.read(ours, 1000)
        checks(not shown or b'quince' not in shown, 'asked at a terminal: serves, and the secret is not shown')
    finally:
        m.stop()
        os.close(ours)


def main():
    if not shutil.which('openssl'):
        print('skipped: no openssl')
        return SKIPPED
    checks, folder = Checks(), tempfile.mkdtemp(prefix='quorate-tm-options-')
    try:
        for part in (apart, stores, suites, origins, sealed):
            print(part.__name__, flush=True)
            try:
                part(checks, folder, os.path.abspath(sys.argv[1]))
            except Failed as error:
                checks(False, f'{part.__name__}: {error}')
    finally:
        shutil.rmtree(folder)
    checks.end()


sys.exit(main())

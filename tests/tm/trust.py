#!/usr/bin/env python3
"""Strict TLS in each trust mode, on both sides: whom a manager serves and whom it calls, and two managers that meet.

usage: trust.py QUORATE_TM
"""
import os
import shutil
import socket
import ssl
import sys
import tempfile
import threading

from managers import SKIPPED, Authority, Checks, Failed, Manager, exchange, fingerprint, introduce, tls, until

# Who is accepted: "friend" has a certificate of the authority and is in the file of known hosts, "stranger" is of another
# authority and in no file, "impostor" has the friend's name in a certificate of that other authority.
MODES = {
    'CA': {'friend'},
    'TOFU': {'friend', 'stranger'},
    'WHITELIST': {'friend'},
    'CA_OR_TOFU': {'friend', 'stranger'},
    'NONE': {'friend', 'stranger', 'impostor'},
}
LEARN = {'TOFU', 'CA_OR_TOFU'}


class Peer(threading.Thread):
    """A TLS server with a certificate of its own: remembers whether a request came through."""

    def __init__(self, own):
        super().__init__(daemon=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(own[1], own[0])
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.url = f'https://127.0.0.1:{self.listener.getsockname()[1]}'
        self.called = self.refused = False

    def run(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            try:
                plain.settimeout(60)
                with self.context.wrap_socket(plain, server_side=True) as secure:
                    if secure.recv(4).startswith(b'POST'):
                        self.called = True
                    else:
                        self.refused = True
            except OSError:
                self.refused = True


class Known:
    """Only what the lists of a manager need."""

    def __init__(self, url):
        self.url = url


def fill(config, friend):
    for name in ('knownClientsFile', 'knownServersFile'):
        with open(config[name], 'w') as f:
            f.write(f'friend {fingerprint(friend[1])}\n')


def served(manager, own):
    """Whether a client with that certificate (None: without) is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if own:
        context.load_cert_chain(own[1], own[0])
    try:
        with socket.create_connection(('127.0.0.1', manager.port), 60) as plain, context.wrap_socket(plain) as secure:
            secure.sendall(b'GET /upcheck HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
            return secure.recv(100).startswith(b'HTTP/1.1 200')
    except OSError:
        return False


def alone(checks, folder, program, mode, authority, callers, own):
    """One manager, with clients and servers that are not managers."""
    config = tls(own, mode, [authority.certificate], f'{folder}/{mode}-known')
    fill(config, callers['friend'])
    manager = Manager(folder, f'alone-{mode}', 'quorate', program, ssl_config=config)
    peers = {name: Peer(pair) for name, pair in callers.items()}
    manager.peers = [Known(peer.url) for peer in peers.values()]
    for peer in peers.values():
        peer.start()
    try:
        manager.start()
        got = {name for name, pair in callers.items() if served(manager, pair)}
        checks(got == MODES[mode], f'{mode}: serves {", ".join(sorted(got)) or "nobody"}')
        checks(not served(manager, None), f'{mode}: a client without a certificate is not served')
        until(lambda: all(p.called or (p.refused and name not in MODES[mode]) for name, p in peers.items()), 60,
              'all peers were called, or refused')
        got = {name for name, peer in peers.items() if peer.called}
        checks(got == MODES[mode], f'{mode}: calls {", ".join(sorted(got)) or "nobody"}')
        for name in ('knownClientsFile', 'knownServersFile'):
            with open(config[name]) as f:
                lines = f.read().split('\n')
            learned = f'stranger {fingerprint(callers["stranger"][1])}' in lines
            checks(learned == (mode in LEARN) and len(lines) == 2 + learned,
                   f'{mode}: {name} {"has the stranger" if learned else "is as it was"}')
    finally:
        manager.stop()
        for peer in peers.values():
            peer.listener.close()


def together(checks, folder, program, mode, authority):
    managers = []
    for name in (f'a-{mode}', f'b-{mode}'):
        config = tls(authority.issue(name), mode, [authority.certificate], f'{folder}/{name}-known')
        managers.append(Manager(folder, name, 'quorate', program, ssl_config=config))
    introduce(managers)
    for m in managers:
        if mode == 'WHITELIST':
            for name in ('knownClientsFile', 'knownServersFile'):
                with open(m.ssl[name], 'w') as f:
                    f.write(''.join(f'{n.name} {fingerprint(n.ssl["serverTlsCertificatePath"])}\n' for n in managers))
    exchange(checks, managers, mode)


def main():
    if not shutil.which('openssl'):
        print('skipped: no openssl')
        return SKIPPED
    program, checks = os.path.abspath(sys.argv[1]), Checks()
    folder = tempfile.mkdtemp(prefix='quorate-tm-trust-')
    try:
        authority, other = Authority(folder), Authority(folder, 'other')
        callers = {'friend': authority.issue('friend'), 'stranger': other.issue('stranger'),
                   'impostor': other.issue('impostor', 'friend')}
        own = authority.issue('own')
        for mode in MODES:
            try:
                alone(checks, folder, program, mode, authority, callers, own)
                together(checks, folder, program, mode, authority)
            except Failed as error:
                checks(False, f'{mode}: {error}')
    finally:
        shutil.rmtree(folder)
    checks.end()


sys.exit(main())

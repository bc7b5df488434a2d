#!/usr/bin/env python3
"""quorate-tm and a real Tessera, side by side on one machine, payloads both ways.

    tm.py --tessera TESSERA_APP_JAR --manager QUORATE_TM [--keep] [scenario ...]

Each scenario starts real processes on free loopback ports and prints one line a check. Without a JAR (option, or
$QUORATE_TESSERA) it says so and ends with 77, which the build takes for "skipped". Needs `java` and `openssl`.

scenarios
    payloads    one Tessera between two of ours: standard private, party protection, private state validation
    resend      each loses payloads, restarts and has them pushed again by the other; then each in recovery mode
    tls-ca      strict TLS, certificates of one authority; a stranger's is refused by both
    tls-tofu    strict TLS, certificates remembered at the first use; another one of the same name is refused by both
    tls-whitelist  strict TLS, certificates in files that were there before; one that is in none is refused by both
    tls-none    strict TLS, each with a certificate of another authority, which nobody looks at
"""
import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '../tm'))
from managers import (SKIPPED, Authority, Checks, Failed, Manager, fingerprint, introduce, tls, wait_met)  # noqa: E402

FLAGS = {0: 'standard private', 1: 'party protection', 3: 'private state validation'}


class Net:
    """Managers that know each other; `kinds` in order."""

    def __init__(self, args, kinds, ssl=None, **more):
        self.args = args
        self.folder = tempfile.mkdtemp(prefix='quorate-mixed-tm-')
        self.managers = []
        for i, kind in enumerate(kinds):
            name = f'{kind}{i}'
            self.managers.append(Manager(self.folder, name, kind, args.manager if kind == 'quorate' else args.tessera,
                                         ssl_config=ssl and ssl(self, name), **more))
            self.managers[-1].interval = 6000
        introduce(self.managers)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        for m in self.managers:
            m.stop()
        if self.args.keep:
            print(f'   logs: {self.folder}', flush=True)
        else:
            shutil.rmtree(self.folder)

    def start(self):
        for m in self.managers:
            m.start(wait=False)
        for m in self.managers:
            m.wait_up()
        wait_met(self.managers, 90)

    def tessera(self):
        return next(m for m in self.managers if m.kind == 'tessera')

    def quorate(self):
        return next(m for m in self.managers if m.kind == 'quorate')


def enhanced(flag, affected=()):
    if flag == 0:
        return {}
    more = {'privacyFlag': flag, 'affectedContractTransactions': list(affected)}
    if flag == 3:
        more['execHash'] = hashlib.sha256(b'a root').hexdigest()
    return more


def check_everywhere(checks, managers, key, payload, text):
    same = [m.name for m in managers if m.payload(key) == payload]
    checks(len(same) == len(managers), f'{text}: read by {", ".join(same) or "nobody"}')


def check_payloads(checks, managers, size=1000):
    """Each to all others, with each flag, then one that builds on it, sent by the same and by another."""
    for flag, name in FLAGS.items():
        for i, m in enumerate(managers):
            to = [other.key() for other in managers if other is not m]
            payload = f'{name} of {m.name} '.encode() + os.urandom(size)
            key = m.send(payload, to, **enhanced(flag))
            check_everywhere(checks, managers, key, payload, f'{name}, sent by {m.name}')
            if flag == 0:
                continue
            for sender in (m, managers[(i + 1) % len(managers)]):
                to = [other.key() for other in managers if other is not sender]
                payload = f'on {key} by {sender.name} '.encode() + os.urandom(20)
                next_key = sender.send(payload, to, **enhanced(flag, [key]))
                found = [n for n in managers if (n.transaction(next_key) or {}).get('affectedContractTransactions') == [key]]
                checks(len(found) == len(managers), f'   builds on it, sent by {sender.name}: {len(found)} of '
                                                    f'{len(managers)} have it with what it affects')


def payloads(args, checks):
    with Net(args, ('quorate', 'tessera', 'quorate')) as net:
        net.start()
        check_payloads(checks, net.managers)
        tessera, ours = net.tessera(), net.quorate()
        for a, b in ((ours, tessera), (tessera, ours)):
            payload = os.urandom(64 << 10)
            check_everywhere(checks, (a, b), a.send(payload, [b.key()]), payload, f'64 KiB, sent by {a.name}')
            status, key = a.ask('POST', '/sendraw', payload, headers={
                'Content-Type': 'application/octet-stream', 'c11n-from': a.key(), 'c11n-to': b.key()})
            checks(status == 200, f'/sendraw of {a.name}: {status}')
            check_everywhere(checks, (a, b), key.decode(), payload, f'   it')
        for m in net.managers:
            m.stop()
            m.start()
        wait_met(net.managers, 90)
        check_payloads(checks, net.managers[:2], 40)


def resend_lost(checks, loser, other, kept):
    """It loses all, then one: a party refuses to be pushed what it has, if it is a Tessera, and gets the rest all the same."""
    for lost in (list(kept), list(kept)[:1]):
        for key in lost:
            loser.delete(key)
        checks(all(loser.transaction(key) is None for key in lost), f'{loser.name} has lost {len(lost)} of {len(kept)}')
        loser.stop()
        loser.start()
        wait_met((loser, other), 90)
        status, answer = other.ask('POST', '/resend', {'type': 'ALL', 'publicKey': loser.key()}, 'P2P')
        wanted = 500 if loser.kind == 'tessera' and len(lost) < len(kept) else 200
        checks(status == wanted, f'{other.name} pushes again: {status} {answer[:200].decode(errors="replace")}')
        have = sum(loser.payload(key) == payload for key, payload in kept.items())
        checks(have == len(kept), f'{loser.name} has {have} of {len(kept)} again')


def recover(checks, loser, other, kept):
    """Its database is gone: started in recovery mode, then as ever."""
    loser.stop()
    for name in os.listdir(loser.folder):
        if name.startswith('db'):
            os.remove(os.path.join(loser.folder, name))
    with open(loser.log, 'a') as log:
        ended = subprocess.run(loser.command('--recover'), stdout=log, stderr=log, cwd=loser.folder, timeout=240)
    checks(ended.returncode == 0, f'{loser.name} --recover ends with {ended.returncode}')
    loser.start()
    have = sum(loser.payload(key) == payload for key, payload in kept.items())
    checks(have == len(kept), f'{loser.name} has {have} of {len(kept)} again')


def resend(args, checks):
    with Net(args, ('quorate', 'tessera')) as net:
        net.start()
        plain = {}
        for loser, other in ((net.managers[0], net.managers[1]), (net.managers[1], net.managers[0])):
            for sender, to in ((other, loser), (loser, other), (other, loser)):
                payload = os.urandom(200)
                plain[sender.send(payload, [to.key()])] = payload
            resend_lost(checks, loser, other, plain)
            kept = dict(plain)
            for flag in (1, 3):
                payload = os.urandom(200)
                key = other.send(payload, [loser.key()], **enhanced(flag))
                kept[key] = payload
                payload = os.urandom(200)
                kept[other.send(payload, [loser.key()], **enhanced(flag, [key]))] = payload
            recover(checks, loser, other, kept)
            wait_met(net.managers, 90)


def refused(checks, victim, stranger, text):
    """A call of the P2P interface with the stranger's certificate."""
    original, victim.ssl = victim.ssl, stranger
    try:
        status, answer = victim.ask('GET', '/upcheck', app='P2P')
        checks(False, f'{victim.name} serves {text}: {status} {answer[:80]!r}')
    except OSError as error:
        checks(True, f'{victim.name} refuses {text} ({type(error).__name__})')
    finally:
        victim.ssl = original


def strict(mode, authority):
    def make(net, name):
        ca = authority(net)
        return tls(ca.issue(name), mode, [ca.certificate] if mode == 'CA' else [], f'{net.folder}/{name}-known')
    return make


def shared_authority():
    made = []

    def get(net):
        if not made:
            made.append(Authority(net.folder))
        return made[0]
    return get


def tls_ca(args, checks):
    authority = shared_authority()
    with Net(args, ('quorate', 'tessera'), strict('CA', authority)) as net:
        net.start()
        check_payloads(checks, net.managers, 100)
        other = Authority(net.folder, 'other')
        stranger = tls(other.issue('stranger'), 'CA', [other.certificate], f'{net.folder}/stranger-known')
        for m in net.managers:
            refused(checks, m, stranger, "another authority's certificate")


def tls_tofu(args, checks):
    authority = shared_authority()
    with Net(args, ('quorate', 'tessera'), strict('TOFU', authority)) as net:
        net.start()
        check_payloads(checks, net.managers, 100)
        for m in net.managers:
            for known, other in ((m.ssl['knownClientsFile'], 'client'), (m.ssl['knownServersFile'], 'server')):
                want = {f'{n.name} {fingerprint(n.ssl["serverTlsCertificatePath"])}' for n in net.managers if n is not m}
                with open(known) as f:
                    lines = set(f.read().split('\n'))
                checks(want <= lines, f'{m.name} remembers the other as {other}')
        impostors = Authority(net.folder, 'impostors')
        for m in net.managers:
            other = next(n for n in net.managers if n is not m)
            stranger = tls(impostors.issue(f'as-{other.name}', other.name), 'TOFU', known=f'{net.folder}/stranger-known')
            refused(checks, m, stranger, f'another certificate that says {other.name}')
            m.stop()
            m.start()
        wait_met(net.managers, 90)
        check_payloads(checks, net.managers, 30)


def tls_whitelist(args, checks):
    authority = shared_authority()
    with Net(args, ('quorate', 'tessera'), strict('WHITELIST', authority)) as net:
        for m in net.managers:
            for name in ('knownClientsFile', 'knownServersFile'):
                with open(m.ssl[name], 'w') as f:
                    f.write(''.join(f'{n.name} {fingerprint(n.ssl["serverTlsCertificatePath"])}\n' for n in net.managers))
        # the tests' own calls come with the certificate of the one that is called
        net.start()
        check_payloads(checks, net.managers, 100)
        ca = authority(net)
        for name, text in (('nobody', 'a certificate that is in no file'), ('again', 'another certificate of a known name')):
            for m in net.managers:
                other = next(n for n in net.managers if n is not m)
                own = ca.issue(f'{name}-{other.name}', other.name if name == 'again' else None)
                refused(checks, m, tls(own, 'WHITELIST', known=f'{net.folder}/stranger-known'), text)


def tls_none(args, checks):
    def make(net, name):
        ca = Authority(net.folder, f'{name}-ca')
        return tls(ca.issue(name), 'NONE', [], f'{net.folder}/{name}-known')
    with Net(args, ('quorate', 'tessera'), make) as net:
        net.start()
        check_payloads(checks, net.managers, 100)
        for m in net.managers:
            checks(not os.path.exists(m.ssl['knownClientsFile']), f'{m.name} remembers nobody')


SCENARIOS = {'payloads': payloads, 'resend': resend, 'tls-ca': tls_ca, 'tls-tofu': tls_tofu, 'tls-whitelist': tls_whitelist,
             'tls-none': tls_none}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--tessera', default=os.environ.get('QUORATE_TESSERA', ''), help="Tessera's app JAR")
    parser.add_argument('--manager', default=os.path.join(HERE, '../../build/bin/quorate-tm'))
    parser.add_argument('--keep', action='store_true', help='leave data and logs')
    parser.add_argument('scenarios', nargs='*', metavar='scenario', help=', '.join(SCENARIOS))
    args = parser.parse_args()
    if not os.path.exists(args.tessera) or not shutil.which('java') or not shutil.which('openssl'):
        print("skipped: needs Tessera's JAR (--tessera or $QUORATE_TESSERA), java and openssl")
        return SKIPPED
    args.manager, args.tessera = os.path.abspath(args.manager), os.path.abspath(args.tessera)
    checks = Checks()
    for name in args.scenarios or list(SCENARIOS):
        if name not in SCENARIOS:
            parser.error(f'no scenario "{name}"; there are {", ".join(SCENARIOS)}')
        print(f'{name}', flush=True)
        try:
            SCENARIOS[name](args, checks)
        except Failed as error:
            checks(False, str(error))
    checks.end()


if __name__ == '__main__':
    sys.exit(main())

#!/usr/bin/env python3
"""Where secrets may be: in files of mode 0600, and in memory that is left out of core files. Nowhere else.

usage: secrets.py QUORATE_NODE QUORATE_TM

A node with an unlocked account and a manager with three keys (one locked) run with logs that tell all, once with umask 0 and once with umask
077. Their memory is searched for keys and passwords, except where a core file would leave it out; so are their logs, command lines and
environments. What they were refused with must not say what was secret in it. The node's own key is not among what is kept apart.
"""
import base64
import json
import os
import pathlib
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../support'))
from ports import free_ports  # noqa: E402

NODE, MANAGER = (os.path.abspath(p) for p in sys.argv[1:3])
NETWORK = json.loads((pathlib.Path(__file__).parent / '../network/network.json').read_text())
PASSWORD = 'a-password-of-an-account'
ENV = {**os.environ, 'PRIVATE_CONFIG': 'ignore'}
failures = []


def check(holds, text):
    if not holds:
        failures.append(text)
        print('FAILED:', text, flush=True)


def run(program, *arguments, text=None, expected=0):
    done = subprocess.run([program, *map(str, arguments)], input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=ENV, timeout=120)
    check(done.returncode == expected, f'{os.path.basename(program)} {arguments[0]}: {done.returncode}, {done.stdout[-300:]}')
    return done.stdout


def private(path, text):
    path.write_text(text)
    path.chmod(0o600)
    return path


def start(program, arguments, log, where):
    """Runs until its unix socket answers."""
    with open(log, 'w') as out:
        process = subprocess.Popen([program, *map(str, arguments)], stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=ENV)
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        with socket.socket(socket.AF_UNIX) as s:
            if s.connect_ex(str(where)) == 0:
                return process
        time.sleep(0.05)
    process.kill()
    process.wait()
    raise AssertionError(f'{program} does not come up: {log.read_text()[-500:]}')


def in_core(pid, secrets):
    """Which of them lie in memory that a core file would have; None where it cannot be read."""
    found, areas = set(), []
    try:
        for line in open(f'/proc/{pid}/smaps'):
            area = re.match(r'([0-9a-f]+)-([0-9a-f]+) (r\S+) \S+ \S+ \S+\s*(.*)', line)
            if area:
                areas.append([int(area[1], 16), int(area[2], 16), area[4]])
            elif line.startswith('VmFlags:') and areas and ' dd' in line:
                areas.pop()
        with open(f'/proc/{pid}/mem', 'rb') as memory:
            for first, last, name in areas:
                if name in ('[vvar]', '[vsyscall]') or name.endswith('.mdb') or last - first > 1 << 32:
                    continue
                try:
                    memory.seek(first)
                    content = memory.read(last - first)
                except OSError:
                    continue
                found |= {secret for secret, value in secrets.items() if value in content}
    except PermissionError:
        return None
    return found


def search(name, process, log, secrets):
    end = time.monotonic() + 60  # passwords are wiped when all is unlocked, which is behind the last line about it
    while (found := in_core(process.pid, secrets)) and time.monotonic() < end:
        time.sleep(0.1)
    if found is None:
        print(f'{name}: memory cannot be read here, and is not looked at')
    check(not found, f'{name}: a core file would have {found}')
    for what in ('cmdline', 'environ'):
        content = pathlib.Path(f'/proc/{process.pid}/{what}').read_bytes()
        check(not [s for s, v in secrets.items() if v in content], f'{name}: a secret in its {what}')
    process.send_signal(signal.SIGTERM)
    check(process.wait(60) == 0, f'{name} ends with {process.returncode}')
    said = log.read_bytes()
    check(not [s for s, v in secrets.items() if v in said or v.hex().encode() in said], f'{name}: a secret in its log')


def closed_to_others(folder, but=()):
    """Nobody else may write anything, nor read what is no public file."""
    for path in folder.rglob('*'):
        mode = path.lstat().st_mode
        if path.is_symlink() or path.name in but:
            continue
        check(not mode & 0o022, f'{path}: others may write it, {oct(mode)}')
        check(stat.S_ISDIR(mode) or path.suffix == '.pub' or not mode & 0o044, f'{path}: others may read it, {oct(mode)}')


def node(folder):
    folder.mkdir(mode=0o700)
    data, key = folder / 'data', os.urandom(32)
    genesis = private(folder / 'genesis.json', json.dumps(NETWORK['genesis']))
    password, raw = private(folder / 'password', PASSWORD), private(folder / 'key', key.hex())
    run(NODE, '--datadir', data, 'init', genesis)
    said = run(NODE, '--datadir', data, 'account', 'import', '--lightkdf', '--password', password, raw)
    address = '0x' + re.search(r'{(\w+)}', said)[1]
    process = start(NODE, ['--datadir', data, '--nodiscover', '--port', '0', '--networkid', '10', '--verbosity', '5', '--unlock', address,
                           '--password', password, '--ipcpath', 'geth.ipc'], folder / 'log', data / 'geth.ipc')
    end = time.monotonic() + 120
    while 'Unlocked account' not in (folder / 'log').read_text() and time.monotonic() < end:
        time.sleep(0.05)
    search('node', process, folder / 'log', {'the key of an account': key, 'the same in digits': key.hex().encode(), 'its password': PASSWORD.encode()})
    closed_to_others(data, but=('LOCK', 'transactions.rlp'))


def manager(folder):
    folder.mkdir(mode=0o700)
    data = folder / 'data'
    data.mkdir(mode=0o700)
    light = private(folder / 'argon', '{"variant": "id", "memory": 1024, "iterations": 1, "parallelism": 1}')
    run(MANAGER, 'keygen', '--keyout', data / 'open', text='\n\n')
    run(MANAGER, 'keygen', '--keyout', data / 'locked', '--argonconfig', light, text=f'{PASSWORD}\n{PASSWORD}\n')
    passwords = private(folder / 'passwords', f'\n{PASSWORD}\n')
    rest = {'enabled': True, 'communicationType': 'REST'}
    tls = {'tls': 'STRICT', 'generateKeyStoreIfNotExisted': True}
    for side in ('server', 'client'):
        tls |= {f'{side}TlsKeyPath': f'{data}/{side}-tls.key', f'{side}TlsCertificatePath': f'{data}/{side}-tls.pub', f'{side}TrustMode': 'TOFU'}
    port = free_ports(1)[0]
    config = {'jdbc': {'url': f'jdbc:sqlite:{data}/db', 'username': 'u', 'password': 'a-password-of-a-database', 'autoCreateTables': True},
              'serverConfigs': [{'app': 'Q2T', 'serverAddress': f'unix:{folder}/tm.ipc', **rest},
                                {'app': 'P2P', 'serverAddress': f'https://127.0.0.1:{port}', **rest,
                                 'sslConfig': {**tls, 'knownClientsFile': f'{data}/clients', 'knownServersFile': f'{data}/servers'}}],
              'peer': [{'url': f'https://127.0.0.1:{port}'}],
              'keys': {'passwordFile': str(passwords), 'keyData': [{'privateKeyPath': f'{data}/{n}.key', 'publicKeyPath': f'{data}/{n}.pub'}
                                                                   for n in ('open', 'locked')]}}
    path = private(folder / 'config.json', json.dumps(config))
    process = start(MANAGER, ['--configfile', path, '--debug'], folder / 'log', folder / 'tm.ipc')
    key = json.loads((data / 'open.key').read_text())['data']['bytes']
    search('manager', process, folder / 'log', {'a key': base64.b64decode(key), 'the same in base64': key.encode(), 'its password': PASSWORD.encode(),
                                                'the database\'s password': b'a-password-of-a-database'})
    closed_to_others(data)
    refusals(folder, path, data / 'open.key')


def refusals(folder, config, key):
    """Slips in files with secrets are named by their place alone."""
    secret = json.loads(key.read_text())['data']['bytes']
    spoilt = {config: (config.read_text().replace('"a-password-of-a-database"', '"a-password-of-a-database" x'), 'a-password-of', 3),
              key: (secret, secret[:8], 2)}
    for path, (text, word, code) in spoilt.items():
        before = path.read_text()
        path.write_text(text)
        said = run(MANAGER, '--configfile', config, expected=code)
        check(str(path) in said and 'line 1' in said, f'{path.name}: {said}')
        check(word not in said, f'what is refused says what is secret: {said}')
        path.write_text(before)


def main():
    with tempfile.TemporaryDirectory(prefix='quorate-secrets-') as work:
        for mask in (0, 0o077):
            before = os.umask(mask)
            try:
                node(pathlib.Path(work) / f'node-{mask:o}')
                manager(pathlib.Path(work) / f'manager-{mask:o}')
            finally:
                os.umask(before)
    print('keys and passwords are where they belong' if not failures else f'{len(failures)} failed')
    return 1 if failures else 0


sys.exit(main())

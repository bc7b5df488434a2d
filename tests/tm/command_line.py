#!/usr/bin/env python3
"""Tessera's recorded command lines and configurations, given to ours: exit codes, what is written, what is said.

usage: command_line.py QUORATE_TM [FIXTURES]

Each recorded row is run in a folder of its own with the key files of the recording. Where ours differs on purpose, the row
of DIFFERENT says why; any other difference fails. Locked keys are the recorded one of small Argon2 settings: the default
ones take a gigabyte.
"""
import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from managers import SKIPPED, Checks, free_ports

RUNNING = 'running'

# tag: (our exit code, a word of what ours says, why)
DIFFERENT = {
    'no file name': (0, 'Saved public key to .pub', 'makes .pub and .key here, as later releases do'),
    'no such configuration': (3, 'none.json', 'as later releases: 3 is a configuration that cannot be read'),
    'configuration is not JSON': (3, 'line 1', 'the same; and says where'),
    'nothing given': (4, '--configfile', 'a service that does not start must not end with 0'),
    'unknown option': (4, "'-nosuch'", 'names it, and does not end with 0'),
    'version': (0, '0.', 'the release, as later releases do'),
    'override of an unknown path': (1, 'nosuch', 'as any other fault of the configuration'),
    'socket left by a killed one': (RUNNING, 'serving', 'a socket that nobody serves is replaced'),
    'passwords in the configuration': (RUNNING, 'serving', 'served, as older releases do; a file is better'),
    'bad always-send-to key': (2, 'alwaysSendTo', 'refused: every send would fail'),
    'public key does not match': (2, 'public key', 'refused: nobody could open what is sent to it'),
}
# what ours says where the exit code is the same
SAYS = {
    'the file is there already': 'plain.pub',
    'configuration is empty': 'P2P',
    'no keys': 'keyData',
    'key file missing': 'gone.key',
    'locked key, no password': 'password',
    'locked key, wrong password': 'wrong',
    'no server': 'exactly one P2P',
    'bad peer URL': 'nonsense',
    'no database': 'jdbc',
    'database driver unknown': 'nodriver',
    'port in use': 'in use',
    'help': '--configfile',
    'passwords differ': 'did not match',
}


class Folder:
    """What the recorded commands were run in."""

    def __init__(self, recorded):
        self.path = tempfile.mkdtemp(prefix='quorate-tm-commands-')
        for name in os.listdir(f'{recorded}/keys'):
            shutil.copy(f'{recorded}/keys/{name}', self.path)
            os.chmod(f'{self.path}/{name}', 0o600)
        os.mkdir(f'{self.path}/new')
        for name in ('wrong', 'right'):
            self.write(f'{name}.password', 'pw\n' if name == 'right' else 'no\n')

    def write(self, name, content):
        with open(f'{self.path}/{name}', 'w') as f:
            f.write(content if isinstance(content, str) else json.dumps(content))

    def config(self, name, change=lambda c: None):
        p2p, q2t = free_ports(2)
        config = {'jdbc': {'username': 'sa', 'password': '', 'url': f'jdbc:sqlite:{self.path}/{name}.db',
                           'autoCreateTables': True},
                  'serverConfigs': [{'app': 'Q2T', 'enabled': True, 'serverAddress': f'http://127.0.0.1:{q2t}',
                                     'communicationType': 'REST'},
                                    {'app': 'P2P', 'enabled': True, 'serverAddress': f'http://127.0.0.1:{p2p}',
                                     'sslConfig': {'tls': 'OFF'}, 'communicationType': 'REST'}],
                  'peer': [{'url': f'http://127.0.0.1:{p2p}'}],
                  'keys': {'passwords': [], 'keyData': [{'privateKeyPath': f'{self.path}/plain.key',
                                                         'publicKeyPath': f'{self.path}/plain.pub'}]},
                  'alwaysSendTo': []}
        change(config)
        self.write(f'{name}.json', config)
        return p2p

    def locked(self, name, more):
        def change(config):
            config['keys'] = {'keyData': [{'privateKeyPath': f'{self.path}/own.key',
                                           'publicKeyPath': f'{self.path}/own.pub'}], **more}
        self.config(name, change)

    def configs(self):
        """As the tags of the recording name them."""
        self.write('bad.json', '{')
        self.write('empty.json', '{}')
        self.config('ok')
        self.config('unknown', lambda c: c.update(noSuchField=1))
        self.config('nokeys', lambda c: c['keys'].update(keyData=[]))
        self.config('nokey', lambda c: c['keys']['keyData'][0].update(privateKeyPath=f'{self.path}/gone.key'))
        self.locked('nopw', {})
        self.locked('wrongpw', {'passwordFile': f'{self.path}/wrong.password'})
        self.locked('rightpw', {'passwordFile': f'{self.path}/right.password'})
        self.locked('inline', {'passwords': ['pw']})
        self.config('stale', lambda c: c['serverConfigs'][0].update(serverAddress=f'unix:{self.path}/stale.ipc'))
        self.config('noserver', lambda c: c['serverConfigs'].pop(1))
        self.config('badpeer', lambda c: c.update(peer=[{'url': 'nonsense'}]))
        self.config('nojdbc', lambda c: c.pop('jdbc'))
        self.config('nodriver', lambda c: c['jdbc'].update(url='jdbc:nodriver:x'))
        self.config('always', lambda c: c.update(alwaysSendTo=['zz']))
        self.config('mismatch', lambda c: c['keys']['keyData'][0].update(publicKeyPath=f'{self.path}/k1.pub'))


def run(program, row, folder):
    """Exit code (RUNNING when it serves) and all it has said."""
    output = f'{folder.path}/output'
    command = [program] + [a.replace('DIR/', f'{folder.path}/') for a in row['command'][1:]]
    if row['tag'] in ('keys without a password', 'keys with a password', 'passwords differ', 'own Argon2 settings',
                      'two pairs at once'):
        command = [a.replace(f'{folder.path}/', f'{folder.path}/new/') if 'argon' not in a else a for a in command]
    if row['tag'] in ('keys with a password', 'passwords differ'):
        command += ['-keygenconfig', f'{folder.path}/argon.json']  # as the recording, but for the gigabyte
    with open(output, 'w+') as out:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=out, cwd=f'{folder.path}/new')
        try:
            process.stdin.write(row['stdin'].encode())
            process.stdin.close()
        except BrokenPipeError:
            pass
        end, code = time.monotonic() + 120, None
        while time.monotonic() < end and code is None:
            with open(output, errors='replace') as f:
                if 'serving' in f.read():
                    code = RUNNING
            if code is None and process.poll() is not None:
                code = process.returncode
            time.sleep(0.02)
        if process.poll() is None:
            process.terminate()
            process.wait(30)
    with open(output, errors='replace') as f:
        return code, f.read()


def check_keys(checks, folder, names, locked):
    for name in names:
        with open(f'{folder.path}/new/{name}.pub') as f:
            public = f.read()
        with open(f'{folder.path}/new/{name}.key') as f:
            key = json.load(f)
        with open(f'{folder.path}/{name}.key') as f:
            recorded = json.load(f)
        good = len(base64.b64decode(public)) == 32 and len(public) == 44 and key['type'] == recorded['type']
        good &= sorted(key['data']) == sorted(recorded['data'])
        if locked:
            good &= sorted(key['data']['aopts']) == sorted(recorded['data']['aopts'])
        good &= os.stat(f'{folder.path}/new/{name}.key').st_mode & 0o077 == 0
        checks(good, f'{name}.key and {name}.pub have the recorded members')


def main():
    program, checks = os.path.abspath(sys.argv[1]), Checks()
    fixtures = sys.argv[2] if len(sys.argv) > 2 else os.environ.get('QUORATE_FIXTURES', '../shared/fixtures')
    recorded = f'{fixtures}/recordings/tessera-command-line'
    if not os.path.exists(recorded):
        print(f'skipped: no {recorded}')
        return SKIPPED
    with open(f'{recorded}/command-line.json') as f:
        rows = json.load(f)
    folder = Folder(recorded)
    taken = None
    try:
        folder.configs()
        print('| what | Tessera 20.10 | here | |\n|---|---|---|---|')
        for row in rows:
            tag = row['tag']
            if tag == 'socket left by a killed one':
                killed = subprocess.Popen([sys.executable, '-c', 'import socket,sys; s=socket.socket(socket.AF_UNIX); '
                                           's.bind(sys.argv[1])', f'{folder.path}/stale.ipc'])
                killed.wait()
            if tag == 'port in use':
                with open(f'{folder.path}/ok.json') as f:
                    port = int(json.load(f)['serverConfigs'][1]['serverAddress'].rsplit(':', 1)[1])
                taken = socket.create_server(('127.0.0.1', port))
            code, said = run(program, row, folder)
            expected, word, why = DIFFERENT.get(tag, (row['exit'], SAYS.get(tag, ''), ''))
            print(f'| {tag} | {row["exit"]} | {code} | {why} |', flush=True)
            checks(code == expected and word in said, f'{tag}: {code}, {word!r} in {said[-300:]!r}')
        check_keys(checks, folder, ['plain', 'k1', 'k2'], False)
        check_keys(checks, folder, ['locked', 'differ', 'own'], True)
        into_configuration(checks, program, folder)
        other_commands(checks, program, folder)
    finally:
        if taken:
            taken.close()
        shutil.rmtree(folder.path)
    checks.end()


def into_configuration(checks, program, folder):
    """keygen into a new configuration and a new file of passwords: a manager starts with them."""
    folder.locked('some', {'passwordFile': f'{folder.path}/right.password'})
    keygen = {'tag': 'keygen', 'stdin': 'one\none\n\n\n',
              'command': ['', '-keygen', '--keyout', 'DIR/n1,DIR/n2', '--argonconfig', 'DIR/argon.json', '--configfile',
                          'DIR/some.json', '--configout', 'DIR/more.json', '--pwdout', 'DIR/more.passwords']}
    code, said = run(program, keygen, folder)
    checks(code == 0, f'keygen --configout --pwdout: {code} {said[-100:]!r}')
    with open(f'{folder.path}/more.passwords') as f:
        checks(f.read() == 'pw\none\n\n', 'the file of passwords has all of them')
    checks(os.stat(f'{folder.path}/more.passwords').st_mode & 0o077 == 0, 'nobody else reads it')
    code, said = run(program, {'tag': 'more', 'stdin': '', 'command': ['', '-configfile', 'DIR/more.json']}, folder)
    checks(code == RUNNING and '3 keys' in said, f'start with it: {code} {said[-100:]!r}')
    code, said = run(program, dict(keygen, command=[a.replace('DIR/n', 'DIR/m') for a in keygen['command']]), folder)
    checks(code == 2 and 'more.json' in said and not os.path.exists(f'{folder.path}/m1.key'),
           f'it is there already: {code} {said[-100:]!r}')
    code, said = run(program, dict(keygen, command=keygen['command'][:6] + ['--pwdout', 'DIR/x']), folder)
    checks(code == 1 and '--configfile' in said, f'without a configuration: {code} {said[-100:]!r}')
    shown = dict(keygen, stdin='\n\n', command=['', '-keygen', '--keyout', 'DIR/n3', '--configfile', 'DIR/some.json'])
    code, said = run(program, shown, folder)
    made = json.loads(said[said.index('{'):])
    checks(code == 0 and made['keys']['keyData'][1]['privateKeyPath'] == f'{folder.path}/n3.key', 'without --configout: shown')


def other_commands(checks, program, folder):
    """What is not recorded: a new password for a recorded key, and starts with the old and the new one."""
    update = {'tag': 'keyupdate', 'stdin': 'new\nnew\n',
              'command': ['', '-updatepassword', '--keys.keyData.privateKeyPath', 'DIR/own.key', '--keys.passwordFile',
                          'DIR/right.password', '--keys.keyData.config.data.aopts.memory', '1024',
                          '--keys.keyData.config.data.aopts.iterations', '1']}
    wrong = dict(update, command=[a.replace('right', 'wrong') for a in update['command']])
    code, said = run(program, wrong, folder)
    checks(code == 1 and 'wrong' in said, f'-updatepassword with a wrong password: {code} {said[-200:]!r}')
    code, said = run(program, update, folder)
    checks(code == 0, f'-updatepassword: {code} {said[-200:]!r}')
    folder.write('new.password', 'new\n')
    folder.locked('newpw', {'passwordFile': f'{folder.path}/new.password'})
    for name, expected in (('rightpw', 2), ('newpw', RUNNING)):
        code, said = run(program, {'tag': name, 'stdin': '', 'command': ['', '-configfile', f'DIR/{name}.json']}, folder)
        checks(code == expected, f'start with {name}: {code} {said[-200:]!r}')
    for words, option in ((['keygen', '--help'], '--keyout'), (['-keygen', '-h'], '--keyout'), (['updatepassword', '--help'], '--keys.'),
                          (['migrate', '--help'], '--from '), (['--help', 'backup'], '--to ')):
        code, said = run(program, {'tag': 'help', 'stdin': '', 'command': ['', *words]}, folder)
        checks(code == 0 and said.startswith('usage: quorate-tm ') and f'  {option}' in said, f'{words}: {code} {said[:120]!r}')
    for option in (['--XautoCreateTables'], ['-o', 'jdbc.username'], ['--jdbc.autoCreateTables', 'maybe'],
                   ['-o', 'serverConfigs[7].app=Q2T']):
        row = {'tag': 'wrong', 'stdin': '', 'command': ['', '-configfile', 'DIR/ok.json', *option]}
        code, said = run(program, row, folder)
        checks(code in (1, 4) and said.strip(), f'{option}: {code} {said[:120]!r}')
    for option in (['--jdbc.autoCreateTables', 'true'], ['-o', 'peer[1].url=http://127.0.0.1:9'], ['--debug']):
        folder.config('fine')
        row = {'tag': 'right', 'stdin': '', 'command': ['', '-configfile', 'DIR/fine.json', *option]}
        code, said = run(program, row, folder)
        checks(code == RUNNING, f'{option}: {code} {said[-200:]!r}')


sys.exit(main())

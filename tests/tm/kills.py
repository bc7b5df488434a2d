#!/usr/bin/env python3
"""kill -9 under load: two managers, clients that send from one to the other, one or the other killed at a random moment.

usage: kills.py QUORATE_TM [--rounds N] [--seed N] [--clients N] [--mariadb]

With --mariadb both have their tables in one server, which is killed as well, and more often; while it is away, sends wait
or are refused. Every hash that was answered must be retrievable with its exact payload from both, after each kill, and all of them at the
end. A send that got no answer may be there or not; one that is there must be whole.
"""
import argparse
import http.client
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time

from managers import SKIPPED, Checks, Failed, Manager, introduce, request, until, wait_met
from mariadb import MariaDB, installed


class Client(threading.Thread):
    """Sends until it is told to stop or nobody answers."""

    def __init__(self, sender, to, seed, database):
        super().__init__()
        self.database = database
        self.sender, self.to, self.random = sender, to, random.Random(seed)
        self.answered, self.refused, self.wrong, self.stopping = {}, 0, [], False

    def run(self):
        connection = self.sender.connection()
        while not self.stopping:
            payload = self.random.randbytes(self.random.choice((20, 300, 1024, 1024, 20000)))
            try:
                connection.request('POST', '/send', json.dumps(request(payload, self.sender.key(), [self.to.key()])),
                                   {'Content-Type': 'application/json'})
                answer = connection.getresponse()
                text = answer.read()
            except (OSError, http.client.HTTPException):
                return  # the sender was killed
            if answer.status == 201:
                self.answered[json.loads(text)['key']] = payload
            elif answer.status in (404, 410) or (self.database and (
                    answer.status == 503 or (answer.status == 500 and b'Unable to push payload' in text))):
                self.refused += 1  # the recipient was killed, or the database of one of them
                time.sleep(0.01)
            else:
                self.wrong.append(f'{answer.status} {text[:200]!r}')
                return


def one_round(chance, managers, clients_count, server):
    sender, to = managers if chance.random() < 0.5 else reversed(managers)
    victim = chance.choice((sender, to, server, server) if server else (sender, to))
    clients = [Client(sender, to, chance.random(), server is not None) for _ in range(clients_count)]
    for c in clients:
        c.start()
    time.sleep(chance.uniform(0.02, 0.5))
    if victim is server:
        server.kill()
        time.sleep(chance.uniform(0, 0.3))  # some sends wait meanwhile
        server.start()
    else:
        victim.stop(signal.SIGKILL)
    if victim is to:
        time.sleep(0.05)  # what is sent to nobody is refused
    for c in clients:
        c.stopping = True
    for c in clients:
        c.join()
    if victim is not server:
        victim.start()
    wait_met(managers)
    for m in managers:
        until(lambda: m.ask('GET', '/ready')[0] == 200, 60, f'{m.name} has its database')
    return clients


def lost(managers, answered):
    return [f'{m.name} {key}' for m in managers for key, payload in answered.items() if m.payload(key) != payload]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('program')
    parser.add_argument('--rounds', type=int, default=4)
    parser.add_argument('--clients', type=int, default=6)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--mariadb', action='store_true')
    args = parser.parse_args()
    if not shutil.which('openssl'):
        print('skipped: no openssl')
        return SKIPPED
    if args.mariadb and not installed():
        print('skipped: no MariaDB server (Debian: mariadb-server-core, mariadb-client-core)')
        return SKIPPED
    checks, chance = Checks(), random.Random(args.seed)
    folder = tempfile.mkdtemp(prefix='quorate-tm-kills-')
    server = MariaDB() if args.mariadb else None
    managers = [Manager(folder, name, 'quorate', os.path.abspath(args.program),
                        database=server and server.database(f'tm_{name}')) for name in 'ab']
    everything, refused, missing, wrong = {}, 0, [], []
    try:
        introduce(managers)
        for m in managers:
            m.start()
        wait_met(managers)
        for n in range(args.rounds):
            answered = {}
            for c in one_round(chance, managers, args.clients, server):
                answered.update(c.answered)
                refused += c.refused
                wrong += c.wrong
            missing += [f'round {n}: {what}' for what in lost(managers, answered)]
            everything.update(answered)
            if n % 20 == 19:
                print(f'   {n + 1} rounds, {len(everything)} answered, {len(missing)} missing', flush=True)
        missing += [f'at the end: {what}' for what in lost(managers, everything)]
        for m in managers:
            checks(m.stop() == 0, f'{m.name} stops')
    except Failed as error:
        checks(False, str(error))
    finally:
        for m in managers:
            m.stop()
        if server:
            server.stop()
        shutil.rmtree(folder)
    checks(len(everything) > args.rounds, f'{args.rounds} kills; {len(everything)} sends answered with a hash, '
                                          f'{refused} refused while the recipient was down')
    checks(not missing, f'each has each of them: {len(missing)} missing {missing[:5]}')
    checks(not wrong, f'no other answer {wrong[:5]}')
    checks.end()


sys.exit(main())

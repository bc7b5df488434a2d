#!/usr/bin/env python3
"""A disk that takes no more, in the place of which stands a limit on the size of the manager's files.

usage: disk_full.py QUORATE_TM

First the recipient's disk is full, then the sender's: sends are refused with the reason, nothing that was refused is half
there, what was answered before stays readable, and all goes on when there is room again.
"""
import json
import os
import resource
import shutil
import sys

from managers import SKIPPED, Checks, network, request, wait_met

ROOM = 400 << 10  # bytes, beside what is there


def limit(manager, size):
    resource.prlimit(manager.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def largest(manager):
    return max(os.path.getsize(f'{manager.folder}/{name}') for name in os.listdir(manager.folder))


def send(sender, to, payload):
    status, text = sender.ask('POST', '/send', request(payload, sender.key(), [to.key()]))
    return status, json.loads(text)['key'] if status == 201 else text.decode()


def fill(checks, full, sender, to, kept):
    """Sends until it is refused; what was answered goes to `kept`."""
    limit(full, largest(full) + ROOM)
    for _ in range(200):
        payload = os.urandom(20000)
        status, answer = send(sender, to, payload)
        if status != 201:
            break
        kept[answer] = payload
    wanted = 503 if full is sender else 500
    checks(status == wanted, f'{full.name} is full: {status} {answer}')
    if full is to:
        checks(to.url in answer, 'the answer names the party')
    refused = sum(send(sender, to, os.urandom(20000))[0] == wanted for _ in range(5))
    checks(refused == 5, f'{refused} of 5 more are refused')
    missing = [(m.name, key) for m in (sender, to) for key, payload in kept.items() if m.payload(key) != payload]
    checks(not missing, f'all {len(kept)} that were answered can be read: {missing[:3]}')
    checks(full.ask('GET', '/upcheck')[0] == 200, 'it serves')
    limit(full, resource.RLIM_INFINITY)
    for _ in range(5):
        payload = os.urandom(20000)
        status, answer = send(sender, to, payload)
        if checks(status == 201, f'there is room again: {status} {"" if status == 201 else answer}'):
            kept[answer] = payload


def main():
    if not shutil.which('openssl'):
        print('skipped: no openssl')
        return SKIPPED
    checks, kept = Checks(), {}
    with network(checks, 'full', sys.argv[1], 'ab') as managers:
        a, b = managers
        for full in (b, a):
            fill(checks, full, a, b, kept)
        for m in managers:
            checks(m.stop() == 0, f'{m.name} stops')
            m.start()
        wait_met(managers)
        missing = [(m.name, key) for m in managers for key, payload in kept.items() if m.payload(key) != payload]
        checks(not missing, f'after a restart all {len(kept)} can be read: {missing[:3]}')
    checks.end()


sys.exit(main())

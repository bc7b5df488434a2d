#!/usr/bin/env python3
"""A recipient that is down: an error that names it, or, with delivery "queued", its copy when it is back.

usage: down.py QUORATE_TM
"""
import json
import os
import shutil
import signal
import sys

from managers import SKIPPED, Checks, key_pair, network, request, until, wait_met


def send(sender, payload, *to):
    status, answer = sender.ask('POST', '/send', request(payload, sender.key(), [m if isinstance(m, str) else m.key() for m in to]))
    return status, answer.decode()


def nobody(checks, sender):
    key = key_pair()[0]
    status, text = send(sender, b'x', key)
    checks(status == 404 and text == f'Recipient not found for key: {key}', f'a key of nobody: {status} {text}')


def direct(checks, managers):
    """The reference's behaviour."""
    a, b, c = managers
    b.stop(signal.SIGKILL)
    status, text = send(a, b'nobody has this', b, c)
    checks(status == 410 and b.url in text and c.url not in text, f'a party is down: {status} {text}')
    nobody(checks, a)
    status, text = send(a, b'without it', c)
    checks(status == 201, f'the others: {status}')
    b.start()
    wait_met(managers)
    status, text = send(a, b'again', b, c)
    checks(status == 201 and b.payload(json.loads(text)['key']) == b'again', f'it is back: {status}')


def queued_send(checks, a, payload, delivered, queued):
    status, text = send(a, payload, *delivered, *queued)
    answer = json.loads(text) if status == 201 else {}
    checks(status == 201 and sorted(answer['delivered']) == sorted(m.key() for m in delivered) and
           sorted(answer['queued']) == sorted(m.key() for m in queued),
           f'sent to {len(delivered)} that are there and {len(queued)} that are not: {status}, the answer says which')
    checks(all(m.payload(answer['key']) == payload for m in (a, *delivered)), 'those that are there have it')
    return answer['key']


def queued(checks, managers):
    a, b, c = managers
    sent = {}

    def new():
        payload = os.urandom(500)
        return payload

    b.stop()
    payload = new()
    sent[queued_send(checks, a, payload, [c], [b])] = payload
    nobody(checks, a)
    b.start()
    # The queue was empty, and would be looked at in a minute: what is put into it is looked for at once.
    until(lambda: all(b.payload(key) == payload for key, payload in sent.items()), 40, 'the queued payload is delivered')
    checks(True, 'delivered when it is back')
    for how in (signal.SIGTERM, signal.SIGKILL):
        b.stop(signal.SIGKILL)
        for _ in range(3):
            payload = new()
            sent[queued_send(checks, a, payload, [], [b])] = payload
        a.stop(how)
        a.start()
        checks(all(a.payload(key) == payload for key, payload in sent.items()), f'{how.name} of the sender: it has all')
        b.start()
        until(lambda: all(b.payload(key) == payload for key, payload in sent.items()), 60, 'delivered after a restart')
        checks(True, f'delivered after {how.name} and start of the sender')


def main():
    if not shutil.which('openssl'):
        print('skipped: no openssl')
        return SKIPPED
    checks = Checks()
    for scenario, more in ((direct, {}), (queued, {'delivery': 'queued'})):
        print(scenario.__name__, flush=True)
        with network(checks, 'down', sys.argv[1], 'abc', **more) as managers:
            scenario(checks, managers)
    checks.end()


sys.exit(main())

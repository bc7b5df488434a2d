#!/usr/bin/env python3
"""Sends every request that reached a recorded Tessera (tm-wire.jsonl.gz) to ours, which hold the recorded databases.

usage: wire_replay.py QUORATE_TM [recording ...]

Status, media type and body must be as recorded; where a new payload is made, its hash is new and only the rest is
compared. Prints a table, a row an endpoint, and each exchange that differs. Skips without the recordings.
"""
import base64
import collections
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

from managers import SKIPPED, Failed, Manager, introduce, wait_met

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.environ.get('QUORATE_FIXTURES') or os.path.join(HERE, '../../../shared/fixtures')
HASH = re.compile(r'/[A-Za-z0-9+/%_-]{60,}=*')
NEW = {'POST /send', 'POST /storeraw', 'POST /encodedpayload/create'}  # a new hash, another box
ANY_MEDIA = {'POST /push'}  # the reference says text/html, the first that its own client would take, of a hash
BETTER = {'Index 1 out of bounds for length 1': 400}  # the reference's 500 to a key of one byte; ours names the key
TEXTS = {'GET /version', 'GET /version/api', 'POST /partyinfo'}  # of a release; of who is where: the status alone


def shape(text):
    """An answer without its random bytes: members, and the lengths of their texts."""
    def of(value):
        if isinstance(value, dict):
            return {k: of(v) for k, v in value.items()}
        if isinstance(value, list):
            return [of(v) for v in value]
        return len(value) if isinstance(value, str) else value
    try:
        return of(json.loads(text))
    except ValueError:
        return text


class Replay:
    def __init__(self, program, recording, folder):
        self.source = os.path.join(FIXTURES, 'recordings', recording)
        with open(f'{self.source}/network.json') as f:
            network = json.load(f)
        self.managers, self.same, self.wrong = [], collections.Counter(), []
        self.total, self.better = collections.Counter(), collections.Counter()
        for i in range(3):
            pair = (network['tm_public_keys'][i], network['tm_private_keys'][i])
            m = Manager(folder, f'tm{i}', 'quorate', program, pairs=[pair])
            self.managers.append(m)
        introduce(self.managers)
        for i, m in enumerate(self.managers):
            m.configure()
            done = subprocess.run([program, 'migrate', '--from', f'{self.source}/tessera-{i}.sql',
                                   '--configfile', f'{m.folder}/config.json'], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True)
            if done.returncode != 0:
                raise Failed(f'migrate: {done.returncode} {done.stdout[-500:]}')

    def ask(self, m, app, e):
        body = base64.b64decode(e['body']) if e.get('body') else None
        headers = {k: v for k, v in e['headers'].items() if k.lower() not in ('host', 'content-length', 'connection')}
        connection = m.connection(app)
        try:
            connection.request(e['method'], e['path'], body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheader('content-type'), answer.read()
        finally:
            connection.close()

    def row(self, e):
        m = self.managers[int(e['to'][2])]
        app = 'Q2T' if 'node' in e['to'] else 'P2P'
        endpoint = e['method'] + ' ' + HASH.sub('/{hash}', e['path']).split('?')[0]
        recorded = base64.b64decode(e.get('answer') or '')
        if endpoint == 'POST /sendsignedtx' and e['status'] == 201:
            key = json.loads(recorded)['key']  # sent once already, in this database
            for holder in self.managers:
                holder.ask('DELETE', '/transaction/' + urllib.parse.quote(key, safe=''))
        status, media, answer = self.ask(m, app, e)
        wanted_media = {k.lower(): v for k, v in e['answer_headers'].items()}.get('content-type')
        new = endpoint in NEW and status < 300
        body_same = endpoint in TEXTS or (shape(answer) == shape(recorded) if new else answer == recorded)
        media_same = endpoint in TEXTS | ANY_MEDIA or not recorded or media == wanted_media
        row = (app, endpoint, e['status'])
        self.total[row] += 1
        if status == BETTER.get(recorded.decode(errors='replace')) and answer:
            self.better[row] += 1
        elif status == e['status'] and body_same and media_same:
            self.same[row] += 1
        else:
            self.wrong.append((row, f'{e["n"]} {row}: {status} {media} {answer[:160]!r}, '
                                    f'recorded {wanted_media} {recorded[:160]!r}'))


def replay(program, recording):
    folder = tempfile.mkdtemp(prefix='quorate-tm-wire-')
    r = None
    try:
        r = Replay(program, recording, folder)
        for m in r.managers:
            m.start()
        wait_met(r.managers)
        with gzip.open(f'{r.source}/tm-wire.jsonl.gz', 'rt') as f:
            for line in f:
                r.row(json.loads(line))
    finally:
        for m in r.managers if r else []:
            m.stop()
        shutil.rmtree(folder)
    print(f'{recording}\n   {"same":>5} {"other":>5} {"of":>5}  endpoint')
    for row in sorted(r.total):
        print(f'   {r.same[row]:5} {r.better[row]:5} {r.total[row]:5}  {row[0]} {row[1]} {row[2]}')
    for _, text in r.wrong:
        print('   WRONG:', text)
    print(f'   {sum(r.same.values())} of {sum(r.total.values())} as recorded, {sum(r.better.values())} other by intention',
          flush=True)
    return len(r.wrong)


def main():
    program = os.path.abspath(sys.argv[1])
    wanted = sys.argv[2:] or ['private', 'private-marker']
    if not all(os.path.exists(os.path.join(FIXTURES, 'recordings', name, 'tm-wire.jsonl.gz')) for name in wanted):
        print(f'skipped: no recordings in {FIXTURES}')
        return SKIPPED
    return 1 if sum(replay(program, name) for name in wanted) else 0


sys.exit(main())

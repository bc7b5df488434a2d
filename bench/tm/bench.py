#!/usr/bin/env python3
"""Sends over HTTP: two managers, one recipient, both durable before the answer; ours and, given its JAR, Tessera.

usage: bench.py QUORATE_TM [--tessera JAR] [--driver MARIADB_CLIENT_JAR] [--seconds N] [--clients N] [--warm N] [--only WORD]

Each client is a process with a connection of its own. Prints sends a second, percentiles, CPU time a send and resident
memory of both managers together. MariaDB is started here when its server is installed.
"""
import argparse
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../tests/tm'))
from managers import Failed, Manager, free_ports, introduce, request, until, wait_met  # noqa: E402
import json  # noqa: E402


def client(manager, to, size, seconds, results):
    connection = manager.connection()
    times, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        body = json.dumps(request(os.urandom(size), manager.key(), [to]))
        begun = time.monotonic()
        connection.request('POST', '/send', body, {'Content-Type': 'application/json'})
        answer = connection.getresponse()
        text = answer.read()
        times.append(time.monotonic() - begun)
        if answer.status != 201:
            results.put(f'{answer.status} {text[:200]!r}')
            return
    results.put(times)


def cpu(m):
    with open(f'/proc/{m.process.pid}/stat') as f:
        fields = f.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def resident(m):
    with open(f'/proc/{m.process.pid}/status') as f:
        return next(int(line.split()[1]) // 1024 for line in f if line.startswith('VmRSS'))


def load(managers, size, seconds, clients):
    results = multiprocessing.Queue()
    a, b = managers
    before = [cpu(m) for m in managers]
    processes = [multiprocessing.Process(target=client, args=(a, b.key(), size, seconds, results)) for _ in range(clients)]
    begun = time.monotonic()
    for p in processes:
        p.start()
    got = [results.get(timeout=seconds + 90) for p in processes]
    took = time.monotonic() - begun
    for p in processes:
        p.join()
    wrong = [g for g in got if isinstance(g, str)]
    if wrong:
        raise Failed(wrong[0])
    times = sorted(t for g in got for t in g)
    used = sum(cpu(m) - was for m, was in zip(managers, before))
    return times, took, used


def row(title, managers, size, args):
    times, took, used = load(managers, size, args.seconds, args.clients)
    at = lambda share: times[min(len(times) - 1, int(len(times) * share))] * 1000  # noqa: E731
    print(f'| {title} | {size // 1024} KiB | {len(times) / took:.0f} | {at(.5):.1f} | {at(.9):.1f} | {at(.99):.1f} | '
          f'{used / len(times) * 1000:.2f} | {" + ".join(str(resident(m)) for m in managers)} |', flush=True)


def run(title, kind, program, databases, args):
    if args.only and args.only not in title:
        return
    folder = tempfile.mkdtemp(prefix='quorate-tm-bench-')
    managers = []
    try:
        if kind == 'tessera' and databases[0]:  # its own creation of tables fails on this server
            for name, database in zip('ab', databases):
                maker = Manager(folder, f'tables-{name}', 'quorate', os.path.abspath(args.program), database=database)
                maker.start()
                maker.stop()
        for name, database in zip('ab', databases):
            managers.append(Manager(folder, name, kind, program, database=database))
            if kind == 'tessera' and args.driver:
                managers[-1].class_path = f'{program}:{args.driver}'
        introduce(managers)
        for m in managers:
            m.start(wait=False)
        for m in managers:
            m.wait_up()
        wait_met(managers, 120)
        load(managers, 1024, args.warm if kind == 'tessera' else 1, args.clients)
        for size in (1024, 65536):
            row(title, managers, size, args)
    finally:
        for m in managers:
            m.stop()
        shutil.rmtree(folder)


class MariaDB:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix='quorate-tm-mariadb-')
        self.port = free_ports(1)[0]
        quiet = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}
        subprocess.run(['mariadb-install-db', '--no-defaults', f'--datadir={self.folder}/data', '--skip-test-db',
                        '--auth-root-authentication-method=normal', '--skip-name-resolve'], check=True, **quiet)
        self.process = subprocess.Popen(
            ['mariadbd', '--no-defaults', f'--datadir={self.folder}/data', f'--port={self.port}', '--user=root',
             '--bind-address=127.0.0.1', f'--socket={self.folder}/socket', '--skip-name-resolve', '--skip-grant-tables',
             '--max-allowed-packet=64M'], **quiet)
        until(lambda: subprocess.run(self.client('select 1'), **quiet).returncode == 0, 60, 'MariaDB answers')

    def client(self, statement):
        return ['mariadb', '--no-defaults', f'--socket={self.folder}/socket', '-e', statement]

    def database(self, name):
        subprocess.run(self.client(f'create database {name}'), check=True)
        return f'jdbc:mariadb://127.0.0.1:{self.port}/{name}'

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
        shutil.rmtree(self.folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('program')
    parser.add_argument('--tessera', default=os.environ.get('QUORATE_TESSERA', ''))
    parser.add_argument('--driver', default=os.environ.get('QUORATE_TESSERA_DRIVER', ''))
    parser.add_argument('--seconds', type=float, default=8)
    parser.add_argument('--warm', type=float, default=15, help='seconds of load before Tessera is measured')
    parser.add_argument('--clients', type=int, default=8)
    parser.add_argument('--only', default='', metavar='WORD', help='rows whose name has it')
    args = parser.parse_args()
    print(f'{args.clients} clients, {args.seconds} s a row, load average {os.getloadavg()[0]:.1f}')
    print('| | payload | sends/s | p50 ms | p90 ms | p99 ms | CPU ms a send, both | resident MB |\n|---|---|---|---|---|---|---|---|',
          flush=True)
    ours = os.path.abspath(args.program)
    run('quorate-tm, SQLite', 'quorate', ours, (None, None), args)
    if args.tessera:
        run('Tessera, H2', 'tessera', args.tessera, (None, None), args)
    if shutil.which('mariadbd'):
        server = MariaDB()
        try:
            run('quorate-tm, MariaDB', 'quorate', ours, [server.database(n) for n in ('qa', 'qb')], args)
            if args.tessera and args.driver:
                run('Tessera, MariaDB', 'tessera', args.tessera, [server.database(n) for n in ('ta', 'tb')], args)
        finally:
            server.stop()


main()

#!/usr/bin/env python3
"""Sends over HTTP: two to four managers, one to three recipients, all durable before the answer; ours and, given its JAR, Tessera.

usage: bench.py QUORATE_TM [--tessera JAR] [--driver MARIADB_CLIENT_JAR] [--seconds N] [--clients N,N,…] [--recipients N,N,…] [--warm N]
                [--only WORD]

Each client is a connection with one send under way; two processes hold them. Prints sends a second, percentiles, CPU time a send and resident
memory of all managers together; before, what a commit costs the disk at least. MariaDB is started here when its server is installed.
"""
import argparse
import itertools
import multiprocessing
import os
import re
import select
import shutil
import socket
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../tests/tm'))
from managers import Failed, Manager, introduce, request, wait_met  # noqa: E402
from mariadb import MariaDB, driver, installed  # noqa: E402
import json  # noqa: E402

PROCESSES = 2  # of the clients
BODIES = 32    # of a client, sent in turn


class Sender:
    """One connection. Bodies are made before, and answers looked at no further than they must be: the clients share the
    processors with what is measured."""

    def __init__(self, manager, to, size):
        self.socket = socket.create_connection(('127.0.0.1', manager.q2t), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        bodies = [json.dumps(request(os.urandom(size), manager.key(), to)).encode() for _ in range(BODIES)]
        self.requests = [b'POST /send HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n'
                         b'Content-Length: %d\r\n\r\n' % len(body) + body for body in bodies]
        self.count, self.begun = 0, 0.0

    def send(self):
        self.begun = time.monotonic()
        self.socket.sendall(self.requests[self.count % BODIES])
        self.count += 1

    def take(self):
        """Reads one answer; a text when it is not what it should be."""
        answer = self.socket.recv(65536)
        while True:
            end = answer.find(b'\r\n\r\n')
            at = answer.lower().find(b'content-length:')
            if end >= 0 and 0 <= at < end and len(answer) >= end + 4 + int(answer[at + 15:answer.index(b'\r', at)]):
                break
            if end >= 0 and at < 0 and answer.endswith(b'0\r\n\r\n'):
                break  # in chunks
            more = self.socket.recv(65536)
            if not more:
                return f'the connection ended: {answer[:200]!r}'
            answer += more
        return None if answer.startswith(b'HTTP/1.1 201') else repr(answer[:300])


def client(manager, to, size, seconds, count, results, ready, go):
    """A process with `count` connections, each with one send under way."""
    times, poll = [], select.epoll()
    senders = {}
    for _ in range(count):
        sender = Sender(manager, to, size)
        senders[sender.socket.fileno()] = sender
        poll.register(sender.socket, select.EPOLLIN)
    ready.release()
    go.wait()
    end = time.monotonic() + seconds
    for sender in senders.values():
        sender.send()
    under_way = count
    while under_way:
        for fd, _ in poll.poll(90):
            sender = senders[fd]
            wrong = sender.take()
            now = time.monotonic()
            if wrong:
                results.put(wrong)
                return
            times.append(now - sender.begun)
            if now < end:
                sender.send()
            else:
                under_way -= 1
    results.put(times)


def cpu(m):
    with open(f'/proc/{m.process.pid}/stat') as f:
        fields = f.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def resident(m):
    with open(f'/proc/{m.process.pid}/status') as f:
        return next(int(line.split()[1]) // 1024 for line in f if line.startswith('VmRSS'))


def commits(m):
    """Of our database so far; 0 of another program's."""
    found = re.search(rb'store_commits_total (\d+)', m.ask('GET', '/metrics')[1]) if m.kind == 'quorate' else None
    return int(found[1]) if found else 0


def load(managers, size, seconds, clients, recipients=1):
    results, ready, go = multiprocessing.Queue(), multiprocessing.Semaphore(0), multiprocessing.Event()
    a, to = managers[0], [m.key() for m in managers[1:1 + recipients]]
    shares = [clients // PROCESSES + (i < clients % PROCESSES) for i in range(min(PROCESSES, clients))]
    processes = [multiprocessing.Process(target=client, args=(a, to, size, seconds, n, results, ready, go))
                 for n in shares]
    for p in processes:
        p.start()
    for p in processes:
        ready.acquire()
    before, committed, begun = [cpu(m) for m in managers], commits(a), time.monotonic()
    go.set()
    got = [results.get(timeout=seconds + 90) for p in processes]
    took = time.monotonic() - begun
    used = sum(cpu(m) - was for m, was in zip(managers, before))
    committed = commits(a) - committed
    for p in processes:
        p.join()
    wrong = [g for g in got if isinstance(g, str)]
    if wrong:
        raise Failed(wrong[0])
    times = sorted(t for g in got for t in g)
    return times, took, used, len(times) / committed if committed else None


def disk(seconds=2):
    """How fast this disk takes 8 KiB into a file that is there already, and how long one waits for it (median, milliseconds)."""
    with tempfile.NamedTemporaryFile() as f:
        f.write(bytes(64 * 8192))
        os.fsync(f.fileno())
        times, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            begun = time.monotonic()
            os.pwrite(f.fileno(), os.urandom(8192), len(times) % 64 * 8192)
            os.fdatasync(f.fileno())
            times.append(time.monotonic() - begun)
    return len(times) / seconds, sorted(times)[len(times) // 2] * 1000


def row(title, managers, recipients, size, clients, args):
    times, took, used, together = load(managers, size, args.seconds, clients, recipients)
    at = lambda share: times[min(len(times) - 1, int(len(times) * share))] * 1000  # noqa: E731
    print(f'| {title} | {recipients} | {size // 1024} KiB | {clients} | {len(times) / took:.0f} | {at(.5):.1f} | {at(.9):.1f} | {at(.99):.1f} | '
          f'{f"{together:.1f}" if together else ""} | '
          f'{used / len(times) * 1000:.2f} | {" + ".join(str(resident(m)) for m in managers)} |', flush=True)


def run(title, kind, program, databases, args):
    if args.only and args.only not in title:
        return
    folder, managers = tempfile.mkdtemp(prefix='quorate-tm-bench-'), []
    names = 'abcd'[:1 + max(args.recipients)]
    try:
        if kind == 'tessera' and databases[0]:  # its own creation of tables fails on this server
            for name, database in zip(names, databases):
                maker = Manager(folder, f'tables-{name}', 'quorate', os.path.abspath(args.program), database=database)
                maker.start()
                maker.stop()
        for name, database in zip(names, databases):
            managers.append(Manager(folder, name, kind, program, database=database))
            if kind == 'tessera' and args.driver:
                managers[-1].class_path = f'{program}:{args.driver}'
        introduce(managers)
        for m in managers:
            m.start(wait=False)
        for m in managers:
            m.wait_up()
        wait_met(managers, 120)
        load(managers, 1024, args.warm if kind == 'tessera' else 1, args.clients[0])
        for recipients, size, clients in itertools.product(args.recipients, (1024, 65536), args.clients):
            row(title, managers, recipients, size, clients, args)
    finally:
        for m in managers:
            m.stop()
        shutil.rmtree(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('program')
    parser.add_argument('--tessera', default=os.environ.get('QUORATE_TESSERA', ''))
    parser.add_argument('--driver', default=driver())
    parser.add_argument('--seconds', type=float, default=8)
    parser.add_argument('--warm', type=float, default=15, help='seconds of load before Tessera is measured')
    numbers = lambda text: [int(n) for n in text.split(',')]  # noqa: E731
    parser.add_argument('--clients', type=numbers, default=[8, 32, 64])
    parser.add_argument('--recipients', type=numbers, default=[1], help='1 to 3')
    parser.add_argument('--only', default='', metavar='WORD', help='rows whose name has it')
    args = parser.parse_args()
    rate, median = disk()
    print(f'{args.seconds} s a row; load average {os.getloadavg()[0]:.1f}; fdatasync of 8 KiB: {rate:.0f} a second, {median:.2f} ms')
    print('| | recipients | payload | clients | sends/s | p50 ms | p90 ms | p99 ms | sends a commit | CPU ms a send, all | resident MB |\n|---|---|---|---|---|---|---|---|---|---|---|',
          flush=True)
    ours = os.path.abspath(args.program)
    run('quorate-tm, SQLite', 'quorate', ours, [None] * 4, args)
    if args.tessera:
        run('Tessera, H2', 'tessera', args.tessera, [None] * 4, args)
    if installed():
        server = MariaDB('128M')  # the server's own default
        try:
            run('quorate-tm, MariaDB', 'quorate', ours, [server.database(f'q{n}') for n in 'abcd'], args)
            if args.tessera and args.driver:
                run('Tessera, MariaDB', 'tessera', args.tessera, [server.database(f't{n}') for n in 'abcd'], args)
        finally:
            server.stop()


main()

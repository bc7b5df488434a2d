#!/usr/bin/env python3
"""Private contracts between GoQuorum with Tessera and quorate-node with quorate-tm.

    private.py --goquorum GETH --tessera JAR --node QUORATE_NODE --manager QUORATE_TM [--transactions N] [--seed S] [--keep] [scenario ...]

Three validators: GoQuorum with Tessera, quorate-node with quorate-tm, and a quorate-node that is party to nothing. Without a
GoQuorum binary ($QUORATE_GOQUORUM) or Tessera's jar ($QUORATE_TESSERA) it says so and ends with 77.

scenarios, in this order
    parties    contracts private between the two, of all privacy flags; random transactions from either side; then the private
               state roots of every block, receipts, logs, storage, code and privacy metadata are the same
    takeover   the GoQuorum peer of it is taken over: its chain exported and imported, Tessera's H2 database migrated; the
               new node answers what the old one did
"""
import argparse
import json
import os
import random
import socket
import subprocess
import sys

from mixed import Failed, Net, Node, SKIPPED, free_ports

CALLS = {
    'Store': [('set(uint256)', 'n'), ('add(uint256)', 'n'), ('clear()', ''), ('fail(string)', 's')],
    'Token': [('transfer(address,uint256)', 'an'), ('approve(address,uint256)', 'an'), ('transferFrom(address,address,uint256)', 'aan')],
    'Factory': [('make(uint256)', 'n'), ('make2(uint256,bytes32)', 'nn')],
    'Caller': [('callSet(address,uint256)', 'cn'), ('delegateAdd(address,uint256)', 'cn'), ('tryFail(address)', 'c'),
               ('staticGet(address)', 'c'), ('staticSet(address)', 'c'), ('deep(uint256)', 'd'), ('hashes()', '')],
    'Mortal': [('end(address)', 'a')],
}


class Manager:
    """A transaction manager of either kind."""

    def __init__(self, net, index, kind, ports, name=None):
        self.net, self.index, self.kind, self.ports = net, index, kind, ports
        self.folder = os.path.join(net.folder, name or f'manager-{kind}')
        self.socket = os.path.join(self.folder, 'tm.ipc')
        self.process = None
        os.mkdir(self.folder)
        self.config = self.write('config.json', json.dumps(self.configuration()))
        self.write('tm.pub', net.network['tm_public_keys'][index])
        self.write('tm.key', json.dumps({'type': 'unlocked', 'data': {'bytes': net.network['tm_private_keys'][index]}}))

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), 'w') as f:
            f.write(text)
        return path

    def configuration(self):
        database = f'{self.folder}/db'
        url = f'jdbc:h2:{database};MODE=Oracle;AUTO_SERVER=FALSE' if self.kind == 'tessera' else f'jdbc:sqlite:{database}'
        rest = {'enabled': True, 'communicationType': 'REST'}
        return {
            'useWhiteList': False, 'alwaysSendTo': [], 'features': {'enablePrivacyEnhancements': True},
            'jdbc': {'username': 'sa' if self.kind == 'tessera' else '', 'password': '', 'url': url, 'autoCreateTables': True},
            'serverConfigs': [{'app': 'Q2T', 'serverAddress': f'unix:{self.folder}/tm.ipc', **rest},
                              {'app': 'P2P', 'serverAddress': f'http://127.0.0.1:{self.ports[self.index]}', 'sslConfig': {'tls': 'OFF'}, **rest}],
            'peer': [{'url': f'http://127.0.0.1:{p}'} for p in self.ports],
            'keys': {'passwords': [], 'keyData': [{'privateKeyPath': f'{self.folder}/tm.key', 'publicKeyPath': f'{self.folder}/tm.pub'}]}}

    def command(self):
        args = self.net.args
        return [args.java, '-jar', args.tessera, '-configfile'] if self.kind == 'tessera' else [args.manager, '--configfile']

    def start(self):
        self.process = subprocess.Popen([*self.command(), self.config], stdout=open(self.folder + '.log', 'a'), stderr=subprocess.STDOUT)
        self.net.wait(self.is_there, 300, f'the manager of {self.kind} is there')

    def is_there(self):
        if self.process.poll() is not None:
            raise Failed(f'{self.folder}: the manager has ended with {self.process.returncode}')
        with socket.socket(socket.AF_UNIX) as s:
            return s.connect_ex(self.socket) == 0

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None


class PrivateNet(Net):
    def __init__(self, args, title):
        super().__init__(args, 'private', title)
        with open(os.path.join(args.fixtures, 'recordings', 'private', 'network.json')) as f:
            self.network = json.load(f)
        with open(os.path.join(args.fixtures, 'recordings', 'contracts', 'Golden.json')) as f:
            self.code = json.load(f)
        self.random = random.Random(args.seed)
        self.managers, self.contracts, self.sent = [], [], []

    def __exit__(self, kind, error, trace):
        for node in self.nodes:
            node.stop()
        for manager in self.managers:
            manager.stop()
        return super().__exit__(kind, error, trace)

    def manager(self, *arguments, **more):
        self.managers.append(Manager(self, *arguments, **more))
        return self.managers[-1]

    def word(self, kind):
        if kind == 'a':
            return '%064x' % int(self.random.choice(self.accounts)['address'], 16)
        if kind == 'c':
            stores = [c['address'] for c in self.contracts if c['name'] == 'Store']
            return '%064x' % int(self.random.choice(stores), 16)
        if kind == 'd':
            return '%064x' % self.random.randrange(1, 5)
        return '%064x' % self.random.randrange(1000)

    def call_of(self, contract):
        signature, kinds = self.random.choice(CALLS[contract['name']])
        data = self.selector(contract['name'], signature)
        if kinds == 's':
            return data + '%064x%064x' % (32, 3) + b'bad'.hex().ljust(64, '0')
        return data + ''.join(self.word(k) for k in kinds)

    def selector(self, name, signature):
        methods = self.code[name]['methods']
        return '0x' + methods[signature].removeprefix('0x')


def transaction(net, side, **more):
    """From the account of a party, private for the other."""
    sender = net.nodes[side]
    return sender.rpc('eth_sendTransaction', {'from': net.accounts[side]['address'], 'gas': '0x47b760', 'gasPrice': '0x0',
                                              'privateFor': [net.network['tm_public_keys'][1 - side]], **more})


def wait_receipts(net, hashes, nodes=None):
    for node in nodes or net.nodes:
        net.wait(lambda: all(node.try_rpc('eth_getTransactionReceipt', h) for h in hashes), 120, f'{node.name} has {len(hashes)} receipts')


def make_contracts(net):
    wanted = [(name, flag) for flag in (0, 1, 3) for name in ('Store', 'Token', 'Factory')] + [('Caller', 0), ('Mortal', 0)]
    for i, (name, flag) in enumerate(wanted):
        argument = '%064x' % 10000 if name in ('Store', 'Token', 'Mortal') else ''
        code = '0x' + net.code[name]['bin'].removeprefix('0x') + argument
        made = transaction(net, i % 2, data=code, privacyFlag=flag)
        net.contracts.append({'name': name, 'flag': flag, 'hash': made})
        net.sent.append(made)
        wait_receipts(net, [made])
        receipt = net.nodes[0].rpc('eth_getTransactionReceipt', made)
        net.contracts[-1]['address'] = receipt['contractAddress']
        if receipt['status'] != '0x1':
            raise Failed(f'{name} with flag {flag} was not made: {receipt}')


def run_random(net, count):
    """In bursts, from both sides at once. A party may refuse one, where its simulation on the newest state fails: that is no transaction."""
    refused, done = {}, 0
    callable_contracts = [c for c in net.contracts if c['name'] in CALLS]
    while done < count:
        burst = []
        for _ in range(min(net.random.randrange(1, 13), count - done)):
            contract = net.random.choice(callable_contracts)
            side = net.random.randrange(2)
            try:
                burst.append(transaction(net, side, to=contract['address'], data=net.call_of(contract), privacyFlag=contract['flag']))
                done += 1
            except Failed as error:
                why = str(error).split("'message': ")[-1][:60]
                refused[(net.nodes[side].kind, why)] = refused.get((net.nodes[side].kind, why), 0) + 1
                if sum(refused.values()) > 5 * count:
                    raise
        wait_receipts(net, burst)
        net.sent += burst
    for (kind, why), number in sorted(refused.items()):
        print(f'   {number} refused by {kind}: {why}', flush=True)


def said(node, *request):
    """The answer, or the refusal: a contract that has ended has no storage."""
    try:
        return node.rpc(*request)
    except Failed as error:
        return str(error).split(': ', 1)[1]


def answers(net, node, last):
    """What a party says of all that is private."""
    answer = {'roots': [node.rpc('debug_privateStateRoot', hex(n)) for n in range(1, last + 1)],
              'receipts': [node.rpc('eth_getTransactionReceipt', h) for h in net.sent],
              'payloads': [node.rpc('eth_getQuorumPayload', node.rpc('eth_getTransactionByHash', h)['input']) for h in net.sent],
              'logs': node.rpc('eth_getLogs', {'fromBlock': '0x0', 'toBlock': hex(last)})}
    made = [log['address'] for log in answer['logs']]
    addresses = sorted({c['address'] for c in net.contracts} | set(made))
    answer['contracts'] = {a: [node.rpc('eth_getCode', a, hex(last)), said(node, 'eth_storageRoot', a, hex(last)),
                               [node.rpc('eth_getStorageAt', a, hex(s), hex(last)) for s in range(4)]] for a in addresses}
    answer['metadata'] = [said(node, 'eth_getContractPrivacyMetadata', c['address']) for c in net.contracts if c['flag']]
    return answer


def traces(net, node):
    """Which instructions ran, and whether it failed. Not what they cost: GoQuorum traces SSTORE to a slot that another transaction of the block wrote
    as if both were one."""
    found = [node.rpc('debug_traceTransaction', h) for h in net.sent]
    return {'traces': [[t['failed'], [[s['pc'], s['op'], s['depth']] for s in t['structLogs']]] for t in found]}


def compare(net, ours, theirs, who):
    for what in theirs:
        a, b = ours[what], theirs[what]
        same = a == b
        net.check(same, f'{who}: {len(b)} {what}' + (' are the same' if same else ''))
        if not same:
            pairs = list(zip(a, b)) if isinstance(b, list) else [((k, a.get(k)), (k, b[k])) for k in b]
            for i, (x, y) in enumerate(pairs):
                if x != y:
                    print(f'      first at {i}: here {str(x)[:500]}\n         there {str(y)[:500]}', flush=True)
                    break


def audit(net):
    """private audit, asked from either side."""
    urls = [f'http://127.0.0.1:{n.http}' for n in net.nodes[:2]]
    for way in (urls, urls[::-1]):
        done = subprocess.run([net.args.node, 'private', 'audit', *way], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        net.check(done.returncode == 0, 'audit: ' + ' '.join(done.stdout.split('\n')[-2:]).strip())


def parties(net):
    ports = free_ports(2)
    for index, kind in enumerate(('tessera', 'quorate')):
        net.manager(index, kind, ports).start()
    for index, kind in enumerate(('goquorum', 'quorate', 'quorate')):
        node = net.add(index, kind, name=f'{kind}{index}')
        node.private = net.managers[index].socket if index < 2 else 'ignore'
    for node in net.nodes:
        node.start()
    net.wait_height(2, 90)
    for side in range(2):
        key = net.accounts[side]
        net.nodes[side].rpc('personal_importRawKey', key['key'][2:], 'pw')
        net.nodes[side].rpc('personal_unlockAccount', key['address'], 'pw', 0)
    make_contracts(net)
    net.check(True, f'{len(net.contracts)} private contracts are made, from both sides')
    run_random(net, net.args.transactions)
    last = min(n.head() for n in net.nodes)
    net.wait_height(last)
    net.check(net.same_chain(last), f'one chain up to block {last}, of the third, which is party to nothing, too')
    net.theirs, net.last = answers(net, net.nodes[0], last), last
    statuses = [r['status'] for r in net.theirs['receipts']]
    roots = len(set(net.theirs['roots']))
    net.check(len(statuses) == net.args.transactions + len(net.contracts),
              f'{len(statuses)} private transactions, {statuses.count("0x0")} of them failed, {roots} different private states')
    compare(net, answers(net, net.nodes[1], last), net.theirs, 'quorate as GoQuorum')
    compare(net, traces(net, net.nodes[1]), traces(net, net.nodes[0]), 'quorate as GoQuorum')
    audit(net)
    net.check(all(net.nodes[2].rpc('eth_getCode', c['address'], 'latest') == '0x' for c in net.contracts), 'the third has no code of them')


def takeover(net):
    old, old_manager = net.nodes[0], net.managers[0]
    old.stop()
    exported, script = os.path.join(net.folder, 'chain.rlp.gz'), os.path.join(net.folder, 'export.sql')
    old.run('export', exported)  # asks its manager to be there
    old_manager.stop()
    subprocess.run([net.args.java, '-cp', net.args.tessera, 'org.h2.tools.Script', '-url', f'jdbc:h2:{old_manager.folder}/db;MODE=Oracle',
                    '-user', 'sa', '-password', '', '-script', script], check=True, stdout=subprocess.DEVNULL)
    manager = net.manager(0, 'quorate', old_manager.ports, name='manager-new')
    moved = subprocess.run([net.args.manager, 'migrate', '--from', script, '--configfile', manager.config], text=True, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT)
    net.check(moved.returncode == 0, f'quorate-tm migrate: {moved.stdout.strip().splitlines()[-1] if moved.stdout.strip() else ""}')
    manager.start()
    new = Node(net, 0, 'quorate', name='new', validator=False)
    new.private = manager.socket
    new.run('init', net.genesis)
    imported = new.run('migrate', '--from', old.folder, exported)
    print(f'   quorate-node migrate: {imported.strip().splitlines()[-1]}', flush=True)
    net.nodes.append(new)
    new.start()
    net.check(new.head() >= net.last, f'the chain is imported up to {new.head()}')
    compare(net, answers(net, new, net.last), net.theirs, 'taken over')


def arguments(doc, scenarios, more=(), manager=True):
    """Those of tests with both kinds of nodes and managers; None: something is not there, which is said. `more`: names and defaults of numbers; not `manager`: nodes may
    do."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument('--goquorum', default=os.environ.get('QUORATE_GOQUORUM'))
    parser.add_argument('--tessera', default=os.environ.get('QUORATE_TESSERA'))
    parser.add_argument('--java', default='java')
    parser.add_argument('--node', required=True)
    parser.add_argument('--manager', required=manager)
    parser.add_argument('--driver', default=os.environ.get('QUORATE_TESSERA_SQLITE', ''), help='the JDBC driver of SQLite, for Tessera')
    parser.add_argument('--fixtures', default=os.environ.get('QUORATE_FIXTURES', os.path.join(here, '..', '..', '..', 'shared', 'fixtures')))
    for name, default in (('seed', 1), ('timeout', 4), *more):
        parser.add_argument('--' + name, type=int, default=default)
    parser.add_argument('--keep', action='store_true')
    parser.add_argument('scenarios', nargs='*', default=[])
    args = parser.parse_args()
    if set(args.scenarios) - set(scenarios):
        parser.error(f'scenarios are {", ".join(scenarios)}')
    for path, what in ((args.goquorum, 'GoQuorum'), *([(args.tessera, "Tessera's jar")] if manager else []), (os.path.join(args.fixtures, 'recordings', 'private'), 'recordings')):
        if not path or not os.path.exists(path):
            print(f'no {what}: skipped')
            return None
    return args


def main():
    args = arguments(__doc__, ('parties', 'takeover'), [('transactions', 200)])
    if not args:
        return SKIPPED
    last = 'takeover' if not args.scenarios or 'takeover' in args.scenarios else 'parties'
    with PrivateNet(args, 'private contracts between GoQuorum with Tessera and Quorate') as net:
        parties(net)
        if last == 'takeover':
            takeover(net)
    return 1 if net.failures else 0


if __name__ == '__main__':
    sys.exit(main())

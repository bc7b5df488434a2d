#!/usr/bin/env python3
"""Mixed networks: GoQuorum and quorate-node, side by side on one machine.

    mixed.py --goquorum GETH --node QUORATE_NODE [--fixtures FOLDER] [--blocks N] [--keep] [scenario ...]

Each scenario starts real processes on free loopback ports, with node keys and genesis of a recorded network
(fixtures/recordings), and prints what it saw, one line a check; the exit code is 0 when all hold. Without a GoQuorum
binary (option, or $QUORATE_GOQUORUM) it says so and ends with 77, which the build takes for "skipped".

scenarios
    qbft, ibft    two validators of each kind: all propose, transactions to either are mined and have the same receipts, a
                  fifth validator of each kind is voted in and out, fresh nodes of both kinds sync from the other kind
    quiet-qbft, quiet-ibft   --blocks blocks without a round change
    restarts-qbft, restarts-ibft   each validator is killed and started again, one after the other
    order         node keys of qbft-order: one GoQuorum validator restarted, then the other killed; blocks go on
    switch        from IBFT to QBFT at a height
    fast          a fresh GoQuorum node takes blocks and the newest state, not their execution, from validators of ours
    import        a chain exported by either is imported by the other, with the same head
"""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from ports import free_ports  # noqa: E402

SKIPPED = 77
GAS_LIMIT = '3758096384'


class Failed(Exception):
    pass


class Node:
    """One process; kind is 'goquorum' or 'quorate'."""

    private = 'ignore'  # PRIVATE_CONFIG

    def __init__(self, net, index, kind, name=None, validator=True, peers=None, sync='full'):
        self.net, self.index, self.kind, self.validator, self.sync = net, index, kind, validator, sync
        self.name = name or f'{kind}{index}'
        self.folder = os.path.join(net.folder, self.name)
        self.port, self.http = free_ports(2)
        self.peers = peers
        self.process, self.more = None, []
        self.log = os.path.join(net.folder, self.name + '.log')

    @property
    def binary(self):
        return self.net.args.goquorum if self.kind == 'goquorum' else self.net.args.node

    @property
    def enode(self):
        return f'enode://{self.net.public[self.index]}@127.0.0.1:{self.port}?discport=0'

    def run(self, *arguments):
        env = dict(os.environ, PRIVATE_CONFIG=self.private)
        done = subprocess.run([self.binary, '--datadir', self.folder, *arguments], env=env, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise Failed(f'{self.name} {" ".join(arguments)} ended with {done.returncode}: {done.stdout[-2000:]}')
        return done.stdout

    def init(self):
        os.makedirs(os.path.join(self.folder, 'geth'))
        with open(os.path.join(self.folder, 'geth', 'nodekey'), 'w') as f:
            f.write(self.net.keys[self.index])
        self.run('init', self.net.genesis)

    def start(self):
        with open(os.path.join(self.folder, 'static-nodes.json'), 'w') as f:
            json.dump([n.enode for n in (self.peers or self.net.nodes) if n is not self], f)
        command = [self.binary, '--datadir', self.folder, '--networkid', '1337', '--nodiscover', '--syncmode', self.sync,
                   '--gcmode', 'archive' if self.sync == 'full' else 'full', '--port', str(self.port), '--verbosity', '4', '--allow-insecure-unlock', '--lightkdf',
                   '--http', '--http.addr', '127.0.0.1', '--http.port', str(self.http),
                   '--http.api', 'admin,eth,net,web3,istanbul,personal,debug,txpool,miner,quorumExtension']
        if self.validator:
            command += ['--mine', '--miner.threads', '1', '--miner.gaslimit', GAS_LIMIT, '--miner.gastarget', GAS_LIMIT]
        command += self.more
        env = dict(os.environ, PRIVATE_CONFIG=self.private)
        self.process = subprocess.Popen(command, env=env, stdout=open(self.log, 'a'), stderr=subprocess.STDOUT)
        self.net.wait(lambda: self.try_rpc('eth_blockNumber') is not None, 30, f'{self.name} answers RPC')

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def rpc(self, method, *params):
        body = json.dumps({'jsonrpc': '2.0', 'id': 1, 'method': method, 'params': params}).encode()
        request = urllib.request.Request(f'http://127.0.0.1:{self.http}', body, {'Content-Type': 'application/json'})
        with urllib.request.urlopen(request, timeout=60) as answer:
            reply = json.load(answer)
        if 'error' in reply:
            raise Failed(f'{self.name} {method}: {reply["error"]}')
        return reply['result']

    def try_rpc(self, method, *params):
        try:
            return self.rpc(method, *params)
        except (OSError, ValueError, Failed):
            if self.process and self.process.poll() is not None:
                raise Failed(f'{self.name} has ended with {self.process.returncode}: {tail(self.log)}')
            return None

    def head(self):
        number = self.try_rpc('eth_blockNumber')
        return int(number, 16) if number else 0

    def block(self, number):
        return self.rpc('eth_getBlockByNumber', hex(number), False)


def tail(path, lines=15):
    with open(path, errors='replace') as f:
        return ''.join(f.readlines()[-lines:])


class Net:
    """A network with keys and genesis of a recording."""

    def __init__(self, args, recording, title, transitions=None):
        self.args, self.title = args, title
        source = os.path.join(args.fixtures, 'recordings', recording)
        with open(os.path.join(source, 'network.json')) as f:
            network = json.load(f)
        with open(os.path.join(source, 'genesis.json')) as f:
            genesis = json.load(f)
        self.keys, self.addresses = network['node_keys'], network['node_addresses']
        self.public = [e.split('//')[1].split('@')[0] for e in network['enodes']]
        self.accounts = network['accounts']
        self.folder = tempfile.mkdtemp(prefix='quorate-mixed-')
        self.genesis = os.path.join(self.folder, 'genesis.json')
        genesis['config'].pop('transitions', None)
        if transitions:
            genesis['config']['transitions'] = transitions
        for engine in ('qbft', 'ibft'):
            if engine in genesis['config']:
                self.engine = engine
                genesis['config'][engine].update(requesttimeoutseconds=args.timeout)
        with open(self.genesis, 'w') as f:
            json.dump(genesis, f)
        self.nodes = []
        self.failures = 0

    def __enter__(self):
        print(f'== {self.title}', flush=True)
        return self

    def __exit__(self, kind, error, trace):
        for node in self.nodes:
            node.stop()
        if kind is None or issubclass(kind, (Failed, OSError)):
            if kind:
                self.check(False, str(error))
            if self.failures or self.args.keep:
                print(f'   logs: {self.folder}', flush=True)
            else:
                shutil.rmtree(self.folder)
            return True
        return False

    def add(self, index, kind, **more):
        node = Node(self, index, kind, **more)
        self.nodes.append(node)
        node.init()
        return node

    def check(self, holds, text):
        print(f'   {"ok" if holds else "FAILED"}: {text}', flush=True)
        self.failures += not holds
        return holds

    def wait(self, condition, seconds, text):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return
            time.sleep(0.2)
        heads = ', '.join(f'{n.name} {n.head()}' for n in self.nodes if n.process)
        raise Failed(f'not within {seconds} s: {text} (heads: {heads})')

    def wait_height(self, number, seconds=None, nodes=None):
        nodes = nodes or [n for n in self.nodes if n.process]
        seconds = seconds or 3 * max(0, number - min(n.head() for n in nodes)) + 60
        self.wait(lambda: all(n.head() >= number for n in nodes), seconds, f'block {number}')

    def same_chain(self, number, nodes=None):
        nodes = nodes or [n for n in self.nodes if n.process]
        hashes = {n.block(number)['hash'] for n in nodes}
        return len(hashes) == 1


# --- What a block says ---

def rlp_items(data):
    """The items of one encoded list, nested lists as lists."""
    def item(at):
        first = data[at]
        if first < 0x80:
            return data[at:at + 1], at + 1
        if first < 0xc0:
            size, start = (first - 0x80, at + 1) if first < 0xb8 else long_size(at, 0xb7)
            return data[start:start + size], start + size
        size, start = (first - 0xc0, at + 1) if first < 0xf8 else long_size(at, 0xf7)
        items, position = [], start
        while position < start + size:
            one, position = item(position)
            items.append(one)
        return items, start + size

    def long_size(at, base):
        width = data[at] - base
        return int.from_bytes(data[at + 1:at + 1 + width], 'big'), at + 1 + width
    return item(0)[0]


def qbft_round(block):
    extra = rlp_items(bytes.fromhex(block['extraData'][2:]))
    return int.from_bytes(extra[3], 'big')


def author(node, number):
    return node.rpc('istanbul_getSignersFromBlock', hex(number))['Author'].lower()


def slow_blocks(node, first, last, period=1):
    """Blocks that came late by their own clock: a round change takes at least the request timeout."""
    late, before = [], int(node.block(first - 1)['timestamp'], 16) if first > 1 else None
    for number in range(first, last + 1):
        now = int(node.block(number)['timestamp'], 16)
        if before and now - before > period + 1:
            late.append((number, now - before))
        before = now
    return late


# --- Scenarios ---

def start_validators(net, kinds=('goquorum', 'goquorum', 'quorate', 'quorate')):
    for index, kind in enumerate(kinds):
        net.add(index, kind)
    for node in net.nodes:
        node.start()
    net.wait_height(3, 90)


def check_proposers(net, first, count):
    a, b = net.nodes[0], net.nodes[-1]
    by_a = [author(a, n) for n in range(first, first + count)]
    by_b = [author(b, n) for n in range(first, first + count)]
    net.check(by_a == by_b, f'both kinds name the same authors of blocks {first} to {first + count - 1}')
    turns = {n.name: by_a.count(net.addresses[n.index].lower()) for n in net.nodes if n.validator}
    net.check(all(turns.values()), f'all take turns: {turns}')


def send(net, account, to, value, via):
    """A transfer signed by the account's owner at GoQuorum, sent through `via`."""
    signer = next(n for n in net.nodes if n.kind == 'goquorum' and n.process)
    nonce = net.nonces.get(account, 0)
    net.nonces[account] = nonce + 1
    transaction = {'from': account, 'to': to, 'value': hex(value), 'gas': hex(50000), 'gasPrice': '0x0', 'nonce': hex(nonce)}
    raw = signer.rpc('personal_signTransaction', transaction, 'pw')['raw']
    return via.rpc('eth_sendRawTransaction', raw)


def check_transactions(net, rounds=5):
    signer = next(n for n in net.nodes if n.kind == 'goquorum')
    owners = net.accounts[:4]
    net.nonces = {}
    for owner in owners:
        signer.rpc('personal_importRawKey', owner['key'][2:], 'pw')
    sent = []
    for turn in range(rounds):
        for i, via in enumerate(net.nodes):
            sent.append((via, send(net, owners[i % len(owners)]['address'], owners[(i + 1) % len(owners)]['address'], 1 + turn, via)))
    for node in net.nodes:
        net.wait(lambda: all(node.try_rpc('eth_getTransactionReceipt', h) for _, h in sent), 60,
                 f'{node.name} has the receipts of {len(sent)} transactions')
    same = all(len({json.dumps(n.rpc('eth_getTransactionReceipt', h), sort_keys=True) for n in net.nodes}) == 1 for _, h in sent)
    net.check(same, f'{len(sent)} transactions, sent to all of them in turn, are mined, with the same receipts everywhere')
    net.check(all(n.rpc('txpool_status')['pending'] in ('0x0', 0) for n in net.nodes), 'nothing is left in a pool')
    miners = {author(net.nodes[0], int(net.nodes[0].rpc('eth_getTransactionReceipt', h)['blockNumber'], 16)) for _, h in sent}
    print(f'   their blocks were made by {len(miners)} validators', flush=True)


def validators(node):
    return [a.lower() for a in node.rpc('istanbul_getValidators', 'latest')]


def check_vote(net, kind):
    """The fifth validator, of the given kind, is voted in and out by those of both kinds."""
    address = net.addresses[4].lower()
    voters = [n for n in net.nodes if n.validator][:4]
    fifth = net.add(4, kind, name=f'fifth-{kind}')
    fifth.start()
    for node in voters[:3]:
        node.rpc('istanbul_propose', address, True)
    net.wait(lambda: all(address in validators(n) for n in net.nodes), 90, f'a fifth validator ({kind}) is voted in')
    net.check(True, f'a fifth validator ({kind}) is voted in')
    height = net.nodes[0].head()
    net.wait_height(height + 15)
    made = [author(net.nodes[0], n) for n in range(height + 1, height + 16)].count(address)
    net.check(made >= 1, f'it makes blocks: {made} of 15')
    for node in voters[:3]:
        node.rpc('istanbul_propose', address, False)
    net.wait(lambda: all(address not in validators(n) for n in net.nodes), 90, 'it is voted out')
    net.check(True, 'it is voted out')
    for node in voters[:3]:
        node.rpc('istanbul_discard', address)
    height = net.nodes[0].head()
    net.wait_height(height + 5, nodes=voters)
    fifth.stop()
    net.nodes.remove(fifth)


def check_sync(net):
    """Fresh nodes, each with one peer of the other kind."""
    for kind in ('quorate', 'goquorum'):
        source = next(n for n in net.nodes if n.kind != kind and n.validator)
        fresh = net.add(4, kind, name=f'fresh-{kind}', validator=False, peers=[source])
        target, begun = source.head(), time.monotonic()
        fresh.start()
        net.wait(lambda: fresh.head() >= target, 120, f'{fresh.name} has block {target} of {source.name}')
        took = time.monotonic() - begun
        net.check(fresh.block(target)['hash'] == source.block(target)['hash'],
                  f'a fresh {kind} node has {target} blocks of {source.kind} after {took:.1f} s')
        net.wait(lambda: fresh.head() >= target + 5, 60, f'{fresh.name} follows')
        net.check(net.same_chain(target + 5), 'and follows the chain')
        fresh.stop()
        net.nodes.remove(fresh)


def validators_scenario(args, recording, title):
    with Net(args, recording, title) as net:
        start_validators(net)
        net.wait_height(12)
        net.check(net.same_chain(10), 'two and two validators agree on the first ten blocks')
        check_proposers(net, 3, 8)
        check_transactions(net)
        check_vote(net, 'quorate')
        check_vote(net, 'goquorum')
        check_sync(net)
        height = min(n.head() for n in net.nodes)
        net.check(net.same_chain(height), f'one chain, {height} blocks')
    return net.failures


def quiet_scenario(args, recording, title):
    with Net(args, recording, f'{title}: {args.blocks} blocks in quiet') as net:
        start_validators(net)
        first = net.nodes[0].head() + 2
        net.wait_height(first + args.blocks, 4 * args.blocks + 60)
        node = net.nodes[0]
        late = slow_blocks(node, first, first + args.blocks)
        net.check(net.same_chain(first + args.blocks), f'one chain, {first + args.blocks} blocks')
        if net.engine == 'qbft':
            rounds = [n for n in range(first, first + args.blocks) if qbft_round(node.block(n)) > 0]
            net.check(not rounds, f'no round change in {args.blocks} blocks' if not rounds else f'round changes at {rounds}')
        net.check(not late, f'every block in time' if not late else f'late: {late}')
        check_proposers(net, first, 40)
    return net.failures


def order_scenario(args):
    title = 'qbft-order: a restarted GoQuorum validator sorts the set differently, then the other is killed'
    with Net(args, 'qbft-order', title) as net:
        start_validators(net)
        net.wait_height(10)
        a, b = net.nodes[0], net.nodes[1]
        a.stop(signal.SIGKILL)
        time.sleep(3)
        a.start()
        height = max(n.head() for n in net.nodes)
        net.wait_height(height + 12, 120)
        net.check(True, f'blocks go on after {a.name} was killed and started: {height + 12}')
        b.stop(signal.SIGKILL)
        rest = [n for n in net.nodes if n.process]
        height = max(n.head() for n in rest)
        begun = time.monotonic()
        net.wait_height(height + 1, 120, rest)
        print(f'   {time.monotonic() - begun:.1f} s to the next block after {b.name} was killed', flush=True)
        net.wait_height(height + 12, 240, rest)
        net.check(net.same_chain(height + 10, rest), f'blocks go on without it: {height + 12}, one chain')
        b.start()
        net.wait_height(height + 25, 240)
        net.check(net.same_chain(height + 25), f'and with it again: {height + 25}')
    return net.failures


def restarts_scenario(args, recording, title):
    """Each validator in turn is killed and started again, GoQuorum's and ours."""
    with Net(args, recording, f'{title}: validators killed and started, one after the other') as net:
        start_validators(net)
        for node in list(net.nodes):
            node.stop(signal.SIGKILL)
            rest = [n for n in net.nodes if n.process]
            height = max(n.head() for n in rest)
            net.wait_height(height + 8, 120, rest)
            node.start()
            begun = time.monotonic()
            net.wait_height(height + 20, 120)
            net.check(net.same_chain(height + 18),
                      f'blocks go on without {node.name}, and with it again: {height + 20} after {time.monotonic() - begun:.1f} s')
    return net.failures


def switch_scenario(args):
    switch = [{'block': 20, 'algorithm': 'qbft'}]
    with Net(args, 'ibft-order', 'from IBFT to QBFT at block 20', switch) as net:
        start_validators(net)
        net.wait_height(40, 150)
        net.check(net.same_chain(38), 'two and two validators agree after the switch')
        extra = [net.nodes[0].block(n)['extraData'] for n in (19, 20)]
        net.check(isinstance(rlp_items(bytes.fromhex(extra[1][2:])), list) and not extra[0].startswith('0xf8'),
                  'block 20 is the first of QBFT')
        check_proposers(net, 20, 12)
        late = slow_blocks(net.nodes[0], 12, 38)
        net.check(not late, 'every block in time' if not late else f'late: {late}')
    return net.failures


def import_scenario(args):
    with Net(args, 'qbft', 'export and import') as net:
        start_validators(net)
        net.wait_height(20)
        for source, kind in ((net.nodes[0], 'quorate'), (net.nodes[3], 'goquorum')):
            source.stop()
            chain = os.path.join(net.folder, f'{source.kind}.rlp')
            source.run('export', chain, '0', '15')
            target = net.add(4, kind, name=f'import-{kind}', validator=False, peers=[])
            target.run('import', chain)
            again = os.path.join(net.folder, f'{kind}-again.rlp')
            target.run('export', again, '0', '15')
            with open(chain, 'rb') as one, open(again, 'rb') as other:
                net.check(one.read() == other.read(), f'exported by {source.kind}, imported and exported by {kind}: the same bytes')
            net.nodes.remove(target)
            source.start()
    return net.failures


def fill_state(net, node):
    """Forty accounts and a contract with two slots, whose address it gives, in the first blocks."""
    owner = net.accounts[0]
    node.rpc('personal_importRawKey', owner['key'][2:], 'pw')
    common = {'from': owner['address'], 'gas': hex(200000), 'gasPrice': '0x0'}
    sent = [node.rpc('personal_sendTransaction', {**common, 'to': f'0x{i:040x}', 'value': '0x1', 'nonce': hex(i - 1000)}, 'pw')
            for i in range(1000, 1040)]
    # PUSH 1, 0, SSTORE, PUSH 2, 1, SSTORE, MSTORE8 and RETURN of one byte
    sent.append(node.rpc('personal_sendTransaction', {**common, 'data': '0x60016000556002600155600160005360016000f3', 'nonce': hex(40)}, 'pw'))
    net.wait(lambda: all(node.try_rpc('eth_getTransactionReceipt', h) for h in sent), 60, f'{len(sent)} transactions are mined')
    return node.rpc('eth_getTransactionReceipt', sent[-1])['contractAddress']


def fast_scenario(args):
    """Needs more than 64 blocks: GoQuorum executes that many by itself at the end."""
    with Net(args, 'qbft', 'fast sync of a GoQuorum node from Quorate') as net:
        start_validators(net, ('quorate',) * 4)
        source = net.nodes[0]
        contract = fill_state(net, source)
        net.wait_height(90)
        fresh = net.add(4, 'goquorum', validator=False, peers=[source], sync='fast')
        fresh.start()
        target = source.head()
        net.wait(lambda: fresh.head() >= target, 120, f'{fresh.name} has block {target}')
        log = open(fresh.log).read()
        net.check('Imported new block receipts' in log and 'Imported new state entries' in log, 'it fetched receipts and a state')
        net.wait(lambda: fresh.head() >= target + 5, 60, f'{fresh.name} follows')
        net.check(net.same_chain(target + 5), f'and follows the chain: {target + 5}')
        seen = {(n.rpc('eth_getCode', contract, hex(target)), n.rpc('eth_getStorageAt', contract, '0x1', hex(target))) for n in net.nodes}
        net.check(len(seen) == 1 and next(iter(seen))[0] != '0x', f'with the same code and storage: {seen}')
    return net.failures


SCENARIOS = {
    'qbft': lambda args: validators_scenario(args, 'qbft', 'QBFT: 2 GoQuorum and 2 Quorate validators'),
    'ibft': lambda args: validators_scenario(args, 'ibft-order', 'IBFT: 2 GoQuorum and 2 Quorate validators'),
    'quiet-qbft': lambda args: quiet_scenario(args, 'qbft', 'QBFT'),
    'quiet-ibft': lambda args: quiet_scenario(args, 'ibft-order', 'IBFT'),
    'restarts-qbft': lambda args: restarts_scenario(args, 'qbft', 'QBFT'),
    'restarts-ibft': lambda args: restarts_scenario(args, 'ibft-order', 'IBFT'),
    'order': order_scenario,
    'switch': switch_scenario,
    'fast': fast_scenario,
    'import': import_scenario,
}


def main(scenarios, description, **numbers):
    """Runs those that the command line names, or all. `numbers`: further options and their defaults."""
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--goquorum', default=os.environ.get('QUORATE_GOQUORUM', ''))
    parser.add_argument('--node', default=os.path.join(here, '../../build/bin/quorate-node'))
    parser.add_argument('--fixtures', default=os.environ.get('QUORATE_FIXTURES') or os.path.join(here, '../../../shared/fixtures'))
    for name, default in numbers.items():
        parser.add_argument(f'--{name}', type=int, default=default)
    parser.add_argument('--timeout', type=int, default=2, help='request timeout of the validators, seconds')
    parser.add_argument('--keep', action='store_true', help='leave data and logs')
    parser.add_argument('scenarios', nargs='*', metavar='scenario', help=', '.join(scenarios))
    args = parser.parse_args()
    for what, path in (('GoQuorum binary (--goquorum)', args.goquorum), ('recordings (--fixtures)', os.path.join(args.fixtures, 'recordings'))):
        if not path or not os.path.exists(path):
            print(f'skipped: no {what}')
            return SKIPPED
    failures = 0
    for name in args.scenarios or list(scenarios):
        if name not in scenarios:
            parser.error(f'no scenario "{name}"; there are {", ".join(scenarios)}')
        failures += scenarios[name](args)
    print('all hold' if failures == 0 else f'{failures} failed')
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main(SCENARIOS, __doc__, blocks=100))

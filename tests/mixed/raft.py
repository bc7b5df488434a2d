#!/usr/bin/env python3
"""Raft clusters of quorate-node alone, and mixed with GoQuorum: real processes on free loopback ports.

    raft.py --node QUORATE_NODE [--goquorum GETH] [--fixtures FOLDER] [--kills N] [--keep] [scenario ...]

Node keys and accounts are those of the recorded cluster (fixtures/recordings/raft, and wire-raft for the fourth). Prints one
line a check; exit code 0 when all hold, 77 when a scenario needs a GoQuorum binary (option, or $QUORATE_GOQUORUM) that is not
there.

scenarios
    own       three of ours: blocks, the leader killed (-9) and back, a member added, made a voter, removed; restart of all
    mixed     two of each kind: blocks sent to each, the leader killed --kills times, whoever leads
    members   members and learners of each kind are added and removed from the other kind's side
    snapshot  a member of each kind that was away for more entries than the log keeps comes back
    answers   raft_… with wrong arguments, asked of each kind: the same results and errors
    recorded  the recorded chain is imported by two of ours and, given its binary, a GoQuorum: they go on from it

Scenarios of GoQuorum's acceptance tests, by their specifications' names, with members of ours:
    raft_block_synchronization_with_peer                 a member joins, full or archive, with and without permissioned-nodes.json
    raft_block_synchronization_with_learner_add_promote  a learner joins and is promoted
    raft_block_synchronization_with_learner_quorum       a learner does not count for the majority; promoted, it does
    raft_dns_enable_hostname                             members that take host names beside one that does not
"""
import argparse
import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time

from mixed import Failed, Net, Node, SKIPPED, free_ports

PATIENCE = 60  # seconds; a guard against waiting for ever, where nothing is said of time


class Member(Node):
    def __init__(self, net, index, kind, name=None):
        super().__init__(net, index, kind, name=name or f'{kind}{index}')
        self.raft_port = free_ports(1)[0]
        self.raft_id = 0
        self.gcmode, self.more = 'archive', []

    @property
    def enode(self):
        return f'{super().enode}&raftport={self.raft_port}'

    def start(self, wait=True):
        static = os.path.join(self.folder, 'static-nodes.json')
        if not self.raft_id and not os.path.exists(static):
            with open(static, 'w') as f:
                json.dump([n.enode for n in self.net.nodes], f)
        command = [self.binary, '--datadir', self.folder, '--networkid', '1337', '--nodiscover', '--syncmode', 'full',
                   '--gcmode', self.gcmode, '--port', str(self.port), '--verbosity', '3', '--allow-insecure-unlock',
                   '--lightkdf', '--raft', '--raftport', str(self.raft_port), '--raftblocktime', '50',
                   '--http', '--http.addr', '127.0.0.1', '--http.port', str(self.http),
                   '--http.api', 'admin,eth,net,web3,raft,personal,debug,txpool']
        command += self.more
        if self.raft_id:
            command += ['--raftjoinexisting', str(self.raft_id)]
        env = dict(os.environ, PRIVATE_CONFIG='ignore')
        self.process = subprocess.Popen(command, env=env, stdout=open(self.log, 'a'), stderr=subprocess.STDOUT)
        if wait:
            self.net.wait(lambda: self.try_rpc('eth_blockNumber') is not None, PATIENCE, f'{self.name} answers RPC')

    def answer(self, method, *params):
        """Result or error, without what differs by kind."""
        try:
            return self.rpc(method, *params)
        except Failed as error:
            return str(error).replace(f'{self.name} ', '')

    def role(self):
        return self.try_rpc('raft_role') or ''


class Cluster(Net):
    def __init__(self, args, title):
        super().__init__(args, 'raft', title)
        with open(os.path.join(args.fixtures, 'recordings', 'wire-raft', 'network.json')) as f:
            more = json.load(f)
        self.keys = self.keys + more['node_keys']
        self.public = self.public + [e.split('//')[1].split('@')[0] for e in more['enodes']]
        self.nonce = None

    def add(self, index, kind, raft_id=0):
        member = Member(self, index, kind)
        member.raft_id = raft_id
        self.nodes.append(member)
        member.init()
        return member

    def begin(self, kinds, chain=None, gcmode='archive', more=(), prepare=None):
        """`chain`: a file of blocks that each imports before it starts; `more`: arguments; `prepare`: what is called with the
        cluster before the start."""
        for i, kind in enumerate(kinds):
            member = self.add(i, kind)
            member.gcmode, member.more = gcmode, list(more)
            if chain:
                member.run('import', chain)
        if prepare:
            prepare(self)
        for node in self.nodes:
            node.start(wait=False)
        for node in self.nodes:
            self.wait(lambda: node.try_rpc('eth_blockNumber') is not None, PATIENCE, f'{node.name} answers RPC')
        self.leader()
        for node in self.nodes:
            node.rpc('personal_importRawKey', self.accounts[0]['key'][2:], 'pw')

    def alive(self):
        return [n for n in self.nodes if n.process]

    def find_leader(self):
        leaders = [n for n in self.alive() if n.role() == 'minter']
        return leaders[0] if len(leaders) == 1 else None

    def leader(self, seconds=PATIENCE):
        self.wait(lambda: self.find_leader() is not None, seconds, 'a leader')
        return self.find_leader() or self.leader(seconds)

    def raw(self, signer=None):
        """The next transfer of the first account, signed."""
        signer = signer or next((n for n in self.alive() if n.raft_id == 0), self.alive()[0])  # who has the key
        owner = self.accounts[0]['address']
        if self.nonce is None:
            self.nonce = int(signer.rpc('eth_getTransactionCount', owner, 'latest'), 16)
        tx = {'from': owner, 'to': self.accounts[1]['address'], 'value': '0x1', 'gas': '0xc350', 'gasPrice': '0x0',
              'nonce': hex(self.nonce)}
        self.nonce += 1
        try:
            return signer.rpc('eth_signTransaction', tx)['raw']
        except Failed:  # not unlocked since its start
            signer.rpc('personal_unlockAccount', owner, 'pw', 0)
            return signer.rpc('eth_signTransaction', tx)['raw']

    def mine(self, via=None, count=1, seconds=PATIENCE):
        """Sends transfers one after the other, each through `via` (or a random member; who was removed hears of no block) until it is mined there."""
        for _ in range(count):
            raw = self.raw()
            sender = via or random.choice([n for n in self.alive() if n.role()])
            h = sender.rpc('eth_sendRawTransaction', raw)
            began, asked = time.monotonic(), time.monotonic()
            while not sender.try_rpc('eth_getTransactionReceipt', h):
                if time.monotonic() - began > seconds:
                    raise Failed(f'a transfer sent to {sender.name} is not mined within {seconds} s')
                if time.monotonic() - asked > 2:  # a pool that lost it with its process, or a link that was not there yet
                    asked = time.monotonic()
                    for n in self.alive():
                        try:
                            n.rpc('eth_sendRawTransaction', raw)
                        except (Failed, OSError):
                            pass
                time.sleep(0.03)

    def same(self, text, nodes=None, seconds=PATIENCE):
        nodes = nodes or self.alive()
        self.wait(lambda: len({n.head() for n in nodes}) == 1, seconds, f'one height ({text})')
        heads = [n.block(n.head()) for n in nodes]
        self.check(len({(h['hash'], h['stateRoot']) for h in heads}) == 1,
                   f'{text}: all {len(nodes)} have the same head {int(heads[0]["number"], 16)} and state')

    def kill_leader(self):
        leader = self.leader()
        leader.stop(signal.SIGKILL)
        began = time.monotonic()
        self.wait(lambda: self.find_leader() is not None, PATIENCE, 'a new leader')
        took = time.monotonic() - began
        self.mine()
        leader.start()
        return leader, took

    def join(self, index, kind, via, learner=False):
        member = self.add(index, kind)
        member.raft_id = via.rpc('raft_addLearner' if learner else 'raft_addPeer', member.enode)
        member.start()
        self.wait(lambda: member.role() == ('learner' if learner else 'verifier'), PATIENCE,
                  f'{member.name} is {"learner" if learner else "verifier"}')
        return member

    def remove(self, member, via):
        via.rpc('raft_removePeer', member.raft_id or self.nodes.index(member) + 1)
        self.wait(lambda: all(self.is_without(n, member) for n in self.alive() if n is not member), PATIENCE,
                  f'{member.name} is removed everywhere')

    @staticmethod
    def is_without(node, member):
        """One that has no leader for a moment cannot say it."""
        cluster = node.try_rpc('raft_cluster')
        return cluster is not None and member.public_id not in [c['nodeId'] for c in cluster]


Member.public_id = property(lambda self: self.net.public[self.index])


def scenario_own(args):
    with Cluster(args, 'three members of ours') as net:
        net.begin(['quorate'] * 3)
        net.mine(count=10)
        net.same('ten transfers')
        leader, took = net.kill_leader()
        net.check(took < 5, f'after kill -9 of the leader there is another within {took:.1f} s, and blocks')
        net.same('the killed one is back')
        via = net.leader()
        member = net.join(3, 'quorate', via, learner=True)
        net.mine()
        net.same('a learner')
        net.check(via.rpc('raft_promoteToPeer', member.raft_id) is True, 'the learner is promoted')
        net.wait(lambda: member.role() == 'verifier', PATIENCE, 'it is verifier')
        net.mine()
        net.remove(member, net.leader())
        net.wait(lambda: member.role() == '', PATIENCE, 'the removed one has no role')
        net.check(member.process.poll() is None, 'the removed one runs on, with its chain')
        net.mine()
        net.same('after the removal', [n for n in net.nodes if n is not member])
        member.stop()
        net.nodes.remove(member)
        for node in net.nodes:
            node.stop(signal.SIGKILL)
        for node in net.nodes:
            node.start()
        net.leader()
        net.mine(count=3)
        net.same('after kill -9 of all')
        return net.failures


def scenario_mixed(args):
    with Cluster(args, 'two members of each kind') as net:
        net.begin(['quorate', 'goquorum', 'quorate', 'goquorum'])
        for node in net.nodes:
            net.mine(via=node, count=3)
        net.same('transfers to each')
        kinds, times = {}, []
        for _ in range(args.kills):
            leader, took = net.kill_leader()
            kinds[leader.kind] = kinds.get(leader.kind, 0) + 1
            times.append(took)
            net.wait(lambda: leader.head() >= max(n.head() for n in net.alive()), 30, f'{leader.name} has caught up')
        net.check(True, f'the leader was killed {args.kills} times ({kinds}); a new one within {max(times):.1f} s, mean '
                        f'{sum(times) / len(times):.1f} s')
        net.mine(count=2)
        net.same('after the kills')
        return net.failures


def scenario_members(args):
    with Cluster(args, 'members added and removed from both sides') as net:
        net.begin(['quorate', 'goquorum', 'quorate'])
        net.mine(count=3)
        for side in ('quorate', 'goquorum'):
            via = next(n for n in net.nodes if n.kind == side)
            for kind in ('quorate', 'goquorum'):
                for learner in (False, True):
                    member = net.join(3, kind, via, learner)
                    net.mine(via=via)
                    net.same(f'{kind} {"learner" if learner else "member"} added by {side}')
                    if learner:
                        via.rpc('raft_promoteToPeer', member.raft_id)
                        net.wait(lambda: member.role() == 'verifier', PATIENCE, 'it is promoted')
                    net.remove(member, via)
                    net.mine(via=via)
                    member.stop()
                    net.nodes.remove(member)
                    os.rename(member.folder, f'{member.folder}-{side}-{learner}')
        net.same('after all')
        return net.failures


def scenario_snapshot(args):
    with Cluster(args, 'members that were away come back by log and by snapshot') as net:
        net.begin(['quorate', 'goquorum', 'quorate', 'goquorum'])
        net.mine(count=3)
        for count, how in ((20, 'log'), (300, 'snapshot')):
            for kind in ('quorate', 'goquorum'):
                away = next(n for n in net.nodes if n.kind == kind and n.role() != 'minter')
                away.stop(signal.SIGKILL)
                via = net.leader()
                net.mine(via=via, count=count)
                away.start()
                net.same(f'{kind} is back by {how}, led by {net.leader().kind}')
        return net.failures


def scenario_answers(args):
    with Cluster(args, 'what raft_... answers to wrong arguments') as net:
        net.begin(['quorate', 'goquorum', 'quorate'])
        net.mine()
        known, key = net.nodes[2], '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798' \
                                   '483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8'
        enodes = [known.enode, f'enode://{key}@127.0.0.1:1?discport=0', f'enode://{key}@host.invalid:1?discport=0&raftport=2',
                  f'enode://{key}@[::1]:1?discport=0&raftport=2', f'enode://{key}@127.0.0.1:{known.port}?raftport=2',
                  f'enode://{key}@127.0.0.1:1?raftport={known.raft_port}', f'enode://{key[:-1]}@127.0.0.1:1?raftport=2',
                  f'enode://{key}@127.0.0.1:99999?raftport=2', f'enode://{key}@127.0.0.1:1?raftport=x', f'enode://{key}@127.0.0.1',
                  'enode://', 'http://x', '', f'{key}']
        questions = [(m, [e]) for m in ('raft_addPeer', 'raft_addLearner', 'raft_getRaftId') for e in enodes]
        questions += [(m, [a]) for m in ('raft_addPeer', 'raft_getRaftId') for a in (1, None, [], {})]
        questions += [(m, p) for m in ('raft_promoteToPeer', 'raft_removePeer')
                      for p in ([], ['1'], [-1], [70000], [1.5], [None])]
        questions += [('raft_promoteToPeer', [9]), ('raft_promoteToPeer', [1]), ('raft_addPeer', []), ('raft_nothing', [])]
        different = []
        for method, params in questions:
            answers = [node.answer(method, *params) for node in net.nodes[:2]]
            if answers[0] != answers[1]:
                different.append(f'{method} {params}: here {answers[0]}, GoQuorum {answers[1]}')
        for line in different:
            print('  ', line)
        net.check(not different, f'{len(questions)} questions to each, {len(different)} answered differently')
        heads = [sorted(map(str, node.rpc('raft_cluster'))) for node in net.nodes[:2]]
        net.check(heads[0] == heads[1] and net.nodes[0].rpc('raft_leader') == net.nodes[1].rpc('raft_leader'), 'the same cluster and leader')
        return net.failures


def scenario_recorded(args):
    kinds = ['quorate', 'quorate', 'goquorum' if args.goquorum else 'quorate']
    with Cluster(args, f'from the recorded chain on: {", ".join(kinds)}') as net:
        chain = os.path.join(net.folder, 'chain.rlp')
        with gzip.open(os.path.join(args.fixtures, 'recordings', 'raft', 'chain.rlp.gz')) as packed, open(chain, 'wb') as f:
            f.write(packed.read())
        net.begin(kinds, chain)
        height = max(n.head() for n in net.nodes)
        net.check(height > 10, f'it begins at block {height}')
        net.same('the recorded head')
        net.mine(count=5)
        net.same('five transfers')
        leader, took = net.kill_leader()
        net.mine(count=2)
        net.same(f'after kill -9 of the leader ({leader.kind})')
        for node in net.nodes:
            node.stop(signal.SIGKILL)
        for node in net.nodes:
            node.start()
        net.leader()
        net.mine(count=2)
        net.same('after kill -9 of all')
        return net.failures


# --- Of the acceptance tests ---

def restarted(net, text):
    """All are stopped and started; nothing is lost, and blocks come."""
    before = max(n.head() for n in net.nodes)
    for node in net.nodes:
        node.stop()
    for node in net.nodes:
        node.start()
    net.leader()
    net.wait(lambda: all((n.try_rpc('eth_blockNumber') or '0x0') != '0x0' and n.head() >= before for n in net.nodes), PATIENCE,
             'the heights that were there before the stop')
    net.mine(count=2)
    net.same(text)


def permit(net):
    """Writes permissioned-nodes.json of all members into each one's folder."""
    for node in net.nodes:
        with open(os.path.join(node.folder, 'permissioned-nodes.json'), 'w') as f:
            json.dump([n.enode for n in net.nodes], f)


def synchronization_with_peer(args, gcmode, permissioned):
    text = f'{gcmode}, {"permissioned" if permissioned else "not permissioned"}'
    with Cluster(args, f'a member joins: {text}') as net:
        more = ['--permissioned'] if permissioned else []
        net.begin(['quorate'] * 3, gcmode=gcmode, more=more, prepare=permit)
        net.mine(count=5)
        fourth = net.add(3, 'quorate')
        fourth.gcmode, fourth.more = gcmode, more
        permit(net)
        fourth.raft_id = net.nodes[0].rpc('raft_addPeer', fourth.enode)
        fourth.start()
        net.mine(count=3)
        net.same('the fourth has the blocks')
        restarted(net, 'after a stop and start of all')
        return net.failures


def scenario_raft_block_synchronization_with_peer(args):
    return sum(synchronization_with_peer(args, gcmode, permissioned)
               for permissioned in (True, False) for gcmode in ('full', 'archive'))


def promoted(net, via, member):
    net.check(via.rpc('raft_promoteToPeer', member.raft_id) is True, 'the learner is promoted')
    net.wait(lambda: member.role() == 'verifier', PATIENCE, 'it is verifier')


def scenario_raft_block_synchronization_with_learner_add_promote(args):
    with Cluster(args, 'a learner joins and is promoted') as net:
        net.begin(['quorate'] * 3)
        net.mine(count=5)
        member = net.join(3, 'quorate', net.nodes[0], learner=True)
        net.mine(count=3)
        net.same('the learner has the blocks')
        promoted(net, net.nodes[0], member)
        net.mine(count=3)
        net.same('the promoted one has the blocks')
        restarted(net, 'after a stop and start of all')
        return net.failures


def scenario_raft_block_synchronization_with_learner_quorum(args):
    with Cluster(args, 'a learner does not count') as net:
        net.begin(['quorate'] * 3)
        net.mine(count=3)
        learner, third = net.join(3, 'quorate', net.nodes[0], learner=True), net.nodes[2]
        net.mine()
        net.same('the learner has the blocks')
        for gone in (learner, third):
            gone.stop()
            net.leader()
            net.mine(via=net.nodes[0], count=2)
            net.same(f'without {gone.name}')
        for back in (learner, third):
            back.start()
        net.leader()
        net.mine(count=2)
        net.same('both are back')
        promoted(net, net.nodes[0], learner)
        learner.stop()
        net.leader()
        net.mine(via=net.nodes[0], count=2)
        net.same('without the promoted one')
        third.stop()
        height = max(n.head() for n in net.alive())
        stuck = net.nodes[0].rpc('eth_sendRawTransaction', net.raw())
        time.sleep(2)  # in which nothing may happen
        net.check(net.nodes[0].rpc('eth_getTransactionReceipt', stuck) is None and max(n.head() for n in net.alive()) == height,
                  'two of four make no block')
        for back in (third, learner):
            back.start()
        net.wait(lambda: net.nodes[0].try_rpc('eth_getTransactionReceipt', stuck) is not None, PATIENCE, 'the block, with a majority')
        net.same('all are back')
        return net.failures


def scenario_raft_dns_enable_hostname(args):
    name = 'arbitraryhostname'
    enode = f'enode://{"79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"}' \
            f'{"483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"}@{name}:6666?discport=0&raftport=50401'
    with Cluster(args, 'host names') as net:
        net.begin(['quorate'] * 3, more=['--raftdnsenable'])
        net.mine(count=2)
        fourth = net.join(3, 'quorate', net.nodes[0])
        net.mine()
        try:
            fourth.rpc('raft_addPeer', enode)
            net.check(False, 'a member without --raftdnsenable adds a host name')
        except Failed as error:
            net.check('raft must enable dns to use hostname' in str(error), 'a member without --raftdnsenable refuses a host name')
        net.check(net.nodes[0].rpc('raft_addPeer', enode) == 5, 'one with it takes it')
        restarted(net, 'after a stop and start of all')
        for node in (net.nodes[0], fourth):
            names = {c['raftId']: c['hostname'] for c in node.rpc('raft_cluster')}
            net.check(names.get(5) == name, f'{node.name} knows the fifth by its host name')
        return net.failures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--node', required=True)
    parser.add_argument('--goquorum', default=os.environ.get('QUORATE_GOQUORUM'))
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument('--fixtures', default=os.environ.get('QUORATE_FIXTURES') or os.path.join(here, '../../../shared/fixtures'))
    parser.add_argument('--kills', type=int, default=5)
    parser.add_argument('--timeout', type=int, default=2, help=argparse.SUPPRESS)
    parser.add_argument('--keep', action='store_true')
    parser.add_argument('scenario', nargs='*', default=['own', 'recorded', 'mixed', 'members', 'snapshot'])
    args = parser.parse_args()
    if not os.path.isdir(os.path.join(args.fixtures, 'recordings', 'raft')):
        print(f'skipped: no recordings in {args.fixtures}')
        return SKIPPED
    if any(s in ('mixed', 'members', 'snapshot', 'answers') for s in args.scenario) and not args.goquorum:
        print('skipped: no GoQuorum binary (--goquorum or $QUORATE_GOQUORUM)')
        return SKIPPED
    random.seed(1)
    failures = 0
    for name in args.scenario:
        result = globals()[f'scenario_{name}'](args)
        failures += 1 if result is None else result
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())

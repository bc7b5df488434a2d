#!/usr/bin/env python3
"""Live GoQuorum networks whose members are taken over one by one, each in its own data directory, while the others make blocks.

    takeover.py --goquorum GETH --node QUORATE_NODE [--manager QUORATE_TM --tessera JAR [--driver JAR]] [--keep] [scenario ...]

The steps are those of docs/guide/taking-over.md: stop, export, init, migrate, start with the same options. What a member answered as GoQuorum it
must answer afterwards, and at the end no GoQuorum is left. Without a GoQuorum binary ($QUORATE_GOQUORUM) or, for `private`, Tessera's jar
($QUORATE_TESSERA), it says so and ends with 77.

scenarios
    raft      four members of a Raft cluster, transfers all the time; each leaves and joins again under a new id
    private   three QBFT validators with Tessera; contracts of all flags, each private to two or to all three. The first peer's manager goes
              first, the second's node, the third's together. Tessera's databases are H2, the third's SQLite when --driver names the JDBC driver
    accidents a QBFT member whose takeover goes wrong: a directory in use, an export cut off, a full disk, kill -9 at each stage, passwords that
              are wrong; each is refused by name, the same commands go on, and the old program can still be started
"""
import os
import random
import re
import signal
import subprocess
import sys
import threading

import private
from mixed import Failed, Net, SKIPPED, fill_state, free_ports, start_validators
from private import Manager, PrivateNet, answers, compare, said, traces
from raft import Cluster

KILLS = 6  # of each stage


def take_over(net, node):
    """The guide's commands for a node; what migrate reports, line by line."""
    chain = os.path.join(net.folder, f'{node.name}.rlp.gz')
    node.stop()
    node.run('export', chain)
    node.kind = 'quorate'
    node.run('init', net.genesis)
    report = node.run('--gcmode', 'archive', 'migrate', '--from', node.folder, chain)  # as they run
    return report.strip().splitlines()


def blocks(node, last):
    return [[b['hash'], b['stateRoot'], b['receiptsRoot']] for b in (node.block(n) for n in range(last + 1))]


# --- Raft ---

def scenario_raft(args):
    with Cluster(args, 'a Raft cluster of four GoQuorum members, taken over one by one') as net:
        net.begin(['goquorum'] * 4)
        net.mine(count=40)
        net.same('GoQuorum alone')
        for node in list(net.nodes):
            others = [n for n in net.nodes if n is not node]
            number = node.raft_id or net.nodes.index(node) + 1
            was, before = 'minter' if node.role() == 'minter' else 'member', node.head()
            kept = blocks(node, before)
            away = []
            report = take_over_while(net, node, lambda: away.append(net.mine(via=others[0])))
            via = others[-1]
            net.leader(30)
            via.rpc('raft_removePeer', number)
            net.wait(lambda: all(net.public[node.index] not in [c['nodeId'] for c in n.rpc('raft_cluster')] for n in others), 30,
                     f'{node.name} is removed')
            node.raft_id = via.rpc('raft_addPeer', node.enode)
            node.start()
            net.wait(lambda: node.role() in ('verifier', 'minter'), 60, f'{node.name} is a member again')
            net.mine(via=node, seconds=60)
            net.mine(via=via, seconds=60)
            net.same(f'{node.name} ({was}) is {node.kind} with id {node.raft_id}; {len(away)} transfers went on meanwhile', seconds=60)
            net.check(blocks(node, before) == kept, f'its {before + 1} blocks, state roots and receipts are those it had')
            net.check(len(away) > 0, 'migrate: ' + ' '.join(' '.join(report[-4:]).split()))
        net.check(all(n.kind == 'quorate' for n in net.nodes), 'no GoQuorum is left')
        for _ in range(2):
            leader, took = net.kill_leader()
            net.wait(lambda: leader.head() >= max(n.head() for n in net.alive()), 60, f'{leader.name} has caught up')
        net.mine(count=3)
        net.same('after kill -9 of two leaders', seconds=60)
        for node in net.nodes:
            node.stop(signal.SIGKILL)
        for node in net.nodes:
            node.start()
        net.leader(30)
        net.mine(count=2)
        net.same('after kill -9 of all', seconds=60)
        return net.failures


def take_over_while(net, node, work):
    """Takes it over in the background; `work` again and again meanwhile, at least once."""
    result = []

    def run():
        try:
            result.append(take_over(net, node))
        except Failed as error:
            result.append(error)
    thread = threading.Thread(target=run)
    node.stop()
    thread.start()
    while True:
        work()
        if not thread.is_alive():
            break
    thread.join()
    if isinstance(result[0], Failed):
        raise result[0]
    return result[0]


# --- Private contracts ---

GROUPS = ((0, 1, 2), (0, 1), (1, 2), (2, 0))


class OldManager(Manager):
    """Tessera on H2, or on SQLite given a driver; then quorate-tm on the same folder."""

    def configuration(self):
        config = super().configuration()
        if self.sqlite:
            config['jdbc'].update(username='', url=f'jdbc:sqlite:{self.folder}/db')
        elif self.kind == 'tessera':
            config['jdbc'].update(url=f'jdbc:h2:{self.folder}/db;MODE=Oracle;AUTO_SERVER=FALSE')
        return config

    def __init__(self, net, index, ports, sqlite):
        self.sqlite = sqlite
        super().__init__(net, index, 'tessera', ports, name=f'manager{index}')

    def command(self):
        args = self.net.args
        if self.kind == 'tessera' and self.sqlite:
            return [args.java, '-cp', f'{args.tessera}:{args.driver}', 'com.quorum.tessera.launcher.Main', '-configfile']
        return super().command()

    def take_over(self):
        """With the configuration unchanged: SQLite is served in place, H2 is exported and brought over first."""
        args, said = self.net.args, 'served in place'
        self.stop()
        if not self.sqlite:
            script = os.path.join(self.folder, 'export.sql')
            subprocess.run([args.java, '-cp', args.tessera, 'org.h2.tools.Script', '-url', f'jdbc:h2:{self.folder}/db;MODE=Oracle',
                            '-user', 'sa', '-password', '', '-script', script], check=True, stdout=subprocess.DEVNULL)
            moved = subprocess.run([args.manager, 'migrate', '--from', script, '--configfile', self.config], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if moved.returncode != 0:
                raise Failed(f'quorate-tm migrate ended with {moved.returncode}: {moved.stdout}')
            said = moved.stdout.strip().splitlines()[-1]
            os.rename(f'{self.folder}/db.mv.db', f'{self.folder}/old.mv.db')
        self.kind = 'quorate'
        self.start()
        return said


def send(net, side, group, **more):
    """From the account of a member of the group to its others; its hash, once it is in a block of all."""
    names = [net.network['tm_public_keys'][i] for i in group if i != side]
    sent = net.nodes[side].rpc('eth_sendTransaction', {'from': net.accounts[side]['address'], 'gas': '0x47b760', 'gasPrice': '0x0',
                                                       'privateFor': names, **more})
    net.sent.append(sent)
    private.wait_receipts(net, [sent])
    return net.nodes[side].rpc('eth_getTransactionReceipt', sent)


def make_contracts(net, text):
    """Of each flag, for each group, one made by each of its members in turn."""
    made = len(net.contracts)
    for at, group in enumerate(GROUPS):
        for flag in (0, 1, 3):
            side = group[(at + flag) % len(group)]
            receipt = send(net, side, group, data='0x' + net.code['Store']['bin'].removeprefix('0x') + '%064x' % (100 * at + flag),
                           privacyFlag=flag)
            net.contracts.append({'name': 'Store', 'flag': flag, 'group': group, 'address': receipt['contractAddress']})
    net.check(all(c['address'] for c in net.contracts[made:]), f'{text}: {len(net.contracts) - made} private contracts')


def use_contracts(net, text):
    """Each is called by each member of its group, and all of them see the same; the others see nothing. By flag 1 a stranger is refused."""
    wrong = []
    for number, contract in enumerate(net.contracts):
        for side in contract['group']:
            value = 1000 * len(net.sent) + number
            receipt = send(net, side, contract['group'], to=contract['address'], data=net.selector('Store', 'set(uint256)') + '%064x' % value,
                           privacyFlag=contract['flag'])
            read = {'to': contract['address'], 'data': net.selector('Store', 'get()')}
            seen = [node.rpc('eth_call', read, receipt['blockNumber']) for node in net.nodes]
            expected = ['0x%064x' % value if i in contract['group'] else '0x' for i in range(3)]
            statuses = [net.nodes[i].rpc('eth_getTransactionReceipt', net.sent[-1])['status'] for i in contract['group']]
            if seen != expected or set(statuses) != {'0x1'}:
                wrong.append((contract, side, seen, statuses))
    net.check(not wrong, f'{text}: each of {len(net.contracts)} contracts is called by each of its parties' + (f', wrong: {wrong[:2]}' if wrong else ''))
    refused = tried = 0
    for contract in (c for c in net.contracts if c['flag'] == 3 and len(c['group']) == 2):
        stranger = next(i for i in range(3) if i not in contract['group'])
        side, tried = contract['group'][0], tried + 1
        try:  # state validation: the list of parties may not change
            net.nodes[side].rpc('eth_sendTransaction', {
                'from': net.accounts[side]['address'], 'gas': '0x47b760', 'gasPrice': '0x0', 'to': contract['address'], 'privacyFlag': 3,
                'data': net.selector('Store', 'set(uint256)') + '%064x' % 1, 'privateFor': [net.network['tm_public_keys'][stranger]]})
        except Failed:
            refused += 1
    net.check(refused == tried, f'{text}: another list of parties is refused by {refused} of {tried} contracts of flag 3')


def scenario_private(args):
    with PrivateNet(args, 'three GoQuorum validators with Tessera, taken over one by one') as net:
        ports = free_ports(3)
        for index in range(3):
            net.managers.append(OldManager(net, index, ports, sqlite=index == 2 and bool(args.driver)))
        for manager in net.managers:
            manager.start()
        for index in range(3):
            net.add(index, 'goquorum', name=f'peer{index}').private = net.managers[index].socket
        for node in net.nodes:
            node.start()
        net.wait_height(2, 90)
        for side, node in enumerate(net.nodes):
            node.rpc('personal_importRawKey', net.accounts[side]['key'][2:], 'pw')
            node.rpc('personal_unlockAccount', net.accounts[side]['address'], 'pw', 0)
        make_contracts(net, 'GoQuorum and Tessera alone')
        use_contracts(net, 'GoQuorum and Tessera alone')
        steps = {0: (('manager', 0), ('node', 0)), 1: (('node', 1), ('manager', 1)), 2: (('both', 2),)}
        for index, parts in steps.items():
            for what, i in parts:
                replace(net, what, i)
            make_contracts(net, f'peer {index} is ours')
            use_contracts(net, f'peer {index} is ours')
        net.check(all(n.kind == 'quorate' for n in net.nodes) and all(m.kind == 'quorate' for m in net.managers), 'nothing old is left')
        last = min(n.head() for n in net.nodes)
        net.check(net.same_chain(last), f'one chain up to block {last}')
        for way in (net.nodes[:2], net.nodes[1:]):
            done = subprocess.run([args.node, 'private', 'audit', *[f'http://127.0.0.1:{n.http}' for n in way]], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            net.check(done.returncode == 0, 'audit: ' + ' '.join(done.stdout.split('\n')[-2:]).strip())
    return net.failures


def replace(net, what, i):
    node, manager = net.nodes[i], net.managers[i]
    last = node.head()
    private.wait_receipts(net, net.sent, [node])
    before = (answers(net, node, last), traces(net, node))
    report = []
    if what == 'manager':
        report.append(manager.take_over())
    else:
        report += take_over(net, node)
    if what == 'both':
        report.append(manager.take_over())
    if what != 'manager':
        node.start()
        node.rpc('personal_unlockAccount', net.accounts[i]['address'], 'pw', 0)
    net.wait(lambda: node.head() >= max(n.head() for n in net.nodes) > last, 90, f'{node.name} goes on')
    for line in report:
        print(f'      {line}', flush=True)
    after = (answers(net, node, last), traces(net, node))
    compare(net, {**after[0], **after[1]}, {**before[0], **before[1]}, f'{what} of peer {i} taken over at block {last}')


# --- What goes wrong ---

def ours(net, node, *arguments, limit=120, stdin=None):
    """A command of ours on the member's folder, whoever it is now: exit code and all it said."""
    done = subprocess.run([net.args.node, '--datadir', node.folder, *arguments], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=limit, stdin=subprocess.DEVNULL, env=dict(os.environ, PRIVATE_CONFIG='ignore'))
    return done.returncode, done.stdout


def refused(net, text, answer, *words):
    code, said_ = answer
    net.check(code == 1 and all(w in said_ for w in words),
              f'{text}: {code}, {said_.strip().splitlines()[-1][:160] if said_.strip() else "nothing said"}')


def killed(net, text, node, *arguments):
    """The command, killed at random moments until KILLS of them hit; then as long as it takes."""
    hits, longest = 0, 0.2
    for _ in range(10 * KILLS):
        process = subprocess.Popen([net.args.node, '--datadir', node.folder, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env=dict(os.environ, PRIVATE_CONFIG='ignore'))
        try:
            process.wait(random.uniform(0, longest))
            longest /= 2
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            hits += 1
        if hits == KILLS:
            break
    code, said_ = ours(net, node, *arguments)
    net.check(code == 0, f'{text}: killed {hits} times, then {code}' + ('' if code == 0 else f' {said_[-400:]}'))
    return said_


class SmallDisk:
    """A file system of so many bytes where the chain will lie, so that the rest of the directory has room; None where this user may not mount."""

    def __init__(self, place, size):
        self.place = place
        os.makedirs(place, exist_ok=True)
        done = subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={size},mode=0700', 'tmpfs', place], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.there = done.returncode == 0

    def grow(self, size):
        subprocess.run(['mount', '-o', f'remount,size={size}', self.place], check=True)

    def end(self):
        if self.there:
            subprocess.run(['umount', self.place], check=True)


def full_disk(net, node, chain):
    disk = SmallDisk(os.path.join(node.folder, 'geth', 'quorate'), '200k')
    if not disk.there:
        print('   no file system can be mounted: the full disk is left out', flush=True)
        return None
    try:
        steps = [ours(net, node, 'init', net.genesis)]
        if steps[0][0] != 0:
            refused(net, 'init on a full disk', steps[0], 'space')
        else:
            refused(net, 'migrate on a full disk', ours(net, node, 'migrate', '--from', node.folder, chain), 'space')
        disk.grow('64m')
        again = [ours(net, node, 'init', net.genesis), ours(net, node, 'migrate', '--from', node.folder, chain)]
        net.check(again[0][0] == 0 and again[1][0] == 0, 'with room again, the same commands: ' + again[1][1].strip().splitlines()[-1])
        return head_of(again[1][1])
    finally:
        disk.end()


def head_of(report):
    found = re.search(r'head (\d+), (0x[0-9a-f]{64})', report)
    return found.groups() if found else None


def accident_files(net, node, chain, expected):
    """Exports cut off, spoilt, of another chain, or no exports."""
    with open(chain, 'rb') as f:
        whole = f.read()

    def variant(name, content):
        path = os.path.join(net.folder, name)
        with open(path, 'wb') as f:
            f.write(content)
        return path
    cut, empty = variant('cut.rlp.gz', whole[:len(whole) // 2]), variant('empty.rlp.gz', b'')
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0x55
    spoilt = variant('spoilt.rlp.gz', bytes(flipped))
    refused(net, 'an export cut off', ours(net, node, 'migrate', '--from', node.folder, cut), cut, 'block')
    refused(net, 'an export damaged', ours(net, node, 'migrate', '--from', node.folder, spoilt), spoilt)
    refused(net, 'an export that is a folder', ours(net, node, 'migrate', '--from', node.folder, net.folder), net.folder)
    refused(net, 'an export that is not there', ours(net, node, 'migrate', '--from', node.folder, chain + '.no'), chain + '.no')
    refused(net, 'an empty export', ours(net, node, 'migrate', '--from', node.folder, empty), empty)
    code, said_ = ours(net, node, 'migrate', '--from', node.folder, chain)
    net.check(code == 0 and head_of(said_) in (expected, expected or head_of(said_)), 'and the whole one after all of them: ' + said_.strip().splitlines()[-1])
    return head_of(said_)


def scenario_accidents(args):
    random.seed(3)
    with Net(args, 'qbft', 'a QBFT member whose takeover goes wrong') as net:
        start_validators(net, ('goquorum',) * 4)
        fill_state(net, net.nodes[0])
        net.wait_height(12)
        node, rest = net.nodes[0], net.nodes[1:]
        account = net.accounts[0]['address']
        chain = os.path.join(net.folder, 'chain.rlp.gz')
        for arguments in (('init', net.genesis), ('migrate', '--from', node.folder, chain), ('account', 'list'), ('--nodiscover',)):
            code, said_ = ours(net, node, *arguments)
            if arguments[0] != 'account':
                refused(net, f'{arguments[0]} where GoQuorum runs', (code, said_), 'already used by another process', node.folder)
        node.stop()
        node.run('export', chain)
        keystore = sorted(os.listdir(os.path.join(node.folder, 'keystore')))
        refused(net, 'migrate before init', ours(net, node, 'migrate', '--from', node.folder, chain), 'there is no chain', 'init GENESIS')
        expected = full_disk(net, node, chain)
        killed(net, 'init', node, 'init', net.genesis)
        expected = accident_files(net, node, chain, expected)
        net.check(rest[0].block(int(expected[0]))['hash'] == expected[1], f'block {expected[0]}, which it ends with, is the one of the others')
        ours_folder = os.path.join(node.folder, 'geth', 'quorate')
        subprocess.run(['rm', '-r', ours_folder], check=True)
        ours(net, node, 'init', net.genesis)
        report = killed(net, 'migrate', node, 'migrate', '--from', node.folder, chain)
        net.check(head_of(report) == expected, f'its report has the head {expected[0]} of the others')
        wrong = os.path.join(net.folder, 'wrong')
        with open(wrong, 'w') as f:
            f.write('no\n')
        answer = ours(net, node, '--nodiscover', '--networkid', '1337', '--port', '0', '--ipcdisable', '--unlock', account, '--password', wrong)
        refused(net, 'a wrong password of an account', answer, 'could not decrypt key with given password')
        net.check(sorted(os.listdir(os.path.join(node.folder, 'keystore'))) == keystore, 'the keystore is as it was')
        back_and_forth(net, node, rest, account)
    return net.failures


def back_and_forth(net, node, rest, account):
    """Ours, GoQuorum again, ours again: each validates and is needed for every block."""
    for kind in ('quorate', 'goquorum', 'quorate'):
        node.kind = kind
        node.start()
        net.wait(lambda: node.head() >= max(n.head() for n in rest), 90, f'{kind} is level')
        rest[0].stop()
        needed = [n for n in net.nodes if n.process]
        height = max(n.head() for n in needed)
        net.wait_height(height + 4, 120, needed)
        net.check(net.same_chain(height + 4, needed), f'{kind} in the directory of both: needed for each block up to {height + 4}')
        node.rpc('personal_unlockAccount', account, 'pw', 5)
        refusal = private.said(node, 'personal_unlockAccount', account, 'wrong', 5)
        net.check('could not decrypt key with given password' in str(refusal), f'{kind}: the account opens by its password alone')
        rest[0].start()
        net.wait_height(height + 8, 120)
        if kind == 'quorate':
            done = subprocess.run([net.args.goquorum, '--datadir', node.folder, 'init', net.genesis], text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, env=dict(os.environ, PRIVATE_CONFIG='ignore'), timeout=60)
            net.check(done.returncode != 0 and 'already used by another process' in done.stdout, 'GoQuorum is kept out meanwhile')
        node.stop()


SCENARIOS = {'raft': scenario_raft, 'private': scenario_private, 'accidents': scenario_accidents}


def main():
    args = private.arguments(__doc__, SCENARIOS, manager=False)
    if not args:
        return SKIPPED
    failures = 0
    for name in args.scenarios or SCENARIOS:
        if name == 'private' and not (args.manager and args.tessera and os.path.exists(args.tessera)):
            print("private: no Tessera's jar or no manager: left out")
            continue
        failures += SCENARIOS[name](args)
    print('all hold' if failures == 0 else f'{failures} failed')
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())

#!/usr/bin/env python3
"""Contract extensions between GoQuorum and quorate-node, with Tessera and quorate-tm.

    extension.py --goquorum GETH --tessera JAR --node QUORATE_NODE --manager QUORATE_TM [--keep] [scenario ...]

Three validators, all parties; contracts of flags 0, 1 and 3, which two of them have, are extended to the third. Afterwards the three have the
same code, storage and metadata of them, the third changes them, and all follow. Without a GoQuorum binary ($QUORATE_GOQUORUM) or Tessera's
jar ($QUORATE_TESSERA) it says so and ends with 77.

scenarios
    ours     quorate-node with quorate-tm begins; the new party is GoQuorum with Tessera
    theirs   GoQuorum with quorate-tm begins (with Tessera 20.10, which does not say who sent a payload, GoQuorum never shares
             the state); the new party is quorate-node with quorate-tm
    tessera  quorate-node with Tessera begins; the new party is GoQuorum with quorate-tm
"""
import os
import sys

from mixed import Failed, SKIPPED, free_ports
from private import PrivateNet, arguments, wait_receipts

# The peers' nodes and managers; who begins; the new party. The third has the contract from the beginning.
SCENARIOS = {
    'ours': ((('goquorum', 'tessera'), ('quorate', 'quorate'), ('goquorum', 'quorate')), 1, 0),
    'theirs': ((('goquorum', 'tessera'), ('quorate', 'quorate'), ('goquorum', 'quorate')), 2, 1),
    'tessera': ((('goquorum', 'quorate'), ('quorate', 'tessera'), ('goquorum', 'quorate')), 1, 0),
}


def start(net, kinds):
    ports = free_ports(3)
    for index, (_, kind) in enumerate(kinds):
        net.manager(index, kind, ports, name=f'manager-{index}').start()
    for index, (kind, _) in enumerate(kinds):
        net.add(index, kind, name=f'{kind}{index}').private = net.managers[index].socket
    for node in net.nodes:
        node.start()
    net.wait_height(2, 90)
    for side, node in enumerate(net.nodes):
        key = net.accounts[side]
        node.rpc('personal_importRawKey', key['key'][2:], 'pw')
        node.rpc('personal_unlockAccount', key['address'], 'pw', 0)


def send(net, side, parties, **more):
    return net.nodes[side].rpc('eth_sendTransaction', {
        'from': net.accounts[side]['address'], 'gas': '0x47b760', 'gasPrice': '0x0',
        'privateFor': [net.network['tm_public_keys'][i] for i in parties], **more})


def active(net, side, contract):
    entries = net.nodes[side].rpc('quorumExtension_activeExtensionContracts')
    return next((e for e in entries if e['contractExtended'] == contract), None)


def of_contract(net, contract, flag):
    """What each says of it."""
    def ask(node):
        said = [node.rpc('eth_getCode', contract, 'latest'), node.rpc('eth_storageRoot', contract),
                [node.rpc('eth_getStorageAt', contract, hex(s), 'latest') for s in range(3)]]
        return str(said + [node.rpc('eth_getContractPrivacyMetadata', contract)] if flag else said)
    return {ask(node) for node in net.nodes}


def extend(net, flag, begins, new, third):
    keys, accounts = net.network['tm_public_keys'], [a['address'].lower() for a in net.accounts]
    sent = send(net, begins, [third], data='0x' + net.code['Store']['bin'].removeprefix('0x') + '%064x' % 42, privacyFlag=flag)
    wait_receipts(net, [sent])
    contract = net.nodes[begins].rpc('eth_getTransactionReceipt', sent)['contractAddress']
    options = {'gas': '0x47b760', 'gasPrice': '0x0'}
    net.nodes[begins].rpc('quorumExtension_extendContract', contract, keys[new], accounts[new],
                          {'from': accounts[begins], 'privateFor': [keys[new]], **options})
    net.wait(lambda: active(net, begins, contract) and active(net, new, contract), 60, f'flag {flag}: both know of the extension')
    first, second = active(net, begins, contract), active(net, new, contract)
    if first != second:
        raise Failed(f'the list of who began it has {first}, the new party\'s {second}')
    management = first['managementContractAddress']
    voted = {'from': accounts[begins], 'to': management, 'data': net.nodes[new].rpc('web3_sha3', '0x' + b'checkIfVoted()'.hex())[:10]}
    net.wait(lambda: int(net.nodes[new].rpc('eth_call', voted, 'latest'), 16) == 1, 60, f'flag {flag}: the vote of who began it')
    net.nodes[new].rpc('quorumExtension_approveExtension', management, True,
                       {'from': accounts[new], 'privateFor': [keys[begins], keys[third]], **options})
    for side in (begins, new):
        net.wait(lambda: net.nodes[side].rpc('quorumExtension_getExtensionStatus', management) == 'DONE', 90, f'flag {flag}: DONE at {side}')
        net.wait(lambda: active(net, side, contract) is None, 60, f'flag {flag}: off the list of {side}')
    net.wait(lambda: len(of_contract(net, contract, flag)) == 1, 60, f'flag {flag}: all have the same contract')
    sent = send(net, new, [begins, third], to=contract, data=net.selector('Store', 'set(uint256)') + '%064x' % 43, privacyFlag=flag)
    wait_receipts(net, [sent])
    statuses = {node.rpc('eth_getTransactionReceipt', sent)['status'] for node in net.nodes}
    values = {int(node.rpc('eth_getStorageAt', contract, '0x0', 'latest'), 16) for node in net.nodes}
    net.check(statuses == {'0x1'} and values == {43} and len(of_contract(net, contract, flag)) == 1,
              f'flag {flag}: extended from {net.nodes[begins].kind} to {net.nodes[new].kind}, then changed by the new party: the same at all three')


def run(args, name):
    kinds, begins, new = SCENARIOS[name]
    with PrivateNet(args, 'extensions: ' + ', '.join(f'{n} with {m}' for n, m in kinds)) as net:
        start(net, kinds)
        for flag in (0, 1, 3):
            extend(net, flag, begins, new, 3 - begins - new)
        last = min(n.head() for n in net.nodes)
        net.wait_height(last)
        net.check(net.same_chain(last), f'one chain up to block {last}')
    return net.failures


def main():
    args = arguments(__doc__, SCENARIOS)
    if not args:
        return SKIPPED
    return 1 if sum([run(args, name) for name in args.scenarios or SCENARIOS]) else 0


if __name__ == '__main__':
    sys.exit(main())

/*
 * What the console can call: one row a method, `name rpc_method parameters`. Each letter of the parameters shapes one:
 *
 *   -  as it is      a  address       t  transaction   c  call          b  block number or tag
 *   B  the same, else the default block                d  number, sent as hex      !  truth
 *
 * A digit instead says how many there are, none of them shaped and all required. Behind it what shapes the result.
 */
var web3 = (function () {
    'use strict';
    var F = Web3.format, U = Web3.utils;
    var INPUT = {
        '-': null, 'a': F.inputAddressFormatter, 't': F.inputTransactionFormatter, 'c': F.inputCallFormatter,
        'b': F.inputBlockNumberFormatter, 'B': F.inputDefaultBlockNumberFormatter, 'd': function (v) {
            return v === undefined || v === null ? v : U.fromDecimal(v);
        }, '!': function (v) { return !!v; }
    };
    var OUTPUT = {
        big: F.outputBigNumberFormatter, number: U.toDecimal, tx: F.outputTransactionFormatter,
        receipt: F.outputTransactionReceiptFormatter, block: F.outputBlockFormatter, sync: F.outputSyncingFormatter,
        show: function (v) { console.log(v); return null; },
        txs: function (txs) { return txs.map(F.outputTransactionFormatter); },
        status: function (s) {
            return { pending: U.toDecimal(s.pending), queued: U.toDecimal(s.queued) };
        }
    };

    function byHash(hash, number) {
        return function (args) {
            return typeof args[0] === 'string' && args[0].indexOf('0x') === 0 ? hash : number;
        };
    }

    var CHOICES = {
        block: byHash('eth_getBlockByHash', 'eth_getBlockByNumber'),
        txAt: byHash('eth_getTransactionByBlockHashAndIndex', 'eth_getTransactionByBlockNumberAndIndex'),
        rawAt: byHash('eth_getRawTransactionByBlockHashAndIndex', 'eth_getRawTransactionByBlockNumberAndIndex'),
        uncle: byHash('eth_getUncleByBlockHashAndIndex', 'eth_getUncleByBlockNumberAndIndex'),
        txCount: byHash('eth_getBlockTransactionCountByHash', 'eth_getBlockTransactionCountByNumber'),
        uncleCount: byHash('eth_getUncleCountByBlockHash', 'eth_getUncleCountByBlockNumber')
    };

    var NAMESPACES = {
        eth: {
            methods: [
                'getBalance eth_getBalance aB big', 'getStorageAt eth_getStorageAt -dB', 'getCode eth_getCode aB',
                'getBlock @block b! block', 'getUncle @uncle bd block', 'getBlockTransactionCount @txCount b number',
                'getBlockUncleCount @uncleCount b number', 'getTransaction eth_getTransactionByHash 1 tx',
                'getTransactionFromBlock @txAt bd tx', 'getTransactionReceipt eth_getTransactionReceipt 1 receipt',
                'getTransactionCount eth_getTransactionCount -B number', 'call eth_call cB',
                'estimateGas eth_estimateGas cb number', 'sendRawTransaction eth_sendRawTransaction -',
                'sendTransaction eth_sendTransaction t', 'signTransaction eth_signTransaction t',
                'fillTransaction eth_fillTransaction t', 'submitTransaction eth_submitTransaction t',
                'sign eth_sign a-', 'resend eth_resend tdd', 'getWork eth_getWork 0', 'submitWork eth_submitWork 3',
                'chainId eth_chainId 0', 'getHeaderByNumber eth_getHeaderByNumber b',
                'getHeaderByHash eth_getHeaderByHash 1', 'getBlockByNumber eth_getBlockByNumber b!',
                'getBlockByHash eth_getBlockByHash -!', 'getRawTransaction eth_getRawTransactionByHash 1',
                'getRawTransactionFromBlock @rawAt bd', 'getProof eth_getProof a-b',
                'createAccessList eth_createAccessList -b', 'getLogs eth_getLogs 1', 'feeHistory eth_feeHistory db-',
                'getBlockReceipts eth_getBlockReceipts b', 'sendRawPrivateTransaction eth_sendRawPrivateTransaction --',
                'distributePrivateTransaction eth_distributePrivateTransaction --',
                'getPrivacyPrecompileAddress eth_getPrivacyPrecompileAddress 0',
                'getContractPrivacyMetadata eth_getContractPrivacyMetadata 1',
                'sendTransactionAsync eth_sendTransactionAsync t', 'getQuorumPayload eth_getQuorumPayload -',
                'getQuorumPayloadExtra eth_getQuorumPayloadExtra -', 'decryptQuorumPayload eth_decryptQuorumPayload -',
                'getPSI eth_getPSI 0', 'getPrivateTransaction eth_getPrivateTransactionByHash 1 tx',
                'getPrivateTransactionReceipt eth_getPrivateTransactionReceipt 1 receipt',
                'storageRoot eth_storageRoot aB'
            ],
            properties: [
                'accounts eth_accounts', 'blockNumber eth_blockNumber number', 'coinbase eth_coinbase',
                'etherbase eth_etherbase', 'gasPrice eth_gasPrice big', 'hashrate eth_hashrate number',
                'mining eth_mining', 'pendingTransactions eth_pendingTransactions txs',
                'protocolVersion eth_protocolVersion number', 'syncing eth_syncing sync',
                'maxPriorityFeePerGas eth_maxPriorityFeePerGas big'
            ]
        },
        net: { methods: [], properties: ['listening net_listening', 'peerCount net_peerCount number', 'version net_version'] },
        admin: {
            methods: [
                'addPeer admin_addPeer 1', 'removePeer admin_removePeer 1', 'addTrustedPeer admin_addTrustedPeer 1',
                'removeTrustedPeer admin_removeTrustedPeer 1', 'exportChain admin_exportChain ---',
                'importChain admin_importChain 1', 'startHTTP admin_startHTTP -----', 'stopHTTP admin_stopHTTP 0',
                'startRPC admin_startRPC -----', 'stopRPC admin_stopRPC 0', 'startWS admin_startWS ----',
                'stopWS admin_stopWS 0', 'reloadPlugin admin_reloadPlugin 1'
            ],
            properties: ['nodeInfo admin_nodeInfo', 'qnodeInfo admin_qnodeInfo', 'peers admin_peers', 'qpeers admin_qpeers',
                         'datadir admin_datadir']
        },
        personal: {
            methods: [
                'newAccount personal_newAccount -', 'importRawKey personal_importRawKey 2',
                'unlockAccount personal_unlockAccount a--', 'lockAccount personal_lockAccount a',
                'sign personal_sign -a-', 'ecRecover personal_ecRecover 2',
                'sendTransaction personal_sendTransaction t-', 'signTransaction personal_signTransaction t-',
                'signAndSendTransaction personal_signAndSendTransaction t-',
                'openWallet personal_openWallet --', 'deriveAccount personal_deriveAccount 3',
                'unpair personal_unpair 2', 'initializeWallet personal_initializeWallet 1'
            ],
            properties: ['listAccounts personal_listAccounts', 'listWallets personal_listWallets']
        },
        txpool: { methods: [], properties: ['content txpool_content', 'inspect txpool_inspect', 'status txpool_status status'] },
        miner: {
            methods: ['start miner_start -', 'stop miner_stop 0', 'setEtherbase miner_setEtherbase a',
                      'setExtra miner_setExtra 1', 'setGasPrice miner_setGasPrice d',
                      'setRecommitInterval miner_setRecommitInterval 1', 'getHashrate miner_getHashrate 0'],
            properties: []
        },
        istanbul: {
            methods: [
                'getSnapshot istanbul_getSnapshot b', 'getSnapshotAtHash istanbul_getSnapshotAtHash 1',
                'getValidators istanbul_getValidators b', 'getValidatorsAtHash istanbul_getValidatorsAtHash 1',
                'propose istanbul_propose 2', 'discard istanbul_discard 1',
                'getSignersFromBlock istanbul_getSignersFromBlock b',
                'getSignersFromBlockByHash istanbul_getSignersFromBlockByHash 1', 'status istanbul_status bb',
                'isValidator istanbul_isValidator b'
            ],
            properties: ['candidates istanbul_candidates', 'nodeAddress istanbul_nodeAddress']
        },
        clique: {
            methods: ['getSnapshot clique_getSnapshot b', 'getSnapshotAtHash clique_getSnapshotAtHash 1',
                      'getSigners clique_getSigners b', 'getSignersAtHash clique_getSignersAtHash 1',
                      'propose clique_propose 2', 'discard clique_discard 1', 'status clique_status bb'],
            properties: ['proposals clique_proposals']
        },
        raft: {
            methods: ['addPeer raft_addPeer 1', 'addLearner raft_addLearner 1', 'promoteToPeer raft_promoteToPeer 1',
                      'removePeer raft_removePeer 1', 'getRaftId raft_getRaftId 1'],
            properties: ['role raft_role', 'leader raft_leader', 'cluster raft_cluster']
        },
        quorumPermission: {
            methods: [
                'addOrg quorumPermission_addOrg --at', 'approveOrg quorumPermission_approveOrg --at',
                'addSubOrg quorumPermission_addSubOrg ---t', 'updateOrgStatus quorumPermission_updateOrgStatus --t',
                'approveOrgStatus quorumPermission_approveOrgStatus --t', 'addNode quorumPermission_addNode --t',
                'updateNodeStatus quorumPermission_updateNodeStatus ---t',
                'assignAdminRole quorumPermission_assignAdminRole -a-t',
                'approveAdminRole quorumPermission_approveAdminRole -at',
                'addNewRole quorumPermission_addNewRole -----t', 'removeRole quorumPermission_removeRole --t',
                'addAccountToOrg quorumPermission_addAccountToOrg a--t',
                'changeAccountRole quorumPermission_changeAccountRole a--t',
                'updateAccountStatus quorumPermission_updateAccountStatus -a-t',
                'recoverBlackListedNode quorumPermission_recoverBlackListedNode --t',
                'approveBlackListedNodeRecovery quorumPermission_approveBlackListedNodeRecovery --t',
                'recoverBlackListedAccount quorumPermission_recoverBlackListedAccount -at',
                'approveBlackListedAccountRecovery quorumPermission_approveBlackListedAccountRecovery -at',
                'getOrgDetails quorumPermission_getOrgDetails -',
                'transactionAllowed quorumPermission_transactionAllowed t',
                'connectionAllowed quorumPermission_connectionAllowed ----'
            ],
            properties: ['orgList quorumPermission_orgList', 'nodeList quorumPermission_nodeList',
                         'roleList quorumPermission_roleList', 'acctList quorumPermission_acctList']
        },
        quorumExtension: {
            methods: ['approveExtension quorumExtension_approveExtension a-t', 'extendContract quorumExtension_extendContract a-at',
                      'generateExtensionApprovalUuid quorumExtension_generateExtensionApprovalUuid aat',
                      'cancelExtension quorumExtension_cancelExtension at', 'shareState quorumExtension_shareState a',
                      'getExtensionStatus quorumExtension_getExtensionStatus a'],
            properties: ['activeExtensionContracts quorumExtension_activeExtensionContracts']
        },
        debug: {
            methods: [
                'accountRange debug_accountRange B-----', 'printBlock debug_printBlock 1 show',
                'getBlockRlp debug_getBlockRlp 1', 'testSignCliqueBlock debug_testSignCliqueBlock a-',
                'setHead debug_setHead 1', 'seedHash debug_seedHash 1', 'dumpBlock debug_dumpBlock b-',
                'privateStateRoot debug_privateStateRoot b', 'defaultStateRoot debug_defaultStateRoot b',
                'dumpAddress debug_dumpAddress ab', 'chaindbProperty debug_chaindbProperty 1 show',
                'chaindbCompact debug_chaindbCompact 0', 'verbosity debug_verbosity 1', 'vmodule debug_vmodule 1',
                'backtraceAt debug_backtraceAt 1', 'stacks debug_stacks 0 show', 'freeOSMemory debug_freeOSMemory 0',
                'setGCPercent debug_setGCPercent 1', 'memStats debug_memStats 0', 'gcStats debug_gcStats 0',
                'traceBlock debug_traceBlock --', 'traceBlockFromFile debug_traceBlockFromFile --',
                'traceBadBlock debug_traceBadBlock -', 'standardTraceBadBlockToFile debug_standardTraceBadBlockToFile --',
                'standardTraceBlockToFile debug_standardTraceBlockToFile --',
                'traceBlockByNumber debug_traceBlockByNumber b-', 'traceBlockByHash debug_traceBlockByHash --',
                'traceTransaction debug_traceTransaction --', 'traceCall debug_traceCall ---',
                'preimage debug_preimage -', 'getBadBlocks debug_getBadBlocks 0', 'storageRangeAt debug_storageRangeAt 5',
                'getModifiedAccountsByNumber debug_getModifiedAccountsByNumber --',
                'getModifiedAccountsByHash debug_getModifiedAccountsByHash --', 'freezeClient debug_freezeClient 1'
            ],
            properties: []
        },
        rpc: { methods: [], properties: ['modules rpc_modules'] },
        plugin_account: {
            methods: ['newAccount plugin@account_newAccount 1', 'importRawKey plugin@account_importRawKey 2'], properties: []
        },
        plugin_helloworld: { methods: ['greeting plugin@helloworld_greeting 1'], properties: [] },
        qlight: {
            methods: ['getCurrentToken qlight_getCurrentToken 0', 'setCurrentToken qlight_setCurrentToken 1'],
            properties: ['token qlight_getCurrentToken']
        }
    };

    function method(row) {
        var w = row.split(' '), counted = /^\d$/.test(w[2]);
        return new web3._extend.Method({
            name: w[0],
            call: w[1].charAt(0) === '@' ? CHOICES[w[1].slice(1)] : w[1],
            params: counted ? Number(w[2]) : w[2].length,
            inputFormatter: counted ? undefined : w[2].split('').map(function (c) { return INPUT[c]; }),
            outputFormatter: OUTPUT[w[3]]
        });
    }
    function property(row) {
        var w = row.split(' ');
        return new web3._extend.Property({ name: w[0], getter: w[1], outputFormatter: OUTPUT[w[2]] });
    }

    var web3 = new Web3();
    web3.eth.defaultBlock = 'latest';
    web3.eth.defaultAccount = undefined;
    web3._extend({ property: 'version', properties: ['node web3_clientVersion', 'network net_version',
                                                     'ethereum eth_protocolVersion'].map(property) });
    /* The namespaces that the node offers become objects of their own too. */
    Web3.prototype._namespaces = function (modules) {
        var names = ['eth', 'net', 'personal'];
        Object.keys(modules).forEach(function (name) {
            name = name.replace('plugin@', 'plugin_');
            if (name !== 'web3' && names.indexOf(name) < 0) names.push(name);
        });
        return names.filter(function (name) {
            var n = NAMESPACES[name];
            if (!n) return false;
            web3._extend({ property: name, methods: n.methods.map(method), properties: n.properties.map(property) });
            return true;
        });
    };
    return web3;
})();

/* --- What the console adds --- */

function GoError(message) { /* as geth names what the console itself refuses */
    this.name = 'GoError';
    this.message = message;
}
GoError.prototype = Object.create(Error.prototype);

/* Timers are objects, as in geth's console, where nothing can be read from them. */
(function (global) {
    'use strict';
    function timer(name, again) {
        global[name] = __pretty.describe('args', function (f, ms) {
            if (!arguments.length) throw new TypeError("Failed to execute '" + name + "': 1 argument required, but only 0 present.");
            return Object.defineProperty({}, '_timer', { value: __native.timer(f, ms || 0, again, [].slice.call(arguments, 2)) });
        });
    }
    timer('setTimeout', false);
    timer('setInterval', true);
    global.clearTimeout = global.clearInterval = function (timer) { if (timer && timer._timer) __native.clearTimer(timer._timer); };
})(this);

function loadScript(path) {
    try { return __native.run(String(path)); } catch (e) { throw new GoError(e.message); }
}

(function (global) {
    'use strict';
    var modules = Web3.ask('rpc_modules', []);
    web3._namespaces(modules).forEach(function (name) { global[name] = web3[name]; });
    function isNumber(v) { return typeof v === 'number'; }
    function ask(prompt) {
        var answer = __native.ask(prompt, true);
        if (answer === undefined) throw new GoError('EOF');
        return answer;
    }
    function absent(v) { return v === undefined || v === null; }
    if (global.admin) {
        admin.sleep = function (seconds) {
            if (!isNumber(seconds)) throw new GoError('usage: sleep(<number of seconds>)');
            __native.sleep(seconds);
            return true;
        };
        admin.sleepBlocks = function (blocks, seconds) {
            if (!arguments.length) throw new GoError('usage: sleepBlocks(<n blocks>[, max sleep in seconds])');
            if (!isNumber(blocks)) throw new GoError('expected number as first argument');
            if (arguments.length > 1 && !isNumber(seconds)) throw new GoError('expected number as second argument');
            var last = eth.blockNumber + blocks, end = Date.now() + 1000 * (seconds === undefined ? 1e9 : seconds);
            while (eth.blockNumber < last && Date.now() < end) __native.sleep(0.25);
            return true;
        };
        admin.clearHistory = function () { __native.clearHistory(); };
    }
    if (!global.personal) return;
    /* What is secret is asked for where it is not given, so that it need not stand on the line. */
    var plain = { newAccount: personal.newAccount, openWallet: personal.openWallet, sign: personal.sign, unlockAccount: personal.unlockAccount };
    global.jeth = plain;
    personal.newAccount = function (password) {
        if (!arguments.length) {
            password = ask('Passphrase: ');
            if (ask('Repeat passphrase: ') !== password) throw new GoError("passwords don't match!");
        } else if (arguments.length > 1) {
            throw new GoError('expected 0 or 1 string argument');
        }
        return plain.newAccount(String(password));
    };
    personal.unlockAccount = function (address, password, seconds) {
        if (!arguments.length) throw new GoError('usage: unlockAccount(account, [ password, duration ])');
        if (typeof address !== 'string') throw new GoError('first argument must be the account to unlock');
        if (!absent(seconds) && !isNumber(seconds)) throw new GoError('unlock duration must be a number');
        if (absent(password)) {
            console.log('Unlock account ' + address);
            password = ask('Passphrase: ');
        }
        return plain.unlockAccount(address, password, absent(seconds) ? null : seconds);
    };
    personal.sign = function (message, address, password) {
        if (!arguments.length) throw new GoError('usage: sign(message, account, [ password ])');
        if (typeof message !== 'string') throw new GoError('first argument must be the message to sign');
        if (typeof address !== 'string') throw new GoError('second argument must be the account to sign with');
        if (absent(password)) {
            console.log('Give password for account ' + address);
            password = ask('Password: ');
        } else if (typeof password !== 'string') {
            throw new GoError('third argument must be the password to unlock the account');
        }
        return plain.sign(message, address, password);
    };
})(this);

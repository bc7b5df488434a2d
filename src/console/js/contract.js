/* Contracts by their ABI: coding of parameters, calls, transactions, events, deployment; and filters. */
(function (native) {
    'use strict';
    var U = Web3.utils, F = Web3.format, POLL_MS = 500, DEPLOY_BLOCKS = 50;

    /* --- ABI coding (Solidity's "Contract ABI Specification") --- */

    function element(type) { /* of an array: [element's type, length or -1], else null */
        var m = /^(.*)\[(\d*)\]$/.exec(type);
        return m ? [m[1], m[2] === '' ? -1 : Number(m[2])] : null;
    }
    function isDynamic(type) {
        var e = element(type);
        if (e) return e[1] < 0 || isDynamic(e[0]);
        return type === 'bytes' || type === 'string';
    }
    function headSize(type) {
        var e = element(type);
        return e && !isDynamic(type) ? e[1] * headSize(e[0]) : 32;
    }
    function word(v) { return U.padLeft(U.toTwosComplement(v).toString(16), 64); }
    function tail(hex) { return U.padRight(hex, Math.ceil(hex.length / 64) * 64); }

    function encodeOne(type, v) {
        var e = element(type);
        if (e) {
            if (e[1] >= 0 && v.length !== e[1]) throw new Error(type + ' takes ' + e[1] + ' elements');
            var types = v.map(function () { return e[0]; });
            return (e[1] < 0 ? word(v.length) : '') + encode(types, v);
        }
        if (/^(u?int\d*|u?real.*)$/.test(type)) return word(v);
        if (type === 'bool') return word(v ? 1 : 0);
        if (type === 'address') return U.padLeft(F.inputAddressFormatter(v).slice(2).toLowerCase(), 64);
        if (type === 'string') {
            var text = U.toUtf8Bytes(String(v));
            return word(text.length / 2) + tail(text);
        }
        var bytes = U.toHex(v).slice(2);
        if (type === 'bytes') return word(bytes.length / 2) + tail(bytes);
        if (/^bytes\d+$/.test(type)) return U.padRight(bytes, 64);
        throw new Error('invalid solidity type!: ' + type);
    }
    function encode(types, values) {
        var offset = types.reduce(function (sum, t) { return sum + headSize(t); }, 0), heads = '', tails = '';
        types.forEach(function (type, i) {
            var code = encodeOne(type, values[i]);
            if (!isDynamic(type)) { heads += code; return; }
            heads += word(offset + tails.length / 2);
            tails += code;
        });
        return heads + tails;
    }

    function number(hex, at) { return new BigNumber(hex.substr(at * 2, 64) || '0', 16); }
    function offsetAt(hex, at) {
        var n = number(hex, at).toNumber();
        if (!(n * 2 <= hex.length)) throw new Error('malformed answer of a contract');
        return n;
    }
    function decodeOne(type, hex, at) {
        var e = element(type);
        if (e) {
            var count = e[1] < 0 ? offsetAt(hex, at) : e[1], from = e[1] < 0 ? at + 32 : at, types = [];
            for (var i = 0; i < count; i++) types.push(e[0]);
            return decode(types, hex.slice(from * 2));
        }
        if (/^uint/.test(type)) return number(hex, at);
        if (/^int/.test(type)) {
            var n = number(hex, at);
            return n.gte(new BigNumber(2).pow(255)) ? n.minus(new BigNumber(2).pow(256)) : n;
        }
        if (type === 'bool') return !number(hex, at).isZero();
        if (type === 'address') return '0x' + hex.substr(at * 2 + 24, 40);
        if (type === 'bytes' || type === 'string') {
            var bytes = hex.substr(at * 2 + 64, offsetAt(hex, at) * 2);
            return type === 'bytes' ? '0x' + bytes : decodeURIComponent(escape(U.toAscii(bytes)));
        }
        var m = /^bytes(\d+)$/.exec(type);
        if (m) return '0x' + hex.substr(at * 2, Number(m[1]) * 2);
        throw new Error('invalid solidity type!: ' + type);
    }
    function decode(types, hex) {
        var at = 0;
        return types.map(function (type) {
            var value = decodeOne(type, hex, isDynamic(type) ? offsetAt(hex, at) : at);
            at += headSize(type);
            return value;
        });
    }
    function typesOf(list) { return (list || []).map(function (i) { return i.type; }); }

    /* --- Filters --- */

    function Filter(create, shape) {
        this.filterId = Web3.ask(create[0], create[1]);
        this._shape = shape;
        this._timer = null;
    }
    Filter.prototype.get = function (callback) {
        var f = this;
        return Web3.deliver(callback, function () { return Web3.ask('eth_getFilterLogs', [f.filterId]).map(f._shape); });
    };
    Filter.prototype.watch = function (callback) {
        var f = this;
        f._timer = setInterval(function () {
            try {
                Web3.ask('eth_getFilterChanges', [f.filterId]).forEach(function (one) { callback(null, f._shape(one)); });
            } catch (error) { callback(error); }
        }, POLL_MS);
        return f;
    };
    Filter.prototype.stopWatching = function (callback) {
        var f = this;
        if (f._timer !== null) clearInterval(f._timer);
        f._timer = null;
        return Web3.deliver(callback, function () { return Web3.ask('eth_uninstallFilter', [f.filterId]); });
    };
    function same(x) { return x; }
    function filterOptions(options) {
        var o = {};
        for (var key in options || {}) o[key] = options[key];
        if (o.fromBlock !== undefined) o.fromBlock = F.inputBlockNumberFormatter(o.fromBlock);
        if (o.toBlock !== undefined) o.toBlock = F.inputBlockNumberFormatter(o.toBlock);
        o.topics = (o.topics || []).map(function topic(t) {
            return t === null || t === undefined ? null : Array.isArray(t) ? t.map(topic) : U.toHex(t);
        });
        return o;
    }
    web3.eth.filter = __pretty.describe('options, callback, filterCreationErrorCallback', function (options, callback) {
        var filter = options === 'latest' ? new Filter(['eth_newBlockFilter', []], same)
                   : options === 'pending' ? new Filter(['eth_newPendingTransactionFilter', []], same)
                   : new Filter(['eth_newFilter', [filterOptions(options)]], F.outputLogFormatter);
        filter.options = typeof options === 'object' ? filterOptions(options) : options;
        return callback ? filter.watch(callback) : filter;
    });

    /* --- Contracts --- */

    function topicOf(json) { return U.sha3(U.transformToFullName(json)); }

    function decodeLog(json, log) {
        var indexed = json.inputs.filter(function (i) { return i.indexed; });
        var other = json.inputs.filter(function (i) { return !i.indexed; });
        var topics = json.anonymous ? log.topics : log.topics.slice(1), data = decode(typesOf(other), log.data.slice(2));
        var args = {};
        json.inputs.forEach(function (input) {
            if (!input.indexed) { args[input.name] = data[other.indexOf(input)]; return; }
            var topic = topics[indexed.indexOf(input)];
            args[input.name] = isDynamic(input.type) || element(input.type) ? topic : decode([input.type], topic.slice(2))[0];
        });
        F.outputLogFormatter(log);
        log.event = json.name;
        log.args = args;
        delete log.data;
        delete log.topics;
        return log;
    }

    function attachEvent(contract, json) {
        function event(wanted, options, callback) {
            var args = [].slice.call(arguments);
            callback = Web3.takeCallback(args);
            var o = filterOptions(args[1]);
            o.address = contract.address;
            o.topics = json.anonymous ? [] : [topicOf(json)];
            json.inputs.forEach(function (input) {
                if (!input.indexed) return;
                var v = (args[0] || {})[input.name];
                o.topics.push(v === undefined || v === null ? null
                            : Array.isArray(v) ? v.map(function (x) { return '0x' + encode([input.type], [x]); })
                            : '0x' + encode([input.type], [v]));
            });
            var filter = new Filter(['eth_newFilter', [o]], function (log) { return decodeLog(json, log); });
            filter.options = o;
            return callback ? filter.watch(callback) : filter;
        }
        attach(contract, json, event);
    }

    function attach(contract, json, call) {
        var name = json.name.split('(')[0];
        if (!contract[name]) contract[name] = call;
        contract[name][typesOf(json.inputs).join()] = call;
    }

    function attachFunction(contract, json) {
        var types = typesOf(json.inputs), outputs = typesOf(json.outputs);
        var constant = json.constant || json.stateMutability === 'view' || json.stateMutability === 'pure';
        var selector = topicOf(json).slice(0, 10);

        function payload(args) {
            var options = {};
            if (args.length > types.length && U.isObject(args[args.length - 1]) && !Array.isArray(args[args.length - 1]))
                options = args.pop();
            if (args.length !== types.length) throw new Error('Invalid number of arguments to Solidity function');
            var o = {};
            for (var key in options) o[key] = options[key];
            o.to = contract.address;
            o.data = selector + encode(types, args);
            return o;
        }
        function unpack(answer) {
            if (!answer || answer === '0x') return outputs.length ? (outputs.length === 1 ? decodeEmpty() : []) : [];
            var values = decode(outputs, answer.slice(2));
            return values.length === 1 ? values[0] : values;
        }
        function decodeEmpty() { return /^u?int/.test(outputs[0]) ? new BigNumber(0) : outputs[0] === 'bool' ? false : '0x'; }
        function call() {
            var args = [].slice.call(arguments), callback = Web3.takeCallback(args), block;
            if (args.length > types.length && !U.isObject(args[args.length - 1])) block = args.pop();
            return Web3.deliver(callback, function () { return unpack(web3.eth.call(payload(args), block)); });
        }
        function sendTransaction() {
            var args = [].slice.call(arguments), callback = Web3.takeCallback(args);
            return Web3.deliver(callback, function () { return web3.eth.sendTransaction(payload(args)); });
        }
        function run() { return (constant ? call : sendTransaction).apply(null, arguments); }
        run.call = call;
        run.sendTransaction = sendTransaction;
        run.estimateGas = function () {
            var args = [].slice.call(arguments), callback = Web3.takeCallback(args);
            return Web3.deliver(callback, function () { return web3.eth.estimateGas(payload(args)); });
        };
        run.getData = function () { return payload([].slice.call(arguments)).data; };
        run.request = function () {
            var args = [].slice.call(arguments), callback = Web3.takeCallback(args), p = payload(args);
            return { method: constant ? 'eth_call' : 'eth_sendTransaction', callback: callback, params: [p], format: unpack };
        };
        attach(contract, json, run);
    }

    function Contract(abi, address) {
        this.transactionHash = null;
        this.address = address;
        this.abi = abi;
    }
    function equip(contract) {
        contract.abi.forEach(function (json) {
            if (json.type === 'function' || json.type === undefined && json.name) attachFunction(contract, json);
            else if (json.type === 'event') attachEvent(contract, json);
        });
        contract.allEvents = function (options, callback) {
            var args = [].slice.call(arguments);
            callback = Web3.takeCallback(args);
            var o = filterOptions(args[0]);
            o.address = contract.address;
            var filter = new Filter(['eth_newFilter', [o]], function (log) {
                var json = contract.abi.filter(function (j) { return j.type === 'event' && topicOf(j) === log.topics[0]; })[0];
                return json ? decodeLog(json, log) : F.outputLogFormatter(log);
            });
            return callback ? filter.watch(callback) : filter;
        };
        return contract;
    }

    function creation(abi, args) {
        var types = typesOf((abi.filter(function (j) { return j.type === 'constructor'; })[0] || {}).inputs);
        var options = args.pop();
        if (args.length !== types.length) throw new Error('Invalid number of arguments to Solidity function');
        var o = {}, code = options.data || '';
        for (var key in options) o[key] = options[key];
        o.data = (code.indexOf('0x') === 0 ? code : '0x' + code) + encode(types, args);
        return o;
    }

    /* Waits for the receipt, some blocks at most, while the console is idle. */
    function awaitContract(contract, callback) {
        var until = web3.eth.blockNumber + DEPLOY_BLOCKS;
        var timer = setInterval(function () {
            try {
                var receipt = web3.eth.getTransactionReceipt(contract.transactionHash);
                if (!receipt) {
                    if (web3.eth.blockNumber <= until) return;
                    throw new Error("Contract transaction couldn't be found after " + DEPLOY_BLOCKS + ' blocks');
                }
                clearInterval(timer);
                timer = null;
                if (web3.eth.getCode(receipt.contractAddress).length <= 3)
                    throw new Error("The contract code couldn't be stored, please check your gas amount.");
                contract.address = receipt.contractAddress;
                equip(contract);
                callback(null, contract);
            } catch (error) {
                if (timer !== null) clearInterval(timer);
                callback(error);
            }
        }, POLL_MS);
    }

    function Factory(abi) { this.abi = abi; }
    Factory.prototype.at = function (address, callback) {
        var contract = equip(new Contract(this.abi, address));
        if (callback) callback(null, contract);
        return contract;
    };
    web3.eth.contract = __pretty.describe('abi', function (abi) {
        var factory = new Factory(abi);
        factory['new'] = function () {
            var contract = new Contract(abi), args = [].slice.call(arguments), callback = Web3.takeCallback(args);
            var transaction = creation(abi, args);
            if (!callback) {
                contract.transactionHash = web3.eth.sendTransaction(transaction);
                awaitContract(contract, function () {});
                return contract;
            }
            try { contract.transactionHash = web3.eth.sendTransaction(transaction); }
            catch (error) { callback(error); return undefined; }
            callback(null, contract);
            awaitContract(contract, callback);
            return contract;
        };
        factory['new'].getData = function () { return creation(abi, [].slice.call(arguments)).data; };
        return factory;
    });
    web3.eth.isSyncing = __pretty.describe('callback', function (callback) {
        var timer = setInterval(function () { callback(null, web3.eth.syncing); }, POLL_MS);
        return { stopWatching: function () { clearInterval(timer); }, addCallback: function () {} };
    });
})(__native);

/*
 * A web3 object in the shape of web3.js 0.20, as scripts for geth's console expect it: methods that ask at once and
 * return, or call back; getters for what has no parameters; big numbers where amounts are. What each method is called
 * and how its parameters and results are shaped stands in tables (namespaces.js).
 */
var Web3 = (function (native) {
    'use strict';
    var UNITS = {
        noether: '0', wei: '1', kwei: '1000', Kwei: '1000', babbage: '1000', femtoether: '1000',
        mwei: '1000000', Mwei: '1000000', lovelace: '1000000', picoether: '1000000',
        gwei: '1000000000', Gwei: '1000000000', shannon: '1000000000', nanoether: '1000000000', nano: '1000000000',
        szabo: '1000000000000', microether: '1000000000000', micro: '1000000000000',
        finney: '1000000000000000', milliether: '1000000000000000', milli: '1000000000000000',
        ether: '1000000000000000000', kether: '1000000000000000000000', grand: '1000000000000000000000',
        mether: '1000000000000000000000000', gether: '1000000000000000000000000000',
        tether: '1000000000000000000000000000000'
    };

    /* --- Utilities --- */

    var utils = {};
    utils.isString = function (v) { return typeof v === 'string'; };
    utils.isFunction = function (v) { return typeof v === 'function'; };
    utils.isObject = function (v) { return v !== null && typeof v === 'object'; };
    utils.isArray = Array.isArray;
    utils.isBoolean = function (v) { return typeof v === 'boolean'; };
    utils.isBigNumber = function (v) { return v instanceof BigNumber; };
    utils.isAddress = function (v) { /* of mixed case: its checksum must be right */
        return /^(0x)?[0-9a-f]{40}$/i.test(v) && (/^(0x)?([0-9a-f]{40}|[0-9A-F]{40})$/.test(v) || utils.isChecksumAddress(v));
    };
    utils.isStrictAddress = function (v) { return typeof v === 'string' && /^0x[0-9a-f]{40}$/i.test(v); };
    utils.toBigNumber = function (v) {
        v = v || 0;
        if (v instanceof BigNumber) return v;
        if (typeof v === 'string' && /^-?0x/.test(v)) return new BigNumber(v.replace('0x', ''), 16);
        return new BigNumber(v.toString(10), 10);
    };
    utils.toDecimal = function (v) { return utils.toBigNumber(v).toNumber(); };
    utils.fromDecimal = function (v) {
        var n = utils.toBigNumber(v), text = n.toString(16);
        return n.lt(0) ? '-0x' + text.substr(1) : '0x' + text;
    };
    utils.toTwosComplement = function (v) {
        var n = utils.toBigNumber(v).round(0, BigNumber.ROUND_DOWN);
        return n.lt(0) ? new BigNumber(2).pow(256).plus(n) : n;
    };
    utils.toUtf8Bytes = function (text) { /* as hex */
        var bytes = unescape(encodeURIComponent(text)), hex = '';
        for (var i = 0; i < bytes.length; i++) hex += ('0' + bytes.charCodeAt(i).toString(16)).slice(-2);
        return hex;
    };
    utils.fromUtf8 = function (text) { /* up to the first zero */
        return '0x' + utils.toUtf8Bytes(text.split('\u0000')[0]);
    };
    utils.fromAscii = function (text) {
        var hex = '';
        for (var i = 0; i < text.length; i++) {
            var code = text.charCodeAt(i).toString(16);
            hex += code.length < 2 ? '0' + code : code;
        }
        return '0x' + hex;
    };
    utils.toAscii = function (hex) {
        var text = '';
        for (var i = /^0x/.test(hex) ? 2 : 0; i < hex.length; i += 2)
            text += String.fromCharCode(parseInt(hex.substr(i, 2), 16));
        return text;
    };
    utils.toUtf8 = function (hex) {
        var text = utils.toAscii(hex), end = text.indexOf('\u0000');
        text = end >= 0 ? text.substring(0, end) : text;
        try { return decodeURIComponent(escape(text)); } catch (e) { throw new Error('Invalid UTF-8 detected'); }
    };
    utils.toHex = function (v) {
        if (typeof v === 'boolean') return utils.fromDecimal(+v);
        if (v instanceof BigNumber) return utils.fromDecimal(v);
        if (typeof v === 'object') return utils.fromUtf8(JSON.stringify(v));
        if (typeof v === 'string') {
            if (/^-0x/.test(v)) return utils.fromDecimal(v);
            if (/^0x/.test(v)) return v;
            if (!isFinite(v)) return utils.fromAscii(v);
        }
        return utils.fromDecimal(v);
    };
    function unit(name) {
        var value = UNITS[name === undefined ? 'ether' : name];
        if (!value)
            throw new Error("This unit doesn't exists, please use the one of the following units" +
                            JSON.stringify(UNITS, null, 2));
        return new BigNumber(value);
    }
    function asGiven(given, n) { return given instanceof BigNumber ? n : n.toString(10); }
    utils.toWei = function (v, name) { return asGiven(v, utils.toBigNumber(v).times(unit(name))); };
    utils.fromWei = function (v, name) { return asGiven(v, utils.toBigNumber(v).dividedBy(unit(name))); };
    utils.toChecksumAddress = function (address) {
        if (address === undefined) return '';
        var plain = address.toLowerCase().replace('0x', ''), hash = native.keccak(utils.toUtf8Bytes(plain)), out = '0x';
        for (var i = 0; i < plain.length; i++)
            out += parseInt(hash.charAt(i), 16) >= 8 ? plain.charAt(i).toUpperCase() : plain.charAt(i);
        return out;
    };
    utils.isChecksumAddress = function (address) {
        return /^(0x)?[0-9a-f]{40}$/i.test(address) &&
               utils.toChecksumAddress(address) === '0x' + address.replace('0x', '');
    };
    utils.padLeft = function (text, chars, sign) {
        while (String(text).length < chars) text = (sign || '0') + text;
        return String(text);
    };
    utils.padRight = function (text, chars, sign) {
        while (String(text).length < chars) text = text + (sign || '0');
        return String(text);
    };
    utils.sha3 = function (value, options) {
        value = value === undefined ? '' : String(value);
        var hex = options && options.encoding === 'hex' ? value.replace(/^0x/, '') : utils.toUtf8Bytes(value);
        return '0x' + native.keccak(hex);
    };
    utils.transformToFullName = function (json) {
        if (json.name.indexOf('(') >= 0) return json.name;
        return json.name + '(' + json.inputs.map(function (i) { return i.type; }).join() + ')';
    };

    /* --- Shapes of parameters and results --- */

    var format = {};
    format.inputAddressFormatter = function (address) {
        if (utils.isStrictAddress(address)) return address;
        if (utils.isAddress(address)) return '0x' + address;
        throw new Error('invalid address');
    };
    format.inputBlockNumberFormatter = function (block) {
        if (block === undefined) return undefined;
        if (/^(latest|earliest|pending|safe|finalized)$/.test(block)) return block;
        return utils.toHex(block);
    };
    format.inputDefaultBlockNumberFormatter = function (block) {
        return format.inputBlockNumberFormatter(block === undefined ? web3of.eth.defaultBlock : block);
    };
    function amounts(options) {
        ['gasPrice', 'gas', 'value', 'nonce'].forEach(function (key) {
            if (options[key] !== undefined) options[key] = utils.fromDecimal(options[key]);
        });
        return options;
    }
    function copyOf(options) {
        var copy = {};
        for (var key in options || {}) copy[key] = options[key];
        return copy;
    }
    function parties(given, from) {
        var options = copyOf(given);
        if (from !== undefined) options.from = format.inputAddressFormatter(from);
        if (options.to) options.to = format.inputAddressFormatter(options.to);
        return amounts(options);
    }
    format.inputCallFormatter = function (options) {
        return parties(options, (options || {}).from || web3of.eth.defaultAccount);
    };
    format.inputTransactionFormatter = function (options) {
        var from = (options || {}).from || web3of.eth.defaultAccount;
        return parties(options, from === undefined ? '' : from);
    };
    format.outputBigNumberFormatter = utils.toBigNumber;
    function decimals(object, keys) {
        keys.forEach(function (key) {
            if (object[key] !== null && object[key] !== undefined) object[key] = utils.toDecimal(object[key]);
        });
        return object;
    }
    format.outputTransactionFormatter = function (tx) {
        decimals(tx, ['blockNumber', 'transactionIndex', 'nonce', 'gas']);
        tx.gasPrice = utils.toBigNumber(tx.gasPrice);
        tx.value = utils.toBigNumber(tx.value);
        return tx;
    };
    format.outputLogFormatter = function (log) {
        return decimals(log, ['blockNumber', 'transactionIndex', 'logIndex']);
    };
    format.outputTransactionReceiptFormatter = function (receipt) {
        decimals(receipt, ['blockNumber', 'transactionIndex', 'cumulativeGasUsed', 'gasUsed']);
        if (utils.isArray(receipt.logs)) receipt.logs = receipt.logs.map(format.outputLogFormatter);
        return receipt;
    };
    format.outputBlockFormatter = function (block) {
        decimals(block, ['gasLimit', 'gasUsed', 'size', 'timestamp', 'number']);
        block.difficulty = utils.toBigNumber(block.difficulty);
        block.totalDifficulty = utils.toBigNumber(block.totalDifficulty);
        if (utils.isArray(block.transactions))
            block.transactions.forEach(function (tx) {
                if (!utils.isString(tx)) format.outputTransactionFormatter(tx);
            });
        return block;
    };
    format.outputSyncingFormatter = function (result) {
        return result && decimals(result, ['startingBlock', 'currentBlock', 'highestBlock', 'knownStates', 'pulledStates']);
    };

    /* --- Asking --- */

    var nextId = 1, web3of = null;

    function ask(method, params) {
        var answer = JSON.parse(native.send(JSON.stringify({
            jsonrpc: '2.0', id: nextId++, method: method, params: params
        })));
        if (answer.error) {
            var error = new Error(answer.error.message);
            error.code = answer.error.code;
            if (answer.error.data !== undefined) error.data = answer.error.data;
            throw error;
        }
        return answer.result;
    }

    /* What a method's call returns: at once, or by the callback that stands last. */
    function deliver(callback, make) {
        var result;
        if (!callback) return make();
        try { result = make(); } catch (error) { callback(error); return undefined; }
        callback(null, result);
        return undefined;
    }

    function takeCallback(args) {
        return args.length && typeof args[args.length - 1] === 'function' ? args.pop() : undefined;
    }

    function Method(options) {
        this.name = options.name;
        this.call = options.call;
        this.params = options.params || 0;
        this.inputFormatter = options.inputFormatter;
        this.outputFormatter = options.outputFormatter;
    }
    Method.prototype.format = function (args) {
        var params = this.inputFormatter ? this.inputFormatter.map(function (f, i) {
            return f ? f(args[i]) : args[i];
        }) : args;
        if (params.length !== this.params) throw new Error('Invalid number of input parameters to RPC method');
        return params;
    };
    Method.prototype.attach = function (target) {
        var method = this, path = this.name.split('.'), name = path.pop();
        path.forEach(function (part) { target = target[part] = target[part] || {}; });
        var call = function () {
            var args = [].slice.call(arguments), callback = takeCallback(args);
            var rpc = typeof method.call === 'function' ? method.call(args) : method.call, params = method.format(args);
            return deliver(callback, function () {
                var result = ask(rpc, params);
                return method.outputFormatter && result ? method.outputFormatter(result) : result;
            });
        };
        call.request = function () {
            var args = [].slice.call(arguments), callback = takeCallback(args);
            var rpc = typeof method.call === 'function' ? method.call(args) : method.call;
            return { method: rpc, params: method.format(args), callback: callback, format: method.outputFormatter };
        };
        target[name] = call;
    };

    function Property(options) {
        this.name = options.name;
        this.getter = options.getter;
        this.outputFormatter = options.outputFormatter;
    }
    Property.prototype.attach = function (target) {
        var property = this, path = this.name.split('.'), name = path.pop();
        path.forEach(function (part) { target = target[part] = target[part] || {}; });
        function get() {
            var result = ask(property.getter, []);
            return property.outputFormatter && result ? property.outputFormatter(result) : result;
        }
        Object.defineProperty(target, name, { get: get, enumerable: true, configurable: true });
        target['get' + name.charAt(0).toUpperCase() + name.slice(1)] = __pretty.describe('callback', function (callback) {
            return deliver(callback, get);
        });
    };

    function extend(web3, extension) {
        var target = web3;
        if (extension.property) target = web3[extension.property] = web3[extension.property] || {};
        (extension.methods || []).forEach(function (m) { m.attach(target); });
        (extension.properties || []).forEach(function (p) { p.attach(target); });
    }

    /* --- Things on top --- */

    function Batch() { this._requests = []; }
    Batch.prototype.add = function (request) { this._requests.push(request); };
    Batch.prototype.execute = function () {
        this._requests.forEach(function (r) {
            deliver(r.callback || function () {}, function () {
                var result = ask(r.method, r.params);
                return r.format && result ? r.format(result) : result;
            });
        });
    };

    /* Requests as they are, one or a list of them. */
    var provider = {
        send: function (payload) {
            if (Array.isArray(payload)) return payload.map(provider.send);
            var request = { jsonrpc: '2.0', id: payload.id || 0, method: payload.method, params: payload.params || [] };
            return JSON.parse(native.send(JSON.stringify(request)));
        },
        sendAsync: function (payload, callback) {
            return deliver(callback, function () { return provider.send(payload); });
        }
    };

    function Web3() {
        var web3 = this;
        web3of = this;
        this.currentProvider = provider;
        this.eth = {};
        this.settings = {};
        ['defaultAccount', 'defaultBlock'].forEach(function (name) {
            Object.defineProperty(web3.settings, name, {
                enumerable: true, get: function () { return web3.eth[name]; }, set: function (v) { web3.eth[name] = v; }
            });
        });
        this.version = { api: '0.20.1' };
        this._extend = __pretty.describe('extension', function (extension) { extend(web3, extension); });
        this._extend.Method = Method;
        this._extend.Property = Property;
        this._extend.formatters = format;
        this._extend.utils = utils;
    }
    ['toBigNumber', 'toDecimal', 'fromDecimal', 'toHex', 'toAscii', 'toUtf8', 'fromAscii', 'fromUtf8', 'toWei', 'fromWei', 'isAddress',
     'isChecksumAddress', 'toChecksumAddress', 'padLeft', 'padRight', 'sha3'].forEach(function (name) { Web3.prototype[name] = utils[name]; });
    Web3.prototype.BigNumber = BigNumber;
    Web3.prototype.setProvider = function () {
        throw new Error('the console is connected to one node: attach to another with geth attach ENDPOINT');
    };
    Web3.prototype.isConnected = function () {
        try { ask('web3_clientVersion', []); return true; } catch (e) { return false; }
    };
    Web3.prototype.createBatch = function () { return new Batch(); };
    Web3.prototype.reset = function () { native.clearTimers(); };
    Web3.ask = ask;
    Web3.deliver = deliver;
    Web3.takeCallback = takeCallback;
    Web3.utils = utils;
    Web3.format = format;
    return Web3;
})(__native);

function require(name) {
    if (name === 'web3') return Web3;
    if (name === 'bignumber.js') return BigNumber;
    throw new Error("Cannot find module '" + name + "'");
}

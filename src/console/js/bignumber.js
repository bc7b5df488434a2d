/*
 * Decimal numbers of any size in the shape of bignumber.js 2.0, which scripts for geth's console know: exact but for quotients,
 * roots and negative powers, which keep DECIMAL_PLACES decimals, rounded by ROUNDING_MODE.
 *
 * A number is sign * digits * 10^-scale (__natural's digits), without trailing zeros behind the point; or NaN or infinite.
 */
var BigNumber = (function (N) {
    'use strict';
    var ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz', EXPONENT_LOW = -7, EXPONENT_HIGH = 21, POWER_DIGITS = 100;
    var settings = {
        DECIMAL_PLACES: 20, ROUNDING_MODE: 4, EXPONENTIAL_AT: [EXPONENT_LOW, EXPONENT_HIGH], RANGE: [-1e9, 1e9], ERRORS: true,
        CRYPTO: false, MODULO_MODE: 1, POW_PRECISION: POWER_DIGITS,
        FORMAT: { decimalSeparator: '.', groupSeparator: ',', groupSize: 3, secondaryGroupSize: 0,
                  fractionGroupSeparator: '\u00a0', fractionGroupSize: 0 }
    };

    function fail(who, why, value) {
        var e = new Error(who + '() ' + why + ': ' + value);
        e.name = 'BigNumber Error';
        throw e;
    }

    /* --- Making --- */

    function make(sign, digits, scale, special) {
        var n = Object.create(BigNumber.prototype);
        while (scale > 0 && digits.length) {
            var d = N.divmod(digits, [10]);
            if (d[1].length) break;
            digits = d[0];
            scale--;
        }
        hide(n, '_sign', sign < 0 ? -1 : 1);
        hide(n, '_digits', digits);
        hide(n, '_scale', digits.length ? scale : 0);
        hide(n, '_special', special || '');
        return n;
    }
    function hide(object, name, value) { Object.defineProperty(object, name, { value: value, writable: true }); }
    function notANumber() { return make(1, [], 0, 'NaN'); }
    function infinite(sign) { return make(sign, [], 0, 'Infinity'); }

    function fromBase(sign, text, base, who) {
        var r = [], parts = text.toLowerCase().split('.'), all = parts.join('');
        if (base < 2 || base > 64 || base !== Math.floor(base)) fail(who, 'base out of range', base);
        if (!all.length || parts.length > 2) fail(who, 'not a base ' + base + ' number', text);
        for (var i = 0; i < all.length; i++) {
            var digit = ALPHABET.indexOf(all.charAt(i));
            if (digit < 0 || digit >= base) fail(who, 'not a base ' + base + ' number', text);
            r = N.add(N.mul(r, N.small(base)), N.small(digit));
        }
        var whole = make(sign, r, 0);
        return parts[1] ? quotient(whole, make(1, N.power(base, parts[1].length), 0), settings.DECIMAL_PLACES) : whole;
    }

    function parse(value, base, who) {
        if (value instanceof BigNumber) return value;
        if (typeof value === 'number' && /\d/.test(value) && String(value).replace(/e.*|[-.]/g, '').replace(/^0+|0+$/g, '').length > 15)
            fail(who, 'number type has more than 15 significant digits', value);
        var given = String(value), text = given.trim(), sign = 1;
        if (text.charAt(0) === '-' || text.charAt(0) === '+') {
            sign = text.charAt(0) === '-' ? -1 : 1;
            text = text.substring(1);
        }
        if (text === 'NaN') return notANumber();
        if (text === 'Infinity') return infinite(sign);
        if (base && base !== 10) return fromBase(sign, text, base, who);
        var m = /^(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(text);
        if (!m || !(m[1] || m[2])) fail(who, 'not a number', given);
        var fraction = m[2] || '', power = Number(m[3] || 0) - fraction.length, digits = N.parse((m[1] || '') + fraction);
        return power >= 0 ? make(sign, digits.length ? N.mul(digits, N.power10(power)) : digits, 0) : make(sign, digits, -power);
    }

    function BigNumber(value, base) {
        if (!(this instanceof BigNumber)) fail('BigNumber', 'constructor call without new', value);
        var n = parse(value, base, 'new BigNumber');
        hide(this, '_sign', n._sign);
        hide(this, '_digits', n._digits);
        hide(this, '_scale', n._scale);
        hide(this, '_special', n._special);
    }

    /* --- Rounding --- */

    /* digits / divisor as a whole number, by one of the modes 0 (up) to 8 (half floor); `more`: something is left behind the digits. */
    function roundedQuotient(sign, digits, divisor, mode, more) {
        var d = N.divmod(digits, divisor), half = N.compare(N.mul(d[1], [2]), divisor), up;
        if (half === 0 && more) half = 1;
        if (!d[1].length && !more) return d[0];
        if (mode === 0) up = true;
        else if (mode === 1) up = false;
        else if (mode === 2) up = sign > 0;
        else if (mode === 3) up = sign < 0;
        else if (half !== 0) up = half > 0;
        else if (mode === 6) up = d[0].length > 0 && d[0][0] % 2 === 1;
        else up = mode === 4 || (mode === 7 && sign > 0) || (mode === 8 && sign < 0);
        return up ? N.add(d[0], [1]) : d[0];
    }
    function modeOf(mode) { return mode === undefined || mode === null ? settings.ROUNDING_MODE : mode; }
    function toPlaces(n, places, mode) {
        if (n._special || n._scale <= places) return n;
        var drop = n._scale - places, digits = roundedQuotient(n._sign, n._digits, N.power10(drop), modeOf(mode));
        return places >= 0 ? make(n._sign, digits, places) : make(n._sign, N.mul(digits, N.power10(-places)), 0);
    }
    function exponentOf(n) { return n._digits.length ? N.text(n._digits).length - n._scale - 1 : 0; }
    function toSignificant(n, count, mode) { return n._digits.length ? toPlaces(n, count - 1 - exponentOf(n), mode) : n; }

    /* --- Arithmetic --- */

    function align(a, b) {
        var scale = Math.max(a._scale, b._scale);
        return { a: N.mul(a._digits, N.power10(scale - a._scale)), b: N.mul(b._digits, N.power10(scale - b._scale)), scale: scale };
    }
    function sum(a, b, sign) {
        var bs = b._sign * sign;
        if (a._special === 'NaN' || b._special === 'NaN') return notANumber();
        if (a._special) return b._special && bs !== a._sign ? notANumber() : infinite(a._sign);
        if (b._special) return infinite(bs);
        var both = align(a, b);
        if (a._sign === bs) return make(a._sign, N.add(both.a, both.b), both.scale);
        var order = N.compare(both.a, both.b);
        return order === 0 ? make(1, [], 0)
             : order > 0 ? make(a._sign, N.sub(both.a, both.b), both.scale) : make(bs, N.sub(both.b, both.a), both.scale);
    }
    function order(a, b) { /* null: one is no number */
        if (a._special === 'NaN' || b._special === 'NaN') return null;
        if (a._special || b._special) {
            var x = a._special ? a._sign : 0, y = b._special ? b._sign : 0;
            return x === y ? 0 : x > y ? 1 : -1;
        }
        var both = align(a, b), zero = !both.a.length && !both.b.length;
        if (zero) return 0;
        if (a._sign !== b._sign) return both.a.length && a._sign > 0 || both.b.length && b._sign < 0 ? 1 : -1;
        return a._sign * N.compare(both.a, both.b);
    }
    function quotient(a, b, places, mode) {
        var sign = a._sign * b._sign;
        if (a._special === 'NaN' || b._special === 'NaN' || (a._special && b._special)) return notANumber();
        if (a._special) return infinite(sign);
        if (b._special) return make(sign, [], 0);
        if (!b._digits.length) return a._digits.length ? infinite(sign) : notANumber();
        var both = align(a, b);
        return make(sign, roundedQuotient(sign, N.mul(both.a, N.power10(places)), both.b, modeOf(mode)), places);
    }
    function product(a, b) {
        var zero = (!a._special && !a._digits.length) || (!b._special && !b._digits.length);
        if (a._special === 'NaN' || b._special === 'NaN' || ((a._special || b._special) && zero)) return notANumber();
        if (a._special || b._special) return infinite(a._sign * b._sign);
        return make(a._sign * b._sign, N.mul(a._digits, b._digits), a._scale + b._scale);
    }
    function modulo(a, b) {
        if (a._special || b._special === 'NaN' || (!b._special && !b._digits.length)) return notANumber();
        if (b._special) return a;
        var both = align(a, b);
        return make(a._sign, N.divmod(both.a, both.b)[1], both.scale);
    }
    function power(n, exponent) {
        var result = make(1, [1], 0), base = n;
        for (var e = Math.abs(exponent); e > 0; e = Math.floor(e / 2)) {
            if (e % 2) result = product(result, base);
            if (e > 1) base = product(base, base);
        }
        if (exponent < 0) return quotient(make(1, [1], 0), result, settings.DECIMAL_PLACES);
        return N.text(result._digits).length > settings.POW_PRECISION ? toSignificant(result, settings.POW_PRECISION) : result;
    }
    function squareRoot(n) {
        if (n._special === 'NaN' || (n._sign < 0 && (n._special || n._digits.length))) return notANumber();
        if (n._special || !n._digits.length) return n;
        var places = settings.DECIMAL_PLACES + 1, shift = 2 * places - n._scale;
        var whole = shift >= 0 ? [N.mul(n._digits, N.power10(shift)), []] : N.divmod(n._digits, N.power10(-shift));
        var root = N.root(whole[0]), digits = roundedQuotient(1, root[0], [10], settings.ROUNDING_MODE, root[1] || whole[1].length > 0);
        return make(1, digits, places - 1);
    }

    /* --- Texts --- */

    function signText(n) { return n._sign < 0 ? '-' : ''; }
    function specialText(n) { return n._special === 'NaN' ? 'NaN' : signText(n) + 'Infinity'; }
    function plain(n, places, mode) {
        if (n._special) return specialText(n);
        var r = places === undefined || places === null ? n : toPlaces(n, places, mode);
        var text = N.text(r._digits), wanted = places === undefined || places === null ? r._scale : places;
        if (r._scale) {
            while (text.length <= r._scale) text = '0' + text;
            text = text.slice(0, -r._scale) + '.' + text.slice(-r._scale);
        }
        if (wanted > r._scale) {
            text += r._scale ? '' : '.';
            for (var i = r._scale; i < wanted; i++) text += '0';
        }
        return (r._digits.length || places !== undefined ? signText(n) : '') + text;
    }
    function exponential(n, count) { /* with as many digits behind the first, or as many as there are */
        if (n._special) return specialText(n);
        var digits = N.text(n._digits), power = exponentOf(n), mantissa = digits.replace(/0+$/, '') || '0';
        while (count !== undefined && mantissa.length <= count) mantissa += '0';
        return signText(n) + mantissa.charAt(0) + (mantissa.length > 1 ? '.' + mantissa.slice(1) : '') + 'e' + (power < 0 ? '' : '+') + power;
    }
    function shown(n) {
        if (n._special) return specialText(n);
        var power = exponentOf(n);
        if (!n._digits.length) return '0';
        return power > settings.EXPONENTIAL_AT[0] && power < settings.EXPONENTIAL_AT[1] ? plain(n) : exponential(n);
    }
    function wholeText(digits, base) {
        var text = '', b = [base];
        while (digits.length) {
            var d = N.divmod(digits, b);
            text = ALPHABET.charAt(d[1][0] || 0) + text;
            digits = d[0];
        }
        return text;
    }
    /* Behind the point as many digits of the base as there are decimal places. */
    function toBase(n, base) {
        if (n._special) return specialText(n);
        var places = n._scale ? settings.DECIMAL_PLACES : 0;
        var digits = N.mul(n._digits, N.power(base, places));
        var text = wholeText(roundedQuotient(n._sign, digits, N.power10(n._scale), settings.ROUNDING_MODE), base);
        if (!places) return (text ? signText(n) : '') + (text || '0');
        while (text.length <= places) text = '0' + text;
        return signText(n) + (text.slice(0, -places) + '.' + text.slice(-places)).replace(/\.?0+$/, '');
    }
    function formatted(n, places, mode) {
        if (n._special) return specialText(n);
        var parts = plain(n, places, mode).split('.');
        parts[0] = parts[0].replace(/\B(?=(\d{3})+$)/g, ',');
        return parts.join('.');
    }

    /* The fraction, with at most that denominator: by its continued fraction. */
    function fraction(n, most) {
        if (n._special) return [specialText(n)];
        var a = n._digits, b = N.power10(n._scale), limit = most === undefined || most === null ? null : parse(most, 0, 'toFraction')._digits;
        var p = [[], [1]], q = [[1], []], d;
        if (limit === null) return [signText(n) + N.text(a), N.text(b)];
        while (b.length) {
            d = N.divmod(a, b);
            var bottom = N.add(N.mul(d[0], q[1]), q[0]);
            if (limit && N.compare(bottom, limit) > 0) break;
            p = [p[1], N.add(N.mul(d[0], p[1]), p[0])];
            q = [q[1], bottom];
            a = b;
            b = d[1];
        }
        return [signText(n) + N.text(p[1]), N.text(q[1])];
    }

    function wholeNumber(value, who, what) {
        if (typeof value !== 'number' && !/^[+-]?\d+$/.test(value) || Math.floor(value) !== Number(value)) fail(who, what + ' not an integer', value);
        return Number(value);
    }
    function places(value, who) { return value === undefined || value === null ? undefined : wholeNumber(value, who, 'decimal places'); }
    function compareAs(who, test) {
        return function (b, base) {
            var o = order(this, parse(b, base, who));
            return o !== null && test(o);
        };
    }

    var methods = {
        plus: function (b, base) { return sum(this, parse(b, base, 'plus'), 1); },
        minus: function (b, base) { return sum(this, parse(b, base, 'minus'), -1); },
        times: function (b, base) { return product(this, parse(b, base, 'times')); },
        dividedBy: function (b, base) { return quotient(this, parse(b, base, 'div'), settings.DECIMAL_PLACES); },
        dividedToIntegerBy: function (b, base) { return quotient(this, parse(b, base, 'divToInt'), 0, 1); },
        modulo: function (b, base) { return modulo(this, parse(b, base, 'mod')); },
        toPower: function (n) { return power(this, wholeNumber(n, 'pow', 'exponent')); },
        squareRoot: function () { return squareRoot(this); },
        shift: function (n) { return product(this, parse('1e' + wholeNumber(n, 'shift', 'argument'), 0, 'shift')); },
        negated: function () { return make(-this._sign, this._digits, this._scale, this._special); },
        absoluteValue: function () { return make(1, this._digits, this._scale, this._special); },
        floor: function () { return toPlaces(this, 0, 3); },
        ceil: function () { return toPlaces(this, 0, 2); },
        truncated: function () { return toPlaces(this, 0, 1); },
        round: function (n, mode) { return toPlaces(this, places(n, 'round') || 0, mode); },
        toDigits: function (count, mode) { return count === undefined ? this : toSignificant(this, count, mode); },
        comparedTo: function (b, base) { return order(this, parse(b, base, 'cmp')); },
        equals: compareAs('eq', function (o) { return o === 0; }),
        greaterThan: compareAs('gt', function (o) { return o > 0; }),
        greaterThanOrEqualTo: compareAs('gte', function (o) { return o >= 0; }),
        lessThan: compareAs('lt', function (o) { return o < 0; }),
        lessThanOrEqualTo: compareAs('lte', function (o) { return o <= 0; }),
        isNaN: function () { return this._special === 'NaN'; },
        isFinite: function () { return !this._special; },
        isInteger: function () { return !this._special && this._scale === 0; },
        isNegative: function () { return this._sign < 0; },
        isZero: function () { return !this._special && !this._digits.length; },
        decimalPlaces: function () { return this._special ? null : this._scale; },
        precision: function (zeros) {
            if (this._special) return null;
            var text = N.text(this._digits);
            return zeros || this._scale ? text.length : text.replace(/0+$/, '').length || 1;
        },
        toNumber: function () { return Number(this._special ? specialText(this) : plain(this)); },
        toFixed: function (n, mode) { return plain(this, places(n, 'toFixed'), mode); },
        toFormat: function (n, mode) { return formatted(this, places(n, 'toFormat'), mode); },
        toExponential: function (n, mode) {
            n = places(n, 'toExponential');
            return exponential(n === undefined ? this : toSignificant(this, n + 1, mode), n);
        },
        toPrecision: function (count, mode) {
            if (count === undefined || count === null || this._special) return shown(this);
            var r = toSignificant(this, wholeNumber(count, 'toPrecision', 'precision'), mode), power = exponentOf(r);
            return power < count && power > settings.EXPONENTIAL_AT[0] ? plain(r, count - 1 - power) : exponential(r, count - 1);
        },
        toFraction: function (most) { return fraction(this, most); },
        toString: function (base) {
            return !base || base < 2 || base > 36 ? shown(this) : base === 10 ? plain(this) : toBase(this, base);
        },
        valueOf: function () { return shown(this); },
        toJSON: function () { return shown(this); }
    };
    var shorter = {
        add: 'plus', sub: 'minus', mul: 'times', div: 'dividedBy', divToInt: 'dividedToIntegerBy', mod: 'modulo', pow: 'toPower',
        sqrt: 'squareRoot', neg: 'negated', abs: 'absoluteValue', trunc: 'truncated', cmp: 'comparedTo', eq: 'equals', gt: 'greaterThan',
        gte: 'greaterThanOrEqualTo', lt: 'lessThan', lte: 'lessThanOrEqualTo', isInt: 'isInteger', isNeg: 'isNegative',
        dp: 'decimalPlaces', sd: 'precision'
    };
    Object.keys(shorter).forEach(function (name) { methods[name] = methods[shorter[name]]; });
    Object.keys(methods).forEach(function (name) { Object.defineProperty(BigNumber.prototype, name, { value: methods[name] }); });

    /* sign, exponent and digits in groups of 14 from the point, as scripts look for them. */
    function look(name, get) { Object.defineProperty(BigNumber.prototype, name, { get: get }); }
    look('s', function () { return this._special === 'NaN' ? null : this._sign; });
    look('e', function () { return this._special ? null : exponentOf(this); });
    look('c', function () {
        if (this._special) return null;
        if (!this._digits.length) return [0];
        var text = N.text(this._digits).replace(/0+$/, ''), first = ((exponentOf(this) + 1) % 14 + 14) % 14 || 14;
        var groups = [text.substr(0, first)];
        for (var at = first; at < text.length; at += 14) groups.push(text.substr(at, 14));
        return groups.map(function (group, i) {
            while (group.length < (i ? 14 : first)) group += '0';
            return Number(group);
        });
    });

    function extreme(list, keep) {
        var all = Array.isArray(list[0]) ? list[0] : [].slice.call(list);
        return all.map(function (v) { return parse(v, 0, 'new BigNumber'); }).reduce(function (a, b) { return keep(a, b) ? a : b; },
                                                                                       parse(all[0], 0, 'new BigNumber'));
    }
    BigNumber.max = function () { return extreme(arguments, function (a, b) { return a.gte(b); }); };
    BigNumber.min = function () { return extreme(arguments, function (a, b) { return a.lte(b); }); };
    BigNumber.config = function (wanted) {
        for (var key in wanted || {}) if (settings.hasOwnProperty(key)) settings[key] = wanted[key];
        return JSON.parse(JSON.stringify(settings));
    };
    BigNumber.random = function (count) {
        var text = '0.';
        for (var i = count === undefined ? settings.DECIMAL_PLACES : count; i > 0; i--) text += Math.floor(Math.random() * 10);
        return parse(text + '0', 0, 'random');
    };
    ['UP', 'DOWN', 'CEIL', 'FLOOR', 'HALF_UP', 'HALF_DOWN', 'HALF_EVEN', 'HALF_CEIL', 'HALF_FLOOR'].forEach(function (name, i) {
        BigNumber['ROUND_' + name] = i;
    });
    BigNumber.EUCLID = 9;
    return BigNumber;
})(__natural);

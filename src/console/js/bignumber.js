/*
 * Decimal numbers of any size, enough of bignumber.js's shape for scripts written against web3 0.20: exact but for
 * division, which keeps 20 decimals, rounded down as web3 sets it.
 *
 * A number is sign * digits * 10^-scale; `digits` is an array of base 10^7, lowest first, without leading zeros.
 */
var BigNumber = (function () {
    'use strict';
    var BASE = 10000000, WIDTH = 7, PLACES = 20, ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';

    /* --- Whole numbers without sign --- */

    function trim(a) {
        while (a.length && a[a.length - 1] === 0) a.pop();
        return a;
    }

    function compare(a, b) {
        if (a.length !== b.length) return a.length < b.length ? -1 : 1;
        for (var i = a.length - 1; i >= 0; i--)
            if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1;
        return 0;
    }

    function add(a, b) {
        var r = [], carry = 0;
        for (var i = 0; i < a.length || i < b.length || carry; i++) {
            carry += (a[i] || 0) + (b[i] || 0);
            r.push(carry % BASE);
            carry = carry >= BASE ? 1 : 0;
        }
        return r;
    }

    function sub(a, b) { /* a >= b */
        var r = [], borrow = 0;
        for (var i = 0; i < a.length; i++) {
            var d = a[i] - (b[i] || 0) - borrow;
            borrow = d < 0 ? 1 : 0;
            r.push(d + borrow * BASE);
        }
        return trim(r);
    }

    function mul(a, b) {
        var r = [];
        for (var i = 0; i < a.length + b.length; i++) r.push(0);
        for (i = 0; i < a.length; i++) {
            var carry = 0;
            for (var k = 0; k < b.length || carry; k++) {
                carry += r[i + k] + a[i] * (b[k] || 0);
                r[i + k] = carry % BASE;
                carry = Math.floor(carry / BASE);
            }
        }
        return trim(r);
    }

    function small(n) {
        var r = [];
        for (; n > 0; n = Math.floor(n / BASE)) r.push(n % BASE);
        return r;
    }

    /* [quotient, rest] */
    function divmod(a, b) {
        var q = [], rest = [];
        for (var i = a.length - 1; i >= 0; i--) {
            rest.unshift(a[i]);
            trim(rest);
            var low = 0, high = BASE - 1;
            while (low < high) {
                var middle = Math.ceil((low + high) / 2);
                if (compare(mul(b, small(middle)), rest) <= 0) low = middle;
                else high = middle - 1;
            }
            q[i] = low;
            if (low) rest = sub(rest, mul(b, small(low)));
        }
        return [trim(q), rest];
    }

    function power10(n) {
        var r = [];
        for (var i = 0; i < Math.floor(n / WIDTH); i++) r.push(0);
        r.push(Math.pow(10, n % WIDTH));
        return r;
    }

    function parseDigits(text) {
        var r = [];
        for (var end = text.length; end > 0; end -= WIDTH)
            r.push(parseInt(text.substring(Math.max(0, end - WIDTH), end), 10));
        return trim(r);
    }

    function digitsText(a) {
        if (!a.length) return '0';
        var text = String(a[a.length - 1]);
        for (var i = a.length - 2; i >= 0; i--) text += ('000000' + a[i]).slice(-WIDTH);
        return text;
    }

    /* --- Numbers --- */

    function make(sign, digits, scale) {
        var n = Object.create(BigNumber.prototype);
        var ten = [10];
        while (scale > 0 && digits.length) {
            var d = divmod(digits, ten);
            if (d[1].length) break;
            digits = d[0];
            scale--;
        }
        n.s = digits.length ? sign : 1;
        n.c = digits;
        n.e = digits.length ? scale : 0;
        n.nan = false;
        return n;
    }

    function notANumber() {
        var n = make(1, [], 0);
        n.nan = true;
        return n;
    }

    function fromBase(sign, text, base) {
        var r = [], b = [base];
        text = text.toLowerCase();
        if (!text.length) return notANumber();
        for (var i = 0; i < text.length; i++) {
            var digit = ALPHABET.indexOf(text.charAt(i));
            if (digit < 0 || digit >= base) return notANumber();
            r = add(mul(r, b), small(digit));
        }
        return make(sign, trim(r), 0);
    }

    function parse(value, base) {
        if (value instanceof BigNumber) return value;
        var text = String(value).trim(), sign = 1;
        if (text.charAt(0) === '-' || text.charAt(0) === '+') {
            sign = text.charAt(0) === '-' ? -1 : 1;
            text = text.substring(1);
        }
        if (base && base !== 10) return fromBase(sign, text.replace(/^0x/i, ''), base);
        if (/^0x/i.test(text)) return fromBase(sign, text.substring(2), 16);
        var m = /^(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(text);
        if (!m || (!m[1] && !m[2])) return notANumber();
        var digits = parseDigits((m[1] || '') + (m[2] || ''));
        var scale = (m[2] || '').length - (m[3] ? parseInt(m[3], 10) : 0);
        if (Math.abs(scale) > 10000) throw new Error('the exponent of ' + value + ' is too large');
        if (scale < 0) {
            digits = mul(digits, power10(-scale));
            scale = 0;
        }
        return make(sign, digits, scale);
    }

    function BigNumber(value, base) {
        var n = parse(value, base);
        if (!(this instanceof BigNumber)) return n;
        this.s = n.s;
        this.c = n.c;
        this.e = n.e;
        this.nan = n.nan;
    }

    /* Both with the same scale. */
    function align(a, b) {
        var scale = Math.max(a.e, b.e);
        return {
            scale: scale,
            a: mul(a.c, power10(scale - a.e)),
            b: mul(b.c, power10(scale - b.e))
        };
    }

    function sum(a, b, sign) {
        if (a.nan || b.nan) return notANumber();
        var both = align(a, b), bs = b.s * sign;
        if (a.s === bs) return make(a.s, add(both.a, both.b), both.scale);
        var order = compare(both.a, both.b);
        if (order >= 0) return make(a.s, sub(both.a, both.b), both.scale);
        return make(bs, sub(both.b, both.a), both.scale);
    }

    function order(a, b) {
        if (a.nan || b.nan) return null;
        if (a.s !== b.s) return a.s;
        var both = align(a, b);
        return a.s * compare(both.a, both.b);
    }

    /* Whole part, toward zero (0), toward +∞ (1), toward -∞ (2), or to the nearest, half away from zero (3). */
    function toPlaces(n, places, how) {
        if (n.nan || n.e <= places) return n;
        var d = divmod(n.c, power10(n.e - places)), up = false;
        if (d[1].length)
            up = how === 1 ? n.s > 0 : how === 2 ? n.s < 0 :
                 how === 3 && compare(mul(d[1], [2]), power10(n.e - places)) >= 0;
        return make(n.s, up ? add(d[0], [1]) : d[0], places);
    }

    function toBase(n, base) {
        var whole = toPlaces(n, 0, 0), text = '', rest = whole.c, b = [base];
        while (rest.length) {
            var d = divmod(rest, b);
            text = ALPHABET.charAt(d[1][0] || 0) + text;
            rest = d[0];
        }
        return (whole.s < 0 ? '-' : '') + (text || '0');
    }

    function plain(n, places) {
        if (n.nan) return 'NaN';
        var r = places === undefined ? n : toPlaces(n, places, 3);
        var text = digitsText(r.c), wanted = places === undefined ? r.e : places;
        if (r.e) {
            while (text.length <= r.e) text = '0' + text;
            text = text.slice(0, -r.e) + '.' + text.slice(-r.e);
        }
        if (wanted > r.e) {
            text += r.e ? '' : '.';
            for (var i = r.e; i < wanted; i++) text += '0';
        }
        return (r.s < 0 ? '-' : '') + text;
    }

    /* As numbers are shown: from 21 digits on with an exponent. */
    function shown(n) {
        var text = plain(n), whole = digitsText(n.c);
        if (n.nan || whole.length - n.e <= 21 && (whole.length - n.e > -7 || !n.c.length)) return text;
        var power = whole.length - n.e - 1, mantissa = whole.replace(/0+$/, '');
        return (n.s < 0 ? '-' : '') + mantissa.charAt(0) +
               (mantissa.length > 1 ? '.' + mantissa.slice(1) : '') + 'e' + (power < 0 ? '' : '+') + power;
    }

    var methods = {
        plus: function (b) { return sum(this, parse(b), 1); },
        minus: function (b) { return sum(this, parse(b), -1); },
        times: function (b) {
            b = parse(b);
            if (this.nan || b.nan) return notANumber();
            return make(this.s * b.s, mul(this.c, b.c), this.e + b.e);
        },
        dividedBy: function (b) {
            b = parse(b);
            if (this.nan || b.nan || !b.c.length) return notANumber();
            var both = align(this, b);
            return make(this.s * b.s, divmod(mul(both.a, power10(PLACES)), both.b)[0], PLACES);
        },
        dividedToIntegerBy: function (b) { return toPlaces(this.dividedBy(b), 0, 0); },
        modulo: function (b) {
            b = parse(b);
            if (this.nan || b.nan || !b.c.length) return notANumber();
            var both = align(this, b);
            return make(this.s, divmod(both.a, both.b)[1], both.scale);
        },
        toPower: function (n) {
            var result = make(1, [1], 0), base = this;
            if (n < 0) return result.dividedBy(this.toPower(-n));
            for (; n > 0; n = Math.floor(n / 2)) {
                if (n % 2) result = result.times(base);
                base = base.times(base);
            }
            return result;
        },
        negated: function () { return make(-this.s, this.c, this.e); },
        absoluteValue: function () { return make(1, this.c, this.e); },
        floor: function () { return toPlaces(this, 0, 2); },
        ceil: function () { return toPlaces(this, 0, 1); },
        truncated: function () { return toPlaces(this, 0, 0); },
        round: function (places) { return toPlaces(this, places || 0, 3); },
        comparedTo: function (b) { return order(this, parse(b)); },
        equals: function (b) { return order(this, parse(b)) === 0; },
        greaterThan: function (b) { return order(this, parse(b)) > 0; },
        greaterThanOrEqualTo: function (b) { var o = order(this, parse(b)); return o !== null && o >= 0; },
        lessThan: function (b) { return order(this, parse(b)) < 0; },
        lessThanOrEqualTo: function (b) { var o = order(this, parse(b)); return o !== null && o <= 0; },
        isNaN: function () { return this.nan; },
        isFinite: function () { return !this.nan; },
        isInteger: function () { return !this.nan && this.e === 0; },
        isNegative: function () { return this.s < 0; },
        isZero: function () { return !this.nan && !this.c.length; },
        decimalPlaces: function () { return this.e; },
        toNumber: function () { return Number(plain(this)); },
        toFixed: function (places) { return plain(this, places); },
        toString: function (base) {
            return !base ? shown(this) : base === 10 ? plain(this) : toBase(this, base);
        },
        valueOf: function () { return shown(this); },
        toJSON: function () { return shown(this); }
    };
    methods.add = methods.plus;
    methods.sub = methods.minus;
    methods.mul = methods.times;
    methods.div = methods.dividedBy;
    methods.divToInt = methods.dividedToIntegerBy;
    methods.mod = methods.modulo;
    methods.pow = methods.toPower;
    methods.neg = methods.negated;
    methods.abs = methods.absoluteValue;
    methods.trunc = methods.truncated;
    methods.cmp = methods.comparedTo;
    methods.eq = methods.equals;
    methods.gt = methods.greaterThan;
    methods.gte = methods.greaterThanOrEqualTo;
    methods.lt = methods.lessThan;
    methods.lte = methods.lessThanOrEqualTo;
    methods.isInt = methods.isInteger;
    methods.isNeg = methods.isNegative;
    methods.dp = methods.decimalPlaces;
    for (var name in methods)
        Object.defineProperty(BigNumber.prototype, name, { value: methods[name] });
    BigNumber.max = function () {
        var all = [].slice.call(arguments).map(function (v) { return parse(v); });
        return all.reduce(function (a, b) { return a.gt(b) ? a : b; });
    };
    BigNumber.min = function () {
        var all = [].slice.call(arguments).map(function (v) { return parse(v); });
        return all.reduce(function (a, b) { return a.lt(b) ? a : b; });
    };
    BigNumber.config = function () { return {}; };
    return BigNumber;
})();

/* Whole numbers without sign for BigNumber: arrays of base 10^7, lowest first, without leading zeros. */
var __natural = (function () {
    'use strict';
    var BASE = 10000000, WIDTH = 7;

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

    function power(base, n) {
        var result = [1];
        for (base = small(base); n > 0; n = Math.floor(n / 2)) {
            if (n % 2) result = mul(result, base);
            base = mul(base, base);
        }
        return result;
    }

    /* The root, rounded down, and whether something was left over: by Newton, from above. */
    function root(a) {
        if (!a.length) return [[], false];
        var x = power10(Math.ceil(text(a).length / 2)), next;
        for (;;) {
            next = divmod(add(x, divmod(a, x)[0]), [2])[0];
            if (compare(next, x) >= 0) return [x, compare(mul(x, x), a) !== 0];
            x = next;
        }
    }

    function parse(digits) {
        var r = [];
        for (var end = digits.length; end > 0; end -= WIDTH)
            r.push(parseInt(digits.substring(Math.max(0, end - WIDTH), end), 10));
        return trim(r);
    }

    function text(a) {
        if (!a.length) return '0';
        var t = String(a[a.length - 1]);
        for (var i = a.length - 2; i >= 0; i--) t += ('000000' + a[i]).slice(-WIDTH);
        return t;
    }

    return { compare: compare, add: add, sub: sub, mul: mul, small: small, divmod: divmod, power10: power10, power: power,
             root: root, parse: parse, text: text };
})();

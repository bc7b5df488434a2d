/* Values as geth's console shows them: fields sorted, functions last, at most three levels, colours on a terminal. */
var __pretty = (function (native) {
    'use strict';
    var DEEPEST = 3;
    var HIDDEN = ['valueOf', 'toString', 'toLocaleString', 'hasOwnProperty', 'isPrototypeOf',
                  'propertyIsEnumerable', 'constructor'];
    var colours = { func: '35', special: '1', number: '31', string: '32', error: '91' };

    function paint(kind, text) {
        return native.colour ? '\u001b[' + colours[kind] + 'm' + text + '\u001b[0m' : text;
    }

    /* As Go quotes: printable characters stand for themselves. */
    function quote(text) {
        var named = { 7: 'a', 8: 'b', 9: 't', 10: 'n', 11: 'v', 12: 'f', 13: 'r', 34: '"', 92: '\\' };
        var out = '';
        for (var i = 0; i < text.length; i++) {
            var c = text.charCodeAt(i);
            if (named[c]) out += '\\' + named[c];
            else if (c < 32 || c === 127) out += '\\x' + ('0' + c.toString(16)).slice(-2);
            else if (c >= 128 && c < 160) out += '\\u00' + c.toString(16);
            else out += text.charAt(i);
        }
        return '"' + out + '"';
    }

    function get(object, key) {
        try { return object[key]; } catch (e) { return undefined; }
    }

    function fields(object) {
        var values = [], methods = [], seen = {};
        function each(o) {
            Object.getOwnPropertyNames(o).forEach(function (k) {
                if (seen['$' + k] || HIDDEN.indexOf(k) >= 0 || k.charAt(0) === '_') return;
                seen['$' + k] = true;
                (typeof get(object, k) === 'function' ? methods : values).push(k);
            });
        }
        each(object);
        var maker = get(object, 'constructor');
        if (maker && maker.prototype) each(maker.prototype);
        return values.sort().concat(methods.sort());
    }

    function indent(level) {
        var text = '';
        while (level-- > 0) text += '  ';
        return text;
    }

    function objectText(object, level, inArray) {
        if (object instanceof BigNumber) return paint('number', object.toString());
        var keys = fields(object);
        if (!keys.length) return '{}';
        if (level > DEEPEST) return '{...}';
        var lines = keys.map(function (k) {
            return indent(level + 1) + k + ': ' + text(get(object, k), level + 1, false);
        });
        return '{\n' + lines.join(',\n') + '\n' + indent(inArray ? level - 1 : level) + '}';
    }

    function arrayText(array, level) {
        if (!array.length) return '[]';
        if (level > DEEPEST) return '[...]';
        var parts = [];
        for (var i = 0; i < array.length; i++) parts.push(i in array ? text(array[i], level + 1, true) : '');
        return '[' + parts.join(', ') + ']';
    }

    function text(value, level, inArray) {
        if (value === null || value === undefined || typeof value === 'boolean')
            return paint('special', String(value));
        if (typeof value === 'string') return paint('string', quote(value));
        if (typeof value === 'number') return paint('number', String(value));
        var kind = Object.prototype.toString.call(value).slice(8, -1);
        if (typeof value === 'function') {
            var head = /^\s*function\s*([\w$]*)/.exec(Function.prototype.toString.call(value));
            return paint('func', 'function' + (head && head[1] ? ' ' + head[1] : '') + '(' + (value._parameters || '') + ')');
        }
        if (kind === 'Array') return arrayText(value, level);
        if (kind === 'Number') return paint('number', String(value));
        if (kind === 'Boolean') return paint('special', String(value.valueOf()));
        if (kind === 'RegExp') return paint('string', String(value));
        if (kind === 'Object') return objectText(value, level, inArray);
        return level <= DEEPEST ? '<' + kind + ' ' + String(value) + '>' : '<' + kind + '>';
    }

    function error(e) { return paint('error', String(e)); }

    /* The engine keeps no names of parameters: the library's own functions say theirs. */
    function describe(parameters, f) { return Object.defineProperty(f, '_parameters', { value: parameters }); }

    return {
        describe: describe,
        value: function (v) { return text(v, 0, false); },
        error: error,
        fields: fields
    };
})(__native);

/* The engine's errors in the words of geth's, from the moment they are made. */
Duktape.errCreate = function (e) {
    'use strict';
    var WORDS = [
        [/^identifier '([^']*)' undefined$/, '$1 is not defined'],
        [/^undefined not callable \(property ('[^']*') of .*\)$/, 'Object has no member $1'],
        [/^cannot read property ('[^']*') of null$/, 'Cannot read property $1 of undefined'],
        [/^cannot read property/, 'Cannot read property'],
        [/^'(.*)' not callable$/, 'Value is not an object: $1'],
        [/^(\S+) not callable$/, 'Value is not an object: $1']
    ];
    if (!(e instanceof Error) || typeof e.message !== 'string') return e;
    for (var i = 0; i < WORDS.length; i++) {
        if (!WORDS[i][0].test(e.message)) continue;
        Object.defineProperty(e, 'message', { value: e.message.replace(WORDS[i][0], WORDS[i][1]), writable: true, configurable: true });
        break;
    }
    return e;
};

var console = {
    log: function () { __native.print([].slice.call(arguments).map(String).join(' ')); return null; },
    error: function () { __native.print([].slice.call(arguments).map(String).join(' ')); return null; }
};
var inspect = function () {
    for (var i = 0; i < arguments.length; i++) __native.print(__pretty.value(arguments[i]));
};

/* Dates as V8 and geth's engine write them: Sat Nov 28 2026 09:44:13 GMT+0000 (UTC). */
(function (zoneName) {
    'use strict';
    var DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
    var MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
    function two(n) { return ('0' + n).slice(-2); }
    function day(d) { return DAYS[d.getDay()] + ' ' + MONTHS[d.getMonth()] + ' ' + two(d.getDate()) + ' ' + d.getFullYear(); }
    function clock(d) { return two(d.getHours()) + ':' + two(d.getMinutes()) + ':' + two(d.getSeconds()); }
    function zone(d) {
        var minutes = -d.getTimezoneOffset(), far = Math.abs(minutes);
        return 'GMT' + (minutes < 0 ? '-' : '+') + two(Math.floor(far / 60)) + two(far % 60) + ' (' + zoneName(d.getTime()) + ')';
    }
    var forms = {
        toString: function (d) { return day(d) + ' ' + clock(d) + ' ' + zone(d); },
        toDateString: day,
        toTimeString: function (d) { return clock(d) + ' ' + zone(d); },
        toLocaleString: function (d) { return two(d.getMonth() + 1) + '/' + two(d.getDate()) + '/' + d.getFullYear() + ', ' + clock(d); },
        toUTCString: function (d) {
            return DAYS[d.getUTCDay()] + ', ' + two(d.getUTCDate()) + ' ' + MONTHS[d.getUTCMonth()] + ' ' + d.getUTCFullYear() + ' ' +
                   two(d.getUTCHours()) + ':' + two(d.getUTCMinutes()) + ':' + two(d.getUTCSeconds()) + ' GMT';
        }
    };
    Object.keys(forms).forEach(function (name) {
        Object.defineProperty(Date.prototype, name, { writable: true, configurable: true, value: function () {
            return isNaN(this.getTime()) ? 'Invalid Date' : forms[name](this);
        } });
    });
})(__native.zone);

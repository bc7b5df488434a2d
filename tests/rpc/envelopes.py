"""What stands around a request: bodies that are no good requests, batches, ids of each kind, over HTTP, IPC and WebSocket, and what HTTP
says: methods, types, hosts, origins, sizes."""
import base64
import http.client
import json
import os
import socket
import struct

JSON = {"Content-Type": "application/json"}
WAIT = 60
last_count = [0]  # lines that the node asked last gave
GOOD = '{"jsonrpc":"2.0","id":1,"method":"net_version","params":[]}'


def bodies():
    """Texts of whole messages."""
    for id_ in ("1", '"x"', "null", "1.5", "-1", "1e3", '""', "true", "[]", "{}", "[1]", '{"a":1}', "12345678901234567890123", '"\\u00e9\\ud83d\\ude00"', "01"):
        yield '{"jsonrpc":"2.0","id":%s,"method":"net_version","params":[]}' % id_
        yield '{"jsonrpc":"2.0","id":%s,"method":"nope_x"}' % id_
        yield '[{"jsonrpc":"2.0","id":%s,"method":"net_version"}]' % id_
    for version in ('"1.0"', '"2.0"', "2", "2.0", "null", '""', '"2"'):
        yield '{"jsonrpc":%s,"id":1,"method":"net_version"}' % version
        yield '[{"jsonrpc":%s,"id":1,"method":"net_version"},%s]' % (version, GOOD)
    for method in ('""', "null", "5", "[]", '"net"', '"net_"', '"_version"', '"net_version_x"', '"NET_version"', '"net_Version"', '" net_version"', '"net_versio\\u006e"',
                   '"eth_subscribe"', '"eth_unsubscribe"', '"eth_subscription"', '"debug_subscribe"', '"nope_subscribe"', '"x"', '"\\u00e9_a"', '"<&>_x"'):
        yield '{"jsonrpc":"2.0","id":1,"method":%s}' % method
        yield '{"jsonrpc":"2.0","id":1,"method":%s,"params":["newHeads"]}' % method
        yield '{"jsonrpc":"2.0","method":%s}' % method
    for params in ("null", "[]", "{}", '"x"', "5", "[null]", "[1]", "true", '{"a":1}', "[[]]"):
        yield '{"jsonrpc":"2.0","id":1,"method":"net_version","params":%s}' % params
        yield '{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":%s}' % params
    yield from ("", " ", "\n", "{", "}", "[", "]", "[]", "[ ]", "{}", "[{}]", "[[]]", "[null]", "null", "1", '"x"', "true", "nul", "[1,2]", '[1,"x",null,{}]', "[[%s]]" % GOOD,
                "{'a':1}", '{"a":1,}', "[1,]", '{"jsonrpc":"2.0"', GOOD + GOOD, GOOD + " x", GOOD + "\n", " \t\r\n" + GOOD, GOOD + "]", "\ufeff" + GOOD,
                '{"id":1,"method":"net_version"}', '{"jsonrpc":"2.0","id":1}', '{"jsonrpc":"2.0","id":1,"result":5}', '{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}',
                '{"jsonrpc":"2.0","result":5}', '{"jsonrpc":"2.0","id":1,"method":"net_version","result":5}', '{"JSONRPC":"2.0","ID":7,"METHOD":"net_version","PARAMS":[]}',
                '{"jsonrpc":"2.0","id":1,"id":2,"method":"net_version"}', '{"jsonrpc":"2.0","id":1,"method":"nope","method":"net_version"}',
                '{"jsonrpc":"2.0","id":1,"method":"net_version","extra":{"a":[1,2,{"b":null}]}}', '{"jsonrpc":"2.0","method":"net_version"}',
                '[{"jsonrpc":"2.0","method":"net_version"}]', '[{"jsonrpc":"2.0","method":"net_version"},%s]' % GOOD, "[%s,%s]" % (GOOD, GOOD), "[%s,5,%s]" % (GOOD, GOOD),
                '{"jsonrpc":"2.0","id":1,"method":"web3_sha3","params":["0x"]}', '{"jsonrpc":"2.0","id":1,"method":"eth_getCode","params":["0x0","latest"]}',
                '{"jsonrpc":"2.0","id":"<a&b>\\u2028","method":"net_version"}', '{"jsonrpc":"2.0","id":1,"method":"net_version","params":[1e400]}',
                "[" * 200 + "]" * 200, '{"a":' * 200 + "1" + "}" * 200, "[%s]" % ",".join([GOOD] * 100))
    yield from strange()


def strange():
    """Numbers, texts and depths at the ends of what JSON is; batches of each kind of call in each other's company."""
    for value in ("-0", "1E2", "1e400", "-1e-400", "0.10", "false", '"\\ud800"', '"\\u0000"', '"\udcff"', '"\U0001f600"', '"\udcc3("', '"a\tb"', '"\x7f"', "-", "+1", ".5", "1.", "0x1", "NaN",
                  "1e", "tru", '"\\x"', '"\\u12"', '"', '{"a":{}}', '[[],[]]', '" "'):
        yield '{"jsonrpc":"2.0","id":%s,"method":"net_version"}' % value
        yield '{"jsonrpc":"2.0","id":1,"method":"web3_sha3","params":[%s]}' % value
        yield '{"jsonrpc":"2.0","id":1,"method":"eth_getBlockTransactionCountByNumber","params":[%s]}' % value
    for text in ("\udcff", "\udced\udca0\udc80", "\udcc0\udc80", "\U0001f600", "\\ud83d\\ude00", "\\ud800x", "\\u2028", "a\\/b"):
        yield '{"jsonrpc":"2.0","id":1,"method":"%s"}' % text
        yield '{"jsonrpc":"2.0","id":1,"method":"net_version","%s":1}' % text
        yield '{"jsonrpc":"2.0","id":1,"method":"eth_getCode","params":["%s","latest"]}' % text
    for depth in (9_997, 9_999, 10_000, 10_001, 20_000):
        yield "[" * depth + "]" * depth
        yield '{"jsonrpc":"2.0","id":1,"method":"net_version","params":%s}' % ("[" * depth + "]" * depth)
    yield from ('{"jsonrpc":"2.0","id":1,"method":"web3_sha3","params":["0x00"],"params":["0x"]}', '{"jsonrpc":"2.0","id":1,"ID":2,"Id":3,"method":"net_version"}',
                '{"jsonrpc":"2.0","jsonrpc":"1.0","id":1,"method":"net_version"}', '{"jsonrpc":"2.0","id":1,"method":"net_version","method":null}',
                '{"jsonrpc":"2.0","id":null,"id":1,"method":"net_version"}', '{"jsonrpc":"2.0","id":1,"method":"net_version","params":[],}', '{"jsonrpc":"2.0" "id":1}',
                '{"jsonrpc":"2.0","id":1,"method":"net_version"} // x', '/**/{"jsonrpc":"2.0","id":1,"method":"net_version"}', '{"jsonrpc":"2.0","id":1,"method":"net_version"}\0', "\0",
                '{"jsonrpc":"2.0","id":1,"method":"net_version","error":{}}', '{"jsonrpc":"2.0","id":1,"error":null,"method":"net_version"}', '{"jsonrpc":"2.0","id":1,"result":null}',
                '{"jsonrpc":"2.0","id":1,"result":null,"error":null}', '{"jsonrpc":"2.0","params":[]}', '{"jsonrpc":"2.0","id":1,"params":[]}', '{"method":"net_version","id":1}')
    calls = (GOOD, '{"jsonrpc":"2.0","method":"net_version"}', '{"jsonrpc":"2.0","id":2,"method":"nope_x"}', '{"id":3,"method":"net_version"}', "5", "{}", '{"jsonrpc":"2.0","id":4,"result":1}',
             '{"jsonrpc":"2.0","id":[],"method":"net_version"}', "null", "[]", '{"jsonrpc":"2.0","id":5,"method":"eth_getCode","params":{}}')
    for one in calls:
        yield from ("[%s,%s]" % (one, other) for other in calls)
        yield "[%s,%s,%s]" % (one, GOOD, one)


def without_stream(body):
    """Whether a message in a stream ends by itself: one that does not would be waited for."""
    try:
        json.JSONDecoder().raw_decode(body.strip())
        return len(body.strip()) > 0
    except RecursionError:
        return True
    except ValueError:
        return False


def http_answer(port, method="POST", path="/", body=None, headers=()):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT)
    try:
        connection.putrequest(method, path, skip_host="Host" in dict(headers), skip_accept_encoding=True)
        for name, value in dict(headers).items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        text = answer.read().decode(errors="surrogateescape")
        told = {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()
    if answer.status == 200 and text:
        text = [json.loads(text)] if text[0] in "{[" else text
    kept = {name: told.get(name) for name in ("content-type", "vary", "allow", "x-content-type-options") if name in told}
    kept.update({name: value for name, value in told.items() if name.startswith("access-control-")})
    return {"status": answer.status, "headers": kept, "body": text}


def http_requests():
    """(name, keywords of http_answer)"""
    good = GOOD.encode()
    for method in ("GET", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE", "POST"):
        yield f"HTTP {method}", {"method": method, "headers": JSON}
        yield f"HTTP {method} with a body", {"method": method, "body": good, "headers": JSON}
    for kind in ("application/json", "application/json; charset=utf-8", "application/json;x", "application/jsonrequest", "application/json-rpc", "text/plain", "text/json",
                 "APPLICATION/JSON", "", "json", "application/json; charset", "application/json, text/plain", 'application/json; charset="utf-8"', "application/json;charset=ISO-8859-1",
                 "application/json;;", "application/json;charset=utf-8;charset=utf-8", " application/json ", "application/ json", "application/json;=", "application/json; a=b; c=d", "application/xml",
                 "application/vnd.api+json", "text/plain;charset=application/json"):
        yield f"HTTP type {kind}", {"body": good, "headers": {"Content-Type": kind}}
    yield "HTTP no type", {"body": good}
    for path in ("/", "/x", "/x/y", "/?a=b", "//", "/%20", "/ws"):
        yield f"HTTP path {path}", {"body": good, "path": path, "headers": JSON}
    for host in ("localhost", "localhost:1", "node.example", "NODE.example", "node.example:80", "other.example", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:5", "", "a b"):
        yield f"HTTP host {host}", {"body": good, "headers": {"Host": host, **JSON}}
    for origin in ("http://app.example", "http://other.example", "null", "https://app.example", "HTTP://APP.example"):
        yield f"HTTP origin {origin}", {"body": good, "headers": {"Origin": origin, **JSON}}
        for wanted in ("POST", "GET", "PUT", "x"):
            for asked in (None, "content-type", "Content-Type, X-Y", "x-y"):
                headers = {"Origin": origin, "Access-Control-Request-Method": wanted}
                if asked:
                    headers["Access-Control-Request-Headers"] = asked
                yield f"HTTP preflight {origin} {wanted} {asked}", {"method": "OPTIONS", "headers": headers}
    yield "HTTP large", {"headers": {"Content-Length": str(5 * 1024 * 1024 + 1), **JSON}}
    yield "HTTP large enough", {"body": b" " * (5 * 1024 * 1024 - len(good)) + good, "headers": JSON}


class Stream:
    """Messages over a unix socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(WAIT)
        self.socket.connect(str(path))

    def ask(self, body, least):
        """All that comes until the answer of a last question, and at least so many lines, or the end."""
        self.socket.sendall(body.encode(errors="surrogateescape") + b'\n{"jsonrpc":"2.0","id":"last","method":"net_version"}\n')
        text = b""
        while b'"id":"last"' not in text or text.count(b"\n") < least:
            try:
                part = self.socket.recv(1 << 16)
            except ConnectionError:
                part = b""
            except TimeoutError:
                return text.decode(errors="surrogateescape").rstrip() + "\n(silence)"
            if not part:
                return text.decode(errors="surrogateescape").rstrip() + "\n(end)"
            text += part
        return text.decode(errors="surrogateescape").rstrip()

    def close(self):
        self.socket.close()


class WebSocket(Stream):
    def __init__(self, port, origin="http://app.example"):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=WAIT)
        self.socket.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n".encode() +
                            (b"" if origin is None else f"Origin: {origin}\r\n".encode()) + b"\r\n")
        head = b""
        while b"\r\n\r\n" not in head:
            part = self.socket.recv(1)
            if not part:
                break
            head += part
        self.status = int(head.split()[1]) if head else 0

    def send(self, text, opcode=1):
        body, mask = text.encode(errors="surrogateescape"), b"\1\2\3\4"
        size = bytes([0x80 | len(body)]) if len(body) < 126 else b"\xfe" + struct.pack(">H", len(body)) if len(body) < 65536 else b"\xff" + struct.pack(">Q", len(body))
        self.socket.sendall(bytes([0x80 | opcode]) + size + mask + bytes(c ^ mask[i % 4] for i, c in enumerate(body)))

    def exactly(self, count):
        data = b""
        while len(data) < count:
            try:
                part = self.socket.recv(count - len(data))
            except ConnectionError:
                part = b""
            if not part:
                raise EOFError
            data += part
        return data

    def receive(self):
        """Of a whole message."""
        opcode, text, is_last = 0, b"", False
        while not is_last:
            is_last, part, more = self.frame()
            opcode, text = opcode or part, text + more
        return opcode, text

    def frame(self):
        first, second = self.exactly(2)
        size = second & 0x7f
        size = struct.unpack(">H", self.exactly(2))[0] if size == 126 else struct.unpack(">Q", self.exactly(8))[0] if size == 127 else size
        return bool(first & 0x80), first & 15, self.exactly(size)

    def ask(self, body, least):
        told = []
        try:
            self.send(body)
            self.send('{"jsonrpc":"2.0","id":"last","method":"net_version"}')
            while not any('"id":"last"' in line for line in told) or len(told) < least:
                opcode, text = self.receive()
                if opcode < 3:
                    told.append(text.decode(errors="surrogateescape").strip())
                elif opcode == 8:
                    return "\n".join(told + ["(end)"])
            return "\n".join(told)
        except TimeoutError:
            return "\n".join(told + ["(silence)"])
        except (EOFError, ConnectionError):
            return "\n".join(told + ["(end)"])


def compare(comparison, apart):
    """Asks both nodes; `apart` is what is between their ports."""
    ours, theirs = comparison.ours, comparison.theirs
    ports = [int(node.url.rsplit(":", 1)[1]) for node in (ours, theirs)]
    assert ports[1] - ports[0] == apart

    def both(name, what, ask):
        answers = []
        for at in (0, 1):
            try:
                answers.append(ask(at))
            except (OSError, http.client.HTTPException) as fault:
                answers.append(type(fault).__name__)
        comparison.count(name, json.dumps(what), *(node.same(answer) for node, answer in zip((ours, theirs), answers)))
    for body in bodies():
        data = body.encode(errors="surrogateescape")
        both("(HTTP body)", body, lambda at, data=data: (http_answer(ports[at], body=data, headers=JSON), None))
        if without_stream(body):
            both("(IPC message)", body, lambda at, body=body: (over(Stream((ours, theirs)[at].data / "geth.ipc"), body, bool(at)), None))
        if data.decode(errors="replace") == body:  # RFC 6455: what is no UTF-8 closes the connection; tests/mixed/rpc_edges.py
            both("(WebSocket message)", body, lambda at, body=body: (over(WebSocket(ports[at] + 2), body, bool(at)), None))
    for name, keywords in http_requests():
        both("(HTTP)", name, lambda at, keywords=keywords: (http_answer(ports[at], **keywords), None))
    for origin in ("http://app.example", "http://other.example", "HTTP://app.example", "app.example", ""):
        both("(WebSocket origin)", origin, lambda at, origin=origin: (WebSocket(ports[at] + 2, origin).status, None))


def over(connection, body, is_second):
    """The second node answers in any order: as many lines as the first one gave are waited for."""
    try:
        answer = ordered(connection.ask(body, last_count[0] if is_second else 0))
        last_count[0] = len(answer)
        return answer
    finally:
        connection.close()


def ordered(text):
    """Messages of a connection are answered in any order; subscriptions have random names."""
    values = []
    for line in text.split("\n"):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = line
        if isinstance(value, dict) and str(value.get("result", "")).startswith("0x") and len(value["result"]) > 30 and value.get("id") == 1:
            value["result"] = "SUBSCRIPTION"
        values.append(value)
    return sorted(values, key=lambda value: json.dumps(value, sort_keys=True))

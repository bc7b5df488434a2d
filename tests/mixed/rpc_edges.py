#!/usr/bin/env python3
"""The edges of HTTP and WebSocket, byte by byte, at GoQuorum and quorate-node: what each answers to the same bytes.

    rpc_edges.py --goquorum GETH --node QUORATE_NODE [--fixtures FOLDER] [--show]

Both have the recorded chain qbft. Each case is sent over a connection of its own; compared are all answers that come (status, fields but Date,
body), and whether the connection is closed behind them. What differs on purpose is in DIFFERENT, each with its reason; --show prints every case. The exit code is 0 when nothing
else differs, 77 without GoQuorum's binary (option, or $QUORATE_GOQUORUM) or the recordings."""
import argparse

import gzip
import json
import os
import pathlib
import re
import shutil
import socket
import struct
import sys
import tempfile
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "rpc"), str(ROOT / "tests" / "support")]
import compare  # noqa: E402
from ports import free_base  # noqa: E402

quiet = [0.3]  # seconds without a byte: nothing more comes
PATIENT = 4  # where the two differ, they are asked once more, and given so long
WAIT = 60
GOOD = b'{"jsonrpc":"2.0","id":1,"method":"net_version","params":[]}'
LARGE = b'{"jsonrpc":"2.0","id":1,"method":"eth_getBlockByNumber","params":["0x5",true]}'
SIZE_MAX = 5 * 1024 * 1024
PARSER = {400, 431, 501, 505} # said by the server of what it cannot read: fields and texts are its own


def post(body=GOOD, fields=(), version="1.1", path="/", method="POST", kind="application/json", length=True):
    lines = [f"{method} {path} HTTP/{version}", "Host: localhost"] + ([f"Content-Type: {kind}"] if kind else []) + list(fields)
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def chunked(*parts, trailer=b"", size=lambda n: b"%x" % n):
    return b"".join(size(len(part)) + b"\r\n" + part + b"\r\n" for part in parts) + b"0\r\n" + trailer + b"\r\n"


def raw(*lines, body=b""):
    return "\r\n".join(lines).encode("latin1") + b"\r\n\r\n" + body


HEAD = ("Host: localhost", "Content-Type: application/json")
LENGTH = f"Content-Length: {len(GOOD)}"


def http_cases():
    """(name, bytes)"""
    yield "plain", post()
    yield "two in one", post() + post(GOOD.replace(b'"id":1', b'"id":2'))
    yield "ten in one", b"".join(post(GOOD.replace(b'"id":1', b'"id":%d' % n)) for n in range(10))
    yield "a large one and a small one", post(LARGE) + post()
    yield "closed after", post(fields=["Connection: close"])
    yield "closed after the first", post(fields=["Connection: close"]) + post()
    for version in ("1.0", "1.2", "0.9", "2.0", "1", "1.10", "x"):
        yield f"HTTP/{version}", post(version=version)
        yield f"HTTP/{version}, twice", post(version=version) + post(version=version)
    yield "HTTP/1.0 kept", post(version="1.0", fields=["Connection: keep-alive"]) + post(version="1.0")
    yield "HTTP/1.0 Keep-Alive", post(version="1.0", fields=["Connection: Keep-Alive"]) * 2
    yield "HTTP/1.0 large, kept", post(LARGE, version="1.0", fields=["Connection: keep-alive"]) + post(version="1.0")
    yield "HTTP/1.0 without host", raw("POST / HTTP/1.0", "Content-Type: application/json", LENGTH, body=GOOD)
    yield "without host", raw("POST / HTTP/1.1", "Content-Type: application/json", LENGTH, body=GOOD)
    yield "two hosts", raw("POST / HTTP/1.1", "Host: localhost", "Host: localhost", "Content-Type: application/json", LENGTH, body=GOOD)
    yield "keep-alive fields", post(fields=["Connection: keep-alive", "Keep-Alive: timeout=5, max=2"]) * 2
    yield "upgrade to h2c", post(fields=["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"])
    yield "preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    for text in ("100-continue", "100-Continue", "x", "", "100-continue, x"):
        yield f"Expect: {text}", post(fields=[f"Expect: {text}"])
    yield "Expect, the body does not come", raw("POST / HTTP/1.1", *HEAD, LENGTH, "Expect: 100-continue")
    yield "Expect, too large", raw("POST / HTTP/1.1", *HEAD, f"Content-Length: {SIZE_MAX + 1}", "Expect: 100-continue")
    yield "Expect, wrong type", raw("POST / HTTP/1.1", "Host: localhost", "Content-Type: text/plain", LENGTH, "Expect: 100-continue")
    yield from chunked_cases()
    yield from length_cases()
    yield from head_cases()
    yield from encodings()
    yield from refusals()


def chunked_cases():
    begin = raw("POST / HTTP/1.1", *HEAD, "Transfer-Encoding: chunked")
    yield "chunked", begin + chunked(GOOD)
    yield "chunked, by bytes", begin + chunked(*(GOOD[i:i + 1] for i in range(len(GOOD))))
    yield "chunked, then another", begin + chunked(GOOD) + post()
    yield "chunked, with extensions", begin + chunked(GOOD, size=lambda n: b"%x;a=b" % n)
    yield "chunked, zeros in front", begin + chunked(GOOD, size=lambda n: b"000%X" % n)
    yield "chunked, with a trailer", begin + chunked(GOOD, trailer=b"X-Y: z\r\n")
    yield "chunked, empty", begin + chunked()
    yield "chunked, wrong size", begin + b"zz\r\n" + GOOD + b"\r\n0\r\n\r\n"
    yield "chunked, no line behind", begin + b"%x\r\n" % len(GOOD) + GOOD + b"x\r\n0\r\n\r\n"
    yield "chunked, a huge size", begin + b"fffffffffffffffff\r\n"
    yield "chunked, with a length", raw("POST / HTTP/1.1", *HEAD, "Transfer-Encoding: chunked", LENGTH) + chunked(GOOD)
    yield "chunked, HTTP/1.0", raw("POST / HTTP/1.0", *HEAD, "Transfer-Encoding: chunked") + chunked(GOOD)
    yield "chunked, upper case", raw("POST / HTTP/1.1", *HEAD, "Transfer-Encoding: CHUNKED") + chunked(GOOD)
    yield "chunked, twice", raw("POST / HTTP/1.1", *HEAD, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked") + chunked(GOOD)
    for name in ("identity", "gzip", "gzip, chunked", "chunked, gzip", "x"):
        yield f"Transfer-Encoding: {name}", raw("POST / HTTP/1.1", *HEAD, f"Transfer-Encoding: {name}") + chunked(GOOD)
    yield "chunked, too large", begin + chunked(*[b" " * 65536] * (SIZE_MAX // 65536 + 1))
    yield "chunked, GET", raw("GET / HTTP/1.1", *HEAD, "Transfer-Encoding: chunked") + chunked(GOOD)


def length_cases():
    for text in ("-1", "x", "", "+5", "0x3b", " 59 ", "59, 59", "99999999999999999999", "1e2", "58", "0"):
        yield f"Content-Length: {text}", raw("POST / HTTP/1.1", *HEAD, f"Content-Length: {text}", body=GOOD)
    yield "no length", raw("POST / HTTP/1.1", *HEAD, body=GOOD)
    yield "two equal lengths", raw("POST / HTTP/1.1", *HEAD, LENGTH, LENGTH, body=GOOD)
    yield "two lengths", raw("POST / HTTP/1.1", *HEAD, LENGTH, "Content-Length: 5", body=GOOD)
    yield "as large as it may be", post(b" " * (SIZE_MAX - len(GOOD)) + GOOD)
    yield "too large by one", post(b" " * (SIZE_MAX + 1 - len(GOOD)) + GOOD)
    yield "too large, said alone", raw("POST / HTTP/1.1", *HEAD, f"Content-Length: {SIZE_MAX + 1}")
    yield "too large, wrong type", raw("POST / HTTP/1.1", "Host: localhost", "Content-Type: text/plain", f"Content-Length: {SIZE_MAX + 1}")


def head_cases():
    yield "lines end in \\n", post().replace(b"\r\n", b"\n")
    yield "empty lines in front", b"\r\n\r\n" + post()
    yield "a line of spaces", b" \r\n" + post()
    yield "lower case method", post(method="post")
    yield "a field without a colon", raw("POST / HTTP/1.1", *HEAD, LENGTH, "nonsense", body=GOOD)
    yield "a space before the colon", raw("POST / HTTP/1.1", *HEAD, LENGTH, "X-Y : z", body=GOOD)
    yield "a folded field", raw("POST / HTTP/1.1", *HEAD, LENGTH, "X-Y: a", " b", body=GOOD)
    yield "an empty name", raw("POST / HTTP/1.1", *HEAD, LENGTH, ": z", body=GOOD)
    yield "a NUL in a value", raw("POST / HTTP/1.1", *HEAD, LENGTH, "X-Y: a\0b", body=GOOD)
    yield "a control in a value", raw("POST / HTTP/1.1", *HEAD, LENGTH, "X-Y: a\x01b", body=GOOD)
    yield "bytes of no ASCII in a value", raw("POST / HTTP/1.1", *HEAD, LENGTH, "X-Y: \xe9", body=GOOD)
    yield "bytes of no ASCII in a name", raw("POST / HTTP/1.1", *HEAD, LENGTH, "X-\xe9: a", body=GOOD)
    yield "tabs around a value", raw("POST / HTTP/1.1", "Host:\tlocalhost\t", "Content-Type:application/json", LENGTH, body=GOOD)
    yield "names in capitals", raw("POST / HTTP/1.1", "HOST: localhost", "CONTENT-TYPE: application/json", LENGTH.upper(), body=GOOD)
    yield "a thousand fields", raw("POST / HTTP/1.1", *HEAD, LENGTH, *(f"X-{n}: y" for n in range(1000)), body=GOOD)
    yield "a field of 100 kB", raw("POST / HTTP/1.1", *HEAD, LENGTH, "X-Y: " + "z" * 100000, body=GOOD)
    yield "a field of 2 MB", raw("POST / HTTP/1.1", *HEAD, LENGTH, "X-Y: " + "z" * 2000000, body=GOOD)
    for path in ("", "*", "http://localhost/", "http://other.example/", "/a b", "//x", "/%zz", "/\x01", "/#x", "localhost:80", "/" + "x" * 5000):
        yield f"path {path[:30]!r}", raw(f"POST {path} HTTP/1.1", *HEAD, LENGTH, body=GOOD)
    yield "no version", raw("POST /", *HEAD, LENGTH, body=GOOD)
    yield "three spaces", raw("POST   /   HTTP/1.1", *HEAD, LENGTH, body=GOOD)
    yield "no request", b"hello\r\n\r\n"
    yield "TLS", bytes.fromhex("16030100a5010000a10303") + bytes(158)
    yield "nothing but an end", b"\r\n\r\n"
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "X", "PO ST", "P\x01"):
        yield f"{method} without a body", raw(f"{method} / HTTP/1.1", *HEAD)
        yield f"{method} without a body, twice", raw(f"{method} / HTTP/1.1", *HEAD) * 2
    yield "GET with a query", raw("GET /?a=b HTTP/1.1", *HEAD)
    yield "GET of another path", raw("GET /x HTTP/1.1", *HEAD)
    yield "GET, closed", raw("GET / HTTP/1.1", *HEAD, "Connection: close")
    yield "GET with a body", post(method="GET")
    yield "OPTIONS *", raw("OPTIONS * HTTP/1.1", *HEAD)


def encodings():
    for text in ("gzip", "gzip, deflate, br", "identity", "*", "deflate", "gzip;q=0", "GZIP", "x-gzip", "gzip;q=0.5", "br, gzip", "identity;q=0", ""):
        yield f"Accept-Encoding: {text}", post(fields=[f"Accept-Encoding: {text}"])
        yield f"Accept-Encoding: {text}, large", post(LARGE, fields=[f"Accept-Encoding: {text}"]) + post()
    for method in ("GET", "HEAD", "PUT", "OPTIONS"):
        yield f"Accept-Encoding of a {method}", raw(f"{method} / HTTP/1.1", *HEAD, "Accept-Encoding: gzip")
    yield "Accept-Encoding, wrong type", post(kind="text/plain", fields=["Accept-Encoding: gzip"])
    yield "Accept-Encoding, HTTP/1.0", post(version="1.0", fields=["Accept-Encoding: gzip"])
    yield "Accept-Encoding, closed", post(fields=["Accept-Encoding: gzip", "Connection: close"])
    yield "Content-Encoding: gzip", post(gzip.compress(GOOD), fields=["Content-Encoding: gzip"])
    yield "Accept of something else", post(fields=["Accept: text/html"])
    yield "Accept-Encoding of a batch", post(b"[" + GOOD + b"," + GOOD + b"]", fields=["Accept-Encoding: gzip"])
    yield "Accept-Encoding of a notification", post(b'{"jsonrpc":"2.0","method":"net_version"}', fields=["Accept-Encoding: gzip"])


def refusals():
    for kind in ("text/plain", None, "application/json;charset=utf-8", "application/json; charset=\"utf-8\"", "Application/JSON", "application/jsonrequest", "application/x", ";", "application/json,"):
        yield f"type {kind}", post(kind=kind)
    for method in ("PUT", "DELETE", "PATCH", "X"):
        yield f"{method} of a text", post(method=method, kind="text/plain")
    yield "a body that is no JSON", post(b"hello")
    yield "a body that is no JSON, then another", post(b"hello") + post()
    yield "an empty body", post(b"")
    yield "an empty batch", post(b"[]")
    yield "a notification", post(b'{"jsonrpc":"2.0","method":"net_version"}') + post()
    yield "a batch of notifications", post(b'[{"jsonrpc":"2.0","method":"net_version"}]') + post()
    yield "wrong host", raw("POST / HTTP/1.1", "Host: other.example", "Content-Type: application/json", LENGTH, body=GOOD)
    yield "wrong host, then another", raw("POST / HTTP/1.1", "Host: other.example", "Content-Type: application/json", LENGTH, body=GOOD) + post()
    yield "wrong host, GET", raw("GET / HTTP/1.1", "Host: other.example")
    yield "wrong type, then another", post(kind="text/plain") + post()
    yield "upgrade without WebSocket here", post(fields=["Connection: Upgrade", "Upgrade: websocket"])
    for origin in ("http://app.example", "http://other.example"):
        yield f"origin {origin}", post(fields=[f"Origin: {origin}"])
        yield f"origin {origin}, refused", post(kind="text/plain", fields=[f"Origin: {origin}"])
        yield f"origin {origin}, gzip", post(fields=[f"Origin: {origin}", "Accept-Encoding: gzip"])


UNSEEN = {"date", "content-length", "transfer-encoding"} # the last two say the same of a body


class Http:
    """Reads answers from what came."""

    def __init__(self, data):
        self.data = data

    def answers(self):
        while self.data:
            head, found, rest = self.data.partition(b"\r\n\r\n")
            if not found or not head.startswith(b"HTTP/"):
                yield {"bytes": self.data.decode("latin1")[:300]}
                return
            line, *fields = head.decode("latin1").split("\r\n")
            told = [(name.strip(), value.strip()) for name, _, value in (field.partition(":") for field in fields)]
            names = {name.lower(): value for name, value in told}
            body, self.data, coded = self.body(names, rest)
            status = int(line.split()[1])
            if status in PARSER:
                yield {"status": status}
                continue
            yield {"status": status, "fields": sorted(f"{name}: {value}" for name, value in told if name.lower() not in UNSEEN),
                   "coded": coded, "body": body}

    @staticmethod
    def body(names, rest):
        if names.get("transfer-encoding") == "chunked":
            body = b""
            while True:
                size, _, rest = rest.partition(b"\r\n")
                count = int(size, 16)
                body, rest = body + rest[:count], rest[count + 2:]
                if count == 0:
                    break
        elif "content-length" in names:
            count = int(names["content-length"])
            body, rest = rest[:count], rest[count:]
        else:
            body, rest = (rest, b"") if names.get("connection") == "close" else (b"", rest)
        coded = names.get("content-encoding", "")
        if coded == "gzip" and body:
            body = gzip.decompress(body)
        return body.decode("latin1"), rest, coded


def exchange(port, data, behind=b""):
    """All that comes back, and whether the connection ended; `behind` is sent when a head has come."""
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT) as connection:
        came, ended = b"", False
        try:
            connection.sendall(data)
            while behind and b"\r\n\r\n" not in came:
                part = connection.recv(1 << 16)
                if not part:
                    return came, True
                came += part
            connection.sendall(behind)
        except OSError:
            pass
        connection.settimeout(quiet[0])
        while True:
            try:
                part = connection.recv(1 << 20)
            except TimeoutError:
                break
            except ConnectionError:
                ended = True
                break
            if not part:
                ended = True
                break
            came += part
    return came, ended


def http_answers(port, data):
    came, ended = exchange(port, data)
    heads = data.startswith(b"HEAD ")
    if heads: # answers without bodies
        return [{"status": part.split()[1].decode(), "fields": sorted(line.decode() for line in part.split(b"\r\n")[1:] if line.split(b":")[0].decode().lower() not in UNSEEN)} for part in came.split(b"\r\n\r\n") if part], ended
    return list(Http(came).answers()), ended


# --- WebSocket ---

def opening(fields=(), path="/", version="13", key=None, method="GET", http="1.1", upgrade="websocket", connection="Upgrade"):
    lines = [f"{method} {path} HTTP/{http}", "Host: localhost"]
    lines += [f"Upgrade: {upgrade}"] if upgrade is not None else []
    lines += [f"Connection: {connection}"] if connection is not None else []
    lines += [f"Sec-WebSocket-Version: {version}"] if version is not None else []
    lines += [f"Sec-WebSocket-Key: {'dGhlIHNhbXBsZSBub25jZQ==' if key is None else key}"] if key is not False else []
    return raw(*lines, *fields)


def openings():
    yield "plain", opening()
    for version in ("12", "14", "x", None, "13, 8", "8"):
        yield f"version {version}", opening(version=version)
    for key in ("", "x", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25j", False):
        yield f"key {key}", opening(key=key)
    for method in ("POST", "HEAD", "PUT", "OPTIONS"):
        yield f"method {method}", opening(method=method)
    for text in ("WebSocket", "WEBSOCKET", "websocket, x", "h2c", "x, websocket", None):
        yield f"upgrade {text}", opening(upgrade=text)
    for text in ("upgrade", "keep-alive, Upgrade", "close", None, "Upgrade, close"):
        yield f"connection {text}", opening(connection=text)
    yield "HTTP/1.0", opening(http="1.0")
    for path in ("/x", "/?a=b", "/ws", "//"):
        yield f"path {path}", opening(path=path)
    for names in ("graphql-ws", "a, b", ""):
        yield f"sub-protocols {names}", opening(["Sec-WebSocket-Protocol: " + names])
    for text in ("permessage-deflate", "permessage-deflate; client_max_window_bits", "x-webkit-deflate-frame", "permessage-deflate; server_no_context_takeover; client_no_context_takeover"):
        yield f"extension {text}", opening(["Sec-WebSocket-Extensions: " + text])
    for text in ("http://app.example", "http://other.example", "null", "", "app.example", "http://app.example:80", "https://app.example", "HTTP://APP.EXAMPLE", "http://app.example/x", "*", "file://", "http://localhost"):
        yield f"origin {text}", opening([f"Origin: {text}"])
    yield "with a body", opening(["Content-Length: 5"]) + b"hello"
    yield "Accept-Encoding", opening(["Accept-Encoding: gzip"])
    yield "POST of a request", post()
    yield "GET", raw("GET / HTTP/1.1", *HEAD)
    yield "wrong host", raw(*opening().decode().replace("localhost", "other.example").split("\r\n")[:-2])


def frame(payload=b"", opcode=1, fin=True, rsv=0, masked=True, size=None):
    n = len(payload) if size is None else size
    first = bytes([0x80 * fin | rsv << 4 | opcode])
    bit = 0x80 * masked
    length = bytes([bit | n]) if n < 126 else bytes([bit | 126]) + struct.pack(">H", n) if n < 65536 else bytes([bit | 127]) + struct.pack(">Q", n)
    mask = b"\x12\x34\x56\x78"
    return first + length + (mask + bytes(c ^ mask[i % 4] for i, c in enumerate(payload)) if masked else payload)


def deflated(payload):
    packer = zlib.compressobj(wbits=-15)
    return (packer.compress(payload) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


def streams():
    """(name, extension wanted, bytes behind the opening)"""
    yield "bytes that are no frame", GOOD, ""
    yield from ((name, data, "") for name, data in (
        ("one", frame(GOOD)),
        ("binary", frame(GOOD, 2)),
        ("two in one", frame(GOOD) * 2),
        ("fragments", frame(GOOD[:10], fin=False) + frame(GOOD[10:30], 0, fin=False) + frame(GOOD[30:], 0)),
        ("fragments of one byte", frame(GOOD[:1], fin=False) + b"".join(frame(GOOD[i:i + 1], 0, fin=False) for i in range(1, len(GOOD) - 1)) + frame(GOOD[-1:], 0)),
        ("empty fragments", frame(b"", fin=False) + frame(b"", 0, fin=False) * 10 + frame(GOOD, 0)),
        ("a ping between fragments", frame(GOOD[:10], fin=False) + frame(b"p", 9) + frame(GOOD[10:], 0)),
        ("a close between fragments", frame(GOOD[:10], fin=False) + frame(b"\x03\xe8", 8)),
        ("ping", frame(b"abc", 9) + frame(GOOD)),
        ("empty ping", frame(b"", 9)),
        ("ping of 125", frame(b"x" * 125, 9)),
        ("ping of 126", frame(b"x" * 126, 9)),
        ("fragmented ping", frame(b"x", 9, fin=False)),
        ("pong that nobody asked for", frame(b"x", 10) + frame(GOOD)),
        ("not masked", frame(GOOD, masked=False)),
        ("ping not masked", frame(b"x", 9, masked=False)),
        ("reserved bit 1", frame(GOOD, rsv=4)),
        ("reserved bit 2", frame(GOOD, rsv=2)),
        ("reserved bit 3", frame(GOOD, rsv=1)),
        ("opcode 3", frame(GOOD, 3)), ("opcode 7", frame(GOOD, 7)), ("opcode 11", frame(b"x", 11)), ("opcode 15", frame(b"", 15)),
        ("a continuation of nothing", frame(GOOD, 0)),
        ("a message inside of another", frame(GOOD[:5], fin=False) + frame(GOOD)),
        ("a length too long for itself", bytes([0x81, 0xfe, 0, len(GOOD)]) + frame(GOOD)[2:]),
        ("a length of 64 bits for a few", bytes([0x81, 0xff]) + struct.pack(">Q", len(GOOD)) + frame(GOOD)[2:]),
        ("a length with the highest bit", bytes([0x81, 0xff]) + struct.pack(">Q", 1 << 63) + b"\0\0\0\0"),
        ("larger than 15 MB", frame(b"", size=15 * 1024 * 1024 + 1)),
        ("larger than 15 MB in fragments", frame(b" " * 8 * 1024 * 1024, fin=False) + frame(b" " * 8 * 1024 * 1024, 0)),
        ("as large as it may be", frame(b" " * (15 * 1024 * 1024 - len(GOOD)) + GOOD)),
        ("no UTF-8", frame(b'{"jsonrpc":"2.0","id":"\xff","method":"net_version"}')),
        ("no UTF-8, binary", frame(b'{"jsonrpc":"2.0","id":"\xff","method":"net_version"}', 2)),
        ("no JSON", frame(b"hello")),
        ("half JSON", frame(b'{"jsonrpc":')),
        ("empty message", frame(b"")),
        ("a space", frame(b" ")),
        ("two requests in a message", frame(GOOD + GOOD)),
        ("rubbish behind a request", frame(GOOD + b" x")),
        ("two messages, one answer each", frame(b"[" + GOOD + b"]") + frame(GOOD)),
        ("a notification", frame(b'{"jsonrpc":"2.0","method":"net_version"}') + frame(b"ping", 9)),
        ("compressed without being agreed", frame(deflated(GOOD), rsv=4)),
    ))
    for code in (None, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1015, 1016, 2999, 3000, 4999, 5000, 0, 999, 65535):
        yield f"close {code}", frame(b"" if code is None else struct.pack(">H", code), 8), ""
    yield "close with a reason", frame(struct.pack(">H", 1000) + b"bye", 8), ""
    yield "close with a reason that is no UTF-8", frame(struct.pack(">H", 1000) + b"\xff", 8), ""
    yield "close of one byte", frame(b"\x03", 8), ""
    yield "close, then a request", frame(struct.pack(">H", 1000), 8) + frame(GOOD), ""
    yield "a request, then close", frame(GOOD) + frame(struct.pack(">H", 1000), 8), ""
    deflate = "permessage-deflate; client_max_window_bits"
    yield "compressed", frame(deflated(GOOD), rsv=4), deflate
    yield "agreed, not compressed", frame(GOOD), deflate
    yield "compressed, in fragments", frame(deflated(GOOD)[:20], rsv=4, fin=False) + frame(deflated(GOOD)[20:], 0), deflate
    yield "compressed, twice", frame(deflated(GOOD), rsv=4) * 2, deflate
    yield "compressed rubbish", frame(b"\xff\xff\xff\xff", rsv=4), deflate
    yield "compressed empty", frame(b"\0", rsv=4), deflate
    yield "a bomb", frame(deflated(b" " * (16 * 1024 * 1024)), rsv=4), deflate


def websocket_answers(port, data, extension):
    fields = ["Sec-WebSocket-Extensions: " + extension] if extension else []
    came, ended = exchange(port, opening(fields), data)
    head, _, rest = came.partition(b"\r\n\r\n")
    is_deflated = b"permessage-deflate" in head
    told = []
    while rest:
        first, second, rest = rest[0], rest[1] & 127, rest[2:]
        if second > 125:
            width = 2 if second == 126 else 8
            second, rest = int.from_bytes(rest[:width], "big"), rest[width:]
        payload, rest = rest[:second], rest[second:]
        if first & 0x40 and is_deflated:
            payload = zlib.decompressobj(wbits=-15).decompress(payload + b"\0\0\xff\xff")
        told.append({"fin": first >> 7, "opcode": first & 15, "payload": payload.decode("latin1").rstrip("\n") if first & 15 != 8 else list(payload[:2])})
    return [head.split(b"\r\n")[0].decode(), is_deflated, told], ended


def opening_answers(port, data):
    came, ended = exchange(port, data)
    if came.startswith(b"HTTP/1.1 101"):
        head, _, rest = came.partition(b"\r\n\r\n")
        return [sorted(head.decode().lower().split("\r\n")), len(rest)], ended
    return list(Http(came).answers()), ended


# --- What may differ, and why: kind, name of the case (regular expressions), reason ---
GZIPPED = "answers are not compressed"
DIFFERENT = [
    ("HTTP", "(HTTP/1.0|Accept-Encoding, HTTP/1.0|chunked, HTTP/1.0).*", "HTTP/1.0: the answer says that the connection is closed; a large one does not end a kept connection; no chunks"),
    ("HTTP", "HTTP/1.2.*|preface of HTTP/2", "versions but 1.0 and 1.1 are refused"),
    ("HTTP", "Expect: .*x", "an expectation that is not known is passed over"),
    ("HTTP", "Expect, wrong type", "who waits to be asked for the body is refused and the connection closed: whether the body comes is not known"),
    ("HTTP", "chunked, (wrong size|no line behind|a huge size)", "broken chunks are a bad request, before anything is called"),
    ("HTTP", "chunked, with a length", "a length beside chunks is a bad request: it is how requests are smuggled"),
    ("HTTP", "chunked, too large", "is refused at once"),
    ("HTTP", "Content-Length: ", "an empty length is none"),
    ("HTTP", "too large.*", "the connection is kept, and the body passed over"),
    ("HTTP", "empty lines in front|nothing but an end", "empty lines in front of a request are passed over (RFC 9112, 2.2)"),
    ("HTTP", "a folded field", "is refused (RFC 9112, 5.2)"),
    ("HTTP", "a thousand fields|a field of 100 kB", "a head has at most 64 fields and 64 kB; there 1 MB"),
    ("HTTP", "path 'http.*|path '/%zz'|OPTIONS \\*", "only paths are served: no whole addresses, no *, nothing decoded"),
    ("HTTP", "(Accept-Encoding.*gzip.*|Accept-Encoding.*|origin .*, gzip)", GZIPPED),
    ("opening", "key .*", "a key has 16 bytes (RFC 6455, 4.2.1)"),
    ("opening", "upgrade .*, .*", "WebSocket among other upgrades is taken"),
    ("opening", "HTTP/1.0", "HTTP/1.0 cannot upgrade (RFC 6455, 4.1)"),
    ("opening", "with a body", "what comes before the answer waits for it"),
    ("WebSocket", "a length .*", "a length must be as short as it can be, and is told what is wrong (RFC 6455, 5.2)"),
    ("WebSocket", "no UTF-8|close with a reason that is no UTF-8", "text that is no UTF-8 is code 1007 (RFC 6455, 8.1)"),
    ("WebSocket", "no JSON", "a syntax error is not described"),
    ("WebSocket", "two messages, one answer each|a request, then close", "messages are answered in their order, and before a close behind them"),
    ("WebSocket", "close (1012|of one byte)", "codes of RFC 6455 alone are given back; half a code is wrong"),
]


def reason_of(kind, name):
    return next((reason for k, n, reason in DIFFERENT if re.fullmatch(k, kind) and re.fullmatch(n, name)), None)


def patiently(ask):
    before = quiet[0]
    quiet[0] = PATIENT
    try:
        return ask()
    finally:
        quiet[0] = before


def begin(options, folder):
    recording = compare.fixtures() / "recordings" / "qbft"
    nodes = []
    for name, binary, number in (("quorate", options.node, 0), ("goquorum", options.goquorum, 10)):
        port = options.port + number
        more = ["--ws", "--ws.port", str(port + 2), "--ws.origins", "http://app.example", "--http.corsdomain", "http://app.example", "--http.vhosts", "localhost,node.example", "--ipcdisable"]
        nodes.append(compare.Node(name, binary, folder, recording, port, more=more))
    return nodes


def run(options, nodes):
    table, used, different = {}, {}, 0
    ports = [int(node.url.rsplit(":", 1)[1]) for node in nodes]
    kinds = [("HTTP", http_answers, 0, [(name, (data,)) for name, data in http_cases()]), ("opening", opening_answers, 2, [(name, (data,)) for name, data in openings()]),
             ("WebSocket", websocket_answers, 2, [(name, (data, extension)) for name, data, extension in streams()])]
    for kind, ask, offset, cases in kinds:
        row = table.setdefault(kind, [0, 0, 0, 0])
        for name, arguments in cases:
            ours, theirs = (ask(port + offset, *arguments) for port in ports)
            if ours != theirs and not reason_of(kind, name):
                ours, theirs = patiently(lambda: [ask(port + offset, *arguments) for port in ports])
            row[0] += 1
            if options.show:
                print(f"{kind}: {name}\n  GoQuorum {json.dumps(theirs)[:1500]}\n  here     {json.dumps(ours)[:1500]}")
            if ours == theirs:
                row[1] += 1
                continue
            reason = reason_of(kind, name)
            row[2 if reason else 3] += 1
            if reason:
                used[reason] = used.get(reason, 0) + 1
                continue
            different += 1
            print(f"{kind}: {name}\n  GoQuorum {json.dumps(theirs)[:700]}\n  here     {json.dumps(ours)[:700]}", flush=True)
    print(f"{'':12} {'asked':>7} {'equal':>7} {'listed':>7} {'unlisted':>8}")
    for kind, row in table.items():
        print(f"{kind:12} {row[0]:7} {row[1]:7} {row[2]:7} {row[3]:8}")
    for reason, times in sorted(used.items(), key=lambda item: -item[1]):
        print(f"{times:7} {reason}")
    return different


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--goquorum", default=os.environ.get("QUORATE_GOQUORUM", ""))
    parser.add_argument("--node", default=str(ROOT / "build/bin/quorate-node"))
    parser.add_argument("--port", type=int, default=None)
    parser.add_argument("--show", action="store_true", help="print every case")
    options = parser.parse_args()
    if not options.goquorum or not (compare.fixtures() / "recordings" / "qbft" / "genesis.json").exists():
        print("rpc_edges: skipped: it needs GoQuorum's binary in $QUORATE_GOQUORUM, and the recordings")
        return 77
    options.port = options.port or free_base(20)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="quorate-edges-"))
    nodes = begin(options, folder)
    try:
        different = run(options, nodes)
    finally:
        for node in nodes:
            node.stop()
    if not different:
        shutil.rmtree(folder)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())

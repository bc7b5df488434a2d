"""A server in the place of an InfluxDB 1: it takes what is written to it, reads every line strictly, and refuses in several ways."""
import base64
import http.server
import re
import ssl
import threading
import time
import urllib.parse

NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")
HANG_SECONDS = 30


class Malformed(Exception):
    pass


def parts(text, separators):
    """Splits at the first of each kind of separator that has no backslash before it: (piece, separator that ended it), the last with ''."""
    piece, at = "", 0
    while at < len(text):
        if text[at] == "\\" and at + 1 < len(text) and text[at + 1] in ",= ":
            piece += text[at + 1]
            at += 2
        elif text[at] in separators:
            yield piece, text[at]
            piece, at = "", at + 1
        else:
            piece += text[at]
            at += 1
    yield piece, ""


def value_of(text):
    """("i", 7), ("f", 0.5), ("s", "…") or ("b", True)."""
    if re.fullmatch(r"-?\d+i", text):
        number = int(text[:-1])
        if not -2 ** 63 <= number < 2 ** 63:
            raise Malformed(f"{text}: out of range")
        return "i", number
    if NUMBER.fullmatch(text):
        return "f", float(text)
    if re.fullmatch(r'"([^"\\]|\\.)*"', text):
        return "s", text[1:-1]
    if text in ("t", "T", "true", "True", "TRUE", "f", "F", "false", "False", "FALSE"):
        return "b", text[0] in "tT"
    raise Malformed(f"{text!r} is no value")


class Point:
    def __init__(self, line):
        pieces = list(parts(line, " "))
        if len(pieces) not in (2, 3) or not all(piece for piece, _ in pieces):
            raise Malformed(f"{len(pieces)} parts")
        head, fields = self.cut(line)
        (self.name, _), *tags = parts(head, ",")
        if not self.name or any(c < " " for c in line):
            raise Malformed("a name, and no control characters")
        self.tags, order = {}, []
        for tag in self.split(head)[1:]:
            key, value = self.pair(tag)
            order.append(key)
            self.tags[key] = value
        if order != sorted(set(order)):
            raise Malformed(f"tags {order} in no order")
        self.fields = {}
        for field in self.split(fields):
            key, value = self.pair(field)
            self.fields[key] = value_of(value)
        self.time = int(pieces[2][0]) if len(pieces) == 3 else None

    @staticmethod
    def cut(line):
        """Name with tags, and fields, as they are written."""
        ends = [m.start() for m in re.finditer(r"(?<!\\) ", line)] + [len(line)]
        return line[:ends[0]], line[ends[0] + 1:ends[1]]

    @staticmethod
    def split(text):
        return re.split(r"(?<!\\),", text)

    @staticmethod
    def pair(text):
        key, *value = re.split(r"(?<!\\)=", text)
        if len(value) != 1 or not key or not value[0]:
            raise Malformed(f"{text!r} is no key=value")
        return tuple(re.sub(r"\\([,= ])", r"\1", part) for part in (key, value[0]))

    def types(self):
        return {key: kind for key, (kind, _) in self.fields.items()}


class Write:
    """One request that came."""

    def __init__(self, handler, body):
        self.at = time.monotonic()
        url = urllib.parse.urlsplit(handler.path)
        self.method, self.path, self.query = handler.command, url.path, urllib.parse.parse_qs(url.query, keep_blank_values=True, strict_parsing=True)
        self.fields = {name.lower(): value for name, value in handler.headers.items()}
        kind, _, credentials = self.fields.get("authorization", "").partition(" ")
        self.login = base64.b64decode(credentials).decode() if kind == "Basic" else None
        self.points, self.wrong = [], []
        lines = body.decode().split("\n")
        if lines and not lines[-1]:
            lines.pop()
        for line in lines:
            try:
                self.points.append(Point(line))
            except (Malformed, ValueError) as error:
                self.wrong.append(f"{line!r}: {error}")

    def named(self):
        return {point.name: point for point in self.points}


class Server(http.server.ThreadingHTTPServer):
    """`how` is what it does with the next writes: "take", a status, "hang", "drop", "redirect", "endless" (an answer that never ends), "slow" (one
    that comes byte by byte)."""
    daemon_threads = True

    def __init__(self, port=0, certificate=None):
        super().__init__(("127.0.0.1", port), Handler)
        self.how, self.writes, self.elsewhere = "take", [], 0
        self.changed = threading.Condition()
        self.scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate[1], certificate[0])
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"{self.scheme}://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # a client that goes away, or trusts no such certificate

    def add(self, write):
        with self.changed:
            self.writes.append(write)
            self.changed.notify_all()
            return self.how

    def next(self, seconds=60, how=None):
        """The next write that comes, which is met in that way."""
        with self.changed:
            if how:
                self.how = how
            count = len(self.writes)
            if not self.changed.wait_for(lambda: len(self.writes) > count, seconds):
                raise AssertionError(f"nothing was written within {seconds} s")
            return self.writes[count]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer(204)  # /ping

    def answer(self, status, body=b"", **fields):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        server = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.startswith("/elsewhere"):
            server.elsewhere += 1
            return self.answer(204)
        how = server.add(Write(self, body))
        if how == "take":
            return self.answer(204)
        if how == "redirect":
            return self.answer(307, Location="/elsewhere")
        if how == "hang":
            time.sleep(HANG_SECONDS)
        elif how in ("endless", "slow"):
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            end = time.monotonic() + HANG_SECONDS
            while time.monotonic() < end:
                self.wfile.write(b"x" * (65536 if how == "endless" else 1))
                time.sleep(0 if how == "endless" else 0.1)
        elif how != "drop":
            # a server that repeats what it was not to say
            return self.answer(how, b'{"error":"no %s, %s"}' % (str(how).encode(), self.headers.get("Authorization", "").encode()))
        self.close_connection = True

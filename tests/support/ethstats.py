"""A small ethstats server, and a validator that reports to it: what a node says there is kept, and a test can say anything in answer."""
import base64
import hashlib
import json
import os
import pathlib
import socket
import struct
import subprocess
import threading
import time

from ports import free_ports
from processes import ask, end, until

NETWORK = pathlib.Path(__file__).parent / "../network/network.json"
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class Caller:
    """A connection that became a WebSocket: its request's fields, and the documents that came."""

    def __init__(self, connection, fields, path):
        self.connection, self.fields, self.path = connection, fields, path
        self.documents, self.pongs, self.others = [], [], []  # of emit: (command, what), in order; payloads; texts
        self.code = None  # of the close frame
        self.gone = False

    def frame(self, opcode, payload):
        size = len(payload)
        length = bytes([size]) if size < 126 else b"\x7e" + struct.pack(">H", size) if size < 65536 else b"\x7f" + struct.pack(">Q", size)
        self.raw(bytes([0x80 | opcode]) + length + payload)

    def raw(self, data):
        try:
            self.connection.sendall(data)
        except OSError:
            pass

    def say(self, document):
        self.frame(TEXT, json.dumps(document).encode())

    def emit(self, *words):
        self.say({"emit": words})

    def drop(self):
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def of(self, command):
        return [what for word, what in list(self.documents) if word == command]


class Service:
    """Listens at once; `secret` is whom it lets in, `pongs` whether it answers pings. `context`: TLS."""

    def __init__(self, port, secret, context=None):
        self.secret, self.context, self.pongs, self.port = secret, context, True, port
        self.callers, self.strangers = [], 0  # `strangers`: connections that are no WebSocket
        self.greeting = None  # bytes in place of the answer to the handshake
        self.listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # ends accept(), which might else go on with the next socket of that number
        self.listener.close()
        for caller in self.callers:
            caller.drop()

    def serve(self, connection):
        try:
            connection.settimeout(120)
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            stream = connection.makefile("rb")
            caller = self.handshake(connection, stream)
        except (OSError, ValueError):
            caller = None
        if not caller:
            self.strangers += 1
            connection.close()
            return
        self.callers.append(caller)
        try:
            self.listen(caller, stream)
        except (OSError, ValueError):
            pass
        caller.gone = True
        connection.close()

    def handshake(self, connection, stream):
        if stream.peek(1)[:1] == b"\x16":  # TLS
            return None
        line = stream.readline(4096).decode("latin-1").split(" ")
        fields = {}
        while len(line) == 3:
            field = stream.readline(4096).decode("latin-1").strip()
            if not field:
                break
            name, _, value = field.partition(":")
            fields[name.lower()] = value.strip()
        if "sec-websocket-key" not in fields:
            return None
        accept = base64.b64encode(hashlib.sha1(fields["sec-websocket-key"].encode() + GUID).digest()).decode()
        connection.sendall(self.greeting or (f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                             f"Sec-WebSocket-Accept: {accept}\r\n\r\n").encode())
        return Caller(connection, fields, line[1])

    def listen(self, caller, stream):
        while True:
            opcode, payload = self.read(stream)
            if opcode == TEXT:
                self.hear(caller, json.loads(payload))
            elif opcode == CLOSE:
                caller.code = int.from_bytes(payload[:2], "big")
                return
            elif opcode == PING:
                caller.frame(PONG, payload)
            else:
                caller.pongs.append(payload)

    def read(self, stream):
        """A message, or a control frame. GoQuorum's library sends what is longer than 4 KiB in fragments."""
        whole, kind = b"", None
        while True:
            first, payload = self.read_frame(stream)
            opcode = first & 0xf
            if opcode >= CLOSE:
                return opcode, payload
            whole, kind = whole + payload, kind or opcode
            if first & 0x80:
                return kind, whole

    @staticmethod
    def read_frame(stream):
        """Its first byte and its payload; ValueError: there is none, or it is not a client's."""
        head = stream.read(2)
        if len(head) < 2 or head[0] & 0x70 or not head[1] & 0x80:
            raise ValueError(head)
        size = head[1] & 0x7f
        if size > 125:
            size = int.from_bytes(stream.read(2 if size == 126 else 8), "big")
        mask = stream.read(4)
        payload = stream.read(size)
        if len(payload) < size:
            raise ValueError("cut")
        return head[0], bytes(a ^ b for a, b in zip(payload, (mask * (size // 4 + 1))[:size]))

    def hear(self, caller, document):
        if not isinstance(document, dict):
            caller.others.append(document)
            return
        if list(document) != ["emit"] or len(document["emit"]) != 2:
            raise ValueError(document)
        command, what = document["emit"]
        if command == "hello":
            caller.documents.append((command, what))
            if what.get("secret") == self.secret:
                caller.emit("ready")
            else:
                caller.drop()
            return
        caller.documents.append((command, what))
        if command == "node-ping" and self.pongs:
            time.sleep(0.02)  # GoQuorum's hangs up at a pong that comes before it begins to wait for one
            caller.emit("node-pong", {"clientTime": what["clientTime"], "serverTime": 1})

    def next(self, after=0):
        """The caller behind the first `after` ones that is let in and has reported once."""
        def find():
            return next((c for c in self.callers[after:] if c.of("stats")), None)
        return until(find, "no node reports")


class Validator:
    """The only validator of a QBFT chain with a block a second, which ours and GoQuorum's make alike; or, without `mine`, somebody else."""

    def __init__(self, program, folder, *flags, env=None, mine=True):
        network = json.loads(NETWORK.read_text())
        first = network["nodes"][0]
        self.folder = pathlib.Path(folder)
        self.data, self.log = self.folder / "d", self.folder / "log"
        self.port, self.http = free_ports(2)
        self.url = f"http://127.0.0.1:{self.http}"
        self.program = os.path.abspath(program)
        self.env = {**os.environ, "PRIVATE_CONFIG": "ignore", "HOME": str(folder), **(env or {})}
        if not self.data.exists():
            (self.data / "geth").mkdir(parents=True)
            (self.data / "geth/nodekey").write_text(first["key"] if mine else network["nodes"][1]["key"])
            genesis = {**network["genesis"], "extraData": "0xf83aa0" + "00" * 32 + "d594" + first["address"][2:] + "c080c0"}
            (self.folder / "genesis.json").write_text(json.dumps(genesis))
            subprocess.run([self.program, "--datadir", self.data, "init", self.folder / "genesis.json"], env=self.env, check=True,
                           capture_output=True, timeout=120)
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [self.program, "--datadir", self.data, "--networkid", "1337", "--nodiscover", *(["--mine"] if mine else []), "--syncmode", "full", "--nat", "none",
                 "--port", str(self.port), "--http", "--http.port", str(self.http), "--http.api", "eth,admin,net,txpool,personal",
                 "--allow-insecure-unlock", *flags], env=self.env, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def ask(self, method, *params):
        answer = ask(self.url, method, *params)
        assert "result" in answer, (method, answer)
        return answer["result"]

    def told(self, text):
        return self.log.read_text(errors="replace").count(text)

    def stop(self):
        return end(self.process)


def as_reported(block, total_difficulty):
    """A block of eth_getBlockByNumber (with hashes) as nodes report it."""
    def number(name):
        return int(block[name], 16)
    return {"number": number("number"), "hash": block["hash"], "parentHash": block["parentHash"], "timestamp": number("timestamp"),
            "miner": block["miner"], "gasUsed": number("gasUsed"), "gasLimit": number("gasLimit"), "difficulty": str(number("difficulty")),
            "totalDifficulty": str(total_difficulty), "transactions": [{"hash": h} for h in block["transactions"]],
            "transactionsRoot": block["transactionsRoot"], "stateRoot": block["stateRoot"], "uncles": []}

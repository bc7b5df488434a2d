"""A connection that is told things: a thread keeps all that comes over it, in order."""
import itertools
import json
import threading
import time

import envelopes

WAIT = 60


class Subscriber:
    """Over WebSocket (a port) or IPC (a path)."""

    def __init__(self, where):
        self.over = "WebSocket" if isinstance(where, int) else "IPC"
        self.connection = envelopes.WebSocket(where, None) if isinstance(where, int) else envelopes.Stream(where)
        self.connection.socket.settimeout(None)
        self.messages, self.ended, self.ids = [], False, itertools.count(1)
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            for text in self.texts():
                with self.changed:
                    self.messages.append(json.loads(text))
                    self.changed.notify_all()
        except (OSError, EOFError, ValueError):
            pass
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def texts(self):
        if self.over == "WebSocket":
            while True:
                opcode, text = self.connection.receive()
                if opcode == 8:
                    return
                if opcode == 9:
                    self.connection.send(text.decode(), 10)
                if opcode < 3:
                    yield text.decode()
        text = b""
        while True:
            part = self.connection.socket.recv(1 << 16)
            if not part:
                return
            text += part
            *lines, text = text.split(b"\n")
            yield from (line.decode() for line in lines if line.strip())

    def send(self, value):
        text = value if isinstance(value, str) else json.dumps(value)
        if self.over == "WebSocket":
            self.connection.send(text)
        else:
            self.connection.socket.sendall(text.encode())

    def wait(self, condition, what, seconds=WAIT):
        """Until condition(messages) gives something, which is returned."""
        end = time.monotonic() + seconds
        with self.changed:
            while True:
                found = condition(self.messages)
                if found:
                    return found
                left = end - time.monotonic()
                if left <= 0 or self.ended:
                    raise TimeoutError(f"{what} over {self.over}{' (it has ended)' if self.ended else ''}; last came {self.messages[-3:]}")
                self.changed.wait(left)

    def ask(self, method, *params):
        """The whole answer, without its id."""
        number, start = next(self.ids), len(self.messages)
        self.send({"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)})
        answer = self.wait(lambda all_: next((m for m in all_[start:] if isinstance(m, dict) and m.get("id") == number), None), f"the answer to {method}")
        return {key: value for key, value in answer.items() if key != "id"}

    def told(self, subscription):
        """The results of its notifications, in order."""
        with self.changed:
            return [m["params"]["result"] for m in self.messages
                    if isinstance(m, dict) and "params" in m and m["params"]["subscription"] == subscription]

    def close(self):
        self.connection.close()

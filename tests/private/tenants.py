"""Peers of which node 0 serves two tenants: its manager has two keys, each in a resident group of its own, and the node's genesis file says
isMPS. Node 1 has one private state."""
import base64, http.client, json, os, socket, struct
from peers import Peers

ONE = "tenant-one"  # its key is the node's own of the recording; "private" has the third one's
FOR_ALL = "private"


class Tenants(Peers):
    """Node 0's manager has the keys 0 and 2; of node 1 all is as elsewhere."""

    def __init__(self, *args, upgraded=False, **kw):
        super().__init__(*args, **kw)
        genesis = json.load(open(self.genesis))
        genesis["config"]["isMPS"] = True
        self.plain = self.genesis
        self.multiple = self.write("multiple.json", json.dumps(genesis))
        self.upgraded = upgraded

    def everybody(self):
        return self.keys[:3]

    def start_manager(self, i):
        if i == 0 and not os.path.exists(os.path.join(self.work, "t0")):
            super().start_manager(0)
            self.end(self.managers[0])
            path = os.path.join(self.work, "t0/config.json")
            config = json.load(open(path))
            key = os.path.join(self.work, "t0/second")
            self.write("t0/second.pub", self.keys[2])
            self.write("t0/second.key", json.dumps({"type": "unlocked", "data": {"bytes": self.network["tm_private_keys"][2]}}), 0o600)
            config["keys"]["keyData"].append({"privateKeyPath": key + ".key", "publicKeyPath": key + ".pub"})
            config["features"]["enableMultiplePrivateStates"] = True
            config["residentGroups"] = [{"name": ONE, "members": [self.keys[0]], "description": "one"},
                                        {"name": FOR_ALL, "members": [self.keys[2]], "description": "the other"}]
            self.write("t0/config.json", json.dumps(config))
        super().start_manager(i)

    def start_node(self, i):
        self.genesis = self.multiple if i == 0 and not self.upgraded else self.plain
        super().start_node(i)

    @staticmethod
    def end(process):
        process.terminate()
        process.wait(60)

    def ask_as(self, psi, method, *params, i=0, how="field", token=None):
        """The answer for a private state, named in one of the ways (None: not named)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port + 20 + i, timeout=60)
        path, fields = "/", {"Content-Type": "application/json"}
        if token:
            fields["Authorization"] = "Bearer " + token
        if psi is None:
            pass
        elif how == "field":
            fields["Quorum-PSI"] = psi
        elif how == "short":
            fields["PSI"] = psi
        else:
            path = "/?PSI=" + psi.replace("-", "%2d")
        connection.request("POST", path, json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}), fields)
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    def as_(self, psi, method, *params, **how):
        answer = self.ask_as(psi, method, *params, **how)
        assert "result" in answer, (psi, method, answer)
        return answer["result"]

    def refused_as(self, psi, method, *params, **how):
        answer = self.ask_as(psi, method, *params, **how)
        assert "error" in answer, (psi, method, answer)
        return answer["error"]["message"]

    def ask_ws(self, port, path, method, *params, **fields):
        """The answer over a WebSocket connection that is opened with this path and these fields."""
        with socket.create_connection(("127.0.0.1", port), timeout=60) as s:
            more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                      f"{more}Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n".encode())
            answer = s.makefile("rb")
            assert b" 101 " in answer.readline()
            while answer.readline() != b"\r\n":
                pass
            text = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
            size = bytes([0x80 | len(text)]) if len(text) < 126 else struct.pack(">BH", 0x80 | 126, len(text))
            s.sendall(b"\x81" + size + bytes(4) + text)
            length = answer.read(2)[1]
            if length >= 126:
                length = int.from_bytes(answer.read(2 if length == 126 else 8), "big")
            return json.loads(answer.read(length))

    def ask_ipc(self, id, method, *params):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(60)
            s.connect(os.path.join(self.work, "n0", "geth.ipc"))
            s.sendall(json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).encode())
            text = b""
            while not text.endswith(b"\n"):
                text += s.recv(65536)
        return json.loads(text)

    def stored_as(self, psi, contract):
        return int(self.as_(psi, "eth_getStorageAt", contract, "0x0", "latest"), 16)

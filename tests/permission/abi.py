"""Solidity's contract ABI, as far as the permission contracts need it: strings, bytes, addresses, booleans, unsigned integers, and
lists of them."""


def word(number):
    return number.to_bytes(32, "big")


def is_dynamic(kind):
    return kind in ("string", "bytes") or kind.endswith("[]")


def encode_one(kind, value):
    if kind == "string":
        value = value.encode()
    if kind in ("string", "bytes"):
        return word(len(value)) + value + bytes(-len(value) % 32)
    return word(int(value, 16) if kind == "address" else int(value))


def encode(kinds, values):
    assert len(kinds) == len(values), (kinds, values)
    head, tail = b"", b""
    for kind, value in zip(kinds, values):
        part = encode_one(kind, value)
        if is_dynamic(kind):
            head += word(32 * len(kinds) + len(tail))
            tail += part
        else:
            head += part
    return head + tail


def decode_one(kind, data, at):
    number = int.from_bytes(data[at:at + 32], "big")
    if kind.endswith("[]"):
        return [decode_one(kind[:-2], data, at + 32 * (i + 1)) for i in range(number)]
    if kind == "string":
        return data[at + 32:at + 32 + number].decode(errors="replace")
    if kind == "bytes":
        return data[at + 32:at + 32 + number].hex()
    if kind == "address":
        return "0x" + data[at + 12:at + 32].hex()
    return bool(number) if kind == "bool" else number


def decode(kinds, data):
    values = []
    for i, kind in enumerate(kinds):
        at = 32 * i
        values.append(decode_one(kind, data, int.from_bytes(data[at:at + 32], "big") if is_dynamic(kind) else at))
    return values


def kinds_of(parameters):
    return [p["type"] for p in parameters]


def signature(entry):
    return f"{entry['name']}({','.join(kinds_of(entry['inputs']))})"


class Interface:
    """What a contract offers, by name; `keccak`: of a text, as bytes."""

    def __init__(self, abi, keccak):
        self.functions = {e["name"]: e for e in abi if e["type"] == "function"}
        self.events = {keccak(signature(e)).hex(): e for e in abi if e["type"] == "event"}
        self.selectors = {name: keccak(signature(e))[:4] for name, e in self.functions.items()}

    def call(self, name, arguments):
        return "0x" + (self.selectors[name] + encode(kinds_of(self.functions[name]["inputs"]), arguments)).hex()

    def results(self, name, answer):
        return decode(kinds_of(self.functions[name]["outputs"]), bytes.fromhex(answer[2:]))

    def event(self, log):
        """Name and arguments; none of the permission contracts' events is indexed."""
        entry = self.events[log["topics"][0][2:]]
        return entry["name"], decode(kinds_of(entry["inputs"]), bytes.fromhex(log["data"][2:]))


def shape(abi):
    """What two interfaces must have in common: names and types, not the names of arguments."""
    return sorted((e["type"], e.get("name", ""), e.get("stateMutability", ""), tuple(kinds_of(e["inputs"])),
                   tuple(kinds_of(e.get("outputs", [])))) for e in abi)

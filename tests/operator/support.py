"""What the operator's tests share: a network in a folder of its own, on ports that nobody else uses."""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from ports import CHOSEN, free_base, lock_chosen  # noqa: E402
from processes import PATIENCE, ask, until  # noqa: E402

CHOOSE = ("up", "add-org", "add-peer")  # commands that choose ports for peers that have none
PROGRAMS = ("quorate-node", "quorate-tm", "constellation-node", "mariadbd")


def with_own_ports(text):
    """The network file with every port replaced by a free one."""
    pattern = re.compile(r"(\n\s+port: )\d+")
    port = free_base(len(pattern.findall(text)))

    def replace(match):
        nonlocal port
        port += 1
        return f"{match.group(1)}{port - 1}"

    return pattern.sub(replace, text)


def rpc(url, method, *params):
    body = ask(url, method, *params)
    if "error" in body:
        raise RuntimeError(f"{method}: {body['error']['message']}")
    return body["result"]


class Network:
    """`quorate` in a temporary folder; `with` ends what it started."""

    def __init__(self, program):
        self.program = os.path.abspath(program)
        self.temporary = tempfile.TemporaryDirectory(prefix="quorate-")
        self.folder = pathlib.Path(self.temporary.name)
        self.file = self.folder / "network.yaml"
        self.data = self.folder / "quorate.d"
        self.environment = dict(os.environ)
        self.down_lock = None  # while it is down, and has ports that another network would choose
        self.is_ending = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.is_ending = True
        self.run("down", code=None)
        self.run("down", "--purge", "--yes", code=None)
        self.let_go()
        self.temporary.cleanup()

    def let_go(self):
        if self.down_lock:
            self.down_lock.close()
        self.down_lock = None

    def has_chosen_ports(self):
        try:
            peers = json.loads((self.data / "ports.json").read_text())
        except (OSError, ValueError):
            return False
        return any(given in CHOSEN for rows in peers.values() for _, given in rows)

    @contextlib.contextmanager
    def keeps_ports(self, command, *options):
        """Two networks of one machine choose different ports, but not those of one that is down: between tests this is seen to."""
        lock = None
        stays = command == "down" and "--purge" not in options and not self.is_ending
        if stays and not self.down_lock and self.has_chosen_ports():
            self.down_lock = lock_chosen(is_down=True)
        elif command in CHOOSE and not self.down_lock:
            lock = lock_chosen(is_down=False)
        yield
        if lock:
            lock.close()

    def init(self, *options):
        self.run("init", *options)
        self.file.write_text(with_own_ports(self.file.read_text()))

    def run(self, *arguments, code=0, text=None, stdin=None):
        """Its standard output; `code` None takes any exit code, `text` must be in what it prints."""
        with self.keeps_ports(*arguments):
            done = subprocess.run([self.program, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=2 * PATIENCE,
                                  input=stdin or "", env=self.environment)
        if done.returncode == 0 and arguments[0] == "up":
            self.let_go()
        output = done.stdout + done.stderr
        if code is not None and done.returncode != code:
            sys.exit(f"quorate {' '.join(arguments)} ended with {done.returncode}, expected {code}:\n{output}")
        if text is not None and text not in output:
            sys.exit(f"quorate {' '.join(arguments)} printed no '{text}':\n{output}")
        return done.stdout

    def up(self, *options, **expected):
        return self.run("up", "--detach", *options, "network.yaml", **expected)

    def status(self):
        return json.loads(self.run("status", "--json", code=None))

    def url(self, peer):
        return next(f"http://127.0.0.1:{row['rpc']}" for row in self.status() if row["peer"] == peer)

    def attach(self, peer, expression):
        """What an expression of the console evaluates to."""
        return json.loads(self.run("attach", "--exec", expression, peer))

    def send_private(self, maker, partner, data):
        """The hash of a creation that is private between a peer and another, or who has a manager's key. Right after managers have begun
        they may not know each other yet."""
        key = partner if partner.endswith("=") else self.secret(partner, "tm.pub").strip()
        call = {"gas": 300000, "data": data, "privateFor": [key]}
        expression = f"var t = {json.dumps(call)}; t.from = eth.accounts[0]; personal.sendTransaction(t, '{self.secret(maker, 'passwords.txt')}')"

        def send():
            done = subprocess.run([self.program, "attach", "--exec", expression, maker], cwd=self.folder, capture_output=True, text=True,
                                  timeout=PATIENCE, stdin=subprocess.DEVNULL, env=self.environment)
            try:
                return json.loads(done.stdout)
            except ValueError:
                raise OSError(done.stdout + done.stderr) from None
        return until(send, f"a private transaction from {maker} to {partner}")

    def processes(self):
        """Process ids and command lines of what runs for this network."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode() if entry.name.isdigit() else ""
            except OSError:
                continue
            if str(self.data) in line and any(name in line for name in PROGRAMS):
                found[int(entry.name)] = line
        return found

    def secret(self, peer, name):
        """A secret where the programs of a running peer read it, named in their command lines."""
        for process in json.loads((self.data / "processes.json").read_text()):
            arguments = process["arguments"]
            if process["name"] in (f"{peer} node", f"{peer}/{peer} node"):
                return (pathlib.Path(arguments[arguments.index("--nodekey") + 1]).parent / name).read_text()
        sys.exit(f"no process of {peer}")

#!/usr/bin/env python3
"""`quorate up` killed at random moments and repeated: what was made stays as it was made, the network comes up in the end, and nothing is left
behind. Then two operators at once.

usage: killed.py PROGRAM [--kills N] [--seed N]

PROGRAM is `quorate` in a folder that has quorate-node and quorate-tm too."""

import argparse
import hashlib
import pathlib
import random
import re
import signal
import subprocess
import time

from members import growing
from support import Network, until


def start_up(network):
    return subprocess.Popen([network.program, "up", "--detach", str(network.file)], cwd=network.folder, env=network.environment,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def made_once(network):
    """By path, what must never change once it is there: block 0, the enodes, key files, and keys as programs read them."""
    found = {}
    for pattern in ("genesis.json", "static-nodes.json", "secrets.key", "*/*/genesis.json", "*/*/node/keystore/keystore_1"):
        for path in network.data.glob(pattern):
            found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    memory = network.memory()
    if memory and memory.is_dir():
        for path in memory.glob("*/*/*"):
            if path.name in ("nodekey", "tm.key", "tm.pub", "passwords.txt", "keystore_1"):
                found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


class Killed(Network):
    def memory(self):
        """The folder in memory, as /dev/shm/quorate-<uid>-<digits>, that belongs to this network."""
        file = self.data / "processes.json"
        match = re.search(r'"(/dev/shm/quorate-[^/"]+)/', file.read_text()) if file.exists() else None
        return pathlib.Path(match.group(1)) if match else None

    def everything(self):
        """Processes that name the network's folder: programs, those that make a data directory, and the supervisor."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode() if entry.name.isdigit() else ""
                state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0] if line else "Z"
            except OSError:
                continue
            if str(self.folder) in line and "killed.py" not in line and state != "Z":
                found[int(entry.name)] = line
        return found


def parent_of(process):
    return int(pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[1])


def nothing_orphaned(network, peers):
    """Two programs a peer, all of one supervisor; no half-written file beside the ones that are there."""
    programs = network.processes()
    assert len(programs) == 2 * peers, programs
    supervisors = {parent_of(process) for process in programs}
    assert len(supervisors) == 1 and 1 not in supervisors, supervisors
    extra = {p: line for p, line in network.everything().items() if p not in programs and p not in supervisors}
    assert not extra, extra
    parts = [path for folder in (network.data, network.memory()) for path in folder.rglob("*") if ".part-" in path.name and path.is_file()]
    assert not parts, f"half-written files were left: {parts}"


def one_life(network, rng, whole):
    """A fresh start that is killed, now and then more than once, and completed. `whole`: seconds that an undisturbed one takes. The moments."""
    known, moments = {}, []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        process = start_up(network)
        moment = rng.uniform(0, 1.1 * whole)
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        output = process.communicate()[0]
        moments.append(f"{moment:.2f}s:{len(output.splitlines())}")
        now = made_once(network)
        for path, digest in known.items():
            assert now.get(path, digest) == digest, f"{path} was made anew"
        known.update(now)
    network.up(text="ready four/four")
    now = made_once(network)
    assert all(now[path] == digest for path, digest in known.items() if path in now)
    assert not [path for path in known if path not in now and not path.startswith("/dev/shm")]
    nothing_orphaned(network, 4)
    network.run("status")
    known.update(now)
    return known, moments


def two_at_once(network, known):
    """One of them works; the other waits, or says that it is not alone. Neither damages what the other makes."""
    for fresh in (True, False, False, True, False, False):
        network.run("down", *(("--purge", "--yes") if fresh else ()))
        known = {} if fresh else known
        both = [start_up(network) for _ in range(2)]
        outputs = [process.communicate(timeout=120)[0] for process in both]
        codes = [process.returncode for process in both]
        assert 0 in codes, outputs
        for code, output in zip(codes, outputs):
            assert code == 0 or "is in use by another quorate" in output, (code, output)
        until(lambda: all(row["node"] == "ready" and row["tm"] == "ready" for row in network.status()), "a network that is well")
        nothing_orphaned(network, 4)
        now = made_once(network)
        assert all(now.get(path, digest) == digest for path, digest in known.items())
        known = now
    print("two operators at once: one network, the same keys")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    rng = random.Random(args.seed)
    with Killed(args.program) as network:
        network.init("--organizations", "one,two,three,four")
        since = time.monotonic()
        network.up(text="ready four/four")
        whole = time.monotonic() - since
        network.run("down", "--purge", "--yes")
        kills = 0
        while kills < args.kills:
            known, moments = one_life(network, rng, whole)
            kills += len(moments)
            print(f"killed after (seconds:lines of output) {' '.join(moments)}; then completed: same keys, same genesis, 8 programs, nothing else", flush=True)
            if kills < args.kills:
                network.run("down", "--purge", "--yes")
        growing(network)
        two_at_once(network, known)
        network.run("down")
        until(lambda: not network.everything(), "everything to end")
        assert not (network.memory() or pathlib.Path("/nowhere")).exists()
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()

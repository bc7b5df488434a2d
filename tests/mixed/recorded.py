"""How a node of either kind is started on a recorded chain, by the kind of its network: flags, files, transaction manager.

Nothing else of the network runs: a member of Raft knows two others that are not there, so that there is no leader and no block; the managers of the other
peers of a private network are not there either."""
import gzip
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "tm"))
from managers import Manager  # noqa: E402

STRANGER = "BULeR8JyUWhiuuCMU/HLA0Q5pzkYT+cHII3ZKBey3Bo="


class Recorded:
    """One of the recordings; what is started for both nodes together is stopped by stop()."""

    def __init__(self, recording, folder):
        self.recording, self.folder, self.manager = recording, folder, None
        self.network = json.loads((recording / "network.json").read_text())
        self.contracts = json.loads((recording.parent / "contracts" / "Golden.json").read_text())
        self.is_raft = self.network["consensus"] == "raft"
        self.is_private = "tm_public_keys" in self.network
        self.private_config = "ignore"
        # For privateFor. At a manager the hash that comes of it is another one for each who asks: there none that it would take.
        self.parties = [[STRANGER], self.network["tm_public_keys"][1:2], ["x"]] if self.is_private else [[], [STRANGER]]

    def start_manager(self, program):
        """That of the recorded peer 0, with its database."""
        pair = (self.network["tm_public_keys"][0], self.network["tm_private_keys"][0])
        self.manager = Manager(str(self.folder), "tm0", "quorate", program, pairs=[pair])
        self.manager.configure()
        subprocess.run([program, "migrate", "--from", str(self.recording / "tessera-0.sql"), "--configfile", f"{self.manager.folder}/config.json"],
                       check=True, stdout=subprocess.DEVNULL)
        self.manager.start()
        config = self.folder / "private.toml"
        config.write_text(f'httpUrl = "http://127.0.0.1:{self.manager.q2t}"\ntlsMode = "off"\n')
        self.private_config = str(config)

    def stop(self):
        if self.manager:
            self.manager.stop()

    def flags(self, port):
        return ["--raft", "--raftport", str(port + 5)] if self.is_raft else []

    def files(self, port, absent):
        """Name and text, in the data directory. `absent`: a port at which nobody is."""
        if not self.is_raft:
            return {}
        at = [(port + 1, port + 5)] + [(absent + i, absent + i) for i in (0, 1)]
        members = [f"{enode.split('@')[0]}@127.0.0.1:{p2p}?discport=0&raftport={raft}" for enode, (p2p, raft) in zip(self.network["enodes"], at)]
        return {"static-nodes.json": json.dumps(members), "geth/static-nodes.json": json.dumps(members)}

    def chain(self):
        """The file of its blocks; of private ones, from what a node told of them."""
        if (self.recording / "chain.rlp.gz").exists():
            return self.recording / "chain.rlp.gz"
        blocks = {}
        for line in gzip.open(self.recording / "rpc.jsonl.gz", "rt"):
            line = json.loads(line)
            if line["method"] == "debug_getBlockRlp" and line.get("peer") == 0 and "result" in line:
                blocks[line["params"][0]] = bytes.fromhex(line["result"])
        path = self.folder / "chain.rlp"
        path.write_bytes(b"".join(blocks[number] for number in sorted(blocks) if number))
        return path

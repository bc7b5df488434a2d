"""How a node of either kind is started on a recorded chain, by the kind of its network: flags, files, transaction manager.

Nothing else of the network runs: a member of Raft knows two others that are not there, so that there is no leader and no block; the managers of the other
peers of a private network are not there either. On a permissioned chain GoQuorum waits for a peer before it looks at the contracts: it has one until then."""
import gzip
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "tm"), str(ROOT / "tests" / "rpc"), str(ROOT / "tests" / "support")]
import compare  # noqa: E402
from managers import Manager  # noqa: E402
from processes import until  # noqa: E402

STRANGER = "BULeR8JyUWhiuuCMU/HLA0Q5pzkYT+cHII3ZKBey3Bo="


class Recorded:
    """One of the recordings, or a chain that made.py has made; what is started for both nodes together is stopped by stop()."""

    def __init__(self, recording, folder, contracts):
        self.recording, self.folder, self.contracts, self.manager, self.peer = recording, folder, contracts, None, None
        self.network = json.loads((recording / "network.json").read_text())
        self.is_raft = self.network["consensus"] == "raft"
        self.is_private = "tm_public_keys" in self.network
        self.is_permissioned = "permission" in self.network
        self.makes_markers = recording.name == "private-marker"
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

    def start_peer(self, program, port):
        """On a permissioned chain, of GoQuorum alone; it has the chain and asks for no permission."""
        if self.is_permissioned:
            self.peer = compare.Node("peer", program, self.folder, self.recording, port, chain=self.chain(), key=self.network["node_keys"][1])

    def wait_ready(self, nodes):
        """Until both know the contracts; then each is alone."""
        if not self.is_permissioned:
            return
        for node in nodes:
            until(lambda: node.ask("quorumPermission_orgList", [])[0], f"the organisations of {node.name}")
        self.peer.stop()
        for node in nodes:
            until(lambda: node.ask("net_peerCount", [])[0] == "0x0", f"{node.name} alone")

    def stop(self):
        for one in (self.manager, self.peer):
            if one:
                one.stop()

    def flags(self, port):
        flags = ["--raft", "--raftport", str(port + 5)] if self.is_raft else []
        return flags + ["--permissioned"] * self.is_permissioned + ["--privacymarker.enable"] * self.makes_markers

    def permission_files(self, peer):
        """`peer`: the port of the one that it has, or None."""
        enodes = self.network["enodes"]
        other = [enodes[1].replace(":30303", f":{peer}")] if peer else []
        files = {"permission-config.json": json.dumps(self.network["permission"]), "permissioned-nodes.json": json.dumps(enodes[:1] + other)}
        files.update({name: json.dumps(other) for name in ("static-nodes.json", "geth/static-nodes.json")})
        return files

    def files(self, port, absent, peer):
        """Name and text, in the data directory. `absent`: a port at which nobody is; `peer`: that of start_peer's, for one of the two, which have one key."""
        if self.is_permissioned:
            return self.permission_files(peer)
        if not self.is_raft:
            return {}
        at = [(port + 1, port + 5)] + [(absent + i, absent + i) for i in (0, 1)]
        members = [f"{enode.split('@')[0]}@127.0.0.1:{p2p}?discport=0&raftport={raft}" for enode, (p2p, raft) in zip(self.network["enodes"], at)]
        return {"static-nodes.json": json.dumps(members), "geth/static-nodes.json": json.dumps(members)}

    def chain(self):
        """The file of its blocks; of private ones, from what a node told of them."""
        for name in ("chain.rlp.gz", "chain.rlp"):
            if (self.recording / name).exists():
                return self.recording / name
        blocks = {}
        for line in gzip.open(self.recording / "rpc.jsonl.gz", "rt"):
            line = json.loads(line)
            if line["method"] == "debug_getBlockRlp" and line.get("peer") == 0 and "result" in line:
                blocks[line["params"][0]] = bytes.fromhex(line["result"])
        path = self.folder / "chain.rlp"
        path.write_bytes(b"".join(blocks[number] for number in sorted(blocks) if number))
        return path

"""Peers of which node 0 serves light clients (QLight): two validators, three transaction managers (the third's key has no node), and clients
that have neither a manager nor a part in consensus. Each of the three kinds may be another program."""
import json, os, subprocess
from peers import Peers, end, until
from tenants import Tenants

SERVER, OTHER, FIRST = 0, 1, 2  # the nodes; clients are those from FIRST on
NOBODY = 2  # the key whose manager has no node
QLIGHT = 40  # where the port for clients is, from the first of the network's
APIS = "admin,eth,net,debug,personal,web3,txpool,quorumExtension,istanbul"


def two_validators(path, addresses):
    """The genesis with two validators in place of three."""
    genesis = json.load(open(path))
    genesis["extraData"] = "0xf84fa0" + "00" * 32 + "ea" + "".join("94" + a[2:] for a in addresses[:2]) + "c080c0"
    return genesis


class Light(Peers):
    """`programs`: of the server, the other validator and the clients; None: ours. `serving`: more flags of the server."""

    def __init__(self, node, manager, fixtures, programs=(None, None, None), network="private", serving=(), managed=3):
        self.serving, self.token = list(serving), None  # what the test shows to the server
        super().__init__(node, manager, fixtures, network=network, flags=[[], []], managed=managed)
        self.programs = [p or node for p in programs]
        self.genesis = self.write("genesis.json", json.dumps(two_validators(self.genesis, self.network["node_addresses"])))
        self.shared = self.genesis
        common = ["--syncmode", "full", "--gcmode", "archive", "--http.api", APIS, "--verbosity", "4"]
        self.flags[OTHER] = common
        self.common = [*common, "--qlight.server", "--qlight.server.p2p.port", str(self.port + QLIGHT)]
        self.flags[SERVER] = self.common + self.serving

    def program(self, i):
        return self.programs[min(i, FIRST)]

    def ours(self, i):
        return self.program(i) == self.node

    def new_client(self):
        self.nodes.append(None)
        self.count = len(self.nodes)
        return self.count - 1

    def server_enode(self, port=None):
        return self.network["enodes"][SERVER].split("@")[0] + f"@127.0.0.1:{port or self.port + QLIGHT}?discport=0"

    def client_command(self, i, psi="private", enode=None, rpc=None, apis=APIS, gcmode="archive", more=()):
        """`psi` None: the flag is not given."""
        return [self.program(i), "--datadir", os.path.join(self.work, f"n{i}"), "--networkid", "1337", "--nodiscover", "--syncmode", "full",
                "--gcmode", gcmode, "--port", str(self.port + 10 + i), "--verbosity", "4", "--http", "--http.port", str(self.port + 20 + i),
                "--http.api", apis, "--qlight.client", *([] if psi is None else ["--qlight.client.psi", psi]),
                "--qlight.client.serverNode", enode or self.server_enode(),
                "--qlight.client.serverNodeRPC", rpc or f"http://127.0.0.1:{self.port + 20 + SERVER}", *more]

    def init_client(self, i):
        subprocess.run([self.program(i), "--datadir", os.path.join(self.work, f"n{i}"), "init", self.shared], check=True, capture_output=True,
                       env=dict(os.environ, PRIVATE_CONFIG="ignore"))

    def start_client(self, i, **how):
        """Its data folder is made at its first start, and stays. It has no PRIVATE_CONFIG."""
        d = os.path.join(self.work, f"n{i}")
        if not os.path.exists(d):
            self.init_client(i)
        environment = {k: v for k, v in os.environ.items() if k != "PRIVATE_CONFIG"}
        self.nodes[i] = subprocess.Popen(self.client_command(i, **how), env=environment, stdout=open(f"{d}.log", "a"), stderr=subprocess.STDOUT)
        return self.nodes[i]

    def light(self, **how):
        """A new client that has the chain of the server."""
        i = self.new_client()
        self.start_client(i, **how)
        self.follows(i)
        return i

    def post(self, port, path, body, **fields):
        if self.token and port == self.port + 20 + SERVER:
            fields["Authorization"] = self.token
        return super().post(port, path, body, **fields)

    def height(self, i):
        return int(self.result(i, "eth_blockNumber"), 16)

    def follows(self, i):
        """Waits until a node has the server's head of now."""
        head = self.height(SERVER)
        until(lambda: self.height(i) >= head, f"block {head} at node {i}", 120)
        return head

    def served(self):
        """The clients that the server has."""
        return self.result(SERVER, "admin_qpeers")

    def guests(self):
        """Those of them that it has let in: in the moments of a greeting others are there, too."""
        return [q for q in self.served() if q["protocols"]["qlight"] != "handshake"]

    def is_outside(self, i, height=0):
        """A client goes on running, with no block more, and without a peer but for the moments in which it asks again and is refused."""
        assert self.nodes[i].poll() is None and self.height(i) == height, self.log(i)[-2000:]
        until(lambda: self.result(i, "admin_peers") == [], f"node {i} without a peer")
        ours = self.result(i, "admin_nodeInfo")["id"]
        assert ours not in [q["id"] for q in self.guests()] and self.height(i) == height, self.log(i)[-2000:]

    def kill(self, i):
        self.nodes[i].kill()
        self.nodes[i].wait()

    def restart_server(self, *more):
        """By kill -9: GoQuorum's, ended while it has clients, may wait for ever."""
        self.kill(SERVER)
        self.flags[SERVER] = self.common + self.serving + list(more)
        self.start_node(SERVER)
        self.result(SERVER, "eth_blockNumber")

    def end_client(self, i):
        """Its exit code."""
        return end(self.nodes[i])

    def stop(self):
        for i in reversed(range(len(self.nodes))):
            if self.nodes[i] and self.nodes[i].poll() is None and not self.ours(i):
                self.kill(i)
        super().stop()


class LightTenants(Light, Tenants):
    """The server has the two tenants of Tenants; clients and the other validator have one private state."""

    def __init__(self, *args, **kw):
        super().__init__(*args, managed=2, **kw)
        self.plain = self.shared
        genesis = json.load(open(self.plain))
        genesis["config"]["isMPS"] = True
        self.multiple = self.write("multiple.json", json.dumps(genesis))


class LightRaft(Light):
    """The two are members of a Raft cluster; a client is told that the chain is one of Raft."""

    def __init__(self, *args, **kw):
        super().__init__(*args, **kw)
        genesis = json.load(open(self.shared))
        del genesis["config"]["qbft"]
        genesis.update(difficulty="0x0", extraData="0x" + 64 * "0", mixHash="0x" + 64 * "0", timestamp="0x0")
        self.genesis = self.shared = self.write("raft.json", json.dumps(genesis))
        apis = ["--http.api", APIS.replace("istanbul", "raft")]
        self.common += [*apis, *self.raft(SERVER)]
        self.flags = [self.common + self.serving, self.flags[OTHER] + apis + self.raft(OTHER)]

    def raft(self, i):
        return ["--raft", "--raftport", str(self.raft_port(i)), "--raftblocktime", "50"]

    def raft_port(self, i):
        return self.port + QLIGHT + 1 + i

    def static_nodes(self, i):  # of all members in the order of their Raft ids
        return [self.enode(j) for j in (SERVER, OTHER)]

    def enode(self, i):
        return super().enode(i) + f"&raftport={self.raft_port(i)}"

    def wait_for_blocks(self):  # there are none without transactions
        until(lambda: "minter" in [self.result(i, "raft_role") for i in (SERVER, OTHER)], "a minter")

    def client_command(self, i, more=(), **how):
        return super().client_command(i, more=["--raft", *more], apis=APIS.replace("istanbul,", "").replace(",istanbul", ""), **how)

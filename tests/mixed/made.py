"""Chains of kinds that no recording has, made by nodes of ours and left in a folder of the recordings' form: a Clique chain of two signers with an open vote,
and a chain whose network is permissioned by contracts, of either model."""
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / name) for name in ("network", "permission", "support")] + [str(ROOT / "tools")]
import clique  # noqa: E402
from network import DATA, Network, make_genesis  # noqa: E402
from permission_contracts import codes_of  # noqa: E402
from permissioned import KEYS, Permissioned, import_keys, unlocked  # noqa: E402
from processes import until  # noqa: E402

KINDS = ("clique", "permission-v1", "permission-v2")
WORD = "%064x"


def write(folder, network, consensus, nodes, accounts, **more):
    """What Recorded reads: the chain of the network's first node, whose processes have ended."""
    (folder / "genesis.json").write_text(json.dumps(network.genesis))
    about = {"consensus": consensus, "enodes": [f"enode://{node['id']}@127.0.0.1:30303?discport=0" for node in nodes], "node_keys": [node["key"] for node in nodes],
             "node_addresses": [node["address"] for node in nodes], "accounts": accounts, **more}
    (folder / "network.json").write_text(json.dumps(about))
    first = network.nodes[0]
    subprocess.run([first.program, "--datadir", first.folder, "export", folder / "chain.rlp"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


# --- Transactions of every kind ---

class Sender:
    """Sends by an account that is unlocked at the node."""

    def __init__(self, node, account, contracts):
        self.node, self.account, self.contracts = node, account, contracts

    def send(self, **fields):
        return self.node.receipt(unlocked(self.node, "eth_sendTransaction", {"from": self.account, "gas": "0x47b760", "gasPrice": "0x0", **fields}))

    def make(self, name, *words):
        return self.send(data=self.contracts[name]["bin"] + "".join(WORD % word for word in words))["contractAddress"]

    def call(self, to, name, method, *words):
        return self.send(to=to, data="0x" + self.contracts[name]["methods"][method].removeprefix("0x") + "".join(WORD % word for word in words))

    def some(self):
        store, token, factory, caller = self.make("Store", 42), self.make("Token", 1000), self.make("Factory"), self.make("Caller")
        self.call(store, "Store", "set(uint256)", 7)
        self.call(token, "Token", "transfer(address,uint256)", int(store, 16), 5)
        self.call(token, "Token", "approve(address,uint256)", int(caller, 16), 9)
        self.call(factory, "Factory", "make(uint256)", 3)
        self.call(caller, "Caller", "callSet(address,uint256)", int(store, 16), 8)
        self.call(store, "Store", "clear()")
        self.send(to=self.account)


# --- Clique ---

def make_clique(folder, program, contracts):
    nodes = clique.SIGNERS[:2]
    genesis = clique.make_genesis()
    signers = sorted(node["address"][2:].lower() for node in nodes)
    genesis["extraData"] = "0x" + "00" * 32 + "".join(signers) + "00" * 65
    network = Network(folder / "network", [program] * 2, ["--nousb", "--http.api", "clique,eth"], genesis, nodes)
    with network:
        for node, identity in zip(network.nodes, nodes):
            clique.add_account(node, identity)
        network.start()
        for node in network.nodes:
            node.wait_answer(60)
        network.wait_height(2, 60)
        Sender(network.nodes[0], nodes[0]["address"], contracts).some()
        network.nodes[0].rpc("clique_propose", "0x" + "11" * 20, True)  # of two signers one is not enough
        network.wait_height(network.nodes[0].height() + 4, 60)
        for node in network.nodes:
            node.stop()
    write(folder, network, "clique", nodes, [{"address": node["address"], "key": "0x" + node["key"]} for node in nodes])


# --- Permissioned ---

class Alone(Permissioned):
    """One validator, which has every account."""

    def __init__(self, network, model):
        self.network, self.nodes, self.model, self.codes, self.accounts = network, network.nodes, model, codes_of(model), {}
        self.urls = [f"enode://{node['id']}@127.0.0.1:{30303 + i}?discport=0" for i, node in enumerate(DATA["nodes"])]

    def act(self, name, method, *params):
        account = self.accounts[name]
        before = self.nodes[0].rpc("eth_getTransactionCount", account, "latest")
        done = unlocked(self.nodes[0], "quorumPermission_" + method, *params, {"from": account, "gas": "0x2faf080"})
        assert done == "Action completed successfully", done
        until(lambda: self.nodes[0].rpc("eth_getTransactionCount", account, "latest") != before, f"{method} in a block")

    def run(self):
        """Organisations, nodes, roles and accounts of as many states as a few actions give."""
        keeper, user, fresh = (self.accounts[name] for name in ("keeper", "user", "fresh"))
        self.act("admin", "addOrg", "ORG", self.urls[1], keeper)
        self.act("admin", "approveOrg", "ORG", self.urls[1], keeper)
        self.act("admin", "addNewRole", "ADMINORG", "SENDER", 1, False, False)
        self.act("admin", "addNewRole", "ADMINORG", "MAKER", 2, False, False)
        self.act("admin", "addAccountToOrg", user, "ADMINORG", "SENDER")
        self.act("admin", "addSubOrg", "ADMINORG", "SUB", "")
        self.act("admin", "addAccountToOrg", fresh, "ADMINORG", "SENDER")
        self.act("admin", "updateAccountStatus", "ADMINORG", fresh, 1)
        self.act("admin", "addNode", "ADMINORG", self.urls[2])
        self.act("admin", "updateNodeStatus", "ADMINORG", self.urls[2], 3)
        self.act("admin", "removeRole", "ADMINORG", "MAKER")
        self.act("admin", "addOrg", "WAITS", self.urls[3], "0x" + "22" * 20)


def make_permissioned(folder, program, model, contracts):
    network = Network(folder / "network", [program], ["--http.api", "eth,net,quorumPermission"], make_genesis("qbft", DATA["nodes"][:1]), DATA["nodes"][:1])
    p, node = Alone(network, model), network.nodes[0]
    with network:
        import_keys(p, [(node, ["admin", "keeper", "user", "fresh"])])
        network.start()
        network.wait_height(1, 60)
        config = p.deploy_all()
        Sender(node, p.accounts["admin"], contracts).some()
        node.stop()
        files = {"permission-config.json": json.dumps(config), "permissioned-nodes.json": json.dumps(p.urls[:1]), "static-nodes.json": json.dumps(p.urls[:1])}
        for name, text in files.items():
            (node.folder / name).write_text(text)
        (node.folder / "geth/static-nodes.json").write_text(files["static-nodes.json"])
        node.arguments.append("--permissioned")
        node.start()
        node.wait_answer(60)
        p.expect("acctList", 2, acctId=p.accounts["admin"])
        p.run()
        node.stop()
    accounts = [{"address": p.accounts[name], "key": "0x" + KEYS[name]} for name in p.accounts]
    write(folder, network, "qbft", DATA["nodes"], accounts, permission=config)


def make(kind, folder, program, contracts):
    """Fills the folder, which is there."""
    if kind == "clique":
        make_clique(folder, program, contracts)
    else:
        make_permissioned(folder, program, kind.removeprefix("permission-"), contracts)

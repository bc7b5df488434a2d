#!/usr/bin/env python3
"""A permissioned network of four, by contracts: three validators of the first organisation, the fourth of one that is added. An
organisation, its node and its accounts are added, suspended, revoked, blacklisted and recovered; after each step every node is asked
what it knows and what it lets through.

usage: permissioned.py PROGRAM MODEL [CONTRACTS [PEER]]    (MODEL: v1 or v2; CONTRACTS: a folder with <Name>.bin, creation code in hex, of
                                                       other permission contracts than ours, or "own"; PEER: the second node's
                                                       program, such as GoQuorum's geth)

With $QUORATE_PERMISSION_CONTRACTS, GoQuorum's folder permission/, everything is done once more on the contracts that are there."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "network"))
sys.path.insert(0, str(HERE.parent.parent / "tools"))
from network import Network  # noqa: E402
from permission_contracts import Deployer, codes_of  # noqa: E402
from processes import until  # noqa: E402

DONE = "Action completed successfully"
DENIED = "account does not have permission for the transaction"
# Of the test alone; addresses as eth_accounts gives them.
KEYS = {name: f"{0x11 * (i + 1):02x}" * 32 for i, name in enumerate(("admin", "keeper", "user", "fresh", "a1", "x1"))}
STRANGER_NODE = ("enode://79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
                 "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8@127.0.0.1:%d?discport=0")


def refused(node, method, *params):
    try:
        node.rpc(method, *params)
    except RuntimeError as error:
        return str(error)
    raise AssertionError(f"{method} {params} was not refused")


def unlocked(node, method, *params):
    """The accounts of --unlock are opened after the start."""
    def ask():
        try:
            return node.rpc(method, *params)
        except RuntimeError as error:
            if "authentication needed" not in str(error):
                raise
            return None
    return until(ask, "an unlocked account")


def import_key(node, name, password):
    path = node.folder / f"{name}.key"
    path.write_text(KEYS[name])
    path.chmod(0o600)
    before = set((node.folder / "keystore").glob("*")) if (node.folder / "keystore").exists() else set()
    subprocess.run([node.program, "--datadir", node.folder, "--lightkdf", "--password", password, "account", "import", path],
                   check=True, stdout=subprocess.DEVNULL, stderr=open(node.folder / "import.log", "a"))
    path.unlink()
    new, = set((node.folder / "keystore").glob("*")) - before
    return "0x" + json.loads(new.read_text())["address"]


def import_keys(network, owners):
    """The named accounts, each unlocked on its node from the start; their addresses go into network.accounts."""
    for node, names in owners:
        password = node.folder / "password"
        password.write_text("permission\n" * len(names))
        password.chmod(0o600)
        for name in names:
            network.accounts[name] = import_key(node, name, password)
        node.arguments += ["--unlock", ",".join(network.accounts[name] for name in names), "--password", str(password),
                           "--allow-insecure-unlock"]


class Permissioned:
    """`codes`: the creation code of a contract by its name."""

    def __init__(self, network, model, codes):
        self.network, self.nodes, self.model, self.codes = network, network.nodes, model, codes
        self.accounts = {}
        import_keys(self, [(self.nodes[0], ["admin", "a1"]), (self.nodes[3], ["keeper", "user", "fresh"])])
        for node in self.nodes:
            node.arguments += ["--http.api", "admin,eth,net,quorumPermission"]
        self.urls = [json.loads((self.nodes[1 if i == 0 else 0].folder / "geth/static-nodes.json").read_text())[max(i - 1, 0)]
                     for i in range(4)]

    # --- Transactions ---

    def send(self, node, **fields):
        return unlocked(node, "eth_sendTransaction", {"gas": "0x2faf080", "gasPrice": "0x0", "value": "0x0", **fields})

    def mined(self, node, transaction):
        receipt = until(lambda: node.rpc("eth_getTransactionReceipt", transaction), "a receipt")
        assert receipt["status"] == "0x1", receipt
        return receipt

    def deploy_all(self):
        node, admin = self.nodes[0], self.accounts["admin"]
        addresses = Deployer(lambda method, *params: unlocked(node, method, *params), admin, self.codes).all()
        return {
            "permissionModel": self.model, **addresses, "nwAdminOrg": "ADMINORG", "nwAdminRole": "ADMIN", "orgAdminRole": "ORGADMIN",
            "accounts": [admin], "subOrgBreadth": 3, "subOrgDepth": 4,
        }

    def act(self, name, method, *params):
        """By the account of that name, at the node that has it."""
        node = self.nodes[0 if name == "admin" else 3]
        assert unlocked(node, "quorumPermission_" + method, *params, {"from": self.accounts[name], "gas": "0x2faf080"}) == DONE

    # --- What every node says ---

    def everywhere(self, what, check, nodes=None):
        for i, node in enumerate(nodes or self.nodes):
            until(lambda: check(node), f"{what} at node {i}")

    def record(self, node, listing, **fields):
        return [r for r in node.rpc("quorumPermission_" + listing) if all(r[k] == v for k, v in fields.items())]

    def expect(self, listing, status, nodes=None, **fields):
        self.everywhere(f"{listing} {fields} with status {status}",
                        lambda node: [r["status"] for r in self.record(node, listing, **fields)] == [status], nodes)

    def may(self, name, allowed, nodes=None, **fields):
        call = {"from": self.accounts[name], "to": self.accounts["admin"], "value": "0x0", **fields}
        call = {k: v for k, v in call.items() if v is not None}
        self.everywhere(f"{name} may send: {allowed}",
                        lambda node: node.rpc("quorumPermission_transactionAllowed", call) is allowed, nodes)

    def listed(self, file, url, wanted, nodes):
        def check(node):
            path = node.folder / file
            try:
                return (path.exists() and url in json.loads(path.read_text())) is wanted
            except ValueError:  # GoQuorum is writing it
                return False
        self.everywhere(f"{file} has {url[:24]}: {wanted}", check, nodes)

    def peers(self, node):
        return {peer["enode"][8:136] for peer in node.rpc("admin_peers")}

    def connected(self, wanted):
        key = self.urls[3][8:136]
        self.everywhere(f"the fourth node connected: {wanted}", lambda node: (key in self.peers(node)) is wanted, self.nodes[:3])


def start_permissioned(p):
    p.network.start()
    p.network.wait_height(1, 60)
    config = p.deploy_all()
    p.network.wait_height(p.nodes[0].height(), 60)
    for node in p.nodes:
        node.stop()
    for node in p.nodes:
        urls = p.urls if node is p.nodes[3] else p.urls[:3]
        (node.folder / "permission-config.json").write_text(json.dumps(config))
        (node.folder / "permissioned-nodes.json").write_text(json.dumps(urls))
        (node.folder / "geth/static-nodes.json").write_text(json.dumps(urls))
        node.arguments.append("--permissioned")
    for node in p.nodes[:3]:
        node.start()
    p.expect("orgList", 2, p.nodes[:3], orgId="ADMINORG")
    p.expect("acctList", 2, p.nodes[:3], acctId=p.accounts["admin"])
    for url in p.urls[:3]:
        p.expect("nodeList", 2, p.nodes[:3], url=url)
    p.nodes[3].start()
    p.nodes[3].wait_answer(30)


def connections(p):
    """The basic model takes URLs, too."""
    node, url = p.nodes[1], p.urls[0]
    key, port = url[8:136], int(url.rsplit(":", 1)[1].split("?")[0])
    basic = p.model == "v1"
    for name, number, allowed in ((key, port, True), (key.upper(), port, True), ("enode://" + key, port, basic), (url, port, basic), (key, 1, True), (url + url[3:], port, False),
                                  (key[:-2], port, False), ("11" * 64, port, False), ("", port, False)):
        answer = node.rpc("quorumPermission_connectionAllowed", name, "127.0.0.1", number, 0)
        assert answer is allowed, (name, number, answer)


def organisation(p):
    """A node that the network does not know is refused; with its organisation it comes in."""
    keeper, three = p.accounts["keeper"], p.nodes[:3]
    p.may("admin", True, three)
    p.may("keeper", False, three)
    assert p.urls[3][8:136] not in p.peers(p.nodes[0])
    error = refused(p.nodes[0], "quorumPermission_approveOrg", "ORG", p.urls[3], keeper, {"from": p.accounts["admin"]})
    assert "Nothing to approve" in error, error
    p.act("admin", "addOrg", "ORG", p.urls[3], keeper)
    p.expect("orgList", 1, three, orgId="ORG")
    p.act("admin", "approveOrg", "ORG", p.urls[3], keeper)
    p.connected(True)
    p.expect("orgList", 2, orgId="ORG")
    p.expect("nodeList", 2, orgId="ORG", url=p.urls[3])
    p.expect("acctList", 2, acctId=keeper, orgId="ORG")
    p.may("keeper", True)
    p.listed("permissioned-nodes.json", p.urls[3], True, three)


def accounts(p):
    user, last = p.accounts["user"], p.nodes[3]
    p.act("keeper", "addNewRole", "ORG", "SENDER", 1, False, False)
    p.everywhere("a role", lambda node: p.record(node, "roleList", orgId="ORG", roleId="SENDER", active=True))
    p.act("keeper", "addAccountToOrg", user, "ORG", "SENDER")
    p.expect("acctList", 2, acctId=user)
    p.may("user", True)
    p.may("user", False, to=None)
    p.mined(last, p.send(last, **{"from": user, "to": p.accounts["admin"]}))
    assert DENIED in refused(last, "eth_sendTransaction", {"from": user, "gas": "0x100000", "gasPrice": "0x0", "data": "0x00"})
    assert "Operation can be performed by org admin only" in refused(
        last, "quorumPermission_updateAccountStatus", "ORG", user, 1, {"from": user})
    for change, status, allowed in ((1, 4, False), (2, 2, True), (3, 5, False)):
        p.act("keeper", "updateAccountStatus", "ORG", user, change)
        p.expect("acctList", status, acctId=user)
        p.may("user", allowed)
        if not allowed:
            assert DENIED in refused(last, "eth_sendTransaction", {"from": user, "to": user, "gas": "0x100000", "gasPrice": "0x0"})
    p.act("admin", "recoverBlackListedAccount", "ORG", user)
    p.expect("acctList", 7, acctId=user)
    p.may("user", False)
    p.act("admin", "approveBlackListedAccountRecovery", "ORG", user)
    p.expect("acctList", 2, acctId=user)
    p.may("user", True)


def trees(p):
    """A sub-organisation of its own administrator and account; what a role of the whole tree lets it do."""
    keeper, user = p.accounts["keeper"], p.accounts["user"]
    p.act("keeper", "addSubOrg", "ORG", "SUB", "")
    p.expect("orgList", 2, fullOrgId="ORG.SUB", parentOrgId="ORG", ultimateParent="ORG", level=2)
    p.everywhere("the list of sub-organisations", lambda node: [r["subOrgList"] for r in p.record(node, "orgList", fullOrgId="ORG")] == [["ORG.SUB"]])
    assert "Org does not exist" in refused(p.nodes[3], "quorumPermission_addSubOrg", "NOBODY", "SUB", "", {"from": keeper})
    p.act("keeper", "addNewRole", "ORG", "MAKER", 2, False, False)
    p.everywhere("a role", lambda node: p.record(node, "roleList", orgId="ORG", roleId="MAKER", active=True))
    # An account has one organisation; its role may change.
    p.act("keeper", "changeAccountRole", user, "ORG", "MAKER")
    p.everywhere("another role", lambda node: p.record(node, "acctList", acctId=user, roleId="MAKER"))
    p.may("user", True, to=None)
    p.may("user", False if p.model == "v2" else True)
    if p.model == "v2":
        p.act("keeper", "addNewRole", "ORG", "CALLER", 4, False, False)
        p.everywhere("a role", lambda node: p.record(node, "roleList", orgId="ORG", roleId="CALLER", active=True))
        p.act("keeper", "changeAccountRole", user, "ORG", "CALLER")
        p.everywhere("another role", lambda node: p.record(node, "acctList", acctId=user, roleId="CALLER"))
        p.may("user", True, data="0x01")
        p.may("user", False)
        p.may("user", False, to=None, data="0x00")
    p.act("keeper", "changeAccountRole", user, "ORG", "SENDER")
    p.everywhere("the first role", lambda node: p.record(node, "acctList", acctId=user, roleId="SENDER"))
    p.may("user", True)
    p.act("keeper", "removeRole", "ORG", "MAKER")
    p.everywhere("a role that is gone", lambda node: p.record(node, "roleList", orgId="ORG", roleId="MAKER", active=False))
    # The sub-organisation's own account, with a role of the whole tree.
    fresh = p.accounts["fresh"]
    p.act("keeper", "addAccountToOrg", fresh, "ORG.SUB", "SENDER")
    p.expect("acctList", 2, acctId=fresh, orgId="ORG.SUB")
    p.may("fresh", True)
    p.may("fresh", False, to=None)


def office(p):
    """Another administrator of the organisation takes the office, and the first one gets it back."""
    for new, old in (("user", "keeper"), ("keeper", "user")):
        p.act("admin", "assignAdminRole", "ORG", p.accounts[new], "ORGADMIN")
        p.expect("acctList", 1, acctId=p.accounts[new])
        p.may(new, False)
        p.act("admin", "approveAdminRole", "ORG", p.accounts[new])
        p.expect("acctList", 2, acctId=p.accounts[new], roleId="ORGADMIN", isOrgAdmin=True)
        p.expect("acctList", 6, acctId=p.accounts[old], isOrgAdmin=False)
        p.may(new, True, to=None)
        p.may(old, False)
    p.act("keeper", "changeAccountRole", p.accounts["user"], "ORG", "SENDER")
    p.expect("acctList", 2, acctId=p.accounts["user"], roleId="SENDER")
    p.may("user", True)


def suspension(p):
    for change, status, allowed in ((1, 4, False), (2, 2, True)):
        p.act("admin", "updateOrgStatus", "ORG", change)
        until(lambda: "Pending approvals" in refused(
            p.nodes[0], "quorumPermission_addOrg", "X", STRANGER_NODE % 1, p.accounts["user"], {"from": p.accounts["admin"]}), "a vote to wait")
        p.act("admin", "approveOrgStatus", "ORG", change)
        p.expect("orgList", status, fullOrgId="ORG")
        for name in ("user", "keeper", "fresh"):
            p.may(name, allowed)


def nodes(p):
    url, three = STRANGER_NODE % 30399, p.nodes[:3]
    p.act("keeper", "addNode", "ORG", url)
    p.expect("nodeList", 2, url=url)
    p.listed("permissioned-nodes.json", url, True, p.nodes)
    for change, status, listed in ((1, 3, False), (2, 2, True), (3, 4, False)):
        p.act("keeper", "updateNodeStatus", "ORG", url, change)
        p.expect("nodeList", status, url=url)
        p.listed("permissioned-nodes.json", url, listed, p.nodes)
    p.listed("disallowed-nodes.json", url, True, p.nodes)
    # The organisation's own node goes, and comes back by the network's administrator.
    p.act("keeper", "updateNodeStatus", "ORG", p.urls[3], 3)
    p.connected(False)
    p.expect("nodeList", 4, three, url=p.urls[3])
    p.act("admin", "recoverBlackListedNode", "ORG", p.urls[3])
    p.expect("nodeList", 5, three, url=p.urls[3])
    p.act("admin", "approveBlackListedNodeRecovery", "ORG", p.urls[3])
    p.listed("disallowed-nodes.json", p.urls[3], False, three)
    p.listed("permissioned-nodes.json", p.urls[3], True, three)
    p.connected(True)
    p.expect("nodeList", 2, url=p.urls[3])


def history(p):
    """Nodes that do not ask put into a block what nobody may send. The network has agreed on it: one that was away takes it, and asks again of
    what comes later. (In the enhanced model; the other asks of no block.)"""
    three, last = p.nodes[:3], p.nodes[3]
    for node in p.nodes:
        node.stop()
    for node in three:
        node.arguments.remove("--permissioned")
        node.start()
    sent = p.send(three[0], **{"from": p.accounts["a1"], "to": p.accounts["admin"], "gas": "0x100000"})
    p.mined(three[0], sent)
    p.network.wait_height(max(node.height() for node in three), 60, three)
    for node in three:
        node.stop()
        node.arguments.append("--permissioned")
    for node in p.nodes:
        node.start()
    for node in p.nodes:
        node.wait_answer(60)
    p.everywhere("the block that these rules refuse", lambda node: node.rpc("eth_getTransactionReceipt", sent))
    if p.model == "v2":
        until(lambda: "checked from now on" in (last.folder / "log").read_text(), "blocks to be checked")
    p.may("a1", False)


def run(program, model, codes, peer, whose):
    with tempfile.TemporaryDirectory() as folder:
        network = Network(folder, [program, peer, program, program])
        with network:
            p = Permissioned(network, model, codes)
            start_permissioned(p)
            for step in (connections, organisation, accounts, trees, office, suspension, nodes, history):
                step(p)
                print(f"{model}, {whose} contracts: {step.__name__} ok", flush=True)
            network.wait_height(max(network.heights()), 60)
            print(f"{model}, {whose} contracts: one chain of {network.check_agreement()} blocks")


def codes_in(folder):
    return lambda name: "0x" + (folder / f"{name}.bin").read_text().strip().removeprefix("0x")


def main():
    program, model, *more = sys.argv[1:]
    peer = more[1] if len(more) > 1 else program
    given = os.environ.get("QUORATE_PERMISSION_CONTRACTS")
    if more and more[0] != "own":
        run(program, model, codes_in(pathlib.Path(more[0])), peer, "the given")
        return
    run(program, model, codes_of(model), peer, "our")
    if given and not more:
        run(program, model, codes_in(pathlib.Path(given) / model / "contract/gen"), peer, "the given")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""The scenarios of GoQuorum's acceptance tests permissions_model_v1 and permissions_model_v2 (quorum-acceptance-tests), by their
headings, with their steps: a Raft cluster of three, permissioned by contracts from block 20 on, which a fourth node joins. One network
goes through all of them, where the specification makes a new one for each.

usage: acceptance.py PROGRAM MODEL [PEER]    (MODEL: v1 or v2; PEER: GoQuorum's geth, to be the second and the fourth)"""

import json
import sys
import tempfile
import time

from permissioned import DENIED, DONE, Deployer, Network, codes_of, import_keys, refused, unlocked
from network import DATA, free_ports
from processes import until

PERMITTED_FROM = 20  # qip714Block
ORG, ROLE, ORG_ROLE = "NWADMIN", "NWADMIN", "ORGADMIN"
FULL, DEPLOYS = 3, 2
EXTRA = ("enode://79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
         "@127.0.0.1:21005?discport=0&raftport=50406")


def store_code(value):
    """A contract whose every call returns the value that it was made with."""
    runtime = bytes.fromhex("60005460005260206000f3")
    return "0x" + (bytes([0x60, value, 0x60, 0, 0x55, 0x60, len(runtime), 0x60, 17, 0x60, 0, 0x39, 0x60, len(runtime), 0x60, 0, 0xF3]) + runtime).hex()


class Cluster:
    def __init__(self, folder, program, model, peer):
        self.model = model
        genesis = json.loads(json.dumps(DATA["genesis"]))
        del genesis["config"]["qbft"]
        genesis["config"]["qip714Block"] = PERMITTED_FROM
        self.network = Network(folder, [program, peer] * 2, ["--raft", "--raftblocktime", "50", "--allow-insecure-unlock"], genesis)
        self.nodes = self.network.nodes
        self.urls, self.accounts = [], {}
        for node, identity, raft_port in zip(self.nodes, DATA["nodes"], free_ports(4)):
            node.arguments += ["--raftport", str(raft_port), "--http.api", "admin,eth,net,raft,quorumPermission"]
            self.urls.append(f"enode://{identity['id']}@127.0.0.1:{node.port}?discport=0&raftport={raft_port}")
        import_keys(self, [(self.nodes[0], ["admin"]), (self.nodes[1], ["a1", "x1"]), (self.nodes[3], ["keeper"])])
        for node in self.nodes[:3]:
            (node.folder / "geth/static-nodes.json").write_text(json.dumps(self.urls[:3]))
        self.running = self.nodes[:3]

    # --- Steps ---

    def send(self, node, sender, **fields):
        return unlocked(node, "eth_sendTransaction", {"from": self.accounts[sender], "gas": "0x2faf080", "gasPrice": "0x0", "value": "0x0",
                                                      **fields})

    def deploy_store(self, node, sender, value):
        """The contract's address."""
        receipt = node.receipt(self.send(node, sender, data=store_code(value)))
        assert receipt["status"] == "0x1", receipt
        return receipt["contractAddress"]

    def act(self, method, *params, node=0, sender="admin"):
        done = unlocked(self.nodes[node], "quorumPermission_" + method, *params, {"from": self.accounts[sender], "gas": "0x2faf080"})
        assert done == DONE, done

    def everywhere(self, listing, **fields):
        """All running nodes list a record with these."""
        for node in self.running:
            until(lambda: [r for r in node.rpc("quorumPermission_" + listing) if all(r[k] == v for k, v in fields.items())],
                  f"{listing} {fields} at {node.folder}")

    def validate(self, org, number, role):
        """Validate that org <org> is approved, has <node> linked and has role <role>."""
        self.everywhere("orgList", orgId=org, fullOrgId=org, parentOrgId="", level=1, status=2)
        self.everywhere("nodeList", orgId=org, url=self.urls[number], status=2)
        self.everywhere("roleList", orgId=org, roleId=role, access=FULL, isVoter=True, active=True)

    def restart(self):
        for node in self.running:
            node.stop()
        for node in self.running:
            node.start()
        for node in self.running:
            node.wait_answer(60)
        until(lambda: [node.rpc("raft_role") for node in self.running].count("minter") == 1, "a leader")

    def same_height(self, nodes, least):
        self.network.wait_height(least, 60, nodes)

    def begin(self):
        for node in self.running:
            node.start()
        for node in self.running:
            node.wait_answer(60)
        until(lambda: [node.rpc("raft_role") for node in self.running].count("minter") == 1, "a leader")
        node = self.nodes[0]
        addresses = Deployer(lambda method, *params: unlocked(node, method, *params), self.accounts["admin"], codes_of(self.model)).all()
        config = {"permissionModel": self.model, **addresses, "nwAdminOrg": ORG, "nwAdminRole": ROLE, "orgAdminRole": ORG_ROLE,
                  "accounts": [self.accounts["admin"]], "subOrgBreadth": 4, "subOrgDepth": 4}
        for each in self.nodes:
            (each.folder / "permission-config.json").write_text(json.dumps(config))
            (each.folder / "permissioned-nodes.json").write_text(json.dumps(self.urls[:3]))
            each.arguments.append("--permissioned")
        self.restart()
        while node.height() < PERMITTED_FROM:
            self.deploy_store(node, "admin", 5)

    def join(self):
        """Start stand alone Node4, write the configuration into it, restart the network."""
        fourth = self.nodes[3]
        number = self.nodes[0].rpc("raft_addPeer", self.urls[3])
        fourth.arguments += ["--raftjoinexisting", str(number)]
        (fourth.folder / "geth/static-nodes.json").write_text(json.dumps(self.urls))
        (fourth.folder / "permissioned-nodes.json").write_text(json.dumps(self.urls))
        self.running = self.nodes
        fourth.start()
        fourth.wait_answer(60)
        until(lambda: fourth.rpc("raft_role") == "verifier", "the fourth a member")
        self.same_height([fourth], self.nodes[0].height())
        self.restart()


# --- The scenarios ---

def initialized(c):
    """Network Admin Organization and Role are initialized successfully"""
    for number in range(3):
        c.validate(ORG, number, ROLE)
    c.everywhere("acctList", acctId=c.accounts["admin"], orgId=ORG, roleId=ROLE, isOrgAdmin=True, status=2)
    a1, x1 = c.accounts["a1"], c.accounts["x1"]
    for role, access in (("ROLEA", FULL), ("ROLEB", DEPLOYS)):
        c.act("addNewRole", ORG, role, access, False, False)
        c.everywhere("roleList", orgId=ORG, roleId=role, access=access, active=True)
    c.act("addAccountToOrg", a1, ORG, "ROLEA")
    c.everywhere("acctList", acctId=a1, orgId=ORG, roleId="ROLEA", status=2)
    c.act("changeAccountRole", a1, ORG, "ROLEB")
    c.everywhere("acctList", acctId=a1, orgId=ORG, roleId="ROLEB", status=2)
    c.act("updateAccountStatus", ORG, a1, 3)
    c.everywhere("acctList", acctId=a1, status=5)
    c.act("recoverBlackListedAccount", ORG, a1)
    c.everywhere("acctList", acctId=a1, status=7)
    c.act("approveBlackListedAccountRecovery", ORG, a1)
    c.everywhere("acctList", acctId=a1, status=2)
    c.act("addNode", ORG, EXTRA)
    c.everywhere("nodeList", orgId=ORG, url=EXTRA, status=2)
    c.act("updateNodeStatus", ORG, EXTRA, 3)
    c.everywhere("nodeList", url=EXTRA, status=4)
    c.act("recoverBlackListedNode", ORG, EXTRA)
    c.everywhere("nodeList", url=EXTRA, status=5)
    c.act("approveBlackListedNodeRecovery", ORG, EXTRA)
    c.everywhere("nodeList", url=EXTRA, status=2)
    c.act("assignAdminRole", ORG, x1, ROLE)
    c.everywhere("acctList", acctId=x1, orgId=ORG, roleId=ROLE, status=1)
    c.act("approveAdminRole", ORG, x1)
    c.everywhere("acctList", acctId=x1, orgId=ORG, roleId=ROLE, status=2, isOrgAdmin=True)
    c.act("addNewRole", ORG, "TEST_ROLE", FULL, False, False)
    c.everywhere("roleList", orgId=ORG, roleId="TEST_ROLE", access=FULL, active=True)
    c.act("removeRole", ORG, "TEST_ROLE")
    c.everywhere("roleList", orgId=ORG, roleId="TEST_ROLE", active=False)


def proposed(c):
    """Proposing a new organization into the network"""
    keeper = c.accounts["keeper"]
    c.act("addOrg", "ORG1", c.urls[3], keeper)
    c.everywhere("orgList", orgId="ORG1", status=1)
    c.everywhere("nodeList", orgId="ORG1", url=c.urls[3], status=1)
    c.everywhere("acctList", acctId=keeper, orgId="ORG1", roleId=ORG_ROLE, status=1)
    # Two administrators since the first scenario: both must approve.
    c.act("approveOrg", "ORG1", c.urls[3], keeper)
    c.act("approveOrg", "ORG1", c.urls[3], keeper, node=1, sender="x1")
    c.validate("ORG1", 3, ORG_ROLE)
    c.join()
    c.validate("ORG1", 3, ORG_ROLE)


def suspended(c):
    """Suspending an organization temporarily"""
    fourth = c.nodes[3]
    for action, pending, status in ((1, 3, 4), (2, 5, 2)):
        c.act("updateOrgStatus", "ORG1", action)
        c.everywhere("orgList", orgId="ORG1", status=pending)
        c.act("approveOrgStatus", "ORG1", action)
        c.act("approveOrgStatus", "ORG1", action, node=1, sender="x1")
        c.everywhere("orgList", orgId="ORG1", status=status)
        if status == 4:
            error = refused(fourth, "eth_sendTransaction", {"from": c.accounts["keeper"], "gas": "0x100000", "gasPrice": "0x0",
                                                            "data": store_code(5)})
            assert DENIED in error, error
    contract = c.deploy_store(fourth, "keeper", 5)
    value = fourth.rpc("eth_call", {"to": contract}, "latest")
    assert int(value, 16) == 5, value


def deactivated(c):
    """Deactivating an organization to stop block synchronization in a node"""
    third, others = c.nodes[2], [c.nodes[0], c.nodes[1], c.nodes[3]]
    c.act("updateNodeStatus", ORG, c.urls[2], 1)
    c.running = others
    c.everywhere("nodeList", orgId=ORG, url=c.urls[2], status=3)
    until(lambda: not third.rpc("admin_peers"), "the third without peers")
    until(lambda: all(third_is_gone(c, node) for node in others), "the third no member")
    height = max(node.height() for node in others)  # blocks up to there may be on their way to the third
    for value in (1, 1):
        c.deploy_store(c.nodes[0], "admin", value)
    c.same_height(others, c.nodes[0].height())
    time.sleep(1)  # in which nothing may happen
    assert third.height() <= height < c.nodes[0].height(), (third.height(), height)


def third_is_gone(c, node):
    return DATA["nodes"][2]["id"] not in [member["nodeId"] for member in node.rpc("raft_cluster")]


def main():
    program, model, *more = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        cluster = Cluster(folder, program, model, more[0] if more else program)
        try:
            cluster.begin()
            for scenario in (initialized, proposed, suspended, deactivated):
                scenario(cluster)
                print(f"permissions_model_{model}: {scenario.__doc__}: ok", flush=True)
        except BaseException:
            for node in cluster.nodes:
                if node.started:
                    print(f"--- {node.folder}\n{node.log_tail(25)}", file=sys.stderr)
            raise
        finally:
            cluster.network.close()


main()

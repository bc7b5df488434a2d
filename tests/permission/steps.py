"""The calls that contracts.py makes: who, of which contract, which function, with what. A tuple of one is the address of that account or
contract, a dictionary a node."""

ACCOUNTS = ("admin", "second", "keeper", "user", "other", "extra", "fresh")
ORGS = ("NWADMIN", "ORG1", "ORG2", "ORG1.S1", "ORG1.S1.T1", "ORG1.S2", "NONE")
ROLES = ("ADMIN", "ORGADMIN", "SENDER", "CALLER", "DEPLOYER", "BOSS")


def node(number, ip="10.0.0.1", port=30303, raft=50400):
    key = f"{number:02x}" * 64
    return {"name": f"node{number}@{ip}:{port}", "id": key, "ip": ip, "port": port, "raft": raft,
            "url": f"enode://{key}@{ip}:{port}?discport=0&raftport={raft}"}


NODES = {n: node(n) for n in range(1, 7)}
ENTRY = "PermissionsInterface"
EMPTY = {"name": "none", "id": "", "ip": "", "port": 0, "raft": 0, "url": ""}


def boot():
    yield "user", ENTRY, "setPolicy", "OTHER", "OTHER", "OTHER"
    yield "user", ENTRY, "addOrg", "ORG1", NODES[2], ("keeper",)
    yield "admin", ENTRY, "setPolicy", "NWADMIN", "ADMIN", "ORGADMIN"
    yield "admin", ENTRY, "init", 2, 3
    yield "admin", ENTRY, "init", 2, 3
    yield "admin", ENTRY, "addAdminNode", NODES[1]
    yield "admin", ENTRY, "addAdminNode", NODES[1]
    yield "admin", ENTRY, "addAdminAccount", ("admin",)
    yield "admin", ENTRY, "addAdminAccount", ("admin",)
    yield "admin", ENTRY, "addAdminAccount", ("second",)
    yield "admin", ENTRY, "updateNetworkBootStatus"
    yield "admin", ENTRY, "updateNetworkBootStatus"
    yield "admin", ENTRY, "setPolicy", "A", "B", "C"
    yield "admin", ENTRY, "init", 9, 9
    yield "admin", ENTRY, "addAdminNode", NODES[6]
    yield "admin", ENTRY, "addAdminAccount", ("user",)


def both(method, *arguments):
    for voter in ("admin", "second"):
        yield voter, ENTRY, method, *arguments


def organisations():
    yield "user", ENTRY, "addOrg", "ORG1", NODES[2], ("keeper",)
    yield "admin", ENTRY, "approveOrg", "ORG1", NODES[2], ("keeper",)
    yield "admin", ENTRY, "addOrg", "ORG1", NODES[2], ("keeper",)
    yield "admin", ENTRY, "addOrg", "ORG2", NODES[3], ("other",)
    yield "user", ENTRY, "approveOrg", "ORG1", NODES[2], ("keeper",)
    yield "admin", ENTRY, "approveOrg", "ORG1", NODES[2], ("keeper",)
    yield "admin", ENTRY, "approveOrg", "ORG1", NODES[2], ("keeper",)
    yield "second", ENTRY, "approveAdminRole", "ORG1", ("keeper",)
    yield "second", ENTRY, "approveOrg", "ORG1", NODES[2], ("keeper",)
    yield "second", ENTRY, "approveOrg", "ORG1", NODES[2], ("keeper",)
    yield "admin", ENTRY, "addOrg", "ORG1", NODES[3], ("other",)
    yield "admin", ENTRY, "addOrg", "ORG2", NODES[2], ("other",)
    yield "admin", ENTRY, "addOrg", "ORG2", NODES[3], ("keeper",)
    yield "admin", ENTRY, "addOrg", "ORG2", NODES[3], ("other",)
    yield from both("approveOrg", "ORG2", NODES[3], ("other",))
    yield "other", ENTRY, "addNewRole", "SENDER", "NONE", 1, False, False
    # An administrator of another organisation; the node is active already.
    yield "other", ENTRY, "updateNodeStatus", "ORG1", NODES[2], 2


def roles():
    yield "keeper", ENTRY, "addNewRole", "SENDER", "ORG1", 1, False, False
    yield "keeper", ENTRY, "addNewRole", "SENDER", "ORG1", 1, False, False
    yield "keeper", ENTRY, "addNewRole", "EIGHT", "ORG1", 8, False, False
    yield "keeper", ENTRY, "addNewRole", "CALLER", "ORG1", 4, False, False
    yield "user", ENTRY, "addNewRole", "MINE", "ORG1", 1, False, False
    yield "keeper", ENTRY, "addNewRole", "BOSS", "ORG1", 3, False, True
    yield "keeper", ENTRY, "addNewRole", "DEPLOYER", "ORG1", 2, True, False
    for role in ("ORGADMIN", "ADMIN", "NONE"):
        yield "keeper", ENTRY, "removeRole", role, "ORG1"
    yield "user", ENTRY, "removeRole", "SENDER", "ORG1"
    yield "keeper", ENTRY, "removeRole", "SENDER", "NONE"


def accounts():
    def assign(account, role, by="keeper", org="ORG1"):
        return by, ENTRY, "assignAccountRole", (account,), org, role

    def update(account, action, by="keeper", org="ORG1"):
        return by, ENTRY, "updateAccountStatus", org, (account,), action

    yield assign("user", "SENDER")
    for role in ("CALLER", "DEPLOYER", "BOSS", "NONE", "SENDER"):
        yield assign("user", role)
    yield "keeper", ENTRY, "removeRole", "DEPLOYER", "ORG1"
    yield "keeper", ENTRY, "removeRole", "DEPLOYER", "ORG1"
    yield "keeper", ENTRY, "addNewRole", "DEPLOYER", "ORG1", 2, False, False
    yield assign("user", "DEPLOYER")
    yield assign("other", "SENDER")
    yield assign("extra", "ADMIN", "admin", "NWADMIN")
    yield assign("extra", "SENDER", org="NONE")
    yield assign("extra", "ORGADMIN")
    yield assign("extra", "BOSS")
    yield "extra", ENTRY, "addNewRole", "BY_BOSS", "ORG1", 1, False, False
    for action in (1, 1, 2, 2, 0, 4, 5, 3, 3):
        yield update("user", action)
    yield update("keeper", 1)
    yield update("fresh", 1)
    yield update("other", 1)
    yield update("extra", 1, "user")
    yield "keeper", ENTRY, "startBlacklistedAccountRecovery", "ORG1", ("user",)
    yield "admin", ENTRY, "startBlacklistedAccountRecovery", "ORG2", ("user",)
    yield "admin", ENTRY, "startBlacklistedAccountRecovery", "ORG1", ("user",)
    yield "second", ENTRY, "startBlacklistedAccountRecovery", "ORG1", ("user",)
    yield "keeper", ENTRY, "approveBlacklistedAccountRecovery", "ORG1", ("user",)
    yield from both("approveBlacklistedAccountRecovery", "ORG1", ("user",))
    yield "admin", ENTRY, "approveBlacklistedAccountRecovery", "ORG1", ("user",)


def trees():
    yield "keeper", ENTRY, "addSubOrg", "ORG1", "S1", NODES[4]
    yield "keeper", ENTRY, "addSubOrg", "ORG1", "S1", EMPTY
    yield "keeper", ENTRY, "addSubOrg", "ORG1.S1", "T1", EMPTY
    yield "keeper", ENTRY, "addSubOrg", "ORG1.S1.T1", "U1", EMPTY
    yield "keeper", ENTRY, "addSubOrg", "ORG1", "S2", NODES[4]
    yield "keeper", ENTRY, "addSubOrg", "ORG1", "S2", EMPTY
    yield "keeper", ENTRY, "addSubOrg", "ORG1", "S3", EMPTY
    yield "keeper", ENTRY, "addSubOrg", "NONE", "S1", EMPTY
    yield "user", ENTRY, "addSubOrg", "ORG1", "S3", EMPTY
    yield "admin", ENTRY, "updateOrgStatus", "ORG1.S1", 1
    yield "keeper", ENTRY, "addNode", "ORG1.S1", NODES[5]
    yield "keeper", ENTRY, "assignAccountRole", ("fresh",), "ORG1.S1", "SENDER"
    yield "keeper", ENTRY, "updateAccountStatus", "ORG1.S1", ("fresh",), 1
    yield "keeper", ENTRY, "updateAccountStatus", "ORG1.S1", ("fresh",), 2
    yield "extra", ENTRY, "addNewRole", "SENDER", "ORG1.S2", 3, False, False
    yield "admin", ENTRY, "assignAdminRole", "ORG1.S2", ("user",), "ORGADMIN"
    yield from both("approveAdminRole", "ORG1.S2", ("user",))


def suspensions():
    yield "keeper", ENTRY, "updateOrgStatus", "ORG1", 1
    yield "admin", ENTRY, "updateOrgStatus", "NONE", 1
    for action in (3, 2):
        yield "admin", ENTRY, "updateOrgStatus", "ORG1", action
    yield "admin", ENTRY, "approveOrgStatus", "ORG1", 1
    for action, other in ((1, 2), (2, 1)):
        yield "admin", ENTRY, "updateOrgStatus", "ORG1", action
        yield "admin", ENTRY, "updateOrgStatus", "ORG1", action
        yield "admin", ENTRY, "approveOrgStatus", "ORG1", other
        yield "admin", ENTRY, "approveOrgStatus", "ORG1", 3
        yield "keeper", ENTRY, "approveOrgStatus", "ORG1", action
        yield from both("approveOrgStatus", "ORG1", action)
        yield "keeper", ENTRY, "addNewRole", "LATE", "ORG1", 1, False, False
        yield "keeper", ENTRY, "assignAccountRole", ("extra",), "ORG1", "BOSS"
        yield "keeper", ENTRY, "addNode", "ORG1", NODES[6]


def nodes(model):
    for action in (1, 1, 2, 2, 0, 4, 5, 3, 3, 2):
        yield "keeper", ENTRY, "updateNodeStatus", "ORG1", NODES[2], action
    yield "keeper", ENTRY, "addNode", "ORG1", NODES[2]
    yield "user", ENTRY, "addNode", "ORG1", node(9)
    yield "keeper", ENTRY, "updateNodeStatus", "ORG1", NODES[3], 1
    yield "keeper", ENTRY, "updateNodeStatus", "ORG1", node(9), 1
    yield "user", ENTRY, "updateNodeStatus", "ORG2", NODES[2], 1
    if model == "v2":
        yield "keeper", ENTRY, "updateNodeStatus", "ORG1", node(2, port=1), 2
        yield "keeper", ENTRY, "updateNodeStatus", "ORG1", node(2, ip="10.0.0.2"), 2
    yield "keeper", ENTRY, "startBlacklistedNodeRecovery", "ORG1", NODES[2]
    yield "admin", ENTRY, "startBlacklistedNodeRecovery", "ORG1", NODES[1]
    yield "admin", ENTRY, "startBlacklistedNodeRecovery", "ORG1", NODES[2]
    yield "keeper", ENTRY, "approveBlacklistedNodeRecovery", "ORG1", NODES[2]
    yield from both("approveBlacklistedNodeRecovery", "ORG1", NODES[2])


def offices():
    yield "keeper", ENTRY, "assignAdminRole", "ORG1", ("extra",), "ORGADMIN"
    yield "admin", ENTRY, "assignAdminRole", "NONE", ("extra",), "ORGADMIN"
    yield "admin", ENTRY, "assignAdminRole", "ORG1", ("extra",), "SENDER"
    yield "admin", ENTRY, "assignAdminRole", "ORG1", ("extra",), "ORGADMIN"
    yield "admin", ENTRY, "assignAdminRole", "ORG1", ("extra",), "ORGADMIN"
    yield "keeper", ENTRY, "approveAdminRole", "ORG1", ("extra",)
    yield from both("approveAdminRole", "ORG1", ("extra",))
    # Who has the office becomes an administrator of the network, and loses both to the one before.
    yield "admin", ENTRY, "assignAdminRole", "ORG1", ("extra",), "ADMIN"
    yield from both("approveAdminRole", "ORG1", ("extra",))
    yield "admin", ENTRY, "assignAdminRole", "ORG1", ("keeper",), "ORGADMIN"
    yield from both("approveAdminRole", "ORG1", ("keeper",))
    yield "extra", ENTRY, "approveAdminRole", "ORG1", ("keeper",)


def guards():
    yield "admin", "OrgManager", "addOrg", "SNEAKED"
    yield "admin", "OrgManager", "approveOrg", "ORG1"
    yield "admin", "RoleManager", "addRole", "SNEAKED", "ORG1", 3, True, True
    yield "admin", "AccountManager", "assignAdminRole", ("user",), "ORG1", "ORGADMIN", 2
    yield "admin", "AccountManager", "setDefaults", "A", "B"
    yield "admin", "VoterManager", "addVoter", "NWADMIN", ("user",)
    yield "admin", "VoterManager", "processVote", "NWADMIN", ("admin",), 1
    yield "admin", "NodeManager", "addAdminNode", NODES[6], "NWADMIN"
    yield "admin", "PermissionsImplementation", "addOrg", "ORG3", NODES[6], ("user",), ("admin",)
    yield "admin", "PermissionsImplementation", "setMigrationPolicy", "A", "B", "C", True
    yield "admin", ENTRY, "setPermImplementation", ("Second",)
    yield "admin", "PermissionsUpgradable", "init", (ENTRY,), ("Second",)
    yield "user", "PermissionsUpgradable", "confirmImplChange", ("Second",)


def upgrade():
    """Another implementation takes the place of the first, with its records."""
    yield "admin", "PermissionsUpgradable", "confirmImplChange", ("Second",)
    yield "admin", "PermissionsUpgradable", "confirmImplChange", ("Second",)
    yield "keeper", ENTRY, "addNewRole", "AFTER", "ORG1", 1, False, False
    yield "keeper", ENTRY, "assignAccountRole", ("user",), "ORG1", "AFTER"
    yield "admin", ENTRY, "updateOrgStatus", "ORG2", 1
    yield from both("approveOrgStatus", "ORG2", 1)


def steps(model):
    parts = (boot(), organisations(), roles(), accounts(), trees(), suspensions(), nodes(model), offices(), guards(), upgrade())
    return [step for part in parts for step in part]

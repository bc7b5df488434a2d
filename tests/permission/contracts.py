#!/usr/bin/env python3
"""The permission contracts, by themselves: a long sequence of calls, right and wrong ones; after each, what it answers, the events, and
what all questions to all contracts answer then. Ours are compared with what the reference's answered to the same (transcript-<model>.json).

usage: contracts.py PROGRAM MODEL                     (MODEL: v1 or v2)
       contracts.py PROGRAM MODEL record FOLDER       (writes the transcript anew; FOLDER: the reference's <Name>.bin and <Name>.abi)

With $QUORATE_PERMISSION_CONTRACTS, the reference's folder permission/, its contracts are asked once more, on the same chain."""

import json
import os
import pathlib
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "network"))
sys.path.insert(0, str(HERE.parent.parent / "tools"))
from network import DATA, Network, free_ports  # noqa: E402
import permission_contracts as artefacts  # noqa: E402
from abi import Interface, shape  # noqa: E402
from steps import ACCOUNTS, NODES, ORGS, ROLES, steps  # noqa: E402

GAS = 60_000_000
NAMES = {"upgrdableAddress": "PermissionsUpgradable", "interfaceAddress": "PermissionsInterface",
         "implAddress": "PermissionsImplementation", "nodeMgrAddress": "NodeManager", "accountMgrAddress": "AccountManager",
         "roleMgrAddress": "RoleManager", "voterMgrAddress": "VoterManager", "orgMgrAddress": "OrgManager"}
ADMINISTRATOR = "account is not a org admin account"
KEYS = {name: f"{0x11 * (i + 1):02x}" * 32 for i, name in enumerate(ACCOUNTS)}


# --- One set of contracts on a chain ---

class Contracts:
    def __init__(self, chain, model, codes, abis):
        self.chain, self.model = chain, model
        self.interfaces = {name: Interface(abis(name), chain.keccak) for name in NAMES.values()}
        deployer = artefacts.Deployer(chain.rpc, chain.accounts["admin"], codes, GAS)
        self.addresses = {NAMES[key]: address for key, address in deployer.all().items()}
        managers = [self.addresses[name + "Manager"] for name in artefacts.MANAGERS]
        self.addresses["Second"] = deployer.create("PermissionsImplementation", self.addresses["PermissionsUpgradable"], *managers)
        self.names = {address.lower(): name for name, address in {**self.addresses, **chain.accounts}.items()}

    def interface(self, name):
        return self.interfaces["PermissionsImplementation" if name == "Second" else name]

    def named(self, value):
        """An answer whose addresses are names, which differ between two sets of contracts."""
        if isinstance(value, list):
            return [self.named(v) for v in value]
        return self.names.get(value, value) if isinstance(value, str) else value

    def arguments(self, arguments):
        """Names of accounts and contracts become addresses; a node becomes what the model knows it by."""
        result = []
        for argument in arguments:
            if isinstance(argument, dict):
                result += [argument["url"]] if self.model == "v1" else [argument["id"], argument["ip"], argument["port"], argument["raft"]]
            elif isinstance(argument, tuple):
                result.append(self.chain.accounts.get(argument[0]) or self.addresses[argument[0]])
            else:
                result.append(argument)
        return result

    def request(self, contract, method, arguments, sender):
        return {"from": self.chain.accounts[sender], "to": self.addresses[contract], "gas": hex(GAS), "gasPrice": "0x0",
                "data": self.interface(contract).call(method, self.arguments(arguments))}

    def act(self, step):
        """How the step ended, and its events."""
        sender, contract, method, *arguments = step
        request = self.request(contract, method, arguments, sender)
        try:
            self.chain.rpc("eth_call", request, "latest")
        except RuntimeError as error:
            return {"refused": reason(error)}
        receipt = self.chain.mined(self.chain.rpc("eth_sendTransaction", request))
        assert receipt["status"] == "0x1", (step, receipt)
        events = []
        for log in receipt["logs"]:
            name = self.names[log["address"]]
            event, values = self.interface(name).event(log)
            events.append([name, event, self.named(values)])
        return {"events": events}

    def views(self):
        """What every question answers now, by the question."""
        questions = list(self.questions())
        answers = self.chain.batch([("eth_call", self.request(c, m, a, "admin"), "latest") for c, m, a in questions])
        views = {}
        for (contract, method, arguments), answer in zip(questions, answers):
            key = f"{contract}.{method}({', '.join(text_of(a) for a in arguments)})"
            if "error" in answer:
                views[key] = ["refused", reason(RuntimeError(f"{method}: {answer['error']}"))]
            else:
                views[key] = self.named(self.interface(contract).results(method, answer["result"]))
        return views

    def questions(self):
        for contract, count, item in (("OrgManager", "getNumberOfOrgs", "getOrgInfo"),
                                      ("RoleManager", "getNumberOfRoles", "getRoleDetailsFromIndex"),
                                      ("AccountManager", "getNumberOfAccounts", "getAccountDetailsFromIndex"),
                                      ("NodeManager", "getNumberOfNodes", "getNodeDetailsFromIndex")):
            yield contract, count, []
            for i in range(9):
                yield contract, item, [i]
        for org in ORGS:
            for method in ("getOrgDetails", "getSubOrgIndexes", "checkOrgExists", "getUltimateParent"):
                yield "OrgManager", method, [org]
            for status in range(1, 6):
                yield "OrgManager", "checkOrgStatus", [org, status]
            yield "AccountManager", "orgAdminExists", [org]
            yield "PermissionsInterface", "getPendingOp", [org]
            for role in ROLES:
                yield "RoleManager", "getRoleDetails", [role, org]
                yield "RoleManager", "roleExists", [role, org, "ORG1"]
            for account in ACCOUNTS:
                for method in ("isOrgAdmin", "validateAccount"):
                    yield "PermissionsInterface", method, [(account,), org]
                yield "AccountManager", "checkOrgAdmin", [(account,), org, "ORG1"]
        for account in ACCOUNTS:
            yield "PermissionsInterface", "isNetworkAdmin", [(account,)]
            yield "AccountManager", "getAccountDetails", [(account,)]
            yield "AccountManager", "getAccountRole", [(account,)]
        for name in ("getNetworkBootStatus", "getPermissionsImpl"):
            yield "PermissionsInterface", name, []
        for name in ("PermissionsImplementation", "Second"):
            yield name, "getPolicyDetails", []
        for name in ("getGuardian", "getPermImpl", "getPermInterface"):
            yield "PermissionsUpgradable", name, []
        yield "VoterManager", "getPendingOpDetails", ["NWADMIN"]
        if self.model == "v2":
            yield from self.questions_of_v2()

    def questions_of_v2(self):
        for account in ACCOUNTS:
            for target, payload in (("admin", b""), ("admin", b"\1"), (None, b"\1"), (None, b"")):
                yield ("PermissionsInterface", "transactionAllowed",
                       [(account,), (target,) if target else "0x" + "00" * 20, 1, 0, 21000, payload])
            yield "AccountManager", "getAccountOrgRole", [(account,)]
            yield "AccountManager", "getAccountStatus", [(account,)]
        for node in NODES.values():
            for ip in (node["ip"], "10.9.9.9"):
                yield "PermissionsInterface", "connectionAllowed", [node["id"], ip, 1]
        for org in ORGS:
            yield "OrgManager", "checkOrgActive", [org]
            for role in ROLES:
                yield "RoleManager", "roleAccess", [role, org, "ORG1"]


def text_of(argument):
    return argument[0] if isinstance(argument, tuple) else argument.hex() if isinstance(argument, bytes) else str(argument)


def reason(error):
    """What a contract gave as its reason; "" when it ended without one."""
    text = str(error)
    if "execution reverted: " in text:
        return text.split("execution reverted: ")[1].split("'")[0].split('"')[0]
    assert "execution reverted" in text or "invalid opcode" in text, text
    return ""


class Chain:
    """A Raft cluster of one: a block for each transaction, at once."""

    def __init__(self, folder, program):
        genesis = json.loads(json.dumps(DATA["genesis"]))
        del genesis["config"]["qbft"]
        raft_port, = free_ports(1)
        self.network = Network(folder, [program], ["--raft", "--raftblocktime", "5", "--raftport", str(raft_port)], genesis)
        self.node = self.network.nodes[0]
        own = f"enode://{DATA['nodes'][0]['id']}@127.0.0.1:{self.node.port}?discport=0&raftport={raft_port}"
        (self.node.folder / "geth/static-nodes.json").write_text(json.dumps([own]))
        self.node.arguments += ["--http.api", "eth,net,personal,raft,web3", "--lightkdf", "--allow-insecure-unlock"]

    def start(self):
        self.network.start()
        self.node.wait_answer(60)
        self.accounts = {}
        for name, key in KEYS.items():
            self.accounts[name] = self.rpc("personal_importRawKey", key, "contracts")
            self.rpc("personal_unlockAccount", self.accounts[name], "contracts", 0)

    def rpc(self, method, *params):
        return self.node.rpc(method, *params)

    def batch(self, requests):
        return self.node.batch(requests)

    def keccak(self, text):
        return bytes.fromhex(self.rpc("web3_sha3", "0x" + text.encode().hex())[2:])

    def mined(self, transaction):
        return self.node.receipt(transaction)


# --- Transcripts ---

def play(contracts):
    """For each step how it ended, and which views it changed."""
    known, lines = {}, []
    for step in steps(contracts.model):
        outcome = contracts.act(step)
        if not lines or "refused" not in outcome:
            views = contracts.views()
            outcome["views"] = {k: v for k, v in views.items() if known.get(k) != v}
            known = views
        lines.append({"step": " ".join(map(str, step[:3])) + str([text_of(a) if not isinstance(a, dict) else a["name"] for a in step[3:]]),
                      **outcome})
    return lines


def tree(org):
    return org.split(".")[0]


class Comparison:
    """Ours against the transcript. What differs on purpose is told here, and in contracts/permission/README.md."""

    def __init__(self, contracts):
        self.contracts = contracts
        self.orgs = {}  # by account
        self.wrong = []

    def outcome(self, step, ours, theirs):
        sender, _, method, *arguments = step
        foreign = method == "updateNodeStatus" and tree(self.orgs.get(sender, arguments[0])) != tree(arguments[0])
        if foreign:  # an administrator of another organisation, whom the reference takes for one of this
            return theirs["refused"] != ADMINISTRATOR and ours["refused"] == ADMINISTRATOR
        if theirs.get("refused") == "":
            return "refused" in ours
        return without_views(ours) == without_views(theirs)

    def view(self, key, ours, theirs):
        if key.startswith("PermissionsInterface.isOrgAdmin(") and theirs == [True]:
            account, org = key[:-1].split("(")[1].split(", ")
            if account in self.orgs and tree(self.orgs[account]) != tree(org):
                return ours == [False]
        if theirs == ["refused", ""]:
            return ours[0] == "refused"
        return ours == theirs

    def views(self, views):
        for key, value in views.items():
            if key.startswith("AccountManager.getAccountDetailsFromIndex") and value[0] != "refused":
                self.orgs[value[0]] = value[1]

    def run(self, ours, theirs):
        known_ours, known_theirs = {}, {}
        all_steps = steps(self.contracts.model)
        assert [line["step"] for line in theirs] == [line["step"] for line in ours], "the transcript is of other steps; record it anew"
        for step, mine, other in zip(all_steps, ours, theirs):
            if not self.outcome(step, mine, other):
                self.wrong.append(f"{mine['step']}: {without_views(mine)}, and the reference {without_views(other)}")
            known_ours.update(mine.get("views", {}))
            known_theirs.update(other.get("views", {}))
            self.views(known_theirs)
            for key, value in known_theirs.items():
                if not self.view(key, known_ours.get(key), value):
                    self.wrong.append(f"after {mine['step']}: {key}: {known_ours.get(key)}, and the reference {value}")
            assert known_ours.keys() == known_theirs.keys()
        return self.wrong


def without_views(line):
    return {k: v for k, v in line.items() if k not in ("views", "step")}


def details_by_name(contracts):
    """The reference's getNodeDetails never finds a node; ours does."""
    views = contracts.views()
    count = views["NodeManager.getNumberOfNodes()"][0]
    assert count > 3, count
    for i in range(min(count, 9)):
        record = views[f"NodeManager.getNodeDetailsFromIndex({i})"]
        request = contracts.request("NodeManager", "getNodeDetails", [record[1]], "admin")
        found = contracts.interface("NodeManager").results("getNodeDetails", contracts.chain.rpc("eth_call", request, "latest"))
        assert found == record, (found, record)
    return count


# --- Running ---

def reference(chain, model, folder):
    folder = pathlib.Path(folder)
    return Contracts(chain, model, lambda name: "0x" + (folder / f"{name}.bin").read_text().strip().removeprefix("0x"),
                     lambda name: json.loads((folder / f"{name}.abi").read_text()))


def own(chain, model):
    return Contracts(chain, model, artefacts.codes_of(model), lambda name: artefacts.contract(model, name)["abi"])


def transcript_path(model):
    return HERE / f"transcript-{model}.json"


def same_shape(model, folder):
    for name in NAMES.values():
        theirs = json.loads((pathlib.Path(folder) / f"{name}.abi").read_text())
        assert shape(artefacts.contract(model, name)["abi"]) == shape(theirs), f"{name} offers something else than the reference's"


def compare(chain, model):
    recorded = json.loads(transcript_path(model).read_text())
    contracts = own(chain, model)
    wrong = Comparison(contracts).run(json.loads(json.dumps(play(contracts))), recorded)
    assert not wrong, f"{len(wrong)} differences:\n" + "\n".join(wrong[:20])
    refused = sum("refused" in line for line in recorded)
    print(f"{model}: {len(recorded)} calls, {refused} of them refused, as of the reference's contracts; {details_by_name(contracts)} nodes found")
    given = os.environ.get("QUORATE_PERMISSION_CONTRACTS")
    if given:
        folder = pathlib.Path(given) / model / "contract/gen"
        same_shape(model, folder)
        assert json.loads(json.dumps(play(reference(chain, model, folder)))) == recorded, "the reference's contracts differ from the transcript"
        print(f"{model}: the reference's contracts as in the transcript, with the same interface")


def main():
    program, model = sys.argv[1:3]
    artefacts.check()
    with tempfile.TemporaryDirectory() as folder:
        chain = Chain(folder, program)
        try:
            chain.start()
            if len(sys.argv) > 3:
                lines = play(reference(chain, model, sys.argv[4]))
                transcript_path(model).write_text("[\n" + ",\n".join(json.dumps(line) for line in lines) + "\n]\n")
            else:
                compare(chain, model)
        except BaseException:
            print(chain.node.log_tail(10), file=sys.stderr)
            raise
        finally:
            chain.network.close()


main()

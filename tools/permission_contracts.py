#!/usr/bin/env python3
"""The permission contracts of contracts/permission: prints, deploys, compiles and checks them.

    permission_contracts.py print MODEL [NAME]             the creation code of a contract, in hex; without NAME their names
    permission_contracts.py abi MODEL NAME                 its interface, in JSON
    permission_contracts.py deploy MODEL --rpc URL --from ACCOUNT [--gas N] [--org NAME] [--role NAME] [--org-role NAME]
                            [--breadth N] [--depth N]      deploys all and links them, by an account that is unlocked on the node and
                                                           becomes their guardian; prints permission-config.json
    permission_contracts.py compile FOLDER                 writes v1.json and v2.json anew, with FOLDER/node_modules/solc
    permission_contracts.py check [FOLDER]                 whether they are of these sources: by the digests written in them, and with
                                                           FOLDER by compiling anew

MODEL is v1 (basic) or v2 (enhanced)."""

import argparse
import hashlib
import json
import pathlib
import subprocess
import sys
import time
import urllib.request

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "contracts/permission"
MODELS = ("v1", "v2")
MANAGERS = ("Org", "Role", "Account", "Voter", "Node")  # in the order of PermissionsImplementation's arguments
INIT = "0xf09a4016"  # init(address,address)
GAS = 40_000_000


class Failure(Exception):
    pass


# --- Artefacts ---

def artefacts(model):
    path = FOLDER / f"{model}.json"
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise Failure(f"{path}: {error}") from error


def contract(model, name):
    contracts = artefacts(model)["contracts"]
    if name not in contracts:
        raise Failure(f"no contract {name}; there are {', '.join(sorted(contracts))}")
    return contracts[name]


def digests(model):
    return {str(path.relative_to(FOLDER)): hashlib.sha256(path.read_bytes()).hexdigest()
            for folder in ("common", model) for path in sorted((FOLDER / folder).glob("*.sol"))}


def compiled(folder):
    done = subprocess.run(["node", FOLDER / "compile.js", folder], stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise Failure("the compiler failed")
    return json.loads(done.stdout)


def text_of(output, model):
    """One line for each contract, so that a change shows where it is."""
    head = {"compiler": output["compiler"], "settings": output["settings"], "sources": digests(model)}
    lines = [f"{json.dumps(name)}: {json.dumps(output[model][name], separators=(',', ':'))}" for name in sorted(output[model])]
    return json.dumps(head, indent=1)[:-2] + ',\n "contracts": {\n' + ",\n".join(lines) + "\n}}\n"


def compile_all(folder):
    output = compiled(folder)
    for model in MODELS:
        (FOLDER / f"{model}.json").write_text(text_of(output, model))


def check(folder=None):
    for model in MODELS:
        if artefacts(model)["sources"] != digests(model):
            raise Failure(f"{FOLDER}/{model}.json is of other sources; run `tools/permission_contracts.py compile FOLDER`")
    if not folder:
        return
    output = compiled(folder)
    for model in MODELS:
        ours = artefacts(model)
        if ours["compiler"] != output["compiler"]:
            raise Failure(f"{FOLDER}/{model}.json was compiled by {ours['compiler']}, and here is {output['compiler']}")
        different = [name for name in output[model] if output[model][name] != ours["contracts"].get(name)]
        if different:
            raise Failure(f"{FOLDER}/{model}.json differs from its sources: {', '.join(different)}")


# --- Deployment ---

def http_rpc(url):
    def call(method, *params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer = json.load(answer)
        if "error" in answer:
            raise Failure(f"{method}: {answer['error'].get('message')}")
        return answer["result"]
    return call


def word(address):
    return address[2:].lower().rjust(64, "0")


class Deployer:
    """`codes`: the creation code of a contract by its name; `rpc`: a function of a method and its parameters."""

    def __init__(self, rpc, account, codes, gas=GAS, seconds=120):
        self.rpc, self.account, self.codes, self.gas, self.seconds = rpc, account, codes, gas, seconds

    def send(self, **fields):
        transaction = self.rpc("eth_sendTransaction", {"from": self.account, "gas": hex(self.gas), "gasPrice": "0x0", **fields})
        end = time.monotonic() + self.seconds
        while True:
            receipt = self.rpc("eth_getTransactionReceipt", transaction)
            if receipt:
                break
            if time.monotonic() > end:
                raise Failure(f"transaction {transaction} is not in a block after {self.seconds} s")
            time.sleep(0.05)
        if receipt["status"] != "0x1":
            raise Failure(f"transaction {transaction} failed; it had {self.gas} gas and used {int(receipt['gasUsed'], 16)}")
        return receipt

    def create(self, name, *addresses):
        return self.send(data=self.codes(name) + "".join(map(word, addresses)))["contractAddress"]

    def all(self):
        """Their addresses, by the names that permission-config.json has for them. The account becomes the guardian, who alone
        may link them."""
        upgradable = self.create("PermissionsUpgradable", self.account)
        managers = {name: self.create(name + "Manager", upgradable) for name in MANAGERS}
        interface = self.create("PermissionsInterface", upgradable)
        implementation = self.create("PermissionsImplementation", upgradable, *managers.values())
        self.send(to=upgradable, data=INIT + word(interface) + word(implementation))
        return {
            "upgrdableAddress": upgradable, "interfaceAddress": interface, "implAddress": implementation,
            "nodeMgrAddress": managers["Node"], "accountMgrAddress": managers["Account"], "roleMgrAddress": managers["Role"],
            "voterMgrAddress": managers["Voter"], "orgMgrAddress": managers["Org"],
        }


def codes_of(model):
    return lambda name: contract(model, name)["bytecode"]


def deploy(arguments):
    addresses = Deployer(http_rpc(arguments.rpc), arguments.account, codes_of(arguments.model), arguments.gas).all()
    print(json.dumps({
        "permissionModel": arguments.model, **addresses, "nwAdminOrg": arguments.org, "nwAdminRole": arguments.role,
        "orgAdminRole": arguments.org_role, "accounts": [arguments.account], "subOrgBreadth": arguments.breadth,
        "subOrgDepth": arguments.depth,
    }, indent=2))


# --- Command line ---

def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("print", "abi", "deploy"):
        command = commands.add_parser(name)
        command.add_argument("model", choices=MODELS)
        if name != "deploy":
            command.add_argument("name", nargs="?" if name == "print" else None)
    command.add_argument("--rpc", required=True)
    command.add_argument("--from", dest="account", required=True)
    command.add_argument("--gas", type=int, default=GAS)
    command.add_argument("--org", default="ADMINORG")
    command.add_argument("--role", default="ADMIN")
    command.add_argument("--org-role", default="ORGADMIN")
    command.add_argument("--breadth", type=int, default=4)
    command.add_argument("--depth", type=int, default=4)
    commands.add_parser("compile").add_argument("folder")
    commands.add_parser("check").add_argument("folder", nargs="?")
    return parser.parse_args()


def main():
    arguments = parse()
    if arguments.command == "print" and not arguments.name:
        print("\n".join(sorted(artefacts(arguments.model)["contracts"])))
    elif arguments.command == "print":
        print(contract(arguments.model, arguments.name)["bytecode"])
    elif arguments.command == "abi":
        print(json.dumps(contract(arguments.model, arguments.name)["abi"]))
    elif arguments.command == "deploy":
        deploy(arguments)
    elif arguments.command == "compile":
        compile_all(arguments.folder)
    else:
        check(arguments.folder)


if __name__ == "__main__":
    try:
        main()
    except (Failure, OSError) as error:
        sys.exit(f"permission_contracts: {error}")

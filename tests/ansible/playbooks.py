#!/usr/bin/env python3
"""BAF's playbooks on this machine: --check touches nothing, a run brings the network up, a second changes nothing, reset removes it.

usage: playbooks.py PROGRAM ANSIBLE

Skipped without ansible-playbook (Debian: ansible-core)."""

import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../operator"))
from support import PATIENCE, Network  # noqa: E402

SKIPPED = 77
PASSPHRASE = "a passphrase that must not be seen"


def main():
    ansible = shutil.which("ansible-playbook")
    if not ansible:
        print("skipped: no ansible-playbook; install ansible-core")
        return SKIPPED
    program, folder = sys.argv[1], os.path.abspath(sys.argv[2])

    def play(network, book, *words, changed, text=None):
        environment = dict(os.environ, PWD=str(network.folder), ANSIBLE_NOCOLOR="1", ANSIBLE_LOCALHOST_WARNING="False", LC_ALL="C.UTF-8",
                           ANSIBLE_HOME=str(network.folder / "ansible"), ANSIBLE_LOCAL_TEMP=str(network.folder / "ansible-tmp"))
        done = subprocess.run([ansible, os.path.join(folder, book), "-e", "@network.yaml", "-e", f"quorate={network.program}", *words],
                              cwd=network.folder, capture_output=True, text=True, env=environment, timeout=5 * PATIENCE)
        output = done.stdout + done.stderr
        recap = re.search(r"localhost +: ok=\d+ +changed=(\d+) +unreachable=0 +failed=0", output)
        if done.returncode != 0 or not recap or (int(recap.group(1)) > 0) != changed or (text and text not in output):
            sys.exit(f"{book} {' '.join(words)} ended with {done.returncode}:\n{output}")
        assert PASSPHRASE not in output
        return output

    with Network(program) as network:
        network.init("--organizations", "one,two,three,four", "--transaction-manager", "none")
        text = network.file.read_text()
        network.file.write_text(re.sub(r"\n( +)subject:", rf'\n\1geth_passphrase: "{PASSPHRASE}"\n\1subject:', text, count=1))
        assert PASSPHRASE in network.file.read_text()
        play(network, "site.yaml", "--check", changed=True, text="make     keys of one/one")
        assert not network.data.exists(), "--check has made something"
        play(network, "site.yaml", changed=True, text="ready four/four")
        rows = network.status()
        assert [r["peer"] for r in rows] == ["one/one", "two/two", "three/three", "four/four"] and all(r["node"] == "ready" for r in rows), rows
        play(network, "deploy-network.yaml", changed=False, text="nothing to do")
        play(network, "add-new-organization.yaml", "-e", "add_new_org=true", changed=False, text="nothing to do")
        play(network, "site.yaml", "-e", "reset=true", "--check", changed=False)
        assert network.status(), "--check has ended something"
        play(network, "site.yaml", "-e", "reset=true", changed=True)
        assert not network.data.exists() and not network.processes(), "something is left"
        play(network, "reset-network.yaml", changed=False)
        print("site, deploy-network, add-new-organization and reset-network: as told, and nothing twice")
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""`quorate upgrade`: programs that were replaced on disk take over, peer by peer; those that were not go on.

usage: upgrade.py PROGRAM

PROGRAM is `quorate` in a folder that has quorate-node, quorate-tm and quorate-init too."""

import os
import pathlib
import shutil
import sys

from members import growing
from support import Network


def install(source, target):
    """As a package does it: a new file takes the old one's name."""
    shutil.copy2(source, str(target) + ".new")
    os.rename(str(target) + ".new", target)


def running(network, program):
    return {process for process, line in network.processes().items() if program in line.split()[0]}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    source = pathlib.Path(os.path.realpath(sys.argv[1])).parent
    with Network(sys.argv[1]) as network:
        programs = network.folder / "bin"
        programs.mkdir()
        for name in ("quorate", "quorate-node", "quorate-tm", "quorate-init"):
            install(source / name, programs / name)
        network.program = str(programs / "quorate")
        network.init("--organizations", "one,two,three,four")
        network.up(text="ready four/four")
        nodes, managers = running(network, "quorate-node"), running(network, "quorate-tm")
        assert len(nodes) == len(managers) == 4, (nodes, managers)
        network.run("upgrade", text="four/four runs what is there: left alone")
        assert running(network, "quorate-node") == nodes

        install(source / "quorate-node", programs / "quorate-node")
        network.run("upgrade", text="four/four runs the new node")
        assert not running(network, "quorate-node") & nodes and running(network, "quorate-tm") == managers
        growing(network)
        nodes = running(network, "quorate-node")
        install(source / "quorate-tm", programs / "quorate-tm")
        network.run("upgrade", text="one/one runs the new transaction manager")
        assert running(network, "quorate-node") == nodes and not running(network, "quorate-tm") & managers

        # A program that does not come up: the peers behind it are not touched.
        (programs / "new").write_text("#!/bin/sh\nexit 1\n")
        (programs / "new").chmod(0o755)
        os.rename(programs / "quorate-node", programs / "good")
        os.rename(programs / "new", programs / "quorate-node")
        network.run("upgrade", "--wait", "2", code=1, text="does not serve after 2 seconds")
        assert len(running(network, "quorate-node") & nodes) == 3
        os.rename(programs / "good", programs / "quorate-node")
        network.run("restart", "one", text="one/one node serves again")
        growing(network)
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()

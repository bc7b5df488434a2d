#!/usr/bin/env python3
"""Drives a chain of four validators with the clients that applications use.

    clients.py NODE CACHE CLIENT

CLIENT is ethers6, ethers5, viem, web3, quorum, web3_py, hardhat or cast. The packages are those of package.json and
requirements.txt, installed into CACHE once; when they cannot be had the test is skipped (77). The contract is compiled at the
compiler's own EVM version, and the network has that fork from its first block.
"""

import fcntl
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "network"))
from network import Network, make_genesis  # noqa: E402

# The first account of Hardhat's own node, known to everybody.
KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
SENDER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
FORKS = ["london", "shanghai", "cancun", "prague", "osaka"]
APIS = "admin,debug,eth,istanbul,miner,net,txpool,web3,quorumExtension"
INSTALL_SECONDS = 900


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def attempt(command, cwd, log):
    """Whether it went well within the time."""
    try:
        return subprocess.run(command, cwd=cwd, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                              timeout=INSTALL_SECONDS).returncode == 0
    except (OSError, subprocess.TimeoutExpired) as error:
        print(error, file=log)
        return False


def installed(folder, listing, commands):
    """A folder with what `listing` names, filled by the commands; left as it is when it was filled from the same listing."""
    wanted = (HERE / listing).read_text()
    stamp = folder / "installed-from"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == wanted:
            return folder
        shutil.copy(HERE / listing, folder / listing)
        log_path = folder / "install.log"
        with open(log_path, "w") as log:
            for command in commands:
                if not attempt(command, folder, log):
                    skip(f"`{' '.join(command)}` failed; its log is {log_path}")
        stamp.write_text(wanted)
    return folder


def node_packages(cache):
    if not shutil.which("npm") or not shutil.which("node"):
        skip("there is no npm")
    return installed(cache / "npm", "package.json",
                     [["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--legacy-peer-deps"]])


def python_packages(cache):
    folder = installed(cache / "python", "requirements.txt",
                       [[sys.executable, "-m", "venv", "env"],
                        ["env/bin/python", "-m", "pip", "install", "--quiet", "-r", "requirements.txt"]])
    return folder / "env/bin/python"


def foundry(packages):
    """Foundry's cast for this kind of machine, which npm chose; it must run here."""
    programs = list(packages.glob("node_modules/@foundry-rs/cast-*/bin/cast"))
    if not programs:
        skip("there is no cast for this kind of machine")
    try:
        subprocess.run([programs[0], "--version"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        skip(f"cast does not run here: {getattr(error, 'stderr', None) or error}")
    return programs[0]


def compiled(packages):
    """The file with the token; compiled anew when the contract or the compiler has changed."""
    path = packages / "Token.json"
    made_from = [packages / "installed-from", HERE / "contracts/Token.sol", HERE / "javascript/compile.js"]
    if not path.exists() or any(f.stat().st_mtime > path.stat().st_mtime for f in made_from):
        scratch = path.with_suffix(f".{os.getpid()}")
        subprocess.run(["node", HERE / "javascript/compile.js", HERE / "contracts", scratch], check=True,
                       env={**os.environ, "NODE_PATH": str(packages / "node_modules")}, timeout=120)
        scratch.rename(path)
    return path


def genesis(fork):
    """Four QBFT validators, all forks up to that one."""
    if fork not in FORKS:
        raise SystemExit(f"clients.py: the compiler's EVM version is {fork}, which is none of {FORKS}")
    made = make_genesis("qbft")
    made["config"]["londonBlock"] = 0
    for name in FORKS[1:FORKS.index(fork) + 1]:
        made["config"][f"{name}Time"] = 0
    made["alloc"][SENDER] = {"balance": hex(10**24)}
    return made


def hardhat(packages, folder, environment):
    """Its sample project as it comes with it, compiled, deployed by its modules, and asked."""
    project = folder / "project"
    shutil.copytree(packages / "node_modules/hardhat/sample-projects/javascript", project)
    shutil.copy(HERE / "javascript/hardhat.config.js", project / "hardhat.config.js")
    shutil.copy(HERE / "javascript/hardhat_call.js", project / "hardhat_call.js")
    shutil.copy(packages / "package.json", project / "package.json")
    (project / "node_modules").symlink_to(packages / "node_modules")
    environment = {**environment, "HARDHAT_DISABLE_TELEMETRY_PROMPT": "true", "CI": "true", "HARDHAT_IGNITION_CONFIRM_DEPLOYMENT": "false",
                   "HARDHAT_IGNITION_CONFIRM_RESET": "false"}
    tool = ["node", "node_modules/hardhat/internal/cli/bootstrap.js"]
    for arguments in (["compile"], ["ignition", "deploy", "ignition/modules/Lock.js", "--network", "quorate"],
                      ["run", "hardhat_call.js", "--network", "quorate"]):
        subprocess.run(tool + arguments, cwd=project, env=environment, check=True, timeout=150, stdin=subprocess.DEVNULL)


def main():
    program, cache, client = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), sys.argv[3]
    packages = node_packages(cache)
    python = python_packages(cache) if client == "web3_py" else None
    cast = foundry(packages) if client == "cast" else None
    token = compiled(packages)
    fork = json.loads(token.read_text())["evmVersion"]
    with tempfile.TemporaryDirectory(prefix="quorate-clients-") as folder:
        folder = pathlib.Path(folder)
        network = Network(folder, [program] * 4, ["--http.api", APIS], genesis(fork))
        node = network.nodes[0]
        ws_port = node.rpc_port
        node.arguments += ["--ws", "--ws.addr", "127.0.0.1", "--ws.port", str(ws_port), "--ws.api", APIS]
        environment = {**os.environ, "HTTP_URL": f"http://127.0.0.1:{node.rpc_port}", "WS_URL": f"ws://127.0.0.1:{ws_port}",
                       "IPC_PATH": str(node.folder / "geth.ipc"), "TOKEN": str(token), "KEY": KEY, "SENDER": SENDER,
                       "NODE_PATH": str(packages / "node_modules")}
        network.start()
        try:
            network.wait_height(3, 60)
            print(f"{client}: on a network with {fork} from its first block", flush=True)
            if client == "hardhat":
                hardhat(packages, folder, environment)
            elif cast:
                subprocess.run([sys.executable, HERE / "cast.py"], env={**environment, "CAST": str(cast)}, check=True, timeout=300)
            elif python:
                subprocess.run([python, HERE / "web3_py.py"], env=environment, check=True, timeout=150)
            else:
                subprocess.run(["node", HERE / "javascript" / f"{client}.js"], env=environment, check=True, timeout=150)
            network.check_agreement()
        except (AssertionError, subprocess.SubprocessError) as error:
            print(error)
            print(node.log_tail())
            sys.exit(1)
        finally:
            network.close()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""From `quorate up` to the first private transaction in a block, then what the network costs at rest.

usage: bench.py QUORATE [--rounds N] [--idle SECONDS]

QUORATE is the program in a folder that has quorate-node and quorate-tm too. Each round is a new network of four organizations, QBFT and
Tessera's dialect, on this machine. Memory is proportional set size (PSS), so that what the processes share counts once, and resident size
(RSS) beside it, of all eight and apart from them of the supervisor; CPU time is theirs, not the machine's.
"""
import argparse
import json
import os
import pathlib
import resource
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent.parent / "tests" / "operator"))
from support import PATIENCE, Network, rpc  # noqa: E402

STORES_42 = "0x602a60005560006000f3"  # a creation: SSTORE(0, 42), and no code
TICKS = os.sysconf("SC_CLK_TCK")


def first_private(network):
    """Sends a private creation of peer one for itself and three, and waits for its receipt with both parties."""
    url, party = network.url("one/one"), network.url("three/three")
    call = {"from": rpc(url, "eth_accounts")[0], "gas": hex(300000), "data": STORES_42, "privateFor": [network.secret("three", "tm.pub")]}
    end = time.monotonic() + PATIENCE
    while True:
        try:
            sent = rpc(url, "eth_sendTransaction", call)
            break
        except RuntimeError as refused:  # a node serves while it still derives the key of its account from the passphrase
            if "authentication needed" not in str(refused) or time.monotonic() > end:
                raise
            time.sleep(0.02)
    for peer in (url, party):
        while not (receipt := rpc(peer, "eth_getTransactionReceipt", sent)):
            if time.monotonic() > end:
                sys.exit(f"no receipt of {sent} after {PATIENCE} s")
            time.sleep(0.01)
        value = rpc(peer, "eth_getStorageAt", receipt["contractAddress"], "0x0", "latest")
        if int(value, 16) != 42:
            sys.exit(f"{peer} reads {value} where a party reads 42")


def memory(pid):
    """PSS and RSS in KiB."""
    fields = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    return [int(fields[name].split()[0]) for name in ("Pss", "Rss")]


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def supervisor(network):
    pid = next(iter(network.processes()))
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def at_rest(network, seconds):
    pids = list(network.processes())
    if len(pids) != 8:
        sys.exit(f"{len(pids)} processes run, not 8")
    parent = supervisor(network)
    before, begun = {pid: cpu_seconds(pid) for pid in [*pids, parent]}, time.monotonic()
    time.sleep(seconds)
    share = {pid: (cpu_seconds(pid) - before[pid]) / (time.monotonic() - begun) * 100 for pid in before}
    sizes = {pid: memory(pid) for pid in before}
    pss, rss = (sum(sizes[pid][i] for pid in pids) / 1024 for i in (0, 1))
    print(f"at rest   8 processes: PSS {pss:.1f} MiB, RSS {rss:.1f} MiB, CPU {sum(share[pid] for pid in pids):.2f} % of a core over {seconds} s; "
          f"supervisor: PSS {sizes[parent][0] / 1024:.1f} MiB, CPU {share[parent]:.2f} %", flush=True)


def measured(program, idle):
    with Network(program) as network:
        network.init("--organizations", "one,two,three,four")
        network.file.write_text(network.file.read_text().replace("lock: true ", "lock: false"))  # so that applications may send at once
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        begun = time.monotonic()
        network.up()
        ready = time.monotonic() - begun
        first_private(network)
        mined = time.monotonic() - begun
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        operator = used.ru_utime + used.ru_stime - children.ru_utime - children.ru_stime
        eight = sum(cpu_seconds(pid) for pid in network.processes())
        print(f"up        ready {ready:.2f} s, private transaction in a block {mined:.2f} s; CPU operator {operator:.2f} s, 8 processes {eight:.2f} s; "
              f"load average {os.getloadavg()[0]:.1f}", flush=True)
        if idle:
            at_rest(network, idle)
    return mined


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--idle", type=int, default=30, help="seconds at rest, after the last round")
    args = parser.parse_args()
    times = [measured(args.program, args.idle if last else 0) for last in [False] * (args.rounds - 1) + [True]]
    print(json.dumps({"first_private_seconds": [round(t, 2) for t in sorted(times)]}))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""GoQuorum's geth and quorate-node side by side, each the validator of a network of its own: the lines of their logs by level and keys, and the names
and kinds of their metrics.

    habits.py --goquorum GETH --node QUORATE_NODE

Lines that both write must have the same level and our keys be theirs, but for OWN; a metric of theirs that is not here must begin with one of ABSENT
(docs/compatibility.md has the reasons). Without a GoQuorum binary ($QUORATE_GOQUORUM) it says so and ends with 77."""
import argparse, json, os, re, subprocess, sys, tempfile, time, urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../support"))
from ports import free_ports  # noqa: E402

WAIT = 120
# Keys that only ours has, or only theirs; "Initialised chain configuration" is worded otherwise.
OWN = {"Commit new mining work": {"offered", "fees"}, "Initialised chain configuration": {"config", "chainid", "engine", "quorum"}}
COMMON = ("Running with private transaction manager disabled - quorum private transactions will not be supported", "Maximum peer count", "Set global gas cap",
          "Loaded most recent local full block", "Starting peer-to-peer node", "Started P2P networking", "IPC endpoint opened", "HTTP server started", "WebSocket enabled",
          "Commit new mining work", "BFT: block proposal committed", "Successfully sealed new block", "🔨 mined potential block", "Got interrupt, shutting down...",
          "HTTP server stopped", "IPC endpoint closed", "Ethereum protocol stopped", "Transaction pool stopped", "Blockchain stopped")
ABSENT = re.compile(r"les_|vflux_|chain_reorg_invalidTx|trie_|state_snapshot_|db_preimage_|chain_(account|storage|snapshot|prefetch)_|chain_(execution|validation|write)|"
                    r"eth_db_chaindata_(ancient|compact|disk_(read|write))|eth_(downloader|fetcher)_|p2p_(in|e)gress_|"
                    r"txpool_pending_(nofunds|ratelimit)|txpool_queued_(discard|nofunds|ratelimit|replace)|system_cpu_goroutines|system_memory_(allocs|frees|pauses)")


class Validator:
    def __init__(self, program, folder, *more):
        network = json.load(open(os.path.join(HERE, "../network/network.json")))
        first = network["nodes"][0]
        self.data, self.log = f"{folder}/d", f"{folder}/log"
        os.makedirs(f"{self.data}/geth")
        with open(f"{self.data}/geth/nodekey", "w") as f:
            f.write(first["key"])
        with open(f"{folder}/genesis.json", "w") as f:
            json.dump(dict(network["genesis"], extraData="0xf83aa0" + "00" * 32 + "d594" + first["address"][2:] + "c080c0"), f)
        env = dict(os.environ, PRIVATE_CONFIG="ignore", HOME=folder)
        subprocess.run([program, "--datadir", self.data, "init", f"{folder}/genesis.json"], env=env, check=True, capture_output=True, timeout=WAIT)
        port, http, ws, self.metrics = free_ports(4)
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [program, "--datadir", self.data, "--networkid", "1337", "--nodiscover", "--mine", "--syncmode", "full", "--nat", "none", "--port", str(port), "--http",
                 "--http.port", str(http), "--ws", "--ws.port", str(ws), "--metrics", "--metrics.expensive", "--metrics.addr", "127.0.0.1", "--metrics.port",
                 str(self.metrics), "--log.json", *more], env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def lines(self):
        """Message to level and keys."""
        told = {}
        for line in open(self.log):
            if line.startswith("{"):
                line = json.loads(line)
                level, keys = told.setdefault(line["msg"], (line["lvl"], set()))
                keys.update(line.keys() - {"lvl", "msg", "t"})
        return told

    def kinds(self):
        """Of the metrics for Prometheus: name to kind."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/debug/metrics/prometheus", timeout=WAIT) as answer:
            return dict(re.findall(r"# TYPE (\S+) (\S+)", answer.read().decode()))

    def wait(self):
        end = time.monotonic() + WAIT
        while time.monotonic() < end and open(self.log).read().count("Successfully sealed") < 3:
            time.sleep(0.1)

    def stop(self):
        self.process.terminate()
        return self.process.wait(WAIT)


def compare_lines(ours, theirs):
    wrong = [f"only {'one' if m in ours or m in theirs else 'none'} of both writes {m!r}" for m in COMMON if m not in ours or m not in theirs]
    for message in ours.keys() & theirs.keys():
        if ours[message][0] != theirs[message][0]:
            wrong.append(f"{message!r}: level {ours[message][0]}, theirs {theirs[message][0]}")
        odd = (ours[message][1] ^ theirs[message][1]) - OWN.get(message, set())
        if odd:
            wrong.append(f"{message!r}: keys {sorted(odd)} of one alone")
    return wrong


def compare_kinds(ours, theirs):
    wrong = [f"{name} is not here" for name in sorted(theirs.keys() - ours.keys()) if not ABSENT.match(name) and not name.startswith("rpc_duration_")]
    return wrong + [f"{name}: {ours[name]}, theirs {theirs[name]}" for name in sorted(ours.keys() & theirs.keys()) if ours[name] != theirs[name]]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--goquorum", default=os.environ.get("QUORATE_GOQUORUM"))
    parser.add_argument("--node", required=True)
    options = parser.parse_args()
    if not options.goquorum:
        print("no GoQuorum: set QUORATE_GOQUORUM to its binary; skipped")
        return 77
    with tempfile.TemporaryDirectory(prefix="quorate-habits-") as work:
        both = [Validator(os.path.abspath(program), f"{work}/{name}") for name, program in (("ours", options.node), ("theirs", options.goquorum))]
        try:
            for node in both:
                node.wait()
            kinds = [node.kinds() for node in both]
        finally:
            codes = [node.stop() for node in both]
        lines = [node.lines() for node in both]
    wrong = compare_lines(*lines) + compare_kinds(*kinds) + ([] if codes == [0, 0] else [f"exit codes {codes}"])
    print("\n".join(wrong))
    print(f"{len(lines[0].keys() & lines[1].keys())} lines of the log that both write, {len(kinds[0].keys() & kinds[1].keys())} metrics that both have of "
          f"{len(kinds[1])}; {len(wrong)} differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

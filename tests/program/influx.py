#!/usr/bin/env python3
"""A node and a manager whose figures go to a server in InfluxDB's place: what they write, line by line; that server refuses, hangs, drops and
redirects, and both go on. Given an influxd (apt install influxdb), what they write to the real one is asked for.

    influx.py NODE MANAGER [PART…]"""
import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../support"), os.path.join(HERE, "../tm")]
from influx import Server  # noqa: E402
from managers import Authority, Checks, Manager, tail, until  # noqa: E402
from ports import free_ports  # noqa: E402
from processes import ask, end  # noqa: E402

NODE, MANAGER = (os.path.abspath(path) for path in sys.argv[1:3])
PASSWORD = "pass:word with a blank"
METER = {"count": "i", "m1": "f", "m5": "f", "m15": "f", "mean": "f"}
TIMER = {"count": "i", "max": "i", "min": "i", **dict.fromkeys("m1 m5 m15 mean meanrate p50 p75 p95 p99 p999 p9999 stddev variance".split(), "f")}
TYPES = {"gauge": {"value": "i"}, "count": {"value": "i"}, "meter": METER, "timer": TIMER}


class Node:
    def __init__(self, folder, *flags, config=None):
        self.log, self.data = f"{folder}/log", f"{folder}/d"
        port, http = free_ports(2)
        self.url = f"http://127.0.0.1:{http}"
        network = json.load(open(os.path.join(HERE, "../network/network.json")))
        first = network["nodes"][0]
        os.makedirs(f"{self.data}/geth")
        with open(f"{self.data}/geth/nodekey", "w") as f:
            f.write(first["key"])
        with open(f"{folder}/genesis.json", "w") as f:
            json.dump(dict(network["genesis"], extraData="0xf83aa0" + "00" * 32 + "d594" + first["address"][2:] + "c080c0"), f)
        env = dict(os.environ, PRIVATE_CONFIG="ignore", HOME=folder)
        subprocess.run([NODE, "--datadir", self.data, "init", f"{folder}/genesis.json"], env=env, check=True, capture_output=True, timeout=60)
        if config:
            with open(f"{folder}/config.toml", "w") as f:
                f.write(config)
            flags = ("--config", f"{folder}/config.toml", *flags)
        self.begun = time.time()
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([NODE, "--datadir", self.data, "--networkid", "1337", "--nodiscover", "--mine", "--port", str(port), "--http",
                                             "--http.port", str(http), *flags], env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def said(self, text):
        with open(self.log) as f:
            return f.read().count(text)

    def goes_on(self, seconds):
        """How many blocks, for so long."""
        before = int(ask(self.url, "eth_blockNumber")["result"], 16)
        time.sleep(seconds)
        return int(ask(self.url, "eth_blockNumber")["result"], 16) - before


def check_node_write(checks, write, tags, login):
    checks(write.path == "/write" and write.query["db"] == ["my db"] and write.query.get("precision") == [""], f"{write.path} {write.query}")
    checks(write.login == login, "with name and password")
    checks(not write.wrong, f"every line is one: {write.wrong[:3]}")
    wrong = [point.name for point in write.points
             if point.name.split(".")[0] != "geth" or point.types() != TYPES.get(point.name.rsplit(".", 1)[1]) or point.tags != tags]
    checks(not wrong, f"names, fields and their types, tags: {wrong[:5]}")
    checks(len(write.named()) == len(write.points) > 50, f"{len(write.points)} points, each once")
    times = {point.time for point in write.points}
    checks(len(times) == 1 and abs(times.pop() / 1e9 - time.time()) < 60, "their time is now, in nanoseconds")


def node(checks, folder):
    server = Server()
    flags = ("--metrics", "--metrics.influxdb", "--metrics.influxdb.endpoint", server.url + "/", "--metrics.influxdb.database", "my db",
             "--metrics.influxdb.username", "me", "--metrics.influxdb.password", PASSWORD, "--metrics.influxdb.tags", "host=a b,zone=c,nothing,x=y=z")
    node = Node(folder, *flags)
    try:
        first = server.next()
        ask(node.url, "eth_blockNumber")
        second = server.next(how=401)
        for write in (first, second):
            check_node_write(checks, write, {"host": "a b", "zone": "c"}, f"me:{PASSWORD}")
        took = (second.points[0].time - first.points[0].time) / 1e9  # by the node's clock: whoever writes these down may be kept waiting
        checks(9 < took < 20, f"ten seconds between both: {took:.1f}")
        points = second.named()
        head = points["geth.chain/head/block.gauge"].fields["value"][1]
        heights = points["geth.consensus/istanbul/qbft/core/sequence.meter"].fields
        checks(head > 5 and head - 2 <= heights["count"][1] <= head, f"block {head}, height {heights}")
        checks(0.3 < heights["m1"][1] < 1.7 and 0.3 < heights["mean"][1] < 1.7, f"one a second: {heights}")
        took = points["geth.consensus/istanbul/qbft/core/consensus.timer"].fields
        checks(0 < took["min"][1] <= took["p50"][1] <= took["p99"][1] <= took["max"][1] and took["stddev"][1] > 0, f"how long heights took: {took}")
        checks(points["geth.rpc/duration/eth_blockNumber/success.timer"].fields["count"] == ("i", 1), "the call is there")
        server.next(how="hang")
        checks(node.said("Unable to send to InfluxDB") == 1 and node.said("status 401") == 1, tail(node.log, 3))
        checks(node.goes_on(5) >= 2, "blocks are made while the server hangs")
        server.next(how="take")
        until(lambda: node.said("Metrics reach InfluxDB") == 2, 30, "it is said that it goes well again")
        checks(node.said('"timed out: ') == 1 and node.said("Unable to send to InfluxDB") == 2, "each failure is said once")
        checks(node.said("Tag of --metrics.influxdb.tags left out") == 2, "and each tag that is none")
        server.how = "hang"
        server.next()
        begun = time.monotonic()
        checks(end(node.process, signal.SIGTERM) == 0 and time.monotonic() - begun < 9, "it ends while the server hangs")
        checks(node.said(PASSWORD) == 0 and node.said("Basic") == 0, "the password is not in the log")
    finally:
        node.process.kill()
        node.process.wait()
        server.shutdown()


def node_by_file(checks, folder):
    """The configuration file alone; beside the server for Prometheus, which goes on when there is no InfluxDB."""
    metrics, nobody = free_ports(2)
    node = Node(folder, config=f'[Metrics]\nEnabled = true\nHTTP = "127.0.0.1"\nPort = {metrics}\nEnableInfluxDB = true\n'
                               f'InfluxDBEndpoint = "http://a:{urllib.parse.quote(PASSWORD)}@127.0.0.1:{nobody}/x"\nInfluxDBUsername = ""\nInfluxDBTags = ""\n')
    try:
        until(lambda: node.said("Unable to send to InfluxDB") == 1, 60, "nobody listens there")
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/debug/metrics", timeout=60) as answer:
            checks("chain/head/block" in json.load(answer), "figures for Prometheus all the same")
        server = Server(nobody)
        write = server.next()
        checks(write.path == "/x/write" and write.query["db"] == ["geth"] and write.login == f"a:{PASSWORD}", f"{write.path} {write.query}")
        checks(not write.wrong and all(not point.tags for point in write.points), "no tags")
        until(lambda: node.said("Metrics reach InfluxDB") == 1, 30, "it is said that it goes well")
        checks(node.said("pass:") + node.said("pass%3A") == 0 and node.said(f"http://127.0.0.1:{nobody}/x") == 2, "the log has the address without the password")
        checks(end(node.process) == 0, "it ends with 0")
        server.shutdown()
    finally:
        node.process.kill()
        node.process.wait()


class Pushing(Manager):
    """A manager of ours that pushes the figures of both servers."""

    def __init__(self, folder, name, influx):
        super().__init__(folder, name, "quorate", MANAGER)
        self.influx = influx

    def configure(self):
        super().configure()
        path = f"{self.folder}/config.json"
        config = json.load(open(path))
        for server in config["serverConfigs"]:
            server["influxConfig"] = self.influx
        with open(path, "w") as f:
            json.dump(config, f)

    def said(self, text):
        with open(self.log) as f:
            return f.read().count(text)

    def lines(self, text):
        with open(self.log) as f:
            return [line for line in f if text in line]


FIGURES = ("MinTime_ms", "MaxTime_ms", "AverageTime_ms", "RequestRate_requestsPerSeconds", "RequestCount")


def figures_of(write):
    """Measurement to figures."""
    figures = {}
    for point in write.points:
        figures.setdefault(point.name, {}).update({key: value for key, (_, value) in point.fields.items()})
    return figures


def write_of(server, app, after=0):
    """The first write of that server behind so many of all. Both write at the same moment, so that it is not waited for the next one alone."""
    def find():
        return next((w for w in server.writes[after:] if w.points and w.points[0].name.startswith(f"tessera_{app}_")), None)
    return until(find, 60, f"a write of {app}")


def manager(checks, folder):
    server = Server()
    m = Pushing(folder, "pushing", {"serverAddress": server.url, "dbName": "tm", "pushIntervalInSecs": 1})
    try:
        m.start()
        m.send(b"payload", [])
        m.send(b"payload 2", [])
        for app, instance in (("Q2T", f"http://127.0.0.1:{m.q2t}"), ("P2P", m.url)):
            write = write_of(server, app, server.writes.index(write_of(server, app, len(server.writes))) + 1)
            checks(write.path == "/write" and write.query == {"db": ["tm"]} and write.login is None, f"{write.path} {write.query}")
            checks(not write.wrong, f"every line is one: {write.wrong[:3]}")
            checks(all(p.tags == {"instance": instance} and list(p.types().values()) == ["f"] and p.time is None for p in write.points), f"{app}: instance {instance}")
            figures = figures_of(write)
            checks(all(tuple(f) == FIGURES for f in figures.values()), f"{app}: {len(figures)} methods, five figures each")
            checks(all(name.startswith(f"tessera_{app}_") for name in figures), f"{app}: of that server alone")
            checks("tessera_%s_GET_upCheck" % app in figures and not [name for name in figures if "health" in name.lower() or "note" in name.lower()],
                   f"{app}: under Tessera's names, where it has one")
            if app == "Q2T":
                sent = figures["tessera_Q2T_POST_send_SendRequest"]
                checks(sent["RequestCount"] == 2 and sent["MaxTime_ms"] >= sent["AverageTime_ms"] >= sent["MinTime_ms"] and sent["RequestRate_requestsPerSeconds"] > 0,
                       f"two payloads: {sent}")
                checks(figures["tessera_Q2T_DELETE_deleteKey_String"]["RequestCount"] == 0, "what was not asked for is 0")
            else:
                checks("tessera_P2P_POST_push_byte" in figures and "tessera_P2P_POST_send_SendRequest" not in figures, "push, but no send")
        for how, words in ((401, "status 401"), (500, "status 500"), ("drop", "the connection broke"), ("redirect", "status 307"), ("endless", "too large"),
                           ("hang", "timed out"), ("slow", "timed out")):
            told, well = m.said(f"do not reach InfluxDB at {server.url}: "), m.said("figures reach InfluxDB")
            server.how = how
            until(lambda: m.said(f"do not reach InfluxDB at {server.url}: ") >= told + 2, 60, f"{how}: both servers say so")
            checks(all(words in line for line in m.lines("do not reach InfluxDB")[-2:]), f"{how}: {words}")
            checks(m.payload(m.send(str(how).encode(), [])) == str(how).encode(), f"{how}: it goes on")
            count = len(server.writes)
            if how == 401:
                until(lambda: len(server.writes) >= count + 4, 60, "they go on writing")
                checks(m.said("status 401") == 2, "said once for each server")
            if how in ("hang", "slow"):
                time.sleep(2.5)
                checks(len(server.writes) <= count + 2, "nothing more is sent while it hangs")
            server.how = "take"
            until(lambda: m.said("figures reach InfluxDB") >= well + 2, 60, "it goes well again")
        checks(server.elsewhere == 0, "no redirection is followed")
        checks(m.stop() == 0, "it ends with 0")
    finally:
        m.stop()
        server.shutdown()


def manager_tls(checks, folder):
    authority, stranger = Authority(folder), Authority(folder, "stranger")
    server = Server(certificate=authority.issue("influx"))
    for ours, good in ((authority, True), (stranger, False)):
        name = "trusting" if good else "careful"
        m = Pushing(folder, name, {"serverAddress": server.url, "dbName": "tm", "pushIntervalInSecs": 1, "sslConfig": {
            "tls": "STRICT", "sslConfigType": "CLIENT_ONLY", "clientAuth": False, "clientTrustMode": "CA", "clientTrustCertificates": [ours.certificate]}})
        count = len(server.writes)
        try:
            m.start()
            if good:
                checks(not server.next().wrong, "over TLS, to a server that the authority has signed")
            else:
                until(lambda: m.said("no trusted TLS connection") == 2, 60, "another's is refused")
                checks(len(server.writes) == count, "and gets nothing")
            checks(m.stop() == 0, "it ends with 0")
        finally:
            m.stop()
    server.shutdown()


def real(checks, folder):
    """An InfluxDB itself."""
    port, rpc = free_ports(2)
    url = f"http://127.0.0.1:{port}"
    with open(f"{folder}/influxdb.conf", "w") as f:
        f.write(f'reporting-disabled = true\nbind-address = "127.0.0.1:{rpc}"\n[meta]\ndir = "{folder}/meta"\n[data]\ndir = "{folder}/data"\nwal-dir = "{folder}/wal"\n'
                f'[http]\nbind-address = "127.0.0.1:{port}"\nauth-enabled = true\n')

    def query(text, db=""):
        login = {"Authorization": "Basic " + base64.b64encode(f"me:{PASSWORD}".encode()).decode()}
        words = urllib.parse.urlencode({"q": text, "db": db})
        with urllib.request.urlopen(urllib.request.Request(f"{url}/query", words.encode(), login), timeout=60) as answer:
            return json.load(answer)["results"][0].get("series", [])

    with open(f"{folder}/log", "w") as log:
        influxd = subprocess.Popen(["influxd", "-config", f"{folder}/influxdb.conf"], stdout=log, stderr=log)
    os.mkdir(f"{folder}/node")
    node = m = None
    try:
        until(lambda: query(f"CREATE USER me WITH PASSWORD '{PASSWORD}' WITH ALL PRIVILEGES") == [], 60, "influxd is up")
        query('CREATE DATABASE "my db"')
        node = Node(f"{folder}/node", "--metrics", "--metrics.influxdb", "--metrics.influxdb.endpoint", url, "--metrics.influxdb.database", "my db",
                    "--metrics.influxdb.username", "me", "--metrics.influxdb.password", PASSWORD)
        m = Pushing(folder, "manager", {"serverAddress": f"http://me:{urllib.parse.quote(PASSWORD)}@127.0.0.1:{port}", "dbName": "my db", "pushIntervalInSecs": 1})
        m.start()
        m.send(b"payload", [])
        heads = until(lambda: (query('SELECT value FROM "geth.chain/head/block.gauge"', "my db") or [{"values": []}])[0]["values"][1:], 60, "two blocks arrive")
        checks(heads[-1][1] > 5, f"block {heads[-1][1]}")
        kinds = {name: {key: kind for key, kind in series["values"]} for series in query("SHOW FIELD KEYS", "my db") for name in [series["name"]]}
        full = {"i": "integer", "f": "float"}
        wrong = [name for name, fields in kinds.items() if name.startswith("geth.") and
                 fields != {key: full[kind] for key, kind in TYPES[name.rsplit(".", 1)[1]].items()}]
        checks(not wrong and len([name for name in kinds if name.startswith("geth.")]) > 50, f"{len(kinds)} measurements, with their types: {wrong[:3]}")
        tags = query('SHOW TAG VALUES FROM "geth.chain/head/block.gauge" WITH KEY = "host"', "my db")
        checks(tags and tags[0]["values"] == [["host", "localhost"]], f"the default tag: {tags}")
        sent = until(lambda: query('SELECT * FROM "tessera_Q2T_POST_send_SendRequest" WHERE RequestCount = 1', "my db"), 60, "a payload arrives")[0]
        row = dict(zip(sent["columns"], sent["values"][-1]))
        checks(set(row) == {"time", "instance", *FIGURES} and row["instance"] == f"http://127.0.0.1:{m.q2t}", f"the manager's five figures are one row: {row}")
        checks(node.said("Unable to send") == 0 and m.said("do not reach") == 0, "nothing is refused")
    finally:
        if node:
            end(node.process)
        if m:
            m.stop()
        end(influxd)


def main():
    checks = Checks()
    if not shutil.which("influxd"):
        print("no influxd here: the real one is not asked")
    for part in (node, node_by_file, manager, manager_tls, real):
        if sys.argv[3:] and part.__name__ not in sys.argv[3:] or part is real and not shutil.which("influxd"):
            continue
        print(part.__name__, flush=True)
        with tempfile.TemporaryDirectory(prefix="quorate-influx-") as folder:
            part(checks, folder)
    checks.end()


if __name__ == "__main__":
    main()

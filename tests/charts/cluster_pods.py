#!/usr/bin/env python3
"""Four organizations on a real Kubernetes: `quorate up` until all are in sync, a private transaction between two pods, a pod that is killed, a rolling
upgrade during which the network goes on, an eviction, nodes that are drained, a peer that comes and goes, a vote, and down.

usage: cluster_pods.py QUORATE_FOLDER CHARTS TOOLS     as podman.py

etcd, API server, controllers, scheduler, CoreDNS and two nodes (kubelet with containerd, kube-proxy), each in a network of its own, run in namespaces; the images are made as for podman.py.
Pods log in to OpenBao by tokens that the API server reviews, managers know each other by their organizations' authorities. Volumes are folders of this machine.
Skipped unless root and all of it is there ($QUORATE_KUBERNETES names Kubernetes' programs)."""

import contextlib
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../support"), os.path.join(HERE, "../operator"), HERE]
import podman  # noqa: E402
from kubernetes import CNI, NODE_PROGRAMS, PROGRAMS, Kubernetes, Node, call, make_network, programs  # noqa: E402
from vault import Vault  # noqa: E402

SKIPPED = 77
ADDRESS = "10.77.0.1"
ORGANIZATIONS = podman.ORGANIZATIONS
PAUSE = r"""#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/wait.h>
static void end(int s) { (void)s; _exit(0); }
static void reap(int s) { (void)s; while (waitpid(-1, NULL, WNOHANG) > 0) {} }
int main(void) { signal(SIGTERM, end); signal(SIGINT, end); signal(SIGCHLD, reap); for (;;) pause(); }
"""


def images(folder, programs_folder, tools):
    """Ours, the database's, and what holds a pod's namespaces; as files."""
    build = folder / "build"
    (build / "bin").mkdir(parents=True)
    for name in ("quorate", "quorate-init", "quorate-node", "quorate-tm"):
        shutil.copy(os.path.join(programs_folder, name), build / "bin" / name)
    podman.run("bash", os.path.join(tools, "image-root"), str(build), str(folder / "image"))
    podman.run("podman", "build", "--quiet", "--file", os.path.join(tools, "../Containerfile"), "--tag", "localhost/quorate:k8s", str(folder / "image"))
    podman.database_image(folder, "localhost/mariadb:k8s")
    (folder / "pause").mkdir()
    (folder / "pause.c").write_text(PAUSE)
    podman.run("gcc", "-static", "-O2", "-o", str(folder / "pause/pause"), str(folder / "pause.c"))
    (folder / "Pausefile").write_text('FROM scratch\nCOPY pause /pause\nENTRYPOINT ["/pause"]\n')
    podman.run("podman", "build", "--quiet", "--file", str(folder / "Pausefile"), "--tag", "localhost/pause:k8s", str(folder / "pause"))
    files = []
    for name in ("pause", "quorate", "mariadb"):
        files.append(folder / f"{name}.tar")
        podman.run("podman", "save", "--quiet", "--output", str(files[-1]), f"localhost/{name}:k8s")
        podman.run("podman", "rmi", "--force", f"localhost/{name}:k8s", ok=False)
    return files


def small_charts(folder, charts):
    """Five pods must find room on a machine with two processors: they ask for less of them."""
    shutil.copytree(charts, folder / "charts")
    for file in (folder / "charts").glob("*/values.yaml"):
        file.write_text(file.read_text().replace("requests: {cpu: 250m", "requests: {cpu: 100m"))
    return str(folder / "charts")


class Cluster:
    def __init__(self, folder, quorate_folder, charts, tools, bao, stack):
        self.folder, self.charts, self.quorate = folder, small_charts(folder, charts), os.path.join(quorate_folder, "quorate")
        files = images(folder, quorate_folder, tools)
        self.vault = Vault(bao, ADDRESS)
        stack.callback(self.vault.end)
        self.nodes, self.kubernetes = [], Kubernetes(folder, ORGANIZATIONS, ADDRESS)
        stack.callback(self.end)
        self.nodes = [Node(self.kubernetes, files, "localhost/pause:k8s")]
        self.nodes.append(Node(self.kubernetes, files, "localhost/pause:k8s", self.nodes[0]))
        for node in self.nodes:
            node.ctr("images", "tag", "localhost/quorate:k8s", "localhost/quorate:next")
        self.volumes()
        text = podman.network(self.vault.url, "KUBE").replace("tm_trust: tofu", "tm_trust: ca")
        for name in ORGANIZATIONS:
            text = text.replace('"KUBE"', f'"{folder}/kube-{name}"', 1)
        (folder / "network.yaml").write_text(text)

    def end(self):
        """Pods end before the parts that would end them."""
        subprocess.run(["kubectl", "--kubeconfig", str(self.kubernetes.inside), "delete", "pods,statefulsets", "--all", "--all-namespaces", "--force",
                        "--grace-period=0", "--timeout=30s"], capture_output=True)
        for node in self.nodes:
            ctr = ["ctr", "--address", str(node.socket), "--namespace", "k8s.io", "tasks"]
            for line in subprocess.run([*ctr, "list", "--quiet"], capture_output=True, text=True).stdout.split():
                subprocess.run([*ctr, "kill", "--signal", "9", line], capture_output=True)
        time.sleep(2)  # for the shims to see it
        self.kubernetes.end()
        for node in self.nodes:
            node.end()

    def volumes(self):
        """Two for each peer, and for one that comes, as an administrator gives them; a folder keeps the rights it has, so they are the pods' group's."""
        claims = []
        for i in range(2 * len(ORGANIZATIONS) + 2):
            path = self.folder / f"volumes/{i}"
            path.mkdir(parents=True)
            os.chown(path, 1000, 1000)
            (path / "mysql").mkdir()
            os.chown(path / "mysql", 1000, 1000)
            claims.append({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"folder-{i}"}, "spec": {
                "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": str(path)}}})
        self.kubernetes.apply(*claims)

    def run(self, *words, code=0, text=None):
        done = subprocess.run([self.quorate, *words], cwd=self.folder, capture_output=True, text=True, env=dict(os.environ, VAULT_TOKEN="root"), timeout=900)
        output = done.stdout + done.stderr
        if done.returncode != code or (text and text not in output):
            sys.exit(f"quorate {' '.join(words)} ended with {done.returncode}, expected {code} and '{text}':\n{output}\n{self.say()}")
        return output

    def up(self, tag, **expected):
        return self.run("up", "--image", f"localhost/quorate:{tag}", "--database-image", "localhost/mariadb:k8s", "--charts", self.charts, "--wait", "400",
                        "network.yaml", **expected)

    def change(self, *words, **expected):
        return self.run(*words[:1], "--charts", self.charts, "--wait", "400", "network.yaml", *words[1:], **expected)

    def is_ready(self, name):
        return any(c["type"] == "Ready" and c["status"] == "True" for c in self.pod(name)["status"].get("conditions", []))

    def place(self, name):
        """The node that its pod is on."""
        return self.pod(name)["spec"].get("nodeName")

    def validators(self):
        return json.loads(self.kubernetes.kubectl("exec", "--namespace", "one-quo", "one-0", "--container", "quorum", "--", "quorate-node", "attach", "--exec",
                                                  "istanbul.getValidators()", "/etc/quorum/qdata/dd/geth.ipc"))

    def say(self):
        text = self.kubernetes.events()
        for name in ORGANIZATIONS:
            for container in ("certificates-init", "tessera", "quorum"):
                done = subprocess.run(["kubectl", "--kubeconfig", str(self.kubernetes.inside), "logs", "--tail=8", "--namespace", f"{name}-quo", f"{name}-0",
                                       "--container", container], capture_output=True, text=True)
                text += f"--- {name} {container}\n{done.stdout}{done.stderr}"
        return text

    def pod(self, name):
        return self.kubernetes.get("pod", f"{name}-quo", f"{name}-0")

    def rpc(self, name, method, *params, timeout=60):
        """By the peer's service, which kube-proxy leads to the pod."""
        service = self.kubernetes.get("service", f"{name}-quo", name)["spec"]["clusterIP"]
        port = podman.port(ORGANIZATIONS.index(name), "rpc")
        call = urllib.request.Request(f"http://{service}:{port}", json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode(),
                                      {"Content-Type": "application/json"})
        with urllib.request.urlopen(call, timeout=timeout) as answer:
            body = json.load(answer)
        if "error" in body:
            raise RuntimeError(f"{method}: {body['error']['message']}")
        return body["result"]

    def height(self, name, timeout=60):
        return int(self.rpc(name, "eth_blockNumber", timeout=timeout), 16)

    def stored(self, name, transaction):
        receipt = self.kubernetes.wait(f"a receipt at {name}", lambda: self.rpc(name, "eth_getTransactionReceipt", transaction))
        return int(self.rpc(name, "eth_getStorageAt", receipt["contractAddress"], "0x0", "latest"), 16)

    def key(self, name):
        return self.vault.ask("GET", f"secretsv2/data/{name}-quo/crypto/{name}/transaction")["data"]["data"]["tm.pub"]

    def send(self, sender, receiver):
        account = self.rpc(sender, "eth_accounts")[0]
        return self.kubernetes.wait("a private transaction", lambda: self.rpc(sender, "eth_sendTransaction", {
            "from": account, "data": podman.STORES_42, "gas": "0x47b760", "gasPrice": "0x0", "privateFor": [self.key(receiver)]}))

    def memory(self, name):
        """MiB of a pod's own processes, with its database, shared pages in parts."""
        uid, kib = self.pod(name)["metadata"]["uid"], 0
        for file in pathlib.Path("/proc").glob("[0-9]*/cgroup"):
            with contextlib.suppress(OSError):
                if uid in file.read_text():
                    kib += sum(int(line.split()[1]) for line in (file.parent / "smaps_rollup").read_text().splitlines() if line.startswith("Pss:"))
        return kib // 1024


def check_up(cluster):
    began = time.monotonic()
    output = cluster.up("k8s")
    print(f"`quorate up`: four organizations in sync after {time.monotonic() - began:.1f} s")
    assert all(f"ready  {o}/{o}" in output for o in ORGANIZATIONS), output
    for name in ORGANIZATIONS:
        pod = cluster.pod(name)
        ended = [s["state"]["terminated"] for s in pod["status"]["initContainerStatuses"]]
        assert [s["exitCode"] for s in ended] == [0, 0, 0], ended
        assert all(a["finishedAt"] <= b["startedAt"] for a, b in zip(ended, ended[1:])), ended
    cluster.run("status", text="ready")
    cluster.run("doctor", text="well  four: the vault answers and has its engine")
    cluster.up("k8s", text="nothing to do")


def check_private(cluster):
    sent = cluster.send("one", "two")
    assert {o: cluster.stored(o, sent) for o in ORGANIZATIONS} == {"one": 42, "two": 42, "three": 0, "four": 0}
    print("a private transaction, managers by their organizations' authorities: 42 at its two parties, nothing at the others")
    print("memory of a pod with its database, MiB: " + ", ".join(f"{o} {cluster.memory(o)}" for o in ORGANIZATIONS))
    return sent


def check_killed(cluster, sent):
    before = cluster.pod("two")["metadata"]["uid"]
    began = time.monotonic()
    cluster.kubernetes.kubectl("delete", "pod", "two-0", "--namespace", "two-quo", "--force", "--grace-period=0")

    def back():
        pod = cluster.pod("two")
        ready = any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))
        return pod["metadata"]["uid"] != before and ready and cluster.height("two") >= cluster.height("one") - 1
    cluster.kubernetes.wait("two to be back in sync", back, 300)
    assert cluster.stored("two", sent) == 42, "the killed pod has lost its private state"
    more = cluster.send("one", "two")
    assert cluster.stored("two", more) == 42
    print(f"a killed pod was back with its data and in sync after {time.monotonic() - began:.1f} s")


class Watch:
    """How many pods are not ready at once, and whether blocks come, while something is done."""

    def __init__(self, cluster):
        self.cluster, self.most, self.heights, self.going = cluster, 0, [], True
        self.thread = threading.Thread(target=self.look)

    def look(self):
        while self.going:
            with contextlib.suppress(subprocess.SubprocessError, OSError, ValueError, RuntimeError, KeyError):
                pods = [p for p in self.cluster.kubernetes.get("pods", None, "--all-namespaces")["items"]
                        if p["metadata"]["name"][:-2] in ORGANIZATIONS]
                ready = [p for p in pods if any(c["type"] == "Ready" and c["status"] == "True" for c in p["status"].get("conditions", []))]
                self.most = max(self.most, len(ORGANIZATIONS) - len(ready))
                # A pod that goes away this moment does not answer: then another look is taken, soon.
                self.heights.append(max(self.cluster.height(p["metadata"]["name"][:-2], timeout=2) for p in ready))
            time.sleep(0.5)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.going = False
        self.thread.join()


def check_upgrade(cluster):
    with Watch(cluster) as watch:
        began = time.monotonic()
        cluster.up("next", text="release fourfourtessera, changed")
        seconds = time.monotonic() - began
    for name in ORGANIZATIONS:
        assert cluster.pod(name)["spec"]["containers"][-1]["image"] == "localhost/quorate:next"
    assert watch.most <= 1, f"{watch.most} pods were away at once"
    assert watch.heights[-1] > watch.heights[0] + 3, watch.heights
    print(f"a rolling upgrade in {seconds:.1f} s: never more than one pod away, {watch.heights[-1] - watch.heights[0]} blocks meanwhile")


def back(cluster, name, before, sent):
    """A new pod, ready, level with the others, with the private state that it had."""
    cluster.kubernetes.wait(f"{name} to be back in sync", lambda: cluster.pod(name)["metadata"]["uid"] != before and cluster.is_ready(name)
                            and cluster.height(name) >= cluster.height("one") - 1, 300)
    assert not sent or cluster.stored(name, sent) == 42, f"{name} has lost its private state"


def blocks_come(cluster, count=3):
    start = cluster.height("one")
    cluster.kubernetes.wait("blocks", lambda: cluster.height("one") >= start + count, 120)
    return start


def check_spread(cluster):
    """Two nodes, four pods: two on each, though nothing but where the others are says so."""
    places = {o: cluster.place(o) for o in ORGANIZATIONS}
    assert sorted(places.values()) == ["node-1", "node-1", "node-2", "node-2"], places
    print(f"spread over the nodes: {places}")


def check_evicted(cluster, sent):
    """By the API that a drain uses."""
    with Watch(cluster) as watch:
        before = cluster.pod("two")["metadata"]["uid"]
        cluster.kubernetes.kubectl("create", "--raw", "/api/v1/namespaces/two-quo/pods/two-0/eviction", "--filename", "-", text=json.dumps(
            {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "two-0", "namespace": "two-quo"}}))
        back(cluster, "two", before, sent)
    assert watch.most <= 1 and watch.heights[-1] > watch.heights[0], (watch.most, watch.heights)
    print(f"evicted: {watch.heights[-1] - watch.heights[0]} blocks meanwhile, the pod was back with its data")


def check_drained(cluster, sent):
    """A node is drained, one organization after another: its pods move to the other node with their data, and blocks come all the while. A drain of all at
    once takes half of the validators: nothing is agreed until they are back on the other node, then everything is as before."""
    kubectl = cluster.kubernetes.kubectl
    node = cluster.place("two")
    other = next(n.name for n in cluster.nodes if n.name != node)
    moving = [o for o in ORGANIZATIONS if cluster.place(o) == node]
    assert moving and set(moving) != set(ORGANIZATIONS), moving
    with Watch(cluster) as watch:
        for name in moving:
            before = cluster.pod(name)["metadata"]["uid"]
            kubectl("drain", node, f"--pod-selector=service.rpc={name}", "--delete-emptydir-data", "--timeout=120s")
            back(cluster, name, before, sent if name in ("one", "two") else None)
        blocks_come(cluster, 3)
    assert {cluster.place(o) for o in ORGANIZATIONS} == {other}
    assert watch.most <= 1 and watch.heights[-1] > watch.heights[0] + 5, (watch.most, watch.heights)
    kubectl("uncordon", node)
    print(f"{node} drained, one organization after another: {', '.join(moving)} moved to {other} with their data, {watch.heights[-1] - watch.heights[0]} blocks "
          f"meanwhile, never more than {watch.most} away")
    # All four are on one node now.
    before = {o: cluster.pod(o)["metadata"]["uid"] for o in ORGANIZATIONS}
    began, start = time.monotonic(), cluster.height("one")
    kubectl("drain", other, "--delete-emptydir-data", "--timeout=240s")
    for name in ORGANIZATIONS:
        back(cluster, name, before[name], sent if name in ("one", "two") else None)
    assert {cluster.place(o) for o in ORGANIZATIONS} == {node} and cluster.height("one") >= start
    kubectl("uncordon", other)
    cluster.kubernetes.wait("blocks", lambda: cluster.height("one") >= start + 3, 180)
    print(f"a whole node drained at once: all four were on {node} and made blocks again after {time.monotonic() - began:.1f} s")


def check_members(cluster, sent):
    """A fifth validator comes to an organization that has one; a drain takes one of the two; it goes again."""
    kubectl = cluster.kubernetes.kubectl
    with Watch(cluster) as watch:
        began = time.monotonic()
        cluster.run("add-peer", "--validator", "--charts", cluster.charts, "--wait", "400", "network.yaml", "one", "second",
                    text="one/second is a validator")
        came = time.monotonic() - began
    assert watch.most <= 1 and watch.heights[-1] > watch.heights[0], (watch.most, watch.heights)
    assert len(cluster.validators()) == 5, cluster.validators()
    images = {p["spec"]["containers"][-1]["image"] for p in cluster.kubernetes.get("pods", "one-quo")["items"]}
    assert images == {"localhost/quorate:next"}, "the newcomer has another image than what runs"
    places = {p["metadata"]["name"]: p["spec"]["nodeName"] for p in cluster.kubernetes.get("pods", "one-quo")["items"]}
    assert len(set(places.values())) == 2, f"both pods of an organization are on one node: {places}"
    print(f"a fifth validator came in {came:.1f} s: {watch.heights[-1] - watch.heights[0]} blocks meanwhile")
    # One budget for both: while the first has nowhere to go, the second stays.
    try:
        kubectl("drain", *(n.name for n in cluster.nodes), "--pod-selector=app=consortiumchain,service.rpc in (one, second)", "--delete-emptydir-data", "--timeout=30s")
        sys.exit("a drain took both pods of an organization at once")
    except subprocess.CalledProcessError as error:
        assert "disruption budget" in error.stderr, error.stderr
    pods = {p["metadata"]["name"]: p["status"]["phase"] for p in cluster.kubernetes.get("pods", "one-quo")["items"]}
    assert sorted(pods.values()) == ["Pending", "Running"], pods
    start = cluster.height("three")
    cluster.kubernetes.wait("blocks", lambda: cluster.height("three") >= start + 5, 120)
    kubectl("uncordon", *(n.name for n in cluster.nodes))
    cluster.kubernetes.wait("both to be ready", lambda: all(
        any(c["type"] == "Ready" and c["status"] == "True" for c in p["status"].get("conditions", []))
        for p in cluster.kubernetes.get("pods", "one-quo")["items"]), 300)
    print(f"a drain of both pods of an organization took one, the budget kept the other: {pods}; blocks came")
    with Watch(cluster) as watch:
        began = time.monotonic()
        cluster.run("plan", "--charts", cluster.charts, "--image", "localhost/quorate:next", "--database-image", "localhost/mariadb:k8s", "network.yaml",
                    text="nothing to do")
        cluster.change("remove-peer", "one/second", text="one/second is gone from the network")
        went = time.monotonic() - began
    assert len(cluster.validators()) == 4 and watch.most <= 1 and watch.heights[-1] > watch.heights[0], (watch.most, watch.heights)
    cluster.kubernetes.wait("its pod to go", lambda: len(cluster.kubernetes.get("pods", "one-quo")["items"]) == 1)
    claims = {c["metadata"]["name"] for c in cluster.kubernetes.get("persistentvolumeclaims", "one-quo")["items"]}
    assert "second-pv-second-0" in claims, claims
    assert cluster.stored("two", sent) == 42
    print(f"it went in {went:.1f} s, voted out first: {watch.heights[-1] - watch.heights[0]} blocks meanwhile")


def certificate_of(cluster, name):
    """What its manager shows, as another pod sees it."""
    service = cluster.kubernetes.get("service", f"{name}-quo", name)["spec"]["clusterIP"]
    return ssl.get_server_certificate((service, podman.port(ORGANIZATIONS.index(name), "tm")), timeout=30)


def check_renewed(cluster, sent):
    """A new certificate: in the vault, then in the pod, which begins again, and no other does."""
    shown = certificate_of(cluster, "three")
    before = {o: cluster.pod(o)["metadata"]["uid"] for o in ORGANIZATIONS}
    cluster.run("keys", "rotate", "three", "certificate", text="made certificate of three/three: version 2")
    with Watch(cluster) as watch:
        cluster.up("next", text="release threethreetessera, changed")
    assert {o for o in ORGANIZATIONS if cluster.pod(o)["metadata"]["uid"] != before[o]} == {"three"}
    assert certificate_of(cluster, "three") != shown and watch.most <= 1
    assert cluster.stored("three", cluster.send("one", "three")) == 42 and cluster.stored("two", sent) == 42
    cluster.run("doctor", text="the certificate of three/three is good for 30 days at least")
    print("a renewed certificate: its pod alone began again, and shows it; a private transaction by it")


def check_votes(cluster):
    cluster.change("demote", "four", text="four/four is no validator any more")
    assert len(cluster.validators()) == 3
    cluster.change("promote", "four", text="four/four is a validator")
    assert len(cluster.validators()) == 4
    print("voted out and its node begun again as a member, and in again")


def missing():
    why = podman.missing()
    if why:
        return why
    gone = [n for n in (*PROGRAMS, *NODE_PROGRAMS, "etcd", "kubectl", "openssl", "containerd", "ctr", "iptables", "gcc", "nsenter", "ip") if not shutil.which(n)]
    if not os.path.exists(f"{CNI}/bridge"):
        gone.append("containernetworking-plugins")
    return "not there: " + ", ".join(gone) if gone else None


def main():
    why = None if programs() else "QUORATE_KUBERNETES does not name a folder with Kubernetes' programs"
    why = why or missing()
    if why:
        print(f"skipped: {why}")
        return SKIPPED
    if "QUORATE_PODS_INSIDE" not in os.environ:
        inside = "mount --make-rshared / && exec \"$@\""  # the kubelet's and containerd's mounts are seen by each other, and by nobody outside
        return subprocess.run(["unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", inside, "sh", sys.executable, *sys.argv],
                              env=dict(os.environ, QUORATE_PODS_INSIDE="1")).returncode
    quorate_folder, charts, tools = (os.path.abspath(p) for p in sys.argv[1:4])
    helm = shutil.which(os.environ.get("QUORATE_HELM", "helm"))
    os.environ["PATH"] = f"{os.path.dirname(helm)}:{os.environ['PATH']}"
    make_network(ADDRESS)
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quorate-k8s-", ignore_cleanup_errors=True)))
        folder.chmod(0o755)
        cluster = Cluster(folder, quorate_folder, charts, tools, shutil.which(os.environ.get("QUORATE_OPENBAO", "bao")), stack)
        check_up(cluster)
        check_spread(cluster)
        sent = check_private(cluster)
        check_killed(cluster, sent)
        check_upgrade(cluster)
        check_evicted(cluster, sent)
        check_drained(cluster, sent)
        check_renewed(cluster, sent)
        check_members(cluster, sent)
        check_votes(cluster)
        cluster.run("down", text="gone   four: release fourfourtessera")
        cluster.kubernetes.wait("the pods to go", lambda: not cluster.kubernetes.get("pods", None, "--all-namespaces")["items"])
        cluster.run("down", "--purge", "--yes", text="gone   four: namespace, binding, login, secrets")
        cluster.kubernetes.wait("the namespaces to go", lambda: not [n for n in cluster.kubernetes.get("namespaces")["items"]
                                                                     if n["metadata"]["name"].endswith("-quo")])
        print("down: pods and namespaces are gone")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A real Kubernetes for tests: etcd, kube-apiserver, the controllers, and, for a machine that may run pods, scheduler, kubelet with containerd,
kube-proxy and CoreDNS. Programs are those of $QUORATE_KUBERNETES, a folder, and of the path; all listen in one network namespace."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

from ports import free_ports

ADMIN = "token-of-the-admin"
PROGRAMS = ("kube-apiserver", "kube-controller-manager")
NODE_PROGRAMS = ("kube-scheduler", "kubelet", "kube-proxy", "coredns")
CNI = "/usr/lib/cni"  # Debian: containernetworking-plugins
GROUPS = pathlib.Path("/sys/fs/cgroup")
PODS = "10.88.0.0/16"  # addresses of pods, a part of them on each node


def programs():
    """The folder of Kubernetes' programs, put into the path; None when it is not named."""
    folder = os.environ.get("QUORATE_KUBERNETES")
    if not folder:
        return None
    folder = pathlib.Path(folder).resolve()
    os.environ["PATH"] = f"{folder}:/usr/sbin:/sbin:{os.environ['PATH']}"
    return folder


def call(*words, **more):
    return subprocess.run([str(w) for w in words], check=True, capture_output=True, text=True, timeout=120, **more).stdout


class Kubernetes:
    """`contexts`: names in the kubeconfig of each, whose cluster and user have other names, and which none is the current one of."""

    def __init__(self, folder, contexts, address="127.0.0.1"):
        self.folder, self.address, self.processes = folder, address, []
        client, peer, self.port, controllers = free_ports(4)
        (folder / "tokens.csv").write_text(f"{ADMIN},admin,1,system:masters\n")
        call("openssl", "genrsa", "-out", "accounts.key", "2048", cwd=folder)
        self.start("etcd", "etcd", "--data-dir", "etcd", "--listen-client-urls", f"http://127.0.0.1:{client}", "--advertise-client-urls",
                   f"http://127.0.0.1:{client}", "--listen-peer-urls", f"http://127.0.0.1:{peer}", "--initial-advertise-peer-urls",
                   f"http://127.0.0.1:{peer}", "--initial-cluster", f"default=http://127.0.0.1:{peer}", "--unsafe-no-fsync")
        self.start("apiserver", "kube-apiserver", f"--etcd-servers=http://127.0.0.1:{client}", f"--bind-address={address}", f"--advertise-address={address}",
                   f"--secure-port={self.port}", "--cert-dir=certs", "--token-auth-file=tokens.csv", "--allow-privileged",
                   "--service-account-issuer=https://kubernetes.default.svc.cluster.local", "--service-account-key-file=accounts.key",
                   "--service-account-signing-key-file=accounts.key", "--service-cluster-ip-range=10.99.0.0/16", "--authorization-mode=RBAC",
                   "--kubelet-preferred-address-types=InternalIP", *(["--endpoint-reconciler-type=none"] if address == "127.0.0.1" else []))
        self.ca = folder / "certs/apiserver.crt"
        for name in contexts:
            self.write_kubeconfig(name)
        self.config = folder / f"kube-{contexts[0]}"
        self.context = contexts[0]
        self.wait("the API server", lambda: self.kubectl("get", "--raw", "/readyz") == "ok")
        inside = folder / "kube-inside"  # what Kubernetes' own parts take has a current context
        inside.write_text(json.dumps(dict(json.loads(self.config.read_text()), **{"current-context": contexts[0]})))
        self.inside = inside
        self.start("controllers", "kube-controller-manager", f"--kubeconfig={inside}", "--leader-elect=false",
                   "--service-account-private-key-file=accounts.key", f"--root-ca-file={self.ca}", f"--secure-port={controllers}",
                   "--bind-address=127.0.0.1", "--cert-dir=controllers", "--namespace-sync-period=1s")

    def start(self, name, *words, folder=None):
        with open(self.folder / f"{name}.log", "wb") as log:
            self.processes.append((name, subprocess.Popen([str(w) for w in words], cwd=folder or self.folder, stdout=log, stderr=log)))
        return self.processes[-1][1]

    def write_kubeconfig(self, name):
        (self.folder / f"kube-{name}").write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "nowhere",
            "clusters": [{"name": f"cluster-of-{name}", "cluster": {"server": f"https://{self.address}:{self.port}", "certificate-authority": str(self.ca)}}],
            "users": [{"name": f"user-of-{name}", "user": {"token": ADMIN}}],
            "contexts": [{"name": name, "context": {"cluster": f"cluster-of-{name}", "user": f"user-of-{name}"}}]}))

    def wait(self, what, condition, seconds=180):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                found = condition()
            except (subprocess.SubprocessError, OSError, ValueError, RuntimeError):
                found = None
            if found:
                return found
            for name, process in self.processes:
                if process.poll() is not None:
                    sys.exit(f"{name} has ended: {self.log(name)}")
            time.sleep(0.25)
        sys.exit(f"waited {seconds} s in vain for {what}\n" + self.events())

    def log(self, name):
        return (self.folder / f"{name}.log").read_text(errors="replace")[-3000:]

    def events(self):
        """What says why, for whoever reads a failure."""
        done = subprocess.run(["kubectl", "--kubeconfig", str(self.inside), "get", "pods,events", "--all-namespaces"], capture_output=True, text=True)
        return done.stdout[-6000:] if done.returncode == 0 else self.log("apiserver")

    def kubectl(self, *words, text=None):
        return call("kubectl", "--kubeconfig", self.config, "--context", self.context, *words, input=text)

    def get(self, kind, namespace=None, *words):
        where = ["--namespace", namespace] if namespace else []
        return json.loads(self.kubectl("get", kind, *where, "--output", "json", *words))

    def apply(self, *objects):
        self.kubectl("apply", "--filename", "-", text="\n---\n".join(json.dumps(o) for o in objects))

    def end(self):
        for name, process in reversed(self.processes):
            process.send_signal(signal.SIGKILL if name == "etcd" else signal.SIGTERM)
        for _, process in self.processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Node:
    """A node of the cluster on this machine: containerd, kubelet and kube-proxy with folders and control groups of their own. Needs root and a mount
    namespace of its own, in which everything is mounted. The first is in the network namespace of the test, which has the cluster's address on an
    interface that is not the loopback (make_network), and has scheduler and CoreDNS beside it; each further one is in a network namespace of its own,
    reached by a bridge, with routes to the pods of the others. Volumes that are folders are seen by all. `images`: files as `podman save` writes them;
    one is the pause image `pause`."""

    def __init__(self, kubernetes, images, pause, first=None):
        self.kubernetes = kubernetes
        self.number = first.number + 1 if first else 1
        self.name = f"node-{self.number}"
        self.address = f"{kubernetes.address.rsplit('.', 1)[0]}.{self.number}"
        self.folder = kubernetes.folder / self.name
        self.folder.mkdir()
        self.socket = self.folder / "containerd.sock"
        self.inside = []  # what calls a program in its network
        if first:
            self.make_namespace()
        self.write_files(pause)
        config = f"--kubeconfig={kubernetes.inside}"
        self.make_groups()
        self.start("containerd", "containerd", "--config", "containerd.toml")
        kubernetes.wait("containerd", lambda: self.ctr("version"))
        for image in images:
            self.ctr("images", "import", image)
        self.start("kubelet", "kubelet", "--config", "kubelet.json", config, f"--root-dir={self.folder}/kubelet", f"--hostname-override={self.name}",
                   f"--node-ip={self.address}", "--cert-dir=kubelet-pki")
        self.start("proxy", "kube-proxy", "--config", "proxy.json")
        if not first:
            self.start("scheduler", "kube-scheduler", config, "--leader-elect=false")
            self.start("coredns", "coredns", "-conf", "Corefile")
        kubernetes.wait(f"{self.name}", self.is_ready)

    def start(self, name, *words):
        return self.kubernetes.start(f"{self.name}-{name}", *self.inside, *words, folder=self.folder)

    def is_ready(self):
        conditions = self.kubernetes.get("node", None, self.name)["status"]["conditions"]
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    def ctr(self, *words):
        return call("ctr", "--address", self.socket, "--namespace", "k8s.io", *words)

    def subnet(self):
        return f"10.88.{self.number}.0/24"

    def make_namespace(self):
        holder = self.start("network", "unshare", "--net", "sleep", "infinity")
        own = os.readlink("/proc/self/ns/net")
        self.kubernetes.wait("a network namespace", lambda: os.readlink(f"/proc/{holder.pid}/ns/net") != own)
        inside = ["nsenter", f"--net=/proc/{holder.pid}/ns/net"]
        device, other = f"node{self.number}", f"far{self.number}"
        call("ip", "link", "add", device, "type", "veth", "peer", "name", other)
        call("ip", "link", "set", device, "master", "nodes", "up")
        call("ip", "link", "set", other, "netns", holder.pid)
        for words in (("link", "set", "lo", "up"), ("addr", "add", f"{self.address}/24", "dev", other), ("link", "set", other, "up"),
                      ("route", "add", "default", "via", self.kubernetes.address)):
            call(*inside, "ip", *words)
        call(*inside, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        call("ip", "route", "add", self.subnet(), "via", self.address)
        self.inside = inside

    def make_groups(self):
        """A kubelet ends what it finds below its control group and does not know: each has one of its own, at the top."""
        own = f"quorate-{os.getpid()}-{self.name}"
        trees = [GROUPS] if (GROUPS / "cgroup.controllers").exists() else [p for p in GROUPS.iterdir() if p.is_dir()]
        self.groups = [tree / own for tree in trees]
        for path in self.groups:
            path.mkdir(exist_ok=True)

    def end(self):
        """After its processes."""
        for path in self.groups:
            for below in sorted((p for p in path.rglob("*") if p.is_dir()), reverse=True):
                with contextlib.suppress(OSError):
                    below.rmdir()
            with contextlib.suppress(OSError):
                path.rmdir()

    def write_files(self, pause):
        folder, kubernetes = self.folder, self.kubernetes
        (folder / "cni").mkdir()
        (folder / "cni/10.conflist").write_text(json.dumps({"cniVersion": "0.4.0", "name": "pods", "plugins": [
            {"type": "bridge", "bridge": "cni0", "isGateway": True, "hairpinMode": True, "ipam": {
                "type": "host-local", "dataDir": str(folder / "ipam"), "ranges": [[{"subnet": self.subnet()}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}))
        cri = 'plugins."io.containerd.grpc.v1.cri"'
        (folder / "containerd.toml").write_text(f"""version = 2
root = "{folder}/containerd/root"
state = "{folder}/containerd/state"
[grpc]
address = "{self.socket}"
[{cri}]
sandbox_image = "{pause}"
restrict_oom_score_adj = true
[{cri}.cni]
bin_dir = "{CNI}"
conf_dir = "{folder}/cni"
""")
        (folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        (folder / "kubelet.json").write_text(json.dumps({
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", "containerRuntimeEndpoint": f"unix://{self.socket}",
            "cgroupDriver": "cgroupfs", "cgroupRoot": f"/quorate-{os.getpid()}-{self.name}", "failSwapOn": False, "clusterDNS": [kubernetes.address],
            "clusterDomain": "cluster.local", "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"}, "enforceNodeAllocatable": [], "evictionHard": {"memory.available": "50Mi"},
            "imageGCHighThresholdPercent": 100, "localStorageCapacityIsolation": False, "resolvConf": str(folder / "resolv.conf"),
            "podLogsDir": str(folder / "logs")}))
        (folder / "proxy.json").write_text(json.dumps({
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration", "mode": "iptables", "clusterCIDR": PODS,
            "hostnameOverride": self.name, "clientConnection": {"kubeconfig": str(kubernetes.inside)},
            "conntrack": {"maxPerCore": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"}}))
        (folder / "Corefile").write_text(f""".:53 {{
    bind {kubernetes.address}
    errors
    kubernetes cluster.local {{
        kubeconfig {kubernetes.inside} {kubernetes.context}
        ttl 2
    }}
}}
""")


def make_network(address):
    """For a new network namespace: a bridge to which nodes are connected, with an address that is no loopback's, which a node must have; nothing leads
    out."""
    for words in (("link", "set", "lo", "up"), ("link", "add", "nodes", "type", "bridge"), ("link", "add", "up0", "type", "veth", "peer", "name", "up1"),
                  ("link", "set", "up1", "up"), ("link", "set", "up0", "master", "nodes", "up"), ("addr", "add", f"{address}/24", "dev", "nodes"),
                  ("link", "set", "nodes", "up"), ("route", "add", "default", "dev", "nodes")):
        call("ip", *words)
    pathlib.Path("/proc/sys/net/ipv4/ip_forward").write_text("1")

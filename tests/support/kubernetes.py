"""A real Kubernetes for tests: etcd, kube-apiserver, the controllers, and, for a machine that may run pods, scheduler, kubelet with containerd,
kube-proxy and CoreDNS. Programs are those of $QUORATE_KUBERNETES, a folder, and of the path; all listen in one network namespace."""

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

    def start(self, name, *words):
        with open(self.folder / f"{name}.log", "wb") as log:
            self.processes.append((name, subprocess.Popen([str(w) for w in words], cwd=self.folder, stdout=log, stderr=log)))

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
    """This machine as the cluster's node. Needs root, a network namespace with `address` on an interface that is not the loopback, and a mount
    namespace of its own, in which everything is mounted. `images`: files as `podman save` writes them; one is the pause image `pause`."""

    def __init__(self, kubernetes, images, pause):
        self.kubernetes, self.folder = kubernetes, kubernetes.folder
        self.socket = self.folder / "containerd.sock"
        self.write_files(pause)
        start, config = kubernetes.start, f"--kubeconfig={kubernetes.inside}"
        start("scheduler", "kube-scheduler", config, "--leader-elect=false")
        start("containerd", "containerd", "--config", "containerd.toml")
        kubernetes.wait("containerd", lambda: self.ctr("version"))
        for image in images:
            self.ctr("images", "import", image)
        start("kubelet", "kubelet", "--config", "kubelet.json", config, f"--root-dir={self.folder}/kubelet", "--hostname-override=node",
              f"--node-ip={kubernetes.address}", "--cert-dir=kubelet-pki")
        start("proxy", "kube-proxy", "--config", "proxy.json")
        start("coredns", "coredns", "-conf", "Corefile")
        kubernetes.wait("the node", self.is_ready)

    def is_ready(self):
        conditions = self.kubernetes.get("node", None, "node")["status"]["conditions"]
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    def ctr(self, *words):
        return call("ctr", "--address", self.socket, "--namespace", "k8s.io", *words)

    def write_files(self, pause):
        folder, address = self.folder, self.kubernetes.address
        (folder / "cni").mkdir()
        (folder / "cni/10.conflist").write_text(json.dumps({"cniVersion": "0.4.0", "name": "pods", "plugins": [
            {"type": "bridge", "bridge": "cni0", "isGateway": True, "hairpinMode": True, "ipam": {
                "type": "host-local", "dataDir": str(folder / "ipam"), "ranges": [[{"subnet": "10.88.0.0/16"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}))
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
            "cgroupDriver": "cgroupfs", "failSwapOn": False, "clusterDNS": [address], "clusterDomain": "cluster.local",
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}}, "authorization": {"mode": "AlwaysAllow"},
            "enforceNodeAllocatable": [], "evictionHard": {"memory.available": "50Mi"}, "imageGCHighThresholdPercent": 100,
            "localStorageCapacityIsolation": False, "resolvConf": str(folder / "resolv.conf"), "podLogsDir": str(folder / "logs")}))
        (folder / "proxy.json").write_text(json.dumps({
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration", "mode": "iptables", "clusterCIDR": "10.88.0.0/16",
            "hostnameOverride": "node", "clientConnection": {"kubeconfig": str(self.kubernetes.inside)},
            "conntrack": {"maxPerCore": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"}}))
        (folder / "Corefile").write_text(f""".:53 {{
    bind {address}
    errors
    kubernetes cluster.local {{
        kubeconfig {self.kubernetes.inside} {self.kubernetes.context}
        ttl 2
    }}
}}
""")


def make_network(address):
    """For a new network namespace: an address that is no loopback's, which a node must have; nothing leads out."""
    for words in (("link", "set", "lo", "up"), ("link", "add", "up0", "type", "veth", "peer", "name", "up1"), ("link", "set", "up1", "up"),
                  ("addr", "add", f"{address}/24", "dev", "up0"), ("link", "set", "up0", "up"), ("route", "add", "default", "dev", "up0")):
        call("ip", *words)
    pathlib.Path("/proc/sys/net/ipv4/ip_forward").write_text("1")

#!/usr/bin/env -S python3 -IS
"""Stands in for kubectl and helm, by the name it is called under: clusters are a JSON file, $FAKE_CLUSTER.

It keeps what is applied, by context and namespace, and refuses what a cluster refuses: an unknown context, an object in a namespace that is not
there, a context or kubeconfig that is not given. Pods are ready as soon as their release is there, and their nodes have blocks; a file
$FAKE_CLUSTER.behind holds the name of a peer that is not in sync, $FAKE_CLUSTER.down names of peers whose nodes do not answer, one a line,
$FAKE_CLUSTER.stuck what helm refuses. Every call is written to $FAKE_CLUSTER.calls: arguments, never the input."""

import json
import os
import re
import sys

STATE = os.environ["FAKE_CLUSTER"]


def load():
    with open(STATE) as f:
        return json.load(f)


def save(state):
    with open(STATE, "w") as f:
        json.dump(state, f, indent=1)


def fail(text, code=1):
    sys.stderr.write(f"Error from the fake: {text}\n")
    sys.exit(code)


def option(words, *names):
    """Takes an option and its value out."""
    for name in names:
        if name in words:
            i = words.index(name)
            value = words[i + 1]
            del words[i:i + 2]
            return value
    return None


def flags(words):
    for word in [w for w in words if w.startswith("--") and w != "--"]:
        words.remove(word)


def key(o):
    return "/".join((o["kind"].lower(), o["metadata"].get("namespace", ""), o["metadata"]["name"]))


def lines(name):
    return open(STATE + name).read().split() if os.path.exists(STATE + name) else []


def console(state, context, namespace, words):
    peer, expression = words[0][:-2], words[-2]
    cluster = state[context]
    if peer in lines(".down"):
        fail("the container does not run")
    if f"{namespace}/{peer}" not in cluster["peers"]:
        fail(f"pods {words[0]} not found")
    behind = open(STATE + ".behind").read().strip() if os.path.exists(STATE + ".behind") else ""
    height = "3" if behind == peer else "40"
    answers = {"eth.blockNumber": height, "[eth.blockNumber, net.peerCount]": f"[{height}, 3]",
               "istanbul.getValidators()": json.dumps(state.get("validators", []))}
    if expression.startswith("istanbul.propose("):
        address, vote = expression[len("istanbul.propose("):-1].split(", ")
        votes = state.setdefault("votes", {}).setdefault(address.strip('"') + vote, [])
        votes.append(f"{context}/{peer}")
        if len(votes) >= 3:
            validators = state.setdefault("validators", [])
            (validators.append if vote == "true" else validators.remove)(address.strip('"'))
            votes.clear()
        save(state)
        return "null"
    if expression.startswith("istanbul.discard("):
        return "null"
    if expression.startswith("raft.addPeer("):
        state["raft"] = state.get("raft", 4) + 1
        save(state)
        return str(state["raft"])
    return answers[expression]


def kubectl(words):
    config, context = option(words, "--kubeconfig"), option(words, "--context")
    if config and "get-contexts" in words:  # asked of the file, not of a context
        with open(config) as f:
            print("\n".join(json.load(f)))
        return
    if not config or not context:
        fail("no kubeconfig or context is named")
    with open(config) as f:
        contexts = json.load(f)
    if context not in contexts:
        fail(f"context {context} does not exist in {config}")
    verb, words = words[0], words[1:]
    state = load()
    cluster = state.setdefault(context, {"objects": {}, "releases": {}, "peers": []})
    namespace = option(words, "--namespace")
    option(words, "--output"), option(words, "--filename")
    if verb == "config":
        print(json.dumps({"clusters": [{"name": "x", "cluster": contexts[context]}]}))
    elif verb == "get" and words[0] == "statefulset":
        if f"{namespace}/{words[1]}" in cluster["peers"]:
            print(json.dumps({"metadata": {"generation": 1}, "status": {"readyReplicas": 1, "observedGeneration": 1}}))
    elif verb == "get":
        name = f"{words[0].lower()}/{namespace or ''}/{words[1]}"
        if name in cluster["objects"]:
            print(name)
    elif verb in ("diff", "apply"):
        flags(words)
        o = json.load(sys.stdin)
        space = o["metadata"].get("namespace")
        if space and f"namespace//{space}" not in cluster["objects"]:
            fail(f'namespaces "{space}" not found', 2)
        same = cluster["objects"].get(key(o)) == o
        if verb == "diff":
            sys.exit(0 if same else 1)
        cluster["objects"][key(o)] = o
        save(state)
    elif verb == "delete":
        flags(words)
        cluster["objects"].pop(f"{words[0].lower()}//{words[1]}", None)
        if words[0] == "Namespace":
            for name in [n for n in cluster["objects"] if f"/{words[1]}/" in n]:
                del cluster["objects"][name]
        save(state)
    elif verb == "exec":
        print(console(state, context, namespace, words))
    elif verb == "auth":
        print("yes")
    else:
        fail(f"unknown: {verb}")


def helm(words):
    config, context = option(words, "--kubeconfig"), option(words, "--kube-context")
    if not config or not context:
        fail("no kubeconfig or context is named")
    namespace = option(words, "--namespace")
    if words[0] in lines(".stuck"):
        fail("context deadline exceeded")
    state = load()
    cluster = state.setdefault(context, {"objects": {}, "releases": {}, "peers": []})
    releases = cluster["releases"].setdefault(namespace, {})
    if words[0] == "list":
        name = option(words, "--filter")
        print("\n".join(r for r in releases if re.search(name, r)), end="")
    elif words[:2] == ["get", "values"]:
        print(json.dumps(releases[words[2]]))
    elif words[0] == "upgrade":
        option(words, "--values")
        flags(words)
        name, chart = words[1:]
        if not os.path.exists(f"{chart}/Chart.yaml"):
            fail(f"path {chart} not found")
        if f"namespace//{namespace}" not in cluster["objects"]:
            fail(f"namespace {namespace} not found")
        releases[name] = json.load(sys.stdin)
        peer = f"{namespace}/{releases[name]['node']['name']}"
        cluster["peers"] = sorted(set(cluster["peers"]) | {peer})
        save(state)
    elif words[0] == "uninstall":
        gone = releases.pop(words[1], None)
        if gone:
            cluster["peers"].remove(f"{namespace}/{gone['node']['name']}")
        save(state)
    else:
        fail(f"unknown: {words[0]}")


def main():
    tool, words = os.path.basename(sys.argv[0]), sys.argv[1:]
    with open(STATE + ".calls", "a") as f:
        f.write(json.dumps([tool] + words) + "\n")
    {"kubectl": kubectl, "helm": helm}[tool](words)


main()

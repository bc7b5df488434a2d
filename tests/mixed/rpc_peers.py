#!/usr/bin/env python3
"""What GoQuorum and quorate-node tell of peers that come and go (`admin_subscribe` `peerEvents`) and of synchronisation (`eth_subscribe` `syncing`).

    rpc_peers.py --goquorum GETH --node QUORATE_NODE [--fixtures FOLDER] [--keep] [scenario ...]

Two followers, one of each kind, with the same third node as their only peer; both are told the same at the same moments, and what they tell is compared, but
for ports. Prints one line a check; exit code 0 when all hold, 77 without GoQuorum's binary (option, or $QUORATE_GOQUORUM) or the recordings.

scenarios
    goquorum, quorate   the third node is of that kind: it is added and removed, comes by itself, stops, is killed, has another genesis
"""
import json
import os
import re
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../rpc"), os.path.join(HERE, "../support")]
from mixed import Net, Node, main  # noqa: E402
from rpc_events import Pair, add_follower, one_validator  # noqa: E402
from subscriber import Subscriber  # noqa: E402


class Watched:
    """Both followers' subscriptions, and how far they have been looked at."""

    def __init__(self, pair):
        self.pair = pair
        self.connections = [Subscriber(node.ws) for node in pair.nodes]
        self.peers = [c.ask("admin_subscribe", "peerEvents")["result"] for c in self.connections]
        self.syncs = [c.ask("eth_subscribe", "syncing")["result"] for c in self.connections]
        self.seen = {"peers": [0, 0], "syncs": [0, 0]}

    def new(self, what, at):
        return self.connections[at].told(getattr(self, what)[at])[self.seen[what][at]:]

    def both(self, what, title, count):
        """What both have told since, when each has told so much."""
        self.pair.net.wait(lambda: all(len(self.new(what, at)) >= count for at in (0, 1)), 60, title)
        time.sleep(0.3)
        ours, theirs = (self.new(what, at) for at in (0, 1))
        self.seen[what] = [seen + len(new) for seen, new in zip(self.seen[what], (ours, theirs))]
        return ours, theirs

    def same(self, what, title, count, ports):
        ours, theirs = self.both(what, title, count)
        self.pair.same(title, *(shown(events, node, ports) for events, node in zip((ours, theirs), self.pair.nodes)))
        self.pair.check(f"{title}: {json.dumps(shown(theirs, self.pair.theirs, ports))}")

    def close(self):
        for c in self.connections:
            c.close()


def shown(events, node, ports):
    """With names in the place of known ports, and of those that are nobody's to repeat."""
    text = json.dumps(events)
    for name, port in {**ports, "own": node.port}.items():
        text = re.sub(rf"127\.0\.0\.1:{port}\b", name, text)
    text = re.sub(r"127\.0\.0\.1:\d+", "some", text)
    # GoQuorum tells what its own protocol found wrong when it is faster than the other side's Disconnect.
    return json.loads(re.sub(r'"genesis mismatch: [^"]*"', '"subprotocol error"', text))


def stranger(net, kind):
    """A node of another chain."""
    node = Node(net, 3, kind, name="stranger", validator=False)
    with open(net.genesis) as f:
        genesis = json.load(f)
    genesis["gasLimit"] = "0xE0000001"
    own, net.genesis = net.genesis, os.path.join(net.folder, "other.json")
    with open(net.genesis, "w") as f:
        json.dump(genesis, f)
    net.nodes.append(node)
    node.init()
    net.genesis = own
    node.peers = [node]
    return node


def run(args, kind):
    with Net(args, "qbft", f"peers and synchronisation, of a third node, {kind}") as net:
        one_validator(net)
        third = net.add(0, kind)
        third.peers = [third]
        pair = Pair(net, add_follower(net, 1, "quorate", "ours", []), add_follower(net, 2, "goquorum", "theirs", []))
        for node in pair.nodes:
            node.peers = [node]
        for node in net.nodes:
            node.start()
        net.wait_height(6, 90, [third])
        watched, ports = Watched(pair), {"third": third.port}
        net.check(all(node.rpc("admin_addPeer", third.enode) for node in pair.nodes), "the third node is added")
        watched.same("peers", "it is added", 1, ports)
        syncing(net, pair, watched, third)
        net.check(all(node.rpc("admin_removePeer", third.enode) for node in pair.nodes), "it is removed")
        watched.same("peers", "it is removed", 1, ports)
        for node in pair.nodes:
            third.rpc("admin_addPeer", node.enode)
        watched.same("peers", "it comes by itself", 1, ports)
        for node in pair.nodes:
            third.rpc("admin_removePeer", node.enode)
        watched.same("peers", "it goes by itself", 1, ports)
        for how, title in ((signal.SIGTERM, "it stops"), (signal.SIGKILL, "it is killed")):
            for node in pair.nodes:
                node.rpc("admin_addPeer", third.enode)
            watched.same("peers", "it is there again", 1, ports)
            third.stop(how)
            watched.same("peers", title, 1, ports)
            for node in pair.nodes:
                node.rpc("admin_removePeer", third.enode)
            third.start()
        other = stranger(net, kind)
        other.start()
        for node in pair.nodes:
            node.rpc("admin_addPeer", other.enode)
        watched.same("peers", "one of another chain", 2, {"third": other.port})
        watched.close()
    return net.failures


def syncing(net, pair, watched, third):
    """Both come to the third's head. GoQuorum waits ten seconds for more peers, and knows the highest block only after it has told of the beginning."""
    height = third.head()
    net.wait_height(height, 60, pair.nodes)
    ours, theirs = watched.both("syncs", "synchronisation", 2)
    for name, events in (("here", ours), ("GoQuorum", theirs)):
        print(f"   {name}: {json.dumps(events)}", flush=True)
    keys = [[sorted(event["status"]) if event else event for event in events[:2]] for events in (ours, theirs)]
    pair.same("the form of what is told of synchronisation", *keys)
    pair.same("where it begins", *(events[0]["status"]["StartingBlock"] for events in (ours, theirs)))
    pair.check("a beginning with Go's names, then false")


SCENARIOS = {kind: (lambda args, kind=kind: run(args, kind)) for kind in ("goquorum", "quorate")}


if __name__ == "__main__":
    sys.exit(main(SCENARIOS, __doc__))

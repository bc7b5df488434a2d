#!/usr/bin/env python3
"""Light clients (QLight) of GoQuorum at servers of ours, ours at GoQuorum's, and both alone; transaction managers are ours.

    light.py --goquorum GETH --node QUORATE_NODE --manager QUORATE_TM [--fixtures FOLDER] [--pairs SERVER-CLIENT ...] [--other KIND] [--blocks N] [scenario ...]

Kinds are goquorum and quorate. What is expected is what a client of GoQuorum does at a server of GoQuorum, which is the pair that comes first
by default. Without a GoQuorum binary ($QUORATE_GOQUORUM) it says so and ends with 77.

scenarios
    plain    a chain with private contracts of all flags and one of which the server is no party: synchronising, following, sending,
             extending, who is refused, restarts, being late by --blocks
    markers  the same chain with privacy markers
    tls      TLS with and without certificates of clients
    tenants  a server with two private states, and a client of each
    listed   files of permitted clients
    tokens   access tokens (a server of ours alone)
    extended_to_server, random_contracts, manager_away, much, crowded, raft, transports, rewound, stopped, hammered, once, behind_tls,
    tokens_of_tenants   as in ../private/light_trouble.py
"""
import argparse, os, shutil, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../private"))
import light_steps as steps  # noqa: E402
import light_trouble as trouble  # noqa: E402
from light_peers import Light, LightRaft, LightTenants  # noqa: E402

KEEP = "--keep"
KINDS = ("goquorum", "quorate")
PAIRS = ("goquorum-goquorum", "quorate-goquorum", "goquorum-quorate", "quorate-quorate")


def plain(args, programs):
    with_network(Light(args.node, args.manager, args.fixtures, programs), lambda p: steps.whole(p, args.blocks))


def markers(args, programs):
    with_network(Light(args.node, args.manager, args.fixtures, programs, network="private-marker", serving=["--privacymarker.enable"]), steps.with_markers)


def tls(args, programs):
    with_network(Light(args.node, args.manager, args.fixtures, programs), steps.certificates)


def tenants(args, programs):
    with_network(LightTenants(args.node, args.manager, args.fixtures, programs), steps.two_tenants)


def listed(args, programs):
    with_network(Light(args.node, args.manager, args.fixtures, programs), steps.listed)


def tokens(args, programs):
    if programs[0] == args.node:
        with_network(Light(args.node, args.manager, args.fixtures, programs), steps.tokens)


# What GoQuorum's do not do, by scenario: (server, client) are GoQuorum's.
BEYOND = {"manager_away": lambda server, client: server,  # it ends without its manager
          "tokens_of_tenants": lambda server, client: server,  # which needs a plugin
          "much": lambda server, client: server and client,  # more than 10 MB in one message
          "raft": lambda server, client: client,  # it never synchronises
          "rewound": lambda server, client: client}  # it ends in a panic


def trouble_of(name):
    def run(args, programs):
        if name in BEYOND and BEYOND[name](programs[0] == args.goquorum, programs[2] == args.goquorum):
            print("   not with these", flush=True)
            return
        kind = {"raft": LightRaft, "tokens_of_tenants": LightTenants}.get(name, Light)
        with_network(kind(args.node, args.manager, args.fixtures, programs), getattr(trouble, name))
    run.__name__ = name
    return run


SCENARIOS = {f.__name__: f for f in (plain, markers, tls, tenants, listed, tokens, *map(trouble_of, ("extended_to_server", "random_contracts", "manager_away", "much", "crowded", "raft", "transports", "rewound", "stopped",
                                                                              "hammered", "once", "behind_tls", "tokens_of_tenants")))}


def with_network(p, test):
    done, p.keep = False, KEEP in sys.argv
    try:
        p.start()
        test(p)
        done = True
    finally:
        p.stop()
        if done and not p.keep:
            shutil.rmtree(p.work, ignore_errors=True)
        else:
            print(f"logs: {p.work}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--goquorum", default=os.environ.get("QUORATE_GOQUORUM"))
    parser.add_argument("--node", required=True)
    parser.add_argument("--manager", required=True)
    parser.add_argument("--fixtures", default=os.environ.get("QUORATE_FIXTURES", os.path.join(HERE, "../../../shared/fixtures")))
    parser.add_argument("--pairs", nargs="+", choices=PAIRS, default=PAIRS)
    parser.add_argument("--other", choices=KINDS, default="goquorum", help="the other validator")
    parser.add_argument("--blocks", type=int, default=0)
    parser.add_argument("--keep", action="store_true", help="keep what was written")
    parser.add_argument("scenarios", nargs="*", default=[])
    args = parser.parse_args()
    if set(args.scenarios) - set(SCENARIOS):
        parser.error(f"scenarios are {', '.join(SCENARIOS)}")
    if not args.goquorum or not os.access(args.goquorum, os.X_OK):
        print("no GoQuorum: set QUORATE_GOQUORUM to its binary; skipped")
        sys.exit(77)
    binary = {"goquorum": args.goquorum, "quorate": args.node}
    for pair in args.pairs:
        server, client = pair.split("-")
        for name in args.scenarios or SCENARIOS:
            begun = time.monotonic()
            print(f"== {name}: server {server}, client {client}", flush=True)
            SCENARIOS[name](args, (binary[server], binary[args.other], binary[client]))
            print(f"   {time.monotonic() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main()

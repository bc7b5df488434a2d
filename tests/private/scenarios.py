"""Scenarios of GoQuorum's acceptance tests, each under its specification's name: how they are noted and run."""
from concurrent.futures import ThreadPoolExecutor

STANDARD, PROTECTED, MANDATORY, VALIDATED = 0, 1, 2, 3
MISMATCH = "sent privacy flag doesn't match all affected contract flags"
scenarios = []


def scenario(specification, alone=False):
    """`alone`: takes nonces itself, or makes PSV contracts, whose address must be the one that the head's nonce gives."""
    def keep(f):
        scenarios.append((specification, f, alone))
        return f
    return keep


def run_all(p):
    def one(specification, run):
        run(p)
        print("passed:", specification, flush=True)
    with ThreadPoolExecutor(len(scenarios)) as pool:  # they wait for blocks, not for each other
        for done in [pool.submit(one, name, run) for name, run, alone in scenarios if not alone]:
            done.result()
    for name, run, alone in scenarios:
        if alone:
            one(name, run)

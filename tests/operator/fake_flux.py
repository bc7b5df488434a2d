#!/usr/bin/env python3
"""Stands in for Flux, as the hook post-receive of a bare repository: what its branch main has as HelmReleases is what fake_cluster.py's releases are."""

import json
import os
import subprocess
import sys

import yaml

STATE = os.environ["FAKE_CLUSTER"]


def git(*words):
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout


def main():
    with open(STATE) as f:
        state = json.load(f)
    clusters = [c for c in state.values() if isinstance(c, dict) and "releases" in c]
    wanted = {}
    for path in git("ls-tree", "-r", "--name-only", "main").split():
        o = yaml.safe_load(git("show", f"main:{path}")) if path.endswith(".yaml") else {}
        if o.get("kind") == "HelmRelease":
            wanted.setdefault(o["metadata"]["namespace"], {})[o["spec"]["releaseName"]] = o["spec"]["values"]
    for cluster in clusters:
        cluster["releases"] = {n: releases for n, releases in wanted.items() if f"namespace//{n}" in cluster["objects"]}
        cluster["peers"] = sorted(f"{n}/{v['node']['name']}" for n, releases in cluster["releases"].items() for v in releases.values())
    with open(STATE, "w") as f:
        json.dump(state, f, indent=1)
    with open(STATE + ".calls", "a") as f:
        f.write(json.dumps(["flux", git("rev-parse", "main").strip()]) + "\n")


if __name__ == "__main__":
    sys.exit(main())

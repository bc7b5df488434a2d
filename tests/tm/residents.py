#!/usr/bin/env python3
"""With several private states each of a manager's keys is in one resident group, and groups have no others: a manager with other groups does not start,
and says which key it is.

usage: residents.py QUORATE_TM"""
import json, os, shutil, subprocess, sys, tempfile

from managers import free_ports, until


def main():
    program, folder = sys.argv[1], tempfile.mkdtemp(prefix="quorate-residents-")
    try:
        for name in ("one", "two"):
            subprocess.run([program, "keygen", "--keyout", os.path.join(folder, name)], input=b"\n\n", check=True, stdout=subprocess.DEVNULL)
        one, two = [open(os.path.join(folder, name + ".pub")).read().strip() for name in ("one", "two")]
        other = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="
        for groups, said in (
                ([[one, two], [other]], f"the key {other} is none of this manager's: add it to keys.keyData"),
                ([[one, two], [one]], f"the key {one} is in more than one of them"),
                ([[one]], f"the key {two} is in none of them"),
                ([[one, two], ["no base64!"]], "the key no base64! is no base64"),
                ([], f"the key {one} is in none of them"),
                ([[one], [two]], None)):
            check(program, folder, groups, said)
    finally:
        shutil.rmtree(folder)
    print("resident groups: five that are refused, and one that is not")


def check(program, folder, groups, said):
    """`said` None: the manager starts."""
    port = free_ports(1)[0]
    path = os.path.join(folder, "config.json")
    with open(path, "w") as f:
        json.dump({"jdbc": {"username": "", "password": "", "url": f"jdbc:sqlite:{folder}/db", "autoCreateTables": True},
                   "serverConfigs": [{"app": "Q2T", "serverAddress": f"unix:{folder}/tm.ipc"},
                                     {"app": "P2P", "serverAddress": f"http://127.0.0.1:{port}", "sslConfig": {"tls": "OFF"}}],
                   "peer": [], "features": {"enableMultiplePrivateStates": True},
                   "residentGroups": [{"name": f"group-{i}", "members": members, "description": ""} for i, members in enumerate(groups)],
                   "keys": {"passwords": [], "keyData": [{"privateKeyPath": f"{folder}/{name}.key", "publicKeyPath": f"{folder}/{name}.pub"}
                                                         for name in ("one", "two")]}}, f)
    with open(f"{folder}/log", "w") as log:
        process = subprocess.Popen([program, "--configfile", path], stdout=log, stderr=log)
    until(lambda: process.poll() is not None or os.path.exists(f"{folder}/tm.ipc"), 60, "its end, or that it serves")
    started = os.path.exists(f"{folder}/tm.ipc")
    process.terminate()
    process.wait(60)
    told = open(f"{folder}/log").read()
    if said is None:
        assert started, told
    else:
        assert not started and process.returncode != 0 and f"residentGroups: {said}" in told, (said, told, process.returncode)


main()

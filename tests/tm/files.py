#!/usr/bin/env python3
"""A database file that is none, is on a disk that is not there, or may not be written: the manager and its commands end at once with a
message that names it and what to do, and change nothing.

usage: files.py QUORATE_TM"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

FOLDER, PIPE, LINK, LOOP = "a folder", "a pipe", "a link to nothing", "a link to itself"
H2 = b"H:2,block:3,blockSize:1000,chunk:1,created:189,format:1,version:1,fletcher:5d\n" + bytes(8000)
H2_OLD = b"-- H2 0.5/B -- \n" + bytes(4000)
NOBODY = 65534  # a user that owns none of it; for who runs this as root


def put(path, content):
    if content == FOLDER:
        path.mkdir()
    elif content == PIPE:
        os.mkfifo(path)
    elif content in (LINK, LOOP):
        path.symlink_to("/nonexistent/elsewhere" if content == LINK else path.name)
    elif content is not None:
        path.write_bytes(content)


class Place:
    def __init__(self, program, folder):
        self.program, self.folder, self.failed, self.count = program, folder, 0, 0
        self.config, self.database = folder / "config.json", folder / "db"
        self.run(0, "", "-keygen", "-filename", str(folder / "key"))
        self.set_url(f"jdbc:sqlite:{self.database}")

    def set_url(self, url):
        server = {"enabled": True, "communicationType": "REST"}
        keys = [{"privateKeyPath": f"{self.folder}/key.key", "publicKeyPath": f"{self.folder}/key.pub"}]
        self.config.write_text(json.dumps({
            "jdbc": {"url": url, "username": "", "password": "", "autoCreateTables": True}, "peer": [{"url": "http://127.0.0.1:1"}],
            "serverConfigs": [{"app": "Q2T", "serverAddress": f"unix:{self.folder}/tm.ipc", **server},
                              {"app": "P2P", "serverAddress": "http://127.0.0.1:1", **server}],
            "keys": {"passwords": [], "keyData": keys}}))

    def run(self, code, words, *arguments, user=None):
        try:
            done = subprocess.run([self.program, *arguments], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, timeout=60, user=user, group=user, extra_groups=None if user is None else [])
            got, said = done.returncode, done.stdout
        except subprocess.TimeoutExpired as error:
            got, said = "waits", str(error.stdout)
        self.count += 1
        if got != code or words not in said:
            self.failed += 1
            print(f"{' '.join(arguments)}: {got}, expected {code} with '{words}': {said[-600:]}", flush=True)

    def start(self, words, code=5, **more):
        self.run(code, words, "-configfile", str(self.config), **more)

    def backup(self, words, code=2, to="copy.db", **more):
        self.run(code, words, "backup", "--configfile", str(self.config), "--to", to, **more)

    def migrate(self, words, source):
        self.run(2, words, "migrate", "--from", source, "--configfile", str(self.config))

    def clear(self):
        for path in self.folder.glob("db*"):
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            else:
                path.unlink()


def check_kinds(p, whole):
    for end in ("", "-wal", "-shm"):
        for kind, words in ((FOLDER, "no regular file; move it away"), (PIPE, "no regular file; move it away"),
                            (LINK, "a link to what is not there; mount the disk it leads to"), (LOOP, "Too many levels of symbolic links")):
            p.clear()
            if end:
                shutil.copy(whole, p.database)
            put(pathlib.Path(f"{p.database}{end}"), kind)
            p.start(f"{p.database}{end}: {words}")
            p.backup(f"{p.database}{end}: {words}")
    for content, words in ((H2, "an H2 file, which only Java reads: export it by SCRIPT"), (H2_OLD, "an H2 file, which only Java reads"),
                           (b"hello", "not a database; move it away, or restore it"), (whole.read_bytes()[:9000], "malformed; move it away, or restore it")):
        p.clear()
        put(p.database, content)
        p.start(f"{p.database}: ")
        p.start(words)
        p.backup(words)
        if p.database.read_bytes() != content:
            sys.exit("a file that was refused was changed")


def check_sources(p):
    """What `migrate` is given by mistake."""
    p.clear()
    for name, content in (("old.mv.db", H2), ("pipe", PIPE), ("pipe.sql", PIPE)):
        put(p.folder / name, content)
    p.migrate("old.mv.db: an H2 file, which only Java reads", "old.mv.db")
    p.migrate("old.mv.db: an H2 file, which only Java reads", "jdbc:sqlite:old.mv.db")
    p.migrate("pipe: no regular file", "jdbc:sqlite:pipe")
    p.migrate("pipe.sql: not a file", "pipe.sql")
    p.migrate("pipe: say what it is: jdbc:sqlite:FILE", "pipe")
    p.migrate("nothing: No such file or directory", "nothing")


def check_users(p, whole):
    if os.getuid() != 0:
        print("not root: files of other users are not looked at")
        return
    os.chmod(p.folder, 0o777)
    for path in p.folder.iterdir():
        os.chmod(path, 0o644)
    os.chown(p.folder / "key.key", NOBODY, NOBODY)
    for name in ("db", "db-wal"):
        p.clear()
        shutil.copy(whole, p.database)
        os.chown(p.database, NOBODY, NOBODY)
        path = p.folder / name
        path.touch()
        os.chown(path, 0, 0)
        os.chmod(path, 0o644)
        p.start(f"cannot write {path}: Permission denied; let this program's user write there", user=NOBODY)
    p.clear()
    os.chmod(p.folder, 0o755)
    p.start(f"cannot write {p.folder}: Permission denied", user=NOBODY)
    disk = p.folder / "disk"  # a link where this user may not write, to where it may
    disk.mkdir()
    shutil.copy(whole, disk / "db")
    for path in (disk, disk / "db"):
        os.chown(path, NOBODY, NOBODY)
    p.database.symlink_to(disk / "db")
    p.start("Q2T: listen unix", code=2, user=NOBODY)  # which comes after the database
    p.database.unlink()
    shutil.copy(whole, p.database)
    p.backup("cannot make copy.db.part: Permission denied", user=NOBODY)


def check_backup(p, whole):
    p.clear()
    shutil.copy(whole, p.database)
    for name in ("copy.db.part", "copy.db.part-journal"):  # of a run that was killed
        (p.folder / name).write_bytes(b"half of it")
    p.backup("", code=0)
    p.backup("copy.db exists", code=2)
    p.backup("cannot make nowhere/copy.db.part: No such file or directory", to="nowhere/copy.db")
    left = sorted(path.name for path in p.folder.glob("copy.db*"))
    if left != ["copy.db"]:
        sys.exit(f"after a backup: {left}")
    (p.folder / "copy.db").unlink()
    p.database.write_bytes(b"hello")
    p.backup("not a database")
    if list(p.folder.glob("copy.db*")):
        sys.exit("a backup that failed left something")


def main():
    with tempfile.TemporaryDirectory(prefix="quorate-tm-files-") as temporary:
        p = Place(os.path.abspath(sys.argv[1]), pathlib.Path(temporary))
        p.database.touch()
        p.migrate("", "jdbc:sqlite:nowhere")
        p.run(0, "", "migrate", "--from", f"jdbc:sqlite:{p.database}", "--configfile", str(p.config))
        whole = p.folder / "whole"
        shutil.copy(p.database, whole)
        check_kinds(p, whole)
        check_sources(p)
        check_backup(p, whole)
        check_users(p, whole)
        p.set_url("jdbc:mysql://127.0.0.1:1/payloads")
        p.start("database payloads at 127.0.0.1:1: ")
    print(f"{p.count - p.failed} passed, {p.failed} failed")
    sys.exit(p.failed > 0)


main()

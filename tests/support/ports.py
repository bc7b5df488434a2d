"""Ports for tests whose processes are told them one by one."""
import fcntl
import os
import pathlib
import random
import socket
import tempfile

FIRST, LAST = 20000, 32000  # below those that the system gives to connections
CHOSEN = range(22000, 22500)  # where `quorate up` counts from for networks that give no ports
BLOCK = 100
LOCKS = pathlib.Path(tempfile.gettempdir()) / f"quorate-test-ports-{os.getuid()}"

DOWN = LOCKS / "down"  # locked by a test whose network has chosen ports and does not listen there; shared by who chooses some

held = []  # the locks of this process's blocks, until it ends
left = []  # ports of its blocks that were not given out yet


def is_free(port):
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def take_block():
    """Ports of a block that no other test has: what a test was given stays its own while nothing listens there, between two lives of a network."""
    LOCKS.mkdir(mode=0o700, exist_ok=True)
    blocks = [first for first in range(FIRST, LAST, BLOCK) if first not in CHOSEN]
    random.shuffle(blocks)
    for first in blocks:
        lock = open(LOCKS / str(first), "w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            continue
        held.append(lock)
        return [port for port in range(first, first + BLOCK) if is_free(port)]
    raise RuntimeError(f"every port from {FIRST} to {LAST} is another test's")


def lock_chosen(is_down):
    """A lock, until it is closed: of a network that is down, whose ports nobody is to choose; or of one that chooses."""
    LOCKS.mkdir(mode=0o700, exist_ok=True)
    lock = open(DOWN, "w")
    fcntl.flock(lock, fcntl.LOCK_EX if is_down else fcntl.LOCK_SH)
    return lock


def free_ports(count):
    """Ports that nobody uses, and that no other test is given."""
    while len(left) < count:
        left.extend(take_block())
    given, left[:count] = left[:count], []
    return given


def free_base(count):
    """The first of `count` ports in a row, as free_ports gives them."""
    assert count <= BLOCK
    while True:
        for at in range(len(left) - count + 1):
            if left[at + count - 1] - left[at] == count - 1:
                base = left[at]
                del left[at:at + count]
                return base
        left[:] = take_block()

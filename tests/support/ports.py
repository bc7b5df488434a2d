"""Ports for tests whose processes are told them one by one."""
import random
import socket


FIRST, LAST = 20000, 32000  # below those that the system gives to connections


def free_ports(count):
    """Ports that nobody uses now; the sockets are held until all are known, so that they differ."""
    sockets = []
    while len(sockets) < count:
        try:
            sockets.append(socket.create_server(("127.0.0.1", random.randrange(FIRST, LAST))))
        except OSError:
            continue
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def free_base(count):
    """The first of `count` ports in a row that nobody uses now."""
    while True:
        base = random.randrange(FIRST, LAST - count)
        sockets = []
        try:
            for port in range(base, base + count):
                sockets.append(socket.create_server(("127.0.0.1", port)))
            return base
        except OSError:
            continue
        finally:
            for s in sockets:
                s.close()

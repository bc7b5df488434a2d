"""Ports for tests whose processes are told them one by one."""
import random
import socket


def free_base(count):
    """The first of `count` ports in a row that nobody uses now, below those that connections are given."""
    while True:
        base = random.randrange(20000, 32000 - count)
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

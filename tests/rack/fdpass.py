"""ssh's ProxyCommand with ProxyUseFdpass: connect, hand the socket to ssh, leave. Runs alone, imports no package."""

from __future__ import annotations

import os
import socket
import sys


def _tcp(address: str, port: int) -> socket.socket:
    return socket.create_connection((address, port), timeout=10)


def _unix(path: str) -> socket.socket:
    """By way of its directory: the whole path may be longer than a socket's address can be."""
    os.chdir(os.path.dirname(path))
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(os.path.basename(path))
    return connection


def main() -> int:
    try:
        connection = _unix(sys.argv[2]) if sys.argv[1] == "--unix" else _tcp(sys.argv[1], int(sys.argv[2]))
    except OSError as error:
        print(f"{sys.argv[1]}: {error.strerror or error}", file=sys.stderr)
        return 1
    connection.settimeout(None)
    with socket.socket(fileno=1) as ssh:
        socket.send_fds(ssh, [b"\0"], [connection.fileno()])
    return 0


if __name__ == "__main__":
    sys.exit(main())

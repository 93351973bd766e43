"""ssh's ProxyCommand with ProxyUseFdpass: connect, hand the socket to ssh, leave. Runs alone, imports no package."""

from __future__ import annotations

import socket
import sys


def main() -> int:
    try:
        connection = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=10)
    except OSError as error:
        print(f"{sys.argv[1]}: {error.strerror or error}", file=sys.stderr)
        return 1
    connection.settimeout(None)
    with socket.socket(fileno=1) as ssh:
        socket.send_fds(ssh, [b"\0"], [connection.fileno()])
    return 0


if __name__ == "__main__":
    sys.exit(main())

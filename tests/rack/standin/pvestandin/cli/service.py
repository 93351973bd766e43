"""What the commands of Proxmox's services have in common: start, stop, restart, status."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

from .. import daemon, paths


def main(name: str, pidfile: str, serve: Callable[[Callable[[], None]], None]) -> int:
    """Do what the command line says. A running service restarts itself on SIGHUP.

    `serve` is the service itself; it calls what it is given when it is ready.
    """
    file = paths.at(pidfile)
    pid = daemon.running(file)
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command == "status":
        print("running" if pid else "stopped")
    elif command == "stop":
        daemon.stop(file)
    elif command == "restart" and pid:
        os.kill(pid, signal.SIGHUP)
    elif command in ("start", "restart"):
        if not pid:
            daemon.start(file, serve)
    else:
        print(f"USAGE: {name} start|stop|restart|status", file=sys.stderr)
        return 255
    return 0

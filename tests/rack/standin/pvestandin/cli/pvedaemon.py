"""pvedaemon: the service that owns the tasks. The calls themselves are answered by pveproxy here."""

from __future__ import annotations

import os
import signal
import sys

from .. import daemon, paths

PIDFILE = "/run/pvedaemon.pid"


def main() -> int:
    pidfile = paths.at(PIDFILE)
    pid = daemon.running(pidfile)
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command == "status":
        print("running" if pid else "stopped")
    elif command == "stop":
        daemon.stop(pidfile)
    elif command == "restart" and pid:
        os.kill(pid, signal.SIGHUP)
    elif command in ("start", "restart"):
        if not pid:
            daemon.start(pidfile, daemon.idle)
    else:
        print("USAGE: pvedaemon start|stop|restart|status", file=sys.stderr)
        return 255
    return 0

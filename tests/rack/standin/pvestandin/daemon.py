"""Daemons the way Proxmox's are: `NAME start|stop|restart|status`, a PID file, systemd's Type=forking."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from . import paths


def running(pidfile: Path) -> int | None:
    """The daemon's process id, or None."""
    try:
        pid = int(pidfile.read_text())
        os.kill(pid, 0)
    except (FileNotFoundError, ValueError, ProcessLookupError):
        return None
    return pid


def stop(pidfile: Path, seconds: float = 10.0) -> None:
    """Terminate it, and kill it when it does not end in time."""
    pid = running(pidfile)
    deadline = time.monotonic() + seconds
    wanted = signal.SIGTERM
    while pid and running(pidfile) == pid:
        try:
            os.kill(pid, wanted)
        except ProcessLookupError:
            break
        if time.monotonic() > deadline:
            wanted = signal.SIGKILL
        time.sleep(0.05)
    pidfile.unlink(missing_ok=True)


def start(pidfile: Path, body: Callable[[Callable[[], None]], None]) -> None:
    """Run body(ready) in the background and return once it called ready(); SystemExit 1 when it ended before."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            if pipe.read(1) != b"1":
                raise SystemExit(1)
        pidfile.parent.mkdir(parents=True, exist_ok=True)
        pidfile.write_text(f"{pid}\n")
        return
    os.close(reading)
    os.setsid()

    def ready() -> None:
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        os.close(null)
        os.write(writing, b"1")
        os.close(writing)

    code = 1
    try:
        os.chdir("/")
        body(ready)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except Exception:  # os._exit would leave it unsaid
        traceback.print_exc()
    finally:
        os._exit(code)


def idle(ready: Callable[[], None]) -> None:
    """A service whose work no test needs: it is there, and it ends when told to."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    ready()
    while True:
        signal.pause()


IDLE = {
    "pvestatd": "/run/pvestatd.pid",
    "pvescheduler": "/run/pvescheduler.pid",
    "spiceproxy": "/run/pveproxy/spiceproxy.pid",
    "pve-firewall": "/run/pve-firewall.pid",
    "pve-ha-crm": "/run/pve-ha-crm.pid",
    "pve-ha-lrm": "/run/pve-ha-lrm.pid",
    "qmeventd": "/run/qmeventd.pid",
}


def main() -> int:
    """The command of a service in IDLE, chosen by the name it is called by."""
    name = Path(sys.argv[0]).name
    if name == "watchdog-mux":
        idle(lambda: None)
    pidfile = paths.at(IDLE[name])
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    pid = running(pidfile)
    if command == "status":
        print("running" if pid else "stopped")
    elif command == "stop":
        stop(pidfile)
    elif command == "restart" and pid:
        os.kill(pid, signal.SIGHUP)
    elif command in ("start", "restart"):
        if not pid:
            start(pidfile, idle)
    else:
        print(f"USAGE: {name} start|stop|restart|status", file=sys.stderr)
        return 255
    return 0

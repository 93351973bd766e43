"""What the daemons have in common: systemd's Type=notify and a PID file."""

from __future__ import annotations

import os
import socket

from pvestandin import paths


def ready(name: str) -> None:
    """Write /run/proxmox-backup/NAME.pid and tell systemd (sd_notify(3))."""
    file = paths.at(f"/run/proxmox-backup/{name}.pid")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{os.getpid()}\n")
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stream:
            stream.connect("\0" + address[1:] if address.startswith("@") else address)
            stream.sendall(b"READY=1")

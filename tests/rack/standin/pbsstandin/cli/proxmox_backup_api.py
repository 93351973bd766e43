"""proxmox-backup-api: makes keys and certificate, and then only is there. Its work is proxmox-backup-proxy's here."""

from __future__ import annotations

import signal
import sys

from .. import server
from . import service


def main() -> int:
    server.prepare()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    service.ready("api")
    while True:
        signal.pause()

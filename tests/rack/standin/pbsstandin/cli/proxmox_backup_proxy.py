"""proxmox-backup-proxy: the API on port 8007. Runs in the foreground and tells systemd when it is ready."""

from __future__ import annotations

from .. import server
from . import service


def main() -> int:
    server.serve(lambda: service.ready("proxy"))
    return 0

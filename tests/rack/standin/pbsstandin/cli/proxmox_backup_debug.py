"""proxmox-backup-debug api get|set|create|delete PATH [--name value]: any call, as root (src/bin/proxmox_backup_debug)."""

from __future__ import annotations

import sys

from .. import commandline, server, table
from ..commandline import Command

_METHODS = {"get": "GET", "set": "PUT", "create": "POST", "delete": "DELETE"}


def main() -> int:
    if len(sys.argv) < 4 or sys.argv[1] != "api" or sys.argv[2] not in _METHODS:
        print("Usage: proxmox-backup-debug api get|set|create|delete <api-path> [OPTIONS]", file=sys.stderr)
        return 255
    server.prepare()
    table.load()
    return commandline.execute("proxmox-backup-debug", Command(_METHODS[sys.argv[2]], sys.argv[3]), sys.argv[4:])

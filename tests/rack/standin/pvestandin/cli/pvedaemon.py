"""pvedaemon: the service that owns the tasks. The calls themselves are answered by pveproxy here."""

from __future__ import annotations

from .. import daemon
from . import service


def main() -> int:
    return service.main("pvedaemon", "/run/pvedaemon.pid", daemon.idle)

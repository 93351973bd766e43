"""pveproxy: the API server's command."""

from __future__ import annotations

from .. import server
from . import service


def main() -> int:
    return service.main("pveproxy", "/run/pveproxy/pveproxy.pid", server.serve)

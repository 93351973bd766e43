"""pvebanner: the greeting on the console, with the address of the web interface."""

from __future__ import annotations

import socket

from .. import paths


def main() -> int:
    name = paths.node_name()
    try:
        address = socket.gethostbyname(name)
    except OSError:
        address = name
    line = "-" * 78
    paths.at("/etc/issue").write_text(
        f"\n{line}\n\nWelcome to the Proxmox Virtual Environment. Please use your web browser to\n"
        f"configure this server - connect to:\n\n  https://{address}:8006/\n\n{line}\n\n"
    )
    return 0

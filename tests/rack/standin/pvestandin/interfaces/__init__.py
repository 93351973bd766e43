"""/etc/network/interfaces as Proxmox reads, checks and writes it (PVE/INotify.pm; from 9.1 on PVE/Network/Interfaces.pm).

A configuration is what GET /nodes/{node}/network shows, in Proxmox's own keys. A change goes to interfaces.new, which
every later reading prefers, and takes its place when the network is reloaded or the node boots.

Files are taken as Latin-1, as Perl takes bytes; only comments are decoded. So a value with other than ASCII characters
is encoded twice when it is written, and that is Proxmox's behaviour.
"""

from __future__ import annotations

import subprocess

from .. import links, paths
from .model import Config, Interface
from .reading import parse
from .writing import render

__all__ = ["Config", "Interface", "adopt", "changes", "parse", "read", "render", "revert", "write"]

CURRENT = "/etc/network/interfaces"
PENDING = "/etc/network/interfaces.new"


def read() -> Config:
    """The pending configuration if there is one, otherwise the current one."""
    source = next((path for path in map(paths.at, (PENDING, CURRENT)) if path.exists()), None)
    text = source.read_bytes().decode("latin-1") if source else ""
    return parse(text, links.read(), wide=paths.release() >= (9, 2))


def write(config: Config) -> None:
    """Check the configuration and make it the pending one. Raises Failure with Proxmox's sentence."""
    text = render(config, ifupdown2=paths.at("/usr/share/ifupdown2/ifupdown2").exists())
    pending = paths.at(PENDING)
    unfinished = pending.with_name(f"{pending.name}.tmp")
    unfinished.write_bytes(text.encode())
    unfinished.rename(pending)


def changes() -> str:
    """A diff between the current file and the pending one; empty if there is none."""
    pending = paths.at(PENDING)
    if not pending.exists():
        return ""
    command = ["diff", "-b", "-N", "-u", str(paths.at(CURRENT)), str(pending)]
    return subprocess.run(command, capture_output=True, check=False).stdout.decode(errors="replace")


def revert() -> None:
    paths.at(PENDING).unlink(missing_ok=True)


def adopt() -> None:
    """Make the pending configuration the current one."""
    if paths.at(PENDING).exists():
        paths.at(PENDING).rename(paths.at(CURRENT))

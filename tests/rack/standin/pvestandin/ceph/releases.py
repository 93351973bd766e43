"""The Ceph releases that Proxmox offers (PVE/Ceph/Releases.pm), and which of them for which PVE."""

from __future__ import annotations

from dataclasses import dataclass

from .. import paths


@dataclass(frozen=True)
class Release:
    version: str
    pve: tuple[int, ...]
    """Major releases of PVE that have packages of it."""


RELEASES = {
    "octopus": Release("15.2", (6, 7)),
    "pacific": Release("16.2", (7,)),
    "quincy": Release("17.2", (7, 8)),
    "reef": Release("18.2", (8,)),
    "squid": Release("19.2", (8, 9)),
    "tentacle": Release("20.2", (9,)),
}
_DEFAULT = {8: "quincy", 9: "tentacle"}


def available() -> list[str]:
    """Names of the releases for this node's PVE, sorted."""
    return sorted(name for name, release in RELEASES.items() if paths.release()[0] in release.pve)


def default() -> str:
    return _DEFAULT[paths.release()[0]]

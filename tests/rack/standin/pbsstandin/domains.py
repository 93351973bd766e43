"""Realms: pam and pbs are always there, others stand in domains.cfg (pbs-config/src/domains.rs)."""

from __future__ import annotations

from typing import Any

from .errors import refused
from .sections import SectionFile, Sections

_COMMON = "comment default:boolean"
_LDAP = (
    f"{_COMMON} base-dn bind-dn capath filter mode port:integer server1! server2 sync-attributes sync-defaults-options "
    "user-classes verify:boolean"
)
FILE = SectionFile(
    "domains.cfg",
    "domains",
    {
        "pam": _COMMON,
        "pbs": _COMMON,
        "ad": _LDAP,
        "ldap": f"{_LDAP} user-attr",
        "openid": f"{_COMMON} acr-values audiences autocreate:boolean client-id! client-key issuer-url! prompt scopes "
        "username-claim",
    },
)
_BUILT_IN = {"pam": "Linux PAM standard authentication", "pbs": "Proxmox Backup authentication server"}


def read() -> Sections:
    found = FILE.read()
    for realm, comment in _BUILT_IN.items():
        if realm not in found.items:
            found.set(realm, realm, {"comment": comment})
    return found


def kind(realm: str) -> str:
    """The type of a realm that has to be there."""
    known = read().items
    if realm not in known:
        raise refused(f"unknown realm '{realm}'")
    return known[realm][0]


def listing() -> list[dict[str, Any]]:
    return [
        {
            "realm": realm,
            "type": found,
            **{key: data[key] for key in ("comment", "default") if key in data},
        }
        for realm, (found, data) in read().items.items()
    ]

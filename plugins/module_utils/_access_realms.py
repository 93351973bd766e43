# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Realms and the jobs that synchronise them: the tables of PVE/Auth/*.pm and PVE/Jobs/RealmSync.pm.

What PVE/API2/{Domains,Jobs/RealmSync}.pm do, and is reckoned with here:

- The list of realms has little more than their names; each is read by itself. The API tells the key of an OpenID client,
  but not the password of a directory.
- pam and pve always exist and have comments of their own; DELETE of them succeeds and does nothing.
- One realm is the default: making it so takes it from the other.
- The deprecated C(secure) is read as the C(mode) that it means, which has precedence.
- PUT of a job refuses a call that only takes settings away, so that every one carries the schedule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ansible_collections.baremetal.proxmox.plugins.module_utils import _access
from ansible_collections.baremetal.proxmox.plugins.module_utils._access import REALM, REALMS, USERS, asking
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Item, Resource, Variant
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import (
    BOOL,
    CALENDAR,
    INT,
    SET,
    STR,
    Kind,
    properties,
    read_bool,
    split_list,
)

_SCOPES = ["users", "groups", "both"]
_VANISHED = ["acl", "entry", "properties"]
_HOST: dict[str, Any] = {
    "pattern": r"[A-Za-z0-9:\[]([A-Za-z0-9.:-]*[A-Za-z0-9:\]])?",
    "meaning": "an address or a host name",
}


def _read_vanished(value: Any) -> str:
    words = sorted(set(split_list(value)))
    if words == ["none"]:
        return "none"
    if not words or set(words) - set(_VANISHED):
        raise ValueError(f"is {value!r}, not none, or some of {', '.join(_VANISHED)} with semicolons between them")
    return ";".join(words)


def _read_scope(value: Any) -> str:
    if value not in _SCOPES:
        raise ValueError(f"is {value!r}; allowed are {', '.join(_SCOPES)}")
    return str(value)


def _read_tfa(value: Any) -> str:
    """A property string in one order: it may have a key in it, so that it is one secret, not a dict of words."""
    return ",".join(sorted(part.strip() for part in STR.read(value).split(",") if part.strip()))


VANISHED = Kind("list of what is removed", _read_vanished, str)
TFA = Kind("second factor", _read_tfa, str)
SYNC = properties("sync options", {"scope": _read_scope, "remove-vanished": _read_vanished, "enable-new": read_bool})

_PLAIN = "default comment tfa"
_DIRECTORY = (
    f"{_PLAIN} server2 port mode sslversion verify capath cert certkey bind_dn password filter sync_attributes"
    " user_classes group_dn group_name_attr group_filter group_classes sync-defaults-options case-sensitive"
    " check-connection"
)

VARIANTS: dict[str | None, Variant] = {
    "ad": Variant(required="server1 domain", optional=f"{_DIRECTORY} base_dn user_attr"),
    "ldap": Variant(required="server1 base_dn user_attr", optional=_DIRECTORY),
    "openid": Variant(
        required="issuer-url client-id",
        fixed="username-claim",
        optional="default comment client-key autocreate username-claim groups-claim groups-autocreate groups-overwrite"
        " prompt scopes acr-values audiences query-userinfo",
    ),
    "pam": Variant(optional=_PLAIN, defaults={"comment": "Linux PAM standard authentication"}),
    "pve": Variant(optional=_PLAIN, defaults={"comment": "Proxmox VE authentication server"}),
}

FIELDS = [
    Field("comment"),
    Field("default", BOOL, default=False),
    Field("tfa", TFA, secret=True, readable=True),
    Field("server1", **_HOST),
    Field("server2", **_HOST),
    Field("port", INT, limits=(1, 65535)),
    Field("mode", default="ldap", choices=["ldap", "ldaps", "ldap+starttls"]),
    Field("sslversion", choices=["tlsv1", "tlsv1_1", "tlsv1_2", "tlsv1_3"]),
    Field("verify", BOOL, default=False),
    Field("capath", default="/etc/ssl/certs"),
    Field("cert"),
    Field("certkey"),
    Field("base_dn", narrow=True),
    Field("bind_dn", narrow=True),
    Field("password", secret=True),
    Field("domain", pattern=r"\S+", meaning="a domain"),
    Field("user_attr", pattern=r"\S{2,}", meaning="the name of an attribute"),
    Field("filter", narrow=True),
    Field("sync_attributes", pattern=r"\w+=[^,]+(,\s*\w+=[^,]+)*", meaning="pairs such as email=mail,comment=title"),
    Field("user_classes", SET, default=["inetorgperson", "person", "posixaccount", "user"]),
    Field("group_dn", narrow=True),
    Field("group_name_attr", narrow=True),
    Field("group_filter", narrow=True),
    Field("group_classes", SET, default=["group", "groupOfNames", "ipausergroup", "univentionGroup"]),
    Field("sync-defaults-options", SYNC),
    Field("case-sensitive", BOOL, default=True),
    Field("check-connection", BOOL, transient=True),
    Field("issuer-url", narrow=True),
    Field("client-id", narrow=True),
    Field("client-key", secret=True, readable=True),
    Field("autocreate", BOOL, default=False),
    Field("username-claim", narrow=True),
    Field("groups-claim", narrow=True),
    Field("groups-autocreate", BOOL, default=False),
    Field("groups-overwrite", BOOL, default=False),
    Field("prompt"),
    Field("scopes", default="email profile"),
    Field("acr-values", narrow=True),
    Field("audiences", since=(9, 2)),
    Field("query-userinfo", BOOL, default=True),
]


def read(api: Any, identity: str | None = None) -> Iterable[Mapping[str, Any]]:
    mine = asking(api).user.rpartition("@")[2]
    for row in api.get(REALMS):
        if identity in (None, row["realm"]):
            found = api.get(f"{REALMS}/{quote(row['realm'], safe='')}")
            if "mode" not in found and int(found.get("secure") or 0):
                found = {**found, "mode": "ldaps"}
            used = {"held": "the user that this connection asks as is of it"} if row["realm"] == mine else {}
            yield {**found, "realm": row["realm"], **used}


def check(item: Item) -> Iterable[str]:
    if item["realm"] in ("pam", "pve") and item["type"] != item["realm"]:
        yield f"type: the realm {item['realm']} is always of the type {item['realm']}"
    elif item["type"] in ("pam", "pve") and item["realm"] != item["type"]:
        yield f"type: the only realm of the type {item['type']} is {item['type']}"


def advise(get: Callable[..., Any], changes: Sequence[Any]) -> Iterable[str]:
    removed = {change.key for change in changes if change.action == "delete"}
    users: dict[str, int] = dict.fromkeys(removed, 0)
    for row in get(USERS) if removed else ():
        realm = row["userid"].rpartition("@")[2]
        if realm in users:
            users[realm] += 1
    for realm, count in sorted(users.items()):
        if count:
            yield f"realm '{realm}' is removed; {count} of its users stay, and can no longer log in."


def explain(item: Item, reason: str) -> str | None:
    if "ldap" in reason.lower() and item.get("server1"):
        return f"The node that is asked could not use {item['server1']}; check_connection: false skips the question."
    return _access.explain(item, reason)


REALM_TABLE = Resource(
    name="realm",
    path=REALMS,
    key=Field("realm", pattern=rf"(?=.{{2,32}}$){REALM}", meaning="the name of a realm (a letter, then more)"),
    discriminator=Field("type", choices=sorted(str(name) for name in VARIANTS)),
    fields=FIELDS,
    variants=VARIANTS,
    protected=frozenset({"pam", "pve"}),
    # PVE/Auth/Plugin.pm, parse_config
    fresh=[
        {"realm": name, "type": name, "comment": str(VARIANTS[name].defaults["comment"])} for name in ("pam", "pve")
    ],
    check=check,
    advise=advise,
    explain=explain,
    read=read,
    held=_access.held,
)

# -- jobs


def job_objections(api: Any, changes: Sequence[Any]) -> Iterable[tuple[str, bool]]:
    new = [change for change in changes if change.action == "create"]
    kinds = {row["realm"]: row["type"] for row in api.get(REALMS)} if new else {}
    for change in new:
        realm = change.to_set["realm"]
        if realm not in kinds:
            yield f"realm sync job '{change.key}': there is no realm {realm}.", False
        elif kinds[realm] not in ("ad", "ldap"):
            yield (
                f"realm sync job '{change.key}': {realm} is of the type {kinds[realm]}; only ad and ldap are synchronised.",
                True,
            )


SYNC_JOB_TABLE = Resource(
    name="realm sync job",
    path="/cluster/jobs/realm-sync",
    key=Field(
        "id", pattern=r"[A-Za-z][A-Za-z0-9_-]{1,63}", meaning="an identifier (a letter, then letters, digits, -_)"
    ),
    fields=[
        Field("realm", pattern=REALM, meaning="the name of a realm"),
        Field("schedule", CALENDAR),
        Field("scope", choices=_SCOPES),
        Field("remove-vanished", VANISHED, default="none"),
        Field("enable-new", BOOL, default=True),
        Field("enabled", BOOL, default=True),
        Field("comment"),
    ],
    variants={
        None: Variant(
            required="realm schedule scope", fixed="realm", optional="remove-vanished enable-new enabled comment"
        )
    },
    objections=job_objections,
    explain=_access.explain,
    resend=["schedule"],
    placed=True,
)

# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""What the tables of access control share: the forms of names, and who it is that asks (PVE/Auth/Plugin.pm)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

REALM = r"[A-Za-z][A-Za-z0-9._-]+"
NAME = r"[A-Za-z0-9._-]+"
# Proxmox takes other characters than those of Latin-1, and then does not find the user (PVE/AccessControl.pm, write)
USER = rf"(?=.{{3,64}}$)[^\s:/\u0100-\U0010ffff]+@{REALM}"
TOKEN = rf"[^\s:/]+@{REALM}!{REALM}"

USERS = "/access/users"
GROUPS = "/access/groups"
ROLES = "/access/roles"
REALMS = "/access/domains"
ACL = "/access/acl"

ROOT = "root@pam"


def split_token(token: str) -> tuple[str, str]:
    """The user and the name in USER@REALM!NAME; a user's name may have an exclamation mark in it, a realm's not."""
    user, _mark, name = token.rpartition("!")
    return user, name


def kind(ugid: str) -> str:
    """Whom an entry of the access control list is for: user, group or token. Only their forms tell them apart."""
    if re.fullmatch(TOKEN, ugid):
        return "token"
    return "user" if "@" in ugid else "group"


@dataclass(frozen=True)
class Asking:
    """Who asks through this connection. What they need is not taken from under them.

    root@pam needs nothing: Proxmox grants it everything without any entry.
    """

    user: str
    token: str | None = None
    groups: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """As entries of the access control list name them."""
        return frozenset({self.user, *self.groups, *([self.token] if self.token else [])})


def asking(api: Any) -> Asking:
    """Reads the groups, except for root@pam."""
    token = api.user if kind(api.user) == "token" else None
    user = split_token(api.user)[0] if token else api.user
    if user == ROOT:
        return Asking(user, token)
    groups: list[str] = []
    for row in api.get(USERS, full=True):
        if row["userid"] == user:
            groups = str(row.get("groups") or "").split(",")
    return Asking(user, token, frozenset(filter(None, groups)))


def held(row: Mapping[str, Any]) -> str | None:
    """Why it is left alone, as C(read) of the tables has noted it."""
    return row.get("held")


def explain(_item: Any, reason: str) -> str | None:
    if "no quorum" in reason:
        return "The cluster has no quorum, so its configuration is read-only. See 'pvecm status'."
    return None

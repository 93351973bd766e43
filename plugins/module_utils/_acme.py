# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Accounts with certificate authorities, and plugins that prove domains: PVE/API2/ACMEAccount.pm, ACMEPlugin.pm.

What the handlers do, and is reckoned with here:

- Registering, changing and deactivating an account is a task that asks the authority from the node. The key of an account
  is made on the node; a deactivated account cannot be activated again.
- The list of accounts has their names only. Who reads or changes one has to be root@pam itself: a token cannot.
- The API takes the data of a plugin in Base64 and answers with plain lines. The plugin C(standalone) is always there.
- Neither account nor plugin is protected because a node uses it; the next renewal fails then.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ApiError
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Item, Resource, Variant
from ansible_collections.baremetal.proxmox.plugins.module_utils._node_options import NODE_OPTIONS, SLOTS
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import BOOL, INT, SET, Kind
from ansible_collections.baremetal.proxmox.plugins.module_utils._switch import switched

ACCOUNTS = "/cluster/acme/account"
PLUGINS = "/cluster/acme/plugins"
LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
NAME = r"[A-Za-z][A-Za-z0-9_-]+"
MEANING = "two or more letters, digits, - and _, a letter first"
_URL = r"https?://\S+"


# -- what a node's options say


@dataclass(frozen=True)
class Configured:
    """The ACME part of a node's options: the account, and the plugin of each domain (in small letters)."""

    account: str
    domains: Mapping[str, str]


def configured(options: Mapping[str, Any]) -> Configured:
    """From GET /nodes/NODE/config (PVE/NodeConfig.pm, get_acme_conf)."""
    acme = NODE_OPTIONS.field("acme").kind.read(options.get("acme") or "account=default") or {}
    domains = {str(name).lower(): "standalone" for name in acme.get("domains") or ()}
    for slot in SLOTS:
        if options.get(slot):
            entry = NODE_OPTIONS.field(slot).kind.read(options[slot]) or {}
            domains[str(entry["domain"]).lower()] = str(entry.get("plugin", "standalone"))
    return Configured(str(acme.get("account", "default")), domains)


def _in_use(api: Any) -> Iterable[tuple[str, Configured]]:
    """What the nodes that answer have."""
    for row in api.get("/nodes"):
        if row.get("status") == "online":
            yield row["node"], configured(api.get(f"/nodes/{row['node']}/config"))


def _removed(changes: Sequence[Any]) -> list[str]:
    return [change.key for change in changes if change.action == "delete"]


# -- accounts


def read_accounts(api: Any, identity: str | None = None) -> Iterable[Mapping[str, Any]]:
    names = [str(row["name"]) for row in api.get(ACCOUNTS)]
    return [_account(name, api.get(f"{ACCOUNTS}/{name}")) for name in names if identity in (None, name)]


def _account(name: str, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    contact = [str(one).removeprefix("mailto:") for one in (answer.get("account") or {}).get("contact") or ()]
    return {"name": name, "directory": answer.get("directory"), "contact": contact}


def write_account(api: Any, change: Any, form: Mapping[str, Any]) -> None:
    path = f"{ACCOUNTS}/{quote(change.key, safe='')}"
    if change.action == "delete":
        api.delete(path)
    elif change.action == "create":
        api.post(ACCOUNTS, name=change.key, **form)
    else:
        api.put(path, contact=form["contact"])


def check_account(item: Item) -> Iterable[str]:
    if bool(item.get("eab_kid")) != bool(item.get("eab_hmac_key")):
        yield "eab_kid and eab_hmac_key go together"


def account_objections(api: Any, changes: Sequence[Any]) -> Iterable[tuple[str, bool]]:
    """Terms that nobody has accepted, an authority that wants more, and accounts that nodes use."""
    for change in changes:
        if change.action == "create":
            yield from _unacceptable(api, change)
    if gone := _removed(changes):
        for node, found in _in_use(api):
            if found.domains and found.account in gone:
                yield f"ACME account '{found.account}': {node} has its certificate by it; give it another first.", True


def _unacceptable(api: Any, change: Any) -> Iterable[tuple[str, bool]]:
    where, values = f"ACME account '{change.key}'", change.goal.values
    directory = values.get("directory") or LETS_ENCRYPT
    try:
        known = api.get("/cluster/acme/meta", directory=directory) or {}
    except ApiError as error:
        yield f"{where}: {directory} does not answer the node: {error.reason}.", False
        return
    terms = known.get("termsOfService")
    if terms and values.get("tos_url") != terms:
        found = f"found {values['tos_url']}" if values.get("tos_url") else "it is not set"
        yield f"{where}: tos_url: expected {terms}, by which its terms of service are accepted; {found}.", True
    if known.get("externalAccountRequired") and not values.get("eab_kid"):
        yield f"{where}: {directory} wants an external account: eab_kid and eab_hmac_key.", True


ACCOUNT = Resource(
    name="ACME account",
    path=ACCOUNTS,
    key=Field("name", pattern=NAME, meaning=MEANING),
    fields=[
        Field("contact", SET, pattern=r"[^\s@,;]+@[^\s@,;]+", meaning="an email address"),
        Field("directory", default=LETS_ENCRYPT, pattern=_URL, meaning="an address that begins with https://"),
        Field("tos_url", transient=True, pattern=_URL, meaning="an address that begins with https://"),
        Field("eab-kid", transient=True),
        Field("eab-hmac-key", secret=True, transient=True),
    ],
    variants={
        None: Variant(required="contact", optional="directory tos_url eab-kid eab-hmac-key", fixed="directory"),
    },
    check=check_account,
    objections=account_objections,
    read=read_accounts,
    write=write_account,
    workers=frozenset({"acmeregister", "acmeupdate", "acmedeactivate"}),
    guarded=True,
    recreatable=False,
)


# -- plugins


def _read_data(value: Any) -> dict[str, str] | None:
    """A dict, from the lines C(NAME=value) that the API answers with as well."""
    if isinstance(value, str):
        lines = [line.strip() for line in value.splitlines()]
        value = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    if not isinstance(value, Mapping):
        raise ValueError("is not a dict")
    for name, text in value.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", str(name)) or "\n" in str(text):
            raise ValueError("has names of variables, each with one line of text")
    return {str(name): str(text) for name, text in sorted(value.items()) if text is not None} or None


def _write_data(value: Mapping[str, str]) -> str:
    return base64.b64encode("".join(f"{name}={text}\n" for name, text in value.items()).encode()).decode()


_DATA = Kind("names and values", _read_data, _write_data, {"type": "dict"})


def read_plugins(api: Any, identity: str | None = None) -> Iterable[Mapping[str, Any]]:
    rows = [{**row, "id": row["plugin"]} for row in api.get(PLUGINS)]
    return [row for row in rows if identity in (None, row["id"])]


def plugin_objections(api: Any, changes: Sequence[Any]) -> Iterable[tuple[str, bool]]:
    if gone := _removed(changes):
        for node, found in _in_use(api):
            for domain, plugin in sorted(found.domains.items()):
                if plugin in gone:
                    yield f"ACME plugin '{plugin}': {node} proves {domain} by it; give it another first.", True


def explain_plugin(item: Item, reason: str) -> str | None:
    if re.search(r"\bapi\b.*value '.*' does not have a value in the enumeration", reason):
        return "GET /cluster/acme/challenge-schema lists those that this release knows."
    return None


PLUGIN = Resource(
    name="ACME plugin",
    path=PLUGINS,
    key=Field("id", pattern=NAME, meaning=MEANING),
    discriminator=Field("type", choices=["dns", "standalone"]),
    fields=[
        Field("api", pattern=r"[A-Za-z0-9_]+", meaning="the name of an API such as cf or nsupdate"),
        Field("data", _DATA, secret=True, readable=True),
        Field("validation-delay", INT, default=30, limits=(0, 2 * 24 * 60 * 60)),
        Field("nodes", SET),
        Field("disable", BOOL, default=False),
    ],
    variants={
        "dns": Variant(required="api", optional="data validation-delay nodes disable"),
        "standalone": Variant(optional="nodes disable"),
    },
    protected=frozenset({"standalone"}),
    prepare=switched,
    fresh=[{"plugin": "standalone", "id": "standalone", "type": "standalone"}],
    objections=plugin_objections,
    explain=explain_plugin,
    read=read_plugins,
)

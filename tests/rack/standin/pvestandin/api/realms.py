"""/access/domains (PVE/API2/Domains.pm)."""

from __future__ import annotations

from typing import Any

from .. import pvefiles, realms, tasks
from ..errors import Failure, bad_parameters
from ..formats import PROPERTY_FORMATS
from ..registry import WORLD, Context, endpoint
from ..schema import parse_property_string, print_property_string
from ..section import Sections
from ..text import hash_order, split_list, truth

_ID = {"realm": {"type": "string", "format": "pve-realm", "maxLength": 32}}
_CHECK = {"check-connection": {"type": "boolean", "optional": 1}}
_CHANGE = ["perm", "/access/realm", ["Realm.Allocate"]]
_UPDATE = {
    "digest": {"type": "string", "optional": 1, "maxLength": 64},
    "delete": {"type": "string", "optional": 1, "format": "pve-configid-list", "maxLength": 4096},
}


def _create_params() -> dict[str, Any]:
    kinds = {"type": {"type": "string", "enum": sorted(realms.section_config().types)}}
    return {**_ID, **kinds, **_CHECK, **realms.properties()}


def _update_params() -> dict[str, Any]:
    changeable = {name: schema for name, schema in realms.properties().items() if name != "username-claim"}
    return {**_ID, **_CHECK, **_UPDATE, **changeable}


@endpoint("GET", "/access/domains", permission=WORLD)
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    sections = realms.read()
    answer = []
    for name in hash_order(sections.ids):
        section = sections.ids[name]
        entry = {"realm": name, "type": section["type"]}
        if section.get("comment"):
            entry["comment"] = section["comment"]
        if truth(section.get("default")):
            entry["default"] = 1
        if section.get("tfa"):
            entry["tfa"] = parse_property_string(PROPERTY_FORMATS["pve-tfa-config"], section["tfa"])["type"]
        answer.append(entry)
    return answer


@endpoint(
    "GET",
    "/access/domains/{realm}",
    params=_ID,
    permission=["perm", "/access/realm", ["Realm.Allocate", "Sys.Audit"], "any", 1],
)
def read(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    sections = realms.read()
    if params["realm"] not in sections.ids:
        raise Failure(f"domain '{params['realm']}' does not exist")
    return {**sections.ids[params["realm"]], "digest": sections.digest}


def _prepare(values: dict[str, Any], kind: str) -> None:
    """What concerns directories only; the deprecated `full` and `purge` become `remove-vanished`."""
    checked = values.pop("check-connection", None)
    if checked is not None and kind not in ("ldap", "ad"):
        raise Failure("'check-connection' parameter can only be set for realms of type 'ldap' or 'ad'")
    if truth(checked):
        raise Failure("Can't contact LDAP server")
    if kind in ("ldap", "ad") and values.get("sync-defaults-options"):
        form = PROPERTY_FORMATS["realm-sync-options"]
        options = parse_property_string(form, values["sync-defaults-options"])
        full, purge = truth(options.pop("full", None)), truth(options.pop("purge", None))
        if "remove-vanished" not in options and (full or purge):
            options["remove-vanished"] = ";".join(
                (["entry", "properties"] if full else []) + (["acl"] if purge else [])
            )
        values["sync-defaults-options"] = print_property_string(form, options)


def _only_default(sections: Sections, realm: str) -> None:
    for name, section in sections.ids.items():
        if name != realm:
            section.pop("default", None)


def _password_file(realm: str) -> str:
    return f"priv/realm/{realm}.pw"


@endpoint("POST", "/access/domains", permission=_CHANGE, params=_create_params)
def create(ctx: Context, params: dict[str, Any]) -> None:
    values = dict(params)
    realm, kind, password = values.pop("realm"), values.pop("type"), values.pop("password", None)
    with pvefiles.lock_file(realms.FILE, "add auth server failed"):
        sections = realms.read()
        if realm in sections.ids:
            raise Failure(f"domain '{realm}' already exists")
        if kind in realms.BUILT_IN:
            raise Failure(f"unable to create builtin type '{kind}'")
        _prepare(values, kind)
        section = sections.ids[realm] = realms.section_config().check_config(kind, values, create=True)
        if truth(section.get("default")):
            _only_default(sections, realm)
        if kind in ("ldap", "ad"):
            if password is not None:
                pvefiles.write_private(_password_file(realm), password)
            else:
                pvefiles.remove(_password_file(realm))
        realms.write(sections)


@endpoint("PUT", "/access/domains/{realm}", permission=_CHANGE, params=_update_params)
def update(ctx: Context, params: dict[str, Any]) -> None:
    values = dict(params)
    realm, password, digest = values.pop("realm"), values.pop("password", None), values.pop("digest", None)
    delete = split_list(values.pop("delete", None))
    with pvefiles.lock_file(realms.FILE, "update auth server failed"):
        sections = realms.read()
        sections.assert_unmodified(digest)
        section = sections.ids.get(realm)
        if section is None:
            raise Failure(f"domain '{realm}' does not exist")
        _prepare(values, section["type"])
        if not delete and not values and password is None:
            raise Failure("no options specified")
        for key in delete:
            section.pop(key, None)
        section.update(realms.section_config().check_config(section["type"], values, create=False))
        if truth(values.get("default")):
            _only_default(sections, realm)
        if section["type"] in ("ldap", "ad"):
            if password is not None:
                pvefiles.write_private(_password_file(realm), password)
            elif "password" in delete:
                pvefiles.remove(_password_file(realm))
        realms.write(sections)


_SYNC = {
    **{name: {"type": "boolean", "optional": 1} for name in ("dry-run", "enable-new", "full", "purge")},
    "scope": {"type": "string", "optional": 1, "enum": ["users", "groups", "both"]},
    "remove-vanished": {
        "type": "string",
        "optional": 1,
        "pattern": r"(?:(?:(?:acl|properties|entry);)*(?:acl|properties|entry))|none",
    },
}


def sync_work(realm: str) -> None:
    """There is no directory in the rack."""
    print(f"starting sync for realm {realm}")
    raise Failure("Can't contact LDAP server")


@endpoint(
    "POST",
    "/access/domains/{realm}/sync",
    params={**_ID, **_SYNC},
    permission=[
        "and",
        ["perm", "/access/realm/{realm}", ["Realm.AllocateUser"]],
        ["perm", "/access/groups", ["User.Modify"]],
    ],
)
def sync(ctx: Context, params: dict[str, Any]) -> str:
    realm = params["realm"]
    section = realms.read().ids.get(realm)
    if section is None:
        raise bad_parameters({"realm": "Realm does not exist."})
    if section["type"] not in ("ldap", "ad"):
        raise Failure(f"Cannot sync realm type '{section['type']}'! Only LDAP/AD realms can be synced.")
    defaults = parse_property_string(
        PROPERTY_FORMATS["realm-sync-options"], section.get("sync-defaults-options") or "enable-new=1"
    )
    if not (params.get("scope") or defaults.get("scope")):
        raise bad_parameters({"scope": "Not passed as parameter and not defined in realm default sync options."})
    kind = "auth-realm-sync-test" if truth(params.get("dry-run")) else "auth-realm-sync"
    return tasks.start(ctx, kind, realm, sync_work, realm=realm)


@endpoint("DELETE", "/access/domains/{realm}", permission=_CHANGE, params=_ID)
def delete(ctx: Context, params: dict[str, Any]) -> None:
    """Deleting pam or pve succeeds, as it does in Proxmox: they are back at the next reading."""
    realm = params["realm"]
    with pvefiles.lock_file(realms.FILE, "delete auth server failed"):
        sections = realms.read()
        section = sections.ids.pop(realm, None)
        if section is None:
            raise Failure(f"authentication domain '{realm}' does not exist")
        if section["type"] in ("ldap", "ad"):
            pvefiles.remove(_password_file(realm))
        realms.write(sections)

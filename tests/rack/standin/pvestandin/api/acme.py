"""/cluster/acme (PVE/API2/ACMEAccount.pm, PVE/API2/ACMEPlugin.pm)."""

from __future__ import annotations

from typing import Any

from .. import acme, paths, pvefiles, tasks
from ..errors import Failure, bad_parameters
from ..registry import ALL, Context, endpoint
from ..text import hash_order, split_list

_PATH = "/cluster/acme"
_MODIFY = ["perm", "/", ["Sys.Modify"]]
_NAME = "name:pve-configid"
_DIRECTORY = {"type": "string", "pattern": "^https?://.*", "optional": 1, "default": acme.DEFAULT}
_OPTIONS = "api data disable:boolean nodes:pve-node-list validation-delay:integer"


@endpoint("GET", _PATH, permission=ALL)
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": name} for name in ("account", "tos", "meta", "directories", "plugins", "challenge-schema")]


@endpoint("GET", f"{_PATH}/directories", permission=ALL)
def directories(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": name, "url": url} for name, url in acme.DIRECTORIES.items()]


@endpoint("GET", f"{_PATH}/tos", permission=ALL, params={"directory": _DIRECTORY})
def terms(ctx: Context, params: dict[str, Any]) -> str:
    return acme.meta(params.get("directory") or acme.DEFAULT)["termsOfService"]


@endpoint("GET", f"{_PATH}/meta", permission=["perm", "/nodes/{node}", ["Sys.Audit"]], params={"directory": _DIRECTORY})
def meta(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    return acme.meta(params.get("directory") or acme.DEFAULT)


@endpoint("GET", f"{_PATH}/challenge-schema", permission=ALL)
def challenge_schema(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    """A few of them; an API that is not here is accepted all the same."""
    return [{"id": name, "name": shown, "type": "dns", "schema": {}} for name, shown in acme.APIS.items()]


# -- accounts


@endpoint("GET", f"{_PATH}/account", permission=ALL)
def accounts(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": name} for name in hash_order(acme.accounts())]


def _contact(params: dict[str, Any]) -> list[str]:
    return [f"mailto:{address}" for address in split_list(params.get("contact"))]


@endpoint(
    "POST",
    f"{_PATH}/account",
    params={
        "name": {"type": "string", "format": "pve-configid", "optional": 1, "default": "default"},
        "contact": {"type": "string", "format": "email-list"},
        "directory": _DIRECTORY,
        "tos_url": {"type": "string", "optional": 1},
        "eab-kid": {"type": "string", "optional": 1, "requires": "eab-hmac-key"},
        "eab-hmac-key": {"type": "string", "optional": 1, "requires": "eab-kid"},
    },
)
def register(ctx: Context, params: dict[str, Any]) -> str:
    name = params.get("name") or "default"
    if acme.exists(name):
        raise bad_parameters({"name": f"ACME account config file '{name}' already exists."})
    paths.pve("priv/acme").mkdir(mode=0o700, exist_ok=True)
    return tasks.start(
        ctx,
        "acmeregister",
        "",
        acme.register_work,
        name=name,
        directory=params.get("directory") or acme.DEFAULT,
        contact=_contact(params),
        tos=params.get("tos_url"),
        kid=params.get("eab-kid"),
        hmac=params.get("eab-hmac-key"),
    )


def _known(params: dict[str, Any]) -> str:
    name = params.get("name") or "default"
    if not acme.exists(name):
        raise bad_parameters({"name": f"ACME account config file '{name}' does not exist."})
    return name


@endpoint("GET", f"{_PATH}/account/{{name}}", params=_NAME)
def account(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    known = acme.account(_known(params))
    return {
        "account": known["account"],
        "directory": known["directoryUrl"],
        "location": known["location"],
        "tos": known["tos"],
    }


@endpoint("PUT", f"{_PATH}/account/{{name}}", params=f"{_NAME} contact:email-list")
def update_account(ctx: Context, params: dict[str, Any]) -> str:
    name, contact = _known(params), _contact(params)
    return tasks.start(
        ctx, "acmeupdate" if contact else "acmerefresh", "", acme.update_work, name=name, contact=contact
    )


@endpoint("DELETE", f"{_PATH}/account/{{name}}", params=_NAME)
def deactivate(ctx: Context, params: dict[str, Any]) -> str:
    return tasks.start(ctx, "acmedeactivate", "", acme.deactivate_work, name=_known(params))


# -- plugins


@endpoint("GET", f"{_PATH}/plugins", permission=_MODIFY, params="type")
def plugins(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    sections = acme.read_plugins()
    found = [{**sections.ids[name], "plugin": name, "digest": sections.digest} for name in hash_order(sections.ids)]
    return [one for one in found if params.get("type") in (None, one["type"])]


@endpoint("GET", f"{_PATH}/plugins/{{id}}", permission=_MODIFY, params="id:pve-configid!")
def plugin(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    sections, name = acme.read_plugins(), params["id"]
    if name not in sections.ids:
        raise Failure(f"ACME plugin '{name}' not defined")
    return {**sections.ids[name], "plugin": name, "digest": sections.digest}


@endpoint("POST", f"{_PATH}/plugins", permission=_MODIFY, params=f"id:pve-configid! type! {_OPTIONS}")
def add_plugin(ctx: Context, params: dict[str, Any]) -> None:
    values = dict(params)
    name, kind = values.pop("id"), values.pop("type")
    with pvefiles.lock_file(acme.PLUGINS):
        sections = acme.read_plugins()
        if name in sections.ids:
            raise Failure(f"ACME plugin ID '{name}' already exists")
        sections.ids[name] = acme.TABLE.check_config(kind, values, create=True)
        acme.write_plugins(sections)


@endpoint(
    "PUT",
    f"{_PATH}/plugins/{{id}}",
    permission=_MODIFY,
    params=f"id:pve-configid! {_OPTIONS} delete:pve-configid-list digest",
)
def update_plugin(ctx: Context, params: dict[str, Any]) -> None:
    values = dict(params)
    name, expected = values.pop("id"), values.pop("digest", None)
    delete = split_list(values.pop("delete", None))
    with pvefiles.lock_file(acme.PLUGINS):
        sections = acme.read_plugins()
        sections.assert_unmodified(expected)
        if name not in sections.ids:
            raise Failure(f"ACME plugin ID '{name}' does not exist")
        section = sections.ids[name]
        acme.TABLE.check_delete(section["type"], delete, {})
        for key in delete:
            section.pop(key, None)
        section.update(acme.TABLE.check_config(section["type"], values, create=False))
        acme.write_plugins(sections)


@endpoint("DELETE", f"{_PATH}/plugins/{{id}}", permission=_MODIFY, params="id:pve-configid!")
def delete_plugin(ctx: Context, params: dict[str, Any]) -> None:
    with pvefiles.lock_file(acme.PLUGINS):
        sections = acme.read_plugins()
        sections.ids.pop(params["id"], None)
        acme.write_plugins(sections)

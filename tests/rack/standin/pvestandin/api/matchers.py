"""/cluster/notifications/matchers (PVE/API2/Cluster/Notifications.pm; proxmox-notify does the work)."""

from __future__ import annotations

from typing import Any

from .. import notifications
from ..errors import ApiError
from ..registry import Context, endpoint
from .notifications import SEE, UPDATE, check_digest, check_new

_PATH = "/cluster/notifications/matchers"
_MODIFY = ["perm", "/mapping/notifications", ["Mapping.Modify"]]
_NAME = {"name": {"type": "string", "format": "pve-configid"}}
_SETTINGS = {name: notifications.TABLE.properties[name] for name in notifications.words("matcher")}
_SEVERITIES = {"info", "notice", "warning", "error", "unknown"}


def _check(config: notifications.Config, section: dict[str, Any]) -> None:
    for target in section.get("target", ()):
        found = config.sections.ids.get(target)
        if found is None or found["type"] == "matcher":
            raise ApiError(404, f"endpoint '{target}' does not exist")
    for text in section.get("match-severity", ()):
        for word in text.split(","):
            if word.strip() not in _SEVERITIES:
                raise ApiError(400, f"invalid severity '{word}'")
    for text in section.get("match-field", ()):
        kind, colon, rest = text.partition(":")
        if not colon or kind not in ("exact", "regex") or "=" not in rest:
            raise ApiError(400, f"match-field statement: '{text}' has wrong format")
    for text in section.get("match-calendar", ()):
        if not text.strip() or not any(sign.isdigit() for sign in text):
            raise ApiError(400, f"could not parse calendar event: {text}")


@endpoint("GET", _PATH, permission=[*SEE, ["perm", "/mapping/notifications", ["Mapping.Use"]]])
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    config = notifications.read()
    return [{**config.row(name), "origin": config.origin(name)} for name in config.of("matcher")]


@endpoint("GET", f"{_PATH}/{{name}}", permission=SEE, params=_NAME)
def read(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    config = notifications.read()
    config.one("matcher", params["name"])
    return {**config.row(params["name"]), "digest": config.digest}


@endpoint("POST", _PATH, permission=_MODIFY, params={**_NAME, **_SETTINGS})
def create(ctx: Context, params: dict[str, Any]) -> None:
    values = dict(params)
    name = values.pop("name")
    with notifications.lock():
        config = notifications.read()
        check_new(config, name)
        section = notifications.TABLE.check_config("matcher", values, create=True)
        _check(config, section)
        config.sections.ids[name] = section
        config.write()


@endpoint("PUT", f"{_PATH}/{{name}}", permission=_MODIFY, params={**_NAME, **_SETTINGS, **UPDATE})
def update(ctx: Context, params: dict[str, Any]) -> None:
    values = dict(params)
    name, expected, delete = values.pop("name"), values.pop("digest", None), values.pop("delete", None) or []
    with notifications.lock():
        config = notifications.read()
        check_digest(config, expected)
        section = config.one("matcher", name)
        if unknown := [key for key in delete if key not in _SETTINGS]:
            raise ApiError(400, f"unable to parse key '{unknown[0]}': unknown variant")
        for key in delete:
            section.pop(key, None)
        section.update(notifications.TABLE.check_config("matcher", values, create=False))
        _check(config, section)
        config.write()


@endpoint("DELETE", f"{_PATH}/{{name}}", permission=_MODIFY, params=_NAME)
def delete(ctx: Context, params: dict[str, Any]) -> None:
    with notifications.lock():
        config = notifications.read()
        config.one("matcher", params["name"])
        config.remove(params["name"])
        config.write()


@endpoint("GET", "/cluster/notifications/matcher-fields", permission=SEE)
def fields(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": name} for name in ("type", "hostname", "job-id")]

"""/cluster/notifications: endpoints and targets (PVE/API2/Cluster/Notifications.pm; proxmox-notify does the work)."""

from __future__ import annotations

from typing import Any

from .. import notifications, schema
from ..errors import ApiError
from ..registry import ALL, Context, endpoint
from ..text import truth

_PATH = "/cluster/notifications"
_MODIFY = ["perm", "/mapping/notifications", ["Mapping.Modify"]]
_AUDIT = ["perm", "/mapping/notifications", ["Mapping.Audit"]]
SEE = ["or", _MODIFY, _AUDIT]
_NETWORK = ["or", ["perm", "/", ["Sys.Audit", "Sys.Modify"]], ["perm", "/", ["Sys.AccessNetwork"]]]
_NAME = {"name": {"type": "string", "format": "pve-configid"}}
UPDATE: dict[str, Any] = {
    "delete": {"type": "array", "optional": 1, "items": {"type": "string", "format": "pve-configid"}},
    "digest": {"type": "string", "optional": 1},
}
_PAIR = {"name": {"type": "string", "default_key": 1}, "value": {"type": "string", "optional": 1}}


@endpoint("GET", _PATH, permission=ALL)
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": name} for name in ("endpoints", "matchers", "targets", "matcher-fields", "matcher-field-values")]


@endpoint("GET", f"{_PATH}/endpoints", permission=ALL)
def kinds(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": name} for name in notifications.ENDPOINTS]


@endpoint(
    "GET", f"{_PATH}/targets", permission=["or", _MODIFY, _AUDIT, ["perm", "/mapping/notifications", ["Mapping.Use"]]]
)
def targets(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    config = notifications.read()
    found = sorted(config.of(*notifications.ENDPOINTS).items(), key=lambda pair: pair[1]["type"])
    return [
        {
            "name": name,
            "type": one["type"],
            "origin": config.origin(name),
            **{key: one[key] for key in ("comment", "disable") if one.get(key) is not None},
        }
        for name, one in found
    ]


def check_digest(config: notifications.Config, expected: Any) -> None:
    if expected and expected != config.digest:
        raise ApiError(400, "detected modified configuration - file changed by other user? Try again.")


def check_new(config: notifications.Config, name: str) -> None:
    if name in config.sections.ids:
        raise ApiError(400, f"Cannot create '{name}', an entity with the same name already exists")


def _pairs(rows: Any) -> dict[str, str | None]:
    found = [schema.parse_property_string(_PAIR, row) for row in rows or ()]
    return {one["name"]: one.get("value") for one in found}


def _secrets(kind: str, given: Any, old: Any) -> Any:
    """Of a webhook's secrets, those without a value stay as they are."""
    if kind != "webhook" or given is None:
        return given
    known = _pairs(old)
    rows = []
    for name, value in _pairs(given).items():
        value = value if value is not None else known.get(name)
        if value is None:
            raise ApiError(400, f"secret '{name}' has no value")
        rows.append(f"name={name},value={value}")
    return rows


def _row(config: notifications.Config, name: str) -> dict[str, Any]:
    row = config.row(name)
    if config.sections.ids[name]["type"] == "webhook":
        names = sorted(_pairs(config.secret(name)))
        row.pop("secret", None)
        row |= {"secret": [f"name={one}" for one in names]} if names else {}
    return row


def _check(section: dict[str, Any]) -> None:
    if section["type"] in ("sendmail", "smtp") and not (section.get("mailto") or section.get("mailto-user")):
        raise ApiError(400, "must at least provide one recipient, either in mailto or in mailto-user")


def _declare(kind: str) -> None:
    path, secret = f"{_PATH}/endpoints/{kind}", notifications.secret(kind)
    one = f"{path}/{{name}}"
    settings = {
        name: {**notifications.TABLE.properties[name], "optional": 1}
        for name in [*notifications.words(kind), secret]
        if name
    }
    needed = {name: {**settings[name], "optional": 0} for name in notifications.required(kind)}
    if kind == "gotify":
        needed["token"] = {**settings["token"], "optional": 0}
    change = ["and", _MODIFY, _NETWORK]

    # two of them say `check` twice, and the second one counts
    @endpoint("GET", path, permission=_AUDIT if kind in ("gotify", "webhook") else SEE)
    def listed(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
        config = notifications.read()
        return [{**_row(config, name), "origin": config.origin(name)} for name in config.of(kind)]

    @endpoint("GET", one, permission=SEE, params=_NAME)
    def read(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        config = notifications.read()
        config.one(kind, params["name"])
        return {**_row(config, params["name"]), "digest": config.digest}

    @endpoint("POST", path, permission=change, params={**_NAME, **settings, **needed})
    def create(ctx: Context, params: dict[str, Any]) -> None:
        values = dict(params)
        name, hidden = values.pop("name"), values.pop(secret, None)
        with notifications.lock():
            config = notifications.read()
            check_new(config, name)
            section = notifications.TABLE.check_config(kind, values, create=True)
            _check(section)
            config.sections.ids[name] = section
            config.secrets.ids[name] = {"type": kind}
            config.keep_secret(name, _secrets(kind, hidden, None))
            config.write()

    @endpoint("PUT", one, permission=change, params={**_NAME, **settings, **UPDATE})
    def update(ctx: Context, params: dict[str, Any]) -> None:
        values = dict(params)
        name, hidden = values.pop("name"), values.pop(secret, None)
        delete, expected = values.pop("delete", None) or [], values.pop("digest", None)
        with notifications.lock():
            config = notifications.read()
            check_digest(config, expected)
            section = config.one(kind, name)
            if unknown := [key for key in delete if key not in settings or key in needed]:
                raise ApiError(400, f"unable to parse key '{unknown[0]}': unknown variant")
            old = config.secret(name)
            for key in delete:
                section.pop(key, None)
            section.update(notifications.TABLE.check_config(kind, values, create=False))
            _check(section)
            if hidden is not None or secret in delete:
                config.keep_secret(name, _secrets(kind, hidden, old))
            config.write()

    @endpoint("DELETE", one, permission=_MODIFY, params=_NAME)
    def delete(ctx: Context, params: dict[str, Any]) -> None:
        name = params["name"]
        with notifications.lock():
            config = notifications.read()
            config.one(kind, name)
            users = sorted(key for key, matcher in config.of("matcher").items() if name in matcher.get("target", ()))
            if users and name not in notifications.BUILT_IN:
                raise ApiError(400, f"cannot delete '{name}', referenced by: {', '.join(users)}")
            config.remove(name)
            config.write()


for _kind in notifications.ENDPOINTS:
    _declare(_kind)


@endpoint(
    "POST",
    f"{_PATH}/targets/{{name}}/test",
    permission=["or", _MODIFY, _AUDIT, ["perm", "/mapping/notifications", ["Mapping.Use"]]],
    params=_NAME,
)
def test(ctx: Context, params: dict[str, Any]) -> None:
    """Nothing is sent."""
    config = notifications.read()
    section = config.sections.ids.get(params["name"])
    if section is None or section["type"] == "matcher":
        raise ApiError(404, f"endpoint '{params['name']}' does not exist")
    if truth(section.get("disable")):
        raise ApiError(400, f"target '{params['name']}' is disabled")

"""notifications.cfg and priv/notifications.cfg, and what Proxmox brings (PVE/Notify.pm; proxmox-notify writes them)."""

from __future__ import annotations

from typing import Any

from . import pvefiles
from .errors import ApiError
from .section import OPTIONAL, REQUIRED, Section, SectionConfig, Sections

FILE, PRIVATE = "notifications.cfg", "priv/notifications.cfg"
ENDPOINTS = ("gotify", "sendmail", "smtp", "webhook")
ARRAYS = ("mailto", "mailto-user", "header", "secret", "match-field", "match-severity", "match-calendar", "target")
_MAIL = "mailto mailto-user author comment disable"
_OPTIONS = {
    "gotify": ("server", "comment disable"),
    "sendmail": ("", f"from-address {_MAIL}"),
    "smtp": ("server from-address", f"mode port username {_MAIL}"),
    "webhook": ("url method", "header body secret comment disable"),
    "matcher": ("", "match-field match-severity match-calendar target mode invert-match comment disable"),
}
_SECRETS = {"gotify": "token", "sendmail": "", "smtp": "password", "webhook": "secret", "matcher": ""}
BUILT_IN: dict[str, Section] = {
    "default-matcher": {
        "type": "matcher",
        "comment": "Route all notifications to mail-to-root",
        "mode": "all",
        "target": ["mail-to-root"],
    },
    "mail-to-root": {
        "type": "sendmail",
        "comment": "Send mails to root@pam's email address",
        "mailto-user": ["root@pam"],
    },
}


class _Config(SectionConfig):
    """This writer sorts all keys, knows no special place for `disable`, and puts blank lines between sections only."""

    def write(self, sections: Sections) -> str:
        return "\n".join(self._section(name, section) for name, section in sections.ids.items())

    def _section(self, name: str, section: Section) -> str:
        text = f"{section['type']}: {name}\n"
        for key in sorted(section):
            if key != "type" and section[key] not in (None, [], ""):
                text += self._line(section["type"], key, section[key])
        return text


def _property(name: str) -> dict[str, Any]:
    if name in ARRAYS:
        return {"type": "array", "items": {"type": "string"}, "optional": 1}
    kinds = {"disable": "boolean", "invert-match": "boolean", "port": "integer"}
    return {"type": kinds.get(name, "string"), "optional": 1}


def words(kind: str) -> list[str]:
    required, optional = _OPTIONS[kind]
    return [*required.split(), *optional.split()]


def required(kind: str) -> list[str]:
    return _OPTIONS[kind][0].split()


def secret(kind: str) -> str:
    return _SECRETS[kind]


_NAMES = {name for kind in _OPTIONS for name in words(kind)} | {"token", "password"}
_PROPERTIES = {name: _property(name) for name in _NAMES}
TABLE = _Config(
    {kind: {name: REQUIRED if name in required(kind) else OPTIONAL for name in words(kind)} for kind in _OPTIONS},
    _PROPERTIES,
)
_PRIVATE_TABLE = _Config(
    {kind: ({_SECRETS[kind]: OPTIONAL} if _SECRETS[kind] else {}) for kind in _OPTIONS}, _PROPERTIES
)


class Config:
    """Both files, with the built-in sections wherever the file does not change them."""

    def __init__(self) -> None:
        raw = pvefiles.read(FILE)
        self.sections = TABLE.parse(raw, FILE)
        self.secrets = _PRIVATE_TABLE.parse(pvefiles.read(PRIVATE), PRIVATE)
        stored = set(self.sections.ids)
        missing = {name: dict(one) for name, one in BUILT_IN.items() if name not in stored}
        self.sections.ids = {**missing, **self.sections.ids}

    @property
    def digest(self) -> str:
        return self.sections.digest

    def origin(self, name: str) -> str:
        if name not in BUILT_IN:
            return "user-created"
        return "builtin" if self.sections.ids[name] == BUILT_IN[name] else "modified-builtin"

    def of(self, *kinds: str) -> dict[str, Section]:
        return {name: one for name, one in self.sections.ids.items() if one["type"] in kinds}

    def one(self, kind: str, name: str) -> Section:
        """Raises 404."""
        found = self.sections.ids.get(name)
        if found is None or found["type"] != kind:
            what = "matcher" if kind == "matcher" else "endpoint"
            raise ApiError(404, f"{what} '{name}' not found")
        return found

    def row(self, name: str) -> dict[str, Any]:
        section = self.sections.ids[name]
        return {key: value for key, value in section.items() if key != "type"} | {"name": name}

    def secret(self, name: str) -> Any:
        kind = self.sections.ids[name]["type"]
        return self.secrets.ids.get(name, {}).get(_SECRETS[kind])

    def keep_secret(self, name: str, value: Any) -> None:
        kind = self.sections.ids[name]["type"]
        if not _SECRETS[kind]:
            return
        entry = self.secrets.ids.setdefault(name, {"type": kind})
        entry.pop(_SECRETS[kind], None)
        if value not in (None, []):
            entry[_SECRETS[kind]] = value

    def remove(self, name: str) -> None:
        """What is built in is there again, as it was, as soon as the file is read."""
        del self.sections.ids[name]
        self.secrets.ids.pop(name, None)

    def write(self) -> None:
        pvefiles.write(FILE, TABLE.write(self.sections))
        pvefiles.write_private(PRIVATE, _PRIVATE_TABLE.write(self.secrets))


def lock() -> Any:
    return pvefiles.lock("domain-notifications")


def read() -> Config:
    return Config()


__all__ = ["ENDPOINTS", "Config", "Sections", "lock", "read"]

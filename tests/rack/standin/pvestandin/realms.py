"""domains.cfg: the realms, with pam and pve there in any case (PVE/Auth/)."""

from __future__ import annotations

from typing import Any

from . import paths, pvefiles
from .errors import Failure
from .section import FIXED_OPTIONAL, OPTIONAL, REQUIRED, Option, SectionConfig, Sections
from .text import decode_text, encode_text, truth

FILE = "domains.cfg"
BUILT_IN = {"pam": "Linux PAM standard authentication", "pve": "Proxmox VE authentication server"}

_PLAIN = "default comment tfa"
_DIRECTORY = (
    f"{_PLAIN} server2 bind_dn password port secure sslversion verify capath cert certkey filter "
    "sync_attributes user_classes group_dn group_name_attr group_filter group_classes sync-defaults-options "
    "mode case-sensitive"
)
_TYPES = {
    "pam": ("", _PLAIN),
    "pve": ("", _PLAIN),
    "ldap": ("server1 base_dn user_attr", _DIRECTORY),
    "ad": ("server1 domain", f"{_DIRECTORY} base_dn user_attr"),
    "openid": (
        "issuer-url client-id",
        "client-key autocreate groups-claim groups-autocreate groups-overwrite prompt "
        "scopes acr-values default comment query-userinfo",
    ),
}


def _text(form: str | None = None, length: int | None = None, **more: Any) -> dict[str, Any]:
    return {
        "type": "string",
        "optional": 1,
        **({"format": form} if form else {}),
        **({"maxLength": length} if length else {}),
        **more,
    }


_BOOLEAN = {"type": "boolean", "optional": 1}
_PROPERTIES: dict[str, dict[str, Any]] = {
    **{
        name: _BOOLEAN
        for name in (
            "default",
            "secure",
            "verify",
            "autocreate",
            "groups-autocreate",
            "groups-overwrite",
            "query-userinfo",
            "case-sensitive",
        )
    },
    **{name: _text() for name in ("capath", "cert", "certkey", "password", "scopes", "username-claim", "audiences")},
    "comment": _text(length=4096),
    "tfa": _text("pve-tfa-config", 128),
    "server1": _text("address", 256),
    "server2": _text("address", 256),
    "base_dn": _text(length=256),
    "bind_dn": _text(length=256),
    "user_attr": _text(length=256, pattern=r"\S{2,}"),
    "port": {"type": "integer", "optional": 1, "minimum": 1, "maximum": 65535},
    "sslversion": _text(enum=["tlsv1", "tlsv1_1", "tlsv1_2", "tlsv1_3"]),
    "filter": _text(length=2048),
    "sync_attributes": _text(pattern=r"\w+=[^,]+(,\s*\w+=[^,]+)*"),
    "user_classes": _text("ldap-simple-attr-list"),
    "group_dn": _text(length=256),
    "group_name_attr": _text("ldap-simple-attr"),
    "group_filter": _text(length=2048),
    "group_classes": _text("ldap-simple-attr-list"),
    "sync-defaults-options": _text("realm-sync-options"),
    "mode": _text(enum=["ldap", "ldaps", "ldap+starttls"]),
    "domain": _text(length=256, pattern=r"\S+"),
    "issuer-url": _text(length=256),
    "client-id": _text(length=256),
    "client-key": _text(length=256),
    "groups-claim": _text(length=256),
    "prompt": _text(pattern=r"(?:none|login|consent|select_account|\S+)"),
    "acr-values": _text(pattern=r'^[^\x00-\x1F\x7F <>#"]*$'),
}


def properties() -> dict[str, dict[str, Any]]:
    new = () if paths.release()[0] >= 9 else ("audiences",)
    return {name: schema for name, schema in _PROPERTIES.items() if name not in new}


def section_config() -> SectionConfig:
    types: dict[str, dict[str, Option]] = {
        name: {**dict.fromkeys(required.split(), REQUIRED), **dict.fromkeys(optional.split(), OPTIONAL)}
        for name, (required, optional) in _TYPES.items()
    }
    types["openid"]["username-claim"] = FIXED_OPTIONAL
    if paths.release()[0] >= 9:
        types["openid"]["audiences"] = OPTIONAL
    return SectionConfig(types, properties())


def read() -> Sections:
    sections = section_config().parse(pvefiles.read(FILE), FILE)
    default_seen = False
    for section in sections.ids.values():
        if section.get("comment"):
            section["comment"] = decode_text(section["comment"])
        if truth(section.get("default")) and default_seen:
            del section["default"]
        default_seen = default_seen or truth(section.get("default"))
    for name, comment in BUILT_IN.items():
        # the API shows this of Perl's, where the file does not have the realm
        section = sections.ids.setdefault(name, {"plugin": f"PVE::Auth::{name.upper()}"})
        section["type"] = name
        section.setdefault("comment", comment)
    return sections


def write(sections: Sections) -> None:
    encoded = {
        name: {**section, **({"comment": encode_text(section["comment"])} if section.get("comment") else {})}
        for name, section in sections.ids.items()
    }
    pvefiles.write(FILE, section_config().write(Sections(encoded)))


def known_kind(realm: str) -> str | None:
    section = read().ids.get(realm)
    return section["type"] if section else None


def kind(realm: str) -> str:
    """The type of a realm."""
    found = known_kind(realm)
    if found is None:
        raise Failure(f"auth domain '{realm}' does not exist")
    return found

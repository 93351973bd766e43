"""datacenter.cfg: `key: value` lines below the description, which stands there as comments (PVE/DataCenterConfig.pm)."""

from __future__ import annotations

import re
from typing import Any

from . import pvefiles
from .errors import Failure
from .schema import parse_property_string, print_property_string
from .text import decode_text, encode_text, number

FILE = "datacenter.cfg"
_PREFIX = "BC:24:11"


def _words(*names: str) -> dict[str, Any]:
    return {name: {"type": "string", "optional": 1} for name in names}


FORMATS: dict[str, dict[str, Any]] = {
    "crs": {
        **_words("ha"),
        **{name: {"type": "boolean", "optional": 1} for name in ("ha-rebalance-on-start", "ha-auto-rebalance")},
        **_words(
            "ha-auto-rebalance-hold-duration",
            "ha-auto-rebalance-margin",
            "ha-auto-rebalance-method",
            "ha-auto-rebalance-threshold",
        ),
    },
    "migration": {"type": {"type": "string", "default_key": 1}, **_words("network")},
    "replication": {"type": {"type": "string", "default_key": 1, "optional": 1}, **_words("network")},
    "next-id": _words("lower", "upper"),
    "ha": _words("shutdown_policy"),
    "notify": _words(
        "fencing", "package-updates", "replication", "target-fencing", "target-package-updates", "target-replication"
    ),
    "u2f": _words("appid", "origin"),
    "webauthn": {**_words("rp", "origin", "id"), "allow-subdomains": {"type": "boolean", "optional": 1}},
    "tag-style": {**_words("shape", "color-map", "ordering"), "case-sensitive": {"type": "boolean", "optional": 1}},
    "user-tag-access": _words("user-allow", "user-allow-list"),
}


def read() -> dict[str, Any]:
    raw = pvefiles.read(FILE)
    notes = "".join(decode_text(line[1:]) + "\n" for line in raw.splitlines() if line.startswith("#"))
    values: dict[str, Any] = dict(re.findall(r"^([a-z][\w-]*):[ \t]*(.*?)\s*$", raw, re.MULTILINE))
    for key, form in FORMATS.items():
        if values.get(key):
            parsed = parse_property_string(form, values[key])
            values[key] = {
                name: number(value) if form[name].get("type") == "boolean" else value for name, value in parsed.items()
            }
    if "user-allow-list" in values.get("user-tag-access", {}):
        values["user-tag-access"]["user-allow-list"] = values["user-tag-access"]["user-allow-list"].split(";")
    if "registered-tags" in values:
        values["registered-tags"] = values["registered-tags"].split(";")
    return {**values, "description": notes, "mac_prefix": values.get("mac_prefix", _PREFIX)}


def write(values: dict[str, Any]) -> None:
    values = dict(values)
    notes = "".join(f"#{encode_text(line)}\n" for line in str(values.pop("description", None) or "").splitlines())
    if str(values.get("mac_prefix", "")).upper() == _PREFIX:
        del values["mac_prefix"]
    for key, form in FORMATS.items():
        value = values.get(key)
        if value is None:
            continue
        parsed = dict(value) if isinstance(value, dict) else parse_property_string(form, str(value))
        if key == "next-id" and int(parsed.get("lower", 100)) > int(parsed.get("upper", 1000000)):
            raise Failure(
                f"lower ({parsed.get('lower', 100)}) <= upper ({parsed.get('upper', 1000000)}) boundary rule broken"
            )
        if isinstance(parsed.get("user-allow-list"), list):
            parsed["user-allow-list"] = ";".join(sorted(parsed["user-allow-list"]))
        if isinstance(value, dict) or key == "next-id":
            values[key] = print_property_string(form, parsed)
    if isinstance(values.get("registered-tags"), list):
        values["registered-tags"] = ";".join(sorted(values["registered-tags"]))
    pvefiles.write(FILE, notes + "\n" + "".join(f"{key}: {values[key]}\n" for key in sorted(values)))

"""Checks parameters as PVE/JSONSchema.pm does, with its sentences, and knows the official schema when there is one."""

from __future__ import annotations

import json
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from . import formats, paths
from .errors import bad_parameters
from .registry import Endpoint

Errors = dict[str, str]
Schema = dict[str, Any]

UNKNOWN = "property is not defined in schema and the schema does not allow additional properties"
MISSING = "property is missing and it is not optional"
_NUMBER = re.compile(r"[+-]?(\d+\.\d+|\d+\.|\.\d+|\d+)([eE][+-]?\d+)?")


def official() -> dict[str, Any] | None:
    """The official schema: {version, paths: {path: {METHOD: {params, permissions, …}}}}, or None."""
    path = Path(os.environ.get("PVE_STANDIN_SCHEMA") or paths.at("/usr/share/pve-standin/schema.json"))
    return _load(str(path), path.stat().st_mtime_ns) if path.exists() else None


@lru_cache(maxsize=4)
def _load(path: str, stamp: int) -> dict[str, Any]:
    return json.loads(Path(path).read_text())


def parameters(endpoint: Endpoint) -> tuple[Schema, bool]:
    """The properties a call may have, and whether it may have others."""
    known = official()
    if known:
        info = known["paths"].get(endpoint.path, {}).get(endpoint.method)
        if info is not None:
            return info.get("params") or {}, bool(info.get("additional"))
    return endpoint.params, False


def validate(endpoint: Endpoint, params: dict[str, Any]) -> dict[str, Any]:
    """The parameters, lists in legacy form put right. Raises 400 with every error at once."""
    properties, additional = parameters(endpoint)
    properties = _expand(properties, params)
    params = {name: _normalize(value, properties.get(name, {})) for name, value in params.items()}
    errors: Errors = {}
    check_object("", properties, params, errors, additional=additional)
    if errors:
        raise bad_parameters(errors)
    return params


def _expand(properties: Schema, params: dict[str, Any]) -> Schema:
    """`net[n]` stands for net0, net1, …"""
    if not any(name.endswith("[n]") for name in properties):
        return properties
    expanded = {name: value for name, value in properties.items() if not name.endswith("[n]")}
    for name in params:
        match = re.fullmatch(r"(.+?)(\d+)", name)
        if match and f"{match[1]}[n]" in properties:
            expanded[name] = properties[f"{match[1]}[n]"]
    return expanded


def _normalize(value: Any, schema: Schema) -> Any:
    if isinstance(value, list) and schema.get("type") == "string" and str(schema.get("format", "")).endswith("-list"):
        return ",".join(str(item) for item in value)
    if schema.get("type") == "array" and value not in (None, "", "0") and not isinstance(value, list):
        return [value]
    return value


def _add(errors: Errors, path: str, message: str) -> None:
    path = path or "_root"
    # The backslash and the n are Proxmox's: it joins with a single-quoted string.
    errors[path] = f"{errors[path]}\\n{message}" if path in errors else message


_REQUIRED = {True: "missing property required by '{}'", False: "missing property - '{}' requires this property"}
"""What is said from PVE 9 on, and what before."""


def check_object(
    path: str, properties: Schema, value: dict[str, Any], errors: Errors, *, additional: bool = False
) -> None:
    prefix = f"{path}." if path else ""
    properties = {name: one for name, one in properties.items() if _of_this_type(one, value)}
    for name in sorted(properties):
        check_value(value.get(name), properties[name], prefix + name, errors)
    for name in sorted(value):
        if name in properties:
            needed = properties[name].get("requires")
            if isinstance(needed, str) and value.get(needed) is None:
                _add(errors, prefix + needed, _REQUIRED[paths.release()[0] >= 9].format(prefix + name))
        elif not additional:
            _add(errors, prefix + name, UNKNOWN)


def _of_this_type(schema: Schema, values: dict[str, Any]) -> bool:
    """Some properties are there only for some values of another one, which is then the type."""
    return "type-property" not in schema or values.get(schema["type-property"]) in schema["instance-types"]


def check_value(value: Any, schema: Schema, path: str, errors: Errors) -> None:
    """Add to `errors` what is wrong with one value; None is a value not given."""
    if value is None:
        if schema.get("type") != "null" and not schema.get("optional"):
            _add(errors, path, MISSING)
        return
    if not _check_type(value, schema.get("type"), path, errors):
        return
    if isinstance(value, list):
        for index, item in enumerate(value):
            check_value(item, schema.get("items") or {}, f"{path}[{index}]", errors)
    elif isinstance(value, dict):
        check_object(
            path,
            schema.get("properties") or {},
            value,
            errors,
            additional=bool(schema.get("additionalProperties", True)),
        )
    else:
        _check_scalar(str(int(value)) if isinstance(value, bool) else str(value), schema, path, errors)


def _check_type(value: Any, kind: Any, path: str, errors: Errors) -> bool:
    if not kind or kind == "any" or isinstance(kind, list):
        return True
    if kind in ("array", "object"):
        if isinstance(value, {"array": list, "object": dict}[kind]):
            return True
        _add(errors, path, f"type check ('{kind}') failed")
        return False
    if isinstance(value, (list, dict)):
        _add(errors, path, f"type check ('{kind}') failed - got {'ARRAY' if isinstance(value, list) else 'HASH'}")
        return False
    if isinstance(value, bool):
        if kind == "boolean":
            return True
        _add(errors, path, f"type check ('{kind}') failed - got JSON::PP::Boolean")
        return False
    text = str(value)
    good = {
        "boolean": text in ("0", "1"),
        "integer": re.fullmatch(r"[+-]?\d+", text),
        "number": _NUMBER.fullmatch(text),
    }.get(kind, True)
    if not good:
        _add(errors, path, f"type check ('{kind}') failed - got '{text}'")
    return bool(good)


def _check_scalar(text: str, schema: Schema, path: str, errors: Errors) -> None:
    problem = _format_problem(schema.get("format"), text, path)
    if problem is not None:
        # Proxmox's own sentence ends in a line feed here, and a client sees it.
        _add(errors, path, f"invalid format - {problem}\n")
        return
    pattern = schema.get("pattern")
    if pattern and not re.fullmatch(_python_regex(pattern), text):
        _add(errors, path, "value does not match the regex pattern")
        return
    if schema.get("maxLength") is not None and len(text) > int(schema["maxLength"]):
        _add(errors, path, f"value may only be {schema['maxLength']} characters long")
        return
    if schema.get("minLength") is not None and len(text) < int(schema["minLength"]):
        _add(errors, path, f"value must be at least {schema['minLength']} characters long")
        return
    if _NUMBER.fullmatch(text):
        if schema.get("maximum") is not None and float(text) > float(schema["maximum"]):
            _add(errors, path, f"value must have a maximum value of {schema['maximum']}")
            return
        if schema.get("minimum") is not None and float(text) < float(schema["minimum"]):
            _add(errors, path, f"value must have a minimum value of {schema['minimum']}")
            return
    choices = schema.get("enum")
    if choices and text not in [str(choice) for choice in choices]:
        _add(
            errors,
            path,
            f"value '{text}' does not have a value in the enumeration '{', '.join(str(choice) for choice in choices)}'",
        )


def _python_regex(pattern: str) -> str:
    """Perl prints a compiled pattern as (?^:…); posix classes are not in Python either."""
    return pattern.replace("(?^:", "(?:").replace("(?^i:", "(?i:").replace("[:alnum:]", "a-zA-Z0-9")


def _format_problem(form: Any, text: str, path: str) -> str | None:
    try:
        if isinstance(form, dict):
            parse_property_string(form, text, path)
        elif form in formats.PROPERTY_FORMATS:
            parse_property_string(formats.PROPERTY_FORMATS[form], text, path)
            if form == "prune-backups":
                _check_prune(text)
        elif form:
            formats.check(form, text)
    except ValueError as error:
        return str(error)
    return None


def _check_prune(text: str) -> None:
    kept = parse_property_string(formats.PROPERTY_FORMATS["prune-backups"], text)
    others = [value for name, value in kept.items() if name != "keep-all" and int(value) > 0]
    if others and kept.get("keep-all") in ("1", 1):
        raise ValueError("keep-all cannot be set together with other options.")


def parse_property_string(form: Schema, text: str, path: str = "") -> dict[str, str]:
    """`a=1,b=2`, with a default key without `a=`. Raises ValueError with Proxmox's sentence."""
    found: dict[str, str] = {}
    default = next((name for name, schema in form.items() if schema.get("default_key")), None)
    for part in text.split(","):
        if not part.strip():
            continue
        name, equals, value = part.partition("=")
        if not equals:
            if default is None:
                raise ValueError("value without key, but schema does not define a default key")
            name, value = default, part
        elif not name or not value:
            raise ValueError("missing key in comma-separated list property")
        name = str(form.get(name, {}).get("alias", name))
        if name in found:
            raise ValueError(f"duplicate key in comma-separated list property: {name}")
        if name not in form:
            raise ValueError(f"invalid key in comma-separated list property: {name}")
        found[name] = _boolean(value) if form[name].get("type") == "boolean" else value
    errors: Errors = {}
    check_object(path, {name: schema for name, schema in form.items() if "alias" not in schema}, found, errors)
    if errors:
        raise ValueError("format error\n" + "\n".join(f"{name}: {text}" for name, text in sorted(errors.items())))
    return found


def _boolean(value: str) -> str:
    return {"1": "1", "on": "1", "yes": "1", "true": "1", "0": "0", "off": "0", "no": "0", "false": "0"}.get(
        value.lower(), value
    )


def print_property_string(form: Schema, values: dict[str, Any]) -> str:
    """Property string in Proxmox's order: the default key first without its name, then the others by name."""
    default = next((name for name, schema in form.items() if schema.get("default_key")), None)
    parts = [str(values[default])] if default in values else []
    return ",".join(parts + [f"{name}={values[name]}" for name in sorted(values) if name != default])

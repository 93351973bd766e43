"""Checks parameters as proxmox-schema does, with its sentences, against the official schema when there is one.

A form has strings only, and each becomes what its schema says. JSON has types of its own, and they must fit.
"""

from __future__ import annotations

import json
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from pvestandin import paths
from pvestandin.registry import Endpoint

from . import formats, release, words
from .errors import ParameterError

UNKNOWN = "schema does not allow additional properties"
MISSING = "parameter is missing and it is not optional"


def official() -> dict[str, Any] | None:
    """The official schema: {version, paths: {path: {METHOD: {params, permissions, …}}}}, or None."""
    path = Path(os.environ.get("PBS_STANDIN_SCHEMA") or paths.at(f"{release.HOME}/schema.json"))
    return _load(str(path), path.stat().st_mtime_ns) if path.exists() else None


@lru_cache(maxsize=4)
def _load(path: str, stamp: int) -> dict[str, Any]:
    return json.loads(Path(path).read_text())


def declared(endpoint: Endpoint) -> dict[str, Any]:
    """What the handler itself says about its parameters, those in the path included."""
    text = endpoint.declared() if callable(endpoint.declared) else endpoint.declared
    assert isinstance(text, str)
    table = dict(words.table(text))
    for name in re.findall(r"{([^}]+)}", endpoint.path):
        table.setdefault(name, {"type": "string"})
    return table


def parameters(endpoint: Endpoint) -> dict[str, Any]:
    own = declared(endpoint)
    known = official()
    info = known["paths"].get(endpoint.path, {}).get(endpoint.method) if known else None
    if info is None:
        return {name: entry for name, entry in own.items() if release.has_parameter(name)}
    # Of some parameters the official schema says only that they are texts; node is in the path of every answer.
    return (
        {"node": {"type": "string", "optional": 1}, **(info.get("params") or {})} if "node" in own else info["params"]
    )


def check(endpoint: Endpoint, given: dict[str, Any], *, typed: bool) -> dict[str, Any]:
    """The parameters in their own types. `typed`: they came as JSON. Raises 400 with every error."""
    table = parameters(endpoint)
    in_path = set(re.findall(r"{([^}]+)}", endpoint.path))
    problems: list[tuple[str, str]] = []
    result: dict[str, Any] = {}
    for name, value in given.items():
        if name not in table:
            problems.append((name, UNKNOWN))
            continue
        try:
            result[name] = _value(name, value, table[name], typed=typed and name not in in_path)
        except ValueError as error:
            problems.append((name, str(error)))
    problems += [(name, MISSING) for name, schema in table.items() if not schema.get("optional") and name not in given]
    if problems:
        raise ParameterError(problems)
    return result


def _value(name: str, value: Any, schema: dict[str, Any], *, typed: bool) -> Any:
    kind = schema.get("type", "string")
    if kind == "array":
        if typed and not isinstance(value, list):
            raise ValueError("Expected array - got scalar value.")
        items = value if isinstance(value, list) else [value]
        if schema.get("minItems") is not None and len(items) < schema["minItems"]:
            raise ValueError(f"array must contain at least {schema['minItems']} elements")
        return [_value(name, item, schema.get("items") or {}, typed=typed) for item in items]
    if isinstance(value, list):
        raise ValueError("duplicate parameter.")
    if typed:
        _check_json_type(value, kind)
    else:
        value = words.typed(value, kind)
    if kind == "integer":
        _check_range(value, schema)
    elif kind == "string":
        _check_text(name, value, schema)
        return formats.stored(name, value)
    return value


def _check_json_type(value: Any, kind: str) -> None:
    expected = {"string": str, "boolean": bool, "integer": int, "number": (int, float)}.get(kind)
    if expected and (not isinstance(value, expected) or (isinstance(value, bool) and kind != "boolean")):
        raise ValueError(f"Expected {kind} value.")


def _check_range(value: int, schema: dict[str, Any]) -> None:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and value < low:
        raise ValueError(f"value must have a minimum value of {low} (got {value})")
    if high is not None and value > high:
        raise ValueError(f"value must have a maximum value of {high} (got {value})")


def _check_text(name: str, value: str, schema: dict[str, Any]) -> None:
    if schema.get("minLength") is not None and len(value) < schema["minLength"]:
        raise ValueError(f"value must be at least {schema['minLength']} characters long")
    if schema.get("maxLength") is not None and len(value) > schema["maxLength"]:
        raise ValueError(f"value may only be {schema['maxLength']} characters long")
    if schema.get("enum") and value not in schema["enum"]:
        raise ValueError(f"value '{value}' is not defined in the enumeration.")
    if schema.get("pattern") and not regex(schema["pattern"]).search(value):
        raise ValueError("value does not match the regex pattern")
    formats.check(name, value)


@lru_cache(maxsize=512)
def regex(pattern: str) -> re.Pattern[str]:
    """The schema's dump has /^…$/ and POSIX classes; pbsstandin.words has patterns of the whole value."""
    pattern = pattern[1:-1] if pattern.startswith("/") and pattern.endswith("/") else rf"^(?:{pattern})$"
    pattern = pattern.replace("[[:^cntrl:]]", r"[^\x00-\x1f\x7f]").replace("[:cntrl:]", r"\x00-\x1f\x7f")
    return re.compile(pattern.removesuffix("$") + r"\Z" if not pattern.startswith("(?m)") else pattern)

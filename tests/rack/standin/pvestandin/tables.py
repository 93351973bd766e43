"""How commands print a result: JSON, or a table (PVE/CLIFormatter.pm)."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Any

Schema = dict[str, Any]


def show(data: Any, returns: Schema | None, options: dict[str, Any]) -> None:
    """Print a result as `--output-format` and the other format options ask for."""
    if options.get("quiet"):
        return
    schema = returns if returns and returns.get("type") else _guessed(data)
    if schema["type"] == "null" or (schema.get("optional") and data is None):
        return
    form = options.get("output-format") or "text"
    if form == "json":
        print(json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
    elif form == "json-pretty":
        print(json.dumps(data, sort_keys=True, indent=3, separators=(",", " : "), ensure_ascii=False))
    elif form == "yaml":
        print("---\n" + _yaml(data, ""), end="")
    else:
        _text(data, schema, options)


def _guessed(data: Any) -> Schema:
    kind = {dict: "object", list: "array", type(None): "null"}.get(type(data), "string")
    if kind == "array":
        return {"type": kind, "items": _guessed(data[0]) if data else {"type": "null"}}
    return {"type": kind}


def _text(data: Any, schema: Schema, options: dict[str, Any]) -> None:
    if schema["type"] == "object":
        properties = schema.get("properties") or {}
        keys = [key for key in _columns(properties) or sorted(data) if data.get(key) is not None]
        rows = [{"key": key, "value": _cell(data[key], properties.get(key) or {}, options)} for key in keys]
        _table(rows, {}, ["key", "value"], options)
    elif schema["type"] == "array":
        items = schema.get("items") or {}
        if not data:
            return
        if items.get("type") == "object":
            properties = items.get("properties") or {}
            columns = _columns(properties) or sorted({key for row in data for key in row})
            _table(data, properties, columns, options)
        else:
            _table([{"value": value} for value in data], {"value": items}, ["value"], {**options, "noheader": 1})
    else:
        print(data)


def _columns(properties: Schema) -> list[str]:
    required = sorted(key for key, schema in properties.items() if not schema.get("optional"))
    return required + sorted(key for key, schema in properties.items() if schema.get("optional"))


def _cell(value: Any, schema: Schema, options: dict[str, Any]) -> str:
    if value is None:
        return ""
    if str(options.get("human-readable", 1)) != "0":
        if schema.get("type") == "boolean":
            return "1" if value not in (0, "0", "", False) else "0"
        if schema.get("renderer") in _RENDERERS:
            return _RENDERERS[schema["renderer"]](value)
    if isinstance(value, (dict, list)):
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return str(int(value)) if isinstance(value, bool) else str(value)


def _bytes(value: Any) -> str:
    size, unit = float(value), 0
    units = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
    while size >= 1024 and unit < len(units) - 1:
        size, unit = size / 1024, unit + 1
    return f"{size:.2f} {units[unit]}"


def _duration(value: Any) -> str:
    minutes, seconds = divmod(int(value), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [
        f"{amount}{unit}" for amount, unit in ((days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s")) if amount
    ]
    return " ".join(parts) or "0s"


_RENDERERS = {
    "bytes": _bytes,
    "duration": _duration,
    "fraction_as_percentage": lambda value: f"{float(value) * 100:.2f}%",
    "timestamp": lambda value: datetime.fromtimestamp(int(value)).astimezone().strftime("%Y-%m-%d %H:%M:%S"),
    "timestamp_gmt": lambda value: datetime.fromtimestamp(int(value), UTC).strftime("%Y-%m-%d %H:%M:%S"),
}


def _table(rows: list[dict[str, Any]], properties: Schema, columns: list[str], options: dict[str, Any]) -> None:
    first = columns[0]
    numeric = (properties.get(first) or {}).get("type") in ("integer", "number")
    rows = sorted(
        rows,
        key=lambda row: (
            row.get(first) is not None,
            float(row.get(first) or 0) if numeric else str(row.get(first) or ""),
        ),
    )
    cells = [[_cell(row.get(key), properties.get(key) or {}, options).split("\n") for key in columns] for row in rows]
    titles = [(properties.get(key) or {}).get("title") or key for key in columns]
    widths = [
        max([len(titles[index]), *(len(line) for row in cells for line in row[index])]) for index in range(len(columns))
    ]
    right = [(properties.get(key) or {}).get("type") in ("integer", "number") for key in columns]
    border, header = not options.get("noborder"), not options.get("noheader")
    marks = _marks()

    def line(values: list[str]) -> str:
        padded = [
            value.rjust(width) if flush else value.ljust(width)
            for value, width, flush in zip(values, widths, right, strict=True)
        ]
        if border:
            return f"{marks['bar']} " + f" {marks['bar']} ".join(padded) + f" {marks['bar']}"
        return " ".join([*padded[:-1], values[-1]])

    def rule(kind: str) -> None:
        if border:
            left, fill, middle, end = tuple(marks[kind])
            print(left + middle.join(fill * (width + 2) for width in widths) + end)

    rule("top")
    if header:
        print(line(titles))
    for number, row in enumerate(cells):
        if number or header:
            rule("head" if header and not number else "inner")
        for level in range(max(len(cell) for cell in row)):
            print(line([cell[level] if level < len(cell) else "" for cell in row]))
    rule("bottom")


def _marks() -> dict[str, str]:
    if (sys.stdout.encoding or "").lower().replace("-", "") == "utf8":
        return {"bar": "│", "top": "┌─┬┐", "head": "╞═╪╡", "inner": "├─┼┤", "bottom": "└─┴┘"}
    return {"bar": "|", "top": "+-++", "head": "+=++", "inner": "+-++", "bottom": "+-++"}


def _yaml(data: Any, indent: str) -> str:
    """Enough of YAML for the API's answers: JSON scalars are YAML scalars."""
    if isinstance(data, dict) and data:
        return "".join(f"{indent}{key}:{_yaml_child(data[key], indent)}" for key in sorted(data))
    if isinstance(data, list) and data:
        return "".join(f"{indent}-{_yaml_child(item, indent)}" for item in data)
    return f"{indent}{json.dumps(data, ensure_ascii=False)}\n"


def _yaml_child(data: Any, indent: str) -> str:
    if isinstance(data, (dict, list)) and data:
        return "\n" + _yaml(data, indent + "  ")
    return f" {json.dumps(data, ensure_ascii=False)}\n"

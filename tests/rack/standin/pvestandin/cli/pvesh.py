"""pvesh: calls of the API as root (PVE/CLI/pvesh.pm)."""

from __future__ import annotations

import sys
from typing import Any

from .. import registry, schema, tables
from ..commandline import FORMAT_OPTIONS, Command, UsageError, call, complain, parse, returns, usage
from ..errors import ApiError

_METHODS = {"get": "GET", "set": "PUT", "create": "POST", "delete": "DELETE", "ls": "GET", "usage": ""}
_OWN: dict[str, Any] = {**FORMAT_OPTIONS, "noproxy": {"type": "boolean", "optional": 1}}


def main() -> int:
    registry.load()
    words = sys.argv[1:]
    if len(words) < 2 or words[0] not in _METHODS:
        said = f"unknown command 'pvesh {words[0]}'" if words and words[0] not in _METHODS else "not enough arguments"
        print(
            f"ERROR: {said}\nUSAGE: pvesh <COMMAND> [ARGS] [OPTIONS]\n\n"
            "       pvesh create <api_path> [OPTIONS] [FORMAT_OPTIONS]\n"
            "       pvesh delete <api_path> [OPTIONS] [FORMAT_OPTIONS]\n"
            "       pvesh get <api_path> [OPTIONS] [FORMAT_OPTIONS]\n"
            "       pvesh ls <api_path> [OPTIONS] [FORMAT_OPTIONS]\n"
            "       pvesh set <api_path> [OPTIONS] [FORMAT_OPTIONS]\n"
            "       pvesh usage <api_path> [OPTIONS]",
            file=sys.stderr,
        )
        return 255
    command, path, args = words[0], words[1], words[2:]
    if command == "usage":
        return _usage(path)
    if not path.startswith("/"):
        path = f"/{path}"
    try:
        endpoint, in_path = registry.find(_METHODS[command], path)
    except ApiError:
        print(f"No '{command}' handler defined for '{path}'", file=sys.stderr)
        return 1
    known = {name: entry for name, entry in schema.parameters(endpoint)[0].items() if name not in in_path}
    line = _usage_line(command, endpoint, in_path)
    try:
        params = parse({**known, **_OWN}, args)
    except UsageError as error:
        print(f"400 {error}\n{line}", file=sys.stderr)
        return 255
    options = {name: params.pop(name) for name in _OWN if name in params}
    answer = call("pvesh", endpoint.method, path, params)
    if answer.status >= 400:
        return complain(answer, line)
    if command == "ls":
        return _list(answer.data, options)
    tables.show(answer.data, returns(endpoint.method, endpoint.path), options)
    return 0


def _usage_line(command: str, endpoint: registry.Endpoint, in_path: dict[str, str]) -> str:
    row = Command(endpoint.method, endpoint.path, fixed=in_path, show="result")
    words = usage("", row).split()
    if "[OPTIONS]" not in words:
        words.insert(len(words) - 1, "[OPTIONS]")
    return " ".join([f"pvesh {command} <api_path>", *words])


def _usage(path: str) -> int:
    found = 0
    for command in ("get", "set", "create", "delete"):
        try:
            endpoint, in_path = registry.find(_METHODS[command], path)
        except ApiError:
            continue
        found += 1
        print("USAGE: " + _usage_line(command, endpoint, in_path).replace("<api_path>", path))
    if not found:
        print(f"no such resource '{path}'", file=sys.stderr)
    return 0 if found else 255


def _list(data: Any, options: dict[str, Any]) -> int:
    keys = ("subdir", "name", "node", "storage", "userid", "groupid", "roleid", "realm", "poolid", "id", "upid")
    rows = [{"capabilities": "Dr---", "name": next((row[key] for key in keys if key in row), "")} for row in data or []]
    tables.show(sorted(rows, key=lambda row: row["name"]), None, {"noborder": 1, "noheader": 1, **options})
    return 0

"""Commands over the API's own handlers (proxmox-router, cli). A row is: method, path, positional arguments.

What a command starts it waits for, with the task's log on stdout; a task that fails makes it end with 255.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from pvestandin import requestlog

from . import dispatch, schema, table, users, words

FORMATS = ("text", "json", "json-pretty")


@dataclass(frozen=True)
class Command:
    method: str
    path: str
    positional: tuple[str, ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict)
    says_result: bool = False
    """The answer stands after `Result: `, as JSON."""


class UsageError(Exception):
    """Wrong arguments."""


def main(program: str, commands: Mapping[str, Command]) -> int:
    """Find the command of one to three words and run it."""
    arguments = sys.argv[1:]
    table.load()
    for length in (3, 2, 1):
        command = commands.get(" ".join(arguments[:length])) if len(arguments) >= length else None
        if command:
            return execute(program, command, arguments[length:])
    known = "\n".join(f"{program} {name}" for name in sorted(commands))
    print(f"Error: no such command\nUsage:\n\n{known}", file=sys.stderr)
    return 255


def execute(program: str, command: Command, arguments: list[str]) -> int:
    try:
        params = {**parse(command, arguments), **command.fixed}
    except UsageError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 255
    form = params.pop("output-format", "text")
    path = command.path
    for name in [name for name in params if f"{{{name}}}" in path]:
        path = path.replace(f"{{{name}}}", quote(str(params.pop(name)), safe="@!:\\"))
    answer, _user = dispatch.answer(command.method, path, lambda: users.SUPERUSER, lambda: (params, False), cli=True)
    requestlog.write(
        peer=program,
        user=users.SUPERUSER,
        method=command.method,
        path=path,
        params=params,
        status=answer.status,
        message=answer.message or None,
    )
    if answer.status >= 400:
        print(f"Error: {answer.message}", file=sys.stderr)
        return 255
    _show(answer.data, form, result=command.says_result)
    return 0


def parse(command: Command, arguments: list[str]) -> dict[str, Any]:
    """Options and positional arguments by name; an option that stands more than once is a list."""
    found = table.find(command.method, command.path)
    known = schema.parameters(found[0]) if found else {}
    params: dict[str, Any] = {}
    left, rest = list(command.positional), list(arguments)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            if not left:
                raise UsageError(f"got unexpected argument '{word}'")
            params[left.pop(0)] = word
            continue
        name, equals, value = word[2:].partition("=")
        if not equals:
            value = _value(name, known, rest)
        if name in params:
            value = [*(params[name] if isinstance(params[name], list) else [params[name]]), value]  # type: ignore[assignment]
        params[name] = value
    missing = [name for name in left if not known.get(name, {}).get("optional")]
    if missing:
        raise UsageError(f"missing argument: <{missing[0]}>")
    return params


def _value(name: str, known: Mapping[str, Any], rest: list[str]) -> str:
    """What follows an option. A boolean may stand alone."""
    if known.get(name, {}).get("type") == "boolean":
        try:
            words.typed(rest[0] if rest else "", "boolean")
        except ValueError:
            return "true"
    if not rest:
        raise UsageError(f"parameter '{name}': missing value")
    return rest.pop(0)


def _show(data: Any, form: str, *, result: bool) -> None:
    if data is None or (isinstance(data, str) and data.startswith("UPID:")):
        return
    if form == "json":
        print(json.dumps(data, separators=(",", ":"), sort_keys=True))
    elif form == "json-pretty" or not isinstance(data, (list, dict)):
        print(json.dumps(data, indent=2, sort_keys=True))
    elif result:
        print(f"Result: {json.dumps(data, indent=2, sort_keys=True)}")
    else:
        _text(data)


def _text(data: Any) -> None:
    """Not PBS's frame of lines, which nobody should read by machine: names and values."""
    for entry in data if isinstance(data, list) else [data]:
        print("  ".join(f"{name}={value}" for name, value in entry.items()) if isinstance(entry, dict) else entry)

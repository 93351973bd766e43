"""Commands over the API's own handlers, with Proxmox's option parsing and complaints (PVE/CLIHandler.pm).

A command is a row: method, path, positional arguments, fixed parameters, and how the result is shown.
"""

from __future__ import annotations

import getpass
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import dispatch, registry, requestlog, schema, tables

Show = Callable[[Any], None]

FORMAT_OPTIONS: dict[str, Any] = {
    "output-format": {"type": "string", "enum": ["text", "json", "json-pretty", "yaml"], "optional": 1},
    **{name: {"type": "boolean", "optional": 1} for name in ("human-readable", "noborder", "noheader", "quiet")},
}


@dataclass(frozen=True)
class Command:
    method: str
    path: str
    positional: tuple[str, ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict)
    show: Show | str | None = None
    """A function, "result" for the format options, or nothing."""
    asked: str | None = None
    """The parameter that is a secret: without a value it is read from the terminal or from stdin."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """What an option is when it is not given, for those that the path needs."""


class UsageError(Exception):
    """Wrong options: the command's usage follows."""


def ask_secret(name: str, *, confirm: bool = True) -> str:
    """A secret from the terminal, twice, or a line of stdin."""
    if sys.stdin.isatty():
        value = getpass.getpass(f"Enter new {name}: ")
        if confirm and getpass.getpass(f"Retype new {name}: ") != value:
            raise SystemExit("passwords do not match")
        return value
    line = sys.stdin.readline()
    if not line:
        print(f"EOF while reading {name}", file=sys.stderr)
        raise SystemExit(255)
    return line.rstrip("\n")


def run(program: str, commands: Mapping[str, Command], args: list[str]) -> int:
    """Find the command of one or more words, and run it."""
    for length in (3, 2, 1):
        name = " ".join(args[:length])
        if len(args) >= length and name in commands:
            return execute(f"{program} {name}", commands[name], args[length:])
    print(
        f"ERROR: unknown command '{program} {' '.join(args[:1])}'" if args else "ERROR: no command specified",
        file=sys.stderr,
    )
    print(f"USAGE: {program} <COMMAND> [ARGS] [OPTIONS]\n", file=sys.stderr)
    for name, command in sorted(commands.items()):
        print(f"       {usage(f'{program} {name}', command)}", file=sys.stderr)
    return 255


def parameters(command: Command) -> dict[str, Any]:
    endpoint, _unused = registry.find(command.method, command.path)
    return dict(schema.parameters(endpoint)[0])


def usage(prefix: str, command: Command) -> str:
    known = parameters(command)
    left = {
        name: entry for name, entry in known.items() if name not in command.positional and name not in command.fixed
    }
    words = [prefix, *(f"<{name}>" for name in command.positional)]
    words += [
        f"--{name} <{entry.get('type', 'string')}>"
        for name, entry in sorted(left.items())
        if not entry.get("optional") and name != command.asked
    ]
    if any(entry.get("optional") for entry in left.values()):
        words.append("[OPTIONS]")
    return " ".join(words + (["[FORMAT_OPTIONS]"] if command.show == "result" else []))


def execute(prefix: str, command: Command, args: list[str]) -> int:
    formats = FORMAT_OPTIONS if command.show == "result" else {}
    try:
        given = parse({**parameters(command), **formats}, args, command.positional, command.fixed, command.asked)
        params = {**command.defaults, **given}
    except UsageError as error:
        print(f"400 {error}\n{usage(prefix, command)}", file=sys.stderr)
        return 255
    chosen = {name: params.pop(name) for name in formats if name in params}
    if (
        command.asked
        and not params.get(command.asked)
        and (command.asked in params or not parameters(command)[command.asked].get("optional"))
    ):
        params[command.asked] = ask_secret(command.asked)
    answer = call(prefix.split()[0], command.method, _fill(command.path, params), params)
    if answer.status >= 400:
        return complain(answer, usage(prefix, command))
    if command.show == "result":
        tables.show(answer.data, returns(command.method, command.path), chosen)
    elif callable(command.show):
        command.show(answer.data)
    return 0


def _fill(path: str, params: dict[str, Any]) -> str:
    """The path with its placeholders filled from the parameters, which it uses up."""
    return re.sub(r"{([^}]+)}", lambda match: str(params.pop(match[1])), path)


def call(program: str, method: str, path: str, params: dict[str, Any]) -> dispatch.Answer:
    """Call as root@pam, as the command that root runs."""
    answer = dispatch.answer(dispatch.Call(method, path, params, "root@pam", cli=True))
    requestlog.write(
        peer=program,
        user="root@pam",
        method=method,
        path=path,
        params=params,
        status=answer.status,
        message=answer.message,
    )
    return answer


def returns(method: str, path: str) -> dict[str, Any] | None:
    """The schema of a result, if the official one is at hand."""
    known = schema.official()
    info = known["paths"].get(path, {}).get(method) if known else None
    return info.get("returns") if info else None


def complain(answer: dispatch.Answer, usage_line: str) -> int:
    """Print an error as Proxmox's commands do. Returns the exit code."""
    if answer.status == 500:
        print(answer.message, file=sys.stderr)
        return answer.code
    print(f"{answer.status} {answer.message}", file=sys.stderr)
    for name, text in (answer.errors or {}).items():
        print(f"{name}: {text}", file=sys.stderr)
    if answer.errors:
        print(usage_line, file=sys.stderr)
    return 255


def parse(
    known: dict[str, Any],
    args: list[str],
    positional: tuple[str, ...] = (),
    fixed: Mapping[str, Any] | None = None,
    asked: str | None = None,
) -> dict[str, Any]:
    """Options as Getopt::Long takes them: --name value, --name=value, -name value, unique beginnings of a name."""
    fixed = fixed or {}
    options = {name: entry for name, entry in known.items() if name not in fixed}
    found: dict[str, Any] = {}
    rest: list[str] = []
    queue = list(args)
    while queue:
        word = queue.pop(0)
        if word == "--":
            rest += queue
            break
        match = re.fullmatch(r"--?([^=\s]+)(?:=(.*))?", word, re.DOTALL)
        if not match or re.fullmatch(r"-\d+", word):
            rest.append(word)
            continue
        name = _option(options, match[1])
        _set(found, name, options[name], _value(options[name], match[2], queue, name, optional=name == asked))
    for name in positional:
        if rest:
            found.setdefault(name, rest.pop(0))
        elif name not in found and not known.get(name, {}).get("optional"):
            raise UsageError("not enough arguments")
    if rest:
        raise UsageError("too many arguments")
    return {**found, **fixed}


def _option(options: dict[str, Any], word: str) -> str:
    names = [name for name in options if name.lower() == word.lower()] or [
        name for name in options if name.lower().startswith(word.lower())
    ]
    numbered = re.fullmatch(r"(.+?)(\d+)", word)
    if numbered and f"{numbered[1]}[n]" in options:
        options[word] = options[f"{numbered[1]}[n]"]
        return word
    if len(names) == 1:
        return names[0]
    kind = "Unknown option: " if not names else "Option "
    print(f"{kind}{word.lower()}" + (f" is ambiguous ({', '.join(sorted(names))})" if names else ""), file=sys.stderr)
    raise UsageError("unable to parse option")


def _value(entry: dict[str, Any], given: str | None, queue: list[str], name: str, *, optional: bool) -> str:
    if given is not None:
        return given
    if entry.get("type") == "boolean" or optional:
        return queue.pop(0) if queue and not re.match(r"--?[^\d\s]", queue[0]) else ""
    if not queue:
        print(f"Option {name} requires an argument", file=sys.stderr)
        raise UsageError("unable to parse option")
    return queue.pop(0)


def _set(found: dict[str, Any], name: str, entry: dict[str, Any], value: str) -> None:
    if entry.get("type") == "boolean":
        words = {
            "": "1",
            **dict.fromkeys(("1", "on", "yes", "true"), "1"),
            **dict.fromkeys(("0", "off", "no", "false"), "0"),
        }
        if value.lower() not in words:
            raise UsageError("unable to parse boolean option")
        found[name] = words[value.lower()]
    elif entry.get("type") == "array":
        found.setdefault(name, []).append(value)
    elif "-list" in str(entry.get("format", "")) and name in found:
        found[name] += f",{value}"
    else:
        found[name] = value

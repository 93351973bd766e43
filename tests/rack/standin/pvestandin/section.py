"""Section configs: the format of storage.cfg, domains.cfg and others (PVE/SectionConfig.pm).

    type: name
    <tab>key value

A section is written with `comment` first, then `disable`, then the required options by name, then the optional ones.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import schema
from .errors import Failure
from .text import digest, number, truth

Section = dict[str, Any]
_HEADER = re.compile(r"(\S+):\s*(\S+)\s*")
_LINE = re.compile(r"\s+(\S+)(?:\s+(.*\S))?\s*")


@dataclass(frozen=True)
class Option:
    optional: bool = True
    fixed: bool = False


REQUIRED = Option(optional=False)
OPTIONAL = Option()
FIXED = Option(optional=False, fixed=True)
FIXED_OPTIONAL = Option(fixed=True)


@dataclass
class Sections:
    """The parsed file: name → {type, …} in the file's order, and the SHA1 of its text."""

    ids: dict[str, Section] = field(default_factory=dict)
    digest: str = field(default_factory=lambda: digest(""))

    def assert_unmodified(self, expected: str | None) -> None:
        if expected and expected != self.digest:
            raise Failure("detected modified configuration - file changed by other user? Try again.")


@dataclass(frozen=True)
class SectionConfig:
    """One kind of file: the options of each type and the schema of each property."""

    types: dict[str, dict[str, Option]]
    properties: dict[str, dict[str, Any]]
    decode: Callable[[str, str, Any], Any] = lambda kind, key, value: value
    encode: Callable[[str, str, Any], Any] = lambda kind, key, value: value

    def parse(self, raw: str, filename: str = "") -> Sections:
        parsed = Sections(digest=digest(raw))
        section: Section | None = None
        for count, line in enumerate(raw.split("\n"), 1):
            if line.lstrip().startswith("#"):
                continue
            header = _HEADER.fullmatch(line)
            entry = _LINE.fullmatch(line)
            if header and not line[:1].isspace():
                kind, name = header[1].lower(), header[2]
                section = None
                if kind in self.types:
                    section = parsed.ids[name] = {"type": kind}
                else:
                    self._warn(f"file {filename} line {count} (skip section '{name}'): unsupported type '{kind}'")
            elif entry and section is not None:
                self._take(section, entry[1], entry[2], f"file {filename} line {count}")
            elif not line.strip():
                section = None
        for section in parsed.ids.values():
            for key in [key for key in section if key != "type"]:
                section[key] = self.decode(section["type"], key, section[key])
        return parsed

    def _take(self, section: Section, key: str, value: str | None, where: str) -> None:
        try:
            checked = self.check_value(section["type"], key, value)
            if self.properties.get(key, {}).get("type") == "array":
                section.setdefault(key, []).append(checked)
            elif key in section:
                raise ValueError("duplicate attribute")
            else:
                section[key] = checked
        except ValueError as error:
            self._warn(f"{where} - unable to parse value of '{key}': {error}")

    @staticmethod
    def _warn(message: str) -> None:
        print(message, file=sys.stderr)

    def check_value(self, kind: str, key: str, value: Any, *, full: bool = True) -> Any:
        """The value in its own type. Raises ValueError if the section type has no such key or the value is wrong."""
        if key not in self.types[kind]:
            raise ValueError(f"unexpected property '{key}'")
        definition = self.properties[key]
        if definition.get("type") == "boolean" and value is None:
            value = 1
        if value is None:
            raise ValueError("got undefined value")
        if isinstance(value, str) and re.search(r"[\n\r]", value):
            raise ValueError("property contains a line feed")
        if full:
            errors: dict[str, str] = {}
            checked = definition.get("items", {}) if definition.get("type") == "array" else definition
            schema.check_value(value, checked, "", errors)
            if errors:
                raise ValueError(errors["_root"])
        return number(value) if definition.get("type") in ("boolean", "integer", "number") else value

    def check_config(self, kind: str, values: dict[str, Any], *, create: bool) -> Section:
        """A section from parameters that have passed their schema. Raises 500 in Proxmox's words."""
        options = self.types[kind]
        result: Section = {"type": kind}
        for key, value in values.items():
            if key == "type":
                continue
            if not create and key in options and options[key].fixed:
                raise Failure(f"can't change value of fixed parameter '{key}'")
            try:
                result[key] = self.decode(kind, key, self.check_value(kind, key, value, full=False))
            except ValueError as error:
                raise Failure(str(error)) from error
        if create:
            for key, option in options.items():
                if not option.optional and values.get(key) is None:
                    raise Failure(f"missing value for required option '{key}'")
        return result

    def check_delete(self, kind: str, keys: list[str], changed: Section) -> None:
        """Whether the keys may be removed from a section that is given `changed` at the same time."""
        for key in keys:
            option = self.types[kind].get(key)
            if option is None:
                raise Failure(f"no such option '{key}'")
            if not option.optional:
                raise Failure(f"unable to delete required option '{key}'")
            if option.fixed:
                raise Failure(f"unable to delete fixed option '{key}'")
            if key in changed:
                raise Failure(f"cannot set and delete property '{key}' at the same time!")

    def write(self, sections: Sections) -> str:
        return "".join(self._section(name, section) + "\n" for name, section in sections.ids.items())

    def _section(self, name: str, section: Section) -> str:
        kind = section["type"]
        options = self.types[kind]
        text = f"{kind}: {name}\n"
        if section.get("comment"):
            text += self._line(kind, "comment", section["comment"])
        if truth(section.get("disable")):
            text += "\tdisable\n"
        for required in (True, False):
            for key in sorted(options):
                if key in ("comment", "disable") or options[key].optional == required:
                    continue
                if section.get(key) is not None:
                    text += self._line(kind, key, section[key])
                elif required:
                    raise Failure(f"section '{name}' - missing value for required option '{key}'")
        return text

    def _line(self, kind: str, key: str, value: Any) -> str:
        value = self.encode(kind, key, value)
        definition = self.properties[key].get("type")
        if definition == "boolean":
            return f"\t{key} {int(truth(value))}\n"
        if definition == "array":
            return "".join(f"\t{key} {item}\n" for item in value)
        if re.search(r"[\n\r]", str(value)):
            raise Failure(f"property '{key}' contains a line feed")
        return f"\t{key} {value}\n" if str(value) != "" else ""

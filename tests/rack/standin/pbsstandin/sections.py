"""Section configs as PBS writes them (proxmox-section-config): properties by name, an empty line between sections.

    datastore: store1
    <tab>gc-schedule daily
    <tab>path /srv/store1

Unlike Proxmox VE's reader this one has no mercy: a property that it does not know spoils the whole file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from . import files, words
from .errors import refused

Section = dict[str, Any]


@dataclass
class Sections:
    """The parsed file: id → (type, properties), and the SHA-256 of its text."""

    items: dict[str, tuple[str, Section]] = field(default_factory=dict)
    digest: str = ""

    def get(self, kind: str, name: str) -> Section:
        """The properties of a section that has to be there. Raises with PBS's sentence."""
        if name not in self.items:
            raise refused(f"no such {kind} '{name}'")
        found, data = self.items[name]
        if found != kind:
            raise refused(f"got unexpected type '{found}' for {kind} '{name}'")
        return dict(data)

    def all(self, kind: str) -> dict[str, Section]:
        return {name: dict(data) for name, (found, data) in self.items.items() if found == kind}

    def set(self, kind: str, name: str, data: Section) -> None:
        self.items[name] = (kind, {key: value for key, value in data.items() if value is not None})


@dataclass(frozen=True)
class SectionFile:
    """One file: its lock, and the properties of each section type in the words of pbsstandin.words."""

    name: str
    lock: str
    types: dict[str, str]

    def read(self) -> Sections:
        raw = files.read(self.name)
        try:
            return Sections(self._parse(raw), files.digest(raw))
        except ValueError as error:
            raise refused(f"parsing '{files.CONFIG}/{self.name}' failed: {error}") from error

    def write(self, sections: Sections) -> None:
        files.write(self.name, self.text(sections))

    def text(self, sections: Sections) -> str:
        return "\n".join(
            f"{kind}: {name}\n" + "".join(_line(key, value) for key, value in sorted(data.items()))
            for name, (kind, data) in sections.items.items()
        )

    def _parse(self, raw: str) -> dict[str, tuple[str, Section]]:
        items: dict[str, tuple[str, Section]] = {}
        current: tuple[str, Section] | None = None
        for count, line in enumerate([*raw.splitlines(), ""], 1):
            try:
                if not line.strip():
                    current = self._finished(current)
                elif current is None:
                    name, current = self._header(line)
                    items[name] = current
                else:
                    self._property(current, line)
            except ValueError as error:
                raise ValueError(f"line {count} - {error}") from error
        return items

    def _header(self, line: str) -> tuple[str, tuple[str, Section]]:
        match = re.fullmatch(r"([A-Za-z][^:]*):\s*(\S.*)", line)
        if not match:
            raise ValueError("syntax error (expected header)")
        kind, name = match[1].strip(), match[2].strip()
        if kind not in self.types:
            raise ValueError(f"unknown section type '{kind}'")
        return name, (kind, {})

    def _property(self, current: tuple[str, Section], line: str) -> None:
        match = re.fullmatch(r"\s+(\S+)\s(.*)", line)
        if not match:
            raise ValueError("syntax error (expected section properties)")
        kind, data = current
        key, text = match[1], match[2].strip()
        known = words.table(self.types[kind])
        if key not in known:
            raise ValueError(f"unknown property '{key}'")
        if known[key]["type"] == "array":
            data.setdefault(key, []).append(text)
        elif key in data:
            raise ValueError(f"duplicate property '{key}'")
        else:
            try:
                data[key] = words.typed(text, known[key]["type"])
            except ValueError as error:
                raise ValueError(f"property '{key}': {error}") from error

    def _finished(self, current: tuple[str, Section] | None) -> None:
        if current is not None:
            kind, data = current
            for key, schema in words.table(self.types[kind]).items():
                if not schema.get("optional") and key not in data:
                    raise ValueError(f"property '{key}' is missing and it is not optional.")


def _line(key: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_line(key, item) for item in value)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise refused(f"detected unexpected control character in section key '{key}'")
    return f"\t{key} {text}\n"

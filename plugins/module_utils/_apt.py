# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""The files below /etc/apt that say where packages come from (sources.list(5)), read and changed in memory."""

from __future__ import annotations

import os
import re

ONE_LINE = re.compile(r"^\s*deb\s+(?:\[[^]]*\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<components>(?:\s+[^\s#]+)*)")


def stanza_fields(stanza: str) -> dict[str, str]:
    """The fields of one deb822 stanza by lower-case name; continuation lines are joined by a space."""
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if line[0] in " \t" and name:
            fields[name] += " " + line.strip()
        else:
            name, _colon, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields


def stanza_entries(stanza: str) -> list[tuple[str, str, frozenset[str]]]:
    """The enabled binary entries (URI, suite, components) of one deb822 stanza."""
    fields = stanza_fields(stanza)
    if fields.get("enabled", "yes").lower() in ("no", "false", "off", "0", "without", "disable"):
        return []
    if "deb" not in fields.get("types", "").split():
        return []
    components = frozenset(fields.get("components", "").split())
    return [
        (uri.rstrip("/"), suite, components)
        for uri in fields.get("uris", "").split()
        for suite in fields.get("suites", "").split()
    ]


def line_entries(line: str) -> list[tuple[str, str, frozenset[str]]]:
    """The entry of a line in one-line format, as a list of none or one."""
    match = ONE_LINE.match(line)
    if not match:
        return []
    return [(match["uri"].rstrip("/"), match["suite"], frozenset(match["components"].split()))]


def disabled_stanza(stanza: str) -> str:
    lines = [line for line in stanza.splitlines() if not re.match(r"(?i)enabled\s*:", line)]
    return "\n".join([*lines, "Enabled: no"])


class Sources:
    """The files below /etc/apt as lists of parts, a part being a stanza or a line."""

    def __init__(self, etc_apt: str) -> None:
        self.parts: dict[str, list[str]] = {}
        self.before: dict[str, str] = {}
        self.disabled: set[tuple[str, int]] = set()
        self.touched: set[str] = set()
        parts_dir = os.path.join(etc_apt, "sources.list.d")
        names = sorted(os.listdir(parts_dir)) if os.path.isdir(parts_dir) else []
        for path in [os.path.join(etc_apt, "sources.list"), *(os.path.join(parts_dir, name) for name in names)]:
            if path.endswith((".sources", ".list")) and os.path.isfile(path):
                with open(path, encoding="utf-8") as file:
                    self.before[path] = file.read()
                self.parts[path] = self._split(path, self.before[path])

    @staticmethod
    def _split(path: str, text: str) -> list[str]:
        return re.split(r"\n[ \t]*\n", text) if path.endswith(".sources") else text.split("\n")

    def text(self, path: str) -> str:
        text = ("\n\n" if path.endswith(".sources") else "\n").join(self.parts[path])
        return text if text.endswith("\n") or not text else text + "\n"

    def entries(self):
        """Yields (path, index of the part, entries) of every part that has an enabled entry."""
        for path, parts in self.parts.items():
            parse = stanza_entries if path.endswith(".sources") else line_entries
            for index, part in enumerate(parts):
                found = parse(part)
                if found:
                    yield path, index, found

    def disable(self, path: str, index: int) -> None:
        part = self.parts[path][index]
        self.parts[path][index] = disabled_stanza(part) if path.endswith(".sources") else "# " + part
        self.disabled.add((path, index))
        self.touched.add(path)

    def add(self, path: str, stanza: str) -> None:
        """Append a stanza; it takes the place of those that this run disabled in the same file."""
        kept = [
            part.strip("\n")
            for index, part in enumerate(self.parts.get(path, []))
            if (path, index) not in self.disabled and part.strip()
        ]
        self.parts[path] = [*kept, stanza]
        self.touched.add(path)

    def changed(self) -> list[str]:
        return [path for path in sorted(self.touched) if self.text(path) != self.before.get(path, "")]


def with_components(part: str, missing: list[str], deb822: bool) -> str:
    """A stanza or line with more components. Raises ValueError for a stanza without them in one line."""
    if not deb822:
        line, hash_, comment = part.partition("#")
        return f"{line.rstrip()} {' '.join(missing)}" + (f" {hash_}{comment}" if hash_ else "")
    text, count = re.subn(r"(?im)^(components[ \t]*:[ \t]*\S.*?)[ \t]*$", rf"\1 {' '.join(missing)}", part, count=1)
    if not count:
        raise ValueError("expected the components of a stanza in the line of their name")
    return text


def complete(sources: Sources, release: str | None, components: list[str]) -> None:
    """Add components to Debian's own entries, in memory."""
    suites = {release, f"{release}-updates", f"{release}-security"}
    for path, index, entries in list(sources.entries()):
        _uri, suite, present = entries[0]
        missing = [name for name in components if name not in present]
        if suite in suites and "main" in present and missing:
            parts = sources.parts[path]
            parts[index] = with_components(parts[index], missing, path.endswith(".sources"))
            sources.touched.add(path)


def matches(patterns: list[re.Pattern], entry: tuple[str, str, frozenset[str]]) -> bool:
    text = f"{entry[0]} {entry[1]} {' '.join(sorted(entry[2]))}"
    return any(pattern.search(text) for pattern in patterns)


def converge(sources: Sources, etc_apt: str, config: list[dict], disable: list[str]) -> None:
    """Change the parts in memory until each repository of config is provided once and no other matches disable."""
    missing = {(item["uri"].rstrip("/"), item["suite"], frozenset(item["components"])): item for item in config}
    wanted = set(missing)
    patterns = [re.compile(pattern) for pattern in disable]
    for path, index, entries in list(sources.entries()):
        if all(entry in missing for entry in entries):
            for entry in entries:
                del missing[entry]
        elif any(entry in wanted or matches(patterns, entry) for entry in entries):
            sources.disable(path, index)
    for item in missing.values():
        sources.add(
            os.path.join(etc_apt, "sources.list.d", item["name"] + ".sources"),
            f"Types: deb\nURIs: {item['uri']}\nSuites: {item['suite']}\n"
            f"Components: {' '.join(item['components'])}\nSigned-By: {item['signed_by']}\n",
        )

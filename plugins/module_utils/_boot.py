# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""The kernel command line: its words, and the files from which the boot loader of a Proxmox VE node takes them.

Facts: pve-docs, system-booting.adoc. GRUB takes them from /etc/default/grub and its drop-ins, with update-grub;
systemd-boot from the one line of /etc/kernel/cmdline, with C(proxmox-boot-tool refresh), which is also what writes
GRUB's configuration where proxmox-boot-tool keeps the EFI system partitions (/etc/kernel/proxmox-boot-uuids).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ansible_collections.baremetal.proxmox.plugins.module_utils import _hardware_firmware
from ansible_collections.baremetal.proxmox.plugins.module_utils._cli import Command
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import InputError
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine

KERNEL_CMDLINE = "/etc/kernel/cmdline"
GRUB_DEFAULTS = "/etc/default/grub"
GRUB_DROPINS = "/etc/default/grub.d"
GRUB_CONFIG = "/boot/grub/grub.cfg"

UPDATE_GRUB = Command(("update-grub",))
REFRESH_ESPS = Command(("proxmox-boot-tool", "refresh"))

# A blank inside quotes belongs to the word (Documentation/admin-guide/kernel-parameters.rst)
_WORD = re.compile(r'(?:[^\s"]|"[^"]*")+')
# What needs no quoting in any of the files
_PLAIN = re.compile(r"[^\s\"'\\$`#]+")
_ASSIGNMENT = re.compile(
    r"(?P<head>\s*(?:export\s+)?(?P<name>GRUB_CMDLINE_LINUX(?:_DEFAULT)?)=)(?P<rest>.*)", re.DOTALL
)
_VALUE = re.compile(r"(?P<quote>[\"']?)(?P<text>[^\"'\\`]*)(?P=quote)(?P<tail>\s*(?:#.*)?)")


def words(text: str) -> list[str]:
    return _WORD.findall(text)


def key(word: str) -> str:
    """What a word is about. The kernel takes - and _ for the same there."""
    return word.partition("=")[0].replace("-", "_")


@dataclass(frozen=True)
class Wish:
    """Words to have, and words (or keys, which stand for all words with them) not to have."""

    present: Sequence[str] = ()
    absent: Sequence[str] = ()

    def check(self) -> None:
        """Raises InputError for words that no boot loader could take, or that contradict each other."""
        wrong = [word for word in [*self.present, *self.absent] if not _PLAIN.fullmatch(word)]
        if wrong:
            raise InputError(
                "cmdline: expected single words without blanks, quotes and the signs \\ $ ` #, found "
                + ", ".join(map(repr, wrong))
            )
        if both := [word for word in self.present if self._unwanted(word)]:
            raise InputError(f"cmdline: {', '.join(both)}: to be there and to be absent at the same time")

    def _unwanted(self, word: str) -> bool:
        return any(word == one or ("=" not in one and key(word) == key(one)) for one in self.absent)

    def leftover(self, present: Sequence[str]) -> list[str]:
        """What is missing, and with a C(-) in front what is too much. All words of one key belong together."""
        lacking = [word for word in self.present if self._of(key(word), present) != self._of(key(word), self.present)]
        return lacking + [f"-{word}" for word in dict.fromkeys(present) if self._unwanted(word)]

    @staticmethod
    def _of(name: str, some: Iterable[str]) -> list[str]:
        return [word for word in some if key(word) == name]

    def apply(self, lines: Sequence[Sequence[str]], last: int) -> list[list[str]]:
        """The lists of words that together make the command line, changed as little as possible.

        Words of a key go where the first word of that key was, else to the end of list number C(last).
        """
        result = [[word for word in line if not self._unwanted(word)] for line in lines]
        for name in dict.fromkeys(map(key, self.present)):
            wanted = self._of(name, self.present)
            places = [
                (at, index) for at, line in enumerate(result) for index, word in enumerate(line) if key(word) == name
            ]
            if [result[at][index] for at, index in places] == wanted:
                continue
            at, index = places[0] if places else (last, len(result[last]))
            result = [[word for word in line if key(word) != name] for line in result]
            result[at][index:index] = wanted
        return result


class Loader(Protocol):
    """A boot loader: the words of its files, those files changed, and the command that puts them in force."""

    name: str
    command: Command
    words: list[str]

    def files(self, wish: Wish) -> dict[str, str]:
        """Texts by path, of all files that a wish may concern, changed or not."""

    def stale(self, wish: Wish) -> bool:
        """Whether the loader's own configuration can be seen to be older than the files."""


class SystemdBoot:
    name = "systemd-boot"
    command = REFRESH_ESPS

    def __init__(self, machine: Machine) -> None:
        text = machine.read(KERNEL_CMDLINE)
        if text is None:
            # proxmox-boot-tool takes the running kernel's line then, which begins with what the loader put there
            running = words(machine.read("/proc/cmdline") or "")
            text = " ".join(word for word in running if key(word) not in ("BOOT_IMAGE", "initrd"))
        self.words = words(text)

    def files(self, wish: Wish) -> dict[str, str]:
        return {KERNEL_CMDLINE: " ".join(wish.apply([self.words], 0)[0]) + "\n"}

    def stale(self, wish: Wish) -> bool:
        """Its entries are on partitions that are not mounted."""
        return False


@dataclass
class _Assignment:
    """VARIABLE="words" in line number C(line) of a file."""

    path: str
    line: int
    variable: str
    head: str
    quote: str
    words: list[str]
    tail: str

    def text(self) -> str:
        quote = self.quote or '"'
        return f"{self.head}{quote}{' '.join(self.words)}{quote}{self.tail}"


class Grub:
    """/etc/default/grub and its drop-ins, which the shell reads one after another (grub-mkconfig)."""

    name = "grub"
    _variable = "GRUB_CMDLINE_LINUX_DEFAULT"

    def __init__(self, machine: Machine, *, synced: bool = False) -> None:
        self.machine = machine
        self.synced = synced
        self.command = REFRESH_ESPS if synced else UPDATE_GRUB
        folder = machine.path(GRUB_DROPINS)
        dropins = sorted(entry.name for entry in folder.glob("*.cfg")) if folder.is_dir() else []
        paths = [GRUB_DEFAULTS, *(f"{GRUB_DROPINS}/{name}" for name in dropins)]
        self.texts = {path: machine.read(path) or "" for path in paths}
        self._found = self._in_force([one for path in paths for one in self._assignments(path)])
        self.words = [word for one in self._found for word in one.words if not word.startswith("$")]

    def _assignments(self, path: str) -> Iterable[_Assignment]:
        for number, line in enumerate(self.texts[path].splitlines()):
            match = _ASSIGNMENT.fullmatch(line)
            if match is None:
                continue
            value = _VALUE.fullmatch(match["rest"])
            if value is None or "$(" in value["text"] or (not value["quote"] and re.search(r"\s", value["text"])):
                raise InputError(
                    f'{path}: expected {match["name"]}="words" on line {number + 1}, found {line.strip()!r}.',
                    hint="Write the line in that form, without escapes or commands.",
                )
            yield _Assignment(
                path, number, match["name"], match["head"], value["quote"], words(value["text"]), value["tail"]
            )

    @staticmethod
    def _in_force(all_: Sequence[_Assignment]) -> list[_Assignment]:
        """Without those that a later assignment of the same variable takes the place of."""
        kept: list[_Assignment] = []
        for one in all_:
            if not {f"${one.variable}", f"${{{one.variable}}}"} & set(one.words):
                kept = [other for other in kept if other.variable != one.variable]
            kept.append(one)
        return kept

    def files(self, wish: Wish) -> dict[str, str]:
        found = list(self._found)
        places = [number for number, one in enumerate(found) if one.variable == self._variable]
        if not places:
            places = [len(found)]
            end = len(self.texts[GRUB_DEFAULTS].splitlines())
            found.append(_Assignment(GRUB_DEFAULTS, end, self._variable, f"{self._variable}=", '"', [], ""))
        result = dict(self.texts)
        for one, new in zip(found, wish.apply([one.words for one in found], places[-1]), strict=True):
            if new != one.words:
                lines = result[one.path].splitlines()
                lines[one.line : one.line + 1] = [replace(one, words=new).text()]
                result[one.path] = "".join(f"{line}\n" for line in lines)
        return result

    def stale(self, wish: Wish) -> bool:
        """Whether the first entry of grub.cfg, the one that is booted, lacks what the files say."""
        text = None if self.synced else self.machine.read(GRUB_CONFIG)
        entry = re.search(r"^\s*linux(?:efi|16)?\s+\S+(.*)$", text or "", re.MULTILINE)
        return bool(entry and wish.leftover(words(entry[1])))


def loader(machine: Machine) -> Loader:
    """The boot loader that this machine starts with. Raises InputError where there is none that is known."""
    found = _hardware_firmware.boot(machine)
    synced = found["managed_by"] is not None
    if synced and found["loader"] == "systemd-boot":
        return SystemdBoot(machine)
    if found["loader"] != "systemd-boot" and machine.path(GRUB_DEFAULTS).exists():
        return Grub(machine, synced=synced)
    raise InputError(
        "cmdline: expected GRUB or a systemd-boot that proxmox-boot-tool keeps"
        f" ({_hardware_firmware.BOOT_UUIDS}), found {found['loader'] or 'no boot loader'}."
    )


def running(machine: Machine) -> list[str]:
    return words(machine.read("/proc/cmdline") or "")


def changed_since_boot(machine: Machine, paths: Iterable[str]) -> bool:
    """Whether one of the files is younger than the running system."""
    booted = re.search(r"^btime (\d+)$", machine.read("/proc/stat") or "", re.MULTILINE)
    stats = [machine.lstat(path) for path in paths]
    return bool(booted) and any(stat.st_mtime > int(booted[1]) for stat in stats if stat)

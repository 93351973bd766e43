# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Settings of a machine as files, values in force, and what has to be run after the files changed.

What is begun is noted before anything is written, so that a run that was killed between a file and its command is
finished by the next one; what a reboot has to put in force is noted where the reboot takes the note away.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._cli import Command
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ProxmoxError
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import MARKS, Machine

# what a killed run still owes, by the name of the command
DUE = f"{MARKS}/due-"
# /run is empty after a boot
REBOOT = "/run/baremetal-proxmox/reboot-required"

# update-initramfs takes a while for each kernel, on slow disks a long one
_SECONDS = 900.0


@dataclass(frozen=True)
class Refresh:
    """A command that puts changed files in force. C(name) is its mark; of the same name it runs once."""

    name: str
    command: Command


@dataclass(frozen=True)
class Link:
    """The content of a symbolic link, where a file's would be a text."""

    target: str


@dataclass(frozen=True)
class Live:
    """A value that is in force now, and how it becomes the wanted one. Given only where the two differ."""

    name: str
    before: str
    after: str
    do: Callable[[], Any]


@dataclass(frozen=True)
class Part:
    """What one setting needs.

    files    by path: the text or Link that is to be there, None for nothing
    refresh  what runs when a file changed, or when it is C(stale) already
    live     what differs from the files now
    reboot   why the machine has to be rebooted once the files are changed
    pending  why it has to be rebooted whatever is changed here
    lacking  what is not in force though the files say so and the machine was booted since
    verify   raises ProxmoxError where a refresh did not do what it is for
    """

    name: str
    files: Mapping[str, str | Link | None] = field(default_factory=dict)
    refresh: Sequence[Refresh] = ()
    stale: bool = False
    live: Sequence[Live] = ()
    reboot: str | None = None
    pending: Sequence[str] = ()
    lacking: Sequence[str] = ()
    verify: Callable[[], None] = lambda: None


def read(machine: Machine, path: str) -> str | Link | None:
    found = machine.lstat(path)
    if found is not None and stat.S_ISLNK(found.st_mode):
        return Link(os.readlink(machine.path(path)))
    return machine.read(path)


class Settings:
    """Parts that are converged together."""

    def __init__(self, machine: Machine, parts: Iterable[Part]) -> None:
        self.machine = machine
        self.parts = list(parts)
        self.before = {path: self._read(path, wanted) for part in self.parts for path, wanted in part.files.items()}
        self.changed_parts = [part for part in self.parts if self._changed(part)]
        wanted = [one for part in self.parts if part.stale or part in self.changed_parts for one in part.refresh]
        owed = [one for part in self.parts for one in part.refresh if machine.lstat(f"{DUE}{one.name}")]
        self.due = {one.name: one for one in [*wanted, *owed]}
        self.noted = (machine.read(REBOOT) or "").splitlines()
        self.reasons = list(dict.fromkeys([*self.noted, *(part.reboot for part in self.changed_parts if part.reboot)]))

    def _read(self, path: str, wanted: str | Link | None) -> str | Link | None:
        """A file behind a link is the file, unless it is the link that is wanted."""
        return self.machine.read(path) if isinstance(wanted, str) else read(self.machine, path)

    def _changed(self, part: Part) -> list[str]:
        return [path for path, wanted in part.files.items() if self.before[path] != wanted]

    def result(self, *, check: bool) -> dict[str, Any]:
        """Converges, unless C(check). Raises the error of a command after the files it was for are as before."""
        if not check:
            self._apply()
        pending = [reason for part in self.parts for reason in part.pending]
        return {
            "changed": bool(self.changed_parts or self.due or any(part.live for part in self.parts)),
            "files": [path for part in self.changed_parts for path in self._changed(part)],
            "reboot_required": list(dict.fromkeys([*self.reasons, *pending])),
            "not_in_force": [] if self.changed_parts else [reason for part in self.parts for reason in part.lacking],
            "diff": self._diff(),
        }

    def _apply(self) -> None:
        for name in self.due:
            self._write(f"{DUE}{name}", "")
        self._note()
        for part in self.parts:
            with self._undone_by_error([part]):
                for path in self._changed(part):
                    self._write(path, part.files[path])
                for live in part.live:
                    self._make(live)
        for one in self.due.values():
            asked = [part for part in self.parts if one in part.refresh]
            with self._undone_by_error(asked):
                self.machine.cli.run(one.command, timeout=_SECONDS)
                for part in asked:
                    part.verify()
            self._write(f"{DUE}{one.name}", None)
        with contextlib.suppress(OSError):
            self.machine.path(MARKS).rmdir()

    @staticmethod
    def _make(live: Live) -> None:
        try:
            live.do()
        except OSError as error:
            what = f"{live.name}: expected the kernel to take '{live.after}' in place of '{live.before}'"
            raise ProxmoxError(f"{what}, found: {error.strerror}.") from error

    def _note(self) -> None:
        if self.reasons != (self.machine.read(REBOOT) or "").splitlines():
            self._write(REBOOT, "".join(f"{reason}\n" for reason in self.reasons) or None)

    @contextlib.contextmanager
    def _undone_by_error(self, parts: Sequence[Part]) -> Any:
        try:
            yield
        except ProxmoxError as failure:
            paths = [path for part in parts for path in self._changed(part)]
            for path in paths:
                self._write(path, self.before[path])
            void = {part.reboot for part in parts} - set(self.noted)
            self.reasons = [reason for reason in self.reasons if reason not in void]
            self._note()
            names = ", ".join(dict.fromkeys(part.name for part in parts))
            failure.message = f"{names}: {failure.message}" if names else failure.message
            if paths:
                failure.hint = " ".join(filter(None, [failure.hint, f"As before again: {', '.join(paths)}."]))
            raise

    def _write(self, path: str, content: str | Link | None) -> None:
        target = self.machine.path(path)
        if content is None:
            target.unlink(missing_ok=True)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str) and target.is_symlink():
            target = Path(os.path.realpath(target))
        # no directory that is meant here reads files of such a name
        temporary = target.with_name(f".{target.name}.{os.getpid()}~")
        temporary.unlink(missing_ok=True)
        if isinstance(content, Link):
            temporary.symlink_to(content.target)
        else:
            temporary.write_text(content)
            temporary.chmod(stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o644)
        temporary.replace(target)

    def _diff(self) -> list[dict[str, str]]:
        entries = [
            {
                "before_header": path,
                "after_header": path,
                "before": _shown(self.before[path]),
                "after": _shown(part.files[path]),
            }
            for part in self.changed_parts
            for path in self._changed(part)
        ]
        live = [one for part in self.parts for one in part.live]
        if live:
            header = "in force"
            before = "".join(f"{one.name} = {one.before}\n" for one in live)
            after = "".join(f"{one.name} = {one.after}\n" for one in live)
            entries.append({"before_header": header, "after_header": header, "before": before, "after": after})
        return entries


def _shown(content: str | Link | None) -> str:
    if isinstance(content, Link):
        return f"-> {content.target}\n"
    return content or ""

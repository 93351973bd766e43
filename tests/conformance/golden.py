"""The recorded answers of Proxmox's own code: ../shared beside the repository, or BAREMETAL_SHARED."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent


def shared() -> Path:
    """The directory; the calling test module is skipped when there is none."""
    named = os.environ.get("BAREMETAL_SHARED")
    for candidate in [Path(named)] if named else [parent / "shared" for parent in HERE.parents]:
        if (candidate / "golden" / "api-9.2.jsonl").exists():
            return candidate
    pytest.skip(
        "the recorded answers of Proxmox are not here: put them into ../shared, or name their directory by "
        "BAREMETAL_SHARED",
        allow_module_level=True,
    )


@dataclass(frozen=True)
class Call:
    """A recorded call. `number` is its line in the file, from 1."""

    number: int
    method: str
    path: str
    params: dict[str, Any]
    status: int
    answer: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.number:03d} {self.method} {self.path}"


def api_calls(directory: Path) -> list[Call]:
    calls = []
    for number, line in enumerate((directory / "golden" / "api-9.2.jsonl").read_text().splitlines(), 1):
        entry = json.loads(line)
        method, path = entry["call"].split(" ", 1)
        # The file has no secrets; those that a later file of the record shows are put back.
        given = entry.get("params") or {}
        secret = {"smb": "p4ss", "pbs1": "x"}.get(given.get("storage"), "secret-of-the-record")
        params = {key: secret if value == "<secret>" else value for key, value in given.items()}
        calls.append(Call(number, method, path, params, entry["status"], entry["answer"]))
    return calls


@dataclass(frozen=True)
class CommandRun:
    """A recorded command: its words as they were printed, its output, its exit code."""

    section: str
    number: int
    words: str
    output: str
    code: int

    @property
    def name(self) -> str:
        return f"{self.section}:{self.number:02d} {self.words}"


def command_runs(directory: Path, section: str) -> list[CommandRun]:
    """The commands of one section of cli-9.2.txt."""
    text = (directory / "golden" / "cli-9.2.txt").read_text()
    body = re.search(rf"^######## {re.escape(section)}\n(.*?)(?=^######## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert body, f"no section {section} in cli-9.2.txt"
    found = re.findall(r"^\$ (.*?)\n(.*?)^\[rc=(\d+)\]$", body[1], re.DOTALL | re.MULTILINE)
    return [
        CommandRun(section, number, words, output, int(code)) for number, (words, output, code) in enumerate(found, 1)
    ]


@dataclass(frozen=True)
class RawCall:
    """A call of the section `5-api`: parameters as words, the body, the status."""

    number: int
    method: str
    path: str
    params: dict[str, str]
    answer: dict[str, Any]
    status: int

    @property
    def name(self) -> str:
        words = " ".join(f"{key}={value}" for key, value in self.params.items())
        return f"raw{self.number:02d} {self.method} {self.path} {words}".rstrip()


def raw_calls(directory: Path) -> list[RawCall]:
    text = (directory / "golden" / "cli-9.2.txt").read_text()
    body = re.search(r"^######## 5-api\n(.*?)(?=^######## )", text, re.DOTALL | re.MULTILINE)
    assert body
    calls = []
    for number, match in enumerate(
        re.finditer(r"^## (\S+) (\S+) ?(.*)\n(\{.*\}) HTTP (\d+)$", body[1], re.MULTILINE), 1
    ):
        params = dict(word.split("=", 1) for word in match[3].split())
        calls.append(RawCall(number, match[1], match[2], params, json.loads(match[4]), int(match[5])))
    return calls


def listed(name: str) -> set[str]:
    """The entries of a checked-in list; comments begin with #."""
    lines = (HERE / name).read_text().splitlines()
    return {line for line in lines if line and not line.startswith("#")}

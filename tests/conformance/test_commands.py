"""Replays the recorded commands of a single node (cli-9.2.txt) with the stand-in's pveum, pvesm and pvesh."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import golden
import pytest
import rig

SHARED = golden.shared()
SECTIONS = ("1-single-node", "2-single-node")
RUNS = [run for section in SECTIONS for run in golden.command_runs(SHARED, section)]
NOT_IMPLEMENTED = golden.listed("not_implemented_commands.txt")
STORAGE = "dir: local\n\tpath /var/lib/vz\n\tcontent backup,vztmpl,import,iso\n\n"

# Nothing listens there, whatever network the tests run in.
NOBODY = ("10.99.0.1", "127.0.0.9")
# Lines of tools that the recorded machine had, and of its Ceph that did not answer.
FOREIGN = re.compile(r"^(?:iscsiadm: .*|umount: .*|command '.*' failed: .*|zfs error: .*|got timeout)\n+", re.MULTILINE)

Results = dict[str, tuple[str, int]]


def _words(line: str) -> list[str]:
    """The record has no quotes: words behind an option's value belong to that value."""
    words: list[str] = []
    option = False
    for word in line.split(" "):
        if option and words and not word.startswith("--") and not words[-1].startswith("--"):
            words[-1] += f" {word}"
            continue
        option = option or word.startswith("--")
        words.append(word)
    return words


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Results]:
    """What each command printed, and its exit code, on one node without a cluster."""
    found: Results = {}
    for section in SECTIONS:
        node = rig.Rig(tmp_path_factory.mktemp("node"), SHARED / "api" / "pve-9.2.json", {"pve9": "127.0.0.1"})
        (node.pve / "storage.cfg").write_text(STORAGE)
        for run in RUNS:
            if run.section == section:
                found[run.name] = _run(node, run)
    yield found


def _run(node: rig.Rig, run: golden.CommandRun) -> tuple[str, int]:
    words = [word.replace(*NOBODY) for word in _words(run.words)]
    if words[0] == "cat":
        path = Path(str(node.root("pve9")) + words[1])
        return (path.read_text().replace(NOBODY[1], NOBODY[0]), 0) if path.exists() else ("no such file", 1)
    output, code = node.command("pve9", words)
    return output.replace(NOBODY[1], NOBODY[0]), code


def _comparable(text: str) -> object:
    """Without what differs from run to run: secrets, sizes, the order that Perl's hashes give."""
    stripped = FOREIGN.sub("", text).strip()
    if stripped.startswith(("[{", "{")):
        data = json.loads(stripped)
        return _sorted([data] if isinstance(data, dict) else data)
    stripped = re.sub(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", "<uuid>", stripped)
    stripped = re.sub(
        r"^(\t?(?:content|nodes) )(.*)$",
        lambda match: match[1] + ",".join(sorted(match[2].split(","))),
        stripped,
        flags=re.MULTILINE,
    )
    return re.sub(r"\s+(?:\d{4,}|\d+\.\d\d%)", " <size>", stripped)


def _is_cut(output: str) -> bool:
    """The record has the first 400 characters of what is JSON."""
    return output.startswith("[{") and not output.rstrip().endswith("]")


def _sorted(rows: list[dict[str, object]]) -> list[str]:
    for row in rows:
        row.pop("digest", None)
        row.pop("value", None)
        for key in ("content", "nodes"):
            if isinstance(row.get(key), str):
                row[key] = ",".join(sorted(str(row[key]).split(",")))
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_command(run: golden.CommandRun, results: Results) -> None:
    output, code = results[run.name]
    missing = "handler defined for" in output or "ERROR: unknown command" in output or output == "no such file"
    if run.name in NOT_IMPLEMENTED:
        assert missing or (output, code) != (run.output, run.code), f"{run.name} works now: take it off the list"
        pytest.skip("not implemented yet")
    if not _is_cut(run.output):
        assert _comparable(output) == _comparable(run.output)
    assert code == run.code


def test_list_of_missing_commands_names_recorded_ones() -> None:
    assert {run.name for run in RUNS} >= NOT_IMPLEMENTED

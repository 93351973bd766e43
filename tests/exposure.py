"""Runs Ansible and finds the secrets of tests/canaries.py wherever a run could leave them.

In what it prints at -vvvv, in diffs, in what tasks return to a callback, in facts in the cache, in its log and temporary files;
and in the arguments and the environment of all processes of the machine meanwhile, those of containers among them.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canaries import found_in

ROOT = Path(__file__).resolve().parents[1]
# results as a callback gets them, whole; up to Ansible 2.18 they are in _result
_CALLBACK = """
import json, os
from ansible.plugins.callback import CallbackBase

class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "dump"

    def _dump(self, result, failed):
        told = dict(result.result if hasattr(result, "result") else result._result)
        with open(os.environ["DUMP"], "a") as file:
            print(json.dumps({**told, "failed": failed}, default=str), file=file)

    def v2_runner_on_ok(self, result):
        self._dump(result, False)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._dump(result, True)
"""
# Python tells it of every process before it is started: nothing is too short for it
_HOOK = """
import os, sys

def record(event, arguments):
    if event in ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system"):
        line = repr((event, arguments)).encode()
        file = os.open(os.environ["STARTED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, line + b"\\n")
        os.close(file)

if "STARTED" in os.environ:
    sys.addaudithook(record)
"""


class Watch(threading.Thread):
    """Arguments and environment of all processes, over and over, until it is closed."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.found: set[str] = set()
        self.rounds = 0
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.05):
            for process in Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    try:
                        data = (process / name).read_bytes()
                    except OSError:
                        continue
                    self.found |= {f"{one} in {name}" for one in found_in(data)}
            self.rounds += 1

    def close(self) -> None:
        self._over.set()
        self.join()


@dataclass(frozen=True)
class Run:
    """C(results): what each task returned, with C(failed)."""

    code: int
    output: str
    results: list[dict[str, Any]]


def run(
    directory: Path,
    arguments: Sequence[str],
    *,
    cwd: Path | None = None,
    keep: Collection[str] = (),
    environment: Mapping[str, str] | None = None,
    timeout: float = 600,
) -> Run:
    """ansible-playbook -vvvv --diff, and nothing of it may show a secret. C(keep): files of the directory that hold them."""
    for name, text in (("callback/dump.py", _CALLBACK), ("hook/sitecustomize.py", _HOOK)):
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_text(text)
    for name in ("dump", "started", "log"):
        (directory / name).unlink(missing_ok=True)
    watch = Watch()
    watch.start()
    done = subprocess.run(
        ["ansible-playbook", "-vvvv", "--diff", *arguments],
        cwd=cwd or directory,
        env={**os.environ, **_settings(directory), **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    watch.close()
    output = done.stdout + done.stderr
    assert [line.strip()[:300] for line in output.splitlines() if found_in(line)] == []
    assert watch.rounds > 5
    assert watch.found == set()
    assert "subprocess.Popen" in (directory / "started").read_text()
    assert holding(directory, keep) == {}
    lines = (directory / "dump").read_text().splitlines() if (directory / "dump").exists() else []
    return Run(done.returncode, output, [json.loads(line) for line in lines])


def _settings(directory: Path) -> dict[str, str]:
    path = [str(directory / "hook"), os.environ.get("PYTHONPATH", "")]
    return {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_LOCAL_TEMP": str(directory / "local"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_LOG_PATH": str(directory / "log"),
        "ANSIBLE_CACHE_PLUGIN": "jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(directory / "facts"),
        "ANSIBLE_CALLBACK_PLUGINS": str(directory / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "dump",
        "DUMP": str(directory / "dump"),
        "STARTED": str(directory / "started"),
        "PYTHONPATH": os.pathsep.join(path),
    }


def holding(directory: Path, keep: Collection[str] = ()) -> dict[str, list[str]]:
    """The files with canaries in them, by their path in the directory."""
    held = {}
    for path in directory.rglob("*"):
        name = str(path.relative_to(directory))
        if name not in keep and path.is_file() and not path.is_symlink() and (found := found_in(path.read_bytes())):
            held[name] = found
    return held

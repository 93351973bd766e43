"""One rack, the playbooks run against it, and what they leave behind."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rack import processes
from rack.rack import Rack
from rack.spec import load_spec

ROOT = Path(__file__).resolve().parents[2]
SPEC = ROOT / "tests/rack/specs/three.yml"
RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)
TASK = re.compile(r"^TASK \[(.*?)\]", re.MULTILINE)
# what a running cluster writes by itself, or makes anew for each cluster
VOLATILE = re.compile(
    r"/\.(version|clusterlog|rrd|members|debug|vmlist)$|/(lrm_status|manager_status|crm_commands)$|/priv/lock/"
)
UNIQUE = re.compile(
    r"\.(pem|key|srl|pub)$|/authkey|/known_hosts$|/ssh_known_hosts$|/authorized_keys$|/pve-www\.key$|/\.?clusterlog$"
)
SNAPSHOT = r"""
import hashlib, json, os, sys
found = {}
for top in sys.argv[1:]:
    for directory, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(directory, name)
            if os.path.islink(path):
                found[path] = "-> " + os.readlink(path)
            elif os.path.isfile(path):
                with open(path, "rb") as file:
                    data = file.read()
                found[path] = data.decode() if path.startswith("/etc/pve/") else hashlib.sha256(data).hexdigest()
            else:
                found[path] = "directory"
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Run:
    """One run of a playbook: exit code, output, and the recap as {host: {ok, changed, unreachable, failed}}."""

    code: int
    output: str

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        keys = ("ok", "changed", "unreachable", "failed")
        return {host: dict(zip(keys, map(int, counts), strict=True)) for host, *counts in RECAP.findall(self.output)}

    @property
    def changed(self) -> dict[str, int]:
        return {host: counts["changed"] for host, counts in self.recap.items()}


class Site:
    """A rack and its inventory."""

    def __init__(self, rack: Rack, skip: str = "") -> None:
        """`skip`: tags of phases that every run leaves out."""
        self.rack = rack
        self.skip = ["--skip-tags", skip] if skip else []
        self.nodes = [node.name for node in rack.spec.nodes]

    def start(self, *arguments: str, playbook: str = "site.yml") -> subprocess.Popen[str]:
        environment = {**os.environ, "RACK_NAME": self.rack.name, "ANSIBLE_NOCOLOR": "1"}
        return subprocess.Popen(
            ["ansible-playbook", "-i", "inventories/rack", f"playbooks/{playbook}", *self.skip, *arguments],
            cwd=ROOT,
            env=environment,
            # ssh would make the terminal's non-blocking under Ansible's feet
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def play(self, *arguments: str, playbook: str = "site.yml", timeout: float = 1200) -> Run:
        process = self.start(*arguments, playbook=playbook)
        try:
            output, _none = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            kill(process.pid)
            raise
        return Run(process.returncode, output)

    def converge(self, *arguments: str, playbook: str = "site.yml") -> Run:
        """A run that must succeed."""
        run = self.play(*arguments, playbook=playbook)
        assert run.code == 0, run.output
        return run

    def kill_after(self, seconds: float, playbook: str = "site.yml") -> str | None:
        """Start a playbook and kill it, workers and all, after so many seconds.

        The task at which it was; None if it was done before that.
        """
        process = self.start(playbook=playbook)
        try:
            process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            kill(process.pid)
            output, _none = process.communicate()
            return (["the beginning", *TASK.findall(output)])[-1]
        return None

    def run(self, node: str, command: Sequence[str]) -> str:
        done = self.rack.exec(node, command, capture_output=True, text=True)
        assert done.returncode == 0, f"{node}: {command}: {done.stdout}{done.stderr}"
        return done.stdout

    def snapshot(self, node: str, *tops: str) -> dict[str, str]:
        """{path: content below /etc/pve, or hash elsewhere}, without what a cluster writes by itself."""
        found = json.loads(self.run(node, ["python3", "-c", SNAPSHOT, *tops]))
        return {path: content for path, content in found.items() if not VOLATILE.search(path)}

    def cluster_files(self, node: str) -> dict[str, str]:
        """/etc/pve in a form that can be compared between two racks: what is made anew for each cluster only by name."""
        files = self.snapshot(node, "/etc/pve")
        return {path: "unique" if UNIQUE.search(path) else content for path, content in files.items()}

    def writes(self, node: str) -> list[str]:
        """METHOD PATH of every request that the API of a node was sent and that is not a read."""
        log = self.rack.exec(node, ["cat", "/var/log/pve-standin/requests.jsonl"], capture_output=True, text=True)
        requests = [json.loads(line) for line in log.stdout.splitlines()]
        return [f"{request['method']} {request['path']}" for request in requests if request["method"] != "GET"]


def kill(pid: int) -> None:
    """A process and all that come from it: Ansible's workers have sessions of their own."""
    os.kill(pid, signal.SIGSTOP)
    family, found = {pid}, {pid}
    while found:
        found = processes.children_of(found) - family
        family |= found
    for one in family:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


@contextmanager
def site(name: str, nodes: int = 3, release: str = "trixie") -> Iterator[Site]:
    """A fresh rack, taken down at the end. Ceph has tests of its own."""
    if name in Rack.names():
        Rack(name).down()
    with Rack.running(load_spec(SPEC, name, release, nodes)) as rack:
        yield Site(rack, skip="ceph")


def difference(before: dict[str, str], after: dict[str, str]) -> dict[str, tuple[str | None, str | None]]:
    """{path: (before, after)} of what is not the same."""
    return {
        path: (before.get(path), after.get(path))
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    }

"""A rack with the stand-in's Ceph, set up by the commands that an administrator types."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rack.rack import Rack
from rack.spec import load_spec
from site_under_test import ROOT, Site

SPEC = ROOT / "tests/rack/specs/ceph.yml"
NETWORK = "10.98.0.0/24"
DISKS = ("/dev/sdb", "/dev/sdc")
SPARE = "/dev/sdd"
OBJECTS = range(8)
# Calls of the API in one process on a node: [method, path, params] a line in, [status, body] a line out.
CALLER = r"""
import json, ssl, sys, urllib.error, urllib.parse, urllib.request
context = ssl._create_unverified_context()
for line in sys.stdin:
    method, path, params = json.loads(line)
    form = urllib.parse.urlencode(params)
    url = f"https://localhost:8006/api2/json{path}" + (f"?{form}" if form and method in ("GET", "DELETE") else "")
    body = form.encode() if method in ("POST", "PUT") else None
    headers = {"Authorization": f"PVEAPIToken={sys.argv[1]}"}
    request = urllib.request.Request(url, data=body, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, context=context) as answer:
            found = [answer.status, json.load(answer)]
    except urllib.error.HTTPError as error:
        found = [error.code, json.load(error)]
    print(json.dumps(found), flush=True)
"""


@dataclass
class Ceph:
    """`seconds` are those of the steps of its setting up."""

    site: Site
    seconds: dict[str, float] = field(default_factory=dict)
    token: str = ""

    @property
    def nodes(self) -> list[str]:
        return self.site.nodes

    def command(self, node: str, words: Sequence[str], stdin: str = "") -> tuple[str, int]:
        """What it prints, stderr included, and its exit code."""
        done = self.site.rack.exec(
            node, ["env", "LC_ALL=C", "HOME=/root", "sh", "-c", 'exec "$@" 2>&1', "sh", *words],
            capture_output=True, text=True, input=stdin,
        )  # fmt: skip
        return done.stdout, done.returncode

    def run(self, node: str, line: str, stdin: str = "") -> str:
        """The output of a shell command that must succeed."""
        output, code = self.command(node, ["sh", "-c", line], stdin)
        assert code == 0, f"{node}: {line}: {output}"
        return output

    def json(self, *words: str) -> Any:
        """A `ceph` command's answer."""
        return json.loads(self.site.run(self.nodes[0], ["ceph", *words, "--format", "json"]))

    def everywhere(self, step: str, work: Callable[[str], object], nodes: Sequence[str] | None = None) -> None:
        """The same on several nodes at once, timed."""
        begin = time.monotonic()
        with ThreadPoolExecutor() as pool:
            list(pool.map(work, nodes or self.nodes))
        self.seconds[step] = round(time.monotonic() - begin, 1)

    def api(self, node: str, calls: Sequence[tuple[str, str, dict[str, Any]]]) -> list[tuple[int, dict[str, Any]]]:
        """Status and body of each call, made as root@pam with a token."""
        if not self.token:
            made = self.run(node, "pveum user token add root@pam cap --privsep 0 --output-format json")
            self.token = f"root@pam!cap={json.loads(made)['value']}"
        lines = "".join(json.dumps(call) + "\n" for call in calls)
        done = self.site.rack.exec(
            node, ["python3", "-c", CALLER, self.token], capture_output=True, text=True, input=lines, check=True
        )
        return [tuple(json.loads(line)) for line in done.stdout.splitlines()]

    def call(self, node: str, method: str, path: str, **params: Any) -> tuple[int, dict[str, Any]]:
        return self.api(node, [(method, path, params)])[0]

    def finish(self, node: str, upid: str, seconds: float = 120) -> str:
        """The result of a task."""
        status: dict[str, Any] = {}

        def stopped() -> bool:
            status.update(self.call(node, "GET", f"/nodes/{node}/tasks/{upid}/status")[1]["data"])
            return status["status"] == "stopped"

        wait_for(stopped, f"the end of {upid}", seconds)
        return str(status["exitstatus"])

    def clean(self) -> bool:
        """Everything that should run does, and every placement group is as it should be."""
        status = self.json("status")
        groups = status["pgmap"].get("pgs_by_state", [])
        return (
            len(status["quorum"]) == len(self.nodes)
            and status["osdmap"]["num_up_osds"] == status["osdmap"]["num_in_osds"] == status["osdmap"]["num_osds"]
            and all(state["state_name"] == "active+clean" for state in groups)
        )

    def variables(self, node: str) -> dict[str, Any]:
        """What the inventory says of a machine, not templated."""
        done = subprocess.run(
            ["ansible-inventory", "-i", "inventories/rack", "--host", node],
            cwd=ROOT, env={**os.environ, "RACK_NAME": self.site.rack.name}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return json.loads(done.stdout)

    def settle(self, what: str = "a clean Ceph", seconds: float = 180) -> None:
        wait_for(self.clean, what, seconds)


def wait_for(condition: Callable[[], bool], what: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come in {seconds:.0f} s"
        time.sleep(1)


def wishes(made: Ceph, name: str) -> list[dict[str, Any]]:
    return made.variables(made.nodes[0]).get(name, [])


def disks_of(made: Ceph, node: str) -> list[dict[str, Any]]:
    """What the inventory gives to Ceph, the names of disks filled in; the third disk is not among them."""
    return [{"device": name} for name in made.variables(node)["rack_disks"][:2]]


def osds(made: Ceph) -> list[dict[str, Any]]:
    """Rows of the OSD map: osd, uuid, up, in."""
    return made.json("osd", "dump")["osds"]


def unchanged(made: Ceph, playbook: str = "ceph.yml") -> None:
    """The next run finds nothing to do, and sends no request that is not a read."""
    writes = {node: made.site.writes(node) for node in made.nodes}
    run = made.site.converge(playbook=playbook)
    assert run.changed == dict.fromkeys(made.nodes, 0), run.output
    assert {node: made.site.writes(node) for node in made.nodes} == writes


def whole(made: Ceph) -> None:
    """Everything that the inventory asks for is there and works."""
    status = made.json("status")
    nodes, disks = made.nodes, [disk for node in made.nodes for disk in disks_of(made, node)]
    assert sorted(status["quorum_names"]) == nodes
    managers = made.json("mgr", "dump")
    assert sorted([managers["active_name"], *(row["name"] for row in managers["standbys"])]) == nodes
    assert [(row["up"], row["in"]) for row in osds(made)] == [(1, 1)] * len(disks)
    assert sorted(row["osd"] for row in osds(made)) == list(range(len(disks))), "no number is lost or doubled"
    pools = {row["pool_name"]: row for row in made.json("osd", "pool", "ls", "detail")}
    for wish in wishes(made, "pve_ceph_pools"):
        if "erasure_coding" in wish:
            assert {f"{wish['name']}-data", f"{wish['name']}-metadata"} <= pools.keys()
            assert pools[f"{wish['name']}-data"]["erasure_code_profile"]
        else:
            row = pools[wish["name"]]
            assert (row["size"], row["min_size"]) == (wish.get("size", 3), wish.get("min_size", 2))
    filesystems = {row["mdsmap"]["fs_name"]: row["mdsmap"] for row in made.json("fs", "dump")["filesystems"]}
    assert filesystems.keys() == {wish["name"] for wish in wishes(made, "pve_ceph_filesystems")}
    for mdsmap in filesystems.values():
        assert [entry["state"] for entry in mdsmap["info"].values()] == ["up:active"]
    standbys = made.json("fs", "dump")["standbys"]
    assert len(standbys) == len(wishes(made, "pve_ceph_mds")) - len(filesystems)
    accepted = set(made.variables(nodes[0]).get("pve_ceph_health_accept", []))
    assert set(made.json("health", "detail")["checks"]) <= accepted


def write_objects(made: Ceph) -> str:
    """Objects in a replicated pool of the inventory; the command that compares them all."""
    pool = next(wish["name"] for wish in wishes(made, "pve_ceph_pools") if "erasure_coding" not in wish)
    made.run(
        "pve1",
        "mkdir -p /root/objects; for n in "
        + " ".join(map(str, OBJECTS))
        + f"; do head -c 1M /dev/urandom > /root/objects/$n; rados -p {pool} put object-$n /root/objects/$n; done;"
        + " cd /root/objects; sha256sum * > /root/objects.sha256",
    )
    reads = " ".join(map(str, OBJECTS))
    return (
        "mkdir -p /root/again; cd /root/again; rm -f *;"
        f" for n in {reads}; do rados -p {pool} get object-$n $n; done; sha256sum -c --quiet /root/objects.sha256"
    )


def set_up(ceph: Ceph) -> None:
    """From a cluster without Ceph to three monitors, three managers and two OSDs a node."""
    first, *others = ceph.nodes
    install = "pveceph install --repository no-subscription --version squid"
    ceph.everywhere("install", lambda node: ceph.run(node, install, stdin="y\n"))
    begin = time.monotonic()
    ceph.run(first, f"pveceph init --network {NETWORK}")
    ceph.run(first, "pveceph mon create")
    ceph.seconds["init and the first MON"] = round(time.monotonic() - begin, 1)
    ceph.everywhere("other MONs", lambda node: ceph.run(node, "pveceph mon create"), others)
    ceph.everywhere("other MGRs", lambda node: ceph.run(node, "pveceph mgr create"), others)
    for disk in DISKS:
        ceph.everywhere(f"OSDs on {disk}", lambda node, disk=disk: ceph.run(node, f"pveceph osd create {disk}"))
    begin = time.monotonic()
    ceph.settle()
    ceph.seconds["until clean"] = round(time.monotonic() - begin, 1)


@contextmanager
def machines(name: str, release: str = "trixie") -> Iterator[Ceph]:
    """A fresh rack of machines with disks, taken down at the end."""
    if name in Rack.names():
        Rack(name).down()
    with Rack.running(load_spec(SPEC, name, release)) as rack:
        yield Ceph(Site(rack))


@contextmanager
def cluster(name: str, release: str = "trixie") -> Iterator[Ceph]:
    """Machines with a cluster made by site.yml, and no Ceph."""
    with machines(name, release) as fresh:
        fresh.site.converge("--skip-tags", "ceph")
        yield fresh


@contextmanager
def ceph(name: str, release: str = "trixie") -> Iterator[Ceph]:
    """Machines with a cluster made by site.yml and a Ceph made by hand."""
    with cluster(name, release) as fresh:
        set_up(fresh)
        print(f"seconds: {fresh.seconds}, together {sum(fresh.seconds.values()):.0f}")
        yield fresh

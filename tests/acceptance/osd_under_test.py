"""One node with many disks, and calls of ceph_osd on it."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ceph_under_test import NETWORK, Ceph
from rack import disks as names
from rack.rack import Rack
from rack.spec import load_spec
from site_under_test import ROOT, Site

SPEC = ROOT / "tests/rack/specs/osd.yml"
NODE = "pve1"
EMPTY = range(12)


@contextmanager
def node(name: str, release: str = "trixie") -> Iterator[Ceph]:
    """A monitor, a manager, no OSD; pools put their copies on OSDs, not hosts."""
    if name in Rack.names():
        Rack(name).down()
    with Rack.running(load_spec(SPEC, name, release)) as rack:
        ceph = Ceph(Site(rack, skip="ceph"))
        ceph.site.converge()
        ceph.run(NODE, "pveceph install --repository no-subscription --version squid", stdin="y\n")
        ceph.run(NODE, f"pveceph init --network {NETWORK}")
        ceph.run(NODE, "pveceph mon create")
        ceph.run(NODE, "ceph osd crush rule create-replicated osds default osd")
        ceph.run(NODE, "ceph config set mon osd_pool_default_crush_rule 1")
        yield ceph


def device(ceph: Ceph, index: int) -> str:
    return names.by_id(ceph.site.rack.spec.nodes[0], index)


def entries(ceph: Ceph, indices: Sequence[int]) -> list[dict[str, Any]]:
    return [{"device": device(ceph, index)} for index in indices]


def start(ceph: Ceph, *flags: str, **options: Any) -> subprocess.Popen[str]:
    arguments = json.dumps(options)
    return subprocess.Popen(
        ["ansible", "-i", "inventories/rack", NODE, "-o", "-m", "baremetal.proxmox.ceph_osd", "-a", arguments, *flags],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "RACK_NAME": ceph.site.rack.name, "ANSIBLE_NOCOLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def call(ceph: Ceph, *flags: str, **options: Any) -> dict[str, Any]:
    output, _none = start(ceph, *flags, **options).communicate(timeout=1200)
    head, arrow, body = output.partition(" => ")
    assert arrow, output
    return {**json.loads(body), "failed": head.endswith(("FAILED!", "UNREACHABLE!"))}


def made(ceph: Ceph, *flags: str, **options: Any) -> dict[str, Any]:
    """A call that must succeed."""
    result = call(ceph, *flags, **options)
    assert not result["failed"], result
    return result


def rows(ceph: Ceph) -> dict[int, dict[str, Any]]:
    return {row["osd"]: row for row in ceph.json("osd", "dump")["osds"]}


def gone(ceph: Ceph, indices: Sequence[int]) -> None:
    # the managers' own pool would lie on none
    ceph.run(
        NODE, "ceph config set mon mon_allow_pool_delete true; ceph osd pool rm .mgr .mgr --yes-i-really-really-mean-it"
    )
    made(ceph, config=entries(ceph, indices), state="absent", cleanup=True, force=list(EMPTY))
    assert rows(ceph) == {}


def twelve(ceph: Ceph) -> dict[str, tuple[float, int]]:
    """Twelve OSDs on empty disks in one call of the module, again, and one by one: {how: (seconds, calls of the API)}.

    None of them is left.
    """
    config = entries(ceph, EMPTY)

    def timed(work: Callable[[], object]) -> tuple[float, int]:
        begin, before = time.monotonic(), len(requests(ceph))
        work()
        return round(time.monotonic() - begin, 1), len(requests(ceph)) - before

    found = {"in one call": timed(lambda: made(ceph, config=config, timeout=900))}
    assert len(rows(ceph)) == len(config)
    found["again, unchanged"] = timed(lambda: made(ceph, config=config))
    gone(ceph, EMPTY)
    found["one by one"] = timed(lambda: [made(ceph, config=[one]) for one in config])
    assert len(rows(ceph)) == len(config)
    gone(ceph, EMPTY)
    return found


def requests(ceph: Ceph) -> list[str]:
    return ceph.run(NODE, "cat /var/log/pve-standin/requests.jsonl").splitlines()

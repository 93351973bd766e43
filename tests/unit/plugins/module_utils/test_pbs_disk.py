# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Disks for datastores: only empty ones, all refusals at once, and what is there is recognised."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import InputError, TaskError
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_disks import Disk
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_disk import Converger, objections, wishes

A, B, C = (f"/dev/disk/by-id/ata-{letter}" for letter in "ABC")
KERNEL = {A: "/dev/sdb", B: "/dev/sdc", C: "/dev/nvme0n1"}


def disk(link: str, *contents: dict[str, Any], empty: bool | None = None) -> Disk:
    told = {
        "stable_id": link,
        "contents": list(contents),
        "empty": not contents if empty is None else empty,
        "reason": None,
    }
    return Disk(KERNEL[link], told, ())


def mounted(link: str, place: str) -> Disk:
    device = f"{KERNEL[link]}1"
    return disk(link, {"device": device, "what": "mounted", "text": f"mounted on {place}", "places": [place]})


class FakeDisks:
    def __init__(self, *known: Disk) -> None:
        self.all = {one.path: one for one in known}

    def real(self, path: str) -> str:
        return KERNEL.get(path, path)

    def find(self, path: str) -> Disk | None:
        return self.all.get(self.real(path))


@dataclass
class FakeApi:
    directories: list[str] = field(default_factory=list)
    pools: list[str] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    awaited: list[Any] = field(default_factory=list)
    failure: Exception | None = None

    def get(self, path: str) -> list[dict[str, str]]:
        return [{"name": name} for name in (self.pools if path.endswith("/zfs") else self.directories)]

    def post(self, path: str, **params: Any) -> None:
        self.calls.append((path, params))
        if self.failure:
            raise self.failure

    def finish(self, workers: Any) -> None:
        self.awaited.append(workers)


def one(name: str = "store1", *devices: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "devices": list(devices or (A,)), **more}


def test_an_empty_disk_is_made_by_its_name_of_today():
    api = FakeApi()
    converger = Converger(api, FakeDisks(disk(A), disk(C)))
    missing = converger.plan(wishes([one(), one("fast", C, filesystem="xfs")]))
    assert api.calls == []
    converger.make(missing)
    assert api.calls == [
        ("/nodes/{node}/disks/directory", {"name": "store1", "disk": "sdb", "filesystem": "ext4"}),
        ("/nodes/{node}/disks/directory", {"name": "fast", "disk": "nvme0n1", "filesystem": "xfs"}),
    ]
    assert missing[0].shown() == {
        "name": "store1",
        "path": "/mnt/datastore/store1",
        "devices": [A],
        "filesystem": "ext4",
    }


def test_a_pool_of_several_disks():
    api = FakeApi()
    converger = Converger(api, FakeDisks(disk(A), disk(B)))
    converger.make(converger.plan(wishes([one("tank", A, B, filesystem="zfs", raidlevel="mirror")])))
    assert api.calls == [
        ("/nodes/{node}/disks/zfs", {"name": "tank", "devices": "sdb,sdc", "raidlevel": "mirror"}),
    ]


def test_what_is_there_is_left_alone_and_a_running_task_is_awaited():
    api = FakeApi(directories=["store1"])
    assert Converger(api, FakeDisks(mounted(A, "/mnt/datastore/store1"))).plan(wishes([one()])) == []
    assert len(api.awaited) == 1
    pool = disk(A, {"device": "/dev/sdb1", "what": "zfs", "text": "ZFS, pool tank", "pool": "tank"})
    assert Converger(FakeApi(pools=["tank"]), FakeDisks(pool)).plan(wishes([one("tank", filesystem="zfs")])) == []


def test_without_a_server_the_disks_are_looked_at_all_the_same():
    assert len(Converger(None, FakeDisks(disk(A))).plan(wishes([one()]))) == 1
    with pytest.raises(InputError, match=r"expected .*ata-A to be empty, found /dev/sdb1: mounted on /srv"):
        Converger(None, FakeDisks(mounted(A, "/srv"))).plan(wishes([one()]))


def test_everything_that_stands_against_it_is_told_at_once():
    unknown = disk(C, empty=False)
    unknown = Disk(unknown.path, {**unknown.told, "empty": None, "reason": "cannot be read"}, ())
    disks = FakeDisks(mounted(A, "/srv"), mounted(B, "/mnt/datastore/other"), unknown)
    wanted = wishes([one(), one("other", A), one("third", C), one("fourth", "/dev/disk/by-id/ata-Z")])
    wanted[1] = wishes([one("other", "/dev/disk/by-id/ata-Y")])[0]
    api = FakeApi(directories=["other"])
    with pytest.raises(InputError) as error:
        Converger(api, disks).plan(wanted)
    assert error.value.fields["problems"] == [
        f"disk of the datastore 'store1': devices: expected {A} to be empty, found /dev/sdb1: mounted on /srv. Nothing here"
        " wipes it",
        f"disk of the datastore 'other': devices: expected {B}, on which it is, found /dev/disk/by-id/ata-Y",
        f"disk of the datastore 'third': devices: expected {C} to be empty, found cannot be read. Nothing here wipes it",
        "disk of the datastore 'fourth': devices: expected a disk of this machine (empty are none), found"
        " /dev/disk/by-id/ata-Z",
    ]
    assert api.calls == []


def test_a_place_that_is_not_mounted_is_no_place():
    with pytest.raises(InputError, match="expected it to be mounted on /mnt/datastore/store1, found it not mounted"):
        Converger(FakeApi(directories=["store1"]), FakeDisks(disk(A))).plan(wishes([one()]))


def test_a_task_that_fails_says_which_disk_and_that_something_was_done():
    api = FakeApi(failure=TaskError("UPID:x", "mkfs failed"))
    converger = Converger(api, FakeDisks(disk(A)))
    with pytest.raises(TaskError, match=r"disk of the datastore 'store1': task .* mkfs failed See what is on") as error:
        converger.make(converger.plan(wishes([one()])))
    assert error.value.fields["changed"] is True


@pytest.mark.parametrize(
    "config, told",
    [
        ([one("a"), one("a", B)], "disk of the datastore 'a': it is listed twice"),
        ([one("a"), one("b")], f"{A}: it is listed twice"),
        ([one("a", A, B)], "disk of the datastore 'a': devices: expected one for ext4, found 2"),
        (
            [one("a", raidlevel="mirror")],
            "disk of the datastore 'a': raidlevel: expected it with zfs only, found mirror",
        ),
        (
            [one("a", A, filesystem="zfs", raidlevel="mirror")],
            "disk of the datastore 'a': devices: expected at least 2 for mirror, found 1",
        ),
        (
            [one("a", A, B, filesystem="zfs")],
            "disk of the datastore 'a': devices: expected one for single, found 2",
        ),
    ],
)
def test_lists_that_are_no_good(config: list[dict[str, Any]], told: str):
    assert objections(wishes(config)) == [told]

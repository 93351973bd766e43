# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Preflight: every fault is found where it is, and nothing else is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.plugin_utils import _preflight as catalogue
from ansible_collections.baremetal.proxmox.plugins.plugin_utils import _preflight_table as table

from . import preflight_racks as racks
from .preflight_racks import CLUSTER, GIB, Rack

README = Path(__file__).parents[4] / "roles/pve_preflight/README.md"


def test_nothing_is_invented() -> None:
    verdict = Rack().verdict()
    assert (verdict.passed, verdict.failures, verdict.warnings, verdict.accepted) == (True, [], [], [])


def _set(*path: str, value: Any) -> Callable[[Rack], None]:
    """Changes a fact of pve2."""

    def change(rack: Rack) -> None:
        target = rack.facts["pve2"]
        for step in path[:-1]:
            target = target[step]
        target[path[-1]] = value

    return change


def _nic(name: str, **changes: Any) -> Callable[[Rack], None]:
    def change(rack: Rack) -> None:
        next(nic for nic in rack.facts["pve2"]["nics"] if nic["name"] == name).update(changes)

    return change


def _disk(name: str, **changes: Any) -> Callable[[Rack], None]:
    def change(rack: Rack) -> None:
        next(disk for disk in rack.facts["pve2"]["disks"] if disk["name"] == name).update(changes)

    return change


def _osds(
    *devices: str, changes: dict[str, Any] | None = None, hosts: tuple[str, ...] = racks.HOSTS
) -> Callable[[Rack], None]:
    def change(rack: Rack) -> None:
        for host in hosts:
            rack.declared[host]["ceph_osds"] = [{"device": device} for device in devices]
        if changes is not None:
            _disk("sdb", **changes)(rack)

    return change


def _consent(entry: bool, run: bool) -> Callable[[Rack], None]:
    """The two words that a wipe needs."""

    def change(rack: Rack) -> None:
        for declared in rack.declared.values():
            declared["ceph_osds"] = [osd | {"wipe": entry} for osd in declared["ceph_osds"]]
            declared["ceph_allow_wipe"] = run

    return change


def _all(*changes: Callable[[Rack], None]) -> Callable[[Rack], None]:
    def change(rack: Rack) -> None:
        for each in changes:
            each(rack)

    return change


UUID = "11111111-2222-4333-8444-555555555555"
HALF = [
    {
        "device": "/dev/sdb",
        "what": "lvm",
        "text": "LVM",
        "volume_group": f"ceph-{UUID}",
        "logical_volumes": [f"osd-block-{UUID}"],
    },
    {"device": "/dev/sdb", "what": "ceph_osd", "text": "Ceph OSD", "cluster_fsid": None, "osd_id": None, "role": None},
]
LOST = {"received": 0, "rtt_ms": None, "passed": None, "largest": None}
SDB = "/dev/disk/by-id/ata-SDB"
USED = [{"device": "/dev/sdb", "what": "filesystem", "text": "filesystem ext4"}]
FAULTS: dict[str, tuple[Callable[[Rack], None], list[tuple[str, str]]]] = {
    "another architecture": (_set("architecture", value="aarch64"), [("fail", "architecture")]),
    "an old Debian": (
        _set("debian", "release", value="bullseye"),
        [("fail", "debian_release")],
    ),
    "no Debian": (_set("debian", "release", value=None), [("fail", "debian_release")]),
    "the other Debian": (_set("debian", "release", value="bookworm"), [("fail", "debian_skew")]),
    "an old Proxmox": (
        _set("proxmox", value={"installed": True, "version": "7.4-1", "release": "7.4"}),
        [("fail", "proxmox_release")],
    ),
    "the major release before": (
        _set("proxmox", value={"installed": True, "version": "8.4.1", "release": "8.4"}),
        [("fail", "proxmox_skew")],
    ),
    "another minor Proxmox": (
        _set("proxmox", value={"installed": True, "version": "9.1.4", "release": "9.1"}),
        [("warn", "proxmox_skew")],
    ),
    "no Proxmox yet": (_set("proxmox", value={"installed": False, "version": None, "release": None}), []),
    "no flag, and so no KVM": (
        _all(
            _set("cpu", "virtualization", value=None),
            _set(
                "cpu", "kvm", value={"present": False, "usable": False, "error": "there is no /dev/kvm", "nested": None}
            ),
        ),
        [("fail", "cpu_virtualization")],
    ),
    "KVM that does not work": (
        _set("cpu", "kvm", value={"present": True, "usable": False, "error": "busy", "nested": None}),
        [("fail", "kvm_usable")],
    ),
    "one thread": (_set("cpu", "threads", value=1), [("warn", "cpu_threads")]),
    "another maker": (_set("cpu", "vendor", value="AuthenticAMD"), [("warn", "cpu_vendor_skew")]),
    "little memory": (
        _set("memory", value={"total": GIB, "installed": GIB, "ecc": True, "ecc_source": "dmi"}),
        [("fail", "memory")],
    ),
    "2 GiB, of which the kernel has a part": (
        _set("memory", value={"total": int(1.9 * GIB), "installed": None, "ecc": None, "ecc_source": None}),
        [],
    ),
    "no ECC": (_set("memory", "ecc", value=False), [("warn", "memory_ecc")]),
    "ECC unknown": (_set("memory", "ecc", value=None), []),
    "a small disk to boot from": (_disk("sda", size=8 * GIB), [("warn", "boot_disk")]),
    "a boot disk that will fail": (_disk("sda", smart={"passed": False, "worn_percent": 1}), [("fail", "disk_health")]),
    "a worn boot disk": (_disk("sda", smart={"passed": True, "worn_percent": 95}), [("warn", "disk_wear")]),
    "a worn disk that nobody wants": (_disk("sdb", smart={"passed": False, "worn_percent": 120}), []),
    "OSDs on empty disks": (_osds(SDB), []),
    "OSDs by path": (_osds("/dev/disk/by-path/pci-sdb"), []),
    "a disk that is not there": (
        _all(_osds(SDB), _disk("sdb", by_id=[])),
        [("fail", "osd_device_exists")],
    ),
    "a used disk": (_osds(SDB, changes={"empty": False, "contents": USED}), [("fail", "osd_device_empty")]),
    "a used disk that this run may wipe": (
        _all(_osds(SDB, changes={"empty": False, "contents": USED}), _consent(entry=True, run=True)),
        [],
    ),
    "a used disk that a run may wipe, not this one": (
        _all(_osds(SDB, changes={"empty": False, "contents": USED}), _consent(entry=True, run=False)),
        [("fail", "osd_device_empty")],
    ),
    "a used disk that nobody named, in a run that wipes": (
        _all(_osds(SDB, changes={"empty": False, "contents": USED}), _consent(entry=False, run=True)),
        [("fail", "osd_device_empty")],
    ),
    "a disk that cannot be looked at": (
        _osds(SDB, changes={"empty": None, "reason": "I/O"}),
        [("fail", "osd_device_empty")],
    ),
    "an OSD of this cluster": (
        _all(_osds(SDB, changes={"empty": False, "contents": racks.osd()}), _set("ceph", "fsid", value=CLUSTER)),
        [],
    ),
    "an OSD that was made by half": (
        _all(_osds(SDB, changes={"empty": False, "contents": HALF}), _set("ceph", "fsid", value=CLUSTER)),
        [],
    ),
    "an OSD of an unknown cluster on a machine without Ceph": (
        _osds(SDB, changes={"empty": False, "contents": HALF}),
        [("fail", "osd_device_empty")],
    ),
    "a volume group of another name on a machine with Ceph": (
        _all(
            _osds(SDB, changes={"empty": False, "contents": [HALF[0] | {"volume_group": "data"}]}),
            _set("ceph", "fsid", value=CLUSTER),
        ),
        [("fail", "osd_device_empty")],
    ),
    "a file system on a machine with Ceph": (
        _all(_osds(SDB, changes={"empty": False, "contents": USED}), _set("ceph", "fsid", value=CLUSTER)),
        [("fail", "osd_device_empty")],
    ),
    "an OSD of another cluster": (
        _all(_osds(SDB, changes={"empty": False, "contents": racks.osd("other")}), _set("ceph", "fsid", value=CLUSTER)),
        [("fail", "osd_device_empty")],
    ),
    "an OSD of a cluster that this machine is not in": (
        _osds(SDB, changes={"empty": False, "contents": racks.osd()}),
        [("fail", "osd_device_empty")],
    ),
    "an OSD beside something else": (
        _all(
            _osds(SDB, changes={"empty": False, "contents": [*racks.osd(), *USED]}),
            _set("ceph", "fsid", value=CLUSTER),
        ),
        [("fail", "osd_device_empty")],
    ),
    "an OSD in a volume group with a guest's disk": (
        _all(
            _osds(
                SDB,
                changes={
                    "empty": False,
                    "contents": [racks.osd()[0] | {"logical_volumes": ["osd", "vm-100-disk-0"]}, *racks.osd()[1:]],
                },
            ),
            _set("ceph", "fsid", value=CLUSTER),
        ),
        [("fail", "osd_device_empty")],
    ),
    "too little memory for OSDs": (
        _all(
            _osds(SDB),
            _set("memory", value={"total": 22 * GIB, "installed": 22 * GIB, "ecc": True, "ecc_source": "dmi"}),
        ),
        [("fail", "ceph_memory")],
    ),
    "a worn disk for Ceph": (
        _osds(SDB, changes={"smart": {"passed": True, "worn_percent": 91}}),
        [("warn", "disk_wear")],
    ),
    "a slow network for Ceph": (_all(_osds(SDB), _nic("eno2", speed=1000)), [("fail", "ceph_network_speed")]),
    "a slow network for storage": (_nic("eno2", speed=1000), [("warn", "storage_network_speed")]),
    "a slow network for management": (_nic("eno1", speed=1000), []),
    "a speed that nobody knows": (_nic("eno2", speed=None), []),
    "a small MTU": (_nic("eno2", mtu=1500), [("fail", "network_mtu")]),
    "a clock 5 s ahead": (lambda rack: rack.clock["pve2"].update(offset=5.0), [("fail", "clock_offset")]),
    "a clock 5 s behind": (lambda rack: rack.clock["pve2"].update(offset=-5.0), [("fail", "clock_offset")]),
    "a clock 1 s ahead": (lambda rack: rack.clock["pve2"].update(offset=1.0), [("warn", "clock_offset")]),
    "a clock that was measured badly": (lambda rack: rack.clock["pve2"].update(offset=2.5, error=2.4), []),
    "no clock": (lambda rack: rack.clock.update(pve2=None), []),
    "a controller with a wrong clock": (
        lambda rack: [clock.update(offset=3600.0) for clock in rack.clock.values()] and None,
        [],
    ),
    "nothing keeps the clock": (
        _set("clock", value={"services": [], "synchronized": False}),
        [("warn", "clock_synchronized")],
    ),
    "nothing keeps the clock of a bare machine": (
        _all(
            _set("clock", value={"services": [], "synchronized": False}),
            _set("proxmox", value={"installed": False, "version": None, "release": None}),
        ),
        [],
    ),
}


@pytest.mark.parametrize("change,expected", FAULTS.values(), ids=FAULTS)
def test_a_fault_of_one_machine(change: Callable[[Rack], None], expected: list[tuple[str, str]]) -> None:
    rack = Rack()
    change(rack)
    assert sorted(rack.found()) == sorted((level, "pve2", name) for level, name in expected)


@pytest.mark.parametrize(
    ("what", "name"),
    [
        (lambda rack: rack.facts["pve3"].update(machine_id=rack.facts["pve2"]["machine_id"]), "machine_id_unique"),
        (lambda rack: rack.facts["pve3"].update(host_keys=rack.facts["pve2"]["host_keys"]), "host_keys_unique"),
        (lambda rack: rack.facts["pve3"]["nics"][0].update(mac=rack.facts["pve2"]["nics"][0]["mac"]), "mac_unique"),
        (
            lambda rack: rack.facts["pve3"]["addresses"].append(
                {"interface": "eno1", "address": "10.99.0.12", "prefix": 24, "scope": "global"}
            ),
            "address_unique",
        ),
    ],
)
def test_copies(what: Callable[[Rack], None], name: str) -> None:
    rack = Rack()
    what(rack)
    if name == "address_unique":  # packets to it are lost, and say nothing about the wire
        rack.bad_pings["pve1", "pve2", "management"] = LOST
    assert rack.found() == [("fail", "pve2", name), ("fail", "pve3", name)]


def test_two_clocks_are_judged_by_a_third() -> None:
    rack = Rack(("pve1", "pve2"))
    rack.clock["pve1"]["offset"] = 5.0
    assert rack.found() == [("fail", "pve1", "clock_offset")]
    assert "of the controller" in rack.verdict().failures[0].expected


def test_ceph_wants_three() -> None:
    rack = Rack()
    _osds(SDB, hosts=("pve1", "pve2"))(rack)
    assert rack.found() == [("fail", "pve1", "ceph_nodes")]
    # one that is down, or left out by --limit
    rack.ceph_hosts = ("pve1", "pve2", "pve9")
    assert rack.found() == []


def test_two_names_of_one_disk() -> None:
    rack = Rack()
    _osds(SDB, "/dev/disk/by-path/pci-sdb")(rack)
    assert {name for _level, _host, name in rack.found()} == {"osd_device_unique"}


SMALL = {"passed": False, "largest": 1500}


@pytest.mark.parametrize(("how", "name"), [(LOST, "network_reach"), (SMALL, "network_mtu")])
def test_a_machine_behind_a_bad_port_is_named_once(how: dict[str, Any], name: str) -> None:
    rack = Rack()
    for peer in ("pve1", "pve3"):
        rack.bad_pings[peer, "pve2", "storage"] = how
        rack.bad_pings["pve2", peer, "storage"] = how
    assert rack.found() == [("fail", "pve2", name)]
    assert "storage: " in rack.verdict().failures[0].expected
    assert "pve1, pve3" in rack.verdict().failures[0].expected


def test_one_way_is_enough_to_be_broken() -> None:
    rack = Rack()
    rack.bad_pings["pve3", "pve1", "storage"] = SMALL
    assert rack.found() == [("fail", "pve1", "network_mtu")]


def test_what_is_not_there_yet_is_no_finding() -> None:
    rack = Rack()
    for facts in rack.facts.values():
        facts["addresses"] = [one for one in facts["addresses"] if one["interface"] != "eno2"]
    assert rack.found() == []
    assert all(ping["about"]["networks"] == ["management"] for host in rack.facts for ping in rack.pings(host))


def test_an_mtu_that_the_network_role_will_set_is_no_finding() -> None:
    rack = Rack()
    _nic("eno2", mtu=1500)(rack)
    rack.everywhere(network_interfaces=True)
    assert rack.found() == []
    sizes = {
        ping["about"]["host"]: ping["mtu"] for ping in rack.pings("pve1") if "storage" in ping["about"]["networks"]
    }
    assert sizes == {"pve2": 1500, "pve3": 9000}


@pytest.mark.parametrize(("milliseconds", "level"), [(3.0, None), (7.0, "warn"), (12.0, "fail")])
def test_latency_of_corosync(milliseconds: float, level: str | None) -> None:
    rack = Rack()
    slow = {"rtt_ms": {"min": 0.1, "median": milliseconds, "max": 20}}
    rack.bad_pings["pve1", "pve2", "management"] = rack.bad_pings["pve2", "pve1", "management"] = slow
    rack.bad_pings["pve1", "pve2", "storage"] = rack.bad_pings["pve2", "pve1", "storage"] = slow
    assert [found[0] for found in rack.found()] == ([level] if level else [])


def test_names() -> None:
    def answer(*addresses: str) -> dict[str, Any]:
        return {"answer": list(addresses), "error": None}

    rack = Rack()
    rack.names["pve1"] = {"pve1": answer("127.0.1.1"), "pve2": answer(), "pve3": answer("10.99.0.13")}
    rack.names["pve2"] = {"pve1": answer("10.99.0.13"), "pve2": answer("10.99.0.11"), "pve3": answer("10.97.0.13")}
    rack.names["pve3"] = {"pve1": answer("203.0.113.9"), "pve2": answer("203.0.113.9", "10.99.0.12")}
    rack.reverse["pve1"] = {"10.99.0.12": answer("pve2.example.org"), "10.99.0.13": answer("pve2")}
    rack.reverse["pve3"] = {"10.99.0.11": answer("router.example.org"), "10.99.0.12": answer()}
    assert sorted(rack.found()) == [
        ("fail", "pve1", "name_reverse"),
        ("fail", "pve2", "name_forward"),
        ("fail", "pve2", "name_own"),
        ("warn", "pve3", "name_forward"),
    ]
    rack.everywhere(requirements={"levels": {"name_unresolved": "warn"}})
    assert ("warn", "pve1", "name_unresolved") in rack.found()


def test_a_name_service_that_hangs() -> None:
    rack = Rack()
    rack.names["pve1"] = {"pve2": {"answer": None, "error": "no answer within 3 s"}}
    rack.names["pve2"] = {"pve1": {"answer": None, "error": "Temporary failure in name resolution"}}
    assert rack.found() == [("warn", "pve1", "name_service")]


def test_machines_that_cannot_be_read_are_findings_among_the_others() -> None:
    rack = Rack()
    _set("cpu", "virtualization", value=None)(rack)
    rack.results = {
        "pve4": {"facts": {"unreachable": True, "msg": "Failed to connect\nto the host"}},
        "pve5": {"facts": {"failed": True, "msg": "boom", "module_stderr": "line 1\nsh: no python\n"}},
        "pve6": {"facts": {"facts": racks.facts(6)}, "probe": {"failed": True, "msg": "no sockets"}},
        "pve7": {},
    }
    assert rack.found() == [
        ("fail", "pve4", "reachable"),
        ("fail", "pve5", "readable"),
        ("fail", "pve6", "readable"),
        ("fail", "pve7", "readable"),
        ("fail", "pve2", "cpu_virtualization"),
    ]
    failures = rack.verdict().failures
    assert [one.found for one in failures[:2]] == ["Failed to connect to the host", "boom: sh: no python"]


# What the inventory has a say in


def test_an_override_is_printed_with_its_reason() -> None:
    rack = Rack()
    _set("cpu", "virtualization", value=None)(rack)
    rack.declared["pve2"]["overrides"] = {"cpu_virtualization": " only a quorum node "}
    verdict = rack.verdict()
    assert verdict.passed
    assert [(one.host, one.level, one.reason) for one in verdict.accepted] == [("pve2", "fail", "only a quorum node")]
    assert table.lines(rack.machines(), verdict)[-2].endswith("Accepted: only a quorum node")


def test_an_override_holds_on_its_own_host_only() -> None:
    rack = Rack()
    _set("cpu", "virtualization", value=None)(rack)
    rack.declared["pve1"]["overrides"] = {"cpu_virtualization": "a reason"}
    assert rack.found() == [("fail", "pve2", "cpu_virtualization")]


@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        (
            {"overrides": {"cpu_virtualisation": "x"}},
            "pve1: pve_preflight_overrides: expected a known name (nearest: cpu_virtualization), found 'cpu_virtualisation'",
        ),
        (
            {"overrides": {"memory": " "}},
            "pve1: pve_preflight_overrides.memory: expected the reason why this is accepted, found ' '",
        ),
        (
            {"overrides": {"memory": None}},
            "pve1: pve_preflight_overrides.memory: expected the reason why this is accepted, found nothing",
        ),
        (
            {"requirements": {"memory_gb": 4}},
            "pve1: pve_preflight_requirements: expected a known name (nearest: memory_gib), found 'memory_gb'",
        ),
        (
            {"requirements": {"memory_gib": "much"}},
            "pve1: pve_preflight_requirements.memory_gib: expected a number, 0 or more, found 'much'",
        ),
        (
            {"requirements": {"debian_releases": "trixie"}},
            "pve1: pve_preflight_requirements.debian_releases: expected a list, found 'trixie'",
        ),
        (
            {"requirements": {"levels": {"memory": "error"}}},
            "pve1: pve_preflight_requirements.levels.memory: expected fail, warn or off, found 'error'",
        ),
        (
            {"requirements": {"levels": {"memry": "warn"}}},
            "pve1: pve_preflight_requirements.levels: expected a known name (nearest: memory), found 'memry'",
        ),
    ],
)
def test_what_the_inventory_may_not_say(declared: dict[str, Any], sentence: str) -> None:
    rack = Rack()
    rack.declared["pve1"] |= declared
    verdict = rack.verdict()
    assert verdict.errors == [sentence]
    assert not verdict.passed


def test_levels_and_limits_of_a_group() -> None:
    rack = Rack()
    rack.declared["pve1"]["requirements"] = {"levels": {"iommu": "fail"}, "memory_gib": 128}
    rack.declared["pve2"]["requirements"] = {"levels": {"memory": False}, "memory_gib": 128}
    assert rack.found() == [("fail", "pve1", "memory"), ("fail", "pve1", "iommu")] or rack.found() == [
        ("fail", "pve1", "iommu"),
        ("fail", "pve1", "memory"),
    ]


def test_a_level_that_was_chosen_holds_for_both_limits() -> None:
    rack = Rack()
    rack.clock["pve2"]["offset"] = 5.0
    rack.everywhere(requirements={"levels": {"clock_offset": "warn"}})
    assert rack.found() == [("warn", "pve2", "clock_offset")]


# Texts


def test_every_finding_is_a_sentence_of_the_usual_shape() -> None:
    shape = re.compile(r"pve\d: [a-z_]+: expected [^,].*, found \S.*", re.DOTALL)
    for change, _expected in FAULTS.values():
        rack = Rack()
        change(rack)
        verdict = rack.verdict()
        for finding in [*verdict.failures, *verdict.warnings]:
            assert shape.fullmatch(finding.sentence), finding.sentence


def test_the_table() -> None:
    rack = Rack()
    _set("memory", "ecc", value=False)(rack)
    lines = table.lines(rack.machines(), rack.verdict())
    assert lines[0] == (
        "pve1  Dell Inc. R650 (S1); Xeon, 1 x 8 cores, 16 threads, vmx, KVM; 64 GiB (ECC); UEFI, systemd-boot,"
        " proxmox-boot-tool, BMC; Debian 13.1, Proxmox VE 9.2.1; clock +0.01 s (± 0.02 s, chrony)"
    )
    assert "pve1  disk /dev/disk/by-id/ata-SDB: 480 GB, sata, SSD, M, worn 3 %: empty" in lines
    assert "pve1  NIC eno1: i40e, 3c:ec:ef:00:01:01, 10000 Mbit/s, carrier, MTU 9000" in lines
    assert lines[-2].startswith("warn     pve2: memory_ecc: ")
    assert lines[-1] == "Preflight of 3 machines: 0 failed, 1 warnings, 0 accepted"


def test_every_finding_and_limit_is_documented_as_it_is() -> None:
    text = README.read_text()
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", text, re.MULTILINE)
    assert [row for row in rows if row[1] in catalogue.LEVELS] == list(catalogue.FINDINGS.items())
    numbers = [(name, float(value)) for name, value in rows if re.fullmatch(r"[\d.]+", value)]
    assert numbers == list(catalogue.LIMITS.items())
    assert set(catalogue.LISTS) <= {name for name, _value in rows}


def test_every_finding_can_be_found() -> None:
    """The names of the catalogue and those in the checks are the same."""
    folder = Path(catalogue.__file__).parent
    text = "".join(path.read_text() for path in folder.glob("_preflight_*.py"))
    assert [name for name in catalogue.FINDINGS if f'"{name}"' not in text] == []

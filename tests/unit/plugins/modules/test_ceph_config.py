# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of Ceph: what is the same value, what is a secret, what is somebody else's."""

from __future__ import annotations

import errno
import json
from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import CephError
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_config import SETTING, normal
from ansible_collections.baremetal.proxmox.plugins.modules import ceph_config
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_ceph import Then
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.ceph_tables import World, documented

TYPES = {
    "osd_memory_target": "size",
    "mon_allow_pool_size_one": "bool",
    "osd_max_backfills": "uint",
    "mon_osd_nearfull_ratio": "float",
    "mgr_tick_period": "secs",
    "osd_mclock_profile": "str",
    "rgw_keystone_admin_password": "str",
    "rgw_zone": "str",
    "mon_host": "str",
}


def row(who: str, name: str, value: str) -> dict[str, Any]:
    """An entry of C(config dump)."""
    section, _slash, mask = who.partition("/")
    return {
        "section": section,
        "name": name,
        "value": value,
        "level": "advanced",
        "can_update_at_runtime": True,
        "mask": mask,
    }


MEMORY = row("osd", "osd_memory_target", "4294967296")
PASSWORD = row("client.rgw", "rgw_keystone_admin_password", "old-secret")
BUILT_IN = [
    row("mon", "auth_allow_insecure_global_id_reclaim", "false"),
    row("mgr", "mgr/dashboard/server_port", "8443"),
    row("osd.3", "osd_mclock_max_capacity_iops_ssd", "12345.000000"),
]


def told(name: str, kind: str) -> dict[str, Any]:
    """An answer of C(config help); what has no limit has an empty text there."""
    limits = {"osd_memory_target": "939524096", "osd_max_backfills": "1"}
    flags = ["no_mon_update"] if name == "mon_host" else []
    enum = ["balanced", "high_client_ops"] if name == "osd_mclock_profile" else []
    return {"name": name, "type": kind, "min": limits.get(name, ""), "max": "", "flags": flags, "enum_values": enum}


def world(*states: list[Any], **answers: Any) -> World:
    helps = {f"config help key={name}": told(name, kind) for name, kind in TYPES.items()}
    return World(SETTING, {"config dump": Then(*([*BUILT_IN, *state] for state in states)), **helps, **answers})


CASES: dict[str, Any] = {
    "a size in another form": ([MEMORY], {"who": "osd", "name": "osd_memory_target", "value": "4G"}, None),
    "blanks and hyphens": ([MEMORY], {"who": "osd", "name": "osd memory-target", "value": 4294967296}, None),
    "a boolean": (
        [row("global", "mon_allow_pool_size_one", "true")],
        {"who": "global", "name": "mon_allow_pool_size_one", "value": True},
        None,
    ),
    "a number with a fraction": (
        [row("global", "mon_osd_nearfull_ratio", "0.850000")],
        {"who": "global", "name": "mon_osd_nearfull_ratio", "value": 0.85},
        None,
    ),
    "another size": (
        [MEMORY],
        {"who": "osd", "name": "osd_memory_target", "value": "8Gi"},
        "config set name=osd_memory_target value=8589934592 who=osd",
    ),
    "the same setting with a mask is another one": (
        [MEMORY],
        {"who": "osd/class:ssd", "name": "osd_memory_target", "value": "4G"},
        "config set name=osd_memory_target value=4294967296 who=osd/class:ssd",
    ),
    "a duration": (
        [],
        {"who": "mgr", "name": "mgr_tick_period", "value": "2min"},
        "config set name=mgr_tick_period value=120 who=mgr",
    ),
    "a secret that is the same": (
        [PASSWORD],
        {"who": "client.rgw", "name": "rgw_keystone_admin_password", "secret_value": "old-secret"},
        None,
    ),
    "a secret that is another one": (
        [PASSWORD],
        {"who": "client.rgw", "name": "rgw_keystone_admin_password", "secret_value": "new-secret"},
        "config set name=rgw_keystone_admin_password value=new-secret who=client.rgw",
    ),
    "a new secret of a harmless name": (
        [row("client.rgw", "rgw_zone", "old-secret")],
        {"who": "client.rgw", "name": "rgw_zone", "secret_value": "new-secret"},
        "config set name=rgw_zone value=new-secret who=client.rgw",
    ),
}


@pytest.mark.parametrize(("before", "item", "write"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("state", ["merged", "replaced"])
def test_set(monkeypatch: Any, before: Any, item: Any, write: Any, check: bool, state: str) -> None:
    name = item["name"].replace("-", "_").replace(" ", "_")
    value = "x" if write is None else write.split("value=")[1].split(" ")[0]
    after = row(item["who"], name, value)
    here = world(before, [after], **({write: None} if write else {}))
    result = here.run(monkeypatch, check, config=[item], state=state)
    assert not result["failed"], result["msg"]
    assert result["changed"] is bool(write)
    assert here.writes == ([write] if write and not check else [])
    assert result["warnings"] == []
    assert "secret" not in json.dumps(result).replace("secret_value", "").replace("(secret)", "")


def test_the_prediction_is_in_cephs_form(monkeypatch: Any) -> None:
    config = [{"who": "osd", "name": "osd_memory_target", "value": "8G"}]
    result = world([MEMORY]).run(monkeypatch, True, config=config)
    assert result["diff"]["before"]["osd osd_memory_target"]["value"] == "4294967296"
    assert result["diff"]["after"] == {
        "osd osd_memory_target": {"who": "osd", "name": "osd_memory_target", "value": "8589934592"}
    }


def test_overridden_leaves_what_nobody_set_by_hand(monkeypatch: Any) -> None:
    here = world([MEMORY, PASSWORD], [], **{"config rm *": None})
    result = here.run(monkeypatch, config=[], state="overridden")
    assert [change["item"] for change in result["changes"]] == [
        "client.rgw rgw_keystone_admin_password",
        "osd osd_memory_target",
    ]
    assert here.writes == [
        "config rm name=rgw_keystone_admin_password who=client.rgw",
        "config rm name=osd_memory_target who=osd",
    ]
    assert "old-secret" not in json.dumps(result)


def test_deleted(monkeypatch: Any) -> None:
    here = world([MEMORY], [], **{"config rm name=osd_memory_target who=osd": None})
    config = [{"who": "osd", "name": "osd_memory_target"}, {"who": "osd", "name": "osd_mclock_profile"}]
    assert here.run(monkeypatch, config=config, state="deleted")["changed"]
    assert len(here.writes) == 1


def test_gathered_and_then_overridden(monkeypatch: Any) -> None:
    state = [MEMORY, row("osd/host:pve1", "osd_max_backfills", "2")]
    gathered = world(state).run(monkeypatch, state="gathered")["gathered"]
    assert {"who": "osd/host:pve1", "name": "osd_max_backfills", "value": "2"} in gathered
    # what is spared may be listed all the same
    kept = [one for one in gathered if one["name"] in TYPES]
    result = world(state).run(monkeypatch, config=kept, state="overridden")
    assert result["changed"] is False


REFUSED: dict[str, Any] = {
    "a name that there is not": (
        {"who": "osd", "name": "osd_memory_targt", "value": "1"},
        "name is 'osd_memory_targt', but Ceph has no such setting",
    ),
    "no size": ({"who": "osd", "name": "osd_memory_target", "value": "much"}, "value is 'much', not a size such as 4G"),
    "no boolean": (
        {"who": "mon", "name": "mon_allow_pool_size_one", "value": "maybe"},
        "value is 'maybe', not a boolean",
    ),
    "too little": (
        {"who": "osd", "name": "osd_memory_target", "value": "1M"},
        "value is '1M', beyond the minimum of 939524096",
    ),
    "not allowed": (
        {"who": "osd", "name": "osd_mclock_profile", "value": "quick"},
        "value is 'quick'; allowed are balanced, high_client_ops",
    ),
    "not for the database": ({"who": "mon", "name": "mon_host", "value": "x"}, "but Ceph reads it from ceph.conf only"),
    "no value": ({"who": "osd", "name": "osd_memory_target"}, "value or secret_value has to be given"),
    "nobody": ({"who": "osdx", "name": "osd_memory_target", "value": "1"}, "who is 'osdx', not global, mon, mgr"),
    "a secret for all to see": (
        {"who": "client.rgw", "name": "rgw_keystone_admin_password", "value": "x-secret"},
        "this looks like a secret; give it as secret_value",
    ),
    "a secret of the wrong type": (
        {"who": "osd", "name": "osd_memory_target", "secret_value": "x-secret"},
        "secret_value is not what a size of this name has to be",
    ),
    "both": (
        {"who": "osd", "name": "osd_memory_target", "value": "1G", "secret_value": "2G"},
        "value and secret_value say the same thing",
    ),
}


@pytest.mark.parametrize(("item", "sentence"), REFUSED.values(), ids=REFUSED)
def test_refused_before_anything_is_written(monkeypatch: Any, item: Any, sentence: str) -> None:
    unknown = CephError("config help", errno.ENOENT, "configuration option 'x' is not recognized")
    here = world([], **{"config help *": unknown})
    result = here.run(monkeypatch, config=[item])
    assert sentence in result["msg"]
    assert "x-secret" not in result["msg"]
    assert here.writes == []


def test_ceph_refuses(monkeypatch: Any) -> None:
    command = "config set name=rgw_zone value=moon who=osd.99"
    here = world([], **{command: CephError("config set", errno.EINVAL, "unrecognized entity 'osd.99'")})
    result = here.run(monkeypatch, config=[{"who": "osd.99", "name": "rgw_zone", "value": "moon"}])
    assert result["msg"].startswith("setting 'osd.99 rgw_zone': ceph config set: unrecognized entity 'osd.99' (EINVAL)")


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("bool", "yes", "true"),
        ("bool", "0", "false"),
        ("size", "1Ki", "1024"),
        ("size", "2MB", "2097152"),
        ("uint", "2K", "2000"),
        ("int", "-1", "-1"),
        ("float", "1e-1", "0.100000"),
        ("secs", "1h 30min", "5400"),
        ("secs", "90", "90"),
        ("str", " as it is", " as it is"),
        ("addr", "10.0.0.1", "10.0.0.1"),
    ],
)
def test_the_normal_form(kind: str, text: str, expected: str) -> None:
    assert normal(kind, text) == expected
    assert normal(kind, expected) == expected


@pytest.mark.parametrize(
    ("kind", "text"), [("secs", "h"), ("secs", "2 fortnights"), ("size", "4X"), ("int", "1.5"), ("float", "x")]
)
def test_no_normal_form(kind: str, text: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        normal(kind, text)


def test_every_option_is_documented() -> None:
    suboptions = documented(ceph_config)["config"]["suboptions"]
    assert suboptions.keys() == SETTING.spec().keys()
    assert SETTING.spec()["secret_value"]["no_log"] is True

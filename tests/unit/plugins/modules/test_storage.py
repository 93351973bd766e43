# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module calls, exactly, for what is wanted and what exists."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._storage import STORAGE
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_api import run_module

LOCAL = {"storage": "local", "type": "dir", "path": "/var/lib/vz", "content": "iso,vztmpl,backup", "digest": "d1"}
NAS = {
    "storage": "nas",
    "type": "nfs",
    "server": "10.0.0.9",
    "export": "/srv/pve",
    "path": "/mnt/pve/nas",
    "content": "iso,backup",
    "shared": 1,
    "options": "vers=4.2",
    "nodes": "pve2,pve1",
    "digest": "d1",
    "prune-backups": "keep-weekly=4,keep-daily=7",
}
SMB = {
    "storage": "smb",
    "type": "cifs",
    "server": "10.0.0.9",
    "share": "pve",
    "path": "/mnt/pve/smb",
    "username": "u",
    "content": "iso",
    "shared": 1,
    "disable": 1,
    "digest": "d1",
}
PBS = {
    "storage": "pbs",
    "type": "pbs",
    "server": "10.0.0.8",
    "datastore": "ds",
    "username": "b@pbs",
    "content": "backup",
    "shared": 1,
    "encryption-key": "aa:bb",
    "digest": "d1",
}
SAN = {
    "storage": "san",
    "type": "iscsi",
    "portal": "10.0.0.7",
    "target": "iqn.x",
    "content": "none",
    "shared": 1,
    "digest": "d1",
}
ON_SAN = {
    "storage": "vg",
    "type": "lvm",
    "vgname": "vg",
    "base": "san:0.0.0.scsi-1",
    "content": "images",
    "shared": 1,
    "digest": "d1",
}

V84 = ("GET", "/version", {}, {"version": "8.4.14", "release": "8.4"})
V92 = ("GET", "/version", {}, {"version": "9.2.11", "release": "9.2"})


def listing(*rows: dict[str, Any], digest: str | None = None) -> tuple[str, str, dict[str, Any], Any]:
    return ("GET", "/storage", {}, [{**row, "digest": digest or row["digest"]} for row in rows])


def run(monkeypatch: Any, calls: list[Any] | None = None, **arguments: Any) -> dict[str, Any]:
    options = {name: arguments.pop(name) for name in ("installed", "transport") if name in arguments}
    if arguments.pop("check", False):
        arguments["_ansible_check_mode"] = True
    return run_module(
        monkeypatch, lambda connect: ResourceModule(STORAGE, connect).run(), arguments, calls or [], **options
    )


# name, existing, config, what is sent (method, path, params)
MERGED = [
    (
        "nothing for an equal definition",
        [LOCAL, NAS],
        [
            {
                "storage": "nas",
                "type": "nfs",
                "server": "10.0.0.9",
                "export": "/srv/pve",
                "content": ["backup", "iso"],
                "nodes": "pve1,pve2",
                "options": "vers=4.2",
                "disable": False,
                "prune_backups": {"keep-daily": 7, "keep_weekly": "4", "keep_last": 0},
            }
        ],
        [],
    ),
    (
        "Proxmox's own spelling and strings",
        [LOCAL, NAS],
        [{"storage": "nas", "prune-backups": "keep-daily=7,keep-weekly=4", "content": "iso,backup", "shared": True}],
        [],
    ),
    (
        "defaults count as set",
        [LOCAL, NAS],
        [
            {
                "storage": "nas",
                "disable": False,
                "snapshot_as_volume_chain": False,
                "mkdir": True,
                "preallocation": "metadata",
            }
        ],
        [],
    ),
    (
        "create",
        [LOCAL],
        [
            {
                "storage": "nas",
                "type": "nfs",
                "server": "10.0.0.9",
                "export": "/srv/pve",
                "content": ["iso", "backup"],
                "prune_backups": {"keep_daily": 7, "keep_weekly": 4},
                "disable": True,
            }
        ],
        [
            (
                "POST",
                "/storage",
                {
                    "storage": "nas",
                    "type": "nfs",
                    "server": "10.0.0.9",
                    "export": "/srv/pve",
                    "content": "backup,iso",
                    "prune-backups": "keep-daily=7,keep-weekly=4",
                    "disable": "1",
                },
            )
        ],
    ),
    (
        "create with null: null is not sent",
        [LOCAL],
        [{"storage": "d1", "type": "dir", "path": "/srv//d1/", "nodes": None, "is_mountpoint": "True"}],
        [("POST", "/storage", {"storage": "d1", "type": "dir", "path": "/srv/d1", "is_mountpoint": "yes"})],
    ),
    (
        "create with a secret",
        [LOCAL],
        [{"storage": "smb", "type": "cifs", "server": "h", "share": "s", "username": "u", "password": "p w"}],
        [
            (
                "POST",
                "/storage",
                {"storage": "smb", "type": "cifs", "server": "h", "share": "s", "username": "u", "password": "p w"},
            )
        ],
    ),
    (
        "what an iSCSI volume is on comes first",
        [LOCAL],
        [
            {"storage": "vg", "type": "lvm", "vgname": "vg", "base": "san:0.0.0.scsi-1", "shared": True},
            {"storage": "san", "type": "iscsi", "portal": "10.0.0.7:3260", "target": "iqn.x", "content": ["none"]},
        ],
        [
            (
                "POST",
                "/storage",
                {"storage": "san", "type": "iscsi", "portal": "10.0.0.7:3260", "target": "iqn.x", "content": "none"},
            ),
            (
                "POST",
                "/storage",
                {"storage": "vg", "type": "lvm", "vgname": "vg", "base": "san:0.0.0.scsi-1", "shared": "1"},
            ),
        ],
    ),
    (
        "property strings and lists in Proxmox's form",
        [LOCAL],
        [
            {
                "storage": "cfs",
                "type": "cephfs",
                "monhost": ["10.0.0.3", "10.0.0.2"],
                "content_dirs": {"iso": "my/iso"},
                "bwlimit": {"restore": 1000, "default": 0.5},
                "fs_name": "fs",
            }
        ],
        [
            (
                "POST",
                "/storage",
                {
                    "storage": "cfs",
                    "type": "cephfs",
                    "monhost": "10.0.0.2 10.0.0.3",
                    "fs-name": "fs",
                    "content-dirs": "iso=my/iso",
                    "bwlimit": "default=0.5,restore=1000",
                },
            )
        ],
    ),
    (
        "update sets only what differs",
        [LOCAL, NAS],
        [{"storage": "nas", "content": ["backup"], "options": "vers=4.2", "disable": True}],
        [("PUT", "/storage/nas", {"content": "backup", "disable": "1", "digest": "d1"})],
    ),
    (
        "null takes away",
        [LOCAL, NAS],
        [{"storage": "nas", "nodes": None, "options": None, "bwlimit": None, "content": ["backup"]}],
        [("PUT", "/storage/nas", {"content": "backup", "delete": "nodes,options", "digest": "d1"})],
    ),
    (
        "an empty list is null",
        [LOCAL, NAS],
        [{"storage": "nas", "nodes": []}],
        [("PUT", "/storage/nas", {"delete": "nodes", "digest": "d1"})],
    ),
    (
        "null for a default is no change",
        [LOCAL, {**NAS, "content": "images"}],
        [{"storage": "nas", "content": None, "disable": None, "preallocation": None, "type": None}],
        [],
    ),
    ("null for what the type does not have", [LOCAL, NAS], [{"storage": "nas", "vgname": None, "shared": None}], []),
    (
        "back to a default is written",
        [LOCAL, SMB],
        [{"storage": "smb", "disable": False}],
        [("PUT", "/storage/smb", {"disable": "0", "digest": "d1"})],
    ),
    ("a password alone is no change", [LOCAL, SMB], [{"storage": "smb", "password": "new"}], []),
    ("null for a password alone is no change", [LOCAL, SMB], [{"storage": "smb", "password": None}], []),
    (
        "a password on demand",
        [LOCAL, SMB],
        [{"storage": "smb", "password": "new", "update_password": "always"}],
        [("PUT", "/storage/smb", {"password": "new", "digest": "d1"})],
    ),
    (
        "a password away on demand",
        [LOCAL, SMB],
        [{"storage": "smb", "password": None, "update_password": "always"}],
        [("PUT", "/storage/smb", {"delete": "password", "digest": "d1"})],
    ),
    (
        "an encryption key where there is none",
        [LOCAL, {k: v for k, v in PBS.items() if k != "encryption-key"}],
        [{"storage": "pbs", "encryption_key": "autogen"}],
        [("PUT", "/storage/pbs", {"encryption-key": "autogen", "digest": "d1"})],
    ),
    (
        "no second encryption key",
        [LOCAL, PBS],
        [{"storage": "pbs", "encryption_key": "autogen", "update_password": "always"}],
        [],
    ),
    (
        "the same encryption key",
        [LOCAL, PBS],
        [{"storage": "pbs", "encryption_key": '{"data": "x", "fingerprint": "aa:bb"}', "update_password": "always"}],
        [],
    ),
    (
        "another encryption key, on demand only",
        [LOCAL, PBS],
        [{"storage": "pbs", "encryption_key": '{"data": "y"}', "update_password": "always"}],
        [("PUT", "/storage/pbs", {"encryption-key": '{"data": "y"}', "digest": "d1"})],
    ),
    (
        "an encryption key away when said so",
        [LOCAL, PBS],
        [{"storage": "pbs", "encryption_key": None}],
        [("PUT", "/storage/pbs", {"delete": "encryption-key", "digest": "d1"})],
    ),
    (
        "recreate",
        [LOCAL, NAS],
        [{"storage": "nas", "server": "10.0.0.10", "recreate": True}],
        [
            ("DELETE", "/storage/nas", {}),
            (
                "POST",
                "/storage",
                {
                    "storage": "nas",
                    "type": "nfs",
                    "server": "10.0.0.10",
                    "export": "/srv/pve",
                    "content": "backup,iso",
                    "nodes": "pve1,pve2",
                    "options": "vers=4.2",
                    "prune-backups": "keep-daily=7,keep-weekly=4",
                },
            ),
        ],
    ),
    (
        "recreate with another type keeps nothing",
        [LOCAL, NAS],
        [{"storage": "nas", "type": "dir", "path": "/srv/nas", "recreate": True}],
        [("DELETE", "/storage/nas", {}), ("POST", "/storage", {"storage": "nas", "type": "dir", "path": "/srv/nas"})],
    ),
    (
        "recreate without a difference does nothing",
        [LOCAL, NAS],
        [{"storage": "nas", "server": "10.0.0.9", "recreate": True}],
        [],
    ),
]

REPLACED = [
    (
        "nothing when all is mentioned",
        [LOCAL, NAS],
        [
            {
                "storage": "nas",
                "type": "nfs",
                "server": "10.0.0.9",
                "export": "/srv/pve",
                "content": ["iso", "backup"],
                "nodes": ["pve1", "pve2"],
                "options": "vers=4.2",
                "prune_backups": {"keep_daily": 7, "keep_weekly": 4},
            }
        ],
        [],
    ),
    (
        "resets what is not mentioned",
        [LOCAL, NAS],
        [{"storage": "nas", "type": "nfs", "server": "10.0.0.9", "export": "/srv/pve", "options": "vers=3"}],
        [("PUT", "/storage/nas", {"options": "vers=3", "delete": "content,nodes,prune-backups", "digest": "d1"})],
    ),
    (
        "leaves what Proxmox filled in, and secrets",
        [
            LOCAL,
            PBS,
            {
                "storage": "zd",
                "type": "zfspool",
                "pool": "rpool",
                "mountpoint": "/rpool",
                "content": "rootdir,images",
                "digest": "d1",
            },
        ],
        [
            {"storage": "zd", "type": "zfspool", "pool": "rpool"},
            {"storage": "pbs", "server": "10.0.0.8", "datastore": "ds", "username": "b@pbs"},
        ],
        [],
    ),
    (
        "resets the implicit local",
        [{**LOCAL, "prune-backups": "keep-all=1", "priority": 0}],
        [{"storage": "local", "content": ["iso"]}],
        [("PUT", "/storage/local", {"content": "iso", "delete": "prune-backups", "digest": "d1"})],
    ),
]

OVERRIDDEN = [
    (
        "removes what is not listed, never local",
        [LOCAL, NAS, SMB],
        [{"storage": "smb", "disable": True, "username": "u", "content": ["iso"]}],
        [("DELETE", "/storage/nas", {})],
    ),
    (
        "removes what is built on something first",
        [LOCAL, SAN, ON_SAN],
        [],
        [("DELETE", "/storage/vg", {}), ("DELETE", "/storage/san", {})],
    ),
    ("leaves types it does not know", [LOCAL, {"storage": "x", "type": "linstor", "digest": "d1"}], [], []),
]

DELETED = [
    (
        "removes what is listed",
        [LOCAL, NAS, PBS],
        [{"storage": "pbs"}, {"storage": "gone"}],
        [("DELETE", "/storage/pbs", {})],
    ),
    (
        "takes what gathered gave",
        [LOCAL, NAS],
        [{"storage": "nas", "type": "nfs", "server": "x"}],
        [("DELETE", "/storage/nas", {})],
    ),
    ("nothing", [LOCAL], [{"storage": "nas"}], []),
    (
        "also what it does not know, when named",
        [LOCAL, {"storage": "x1", "type": "linstor", "digest": "d1"}],
        [{"storage": "x1"}],
        [("DELETE", "/storage/x1", {})],
    ),
]

CASES = [
    pytest.param(state, *case[1:], id=f"{state}: {case[0]}")
    for state, cases in (("merged", MERGED), ("replaced", REPLACED), ("overridden", OVERRIDDEN), ("deleted", DELETED))
    for case in cases
]
# calls that only look something up
NODES = ("GET", "/nodes", {}, [{"node": "pve1"}, {"node": "pve2"}])


def lookups(config: list[Any], writes: list[Any]) -> list[Any]:
    return [NODES] if any("nodes" in params for _method, _path, params in writes) else []


@pytest.mark.parametrize(("state", "existing", "config", "writes"), CASES)
def test_calls(monkeypatch: Any, state: str, existing: list[Any], config: list[Any], writes: list[Any]) -> None:
    calls = [listing(*existing), *lookups(config, writes), *((*write, None) for write in writes)]
    if writes:
        calls.append(listing(*existing, digest="d2"))
    result = run(monkeypatch, calls, config=config, state=state)
    assert not result["failed"], result["msg"]
    assert result["changed"] is bool(writes)
    assert bool(result["diff"]["after"] != result["diff"]["before"]) is bool(writes) or "update_password" in str(config)


@pytest.mark.parametrize(("state", "existing", "config", "writes"), CASES)
def test_check_mode_only_reads(
    monkeypatch: Any, state: str, existing: list[Any], config: list[Any], writes: list[Any]
) -> None:
    calls = [listing(*existing), *lookups(config, writes)]
    result = run(monkeypatch, calls, config=config, state=state, check=True)
    assert not result["failed"], result["msg"]
    assert result["changed"] is bool(writes)
    actions = {"POST": "create", "PUT": "update", "DELETE": "delete"}
    expected = [actions[method] for method, _path, _params in writes]
    assert [change["action"] for change in result["changes"]] == (
        ["recreate"] if "recreate" in str(config) and writes else expected
    )


NAMED = {"storage": "nas", "type": "nfs"}
# name, existing, config, part of the message; nothing may be written
REFUSED = [
    (
        "a fixed setting",
        [NAS],
        [{**NAMED, "server": "10.0.0.10"}],
        "storage 'nas' (config[0]): server is '10.0.0.9', wanted is '10.0.0.10'. Proxmox cannot change this in place;"
        " recreate: true on this item deletes the definition and creates it anew. Nothing was changed.",
    ),
    ("null for a fixed setting", [NAS], [{**NAMED, "export": None}], "export is '/srv/pve', wanted is not set"),
    ("another type", [NAS], [{"storage": "nas", "type": "cifs"}], "type is nfs, wanted is cifs"),
    (
        "local elsewhere",
        [LOCAL],
        [{"storage": "local", "path": "/srv", "recreate": True}],
        "It is built in and cannot be recreated",
    ),
    ("local on some nodes", [LOCAL], [{"storage": "local", "nodes": ["pve1"]}], "nodes: Proxmox ignores it"),
    (
        "a setting of another type",
        [NAS],
        [{**NAMED, "vgname": "vg"}],
        "vgname: nfs has no such setting; it has bwlimit",
    ),
    ("not shared, by nature shared", [NAS], [{**NAMED, "shared": False}], "shared: nfs is always True"),
    (
        "content that the type cannot store",
        [],
        [{"storage": "san", "type": "iscsi", "portal": "h", "target": "t", "content": ["images", "backup"]}],
        "content: iscsi cannot take backup; it takes images, none",
    ),
    ("content that does not exist", [NAS], [{**NAMED, "content": ["isos"]}], "Got no match for: isos found in config"),
    (
        "none with something",
        [],
        [{"storage": "d1", "type": "dir", "path": "/srv", "content": ["none", "iso"]}],
        "none cannot be combined",
    ),
    (
        "a directory for content that is not stored",
        [],
        [{"storage": "c1", "type": "cephfs", "content_dirs": {"images": "x"}}],
        "cephfs stores no images",
    ),
    ("missing settings", [], [{"storage": "nas", "type": "nfs", "server": "h"}], "to create it, nfs needs export"),
    (
        "a missing password",
        [],
        [{"storage": "esx", "type": "esxi", "server": "h", "username": "root"}],
        "to create it, esxi needs password",
    ),
    ("no type", [], [{"storage": "nas", "server": "h"}], "does not exist yet, so type has to be given"),
    ("twice the same", [NAS], [{"storage": "nas"}, {"storage": "nas"}], "(config[1]): config[0] names it as well"),
    ("a bad identifier", [], [{"storage": "1nas", "type": "nfs"}], "storage is '1nas', not a storage identifier"),
    ("a bad node", [NAS], [{**NAMED, "nodes": ["pve1", "pve_2"]}], "nodes is 'pve_2', not a node name"),
    ("a bad path", [], [{"storage": "d1", "type": "dir", "path": "srv"}], "path is 'srv', not an absolute path"),
    ("a path that dir refuses", [], [{"storage": "d1", "type": "dir", "path": "/srv/a b"}], "not '/srv/a b'"),
    ("an empty value", [NAS], [{**NAMED, "options": ""}], "options is empty; null takes a setting away"),
    (
        "a bad port",
        [],
        [{"storage": "pbs", "type": "pbs", "server": "h", "datastore": "d", "port": 70000}],
        "port is 70000; allowed are 1 to 65535",
    ),
    (
        "an unknown retention key",
        [NAS],
        [{**NAMED, "prune_backups": {"keep_dayly": 1}}],
        "prune_backups has the unknown key 'keep_dayly'; known are keep_all, keep_last",
    ),
    (
        "contradicting retention",
        [NAS],
        [{**NAMED, "prune_backups": "keep-all=1,keep-last=2"}],
        "keep_all together with other keys",
    ),
    (
        "recreate forgets a password",
        [SMB],
        [{"storage": "smb", "share": "x", "recreate": True}],
        "recreate also removes the stored password: give it anew, or null for none",
    ),
    (
        "recreate loses a key",
        [PBS],
        [{"storage": "pbs", "datastore": "x", "password": "p", "recreate": True}],
        "recreate would lose something: its encryption key",
    ),
    (
        "recreate what something is built on",
        [SAN, ON_SAN],
        [{"storage": "san", "target": "iqn.y", "recreate": True}],
        "'san' cannot be recreated: 'vg' is built on it",
    ),
    (
        "a type that it does not know",
        [{"storage": "x1", "type": "linstor", "digest": "d1"}],
        [{"storage": "x1", "type": "dir", "path": "/x"}],
        "exists with the type linstor, which this collection",
    ),
    (
        "every finding in one error",
        [NAS],
        [{**NAMED, "server": "h"}, {"storage": "x2", "type": "nfs"}],
        "2 problems, nothing was changed:\n- storage 'nas'",
    ),
    (
        "one bad item among good ones",
        [],
        [{"storage": "good", "type": "dir", "path": "/srv"}, {"storage": "bad", "type": "dir"}],
        "dir needs path",
    ),
]


@pytest.mark.parametrize(("existing", "config", "message"), [pytest.param(*c[1:], id=c[0]) for c in REFUSED])
@pytest.mark.parametrize("check", [False, True])
def test_refused_before_any_write(
    monkeypatch: Any, existing: list[Any], config: list[Any], message: str, check: bool
) -> None:
    class OnlyReads:
        def send(self, method: str, path: str, params: Any, timeout: float) -> Any:
            if method != "GET":
                raise AssertionError(f"{method} {path}")
            return {"version": "9.2.11"} if path == "/version" else [LOCAL, *existing]

        def close(self) -> None:
            pass

    result = run(monkeypatch, config=config, check=check, transport=OnlyReads())
    assert result["failed"]
    assert message in result["msg"]


@pytest.mark.parametrize(
    ("state", "config", "message"),
    [
        ("deleted", [{"storage": "local"}], "is built in and cannot be removed"),
        ("overridden", [{"storage": "local"}], "'pbs' is not listed and would be removed, but its encryption key"),
        ("replaced", [{"storage": "chain"}], "snapshot_as_volume_chain is True, wanted is not set"),
    ],
)
def test_refused_states(monkeypatch: Any, state: str, config: list[Any], message: str) -> None:
    chain = {"storage": "chain", "type": "dir", "path": "/c", "snapshot-as-volume-chain": 1, "digest": "d1"}
    result = run(monkeypatch, [listing(LOCAL, PBS, chain)], config=config, state=state)
    assert result["failed"]
    assert message in result["msg"]


VERSIONS = [
    (
        V92,
        {"storage": "g1", "type": "glusterfs", "volume": "v"},
        "type glusterfs: needs Proxmox VE a version before 9.0, this is 9.2",
    ),
    (
        V92,
        {"storage": "d1", "type": "dir", "path": "/d", "maxfiles": 3},
        "maxfiles: needs Proxmox VE a version before 9.0, this is 9.2; use prune_backups",
    ),
    (
        V84,
        {"storage": "d1", "type": "dir", "path": "/d", "snapshot_as_volume_chain": True},
        "snapshot-as-volume-chain: needs Proxmox VE 9.0 or later, this is 8.4",
    ),
    (
        V84,
        {"storage": "l1", "type": "lvm", "vgname": "vg", "saferemove_stepsize": 8},
        "saferemove-stepsize: needs Proxmox VE 9.0 or later, this is 8.4",
    ),
]


@pytest.mark.parametrize(("version", "item", "message"), VERSIONS)
def test_versions(monkeypatch: Any, version: Any, item: dict[str, Any], message: str) -> None:
    result = run(monkeypatch, [listing(LOCAL), version], config=[item])
    assert result["failed"]
    assert f"storage '{item['storage']}' (config[0]): {message.replace('-', '_').split(':')[0]}" in result["msg"]
    assert message.split(":")[1] in result["msg"]


def test_version_8_settings(monkeypatch: Any) -> None:
    calls = [
        listing(LOCAL),
        V84,
        (
            "POST",
            "/storage",
            {
                "storage": "g1",
                "type": "glusterfs",
                "volume": "v",
                "server": "h",
                "server2": "i",
                "transport": "tcp",
                "prune-backups": "keep-last=3",
            },
            None,
        ),
        listing(LOCAL),
    ]
    item = {
        "storage": "g1",
        "type": "glusterfs",
        "volume": "v",
        "server": "h",
        "server2": "i",
        "transport": "tcp",
        "maxfiles": 3,
    }
    result = run(monkeypatch, calls, config=[item])
    assert result["changed"]


GLUSTER = {
    "storage": "g1",
    "type": "glusterfs",
    "volume": "v",
    "server": "h",
    "path": "/mnt/pve/g1",
    "content": "images",
    "digest": "d1",
}


def test_server2_goes_with_server(monkeypatch: Any) -> None:
    put = ("PUT", "/storage/g1", {"server2": "i", "server": "h", "digest": "d1"}, None)
    calls = [listing(LOCAL, GLUSTER), V84, put, listing(LOCAL, {**GLUSTER, "server2": "i"})]
    assert run(monkeypatch, calls, config=[{"storage": "g1", "server2": "i"}])["changed"]


def test_server2_alone(monkeypatch: Any) -> None:
    item = {"storage": "g2", "type": "glusterfs", "volume": "v", "server2": "i"}
    result = run(monkeypatch, [listing(LOCAL), V84], config=[item])
    assert "server2: needs server as well" in result["msg"]


def test_server_stays_while_server2_needs_it(monkeypatch: Any) -> None:
    result = run(monkeypatch, [listing(LOCAL, {**GLUSTER, "server2": "i"})], config=[{"storage": "g1", "server": None}])
    assert "server2: needs server as well" in result["msg"]
    calls = [
        listing(LOCAL, {**GLUSTER, "server2": "i"}),
        ("PUT", "/storage/g1", {"delete": "server,server2", "digest": "d1"}, None),
        listing(LOCAL, {k: v for k, v in GLUSTER.items() if k != "server"}),
    ]
    assert run(monkeypatch, calls, config=[{"storage": "g1", "server": None, "server2": None}])["changed"]


def test_maxfiles_is_compared_as_retention(monkeypatch: Any) -> None:
    shown = {**LOCAL, "prune-backups": "keep-last=3"}
    result = run(monkeypatch, [listing(shown), V84], config=[{"storage": "local", "maxfiles": 3}])
    assert not result["failed"]
    assert not result["changed"]


def test_gathered_is_what_config_takes(monkeypatch: Any) -> None:
    rows = [
        LOCAL,
        NAS,
        SMB,
        PBS,
        SAN,
        ON_SAN,
        {
            **LOCAL,
            "storage": "c1",
            "path": "/c1",
            "content": "none",
            "content-dirs": {"iso": "a/b"},
            "bwlimit": "move=5",
        },
    ]
    gathered = run(monkeypatch, [listing(*rows)], state="gathered")
    assert not gathered["changed"]
    assert gathered["gathered"][2] == {
        "storage": "nas",
        "type": "nfs",
        "server": "10.0.0.9",
        "export": "/srv/pve",
        "path": "/mnt/pve/nas",
        "content": ["backup", "iso"],
        "nodes": ["pve1", "pve2"],
        "options": "vers=4.2",
        "prune_backups": {"keep_daily": 7, "keep_weekly": 4},
    }
    assert gathered["gathered"][0]["content_dirs"] == {"iso": "a/b"}
    for state in ("merged", "replaced", "overridden"):
        again = run(monkeypatch, [listing(*rows)], state=state, config=gathered["gathered"])
        assert not again["failed"], again["msg"]
        assert not again["changed"]


def test_gathered_of_some(monkeypatch: Any) -> None:
    result = run(monkeypatch, [listing(LOCAL, NAS)], state="gathered", config=[{"storage": "nas"}])
    assert [item["storage"] for item in result["gathered"]] == ["nas"]


def test_unknown_types_are_named(monkeypatch: Any) -> None:
    rows = [LOCAL, {"storage": "x", "type": "linstor", "digest": "d1"}]
    result = run(
        monkeypatch, [listing(*rows)], state="overridden", config=[{"storage": "local", "content": "iso,vztmpl,backup"}]
    )
    assert result["warnings"] == ["storage 'x' is of a type unknown to this collection; it is left out."]


def test_unknown_node_is_a_warning(monkeypatch: Any) -> None:
    calls = [
        listing(LOCAL, NAS),
        NODES,
        ("PUT", "/storage/nas", {"nodes": "pve1,pve9", "digest": "d1"}, None),
        listing(LOCAL, {**NAS, "nodes": "pve1,pve9"}),
    ]
    result = run(monkeypatch, calls, config=[{"storage": "nas", "nodes": ["pve9", "pve1"]}])
    assert result["warnings"] == ["storage 'nas': nodes: this cluster has no node pve9"]


def test_fresh_machine_is_planned_without_a_call(monkeypatch: Any) -> None:
    config = [
        {"storage": "local", "content": ["iso"]},
        {"storage": "nas", "type": "nfs", "server": "h", "export": "/e", "nodes": ["pve1"]},
    ]
    result = run(monkeypatch, [], config=config, check=True, installed=False)
    assert result["changed"]
    assert result["changes"] == [
        {"action": "update", "item": "local", "set": ["content"]},
        {"action": "create", "item": "nas", "set": ["export", "nodes", "server"]},
    ]
    assert result["before"] == [
        {
            "storage": "local",
            "type": "dir",
            "path": "/var/lib/vz",
            "content": ["backup", "images", "iso", "rootdir", "snippets", "vztmpl"],
            "prune_backups": {"keep_all": True},
        }
    ]
    assert "not installed here yet" in result["warnings"][0]


def test_not_installed(monkeypatch: Any) -> None:
    result = run(monkeypatch, [], config=[{"storage": "local"}], installed=False)
    assert result["failed"]
    assert "Proxmox VE is not installed on this machine" in result["msg"]

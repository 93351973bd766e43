# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules of HA, jobs, metric servers and notifications in the contract of all resource modules."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.contract import Case

NODES = ("pve1", "pve2", "pve3")
GUESTS = {"100": ("pve1", "qemu"), "101": ("pve2", "qemu"), "102": ("pve1", "lxc")}


def _members() -> str:
    nodes = {name: {"id": number, "online": 1} for number, name in enumerate(NODES, 1)}
    cluster = {"name": "rack", "version": 3, "nodes": len(NODES), "quorate": 1}
    return json.dumps({"nodename": "pve1", "version": 3, "cluster": cluster, "nodelist": nodes})


FILES: dict[str, str] = {
    ".members": _members(),
    ".vmlist": json.dumps(
        {
            "version": 1,
            "ids": {vmid: {"node": node, "type": kind, "version": 1} for vmid, (node, kind) in GUESTS.items()},
        }
    ),
    "nodes/pve1/qemu-server/100.conf": "scsi0: tank:vm-100-disk-0,size=4G\n",
    "nodes/pve2/qemu-server/101.conf": "scsi0: tank:vm-101-disk-0,size=4G\n",
    "nodes/pve1/lxc/102.conf": "rootfs: tank:subvol-102-disk-0,size=4G\n",
    "storage.cfg": (
        "dir: local\n\tpath /var/lib/vz\n\tcontent backup,iso\n\nzfspool: tank\n\tpool tank\n\tcontent images,rootdir\n\n"
    ),
}
MANAGED = {"ha/resources.cfg": "".join(f"{sid}\n\n" for sid in ("vm: 100", "vm: 101", "ct: 102"))}
MANAGER = {"ha/manager_status": json.dumps({"node_status": dict.fromkeys(NODES, "online")})}


def case(**arguments: Any) -> Case:
    return Case(**{**arguments, "files": {**FILES, **arguments.get("files", {})}})


CASES = {
    "ha_resource": case(
        items=[
            {"sid": "vm:100", "state": "stopped", "max_restart": 3, "max_relocate": 0, "comment": "db: one"},
            {"sid": "ct:102"},
        ],
        changed={"sid": "vm:100", "state": "enabled", "max_relocate": 2, "comment": None},
        dropped=["state", "max_restart", "max_relocate", "comment"],
        identity=["sid"],
    ),
    "ha_group": case(
        items=[
            {"group": "fast", "nodes": ["pve2", "pve1:2"], "restricted": True, "nofailback": True, "comment": "disks"},
            {"group": "all", "nodes": ["pve1", "pve2", "pve3"]},
        ],
        changed={"group": "fast", "nodes": ["pve3"], "restricted": False, "comment": None},
        dropped=["restricted", "nofailback", "comment"],
        given=["nodes"],
        identity=["group"],
        releases=["8.4"],
    ),
    "ha_rule": case(
        items=[
            {
                "rule": "apart",
                "type": "resource-affinity",
                "affinity": "negative",
                "resources": ["vm:101", "vm:100"],
                "comment": "never both: one goes on",
                "disable": True,
            },
            {
                "rule": "fast",
                "type": "node-affinity",
                "resources": ["vm:100"],
                "nodes": ["pve1", "pve2"],
                "strict": True,
            },
        ],
        changed={"rule": "apart", "type": "resource-affinity", "disable": False, "resources": ["vm:100", "ct:102"]},
        dropped=["comment", "disable"],
        given=["type", "affinity", "resources"],
        identity=["rule"],
        files={**MANAGED, **MANAGER},
        releases=["9.2"],
    ),
    "backup_job": case(
        items=[
            {
                "id": "nightly",
                "schedule": "mon..fri 02:30",
                "enabled": False,
                "repeat_missed": True,
                "comment": "all of them",
                "exclude": [101, 100],
                "storage": "local",
                "mode": "snapshot",
                "compress": "zstd",
                "zstd": 0,
                "prune_backups": {"keep_daily": 7, "keep_weekly": 4},
                "notes_template": "{{guestname}} on {{node}}",
                "fleecing": {"enabled": True, "storage": "tank"},
                "performance": {"max_workers": 4},
                "notification_mode": "notification-system",
                "exclude_path": ["/tmp/?*", "/var/cache, all"],
                "mailto": ["ops@example.org", "root@example.org"],
                "bwlimit": 51200,
                "ionice": 8,
                "protected": False,
            },
            {"id": "db", "schedule": "sun 04:00", "vmid": ["100", 102], "storage": "local"},
        ],
        changed={
            "id": "nightly",
            "schedule": "03:00",
            "exclude": [101],
            "enabled": True,
            "comment": None,
            "bwlimit": 0,
        },
        dropped=[
            "bwlimit",
            "comment",
            "compress",
            "exclude_path",
            "fleecing",
            "ionice",
            "mailto",
            "mode",
            "notes_template",
            "notification_mode",
            "performance",
            "protected",
            "prune_backups",
            "repeat_missed",
            "zstd",
            "enabled",
        ],
        given=["schedule", "storage", "exclude"],
        identity=["id"],
    ),
    "replication_job": case(
        items=[
            {
                "id": "100-0",
                "type": "local",
                "target": "pve2",
                "schedule": "*/5",
                "rate": 12.5,
                "disable": True,
                "comment": "near: by",
            },
            {"id": "100-1", "type": "local", "target": "pve3"},
        ],
        changed={"id": "100-0", "schedule": "*/15", "disable": False, "rate": 50},
        dropped=["schedule", "rate", "disable", "comment"],
        given=["target"],
        identity=["id"],
    ),
    "metric_server": case(
        items=[
            {
                "id": "influx",
                "type": "influxdb",
                "server": "192.0.2.9",
                "port": 8086,
                "influxdbproto": "https",
                "organization": "rack",
                "bucket": "proxmox",
                "token": "canary-influx",
                "verify_certificate": False,
                "max_body_size": 1000000,
                "disable": True,
            },
            {"id": "graphite", "type": "graphite", "server": "127.0.0.1", "port": 2003, "path": "rack.one"},
        ],
        changed={"id": "influx", "port": 8087, "bucket": "other", "max_body_size": None, "verify_certificate": True},
        dropped=["organization", "bucket", "verify_certificate", "max_body_size", "influxdbproto"],
        given=["server", "port", "disable"],
        identity=["id"],
        secrets=["canary-influx"],
    ),
    "notification_target": case(
        items=[
            {
                "name": "chat",
                "type": "webhook",
                "url": "https://chat.example.org/{{ secrets.token }}",
                "method": "post",
                "header": {"Content-Type": "application/json", "X-Of": "a, b=c"},
                "body": '{"content": "{{ title }}"}',
                "secret": {"token": "canary-webhook", "other": "canary-other"},
                "comment": "the chat",
                "disable": True,
            },
            {
                "name": "mail",
                "type": "smtp",
                "server": "smtp.example.org",
                "from_address": "pve@example.org",
                "mailto": ["ops@example.org", "dev@example.org"],
                "mailto_user": ["root@pam"],
                "mode": "starttls",
                "port": 587,
                "username": "pve",
                "password": "canary-smtp",
                "author": "the rack",
            },
            {
                "name": "phone",
                "type": "gotify",
                "server": "https://gotify.example.org",
                "token": "canary-gotify",
            },
            {"name": "local", "type": "sendmail", "mailto": ["root@example.org"]},
        ],
        changed={
            "name": "chat",
            "type": "webhook",
            "method": "put",
            "header": {"X-Of": "d"},
            "body": None,
            "disable": False,
            "secret": {"token": "canary-next"},
        },
        dropped=["header", "body", "comment", "disable"],
        given=["url", "method"],
        identity=["type", "name"],
        stays=[["sendmail", "mail-to-root"]],
        secrets=["canary-webhook", "canary-other", "canary-smtp", "canary-gotify", "canary-next"],
    ),
    "notification_matcher": case(
        items=[
            {
                "name": "trouble",
                "match_severity": ["warning,error"],
                "match_field": ["exact:type=vzdump", "regex:hostname=^pve"],
                "match_calendar": ["mon..fri 8-17"],
                "target": ["mail-to-root"],
                "mode": "any",
                "invert_match": True,
                "comment": "what: went wrong",
                "disable": True,
            },
            {"name": "rest", "target": ["mail-to-root"]},
        ],
        changed={
            "name": "trouble",
            "match_severity": ["error"],
            "mode": "all",
            "match_calendar": None,
            "disable": False,
        },
        dropped=[
            "match_severity",
            "match_field",
            "match_calendar",
            "mode",
            "invert_match",
            "comment",
            "disable",
        ],
        given=["target"],
        identity=["name"],
        stays=[["default-matcher"]],
    ),
}

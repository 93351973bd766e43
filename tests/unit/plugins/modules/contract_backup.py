# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules of Proxmox Backup Server in the contract of all resource modules."""

from __future__ import annotations

from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.contract import Call, Case

_STORE: Call = ("POST", "/config/datastore", {"name": "store1", "path": "/srv/store1"})
_USER: Call = ("POST", "/access/users", {"userid": "backup@pbs"})
_BOTH = ("3.4", "4.1")
_PIN = ":".join(["AB"] * 32)

CASES = {
    "pbs_prune_job": Case(
        items=[
            {
                "id": "nightly",
                "store": "store1",
                "schedule": "mon..fri 22:30",
                "keep_daily": 7,
                "keep_weekly": 4,
                "keep_monthly": 3,
                "ns": "site/rack",
                "max_depth": 2,
                "comment": "what the cluster keeps",
            },
            {"id": "paused", "store": "store1", "schedule": "daily", "keep_last": 3, "disable": True},
        ],
        changed={"id": "nightly", "keep_daily": 14, "keep_yearly": 1, "keep_monthly": None, "schedule": "02:00"},
        dropped=["keep_daily", "keep_weekly", "keep_monthly", "ns", "max_depth", "comment"],
        given=["store", "schedule"],
        identity=["id"],
        before=[_STORE],
        releases=_BOTH,
    ),
    "pbs_verify_job": Case(
        items=[
            {
                "id": "weekly",
                "store": "store1",
                "schedule": "sun 03:00",
                "ignore_verified": False,
                "outdated_after": 30,
                "ns": "site",
                "comment": "all of it",
            },
            {"id": "by-hand", "store": "store1"},
        ],
        changed={"id": "weekly", "ignore_verified": True, "outdated_after": 60, "schedule": None},
        dropped=["schedule", "ignore_verified", "outdated_after", "ns", "comment"],
        given=["store"],
        identity=["id"],
        before=[_STORE],
        releases=_BOTH,
    ),
    "pbs_sync_job": Case(
        items=[
            {
                "id": "site2",
                "store": "store1",
                "remote": "away",
                "remote_store": "far1",
                "schedule": "hourly",
                "group_filter": ["exclude:group:vm/100", "type:vm"],
                "rate_in": "10 MB",
                "remove_vanished": True,
                "resync_corrupt": True,
                "owner": "root@pam",
                "transfer_last": 3,
            },
            {"id": "there", "store": "store1", "remote": "away", "remote_store": "far1", "sync_direction": "push"},
        ],
        changed={"id": "site2", "group_filter": ["include:type:ct"], "rate_in": "1.5GiB", "remote_ns": "a/b"},
        dropped=[
            "schedule",
            "group_filter",
            "rate_in",
            "remove_vanished",
            "resync_corrupt",
            "owner",
            "transfer_last",
        ],
        given=["store", "remote", "remote_store"],
        identity=["id"],
        before=[_STORE],
        releases=_BOTH,
    ),
    "pbs_remote": Case(
        items=[
            {
                "name": "away",
                "host": "pbs.site2.example.org",
                "auth_id": "sync@pbs!pull",
                "password": "canary-remote",
                "port": 8008,
                "fingerprint": _PIN,
                "comment": "the other site",
            },
            {"name": "near", "host": "10.0.0.9", "auth_id": "root@pam", "password": "canary-near"},
        ],
        changed={"name": "away", "host": "fd00::9", "port": 8007, "comment": None},
        dropped=["port", "fingerprint", "comment"],
        given=["host", "auth_id"],
        identity=["name"],
        secrets=["canary-remote", "canary-near"],
        releases=_BOTH,
    ),
    "pbs_traffic_control": Case(
        items=[
            {
                "name": "office",
                "network": ["10.20.0.0/16", "fd00::/8"],
                "timeframe": ["mon..fri 8:00-18:00"],
                "rate_in": "50 MB",
                "burst_in": "100 MB",
                "comment": "by day",
            },
            {"name": "all-day", "network": ["0.0.0.0/0"], "rate_out": "1 GiB"},
        ],
        changed={"name": "office", "network": ["10.20.0.0/16"], "rate_in": "60M", "timeframe": None},
        dropped=["timeframe", "burst_in", "comment"],
        given=["network", "rate_in"],
        identity=["name"],
        releases=_BOTH,
    ),
    "pbs_s3_endpoint": Case(
        items=[
            {
                "id": "cloud",
                "endpoint": "{{bucket}}.s3.example.org",
                "access_key": "AKIA",
                "secret_key": "canary-s3",
                "region": "eu-1",
                "port": 9000,
                "path_style": True,
                "provider_quirks": ["skip-if-none-match-header"],
            },
            {"id": "cellar", "endpoint": "10.0.0.9", "access_key": "AKIB", "secret_key": "canary-other"},
        ],
        changed={"id": "cloud", "region": "eu-2", "path_style": False, "rate_in": "10 MB", "port": None},
        dropped=["region", "port", "path_style", "provider_quirks"],
        given=["endpoint", "access_key"],
        identity=["id"],
        secrets=["canary-s3", "canary-other"],
        releases=("4.1",),
    ),
    "pbs_user": Case(
        items=[
            {
                "userid": "backup@pbs",
                "password": "canary-password",
                "comment": "for the cluster",
                "enable": False,
                "expire": 2000000000,
                "email": "ops@example.org",
                "firstname": "Back",
                "lastname": "Up",
            },
            {"userid": "ops@pbs"},
        ],
        changed={"userid": "backup@pbs", "expire": 1900000000, "comment": "for two clusters", "email": None},
        dropped=["comment", "enable", "expire", "email", "firstname", "lastname"],
        identity=["userid"],
        stays=[["root@pam"]],
        secrets=["canary-password"],
        releases=_BOTH,
    ),
    "pbs_datastore": Case(
        items=[
            {
                "name": "store1",
                "path": "/srv/store1",
                "comment": "the disk below",
                "gc_schedule": "02:00",
                "verify_new": True,
                "notify": {"gc": "error", "verify": "always"},
                "tuning": {"sync_level": "none", "gc_atime_cutoff": 1440},
                "maintenance_mode": {"type": "read-only", "message": 'new disks, "soon"'},
            },
            {"name": "store2", "path": "/srv/store2"},
        ],
        changed={"name": "store1", "gc_schedule": "03:00", "maintenance_mode": {"type": "offline"}, "notify": None},
        dropped=["comment", "gc_schedule", "verify_new", "notify", "tuning", "maintenance_mode"],
        given=["path"],
        identity=["name"],
        arguments={"allow_remove": ["store1", "store2"]},
        releases=_BOTH,
    ),
    "pbs_token": Case(
        items=[
            {"tokenid": "backup@pbs!rack1", "comment": "Rack 1", "enable": False, "expire": 2000000000},
            {"tokenid": "root@pam!robot"},
        ],
        changed={"tokenid": "backup@pbs!rack1", "comment": "Rack 2", "expire": 1900000000},
        dropped=["comment", "enable", "expire"],
        identity=["tokenid"],
        before=[_USER],
        releases=_BOTH,
    ),
    "pbs_acl": Case(
        items=[
            {"path": "/datastore/store1/rack", "ugid": "backup@pbs", "roleid": "DatastoreBackup", "propagate": False},
            {"path": "/datastore/store1/rack", "ugid": "backup@pbs!pve", "roleid": "DatastoreBackup"},
            {"path": "/", "ugid": "backup@pbs", "roleid": "Audit"},
        ],
        changed={
            "path": "datastore/store1/rack/",
            "ugid": "backup@pbs",
            "roleid": "DatastoreBackup",
            "propagate": True,
        },
        dropped=["propagate"],
        identity=["path", "ugid", "roleid"],
        before=[_USER, ("POST", "/access/users/backup@pbs/token/pve", {})],
        releases=_BOTH,
    ),
}

# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules of access control, storage and mappings in the contract of all resource modules."""

from __future__ import annotations

from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.contract import Call, Case

_ALICE: Call = ("POST", "/access/users", {"userid": "alice@pve"})
_OPS: Call = ("POST", "/access/groups", {"groupid": "ops"})
_CORP: Call = (
    "POST",
    "/access/domains",
    {"realm": "corp", "type": "ldap", "server1": "ldap.example.org", "base_dn": "dc=example", "user_attr": "uid"},
)
_VMLIST = '{"version": 1, "ids": {"100": {"node": "pve1", "type": "qemu", "version": 1}}}'

CASES = {
    "realm": Case(
        items=[
            {
                "realm": "corp",
                "type": "ldap",
                "server1": "ldap.example.org",
                "base_dn": "dc=example,dc=org",
                "user_attr": "uid",
                "bind_dn": "cn=pve,dc=example,dc=org",
                "password": "canary-ldap",
                "mode": "ldaps",
                "verify": True,
                "comment": "Company, and others",
                "user_classes": ["person", "posixaccount"],
                "sync_defaults_options": {"scope": "both", "remove_vanished": "entry;acl", "enable_new": False},
            },
            {
                "realm": "sso",
                "type": "openid",
                "issuer_url": "https://sso.example.org",
                "client_id": "pve",
                "client_key": "canary-openid",
                "username_claim": "email",
                "autocreate": True,
            },
            {"realm": "ad1", "type": "ad", "server1": "ad.example.org", "domain": "example.org", "default": True},
        ],
        changed={"realm": "corp", "mode": "ldap+starttls", "port": 1389, "comment": None},
        dropped=["bind_dn", "mode", "verify", "comment", "user_classes", "sync_defaults_options"],
        given=["server1", "base_dn", "user_attr"],
        identity=["realm"],
        stays=[["pam"], ["pve"]],
        secrets=["canary-ldap", "canary-openid"],
    ),
    "realm_sync_job": Case(
        items=[
            {
                "id": "hourly",
                "realm": "corp",
                "schedule": "hourly",
                "scope": "both",
                "remove_vanished": "acl;entry",
                "enable_new": False,
                "comment": "from the directory",
            },
            {"id": "nightly", "realm": "corp", "schedule": "02:30", "scope": "users", "enabled": False},
        ],
        changed={"id": "hourly", "schedule": "*/2:00", "enabled": False, "comment": None},
        dropped=["remove_vanished", "enable_new", "comment"],
        given=["realm", "schedule", "scope"],
        identity=["id"],
        before=[_CORP],
    ),
    "role": Case(
        items=[
            {"roleid": "Operator", "privs": ["VM.PowerMgmt", "VM.Audit"]},
            {"roleid": "Nothing"},
        ],
        changed={"roleid": "Operator", "privs": ["VM.Audit", "Datastore.Audit"]},
        dropped=["privs"],
        identity=["roleid"],
    ),
    "group": Case(
        items=[{"groupid": "ops", "comment": "Operators: day and night"}, {"groupid": "dev"}],
        changed={"groupid": "ops", "comment": "Operators"},
        dropped=["comment"],
        identity=["groupid"],
    ),
    "user": Case(
        items=[
            {
                "userid": "alice@pve",
                "firstname": "Alice",
                "lastname": "Ä",
                "email": "alice@example.org",
                "comment": "first: one",
                "expire": 2000000000,
                "enable": False,
                "groups": ["ops"],
                "keys": "canarykeys",
                "password": "canary-password",
            },
            {"userid": "bob#1@pam", "comment": "without an address"},
        ],
        changed={"userid": "alice@pve", "enable": True, "lastname": "B", "groups": [], "email": None},
        dropped=["firstname", "lastname", "email", "comment", "expire", "enable", "groups"],
        identity=["userid"],
        stays=[["root@pam"]],
        before=[_OPS],
        secrets=["canary-password", "canarykeys"],
    ),
    "token": Case(
        items=[
            {"tokenid": "alice@pve!deploy", "comment": "Terraform", "privsep": False, "expire": 2000000000},
            {"tokenid": "alice@pve!other"},
        ],
        changed={"tokenid": "alice@pve!deploy", "comment": "OpenTofu", "privsep": True},
        dropped=["privsep", "expire"],
        given=["comment"],
        identity=["tokenid"],
        before=[_ALICE],
    ),
    "acl": Case(
        items=[
            {"path": "/vms", "ugid": "ops", "roleid": "PVEVMUser", "propagate": False},
            {"path": "/vms", "ugid": "ops", "roleid": "PVEAuditor"},
            {"path": "/storage/local", "ugid": "alice@pve", "roleid": "PVEDatastoreUser"},
            {"path": "/", "ugid": "alice@pve!deploy", "roleid": "PVEAuditor"},
        ],
        changed={"path": "vms/", "ugid": "ops", "roleid": "PVEVMUser", "propagate": True},
        dropped=["propagate"],
        identity=["path", "ugid", "roleid"],
        before=[_ALICE, _OPS, ("POST", "/access/users/alice@pve/token/deploy", {})],
    ),
    "pool": Case(
        items=[
            {"poolid": "prod/web", "comment": "Shop: front", "vms": [100], "storage": ["local"]},
            {"poolid": "prod"},
            {"poolid": "test"},
        ],
        changed={"poolid": "prod/web", "comment": "Shop", "vms": []},
        dropped=["comment", "vms", "storage"],
        identity=["poolid"],
        files={".vmlist": _VMLIST, "qemu-server/100.conf": "name: web\n"},
    ),
    "storage": Case(
        items=[
            {
                "storage": "pbs",
                "type": "pbs",
                "server": "10.0.0.8",
                "datastore": "rack1",
                "username": "backup@pbs",
                "password": "canary-storage",
                "nodes": ["pve1"],
                "disable": True,
                "prune_backups": {"keep_daily": 7},
            },
            {"storage": "scratch", "type": "dir", "path": "/srv/scratch", "content": ["iso"], "disable": True},
        ],
        changed={"storage": "pbs", "prune_backups": {"keep_weekly": 4}, "nodes": None},
        dropped=["nodes", "prune_backups"],
        given=["server", "datastore", "username", "disable"],
        identity=["storage"],
        stays=[["local"]],
        secrets=["canary-storage"],
    ),
    "hardware_mapping": Case(
        items=[
            {"id": "licence", "type": "usb", "description": "Stick", "map": [{"node": "pve1", "id": "0529:0001"}]},
            {"id": "gpu", "type": "pci", "map": [{"node": "pve1", "path": "0000:01:00.0", "id": "10de:1eb8"}]},
        ],
        changed={"id": "licence", "type": "usb", "description": "Other"},
        dropped=["description"],
        given=["map"],
        identity=["type", "id"],
    ),
}

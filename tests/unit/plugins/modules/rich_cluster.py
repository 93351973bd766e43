# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster with something of everything, as the variables of an inventory; every secret begins with C(canary)."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

OTEL = {
    "id": "otel",
    "type": "opentelemetry",
    "server": "127.0.0.1",
    "disable": True,
    "otel_headers": {"Authorization": "Bearer canary-otel"},
}
PLACEMENT = {
    "9.2": [
        {"name": "apart", "how": "apart", "guests": ["vm:100", "vm:101"], "comment": "not both"},
        {"name": "fast", "how": "pin", "guests": ["ct:102"], "nodes": ["pve1:2", "pve2"]},
    ],
    "8.4": [{"name": "fast", "how": "pin", "guests": ["ct:102"], "nodes": ["pve1:2", "pve2"], "comment": "Ä"}],
}
LISTS: dict[str, Any] = {
    "pve_mapping_config": [{"id": "licence", "type": "usb", "map": [{"node": "pve1", "id": "0529:0001"}]}],
    "pve_storage_config": [
        {
            "storage": "nas",
            "type": "cifs",
            "server": "192.0.2.20",
            "share": "pve",
            "username": "pve",
            "password": "canary-cifs",
            "content": ["backup", "iso"],
            "disable": True,
            "prune_backups": {"keep_daily": 7},
        },
        {
            "storage": "safe",
            "type": "pbs",
            "server": "192.0.2.21",
            "datastore": "main",
            "username": "pve@pbs!rack",
            "password": "canary-pbs",
            "content": ["backup"],
            "disable": True,
        },
        {
            "storage": "far",
            "type": "rbd",
            "monhost": ["192.0.2.99"],
            "pool": "pve",
            "keyring": "[client.admin]\n\tkey = canary-rbd\n",
            "content": ["images"],
            "disable": True,
        },
        {"storage": "media", "type": "dir", "path": "/srv/media", "content": ["iso"], "nodes": ["pve1"]},
    ],
    "pve_access_realms": [
        {
            "realm": "corp",
            "type": "ldap",
            "server1": "ldap.example.org",
            "base_dn": "dc=example",
            "user_attr": "uid",
            "bind_dn": "cn=proxmox",
            "password": "canary-ldap",
        },
        {
            "realm": "sso",
            "type": "openid",
            "issuer_url": "https://sso.example.org",
            "client_id": "pve",
            "client_key": "canary-openid",
        },
    ],
    "pve_access_realm_sync_jobs": [{"id": "corp", "realm": "corp", "schedule": "hourly", "scope": "both"}],
    "pve_access_roles": [{"roleid": "Operator", "privs": ["VM.Audit", "VM.PowerMgmt"]}],
    "pve_access_groups": [{"groupid": "operators", "comment": "On call"}],
    "pve_access_users": [
        {"userid": "alice@pve", "groups": ["operators"], "password": "canary-alice", "comment": "Ä: first\u2026"},
        {"userid": "terraform@pve"},
    ],
    "pve_access_tokens": [{"tokenid": "terraform@pve!rack1", "comment": "Terraform", "privsep": True}],
    "pve_access_pools": [{"poolid": "prod", "storage": ["local"]}, {"poolid": "prod/web", "comment": "web"}],
    "pve_access_acls": [
        {"path": "/", "ugid": "operators", "roleid": "PVEAuditor"},
        {"path": "/pool/prod", "ugid": "operators", "roleid": "Operator", "propagate": False},
        {"path": "/", "ugid": "terraform@pve!rack1", "roleid": "PVEAdmin"},
    ],
    "pve_datacenter_options": {
        "migration": {"type": "secure", "network": "10.10.20.0/24"},
        "http_proxy": "http://u:canary-proxy@proxy.example.org:3128",
        "description": "Rack 4\nRow 2",
        "mac_prefix": "BC:24:11",
    },
    "pve_datacenter_node_options": {"description": "Unit 12", "startall_onboot_delay": 30},
    "pve_datacenter_metric_servers": [
        {
            "id": "influx",
            "type": "influxdb",
            "server": "192.0.2.1",
            "port": 8086,
            "influxdbproto": "https",
            "token": "canary-influx",
            "disable": True,
        },
    ],
    "pve_datacenter_notification_targets": [
        {
            "name": "mail",
            "type": "smtp",
            "server": "smtp.example.org",
            "from_address": "a@example.org",
            "mailto": ["b@example.org"],
            "username": "pve",
            "password": "canary-smtp",
        },
        {"name": "phone", "type": "gotify", "server": "https://gotify.example.org", "token": "canary-gotify"},
        {
            "name": "chat",
            "type": "webhook",
            "url": "https://chat.example.org/{{ secrets.token }}",
            "method": "post",
            "body": '{"content": "{{ title }}"}\n{% if x %}',
            "secret": {"token": "canary-hook"},
        },
    ],
    "pve_datacenter_notification_matchers": [
        {"name": "trouble", "match_severity": ["error,warning"], "target": ["chat", "phone"]}
    ],
    "pve_backup_jobs": [
        {
            "id": "nightly",
            "all": True,
            "storage": "local",
            "schedule": "01:00",
            "prune_backups": {"keep_daily": 7},
            "notes_template": "{{guestname}} on {{node}}",
        },
        {"id": "weekly", "vmid": [100], "storage": "local", "schedule": "sun 03:00"},
    ],
    "pve_datacenter_replication_jobs": [{"id": "100-0", "type": "local", "target": "pve2", "schedule": "*/30"}],
    "pve_certificate_plugins": [
        {"id": "cloudflare", "type": "dns", "api": "cf", "data": {"CF_Token": "canary-acme"}, "validation_delay": 60}
    ],
    "pve_sdn_zones": [
        {"zone": "inner", "type": "simple"},
        {"zone": "lan", "type": "vlan", "bridge": "vmbr0", "nodes": ["pve1"]},
    ],
    "pve_sdn_vnets": [{"vnet": "lab", "zone": "inner"}, {"vnet": "web", "zone": "lan", "tag": 30, "alias": "the web"}],
    "pve_sdn_subnets": [{"vnet": "lab", "subnet": "10.10.0.0/24", "gateway": "10.10.0.1", "snat": True}],
    "pve_firewall_aliases": [{"name": "monitoring", "cidr": "192.0.2.5", "comment": "the prober"}],
    "pve_firewall_ipsets": [
        {"name": "management", "members": [{"cidr": "198.51.100.0/24"}, {"cidr": "198.51.100.66", "nomatch": True}]}
    ],
    "pve_firewall_groups": [{"group": "web", "rules": [{"type": "in", "action": "ACCEPT", "macro": "Web"}]}],
    "pve_firewall_rules": [
        {"type": "in", "action": "ACCEPT", "source": "+management", "proto": "tcp", "dport": "22,8006"},
        {"type": "group", "action": "web", "enable": False, "comment": "later"},
    ],
    "pve_firewall_options": {"policy_out": "DROP", "log_ratelimit": {"enable": True, "rate": "2/second"}},
    "pve_firewall_node_rules": [{"type": "in", "action": "ACCEPT", "proto": "icmp"}],
    "pve_firewall_node_options": {"log_level_in": "info"},
    "pve_ha_guests": [
        {"sid": "ct:102"},
        {"sid": "vm:100", "max_restart": 2},
        {"sid": "vm:101", "state": "stopped", "comment": "yes"},
    ],
    "pve_ha_shutdown_policy": "migrate",
}
# what stays secret, by its name in the vault
VAULT = {
    "vault_storage_nas_password": "canary-cifs",
    "vault_storage_safe_password": "canary-pbs",
    "vault_storage_far_keyring": "[client.admin]\n\tkey = canary-rbd\n",
    "vault_realm_corp_password": "canary-ldap",
    "vault_realm_sso_client_key": "canary-openid",
    "vault_datacenter_options_http_proxy": "http://u:canary-proxy@proxy.example.org:3128",
    "vault_metric_server_influx_token": "canary-influx",
    "vault_notification_target_smtp_mail_password": "canary-smtp",
    "vault_notification_target_gotify_phone_token": "canary-gotify",
    "vault_acme_plugin_cloudflare_data": {"CF_Token": "canary-acme"},
    "vault_notification_target_webhook_chat_secret": {"token": "canary-hook"},
}
VAULT_NINE = {"vault_metric_server_otel_otel_headers": {"Authorization": "Bearer canary-otel"}}


@contextlib.contextmanager
def reachable() -> Iterator[int]:
    """A port of this machine that takes connections: Proxmox tries an OpenTelemetry server before it writes."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        yield server.getsockname()[1]


def of(release: str, port: int) -> dict[str, Any]:
    """The variables, as far as a release knows them. C(port): of the OpenTelemetry server."""
    lists = {**LISTS, "pve_ha_placement": PLACEMENT[release]}
    if release != "8.4":
        lists["pve_datacenter_metric_servers"] = [*LISTS["pve_datacenter_metric_servers"], {**OTEL, "port": port}]
    return lists


def vault(release: str) -> dict[str, Any]:
    return VAULT if release == "8.4" else {**VAULT, **VAULT_NINE}

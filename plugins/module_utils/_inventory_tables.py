# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Which variable of an inventory has which table, and the tables read as these variables. A new table is a line here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _inventory_ha
from ansible_collections.baremetal.proxmox.plugins.module_utils._access_acl import ACL_TABLE
from ansible_collections.baremetal.proxmox.plugins.module_utils._access_pools import POOL_TABLE
from ansible_collections.baremetal.proxmox.plugins.module_utils._access_realms import REALM_TABLE, SYNC_JOB_TABLE
from ansible_collections.baremetal.proxmox.plugins.module_utils._access_tokens import TOKEN_TABLE
from ansible_collections.baremetal.proxmox.plugins.module_utils._access_users import (
    GROUP_TABLE,
    ROLE_TABLE,
    USER_TABLE,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._acme import ACCOUNT, PLUGIN
from ansible_collections.baremetal.proxmox.plugins.module_utils._backup_job import BACKUP_JOB
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_config import SETTING
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_crush import RULE as CRUSH_RULE
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_flags import FLAG
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_fs import FILESYSTEM
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_pool import POOL as CEPH_POOL
from ansible_collections.baremetal.proxmox.plugins.module_utils._datacenter import DATACENTER
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Item, Resource
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_names import ALIAS, IPSET
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_names import GROUP as SECURITY_GROUP
from ansible_collections.baremetal.proxmox.plugins.module_utils._firewall_tables import (
    CLUSTER_RULES,
    NODE_OPTIONS_TABLE,
    NODE_RULES,
    OPTIONS_TABLE,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._ha import GROUP, RESOURCE, RULE
from ansible_collections.baremetal.proxmox.plugins.module_utils._items import Present, read_present
from ansible_collections.baremetal.proxmox.plugins.module_utils._mapping import MAPPING
from ansible_collections.baremetal.proxmox.plugins.module_utils._metric_server import METRIC_SERVER
from ansible_collections.baremetal.proxmox.plugins.module_utils._node_options import NODE_OPTIONS
from ansible_collections.baremetal.proxmox.plugins.module_utils._notifications import MATCHER, TARGET
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_access import ACL_TABLE as PBS_ACL
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_access import TOKEN_TABLE as PBS_TOKEN
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_jobs import PRUNE_JOB, SYNC_JOB, VERIFY_JOB
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_settings import (
    REMOTE,
    S3_ENDPOINT,
    TRAFFIC_CONTROL,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_settings import USER as PBS_USER
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_store import DATASTORE, NAMESPACE_TABLE
from ansible_collections.baremetal.proxmox.plugins.module_utils._replication_job import REPLICATION_JOB
from ansible_collections.baremetal.proxmox.plugins.module_utils._sdn import CONTROLLER, SUBNET, VNET, ZONE
from ansible_collections.baremetal.proxmox.plugins.module_utils._storage import STORAGE

Test = Callable[[Item], bool]


@dataclass(frozen=True)
class Table:
    """One variable.

    secrets  of what the API does not even tell whether it is set: when an item cannot do without it, by option
    never    secrets that are left out: nothing has to be written for what exists
    shape    the value as the variable has it, of the list of items
    """

    variable: str
    resource: Resource
    secrets: Mapping[str, Test] = field(default_factory=dict)
    never: frozenset[str] = frozenset()
    shape: Callable[[list[Item]], Any] = lambda items: items


def _given(option: str) -> Test:
    return lambda item: bool(item.get(option))


CLUSTER = (
    Table("pve_mapping_config", MAPPING),
    Table(
        "pve_storage_config",
        STORAGE,
        {
            "password": lambda item: item["type"] == "pbs" or bool(item.get("username")),
            "keyring": _given("monhost"),
        },
    ),
    Table("pve_access_realms", REALM_TABLE, {"password": _given("bind_dn")}),
    Table("pve_access_realm_sync_jobs", SYNC_JOB_TABLE),
    Table("pve_access_roles", ROLE_TABLE),
    Table("pve_access_groups", GROUP_TABLE),
    Table("pve_access_users", USER_TABLE, never=frozenset({"password", "keys"})),
    Table("pve_access_tokens", TOKEN_TABLE),
    Table("pve_access_pools", POOL_TABLE),
    Table("pve_access_acls", ACL_TABLE),
    Table("pve_datacenter_options", DATACENTER),
    Table(
        "pve_datacenter_metric_servers",
        METRIC_SERVER,
        {"token": lambda item: item.get("influxdbproto", "udp") != "udp"},
    ),
    Table("pve_datacenter_notification_targets", TARGET, {"password": _given("username")}),
    Table("pve_datacenter_notification_matchers", MATCHER),
    Table("pve_backup_jobs", BACKUP_JOB),
    Table("pve_datacenter_replication_jobs", REPLICATION_JOB),
    Table("pve_certificate_accounts", ACCOUNT),
    Table("pve_certificate_plugins", PLUGIN),
    Table("pve_sdn_controllers", CONTROLLER),
    Table("pve_sdn_zones", ZONE),
    Table("pve_sdn_vnets", VNET),
    Table("pve_sdn_subnets", SUBNET),
    Table("pve_firewall_aliases", ALIAS),
    Table("pve_firewall_ipsets", IPSET),
    Table("pve_firewall_groups", SECURITY_GROUP),
    Table("pve_firewall_rules", CLUSTER_RULES),
    Table("pve_firewall_options", OPTIONS_TABLE),
)
NODE = (
    Table("pve_datacenter_node_options", NODE_OPTIONS),
    Table("pve_firewall_node_rules", NODE_RULES),
    Table("pve_firewall_node_options", NODE_OPTIONS_TABLE),
)
CEPH = (
    Table("pve_ceph_crush_rules", CRUSH_RULE),
    Table("pve_ceph_pools", CEPH_POOL),
    Table("pve_ceph_filesystems", FILESYSTEM),
    Table("pve_ceph_config", SETTING),
    Table("pve_ceph_flags", FLAG, shape=lambda items: {item["name"]: True for item in items}),
)
BACKUP_SERVER = (
    Table("pbs_server_s3_endpoints", S3_ENDPOINT),
    Table("pbs_server_datastores", DATASTORE),
    Table("pbs_server_namespaces", NAMESPACE_TABLE),
    Table("pbs_server_prune_jobs", PRUNE_JOB),
    Table("pbs_server_verify_jobs", VERIFY_JOB),
    Table("pbs_server_remotes", REMOTE),
    Table("pbs_server_sync_jobs", SYNC_JOB),
    Table("pbs_server_traffic_controls", TRAFFIC_CONTROL),
    Table("pbs_server_users", PBS_USER, never=frozenset({"password"})),
    Table("pbs_server_tokens", PBS_TOKEN),
    Table("pbs_server_acls", PBS_ACL),
)


@dataclass
class Found:
    """C(variables) by name; C(secrets) that belong to them, each with where it is; C(notes): what is left out, and why."""

    variables: dict[str, Any] = field(default_factory=dict)
    secrets: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, variable: str, value: Any) -> None:
        if value not in (None, "", [], {}):
            self.variables[variable] = value


def read(api: Any, tables: Iterable[Table], found: Found) -> Found:
    """Raises what the API's refusal raises: half an inventory is none."""
    for table in tables:
        if table.resource.known_in(api.client.version):
            found.add(table.variable, _value(table, _items(api, table, found)))
    return found


def _value(table: Table, items: list[Item]) -> Any:
    if not table.resource.single:
        return table.shape(items)
    only = (items or [{}])[0]
    return only.get(table.resource.listed) if table.resource.listed else only


def _items(api: Any, table: Table, found: Found) -> list[Item]:
    resource, items = table.resource, []
    fresh = read_present(resource, resource.fresh)
    present = read_present(resource, resource.rows(api))
    for one in (present[key] for key in sorted(present)):
        if resource.built_in(one.raw) or resource.spares(one.raw):
            continue
        if not one.known(resource):
            found.notes.append(
                f"{table.variable}: {resource.name} '{one.key}' is of the type {one.label}, unknown here"
            )
            continue
        if _only_secret(resource, one):
            found.notes.append(f"{table.variable}: {one.key} looks like a secret, and is nothing without it; it stays")
            continue
        secrets = [secret.option for secret in resource.fields if secret.secret and _is_set(table, secret, one)]
        # what every installation has is nothing to write down
        item = _without_defaults(resource, one)
        if one.key in fresh and _without_defaults(resource, fresh[one.key]) == item and not secrets:
            continue
        for option in secrets:
            found.secrets.append(_secret(table, one, option, len(items)))
        items.append(item)
    return items


def _only_secret(resource: Resource, one: Present) -> bool:
    """Whether the value that is all there is to it is not shown."""
    hidden = [resource.field(secret.hides).option for secret in resource.fields if secret.hides]
    return bool(hidden) and not set(hidden) & set(one.values)


def _without_defaults(resource: Resource, one: Present) -> Item:
    defaults = {item.option: item.default for item in resource.fields}
    variant = resource.variants[one.label]
    defaults |= {resource.field(name).option: value for name, value in variant.defaults.items()}
    needed = {resource.field(name).option for name in (*variant.required.split(), *variant.at_creation.split())}
    values = {
        name: value for name, value in one.values.items() if name in needed or value != defaults[name] or value is None
    }
    return {**resource.head(one.key, one.label), **values}


def _secret(table: Table, one: Present, option: str, index: int) -> dict[str, Any]:
    resource = table.resource
    return {
        "variable": table.variable,
        "index": None if resource.single else index,
        "option": option,
        "table": resource.name,
        "item": "" if resource.single else one.key,
    }


def _is_set(table: Table, secret: Field, one: Present) -> bool:
    variant = table.resource.variants[one.label]
    if secret.name not in variant.names or secret.option in table.never or secret.hides:
        return False
    if secret.marker or secret.readable:
        return one.raw.get(secret.name) not in (None, "", [], {})
    if secret.name in (*variant.required.split(), *variant.at_creation.split()):
        return True
    test = table.secrets.get(secret.option)
    return test is not None and test(one.config(table.resource))


def cluster(api: Any, found: Found) -> Found:
    """All that there is once in a cluster, but Ceph."""
    read(api, CLUSTER, found)
    options = found.variables.get("pve_datacenter_options", {})
    # has one place in the inventory, and that is with the rest of HA
    policy = options.pop("ha", {}).get("shutdown_policy")
    found.add("pve_ha_shutdown_policy", policy)
    if not options:
        found.variables.pop("pve_datacenter_options", None)
    guests, rules, groups = (_plain(api, one) for one in (RESOURCE, RULE, GROUP))
    described = _inventory_ha.described(guests, rules, groups)
    found.add("pve_ha_guests", described.guests)
    found.add("pve_ha_placement", described.placement)
    found.notes += described.notes
    return found


def _plain(api: Any, resource: Resource) -> list[Item]:
    if not resource.known_in(api.client.version):
        return []
    present = read_present(resource, resource.rows(api))
    return [present[key].config(resource) for key in sorted(present) if present[key].known(resource)]

# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of the datacenter against Proxmox's official schema and against their modules' documentation."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
import yaml
from ansible_collections.baremetal.proxmox.plugins.module_utils._backup_job import BACKUP_JOB
from ansible_collections.baremetal.proxmox.plugins.module_utils._datacenter import DATACENTER
from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Resource
from ansible_collections.baremetal.proxmox.plugins.module_utils._ha import GROUP, RESOURCE, RULE
from ansible_collections.baremetal.proxmox.plugins.module_utils._metric_server import METRIC_SERVER
from ansible_collections.baremetal.proxmox.plugins.module_utils._node_options import NODE_OPTIONS
from ansible_collections.baremetal.proxmox.plugins.module_utils._notifications import MATCHER, TARGET
from ansible_collections.baremetal.proxmox.plugins.module_utils._replication_job import REPLICATION_JOB
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.test_storage_table import RELEASES, schema

TABLES: dict[str, Resource] = {
    "backup_job": BACKUP_JOB,
    "datacenter_options": DATACENTER,
    "ha_group": GROUP,
    "ha_resource": RESOURCE,
    "ha_rule": RULE,
    "metric_server": METRIC_SERVER,
    "node_options": NODE_OPTIONS,
    "notification_matcher": MATCHER,
    "notification_target": TARGET,
    "replication_job": REPLICATION_JOB,
}
# What the schema has and no table: what says which item it is or how to change it, old forms, and Proxmox's own notes
_OLD_BACKUP = {"starttime", "dow", "maxfiles", "notification-policy", "notification-target"}
NOT_OFFERED: dict[str, set[str]] = {
    "backup_job": _OLD_BACKUP,
    "datacenter_options": {"migration_unsecure"},
    "ha_group": {"type"},
    "ha_resource": {"type"},
    # in the schema, but refused since groups are rules
    "ha_resource-9.2": {"group"},
    "node_options": {"node", "acmedomain[n]"},
    "replication_job": {"remove_job", "source"},
}
_TYPES = {"boolean": "bool", "integer": "int", "number": "float"}


def calls(table: Resource, release: str) -> list[tuple[str | None, str, dict[str, Any]]]:
    """(type, method, parameters) of every call that writes."""
    paths = schema(release)
    found = []
    for label in table.variants if table.paths else (None,):
        path = table.paths[label] if table.paths else table.path
        one = path if table.single else f"{path}/{{{table.key.name}}}"
        for method, where in (("POST", one if table.placed else path), ("PUT", one)):
            if where in paths and method in paths[where]:
                found.append((label, method, paths[where][method]["params"]))
    return found


def names(table: Resource, label: str | None, release: str) -> set[str]:
    version = RELEASES[release]
    variants = [one for key, one in table.variants.items() if label in (None, key) and one.known_in(version)]
    known = {name for variant in variants for name in variant.names}
    return {name for name in known if table.field(name).known_in(version)}


CASES = [
    pytest.param(name, release, id=f"{name}-{release}")
    for name, table in TABLES.items()
    for release, version in RELEASES.items()
    if table.known_in(version)
]


@pytest.mark.parametrize(("name", "release"), CASES)
def test_every_setting_is_a_parameter_and_the_other_way_round(name: str, release: str) -> None:
    table = TABLES[name]
    found = calls(table, release)
    assert {method for _label, method, _params in found} == ({"PUT"} if table.single else {"POST", "PUT"})
    for label, method, params in found:
        head = {table.key.name, "delete", "digest", *([table.discriminator.name] if table.discriminator else ())}
        fixed = {key for one in table.variants.values() for key in one.fixed.split()} if method == "PUT" else set()
        offered = names(table, label, release)
        if "acmedomain[n]" in params:
            offered = {key for key in offered if not key.startswith("acmedomain")}
        left_out = NOT_OFFERED.get(name, set()) | NOT_OFFERED.get(f"{name}-{release}", set())
        assert offered - fixed == set(params) - head - left_out, (label, method)
        assert table.delete_each == (params.get("delete", {}).get("type") == "array") or method == "POST"
        assert table.retype == ("type" in params) or method == "POST"


@pytest.mark.parametrize(("name", "release"), CASES)
def test_options_have_the_schemas_types_and_words(name: str, release: str) -> None:
    table = TABLES[name]
    for label, _method, params in calls(table, release):
        for key in names(table, label, release) & set(params):
            one, rule = table.field(key), params[key]
            kind = one.kind.option["type"]
            if rule["type"] in _TYPES:
                assert kind == _TYPES[rule["type"]], key
            if rule["type"] == "array":
                assert kind in ("list", "dict"), key
            if rule.get("enum") and key != "console":
                assert sorted(map(str, one.choices)) == sorted(map(str, rule["enum"])), key
            if "minimum" in rule:
                assert one.limits, key
                assert one.limits[0] == int(rule["minimum"]), key
            if "maximum" in rule:
                assert one.limits[1] == int(rule["maximum"]), key
            default = table.default(table.variants[label], one) if label in table.variants else one.default
            if default is not None and "default" in rule:
                assert one.read(rule["default"]) == default, key


@pytest.mark.parametrize("release", RELEASES)
def test_keys_of_property_strings_are_the_schemas(release: str) -> None:
    """Each key alone is read, so that the whole of it is known; one that is not is refused."""
    for table in (DATACENTER, NODE_OPTIONS, BACKUP_JOB):
        for _label, _method, params in calls(table, release):
            for key, rule in params.items():
                if not isinstance(rule.get("format"), dict) or key in NOT_OFFERED.get("node_options", ()):
                    continue
                for part, form in rule["format"].items():
                    value = {"boolean": "1", "number": "5", "integer": "500"}.get(form["type"], "x")
                    value = str((form.get("enum") or [value])[0])
                    read = table.field(key).kind.read({part: 5 if part == "max-workers" else value})
                    assert list(read) == [part.replace("-", "_")], (key, part)
                    assert table.field(key).kind.write(read).startswith(f"{part}="), (key, part)
                with pytest.raises(ValueError, match="unknown key"):
                    table.field(key).kind.read({"nosuch": 1})


@pytest.mark.parametrize("name", TABLES)
def test_documentation_has_every_option(name: str) -> None:
    module = importlib.import_module(f"ansible_collections.baremetal.proxmox.plugins.modules.{name}")
    documented = yaml.safe_load(module.DOCUMENTATION)["options"]["config"]
    spec = ResourceModule(TABLES[name]).argument_spec()["config"]
    assert documented["type"] == spec["type"]
    assert documented.get("elements") == spec.get("elements")
    assert set(documented["suboptions"]) == set(spec["options"])
    for option, rules in spec["options"].items():
        written = documented["suboptions"][option]
        assert written["type"] == rules["type"], option
        assert [str(one) for one in written.get("choices", [])] == [str(one) for one in rules.get("choices", [])]
        assert written.get("default") == rules.get("default"), option
        assert written.get("required", False) == rules.get("required", False)
    for task in yaml.safe_load(module.EXAMPLES):
        config = task[f"baremetal.proxmox.{name}"].get("config", [])
        for item in [config] if isinstance(config, dict) else config if isinstance(config, list) else []:
            assert set(item) <= set(spec["options"])


def test_secrets_are_marked_so_that_ansible_hides_them() -> None:
    secret = {
        name: {option for option, rules in table.spec().items() if rules.get("no_log")}
        for name, table in TABLES.items()
    }
    assert {name: options for name, options in secret.items() if options} == {
        "datacenter_options": {"http_proxy"},
        "metric_server": {"token", "otel_headers"},
        "notification_target": {"password", "token", "secret"},
    }

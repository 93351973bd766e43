# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a cluster to an inventory and back, against the stand-in's API of both releases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.vars.manager import VariableManager
from ansible_collections.baremetal.proxmox.plugins.filter.ha_definitions import ha_definitions
from ansible_collections.baremetal.proxmox.plugins.module_utils import _inventory_ceph
from ansible_collections.baremetal.proxmox.plugins.module_utils import _inventory_tables as tables
from ansible_collections.baremetal.proxmox.plugins.module_utils._api import Api
from ansible_collections.baremetal.proxmox.plugins.module_utils._ha import GROUP, RESOURCE, RULE
from ansible_collections.baremetal.proxmox.plugins.module_utils._product import BACKUP_SERVER
from ansible_collections.baremetal.proxmox.plugins.modules import inventory_info
from ansible_collections.baremetal.proxmox.plugins.plugin_utils import _inventory_files as files
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._reading import plain
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.ceph_world import World
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_api import (
    FakeClient,
    FakeTransport,
    run_module,
)
from ansible_collections.baremetal.proxmox.tests.unit.plugins.module_utils.fake_ceph import FakeCeph
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules import (
    contract,
    contract_backup,
    contract_sdn,
    rich_cluster,
    test_ceph_crush_rule,
    test_ceph_info,
    test_ceph_pool,
)
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.contract_datacenter import FILES, MANAGER
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.standin_api import StandIn
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules.standin_backup import BackupStandIn
from validate_in_process import judge

ROWS = {table.variable: table for table in (*tables.CLUSTER, *tables.NODE)}
# the module sdn has them all
SDN = {f"pve_sdn_{option}": option for option in contract_sdn.TABLES}


class Cluster:
    def __init__(self, root: Path, monkeypatch: Any, release: str) -> None:
        self.release, self.monkeypatch = release, monkeypatch
        self.api = StandIn(root, monkeypatch, release)
        for file, text in {**FILES, **MANAGER}.items():
            self.api.write(file, text)

    def converge(self, variables: dict[str, Any], state: str = "merged") -> list[str]:
        """What the roles do, in their order; the tables that changed."""
        changed = []
        for variable, table in ROWS.items():
            if variable in variables and variable not in SDN:
                config = variables[variable]
                if variable == "pve_datacenter_options" and "pve_ha_shutdown_policy" in variables:
                    config = {**config, "ha": {"shutdown_policy": variables["pve_ha_shutdown_policy"]}}
                changed += self.module(table.resource, config, state)
        lists = {option: variables[variable] for variable, option in SDN.items() if variable in variables}
        self.api.writes = []
        if lists:
            changed += self.ended(contract_sdn.run(self.api, **lists, state=state), "sdn")
        found = self.api.module(RULE, state="gathered")
        definitions = ha_definitions(
            variables.get("pve_ha_placement", []), variables.get("pve_ha_guests", []), self.release, found["gathered"]
        )
        assert definitions["findings"] == []
        if not definitions["by_rules"]:
            changed += self.module(GROUP, definitions["groups"], state)
        changed += self.module(RESOURCE, definitions["resources"], state)
        if definitions["by_rules"]:
            changed += self.module(RULE, definitions["rules"], state)
        return changed

    def module(self, resource: Any, config: Any, state: str) -> list[str]:
        return self.ended(self.api.module(resource, config=config, state=state), resource.name)

    def ended(self, result: dict[str, Any], name: str) -> list[str]:
        assert not result["failed"], result["msg"]
        assert bool(self.api.writes) == result["changed"]
        return [name] if result["changed"] else []

    def gathered(self) -> dict[str, Any]:
        def start(connect: Any) -> None:
            self.monkeypatch.setattr(inventory_info, "connect", lambda module, _product: connect(module))
            inventory_info.main()

        self.api.writes = []
        arguments = {"gather": ["host", "cluster"], "api_host": "pve.example.org", "api_token_id": "root@pam!x"}
        result = run_module(self.monkeypatch, start, {**arguments, "api_token_secret": "no"}, transport=self.api)
        assert not result["failed"], result["msg"]
        assert self.api.writes == []
        found: dict[str, Any] = json.loads(json.dumps(result["inventory"]))
        return found


@pytest.fixture
def port() -> Iterator[int]:
    with rich_cluster.reachable() as number:
        yield number


@pytest.fixture(params=["9.2", "8.4"])
def cluster(request: Any, tmp_path: Path, monkeypatch: Any) -> Cluster:
    return Cluster(tmp_path / "node", monkeypatch, request.param)


def written(found: dict[str, Any], directory: Path, name: str = "pve1") -> dict[str, str]:
    nothing = {**found, "name": {}, "host": {}, "cluster": {}, "secrets": [], "notes": []}
    first, second = (files.Machine(one, what) for one, what in ((name, found), ("pve2", nothing)))
    first.connection, second.connection = {"ansible_host": "192.0.2.11"}, {"ansible_host": "192.0.2.12"}
    made = files.files({"pve": [first, second]})
    for path, text in made.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)
    return made


def read(directory: Path, host: str, extra: dict[str, Any]) -> dict[str, Any]:
    """The variables as a play would see them."""
    loader = DataLoader()
    manager = VariableManager(loader=loader, inventory=InventoryManager(loader=loader, sources=[str(directory)]))
    raw = manager.get_vars(host=manager._inventory.get_host(host), include_hostvars=False)
    templar = Templar(loader=loader, variables={**raw, **extra})
    return {name: plain(templar.template(value)) for name, value in raw.items() if name.startswith("pve_")}


def test_an_empty_cluster_has_nothing_to_say(cluster: Cluster) -> None:
    found = cluster.gathered()
    assert found["host"] == {}
    assert found["secrets"] == []
    assert found["cluster"].keys() == {"pve_storage_config"}


def test_there_and_back(cluster: Cluster, port: int, tmp_path: Path) -> None:
    wanted = rich_cluster.of(cluster.release, port)
    assert cluster.converge(wanted)
    found = cluster.gathered()
    assert "canary" not in json.dumps(found)
    of_node = {table.variable for table in tables.NODE}
    assert (found["cluster"].keys(), found["host"].keys()) == (wanted.keys() - of_node, of_node)
    made = written(found, tmp_path / "inventory")
    assert "canary" not in "".join(made.values())
    listed = {
        line[2:-1] for line in made["group_vars/pve/vault.yml.example"].splitlines() if line.startswith("# vault_")
    }
    assert listed == set(rich_cluster.vault(cluster.release))

    verdict = judge(tmp_path / "inventory", arguments=["--skip-tags=cluster"])
    assert (verdict.errors, verdict.warnings) == ([], [])

    # without what is in the vault, and with it
    for vault in ({}, rich_cluster.vault(cluster.release)):
        variables = read(tmp_path / "inventory", "pve1", vault)
        assert cluster.converge(variables) == []
        assert cluster.converge(variables, "overridden") == []

    # and elsewhere it makes the same
    other = Cluster(tmp_path / "other", cluster.monkeypatch, cluster.release)
    assert other.converge(read(tmp_path / "inventory", "pve1", rich_cluster.vault(cluster.release)))
    again = other.gathered()
    assert again == found
    assert written(again, tmp_path / "again") == made


@pytest.mark.parametrize("name", sorted(contract_backup.CASES))
def test_a_backup_server(name: str, tmp_path: Path, monkeypatch: Any) -> None:
    case, resource = contract_backup.CASES[name], contract.table(name, monkeypatch)
    server = BackupStandIn(tmp_path / "node", monkeypatch, "4.0")
    for file, text in case.files.items():
        server.write(file, text)
    for method, path, params in case.before:
        server.call(method, path, **params)
    assert server.module(resource, config=list(case.items), state="merged", **case.arguments)["changed"]
    table = next(one for one in tables.BACKUP_SERVER if one.resource is resource)
    client = FakeClient(server, product=BACKUP_SERVER)
    found = tables.read(Api(client), [table], tables.Found())
    assert [secret for secret in case.secrets if secret in json.dumps(found.variables)] == []
    needed = {one.option for one in resource.fields if one.secret and one.option not in table.never}
    assert {one["option"] for one in found.secrets} == needed
    result = server.module(resource, config=found.variables[table.variable], state="overridden", **case.arguments)
    assert (result["failed"], result["changed"]) == (False, False)


def test_every_table_of_a_cluster_is_gathered() -> None:
    """Whoever adds a module adds its line; Ceph's tables have their own connection."""
    known = {table.resource.name for table in (*ROWS.values(), *tables.CEPH, *tables.BACKUP_SERVER)}
    known |= {RESOURCE.name, GROUP.name, RULE.name}
    names = contract.on_the_engine() - {"sdn"}
    with pytest.MonkeyPatch.context() as patch:
        assert {contract.table(name, patch).name for name in names} <= known


# what a Ceph of Proxmox's own says that somebody has worked on
CEPH = {
    **test_ceph_info.ANSWERS,
    "osd dump": {
        **test_ceph_info.ANSWERS["osd dump"],
        "pools": [
            {"pool": 1, **test_ceph_pool.MGR},
            {"pool": 2, **test_ceph_pool.VM, "size": 2},
            {"pool": 3, **test_ceph_pool.FS},
        ],
    },
    "fs dump": {
        "standbys": test_ceph_info.ANSWERS["fs dump"]["standbys"],
        "filesystems": [{"id": 1, **one} for one in test_ceph_info.ANSWERS["fs dump"]["filesystems"]],
        "default_fscid": 1,
    },
    "osd crush rule dump": [test_ceph_crush_rule.FIRST, test_ceph_crush_rule.SSD],
    "fs ls": [{"name": "cephfs", "metadata_pool": "cephfs_metadata", "data_pools": ["cephfs_data"]}],
    "config dump": [
        {"section": "osd", "name": "osd_memory_target", "value": "4294967296", "mask": "class:ssd"},
        {"section": "mgr", "name": "mgr/dashboard/x", "value": "1"},
        {"section": "client.rgw", "name": "rgw_keystone_admin_password", "value": "canary-rgw"},
    ],
    "mgr module ls": {
        "always_on_modules": ["balancer"],
        "enabled_modules": ["balancer", "iostat", "nfs", "prometheus"],
        "disabled_modules": [],
    },
}
CEPH_CALLS = [
    ("GET", "/version", {}, {"version": "9.2.1", "release": "9.2"}),
    ("GET", "/storage", {"type": "rbd"}, [{"storage": "vm", "type": "rbd", "pool": "vm"}]),
    ("GET", "/storage", {"type": "cephfs"}, []),
    ("GET", "/cluster/ceph/flags", {}, [{"name": "noout", "value": 1}, {"name": "nodown", "value": 0}]),
]


def test_ceph(tmp_path: Path, monkeypatch: Any) -> None:
    world = World(tmp_path / "pve1", monkeypatch)
    world.cli.answers = {"dpkg-query": "ceph-mon\t19.2.3-pve2\tinstalled\n"}
    world.initialise("pve1", "pve2", "pve3")
    ceph, transport, found = FakeCeph(CEPH), FakeTransport(CEPH_CALLS), tables.Found()
    _inventory_ceph.cluster(world.machine, Api(FakeClient(transport), ceph, on_ceph=True), ceph, found)
    transport.finished()
    assert "canary" not in str(found)
    variables = found.variables
    assert variables["pve_ceph_mons"] == ["pve1", "pve2", "pve3"]
    assert variables["pve_ceph_mgrs"] == ["pve1", "pve2"]
    assert variables["pve_ceph_mds"] == ["pve1", "pve2"]
    assert variables["pve_ceph_mgr_modules"] == [{"name": "prometheus", "enabled": True}]
    assert variables["pve_ceph_flags"] == {"noout": True}
    assert [(one["name"], one.get("size"), one.get("add_storages")) for one in variables["pve_ceph_pools"]] == [
        ("vm", 2, True)
    ]
    assert variables["pve_ceph_filesystems"] == [{"name": "cephfs"}]
    assert variables["pve_ceph_config"] == [
        {"who": "osd/class:ssd", "name": "osd_memory_target", "value": "4294967296"},
    ]
    assert [note.partition(" ")[2].partition(" looks")[0] for note in found.notes] == [
        "client.rgw rgw_keystone_admin_password"
    ]
    assert found.secrets == []
    # with names of the inventory
    made = files.files(
        {
            "pve": [
                files.Machine(
                    f"{name}.example.org",
                    {
                        "name": {"hostname": name, "domain": "example.org", "resolves_to": []},
                        "products": ["pve"],
                        "host": {},
                        "cluster": variables if name == "pve1" else {},
                        "secrets": [],
                        "notes": [],
                    },
                )
                for name in ("pve1", "pve2")
            ]
        }
    )
    text = made["group_vars/pve/ceph.yml"]
    assert "pve_ceph_mons:\n  - pve1.example.org\n  - pve2.example.org\n" in text
    assert "# Left out: pve_ceph_mons: pve3 is no host of this inventory\n" in text

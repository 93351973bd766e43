# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes into which file, and in what form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.baremetal.proxmox.plugins.plugin_utils import _inventory_files as files
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._reading import plain


def machine(inventory_name: str, connection: dict[str, Any] | None = None, **found: Any) -> files.Machine:
    short, _dot, domain = inventory_name.partition(".")
    about = {"hostname": short, "domain": domain, "resolves_to": []}
    parts: dict[str, Any] = {"name": about, "products": ["pve"], "host": {}, "cluster": {}, "secrets": [], "notes": []}
    return files.Machine(inventory_name, parts | found, connection or {})


def read(text: str) -> Any:
    return yaml.safe_load(text)


def test_what_is_the_same_everywhere_is_said_once() -> None:
    own = {"pve_network_interfaces": [{"name": "eno1"}]}
    made = files.files(
        {
            "pve": [
                machine("pve1", host={"pve_host_timezone": "Etc/UTC", "pve_host_swappiness": 10, **own}),
                machine("pve2", host={"pve_host_timezone": "Etc/UTC", **own}),
            ]
        }
    )
    assert read(made["group_vars/pve/host.yml"]) == {"pve_host_timezone": "Etc/UTC"}
    assert read(made["host_vars/pve1.yml"]) == {"pve_host_swappiness": 10, **own}
    assert read(made["host_vars/pve2.yml"]) == own
    assert read(made["hosts.yml"]) == {"all": {"children": {"pve": {"hosts": {"pve1": None, "pve2": None}}}}}


@pytest.mark.parametrize(
    ("about", "connection", "variables"),
    [
        ({}, {"ansible_host": "192.0.2.11"}, {}),
        ({"resolves_to": ["192.0.2.11"]}, {"ansible_host": "192.0.2.11"}, {}),
        ({"resolves_to": ["127.0.1.1", "10.0.0.1"]}, {"ansible_host": "192.0.2.11"}, {"pve_host_address": "10.0.0.1"}),
        ({"hostname": "alpha"}, {}, {"pve_host_name": "alpha"}),
        ({"domain": "lan"}, {}, {"pve_host_domain": "lan"}),
    ],
)
def test_the_name_where_the_inventory_has_another(
    about: dict[str, Any], connection: dict[str, Any], variables: dict[str, Any]
) -> None:
    found = {"hostname": "pve1", "domain": "example.org", "resolves_to": [], **about}
    made = files.files({"pve": [machine("pve1.example.org", connection, name=found)]})
    assert read(made.get("host_vars/pve1.example.org.yml", "{}")) == variables


def test_a_backup_server_beside_a_node_is_in_both_groups_and_asked_once() -> None:
    secret = {
        "scope": "host",
        "variable": "pbs_server_remotes",
        "index": 0,
        "option": "password",
        "table": "remote",
        "item": "far",
    }
    both = machine("pve1", products=["pve", "pbs"], host={"pbs_server_remotes": [{"name": "far"}]}, secrets=[secret])
    alone = machine("pbs1", products=["pbs"], host={"pbs_server_remotes": [{"name": "far"}]}, secrets=[secret])
    made = files.files({"pve": [both, machine("pve2")], "pbs": [both, alone]})
    children = read(made["hosts.yml"])["all"]["children"]
    assert {name: list(group["hosts"]) for name, group in children.items()} == {
        "pve": ["pve1", "pve2"],
        "pbs": ["pve1", "pbs1"],
    }
    for host in ("pve1", "pbs1"):
        (remote,) = read(made[f"host_vars/{host}.yml"])["pbs_server_remotes"]
        assert remote == {"name": "far", "password": f"{{{{ vault_{host}_remote_far_password | default(omit) }}}}"}
    assert "# vault_pve1_remote_far_password:" in made["group_vars/pve/vault.yml.example"]
    assert "# vault_pbs1_remote_far_password:" in made["group_vars/pbs/vault.yml.example"]


def test_names_in_the_vault_are_each_of_one_secret() -> None:
    config = [{"storage": "a.b"}, {"storage": "a-b"}]
    secrets = [
        {
            "scope": "cluster",
            "variable": "pve_storage_config",
            "index": index,
            "option": "password",
            "table": "storage",
            "item": one["storage"],
        }
        for index, one in enumerate(config)
    ]
    made = files.files({"pve": [machine("pve1", cluster={"pve_storage_config": config}, secrets=secrets)]})
    text = made["group_vars/pve/storage.yml"]
    assert "vault_storage_a_b_password |" in text
    assert "vault_storage_a_b_password_2 |" in text


def test_passwords_of_connections_are_not_written_down() -> None:
    one = machine("pve1", {"ansible_host": "192.0.2.11", "ansible_user": "admin"})
    two = machine("pve2", {"ansible_host": "192.0.2.12", "ansible_user": "admin"})
    one.secret = two.secret = ["ansible_become_password"]
    made = files.files({"pve": [one, two]})
    assert read(made["hosts.yml"])["all"]["vars"] == {
        "ansible_user": "admin",
        "ansible_become_password": "{{ vault_ansible_become_password }}",
    }
    assert "# vault_ansible_become_password:" in made["group_vars/pve/vault.yml.example"]


TEXTS = [
    "{{ title }}",
    "{% if x %}\n  {# y #}\n",
    "first\nsecond",
    "  led\nby blanks \n",
    "\n",
    "tab\tand \u00e4\u2026",
    "yes",
    "01:20",
    "12:30",
    "0x1F",
    "1e3",
    "null",
    "~",
    "- x",
    "a: b",
    "#no",
    "",
    "x" * 300 + " " + "y" * 200,
    "!vault x",
    "@x",
    "%y",
    "{a}",
]


@pytest.mark.parametrize("text", TEXTS)
def test_every_text_comes_back_as_it_was(text: str, tmp_path: Path) -> None:
    made = files.files({"pve": [machine("pve1", cluster={"pve_datacenter_options": {"description": text}})]})
    path = tmp_path / "datacenter.yml"
    path.write_text(made["group_vars/pve/datacenter.yml"])
    loader = DataLoader()
    value = Templar(loader=loader, variables={"title": "templated"}).template(loader.load_from_file(str(path)))
    assert plain(value) == {"pve_datacenter_options": {"description": text}}

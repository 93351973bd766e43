"""The role pve_gather through Ansible and HTTPS: what a cluster has becomes an inventory, which run back changes nothing.

Release 8.4 is in tests/unit/plugins/modules/test_inventory.py. Only what the API tells: the rest would read this machine,
and is in tests/unit/plugins/module_utils/test_inventory_host.py.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import ssl
import stat
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import golden
import pytest
import rig
import yaml
from ansible_collections.baremetal.proxmox.tests.unit.plugins.modules import rich_cluster

ROOT = Path(__file__).resolve().parents[2]
GUESTS = {"100": ("pve1", "qemu"), "101": ("pve2", "qemu"), "102": ("pve1", "lxc")}
ROLES: list[dict[str, Any]] = [
    {"include_role": {"name": f"baremetal.proxmox.{name}"}}
    for name in (
        "pve_certificate",
        "pve_mapping",
        "pve_storage",
        "pve_access",
        "pve_datacenter",
        "pve_firewall",
        "pve_backup",
    )
] + [{"include_role": {"name": "baremetal.proxmox.pve_ha", "tasks_from": "converge"}}]
STATES = ("certificate", "mapping", "storage", "access", "datacenter", "firewall", "ha")
GATHER = [{"include_role": {"name": "baremetal.proxmox.pve_gather"}}]


@pytest.fixture(scope="module", params=["9.2"])
def node(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[rig.Rig, str]]:
    release, secret = request.param, str(uuid.uuid4())
    schema = golden.shared() / "api" / f"pve-{release}.json"
    made = rig.Rig(tmp_path_factory.mktemp("node"), schema, {"pve1": "127.0.0.23"}, f"root@pam!cap={secret}")
    version = {"version": f"{release}.1", "release": release, "repoid": "0123456789abcdef"}
    (made.root("pve1") / "usr/share/pve-standin/version.json").write_text(json.dumps(version))
    nodes = {name: {"id": number, "online": int(name == "pve1")} for number, name in enumerate(("pve1", "pve2"), 1)}
    nodes["pve1"]["ip"] = "127.0.0.23"  # type: ignore[assignment]
    cluster = {"name": "rack", "version": 2, "nodes": 2, "quorate": 1}
    guests = {vmid: {"node": on, "type": kind, "version": 1} for vmid, (on, kind) in GUESTS.items()}
    files = {
        ".members": json.dumps({"nodename": "pve1", "version": 2, "cluster": cluster, "nodelist": nodes}),
        ".vmlist": json.dumps({"version": 1, "ids": guests}),
        "nodes/pve1/qemu-server/100.conf": "scsi0: tank:vm-100-disk-0,size=1G\n",
        "storage.cfg": "dir: local\n\tpath /var/lib/vz\n\tcontent backup\n\nzfspool: tank\n\tpool tank\n\n",
        "ha/manager_status": json.dumps({"node_status": {"pve1": "online", "pve2": "online"}}),
        "user.cfg": "user:root@pam:1:0::::::\ntoken:root@pam!cap:0:0::\n",
        "priv/token.cfg": f"root@pam!cap {secret}\n",
    }
    for name, text in files.items():
        (made.pve / name).parent.mkdir(parents=True, exist_ok=True)
        (made.pve / name).write_text(text)
    made.start()
    try:
        yield made, release
    finally:
        made.stop()


def run(
    node: rig.Rig,
    release: str,
    directory: Path,
    tasks: list[dict[str, Any]],
    *arguments: str,
    inventory: Path | None = None,
    code: int = 0,
    **variables: Any,
) -> str:
    """Plays tasks on pve1 of an inventory, by default one that has just its name, against the stand-in's API."""
    certificate = ssl.PEM_cert_to_DER_cert((node.pve / "local" / "pve-ssl.pem").read_text())
    token, secret = node.token.split("=")
    connection = {
        "api_host": node.nodes["pve1"],
        "api_port": node.port,
        "api_token_id": token,
        "api_token_secret": secret,
        "api_fingerprint": hashlib.sha256(certificate).hexdigest(),
    }
    book = [
        {
            "hosts": "pve",
            "connection": "local",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": shutil.which("python3")},
            "module_defaults": {"group/baremetal.proxmox.proxmox": connection},
            "tasks": tasks,
        }
    ]
    directory.mkdir(exist_ok=True)
    (directory / "hosts.yml").write_text("pve: {hosts: {pve1: {ansible_host: 127.0.0.23}}}\n")
    (directory / "play.yml").write_text(yaml.safe_dump(book))
    (directory / "vars.json").write_text(json.dumps({"__pve_ha_release": release, **variables}))
    done = subprocess.run(
        [
            "ansible-playbook",
            "play.yml",
            "-i",
            str(inventory or directory / "hosts.yml"),
            "-e",
            "@vars.json",
            *arguments,
        ],
        cwd=directory,
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_LOCAL_TEMP": str(directory / "local"),
            "ANSIBLE_REMOTE_TEMP": str(directory / "remote"),
            "ANSIBLE_NOCOLOR": "1",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == code, output
    assert "canary" not in output
    return output


def unsafe(value: Any) -> Any:
    """Variables of the command line are templates; Proxmox's own are not ours."""
    if isinstance(value, dict):
        return {key: unsafe(one) for key, one in value.items()}
    if isinstance(value, list):
        return [unsafe(one) for one in value]
    return f"{{% raw %}}{value}{{% endraw %}}" if isinstance(value, str) and "{" in value else value


def files(directory: Path) -> dict[str, str]:
    return {str(path.relative_to(directory)): path.read_text() for path in directory.rglob("*") if path.is_file()}


def test_gathered_and_run_back_nothing_changes(node: tuple[rig.Rig, str], tmp_path: Path) -> None:
    made, release = node
    with rich_cluster.reachable() as port:
        gathered_and_run_back(made, release, port, tmp_path)


def gathered_and_run_back(made: rig.Rig, release: str, port: int, tmp_path: Path) -> None:
    # to apply software-defined networks, all nodes have to be there
    lists = {name: value for name, value in rich_cluster.of(release, port).items() if not name.startswith("pve_sdn_")}
    lists = unsafe(lists)
    parts = {"__pve_gather_parts": ["host", "cluster"], "pve_gather_directory": str(tmp_path / "out")}
    assert changed(run(made, release, tmp_path / "a", ROLES, **lists))

    # check mode shows all of it and writes nothing
    output = run(made, release, tmp_path / "b", GATHER, "--check", "--diff", **parts)
    assert "vault_storage_nas_password" in output
    assert not (tmp_path / "out").exists()

    output = run(made, release, tmp_path / "b", GATHER, **parts)
    first = files(tmp_path / "out")
    assert changed(output) == ["pve_gather : Write the inventory"]
    assert "canary" not in "".join(first.values())
    assert {stat.S_IMODE((tmp_path / "out" / name).stat().st_mode) for name in first} == {0o600}

    # as it is, and with what the vault has, where what is not listed goes
    assert changed(run(made, release, tmp_path / "c", ROLES, inventory=tmp_path / "out")) == []
    states = {f"pve_{name}_state": "overridden" for name in STATES} | {"pve_backup_jobs_state": "overridden"}
    vault = rich_cluster.vault(release)
    assert changed(run(made, release, tmp_path / "c", ROLES, inventory=tmp_path / "out", **vault, **states)) == []


def test_files_that_say_something_else_stay(node: tuple[rig.Rig, str], tmp_path: Path) -> None:
    made, release = node
    out = tmp_path / "out"
    (out / "group_vars" / "pve").mkdir(parents=True)
    (out / "group_vars" / "pve" / "storage.yml").write_text("mine: true\n")
    (out / "group_vars" / "pve" / "old.yml").write_text("old: true\n")
    parts = {"__pve_gather_parts": ["host", "cluster"], "pve_gather_directory": str(out)}
    output = run(made, release, tmp_path / "a", GATHER, code=2, **parts)
    assert "group_vars/pve/storage.yml" in output
    assert files(out).keys() == {"group_vars/pve/storage.yml", "group_vars/pve/old.yml"}

    output = run(made, release, tmp_path / "a", GATHER, pve_gather_overwrite=True, **parts)
    assert "mine" not in files(out)["group_vars/pve/storage.yml"]
    assert "notofthisrun:group_vars/pve/old.yml" in "".join(output.split())


def changed(output: str) -> list[str]:
    """The tasks that changed something."""
    blocks = output.split("\nTASK [")[1:]
    return [
        block.partition("]")[0].removeprefix("baremetal.proxmox.")
        for block in blocks
        if re.search(r"^changed: ", block, re.MULTILINE)
    ]

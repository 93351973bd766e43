"""The role pve_sdn through Ansible and HTTPS: in check mode, twice, with others' changes, and with nothing left."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import ssl
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import golden
import pytest
import rig
import yaml
from test_access_role import recap

ROOT = Path(__file__).resolve().parents[2]
LISTS: dict[str, Any] = {
    "pve_sdn_controllers": [
        {"controller": "core", "type": "evpn", "asn": 65000, "peers": ["192.0.2.11", "192.0.2.12"]}
    ],
    "pve_sdn_zones": [
        {"zone": "lan", "type": "vlan", "bridge": "vmbr0"},
        {"zone": "inner", "type": "simple", "dhcp": "dnsmasq", "ipam": "pve"},
        {"zone": "deep", "type": "evpn", "controller": "core", "vrf_vxlan": 1000},
    ],
    "pve_sdn_vnets": [
        {"vnet": "web", "zone": "lan", "tag": 30, "alias": "Web servers"},
        {"vnet": "lab", "zone": "inner"},
        {"vnet": "far", "zone": "deep", "tag": 2000},
    ],
    "pve_sdn_subnets": [
        {
            "vnet": "lab",
            "subnet": "10.50.0.0/24",
            "gateway": "10.50.0.1",
            "snat": True,
            "dhcp_range": [{"start_address": "10.50.0.100", "end_address": "10.50.0.199"}],
        }
    ],
}
KINDS = ("controllers", "zones", "vnets", "subnets")


@pytest.fixture(scope="module", params=["9.2", "8.4"])
def node(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[rig.Rig]:
    release, secret = request.param, str(uuid.uuid4())
    schema = golden.shared() / "api" / f"pve-{release}.json"
    made = rig.Rig(tmp_path_factory.mktemp("node"), schema, {"pve1": "127.0.0.23"}, f"root@pam!cap={secret}")
    version = {"version": f"{release}.1", "release": release, "repoid": "0123456789abcdef"}
    (made.root("pve1") / "usr/share/pve-standin/version.json").write_text(json.dumps(version))
    (made.pve / "user.cfg").write_text("user:root@pam:1:0::::::\ntoken:root@pam!cap:0:0::\n")
    (made.pve / "priv/token.cfg").write_text(f"root@pam!cap {secret}\n")
    # with something to reload its network by
    (made.root("pve1") / "usr/share/ifupdown2").mkdir()
    reload = made.root("pve1") / "bin/ifreload"
    reload.write_text("#!/bin/sh\n")
    reload.chmod(0o755)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def play(node: rig.Rig, directory: Path, *words: str, fails: bool = False, **variables: Any) -> str:
    certificate = ssl.PEM_cert_to_DER_cert((node.pve / "local" / "pve-ssl.pem").read_text())
    token, secret = node.token.split("=")
    defaults = {
        "api_host": node.nodes["pve1"],
        "api_port": node.port,
        "api_token_id": token,
        "api_token_secret": secret,
        "api_fingerprint": hashlib.sha256(certificate).hexdigest(),
    }
    book = [
        {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": shutil.which("python3")},
            "module_defaults": {"group/baremetal.proxmox.proxmox": defaults},
            "tasks": [{"include_role": {"name": "baremetal.proxmox.pve_sdn"}}],
        }
    ]
    (directory / "play.yml").write_text(yaml.safe_dump(book))
    (directory / "vars.json").write_text(json.dumps({**LISTS, **variables}))
    done = subprocess.run(
        ["ansible-playbook", "--diff", "play.yml", "-e", "@vars.json", *words],
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
        timeout=120,
        check=False,
    )
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stdout + done.stderr


def running(node: rig.Rig) -> dict[str, list[str]]:
    config = json.loads((node.pve / "sdn/.running-config").read_text())
    return {kind: sorted(config[kind]["ids"]) for kind in KINDS}


def test_first_in_check_mode_and_then_twice(node: rig.Rig, tmp_path: Path) -> None:
    output = play(node, tmp_path, "--check")
    assert "changed=1" in recap(output)
    assert not (node.pve / "sdn").exists()
    assert "changed=1" in recap(play(node, tmp_path))
    assert running(node) == {
        "controllers": ["core"],
        "zones": ["deep", "inner", "lan"],
        "vnets": ["far", "lab", "web"],
        "subnets": ["inner-10.50.0.0-24"],
    }
    interfaces = (node.root("pve1") / "etc/network/interfaces.d/sdn").read_text()
    assert "iface lab\n\taddress 10.50.0.1/24\n\tbridge_ports none\n" in interfaces
    assert "iface web\n\tbridge_ports vmbr0.30\n" in interfaces
    assert "changed=0" in recap(play(node, tmp_path))
    assert "changed=0" in recap(play(node, tmp_path, pve_sdn_state="overridden"))


def test_others_changes_are_refused(node: rig.Rig, tmp_path: Path) -> None:
    status, reason, _body = node.call("POST", "/cluster/sdn/zones", {"zone": "theirs", "type": "simple"})
    assert status == 200, reason
    vnets = [*LISTS["pve_sdn_vnets"], {"vnet": "db", "zone": "lan", "tag": 31}]
    output = play(node, tmp_path, fails=True, pve_sdn_vnets=vnets)
    assert "zone 'theirs' new. Nothing was changed." in output
    assert "db" not in (node.pve / "sdn/vnets.cfg").read_text()
    play(node, tmp_path, pve_sdn_vnets=vnets, pve_sdn_apply_pending=True)
    assert running(node)["zones"] == ["deep", "inner", "lan", "theirs"]


def test_nothing_is_left(node: rig.Rig, tmp_path: Path) -> None:
    empty: dict[str, Any] = {name: [] for name in LISTS}
    assert "changed=1" in recap(play(node, tmp_path, pve_sdn_state="overridden", **empty))
    assert running(node) == {kind: [] for kind in KINDS}
    assert "changed=0" in recap(play(node, tmp_path, pve_sdn_state="overridden", **empty))

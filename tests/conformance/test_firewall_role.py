"""The role pve_firewall through Ansible and HTTPS: switched on, twice, rearranged, and taken away again."""

from __future__ import annotations

import hashlib
import json
import os
import re
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
    "pve_firewall_aliases": [
        {"name": "ceph", "cidr": "10.10.20.0/24", "comment": "storage"},
        {"name": "prober", "cidr": "192.0.2.5"},
    ],
    "pve_firewall_ipsets": [
        {"name": "management", "members": [{"cidr": "198.51.100.0/24"}, {"cidr": "prober", "nomatch": True}]}
    ],
    "pve_firewall_groups": [
        {
            "group": "monitoring",
            "rules": [{"type": "in", "action": "ACCEPT", "proto": "tcp", "dport": "9100", "source": "prober"}],
        }
    ],
    "pve_firewall_rules": [
        {"type": "group", "action": "monitoring"},
        {"type": "in", "action": "ACCEPT", "macro": "Ceph", "source": "ceph"},
        {"type": "in", "action": "ACCEPT", "macro": "Ping", "comment": "from anywhere"},
        {"type": "in", "action": "DROP", "source": "203.0.113.0/24", "log": "info"},
    ],
    "pve_firewall_node_rules": [{"type": "in", "action": "ACCEPT", "proto": "udp", "dport": "161", "source": "prober"}],
    "pve_firewall_node_options": {"log_level_in": "info", "tcpflags": True},
    "pve_firewall_options": {"enable": True, "policy_in": "REJECT"},
}
FILE = """[ALIASES]

ceph 10.10.20.0/24 # storage
prober 192.0.2.5

[IPSET management]

198.51.100.0/24
!prober

[RULES]

GROUP monitoring
IN Ceph(ACCEPT) -source ceph
IN Ping(ACCEPT) # from anywhere
IN DROP -source 203.0.113.0/24 -log info

[group monitoring]

IN ACCEPT -source prober -p tcp -dport 9100

"""


@pytest.fixture(scope="module", params=["8.4", "9.2"])
def node(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[rig.Rig]:
    release, secret = request.param, str(uuid.uuid4())
    schema = golden.shared() / "api" / f"pve-{release}.json"
    made = rig.Rig(tmp_path_factory.mktemp("node"), schema, {"pve1": "127.0.0.26"}, f"root@pam!cap={secret}")
    version = {"version": f"{release}.1", "release": release, "repoid": "0123456789abcdef"}
    (made.root("pve1") / "usr/share/pve-standin/version.json").write_text(json.dumps(version))
    nodes = {"pve1": {"id": 1, "online": 1, "ip": "127.0.0.26"}}
    files = {
        ".members": json.dumps({"nodename": "pve1", "version": 2, "nodelist": nodes}),
        "user.cfg": "user:root@pam:1:0::::::\ntoken:root@pam!cap:0:0::\n",
        "priv/token.cfg": f"root@pam!cap {secret}\n",
    }
    for name, text in files.items():
        (made.pve / name).parent.mkdir(parents=True, exist_ok=True)
        (made.pve / name).write_text(text)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def play(node: rig.Rig, directory: Path, *words: str, **variables: Any) -> str:
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
            "roles": [{"role": "baremetal.proxmox.pve_firewall"}],
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
        timeout=300,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    return output


def ran(output: str, task: str) -> bool:
    """Whether a task ran and was not skipped."""
    match = re.search(rf"TASK \[[\w.]*pve_firewall : {task}\] \**\n(.*?)\n", output)
    return bool(match) and "skipping" not in str(match and match[1])


def test_switched_on_and_again(node: rig.Rig, tmp_path: Path) -> None:
    output = play(node, tmp_path, "--check")
    assert not (node.pve / "firewall").exists() or not list((node.pve / "firewall").iterdir())
    assert not ran(output, "Keep the firewall on")
    output = play(node, tmp_path)
    assert "failed=0" in recap(output)
    assert ran(output, "Come back to the node through its firewall")
    assert ran(output, "Keep the firewall on")
    text = (node.pve / "firewall/cluster.fw").read_text()
    assert text.endswith(FILE)
    assert set(text.removesuffix(FILE).split("\n")) == {"[OPTIONS]", "", "enable: 1", "policy_in: REJECT"}
    host = (node.pve / "nodes/pve1/host.fw").read_text()
    assert host.endswith("[RULES]\n\nIN ACCEPT -source prober -p udp -dport 161\n\n")
    assert "tcpflags: 1\n" in host
    output = play(node, tmp_path)
    assert "changed=0" in recap(output)
    assert not ran(output, "Come back to the node through its firewall")


def test_overridden_with_the_same_changes_nothing_and_with_nothing_leaves_nothing(
    node: rig.Rig, tmp_path: Path
) -> None:
    state = {"pve_firewall_state": "overridden"}
    assert "changed=0" in recap(play(node, tmp_path, **state))
    rules = LISTS["pve_firewall_rules"][::-1][:3]
    play(node, tmp_path, **state, pve_firewall_rules=rules, pve_firewall_groups=[])
    text = (node.pve / "firewall/cluster.fw").read_text()
    assert "IN DROP -source 203.0.113.0/24 -log info\nIN Ping(ACCEPT) # from anywhere\nIN Ceph(ACCEPT)" in text
    assert "monitoring" not in text
    empty = {name: type(value)() for name, value in LISTS.items()}
    play(node, tmp_path, **state, **empty)
    assert not (node.pve / "firewall/cluster.fw").exists()
    assert not (node.pve / "nodes/pve1/host.fw").exists()

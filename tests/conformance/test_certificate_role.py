"""The role pve_certificate through Ansible and HTTPS: twice, with every secret looked for, and a proxy that really restarts."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import golden
import pytest
import rig
import selfsigned
import yaml
from test_access_role import Watch, recap

ROOT = Path(__file__).resolve().parents[2]
CANARIES = {"hmac": "canary-hmac-1", "dns": "canary-dns-2"}
LISTS: dict[str, Any] = {
    "pve_certificate_accounts": [
        {
            "name": "default",
            "contact": ["a@example.org"],
            "directory": "https://ca.example.org/eab/directory",
            "tos_url": "https://ca.example.org/terms/v1",
            "eab_kid": "kid",
            "eab_hmac_key": "{{ hmac }}",
        }
    ],
    "pve_certificate_plugins": [{"id": "cloudflare", "type": "dns", "api": "cf", "data": {"CF_Token": "{{ dns }}"}}],
    "pve_certificate_domains": [
        {"domain": "pve1.example.org", "plugin": "cloudflare"},
        {"domain": "rack.example.org"},
    ],
}
NOTHING = {"pve_certificate_accounts": [], "pve_certificate_plugins": [], "pve_certificate_domains": []}


@pytest.fixture(scope="module", params=["9.2", "8.4"])
def node(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[rig.Rig]:
    release, secret = request.param, str(uuid.uuid4())
    schema = golden.shared() / "api" / f"pve-{release}.json"
    made = rig.Rig(tmp_path_factory.mktemp("node"), schema, {"pve1": "127.0.0.27"}, f"root@pam!cap={secret}")
    version = {"version": f"{release}.1", "release": release, "repoid": "0123456789abcdef"}
    (made.root("pve1") / "usr/share/pve-standin/version.json").write_text(json.dumps(version))
    nodes = {"pve1": {"id": 1, "online": 1, "ip": "127.0.0.27"}}
    (made.pve / ".members").write_text(json.dumps({"nodename": "pve1", "version": 1, "nodelist": nodes}))
    (made.pve / "user.cfg").write_text("user:root@pam:1:0::::::\ntoken:root@pam!cap:0:0::\n")
    made.start()
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    place = tmp_path_factory.mktemp("own")
    selfsigned.make(place / "pem", place / "key", subject="/CN=pve1.example.org")
    return {"pve_certificate_pem": (place / "pem").read_text(), "pve_certificate_key": (place / "key").read_text()}


def shows(node: rig.Rig) -> str:
    """The certificate that a client sees."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((node.nodes["pve1"], node.port), 10) as plain,
        context.wrap_socket(plain) as secure,
    ):
        return ssl.DER_cert_to_PEM_cert(secure.getpeercert(binary_form=True) or b"")


def play(node: rig.Rig, directory: Path, *options: str, **variables: Any) -> tuple[str, set[str]]:
    # Proxmox takes a ticket for a password; accounts are for root@pam itself, not for a token
    ticket = node.root_ticket()["Cookie"].partition("=")[2]
    defaults = {
        "api_host": node.nodes["pve1"],
        "api_port": node.port,
        "api_user": "root@pam",
        "api_password": ticket,
        # the certificate changes under the connection
        "validate_certs": False,
    }
    book = [
        {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": shutil.which("python3")},
            "module_defaults": {"group/baremetal.proxmox.proxmox": defaults},
            "tasks": [{"include_role": {"name": "baremetal.proxmox.pve_certificate"}}],
        }
    ]
    (directory / "play.yml").write_text(yaml.safe_dump(book))
    (directory / "vars.json").write_text(json.dumps(variables))
    (directory / "vault.json").write_text(json.dumps(CANARIES))
    watch = Watch()
    watch.start()
    done = subprocess.run(
        ["ansible-playbook", "-vvvv", "--diff", *options, "play.yml", "-e", "@vars.json", "-e", "@vault.json"],
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
    watch.ended.set()
    watch.join()
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert "failed=0" in recap(output)
    return output, watch.seen


def nowhere(secrets: list[str], output: str, arguments: set[str], directory: Path) -> None:
    assert [one for one in secrets if one in output] == []
    assert [one for one in secrets if any(one in words for words in arguments)] == []
    ours = {directory / name for name in ("vault.json", "vars.json", "play.yml")}
    left = [path for path in directory.rglob("*") if path.is_file() and path not in ours]
    assert [path for path in left for one in secrets if one in path.read_text(errors="replace")] == []


def test_one_of_our_own(node: rig.Rig, own: dict[str, str], tmp_path: Path) -> None:
    output, arguments = play(node, tmp_path, "--check", **own)
    assert "changed=1" in recap(output)
    assert shows(node) != own["pve_certificate_pem"]
    output, arguments = play(node, tmp_path, **own)
    nowhere(own["pve_certificate_key"].splitlines()[1:-1], output, arguments, tmp_path)
    assert "changed=1" in recap(output)
    assert shows(node) == own["pve_certificate_pem"]
    assert (node.pve / "nodes/pve1/pveproxy-ssl.key").read_text() == own["pve_certificate_key"]
    output, _arguments = play(node, tmp_path, **own)
    assert "changed=0" in recap(output)


def test_ordered(node: rig.Rig, tmp_path: Path) -> None:
    play(node, tmp_path, "--check", **LISTS)
    output, arguments = play(node, tmp_path, **LISTS)
    nowhere(list(CANARIES.values()), output, arguments, tmp_path)
    assert "changed=4" in recap(output)
    shown = shows(node)
    assert (node.pve / "nodes/pve1/pveproxy-ssl.pem").read_text().startswith(shown)
    text = subprocess.run(
        ["openssl", "x509", "-noout", "-ext", "subjectAltName"], input=shown, capture_output=True, text=True, check=True
    ).stdout
    assert "DNS:pve1.example.org, DNS:rack.example.org" in text
    assert "acmedomain0: domain=pve1.example.org,plugin=cloudflare\n" in (node.pve / "nodes/pve1/config").read_text()
    output, _arguments = play(node, tmp_path, **LISTS)
    assert "changed=0" in recap(output)
    output, _arguments = play(node, tmp_path, **LISTS, pve_certificate_state="overridden")
    assert "changed=0" in recap(output)


def test_nothing_is_left(node: rig.Rig, tmp_path: Path) -> None:
    end = {
        **NOTHING,
        "pve_certificate_state": "overridden",
        "pve_certificate_absent": True,
        "pve_certificate_allow_remove": ["default"],
    }
    play(node, tmp_path, **end)
    assert shows(node) == (node.pve / "nodes/pve1/pve-ssl.pem").read_text()
    assert "acme" not in (node.pve / "nodes/pve1/config").read_text()
    assert "cloudflare" not in (node.pve / "priv/acme/plugins.cfg").read_text()
    assert sorted(path.name for path in (node.pve / "priv/acme").iterdir()) == ["_deactivated_default_0", "plugins.cfg"]
    output, _arguments = play(node, tmp_path, **end)
    assert "changed=0" in recap(output)

"""The role pve_access through Ansible and HTTPS: twice, and with every secret looked for in everything that is shown.

Also what lies in the controller's temporary files and in the processes' arguments while it runs.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import ssl
import stat
import subprocess
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import golden
import pytest
import rig
import yaml

ROOT = Path(__file__).resolve().parents[2]
CANARIES = {"vault_alice": "canary-alice-1", "vault_ldap": "canary-ldap-2", "vault_openid": "canary-openid-3"}
LISTS: dict[str, Any] = {
    "pve_access_realms": [
        {
            "realm": "corp",
            "type": "ldap",
            "server1": "ldap.example.org",
            "base_dn": "dc=example",
            "user_attr": "uid",
            "bind_dn": "cn=proxmox",
            "password": "{{ vault_ldap }}",
        },
        {
            "realm": "sso",
            "type": "openid",
            "issuer_url": "https://sso.example.org",
            "client_id": "pve",
            "client_key": "{{ vault_openid }}",
        },
    ],
    "pve_access_realm_sync_jobs": [{"id": "corp", "realm": "corp", "schedule": "hourly", "scope": "both"}],
    "pve_access_roles": [{"roleid": "Operator", "privs": ["VM.Audit", "VM.PowerMgmt"]}],
    "pve_access_groups": [{"groupid": "operators", "comment": "On call"}],
    "pve_access_users": [
        {"userid": "alice@pve", "groups": ["operators"], "password": "{{ vault_alice }}", "comment": "Ä: first"},
        {"userid": "terraform@pve"},
    ],
    "pve_access_pools": [{"poolid": "prod/web"}, {"poolid": "prod", "storage": ["local"]}],
    "pve_access_acls": [
        {"path": "/", "ugid": "operators", "roleid": "PVEAuditor"},
        {"path": "/pool/prod", "ugid": "operators", "roleid": "Operator", "propagate": False},
        {"path": "/", "ugid": "terraform@pve!rack1", "roleid": "PVEAdmin"},
    ],
}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rig.Rig]:
    secret = str(uuid.uuid4())
    schema = golden.shared() / "api" / "pve-9.2.json"
    made = rig.Rig(tmp_path_factory.mktemp("node"), schema, {"pve1": "127.0.0.21"}, f"root@pam!cap={secret}")
    (made.pve / "user.cfg").write_text("user:root@pam:1:0::::::\ntoken:root@pam!cap:0:0::\n")
    (made.pve / "priv" / "token.cfg").write_text(f"root@pam!cap {secret}\n")
    made.start()
    try:
        yield made
    finally:
        made.stop()


class Watch(threading.Thread):
    """Every argument of every process while it runs."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen: set[str] = set()
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(0.05):
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.seen.add(process.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
                except OSError:
                    continue


def play(node: rig.Rig, directory: Path, **variables: Any) -> tuple[int, str, set[str]]:
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
            "vars": {**LISTS, "ansible_python_interpreter": shutil.which("python3"), **variables},
            "module_defaults": {"group/baremetal.proxmox.proxmox": defaults},
            "roles": ["baremetal.proxmox.pve_access"],
        }
    ]
    (directory / "access.yml").write_text(yaml.safe_dump(book))
    (directory / "vault.json").write_text(json.dumps(CANARIES))
    watch = Watch()
    watch.start()
    done = subprocess.run(
        ["ansible-playbook", "-vvvv", "--diff", "access.yml", "-e", "@vault.json"],
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
    return done.returncode, done.stdout + done.stderr, watch.seen


def recap(output: str) -> str:
    return next(line for line in reversed(output.splitlines()) if line.startswith("localhost"))


def secrets(node: rig.Rig) -> list[str]:
    own = node.token.split("=")[1]
    rows = (node.pve / "priv" / "token.cfg").read_text().splitlines()
    return [*CANARIES.values(), *(row.split()[1] for row in rows), own]


def test_twice_and_nothing_is_shown(node: rig.Rig, tmp_path: Path) -> None:
    file = tmp_path / "secrets" / "rack1.token"
    file.parent.mkdir(mode=0o700)
    tokens = [
        {"tokenid": "terraform@pve!rack1", "comment": "Terraform", "secret_file": str(file)},
        {"tokenid": "terraform@pve!shown"},
    ]
    code, output, arguments = play(node, tmp_path, pve_access_tokens=tokens)
    assert code == 0, output
    assert "failed=0" in recap(output)
    assert [one for one in secrets(node) if one in output] == []
    assert [one for one in secrets(node) if any(one in words for words in arguments)] == []
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().strip() in secrets(node)
    ours = (file, tmp_path / "vault.json", tmp_path / "access.yml")
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path not in ours]
    found = {path.name: one for path in left for one in secrets(node) if one in path.read_text(errors="replace")}
    assert found == {}

    code, output, _arguments = play(node, tmp_path, pve_access_tokens=tokens)
    assert code == 0, output
    assert "changed=0" in recap(output)

    # nothing of it is somebody else's
    code, output, _arguments = play(node, tmp_path, pve_access_tokens=tokens, pve_access_state="overridden")
    assert code == 0, output
    assert "changed=0" in recap(output)


def test_what_it_leaves_behind(node: rig.Rig) -> None:
    text = (node.pve / "user.cfg").read_text()
    assert "group:operators:alice@pve:On call:\n" in text
    assert "token:terraform@pve!rack1:0:1:Terraform:\n" in text
    assert "pool:prod:::local:\n" in text
    assert "acl:0:/pool/prod:@operators:Operator:\n" in text
    assert (node.pve / "priv/realm/corp.pw").read_text() == CANARIES["vault_ldap"]


def test_empty_lists_leave_who_asks(node: rig.Rig, tmp_path: Path) -> None:
    empty: dict[str, Any] = {name: [] for name in (*LISTS, "pve_access_tokens")}
    code, output, _arguments = play(node, tmp_path, **empty, pve_access_state="overridden")
    assert code == 0, output
    text = (node.pve / "user.cfg").read_text()
    assert text.strip() == "user:root@pam:1:0::::::\ntoken:root@pam!cap:0:0::"
    assert node.call("GET", "/version")[0] == 200

"""Secrets on machines: a node and a backup server, from bare Debian, with a secret in every variable that can have one.

tests/exposure.py watches each run; the processes of the machines are among those that it sees, because they are containers.
Afterwards both machines are searched, all of their files and their journals.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import canaries
import exposure
import pytest
import selfsigned
from canaries import CALLS, canary
from rack.rack import Rack
from rack.spec import load_spec
from site_under_test import ROOT, Site, site

SPEC = ROOT / "tests/rack/specs/backup.yml"
# which variable brings which module what it takes; the others are modules of a node, or what only the authority could answer
VARIABLES = {
    "realm": "pve_access_realms",
    "user": "pve_access_users",
    "datacenter_options": "pve_datacenter_options",
    "metric_server": "pve_datacenter_metric_servers",
    "notification_target": "pve_datacenter_notification_targets",
    "storage": "pve_storage_config",
    "acme_plugin": "pve_certificate_plugins",
    "acme_account": "pve_certificate_accounts",
    "pbs_user": "pbs_server_users",
    "pbs_remote": "pbs_server_remotes",
    "pbs_s3_endpoint": "pbs_server_s3_endpoints",
}
OTHERWISE = {
    "subscription": "pve_host_subscription_key",
    "certificate": "pve_certificate_key, with a real one",
    "storage_ceph_conf": "test_modules_of_a_node",
    "ceph_config": "test_modules_of_a_node",
    "cluster": "test_modules_of_a_node and test_a_join",
}
KEEP = {
    "pve1": {
        "/etc/pve/": "what Proxmox itself keeps: priv/, domains.cfg, user.cfg, datacenter.cfg, status.cfg, the key of the node",
        "/var/lib/pve-cluster/config.db": "all of /etc/pve",
        "/etc/subscription": "the key is what is registered",
        "/etc/apt/auth.conf.d/pve.conf": "the enterprise repository is read with it",
        "/root/terraform.token": "the inventory says so",
    },
    "pbs1": {
        "/etc/proxmox-backup/": "remote.cfg and s3.cfg",
    },
}
# /etc/pve holds no more than it has to
KEEP_OF_PMXCFS = (
    "priv/",
    "domains.cfg",
    "user.cfg",
    "datacenter.cfg",
    "status.cfg",
    "nodes/pve1/pveproxy-ssl.key",
    "local/pveproxy-ssl.key",
)
# files of a machine with a text in them; the kernel's own are none
SEARCH = r"""
import os, re, subprocess, sys
form = re.compile("|".join(sys.stdin.read().split("\n")).encode())
skip = {"/proc", "/sys", "/dev"}
for top, folders, files in os.walk("/", onerror=print):
    folders[:] = [name for name in folders if os.path.join(top, name) not in skip and not os.path.islink(os.path.join(top, name))]
    for name in files:
        path = os.path.join(top, name)
        if os.path.islink(path) or not os.path.isfile(path):
            continue
        with open(path, "rb") as file:
            if form.search(file.read()):
                print("FOUND " + path)
journal = subprocess.run(["journalctl", "--all", "-o", "short"], capture_output=True, check=True).stdout
assert journal
for line in journal.splitlines():
    if form.search(line):
        print("FOUND journal: " + line.decode(errors="replace")[:200])
"""


class Secrets(Site):
    """C(directory): what runs of Ansible leave on this machine."""

    def __init__(self, rack: Rack, directory: Path) -> None:
        super().__init__(rack)
        self.directory = directory
        pem, key = directory / "node.pem", directory / "node.key"
        selfsigned.make(pem, key, subject="/CN=pve1")
        self.key = key.read_text().splitlines()[10]
        self.variables = {
            **{VARIABLES[call.module]: call.config for call in CALLS if call.module in VARIABLES and not call.refused},
            "pve_host_subscription_key": next(call for call in CALLS if call.module == "subscription").extra["key"],
            "pve_certificate_pem": pem.read_text(),
            "pve_certificate_key": key.read_text(),
        }
        # what else the inventory of the rack names
        for variable, more in (
            ("pve_access_users", {"userid": "terraform@pve"}),
            (
                "pve_datacenter_notification_targets",
                {"name": "operators", "type": "sendmail", "mailto": ["a@b.example"]},
            ),
        ):
            self.variables[variable] = [*self.variables[variable], more]
        key.unlink()

    def run_ansible(self, *arguments: str, **changed: Any) -> exposure.Run:
        (self.directory / "vault.json").write_text(json.dumps(_plain({**self.variables, **changed})))
        vault = f"@{self.directory / 'vault.json'}"
        done = exposure.run(
            self.directory,
            ["-i", "inventories/rack", *arguments, "-e", vault],
            cwd=ROOT,
            keep=["vault.json"],
            environment={"RACK_NAME": self.rack.name},
            timeout=1200,
        )
        assert self.key not in done.output
        return done

    def search(self, node: str, texts: list[str]) -> list[str]:
        forms = [re.escape(text) for text in [*(form.decode() for form in canaries.FORMS), *texts]]
        done = self.rack.exec(
            node, ["python3", "-c", SEARCH], input="\n".join(forms), capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, done.stderr
        return [line.removeprefix("FOUND ") for line in done.stdout.splitlines() if line.startswith("FOUND ")]

    def made(self) -> list[str]:
        """The secrets that only this rack has."""
        rows = self.run("pve1", ["sh", "-c", "cut -d' ' -f2 /etc/pve/priv/token.cfg; cat /etc/pve/priv/storage/pbs.pw"])
        key = json.loads((self.rack.directory / "backup.key").read_text())["data"]
        return [self.key, key, *rows.split()]


def _plain(value: Any) -> Any:
    """The same, of which nothing is a template."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return f"{{% raw %}}{value}{{% endraw %}}" if isinstance(value, str) and "{{" in value else value


@pytest.fixture(name="made", scope="module")
def fixture_made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secrets]:
    name = os.environ.get("RACK_NAME_OF_SECRETS", "secrets")
    if name in Rack.names():
        Rack(name).down()
    with Rack.running(load_spec(SPEC, name, os.environ.get("RACK_RELEASE", "trixie"))) as rack:
        yield Secrets(rack, tmp_path_factory.mktemp("controller"))


def test_every_module_with_secrets_has_its_place_here() -> None:
    assert {call.module for call in CALLS} == VARIABLES.keys() | OTHERWISE.keys()


def test_check_mode_on_bare_machines(made: Secrets) -> None:
    run = made.run_ansible("playbooks/site.yml", "--check")
    assert run.code == 0, run.output
    for node in made.nodes:
        assert made.search(node, []) == []


def test_from_bare_machines(made: Secrets) -> None:
    made.run("pve1", ["systemd-run", "--unit=otel", "python3", "-c", canaries.OTEL_SERVER])
    run = made.run_ansible("playbooks/site.yml")
    assert run.code == 0, run.output
    secrets = made.made()
    assert [one for one in secrets if one in run.output or one in json.dumps(run.results)] == []
    again = made.run_ansible("playbooks/site.yml", "--check")
    assert again.code == 0, again.output
    assert [one for one in secrets if one in again.output] == []


def test_modules_of_a_node(made: Secrets) -> None:
    """Those that no role of this rack calls: one writes its file, the others find neither Ceph nor another node."""
    calls = [call for call in CALLS if call.where == "node"]
    tasks = [
        {
            "block": [
                {
                    f"baremetal.proxmox.{call.module}": {
                        name: f"{{{{ given[{number}].{name} }}}}" for name in call.arguments
                    }
                }
            ],
            "rescue": [{"ansible.builtin.debug": {"var": "ansible_failed_result"}}],
        }
        for number, call in enumerate(calls)
    ]
    (made.directory / "node.yml").write_text(json.dumps([{"hosts": "pve1", "gather_facts": False, "tasks": tasks}]))
    run = made.run_ansible(str(made.directory / "node.yml"), given=[call.arguments for call in calls])
    assert run.code == 0, run.output
    assert made.run("pve1", ["cat", "/etc/pve/priv/ceph/away.conf"])


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("site.yml", {"pve_storage_config": [{"storage": "smb", "type": "cifs", "password": canary("one"), "share": 1.5}]}),
    ("site.yml", {"pve_access_users": [{"userid": "alice@pve", "passwort": canary("two")}]}),
    ("site.yml", {"pve_datacenter_notification_targets": canary("three")}),
    ("site.yml", {"pbs_server_remotes": [{"name": "away", "password": [canary("four")]}]}),
    # what only the machine can tell
    ("access.yml", {"pve_access_users": [{"userid": "carol@nowhere", "password": canary("five"), "groups": ["none"]}]}),
    ("storage.yml", {"pve_storage_config": [{"storage": "b!d", "type": "cifs", "password": canary("six")}]}),
    ("datacenter.yml", {"pve_datacenter_metric_servers": [{"id": "x1", "token": canary("seven"), "port": "many"}]}),
    ("certificate.yml", {"pve_certificate_key": canary("eight")}),
    ("backup_server.yml", {"pbs_server_users": [{"userid": "x@pbs", "password": canary("nine"), "expire": "soon"}]}),
]


@pytest.mark.parametrize("playbook, changed", WRONG, ids=[f"{playbook} {next(iter(some))}" for playbook, some in WRONG])
def test_a_value_that_is_wrong(made: Secrets, playbook: str, changed: dict[str, Any]) -> None:
    run = made.run_ansible(f"playbooks/{playbook}", **changed)
    assert run.code != 0, run.output


def test_files_of_both_machines(made: Secrets) -> None:
    """After everything above. A file that has to hold a secret has a reason in KEEP."""
    secrets = made.made()
    for node in made.nodes:
        kept = KEEP[node]
        found = made.search(node, secrets)
        assert [path for path in found if not path.startswith(tuple(kept))] == [], node
        names = [path.removeprefix("/etc/pve/") for path in found if path.startswith("/etc/pve/")]
        assert [name for name in names if not name.startswith(KEEP_OF_PMXCFS)] == []
        # not in vain
        assert any(path.startswith("/etc/p") for path in found), node


def test_a_join(tmp_path: Path) -> None:
    """Root's password, the ticket that takes its place, and corosync's key."""
    with site("secrets-join", nodes=2) as fresh:
        password = (fresh.rack.directory / "password").read_text().strip()
        (tmp_path / "vault.json").write_text(json.dumps({"pve_cluster_root_password": password}))
        arguments = ["-i", "inventories/rack", "-e", f"@{tmp_path / 'vault.json'}"]
        environment = {"RACK_NAME": fresh.rack.name}
        outputs = []
        for words in (["host.yml"], ["cluster.yml", "-e", "pve_cluster_join=password"]):
            run = exposure.run(
                tmp_path,
                [f"playbooks/{words[0]}", *words[1:], *arguments],
                cwd=ROOT,
                keep=["vault.json"],
                environment=environment,
                timeout=1200,
            )
            assert run.code == 0, run.output
            outputs.append(run.output + json.dumps(run.results))
        encoded = fresh.run("pve1", ["base64", "-w0", "/etc/corosync/authkey"])
        secrets = [password, encoded, base64.b64decode(encoded)[:16].hex()]
        assert [one for one in secrets if any(one in output for output in outputs)] == []
        left = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "vault.json"]
        assert [path for path in left if any(one.encode() in path.read_bytes() for one in secrets)] == []

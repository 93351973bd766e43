"""Secrets through Ansible and HTTPS: in check mode, in earnest, again, and in many ways in vain.

Whatever comes of it (output at -vvvv, diffs, what a task returns to a callback, facts in the cache, the log, temporary files)
and whatever runs meanwhile (arguments and environment of all processes) must hold none of the secrets of tests/canaries.py;
nor do the files of the two servers, but for those that have to.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import canaries
import exposure
import golden
import pytest
import rig
import yaml
from canaries import CALLS, Call, canary, with_option

ROOT = Path(__file__).resolve().parents[2]
PVE, PBS = "127.0.0.23", "127.0.0.24"
PASSWORD, TOKEN = canary("login"), canary("token", "")
HOLD_THEM = {
    "pve/priv/realm/corp.pw": "the realm is read with it (PVE/Auth/LDAP.pm)",
    "pve/priv/realm/adcorp.pw": "the realm is read with it",
    "pve/priv/metricserver/influx.pw": "sent to the server (PVE/Status/InfluxDB.pm)",
    "pve/priv/notifications.cfg": "sent to the targets (proxmox-notify)",
    "pve/priv/storage/smb.pw": "the share is mounted with it",
    "pve/priv/storage/vault.pw": "the backup server is asked with it",
    "pve/priv/storage/vault.enc": "backups are encrypted with it",
    "pve/priv/storage/vault.master.pem": "the key is encrypted with it",
    "pve/priv/acme/plugins.cfg": "the DNS API is asked with it (PVE/API2/ACMEPlugin.pm)",
    "pve/priv/ceph/away.keyring": "the pool is opened with it",
    "pve/priv/ceph/files.secret": "the file system is mounted with it",
    "pve/domains.cfg": "client-key and tfa are settings of the realm (PVE/Auth/OpenId.pm)",
    "pve/user.cfg": "keys is a setting of the user",
    "pve/datacenter.cfg": "http_proxy is a setting of the datacenter",
    "pve/status.cfg": "otel-headers is a setting of the server",
    "pve1/etc/subscription": "the key is what is registered",
    "pve1/etc/apt/auth.conf.d/pve.conf": "the enterprise repository is read with it (PVE/API2/Subscription.pm)",
    "pbs1/etc/proxmox-backup/remote.cfg": "the remote is asked with it, in base64",
    "pbs1/etc/proxmox-backup/s3.cfg": "the endpoint is asked with it",
}


class Servers:
    """A node and a backup server. `base` has the files of both."""

    def __init__(self, base: Path) -> None:
        self.base = base
        shared = golden.shared()
        secret = str(uuid.uuid4())
        self.pve = rig.Rig(base, shared / "api" / "pve-9.2.json", {"pve1": PVE}, f"root@pam!cap={secret}")
        (self.pve.pve / "user.cfg").write_text(
            "user:root@pam:1:0::::::\ntoken:root@pam!cap:0:0::\n"
            "user:login@pve:1:0::::::\nacl:1:/:login@pve:Administrator:\n"
        )
        (self.pve.pve / "priv" / "token.cfg").write_text(f"root@pam!cap {secret}\n")
        self._make_backup_server(shared / "api" / "pbs-4.json")

    def _make_backup_server(self, schema: Path) -> None:
        root = self.base / "pbs1"
        place = root / "usr/share/pbs-standin"
        place.mkdir(parents=True)
        (place / "version.json").write_text(
            json.dumps({"version": "4.1", "release": "1", "repoid": "0123456789abcdef"})
        )
        with socket.socket() as probe:
            probe.bind((PBS, 0))
            self.backup_port = probe.getsockname()[1]
        self._environment = {
            **os.environ,
            "PVE_STANDIN_ROOT": str(root),
            "PVE_STANDIN_NODE": "pbs1",
            "PVE_STANDIN_LISTEN": PBS,
            "PVE_STANDIN_UNAUTHORIZED_DELAY": "0",
            "PBS_STANDIN_PORT": str(self.backup_port),
            "PBS_STANDIN_KEY_BITS": "2048",
            "PBS_STANDIN_SCHEMA": str(schema),
            "PYTHONPATH": str(rig.STANDIN),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def start(self) -> None:
        self._otel = subprocess.Popen([sys.executable, "-c", canaries.OTEL_SERVER])
        self.pve.start()
        code = "from pbsstandin import server; server.serve()"
        log = self.base / "pbs1.log"
        with log.open("wb") as file:
            self._backup = subprocess.Popen(
                [sys.executable, "-c", code], env=self._environment, stdout=file, stderr=file
            )
        certificate = self.base / "pbs1/etc/proxmox-backup/proxy.pem"
        deadline = time.monotonic() + 30
        while not (_answers(PBS, self.backup_port) and _answers(*canaries.OTEL)):
            assert self._backup.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        self.backup_fingerprint = _fingerprint(certificate)
        self.backup_token = self._make_token()
        given = {"userid": "login@pve", "password": PASSWORD}
        status, _reason, body = self.pve.call("PUT", "/access/password", given, headers=self.pve.root_ticket())
        assert status == 200, body

    def _make_token(self) -> str:
        code = (
            "from pbsstandin import dispatch, table\n"
            "table.load()\n"
            "def call(path, method, given={}):\n"
            "    answer = dispatch.answer(method, path, lambda: 'root@pam', lambda: (given, True))[0]\n"
            "    assert answer.status == 200, answer\n"
            "    return answer.data\n"
            "made = call('/access/users/root@pam/token/cap', 'POST')\n"
            "call('/access/acl', 'PUT', {'path': '/', 'role': 'Admin', 'auth-id': 'root@pam!cap'})\n"
            "print(made['value'])\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], env=self._environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def stop(self) -> None:
        for process in (self._backup, self._otel):
            process.terminate()
            process.wait(timeout=20)
        self.pve.stop()

    def connections(self) -> dict[str, dict[str, Any]]:
        token, secret = self.pve.token.split("=")
        return {
            "pve": {
                "api_host": PVE,
                "api_timeout": 5,
                "api_port": self.pve.port,
                "api_token_id": token,
                "api_token_secret": secret,
                "api_fingerprint": _fingerprint(self.pve.pve / "local" / "pve-ssl.pem"),
            },
            "pbs": {
                "api_host": PBS,
                "api_timeout": 5,
                "api_port": self.backup_port,
                "api_token_id": "root@pam!cap",
                "api_token_secret": self.backup_token,
                "api_fingerprint": self.backup_fingerprint,
            },
            "node": {},
        }

    def fail(self, *rules: Mapping[str, Any]) -> None:
        """Both answer so from now on."""
        for node in ("pve1", "pbs1"):
            file = self.base / node / "run/pve-standin/faults.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(rules))

    def holding(self) -> dict[str, list[str]]:
        return exposure.holding(self.base)


def _answers(address: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((address, port)) == 0


def _fingerprint(file: Path) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read_text())).hexdigest()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    made = Servers(tmp_path_factory.mktemp("servers"))
    made.start()
    try:
        yield made
    finally:
        made.stop()


class Player:
    """Runs tasks, and tells where the secrets of them have got to."""

    def __init__(self, servers: Servers, directory: Path) -> None:
        self.servers = servers
        self.directory = directory
        self.connections = servers.connections()

    def with_password(self) -> dict[str, Any]:
        kept = {name: value for name, value in self.connections["pve"].items() if not name.startswith("api_token")}
        return {**kept, "api_user": "login@pve", "api_password": "{{ password }}"}

    def play(
        self, calls: Sequence[tuple[Call, Mapping[str, Any]]], *options: str, rescue: bool = False
    ) -> list[dict[str, Any]]:
        """The results of the calls, each with its arguments. C(rescue): each may fail."""
        secrets = [arguments for _call, arguments in calls]
        results = f"{{{{ [{', '.join(f'result{number}' for number in range(len(calls)))}] }}}}"
        book = {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "vars_files": ["vault.yml"],
            "vars": {"ansible_python_interpreter": shutil.which("python3")},
            "tasks": [
                task
                for number, (call, arguments) in enumerate(calls)
                for task in self._tasks(call, number, arguments, rescue=rescue)
            ]
            + [{"name": "Show and keep", "ansible.builtin.set_fact": {"results": results, "cacheable": True}}],
        }
        (self.directory / "play.yml").write_text(yaml.safe_dump([book]))
        (self.directory / "vault.yml").write_text(json.dumps({"given": _plain(secrets), "password": PASSWORD}))
        done = exposure.run(
            self.directory,
            ["play.yml", *options],
            keep=["vault.yml"],
            environment={"ANSIBLE_REMOTE_TEMP": str(self.directory / "remote")},
        )
        assert done.code == 0, done.output
        return done.results

    def _tasks(self, call: Call, number: int, arguments: Mapping[str, Any], *, rescue: bool) -> list[dict[str, Any]]:
        given = {name: f"{{{{ given[{number}].{name} }}}}" for name in arguments}
        name = f"baremetal.proxmox.{call.module}"
        connection = {one: value for one, value in self.connections[call.where].items() if one not in given}
        task = {"name": f"{number} {call.module}", name: {**connection, **given}, "register": f"result{number}"}
        if not rescue:
            return [task]
        error = {"name": "Show the error", "ansible.builtin.debug": {"var": "ansible_failed_result"}}
        return [{"name": "In vain", "block": [task], "rescue": [error]}]


def _plain(value: Any) -> Any:
    """The same, of which nothing is a template."""
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return f"{{% raw %}}{value}{{% endraw %}}" if isinstance(value, str) and "{{" in value else value


@pytest.fixture
def player(servers: Servers, tmp_path: Path) -> Iterator[Player]:
    servers.fail()
    yield Player(servers, tmp_path)
    servers.fail()


def usual() -> list[tuple[Call, dict[str, Any]]]:
    return [(call, call.arguments) for call in CALLS if call.where != "node" and not call.refused]


def changed(results: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Of the modules, in their order."""
    return [result["changed"] for result in results if "invocation" in result]


def test_the_watch_sees_what_it_looks_for() -> None:
    watch = exposure.Watch()
    watch.start()
    with subprocess.Popen(["sleep", "60"], env={**os.environ, "DECOY": canary("decoy")}) as process:
        deadline = time.monotonic() + 20
        while not watch.found and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
    watch.close()
    assert watch.found == {"canaryZdecoyZ in environ"}


def test_refusals_and_lost_answers(player: Player, servers: Servers) -> None:
    before = servers.holding()
    server_error = {"action": "status", "status": 500, "message": "no, for a reason"}
    some = [(call, given) for call, given in usual() if call.module in ("storage", "pbs_user")]
    for rule, calls in (
        (server_error, usual()),
        ({"action": "status", "status": 401, "message": "who?"}, some),
        ({"action": "drop"}, some),
    ):
        servers.fail({"match": "(POST|PUT) ", **rule})
        results = player.play(calls, rescue=True)
        assert len([one for one in results if one["failed"]]) == len(calls)
    assert servers.holding() == before


def test_what_cannot_be_done(player: Player) -> None:
    """Also where there is neither node nor backup server: on the controller."""
    refused = [(call, call.arguments) for call in CALLS if call.refused]
    results = player.play(refused, rescue=True)
    assert len([one for one in results if one["failed"]]) == len(refused)
    on_nodes = [(call, call.arguments) for call in CALLS if call.where == "node"]
    results = player.play(on_nodes, "--check", rescue=True)
    assert len([one for one in results if "invocation" in one]) == len(on_nodes)


def test_logins(player: Player, servers: Servers) -> None:
    read, alone = Call("realm"), {"state": "gathered", "api_timeout": 2}
    player.connections["pve"] = player.with_password()
    player.play([(read, alone)])
    good = {**alone, "api_user": "login@pve", "api_password": PASSWORD}
    bad = [
        {**good, "api_password": canary("wrong")},
        {**good, "api_port": 1},
        {**alone, "api_user": "", "api_password": "", "api_token_id": "root@pam!cap", "api_token_secret": TOKEN},
        {**alone, "api_user": "", "api_password": "", "api_token_id": "no token", "api_token_secret": TOKEN},
        {**good, "api_fingerprint": "00" * 32},
        {**good, "api_fingerprint": "what"},
        {**good, "api_token_id": "a@pve!b", "api_token_secret": TOKEN},
    ]
    results = player.play([(read, one) for one in bad], rescue=True)
    assert len([one for one in results if one["failed"]]) == len(bad)


def test_in_check_mode_in_earnest_and_again(player: Player, servers: Servers) -> None:
    before = servers.holding()
    assert changed(player.play(usual(), "--check")) == [True] * len(usual())
    assert servers.holding() == before

    assert changed(player.play(usual())) == [True] * len(usual())
    held = servers.holding()
    assert held.keys() - HOLD_THEM.keys() == set(), held
    assert HOLD_THEM.keys() - held.keys() == set(), "they hold nothing any more"

    player.connections["pve"] = player.with_password()
    again = [
        (call, with_option(given, "update_password", "always") if _may(call) else given) for call, given in usual()
    ]
    assert changed(player.play(again)) == [_may(call) for call, _given in again]
    assert servers.holding().keys() == held.keys()


def _may(call: Call) -> bool:
    return any(
        name == "config.update_password" for name, _option in canaries.options(canaries.argument_spec(call.module))
    )

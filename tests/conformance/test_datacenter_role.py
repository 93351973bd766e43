"""The roles pve_datacenter and pve_ha through Ansible and HTTPS: twice, and with every secret looked for.

Of pve_ha only what concerns the cluster: the rest would choose this machine's watchdog.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import golden
import pytest
import rig
import yaml
from test_access_role import Watch, recap

ROOT = Path(__file__).resolve().parents[2]
CANARIES = {
    name: f"canary-{name}-{number}" for number, name in enumerate(("proxy", "influx", "otel", "smtp", "gotify", "hook"))
}
GUESTS = {"100": ("pve1", "qemu"), "101": ("pve2", "qemu")}
# Proxmox tries a server of OpenTelemetry even where it is switched off
LISTENING = socket.create_server(("127.0.0.1", 0))
LISTS: dict[str, Any] = {
    "pve_datacenter_options": {
        "migration": {"type": "secure", "network": "10.10.20.0/24"},
        "http_proxy": "http://u:{{ proxy }}@proxy.example.org:3128",
        "description": "Rack 4\nRow 2",
    },
    "pve_ha_shutdown_policy": "migrate",
    "pve_datacenter_node_options": {"description": "Unit 12", "startall_onboot_delay": 30},
    # of another role, and in the options of the node
    "pve_certificate_domains": [{"domain": "pve1.example.org"}],
    "pve_datacenter_metric_servers": [
        {
            "id": "influx",
            "type": "influxdb",
            "server": "192.0.2.1",
            "port": 1,
            "token": "{{ influx }}",
            "disable": True,
        },
        {
            "id": "otel",
            "type": "opentelemetry",
            "server": "127.0.0.1",
            "port": LISTENING.getsockname()[1],
            "disable": True,
            "otel_headers": {"Authorization": "Bearer {{ otel }}"},
        },
    ],
    "pve_datacenter_notification_targets": [
        {
            "name": "mail",
            "type": "smtp",
            "server": "smtp.example.org",
            "from_address": "a@example.org",
            "mailto": ["b@example.org"],
            "username": "pve",
            "password": "{{ smtp }}",
        },
        {"name": "phone", "type": "gotify", "server": "https://gotify.example.org", "token": "{{ gotify }}"},
        {
            "name": "chat",
            "type": "webhook",
            "url": "{% raw %}https://chat.example.org/{{ secrets.token }}{% endraw %}",
            "method": "post",
            "body": '{% raw %}{"content": "{{ title }}"}{% endraw %}',
            "secret": {"token": "{{ hook }}"},
        },
    ],
    "pve_datacenter_notification_matchers": [
        {"name": "trouble", "match_severity": ["error,warning"], "target": ["chat", "phone"]}
    ],
    "pve_backup_jobs": [
        {"id": "nightly", "all": True, "storage": "local", "prune_backups": {"keep_daily": 7}},
        {"id": "weekly", "vmid": [100], "storage": "local", "schedule": "sun"},
    ],
    "pve_backup_window": {"start": "01:00", "end": "05:00"},
    "pve_datacenter_replication_jobs": [{"id": "100-0", "type": "local", "target": "pve2"}],
    "pve_ha_guests": [{"sid": "vm:100", "max_restart": 2}, {"sid": "vm:101", "state": "stopped"}],
}
PLACES = {
    "9.2": [
        {"name": "apart", "how": "apart", "guests": ["vm:100", "vm:101"]},
        {"name": "fast", "how": "pin", "guests": ["vm:100"], "nodes": ["pve1"]},
    ],
    "8.4": [{"name": "fast", "how": "prefer", "guests": ["vm:100"], "nodes": ["pve1:2", "pve2"]}],
}


def set_release(node: rig.Rig, release: str) -> None:
    version = {"version": f"{release}.1", "release": release, "repoid": "0123456789abcdef"}
    files = node.root("pve1") / "usr/share/pve-standin"
    (files / "version.json").write_text(json.dumps(version))
    shutil.copy(golden.shared() / "api" / f"pve-{release}.json", files / "schema.json")


def make(directory: Path, release: str) -> rig.Rig:
    """A node with two guests, of a cluster of two."""
    secret = str(uuid.uuid4())
    schema = golden.shared() / "api" / f"pve-{release}.json"
    made = rig.Rig(directory, schema, {"pve1": "127.0.0.22"}, f"root@pam!cap={secret}")
    set_release(made, release)
    nodes = {name: {"id": number, "online": int(name == "pve1")} for number, name in enumerate(("pve1", "pve2"), 1)}
    nodes["pve1"]["ip"] = "127.0.0.22"  # type: ignore[assignment]
    cluster = {"name": "rack", "version": 2, "nodes": 2, "quorate": 1}
    files = {
        ".members": json.dumps({"nodename": "pve1", "version": 2, "cluster": cluster, "nodelist": nodes}),
        ".vmlist": json.dumps(
            {
                "version": 1,
                "ids": {vmid: {"node": on, "type": kind, "version": 1} for vmid, (on, kind) in GUESTS.items()},
            }
        ),
        "nodes/pve1/qemu-server/100.conf": "scsi0: tank:vm-100-disk-0,size=1G\n",
        "storage.cfg": "dir: local\n\tpath /var/lib/vz\n\tcontent backup\n\nzfspool: tank\n\tpool tank\n\n",
        "ha/manager_status": json.dumps({"node_status": {"pve1": "online", "pve2": "online"}}),
        "user.cfg": "user:root@pam:1:0::::::\ntoken:root@pam!cap:0:0::\n",
        "priv/token.cfg": f"root@pam!cap {secret}\n",
    }
    for name, text in files.items():
        (made.pve / name).parent.mkdir(parents=True, exist_ok=True)
        (made.pve / name).write_text(text)
    return made


@pytest.fixture(scope="module", params=PLACES)
def node(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[rig.Rig, str]]:
    made = make(tmp_path_factory.mktemp("node"), request.param)
    made.start()
    try:
        yield made, request.param
    finally:
        made.stop()


_HA = {"include_role": {"name": "baremetal.proxmox.pve_ha", "tasks_from": "converge"}}
_ALL = [*({"include_role": {"name": f"baremetal.proxmox.{one}"}} for one in ("pve_datacenter", "pve_backup")), _HA]


def play(
    node: rig.Rig,
    release: str,
    directory: Path,
    *,
    tasks: Sequence[dict[str, Any]] = _ALL,
    options: Sequence[str] = (),
    **variables: Any,
) -> tuple[str, set[str]]:
    certificate = ssl.PEM_cert_to_DER_cert((node.pve / "local" / "pve-ssl.pem").read_text())
    token, secret = node.token.split("=")
    defaults = {
        "api_host": node.nodes["pve1"],
        "api_port": node.port,
        "api_token_id": token,
        "api_token_secret": secret,
        "api_fingerprint": hashlib.sha256(certificate).hexdigest(),
    }
    lists = {**LISTS, "pve_ha_placement": PLACES[release], "__pve_ha_release": release}
    if release == "8.4":
        known = [one for one in LISTS["pve_datacenter_metric_servers"] if one["type"] != "opentelemetry"]
        lists["pve_datacenter_metric_servers"] = known
    book = [
        {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": shutil.which("python3")},
            "module_defaults": {"group/baremetal.proxmox.proxmox": defaults},
            "tasks": list(tasks),
        }
    ]
    (directory / "play.yml").write_text(yaml.safe_dump(book))
    (directory / "vars.json").write_text(json.dumps({**lists, **variables}))
    (directory / "vault.json").write_text(json.dumps(CANARIES))
    watch = Watch()
    watch.start()
    done = subprocess.run(
        ["ansible-playbook", "-vvvv", "--diff", "play.yml", "-e", "@vars.json", "-e", "@vault.json", *options],
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
    return output, watch.seen


def test_twice_and_nothing_is_shown(node: tuple[rig.Rig, str], tmp_path: Path) -> None:
    made, release = node
    output, arguments = play(made, release, tmp_path)
    assert "failed=0" in recap(output)
    assert [one for one in CANARIES.values() if one in output] == []
    assert [one for one in CANARIES.values() if any(one in words for words in arguments)] == []
    ours = {tmp_path / name for name in ("vault.json", "vars.json", "play.yml")}
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path not in ours]
    assert [path for path in left for one in CANARIES.values() if one in path.read_text(errors="replace")] == []
    # not in vain: they are where they belong
    kept = "".join(path.read_text() for path in (made.pve / "priv").rglob("*") if path.is_file())
    assert CANARIES["smtp"] in kept
    assert CANARIES["influx"] in kept
    assert CANARIES["gotify"] in kept

    output, _arguments = play(made, release, tmp_path)
    assert "changed=0" in recap(output)


def test_what_it_leaves_behind(node: tuple[rig.Rig, str]) -> None:
    made, release = node
    text = (made.pve / "datacenter.cfg").read_text()
    assert "ha: shutdown_policy=migrate\n" in text
    assert "migration: network=10.10.20.0/24,type=secure\n" in text
    assert "acmedomain0: domain=pve1.example.org\n" in (made.pve / "nodes/pve1/config").read_text()
    jobs = (made.pve / "jobs.cfg").read_text()
    assert "schedule 01:00\n" in jobs
    assert "schedule sun 03:00\n" in jobs
    resources = (made.pve / "ha/resources.cfg").read_text()
    if release == "8.4":
        assert "\tgroup fast\n" in resources
        assert "group: fast\n\tnodes pve1:2,pve2\n" in (made.pve / "ha/groups.cfg").read_text()
        assert not (made.pve / "ha/rules.cfg").exists()
    else:
        rules = (made.pve / "ha/rules.cfg").read_text()
        assert "resource-affinity: apart\n\taffinity negative\n\tresources vm:100,vm:101\n" in rules
        assert "\tstrict 1\n" in rules


def test_overridden_with_the_same_changes_nothing_and_with_nothing_leaves_nothing(
    node: tuple[rig.Rig, str], tmp_path: Path
) -> None:
    made, release = node
    states = {"pve_datacenter_state": "overridden", "pve_backup_jobs_state": "overridden", "pve_ha_state": "overridden"}
    output, _arguments = play(made, release, tmp_path, **states)
    assert "changed=0" in recap(output)
    empty: dict[str, Any] = {
        name: [] for name, value in LISTS.items() if not isinstance(value, dict) and name != "pve_ha_shutdown_policy"
    }
    play(made, release, tmp_path, **states, **empty, pve_ha_placement=[])
    for name in ("jobs.cfg", "status.cfg", "ha/resources.cfg", "ha/rules.cfg", "ha/groups.cfg"):
        file = made.pve / name
        assert not file.exists() or file.read_text().strip() == ""
    assert "chat" not in (made.pve / "notifications.cfg").read_text()
    output, _arguments = play(made, release, tmp_path, **states, **empty, pve_ha_placement=[])
    assert "changed=0" in recap(output)


def _become_rules(node: rig.Rig) -> None:
    """What the HA manager does after the last node's upgrade (migrate_groups_to_rules in PVE/HA/Groups.pm)."""
    (node.pve / "ha/groups.cfg").unlink()
    resources = node.pve / "ha/resources.cfg"
    resources.write_text("".join(line for line in resources.read_text().splitlines(True) if "\tgroup " not in line))
    (node.pve / "ha/rules.cfg").write_text(
        "node-affinity: ha-group-fast\n\tcomment Generated from HA group 'fast'.\n\tnodes pve1:2,pve2\n"
        "\tresources vm:100\n\tstrict 0\n\n"
    )


def test_a_cluster_that_is_upgraded(tmp_path: Path) -> None:
    """The same inventory before, in the midst of it and afterwards: groups become rules, and the plan says so."""
    made = make(tmp_path / "node", "8.4")
    directory = tmp_path / "run"
    directory.mkdir()

    def run(release: str, *options: str, **variables: Any) -> str:
        places = {"pve_ha_placement": PLACES["8.4"], **variables}
        return play(made, release, directory, tasks=[_HA], options=options, **places)[0]

    made.start()
    try:
        assert "changed=2" in recap(run("8.4"))
        assert "changed=0" in recap(run("8.4"))
    finally:
        made.stop()
    set_release(made, "9.2")
    made.start()
    try:
        # while not all nodes are upgraded, Proxmox shows the rules that the groups will become, and takes no others
        note = "HA group 'fast' is the rule 'ha-group-fast' on this release"
        for groups_are_rules in (False, True):
            if groups_are_rules:
                _become_rules(made)
            files = {
                name: (made.pve / name).read_text() for name in ("ha/resources.cfg", "ha/rules.cfg") if groups_are_rules
            }
            for options in (["--check"], []):
                output = run("9.2", *options)
                assert note in output
                assert "changed=0" in recap(output)
            assert {name: (made.pve / name).read_text() for name in files} == files
            assert (made.pve / "ha/groups.cfg").exists() != groups_are_rules
            more = [*PLACES["8.4"], {"name": "other", "how": "pin", "guests": ["vm:101"], "nodes": ["pve2"]}]
            output = " ".join(run("9.2", "--check", pve_ha_placement=more).split())
            assert ("the HA groups fast are not rules yet" in output) != groups_are_rules
        # what changes in the inventory changes in the rule that the group has become
        moved = [{**PLACES["8.4"][0], "nodes": ["pve2"], "how": "pin"}]
        assert "changed=1" in recap(run("9.2", pve_ha_placement=moved, pve_ha_state="overridden"))
        text = (made.pve / "ha/rules.cfg").read_text()
        assert text.count("node-affinity: ") == 1
        assert "node-affinity: ha-group-fast\n" in text
        assert "\tnodes pve2\n" in text
        assert "\tstrict 1\n" in text
        assert "changed=0" in recap(run("9.2", pve_ha_placement=moved, pve_ha_state="overridden"))
    finally:
        made.stop()

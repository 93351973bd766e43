"""A backup server and a cluster of one node that backs up to it: from bare machines, again, cut off, and with losses."""

from __future__ import annotations

import json
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from rack.rack import Rack
from rack.spec import load_spec
from site_under_test import ROOT, Site

SPEC = ROOT / "tests/rack/specs/backup.yml"
TOGETHER = "TASK [baremetal.proxmox.pve_backup : Allow them to back up there"
KEPT = "/etc/pve/priv/storage"
# what any run writes in logs: a ticket is asked for
LOGIN = "POST /access/ticket"


class Backup(Site):
    def both(self, *arguments: str) -> dict[str, int]:
        """Both phases; how much each changed."""
        runs = [self.converge(*arguments, playbook=name) for name in ("backup_server.yml", "backup.yml")]
        return {host: count for run in runs for host, count in run.changed.items()}

    def calls(self, node: str) -> list[str]:
        return [call for call in self.writes(node) if call != LOGIN]

    @property
    def secret(self) -> str:
        return self.run("pve1", ["cat", f"{KEPT}/pbs.pw"]).strip()

    @property
    def key_file(self) -> Path:
        return self.rack.directory / "backup.key"


@pytest.fixture(scope="module", name="made")
def fixture_made() -> Iterator[Backup]:
    name = "backup-test"
    if name in Rack.names():
        Rack(name).down()
    with Rack.running(load_spec(SPEC, name, os.environ.get("RACK_RELEASE", "trixie"))) as rack:
        yield Backup(rack)


def test_check_mode_on_bare_machines(made: Backup):
    run = made.converge("--check", "--diff", playbook="backup_server.yml")
    assert run.changed["pbs1"] > 0
    assert "store1" in run.output
    made.run("pbs1", ["test", "!", "-e", "/etc/proxmox-backup"])
    made.run("pbs1", ["sh", "-c", "! blkid --probe /dev/sdb"])
    assert made.converge("--check", "--diff", playbook="backup.yml").changed["pve1"] > 0


def test_from_bare_machines_and_no_secret_is_shown(made: Backup):
    made.converge(playbook="host.yml")
    made.converge(playbook="cluster.yml")
    made.converge(playbook="backup_server.yml")
    run = made.converge("-vvvv", "--diff", playbook="backup.yml")
    key = json.loads(made.key_file.read_text())["data"]
    assert len(made.secret) == 36
    assert made.secret not in run.output
    assert key not in run.output
    assert stat.S_IMODE(made.key_file.stat().st_mode) == 0o600
    assert key in made.run("pve1", ["cat", f"{KEPT}/pbs.enc"])
    for node in made.nodes:
        found = made.rack.exec(
            node,
            ["grep", "-rlsF", "-e", made.secret, "-e", key, "/root", "/tmp", "/var/log", "/etc"],
            capture_output=True,
            text=True,
        ).stdout.split()
        assert [file for file in found if not file.startswith(KEPT)] == [], node


def test_what_the_token_may_do(made: Backup):
    """Its namespace, and nothing that removes."""
    lines = made.run("pbs1", ["cat", "/etc/proxmox-backup/acl.cfg"]).split()
    assert len(lines) == 1
    assert lines[0].startswith("acl:1:/datastore/store1/")
    assert lines[0].endswith(":DatastoreBackup")
    assert "rack@pbs!pbs" in lines[0]


def test_a_second_run_and_check_mode_write_nothing(made: Backup):
    before = made.calls("pbs1"), made.calls("pve1")
    assert set(made.both().values()) == {0}
    assert set(made.both("--check", "--diff").values()) == {0}
    assert (made.calls("pbs1"), made.calls("pve1")) == before


def test_cut_off_between_token_and_storage(made: Backup):
    """The secret of the new token is lost with the run."""
    made.run("pve1", ["pvesm", "remove", "pbs"])
    key = made.key_file.read_text()
    process = made.start(playbook="backup.yml")
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(TOGETHER):
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert "pbs: pbs" not in made.run("pve1", ["cat", "/etc/pve/storage.cfg"])
    assert made.converge(playbook="backup.yml").changed["pve1"] > 0
    assert made.run("pve1", ["cat", f"{KEPT}/pbs.enc"]).strip() == key.strip()
    assert set(made.both().values()) == {0}


def test_a_token_that_somebody_made_anew(made: Backup):
    """The cluster has a secret, and it opens nothing."""
    old = made.secret
    made.run("pve1", ["sh", "-c", f"echo 00000000-0000-0000-0000-000000000000 > {KEPT}/pbs.pw"])
    assert made.converge(playbook="backup.yml").changed["pve1"] > 0
    assert made.secret not in (old, "00000000-0000-0000-0000-000000000000")
    assert set(made.both().values()) == {0}


def test_a_key_that_is_gone_from_the_controller_comes_again(made: Backup):
    before = made.key_file.read_text()
    made.key_file.unlink()
    made.converge(playbook="backup.yml")
    assert made.key_file.read_text().strip() == before.strip()


def test_another_key_is_refused(made: Backup):
    before = made.key_file.read_text()
    calls = made.calls("pbs1"), made.calls("pve1")
    made.key_file.write_text(json.dumps({**json.loads(before), "fingerprint": "00:11"}))
    run = made.play(playbook="backup.yml")
    made.key_file.write_text(before)
    assert run.code != 0
    assert "expected the key that the cluster encrypts with" in " ".join(run.output.split())
    assert (made.calls("pbs1"), made.calls("pve1")) == calls


def test_retention_in_two_places_is_refused_before_any_change(made: Backup):
    calls = made.calls("pbs1"), made.calls("pve1")
    jobs = [{"id": "nightly", "storage": "pbs", "all": True, "schedule": "daily", "prune_backups": {"keep_last": 1}}]
    run = made.play("-e", json.dumps({"pve_backup_jobs": jobs}), playbook="backup.yml")
    assert run.code != 0
    assert "expected retention in one place" in " ".join(run.output.split())
    assert (made.calls("pbs1"), made.calls("pve1")) == calls


def test_a_disk_with_something_on_it_is_refused(made: Backup):
    disks = [{"name": "other", "devices": ["/dev/disk/by-id/scsi-0RACK_DISK_pbs1-disk1"]}]
    run = made.play("-e", json.dumps({"pbs_server_disks": disks}), playbook="backup_server.yml")
    assert run.code != 0
    assert "to be empty, found filesystem ext4; mounted on /mnt/datastore/store1" in " ".join(run.output.split())


def test_a_mount_from_elsewhere(made: Backup):
    """No machine of the rack has NFS; for the role it is a mount like any other."""
    made.run("pbs1", ["mkdir", "-p", "/srv/elsewhere"])
    elsewhere = {
        "pbs_server_mounts": [{"path": "/mnt/nas", "src": "/srv/elsewhere", "fstype": "none", "opts": "bind"}],
        "pbs_server_datastores": [{"name": "nas", "path": "/mnt/nas/store"}],
    }
    arguments = ("-e", json.dumps(elsewhere))
    assert made.converge(*arguments, playbook="backup_server.yml").changed["pbs1"] > 0
    assert made.run("pbs1", ["ls", "-A", "/srv/elsewhere"]).split() == ["store"]
    assert made.converge(*arguments, playbook="backup_server.yml").changed["pbs1"] == 0


def test_after_a_reboot_of_the_server(made: Backup):
    made.rack.reboot("pbs1")
    assert made.converge(playbook="backup_server.yml").changed["pbs1"] == 0
    assert (
        made.run("pbs1", ["findmnt", "--noheadings", "--output", "FSTYPE", "/mnt/datastore/store1"]).strip() == "ext4"
    )
    assert "store" in made.run("pbs1", ["ls", "-A", "/mnt/nas"])
    assert made.converge(playbook="backup.yml").changed["pve1"] == 0


def test_a_datastore_that_is_not_there_does_not_stop_the_others(made: Backup):
    made.run("pbs1", ["umount", "/mnt/nas"])
    assert made.converge(playbook="backup.yml").changed["pve1"] == 0


def test_beside_proxmox_ve(made: Backup):
    """Both products on one node, each with its repository."""
    own = {
        "pbs_hosts": "pve1",
        "pbs_server_repository_url": "{{ rack_repository_url }}/debian/pbs",
        "pbs_server_keyring_url": "{{ rack_repository_url }}/proxmox-archive-keyring.gpg",
        "pbs_server_keyring_checksum": "sha256:{{ rack_keyring_sha256 }}",
        "pbs_server_datastores": [{"name": "beside", "path": "/srv/beside"}],
    }
    arguments = ("-e", json.dumps(own))
    assert made.converge(*arguments, playbook="backup_server.yml").changed["pve1"] > 0
    assert made.converge(*arguments, playbook="backup_server.yml").changed["pve1"] == 0
    assert made.converge(playbook="host.yml").changed["pve1"] == 0
    assert made.converge(playbook="backup.yml").changed["pve1"] == 0

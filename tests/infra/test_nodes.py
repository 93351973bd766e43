"""What a converged rack looks like on its machines. Run by Molecule, with RACK_NAME naming the rack."""

from __future__ import annotations

import json

import pytest

testinfra_hosts = ["ansible://pve?ansible_inventory=inventories/rack/hosts.sh"]
SERVICES = ["pve-cluster", "corosync", "pvedaemon", "pveproxy", "pvestatd"]


@pytest.fixture(name="name")
def fixture_name(host):
    return host.ansible.get_variables()["inventory_hostname"]


@pytest.fixture(name="address")
def fixture_address(host):
    return host.ansible.get_variables()["ansible_host"]


def test_the_name_leads_to_the_real_address(host, name, address):
    assert host.check_output("hostname") == name
    assert host.check_output("getent ahostsv4 %s", name).split()[0] == address
    assert "127.0.1.1" not in host.file("/etc/hosts").content_string


@pytest.mark.parametrize("service", SERVICES)
def test_the_services_run(host, service):
    assert host.service(service).is_running


def test_only_the_chosen_repository_is_enabled(host):
    sources = host.check_output("apt-get indextargets --format '$(REPO_URI) $(COMPONENT)' 'Created-By: Packages'")
    proxmox = {line for line in sources.splitlines() if "pve" in line}
    assert len(proxmox) == 1
    assert proxmox.pop().endswith(" pve-no-subscription")


def test_the_cluster_is_quorate_and_complete(host, name):
    status = json.loads(host.check_output("pvesh get /cluster/status --output-format json"))
    cluster = next(entry for entry in status if entry["type"] == "cluster")
    nodes = {entry["name"]: entry["online"] for entry in status if entry["type"] == "node"}
    assert (cluster["name"], cluster["quorate"]) == ("rack", 1)
    assert nodes == {"pve1": 1, "pve2": 1, "pve3": 1}
    assert name in nodes


def test_both_links_are_up(host):
    output = host.check_output("corosync-cfgtool -s")
    assert output.count("LINK ID") == 2
    assert "disconnected" not in output


def test_the_storage_is_what_the_inventory_says(host):
    content = host.file("/etc/pve/storage.cfg").content_string
    assert "dir: backup\n\tpath /srv/backup\n\tcontent backup\n" in content
    assert "dir: guests\n" in content


def test_the_settings_of_the_machine(host):
    assert host.file("/etc/localtime").linked_to.endswith("/zoneinfo/Europe/Vienna")
    servers = host.file("/etc/chrony/sources.d/baremetal-proxmox.sources").content_string
    assert servers.splitlines()[1:] == ["server 10.99.0.1 iburst"]
    assert not host.file("/etc/chrony/chrony.conf").contains("^pool ")
    assert host.file("/etc/modules-load.d/baremetal-proxmox.conf").content_string.splitlines()[1:] == ["nbd"]
    settings = host.file("/etc/sysctl.d/zz-baremetal-proxmox.conf").content_string
    assert settings.splitlines()[1:] == ["net.ipv4.tcp_keepalive_time = 600", "vm.swappiness = 10"]


def test_only_debians_security_updates_install_themselves(host):
    config = host.check_output("apt-config dump Unattended-Upgrade::Origins-Pattern")
    origins = [line for line in config.splitlines() if "::Origins-Pattern::" in line]
    assert len(origins) == 2
    assert all("origin=Debian," in line and "label=Debian-Security" in line for line in origins)


@pytest.mark.parametrize("path", ["/var/lib/baremetal-proxmox", "/run/baremetal-proxmox"])
def test_nothing_is_left_to_do(host, path):
    assert not host.file(path).exists


def test_the_hardware_mappings_are_what_the_inventory_says(host):
    assert host.file("/etc/pve/mapping/usb.cfg").content_string == "licence\n\tmap id=0529:0001,node=pve1\n\n"
    assert "\tmap node=pve1,path=/srv\n" in host.file("/etc/pve/mapping/directory.cfg").content_string


def test_secrets_are_for_root_only(host):
    assert host.file("/etc/pve/priv").mode & 0o077 == 0
    assert not host.file("/var/lib/baremetal-proxmox").exists, "the mark of an unfinished join is still there"


def test_ceph_is_whole(host):
    status = json.loads(host.check_output("ceph status --format json"))
    assert sorted(status["quorum_names"]) == ["pve1", "pve2", "pve3"]
    assert status["mgrmap"]["num_standbys"] == 2
    assert (status["osdmap"]["num_up_osds"], status["osdmap"]["num_in_osds"]) == (6, 6)
    assert [state["state_name"] for state in status["pgmap"]["pgs_by_state"]] == ["active+clean"]
    assert status["health"]["status"] == "HEALTH_OK", status["health"]
    assert [entry["status"] for entry in status["fsmap"]["by_rank"]] == ["up:active"]
    assert status["fsmap"]["up:standby"] == 1


@pytest.mark.parametrize("storage", ["vms", "archive", "cephfs"])
def test_the_storage_of_ceph_is_active(host, storage):
    rows = [line.split() for line in host.check_output("pvesm status").splitlines()[1:]]
    assert [row[2] for row in rows if row[0] == storage] == ["active"]


def test_who_may_do_what_is_what_the_inventory_says(host, name):
    config = host.file("/etc/pve/user.cfg").content_string
    assert "group:operators:alice@pve:On call:\n" in config
    assert "token:terraform@pve!rack:0:1:For Terraform:\n" in config
    assert "acl:1:/vms:@operators:Operator:\n" in config
    secret = host.file("/root/terraform.token")
    assert secret.exists == (name == "pve1")
    assert not secret.exists or secret.mode == 0o600


def test_ha_looks_after_the_guests_that_the_first_machine_brought(host):
    resources = host.file("/etc/pve/ha/resources.cfg").content_string
    assert [line for line in resources.splitlines() if line.startswith("vm: ")] == ["vm: 110", "vm: 111"]
    eight = host.check_output("pveversion").startswith("pve-manager/8.")
    places = host.file("/etc/pve/ha/groups.cfg" if eight else "/etc/pve/ha/rules.cfg").content_string
    assert ("group: front" if eight else "node-affinity: front") in places
    assert eight or "resource-affinity: separate\n" in places

from __future__ import annotations

import json
import stat
from pathlib import Path

from rack import cgroup, cpuinfo, disks, inventory, machine, network, provision
from rack.spec import parse_spec

SPEC = parse_spec(
    {"nodes": [{"name": "pve1", "disks": [{"size": "1M"}, {"size": "2M"}], "cpu_flags": ["vmx"]}, {"name": "pve2"}]},
    "test",
    name="lab",
)
NODE = SPEC.nodes[0]

CPU = "processor\t: 0\nflags\t\t: fpu svm sse\nbugs\t\t: none\n\nprocessor\t: 1\nflags\t\t: fpu svm sse\n"


def test_cpu_flags_are_added_and_hidden_on_every_processor():
    edited = cpuinfo.edit(CPU, ["vmx", "-svm", "fpu"])
    assert edited.count("flags\t\t: fpu sse vmx\n") == 2
    assert "bugs\t\t: none" in edited


def test_cpuinfo_without_changes_is_as_it_was():
    assert cpuinfo.edit(CPU, []) == CPU


def test_disks_are_sparse_files_of_the_right_size_and_kept(tmp_path):
    disks.create(tmp_path, NODE)
    first = disks.backing(tmp_path, 0)
    assert (first.stat().st_size, first.stat().st_blocks) == (1 << 20, 0)
    first.write_bytes(b"data")
    disks.create(tmp_path, NODE)
    assert first.read_bytes() == b"data"
    assert [disks.device_name(index) for index in (0, 1, 23)] == ["/dev/sdb", "/dev/sdc", "/dev/sdy"]


def test_disks_have_a_name_that_stays_whenever_the_machine_boots(tmp_path):
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    for _boot in range(2):
        disks.name(tmp_path, NODE)
    unit = tmp_path / "etc/systemd/system/sysinit.target.wants" / disks.NAMES
    assert unit.readlink() == Path("/etc/systemd/system") / disks.NAMES
    lines = (tmp_path / "etc/systemd/system" / disks.NAMES).read_text().splitlines()
    assert f"ExecStart=ln -sfn /dev/sdb {disks.by_id(NODE, 0)}" in lines


def test_nothing_is_attached_for_a_directory_that_has_no_disks(tmp_path):
    assert disks.attached(tmp_path) == {}


def test_nspawn_is_told_of_disks_and_cpu(tmp_path):
    command = machine.nspawn_command(NODE, [("/dev/loop7", "/dev/sdb")], with_cpuinfo=True)
    assert "--bind=/dev/loop7:/dev/sdb" in command
    assert command[-1].endswith(":/proc/cpuinfo")
    assert "--bind=/dev/fuse" in command
    assert "--drop-capability=CAP_SYS_TIME,CAP_SYS_MODULE" in command
    plain = machine.nspawn_command(NODE, [], with_cpuinfo=False)
    assert not any("cpuinfo" in word or "/dev/sd" in word for word in plain)


def test_a_machine_is_a_layer_or_a_copy(tmp_path):
    assert machine.layer(tmp_path) == tmp_path / "upper"
    (tmp_path / "root").mkdir()
    assert machine.layer(tmp_path) == tmp_path / "root"


def test_control_groups_of_two_racks_differ(tmp_path):
    assert cgroup.prefix(tmp_path / "a") != cgroup.prefix(tmp_path / "b")


def test_hardware_addresses_are_steady_local_and_different():
    first = network.hardware_address(SPEC, NODE, 1)
    assert first == network.hardware_address(SPEC, NODE, 1)
    assert first.startswith("02:") and len(first.split(":")) == 6
    assert first != network.hardware_address(SPEC, NODE, 0)
    assert first != network.hardware_address(SPEC, SPEC.nodes[1], 1)


def test_names_of_switches_and_ports_fit_the_kernel():
    assert network.bridge(SPEC, "storage") == "br2"
    assert network.port(SPEC, SPEC.nodes[1], 2) == "p1-2"


def test_interfaces_file_has_one_gateway():
    text = provision.interfaces(SPEC, NODE)
    assert text.count("gateway") == 1
    assert "iface ens18 inet static\n\taddress 10.99.0.11/24\n\tgateway 10.99.0.1\n" in text
    assert "iface ens20 inet static\n\taddress 10.97.0.11/24\n" in text


def test_hosts_file_has_the_trap_of_debians_installer():
    assert "127.0.1.1\tpve1\n" in provision.hosts(NODE)
    assert NODE.address not in provision.hosts(NODE)


def test_sources_point_to_the_rack_only():
    text = provision.apt_sources(SPEC, with_security=True)
    assert [line for line in text.splitlines() if line.startswith("URIs")] == [
        "URIs: http://10.99.0.1:3142/debian",
        "URIs: http://10.99.0.1:3142/debian-security",
    ]
    assert "security" not in provision.apt_sources(SPEC, with_security=False)


def test_root_gets_the_password_and_nobody_else():
    shadow = "root:*:20000:0:99999:7:::\ndaemon:*:20000:0:99999:7:::\n"
    assert provision.set_root_password(shadow, "$6$x") == shadow.replace("root:*", "root:$6$x")


def test_password_hash_is_salted_sha512():
    first, second = provision.hash_password("secret"), provision.hash_password("secret")
    assert first.startswith("$6$") and first != second


def test_the_password_file_is_private_and_kept(tmp_path):
    first = provision.make_password(tmp_path / "password")
    assert provision.make_password(tmp_path / "password") == first
    assert stat.S_IMODE((tmp_path / "password").stat().st_mode) == 0o600


def test_a_layer_has_the_modes_of_its_image(tmp_path):
    image, root = tmp_path / "image", tmp_path / "layer"
    (image / "root/.ssh").mkdir(parents=True)
    (image / "root").chmod(0o700)
    (image / "etc").mkdir()
    (image / "etc/shadow").write_text("old")
    (image / "etc/shadow").chmod(0o640)
    root.mkdir()
    layer = provision.Layer(root, image)
    layer.write("etc/shadow", "new")
    layer.write("root/.ssh/authorized_keys", "key")
    assert stat.S_IMODE((root / "etc/shadow").stat().st_mode) == 0o640
    assert stat.S_IMODE((root / "root").stat().st_mode) == 0o700
    assert stat.S_IMODE((root / "root/.ssh/authorized_keys").stat().st_mode) == 0o644
    assert (root / "etc/shadow").read_text() == "new" and (image / "etc/shadow").read_text() == "old"


def test_inventory_has_what_the_roles_need(tmp_path):
    data = inventory.build(tmp_path / "racks/lab", SPEC, "http://10.99.0.1:3142", "ab" * 32)
    assert data["pve"]["hosts"] == ["pve1", "pve2"]
    pve1 = data["_meta"]["hostvars"]["pve1"]
    assert pve1["ansible_host"] == "10.99.0.11"
    assert pve1["rack_networks"]["cluster"] == "10.98.0.11"
    assert pve1["rack_interfaces"]["storage"] == "ens20"
    assert pve1["rack_disks"] == [f"/dev/disk/by-id/scsi-0RACK_DISK_pve1-disk{number}" for number in (1, 2)]
    common = data["all"]["vars"]
    assert common["rack_repository_url"] == "http://10.99.0.1:3142/proxmox"
    assert "StrictHostKeyChecking=yes" in common["ansible_ssh_common_args"]
    assert "ProxyUseFdpass=yes" in common["ansible_ssh_common_args"]


def test_a_long_state_path_leaves_ssh_sockets_elsewhere(tmp_path):
    long = tmp_path / ("x" * 100)
    assert "ansible_control_path_dir" not in inventory.build(long, SPEC, "http://x", None)["all"]["vars"]


def test_machines_are_for_ceph_if_there_are_three_with_two_large_disks(tmp_path):
    def groups(nodes: int, *sizes: str) -> list[str]:
        disks = {"disks": [{"size": size} for size in sizes]}
        spec = parse_spec({"nodes": [{"name": f"pve{one}", **disks} for one in range(nodes)]}, "test", name="lab")
        return inventory.build(tmp_path, spec, "http://10.99.0.1:3142", "ab" * 32)["all"]["children"]

    assert groups(3, "10G", "10G") == groups(4, "10G", "10G", "1G") == ["pve", "ceph"]
    assert groups(2, "10G", "10G") == groups(3, "10G", "1G") == groups(3) == ["pve"]


def test_a_backup_server_is_in_a_group_of_its_own(tmp_path):
    nodes = [{"name": "pve1"}, {"name": "pbs1", "group": "pbs"}]
    data = inventory.build(tmp_path, parse_spec({"nodes": nodes}, "test", name="lab"), "http://10.99.0.1:3142", None)
    assert (data["pve"], data["pbs"]) == ({"hosts": ["pve1"]}, {"hosts": ["pbs1"]})
    assert data["all"]["children"] == ["pve", "pbs", "backup"]
    assert data["backup"] == data["pve"]


def test_machines_are_for_ha_if_the_guests_of_the_demo_are_there_and_have_somewhere_to_go(tmp_path):
    def groups(nodes: int, *vmids: int, stand_in: bool = True) -> list[str]:
        listed = [{"name": f"pve{one}"} for one in range(nodes)]
        listed[0]["guests"] = [{"vmid": vmid, "type": "qemu", "name": f"guest{vmid}"} for vmid in vmids]
        spec = parse_spec({"nodes": listed}, "test", name="lab")
        return inventory.build(tmp_path, spec, "http://10.99.0.1:3142", "ab" * 32, stand_in)["all"]["children"]

    assert groups(2, 110, 111) == groups(3, 110, 111, 112) == ["pve", "ha"]
    assert groups(1, 110, 111) == groups(3, 110) == groups(3) == groups(3, 110, 111, stand_in=False) == ["pve"]


def test_guests_lie_where_the_stand_in_looks(tmp_path):
    image = tmp_path / "image"
    for directory in ("etc/network", "etc/apt/sources.list.d", "etc/apt/apt.conf.d", "etc/ssh", "root/.ssh"):
        (image / directory).mkdir(parents=True)
    (image / "etc/shadow").write_text("root:*:1::::::\n")
    spec = parse_spec({"nodes": [{"name": "a", "guests": [{"vmid": 110, "name": "web"}]}, {"name": "b"}]}, "x", "lab")
    for node in spec.nodes:
        layer = tmp_path / node.name
        layer.mkdir()
        provision.lay(provision.Layer(layer, image), tmp_path, spec, node, "key", "hash", False)
    assert json.loads((tmp_path / "a" / provision.GUESTS).read_text()) == [{"vmid": 110, "type": "qemu", "name": "web"}]
    assert not (tmp_path / "b" / provision.GUESTS).exists()

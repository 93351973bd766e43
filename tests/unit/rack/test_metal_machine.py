"""From the spec to disks and QEMU's command line, without a machine."""

from __future__ import annotations

import datetime
import json
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest
from rack import backend, contents, gpt, inventory, network, provision
from rack.container import Containers
from rack.errors import RackError
from rack.metal import accelerator, burn, image, qemu, qmp, sockets, switchd
from rack.metal.backend import Metal
from rack.spec import Spec, load_spec, parse_spec

SPECS = Path(__file__).resolve().parents[2] / "rack" / "specs"
NETWORKS = {"lan": {"cidr": "10.1.0.0/24"}, "vlan7": {"cidr": "10.7.0.0/24", "parent": "lan", "vlan": 7}}
NOW = datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)


def parse(node: dict, **top) -> Spec:
    data = {"backend": "metal", "networks": NETWORKS, "nodes": [{"name": "n1", **node}], **top}
    return parse_spec(data, "lab.yml", name="lab")


def command(node: dict, kvm: bool = False) -> list[str]:
    spec = parse(node)
    return qemu.command(spec, spec.nodes[0], Path("/rack/nodes/n1"), "../../cables", kvm, NOW)


def devices(words: list[str], kind: str = "-device") -> list[str]:
    return [words[index + 1] for index, word in enumerate(words) if word == kind]


def test_the_example_says_what_the_documentation_says():
    spec = load_spec(SPECS / "metal.yml")
    node = spec.node("pve2")
    assert spec.backend == "metal" and (spec.network("lan20").parent, spec.network("lan20").vlan) == ("lan", 20)
    assert [nic.network for nic in node.nics].count("lan") == 2
    assert {nic.lag for nic in node.nics if nic.network == "lan"} == {"lan"}
    assert node.addresses == {"management": "10.99.0.12"}
    assert Spec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_a_container_spec_is_a_metal_spec_too(monkeypatch):
    assert load_spec(SPECS / "three.yml", backend="metal").backend == "metal"
    monkeypatch.setenv("RACK_BACKEND", "metal")
    spec = load_spec(SPECS / "three.yml")
    assert spec.backend == "metal" and isinstance(backend.make(Path("/x"), spec), Metal)
    monkeypatch.delenv("RACK_BACKEND")
    assert isinstance(backend.make(Path("/x"), load_spec(SPECS / "three.yml")), Containers)


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"iommu": True}, "node n1: iommu needs backend: metal"),
        ({"disks": [{"size": "1M", "bus": "nvme"}]}, "disks[0]: bus needs backend: metal"),
        ({"nics": [{"network": "lan", "address": "auto", "lag": "x"}]}, "nics[0]: lag needs backend: metal"),
    ],
)
def test_what_a_container_cannot_have_is_refused(node, message):
    data = {"networks": {"lan": NETWORKS["lan"]}, "nodes": [{"name": "n1", **node}]}
    with pytest.raises(RackError) as caught:
        parse_spec(data, "lab.yml", name="lab")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"nics": [{"network": "lan"}]}, "nics lacks 'lan' with an address"),
        ({"nics": [{"network": "vlan7", "address": "auto"}]}, "'vlan7' is not known; known are lan"),
        (
            {"nics": [{"network": "lan", "address": "auto", "mac": "01:00:00:00:00:00"}]},
            "is no MAC address of one card",
        ),
        ({"nics": [{"network": "lan", "address": "auto", "mtu": 10}]}, "no whole number from 576 to 9216"),
        ({"disks": [{"size": "1M", "bus": "ide"}]}, "'ide' is not known; known are scsi, virtio, nvme, sata"),
        ({"disks": [{"size": "1M", "bus": "nvme", "ssd": True}]}, "ssd can be chosen on scsi and sata only"),
        ({"disks": [{"size": "1M", "content": "zfs"}]}, "'zfs' is not known"),
        ({"machine_id": "x"}, "is no machine id"),
        ({"clock": "soon"}, "is no number of seconds"),
        ({"firmware": "coreboot"}, "known are bios, uefi"),
        ({"smbios": {"vendor": "a,b"}}, "is no plain text"),
        ({"services": ["x"]}, "known are lldpd"),
    ],
)
def test_refusals_name_the_place(node, message):
    with pytest.raises(RackError) as caught:
        parse(node)
    assert message in str(caught.value)


def test_a_vlan_needs_a_network_with_cables():
    with pytest.raises(RackError, match=r"parent 'wan' is no network above"):
        parse({}, networks={"lan": NETWORKS["lan"], "x": {"cidr": "10.8.0.0/24", "parent": "wan", "vlan": 3}})


def test_nics_have_steady_places_and_addresses_and_cables():
    spec = parse({"nics": [{"network": "lan"}, {"network": "lan", "address": "auto"}]})
    node = spec.nodes[0]
    assert node.interfaces() == [("ens18", "lan", "10.1.0.11"), ("ens19", "lan", None)]
    assert network.hardware_address(spec, node, 0) != network.hardware_address(spec, node, 1)
    found = devices(command({"nics": [{"network": "lan"}, {"network": "lan", "address": "auto"}]}))
    assert [word.rpartition("addr=0x")[2][:2] for word in found if word.startswith("virtio-net")] == ["12", "13"]
    cables = devices(command({}), "-netdev")
    assert "local.path=../../cables/n1.0," in cables[0] and cables[0].endswith("remote.path=../../cables/n1.0.switch")
    text = provision.interfaces(spec, node)
    assert "auto ens18" in text and "iface ens19 inet manual" in text and "auto ens19" not in text


def test_a_machine_with_an_iommu_has_other_names():
    assert parse({"iommu": True}).nodes[0].interfaces()[0][0] == "enp0s18"
    words = command({"iommu": True})
    assert "intel-iommu" in devices(words) and any(word.startswith("q35") for word in words)


def test_disks_are_what_they_are_asked_to_be():
    disks = [
        {"size": "1M", "ssd": True},
        {"size": "1M", "bus": "sata"},
        {"size": "1M", "bus": "nvme", "serial": "S3RIAL"},
        {"size": "1M", "bus": "virtio"},
    ]
    found = devices(command({"disks": disks}))
    scsi, sata, nvme, virtio = (next(word for word in found if f"drive=disk{number}" in word) for number in range(4))
    assert scsi.startswith("scsi-hd") and "rotation_rate=1" in scsi and "serial=n1-disk1" in scsi
    assert sata.startswith("ide-hd") and "rotation_rate=7200" in sata
    assert nvme.startswith("nvme,") and "serial=S3RIAL" in nvme and virtio.startswith("virtio-blk")
    slots = [word.rpartition("addr=")[2].split(",")[0] for word in found if "addr=" in word]
    assert len(slots) == len(set(slots))
    node = parse({"disks": disks}).nodes[0]
    assert qemu.by_id(node, 2) == "/dev/disk/by-id/nvme-QEMU_NVMe_Ctrl_S3RIAL"
    spec = parse({"disks": disks})
    variables = inventory.host_variables(Path("/x"), spec, spec.nodes[0])
    assert variables["rack_disks"][0] == "/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_n1-disk1"


def test_the_rest_of_the_hardware():
    words = command(
        {
            "cpu_flags": ["svm", "-aes"],
            "memory": "2G",
            "cores": 2,
            "watchdog": True,
            "clock": 5,
            "smbios": {"vendor": "Acme", "serial": "X1"},
            "firmware": "uefi",
        }
    )
    assert "max,svm=on,aes=off" in words and "2048M" in words and "base=2030-01-02T03:04:10" in words
    assert any(word.startswith("i6300esb") for word in words) and "type=1,manufacturer=Acme,serial=X1" in words
    assert sum("pflash" in word for word in words) == 2
    assert "Westmere,svm=off" in command({"cpu_flags": ["-svm"]})
    assert "host" in command({}, kvm=True) and not any("pflash" in word for word in command({}))


def read_table(path: Path) -> list[tuple[bytes, int, int]]:
    data = path.read_bytes()
    for place in (512, len(data) - 512):
        header = bytearray(data[place : place + 92])
        (checksum,) = struct.unpack_from("<I", header, 16)
        header[16:20] = bytes(4)
        assert header[:8] == b"EFI PART" and zlib.crc32(header) == checksum
        (start,) = struct.unpack_from("<Q", header, 72)
        entries = data[start * 512 : start * 512 + 128 * 128]
        assert zlib.crc32(entries) == struct.unpack_from("<I", header, 88)[0]
    rows = [entries[index : index + 128] for index in range(0, len(entries), 128)]
    return [(row[:16], *struct.unpack_from("<QQ", row, 32)) for row in rows if any(row[:16])]


def test_a_partition_table_has_both_its_copies(tmp_path):
    path = tmp_path / "disk"
    path.write_bytes(bytes(4 << 20))
    contents.table(path, 4 << 20)
    assert read_table(path) == [(gpt.LINUX.bytes_le, 2048, 8192 - 34)]


@pytest.mark.parametrize(
    ("content", "found"), [("ext4", "ext4"), ("lvm", "LVM2_member"), ("ceph", "ceph_bluestore"), ("gpt", "gpt")]
)
def test_contents_are_recognised(content, found, tmp_path):
    blkid = shutil.which("blkid", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if not blkid or not shutil.which("mke2fs", path="/usr/sbin:/sbin"):
        pytest.skip("this host has no blkid or mke2fs")
    path = tmp_path / "disk"
    path.write_bytes(bytes(16 << 20))
    contents.WRITERS[content](path, 16 << 20)
    output = subprocess.run([blkid, "-p", "-o", "export", str(path)], capture_output=True, text=True, check=True).stdout
    assert f"TYPE={found}\n" in output


def test_grubs_first_sectors_know_where_its_core_is():
    boot, core = image.boot_sectors(bytes(512), bytes(1300), 34)
    assert len(boot) == 440 and struct.unpack_from("<Q", boot, 0x5C) == (34,)
    assert struct.unpack_from("<QHH", core, 500) == (35, 2, 0x820) and len(core) == 1300


def test_files_reach_the_disk_with_their_modes(tmp_path):
    if not all(shutil.which(tool, path="/usr/sbin:/sbin") for tool in ("mke2fs", "debugfs", "e2fsck")):
        pytest.skip("this host has no e2fsprogs")
    disk = tmp_path / "disk"
    disk.write_bytes(b"")
    with disk.open("r+b") as handle:
        handle.truncate(image.ROOT_OFFSET + (16 << 20))
    base = tmp_path / "base"
    (base / "etc").mkdir(parents=True)
    (base / "etc/shadow").write_text("old")
    options = ["-E", f"offset={image.ROOT_OFFSET}", "-d", str(base)]
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", *options, str(disk), "16M"], check=True, capture_output=True)
    layer = tmp_path / "layer"
    (layer / "etc/new").mkdir(parents=True)
    (layer / "etc/shadow").write_text("secret")
    (layer / "etc/shadow").chmod(0o640)
    (layer / "etc/new/link").symlink_to("/etc/shadow")
    burn.tree(tmp_path, layer, disk)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    assert burn.read(tmp_path, disk, "/etc/shadow", scratch) == "secret"
    assert burn.read(tmp_path, disk, "etc/none", tmp_path / "layer") is None
    show = subprocess.run(
        ["debugfs", "-R", "stat /etc/shadow", f"{disk}?offset={image.ROOT_OFFSET}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "Mode:  0640" in show and "Type: regular" in show


def test_a_socket_may_lie_deeper_than_its_address_can_say(tmp_path):
    deep = tmp_path / ("d" * 100) / "e"
    deep.mkdir(parents=True)
    import socket

    with sockets.bind(deep / "s", socket.SOCK_STREAM) as listener:
        listener.listen()
        with sockets.connect(deep / "s", 5) as connection, listener.accept()[0] as other:
            connection.sendall(b"x")
            assert other.recv(1) == b"x"


def test_a_switch_that_does_not_run_is_no_traceback_for_a_port(tmp_path):
    spec = parse({})
    with pytest.raises(RackError, match="no NIC 'eth0'; it has ens18"):
        Metal(tmp_path, spec).set_port(spec.nodes[0], "eth0", {"up": False})
    assert switchd.settings(tmp_path) == {}


def test_kvm_is_believed_when_it_boots_and_when_told(tmp_path, monkeypatch):
    monkeypatch.setenv("RACK_STATE", str(tmp_path))
    asked = []
    monkeypatch.setattr(accelerator, "probe", lambda kernel: asked.append(kernel) or True)
    monkeypatch.setenv("RACK_ACCEL", "tcg")
    assert accelerator.decide(tmp_path, Path("k")) is False and asked == []
    monkeypatch.delenv("RACK_ACCEL")
    assert accelerator.decide(tmp_path, Path("k")) is True
    assert accelerator.decide(tmp_path, Path("k")) is True and len(asked) == 1


def test_the_monitor_speaks_qmp(tmp_path):
    import socket
    import threading

    listener = sockets.bind(tmp_path / "m", socket.SOCK_STREAM)
    listener.listen()
    heard = []

    def play():
        with listener.accept()[0] as connection:
            lines = connection.makefile("rw")
            answers = ['{"return": {}}', '{"event": "X"}\n{"return": 5}', '{"error": {"desc": "no such NIC"}}']
            lines.write('{"QMP": {}}\n')
            for answer in answers:
                lines.flush()
                heard.append(json.loads(lines.readline())["execute"])
                lines.write(answer + "\n")
            lines.flush()

    thread = threading.Thread(target=play)
    thread.start()
    with qmp.Monitor(tmp_path / "m") as monitor:
        assert monitor.command("query") == 5
        with pytest.raises(RackError, match="QEMU refuses set_link: no such NIC"):
            monitor.command("set_link", name="x")
    thread.join(5)
    listener.close()
    assert heard == ["qmp_capabilities", "query", "set_link"]

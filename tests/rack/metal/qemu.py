"""From a node of the spec to QEMU's command line."""

from __future__ import annotations

import datetime
import hashlib
from pathlib import Path

from rack import disks, network
from rack.model import FIRST_SLOT, Disk, Node, Spec

CONSOLE_LOG = "console.log"
# One for the process that waits for the machine's end, one for whoever wants something of it.
EVENTS = "events.qmp"
CONTROL = "control.qmp"
OOB = "oob.sock"
FIRMWARE = (Path("/usr/share/OVMF/OVMF_CODE_4M.fd"), Path("/usr/share/OVMF/OVMF_VARS_4M.fd"))
VARIABLES = "efivars.fd"
SCSI_SLOT, SERIAL_SLOT, SATA_SLOT, WATCHDOG_SLOT, RNG_SLOT = 4, 5, 6, 7, 8
# virtio and nvme disks have a slot each, below and above the NICs'.
DISK_SLOTS = (9, 10, 11, 12, 13, 14, 15, 16, 17, 26, 27, 28, 29, 30)


def socket_of(node: Node, slot: int) -> str:
    """The machine's end of a cable, in the rack's directory of cables."""
    return f"{node.name}.{slot}"


def port_of(node: Node, slot: int) -> str:
    """The switch's end."""
    return f"{node.name}.{slot}.switch"


def nic_id(slot: int) -> str:
    return f"nic{slot}"


def _cpu(node: Node, kvm: bool) -> str:
    changes = [f"{flag[1:]}=off" if flag.startswith("-") else f"{flag}=on" for flag in node.cpu_flags]
    # Emulated, `max` without svm boots a Debian whose system calls fail at random; this model never had it
    model = "host" if kvm else "Westmere" if "-svm" in node.cpu_flags else "max"
    return ",".join([model, *changes])


def _nics(spec: Spec, node: Node, cables: str) -> list[str]:
    words = []
    for slot in range(len(node.nics)):
        ours, theirs = f"{cables}/{socket_of(node, slot)}", f"{cables}/{port_of(node, slot)}"
        words += [
            "-netdev",
            f"dgram,id=net{slot},local.type=unix,local.path={ours},remote.type=unix,remote.path={theirs}",
            "-device",
            f"virtio-net-pci,id={nic_id(slot)},netdev=net{slot},mac={network.hardware_address(spec, node, slot)},"
            f"addr={FIRST_SLOT + slot:#x},romfile=,speed=10000,duplex=full",
        ]
    return words


def by_id(node: Node, index: int) -> str:
    """The disk's name that survives reboots and other disks."""
    serial = disks.serial_of(node, index)
    prefix = {
        "scsi": "scsi-0QEMU_QEMU_HARDDISK_",
        "sata": "ata-QEMU_HARDDISK_",
        "virtio": "virtio-",
        "nvme": "nvme-QEMU_NVMe_Ctrl_",
    }[node.disks[index].bus]
    return f"/dev/disk/by-id/{prefix}{serial}"


def _disk(node: Node, index: int, disk: Disk, directory: Path, slots: list[int]) -> list[str]:
    file = disks.backing(directory, index)
    drive = f"if=none,id=disk{index},file={file},format=raw,cache=unsafe,discard=unmap"
    device = {
        "scsi": f"scsi-hd,bus=scsi.0,scsi-id={index + 1}",
        "sata": f"ide-hd,bus=sata.{index},wwn={_wwn(node, index):#x}",
        "virtio": "virtio-blk-pci",
        "nvme": "nvme",
    }[disk.bus]
    device += f",drive=disk{index},serial={disks.serial_of(node, index)}"
    if disk.bus in ("virtio", "nvme"):
        device += f",addr={slots.pop(0):#x}"
    else:
        device += f",rotation_rate={1 if disk.ssd else 7200}"
    return ["-drive", drive, "-device", device]


def _wwn(node: Node, index: int) -> int:
    """An address of the form that disks have (NAA 5), made from the serial number."""
    return 0x5000C50000000000 | int(hashlib.sha256(disks.serial_of(node, index).encode()).hexdigest()[:8], 16)


def _disks(node: Node, directory: Path) -> list[str]:
    words: list[str] = []
    slots = list(DISK_SLOTS)
    if any(disk.bus == "sata" for disk in node.disks):
        words += ["-device", f"ahci,id=sata,addr={SATA_SLOT:#x}"]
    for index, disk in enumerate(node.disks):
        words += _disk(node, index, disk, directory, slots)
    return words


def _smbios(node: Node) -> list[str]:
    names = {"vendor": "manufacturer", "product": "product", "serial": "serial"}
    system = "".join(f",{names[key]}={value.replace(',', ',,')}" for key, value in node.smbios.items())
    board = system.replace("product=", "product=Board of ")
    return ["-smbios", f"type=1{system}", "-smbios", f"type=2{board}"] if system else []


def _firmware(node: Node, directory: Path) -> list[str]:
    if node.firmware == "bios":
        return []
    code, variables = FIRMWARE[0], directory / VARIABLES
    return [
        *("-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={code}"),
        *("-drive", f"if=pflash,format=raw,unit=1,file={variables}"),
    ]


def _clock(node: Node, now: datetime.datetime) -> list[str]:
    if not node.clock:
        return ["-rtc", "base=utc"]
    base = now + datetime.timedelta(seconds=node.clock)
    return ["-rtc", f"base={base.strftime('%Y-%m-%dT%H:%M:%S')}"]


def command(
    spec: Spec, node: Node, directory: Path, cables: str, kvm: bool, now: datetime.datetime | None = None
) -> list[str]:
    """QEMU of one machine; `directory` is the node's, which is also QEMU's working directory, `cables` from there."""
    machine = "q35,kernel-irqchip=split" if node.iommu and kvm else "q35" if node.iommu else "pc"
    return [
        *("qemu-system-x86_64", "-name", node.name, "-nodefaults", "-no-user-config", "-display", "none"),
        *("-machine", f"{machine},usb=off,vmport=off,hpet=off", "-accel", "kvm" if kvm else "tcg,thread=multi"),
        *("-cpu", _cpu(node, kvm), "-smp", str(node.cores), "-m", f"{node.memory >> 20}M"),
        *_firmware(node, directory),
        *_smbios(node),
        *_clock(node, now or datetime.datetime.now(datetime.UTC)),
        # The end of every boot ends QEMU, so that each boot is a process and starts from the rack's files.
        *("-action", "reboot=shutdown,shutdown=poweroff,watchdog=reset,panic=none"),
        *("-qmp", f"unix:{EVENTS},server=on,wait=off", "-qmp", f"unix:{CONTROL},server=on,wait=off"),
        *("-chardev", f"file,id=console,path={CONSOLE_LOG},append=on", "-serial", "chardev:console"),
        *(["-device", "intel-iommu"] if node.iommu else []),
        *("-device", f"virtio-scsi-pci,id=scsi,addr={SCSI_SLOT:#x}"),
        *("-drive", "if=none,id=root,file=root.raw,format=raw,cache=unsafe,discard=unmap"),
        *("-device", f"scsi-hd,bus=scsi.0,scsi-id=0,drive=root,serial={node.name}-root,rotation_rate=1,bootindex=1"),
        *("-device", f"virtio-serial-pci,id=ports,addr={SERIAL_SLOT:#x}"),
        *("-chardev", f"socket,id=oob,path={OOB},server=on,wait=off"),
        *("-device", "virtserialport,bus=ports.0,chardev=oob,name=rack.oob"),
        *("-device", f"virtio-rng-pci,addr={RNG_SLOT:#x}"),
        *(["-device", f"i6300esb,addr={WATCHDOG_SLOT:#x}"] if node.watchdog else []),
        *_disks(node, directory),
        *_nics(spec, node, cables),
    ]

"""The disk that every metal machine starts from: partitions as Proxmox's installer makes them, GRUB for BIOS and UEFI.

Nothing of it runs in a machine: the tree comes from mmdebstrap, mke2fs fills the root file system, and GRUB's first
sectors are written here as grub-bios-setup writes them.
"""

from __future__ import annotations

import hashlib
import shutil
import struct
import subprocess
import uuid
from pathlib import Path

from rack import gpt
from rack.errors import RackError
from rack.image import Flavour

FILES = Path(__file__).resolve().parent / "files"
DISK = "disk.raw"
SKELETON = "skeleton"
SIZE = 8 << 30
MEBIBYTE = 1 << 20
ESP_MEBIBYTES = 64
ROOT_OFFSET = (1 + ESP_MEBIBYTES) * MEBIBYTE
CORE_SECTOR = 34

# What the collection installs, and what that needs: installing it in an emulated machine takes minutes.
# fmt: off
PACKAGES = (
    "linux-image-cloud-amd64", "initramfs-tools", "grub-pc", "grub-pc-bin", "grub-efi-amd64-bin", "zstd",
    "btrfs-progs", "chrony", "corosync", "dmidecode", "dosfstools", "ethtool", "faketime", "fdisk", "gdisk",
    "libcpg4", "libcmap4", "libquorum5", "libcrypt-openssl-rsa-perl", "libjson-perl", "lldpd", "lvm2", "mtools",
    "nvme-cli", "openvswitch-switch", "parted", "pciutils", "perl", "rsync", "smartmontools",
    "sqlite3", "tcpdump", "thin-provisioning-tools", "xfsprogs",
)
# fmt: on

ESSENTIAL = """
set -e
cp --recursive --no-preserve=ownership "%(files)s/." "$1/"
"""

# Services of what is preinstalled; a node gets those that its spec names (services).
# fmt: off
DISABLED = ["corosync", "lldpd", "openvswitch-switch", "smartmontools"]
# What takes an emulated machine seconds at every boot and no test looks at.
OFF = [
    "blk-availability.service", "e2scrub_all.timer", "getty@tty1.service", "grub-common.service",
    "lvm2-monitor.service", "serial-getty@ttyS0.service", "sys-kernel-debug.mount", "sys-kernel-tracing.mount",
    "systemd-binfmt.service", "systemd-pstore.service", "user@.service",
]
# fmt: on

# The first grub.cfg; the machine's own update-grub writes the next.
CUSTOMISE = """
kernel=$(cd "$root/boot" && ls vmlinuz-*)
version=${kernel#vmlinuz-}
[ -e "$root/boot/initrd.img-$version" ]
mkdir -p "$root/boot/grub/i386-pc"
cp "$root"/usr/lib/grub/i386-pc/*.mod "$root"/usr/lib/grub/i386-pc/*.lst "$root/boot/grub/i386-pc/"
mkdir -p "$root/boot/grub/x86_64-efi" "$root/boot/efi"
cp "$root"/usr/lib/grub/x86_64-efi/*.mod "$root"/usr/lib/grub/x86_64-efi/*.lst "$root/boot/grub/x86_64-efi/"
words="console=ttyS0,115200 mitigations=off"
sed -i -e "s/^GRUB_CMDLINE_LINUX=.*/GRUB_CMDLINE_LINUX=\\"$words\\"/" -e 's/^GRUB_TIMEOUT=.*/GRUB_TIMEOUT=0/' \\
    -e 's/^#GRUB_TERMINAL=.*/GRUB_TERMINAL=console/' "$root/etc/default/grub"
grep -qx "GRUB_CMDLINE_LINUX=\\"$words\\"" "$root/etc/default/grub"
cat > "$root/boot/grub/grub.cfg" <<END
set root=(\\$root)
linux /boot/vmlinuz-$version root=LABEL=rack-root ro $words quiet
initrd /boot/initrd.img-$version
boot
END
echo "LABEL=rack-root / ext4 errors=remount-ro 0 0" > "$root/etc/fstab"
mkdir "$root/rack-build"
cat > "$root/rack-build/efi.cfg" <<END
search --label rack-root --set=root
set prefix=(\\$root)/boot/grub
END
chroot "$root" sh -ec '
grub-mkimage -O i386-pc -p "(,gpt3)/boot/grub" -o /rack-build/core.img biosdisk part_gpt ext2
grub-mkimage -O x86_64-efi -p /EFI -c /rack-build/efi.cfg -o /rack-build/grub.efi part_gpt ext2 search search_label normal
mkfs.vfat -F 32 -s 1 -n EFI -C /rack-build/esp.img $((64 * 1024)) > /rack-build/log
mmd -i /rack-build/esp.img ::/EFI ::/EFI/BOOT
mcopy -i /rack-build/esp.img /rack-build/grub.efi ::/EFI/BOOT/BOOTX64.EFI
cp /usr/lib/grub/i386-pc/boot.img /rack-build/
'
mv "$root/rack-build" "$2/boot"
chroot "$root" systemctl --quiet enable rack-oob
for unit in %(disabled)s; do chroot "$root" systemctl --quiet disable "$unit"; done
for unit in %(off)s; do ln -sf /dev/null "$root/etc/systemd/system/$unit"; done
# Nothing changed below /usr since: no caches to make at the first boot.
touch "$root/etc/.updated" "$root/var/.updated"
"""


def _digest(top: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(top.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(top)} {path.stat().st_mode & 0o111:o}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def flavour() -> Flavour:
    return Flavour(
        prefix="metal-",
        packages=PACKAGES,
        essential=ESSENTIAL % {"files": FILES},
        customise=CUSTOMISE % {"disabled": " ".join(DISABLED), "off": " ".join(OFF)},
        finish=finish,
        recipe={"files": _digest(FILES), "size": SIZE},
    )


def boot_sectors(boot: bytes, core: bytes, where: int) -> tuple[bytes, bytes]:
    """GRUB's first sector (440 bytes of code) and its core for a core that starts at sector `where`.

    boot.img holds the core's first sector at 0x5c; the core's own first sector ends with the list of the blocks that
    follow it (grub-core/boot/i386/pc/boot.S and diskboot.S: start, length, segment).
    """
    patched = bytearray(boot[:440])
    patched[0x5C:0x64] = struct.pack("<Q", where)
    rest = (len(core) + gpt.SECTOR - 1) // gpt.SECTOR - 1
    blocks = bytearray(core)
    blocks[gpt.SECTOR - 12 : gpt.SECTOR] = struct.pack("<QHH", where + 1, rest, 0x820)
    return bytes(patched), bytes(blocks)


def _write_disk(work: Path, path: Path) -> None:
    sectors = MEBIBYTE // gpt.SECTOR
    boot, core = boot_sectors((work / "boot/boot.img").read_bytes(), (work / "boot/core.img").read_bytes(), CORE_SECTOR)
    if len(core) > MEBIBYTE - CORE_SECTOR * gpt.SECTOR:
        raise RackError(f"GRUB's core image has {len(core)} bytes and does not fit before the first partition")
    with path.open("wb") as disk:
        disk.truncate(SIZE)
        disk.write(boot)
        disk.seek(CORE_SECTOR * gpt.SECTOR)
        disk.write(core)
        first = ROOT_OFFSET // gpt.SECTOR
        gpt.write(
            disk,
            SIZE,
            [
                gpt.Partition(gpt.BIOS_BOOT, CORE_SECTOR, sectors - 1),
                gpt.Partition(gpt.EFI_SYSTEM, sectors, first - 1),
                gpt.Partition(gpt.LINUX, first, SIZE // gpt.SECTOR - gpt.FIRST_USABLE),
            ],
        )
        disk.seek(MEBIBYTE)
        disk.write((work / "boot/esp.img").read_bytes())


def finish(work: Path) -> None:
    """Make the disk from the tree, and keep of the tree what provisioning looks at: modes and owners below /etc."""
    kept = work / "kept"
    kept.mkdir()
    # For the question whether this host's KVM boots it.
    shutil.copyfile(next((work / "root/boot").glob("vmlinuz-*")), kept / "vmlinuz")
    _write_disk(work, kept / DISK)
    skeleton = kept / SKELETON
    skeleton.mkdir()
    for name in ("etc", "root"):
        subprocess.run(["cp", "--archive", str(work / "root" / name), str(skeleton)], check=True)
    blocks = (SIZE - ROOT_OFFSET - MEBIBYTE) // 4096
    options = f"offset={ROOT_OFFSET},nodiscard,assume_storage_prezeroed=1"
    command = ["mke2fs", "-q", "-F", "-t", "ext4", "-L", "rack-root", "-U", str(uuid.uuid4()), "-b", "4096", "-m", "1"]
    command += ["-E", options, "-d", str(work / "root"), str(kept / DISK), str(blocks)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise RackError(f"the root file system cannot be made: {result.stderr.strip()}")
    # Holes for what is zero: every machine gets a copy.
    subprocess.run(["fallocate", "--dig-holes", str(kept / DISK)], check=True)
    shutil.rmtree(work / "root")
    kept.rename(work / "root")

"""pveversion: the version of pve-manager, or with --verbose of every package."""

from __future__ import annotations

import subprocess
import sys

from .. import nodestat, paths

_PACKAGES = (
    "proxmox-ve",
    "pve-manager",
    "proxmox-kernel-helper",
    "ceph-fuse",
    "corosync",
    "criu",
    "ifupdown2",
    "libjs-extjs",
    "libproxmox-acme-perl",
    "libpve-access-control",
    "libpve-apiclient-perl",
    "libpve-cluster-api-perl",
    "libpve-cluster-perl",
    "libpve-common-perl",
    "libpve-guest-common-perl",
    "libpve-http-server-perl",
    "libpve-network-perl",
    "libpve-storage-perl",
    "lxc-pve",
    "lxcfs",
    "novnc-pve",
    "proxmox-backup-client",
    "proxmox-widget-toolkit",
    "pve-cluster",
    "pve-container",
    "pve-docs",
    "pve-edk2-firmware",
    "pve-firewall",
    "pve-firmware",
    "pve-ha-manager",
    "pve-i18n",
    "pve-qemu-kvm",
    "pve-xtermjs",
    "qemu-server",
    "smartmontools",
    "spiceterm",
    "vncterm",
    "zfsutils-linux",
)


def main() -> int:
    args = sys.argv[1:]
    known = paths.version()
    kernel = nodestat.kernel_release()
    if not args:
        print(f"pve-manager/{known['version']}/{known['repoid']} (running kernel: {kernel})")
        return 0
    if args not in (["--verbose"], ["-v"], ["-verbose"]):
        print("USAGE: pveversion [--verbose]", file=sys.stderr)
        return 255
    installed = _installed()
    for name in _PACKAGES:
        note = {
            "proxmox-ve": f" (running kernel: {kernel})",
            "pve-manager": f" (running version: {known['version']}/{known['repoid']})",
        }.get(name, "")
        if name in installed:
            print(f"{name}: {installed[name]}{note}")
        elif name in ("proxmox-ve", "pve-manager"):
            print(f"{name}: not correctly installed{note}")
    return 0


def _installed() -> dict[str, str]:
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Version}\n"],
        capture_output=True,
        text=True,
        check=False,
    )
    rows = (line.split(" ") for line in done.stdout.splitlines())
    return {row[1]: row[2] for row in rows if row[0] == "installed"}

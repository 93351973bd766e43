"""Which packages a Proxmox repository has, as far as a node's administrator notices them.

Names, dependencies and owners of files are Proxmox's own; what a rack does not need has no contents. `{series}`
and `{kernel}` stand for the release's.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Release:
    """What differs between the Proxmox releases."""

    codename: str
    version: str
    repoid: str
    kernel_series: str
    kernel: str
    versions: dict[str, str]
    """Of single packages; everything else has `default`."""
    default: str

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    @property
    def short(self) -> str:
        return ".".join(self.version.split(".")[:2])


RELEASES = {
    "trixie": Release(
        "trixie",
        "9.2.11",
        "14a22df3deadbeef",
        "6.17",
        "6.17.13-2",
        {
            "proxmox-ve": "9.2.0",
            "pve-manager": "9.2.11",
            "pve-cluster": "9.1.6",
            "libpve-storage-perl": "9.1.7",
            "libpve-access-control": "9.1.1",
            "pve-ha-manager": "5.2.0",
            "qemu-server": "9.2.6",
            "proxmox-archive-keyring": "4.0",
            "proxmox-default-kernel": "2.0.1",
            "proxmox-kernel-6.17": "6.17.13-2",
            "pve-qemu-kvm": "10.1.2-3",
            "pve-container": "6.1.6",
            "libpve-common-perl": "9.1.21",
        },
        "9.1.0",
    ),
    "bookworm": Release(
        "bookworm",
        "8.4.14",
        "b502d23c55afcba1",
        "6.8",
        "6.8.12-15",
        {
            "proxmox-ve": "8.4.0",
            "pve-manager": "8.4.14",
            "pve-cluster": "8.1.2",
            "libpve-storage-perl": "8.3.7",
            "libpve-access-control": "8.2.2",
            "pve-ha-manager": "4.0.7",
            "qemu-server": "8.4.5",
            "proxmox-archive-keyring": "3.2",
            "proxmox-default-kernel": "1.1.0",
            "proxmox-kernel-6.8": "6.8.12-15",
            "pve-qemu-kvm": "9.2.0-7",
            "pve-container": "5.3.3",
            "libpve-common-perl": "8.3.4",
        },
        "8.3.0",
    ),
}


@dataclass(frozen=True)
class Package:
    name: str
    summary: str
    depends: str = ""
    commands: tuple[str, ...] = ()
    """Commands of the stand-in, in /usr/bin or with their own path."""
    units: tuple[str, ...] = ()
    """systemd units that the package ships, enables and starts; with a leading - it only ships them."""
    extra: dict[str, str] = field(default_factory=dict)
    """More control fields."""
    releases: tuple[str, ...] = tuple(RELEASES)


_SAME_SOURCE = {
    "libpve-cluster-perl": "pve-cluster",
    "libpve-cluster-api-perl": "pve-cluster",
    "libpve-notify-perl": "pve-cluster",
}

PACKAGES = [
    Package(
        "libpve-common-perl",
        "Proxmox VE base library",
        "perl, python3, libjson-perl, libcrypt-openssl-rsa-perl, openssl, sqlite3, iproute2",
    ),
    Package("libpve-apiclient-perl", "Proxmox VE API client library", "perl"),
    Package("libpve-http-server-perl", "Proxmox Asynchronous HTTP Server Implementation", "libpve-common-perl"),
    Package("libpve-guest-common-perl", "Proxmox VE common guest-related modules", "libpve-common-perl, pve-cluster"),
    Package("libpve-network-perl", "Proxmox VE's SDN stack", "libpve-common-perl, pve-cluster"),
    Package("libpve-notify-perl", "Notify helper module", "libpve-cluster-perl"),
    Package(
        "libpve-cluster-perl",
        "Proxmox Virtual Environment cluster Perl modules.",
        "libpve-apiclient-perl, libpve-common-perl",
    ),
    Package(
        "libpve-cluster-api-perl",
        "Proxmox Virtual Environment cluster Perl API modules.",
        "faketime, libpve-access-control, libpve-apiclient-perl, libpve-cluster-perl, libpve-common-perl, "
        "openssl, openssh-client, rsync",
        ("pvecm",),
    ),
    Package(
        "pve-cluster",
        '"pmxcfs" distributed cluster filesystem for Proxmox Virtual Environment.',
        "corosync (>= 3.1), libcpg4, libcmap4, libquorum5, libpve-common-perl, sqlite3, systemd",
        ("pmxcfs",),
        ("pve-cluster.service",),
    ),
    Package(
        "libpve-access-control",
        "Proxmox VE access control library",
        "libpve-cluster-perl, libpve-common-perl, pve-cluster",
        ("pveum",),
    ),
    Package(
        "libpve-storage-perl",
        "Proxmox VE storage management library",
        "libpve-access-control, libpve-cluster-perl, libpve-common-perl, pve-cluster, udev, zstd",
        ("pvesm",),
    ),
    Package(
        "pve-firewall",
        "Proxmox VE Firewall",
        "libpve-common-perl, pve-cluster",
        ("/usr/sbin/pve-firewall",),
        ("pve-firewall.service",),
    ),
    Package(
        "pve-ha-manager",
        "Proxmox VE HA Manager",
        "libpve-common-perl, pve-cluster",
        ("/usr/sbin/pve-ha-crm", "/usr/sbin/pve-ha-lrm", "/usr/sbin/watchdog-mux", "/usr/sbin/ha-manager"),
        ("-watchdog-mux.service", "pve-ha-crm.service", "pve-ha-lrm.service"),
    ),
    Package(
        "qemu-server",
        "Qemu Server Tools",
        "libpve-guest-common-perl, libpve-storage-perl, pve-cluster, pve-firewall, pve-ha-manager, pve-qemu-kvm",
        ("/usr/sbin/qm", "/usr/sbin/qmeventd"),
        ("qmeventd.service",),
    ),
    Package(
        "pve-container",
        "Proxmox VE Container management tool",
        "libpve-guest-common-perl, libpve-storage-perl, pve-cluster, lxc-pve",
        ("/usr/sbin/pct",),
    ),
    Package("lxc-pve", "Linux containers userspace tools", "lxcfs"),
    Package("lxcfs", "LXC userspace filesystem"),
    Package("pve-qemu-kvm", "Full virtualization on x86 hardware", "pve-edk2-firmware"),
    Package("pve-edk2-firmware", "edk2 based UEFI firmware modules for virtual machines"),
    Package("pve-firmware", "Binary firmware code for the pve-kernel"),
    Package("pve-docs", "Proxmox VE Documentation"),
    Package("pve-i18n", "Internationalization support for Proxmox VE"),
    Package("pve-xtermjs", "HTML/JS Shell client for Proxmox projects"),
    Package("novnc-pve", "HTML5 VNC client"),
    Package("spiceterm", "Terminal based on Spice"),
    Package("vncterm", "VNC Terminal"),
    Package("proxmox-widget-toolkit", "Core Widgets and ExtJS Helper Classes for Proxmox Web UIs"),
    Package("proxmox-mini-journalreader", "Minimal systemd Journal Reader"),
    Package("proxmox-mail-forward", "Proxmox mail forward helper"),
    Package("proxmox-termproxy", "Wrapper proxy for executing programs in the system terminal"),
    Package("proxmox-backup-client", "Proxmox Backup Client tools"),
    Package("proxmox-enterprise-support-keyring", "Keyring of Proxmox's enterprise support", releases=("trixie",)),
    Package(
        "pve-manager",
        "Proxmox Virtual Environment Management Tools",
        "apt, ca-certificates, ifupdown2 (>= 3.0) | ifenslave, libpve-access-control, libpve-apiclient-perl, "
        "libpve-cluster-api-perl, libpve-cluster-perl, libpve-common-perl, libpve-guest-common-perl, "
        "libpve-http-server-perl, libpve-network-perl, libpve-notify-perl, libpve-storage-perl, logrotate, "
        "novnc-pve, pciutils, perl, proxmox-mail-forward, proxmox-mini-journalreader, proxmox-termproxy, "
        "proxmox-widget-toolkit, pve-cluster, pve-container, pve-docs, pve-firewall, pve-ha-manager, pve-i18n, "
        "pve-xtermjs, qemu-server, rsync, spiceterm, systemd, vncterm, wget, zstd",
        (
            "pvesh",
            "pveversion",
            "pvedaemon",
            "pveproxy",
            "pvestatd",
            "pvescheduler",
            "spiceproxy",
            "pvebanner",
            "pveam",
            "pvenode",
            "pvesubscription",
            "pveceph",
            "vzdump",
        ),
        (
            "-pve-storage.target",
            "-pve-guests.service",
            "pvenetcommit.service",
            "pvebanner.service",
            "pvedaemon.service",
            "pveproxy.service",
            "spiceproxy.service",
            "pvestatd.service",
            "pvescheduler.service",
        ),
        {"Conflicts": "vlan, vzdump", "Replaces": "vlan, vzdump", "Provides": "vlan, vzdump"},
    ),
    # Debian 12 has the command in ceph-osd; `pveceph install` asks for the package by its name.
    Package("ceph-volume", "tool to facilitate OSD deployment", "ceph-osd", releases=("bookworm",)),
    Package("proxmox-archive-keyring", "GnuPG archive keys of the Proxmox archive"),
    Package(
        "proxmox-kernel-helper",
        "Function for various kernel maintenance tasks.",
        units=("-pve-standin-kernel.service",),
    ),
    Package(
        "proxmox-kernel-{series}", "Latest Proxmox Kernel Image", "proxmox-kernel-{kernel}-pve-signed, pve-firmware"
    ),
    Package(
        "proxmox-kernel-{kernel}-pve-signed",
        "Proxmox Kernel Image (signed)",
        "proxmox-kernel-helper",
        extra={"Provides": "linux-image, proxmox-kernel-{kernel}-pve"},
    ),
    Package("proxmox-default-kernel", "Default Proxmox VE Kernel Image", "proxmox-kernel-{series}"),
    Package(
        "proxmox-ve",
        "Proxmox Virtual Environment",
        "libpve-access-control, openssh-client, openssh-server, proxmox-archive-keyring, proxmox-default-kernel, "
        "proxmox-kernel-helper, pve-container, pve-manager, pve-qemu-kvm, qemu-server",
    ),
]


def packages(release: Release) -> list[tuple[str, str, Package]]:
    """(name, version, package) of everything in the release's repository."""
    words = {"series": release.kernel_series, "kernel": release.kernel}

    def fill(text: str) -> str:
        for word, value in words.items():
            text = text.replace("{" + word + "}", value)
        return text

    rows = []
    for package in PACKAGES:
        if release.codename not in package.releases:
            continue
        name = fill(package.name)
        version = release.versions.get(_SAME_SOURCE.get(name, name))
        if not version:
            version = release.kernel if name.startswith("proxmox-kernel-") and "-pve" in name else release.default
        filled = Package(
            name,
            package.summary,
            fill(package.depends),
            package.commands,
            package.units,
            {key: fill(value) for key, value in package.extra.items()},
            package.releases,
        )
        rows.append((name, version, filled))
    return rows

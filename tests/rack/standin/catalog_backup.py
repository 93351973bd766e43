"""The packages of Proxmox Backup Server's repository, beside those of pbsstandin.

Dependencies that no test needs are left out: a mail server, the kernel, LVM, fonts and JavaScript.
"""

from __future__ import annotations

from .catalog import Package

VERSIONS = {
    "trixie": {
        "proxmox-backup-server": "4.1.1-1",
        "proxmox-backup-client": "4.1.1-1",
        "proxmox-backup-docs": "4.1.1-1",
    },
    "bookworm": {
        "proxmox-backup-server": "3.4.8-1",
        "proxmox-backup-client": "3.4.8-1",
        "proxmox-backup-docs": "3.4.8-1",
    },
}
REPOID = {"trixie": "14a22df3deadbeef", "bookworm": "b502d23c55afcba1"}
LIBEXEC = "/usr/lib/x86_64-linux-gnu/proxmox-backup"

PACKAGES = [
    Package(
        "proxmox-backup-server",
        "Proxmox Backup Server daemon with tools and GUI",
        "gdisk, libproxmox-acme-plugins, openssh-server, openssl, pbs-i18n, proxmox-backup-docs, "
        "proxmox-mini-journalreader, proxmox-widget-toolkit, pve-xtermjs, python3",
        (
            "/usr/sbin/proxmox-backup-manager",
            "/usr/sbin/proxmox-backup-debug",
            f"{LIBEXEC}/proxmox-backup-api",
            f"{LIBEXEC}/proxmox-backup-proxy",
        ),
        ("proxmox-backup.service", "proxmox-backup-proxy.service"),
    ),
    Package("proxmox-backup-docs", "Proxmox Backup Documentation"),
    Package("pbs-i18n", "Internationalization support for Proxmox Backup Server"),
    Package("libproxmox-acme-plugins", "easy and small shell-only ACME client - plugins only"),
]
SHARED = (
    "proxmox-archive-keyring",
    "proxmox-backup-client",
    "proxmox-mail-forward",
    "proxmox-mini-journalreader",
    "proxmox-termproxy",
    "proxmox-widget-toolkit",
    "pve-xtermjs",
)
"""In both repositories."""

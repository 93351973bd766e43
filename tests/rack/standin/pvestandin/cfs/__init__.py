"""The cluster file system: a FUSE mount on /etc/pve, kept in sqlite, replicated by corosync in total order."""

from __future__ import annotations

DATABASE = "/var/lib/pve-cluster/config.db"

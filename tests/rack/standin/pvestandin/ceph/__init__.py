"""Ceph behind `pveceph` and the API: real daemons, set up and asked the way pve-manager does it."""

"""A stand-in for Proxmox Backup Server, written for this rack: on pvestandin's shoulders, with its own API and files."""

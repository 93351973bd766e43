"""A stand-in for Proxmox VE: the same files, commands and API, written for the virtual rack."""

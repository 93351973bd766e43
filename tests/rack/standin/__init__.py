"""The stand-in for Proxmox VE: what goes into the machines (pvestandin), and how it is packaged."""

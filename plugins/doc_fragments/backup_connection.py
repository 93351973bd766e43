# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  api_host:
    description:
      - Address or name of a Proxmox Backup Server.
      - When it is not given, the module talks to the server on which it runs, as root (C(become)), and needs no
        password. It signs a ticket with the key of the server.
    type: str
  api_port:
    description: Port of the API.
    type: int
    default: 8007
  api_user:
    description: User with realm, such as V(root@pam) or V(ops@pbs), for O(api_password).
    type: str
  api_password:
    description: Password of O(api_user).
    type: str
  api_token_id:
    description: API token as V(USER@REALM!NAME); V(NAME) alone belongs to O(api_user).
    type: str
  api_token_secret:
    description: Secret of O(api_token_id).
    type: str
  api_ca_path:
    description: File or directory with the certificates of the authorities that are trusted, instead of the system's.
    type: path
  api_fingerprint:
    description: SHA-256 fingerprint of the API's own certificate, instead of an authority.
    type: str
  validate_certs:
    description:
      - Verify the certificate of O(api_host). Without this, anybody in between can read the password.
      - On the server itself, the certificate is always verified.
    type: bool
    default: true
  api_timeout:
    description:
      - Seconds that a single call to the API may take, with the repetitions when Proxmox is busy or restarts its API.
    type: int
    default: 60
requirements:
  - python3-proxmoxer
  - python3-requests
"""

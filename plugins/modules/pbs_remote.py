#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pbs_remote
short_description: Remotes of Proxmox Backup Server
version_added: 0.1.0
description:
  - >-
      Creates, changes and removes remotes: other Proxmox Backup Servers that sync jobs copy from or to.
  - A whole list in one call. Everything is checked before anything is written, and one error names every finding.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.backup_connection
  - baremetal.proxmox.resource
notes:
  - Nothing connects to the other server here.
  - A remote that a sync job uses is not removed.
options:
  config:
    description:
      - The remotes, with Proxmox's own names.
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the remote.
        type: str
        required: true
      host:
        description: Address or name of the other server. Needed to create a remote.
        type: str
      port:
        description: Its port. V(8007) when not given.
        type: int
      auth_id:
        description: User or token there, such as V(sync@pbs!pull). Needed to create a remote.
        type: str
      password:
        description: Password of the user, or secret of the token. Needed to create a remote.
        type: str
      fingerprint:
        description: SHA-256 fingerprint of the certificate there, unless an authority vouches for it.
        type: str
      comment:
        description: A text about it.
        type: str
      use_node_proxy:
        description: Go through the HTTP proxy of this server. Since Proxmox Backup Server 4.
        type: bool
      update_password:
        description: V(on_create) writes secrets only when it is created, V(always) every time.
        type: str
        choices: [on_create, always]
        default: on_create
"""

EXAMPLES = r"""
- name: The other site
  baremetal.proxmox.pbs_remote:
    config:
      - name: site2
        host: pbs.site2.example.org
        auth_id: sync@pbs!pull
        password: "{{ vault_site2_secret }}"
        fingerprint: "{{ site2_fingerprint }}"
"""

RETURN = r"""
before:
  description: All remotes before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{name: site2, host: pbs.site2.example.org, auth_id: 'sync@pbs!pull'}]
after:
  description: All remotes after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{name: site2, host: pbs.site2.example.org, auth_id: 'sync@pbs!pull'}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: site2, set: [host]}]
gathered:
  description: The remotes that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{name: site2, host: pbs.site2.example.org, auth_id: 'sync@pbs!pull'}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_settings import REMOTE
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_words import run


def main() -> None:
    run(REMOTE)


if __name__ == "__main__":
    main()

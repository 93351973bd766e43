#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_pbs_info
short_description: Whether the storages of a cluster can log in to their backup servers
version_added: 0.1.0
description:
  - Tells of storages of the type C(pbs) whether they are defined, whether the secret that the cluster keeps for them opens
    the backup server, and which encryption key they have. No secret is returned.
  - Runs on a node of the cluster, as root, so that the backup server is asked over the way that backups take.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  platform:
    platforms: debian
options:
  config:
    description: The storages.
    type: list
    elements: dict
    required: true
    suboptions:
      storage:
        description: Identifier of the storage.
        type: str
        required: true
      server:
        description: Address or name of the backup server.
        type: str
        required: true
      port:
        description: Its port.
        type: int
        default: 8007
      username:
        description: The user or token that logs in, such as V(rack@pbs!cluster).
        type: str
        required: true
      fingerprint:
        description: SHA-256 of the server's certificate. When it is not given, the node has to trust the certificate.
        type: str
"""

EXAMPLES = r"""
- name: Does the cluster still get into the backup server?
  baremetal.proxmox.storage_pbs_info:
    config:
      - storage: pbs
        server: 192.0.2.31
        username: rack@pbs!cluster
        fingerprint: "{{ backup_server.fingerprint }}"
"""

RETURN = r"""
storages:
  description: By storage.
  returned: success
  type: dict
  contains:
    defined:
      description: Whether the cluster has a storage of this name.
      type: bool
    secret:
      description:
        - V(none) is kept, the one that is kept V(works), it is V(refused), or the server was V(unreachable).
      type: str
    reason:
      description: Why, when it was refused or not reached.
      type: str
    encryption_key:
      description: Fingerprint of the encryption key, or V(1) for one that has none in it. Null where there is no key.
      type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.proxmox.plugins.module_utils import _errors, _pbs_login
from ansible_collections.baremetal.proxmox.plugins.module_utils._client import Client, local_session

CONFIG_SPEC = {
    "storage": {"type": "str", "required": True},
    "server": {"type": "str", "required": True},
    "port": {"type": "int", "default": 8007},
    "username": {"type": "str", "required": True},
    "fingerprint": {"type": "str"},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec={"config": {"type": "list", "elements": "dict", "required": True, "options": CONFIG_SPEC}},
        supports_check_mode=True,
    )

    def main_part(module: AnsibleModule) -> dict[str, Any]:
        client = Client(local_session(), local=True)
        try:
            return {"changed": False, "storages": _pbs_login.read(client, module.params["config"])}
        finally:
            client.close()

    _errors.run(module, main_part)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pbs_info
short_description: What a cluster has to know of a Proxmox Backup Server
version_added: 0.1.0
description:
  - Reads the version of a backup server, the fingerprint of the certificate that it shows, and its datastores.
  - On the server itself the fingerprint is that of the certificate's file, so that nobody on the wire can give another one.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.backup_connection
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  platform:
    platforms: debian
"""

EXAMPLES = r"""
- name: Read the fingerprint on the server
  baremetal.proxmox.pbs_info:
  register: backup_server
"""

RETURN = r"""
installed:
  description: Whether there is a backup server.
  returned: success
  type: bool
version:
  description: Its version; null where there is none.
  returned: success
  type: str
  sample: 4.1.1
fingerprint:
  description: SHA-256 of the certificate, as the module M(baremetal.proxmox.storage) takes it; null where there is none.
  returned: success
  type: str
datastores:
  description: Names of its datastores.
  returned: success
  type: list
  elements: str
  sample: [store1]
tokens:
  description: The comment of each API token by its name; a token without one has an empty text. No secret is in it.
  returned: success
  type: dict
  sample: {'rack@pbs!pbs': Storage pbs of the cluster rack}
"""

from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.proxmox.plugins.module_utils import _errors
from ansible_collections.baremetal.proxmox.plugins.module_utils._client import BACKUP_CONNECTION_SPEC, Client


def read(client: Client) -> dict[str, Any]:
    """src/api2/node/status.rs tells the fingerprint of proxy.pem."""
    if not client.installed:
        return {"installed": False, "version": None, "fingerprint": None, "datastores": [], "tokens": {}}
    status = client.get("/nodes/localhost/status")
    return {
        "installed": True,
        "version": ".".join(map(str, client.version)),
        "fingerprint": str(status["info"]["fingerprint"]).upper(),
        "datastores": sorted(row["store"] for row in client.get("/admin/datastore")),
        "tokens": {
            row["tokenid"]: str(row.get("comment") or "")
            for user in client.get("/access/users", include_tokens=1)
            for row in user.get("tokens") or ()
        },
    }


def run(connect: Callable[[AnsibleModule], Client] = Client.backup_server) -> None:
    module = AnsibleModule(argument_spec=BACKUP_CONNECTION_SPEC, supports_check_mode=True)

    def main_part(module: AnsibleModule) -> dict[str, Any]:
        client = connect(module)
        try:
            return {"changed": False, **read(client)}
        finally:
            client.close()

    _errors.run(module, main_part)


def main() -> None:
    run()


if __name__ == "__main__":
    main()

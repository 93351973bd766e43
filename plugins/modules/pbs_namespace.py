#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pbs_namespace
short_description: Namespaces of Proxmox Backup Server
version_added: 0.1.0
description:
  - Creates and removes namespaces of datastores.
  - A whole list in one call. Everything is checked before anything is written, and one error names every finding.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.backup_connection
  - baremetal.proxmox.resource
notes:
  - A namespace with backups in it is not removed.
  - O(state=overridden) is about the namespaces of all datastores.
  - Those of a datastore that cannot be read now, because it is in maintenance or not mounted, are left out.
options:
  config:
    description:
      - The namespaces, with Proxmox's own names.
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
    type: list
    elements: dict
    suboptions:
      store:
        description: The datastore.
        type: str
        required: true
      ns:
        description: The namespace, such as V(site/rack). The one above it has to exist, or to be listed as well.
        type: str
        required: true
"""

EXAMPLES = r"""
- name: A namespace for each rack of a site
  baremetal.proxmox.pbs_namespace:
    config:
      - {store: store1, ns: site1}
      - {store: store1, ns: site1/rack1}
      - {store: store1, ns: site1/rack2}
"""

RETURN = r"""
before:
  description: All namespaces before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{store: store1, ns: site1}]
after:
  description: All namespaces after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{store: store1, ns: site1}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: store1 site1}]
gathered:
  description: The namespaces that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{store: store1, ns: site1}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_store import NAMESPACE_TABLE
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_words import run


def main() -> None:
    run(NAMESPACE_TABLE)


if __name__ == "__main__":
    main()

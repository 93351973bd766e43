#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pbs_s3_endpoint
short_description: S3 endpoints of Proxmox Backup Server
version_added: 0.1.0
description:
  - Creates, changes and removes the object stores that datastores may lie in. Since Proxmox Backup Server 4.
  - A whole list in one call. Everything is checked before anything is written, and one error names every finding.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.backup_connection
  - baremetal.proxmox.resource
notes:
  - Nothing connects to the object store here.
  - An endpoint that a datastore uses is not removed.
options:
  config:
    description:
      - The S3 endpoints, with Proxmox's own names.
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
    type: list
    elements: dict
    suboptions:
      id:
        description: Name of the endpoint.
        type: str
        required: true
      endpoint:
        description:
          - Address or name of the object store; C({{bucket}}) and C({{region}}) in it stand for these. Needed to create
            an endpoint.
        type: str
      access_key:
        description: The access key. Needed to create an endpoint.
        type: str
      secret_key:
        description: The secret key. Needed to create an endpoint.
        type: str
      region:
        description: The region.
        type: str
      fingerprint:
        description: SHA-256 fingerprint of the certificate there, unless an authority vouches for it.
        type: str
      port:
        description: Its port.
        type: int
      path_style:
        description: The bucket is in the path, not in the name. V(false) when not given.
        type: bool
      put_rate_limit:
        description: How many uploads a second there may be.
        type: int
      provider_quirks:
        description:
          - >-
              What the provider does differently: V(skip-if-none-match-header), V(delete-objects-via-delete-object).
        type: list
        elements: str
      rate_in:
        description: How much may come in, in bytes a second with a unit, such as V(10 MB) or V(1.5GiB).
        type: str
      rate_out:
        description: The same for what goes out.
        type: str
      burst_in:
        description: How much may come in for a moment.
        type: str
      burst_out:
        description: The same for what goes out.
        type: str
      update_password:
        description: V(on_create) writes secrets only when it is created, V(always) every time.
        type: str
        choices: [on_create, always]
        default: on_create
"""

EXAMPLES = r"""
- name: The object store
  baremetal.proxmox.pbs_s3_endpoint:
    config:
      - id: cloud
        endpoint: s3.example.org
        region: eu-1
        access_key: "{{ vault_s3_access_key }}"
        secret_key: "{{ vault_s3_secret_key }}"
"""

RETURN = r"""
before:
  description: All S3 endpoints before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{id: cloud, endpoint: s3.example.org, region: eu-1, access_key: AKIA}]
after:
  description: All S3 endpoints after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{id: cloud, endpoint: s3.example.org, region: eu-1, access_key: AKIA}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: cloud, set: [region]}]
gathered:
  description: The S3 endpoints that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{id: cloud, endpoint: s3.example.org, region: eu-1, access_key: AKIA}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_settings import S3_ENDPOINT
from ansible_collections.baremetal.proxmox.plugins.module_utils._pbs_words import run


def main() -> None:
    run(S3_ENDPOINT)


if __name__ == "__main__":
    main()

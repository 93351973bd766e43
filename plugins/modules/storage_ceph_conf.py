#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_ceph_conf
short_description: The ceph.conf of a storage on another Ceph cluster
version_added: 0.1.0
description:
  - Writes C(/etc/pve/priv/ceph/STORAGE.conf), which Proxmox VE uses for an RBD storage on a Ceph cluster that it does not
    manage, that is one with monitors in its definition.
  - The option C(keyring) has to lead to the key of the storage, C(/etc/pve/priv/ceph/STORAGE.keyring), as in the file that
    Proxmox itself writes. A text without it gets it.
  - The definition of the storage, which brings the key, comes from M(baremetal.proxmox.storage).
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: What is in the file is a secret.
  platform:
    platforms: debian
options:
  storage:
    description: Identifier of the storage.
    type: str
    required: true
  conf:
    description: The text. It has sections, as a ceph.conf has.
    type: str
    required: true
seealso:
  - module: baremetal.proxmox.storage
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
- name: Settings of the other cluster
  baremetal.proxmox.storage_ceph_conf:
    storage: far
    conf: |
      [global]
      ms_client_mode = secure
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
  sample: /etc/pve/priv/ceph/far.conf
"""

import os
import re
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.proxmox.plugins.module_utils import _ceph_conf, _errors, _node
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import InputError
from ansible_collections.baremetal.proxmox.plugins.module_utils._module import Module
from ansible_collections.baremetal.proxmox.plugins.module_utils._storage import STORAGE

# PVE/CephConfig.pm: where ceph_connect_option looks
FOLDER = "/etc/pve/priv/ceph"


def text(storage: str, conf: str) -> str:
    """The file. Raises InputError for a text that is no ceph.conf, without a word of what is in it."""
    sections = _ceph_conf.parse(conf)
    if not sections:
        raise InputError("conf: expected a ceph.conf with sections such as [global], found a text without any.")
    body = conf.strip("\n") + "\n"
    if any("keyring" in keys for keys in sections.values()):
        return body
    line = f"keyring = {FOLDER}/{storage}.keyring\n"
    if "global" in sections:
        return re.sub(r"(?m)^(\s*\[\s*global\s*\][^\n]*\n)", lambda match: match[1] + line, body, count=1)
    return f"[global]\n{line}\n{body}"


def converge(module: AnsibleModule, root: Path) -> dict[str, Any]:
    storage = str(module.params["storage"])
    try:
        STORAGE.key.read(storage)
    except ValueError as error:
        raise InputError(f"storage: expected another name: it {error}.") from error
    wanted, path = text(storage, module.params["conf"]), f"{FOLDER}/{storage}.conf"
    changed = _node.Machine(root).read(path) != wanted
    if changed and not module.check_mode:
        _write(root / path.lstrip("/"), wanted)
    return {"changed": changed, "path": path}


def _write(file: Path, wanted: str) -> None:
    """Beside it, then in its place. Below /etc/pve/priv the cluster file system makes files of mode 0600, and no others."""
    file.parent.mkdir(exist_ok=True)
    temporary = file.with_name(f"{file.name}.tmp.{os.getpid()}")
    temporary.touch(mode=0o600)
    temporary.write_text(wanted)
    temporary.replace(file)


def run(root: Path = Path("/")) -> None:
    module = Module(
        argument_spec={
            "storage": {"type": "str", "required": True},
            "conf": {"type": "str", "required": True, "no_log": True},
        },
        supports_check_mode=True,
        no_log=True,
    )
    _errors.run(module, lambda module: converge(module, root))


def main() -> None:
    run()


if __name__ == "__main__":
    main()

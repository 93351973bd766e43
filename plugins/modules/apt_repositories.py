#!/usr/bin/python
# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apt_repositories
short_description: Converge all Proxmox package repositories of a node in one call
version_added: 0.1.0
description:
  - Makes sure that each repository of O(config) is provided by exactly one enabled entry below C(/etc/apt).
  - An entry that is there already, in whatever file and format (deb822 or one line), counts; nothing is written for it.
  - A missing repository is written as deb822 to C(/etc/apt/sources.list.d/NAME.sources).
  - Entries that match O(disable) and are not listed are disabled where they stand, with the field C(Enabled) in deb822
    files and a comment sign in one-line files. Nothing is deleted.
  - The package lists are not refreshed.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
options:
  config:
    description: The repositories to have.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the file (without suffix) that is written if no entry provides the repository yet.
        type: str
        required: true
      uri:
        description: The URI of the repository.
        type: str
        required: true
      suite:
        description: The suite, for Proxmox VE the name of the Debian release.
        type: str
        required: true
      components:
        description: The components to have.
        type: list
        elements: str
        required: true
      signed_by:
        description: Absolute path of the keyring on the node.
        type: path
        required: true
  disable:
    description:
      - Regular expressions, searched in C(URI SUITE COMPONENT …) of each enabled entry that O(config) does not list.
      - The entries found are disabled.
    type: list
    elements: str
    default: []
  debian:
    description:
      - Components, such as V(non-free-firmware), that the enabled entries of Debian itself are to have as well.
      - Those are the entries with the component C(main) and the suite of O(debian_release), its updates or its security
        updates, whatever mirror they name. A missing component is added where they stand.
    type: list
    elements: str
    default: []
  debian_release:
    description: Code name of the Debian release for O(debian).
    type: str
attributes:
  check_mode:
    support: full
    description: Tells what would be written and writes nothing.
  diff_mode:
    support: full
    description: Shows each file before and after.
notes:
  - Formats after sources.list(5) of apt; the entries that Proxmox ships after pve-docs, chapter Package Repositories.
"""

EXAMPLES = r"""
- name: Only the no-subscription repository of Proxmox VE 9 is enabled
  baremetal.proxmox.apt_repositories:
    config:
      - name: proxmox
        uri: http://download.proxmox.com/debian/pve
        suite: trixie
        components: [pve-no-subscription]
        signed_by: /usr/share/keyrings/proxmox-archive-keyring.gpg
    disable:
      - '\bpve-(enterprise|test)\b'
      - '^https://enterprise\.proxmox\.com/'
"""

RETURN = r"""
files:
  description: The files that were (or in check mode would be) written.
  type: list
  elements: str
  returned: always
  sample: [/etc/apt/sources.list.d/proxmox.sources]
"""

import os
import re

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._apt import Sources, complete, converge

ETC_APT = "/etc/apt"
CONFIG_SPEC = {
    "name": {"type": "str", "required": True},
    "uri": {"type": "str", "required": True},
    "suite": {"type": "str", "required": True},
    "components": {"type": "list", "elements": "str", "required": True},
    "signed_by": {"type": "path", "required": True},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "config": {"type": "list", "elements": "dict", "required": True, "options": CONFIG_SPEC},
            "disable": {"type": "list", "elements": "str", "default": []},
            "debian": {"type": "list", "elements": "str", "default": []},
            "debian_release": {"type": "str"},
        },
        supports_check_mode=True,
    )
    sources = Sources(ETC_APT)
    try:
        complete(sources, module.params["debian_release"], module.params["debian"])
        converge(sources, ETC_APT, module.params["config"], module.params["disable"])
    except re.error as error:
        module.fail_json(msg=f"disable: expected regular expressions, found {error.pattern!r}: {error}")
    except ValueError as error:
        module.fail_json(msg=f"debian: {error}")
    files = sources.changed()
    diff = [
        {
            "before_header": path,
            "after_header": path,
            "before": sources.before.get(path, ""),
            "after": sources.text(path),
        }
        for path in files
    ]
    if not module.check_mode:
        for path in files:
            temporary = os.path.join(module.tmpdir, os.path.basename(path))
            with open(temporary, "w", encoding="utf-8") as file:
                file.write(sources.text(path))
            os.chmod(temporary, 0o644)
            module.atomic_move(temporary, path)
    module.exit_json(changed=bool(files), files=files, diff=diff)


if __name__ == "__main__":
    main()

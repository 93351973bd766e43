#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: notification_matcher
short_description: Which notifications of Proxmox VE go where
version_added: 0.1.0
description:
  - Creates, changes and removes matchers, which send notifications to targets, a whole list of them in one call.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
notes:
  - C(default-matcher) is brought by Proxmox. It can be changed, and is never removed.
options:
  config:
    description:
      - The matchers, with Proxmox's own names, C(_) for C(-).
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the matcher.
        type: str
        required: true
      match_field:
        description: Fields, each V(exact:NAME=VALUE) or V(regex:NAME=PATTERN), such as V(exact:type=vzdump).
        type: list
        elements: str
      match_severity:
        description:
          - Severities. Each entry is one condition; several severities of one condition have commas between them
            (V('warning,error')).
        type: list
        elements: str
      match_calendar:
        description: Times, such as V(mon..fri 8-17).
        type: list
        elements: str
      target:
        description: Names of the targets.
        type: list
        elements: str
      mode:
        description: Whether all conditions have to be met, or one of them.
        type: str
        choices: [all, any]
      invert_match:
        description: Whether it is the other way round.
        type: bool
      comment:
        description: A text about it.
        type: str
      disable:
        description: Whether it is switched off.
        type: bool
"""

EXAMPLES = r"""
- name: What went wrong goes to the chat, everything else by mail as before
  baremetal.proxmox.notification_matcher:
    config:
      - name: trouble
        match_severity: ['error,warning']
        target: [chat]
  run_once: true
"""

RETURN = r"""
before:
  description: All matchers before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: []
after:
  description: All matchers after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{name: trouble, match_severity: ['error,warning'], target: [chat]}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: trouble, set: [match_severity, target]}]
gathered:
  description: The matchers that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{name: trouble, match_severity: ['error,warning'], target: [chat]}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._notifications import MATCHER


def main() -> None:
    ResourceModule(MATCHER).run()


if __name__ == "__main__":
    main()

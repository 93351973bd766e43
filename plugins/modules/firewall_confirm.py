#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall_confirm
short_description: Come back to a node of Proxmox VE whose firewall was just switched on
version_added: 0.1.0
description:
  - Connects anew to the node until its firewall has taken over what is configured. The last connection is one that was made
    when it had.
  - It is meant for the minute after M(baremetal.proxmox.firewall_options) has switched the firewall on with C(trial). When no
    connection comes about, the task fails, and Proxmox switches the firewall off again by itself.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
options:
  timeout:
    description: Seconds after which it is given up. Proxmox gives 60 from the call that switched it on.
    type: int
    default: 45
attributes:
  check_mode:
    description: Skipped, because without a change there is nothing to come back after.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
notes:
  - On a machine without the command C(pve-firewall), one new connection is all that is looked for.
"""

EXAMPLES = r"""
- name: Come back
  baremetal.proxmox.firewall_confirm:
"""

RETURN = r"""
ready:
  description: Whether the firewall of the node has taken over what is configured.
  returned: always
  type: bool
  sample: true
status:
  description: What C(pve-firewall status) says.
  returned: where there is such a command
  type: str
  sample: enabled/running
"""

import contextlib
import re
import time

from ansible.module_utils.basic import AnsibleModule

CONFIGURED = "/etc/pve/firewall/cluster.fw"
TRIAL_SECONDS = 60


def over(text: str, now: float) -> bool:
    """Whether the trial has ended, and no connection says anything any more: parse_clusterfw_option in PVE/Firewall.pm."""
    since = re.search(r"^enable:\s*(\d+)\s*$", text, re.MULTILINE)
    return since is not None and int(since[1]) > 1 and now - int(since[1]) > TRIAL_SECONDS


def configured() -> str:
    with contextlib.suppress(OSError), open(CONFIGURED, encoding="utf-8", errors="replace") as file:
        return file.read()
    return ""


def ready(status: str) -> bool:
    """From what the command prints; see its end in PVE/Service/pve_firewall.pm."""
    return "running" in status and "pending" not in status


def main() -> None:
    module = AnsibleModule({"timeout": {"type": "int", "default": 45}}, supports_check_mode=True)
    command = module.get_bin_path("pve-firewall")
    if not command:
        module.exit_json(changed=False, ready=True)
    code, output, error = module.run_command([command, "status"], environ_update={"LC_ALL": "C"})
    if code:
        module.fail_json(msg=f"pve-firewall status: exit code {code}: {error.strip() or output.strip()}")
    if over(configured(), time.time()):
        module.fail_json(
            msg=f"expected the firewall to be on, found that its {TRIAL_SECONDS} s on trial are over, so that Proxmox has"
            " switched it off again. Nobody has confirmed it. Where there are many nodes, take more forks (-f)"
        )
    status = output.strip().removeprefix("Status:").strip()
    module.exit_json(changed=False, ready=ready(status), status=status)


if __name__ == "__main__":
    main()

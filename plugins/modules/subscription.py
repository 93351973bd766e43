#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: subscription
short_description: The subscription key of a Proxmox VE node
version_added: 0.1.0
description:
  - Sets the subscription key of the node that is asked, when it has another one or none.
  - Proxmox asks its shop about a new key, from the node. A key that is there already is not asked about again.
  - When the subscription is not active afterwards, a warning says what Proxmox says.
extends_documentation_fragment:
  - baremetal.proxmox.connection
options:
  key:
    description: The key, such as C(pve2c-) with ten digits. It goes to the node's API only, never to a command.
    type: str
    required: true
attributes:
  check_mode:
    support: full
    description: Runs without changing anything, and tells what would be changed.
  diff_mode:
    support: full
    description: Shows the status. Keys are not in it.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
- name: Set the subscription key
  baremetal.proxmox.subscription:
    key: "{{ vault_subscription_key }}"
"""

RETURN = r"""
subscription:
  description: What Proxmox says of the subscription after the call; the key and the server's identifier are not in it.
  returned: success
  type: dict
  sample: {status: active, level: c, nextduedate: '2027-01-01', productname: Proxmox VE Community Subscription}
"""

from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.proxmox.plugins.module_utils import _errors, _names
from ansible_collections.baremetal.proxmox.plugins.module_utils._client import CONNECTION_SPEC, Client
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import (
    ApiError,
    ConnectionLost,
    InputError,
    NotInstalled,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._module import Module

SHOWN = ("status", "message", "level", "nextduedate", "productname")


def converge(module: AnsibleModule, client: Client) -> dict[str, Any]:
    key = module.params["key"].strip()
    if not _names.SUBSCRIPTION.fullmatch(key):
        raise InputError(f"key: expected {_names.SUBSCRIPTION_MEANING}, found another text.")
    if not client.installed:
        if not module.check_mode:
            raise NotInstalled("Proxmox VE is not installed on this machine.", hint="Install it first (role pve_host).")
        return _result({"status": "notfound"}, {"status": "new"}, True)
    path = f"/nodes/{client.node}/subscription"
    before = client.get(path)
    if before.get("key") == key:
        return _told(module, _result(before, before, False))
    if module.check_mode:
        return _result(before, {"status": "new"}, True)
    try:
        client.put(path, key=key)
    except (ApiError, ConnectionLost) as error:
        error.hint = "The shop is asked from the node: see its way to the internet, or http_proxy of the datacentre."
        if not isinstance(error, ConnectionLost) or client.get(path).get("key") != key:
            raise
    return _told(module, _result(before, client.get(path), True))


def _result(before: dict[str, Any], after: dict[str, Any], changed: bool) -> dict[str, Any]:
    shown = [{name: one[name] for name in SHOWN if one.get(name)} for one in (before, after)]
    return {"changed": changed, "subscription": shown[1], "diff": {"before": shown[0], "after": shown[1]}}


def _told(module: AnsibleModule, result: dict[str, Any]) -> dict[str, Any]:
    found = result["subscription"]
    if found.get("status") != "active":
        module.warn(
            f"subscription: expected it to be active, found {found.get('status')}: {found.get('message', 'no reason given')}"
        )
    return result


def run(connect: Callable[[AnsibleModule], Client] = Client.from_module) -> None:
    module = Module(
        argument_spec={"key": {"type": "str", "required": True, "no_log": True}, **CONNECTION_SPEC},
        supports_check_mode=True,
        no_log=True,
    )

    def main_part(module: AnsibleModule) -> dict[str, Any]:
        client = connect(module)
        try:
            return converge(module, client)
        finally:
            client.close()

    _errors.run(module, main_part)


def main() -> None:
    run()


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate
short_description: The certificate that a node of Proxmox VE shows
version_added: 0.1.0
description:
  - Gives the node that is asked a certificate for its web interface and API, either one of your own, or one that is
    ordered by ACME. The certificates by which the cluster's nodes know each other are not touched.
  - What is there is known by its fingerprint. Keys are never read back and never shown.
  - pveproxy restarts after a change, and the module waits until it shows the new certificate.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
notes:
  - Certificate and key are checked by C(openssl) on the machine where the module runs, before anything is changed.
  - Proxmox renews what was ordered by ACME every day by itself when it is about to end; O(min_days) is for what that
    did not do.
  - Without O(api_host) the whole chain is compared, with it the first certificate only, because the API tells no more.
options:
  state:
    description:
      - V(own) uploads O(certificate) and O(key) where the node has another one, whoever made it.
      - V(acme) orders a certificate for the domains in the node's options (M(baremetal.proxmox.node_options)) where the
        node has none of its own or one for other names, and renews one that ends in less than O(min_days).
      - V(absent) removes it, so that the node shows the one that the cluster's CA has signed.
    type: str
    choices: [own, acme, absent]
    default: own
  certificate:
    description: The certificate and those that vouch for it as PEM text, the server's own first. Needed for O(state=own).
    type: str
  key:
    description: Its private key as PEM text, without a passphrase. Needed for O(state=own).
    type: str
  domains:
    description:
      - The names that the node's options are expected to have with O(state=acme). Another list there is refused.
      - In check mode they stand for what has not been written yet.
    type: list
    elements: str
  min_days:
    description:
      - With O(state=acme) a certificate that is good for fewer days is renewed; with O(state=own) there is a warning.
    type: int
    default: 30
  force:
    description: Renews with O(state=acme), whatever is there. The task is never idempotent then.
    type: bool
    default: false
  revoke:
    description: With O(state=absent), whether the authority is told that the certificate is not to be trusted any more.
    type: bool
    default: false
  timeout:
    description: Seconds that an order may take. Each domain that is proved by DNS takes its delay at least.
    type: int
    default: 900
attributes:
  check_mode:
    support: full
    description: Runs without changing anything, and tells what would be changed.
  diff_mode:
    support: full
    description: Shows subject, issuer, names, validity and fingerprint. Keys are not in it.
"""

EXAMPLES = r"""
- name: A certificate of our own
  baremetal.proxmox.certificate:
    certificate: "{{ lookup('ansible.builtin.file', 'certificates/' ~ inventory_hostname ~ '.pem') }}"
    key: "{{ vault_certificate_key }}"

- name: One from Let's Encrypt for what the node's options say
  baremetal.proxmox.certificate:
    state: acme
    domains: ["{{ inventory_hostname }}.example.org"]

- name: Back to the cluster's
  baremetal.proxmox.certificate:
    state: absent
"""

RETURN = r"""
action:
  description: What was done, or would be; V(none), V(upload), V(order), V(renew), V(remove) or V(revoke).
  returned: success
  type: str
  sample: upload
reason:
  description: Why.
  returned: when something is to do
  type: str
  sample: the node has none of its own
before:
  description: The certificate before, empty where it was that of the cluster. Times are seconds since 1970.
  returned: success
  type: dict
  sample: {}
after:
  description: The certificate after the call; in check mode as far as it can be predicted.
  returned: success
  type: dict
  sample:
    subject: /CN=pve1.example.org
    issuer: /O=Example/CN=Our CA
    san: [pve1.example.org]
    notbefore: 1795171718
    notafter: 1802947718
    fingerprint: 6C:26:4D:41:30:8B:F7:6A:53:33:A0:7F:E6:AC:15:DD:43:DF:27:53:72:A0:4B:90:4A:07:69:71:A7:26:EF:12
"""

import time
from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.proxmox.plugins.module_utils import _errors, _node_certificate, _pem
from ansible_collections.baremetal.proxmox.plugins.module_utils._client import CONNECTION_SPEC, Client
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import NotInstalled
from ansible_collections.baremetal.proxmox.plugins.module_utils._module import Module
from ansible_collections.baremetal.proxmox.plugins.module_utils._node_certificate import DAY, Node, Place, Plan


def converge(module: AnsibleModule, connect: Callable[[AnsibleModule], Client], place: Place) -> dict[str, Any]:
    params, now = module.params, time.time()
    pair = None
    if params["state"] == "own":
        # what does not belong there is refused, and must not be shown with the refusal
        module.no_log_values.update(_pem.blocks(params["certificate"], "PRIVATE KEY"))
        pair = _pem.read_pair(params["certificate"], params["key"], now)
        for sentence in _pem.gaps(pair.chain):
            module.warn(sentence)
        if (days := int((pair.chain[0].notafter - now) / DAY)) < params["min_days"]:
            module.warn(f"certificate: expected it to be good for {params['min_days']} days, found {days}")
    client = connect(module)
    try:
        if not client.installed:
            return _not_yet(module, pair)
        node = Node(client, place, timeout=float(params["timeout"]), warn=module.warn)
        before = node.current()
        plan = _plan(module, node, pair, before, now)
        if plan is None:
            return _result(None, before, before)
        return _result(plan, before, dict(plan.after) if module.check_mode else node.make(plan, pair))
    finally:
        client.close()


def _plan(module: AnsibleModule, node: Node, pair: _pem.Pair | None, before: Any, now: float) -> Plan | None:
    params = module.params
    if pair:
        return node.plan_own(pair, before)
    if params["state"] == "acme":
        wanted = (params["domains"], params["min_days"], params["force"])
        return node.plan_acme(*wanted, before, now, module.check_mode)
    return Plan("revoke" if params["revoke"] else "remove", "it shall have none of its own", {}) if before else None


def _not_yet(module: AnsibleModule, pair: _pem.Pair | None) -> dict[str, Any]:
    if not module.check_mode:
        raise NotInstalled("Proxmox VE is not installed on this machine.", hint="Install it first (role pve_host).")
    if module.params["state"] == "absent":
        return _result(None, {}, {})
    after = _node_certificate.of_pair(pair) if pair else {"san": sorted(module.params["domains"] or ())}
    return _result(Plan("upload" if pair else "order", "the node has none of its own", after), {}, after)


def _result(plan: Plan | None, before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    told = {"action": plan.action, "reason": plan.reason} if plan else {"action": "none"}
    return {
        "changed": plan is not None,
        **told,
        "before": before,
        "after": after,
        "diff": {"before": before, "after": after},
    }


def run(connect: Callable[[AnsibleModule], Client] = Client.from_module, place: Place | None = None) -> None:
    module = Module(
        argument_spec={
            "state": {"type": "str", "choices": ["own", "acme", "absent"], "default": "own"},
            "certificate": {"type": "str"},
            "key": {"type": "str", "no_log": True},
            "domains": {"type": "list", "elements": "str"},
            "min_days": {"type": "int", "default": 30},
            "force": {"type": "bool", "default": False},
            "revoke": {"type": "bool", "default": False},
            "timeout": {"type": "int", "default": 900},
            **CONNECTION_SPEC,
        },
        required_if=[("state", "own", ["certificate", "key"])],
        supports_check_mode=True,
        no_log=True,
    )
    _errors.run(module, lambda module: converge(module, connect, place or Place.of(module.params)))


def main() -> None:
    run()


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: datacenter_options
short_description: Settings of the whole datacenter of Proxmox VE
version_added: 0.1.0
description:
  - Sets what the web interface has under Datacenter, Options, and C(/etc/pve/datacenter.cfg) holds.
  - There is one of it, so that O(config) is a dict. With O(state=deleted) all settings are taken away, and O(config)
    is not needed.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
notes:
  - C(migration_unsecure) of older clusters is O(config.migration) here.
options:
  config:
    description:
      - The settings, with Proxmox's own names, C(_) for C(-).
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
      - A setting that is itself a dict is given as a whole, as a dict or as Proxmox's own string
        (C(type=secure,network=10.0.0.0/24)).
    type: dict
    suboptions:
      bwlimit:
        description: Limits in KiB/s, by C(default), C(clone), C(migration), C(move) and C(restore).
        type: dict
      consent_text:
        description: What has to be agreed to before a login; Markdown.
        type: str
      console:
        description: The viewer for consoles.
        type: str
        choices: [html5, vv, xtermjs]
      crs:
        description:
          - How HA chooses nodes. C(ha) is V(basic), V(static) or, from Proxmox VE 9, V(dynamic);
            C(ha_rebalance_on_start) chooses when a guest is started; C(ha_auto_rebalance) with
            C(ha_auto_rebalance_threshold), C(ha_auto_rebalance_method), C(ha_auto_rebalance_hold_duration) and
            C(ha_auto_rebalance_margin) moves guests at any time.
        type: dict
      description:
        description: Notes that the web interface shows; Markdown.
        type: str
      email_from:
        description: Sender of Proxmox's mails.
        type: str
      fencing:
        description: How a lost node is fenced. Proxmox calls all but V(watchdog) experimental.
        type: str
        choices: [watchdog, hardware, both]
      ha:
        description:
          - C(shutdown_policy) says what becomes of HA's guests when a node shuts down, V(freeze), V(failover),
            V(conditional) or V(migrate).
        type: dict
      http_proxy:
        description: Proxy for downloads. It counts as secret, because a password may be part of it.
        type: str
      keyboard:
        description: Layout of the keyboard for consoles.
        type: str
        choices:
          [de, de-ch, da, en-gb, en-us, es, fi, fr, fr-be, fr-ca, fr-ch, hu, is, it, ja, lt, mk, nl,
           'no', pl, pt, pt-br, sv, sl, tr]
      language:
        description: Language of the web interface.
        type: str
        choices:
          [ar, ca, da, de, en, es, eu, fa, fr, hr, he, it, ja, ka, kr, nb, nl, nn, pl, pt_BR, ru, sl,
           sv, tr, ukr, zh_CN, zh_TW]
      location:
        description: Where it is, C(latitude), C(longitude) and perhaps C(name). From Proxmox VE 9.2 on.
        type: dict
      mac_prefix:
        description: What the MAC addresses of guests begin with.
        type: str
      max_workers:
        description: How many guests of a node are started, stopped or moved at a time.
        type: int
      migration:
        description: C(type) (V(secure) or V(insecure)) and C(network) of migrations.
        type: dict
      next_id:
        description: Range of the numbers that new guests get, C(lower) and C(upper).
        type: dict
      notify:
        description:
          - What is notified, C(fencing), C(package_updates), C(replication). Left from before
            M(baremetal.proxmox.notification_matcher).
        type: dict
      registered_tags:
        description: Tags that only administrators may set.
        type: list
        elements: str
      replication:
        description: C(type) (V(secure) or V(insecure)) and C(network) of storage replication. From Proxmox VE 9 on.
        type: dict
      tag_style:
        description:
          - How tags look, C(shape), C(color_map) (list of C(TAG:RRGGBB) or C(TAG:RRGGBB:RRGGBB)), C(ordering),
            C(case_sensitive).
        type: dict
      u2f:
        description: C(appid) and C(origin) for U2F.
        type: dict
      user_tag_access:
        description:
          - Which tags users may set, C(user_allow) (V(none), V(list), V(existing) or V(free)) and C(user_allow_list).
        type: dict
      webauthn:
        description: C(rp), C(origin), C(id) and C(allow_subdomains) for WebAuthn.
        type: dict
"""

EXAMPLES = r"""
- name: Migration over a network of its own, guests move away before a node shuts down
  baremetal.proxmox.datacenter_options:
    config:
      migration: {type: secure, network: 10.10.20.0/24}
      ha: {shutdown_policy: migrate}
      crs: {ha: static, ha_rebalance_on_start: true}
      next_id: {lower: 1000, upper: 9999}
      keyboard: de
  run_once: true
"""

RETURN = r"""
before:
  description: The settings before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: dict
  sample: {keyboard: de, mac_prefix: 'BC:24:11'}
after:
  description: The settings after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: dict
  sample: {keyboard: en-us, mac_prefix: 'BC:24:11'}
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: update, item: datacenter, set: [keyboard]}]
gathered:
  description: The settings, in the form of O(config).
  returned: with O(state=gathered)
  type: dict
  sample: {keyboard: en-us, mac_prefix: 'BC:24:11'}
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._datacenter import DATACENTER
from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule


def main() -> None:
    ResourceModule(DATACENTER).run()


if __name__ == "__main__":
    main()

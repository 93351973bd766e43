#!/usr/bin/python

# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_network
short_description: The network of a node, changed so that it comes back by itself
version_added: 0.1.0
description:
  - Keeps C(/etc/network/interfaces) in the form in which Proxmox VE writes it, and applies changes with C(ifreload).
  - "A change has to be confirmed with M(baremetal.proxmox.node_network_confirm). The node first arms a timer that takes the
    change back, and only then makes it; without a confirmation within O(confirm_timeout) seconds the old configuration is
    back, whatever becomes of the controller. Until the confirmation the file itself is the old one, so that a reboot or a
    power cut brings the old configuration up, too."
  - The module answers a moment before the network changes, because its connection may not survive that.
  - A change that another run left unconfirmed is waited for until the node has taken it back.
  - The role C(baremetal.proxmox.pve_network) does all of this in the right order.
options:
  config:
    description:
      - The interfaces, by the names of Proxmox's API with C(_) for C(-).
      - With O(state=merged), an interface that is listed is as its item says in everything that has an option here. Lines
        for which there is no option stay, and so do comments if O(config[].comments) is not given. Interfaces that are not
        listed stay as they are.
      - With O(state=overridden), the items are everything. Interfaces that are not listed go, NICs stay without
        configuration, and so do the loopback and C(source) lines.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the interface, at most 15 characters.
        type: str
        required: true
      type:
        description: The type. By default what Proxmox takes an interface of this name and these options for.
        type: str
        choices: [eth, bond, bridge, vlan, alias, OVSBridge, OVSBond, OVSIntPort, OVSPort]
      autostart:
        description: Whether it comes up at boot.
        type: bool
        default: true
      method:
        description: How IPv4 is configured. By default V(static) if there is an address, else V(manual).
        type: str
        choices: [static, dhcp, manual]
      method6:
        description: How IPv6 is configured. By default V(static) if there is an address, else V(manual).
        type: str
        choices: [static, dhcp, auto, manual]
      addresses:
        description:
          - Addresses of both families, each with its prefix.
          - Proxmox keeps one for each family and interface. The others are written as aliases (C(vmbr0:1)), which it keeps.
        type: list
        elements: str
      gateway:
        description: IPv4 default gateway.
        type: str
      gateway6:
        description: IPv6 default gateway.
        type: str
      mtu:
        description: >-
          MTU, from 1280 to 65520. Without it, a VLAN has that of the device below it, a NIC in a bond that of the bond, and
          everything else 1500, a bridge too whatever its ports have.
        type: int
      comments:
        description: Comment lines.
        type: str
      slaves:
        description: NICs of a bond.
        type: list
        elements: str
      bond_mode:
        description:
          - Mode of a bond, one of V(balance-rr), V(active-backup), V(balance-xor), V(broadcast), V(802.3ad) (LACP),
            V(balance-tlb) and V(balance-alb). By default V(balance-rr).
          - Mode of an OVSBond, one of V(active-backup), V(balance-slb), V(lacp-balance-slb) and V(lacp-balance-tcp). By
            default V(active-backup).
        type: str
      bond_miimon:
        description: Milliseconds between checks of the link; 100 by default.
        type: int
      bond_lacp_rate:
        description: Rate of LACP packets, with V(802.3ad). By default V(slow).
        type: str
        choices: [slow, fast]
      bond_xmit_hash_policy:
        description: >-
          Which NIC a packet goes out of, with V(802.3ad) and V(balance-xor); one of V(layer2), V(layer2+3), V(layer3+4),
          V(encap2+3), V(encap3+4) and V(vlan+srcmac). By default V(layer2).
        type: str
      bond_primary:
        description: The preferred NIC, with V(active-backup).
        type: str
      bridge_ports:
        description: Ports of a bridge; none if empty.
        type: list
        elements: str
      bridge_vlan_aware:
        description: Whether the bridge carries tags.
        type: bool
      bridge_vids:
        description: Tags that a VLAN-aware bridge carries, single ones or ranges; C(2-4094) by default.
        type: raw
      bridge_stp:
        description: Whether the bridge speaks the spanning tree protocol. By default it does not.
        type: bool
      bridge_fd:
        description: Forwarding delay in seconds; 0 by default without O(config[].bridge_stp).
        type: int
      vlan_raw_device:
        description: The device below a VLAN, if the VLAN's name does not say so.
        type: str
      vlan_id:
        description: The tag, from 1 to 4094, if the VLAN's name does not say so.
        type: int
      ovs_ports:
        description: Ports of an OVSBridge.
        type: list
        elements: str
      ovs_bonds:
        description: NICs of an OVSBond.
        type: list
        elements: str
      ovs_bridge:
        description: The OVSBridge that a port belongs to.
        type: str
      ovs_tag:
        description: VLAN tag of a port, from 1 to 4094.
        type: int
      ovs_options:
        description: Further options for Open vSwitch.
        type: str
      routes:
        description: Static routes.
        type: list
        elements: dict
        suboptions:
          to:
            description: The network.
            type: str
            required: true
          via:
            description: The router.
            type: str
            required: true
          metric:
            description: Metric of the route.
            type: int
      pre_up:
        description: Commands before the interface comes up.
        type: list
        elements: str
      post_up:
        description: Commands when it is up.
        type: list
        elements: str
      pre_down:
        description: Commands before it goes down.
        type: list
        elements: str
      post_down:
        description: Commands when it is down.
        type: list
        elements: str
      match:
        description:
          - Which NIC is meant, by its permanent MAC address or its PCI path.
          - Without O(config[].pin) the name that the NIC has is written, wherever the list says O(config[].name).
        type: dict
        suboptions:
          mac:
            description: Permanent MAC address.
            type: str
          pci:
            description: PCI path, such as V(0000:01:00.0).
            type: str
      pin:
        description:
          - Whether the matched NIC gets the name O(config[].name) and keeps it, by a file C(50-pmx-NAME.link) in
            C(/usr/local/lib/systemd/network), as from C(pve-network-interface-pinning).
          - The NIC is renamed at once as part of the change (its link goes down for a moment), and renamed back if the
            change is not confirmed. The file is written with the confirmation.
          - Rules of Proxmox's firewall, SDN controllers and fabrics that name the NIC are not changed.
        type: bool
  state:
    description:
      - V(merged) and V(overridden) bring O(config) into the file.
      - V(gathered) changes nothing and returns what is there, in the form that O(config) takes.
    type: str
    choices: [merged, overridden, gathered]
    default: merged
  confirm_timeout:
    description: Seconds after which a change that is not confirmed is taken back.
    type: int
    default: 60
  variable:
    description: The variable that holds O(config), for the sentences of findings.
    type: str
    default: config
  host:
    description: The name of the machine in the inventory, for the sentences of findings.
    type: str
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
    details: Everything is checked, with C(ifup --syntax-check) of the new file too, and nothing is touched.
  diff_mode:
    support: full
  platform:
    platforms: debian
seealso:
  - module: baremetal.proxmox.node_network_confirm
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
"""

EXAMPLES = r"""
- name: A bond, a VLAN-aware bridge on it, and a network of storage
  baremetal.proxmox.node_network:
    config:
      - name: bond0
        slaves: [eno1, eno2]
        bond_mode: 802.3ad
        bond_lacp_rate: fast
        bond_xmit_hash_policy: layer3+4
        mtu: 9000
      - name: vmbr0
        bridge_ports: [bond0]
        bridge_vlan_aware: true
        addresses: [192.0.2.11/24, "2001:db8::11/64"]
        gateway: 192.0.2.1
      - name: bond0.40
        addresses: [198.51.100.11/24]
        mtu: 9000
  register: network

- name: Keep it, if all that it should reach is reached
  baremetal.proxmox.node_network_confirm:
    transaction: "{{ network.transaction }}"
    pings:
      - {address: 192.0.2.1, interface: vmbr0, what: the gateway}
      - {address: 198.51.100.12, interface: bond0.40, mtu: 9000, what: pve2}
  when: network.transaction is defined

- name: Open vSwitch with a LACP bond, the node's own address in VLAN 10
  baremetal.proxmox.node_network:
    config:
      - {name: bond0, type: OVSBond, ovs_bonds: [eno1, eno2], ovs_bridge: vmbr0, bond_mode: lacp-balance-tcp}
      - {name: vmbr0, type: OVSBridge, ovs_ports: [bond0, mgmt]}
      - {name: mgmt, type: OVSIntPort, ovs_bridge: vmbr0, ovs_tag: 10, addresses: [192.0.2.11/24], gateway: 192.0.2.1}

- name: DHCP, IPv6 by router advertisements, a static route, guests behind NAT, a NIC with a name that stays
  baremetal.proxmox.node_network:
    config:
      - {name: nic0, match: {mac: '52:54:00:12:34:56'}, pin: true}
      - {name: vmbr0, bridge_ports: [nic0], method: dhcp, method6: auto}
      - name: eno2
        addresses: [198.51.100.11/24]
        routes: [{to: 203.0.113.0/24, via: 198.51.100.1, metric: 100}]
      - name: vmbr1
        bridge_ports: []
        addresses: [10.10.10.1/24]
        post_up: [iptables -t nat -A POSTROUTING -s 10.10.10.0/24 -o vmbr0 -j MASQUERADE]
        post_down: [iptables -t nat -D POSTROUTING -s 10.10.10.0/24 -o vmbr0 -j MASQUERADE]

- name: Turn what is there into variables
  baremetal.proxmox.node_network:
    state: gathered
  register: network
"""

RETURN = r"""
gathered:
  description: The interfaces in the form that O(config) takes.
  returned: with O(state=gathered)
  type: list
  elements: dict
kept:
  description: By interface, the lines that O(config) has no word for.
  returned: with O(state=gathered)
  type: dict
transaction:
  description: C(id) and C(timeout) of the change, which M(baremetal.proxmox.node_network_confirm) takes.
  returned: when the network is about to change
  type: dict
renames:
  description: NICs that get another name, by new name the old one.
  returned: unless O(state=gathered)
  type: dict
due:
  description: Whether the network has to change; the same as C(changed), which a task may override.
  returned: unless O(state=gathered)
  type: bool
missing_packages:
  description: Debian packages that the change needs and that are not installed, which only check mode tolerates.
  returned: unless O(state=gathered)
  type: list
  elements: str
findings:
  description: What stands against the change, each with host, variable, what was expected and what was found.
  returned: on failure
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.proxmox.plugins.module_utils import (
    _errors,
    _interfaces_plan,
    _network_change,
    _network_node,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._interfaces_spec import INTERFACE


def main_network(module: AnsibleModule) -> dict[str, Any]:
    _network_node.require_root()
    node = _network_node.Node()
    if module.params["state"] == "gathered":
        nics = [link.name for link in node.links().values() if link.physical]
        gathered, kept = _interfaces_plan.gathered(node.interfaces(), nics)
        return {"changed": False, "gathered": gathered, "kept": kept}
    return _network_change.Change(node, module.params).run(check_mode=module.check_mode)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "config": {"type": "list", "elements": "dict", "options": INTERFACE, "default": []},
            "state": {"type": "str", "choices": ["merged", "overridden", "gathered"], "default": "merged"},
            "confirm_timeout": {"type": "int", "default": 60},
            "variable": {"type": "str", "default": "config"},
            "host": {"type": "str"},
        },
        supports_check_mode=True,
    )
    _errors.run(module, main_network)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: sdn
short_description: Software-defined networks of Proxmox VE
version_added: 0.1.0
description:
  - Controllers, zones, vnets and subnets in one call. Everything is checked first, then staged, what is built on before
    what is built on it, and applied once, at the end; the task that tells the nodes is awaited.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
attributes:
  check_mode:
    description: Runs without changing anything, and tells what would be changed.
    support: full
    details:
      - On a machine on which Proxmox is not installed yet, the plan starts from what a fresh installation has.
  diff_mode:
    description: Shows the items that change, before and after.
    support: full
notes:
  - Proxmox applies whatever is staged, by whomever. What is staged and is not what these lists want is refused before
    anything is changed, unless O(apply_pending=true). What a run staged that was killed before it applied it is applied by
    the next.
  - When a change is refused half way, what was staged is taken back on Proxmox VE 9. On 8.4, which cannot do that, it stays
    staged until the next run.
  - A list that is not given is left alone. With O(state=overridden) an empty list removes everything of its kind.
  - Fabrics, prefix lists, route maps, IPAM and DNS plugins are not changed. What is staged of fabrics is looked at.
options:
  controllers:
    description: Controllers of EVPN, BGP and IS-IS, with Proxmox's own names, C(_) for C(-).
    type: list
    elements: dict
    suboptions:
      controller:
        description: Name of the controller.
        type: str
        required: true
      type:
        description: What it is. Needed to create it.
        type: str
        choices: [evpn, bgp, isis]
      asn:
        description: Number of the autonomous system, of V(evpn) and V(bgp).
        type: int
      peers:
        description: Addresses of the peers, of V(evpn) and V(bgp).
        type: list
        elements: str
      fabric:
        description: Fabric instead of O(controllers[].peers), of V(evpn), from Proxmox VE 9.0 on.
        type: str
      bgp_mode:
        description: Whether peers are of other autonomous systems, of V(evpn), from Proxmox VE 9.2 on.
        type: str
        choices: [auto, external, internal]
      nodes:
        description: Nodes on which it runs, of V(evpn), from Proxmox VE 9.2 on.
        type: list
        elements: str
      peer_group_name:
        description: Name of the group of peers, of V(evpn), from Proxmox VE 9.2 on.
        type: str
      route_map_in:
        description: Route map for what comes in, from Proxmox VE 9.2 on.
        type: str
      route_map_out:
        description: Route map for what goes out, from Proxmox VE 9.2 on.
        type: str
      node:
        description: The node, of V(bgp) and V(isis).
        type: str
      bgp_multipath_as_path_relax:
        description: Whether paths of equal length through different systems are used together, of V(bgp).
        type: bool
      ebgp:
        description: Whether the peers are of other autonomous systems, of V(bgp).
        type: bool
      ebgp_multihop:
        description: How many hops away a peer may be, of V(bgp).
        type: int
      loopback:
        description: Interface whose address identifies the router, of V(bgp) and V(isis).
        type: str
      isis_domain:
        description: Name of the IS-IS domain.
        type: str
      isis_ifaces:
        description: Interfaces on which IS-IS runs.
        type: list
        elements: str
      isis_net:
        description: The node's title in the IS-IS network.
        type: str
      recreate:
        description: Whether it may be removed and created anew when its type is another one.
        type: bool
        default: false
  zones:
    description: Zones.
    type: list
    elements: dict
    suboptions:
      zone:
        description: Name of the zone, 2 to 8 letters and digits.
        type: str
        required: true
      type:
        description: How the vnets of the zone reach other nodes. Needed to create it.
        type: str
        choices: [simple, vlan, qinq, vxlan, evpn]
      nodes:
        description: The nodes that have it; without, all.
        type: list
        elements: str
      mtu:
        description: MTU of its vnets.
        type: int
      ipam:
        description: What hands out addresses, such as V(pve).
        type: str
      dhcp:
        description: DHCP server of the zone, of V(simple).
        type: str
        choices: [dnsmasq]
      dns:
        description: DNS server of the zone, by the name it has in Proxmox.
        type: str
      reversedns:
        description: DNS server for names of addresses.
        type: str
      dnszone:
        description: Domain of the zone; needs O(zones[].dns).
        type: str
      bridge:
        description: Bridge on the nodes, of V(vlan) and V(qinq).
        type: str
      bridge_disable_mac_learning:
        description: Whether bridges learn no addresses.
        type: bool
      tag:
        description: Outer VLAN, of V(qinq).
        type: int
      vlan_protocol:
        description: Protocol of the outer VLAN, of V(qinq).
        type: str
        choices: [802.1q, 802.1ad]
      peers:
        description: Addresses of the nodes between which tunnels are, of V(vxlan).
        type: list
        elements: str
      vxlan_port:
        description: UDP port of the tunnels, of V(vxlan) and V(evpn).
        type: int
      fabric:
        description: Fabric instead of O(zones[].peers), of V(vxlan), from Proxmox VE 9.0 on.
        type: str
      controller:
        description: Controller, of V(evpn).
        type: str
      secondary_controllers:
        description: Further controllers, of V(evpn), from Proxmox VE 9.2 on.
        type: list
        elements: str
      vrf_vxlan:
        description: Number of the zone's own VXLAN, of V(evpn).
        type: int
      exitnodes:
        description: Nodes through which guests reach other networks, of V(evpn).
        type: list
        elements: str
      exitnodes_primary:
        description: The one that is preferred, of V(evpn).
        type: str
      exitnodes_local_routing:
        description: Whether exit nodes themselves reach the guests, of V(evpn).
        type: bool
      advertise_subnets:
        description: Whether whole subnets are advertised, of V(evpn).
        type: bool
      disable_arp_nd_suppression:
        description: Whether ARP and neighbour discovery are not suppressed, of V(evpn).
        type: bool
      rt_import:
        description: Route targets to import, such as V(65000:100), of V(evpn).
        type: list
        elements: str
      mac:
        description: MAC address of the router, of V(evpn). Proxmox makes one up.
        type: str
      recreate:
        description: Whether it may be removed and created anew when its type is another one.
        type: bool
        default: false
  vnets:
    description: Vnets, the bridges to which guests are connected.
    type: list
    elements: dict
    suboptions:
      vnet:
        description: Name of the vnet, 2 to 8 letters and digits.
        type: str
        required: true
      zone:
        description: Its zone. Needed to create it.
        type: str
      tag:
        description: VLAN, in a zone of type V(vlan) or V(qinq); VXLAN, in one of type V(vxlan) or V(evpn).
        type: int
      alias:
        description: A text about it.
        type: str
      vlanaware:
        description: Whether guests may use VLANs of their own in it.
        type: bool
      isolate_ports:
        description: Whether guests in it do not reach each other.
        type: bool
  subnets:
    description: Subnets of vnets.
    type: list
    elements: dict
    suboptions:
      vnet:
        description: The vnet.
        type: str
        required: true
      subnet:
        description: The network, such as V(10.50.0.0/24).
        type: str
        required: true
      gateway:
        description: Address of the nodes in it, in zones that route.
        type: str
      snat:
        description: Whether the nodes translate addresses on the way out.
        type: bool
      dhcp_range:
        description: Addresses for DHCP, a list of C(start_address) and C(end_address).
        type: list
        elements: dict
      dhcp_dns_server:
        description: DNS server that DHCP tells guests.
        type: str
      dnszoneprefix:
        description: Prefix for the domain of the zone.
        type: str
  state:
    description:
      - V(merged) creates what does not exist and changes the settings that are written; others stay.
      - V(replaced) also takes away the settings of a listed item that are not written, except what Proxmox itself filled in.
      - V(overridden) also removes items that are not listed, from each list that is given.
      - V(deleted) removes the listed items.
      - V(gathered) changes nothing and returns the items, all of them or the listed ones, as the options take them.
    type: str
    choices: [merged, replaced, overridden, deleted, gathered]
    default: merged
  apply_pending:
    description:
      - Whether what others have staged may be applied along, also when these lists change nothing.
      - With O(state=overridden), what others have staged and is not listed is removed.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: A network of VLANs, and one behind the nodes
  baremetal.proxmox.sdn:
    zones:
      - {zone: lan, type: vlan, bridge: vmbr0}
      - {zone: inner, type: simple, dhcp: dnsmasq, ipam: pve}
    vnets:
      - {vnet: web, zone: lan, tag: 30, alias: Web servers}
      - {vnet: lab, zone: inner}
    subnets:
      - vnet: lab
        subnet: 10.50.0.0/24
        gateway: 10.50.0.1
        snat: true
        dhcp_range:
          - {start_address: 10.50.0.100, end_address: 10.50.0.199}
  run_once: true

- name: Nothing but these vnets
  baremetal.proxmox.sdn:
    vnets:
      - {vnet: web, zone: lan, tag: 30}
    subnets: []
    state: overridden
  run_once: true
"""

RETURN = r"""
before:
  description: Everything before the call, each list in the form of the option of its name.
  returned: unless O(state=gathered)
  type: dict
  sample: {controllers: [], zones: [], vnets: [], subnets: []}
after:
  description: Everything after the call; in check mode as far as it can be predicted.
  returned: unless O(state=gathered)
  type: dict
  sample: {controllers: [], zones: [{zone: lan, type: vlan, bridge: vmbr0}], vnets: [], subnets: []}
changes:
  description: What was staged, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{table: zones, action: create, item: lan, set: [bridge]}]
applied:
  description: Whether something was applied, or would be; also what a run before had staged only.
  returned: unless O(state=gathered)
  type: bool
  sample: true
gathered:
  description: Everything that exists, each list in the form of the option of its name.
  returned: with O(state=gathered)
  type: dict
  sample: {controllers: [], zones: [{zone: lan, type: vlan, bridge: vmbr0}], vnets: [], subnets: []}
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._sdn_run import SdnModule


def main() -> None:
    SdnModule().run()


if __name__ == "__main__":
    main()

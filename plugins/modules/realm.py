#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: realm
short_description: Realms of Proxmox VE
version_added: 0.1.0
description:
  - Creates, changes and removes realms, which say who users are, a whole list of them in one call.
  - Everything is checked before anything is written, and one error names every finding.
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
notes:
  - The realms C(pam) and C(pve) always exist. They can be changed and are never removed.
  - The users of a removed realm stay, and can no longer log in.
  - One realm is the default; making another one so takes it from the first.
  - M(baremetal.proxmox.realm_sync_job) copies users and groups of a directory regularly.
options:
  config:
    description:
      - The realms, with Proxmox's own names, C(_) for C(-).
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
    type: list
    elements: dict
    suboptions:
      realm:
        description: Name of the realm.
        type: str
        required: true
      type:
        description: Type of the realm. Needed to create it.
        type: str
        choices: [ad, ldap, openid, pam, pve]
      comment:
        description: A text about it, which the login window shows.
        type: str
      default:
        description: Whether the login window offers it first.
        type: bool
      tfa:
        description:
          - Second factor that all users need, as Proxmox's string (V(type=oath,digits=6)). It may hold a key, so that
            it is never shown; the API tells it, so that it is compared.
        type: str
      server1:
        description: Address or name of the directory server. Needed to create V(ad) and V(ldap).
        type: str
      server2:
        description: Address or name of another one, used where the first does not answer.
        type: str
      port:
        description: Port of the server, where it is not the usual one.
        type: int
      mode:
        description: How the server is spoken to.
        type: str
        choices: [ldap, ldaps, ldap+starttls]
      sslversion:
        description: Version of TLS.
        type: str
        choices: [tlsv1, tlsv1_1, tlsv1_2, tlsv1_3]
      verify:
        description: Verify the certificate of the server.
        type: bool
      capath:
        description: File or directory of certificate authorities on the nodes.
        type: str
      cert:
        description: File of the client certificate on the nodes.
        type: str
      certkey:
        description: File of its key on the nodes.
        type: str
      base_dn:
        description: Where users are looked for. Needed to create V(ldap).
        type: str
      bind_dn:
        description: Whom Proxmox asks as.
        type: str
      password:
        description: Password for O(config[].bind_dn).
        type: str
      domain:
        description: Domain of an Active Directory. Needed to create V(ad).
        type: str
      user_attr:
        description: Attribute that is the name of a user. Needed to create V(ldap).
        type: str
      filter:
        description: Filter for users.
        type: str
      sync_attributes:
        description: Which attributes become which settings of users, such as V(email=mail,comment=title).
        type: str
      user_classes:
        description: Object classes of users.
        type: list
        elements: str
      group_dn:
        description: Where groups are looked for, where it is not O(config[].base_dn).
        type: str
      group_name_attr:
        description: Attribute that is the name of a group.
        type: str
      group_filter:
        description: Filter for groups.
        type: str
      group_classes:
        description: Object classes of groups.
        type: list
        elements: str
      sync_defaults_options:
        description:
          - How users are copied unless something else is said, as a dict or as Proxmox's string.
          - The keys are C(scope) (C(users), C(groups) or C(both)), C(remove_vanished) (some of C(acl), C(entry) and
            C(properties) with semicolons between them, or C(none)) and C(enable_new).
        type: dict
      case_sensitive:
        description: Whether users' names differ by capitals.
        type: bool
      check_connection:
        description:
          - Whether Proxmox tries the connection first, and refuses the realm where it fails; for V(ad) and V(ldap).
        type: bool
      issuer_url:
        description: Address of the OpenID server. Needed to create V(openid).
        type: str
      client_id:
        description: Identifier of Proxmox at that server. Needed to create V(openid).
        type: str
      client_key:
        description: Key that goes with it. The API tells it, so that it is compared; it is never shown.
        type: str
      autocreate:
        description: Make a user of whoever logs in.
        type: bool
      username_claim:
        description: Claim that is the name of a user. Cannot be changed.
        type: str
      groups_claim:
        description: Claim that has the groups of a user.
        type: str
      groups_autocreate:
        description: Make groups that do not exist.
        type: bool
      groups_overwrite:
        description: Set the groups of a user anew at each login.
        type: bool
      prompt:
        description: Whether the server asks the user again, such as V(login) or V(consent).
        type: str
      scopes:
        description: What the server is asked for.
        type: str
      acr_values:
        description: Authentication context that the server is asked for.
        type: str
      audiences:
        description: Audiences that are taken besides O(config[].client_id). Since Proxmox VE 9.2.
        type: str
      query_userinfo:
        description: Whether claims are also asked for at the userinfo address.
        type: bool
      recreate:
        description:
          - Where a setting differs that Proxmox cannot change, delete the realm and create it anew, instead of an
            error. The stored password goes with it, so that it has to be given.
        type: bool
        default: false
      update_password:
        description:
          - Secrets cannot be read back. V(on_create) writes them when the item is created; V(always) writes them
            every time, which is then a change.
        type: str
        choices: [on_create, always]
        default: on_create
"""

EXAMPLES = r"""
- name: A directory, and single sign-on
  baremetal.proxmox.realm:
    config:
      - realm: corp
        type: ldap
        server1: ldap.example.org
        mode: ldaps
        verify: true
        base_dn: dc=example,dc=org
        user_attr: uid
        bind_dn: cn=proxmox,dc=example,dc=org
        password: "{{ vault_ldap }}"
        sync_defaults_options: {scope: both, remove_vanished: acl;entry}
      - realm: sso
        type: openid
        issuer_url: https://sso.example.org
        client_id: proxmox
        client_key: "{{ vault_openid }}"
        username_claim: email
        autocreate: true

- name: Proxmox's own users are the default
  baremetal.proxmox.realm:
    config:
      - {realm: pve, default: true}
"""

RETURN = r"""
before:
  description: All realms before the call, in the form of O(config); secrets are never among them.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{realm: corp, type: ldap, server1: ldap.example.org, base_dn: 'dc=example,dc=org', user_attr: uid}]
after:
  description: All realms after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{realm: corp, type: ldap, server1: ldap.example.org, base_dn: 'dc=example,dc=org', user_attr: uid}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: corp, set: [base_dn, server1, user_attr]}]
gathered:
  description: The realms that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{realm: corp, type: ldap, server1: ldap.example.org, base_dn: 'dc=example,dc=org', user_attr: uid}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._access_realms import REALM_TABLE
from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule


def main() -> None:
    ResourceModule(REALM_TABLE).run()


if __name__ == "__main__":
    main()

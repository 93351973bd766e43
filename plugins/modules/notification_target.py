#!/usr/bin/python
# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: notification_target
short_description: Where Proxmox VE sends notifications
version_added: 0.1.0
description:
  - Creates, changes and removes targets of notifications, a whole list of them in one call. Which notifications go
    where is said by M(baremetal.proxmox.notification_matcher).
author:
  - The baremetal.proxmox authors (@baremetal-proxmox)
extends_documentation_fragment:
  - baremetal.proxmox.connection
  - baremetal.proxmox.resource
notes:
  - C(mail-to-root) is brought by Proxmox. It can be changed, and is never removed.
  - What a webhook needs to be let in belongs into O(config[].secret), and from there into its address, headers and
    body as C({{ secrets.NAME }}); whatever is written there directly can be read by others. In a playbook such a text
    needs C({% raw %}) or C(!unsafe), or Ansible takes the braces for its own.
  - A target that a matcher uses cannot be removed.
options:
  config:
    description:
      - The targets, with Proxmox's own names, C(_) for C(-).
      - A setting that is V(null) is taken away. A setting that is not written is not touched, except with
        O(state=replaced) and O(state=overridden).
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the target.
        type: str
        required: true
      type:
        description: What it is.
        type: str
        choices: [gotify, sendmail, smtp, webhook]
      comment:
        description: A text about it.
        type: str
      disable:
        description: Whether nothing is sent.
        type: bool
      mailto:
        description: Addresses that get mail.
        type: list
        elements: str
      mailto_user:
        description: Users (V(root@pam)) whose addresses get mail.
        type: list
        elements: str
      from_address:
        description: Sender of the mails.
        type: str
      author:
        description: Name of the sender.
        type: str
      server:
        description: Address of the mail server, or of Gotify (C(https://gotify.example.org)).
        type: str
      port:
        description: Port of the mail server.
        type: int
      mode:
        description: Encryption to the mail server.
        type: str
        choices: [insecure, starttls, tls]
      username:
        description: User at the mail server.
        type: str
      password:
        description: Password at the mail server. It cannot be read back.
        type: str
      token:
        description: Token for Gotify; needed to create it. It cannot be read back.
        type: str
      url:
        description: Address of the webhook.
        type: str
      method:
        description: How the webhook is called.
        type: str
        choices: [post, put, get]
      header:
        description: Headers of the call, names and texts.
        type: dict
      body:
        description: 'Body of the call, such as C({"content": "{{ title }}"}).'
        type: jsonarg
      secret:
        description:
          - Secrets by name. They cannot be read back, only their names. All of them are written as soon as a name is
            missing or there is one too many.
        type: dict
      update_password:
        description:
          - When secrets are written. With V(on_create) only when they are not set yet, because what is set cannot be
            compared.
          - With V(always) each run writes them, and says that something was changed.
        type: str
        choices: [on_create, always]
        default: on_create
"""

EXAMPLES = r"""
- name: Mail, and a chat that wants its own form
  baremetal.proxmox.notification_target:
    config:
      - name: mail
        type: smtp
        server: smtp.example.org
        mode: starttls
        username: pve
        password: "{{ vault_smtp_password }}"
        from_address: pve@example.org
        mailto: [ops@example.org]
      - name: chat
        type: webhook
        method: post
        url: "{% raw %}https://discord.example.org/api/webhooks/{{ secrets.channel }}/{{ secrets.token }}{% endraw %}"
        header: {Content-Type: application/json}
        body: '{% raw %}{"content": "{{ escape title }}: {{ escape message }}"}{% endraw %}'
        secret:
          channel: "{{ vault_chat_channel }}"
          token: "{{ vault_chat_token }}"
  run_once: true
"""

RETURN = r"""
before:
  description: All targets before the call, in the form of O(config).
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: []
after:
  description: All targets after the call; in check mode as far as they can be predicted.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{name: mail, type: smtp, server: smtp.example.org, from_address: pve@example.org, mailto: [ops@example.org]}]
changes:
  description: What was done, or would be, in this order.
  returned: unless O(state=gathered)
  type: list
  elements: dict
  sample: [{action: create, item: 'smtp:mail', set: [from_address, mailto, server]}]
gathered:
  description: The targets that exist, in the form of O(config).
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{name: mail, type: smtp, server: smtp.example.org, from_address: pve@example.org, mailto: [ops@example.org]}]
"""

from ansible_collections.baremetal.proxmox.plugins.module_utils._engine import ResourceModule
from ansible_collections.baremetal.proxmox.plugins.module_utils._notifications import TARGET


def main() -> None:
    ResourceModule(TARGET).run()


if __name__ == "__main__":
    main()

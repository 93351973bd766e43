# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""How root on a Proxmox Backup Server gets in without a password: as its own commands do (src/client_helpers.rs).

A ticket signed with the server's key is good for a login, and that gives the ticket and CSRF token of a session.
"""

from __future__ import annotations

import base64
import os
import tempfile
import time

from ansible_collections.baremetal.proxmox.plugins.module_utils import _certificate, _cli, _session
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import (
    AuthError,
    CliError,
    NotInstalled,
    Timeout,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._product import BACKUP_SERVER

CONFIG = "/etc/proxmox-backup"
USER = "root@pam"
_LOGIN_SECONDS = 30.0

# With an RSA key, of an installation before 3.2, this signs a SHA-256; with Ed25519 the text itself.
_SIGN = _cli.Command(
    ("openssl", "pkeyutl", "-sign", "-rawin"),
    (),
    {"key": _cli.value("-inkey"), "text": _cli.value("-in"), "signature": _cli.value("-out")},
)


def local_session() -> _session.HttpSession:
    """The API of this machine, as root@pam, trusted by its own certificate file."""
    return _connect(_session.Ticket(_login, BACKUP_SERVER))


def _connect(identity: _session.Identity | None) -> _session.HttpSession:
    return _session.HttpSession(
        "localhost", BACKUP_SERVER.port, identity, fingerprint=local_fingerprint, product=BACKUP_SERVER
    )


def _login() -> tuple[str, str]:
    body = {"username": USER, "password": signed_ticket()}
    answer = _connect(None).send("POST", "/access/ticket", body, _LOGIN_SECONDS)
    return answer["ticket"], answer["CSRFPreventionToken"]


def signed_ticket() -> str:
    """A ticket for root@pam, made with the server's key. It is in no argument of a command."""
    text = f"PBS:{USER}:{int(time.time()):08X}"
    with tempfile.TemporaryDirectory() as scratch:
        plain, signature = os.path.join(scratch, "ticket"), os.path.join(scratch, "signature")
        with open(plain, "w", encoding="ascii") as file:
            file.write(text)
        try:
            _cli.Cli().run(_SIGN, key=f"{CONFIG}/authkey.key", text=plain, signature=signature)
        except (CliError, NotInstalled, Timeout) as error:
            raise AuthError(f"no ticket could be made on this server: {error}", hint=_why_no_ticket()) from error
        with open(signature, "rb") as raw:
            return f"{text}::{base64.b64encode(raw.read()).decode().rstrip('=')}"


def _why_no_ticket() -> str | None:
    if os.geteuid() != 0:
        return "This has to run as root: set become: true."
    if not os.path.exists(f"{CONFIG}/authkey.key"):
        return "proxmox-backup.service makes the key when it starts: see 'systemctl status proxmox-backup'."
    return None


def local_fingerprint() -> str:
    """SHA-256 of the certificate that the server shows, its own or another that was put there."""
    path = f"{CONFIG}/proxy.pem"
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            found = _certificate.fingerprint(file.read())
    except OSError as error:
        raise _session.TrustError(f"{path} cannot be read: {error.strerror}.", hint=_why_no_ticket()) from error
    if found is None:
        raise _session.TrustError(f"{path} holds no certificate.")
    return found

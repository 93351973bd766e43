# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""A certificate and its key as PEM text, checked by openssl before they are given to Proxmox. No key is ever written."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._certificate import fingerprint
from ansible_collections.baremetal.proxmox.plugins.module_utils._cli import OPENSSL_PKEY, OPENSSL_X509, Cli
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import InputError

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)
_PUBLIC = re.compile(r"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL)


@dataclass(frozen=True)
class Certificate:
    """One certificate. Times are seconds since the epoch."""

    pem: str
    fingerprint: str
    subject: str
    issuer: str
    notbefore: int
    notafter: int
    names: tuple[str, ...]
    public: str


@dataclass(frozen=True)
class Pair:
    """The chain, the server's own certificate first, and its key."""

    chain: tuple[Certificate, ...]
    key: str

    @property
    def pem(self) -> str:
        return "".join(f"{one.pem}\n" for one in self.chain)


def blocks(text: str, label: str) -> list[str]:
    """The PEM blocks whose label ends so, without what is written between them."""
    found = ((match[1], match[0]) for match in _BLOCK.finditer(text.replace("\r\n", "\n")))
    return [block for name, block in found if name.endswith(label)]


def read_pair(certificate: str, key: str, now: float, run: Callable[..., Any] | None = None) -> Pair:
    """Both, if they belong together and can be shown now. Raises InputError, which never holds the key."""
    run = run or Cli().run
    if blocks(certificate, "PRIVATE KEY"):
        raise _wrong("certificate", "certificates only", "a private key among them", "It belongs into key alone.")
    chain = [read(block, number, run) for number, block in enumerate(blocks(certificate, "CERTIFICATE"))]
    if not chain:
        raise _wrong("certificate", "certificates in PEM form (-----BEGIN CERTIFICATE-----)", "none")
    secret, public = _read_key(key, run)
    _check_match(chain, public)
    first = chain[0]
    if first.notafter <= now:
        raise _wrong("certificate", "one that is valid", f"that of {first.subject} has expired")
    if first.notbefore > now:
        hint = "See the clock of this machine, too."
        raise _wrong("certificate", "one that is valid", f"that of {first.subject} is not valid yet", hint)
    return Pair(tuple(chain), secret)


def read(block: str, number: int, run: Callable[..., Any]) -> Certificate:
    done = run(OPENSSL_X509, secret=f"{block}\n")
    known = dict(re.findall(r"^(subject|issuer|notBefore|notAfter)=(.*)$", done.stdout, re.MULTILINE))
    public, digest = _PUBLIC.search(done.stdout), None
    if done.rc == 0 and public and len(known) == 4:
        digest = fingerprint(block)
    if digest is None or public is None:
        raise _wrong("certificate", "certificates in PEM form", f"one (number {number + 1}) that openssl cannot read")
    return Certificate(
        pem=block,
        fingerprint=digest,
        subject=known["subject"].strip(),
        issuer=known["issuer"].strip(),
        notbefore=ssl.cert_time_to_seconds(known["notBefore"]),
        notafter=ssl.cert_time_to_seconds(known["notAfter"]),
        names=tuple(re.findall(r"(?:DNS|IP Address):([^,\s]+)", done.stdout)),
        public=public[0],
    )


def _read_key(text: str, run: Callable[..., Any]) -> tuple[str, str]:
    """(the block with the private key, its public key)."""
    found = blocks(text, "PRIVATE KEY")
    if len(found) != 1:
        count = "none" if not found else f"{len(found)} of them"
        raise _wrong("key", "one private key in PEM form (-----BEGIN PRIVATE KEY-----)", count)
    if "ENCRYPTED" in found[0]:
        hint = "pveproxy has no way to ask for it: write the key without one (openssl pkey), and keep it in a vault."
        raise _wrong("key", "one without a passphrase", "one that is encrypted", hint)
    done = run(OPENSSL_PKEY, secret=f"{found[0]}\n")
    public = _PUBLIC.search(done.stdout)
    if done.rc or public is None:
        raise _wrong("key", "a private key", "a text that openssl cannot read as one")
    return found[0], public[0]


def _check_match(chain: Sequence[Certificate], public: str) -> None:
    places = [number for number, one in enumerate(chain, 1) if one.public.split() == public.split()]
    if not places:
        raise _wrong("key", f"that of the certificate of {chain[0].subject}", "another one")
    if places[0] != 1:
        what = f"it in place {places[0]}, after that of {chain[0].subject}"
        raise _wrong("certificate", "the server's own certificate first, then those that vouch for it", what)


def gaps(chain: Sequence[Certificate]) -> list[str]:
    """Sentences for certificates that the next one does not vouch for."""
    return [
        f"certificate: expected number {number + 2} to be that of {one.issuer}, found that of {chain[number + 1].subject}"
        for number, one in enumerate(chain[:-1])
        if one.issuer != chain[number + 1].subject
    ]


def _wrong(option: str, expected: str, found: str, hint: str | None = None) -> InputError:
    text = f"{option}: expected {expected}, found {found}. Nothing was changed."
    return InputError(text, hint=hint, option=option, expected=expected, found=found)

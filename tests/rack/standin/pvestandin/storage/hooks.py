"""What adding, changing and removing a definition does beside storage.cfg: secrets go into files of their own."""

from __future__ import annotations

import base64
import json
import re
import secrets
import sys
from typing import Any

from .. import paths, pvefiles
from ..errors import Failure
from ..section import Section
from . import config

Secrets = dict[str, str | None]
Returned = dict[str, Any] | None


def added(storage: str, section: Section, given: Secrets) -> Returned:
    """Store the secrets of a new definition. What it returns is `config` in the answer."""
    kind = section["type"]
    if kind == "cifs":
        _cifs(storage, section, given.get("password"))
    if kind == "esxi":
        if given.get("password") is None:
            raise Failure("missing password")
        pvefiles.write_private(f"priv/storage/{storage}.pw", str(given["password"]))
    if kind in ("rbd", "cephfs"):
        _ceph_key(storage, kind, given.get("keyring"))
        if kind == "rbd" and section.get("monhost"):
            _ceph_config(storage)
    if kind == "lvm" and section.get("base"):
        _check_base(str(section["base"]))
    if kind == "pbs":
        return _pbs(storage, section, {"password": None, "encryption-key": None, "master-pubkey": None, **given})
    return None


def changed(storage: str, section: Section, update: Section, given: Secrets) -> Returned:
    """Store or remove (None) the secrets that a change names; `update` may get properties that follow from them."""
    kind = section["type"]
    if kind == "cifs" and "password" in given:
        _cifs(storage, update, given["password"])
    if kind == "esxi" and "password" in given:
        if given["password"] is None:
            pvefiles.remove(f"priv/storage/{storage}.pw")
        else:
            pvefiles.write_private(f"priv/storage/{storage}.pw", str(given["password"]))
    if kind in ("rbd", "cephfs") and "keyring" in given:
        if given["keyring"] is None:
            pvefiles.remove(_ceph_file(storage, kind))
        else:
            _ceph_key(storage, kind, given["keyring"])
    return _pbs(storage, update, given) if kind == "pbs" else None


def removed(storage: str, section: Section) -> None:
    kind = section["type"]
    if kind in ("cifs", "esxi", "pbs"):
        pvefiles.remove(f"priv/storage/{storage}.pw")
    if kind == "pbs":
        pvefiles.remove(f"priv/storage/{storage}.enc")
        pvefiles.remove(f"priv/storage/{storage}.master.pem")
    if kind in ("rbd", "cephfs"):
        pvefiles.remove(_ceph_file(storage, kind))
    if kind == "rbd":
        pvefiles.remove(f"priv/ceph/{storage}.conf")


def _cifs(storage: str, section: Section, password: str | None) -> None:
    if password is None:
        pvefiles.remove(f"priv/storage/{storage}.pw")
        return
    pvefiles.write_private(f"priv/storage/{storage}.pw", f"password={password}\n")
    if "username" not in section:
        print(f"storage {storage}: ignoring password parameter, no user set", file=sys.stderr)


def _pbs(storage: str, section: Section, given: Secrets) -> dict[str, Any]:
    """`section` is the new definition, or the update: it gets the fingerprint of the encryption key."""
    returned: dict[str, Any] = {}
    if "password" in given:
        _keep(f"priv/storage/{storage}.pw", given["password"])
    if "encryption-key" in given:
        key = given["encryption-key"]
        if key is None:
            pvefiles.remove(f"priv/storage/{storage}.enc")
            section.pop("encryption-key", None)
        else:
            text = _generated_key() if key == "autogen" else key
            fingerprint = _key_fingerprint(text)
            _keep(f"priv/storage/{storage}.enc", text)
            returned["encryption-key"] = text
            section["encryption-key"] = fingerprint
    if "master-pubkey" in given:
        master = given["master-pubkey"]
        if master is None:
            pvefiles.remove(f"priv/storage/{storage}.master.pem")
        else:
            if section.get("encryption-key") is None and not paths.pve(f"priv/storage/{storage}.enc").exists():
                raise Failure("'master-pubkey' can only be used together with 'encryption-key'")
            _keep(f"priv/storage/{storage}.master.pem", base64.b64decode(master).decode())
            section["master-pubkey"] = 1
    return returned


def _keep(name: str, text: str | None) -> None:
    if text is None:
        pvefiles.remove(name)
    else:
        pvefiles.write_private(name, f"{text}\n")


def _key_fingerprint(text: str) -> Any:
    try:
        key = json.loads(text)
        if not key["data"]:
            raise ValueError
    except (ValueError, KeyError, TypeError) as error:
        raise Failure("Value does not seems like a valid, JSON formatted encryption key!") from error
    return key.get("fingerprint") or 1


def _generated_key() -> str:
    fingerprint = ":".join(re.findall("..", secrets.token_hex(8)))
    return json.dumps(
        {
            "kdf": None,
            "created": "2026-01-01T00:00:00+00:00",
            "modified": "2026-01-01T00:00:00+00:00",
            "data": base64.b64encode(secrets.token_bytes(32)).decode(),
            "fingerprint": fingerprint,
        }
    )


def _ceph_file(storage: str, kind: str) -> str:
    return f"priv/ceph/{storage}.{'secret' if kind == 'cephfs' else 'keyring'}"


def _ceph_key(storage: str, kind: str, keyring: str | None) -> None:
    name, admin = _ceph_file(storage, kind), "priv/ceph.client.admin.keyring"
    if keyring is not None:
        keyring = keyring.removesuffix("\n")
        pvefiles.write_private(name, f"{keyring}\n")
    elif paths.pve(name).exists():
        raise Failure(f"ceph authx keyring file for storage '{storage}' already exists!")
    elif not paths.pve(admin).exists():
        print(f"/etc/pve/{admin} not found, authentication is disabled.", file=sys.stderr)
    else:
        text = pvefiles.read(admin)
        if kind == "cephfs":
            match = re.search(r"key\s*=\s*(\S+)", text)
            text = f"{match[1] if match else ''}\n"
        pvefiles.write_private(name, text)


def _ceph_config(storage: str) -> None:
    keyring = f"priv/ceph/{storage}.keyring"
    if paths.pve(keyring).exists() and not paths.pve(f"priv/ceph/{storage}.conf").exists():
        pvefiles.write_private(f"priv/ceph/{storage}.conf", f"[global]\n\tkeyring = /etc/pve/{keyring}\n\n")


def _check_base(volume: str) -> None:
    base = volume.split(":", 1)[0]
    known = config.read().ids.get(base)
    if known is None:
        raise Failure(f"base storage ID '{base}' does not exist")
    if known["type"] != "iscsi":
        raise Failure(f"unsupported base type '{known['type']}'")

"""Passwords: of the system's users (realm pam, /etc/shadow) and of Proxmox's own (realm pve, priv/shadow.cfg)."""

from __future__ import annotations

import ctypes
import hmac
import secrets
import string
import subprocess
import threading

from . import paths, pvefiles
from .errors import Failure

_SHADOW = "priv/shadow.cfg"
_SALT = string.ascii_letters + string.digits
_lock = threading.Lock()


def _crypt(password: str, setting: str) -> str | None:
    """libcrypt's crypt(3): Python has none of its own since 3.13."""
    with _lock:
        library = ctypes.CDLL("libcrypt.so.1")
        library.crypt.restype = ctypes.c_char_p
        result = library.crypt(password.encode(), setting.encode())
    text = result.decode() if result else ""
    return None if not text or text.startswith("*") else text


def encrypt(password: str) -> str:
    result = _crypt(password, "$5$" + "".join(secrets.choice(_SALT) for _unused in range(8)) + "$")
    if result is None:
        raise Failure("unable to encrypt the password")
    return result


def _matches(password: str, hashed: str) -> bool:
    result = _crypt(password, hashed) if hashed.startswith("$") else None
    return result is not None and hmac.compare_digest(result, hashed)


def check(password: str, hashed: str) -> None:
    """Raise unless the password has this hash."""
    if not _matches(password, hashed):
        raise Failure("invalid credentials")


def verify(kind: str, name: str, password: str) -> None:
    """Raise unless the password is the user's. `kind` is the realm's type."""
    if not password:
        raise Failure("no password")
    if kind == "pam":
        hashed = _system().get(name, "")
    elif kind == "pve":
        hashed = _own().get(name, "")
        if not hashed:
            raise Failure("no password set")
    else:
        raise Failure(f"unable to connect to the server of realm type '{kind}'")
    if not _matches(password, hashed):
        raise Failure("invalid credentials" if kind == "pve" else "Authentication failure")


def store(kind: str, name: str, password: str) -> None:
    if kind == "pve":
        with pvefiles.lock_file(_SHADOW):
            _write({**_own(), name: encrypt(password)})
    elif kind == "pam":
        done = subprocess.run(
            ["chpasswd", "-e"], input=f"{name}:{encrypt(password)}\n", text=True, capture_output=True, check=False
        )
        if done.returncode:
            raise Failure(f"change password failed: {done.stderr.strip()}")
    else:
        raise Failure(f"can't set password on auth type '{kind}'")


def forget(kind: str, name: str) -> None:
    if kind == "pve" and _own():
        with pvefiles.lock_file(_SHADOW):
            _write({user: hashed for user, hashed in _own().items() if user != name})


def _system() -> dict[str, str]:
    try:
        lines = paths.at("/etc/shadow").read_text().splitlines()
    except FileNotFoundError:
        return {}
    return {line.split(":")[0]: line.split(":")[1] for line in lines if line.count(":") > 1}


def _own() -> dict[str, str]:
    lines = (line.split(":") for line in pvefiles.read(_SHADOW).splitlines())
    return {parts[0]: parts[1] for parts in lines if len(parts) > 1}


def _write(users: dict[str, str]) -> None:
    pvefiles.write_private(_SHADOW, "".join(f"{name}:{hashed}:\n" for name, hashed in users.items()))

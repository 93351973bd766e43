"""Tickets, CSRF tokens and API tokens in Proxmox's own forms (PVE/Ticket.pm, PVE/AccessControl.pm).

A ticket is PVE:user:HEXTIME::signature, signed with the cluster's /etc/pve/priv/authkey.key. Whoever joins a cluster
takes over its key, so the tickets made before are void.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import subprocess
import tempfile
import time
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote, unquote

from . import formats, paths, pvefiles, usercfg
from .errors import Failure, unauthorized

LIFETIME = 2 * 3600
GRACE = 300
_KEY = "priv/authkey.key"
_PUBLIC = "authkey.pub"


def create_ticket(user: str) -> str:
    plain = f"PVE:{quote(user, safe='@!.-_~+')}:{int(time.time()):08X}"
    return f"{plain}::{base64.b64encode(_sign(plain)).decode()}"


def verify_ticket(ticket: str | None) -> str | None:
    """The user of a valid ticket, or None."""
    match = re.fullmatch(r"(PVE:(\S+):([A-F0-9]{8}))::([^:\s]+)", ticket or "")
    if not match:
        return None
    age = int(time.time()) - int(match[3], 16)
    if not -GRACE < age < LIFETIME:
        return None
    public = paths.pve(_PUBLIC)
    if not public.exists() or not _verified(match[1], match[4], public.read_bytes()):
        return None
    return unquote(match[2])


@lru_cache(maxsize=256)
def _verified(plain: str, signature: str, public: bytes) -> bool:
    try:
        raw = base64.b64decode(signature, validate=True)
    except ValueError:
        return False
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "key").write_bytes(public)
        (Path(scratch) / "signature").write_bytes(raw)
        done = subprocess.run(
            ["openssl", "dgst", "-sha256", "-verify", f"{scratch}/key", "-signature", f"{scratch}/signature"],
            input=plain.encode(),
            capture_output=True,
            check=False,
        )
    return done.returncode == 0


def _sign(plain: str) -> bytes:
    if not paths.pve(_KEY).exists():
        create_key()
    done = subprocess.run(
        ["openssl", "dgst", "-sha256", "-sign", str(paths.pve(_KEY))],
        input=plain.encode(),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise Failure(f"unable to sign a ticket: {done.stderr.decode().strip()}")
    return done.stdout


def create_key() -> None:
    """The cluster's key pair, unless another node was quicker."""
    with pvefiles.lock("authkey"):
        if paths.pve(_KEY).exists():
            return
        private = subprocess.run(["openssl", "genrsa", "-traditional", "2048"], capture_output=True, check=True).stdout
        public = subprocess.run(["openssl", "rsa", "-pubout"], input=private, capture_output=True, check=True).stdout
        pvefiles.write(_PUBLIC, public.decode())
        pvefiles.write_private(_KEY, private.decode())


def _csrf_secret() -> bytes:
    key = pvefiles.read("pve-www.key")
    if not key:
        raise Failure("unable to read '/etc/pve/pve-www.key' - No such file or directory")
    # a lone argument of Digest::SHA::hmac_sha256_base64 is the key, and there is no message
    return _unpadded(hmac.new(key.encode(), b"", hashlib.sha256).digest()).encode()


def _unpadded(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")


def _csrf(stamp: str, user: str) -> str:
    return f"{stamp}:{_unpadded(hmac.new(_csrf_secret(), f'{stamp}:{user}'.encode(), hashlib.sha256).digest())}"


def create_csrf_token(user: str) -> str:
    return _csrf(f"{int(time.time()):08X}", user)


def verify_csrf_token(user: str, token: str | None) -> None:
    stamp = (token or "").partition(":")[0]
    if (
        re.fullmatch(r"[A-F0-9]{8}", stamp)
        and hmac.compare_digest(_csrf(stamp, user), token or "")
        and -GRACE < int(time.time()) - int(stamp, 16) < LIFETIME
    ):
        return
    raise unauthorized("Permission denied - invalid csrf token")


def check_enabled(config: usercfg.UserConfig, userid: str) -> None:
    """Raise unless the user is there, enabled and not expired."""
    user = config.user(userid)
    if not int(user["enable"]):
        raise Failure(f"user '{userid}' is disabled")
    if user.get("expire") and int(user["expire"]) < time.time():
        raise Failure(f"user '{userid}' access expired")


def verify_api_token(value: str) -> str | None:
    """The token's id for `user!name=secret`, or None."""
    tokenid, _unused, secret = value.rpartition("=")
    match = re.fullmatch(formats.TOKEN, tokenid)
    if not match:
        return None
    config = usercfg.read()
    try:
        check_enabled(config, match[1])
        token = config.token(match[1], match[2])
    except Failure:
        return None
    if token["expire"] and token["expire"] < time.time():
        return None
    known = token_secrets().get(tokenid)
    return tokenid if known and hmac.compare_digest(known, secret) else None


def token_secrets() -> dict[str, str]:
    """priv/token.cfg: token id → secret."""
    lines = pvefiles.read("priv/token.cfg").splitlines()
    return dict(line.split(" ", 1) for line in lines if re.fullmatch(r"\S+ \S+", line))


def write_token_secrets(secrets: dict[str, str]) -> None:
    pvefiles.write_private("priv/token.cfg", "".join(f"{name} {value}\n" for name, value in sorted(secrets.items())))


def identify(ticket: str | None, api_token: str | None) -> str:
    """Who a request comes from. Raises 401 in the words of pveproxy."""
    if api_token and not ticket:
        user = verify_api_token(api_token)
        if user is None:
            raise unauthorized("Authentication failed!")
        return user
    if not ticket:
        raise unauthorized("No ticket")
    user = verify_ticket(ticket)
    if user is None or user.startswith(("!", "tfa!", "u2f!")):
        raise unauthorized("Authentication failed!")
    try:
        check_enabled(usercfg.read(), user)
    except Failure as error:
        raise unauthorized("Authentication failed!") from error
    return user

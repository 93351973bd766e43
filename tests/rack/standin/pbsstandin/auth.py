"""Tickets, CSRF tokens and API tokens of PBS (src/auth_helpers.rs, proxmox-auth-api).

A ticket is PBS:user:HEXTIME::signature, signed with the Ed25519 key in authkey.key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import subprocess
import tempfile
import time
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote, unquote

from pvestandin.errors import ApiError

from . import files, users
from .errors import refused, unauthorized

LIFETIME = 2 * 3600
GRACE = 300
COOKIES = ("__Host-PBSAuthCookie", "PBSAuthCookie")


def create_keys() -> None:
    """The keys that sign tickets and CSRF tokens, unless they are there."""
    if not files.at("csrf.key").exists():
        files.write("csrf.key", base64.b64encode(secrets.token_bytes(32)).decode())
    if files.at("authkey.key").exists() and files.at("authkey.pub").exists():
        return
    private = _openssl("genpkey", "-algorithm", "ed25519")
    files.write_secret("authkey.key", private.decode())
    files.write("authkey.pub", _openssl("pkey", "-pubout", stdin=private).decode())


def _openssl(*arguments: str, stdin: bytes = b"") -> bytes:
    done = subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, check=False)
    if done.returncode:
        raise refused(f"openssl {arguments[0]} failed: {done.stderr.decode().strip()}")
    return done.stdout


def create_ticket(userid: str) -> str:
    plain = f"PBS:{quote(userid, safe='@!.-_~+')}:{int(time.time()):08X}"
    with tempfile.TemporaryDirectory() as scratch:
        message = Path(scratch) / "message"
        message.write_text(plain)
        signature = _openssl("pkeyutl", "-sign", "-rawin", "-inkey", str(files.at("authkey.key")), "-in", str(message))
    return f"{plain}::{base64.b64encode(signature).decode().rstrip('=')}"


def verify_ticket(ticket: str) -> str:
    """The user of a valid ticket."""
    match = re.fullmatch(r"(PBS:(\S+):([A-F0-9]{8}))::([^:\s]+)", ticket)
    if not match:
        raise refused("ticket with invalid prefix" if not ticket.startswith("PBS:") else "invalid ticket")
    age = int(time.time()) - int(match[3], 16)
    if age < -GRACE:
        raise refused("invalid ticket - timestamp newer than expected.")
    if age > LIFETIME:
        raise refused("invalid ticket - timestamp too old.")
    if not _signed(match[1], match[4], files.read("authkey.pub")):
        raise refused("invalid ticket - signature verification failed")
    return unquote(match[2])


@lru_cache(maxsize=256)
def _signed(plain: str, signature: str, public: str) -> bool:
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        (place / "key").write_text(public)
        (place / "message").write_text(plain)
        try:
            (place / "signature").write_bytes(base64.b64decode(signature + "=" * (-len(signature) % 4), validate=True))
        except ValueError:
            return False
        command = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", f"{scratch}/key"]
        command += ["-in", f"{scratch}/message", "-sigfile", f"{scratch}/signature"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _csrf(stamp: str, userid: str) -> str:
    mac = hmac.new(files.read("csrf.key").encode(), f"{stamp}:{userid}:".encode(), hashlib.sha256).digest()
    return f"{stamp}:{base64.b64encode(mac).decode().rstrip('=')}"


def create_csrf_token(userid: str) -> str:
    return _csrf(f"{int(time.time()):08X}", userid)


def verify_csrf_token(userid: str, token: str | None) -> None:
    if not token:
        raise refused("missing CSRF prevention token")
    stamp = token.partition(":")[0]
    if not re.fullmatch(r"[A-F0-9]{8}", stamp) or not hmac.compare_digest(_csrf(stamp, userid), token):
        raise refused("invalid csrf token")
    if not -GRACE <= int(time.time()) - int(stamp, 16) <= LIFETIME:
        raise refused("invalid csrf token - timestamp too old")


def identify(method: str, cookie: str, authorization: str, csrf: str | None) -> str:
    """Who a request comes from: the cookie counts before a token. Raises 401 with the reason."""
    try:
        ticket = _from_cookie(cookie)
        if ticket is not None:
            userid = verify_ticket(ticket)
            if not users.is_active(userid, users.read()):
                raise refused("user account disabled or expired.")
            if method != "GET":
                verify_csrf_token(userid, csrf)
            return userid
        if authorization.startswith("PBSAPIToken"):
            return _from_token(authorization)
    except ApiError as error:
        raise unauthorized(error.message) from error
    raise unauthorized("no authentication credentials provided.")


def _from_cookie(cookie: str) -> str | None:
    for name in COOKIES:
        match = re.search(rf"(?:^|[\s;]){re.escape(name)}=([^;]*)", cookie)
        if match:
            return unquote(match[1])
    return None


def _from_token(authorization: str) -> str:
    """`PBSAPIToken=user@realm!name:secret`; a blank instead of the = is fine, too."""
    match = re.fullmatch(r"PBSAPIToken[= ]([^:]+):(.+)", authorization.strip())
    if not match:
        raise refused("failed to split API token header")
    tokenid, secret = unquote(match[1]), unquote(match[2])
    if not users.is_token(tokenid):
        raise refused("not an API token ID")
    if not users.is_active(tokenid, users.read()):
        raise refused("user account or token disabled or expired.")
    users.verify_secret(tokenid, secret)
    return tokenid

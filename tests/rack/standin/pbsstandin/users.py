"""user.cfg (users and API tokens), shadow.json (passwords of realm pbs) and token.shadow (secrets of tokens).

Passwords and secrets are stored as crypt(3) hashes (src/auth.rs, pbs-config/src/token_shadow.rs).
"""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

from pvestandin import passwords
from pvestandin.errors import Failure

from . import domains, files
from .errors import refused
from .sections import Section, SectionFile, Sections

SUPERUSER = "root@pam"
FILE = SectionFile(
    "user.cfg",
    "user",
    {
        "user": "comment enable:boolean expire:integer firstname lastname email",
        "token": "comment enable:boolean expire:integer",
    },
)


def read() -> Sections:
    """The users and tokens. root@pam is there whatever the file says."""
    found = FILE.read()
    if SUPERUSER not in found.items:
        found.set("user", SUPERUSER, {"comment": "Superuser"})
    return found


def owner(auth_id: str) -> str:
    """The user of a token, or the user itself."""
    return auth_id.split("!", 1)[0]


def is_token(auth_id: str) -> bool:
    return "!" in auth_id


def is_active(auth_id: str, known: Sections) -> bool:
    """Whether the user, and the token if it is one, is there, enabled and not expired."""
    if not _in_force(known, "user", owner(auth_id)):
        return False
    return not is_token(auth_id) or _in_force(known, "token", auth_id)


def _in_force(known: Sections, kind: str, name: str) -> bool:
    found, data = known.items.get(name, ("", {}))
    expire = data.get("expire") or 0
    return found == kind and data.get("enable", True) and not 0 < expire <= time.time()


def of_user(known: Sections, userid: str) -> dict[str, Section]:
    """The user's tokens."""
    return {name: data for name, data in known.all("token").items() if owner(name) == userid}


def verify_password(userid: str, password: str) -> None:
    """Raise unless it is the user's."""
    name, _unused, realm = userid.rpartition("@")
    try:
        if domains.kind(realm) == "pbs":
            hashed = files.read_json("shadow.json").get(name)
            if hashed is None:
                raise refused("no password set")
            passwords.check(password, hashed)
        else:
            passwords.verify(domains.kind(realm), name, password)
    except Failure as error:
        raise refused(error.message) from error


def store_password(userid: str, password: str) -> None:
    name, _unused, realm = userid.rpartition("@")
    kind = domains.kind(realm)
    if kind == "pbs":
        with files.lock("shadow"):
            known = {**files.read_json("shadow.json"), name: passwords.encrypt(password)}
            files.write_secret("shadow.json", json.dumps(known, indent=2))
    elif kind == "pam":
        passwords.store("pam", name, password)
    else:
        raise refused(f"storing passwords is not implemented for {kind} realms")


def forget_password(userid: str) -> None:
    name, _unused, realm = userid.rpartition("@")
    if domains.kind(realm) == "pbs":
        with files.lock("shadow"):
            known = files.read_json("shadow.json")
            known.pop(name, None)
            files.write_secret("shadow.json", json.dumps(known, indent=2))


def new_secret(tokenid: str) -> str:
    """Make and keep a secret for the token. It is told once: only its hash is stored."""
    secret = str(uuid.uuid4())
    with files.lock("token-shadow"):
        _write_secrets({**_secrets(), tokenid: passwords.encrypt(secret)})
    return secret


def forget_secret(tokenid: str) -> None:
    with files.lock("token-shadow"):
        _write_secrets({name: hashed for name, hashed in _secrets().items() if name != tokenid})


def verify_secret(tokenid: str, secret: str) -> None:
    hashed = _secrets().get(tokenid)
    if hashed is None:
        raise refused("invalid API token")
    try:
        passwords.check(secret, hashed)
    except Failure as error:
        raise refused(error.message) from error


def _secrets() -> dict[str, Any]:
    return files.read_json("token.shadow")


def _write_secrets(known: dict[str, Any]) -> None:
    files.write("token.shadow", json.dumps(known, separators=(",", ":")))

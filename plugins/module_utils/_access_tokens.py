# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""API tokens: the table of PVE/API2/User.pm.

What the handlers do, and is reckoned with here:

- The secret is in the answer of POST and nowhere else. It is written to a file, or returned once.
- A new secret for a token that exists: PUT with C(regenerate) since Proxmox VE 9.2. Before, the token is made anew, with
  which its entries in the access control list go; they are written again.
- Before Proxmox VE 9.1 there is no way to take a comment away.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ansible_collections.baremetal.proxmox.plugins.module_utils import _access
from ansible_collections.baremetal.proxmox.plugins.module_utils._access import ACL, TOKEN, USERS, asking, split_token
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ConnectionLost, InputError
from ansible_collections.baremetal.proxmox.plugins.module_utils._fields import Field, Item, Resource, Variant
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import BOOL, INT, PATH

_REGENERATES = (9, 2)
_CLEARS = (9, 1)
_WORDS = ["never", "lost", "always"]


def read(api: Any, _identity: str | None = None) -> Iterable[Mapping[str, Any]]:
    mine = asking(api).token
    for user in api.get(USERS, full=True):
        for row in user.get("tokens") or ():
            token = f"{user['userid']}!{row['tokenid']}"
            used = {"held": "it is the token that this connection uses"} if token == mine else {}
            yield {**row, "tokenid": token, **used}


# -- planning


def prepare(values: Item, present: Item | None) -> Item:
    word = values.pop("regenerate", None) or "never"
    if present is None:
        return values
    file = values.get("secret_file")
    lost = file is not None and not _has_secret(file)
    if word == "always" or (lost and word == "lost"):
        values["regenerate"] = word
    elif lost:
        raise ValueError(
            f"secret_file: the token exists, but its secret is not in {file}, and Proxmox does not tell it again."
            " regenerate: lost makes a new secret; whoever uses the old one loses access"
        )
    return values


def _has_secret(file: str) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.getsize(file) > 0
    return False


def objections(api: Any, changes: Sequence[Any]) -> Iterable[tuple[str, bool]]:
    made = [change for change in changes if change.action != "delete"]
    new = [change.key for change in made if change.action == "create"]
    users = {row["userid"] for row in api.get(USERS)} if new else set()
    for key in new:
        if split_token(key)[0] not in users:
            yield f"token '{key}': there is no user {split_token(key)[0]}.", False
    for change in made:
        file = change.goal.values.get("secret_file")
        tells = change.action == "create" or "regenerate" in change.to_set
        if file and tells and not os.path.isdir(os.path.dirname(file)):
            yield f"token '{change.key}': secret_file: there is no directory {os.path.dirname(file)}.", False
        if change.key == api.user and "regenerate" in change.to_set:
            yield f"token '{change.key}': regenerate: this connection uses it, and could not go on.", True
        if "comment" in change.to_unset and api.client.version < _CLEARS:
            yield f"token '{change.key}': comment: before Proxmox VE 9.1 it can be changed, not taken away.", True


# -- writing


def write(api: Any, change: Any, form: Mapping[str, Any]) -> None:
    user, name = split_token(change.key)
    path = f"{USERS}/{quote(user, safe='@!')}/token/{quote(name, safe='')}"
    if change.action == "delete":
        api.delete(path)
        return
    regenerate = "regenerate" in form
    settings = {name: value for name, value in form.items() if name not in ("regenerate", "secret_file")}
    settings |= dict.fromkeys(change.to_unset, "")
    if change.action == "update" and not regenerate:
        api.put(path, **settings)
        return
    with keeping(api, change.key, change.goal.values.get("secret_file")) as keep:
        if change.action == "create":
            keep(_made(api, path, settings))
        elif api.client.version >= _REGENERATES:
            keep(api.put(path, regenerate=True, **settings))
        else:
            _anew(api, change, path, settings, keep)


def _made(api: Any, path: str, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where the answer is lost, its secret is as well: the token goes again, and the engine makes another one."""
    try:
        return api.post(path, **settings)
    except ConnectionLost as error:
        user, name = path.removeprefix(f"{USERS}/").split("/token/")
        if error.maybe_done and any(row["tokenid"] == name for row in api.get(f"{USERS}/{user}/token")):
            api.delete(path)
        raise


def _anew(
    api: Any, change: Any, path: str, settings: Mapping[str, Any], keep: Callable[[Mapping[str, Any]], None]
) -> None:
    grants = [row for row in api.get(ACL) if row["ugid"] == change.key]
    known = {one.name: one.kind.write(change.present.values[one.option]) for one in _kept(change.present.values)}
    api.delete(path)
    keep(_made(api, path, {**known, **settings}))
    for row in grants:
        api.put(
            ACL, path=row["path"], tokens=change.key, roles=row["roleid"], propagate=bool(int(row.get("propagate", 1)))
        )


def _kept(values: Item) -> Iterable[Field]:
    return [one for one in TOKEN_TABLE.fields if one.option in values]


@contextlib.contextmanager
def keeping(api: Any, token: str, file: str | None) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Gives a function that keeps the secret of an answer. The file is there before the secret is, for its owner only."""
    if file is None:
        yield lambda answer: api.told.setdefault("secrets", {}).update({token: answer["value"]})
        return
    try:
        handle, draft = tempfile.mkstemp(dir=os.path.dirname(file), prefix=".")
    except OSError as error:
        raise InputError(f"secret_file: {file} cannot be written: {error.strerror}.") from error

    def keep(answer: Mapping[str, Any]) -> None:
        os.write(handle, f"{answer['value']}\n".encode())
        os.fsync(handle)
        os.replace(draft, file)

    try:
        yield keep
    except OSError as error:
        # no repetition of the call makes that better
        raise InputError(
            f"secret_file: {file} could not be written: {error.strerror}; the secret is lost.",
            hint="Repair the cause and run again with regenerate: lost.",
            changed=True,
        ) from error
    finally:
        os.close(handle)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft)


TOKEN_TABLE = Resource(
    name="token",
    path=USERS,
    key=Field("tokenid", pattern=TOKEN, meaning="a token such as alice@pve!deploy"),
    fields=[
        Field("comment"),
        Field("expire", INT, default=0, limits=(0, 2**53)),
        Field("privsep", BOOL, default=True),
        Field("secret_file", PATH, transient=True, pattern=r"/.+", meaning="an absolute path"),
        Field("regenerate", once=True, choices=_WORDS),
    ],
    variants={None: Variant(optional="comment expire privsep secret_file regenerate")},
    prepare=prepare,
    objections=objections,
    explain=_access.explain,
    read=read,
    write=write,
    held=_access.held,
    resets=True,
    clears=True,
)

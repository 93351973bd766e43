"""user.cfg: users, tokens, groups, pools, roles and the ACL, read and written as PVE/AccessControl.pm does."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from . import formats, privileges, pvefiles
from .errors import Failure
from .text import decode_text, encode_text, split_list

FILE = "user.cfg"
Entry = dict[str, Any]


@dataclass
class Acl:
    """What is granted on one path: kind (users, groups, tokens) → id → role → propagate (0 or 1)."""

    users: dict[str, dict[str, int]] = field(default_factory=dict)
    groups: dict[str, dict[str, int]] = field(default_factory=dict)
    tokens: dict[str, dict[str, int]] = field(default_factory=dict)

    def kinds(self) -> list[tuple[str, dict[str, dict[str, int]]]]:
        return [("user", self.users), ("group", self.groups), ("token", self.tokens)]


@dataclass
class UserConfig:
    users: dict[str, Entry] = field(default_factory=dict)
    """userid → enable, expire, firstname, …, tokens: {name: {expire, privsep, comment}}"""
    groups: dict[str, Entry] = field(default_factory=dict)
    """groupid → users (a set), comment"""
    pools: dict[str, Entry] = field(default_factory=dict)
    """poolid → vms (a set), storage (a set), comment"""
    roles: dict[str, set[str]] = field(default_factory=dict)
    acl: dict[str, Acl] = field(default_factory=dict)

    def user(self, userid: str) -> Entry:
        if userid not in self.users:
            raise Failure(f"no such user ('{userid}')")
        return self.users[userid]

    def token(self, userid: str, name: str) -> Entry:
        tokens = self.user(userid)["tokens"]
        if name not in tokens:
            raise Failure(f"no such token '{name}' for user '{userid}'")
        return tokens[name]

    def groups_of(self, userid: str) -> list[str]:
        return sorted(name for name, group in self.groups.items() if userid in group["users"])

    def subpools(self, pool: str) -> list[str]:
        return sorted(name for name in self.pools if name.rpartition("/")[0] == pool)

    def pool_of(self, vmid: str) -> str | None:
        return next((name for name, pool in self.pools.items() if vmid in pool["vms"]), None)

    def grants(self, path: str) -> Acl:
        return self.acl.setdefault(path, Acl())

    def paths(self) -> list[str]:
        """Every path with an entry, in the order of the tree."""
        return sorted(self.acl, key=lambda path: [part for part in path.split("/") if part])


def new_pool() -> Entry:
    return {"vms": set(), "storage": set()}


def normalize_path(path: str | None) -> str | None:
    """An ACL path with one slash in front and none behind, or None if it cannot be one."""
    if not path:
        return None
    path = "/" + re.sub(r"/+", "/", path).strip("/")
    return path if re.fullmatch(r"[A-Za-z0-9.\-_/]+", path) else None


def read() -> UserConfig:
    return parse(pvefiles.read(FILE))


def save(config: UserConfig) -> None:
    pvefiles.write(FILE, dump(config))


@contextlib.contextmanager
def change(what: str) -> Iterator[UserConfig]:
    """The config under its lock, written back when the block ends well."""
    with pvefiles.lock_file(FILE, what):
        config = read()
        yield config
        save(config)


def parse(raw: str) -> UserConfig:
    config = UserConfig(roles={name: set(held) for name, held in privileges.special_roles().items()})
    for line in filter(None, (line.strip() for line in raw.split("\n"))):
        kind, *data = (part.strip() for part in line.split(":"))
        reader = _READERS.get(kind)
        if reader is None:
            _warn(f"ignore config line: {line}")
        else:
            reader(config, data + [""] * 8)
    config.users.setdefault("root@pam", {"enable": 1, "tokens": {}})
    return config


def _warn(message: str) -> None:
    print(f"user config - {message}", file=sys.stderr)


def _texts(entry: Entry, **values: str) -> None:
    entry.update({name: decode_text(value) for name, value in values.items() if value})


def _text(entry: Entry, key: str) -> str:
    """For the file. What Perl takes for false is left out, which a zero is."""
    value = str(entry.get(key) or "")
    return "" if value == "0" else encode_text(value)


def _read_user(config: UserConfig, data: list[str]) -> None:
    userid, enable, expire, first, last, email, comment, keys = data[:8]
    if not re.fullmatch(rf"{formats.USER}@{formats.REALM}", userid):
        _warn(f"ignore user '{userid}' - invalid user name")
        return
    entry: Entry = {"enable": int(enable not in ("", "0")), "expire": int(expire or 0), "tokens": {}}
    _texts(entry, firstname=first, lastname=last, comment=comment)
    # Perl drops the empty fields at the end only
    if any((email, comment, keys)):
        entry["email"] = email
    if keys:
        entry["keys"] = keys
    config.users[userid] = entry


def _read_token(config: UserConfig, data: list[str]) -> None:
    full, expire, privsep, comment = data[:4]
    userid, _unused, name = full.rpartition("!")
    if userid not in config.users:
        _warn(f"ignore token '{full}' - user does not exist")
        return
    entry: Entry = {"expire": int(expire or 0), "privsep": int(privsep not in ("", "0"))}
    _texts(entry, comment=comment)
    config.users[userid]["tokens"][name] = entry


def _read_group(config: UserConfig, data: list[str]) -> None:
    name, members, comment = data[:3]
    entry = config.groups.setdefault(name, {"users": set()})
    _texts(entry, comment=comment)
    entry["users"].update(split_list(members))


def _read_pool(config: UserConfig, data: list[str]) -> None:
    name, comment, guests, storages = data[:4]
    parent = name
    while "/" in parent:
        parent = parent.rpartition("/")[0]
        config.pools.setdefault(parent, new_pool())
    entry = config.pools.setdefault(name, new_pool())
    _texts(entry, comment=comment)
    entry["vms"].update(vmid for vmid in split_list(guests) if config.pool_of(vmid) is None)
    entry["storage"].update(split_list(storages))


def _read_role(config: UserConfig, data: list[str]) -> None:
    role = config.roles.setdefault(data[0], set())
    for privilege in split_list(data[1]):
        if privilege in privileges.valid():
            role.add(privilege)
        else:
            _warn(f"ignore invalid privilege '{privilege}'")


def _read_acl(config: UserConfig, data: list[str]) -> None:
    propagate, path, members, roles = int(data[0] not in ("", "0")), normalize_path(data[1]), data[2], data[3]
    if path is None:
        _warn(f"ignore invalid path in acl '{data[1]}'")
        return
    for role in split_list(roles):
        if role not in config.roles:
            _warn(f"ignore invalid acl role '{role}'")
            continue
        for member in split_list(members):
            _grant(config, path, member, role, propagate)


def _grant(config: UserConfig, path: str, member: str, role: str, propagate: int) -> None:
    if member.startswith("@"):
        config.grants(path).groups.setdefault(member[1:], {})[role] = propagate
    elif "!" not in member:
        config.grants(path).users.setdefault(member, {})[role] = propagate
    elif member.rpartition("!")[2] in config.users.get(member.rpartition("!")[0], {}).get("tokens", {}):
        config.grants(path).tokens.setdefault(member, {})[role] = propagate
    else:
        _warn(f"ignore invalid acl token '{member}'")


_READERS = {
    "user": _read_user,
    "token": _read_token,
    "group": _read_group,
    "pool": _read_pool,
    "role": _read_role,
    "acl": _read_acl,
}


def dump(config: UserConfig) -> str:
    parts = [_dump_users(config)]
    parts.append(
        "".join(
            f"group:{name}:{','.join(sorted(group['users']))}:{_text(group, 'comment')}:\n"
            for name, group in sorted(config.groups.items())
        )
    )
    parts.append(
        "".join(
            f"pool:{name}:{_text(pool, 'comment')}:{','.join(sorted(pool['vms']))}"
            f":{','.join(sorted(pool['storage']))}:\n"
            for name, pool in sorted(config.pools.items())
        )
    )
    parts.append(
        "".join(
            f"role:{name}:{','.join(sorted(held))}:\n"
            for name, held in sorted(config.roles.items())
            if name not in privileges.special_roles()
        )
    )
    parts.append("".join(_dump_acl(path, config.acl[path]) for path in config.paths()))
    return "\n".join(parts)


def _dump_users(config: UserConfig) -> str:
    text = ""
    for userid, user in sorted(config.users.items()):
        names = [_text(user, key) for key in ("firstname", "lastname")]
        text += (
            f"user:{userid}:{int(bool(int(user['enable'])))}:{int(user.get('expire') or 0)}:{':'.join(names)}"
            f":{user.get('email') or ''}:{_text(user, 'comment')}:{user.get('keys') or ''}:\n"
        )
        for name, token in sorted(user["tokens"].items()):
            text += (
                f"token:{userid}!{name}:{int(token.get('expire') or 0)}:{int(bool(int(token['privsep'])))}"
                f":{_text(token, 'comment')}:\n"
            )
    return text


def _dump_acl(path: str, acl: Acl) -> str:
    """Members with the same set of roles share a line. root@pam is Administrator anyway and is not written."""
    lines: dict[int, dict[str, list[str]]] = {0: {}, 1: {}}
    for prefix, members in (("@", acl.groups), ("", acl.users), ("", acl.tokens)):
        for member, roles in members.items():
            if member == "root@pam":
                continue
            for propagate in (0, 1):
                held = ",".join(sorted(role for role, value in roles.items() if int(value) == propagate))
                if held:
                    lines[propagate].setdefault(held, []).append(prefix + member)
    return "".join(
        f"acl:{propagate}:{path}:{','.join(sorted(members))}:{roles}:\n"
        for propagate in (0, 1)
        for roles, members in sorted(lines[propagate].items())
    )

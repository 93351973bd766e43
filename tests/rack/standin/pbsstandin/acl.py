"""acl.cfg and what follows from it: who may do what (pbs-config/src/acl.rs, cached_user_info.rs).

    acl:PROPAGATE:PATH:WHO,WHO:ROLE,ROLE

On the way from / to a path the roles of the last component that names somebody count. A token has no more than its user.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import files, privileges, users
from .errors import refused

_FILE = "acl.cfg"
_DEPTH = 7
"""How deep namespaces may be."""

Entry = tuple[str, str, str]
"""Path, who, role."""


@dataclass
class Acl:
    entries: dict[Entry, bool]
    """→ does it propagate."""
    digest: str = ""

    def roles(self, auth_id: str, path: list[str]) -> dict[str, bool]:
        """Role → propagates, for a path in its components."""
        found: dict[str, bool] = {}
        for depth in range(len(path) + 1):
            here = self._own(auth_id, "/" + "/".join(path[:depth]), leaf=depth == len(path))
            found = here or found
        return found

    def _own(self, auth_id: str, path: str, *, leaf: bool) -> dict[str, bool]:
        own = {
            role: propagate
            for (where, who, role), propagate in self.entries.items()
            if where == path and who == auth_id and (propagate or leaf)
        }
        return {privileges.NO_ACCESS: False} if privileges.NO_ACCESS in own else own

    def paths(self) -> set[str]:
        """Every path with an entry, and those above it."""
        found: set[str] = set()
        for path, _who, _role in self.entries:
            parts = components(path)
            found |= {"/" + "/".join(parts[:depth]) for depth in range(1, len(parts) + 1)}
        return found


def components(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def normal(path: str) -> str:
    return "/" + "/".join(components(path))


def read() -> Acl:
    raw = files.read(_FILE)
    entries: dict[Entry, bool] = {}
    for count, line in enumerate(raw.splitlines(), 1):
        if not line.strip():
            continue
        try:
            _take(entries, line)
        except ValueError as error:
            message = f"unable to parse acl config, line {count} - {error}"
            raise refused(message) from error
    return Acl(entries, files.digest(raw))


def _take(entries: dict[Entry, bool], line: str) -> None:
    items = line.split(":")
    if len(items) != 5:
        raise ValueError("wrong number of items.")
    if items[0] != "acl":
        raise ValueError("line does not start with 'acl'.")
    if items[1] not in ("0", "1"):
        raise ValueError("expected '0' or '1' for propagate flag.")
    for who in items[3].split(","):
        for role in items[4].split(","):
            if role.strip() not in privileges.ROLES:
                raise ValueError(f"unknown role '{role}'")
            entries[normal(items[2]), who.strip(), role.strip()] = items[1] == "1"


def write(acl: Acl) -> None:
    files.write(_FILE, text(acl))


def text(acl: Acl) -> str:
    """Lines by path; those who have the same roles share one. Entries for root@pam are not kept: it may do all."""
    lines: list[str] = []
    for path in sorted({path for path, _who, _role in acl.entries}, key=components):
        for propagate in (False, True):
            lines += _lines(acl, path, propagate)
    return "".join(lines)


def _lines(acl: Acl, path: str, propagate: bool) -> list[str]:
    holders: dict[str, set[str]] = {}
    for (where, who, role), flag in acl.entries.items():
        if where == path and flag == propagate and who != users.SUPERUSER:
            holders.setdefault(role, set()).add(who)
    grouped: dict[str, set[str]] = {}
    for role, who in holders.items():
        grouped.setdefault(",".join(sorted(who)), set()).add(role)
    return [
        f"acl:{int(propagate)}:{path}:{who}:"
        + (privileges.NO_ACCESS if privileges.NO_ACCESS in roles else ",".join(sorted(roles)))
        + "\n"
        for who, roles in sorted(grouped.items())
    ]


def check_path(path: str) -> None:
    """Refuse paths that nothing has (acl.rs, check_acl_path)."""
    parts = components(path)
    if parts and not _known(parts):
        raise refused(f"invalid acl path '{path}'.")


def _known(parts: list[str]) -> bool:
    top, depth = parts[0], len(parts)
    second = parts[1] if depth > 1 else None
    if top == "access":
        return (
            second is None
            or (second in ("acl", "users", "domains") and depth == 2)
            or (second == "openid" and depth <= 3)
        )
    if top == "datastore":
        return depth <= 2 + _DEPTH
    if top == "remote":
        return depth <= 3 + _DEPTH
    if top == "system":
        return second is None or _system(parts)
    if top == "tape":
        return depth == 1 or (second in ("device", "pool", "job") and depth <= 3)
    return False


def _system(parts: list[str]) -> bool:
    second, depth = parts[1], len(parts)
    if second in ("certificates", "disks", "log", "notifications", "status", "tasks", "time"):
        return depth == 2
    if second in ("services", "s3-endpoint", "encryption-keys"):
        return depth <= 3
    if second == "network":
        return depth == 2 or (parts[2] == "dns" and depth == 3) or (parts[2] == "interfaces" and depth <= 4)
    return False


class Permissions:
    """The privileges of everybody as the files have them now."""

    def __init__(self) -> None:
        self.acl = read()

    def lookup(self, auth_id: str, path: list[str]) -> tuple[frozenset[str], frozenset[str]]:
        """Privileges on a path, and those of them that propagate."""
        if auth_id == users.SUPERUSER:
            everything = frozenset(privileges.PRIVILEGES)
            return everything, everything
        found: frozenset[str] = frozenset()
        propagated: frozenset[str] = frozenset()
        for role, propagates in self.acl.roles(auth_id, path).items():
            names = privileges.ROLES[role][1]
            found |= names
            propagated |= names if propagates else frozenset()
        if users.is_token(auth_id):
            theirs, theirs_propagated = self.lookup(users.owner(auth_id), path)
            found, propagated = found & theirs, propagated & theirs_propagated
        return found, propagated

    def has(self, auth_id: str, path: list[str], *names: str, partial: bool = True) -> bool:
        """Any of the privileges, or with partial=False all of them."""
        found = self.lookup(auth_id, path)[0]
        return bool(found & set(names)) if partial else found >= set(names)

    def any_below(self, auth_id: str, path: list[str]) -> bool:
        """Whether there is any privilege of datastores on something below the path (cached_user_info.rs)."""
        below = [components(entry[0]) for entry in self.acl.entries]
        names = ("Datastore.Audit", "Datastore.Modify", "Datastore.Read", "Datastore.Backup")
        return any(self.has(auth_id, found, *names) for found in [path, *below] if found[: len(path)] == path)

    def check(self, auth_id: str, path: list[str], *names: str, partial: bool = True) -> None:
        if not self.has(auth_id, path, *names, partial=partial):
            listed = ("|" if partial else "&").join(privileges.in_order(frozenset(names)))
            raise refused(f"missing permissions '{listed}' on '/{'/'.join(path)}'")

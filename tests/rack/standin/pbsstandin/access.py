"""Who may do what with a datastore's contents (src/backup/hierarchy.rs)."""

from __future__ import annotations

from pvestandin.registry import Context

from . import acl, privileges, stores, users
from .errors import forbidden, refused


def ns_path(store: str, ns: str | None) -> list[str]:
    """The path of a namespace in the ACLs."""
    return ["datastore", store, *(ns.split("/") if ns else ())]


def check(ctx: Context, store: str, ns: str, full: tuple[str, ...], limited: tuple[str, ...] = ()) -> bool:
    """Refuse who has none of the privileges. True for who has only a `limited` one: what they own is all there is."""
    held = acl.Permissions().lookup(ctx.user, ns_path(store, ns))[0]
    if held & set(full):
        return False
    if held & set(limited):
        return True
    names = "|".join(privileges.in_order(frozenset((*full, *limited))))
    raise forbidden(f"permission check failed - missing {names} on /{'/'.join(ns_path(store, ns))}")


def check_ns_change(ctx: Context, store: str, ns: str) -> None:
    """Whether a namespace may be made or removed: its parent decides."""
    if not ns:
        raise refused("Cannot create/delete root namespace!")
    check(ctx, store, ns.rpartition("/")[0], ("Datastore.Modify",))


def owns(owner: str, auth_id: str) -> bool:
    """A user owns what their tokens own."""
    return owner == auth_id or (users.is_token(owner) and users.owner(owner) == auth_id)


def check_owner(group: stores.Group, auth_id: str) -> None:
    owner = group.owner()
    if not owns(owner, auth_id):
        raise refused(f"backup owner check failed ({auth_id} != {owner})")

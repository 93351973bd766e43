"""/access/acl (PVE/API2/ACL.pm)."""

from __future__ import annotations

import re
from typing import Any

from .. import paths, usercfg
from ..errors import ApiError, Failure, bad_parameters
from ..permissions import Permissions
from ..registry import ALL, Context, endpoint
from ..text import hash_order, split_list, truth

_NAME = r"[A-Za-z0-9.\-_]+"
# not in 8.4
_NEW_PATHS = re.compile(r"/sdn/(?:fabrics|prefix-lists|route-maps)(?:/[A-Za-z0-9]+)?")
_PATHS = re.compile(
    rf"/|/access|/access/groups(?:/{_NAME})?|/access/realm(?:/{_NAME})?|/nodes(?:/{_NAME})?"
    rf"|/pool(?:/{_NAME}(?:/{_NAME}){{0,2}})?|/sdn|/sdn/controllers(?:/[A-Za-z0-9_-]+)?"
    rf"|/sdn/(?:dns|fabrics|ipams|prefix-lists|route-maps)(?:/[A-Za-z0-9]+)?"
    rf"|/sdn/zones(?:/{_NAME}(?:/{_NAME}(?:/[1-9][0-9]{{0,3}})?)?)?|/storage(?:/{_NAME})?|/vms(?:/[1-9][0-9]{{2,}})?"
    rf"|/mapping(?:/{_NAME}(?:/{_NAME})?)?"
)


def _possible(path: str) -> bool:
    new = _NEW_PATHS.fullmatch(path) and paths.release()[0] < 9
    return bool(_PATHS.fullmatch(path)) and not new


@endpoint("GET", "/access/acl", permission=ALL)
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, Any]]:
    allowed = Permissions()
    audit = allowed.allowed(ctx.user, "/access", ["Sys.Audit"])
    answer = []
    for path in allowed.config.paths():
        if not (audit or _may_modify(allowed, ctx.user, path)):
            continue
        for kind, members in allowed.config.acl[path].kinds():
            answer += [
                {"path": path, "type": kind, "ugid": member, "roleid": role, "propagate": members[member][role]}
                for member in hash_order(members)
                for role in hash_order(members[member])
            ]
    return answer


def _may_modify(allowed: Permissions, user: str, path: str) -> bool:
    try:
        allowed.check_modify(user, path)
    except ApiError:
        return False
    return True


@endpoint(
    "PUT",
    "/access/acl",
    permission=["perm-modify", "{path}"],
    params="path! roles:pve-roleid-list! users:pve-userid-list groups:pve-groupid-list tokens:pve-tokenid-list "
    "propagate:boolean delete:boolean",
)
def update(ctx: Context, params: dict[str, Any]) -> None:
    if not any(params.get(kind) for kind in ("users", "groups", "tokens")):
        raise bad_parameters(
            dict.fromkeys(("users", "groups", "tokens"), "either 'users', 'groups' or 'tokens' is required.")
        )
    remove = truth(params.get("delete"))
    path = usercfg.normalize_path(params["path"])
    if path is None or (not remove and not _possible(path)):
        raise bad_parameters({"path": f"invalid ACL path '{params['path']}'"})
    propagate = int(truth(params.get("propagate", 1)))
    with usercfg.change("ACL update failed") as config:
        held = Permissions(config).of(ctx.user, path)
        for role in split_list(params["roles"]):
            if role not in config.roles:
                raise Failure(f"role '{role}' does not exist")
            _check_handed_out(config, held, role, remove=remove, propagate=propagate)
            for members, member in _members(config, path, params):
                roles = members.setdefault(member, {})
                if remove:
                    roles.pop(role, None)
                else:
                    roles[role] = propagate
                if not roles:
                    del members[member]


def _members(config: usercfg.UserConfig, path: str, params: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    acl = config.grants(path)
    found = []
    for group in split_list(params.get("groups")):
        if group not in config.groups:
            raise Failure(f"group '{group}' does not exist")
        found.append((acl.groups, group))
    for user in split_list(params.get("users")):
        if user not in config.users:
            raise Failure(f"user '{user}' does not exist")
        found.append((acl.users, user))
    for token in split_list(params.get("tokens")):
        owner, _unused, name = token.rpartition("!")
        config.token(owner, name)
        found.append((acl.tokens, token))
    return found


def _check_handed_out(
    config: usercfg.UserConfig, held: dict[str, int], role: str, *, remove: bool, propagate: int
) -> None:
    """Without Permissions.Modify one may hand out no more than one has."""
    if "Permissions.Modify" in held:
        return
    verb = "remove" if remove else "add"
    for privilege in config.roles[role]:
        if privilege not in held:
            raise bad_parameters(
                {"role": f"Cannot {verb} role '{role}' - requires 'Permissions.Modify' or superset of privileges."}
            )
        if propagate and not remove and not held[privilege]:
            raise bad_parameters(
                {
                    "role": f"Cannot {verb} role '{role}' with propagation - requires "
                    "'Permissions.Modify' or propagated superset of privileges."
                }
            )
    if role == "NoAccess":
        raise bad_parameters({"role": f"Cannot {verb} role '{role}' - requires 'Permissions.Modify'"})

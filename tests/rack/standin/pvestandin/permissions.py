"""Who may do what: roles along the path, pools, tokens, and the checks that endpoints declare (PVE/RPCEnvironment.pm)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from . import usercfg
from .errors import ApiError, forbidden
from .formats import REALM, USER
from .registry import ALL, WORLD, Permission
from .text import split_list

Roles = dict[str, int]


class Permissions:
    """Answers for one state of user.cfg. Privileges are a map of name → whether it propagates."""

    def __init__(self, config: usercfg.UserConfig | None = None) -> None:
        self.config = config or usercfg.read()

    def of(self, user: str, path: str) -> dict[str, int]:
        if user == "root@pam":
            return dict.fromkeys(self.config.roles["Administrator"], 1)
        owner, _unused, token = user.partition("!")
        if not token:
            return self._privileges(user, path)
        info = self.config.users.get(owner, {}).get("tokens", {}).get(token)
        if info is None:
            return {}
        held = self.of(owner, path)
        if not info["privsep"]:
            return held
        own = self._privileges(user, path)
        return {name: int(own[name] and held[name]) for name in own if name in held}

    def _privileges(self, user: str, path: str) -> dict[str, int]:
        roles = self._roles(user, path)
        pool_roles = self._pool_roles(user, path)
        if "NoAccess" not in roles and pool_roles:
            roles = {"NoAccess": 0} if "NoAccess" in pool_roles else {**dict.fromkeys(pool_roles, 0), **roles}
        held: dict[str, int] = {}
        for role, propagate in roles.items():
            for name in self.config.roles.get(role, ()):
                held[name] = held.get(name, 0) or propagate
        return held

    def _pool_roles(self, user: str, path: str) -> set[str]:
        match = re.fullmatch(r"/(vms|storage)/([^/]+)", path)
        if not match:
            return set()
        pools = [name for name, pool in self.config.pools.items() if match[2] in pool[match[1]]]
        return {role for pool in pools for role in self._roles(user, f"/pool/{pool}")}

    def _roles(self, user: str, path: str) -> Roles:
        """Deeper entries replace those above; on one path the token's own win over the user's, those over groups'."""
        parts = [part for part in path.split("/") if part]
        roles: Roles = {}
        for depth in range(len(parts) + 1):
            acl = self.config.acl.get("/" + "/".join(parts[:depth]))
            if acl is None:
                continue
            final = depth == len(parts)
            groups: Roles = {}
            for name, granted in acl.groups.items():
                if user in self.config.groups.get(name, {}).get("users", ()):
                    groups.update(_effective(granted, final))
            for granted in (
                _effective(acl.tokens.get(user, {}), final),
                _effective(acl.users.get(user, {}), final),
                groups,
            ):
                if granted:
                    roles = granted
                    break
        return {"NoAccess": roles["NoAccess"]} if "NoAccess" in roles else roles

    def check(self, user: str, path: str, needed: Sequence[str], *, any_of: bool = False) -> None:
        """Raise 403 unless the user has every privilege, or with any_of one of them."""
        held = self.of(user, path)
        if any_of:
            if not any(name in held for name in needed):
                raise forbidden(f"{path}, {'|'.join(needed)}")
            return
        for name in needed:
            if name not in held:
                raise forbidden(f"{path}, {name}")

    def allowed(self, user: str, path: str, needed: Sequence[str], *, any_of: bool = False) -> bool:
        held = self.of(user, path)
        return (any if any_of else all)(name in held for name in needed)

    def check_modify(self, user: str, path: str) -> None:
        """May the user change permissions on the path?"""
        needed = ["Permissions.Modify"]
        for prefix, extra in (
            ("/storage/", "Datastore.Allocate"),
            ("/vms/", "VM.Allocate"),
            ("/pool/", "Pool.Allocate"),
        ):
            if path.startswith(prefix) and len(path) > len(prefix):
                needed.append(extra)
        self.check(user, path, needed, any_of=True)

    def users_in_groups(self, user: str, needed: Sequence[str]) -> set[str]:
        """Members of the groups on which the user has one of the privileges."""
        return {
            member
            for name, group in self.config.groups.items()
            if self.allowed(user, f"/access/groups/{name}", needed, any_of=True)
            for member in group["users"]
        }

    def check_endpoint(self, permission: Permission, user: str | None, params: dict[str, Any]) -> None:
        if user is None:
            if permission == WORLD:
                return
            raise forbidden("user != null")
        if user == "root@pam":
            return
        if permission is None:
            raise forbidden("user != root@pam")
        if permission == ALL:
            return
        if isinstance(permission, str):
            raise ApiError(403, "Permission check failed")
        self._check(list(permission), user, params)

    def _check(self, test: list[Any], user: str, params: dict[str, Any]) -> None:
        getattr(self, "_check_" + test[0].replace("-", "_"))(test, user, params)

    def _check_and(self, test: list[Any], user: str, params: dict[str, Any]) -> None:
        for sub in test[1:]:
            self._check(sub, user, params)

    def _check_or(self, test: list[Any], user: str, params: dict[str, Any]) -> None:
        for sub in test[1:]:
            try:
                return self._check(sub, user, params)
            except ApiError:
                continue
        raise ApiError(403, "Permission check failed")

    def _check_perm(self, test: list[Any], user: str, params: dict[str, Any]) -> None:
        options = dict(zip(test[3::2], test[4::2], strict=True))
        if "require_param" in options and params.get(options["require_param"]) is None:
            raise ApiError(403, "Permission check failed")
        path = usercfg.normalize_path(re.sub(r"{([^}]+)}", lambda match: str(params.get(match[1], "")), test[1]))
        self.check(user, path or "/", test[2], any_of=bool(options.get("any")))

    def _check_perm_modify(self, test: list[Any], user: str, params: dict[str, Any]) -> None:
        path = usercfg.normalize_path(re.sub(r"{([^}]+)}", lambda match: str(params.get(match[1], "")), test[1]))
        if path is not None:
            self.check_modify(user, path)

    def _check_userid_param(self, test: list[Any], user: str, params: dict[str, Any]) -> None:
        userid = str(params.get("userid", ""))
        match = re.fullmatch(rf"{USER}@({REALM})", userid)
        if test[1] == "self":
            self.config.user(userid)
            if user != userid:
                raise ApiError(403, "Permission check failed")
            return
        self.check(user, f"/access/realm/{match[1] if match else ''}", [test[1]])

    def _check_userid_group(self, test: list[Any], user: str, params: dict[str, Any]) -> None:
        options = dict(zip(test[2::2], test[3::2], strict=True))
        needed, mode = test[1], options.get("groups_param")
        userid = str(params.get("userid", ""))
        if mode != "create":
            self.config.user(userid)
        if self.allowed(user, "/access/groups", needed, any_of=True):
            return
        if mode:
            wanted = split_list(str(params.get("groups") or ""))
            if not wanted:
                raise forbidden(f"/access/groups, {'|'.join(needed)}")
            for name in wanted:
                self.check(user, f"/access/groups/{name}", needed, any_of=True)
        if mode != "create" and userid not in self.users_in_groups(user, needed):
            raise ApiError(403, "Permission check failed")


def _effective(granted: Roles, final: bool) -> Roles:
    return {role: propagate for role, propagate in granted.items() if final or propagate}

"""/access: tickets, passwords, permissions (PVE/API2/AccessControl.pm)."""

from __future__ import annotations

import re
from typing import Any

from .. import auth, passwords, pvefiles, realms, usercfg
from ..errors import ApiError, Failure, bad_parameters
from ..formats import REALM, USER
from ..permissions import Permissions
from ..registry import ALL, WORLD, Context, endpoint
from ..text import split_list

_CAPABILITIES = {
    "vms": r"VM\.|Permissions\.Modify",
    "access": r"(User|Group)\.|Permissions\.Modify",
    "storage": r"Datastore\.|Permissions\.Modify",
    "nodes": r"Sys\.|Permissions\.Modify",
    "sdn": r"SDN\.|Permissions\.Modify",
    "dc": r"Sys\.Audit|Sys\.Modify|SDN\.",
    "mapping": r"Mapping\.|Permissions\.Modify",
}
_TOP = ("/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms")


@endpoint("GET", "/access", permission=ALL)
def index(ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
    return [
        {"subdir": name}
        for name in ("users", "groups", "roles", "acl", "domains", "openid", "tfa", "ticket", "password")
    ]


@endpoint("GET", "/access/ticket", permission=WORLD)
def get_ticket(ctx: Context, params: dict[str, Any]) -> None:
    """A dummy in Proxmox too."""


@endpoint(
    "POST",
    "/access/ticket",
    permission=WORLD,
    params="username! password! realm:pve-realm otp path privs:pve-priv-list new-format:boolean tfa-challenge",
)
def create_ticket(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    user = params["username"] + (f"@{params['realm']}" if params.get("realm") else "")
    try:
        auth.check_enabled(usercfg.read(), user)
        asks = params.get("path") and params.get("privs")
        answer = _verify(user, params) if asks else _login(user, params)
    except ApiError as error:
        raise ApiError(401, "authentication failure") from error
    allowed = Permissions()
    answer["cap"] = _capabilities(allowed, user)
    cluster = pvefiles.members().get("cluster", {})
    if cluster.get("name") and allowed.allowed(user, "/", ["Sys.Audit"]):
        answer["clustername"] = cluster["name"]
    return answer


def _login(user: str, params: dict[str, Any]) -> dict[str, Any]:
    """The password may be a valid ticket of the user, or one of root@pam for any user."""
    if auth.verify_ticket(params["password"]) not in ("root@pam", user):
        _check_password(user, params["password"])
    return {"ticket": auth.create_ticket(user), "username": user, "CSRFPreventionToken": auth.create_csrf_token(user)}


def _check_password(user: str, password: str) -> None:
    match = re.fullmatch(rf"({USER})@({REALM})", user)
    if not match:
        raise Failure(f"value '{user}' does not look like a valid user name")
    passwords.verify(realms.kind(match[2]), match[1], password)


def _verify(user: str, params: dict[str, Any]) -> dict[str, Any]:
    if auth.verify_ticket(params["password"]) != user:
        _check_password(user, params["password"])
    path = usercfg.normalize_path(params["path"])
    if not path or not Permissions().allowed(user, path, split_list(params["privs"])):
        raise Failure(f"no permission ({params['path']}, {params['privs']})")
    return {"username": user}


def _capabilities(allowed: Permissions, user: str) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {kind: {} for kind in _CAPABILITIES}
    for path in dict.fromkeys(
        ["/", "/nodes", "/access/groups", "/vms", "/storage", "/sdn", "/mapping", *allowed.config.paths()]
    ):
        top = path.split("/")[1] or "dc"
        kinds = ("vms", "storage") if top == "pool" else (top,)
        for privilege in allowed.of(user, path):
            for kind in kinds:
                if re.match(_CAPABILITIES.get(kind, r"(?!)"), privilege):
                    found[kind][privilege] = 1
    return found


@endpoint(
    "PUT",
    "/access/password",
    params="userid:pve-userid! password! confirmation-password",
    permission=[
        "or",
        ["userid-param", "self"],
        ["and", ["userid-param", "Realm.AllocateUser"], ["userid-group", ["User.Modify"]]],
    ],
)
def change_password(ctx: Context, params: dict[str, Any]) -> None:
    userid = params["userid"]
    usercfg.read().user(userid)
    name, _unused, realm = userid.rpartition("@")
    if ctx.user != "root@pam":
        if userid == "root@pam" or (realm == "pam" and ctx.user != userid):
            raise ApiError(403, "Permission check failed")
        if params.get("confirmation-password") is None:
            raise bad_parameters({"confirmation-password": "password is required to modify user"})
        _check_password(ctx.user, params["confirmation-password"])
    passwords.store(realms.kind(realm), name, params["password"])


@endpoint("GET", "/access/permissions", permission=ALL, params="userid path")
def permissions(ctx: Context, params: dict[str, Any]) -> dict[str, dict[str, int]]:
    allowed = Permissions()
    user = params.get("userid") or ctx.user
    if user != ctx.user and user.split("!", 1)[0] != ctx.user:
        allowed.check(ctx.user, "/access", ["Sys.Audit"])
    if params.get("path"):
        return {params["path"]: allowed.of(user, params["path"])}
    paths = dict.fromkeys([*_TOP, *allowed.config.paths()])
    for pool in allowed.config.pools.values():
        paths |= dict.fromkeys(
            [f"/vms/{vmid}" for vmid in pool["vms"]] + [f"/storage/{name}" for name in pool["storage"]]
        )
    found = {path: allowed.of(user, path) for path in paths}
    return {path: held for path, held in found.items() if held}


@endpoint("GET", "/access/tfa", permission=ALL)
def tfa(ctx: Context, params: dict[str, Any]) -> list[Any]:
    """Nobody has a second factor in the rack."""
    return []

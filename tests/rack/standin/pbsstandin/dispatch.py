"""One call, from its words to its answer, in the order of proxmox-rest-server (rest.rs):

the endpoint is looked for, who asks is made out, no such path (404), permission (403), parameters (400), the handler.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pvestandin import paths
from pvestandin.errors import ApiError
from pvestandin.registry import Context

from . import acl, release, schema, table, users
from .errors import ParameterError, forbidden, not_found


@dataclass(frozen=True)
class Answer:
    status: int
    data: Any = None
    message: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    """Beside `data`: digest, total."""

    def body(self, *, extjs: bool) -> Any:
        """JSON for the client; an error of the plain format is its sentence as text."""
        if extjs:
            if self.status >= 400:
                message = "parameter verification errors" if self.errors else self.message
                return {"message": message, "errors": self.errors, "success": False}
            return {"data": self.data, "success": True, **self.attributes}
        return {"data": self.data, **self.attributes} if self.status < 400 else self.message


def answer(
    method: str,
    path: str,
    identify: Callable[[], str],
    read_params: Callable[[], tuple[dict[str, Any], bool]],
    *,
    cli: bool = False,
) -> tuple[Answer, str | None]:
    """The answer and who asked. Never raises for what a client can cause.

    identify tells who asks, or raises 401. read_params gives the parameters and whether they came as JSON.
    """
    user: str | None = None
    try:
        found = table.find(method, path) if release.has_path(path) else None
        if found is None or found[0].permission != table.WORLD:
            user = identify()
        if found is None:
            raise not_found(f"Path '{path}' not found.")
        endpoint, in_path = found
        context = Context(user=user or "", node=paths.node_name(), cli=cli)
        if not permitted(endpoint.permission, user, in_path):
            raise forbidden()
        given, typed = read_params()
        data = endpoint.handler(context, schema.check(endpoint, {**given, **in_path}, typed=typed))
        return Answer(200, data, attributes=context.attributes), user
    except ApiError as error:
        # What the shared parts raise with 500 is 400 here.
        status = 400 if error.status == 500 else error.status
        errors = (error.errors or {}) if isinstance(error, ParameterError) else {}
        return Answer(status, None, error.message, errors), user


def permitted(permission: Any, user: str | None, params: dict[str, str]) -> bool:
    """Whether a user may call an endpoint with these parameters in its path."""
    if permission == table.WORLD:
        return True
    if user is None:
        return False
    if user == users.SUPERUSER:
        return True
    if permission is None:
        return False
    return _allows(permission, user, params)


def _allows(permission: dict[str, Any], user: str, params: dict[str, str]) -> bool:
    if "or" in permission:
        return any(_allows(part, user, params) for part in permission["or"])
    if "and" in permission:
        return all(_allows(part, user, params) for part in permission["and"])
    if "userParam" in permission:
        return params.get(permission["userParam"]) == user
    if "check" in permission:
        wanted = permission["check"]
        path = [params.get(part[1:-1], "") if part.startswith("{") else part for part in wanted["path"]]
        return acl.Permissions().has(user, path, *wanted["privs"], partial=wanted["partial"])
    return permission.get("user") in ("all", user)

"""One call, from its words to its answer, in the order in which Proxmox looks at it (PVE/HTTPServer.pm):

find the endpoint (501), parameters that contradict the path (400), token allowed (403), permission (403), the node that
has to answer, parameters (400), the handler (500 and others).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from . import nodenames, paths, proxy, registry, schema
from .errors import ApiError, Failure, bad_parameters, forbidden
from .permissions import Permissions

_NO_TOKEN = {("POST", "/access/ticket"), ("PUT", "/access/password")}
_OPEN = {
    ("GET", "/access/domains"),
    ("GET", "/access/ticket"),
    ("POST", "/access/ticket"),
    ("POST", "/access/openid/login"),
    ("POST", "/access/openid/auth-url"),
    ("POST", "/access/vncticket"),
}


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    """Below /api2/json."""
    params: dict[str, Any]
    user: str | None
    """None for a call without authentication."""
    ticket: str | None = None
    api_token: str | None = None
    forwarded: bool = False
    """Another node sent it here: it must not go on."""
    cli: bool = False


@dataclass(frozen=True)
class Answer:
    status: int
    data: Any = None
    message: str | None = None
    errors: dict[str, str] | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    code: int = 255
    """The exit code of a command."""

    def body(self) -> dict[str, Any]:
        """The JSON that goes to the client. A sentence ends in a line feed, as Perl's do."""
        body: dict[str, Any] = {"data": self.data}
        if self.errors:
            body["errors"] = self.errors
        if self.status >= 400:
            body["message"] = self.message if self.status == 501 else f"{self.message}\n"
        elif not self.errors:
            body.update({key: value for key, value in self.attributes.items() if value})
        return body


def is_open(method: str, path: str) -> bool:
    """May the call be made without authentication?"""
    return (method, path) in _OPEN


def answer(call: Call) -> Answer:
    """Never raises for what a client can cause."""
    try:
        return _answer(call)
    except ApiError as error:
        return Answer(error.status, None, error.message, error.errors, code=getattr(error, "code", 255))


def _answer(call: Call) -> Answer:
    endpoint, path_params = registry.find(call.method, call.path)
    params = {**path_params, **call.params}
    for name, value in sorted(call.params.items()):
        if name in path_params and str(value) != path_params[name]:
            raise bad_parameters({name: "duplicate parameter (already defined in URI) with conflicting values!"})
    user = call.user
    if user and "!" in user and (endpoint.method, endpoint.path) in _NO_TOKEN:
        raise forbidden(f"URI '{call.path}' not available with API token, need proper ticket.\n")
    Permissions().check_endpoint(endpoint.permission, user, params)
    if endpoint.proxyto:
        node = str(params.get(endpoint.proxyto, ""))
        if node not in ("localhost", paths.node_name()):
            return _elsewhere(call, node)
    params = schema.validate(endpoint, params)
    context = registry.Context(user=user or "", node=paths.node_name(), cli=call.cli, ticket=call.ticket)
    data = endpoint.handler(context, params)
    return Answer(200, data, attributes=context.attributes)


def _elsewhere(call: Call, node: str) -> Answer:
    if call.forwarded:
        raise Failure("proxy loop detected")
    return Answer(*proxy.forward(call, node, nodenames.address(node)))

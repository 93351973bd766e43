# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""The Proxmox API as five methods. What is transient is repeated inside a deadline; nothing else is.

A write whose answer was lost is never repeated here: ConnectionLost with C(maybe_done) goes to the caller, who has
to read again first.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from ansible_collections.baremetal.proxmox.plugins.module_utils import _backup_server, _session
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import (
    ApiError,
    AuthError,
    ConnectionLost,
    InputError,
    ProxmoxError,
    TaskError,
    Timeout,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._normalize import Repeated
from ansible_collections.baremetal.proxmox.plugins.module_utils._product import (
    BACKUP_SERVER,
    VIRTUAL_ENVIRONMENT,
    Product,
)

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

CONNECTION_SPEC: dict[str, dict[str, Any]] = {
    "api_host": {"type": "str"},
    "api_port": {"type": "int", "default": 8006},
    "api_user": {"type": "str"},
    "api_password": {"type": "str", "no_log": True},
    "api_token_id": {"type": "str", "no_log": False},
    "api_token_secret": {"type": "str", "no_log": True},
    "api_ca_path": {"type": "path"},
    "api_fingerprint": {"type": "str"},
    "validate_certs": {"type": "bool", "default": True},
    "api_timeout": {"type": "int", "default": 60},
}
BACKUP_CONNECTION_SPEC = {**CONNECTION_SPEC, "api_port": {"type": "int", "default": BACKUP_SERVER.port}}

# cfs_lock in PVE/Cluster.pm, lock_file in PVE/Tools.pm, open_file_locked in proxmox-sys: the lock was not had, so
# nothing was done.
_LOCK_TIMEOUT = re.compile(
    r"got lock request timeout|can't lock file '.*' - got timeout|can't acquire lock '.*' - got timeout"
    r"|[Uu]nable to acquire lock"
)
# AnyEvent::HTTP, between pveproxy and pvedaemon or another node: 595 is before, 596 and above after the request
# was sent; a proxy in front of the API says 502 to 504.
_NEVER_SENT = frozenset({595})
_PERHAPS_SENT = frozenset({502, 503, 504, 596, 597, 598, 599})

_FINGERPRINT = re.compile(r"(?:[0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}")


class Transport(Protocol):
    """One attempt at one call."""

    def send(self, method: str, path: str, params: Mapping[str, Any], timeout: float) -> Any: ...

    def renew(self) -> bool: ...

    def close(self) -> None: ...


class Client:
    """Calls take Proxmox's parameter names; None is left out, True and False become 1 and 0, lists are joined.

    What is C(Repeated) is an array of Proxmox's.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        timeout: float = 60.0,
        local: bool = False,
        product: Product = VIRTUAL_ENVIRONMENT,
    ) -> None:
        self.product = product
        self._transport = transport
        self._timeout = timeout
        self._local = local
        self._version: tuple[int, ...] | None = None
        self._node: str | None = None
        self.calls = 0

    @classmethod
    def from_module(cls, module: AnsibleModule, product: Product = VIRTUAL_ENVIRONMENT) -> Client:
        """The connection that a module's options describe; opens nothing yet."""
        params = module.params
        timeout = float(params["api_timeout"])
        if not params["api_host"]:
            _refuse_orphans(params)
            if module.check_mode and _session.HttpSession.missing_library():
                return cls(_session.PveshReader(product), timeout=timeout, local=True, product=product)
            session = local_session() if product is VIRTUAL_ENVIRONMENT else _backup_server.local_session()
            return cls(session, timeout=timeout, local=True, product=product)
        return cls(_remote_session(params, product), timeout=timeout, product=product)

    @classmethod
    def backup_server(cls, module: AnsibleModule) -> Client:
        """The same for a Proxmox Backup Server; the options are BACKUP_CONNECTION_SPEC."""
        return cls.from_module(module, BACKUP_SERVER)

    @property
    def installed(self) -> bool:
        """Whether there is a Proxmox to talk to: false only on this machine, before it is installed."""
        return not self._local or any(map(os.path.exists, self.product.installed))

    @property
    def version(self) -> tuple[int, ...]:
        """Such as (9, 2, 11); a backup server tells the last number apart."""
        if self._version is None:
            answer = self.get("/version")
            text = str(answer["version"])
            if self.product is BACKUP_SERVER:
                text = f"{text}.{answer['release']}"
            self._version = tuple(int(part) for part in re.findall(r"\d+", text)[:3])
        return self._version

    @property
    def node(self) -> str:
        """Name of the node that answers."""
        if self._node is None:
            if self.product is BACKUP_SERVER:
                self._node = "localhost"
            elif self._local:
                self._node = os.path.basename(os.readlink(f"{_session.PMXCFS}/local"))
            else:
                rows = self.get("/cluster/status")
                self._node = str(next(row["name"] for row in rows if row.get("local")))
        return self._node

    def get(self, path: str, /, **params: Any) -> Any:
        return self.call("GET", path, params)

    def post(self, path: str, /, **params: Any) -> Any:
        return self.call("POST", path, params)

    def put(self, path: str, /, **params: Any) -> Any:
        return self.call("PUT", path, params)

    def delete(self, path: str, /, **params: Any) -> Any:
        return self.call("DELETE", path, params)

    def call(self, method: str, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """Returns the C(data) of the answer. Raises ApiError, AuthError, ConnectionLost."""
        form = {
            name: _form(value, repeats=self.product.repeats)
            for name, value in (params or {}).items()
            if value is not None
        }
        deadline = time.monotonic() + self._timeout
        renewed = False
        for pause in _pauses():
            remaining = max(1.0, deadline - time.monotonic())
            try:
                self.calls += 1
                return self._transport.send(method, path, form, remaining)
            except AuthError:
                # a join replaces the keys that tickets are signed with; a refused call was not carried out
                if renewed or not self._transport.renew():
                    raise
                renewed = True
            except ProxmoxError as error:
                failure = _classify(method, path, error, local=self._local)
                if failure is not None:
                    raise failure from error
                if time.monotonic() + pause >= deadline:
                    if self._local and isinstance(error, ConnectionLost):
                        service = self.product.service
                        error.hint = f"Is {service} running on this node? See 'systemctl status {service}'."
                    raise
                time.sleep(pause)
        raise AssertionError("unreachable")

    def task(self, upid: str, timeout: float = 600.0) -> str:
        """Waits for a task: C(OK) or C(WARNINGS: n). Raises TaskError with the end of its log, or Timeout."""
        node = upid.split(":")[1]
        path = f"/nodes/{node}/tasks/{upid}"
        deadline = time.monotonic() + timeout
        for pause in _pauses():
            status = self.get(f"{path}/status")
            if status["status"] == "stopped":
                break
            if time.monotonic() + pause >= deadline:
                raise Timeout(f"task {upid}", timeout, status["status"])
            time.sleep(pause)
        result = str(status.get("exitstatus", "it ended without a status"))
        if result == "OK" or result.startswith("WARNINGS:"):
            return result
        rows = self.get(f"{path}/log", start=0, limit=100000)
        raise TaskError(upid, result, [str(row["t"]) for row in rows][-20:])

    def close(self) -> None:
        self._transport.close()


def local_session() -> _session.HttpSession:
    """The API of this node, as root@pam, trusted by its own certificate file or by the cluster's authority."""
    return _session.HttpSession(
        _session.local_address(),
        8006,
        _session.Ticket(_session.local_ticket),
        fingerprint=_session.local_fingerprint,
        authority=f"{_session.PMXCFS}/pve-root-ca.pem",
    )


def _remote_session(params: Mapping[str, Any], product: Product) -> _session.HttpSession:
    host, port = params["api_host"], params["api_port"]
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    verify: bool | str = params["validate_certs"]
    pin: Callable[[], str] | None = None
    if fingerprint := params["api_fingerprint"]:
        if not _FINGERPRINT.fullmatch(fingerprint):
            raise InputError(f"api_fingerprint: {fingerprint!r} is not a SHA-256 fingerprint (32 pairs of hex digits)")
        pin = str(fingerprint).replace(":", "").lower().__str__
    elif params["api_ca_path"] and verify:
        verify = params["api_ca_path"]
        if not os.path.exists(str(verify)):
            raise InputError(f"api_ca_path: {verify} does not exist on this machine")

    def session(identity: _session.Identity | None) -> _session.HttpSession:
        return _session.HttpSession(
            host, port, identity, verify=verify, fingerprint=pin, use_environment=True, product=product
        )

    user, password = params["api_user"], params["api_password"]
    token, secret = params["api_token_id"], params["api_token_secret"]
    if token and secret:
        if "!" not in token and not user:
            raise InputError("api_token_id: has to be USER@REALM!NAME, or NAME together with api_user")
        return session(_session.Token(token if "!" in token else f"{user}!{token}", secret, product))
    if not (user and password):
        raise InputError(
            "api_host: needs api_token_id and api_token_secret, or api_user and api_password. Without api_host, the"
            " module talks to the node on which it runs, as root, and needs neither."
        )
    if "@" not in user:
        raise InputError(f"api_user: {user!r} has no realm; Proxmox's own users are written such as root@pam")

    def login() -> tuple[str, str]:
        body = {"username": user, "password": password}
        answer = session(None).send("POST", "/access/ticket", body, float(params["api_timeout"]))
        if answer.get("NeedTFA") or "CSRFPreventionToken" not in answer:
            raise AuthError(f"{user} needs a second factor, which a module cannot give.", hint="Use an API token.")
        return answer["ticket"], answer["CSRFPreventionToken"]

    return session(_session.Ticket(login, product))


def asking(params: Mapping[str, Any]) -> str:
    """Who the options of a connection say is asking: USER@REALM, or USER@REALM!NAME of a token."""
    token, user = params.get("api_token_id"), params.get("api_user")
    if not params.get("api_host"):
        return "root@pam"
    return str((token if "!" in token else f"{user}!{token}") if token else user)


def _refuse_orphans(params: Mapping[str, Any]) -> None:
    names = ("api_user", "api_password", "api_token_id", "api_token_secret", "api_ca_path", "api_fingerprint")
    given = [name for name in names if params[name]]
    if given:
        raise InputError(f"{', '.join(given)}: without api_host there is nothing that uses this")


def _classify(method: str, path: str, error: ProxmoxError, *, local: bool) -> ProxmoxError | None:
    """None when repeating is safe and may help, else the error to raise."""
    if isinstance(error, _session.TrustError):
        # after a join, pveproxy serves its old certificate until it has restarted
        return None if local else error
    if isinstance(error, ConnectionLost):
        return error if error.maybe_done else None
    if isinstance(error, ApiError):
        if error.status in _NEVER_SENT or _LOCK_TIMEOUT.search(error.reason):
            return None
        if error.status in _PERHAPS_SENT:
            return None if method == "GET" else ConnectionLost(method, path, str(error), maybe_done=True)
    return error


def _pauses() -> Any:
    pause = 0.1
    while True:
        yield pause
        pause = min(pause * 2, 2.0)


def _form(value: Any, *, repeats: bool = False) -> str | Repeated:
    """Forms take 0 and 1 only. C(repeats): a list is not joined."""
    if isinstance(value, Repeated):
        return value
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (list, tuple)):
        parts = [str(part) for part in value]
        return Repeated(parts) if repeats else ",".join(parts)
    return str(value)

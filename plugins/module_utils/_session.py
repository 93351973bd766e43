# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""One HTTPS connection to one API: who we are, whom we trust, and what an answer means. No retries here.

Libraries are imported where they are used: in check mode on a bare machine they are not installed yet.
"""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import quote

from ansible_collections.baremetal.proxmox.plugins.module_utils import _certificate, _cli
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import (
    ApiError,
    AuthError,
    CliError,
    ConnectionLost,
    NotInstalled,
    ProxmoxError,
    Timeout,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._product import VIRTUAL_ENVIRONMENT, Product

PMXCFS = "/etc/pve"
PVEPROXY_DEFAULTS = "/etc/default/pveproxy"

# Both secrets in one run: loading PVE::AccessControl is what takes the time (0.17 s measured).
_TICKET_SCRIPT = r"""
my $user = 'root@pam';
print PVE::AccessControl::assemble_ticket($user), "\n";
print PVE::AccessControl::assemble_csrf_prevention_token($user), "\n";
"""
# Half a ticket in the output of a failed run must not become part of an error
_TICKET_COMMAND = _cli.Command(("perl", "-MPVE::AccessControl", "-e", _TICKET_SCRIPT), ok=tuple(range(-64, 256)))
_TICKET = re.compile(r"PVE:root@pam:[0-9A-F]{8}::\S+")
_CSRF = re.compile(r"[0-9A-F]{8}:\S+")

LIBRARY_HINT = "Install python3-proxmoxer and python3-requests there (the role pve_host does)."


class TrustError(ProxmoxError):
    """The certificate is not the one that was expected."""


class Identity(Protocol):
    """Gives the headers of a call; C(renew) gets new secrets and tells whether there are any."""

    def headers(self, method: str) -> dict[str, str]: ...

    def renew(self) -> bool: ...


class Token:
    """An API token: C(user@realm!name) and its secret."""

    def __init__(self, token_id: str, secret: str, product: Product = VIRTUAL_ENVIRONMENT) -> None:
        self._header = {"Authorization": product.token.format(id=token_id, secret=secret)}

    def headers(self, _method: str) -> dict[str, str]:
        return self._header

    def renew(self) -> bool:
        return False


class Ticket:
    """A ticket and its CSRF token, fetched on first use and again when the API no longer takes them."""

    def __init__(self, fetch: Callable[[], tuple[str, str]], product: Product = VIRTUAL_ENVIRONMENT) -> None:
        self._fetch = fetch
        self._cookie = product.cookie
        self._pair: tuple[str, str] | None = None

    def headers(self, method: str) -> dict[str, str]:
        try:
            ticket, csrf = self._pair = self._pair or self._fetch()
        except ConnectionLost as error:
            # a login changes nothing: the call that asked for it was not sent, and both may be repeated
            raise ConnectionLost(error.method, error.path, error.cause) from error
        headers = {"Cookie": f"{self._cookie}={quote(ticket, safe='')}"}
        return headers if method == "GET" else {**headers, "CSRFPreventionToken": csrf}

    def renew(self) -> bool:
        self._pair = None
        return True


def local_ticket() -> tuple[str, str]:
    """A root@pam ticket from Proxmox's own code on this node. Nothing secret is in the arguments."""
    try:
        done = _cli.Cli().run(_TICKET_COMMAND)
    except (NotInstalled, Timeout) as error:
        raise AuthError(f"no ticket could be made on this node: {error}", hint=_why_no_ticket()) from error
    lines = done.stdout.splitlines()
    if done.rc == 0 and len(lines) == 2 and _TICKET.fullmatch(lines[0]) and _CSRF.fullmatch(lines[1]):
        return lines[0], lines[1]
    # stdout may hold half a ticket, so only stderr is shown
    said = (done.stderr.strip() or "it said nothing").splitlines()[-1]
    raise AuthError(f"Proxmox made no ticket on this node (perl: exit code {done.rc}, {said}).", hint=_why_no_ticket())


def _why_no_ticket() -> str | None:
    if os.geteuid() != 0:
        return "This has to run as root: set become: true."
    if not os.path.lexists(f"{PMXCFS}/local"):
        return f"{PMXCFS} is not mounted: is pve-cluster running? See 'systemctl status pve-cluster'."
    return None


def local_fingerprint() -> str:
    """SHA-256 of the certificate that pveproxy serves on this node, own or custom (as its service picks it)."""
    path = _certificate.serving(f"{PMXCFS}/local", os.path.isfile)
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            found = _certificate.fingerprint(file.read())
    except OSError as error:
        raise TrustError(f"{path} cannot be read: {error.strerror}.", hint=_why_no_ticket()) from error
    if found is None:
        raise TrustError(f"{path} holds no certificate.")
    return found


def local_address() -> str:
    """Where pveproxy listens on this node: everywhere, unless LISTEN_IP binds it to one address."""
    try:
        with open(PVEPROXY_DEFAULTS, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return "localhost"
    values = [
        match.group(2)
        for match in (re.match(r"\s*LISTEN_IP=([\"']?)([0-9A-Fa-f.:]+)\1\s*$", line) for line in lines)
        if match
    ]
    if not values or values[-1] in ("0.0.0.0", "::"):
        return "localhost"
    return f"[{values[-1]}]" if ":" in values[-1] else values[-1]


class HttpSession:
    """Sends single calls through proxmoxer. Raises ApiError, AuthError, ConnectionLost or TrustError.

    fingerprint  called for every new connection, so that a renewed certificate is seen
    authority    file that may vouch for the certificate where the fingerprint does not: after a renewal, pveproxy
                 serves the old certificate until it restarts. Each refusal changes to the other way.
    """

    def __init__(
        self,
        host: str,
        port: int,
        identity: Identity | None,
        *,
        verify: bool | str = True,
        fingerprint: Callable[[], str] | None = None,
        authority: str | None = None,
        use_environment: bool = False,
        product: Product = VIRTUAL_ENVIRONMENT,
    ) -> None:
        self._base = f"https://{host}:{port}/api2/json"
        self._identity = identity
        self._verify = verify
        self._fingerprint = fingerprint
        self._authority = authority
        self._ask_authority = False
        self._use_environment = use_environment
        self._product = product
        self._drops = False
        self._session: Any = None
        self._timeout: tuple[float, float] = (10.0, 60.0)

    @staticmethod
    def missing_library() -> str | None:
        try:
            import proxmoxer  # noqa: F401
            import requests  # noqa: F401
        except ImportError as error:
            return str(error)
        return None

    def renew(self) -> bool:
        return self._identity is not None and self._identity.renew()

    def send(self, method: str, path: str, params: Mapping[str, Any], timeout: float) -> Any:
        """One attempt. Returns the C(data) of the answer."""
        if missing := self.missing_library():
            raise NotInstalled(f"Python on this machine cannot talk to the API: {missing}.", hint=LIBRARY_HINT)
        from proxmoxer.core import ProxmoxResource

        self._timeout = (min(10.0, timeout), timeout)
        self._path = path
        resource = ProxmoxResource(base_url=self._base, session=self, serializer=self)(path.strip("/"))
        return getattr(resource, method.lower())(**params)

    def loads(self, response: Any) -> Any:
        """proxmoxer's serializer interface."""
        try:
            answer = json.loads(response.content)
            data = answer["data"]
        except (ValueError, KeyError, TypeError) as error:
            text = "the answer is not one of a Proxmox API"
            raise ApiError(response.status_code, response.request.method, self._path, text) from error
        return _with_digest(data, answer.get("digest")) if self._product.digest_aside else data

    def request(self, method: str, url: str, data: Any = None, params: Any = None) -> Any:
        """proxmoxer's session interface: the answer, or one of our own errors."""
        import requests

        headers = self._identity.headers(method) if self._identity else {}
        if self._drops and method != "GET":
            # a pveproxy that dropped a connection does so again, mostly a used one, and then the write is in doubt
            self.close()
        session = self._session = self._session or self._open()
        try:
            response = session.request(
                method,
                url,
                data=data or None,
                params=params or None,
                headers=headers,
                timeout=self._timeout,
                # said per call, because REQUESTS_CA_BUNDLE overrides what is only said per session
                verify=session.verify,
                allow_redirects=False,
            )
        except requests.exceptions.RequestException as error:
            self.close()
            raise self._lost(method, error) from error
        if response.status_code < 300:
            return response
        # pveproxy closes the connection after every refusal
        self.close()
        reason, errors = _refusal(response, plain=self._product.plain_errors)
        if response.status_code == 401:
            raise AuthError(f"{method} {self._path}: {reason} (HTTP 401)", method=method, path=self._path)
        raise ApiError(response.status_code, method, self._path, reason, errors)

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def _open(self) -> Any:
        import requests
        import urllib3
        from requests.adapters import HTTPAdapter

        session = requests.Session()
        session.trust_env = self._use_environment
        session.verify = self._verify
        if self._authority and self._ask_authority:
            session.verify = self._authority
        elif self._fingerprint is not None:
            pin = self._fingerprint()

            class PinnedAdapter(HTTPAdapter):
                def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
                    super().init_poolmanager(*args, **kwargs, assert_fingerprint=pin)

            # the pin replaces the chain: urllib3 compares it during every handshake
            session.verify = False
            session.mount("https://", PinnedAdapter())
        elif self._verify is False:
            # the user wrote it down; saying so again at every call helps nobody
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        return session

    def _lost(self, method: str, error: Exception) -> ProxmoxError:
        import requests
        from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

        causes = list(_causes(error))
        last = str(causes[-1]) or repr(causes[-1])
        untrusted = ("CERTIFICATE_VERIFY_FAILED", "Fingerprints did not match", "doesn't match")
        if any(isinstance(error, requests.exceptions.SSLError) and sign in str(error) for sign in untrusted):
            usable = self._authority is not None and os.path.isfile(self._authority)
            self._ask_authority = usable and not self._ask_authority
            return TrustError(
                f"the certificate of {self._base} is not trusted: {last}.",
                hint="Give api_ca_path or api_fingerprint for the API that is meant.",
            )
        if any(isinstance(cause, socket.gaierror) for cause in causes):
            return ProxmoxError(f"the name in {self._base} cannot be resolved: {last}.")
        unsent = (NewConnectionError, ConnectTimeoutError, requests.exceptions.ConnectTimeout)
        sent = not any(isinstance(cause, unsent) for cause in causes)
        self._drops = self._drops or sent
        return ConnectionLost(method, self._path, last, maybe_done=sent and method != "GET")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The exceptions inside an exception of requests: urllib3 puts them into C(reason) and C(args)."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        inner = [getattr(error, "reason", None), *error.args, error.__cause__, error.__context__]
        error = next((one for one in inner if isinstance(one, BaseException)), None)


def _with_digest(data: Any, digest: str | None) -> Any:
    """The items with the digest of their file, as Proxmox VE has them."""
    if digest is None:
        return data
    if isinstance(data, list):
        return [{**item, "digest": digest} if isinstance(item, dict) else item for item in data]
    return {**data, "digest": digest} if isinstance(data, dict) else data


def _refusal(response: Any, *, plain: bool = False) -> tuple[str, dict[str, str]]:
    """Proxmox VE's sentence is in the status line, in newer versions also in C(message); C(errors) is per parameter.

    C(plain): the body is the sentence, unless it is a page of a proxy in between.
    """
    if plain and not response.text.lstrip().startswith("<"):
        return response.text.strip() or str(response.reason or "").strip(), {}
    try:
        answer = json.loads(response.content)
    except ValueError:
        answer = None
    answer = answer if isinstance(answer, dict) else {}
    errors = answer.get("errors")
    reason = str(answer.get("message") or response.reason or "").strip()
    return reason, errors if isinstance(errors, dict) else {}


class PveshReader:
    """Reads through pvesh, or what is like it: for check mode on a machine whose Python has no HTTP library yet."""

    def __init__(self, product: Product = VIRTUAL_ENVIRONMENT) -> None:
        options = {"format": _cli.value("--output-format"), "options": _cli.each("--")}
        self._command = _cli.Command(product.reader, ("path",), options)

    def renew(self) -> bool:
        return False

    def close(self) -> None:
        """Nothing stays open."""

    def send(self, method: str, path: str, params: Mapping[str, Any], timeout: float) -> Any:
        if method != "GET":
            raise NotInstalled("only reading is possible without the HTTP library.", hint=LIBRARY_HINT)
        try:
            done = _cli.Cli().run(self._command, path=path, format="json", options=params, timeout=timeout)
        except (NotInstalled, Timeout) as error:
            raise ConnectionLost(method, path, str(error)) from error
        except CliError as error:
            raise ApiError(500, method, path, (error.stderr.strip() or "pvesh failed").splitlines()[-1]) from error
        return json.loads(done.stdout) if done.stdout.strip() else None

"""Asks a Proxmox Backup Server whether the datastore of a definition is there."""

from __future__ import annotations

import hashlib
import http.client
import json
import ssl
from typing import Any
from urllib.parse import quote

from .. import pvefiles
from ..errors import Failure
from ..section import Section

PORT = 8007
TIMEOUT = 7.0


def check(storage: str, section: Section) -> None:
    """Raise in Proxmox's words unless the server answers, lets the user in and has the datastore."""
    try:
        stores = _datastores(storage, section)
    except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error)
        target = f"{section['server']}:{section.get('port') or PORT}"
        raise Failure(f"{storage}: error fetching datastores - 500 Can't connect to {target} ({reason})") from error
    if section["datastore"] not in stores:
        raise Failure(f"{storage}: Cannot find datastore '{section['datastore']}', check permissions and existence!")


def status(storage: str, section: Section) -> tuple[int, int, int]:
    """Total, available and used bytes, all 0 for who may only use a namespace. Raises as `check` does."""
    try:
        answer = _get(storage, section, f"/api2/json/admin/datastore/{section['datastore']}/status")
        return int(answer["total"]), int(answer["avail"]), int(answer["used"])
    except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
        raise Failure(f"{storage}: {error}") from error


def _datastores(storage: str, section: Section) -> list[str]:
    return [entry["store"] for entry in _get(storage, section, "/api2/json/admin/datastore")]


def _get(storage: str, section: Section, path: str) -> Any:
    fingerprint = section.get("fingerprint")
    context = ssl.create_default_context()
    if fingerprint:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # the fingerprint is compared below
    connection = http.client.HTTPSConnection(
        str(section["server"]), int(section.get("port") or PORT), timeout=TIMEOUT, context=context
    )
    try:
        connection.connect()
        assert isinstance(connection.sock, ssl.SSLSocket)
        if fingerprint:
            found = hashlib.sha256(connection.sock.getpeercert(binary_form=True) or b"").hexdigest()
            if found != str(fingerprint).replace(":", "").lower():
                raise ValueError("fingerprint does not match")
        return _call(connection, "GET", path, _credentials(connection, storage, section))
    finally:
        connection.close()


def _credentials(connection: http.client.HTTPSConnection, storage: str, section: Section) -> dict[str, str]:
    password = pvefiles.read(f"priv/storage/{storage}.pw").split("\n", 1)[0]
    user = str(section.get("username") or "root@pam")
    if "!" in user:
        return {"Authorization": f"PBSAPIToken={user}:{password}"}
    answer = _call(connection, "POST", "/api2/json/access/ticket", {}, {"username": user, "password": password})
    return {"Cookie": "PBSAuthCookie=" + quote(answer["ticket"])}


def _call(
    connection: http.client.HTTPSConnection,
    method: str,
    path: str,
    headers: dict[str, str],
    body: dict[str, Any] | None = None,
) -> Any:
    # A content type without content is an error there.
    kind = {"Content-Type": "application/json"} if body else {}
    connection.request(method, path, json.dumps(body) if body else None, {**headers, **kind})
    response = connection.getresponse()
    raw = response.read()
    if response.status >= 400:
        raise ValueError(f"{response.status} {response.reason}")
    return json.loads(raw)["data"]

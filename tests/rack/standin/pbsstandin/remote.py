"""Asks another Proxmox Backup Server, as a client with the remote's user or token (src/api2/config/remote.rs)."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import ssl
from typing import Any
from urllib.parse import quote

from . import kinds, users
from .errors import refused

PORT = 8007
_TIMEOUT = 10.0


def check_datastore(name: str, store: str) -> None:
    """Raise unless the remote lets us in and shows the datastore."""
    if store not in {entry["store"] for entry in datastores(name)}:
        raise refused(f"remote '{name}' has no datastore '{store}'")


def datastores(name: str) -> list[dict[str, Any]]:
    return call(name, "/api2/json/admin/datastore")


def call(name: str, path: str) -> Any:
    """The data of a GET on the remote. Raises with PBS's sentence."""
    data = kinds.REMOTE.read().get("remote", name)
    try:
        return _call(data, path)
    except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
        raise refused(f"remote connection to '{data['host']}' failed - {error}") from error


def _call(data: dict[str, Any], path: str) -> Any:
    fingerprint = data.get("fingerprint")
    context = ssl.create_default_context()
    if fingerprint:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # the fingerprint is compared below
    connection = http.client.HTTPSConnection(data["host"], data.get("port", PORT), timeout=_TIMEOUT, context=context)
    try:
        connection.connect()
        assert isinstance(connection.sock, ssl.SSLSocket)
        if fingerprint:
            found = hashlib.sha256(connection.sock.getpeercert(binary_form=True) or b"").hexdigest()
            if found != fingerprint.replace(":", "").lower():
                raise ValueError("certificate validation failed - fingerprint does not match")
        return _request(connection, "GET", path, _credentials(connection, data))
    finally:
        connection.close()


def _credentials(connection: http.client.HTTPSConnection, data: dict[str, Any]) -> dict[str, str]:
    password = base64.b64decode(data["password"]).decode()
    if users.is_token(data["auth-id"]):
        return {"Authorization": f"PBSAPIToken={data['auth-id']}:{password}"}
    login = {"username": data["auth-id"], "password": password}
    answer = _request(connection, "POST", "/api2/json/access/ticket", {}, login)
    return {"Cookie": f"PBSAuthCookie={quote(answer['ticket'], safe='')}"}


def _request(
    connection: http.client.HTTPSConnection,
    method: str,
    path: str,
    headers: dict[str, str],
    body: dict[str, str] | None = None,
) -> Any:
    kind = {"Content-Type": "application/json"} if body else {}
    connection.request(method, path, json.dumps(body) if body else None, {**headers, **kind})
    response = connection.getresponse()
    raw = response.read()
    if response.status >= 400:
        raise ValueError(raw.decode(errors="replace"))
    return json.loads(raw)["data"]

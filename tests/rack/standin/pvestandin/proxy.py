"""Hands a call on to the node that has to answer it, over that node's API, with its certificate checked."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from . import auth, certificates, paths

if TYPE_CHECKING:
    from .dispatch import Call

Result = tuple[int, Any, str | None, dict[str, str] | None, dict[str, Any]]
PORT = int(os.environ.get("PVE_STANDIN_PORT", "8006"))
TIMEOUT = 60.0


class _Unreachable(Exception):
    pass


def forward(call: Call, node: str, address: str) -> Result:
    """(status, data, message, errors, attributes) from the other node; 595 or 596 when it cannot be asked."""
    headers = {"PVEDisableProxy": "true", "Content-Type": "application/json"}
    if call.api_token:
        headers["Authorization"] = f"PVEAPIToken={call.api_token}"
    else:
        ticket = call.ticket or auth.create_ticket(call.user or "root@pam")
        headers["Cookie"] = f"PVEAuthCookie={ticket}"
        if call.method != "GET" and call.user:
            headers["CSRFPreventionToken"] = auth.create_csrf_token(call.user)
    try:
        return _request(node, address, call.method, call.path, call.params, headers)
    except (OSError, http.client.HTTPException, ValueError, _Unreachable) as error:
        connected = isinstance(error, (http.client.HTTPException, TimeoutError, ValueError))
        return (596 if connected else 595), None, str(error), None, {}


def _request(
    node: str, address: str, method: str, path: str, params: dict[str, Any], headers: dict[str, str]
) -> Result:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the certificate itself is compared below, as PVE/CertCache.pm does
    connection = http.client.HTTPSConnection(address, PORT, timeout=TIMEOUT, context=context)
    try:
        connection.connect()
        assert isinstance(connection.sock, ssl.SSLSocket)
        _check_certificate(node, connection.sock.getpeercert(binary_form=True) or b"")
        body = None
        target = f"/api2/json{path}"
        if method in ("POST", "PUT"):
            body = json.dumps(params)
        elif params:
            target += "?" + urlencode(params, doseq=True)
        connection.request(method, target, body=body, headers=headers)
        response = connection.getresponse()
        raw = response.read()
    finally:
        connection.close()
    answer = json.loads(raw) if raw else {}
    attributes = {key: value for key, value in answer.items() if key not in ("data", "errors", "message")}
    message = answer.get("message", response.reason)
    return response.status, answer.get("data"), message.rstrip("\n"), answer.get("errors"), attributes


def _check_certificate(node: str, certificate: bytes) -> None:
    """Compare with what the node itself has put into /etc/pve."""
    files = [paths.pve(f"nodes/{node}/{name}") for name in ("pveproxy-ssl.pem", "pve-ssl.pem")]
    if hashlib.sha256(certificate).digest() not in {certificates.digest(path) for path in files if path.exists()}:
        raise _Unreachable("fingerprint of the node's certificate is not the known one")

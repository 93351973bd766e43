"""The API on port 8006: HTTPS, kept-alive connections that end with any answer >= 400, as pveproxy's do."""

from __future__ import annotations

import email.message
import json
import os
import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, unquote_plus, urlsplit

from . import auth, dispatch, faults, paths, registry, requestlog, web
from .errors import ApiError

PORT = int(os.environ.get("PVE_STANDIN_PORT", "8006"))
_BODY_LIMIT = 512 * 1024


def decode_form(text: str) -> dict[str, Any]:
    """Form parameters; what comes twice is a list. A value ends at a second `=`, as Proxmox's own decoder has it."""
    params: dict[str, Any] = {}
    for pair in re.split(r"[&;]", text):
        if not pair:
            continue
        parts = pair.split("=")
        name, value = unquote_plus(parts[0]), unquote_plus(parts[1]) if len(parts) > 1 else None
        if name in params:
            known = params[name]
            params[name] = [*(known if isinstance(known, list) else [known]), value]
        else:
            params[name] = value
    return params


def unauthorized_delay() -> float:
    """Seconds by which Proxmox delays every 401."""
    return float(os.environ.get("PVE_STANDIN_UNAUTHORIZED_DELAY", "3"))


class Handler(web.Handler):
    # Closing after errors and after a hundred requests is pveproxy's: a client must be ready for it.
    server_version = "pve-api-daemon/3.0"

    def available(self) -> bool:
        return paths.pve("local").exists()  # without the cluster file system pveproxy cannot answer either

    def serve(self, method: str) -> None:
        url = urlsplit(self.path)
        path = unquote(url.path)
        if not path.startswith("/api2/"):
            self._page(path)
            return
        match = re.fullmatch(r"/api2/(json|extjs)(/.*)?", path)
        body = self.body(_BODY_LIMIT, (501, "for data too large"))
        if not match:
            self.send(501, "no such uri", b"", "text/plain")
            return
        params: dict[str, Any] = {}
        user: str | None = None
        relative = "/" + "/".join(part for part in (match[2] or "").split("/") if part)
        try:
            if body and method not in ("PUT", "POST"):
                raise ApiError(501, f"Unexpected content for method '{method}'")
            user, call = self._call(method, relative)
            params = {**self._parse(method, body), **decode_form(url.query)}
            params.pop("_dc", None)
            rule = faults.take(method, relative)
            injected = self.injected(rule)
            answer = (
                dispatch.Answer(injected[0], None, injected[1])
                if injected
                else dispatch.answer(dispatch.Call(**call, params=params))
            )
        except ApiError as error:
            answer = dispatch.Answer(error.status, None, error.message, error.errors)
            rule = None
        requestlog.write(
            peer=self.client_address[0],
            user=user,
            method=method,
            path=relative,
            params=params,
            status=answer.status,
            message=answer.message,
        )
        if rule and rule["action"] == "drop-after":
            raise web.Dropped
        self._answer(answer, extjs=match[1] == "extjs", login=relative == "/access/ticket")

    def _call(self, method: str, path: str) -> tuple[str | None, dict[str, Any]]:
        ticket, api_token = _credentials(self.headers)
        user = None
        if not dispatch.is_open(method, path):
            user = auth.identify(ticket, api_token)
            if ticket and method != "GET":
                auth.verify_csrf_token(user, self.headers.get("CSRFPreventionToken"))
        return user, {
            "method": method,
            "path": path,
            "user": user,
            "ticket": ticket,
            "api_token": api_token,
            "forwarded": "PVEDisableProxy" in self.headers,
        }

    def _parse(self, method: str, body: bytes) -> dict[str, Any]:
        if method not in ("PUT", "POST") or not body:
            return {}
        if self.headers.get_content_type() != "application/json":
            return decode_form(body.decode(errors="replace"))
        try:
            params = json.loads(body)
        except ValueError as error:
            raise ApiError(500, f"malformed JSON string: {error}") from error
        if not isinstance(params, dict):
            raise ApiError(500, "Not a HASH reference")
        return params

    def _answer(self, answer: dispatch.Answer, *, extjs: bool, login: bool) -> None:
        if answer.status == 401:
            time.sleep(unauthorized_delay())
            if not login:
                self.send(401, answer.message or "", b"", "text/plain")
                return
        body = answer.body()
        status, message = answer.status, answer.message
        if extjs:
            body = {
                **body,
                "success": int(status < 400 and not answer.errors),
                **({"status": status} if status >= 400 else {}),
            }
            status, message = 200, None
        self.send(
            status,
            message,
            json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode(),
            "application/json;charset=UTF-8",
        )

    def _page(self, path: str) -> None:
        if path == "/" and self.command == "GET":
            page = f"<!DOCTYPE html><title>{paths.node_name()} - Proxmox Virtual Environment</title>\n"
            self.send(200, None, page.encode(), "text/html; charset=UTF-8")
        else:
            self.send(501, f"method '{self.command} {path}' not available", b"", "text/plain")


def _credentials(headers: email.message.Message) -> tuple[str | None, str | None]:
    """Ticket and API token: the cookie first, then the Authorization header with either."""
    for header in (headers.get("Cookie", ""), headers.get("Authorization", "")):
        match = re.search(r"(?:^|[\s;])PVEAuthCookie=([^;]*)", header)
        if match:
            return unquote(match[1]), None
    match = re.search(r"(?:^|[\s;])PVEAPIToken=([^;]*)", headers.get("Authorization", ""))
    return None, unquote(match[1]) if match else None


class Server(web.Server):
    handler = Handler

    def certificates(self) -> Iterable[tuple[Path, Path]]:
        """The one that an administrator has put there, or else the node's own."""
        for name in ("pveproxy-ssl", "pve-ssl"):
            yield paths.pve(f"local/{name}.pem"), paths.pve(f"local/{name}.key")


def create(port: int = PORT, address: str = "") -> web.Server:
    registry.load()
    return web.bind(Server, port, address)


def serve(ready: Any = lambda: None) -> None:
    web.run(create(address=os.environ.get("PVE_STANDIN_LISTEN", "")), ready)

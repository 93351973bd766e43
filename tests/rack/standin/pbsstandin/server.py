"""The API on port 8007: HTTPS with proxy.pem. Unlike pveproxy it keeps a connection after an error."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pvestandin import faults, paths, requestlog, web

from . import auth, certificate, dispatch, files, scheduler, table, tasks
from .api import disks
from .errors import refused

PORT = int(os.environ.get("PBS_STANDIN_PORT", "8007"))
_BODY_LIMIT = 512 * 1024


def unauthorized_delay(status: int) -> float:
    """Seconds by which PBS delays a 401 and a 403."""
    scale = float(os.environ.get("PVE_STANDIN_UNAUTHORIZED_DELAY", "3"))
    return {401: scale, 403: scale / 6}.get(status, 0.0)


def decode_form(text: str) -> dict[str, Any]:
    """Form parameters; what comes twice is a list."""
    params: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        if name in params:
            known = params[name]
            params[name] = [*(known if isinstance(known, list) else [known]), value]
        elif name != "_dc":
            params[name] = value
    return params


class Handler(web.Handler):
    closes_after_errors = False
    left = float("inf")
    idle = 60.0

    def serve(self, method: str) -> None:
        url = urlsplit(self.path)
        path = unquote(url.path)
        body = self.body(_BODY_LIMIT, (400, "Request body too large"))
        match = re.fullmatch(r"/api2/(json|extjs)(/.*)?", path)
        if not match:
            self._page(path)
            return
        relative = "/" + "/".join(part for part in (match[2] or "").split("/") if part)
        params: dict[str, Any] = {}

        def read_params() -> tuple[dict[str, Any], bool]:
            found, typed = self._parse(body, url.query)
            params.update(found)
            return found, typed

        rule = faults.take(method, relative)
        injected = self.injected(rule)
        if injected:
            answer, user = dispatch.Answer(injected[0], None, injected[1]), None
        else:
            answer, user = dispatch.answer(method, relative, lambda: self._who(method), read_params)
        requestlog.write(
            peer=self.client_address[0],
            user=user,
            method=method,
            path=relative,
            params=params,
            status=answer.status,
            message=answer.message or None,
        )
        if rule and rule["action"] == "drop-after":
            raise web.Dropped
        time.sleep(unauthorized_delay(answer.status))
        self._answer(answer, extjs=match[1] == "extjs")

    def _who(self, method: str) -> str:
        return auth.identify(
            method,
            self.headers.get("Cookie", ""),
            self.headers.get("Authorization", ""),
            self.headers.get("CSRFPreventionToken"),
        )

    def _parse(self, body: bytes, query: str) -> tuple[dict[str, Any], bool]:
        kind = self.headers.get("Content-Type", "").split(";")[0].strip()
        if kind not in ("", "application/x-www-form-urlencoded", "application/json"):
            raise refused(f'unsupported content type Ok("{self.headers["Content-Type"]}")')
        if kind == "application/json":
            try:
                params = json.loads(body)
            except ValueError as error:
                raise refused(f"unable to parse JSON: {error}") from error
            if not isinstance(params, dict):
                raise refused("Expected object - got scalar.")
            return params, True
        return {**decode_form(body.decode(errors="replace")), **decode_form(query)}, False

    def _answer(self, answer: dispatch.Answer, *, extjs: bool) -> None:
        body = answer.body(extjs=extjs)
        raw = body if isinstance(body, str) else json.dumps(body, separators=(",", ":"), ensure_ascii=False)
        status = 200 if extjs else answer.status
        self.send(status, None, raw.encode(), "application/json;charset=UTF-8")

    def _page(self, path: str) -> None:
        if path == "/" and self.command == "GET":
            page = f"<!DOCTYPE html><title>{paths.node_name()} - Proxmox Backup Server</title>\n"
            self.send(200, None, page.encode(), "text/html")
        else:
            self.send(404, None, f"Path '{path}' not found.".encode(), "text/plain")


class Server(web.Server):
    handler = Handler

    def certificates(self) -> Iterable[tuple[Path, Path]]:
        yield files.at("proxy.pem"), files.at("proxy.key")


def prepare() -> None:
    """What proxmox-backup-api makes when it first starts: keys, certificate, directories."""
    directory = files.at("")
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    files.own(directory)
    auth.create_keys()
    certificate.create()
    tasks.prepare()


def create(port: int = PORT, address: str = "") -> web.Server:
    prepare()
    table.load()
    return web.bind(Server, port, address)


def serve(ready: Callable[[], None] = lambda: None) -> None:
    server = create(address=os.environ.get("PVE_STANDIN_LISTEN", ""))
    disks.mount_again()
    scheduler.start()
    web.run(server, ready)

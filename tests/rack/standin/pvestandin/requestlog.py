"""Every call, one JSON object a line, in /var/log/pve-standin/requests.jsonl; secrets are masked."""

from __future__ import annotations

import fcntl
import json
import re
import time
from typing import Any

from . import paths

_SECRET = re.compile(
    r"password|secret|^ticket$|^tfa$|tfa-challenge|otp|client-key|encryption-key|master-pubkey|keyring|"
    r"^token$|vncticket|^keys?$|http_proxy|otel-headers|^data$|eab-hmac-key"
)


def mask(params: dict[str, Any]) -> dict[str, Any]:
    return {name: "***" if _SECRET.search(name) else value for name, value in params.items()}


def write(
    *,
    peer: str,
    user: str | None,
    method: str,
    path: str,
    params: dict[str, Any],
    status: int,
    message: str | None = None,
) -> None:
    """Append a call. `peer` is the client's address, or the command that made the call."""
    entry = {
        "ts": round(time.time(), 3),
        "node": paths.node_name(),
        "peer": peer,
        "user": user,
        "method": method,
        "path": path,
        "params": mask(params),
        "status": status,
    }
    if message:
        entry["message"] = message
    log = paths.at("/var/log/pve-standin/requests.jsonl")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        stream.write(json.dumps(entry) + "\n")

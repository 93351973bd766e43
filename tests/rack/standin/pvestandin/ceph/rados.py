"""Commands to the monitors, with Proxmox's words for what goes wrong (PVE/RADOS.pm).

librados itself is asked (python3-rados comes with the package ceph): a call costs a fifth of what the command `ceph` costs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .. import paths
from ..errors import Failure

CONF = "/etc/ceph/ceph.conf"
SHORT = 5
LONG = 60
"""Seconds: for what an API call asks, and for what a task does."""


class Rados:
    """A connection. `mon_command(prefix, …)` answers the decoded JSON, with format="plain" the text."""

    def __init__(self, handle: Any, timeout: int) -> None:
        self._handle = handle
        self._timeout = timeout

    def mon_cmd(self, prefix: str, inbuf: bytes = b"", **arguments: Any) -> tuple[int, bytes, str]:
        """(return code, output, the monitors' message); a code below 0 is an errno. `inbuf` is for what is no argument."""
        command = json.dumps({"prefix": prefix, "format": "json", **arguments})
        code, output, message = self._handle.mon_command(command, inbuf, timeout=self._timeout)
        if code == -110:
            raise Failure("got timeout")
        return code, output, message

    def mon_command(self, prefix: str, **arguments: Any) -> Any:
        output = self.mon_bytes(prefix, **arguments)
        if arguments.get("format") == "plain":
            return output.decode()
        return json.loads(output) if output.strip() else None

    def mon_bytes(self, prefix: str, **arguments: Any) -> bytes:
        """The output as it comes: maps are no text."""
        code, output, message = self.mon_cmd(prefix, **arguments)
        if code < 0:
            raise Failure(f"error with '{prefix}': mon_command failed - {message or os.strerror(-code)}")
        return output


@contextmanager
def connect(timeout: int = SHORT, conf: str = CONF, name: str = "client.admin", **options: str) -> Iterator[Rados]:
    """Connect with the node's configuration and librados's own `options`. Raises Proxmox's sentences."""
    try:
        import rados
    except ImportError as error:
        raise Failure("rados_connect failed - librados is not installed") from error
    file = paths.at(conf)
    if not file.exists():
        raise Failure("rados_conf_read_file failed - No such file or directory", 2)
    try:
        handle = rados.Rados(name=name, conffile=str(file), conf={"client_mount_timeout": str(timeout), **options})
        handle.connect(timeout=timeout)
    except rados.TimedOut as error:
        raise Failure("got timeout") from error
    except rados.Error as error:
        number = getattr(error, "errno", None) or 5
        raise Failure(f"rados_connect failed - {os.strerror(abs(number))}") from error
    try:
        yield Rados(handle, timeout)
    finally:
        handle.shutdown()

"""QEMU's machine protocol, as much of it as a rack needs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rack.errors import RackError
from rack.metal import sockets


class Monitor:
    """One connection; `command` raises RackError with QEMU's own words."""

    def __init__(self, path: Path, timeout: float | None = 10) -> None:
        self.socket = sockets.connect(path, timeout)
        self.lines = self.socket.makefile("rw")
        self._read()
        self.command("qmp_capabilities")

    def _read(self) -> dict[str, Any]:
        line = self.lines.readline()
        if not line:
            raise RackError("QEMU closed its monitor")
        return json.loads(line)

    def command(self, name: str, /, **arguments: Any) -> Any:
        self.lines.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
        self.lines.flush()
        while True:
            answer = self._read()
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise RackError(f"QEMU refuses {name}: {answer['error'].get('desc')}")

    def events(self) -> Iterator[dict[str, Any]]:
        """Every event until QEMU is gone."""
        self.socket.settimeout(None)
        while True:
            try:
                line = self.lines.readline()
            except OSError:
                return
            if not line:
                return
            message = json.loads(line)
            if "event" in message:
                yield message

    def close(self) -> None:
        self.lines.close()
        self.socket.close()

    def __enter__(self) -> Monitor:
        return self

    def __exit__(self, *_unused: object) -> None:
        self.close()

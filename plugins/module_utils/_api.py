# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""What the engine writes through: Proxmox's API with its tasks awaited, and Ceph's monitors for what the API lacks."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._client import Client
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import NotInstalled, ProxmoxError, TaskError

if TYPE_CHECKING:
    from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import Ceph


class Api:
    """C({node}) in a path is the node that answers. A write that starts a task ends when the task has ended.

    C(writes) counts those that succeeded. C(on_ceph): whether a Ceph is needed; C(ceph) is None where there is none on
    this machine yet.
    """

    def __init__(self, client: Client, ceph: Ceph | None = None, *, on_ceph: bool = False) -> None:
        self.client = client
        self.ceph = ceph
        self.product = "Ceph" if on_ceph else client.product.title
        self.writes = 0
        # who asks: a user, or a token of one; without options it is the node's root
        self.user = "root@pam"
        # the user's own, where it was given
        self.password: str | None = None
        # the API's name, where it is not the one of this machine
        self.host: str | None = None
        # further options of the module
        self.words: dict[str, Any] = {}
        # what is told once only, for the module's result
        self.told: dict[str, Any] = {}
        self.on_ceph = on_ceph

    @property
    def installed(self) -> bool:
        """Whether there is anything to ask."""
        return self.ceph is not None if self.on_ceph else self.client.installed

    def get(self, path: str, /, **params: Any) -> Any:
        return self.client.get(self._at(path), **params)

    def post(self, path: str, /, **params: Any) -> Any:
        return self._ended(self.client.post(self._at(path), **params))

    def put(self, path: str, /, **params: Any) -> Any:
        return self._ended(self.client.put(self._at(path), **params))

    def delete(self, path: str, /, **params: Any) -> Any:
        return self._ended(self.client.delete(self._at(path), **params))

    def command(self, prefix: str, /, **arguments: Any) -> Any:
        """A command of Ceph's monitors, its answer parsed. Raises CephError."""
        if self.ceph is None:
            raise NotInstalled(
                "There is no Ceph on this machine that could be asked.", hint="The role pve_ceph sets it up."
            )
        return self.ceph.command(prefix, **arguments)

    def tell(self, prefix: str, /, **arguments: Any) -> None:
        """A command that changes something."""
        self.command(prefix, **arguments)
        self.writes += 1

    def finish(self, workers: Collection[str]) -> None:
        """Waits for the running tasks of these types; what became of them is read afterwards."""
        product = self.client.product
        for row in self.get("/nodes/{node}/tasks", **product.running) if workers else ():
            if row[product.task_type] in workers and not row.get("endtime"):
                try:
                    self.client.task(row["upid"])
                except TaskError:
                    continue

    def close(self) -> None:
        self.client.close()
        if self.ceph is not None:
            self.ceph.close()

    def _at(self, path: str) -> str:
        return path.replace("{node}", self.client.node) if "{node}" in path else path

    def _ended(self, answer: Any) -> Any:
        if isinstance(answer, str) and answer.startswith("UPID:"):
            self.client.task(answer)
        self.writes += 1
        return answer


def said(error: ProxmoxError) -> str:
    """Why a call failed, in the words of whoever refused it; of a task, with the end of its log."""
    if not isinstance(error, TaskError):
        details = [f"{name}: {text}" for name, text in sorted(getattr(error, "errors", {}).items())]
        return "; ".join([str(getattr(error, "reason", "") or getattr(error, "sentence", "")), *details])
    lines = [line.strip() for line in error.log_tail]
    return "; ".join([*(line for line in lines if line and not line.startswith("TASK ")), error.exitstatus][-6:])

# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""The one error tree of the collection, and the one place that catches it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


class ProxmoxError(Exception):
    """Something that the user of a playbook has to read. C(hint) is the sentence that says what to do."""

    def __init__(self, message: str, *, hint: str | None = None, **fields: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.fields = fields

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message

    def fail_args(self) -> dict[str, Any]:
        """Arguments for fail_json: C(msg) and whatever fields the error carries, None left out."""
        return {"msg": str(self), **{name: value for name, value in self.fields.items() if value is not None}}


class InputError(ProxmoxError):
    """What the user asked for cannot be done as written; nothing was changed."""


class NotInstalled(ProxmoxError):
    """Proxmox, or a Python library that the client needs, is not on this machine."""


class AuthError(ProxmoxError):
    """No ticket could be had, or the API answered 401."""


class ApiError(ProxmoxError):
    """The API answered with a status of 400 or above. C(errors) maps parameter names to sentences."""

    def __init__(
        self, status: int, method: str, path: str, reason: str, errors: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.method = method
        self.path = path
        self.reason = reason.strip()
        self.errors = {name: str(text).strip() for name, text in (errors or {}).items()}
        details = "; ".join(f"{name}: {text}" for name, text in sorted(self.errors.items()))
        message = f"{method} {path}: {self.reason or 'no reason given'} (HTTP {status})"
        super().__init__(
            f"{message}: {details}" if details else message,
            status=status,
            method=method,
            path=path,
            reason=self.reason,
            errors=self.errors or None,
        )


class ConnectionLost(ProxmoxError):
    """No answer came. After a write (C(maybe_done)) it may have happened: read again before repeating it."""

    def __init__(self, method: str, path: str, cause: str, *, maybe_done: bool = False) -> None:
        self.method = method
        self.path = path
        self.cause = cause
        self.maybe_done = maybe_done
        note = "; the call may have been carried out all the same" if maybe_done else ""
        super().__init__(f"{method} {path}: no answer from the API ({cause}){note}", method=method, path=path)


class TaskError(ProxmoxError):
    """A task ended with anything but OK or warnings."""

    def __init__(self, upid: str, exitstatus: str, log_tail: Sequence[str] = ()) -> None:
        self.upid = upid
        self.exitstatus = exitstatus
        self.log_tail = list(log_tail)
        super().__init__(f"task {upid} failed: {exitstatus}", upid=upid, exitstatus=exitstatus, log_tail=self.log_tail)


class CliError(ProxmoxError):
    """A command failed. Its arguments never hold secrets, so they are shown whole."""

    def __init__(self, argv: Sequence[str], rc: int, stdout: str = "", stderr: str = "") -> None:
        self.argv = list(argv)
        self.rc = rc
        self.stdout = stdout
        self.stderr = stderr
        said = (stderr.strip() or stdout.strip() or "no output").splitlines()[-1]
        super().__init__(
            f"{' '.join(self.argv)}: exit code {rc}: {said}", argv=self.argv, rc=rc, stdout=stdout, stderr=stderr
        )


class Timeout(ProxmoxError):
    """A named condition did not come true in time."""

    def __init__(self, what: str, seconds: float, last_seen: Any = None) -> None:
        self.what = what
        self.seconds = seconds
        self.last_seen = last_seen
        seen = f"; last seen: {last_seen}" if last_seen not in (None, "") else ""
        super().__init__(
            f"waited {seconds:g} s for {what}{seen}",
            what=what,
            seconds=seconds,
            last_seen=None if last_seen is None else str(last_seen),
        )


def run(module: AnsibleModule, main: Callable[[AnsibleModule], Mapping[str, Any]]) -> None:
    """Calls main(module) and leaves with its result, or with the error it raised in words.

    Only this tree is caught: anything else is a bug of ours, and its traceback is wanted.
    """
    try:
        result = main(module)
    except ProxmoxError as error:
        module.fail_json(**error.fail_args())
    else:
        module.exit_json(**result)

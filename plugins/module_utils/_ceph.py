# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Ceph's own commands over one connection of python3-rados, for what Proxmox's API does not offer.

The monitors pass on what is meant for a manager, so one way serves all commands. No process per question, and nothing
secret in arguments. Deadlines are librados's own options: the timeout of its Python methods is not looked at.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _ceph_conf
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import NotInstalled, ProxmoxError

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

PYTHON = "/usr/bin/python3"
CONF = "/etc/ceph/ceph.conf"
PVE_CONF = "/etc/pve/ceph.conf"

# As check_ceph_installed in PVE/Ceph/Tools.pm: dpkg unpacks the programs before the installation is through.
_PROGRAMS = ("/usr/bin/ceph", "/usr/bin/ceph-mon")
_INSTALLING = "/run/pve-ceph-install-flag"

# No answer for now: elections, restarts, a monitor that is not there yet.
TRANSIENT = frozenset({errno.ETIMEDOUT, errno.EAGAIN, errno.EINTR, errno.ENOTCONN})


class CephError(ProxmoxError):
    """A command that Ceph refused, or did not answer. C(errno) is positive."""

    def __init__(self, prefix: str, number: int, sentence: str, *, hint: str | None = None) -> None:
        self.prefix = prefix
        self.errno = abs(number)
        self.sentence = sentence.strip()
        name = errno.errorcode.get(self.errno, str(self.errno))
        said = self.sentence or os.strerror(self.errno)
        super().__init__(
            f"ceph {prefix}: {said} ({name})", hint=hint or _advice(self.errno), prefix=prefix, errno=self.errno
        )

    @property
    def transient(self) -> bool:
        return self.errno in TRANSIENT


def installed(root: str | Path = "/") -> bool:
    """Whether Ceph's programs are on this machine and their installation is through."""
    base = Path(root)
    programs = all((base / path.lstrip("/")).exists() for path in _PROGRAMS)
    return programs and not (base / _INSTALLING.lstrip("/")).exists()


def initialised(root: str | Path = "/") -> bool:
    """Whether this Proxmox cluster has a configuration of Ceph: an fsid in /etc/pve/ceph.conf."""
    return "fsid" in _ceph_conf.read(root).get("global", {})


def has_monitors(root: str | Path = "/") -> bool:
    """Whether the configuration names a monitor, so that there is somebody to ask."""
    return bool(_ceph_conf.read(root).get("global", {}).get("mon_host"))


class Ceph:
    """One connection as client.admin, opened by the first command."""

    def __init__(self, conf: str = CONF, timeout: float = 30.0) -> None:
        self.conf = conf
        self.timeout = timeout
        self._rados: Any = None

    @classmethod
    def from_module(cls, module: AnsibleModule, timeout: float = 30.0) -> Ceph | None:
        """None where nobody can be asked: Ceph is not installed, not initialised, or has no monitor yet.

        Where this Python has no rados module, the module starts again with Debian's Python.
        """
        if not installed():
            return None
        # before anything is changed: the module begins anew
        if not _importable():
            _respawn(module)
        if not (initialised() and has_monitors()):
            return None
        # a node that has no daemon of Ceph has no link to it in /etc/ceph
        return cls(CONF if os.path.exists(CONF) else PVE_CONF, timeout)

    def command(self, prefix: str, /, *, inbuf: bytes = b"", **arguments: Any) -> Any:
        """The parsed answer of a command, None when it is empty, text when it is no JSON. Raises CephError.

        Arguments have Ceph's own names (see src/mon/MonCommands.h); None is left out. C(format=plain) gives text.
        """
        given = {name: value for name, value in arguments.items() if value is not None}
        words = {"prefix": prefix, "format": "json", **given}
        rados = self._connect(prefix)
        try:
            code, output, said = rados.mon_command(json.dumps(words), inbuf)
        except Exception as error:
            raise _failure(prefix, error) from error
        if code != 0:
            raise CephError(prefix, code, said)
        return _parsed(output, plain=words["format"] != "json")

    def close(self) -> None:
        if self._rados is not None:
            self._rados.shutdown()
            self._rados = None

    def __enter__(self) -> Ceph:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _connect(self, prefix: str) -> Any:
        if self._rados is None:
            import rados

            seconds = str(max(1, round(self.timeout)))
            limits = {"client_mount_timeout": seconds, "rados_mon_op_timeout": seconds, "rados_osd_op_timeout": seconds}
            client = None
            try:
                client = rados.Rados(conffile=self.conf, rados_id="admin", conf=limits)
                client.connect()
            except Exception as error:
                if client is not None:
                    client.shutdown()
                failure = _failure(prefix, error)
                if failure.errno == errno.ENOENT:
                    failure.hint = (
                        f"Is the key of client.admin where {self.conf} says? Proxmox keeps it in /etc/pve/priv."
                    )
                raise failure from error
            self._rados = client
        return self._rados


def _importable() -> bool:
    try:
        import rados  # noqa: F401
    except ImportError:
        return False
    return True


def _respawn(module: AnsibleModule) -> None:
    """Does not return, unless by an error: Ansible ends this process with the result of the other one."""
    from ansible.module_utils.common.respawn import has_respawned, respawn_module

    if has_respawned() or os.path.realpath(sys.executable) == os.path.realpath(PYTHON):
        raise NotInstalled(
            "Python on this machine cannot talk to Ceph: no module named rados.",
            hint="Install python3-rados there; ceph-common depends on it.",
        )
    respawn_module(PYTHON)


def _failure(prefix: str, error: Exception) -> CephError:
    """rados.Error and its kin carry an errno; anything else is a bug of ours."""
    number = getattr(error, "errno", None)
    if not isinstance(number, int):
        raise error
    return CephError(prefix, number, str(getattr(error, "strerror", None) or error))


def _advice(number: int) -> str | None:
    if number == errno.ETIMEDOUT:
        return (
            "Do the monitors have quorum, is a manager active, and can this node reach them? See 'systemctl status"
            " ceph-mon.target' and 'ceph -s'."
        )
    if number in (errno.EACCES, errno.EPERM):
        return "Does /etc/pve/priv/ceph.client.admin.keyring hold the cluster's key of client.admin?"
    return None


def _parsed(output: bytes, *, plain: bool) -> Any:
    text = output.decode(errors="replace")
    if plain:
        return text
    if not text.strip():
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text.strip()

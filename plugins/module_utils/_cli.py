# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Commands as tables of arguments. Never a shell, C locale, secrets on stdin only."""

from __future__ import annotations

import contextlib
import dataclasses
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO

from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import CliError, NotInstalled, Timeout

# Perl's tools stop themselves inside /etc/pve and take PATH as it is
ENVIRONMENT = {
    "LC_ALL": "C",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "TERM": "dumb",
}

Format = Callable[[Any], Sequence[str]]


def value(name: str) -> Format:
    """C(--name VALUE)."""
    return lambda given: [name, str(given)]


def flag(name: str) -> Format:
    """C(--name 1) for true, nothing for false: what Proxmox's option parser takes for a boolean."""
    return lambda given: [name, "1"] if given else []


def each(name: str) -> Format:
    """One C(--nameKEY VALUE) for every entry of a mapping, in the order of its keys."""
    return lambda given: [word for key in sorted(given) for word in (f"{name}{key}", str(given[key]))]


@dataclasses.dataclass(frozen=True)
class Command:
    """A command line. C(positional) come first and are required, C(options) are left out when None."""

    words: tuple[str, ...]
    positional: tuple[str, ...] = ()
    options: Mapping[str, Format] = dataclasses.field(default_factory=dict)
    rest: str | None = None
    ok: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        twice = set(self.positional) & set(self.options)
        if not self.words or twice:
            raise ValueError(f"contradictory command table {self.words}: {sorted(twice)}")

    def argv(self, given: Mapping[str, Any]) -> list[str]:
        known = {*self.positional, *self.options, *([self.rest] if self.rest else [])}
        if set(given) - known or set(self.positional) - set(given):
            raise TypeError(f"{' '.join(self.words)} takes {sorted(known)}, not {sorted(given)}")
        words = [*self.words, *(str(given[name]) for name in self.positional)]
        for name, format_ in self.options.items():
            if given.get(name) is not None:
                words += format_(given[name])
        return words + [str(word) for word in given.get(self.rest or "", ())]


PVECM_CREATE = Command(
    ("pvecm", "create"),
    ("name",),
    {"links": each("--link"), "nodeid": value("--nodeid"), "votes": value("--votes")},
)
# The password, or a ticket in its place, is read as one line from stdin when that is no terminal (PVE::PTY)
PVECM_ADD = Command(
    ("pvecm", "add"),
    ("peer",),
    {
        "fingerprint": value("--fingerprint"),
        "links": each("--link"),
        "nodeid": value("--nodeid"),
        "votes": value("--votes"),
        "force": flag("--force"),
        "use_ssh": flag("--use_ssh"),
    },
)
PVECM_UPDATECERTS = Command(("pvecm", "updatecerts"), (), {"force": flag("--force")})
# Both read PEM from stdin
OPENSSL_X509 = Command(
    (
        "openssl",
        "x509",
        "-noout",
        "-pubkey",
        "-subject",
        "-issuer",
        "-dates",
        "-nameopt",
        "compat",
        "-ext",
        "subjectAltName",
    ),
    ok=(0, 1),
)
OPENSSL_PKEY = Command(("openssl", "pkey", "-pubout", "-passin", "pass:"), ok=(0, 1))
SYSTEMCTL = Command(("systemctl",), ("verb",), rest="units")
SYSTEMCTL_SHOW = Command(("systemctl", "show", "--property=Id,Names,LoadState,ActiveState", "--"), rest="units")
IP_ADDRESS = Command(("ip", "-json", "address", "show"))
DPKG_QUERY = Command(
    ("dpkg-query", "--show", "--showformat", "${Package}\t${Version}\t${db:Status-Status}\n"),
    rest="packages",
    ok=(0, 1),
)
PVEVERSION = Command(("pveversion",))
# 1: corosync does not run; 2: it runs without quorum
QUORUMTOOL = Command(("corosync-quorumtool", "-s"), ok=(0, 1, 2))
CFGTOOL = Command(("corosync-cfgtool", "-s"), ok=(0, 1))
PEER_READ = Command(("ssh", "-o", "BatchMode=yes", "-l", "root"), ("peer",), rest="remote")


@dataclasses.dataclass(frozen=True)
class Output:
    argv: list[str]
    rc: int
    stdout: str
    stderr: str = ""


class Job:
    """A command that goes on when this process dies: a session of its own, and output into a file, not a pipe.

    A pvecm that lost its reader half-way would die of SIGPIPE between two steps of a join.
    """

    def __init__(self, argv: list[str], process: subprocess.Popen[bytes], log: BinaryIO) -> None:
        self.argv = argv
        self.pid = process.pid
        self._process = process
        self._log = log

    def output(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def wait(self, seconds: float) -> Output | None:
        """Its output, or None if it still runs after C(seconds)."""
        try:
            rc = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        return Output(self.argv, rc, self.output())


class Cli:
    """Runs commands."""

    def run(self, command: Command, *, timeout: float = 60, secret: str | None = None, **given: Any) -> Output:
        """The output of a short command, which reads C(secret) from stdin; CliError for a code that its table lacks."""
        argv = command.argv(given)
        try:
            done = subprocess.run(
                argv,
                env=ENVIRONMENT,
                cwd="/",
                input=b"" if secret is None else secret.encode(),
                capture_output=True,
                timeout=timeout,
                check=False,
            )
        except FileNotFoundError as error:
            raise NotInstalled(f"{argv[0]} is not installed on this machine.") from error
        except subprocess.TimeoutExpired as error:
            raise Timeout(f"'{' '.join(argv)}' to end", timeout) from error
        output = Output(
            argv, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        )
        if output.rc not in command.ok:
            raise CliError(argv, output.rc, output.stdout, output.stderr)
        return output

    def start(self, command: Command, *, secret: str | None = None, keep: Sequence[int] = (), **given: Any) -> Job:
        """Starts a long command. C(secret) is its first line on stdin; C(keep) are file descriptors it inherits."""
        argv = command.argv(given)
        log = tempfile.TemporaryFile()  # noqa: SIM115 -- the job reads it as long as it lives
        try:
            process = subprocess.Popen(
                argv,
                env=ENVIRONMENT,
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=tuple(keep),
            )
        except FileNotFoundError as error:
            raise NotInstalled(f"{argv[0]} is not installed on this machine.") from error
        if process.stdin is None:
            raise TypeError("a started command has a stdin")
        # A command that ended before it read says why by itself, better than a broken pipe
        with contextlib.suppress(BrokenPipeError), process.stdin as stdin:
            if secret is not None:
                stdin.write(secret.encode() + b"\n")
        return Job(argv, process, log)

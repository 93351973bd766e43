"""Files under /etc/pve: read, replace, lock. The same calls work on the FUSE mount and on a plain directory."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from typing import Any

from . import paths
from .errors import ApiError, Failure, died

LOCK_TIMEOUT = 10.0


def read(name: str) -> str:
    """The text of a file, empty if there is none."""
    try:
        return paths.pve(name).read_text()
    except FileNotFoundError:
        return ""


def write(name: str, text: str, mode: int = 0o640) -> None:
    """Replace a file in one step. Without quorum this raises Proxmox's refusal."""
    target = paths.pve(name)
    temporary = target.with_name(f"{target.name}.tmp.{os.getpid()}.{time.monotonic_ns() % 1_000_000}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(text)
        os.rename(temporary, target)
    except OSError as error:
        temporary.unlink(missing_ok=True) if temporary.exists() else None
        raise Failure(
            f"unable to open file '/etc/pve/{name}.tmp.{os.getpid()}' - {error.strerror}", error.errno or 255
        ) from error


def write_private(name: str, text: str) -> None:
    """Replace a file below priv/, making its directory."""
    directory = paths.pve(name).parent
    if not directory.is_dir():
        with contextlib.suppress(FileExistsError):
            directory.mkdir(mode=0o700, parents=True)
    write(name, text, 0o600)


def remove(name: str) -> bool:
    """Whether there was such a file."""
    try:
        paths.pve(name).unlink()
    except FileNotFoundError:
        return False
    return True


def members() -> dict[str, Any]:
    """What /etc/pve/.members says: nodename, version, and in a cluster `cluster` and `nodelist`."""
    text = read(".members")
    return json.loads(text) if text.strip() else {}


def quorate() -> bool:
    """A node without a cluster is always quorate."""
    cluster = members().get("cluster")
    return bool(cluster["quorate"]) if cluster else paths.pve().is_dir()


def guests() -> dict[str, dict[str, Any]]:
    """VMID → {node, type, version} from /etc/pve/.vmlist; a plain directory in its place has none, and is looked through."""
    text = read(".vmlist")
    if text.strip():
        return json.loads(text).get("ids", {})
    kinds = {"qemu-server": "qemu", "lxc": "lxc"}
    found = sorted(paths.pve("nodes").glob("*/*/*.conf"))
    return {
        path.stem: {"node": path.parent.parent.name, "type": kinds[path.parent.name], "version": 1}
        for path in found
        if path.parent.name in kinds and path.stem.isdigit()
    }


def node_names() -> list[str]:
    """All nodes of the cluster, or this one."""
    return sorted(members().get("nodelist", {})) or [paths.node_name()]


def node_address(node: str) -> str | None:
    """The address by which the cluster knows a node (.members)."""
    entry = members().get("nodelist", {}).get(node, {})
    return entry.get("ip")


@contextlib.contextmanager
def lock(name: str, what: str = "", timeout: float = LOCK_TIMEOUT, *, flat: bool = False) -> Iterator[None]:
    """Proxmox's cluster-wide lock: a directory below /etc/pve/priv/lock, made by who holds it.

    `what` is what failed, put before every sentence raised inside, as `lock_user_config(code, "create user failed")`
    does, which makes an answer 500 of any other; so does `flat` without such words (die "$@").
    """
    prefix = f"{what}: " if what else ""
    try:
        with _held(name, timeout):
            yield
    except ApiError as error:
        if not (what or flat):
            raise
        raise died(error, prefix) from error


def lock_file(name: str, what: str = "", *, flat: bool = False) -> contextlib.AbstractContextManager[None]:
    """The lock that belongs to a config file."""
    return lock("file-" + re.sub(r"[./]", "_", name), what, flat=flat)


@contextlib.contextmanager
def _held(name: str, timeout: float) -> Iterator[None]:
    directory = paths.pve("priv/lock")
    path = directory / name
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise Failure(_lock_error(name, "pve cluster filesystem not online."), 255) from error
    _acquire(path, name, timeout)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # it may have timed out and belong to somebody else
            path.rmdir()


def _acquire(path: Any, name: str, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    said = time.monotonic()
    while True:
        try:
            path.mkdir(mode=0o700)
            return
        except OSError as error:
            if error.errno != errno.EEXIST and not quorate():
                raise Failure(_lock_error(name, "no quorum!"), error.errno or 255) from error
            if time.monotonic() >= deadline:
                reason = "got lock request timeout" if quorate() else "no quorum!"
                raise Failure(_lock_error(name, reason), error.errno or 255) from error
        if time.monotonic() - said >= 1:
            print(f"trying to acquire cfs lock '{name}' ...", file=sys.stderr)
            said = time.monotonic()
        with contextlib.suppress(OSError):  # asks the file system to drop a lock that is too old
            os.utime(path, (0, 0))
        time.sleep(min(1.0, timeout / 10))


def _lock_error(name: str, reason: str) -> str:
    return f"cfs-lock '{name}' error: {reason}"

"""Machine images: the Debian that an administrator gets from the installer, minus a kernel. Kept by recipe."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rack import kernel, state
from rack.errors import RackError
from rack.host import Mirrors, apt_config
from rack.proxy import PORT, Server, listen_in
from rack.upstream import Upstream

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# fmt: off
PACKAGES = [
    "apt-utils", "bash-completion", "ca-certificates", "cron", "dbus", "debian-archive-keyring", "e2fsprogs",
    "ifupdown2", "iproute2", "iputils-ping", "kmod", "less", "logrotate", "lsof", "mount", "nano", "netbase",
    "openssh-server", "openssl", "procps", "python3", "python3-apt", "systemd", "systemd-sysv", "tzdata", "udev",
    "wget", "whiptail",
]
# fmt: on

# apt's and dpkg's own timers would hold the dpkg lock at moments that no test chose; the rest only takes time.
# fmt: off
MASKED = [
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer",
    "e2scrub_reap.service", "fstrim.timer", "systemd-networkd-wait-online.service", "console-getty.service",
]
# fmt: on

DPKG = """
force-unsafe-io
path-exclude=/usr/share/doc/*
path-include=/usr/share/doc/*/copyright
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
""".lstrip()

# In the machine: directories, files, links that do not depend on which machine it becomes.
CUSTOMISE = """
set -e
root="$1"
rm -f "$root"/etc/ssh/ssh_host_*_key* "$root"/etc/machine-id "$root"/var/lib/dbus/machine-id
rm -f "$root"/etc/apt/sources.list "$root"/etc/hostname "$root"/etc/resolv.conf
rm -rf "$root"/var/lib/apt/lists "$root"/var/cache/apt
mkdir -p "$root"/var/lib/apt/lists/partial "$root"/var/cache/apt/archives/partial
mkdir -p "$root"/var/log/journal "$root"/etc/systemd/system
mkdir -m 700 -p "$root"/root/.ssh
for unit in %(masked)s; do ln -sf /dev/null "$root/etc/systemd/system/$unit"; done
"""


def apt_settings() -> str:
    """apt settings of the host that its mirror needs (a frozen mirror has expired Release files)."""
    values = apt_config()
    lines = ['Acquire::Languages "none";']
    for key in ("Acquire::Check-Valid-Until", "Acquire::Check-Date"):
        if key in values:
            lines.append(f'{key} "{values[key]}";')
    return "\n".join(lines) + "\n"


def keep_tree(work: Path) -> None:
    """A container's image is the directory tree itself."""


@dataclass(frozen=True)
class Flavour:
    """What a backend's image has besides the common recipe."""

    prefix: str = ""
    packages: tuple[str, ...] = ()
    essential: str = ""
    """A script that runs, with the tree as $1 and the work directory as $2, before `packages` are installed."""
    customise: str = ""
    """The same, when everything is installed."""
    finish: Callable[[Path], None] = keep_tree
    """Turns `root` in the work directory into what is kept as `root`."""
    recipe: dict[str, object] = field(default_factory=dict)
    """What else decides what `finish` and the scripts make."""


class ImageStore:
    """Images below `cache/images/RELEASE-HASH`; the hash is over everything that makes the image what it is."""

    def __init__(self, cache: Path, mirrors: Mirrors, flavour: Flavour | None = None) -> None:
        self.cache = cache
        self.mirrors = mirrors
        self.flavour = flavour or Flavour()

    def recipe(self, release: str) -> dict[str, object]:
        return {
            "release": release,
            "packages": [*PACKAGES, *self.flavour.packages],
            "masked": MASKED,
            "dpkg": DPKG,
            "customise": self._customise(),
            "apt": apt_settings(),
            "archives": [self.mirrors.debian, self.mirrors.security],
            **self.flavour.recipe,
        }

    def _customise(self) -> str:
        return CUSTOMISE + self.flavour.customise

    def path(self, release: str) -> Path:
        digest = hashlib.sha256(json.dumps(self.recipe(release), sort_keys=True).encode()).hexdigest()
        return self.cache / "images" / f"{self.flavour.prefix}{release}-{digest[:16]}"

    def exists(self, release: str) -> bool:
        return self.path(release).is_dir()

    def ensure(self, release: str, say: Callable[[str], None]) -> Path:
        """The image's root directory; built when it is not there, by one process at a time."""
        target = self.path(release)
        if target.is_dir():
            return target
        with state.locked(f"image-{self.flavour.prefix}{release}", self.cache):
            if not target.is_dir():
                say(f"building the {self.flavour.prefix}{release} image (once; kept in {target.parent})")
                started = time.monotonic()
                self._build(release, target)
                say(f"image built in {time.monotonic() - started:.0f} s")
        return target

    def _build(self, release: str, target: Path) -> None:
        work = target.with_name(target.name + ".partial")
        for remains in target.parent.glob(f"{self.flavour.prefix}{release}-*.partial"):
            shutil.rmtree(remains)
        (work / "tmp").mkdir(parents=True)
        (work / "apt.conf").write_text(apt_settings())
        (work / "dpkg.conf").write_text(DPKG)
        (work / "essential").write_text(self.flavour.essential)
        (work / "customise").write_text(self._customise() % {"masked": " ".join(MASKED)})

        base = f"http://127.0.0.1:{PORT}"
        sources = [f"deb [signed-by={KEYRING}] {base}/debian {release} main"]
        sources.append(f"deb [signed-by={KEYRING}] {base}/debian {release}-updates main")
        archives = {"debian": self.mirrors.debian}
        if self.mirrors.security:
            archives["debian-security"] = self.mirrors.security
            sources.append(f"deb [signed-by={KEYRING}] {base}/debian-security {release}-security main")

        namespace = _private_network()
        try:
            path = Path(f"/proc/self/fd/{namespace}")
            listener = listen_in(path, "127.0.0.1", PORT)
            upstream = Upstream(self.cache / "apt", archives)
            server = Server(listener, upstream, quiet=True)
            server.start()
            try:
                self._mmdebstrap(release, work, sources, namespace)
            finally:
                server.shutdown()
                server.server_close()
                upstream.acquirer.close()
        finally:
            os.close(namespace)
        self.flavour.finish(work)
        os.replace(work / "root", target)
        shutil.rmtree(work)

    def _mmdebstrap(self, release: str, work: Path, sources: list[str], namespace: int) -> None:
        command = [
            # If this process is killed, everything below it goes, mounts included.
            *("setpriv", "--pdeathsig", "KILL"),
            *("unshare", "--fork", "--pid", "--kill-child", "--mount", "--propagation", "slave", "--mount-proc"),
            *("nsenter", f"--net=/proc/self/fd/{namespace}"),
            *("mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", "--format=directory"),
            f"--include={','.join([*PACKAGES, *self.flavour.packages])}",
            f"--aptopt={work}/apt.conf",
            f"--dpkgopt={work}/dpkg.conf",
            f'--essential-hook=sh {work}/essential "$1" {work}',
            f'--customize-hook=sh {work}/customise "$1" {work}',
            "--skip=check/empty",
            *(release, str(work / "root"), "-"),
        ]
        result = subprocess.run(
            command,
            input="\n".join(sources) + "\n",
            capture_output=True,
            text=True,
            pass_fds=[namespace],
            check=False,
            env={
                "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "LC_ALL": "C.UTF-8",
                "TMPDIR": str(work / "tmp"),
                "HOME": "/root",
            },
        )
        if result.returncode != 0:
            (work.parent / f"{release}.log").write_text(result.stdout + result.stderr)
            tail = " / ".join((result.stdout + result.stderr).strip().splitlines()[-4:])
            raise RackError(f"mmdebstrap failed ({tail}); its whole output: {work.parent / f'{release}.log'}")


def _private_network() -> int:
    """An open handle of a new network namespace that has only a loopback, made without leaving our own."""
    handles: list[int | OSError] = []

    def work() -> None:
        try:
            kernel.unshare(kernel.CLONE_NEWNET)
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            handles.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        except OSError as error:
            handles.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if isinstance(handles[0], OSError):
        raise RackError(f"no network namespace can be made here: {handles[0]}")
    return handles[0]

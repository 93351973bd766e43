"""The signed apt repository that stands for Proxmox's: same layout, our key."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path

from rack import kernel, processes, state
from rack.errors import RackError
from rack.spec import RELEASES
from rack.standin.packages import Schemas, build, of_backup_server, of_virtual_environment

COMPONENTS = ("pve-no-subscription", "pve-enterprise", "pve-test")
BACKUP_COMPONENTS = ("pbs-no-subscription", "pbs-enterprise", "pbs-test")
KEYRING = "proxmox-archive-keyring.gpg"
CEPH_COMPONENTS = ("no-subscription", "enterprise", "test")
CEPH_RELEASES = {"trixie": ("squid", "tentacle"), "bookworm": ("quincy", "reef", "squid")}
"""Proxmox has a repository for each. Here they are empty: a machine's Ceph is the one in Debian's archive."""
STANDIN = Path(__file__).resolve().parent / "standin"
SCHEMAS = {"trixie": "pve-9.2.json", "bookworm": "pve-8.4.json"}
BACKUP_SCHEMAS = {"trixie": "pbs-4.json"}


def find_schema(release: str) -> Path | None:
    """The official API description that the stand-in shall check against, when one is at hand."""
    named = os.environ.get("RACK_APIDOC")
    if named:
        if not Path(named).is_file():
            raise RackError(f"RACK_APIDOC: {named} is no file; name an apidoc.js of Proxmox VE {RELEASES[release]}")
        return Path(named).resolve()
    return _shared_schema(SCHEMAS[release])


def find_backup_schema(release: str) -> Path | None:
    """The same of Proxmox Backup Server."""
    return _shared_schema(BACKUP_SCHEMAS[release]) if release in BACKUP_SCHEMAS else None


def _shared_schema(name: str) -> Path | None:
    shared = os.environ.get("BAREMETAL_SHARED")
    places = [Path(shared)] if shared else [parent.parent / "shared" for parent in STANDIN.parents]
    for place in places:
        candidate = place / "api" / name
        if candidate.is_file():
            return candidate
    return None


def _digest(release: str, *schemas: Path | None) -> str:
    digest = hashlib.sha256(f"{release}\0".encode())
    files = [path for path in STANDIN.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    for path in [*sorted(files), Path(__file__), *filter(None, schemas)]:
        digest.update(f"{path}\0{path.stat().st_mode}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


class Signer:
    """The repository's OpenPGP key, made once per state directory; its agent never outlives a call."""

    def __init__(self, directory: Path) -> None:
        self.directory = state.private_dir(directory)
        self.secret = directory / "secret.asc"

    def _gpg(self, home: str, *arguments: str, stdin: bytes | None = None) -> bytes:
        result = subprocess.run(
            ["gpg", "--homedir", home, "--batch", "--quiet", "--pinentry-mode", "loopback", *arguments],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            check=False,
        )
        if result.returncode != 0:
            raise RackError(f"gpg failed: {' '.join(result.stderr.decode(errors='replace').split())}")
        return result.stdout

    def _with_home(self, work: Callable[[str], bytes]) -> bytes:
        # A short path: the agent's socket lives in it.
        with tempfile.TemporaryDirectory(prefix="rack-gpg-") as home:
            try:
                return work(home)
            finally:
                subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True, capture_output=True)

    def ensure(self) -> None:
        with state.locked("repository-key", self.directory.parent):
            if self.secret.exists():
                return

            def make(home: str) -> bytes:
                user = "Virtual rack repository <rack@localhost>"
                self._gpg(home, "--passphrase", "", "--quick-generate-key", user, "ed25519", "sign", "never")
                (self.directory / KEYRING).write_bytes(self._gpg(home, "--export"))
                return self._gpg(home, "--passphrase", "", "--armor", "--export-secret-keys")

            state.write_atomically(self.secret, self._with_home(make).decode(), 0o600)

    def sign(self, release: Path) -> None:
        """Write InRelease and Release.gpg beside a Release file."""

        def both(home: str) -> bytes:
            self._gpg(home, "--import", str(self.secret))
            inline = release.with_name("InRelease")
            detached = release.with_name("Release.gpg")
            self._gpg(home, "--digest-algo", "SHA512", "--output", str(inline), "--clearsign", str(release))
            self._gpg(
                home, "--digest-algo", "SHA512", "--output", str(detached), "--armor", "--detach-sign", str(release)
            )
            return b""

        self._with_home(both)

    @property
    def keyring(self) -> Path:
        return self.directory / KEYRING


def _control(deb: Path) -> str:
    result = subprocess.run(["dpkg-deb", "--field", str(deb)], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise RackError(f"{deb.name}: not a Debian package: {result.stderr.strip()}")
    return result.stdout.strip()


def packages_index(base: Path, debs: list[Path]) -> str:
    stanzas = []
    for deb in sorted(debs):
        content = deb.read_bytes()
        stanzas.append(
            f"{_control(deb)}\n"
            f"Filename: {deb.relative_to(base)}\n"
            f"Size: {len(content)}\n"
            f"SHA256: {hashlib.sha256(content).hexdigest()}\n"
        )
    return "\n".join(stanzas)


def release_file(suite: Path, codename: str, components: tuple[str, ...] = COMPONENTS) -> str:
    lines = [
        "Origin: Proxmox",
        "Label: Proxmox Debian Repository",
        f"Suite: {codename}",
        f"Codename: {codename}",
        f"Date: {formatdate(usegmt=True).replace('GMT', 'UTC')}",
        "Architectures: amd64",
        f"Components: {' '.join(components)}",
        "Description: stand-in of the virtual rack",
        "SHA256:",
    ]
    for path in sorted(suite.rglob("Packages*")):
        content = path.read_bytes()
        lines.append(f" {hashlib.sha256(content).hexdigest()} {len(content)} {path.relative_to(suite)}")
    return "\n".join(lines) + "\n"


def assemble(directory: Path, codename: str, debs: list[Path], signer: Signer) -> None:
    """Lay out `directory` as the root URL of the repository."""
    for product, components, has in (
        ("pve", COMPONENTS, of_virtual_environment),
        ("pbs", BACKUP_COMPONENTS, of_backup_server),
    ):
        base = directory / "debian" / product
        pool = base / "pool"
        pool.mkdir(parents=True)
        pooled = [Path(shutil.copy2(deb, pool / deb.name)) for deb in debs if has(deb.name.split("_")[0])]
        _suite(base, codename, packages_index(base, pooled), components, signer)
    for name in CEPH_RELEASES[codename]:
        _suite(directory / f"debian/ceph-{name}", codename, "", CEPH_COMPONENTS, signer)
    shutil.copy2(signer.keyring, directory / KEYRING)


def _suite(base: Path, codename: str, packages: str, components: tuple[str, ...], signer: Signer) -> None:
    suite = base / "dists" / codename
    index = packages.encode()
    for component in components:
        place = suite / component / "binary-amd64"
        place.mkdir(parents=True)
        (place / "Packages").write_bytes(index)
        (place / "Packages.gz").write_bytes(gzip.compress(index, mtime=0))
    (suite / "Release").write_text(release_file(suite, codename, components))
    signer.sign(suite / "Release")


def ensure(rack_dir: Path, release: str, cache: Path, say: Callable[[str], None]) -> Path | None:
    """Directory of the stand-in's repository for a release, built when its sources changed; None when it has none."""
    if not (STANDIN / "packages.py").exists():
        say("tests/rack/standin/packages.py is missing: the rack has no Proxmox repository")
        return None
    schema, backup_schema = find_schema(release), find_backup_schema(release)
    if schema is None:
        say("no API schema found (../shared/api or RACK_APIDOC): the stand-in checks what its handlers declare")
    target = cache / "repository" / f"{release}-{_digest(release, schema, backup_schema)}"
    with state.locked(f"repository-{release}", cache):
        if not target.is_dir():
            say(f"building the Proxmox stand-in's packages for {release}")
            arguments = ["repository", release, str(cache), str(target), str(schema or ""), str(backup_schema or "")]
            result = processes.run_child(rack_dir, arguments)
            if result.returncode != 0:
                reason = result.stderr.strip() or f"ended with code {result.returncode}"
                raise RackError(f"the Proxmox stand-in's packages cannot be built: {reason}")
    return target


def main(arguments: list[str]) -> int:
    """The work of `ensure`, in a process whose temporary files vanish with it."""
    release, cache, target = arguments[0], Path(arguments[1]), Path(arguments[2])
    schemas = [Path(argument) if argument else None for argument in arguments[3:5]]
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_SLAVE)
    kernel.mount("tmpfs", "/run", "tmpfs", 0, "mode=755")
    os.environ["TMPDIR"] = tempfile.tempdir = "/run"

    signer = Signer(cache / "repository-key")
    signer.ensure()
    partial = target.with_name(target.name + ".partial")
    for remains in target.parent.glob(f"{release}-*.partial"):
        shutil.rmtree(remains)
    debs = partial / "debs"
    debs.mkdir(parents=True)
    assemble(partial / "tree", release, build(release, debs, Schemas(*schemas), signer.keyring), signer)
    os.replace(partial / "tree", target)
    shutil.rmtree(partial)
    return 0

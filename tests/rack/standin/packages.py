"""Builds the stand-in's Debian packages: plain files, `dpkg-deb --build`, nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import catalog_backup
from .catalog import RELEASES, Package, Release, packages

HERE = Path(__file__).resolve().parent
PACKAGING = HERE / "packaging"
CODE = HERE / "pvestandin"
HOME = "usr/share/pve-standin"
BACKUP_CODE = HERE / "pbsstandin"
BACKUP_HOME = "usr/share/pbs-standin"
"""Proxmox Backup Server has a copy of everything that it needs: it is installed without Proxmox VE, or beside it."""
BACKUP_SERVER = "proxmox-backup-server"
SERVICES = {
    "pvestatd",
    "pvescheduler",
    "spiceproxy",
    "pve-firewall",
    "pve-ha-crm",
    "pve-ha-lrm",
    "qmeventd",
    "watchdog-mux",
}
"""Commands of services that are there and do nothing (pvestandin.daemon)."""

_WRAPPER = """#!/usr/bin/python3
import sys

sys.path.insert(0, "/{home}")
from {module} import main

sys.exit(main())
"""


@dataclass(frozen=True)
class Schemas:
    """The APIs' official parameters, shipped for the stand-in to check calls against; None where there are none."""

    pve: Path | None = None
    pbs: Path | None = None


def build(release: str, out: Path, schemas: Schemas = Schemas(), keyring: Path | None = None) -> list[Path]:
    """Build every package of the release (trixie or bookworm) into `out`.

    keyring: the public key of the repository, shipped by proxmox-archive-keyring as Proxmox's own does; without it that
    package is empty.
    """
    if release not in RELEASES:
        raise ValueError(f"no stand-in for {release!r}: known are {', '.join(RELEASES)}")
    described = RELEASES[release]
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="standin-") as scratch, ThreadPoolExecutor(2) as pool:
        jobs = [
            pool.submit(_build, described, name, version, package, Path(scratch) / name, out, schemas, keyring)
            for name, version, package in everything(described)
        ]
        return [job.result() for job in jobs]


def everything(release: Release) -> list[tuple[str, str, Package]]:
    """(name, version, package) of both repositories, Proxmox VE's and Proxmox Backup Server's."""
    versions = catalog_backup.VERSIONS[release.codename]
    own = [(item.name, versions.get(item.name, release.default), item) for item in catalog_backup.PACKAGES]
    return [(name, versions.get(name, version), item) for name, version, item in packages(release)] + own


def of_backup_server(name: str) -> bool:
    """Whether Proxmox Backup Server's repository has the package."""
    return name in catalog_backup.SHARED or name in {item.name for item in catalog_backup.PACKAGES}


def of_virtual_environment(name: str) -> bool:
    """Whether Proxmox VE's repository has it: everything but the backup server's own."""
    return name not in {item.name for item in catalog_backup.PACKAGES}


def sources() -> list[Path]:
    """Every file that goes into the packages, for a cache key."""
    return sorted(path for path in HERE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def _build(
    release: Release,
    name: str,
    version: str,
    package: Package,
    root: Path,
    out: Path,
    schemas: Schemas,
    keyring: Path | None,
) -> Path:
    root.mkdir(mode=0o755)
    _contents(release, name, package, root, schemas, keyring)
    control = root / "DEBIAN"
    control.mkdir(mode=0o755)
    architecture = "amd64" if name in ("pve-cluster", "pve-qemu-kvm", "proxmox-ve") or "-kernel-" in name else "all"
    fields = {
        "Package": name,
        "Version": version,
        "Architecture": architecture,
        "Section": "admin",
        "Priority": "optional",
        "Maintainer": "Rack stand-in <rack@localhost>",
        **package.extra,
    }
    if package.depends:
        fields["Depends"] = package.depends
    fields["Description"] = f"{package.summary}\n Stand-in for the virtual rack; this is not Proxmox's package."
    (control / "control").write_text("".join(f"{key}: {value}\n" for key, value in fields.items()))
    conffiles = sorted(f"/{path.relative_to(root)}" for path in (root / "etc").rglob("*") if path.is_file())
    if conffiles:
        (control / "conffiles").write_text("".join(f"{path}\n" for path in conffiles))
    for script, text in _scripts(release, name, package).items():
        (control / script).write_text(text)
        (control / script).chmod(0o755)
    target = out / f"{name}_{version}_{architecture}.deb"
    unfinished = target.with_suffix(".part")
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", str(root), str(unfinished)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    unfinished.rename(target)
    return target


def _contents(
    release: Release, name: str, package: Package, root: Path, schemas: Schemas, keyring: Path | None
) -> None:
    _write(root, f"usr/share/doc/{name}/README.Debian", "Stand-in for the virtual rack.\n")
    for command in package.commands:
        path = command.lstrip("/") if "/" in command else f"usr/bin/{command}"
        home, code = (BACKUP_HOME, BACKUP_CODE) if name == BACKUP_SERVER else (HOME, CODE)
        module = _module(code, Path(path).name)
        if module:
            _write(root, path, _WRAPPER.format(home=home, module=f"{code.name}.{module}"), 0o755)
    for unit in package.units:
        _write(root, f"usr/lib/systemd/system/{unit.lstrip('-')}", (PACKAGING / "units" / unit.lstrip("-")).read_text())
    files = PACKAGING / "files" / name
    for variant in (files / "all", files / release.codename):
        if variant.is_dir():
            shutil.copytree(variant, root, dirs_exist_ok=True)
    if name == "libpve-common-perl":
        shutil.copytree(CODE, root / HOME / "pvestandin", ignore=shutil.ignore_patterns("__pycache__", "perl"))
        _write(
            root,
            f"{HOME}/version.json",
            json.dumps({"version": release.version, "release": release.short, "repoid": release.repoid}) + "\n",
        )
        if schemas.pve:
            shutil.copyfile(schemas.pve, root / HOME / "schema.json")
    if name == BACKUP_SERVER:
        _backup_server(release, root, schemas.pbs)
    if name == "libpve-access-control" and (CODE / "perl").is_dir():
        shutil.copytree(CODE / "perl", root / "usr/share/perl5")
    if name == "proxmox-archive-keyring" and keyring:
        path = (
            "usr/share/keyrings/proxmox-archive-keyring.gpg"
            if release.major >= 9
            else "etc/apt/trusted.gpg.d/proxmox-release-bookworm.gpg"
        )
        (root / path).parent.mkdir(parents=True)
        shutil.copyfile(keyring, root / path)
    for directory, _unused, names in os.walk(root):
        os.chmod(directory, 0o755)
        for entry in names:
            file = Path(directory, entry)
            file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)


def _backup_server(release: Release, root: Path, schema: Path | None) -> None:
    for code in (CODE, BACKUP_CODE):
        shutil.copytree(code, root / BACKUP_HOME / code.name, ignore=shutil.ignore_patterns("__pycache__", "perl"))
    version, _unused, told = catalog_backup.VERSIONS[release.codename][BACKUP_SERVER].split("-")[0].rpartition(".")
    told_version = {"version": version, "release": told, "repoid": catalog_backup.REPOID[release.codename]}
    _write(root, f"{BACKUP_HOME}/version.json", json.dumps(told_version) + "\n")
    if schema:
        shutil.copyfile(schema, root / BACKUP_HOME / "schema.json")


def _module(code: Path, command: str) -> str | None:
    """Where the command lives in the Python package, or None if nothing stands in for it."""
    name = command.replace("-", "_")
    if (code / "cli" / f"{name}.py").exists():
        return f"cli.{name}"
    return "daemon" if command in SERVICES else None


def _write(root: Path, path: str, text: str, mode: int = 0o644) -> None:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    target.chmod(mode)


def _scripts(release: Release, name: str, package: Package) -> dict[str, str]:
    """Maintainer scripts: the package's own part, then enabling and starting its units as debhelper does it."""
    scripts = {}
    shipped = [unit.lstrip("-") for unit in package.units]
    started = [unit for unit in package.units if not unit.startswith("-")]
    own = "proxmox-kernel-signed" if name.endswith("-pve-signed") else name
    for script in ("preinst", "postinst", "prerm", "postrm"):
        path = PACKAGING / "scripts" / f"{own}.{script}"
        parts = [path.read_text().replace("{kernel}", release.kernel)] if path.exists() else []
        if shipped and script == "postinst":
            parts.append(_start(shipped, started))
        if started and script == "prerm":
            parts.append(
                f'if [ "$1" = remove ] && [ -d /run/systemd/system ]; then\n'
                f"    deb-systemd-invoke stop {' '.join(started)} >/dev/null || true\nfi\n"
            )
        if shipped and script == "postrm":
            parts.append("[ ! -d /run/systemd/system ] || systemctl --system daemon-reload >/dev/null || true\n")
        if parts:
            scripts[script] = "#!/bin/sh\nset -e\n" + "\n".join(parts) + "exit 0\n"
    return scripts


def _start(shipped: list[str], started: list[str]) -> str:
    enabled = [unit for unit in shipped if "[Install]" in (PACKAGING / "units" / unit).read_text()]
    lines = ['if [ "$1" = configure ]; then']
    lines += [f"    deb-systemd-helper enable {unit} >/dev/null || true" for unit in enabled]
    lines.append("    if [ -d /run/systemd/system ]; then")
    lines.append("        systemctl --system daemon-reload >/dev/null || true")
    # Proxmox's packages finish their installation also when a service does not start.
    lines += [
        f'        if [ -n "$2" ]; then deb-systemd-invoke reload-or-restart {unit} >/dev/null || true; '
        f"else deb-systemd-invoke start {unit} >/dev/null || true; fi"
        for unit in started
    ]
    return "\n".join(lines) + "\n    fi\nfi\n"

"""The repository's packages: built, named and connected like Proxmox's."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from rack.standin.catalog import RELEASES
from rack.standin.packages import Schemas, build, everything, of_backup_server, of_virtual_environment, sources

RELEASE_NAMES = sorted(RELEASES)


@pytest.fixture(scope="module", params=RELEASE_NAMES)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Path]]:
    out = tmp_path_factory.mktemp(request.param)
    schema, keyring = out / "schema.json", out / "keyring.gpg"
    schema.write_text("{}")
    keyring.write_bytes(b"key")
    debs = build(request.param, out / "debs", Schemas(schema, schema), keyring)
    return request.param, {deb.name.split("_")[0]: deb for deb in debs}


def field(deb: Path, name: str) -> str:
    return subprocess.run(["dpkg-deb", "-f", str(deb), name], capture_output=True, text=True, check=True).stdout.strip()


def listing(deb: Path) -> dict[str, str]:
    """Path → mode, owner."""
    lines = subprocess.run(["dpkg-deb", "-c", str(deb)], capture_output=True, text=True, check=True).stdout.splitlines()
    return {line.split()[5].lstrip("."): " ".join(line.split()[:2]) for line in lines}


def script(deb: Path, name: str) -> str:
    tar = subprocess.run(["dpkg-deb", "--ctrl-tarfile", str(deb)], capture_output=True, check=True).stdout
    return subprocess.run(["tar", "-xO", f"./{name}"], input=tar, capture_output=True, check=True).stdout.decode()


def test_nothing_is_missing_among_themselves(built: tuple[str, dict[str, Path]]) -> None:
    release, debs = built
    ours = {name for name, _unused, _unused in everything(RELEASES[release])}
    for deb in debs.values():
        for wanted in re.findall(r"[a-z0-9][a-z0-9+.-]+", re.sub(r"\([^)]*\)", "", field(deb, "Depends"))):
            if re.match(r"(lib)?pve|proxmox|qemu-server|lxc", wanted) and wanted != "libpve-rs-perl":
                assert wanted in ours


def test_versions(built: tuple[str, dict[str, Path]]) -> None:
    release, debs = built
    assert field(debs["pve-manager"], "Version") == RELEASES[release].version
    assert field(debs["libpve-cluster-perl"], "Version") == field(debs["pve-cluster"], "Version")


def test_proxmox_ve_brings_the_kernel(built: tuple[str, dict[str, Path]]) -> None:
    release, debs = built
    described = RELEASES[release]
    assert "proxmox-default-kernel" in field(debs["proxmox-ve"], "Depends")
    assert field(debs["proxmox-default-kernel"], "Depends") == f"proxmox-kernel-{described.kernel_series}"
    image = f"proxmox-kernel-{described.kernel}-pve-signed"
    assert field(debs[f"proxmox-kernel-{described.kernel_series}"], "Depends").startswith(image)
    assert f"kernel install {described.kernel}-pve" in script(debs[image], "postinst")
    assert listing(debs["proxmox-kernel-helper"])["/usr/share/pve-standin/kernel"].startswith("-rwxr-xr-x")
    assert "pve-standin-kernel.service" in script(debs["proxmox-kernel-helper"], "postinst")


def test_who_ships_what(built: tuple[str, dict[str, Path]]) -> None:
    release, debs = built
    assert "/usr/bin/pmxcfs" in listing(debs["pve-cluster"])
    assert "/usr/bin/pvecm" in listing(debs["libpve-cluster-api-perl"])
    assert listing(debs["pve-manager"])["/usr/bin/pveproxy"] == "-rwxr-xr-x root/root"
    new, old = "/etc/apt/sources.list.d/pve-enterprise.sources", "/etc/apt/sources.list.d/pve-enterprise.list"
    shipped, absent = (new, old) if release == "trixie" else (old, new)
    assert shipped in listing(debs["pve-manager"])
    assert absent not in listing(debs["pve-manager"])
    assert script(debs["pve-manager"], "conffiles") == f"{shipped}\n"
    keyring = (
        "/usr/share/keyrings/proxmox-archive-keyring.gpg"
        if release == "trixie"
        else "/etc/apt/trusted.gpg.d/proxmox-release-bookworm.gpg"
    )
    assert keyring in listing(debs["proxmox-archive-keyring"])
    code = listing(debs["libpve-common-perl"])
    assert {f"/usr/share/pve-standin/{name}" for name in ("version.json", "schema.json", "pvestandin/paths.py")} <= set(
        code
    )
    assert not any("__pycache__" in path for path in code)


def test_the_backup_server_stands_alone(built: tuple[str, dict[str, Path]]) -> None:
    """It has all of its code, and nothing that it needs is in Proxmox VE's repository alone."""
    release, debs = built
    shipped = listing(debs["proxmox-backup-server"])
    home = "/usr/share/pbs-standin"
    assert {f"{home}/{name}" for name in ("version.json", "pvestandin/web.py", "pbsstandin/api/users.py")} <= set(
        shipped
    )
    commands = ("/usr/sbin/proxmox-backup-manager", "/usr/lib/x86_64-linux-gnu/proxmox-backup/proxmox-backup-proxy")
    assert all(shipped[command].startswith("-rwxr-xr-x") for command in commands)
    source = "pbs-enterprise.sources" if release == "trixie" else "pbs-enterprise.list"
    assert f"/etc/apt/sources.list.d/{source}" in shipped
    assert not set(shipped) & set(listing(debs["libpve-common-perl"])) - {
        "/",
        "/usr/",
        "/usr/share/",
        "/usr/share/doc/",
    }
    for wanted in re.findall(r"[a-z0-9][a-z0-9+.-]+", field(debs["proxmox-backup-server"], "Depends")):
        assert of_backup_server(wanted) or wanted not in debs
    assert of_backup_server("proxmox-backup-client") and of_virtual_environment("proxmox-backup-client")
    assert not of_virtual_environment("proxmox-backup-server") and not of_backup_server("pve-manager")
    text = script(debs["proxmox-backup-server"], "postinst")
    assert text.index("start proxmox-backup.service") < text.index("start proxmox-backup-proxy.service")


def test_services_are_enabled_and_started_at_the_end(built: tuple[str, dict[str, Path]]) -> None:
    _unused, debs = built
    text = script(debs["pve-cluster"], "postinst")
    assert text.index("rm -f /etc/corosync/corosync.conf") < text.index("deb-systemd-invoke start pve-cluster.service")
    assert "deb-systemd-helper enable pve-cluster.service" in text
    text = script(debs["pve-manager"], "postinst")
    assert "start pve-guests.service" not in text
    assert text.index("start pvedaemon.service") < text.index("start pveproxy.service")


def test_scripts_are_shell(built: tuple[str, dict[str, Path]], tmp_path: Path) -> None:
    _unused, debs = built
    for name, deb in debs.items():
        control = tmp_path / name
        subprocess.run(["dpkg-deb", "--control", str(deb), str(control)], check=True)
        for file in control.iterdir():
            if file.name in ("preinst", "postinst", "prerm", "postrm"):
                subprocess.run(["sh", "-n", str(file)], check=True)


def test_an_unknown_release_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="known are trixie, bookworm"):
        build("sid", tmp_path)


def test_sources_hold_everything_but_caches() -> None:
    names = {path.name for path in sources()}
    assert {"catalog.py", "pve-cluster.service", "pve-cluster.postinst", "server.py"} <= names
    assert not any(name.endswith(".pyc") for name in names)

"""Mirrors, downloads, the proxy and the repository, with real files and sockets and no network."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest
from rack import acquire, host, proxy, repository, upstream
from rack.acquire import NotFound
from rack.errors import RackError

MIRROR = "http://mirror.invalid/debian"
has_apt = pytest.mark.skipif(not acquire.METHODS.is_dir(), reason="this host has no apt")
has_gpg = pytest.mark.skipif(not shutil.which("gpg") or not shutil.which("dpkg-deb"), reason="gpg or dpkg is missing")


def test_mirrors_are_taken_from_any_debian_suite():
    targets = (
        "http://vendor.invalid/apt stable-vendor main\n"
        "http://mirror.invalid/debian/ bookworm main\n"
        "http://mirror.invalid/debian/ bookworm-updates main\n"
        "http://mirror.invalid/security/ bookworm-security main\n"
    )
    assert host.parse_mirrors(targets) == host.Mirrors(MIRROR, "http://mirror.invalid/security")


def test_a_host_without_debian_has_no_mirror():
    assert host.parse_mirrors("http://vendor.invalid/ubuntu noble main\nhttp://x.invalid bookworm contrib\n") is None


def test_a_named_mirror_wins(monkeypatch):
    monkeypatch.setenv("RACK_DEBIAN_MIRROR", MIRROR + "/")
    monkeypatch.delenv("RACK_DEBIAN_SECURITY_MIRROR", raising=False)
    assert host.find_mirrors() == host.Mirrors(MIRROR, None)


def test_missing_tools_are_named_as_packages(monkeypatch):
    monkeypatch.setattr(host.shutil, "which", lambda tool, path: None if tool in ("systemd-nspawn", "gpg") else tool)
    with pytest.raises(RackError, match=r"apt-get install .*gnupg .*systemd-container"):
        host.check_tools()


def test_no_space_is_refused_with_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(host.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1 << 40, 1 << 40, 5 << 20))
    with pytest.raises(RackError, match="5 MiB free and this rack may need 4096 MiB"):
        host.check_space(tmp_path, 3, True)


def test_not_root_is_refused(monkeypatch):
    monkeypatch.setattr(host.os, "geteuid", lambda: 1000)
    with pytest.raises(RackError, match="as root or with sudo"):
        host.check_root()


def test_messages_of_a_method():
    text = "400 URI Failure\nURI: http://x\nFailReason: HttpError404\nMessage: 404  Not Found [IP: 1.2.3.4 80]\n"
    status, headers = acquire.parse_message(text)
    assert (status, headers["FailReason"], headers["URI"]) == (400, "HttpError404", "http://x")


@has_apt
def test_a_real_method_fetches_and_reports(tmp_path):
    (tmp_path / "source").write_text("content")
    acquirer = acquire.Acquirer()
    try:
        acquirer.fetch(f"copy:{tmp_path}/source", tmp_path / "target")
        assert (tmp_path / "target").read_text() == "content"
        with pytest.raises(RackError, match="missing"):
            acquirer.fetch(f"copy:{tmp_path}/missing", tmp_path / "target")
        with pytest.raises(RackError, match="no transport for gopher"):
            acquirer.fetch("gopher://x/y", tmp_path / "target")
    finally:
        acquirer.close()


class FakeAcquirer:
    """Answers from a mapping of URL to content or error, and remembers what was asked."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []

    def fetch(self, url, target):
        self.asked.append(url)
        answer = self.answers.get(url, NotFound(f"{url}: not found"))
        if isinstance(answer, Exception):
            raise answer
        target.write_bytes(answer)


@pytest.fixture
def archive(tmp_path):
    made = upstream.Upstream(tmp_path / "cache", {"debian": MIRROR})
    made.acquirer = FakeAcquirer({})
    return made


def test_pool_files_are_fetched_once(archive):
    url = f"{MIRROR}/pool/main/c/corosync_3.1%25_amd64.deb"
    archive.acquirer.answers[url] = b"deb"
    for _time in range(2):
        assert archive.get("/debian/pool/main/c/corosync_3.1%_amd64.deb").read_bytes() == b"deb"
    assert archive.acquirer.asked == [url]


def test_an_index_is_asked_for_again_when_it_is_old(archive, monkeypatch):
    url = f"{MIRROR}/dists/trixie/InRelease"
    archive.acquirer.answers[url] = b"one"
    archive.get("/debian/dists/trixie/InRelease")
    archive.acquirer.answers[url] = b"two"
    assert archive.get("/debian/dists/trixie/InRelease").read_bytes() == b"one"
    later = time.time() + upstream.FRESH_SECONDS + 1
    monkeypatch.setattr(upstream.time, "time", lambda: later)
    assert archive.get("/debian/dists/trixie/InRelease").read_bytes() == b"two"
    archive.acquirer.answers[url] = RackError("mirror is away")
    monkeypatch.setattr(upstream.time, "time", lambda: later + 2 * upstream.FRESH_SECONDS)
    assert archive.get("/debian/dists/trixie/InRelease").read_bytes() == b"two"


def test_a_wrong_hash_is_not_kept(archive):
    name = f"dists/trixie/main/by-hash/SHA256/{hashlib.sha256(b'right').hexdigest()}"
    archive.acquirer.answers[f"{MIRROR}/{name}"] = b"wrong"
    with pytest.raises(RackError, match="hash in its name"):
        archive.get(f"/debian/{name}")
    archive.acquirer.answers[f"{MIRROR}/{name}"] = b"right"
    assert archive.get(f"/debian/{name}").read_bytes() == b"right"


@pytest.mark.parametrize("path", ["/", "/debian", "/debian/", "/other/x", "/debian/../../etc/passwd"])
def test_only_known_archives_are_served(archive, path):
    with pytest.raises(NotFound):
        archive.get(path)
    assert archive.acquirer.asked == []


@pytest.fixture
def served(archive, tmp_path):
    tree = tmp_path / "tree"
    (tree / "debian/pve").mkdir(parents=True)
    (tree / "debian/pve/file").write_text("ours")
    (tmp_path / "secret").write_text("secret")
    archive.acquirer.answers[f"{MIRROR}/dists/x"] = b"theirs"
    archive.acquirer.answers[f"{MIRROR}/broken"] = RackError("mirror is away")
    server = proxy.Server(socket.create_server(("127.0.0.1", 0)), archive, tree, quiet=True)
    server.start()
    connection = http.client.HTTPConnection(*server.server_address)

    def get(path, **headers):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers

    yield get
    connection.close()
    server.shutdown()
    server.server_close()


def test_the_proxy_serves_both_kinds_over_one_connection(served):
    assert served("/health")[:2] == (200, b"ok\n")
    assert served("/proxmox/debian/pve/file")[:2] == (200, b"ours")
    assert served("http://download.proxmox.com/debian/pve/file")[:2] == (200, b"ours")
    assert served("http://elsewhere.invalid/debian/pve/file")[0] == 404
    status, body, headers = served("/debian/dists/x")
    assert (status, body) == (200, b"theirs")
    assert served("/debian/dists/x", **{"If-Modified-Since": headers["Last-Modified"]})[:2] == (304, b"")


def test_the_proxy_says_what_is_wrong(served):
    assert served("/debian/none")[0] == 404
    assert served("/debian/broken")[:2] == (502, b"mirror is away\n")
    assert served("/proxmox/none")[0] == 404
    assert served("/proxmox/..%2f..%2fsecret")[0] == 404


def test_a_real_repository_has_its_key_elsewhere(tmp_path):
    there = upstream.Upstream(tmp_path, {"proxmox": "http://real.invalid"})
    there.acquirer = FakeAcquirer({"http://real.invalid/debian/proxmox-release-bookworm.gpg": b"key"})
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = proxy.Server(listener, there, None, "bookworm", quiet=True)
        assert server.find("/proxmox/proxmox-archive-keyring.gpg").read_bytes() == b"key"


def make_deb(directory: Path, name: str) -> Path:
    tree = directory / name
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: 1.0\nArchitecture: all\nMaintainer: Rack <rack@localhost>\nDescription: {name}\n"
    )
    deb = directory / f"{name}_1.0_all.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", str(tree), str(deb)], check=True, capture_output=True)
    return deb


@has_gpg
def test_the_repository_is_signed_and_complete(tmp_path, monkeypatch):
    monkeypatch.setenv("RACK_STATE", str(tmp_path / "state"))
    signer = repository.Signer(tmp_path / "key")
    signer.ensure()
    secret = signer.secret.read_text()
    signer.ensure()
    assert signer.secret.read_text() == secret and signer.secret.stat().st_mode & 0o077 == 0

    tree = tmp_path / "tree"
    repository.assemble(tree, "trixie", [make_deb(tmp_path, "pve-b"), make_deb(tmp_path, "pve-a")], signer)
    suite = tree / "debian/pve/dists/trixie"
    verify = ["gpgv", "--keyring", str(tree / repository.KEYRING)]
    subprocess.run([*verify, str(suite / "InRelease")], check=True, capture_output=True)
    subprocess.run([*verify, str(suite / "Release.gpg"), str(suite / "Release")], check=True, capture_output=True)

    for component in repository.COMPONENTS:
        index = suite / component / "binary-amd64/Packages"
        text = index.read_text()
        assert gzip.decompress(index.with_name("Packages.gz").read_bytes()).decode() == text
        assert f"{hashlib.sha256(text.encode()).hexdigest()} {len(text)} {component}" in (suite / "Release").read_text()
        stanzas = [dict(line.split(": ", 1) for line in stanza.splitlines()) for stanza in text.strip().split("\n\n")]
        assert [stanza["Package"] for stanza in stanzas] == ["pve-a", "pve-b"]
        for stanza in stanzas:
            content = (tree / "debian/pve" / stanza["Filename"]).read_bytes()
            assert stanza["SHA256"] == hashlib.sha256(content).hexdigest()
    for name in ("squid", "tentacle"):
        suite = tree / f"debian/ceph-{name}/dists/trixie"
        subprocess.run([*verify, str(suite / "InRelease")], check=True, capture_output=True)
        assert (suite / "no-subscription/binary-amd64/Packages").read_bytes() == b""


@has_gpg
def test_signing_leaves_no_agent(tmp_path, monkeypatch):
    monkeypatch.setenv("RACK_STATE", str(tmp_path / "state"))
    homes = []
    real = repository.tempfile.TemporaryDirectory

    def remember(**options):
        made = real(**options)
        homes.append(made.name)
        return made

    monkeypatch.setattr(repository.tempfile, "TemporaryDirectory", remember)
    repository.Signer(tmp_path / "key").ensure()
    running = b"".join(
        path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if os.path.exists(path.parent / "exe")
    )
    assert homes and not any(home.encode() in running for home in homes)


@has_gpg
def test_a_broken_package_is_named(tmp_path):
    (tmp_path / "bad.deb").write_text("no package")
    with pytest.raises(RackError, match=r"bad\.deb: not a Debian package"):
        repository.packages_index(tmp_path, [tmp_path / "bad.deb"])


def test_the_schema_is_the_one_of_the_release(tmp_path, monkeypatch):
    (tmp_path / "api").mkdir()
    (tmp_path / "api/pve-8.4.json").write_text("{}")
    monkeypatch.delenv("RACK_APIDOC", raising=False)
    monkeypatch.setenv("BAREMETAL_SHARED", str(tmp_path))
    assert repository.find_schema("bookworm") == tmp_path / "api/pve-8.4.json"
    assert repository.find_schema("trixie") is None
    monkeypatch.setenv("RACK_APIDOC", str(tmp_path / "none.js"))
    with pytest.raises(RackError, match=r"none\.js is no file"):
        repository.find_schema("trixie")

"""proxy.pem and proxy.key: a certificate signed by itself, for about a thousand years (src/config/mod.rs)."""

from __future__ import annotations

import os
import subprocess
import tempfile
import uuid
from pathlib import Path
from typing import Any

from pvestandin import paths

from . import files
from .errors import refused

_BITS = int(os.environ.get("PBS_STANDIN_KEY_BITS", "4096"))


def create(*, force: bool = False) -> None:
    """Make both unless they are there."""
    if files.at("proxy.pem").exists() and files.at("proxy.key").exists() and not force:
        return
    name, full = paths.node_name(), _full_name()
    names = ",".join(
        ["IP:127.0.0.1", "IP:::1", "DNS:localhost", *(f"DNS:{item}" for item in dict.fromkeys((name, full)))]
    )
    with tempfile.TemporaryDirectory() as scratch:
        key, certificate = Path(scratch, "key"), Path(scratch, "certificate")
        command = ["openssl", "req", "-x509", "-newkey", f"rsa:{_BITS}", "-nodes", "-sha256", "-days", "365000"]
        command += ["-subj", f"/O=Proxmox Backup Server/OU={uuid.uuid4().hex.upper()}/CN={full}"]
        command += ["-addext", "basicConstraints=CA:FALSE", "-addext", "extendedKeyUsage=serverAuth"]
        command += ["-addext", f"subjectAltName={names}", "-keyout", str(key), "-out", str(certificate)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise refused(f"unable to create the certificate: {done.stderr.strip()}")
        files.write("proxy.key", key.read_text())
        files.write("proxy.pem", certificate.read_text())


def _full_name() -> str:
    name = paths.node_name()
    file = paths.at("/etc/resolv.conf")
    for line in file.read_text().splitlines() if file.exists() else []:
        words = line.split()
        if len(words) > 1 and words[0] == "search":
            return f"{name}.{words[1]}"
    return name


def _x509(*arguments: str) -> str:
    done = subprocess.run(
        ["openssl", "x509", "-in", str(files.at("proxy.pem")), "-noout", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def fingerprint() -> str:
    """SHA-256 in small letters with colons, as PBS shows it and PVE's storage takes it."""
    return _x509("-fingerprint", "-sha256").split("=", 1)[1].lower()


def info() -> dict[str, Any]:
    """As GET /nodes/{node}/certificates/info has it."""
    names = [part.strip() for part in _x509("-ext", "subjectAltName").splitlines()[-1].split(",")]
    return {
        "filename": "proxy.pem",
        "fingerprint": fingerprint(),
        "issuer": _x509("-issuer", "-nameopt", "RFC2253").split("=", 1)[1],
        "subject": _x509("-subject", "-nameopt", "RFC2253").split("=", 1)[1],
        "san": [name.removeprefix("DNS:").removeprefix("IP Address:") for name in names],
        "public-key-type": "rsaEncryption",
        "public-key-bits": _BITS,
        "pem": files.read("proxy.pem"),
    }

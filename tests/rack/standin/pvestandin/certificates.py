"""Certificates that the nodes show on port 8006."""

from __future__ import annotations

import hashlib
import re
import ssl
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

from . import paths

_END = "-----END CERTIFICATE-----"


def first_certificate(path: Path) -> str:
    """The first certificate of a PEM file."""
    text = path.read_text()
    return text[text.index("-----BEGIN CERTIFICATE-----") : text.index(_END) + len(_END)] + "\n"


def digest(path: Path) -> bytes:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(first_certificate(path))).digest()


def fingerprint(path: Path) -> str:
    return digest(path).hex(":").upper()


def node_fingerprint(node: str) -> str | None:
    """Of the certificate that the node uses: the administrator's own one if there is one."""
    for name in ("pveproxy-ssl.pem", "pve-ssl.pem"):
        path = paths.pve(f"nodes/{node}/{name}")
        if path.exists():
            return fingerprint(path)
    return None


def describe(path: Path) -> dict[str, Any]:
    """The entry of a certificate in GET /nodes/{node}/certificates/info."""
    pem = first_certificate(path)
    command = [
        "openssl",
        "x509",
        "-noout",
        "-subject",
        "-issuer",
        "-dates",
        "-dateopt",
        "iso_8601",
        "-ext",
        "subjectAltName",
        "-nameopt",
        "compat",
    ]
    done = subprocess.run(command, input=pem, capture_output=True, text=True, check=True)
    known = dict(re.findall(r"^(\w+)=(.*)$", done.stdout, re.MULTILINE))
    names = re.findall(r"(?:DNS|IP Address):([^,\s]+)", done.stdout)
    key = subprocess.run(["openssl", "x509", "-noout", "-text"], input=pem, capture_output=True, text=True, check=True)
    bits = re.search(r"Public-Key: \((\d+) bit\)", key.stdout)
    kind = re.search(r"Public Key Algorithm: (\S+)", key.stdout)
    return {
        "filename": path.name,
        "fingerprint": fingerprint(path),
        "subject": known["subject"],
        "issuer": known["issuer"],
        "notbefore": _epoch(known["notBefore"]),
        "notafter": _epoch(known["notAfter"]),
        "pem": pem,
        "san": names,
        "public-key-bits": int(bits[1]) if bits else 0,
        "public-key-type": kind[1] if kind else "unknown",
    }


def _epoch(stamp: str) -> int:
    return int(datetime.fromisoformat(stamp.strip().replace("Z", "+00:00")).timestamp())

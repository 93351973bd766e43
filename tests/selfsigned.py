"""Self-signed certificates for servers that tests start."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def make(certificate: Path, key: Path | None = None, *, subject: str = "/CN=localhost") -> None:
    """Write a certificate that is good for localhost and two days, and its key unless nobody needs that."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", subject]
    command += ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    command += ["-keyout", str(key or os.devnull), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)

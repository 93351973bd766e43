"""The cluster's certificate authority and the nodes' certificates, made by openssl as on a real node."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

from . import paths
from .errors import Failure

TWO_YEARS = 2 * 365
DAY = 86400


def _openssl(*arguments: str, yesterday: bool = False) -> str:
    """Run openssl and return what it printed. `yesterday`: valid at once also where a clock is late."""
    command = ["openssl", *arguments]
    if yesterday and shutil.which("faketime"):
        command = ["faketime", "yesterday", *command]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"command '{' '.join(command)}' failed: exit code {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def _key(path: Path, bits: int) -> None:
    if not path.exists():
        _openssl("genrsa", "-out", str(path), str(bits))


def make_auth_key() -> None:
    """The key pair that signs tickets."""
    private = paths.pve("priv/authkey.key")
    if private.exists():
        return
    private.parent.mkdir(exist_ok=True)
    _key(private, 2048)
    _openssl("rsa", "-in", str(private), "-pubout", "-out", str(paths.pve("authkey.pub")))


def make_authority() -> bool:
    """The CA, if there is none. True if it was made now."""
    key, certificate = paths.pve("priv/pve-root-ca.key"), paths.pve("pve-root-ca.pem")
    if key.exists() and certificate.exists():
        return False
    _key(key, 4096)
    # The unit makes every cluster's CA another one for browsers.
    subject = f"/CN=Proxmox Virtual Environment/OU={uuid.uuid4()}/O=PVE Cluster Manager CA/"
    _openssl(
        "req",
        "-batch",
        "-days",
        "3650",
        "-new",
        "-x509",
        "-nodes",
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",
        "-key",
        str(key),
        "-out",
        str(certificate),
        "-subj",
        subject,
        yesterday=True,
    )
    return True


def make_node_certificate(name: str, address: str, force: bool) -> None:
    """pve-ssl.pem of the node, signed by the CA."""
    certificate = paths.pve(f"nodes/{name}/pve-ssl.pem")
    if certificate.exists() and not force:
        return
    alternatives = f"IP:127.0.0.1,IP:::1,DNS:localhost,IP:{address},DNS:{name}"
    full, domain = name, _search_domain()
    if domain:
        full = f"{name}.{domain}"
        alternatives += f",DNS:{full}"
    request = paths.at(f"/run/pve-cluster/pvecertreq-{os.getpid()}.tmp")
    request.unlink(missing_ok=True)
    authority, serial = paths.pve("pve-root-ca.pem"), paths.pve("priv/pve-root-ca.srl")
    try:
        _openssl(
            "req",
            "-batch",
            "-new",
            "-key",
            str(paths.pve(f"nodes/{name}/pve-ssl.key")),
            "-out",
            str(request),
            "-subj",
            f"/OU=PVE Cluster Node/O=Proxmox Virtual Environment/CN={full}",
            "-addext",
            "basicConstraints=CA:FALSE",
            "-addext",
            "extendedKeyUsage=serverAuth",
            "-addext",
            f"subjectAltName={alternatives}",
        )
        if not serial.exists():
            serial.write_text("0000000000000000")
        days = _days_left(authority)
        if days < 14:
            raise Failure("CA expires in less than 2 weeks, unable to generate certificate.")
        _openssl(
            "x509",
            "-req",
            "-in",
            str(request),
            "-days",
            str(min(days - 2, TWO_YEARS)),
            "-out",
            str(certificate),
            "-CAkey",
            str(paths.pve("priv/pve-root-ca.key")),
            "-CA",
            str(authority),
            "-CAserial",
            str(serial),
            "-copy_extensions",
            "copyall",
            yesterday=True,
        )
    finally:
        request.unlink(missing_ok=True)


def make_all(name: str, address: str, force: bool) -> None:
    """Whatever keys and certificates the node and its cluster lack; `force` renews the node's certificate."""
    make_auth_key()
    _key(paths.pve("pve-www.key"), 2048)
    _key(paths.pve(f"nodes/{name}/pve-ssl.key"), 2048)
    new = make_authority()
    make_node_certificate(name, address, force or new)


def fingerprint(name: str) -> str:
    """SHA-256 of the certificate that the node's API shows; a custom one comes first."""
    custom, own = paths.pve(f"nodes/{name}/pveproxy-ssl.pem"), paths.pve(f"nodes/{name}/pve-ssl.pem")
    shown = custom if custom.exists() else own
    if not shown.exists():
        raise Failure(f"unable to read '{shown}' - No such file or directory")
    return _openssl("x509", "-in", str(shown), "-noout", "-fingerprint", "-sha256").strip().split("=", 1)[1]


def _days_left(certificate: Path) -> int:
    end = _openssl("x509", "-in", str(certificate), "-noout", "-enddate").strip().split("=", 1)[1]
    stamp = datetime.strptime(end, "%b %d %H:%M:%S %Y %Z").replace(tzinfo=UTC).timestamp()
    return int((stamp - time.time()) / DAY)


def _search_domain() -> str | None:
    file = paths.at("/etc/resolv.conf")
    for line in file.read_text().splitlines() if file.exists() else []:
        words = line.split()
        if len(words) > 1 and words[0] in ("search", "domain"):
            return words[1]
    return None

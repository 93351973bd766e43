"""The certificate that pveproxy shows instead of the node's own: pveproxy-ssl.pem and its key (PVE/CertHelpers.pm)."""

from __future__ import annotations

import contextlib
import re
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import certificates, paths
from .errors import Failure
from .filelock import file_lock

_LOCK = "/var/lock/pve-certs.lock"
_BEGIN = re.compile(r"-----BEGIN [^-]+-----")


def files(node: str) -> tuple[Path, Path]:
    """Certificate and key."""
    return paths.pve(f"nodes/{node}/pveproxy-ssl.pem"), paths.pve(f"nodes/{node}/pveproxy-ssl.key")


@contextlib.contextmanager
def locked() -> Iterator[None]:
    with file_lock(_LOCK):
        yield


def strip_leading_text(text: str) -> str:
    match = _BEGIN.search(text)
    return text[match.start() :] if match else text


def install(node: str, certificate: str, key: str | None, *, force: bool) -> dict[str, Any]:
    """Put them in place of those that are there. What does not fit together is refused, and the old ones come back."""
    places = files(node)
    for place, what in zip(places, ("", " key"), strict=True):
        if place.exists() and not force:
            raise Failure(f"Custom certificate{what} file exists but force flag is not set.")
    old = [place.read_bytes() if place.exists() else None for place in places]
    try:
        for place, text in zip(places, (certificate, key), strict=True):
            if text is not None:
                _replace(place, text.encode())
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*places)
    except (ssl.SSLError, OSError) as error:
        print("Attempting to restore old certificate files..")
        for place, content in zip(places, old, strict=True):
            if content is None or None in old:
                place.unlink(missing_ok=True)
            else:
                _replace(place, content)
        mismatch = "KEY_VALUES_MISMATCH" in str(error)
        what = "key does not match the certificate (chain)" if mismatch else "could not load certificate (chain)"
        raise Failure(f"Setting certificate files failed - {what} ({error.strerror or error})") from None
    return certificates.describe(places[0])


def _replace(place: Path, content: bytes) -> None:
    draft = place.with_name(f"{place.name}.tmp")
    draft.write_bytes(content)
    draft.chmod(0o640)
    draft.rename(place)


def remove(node: str) -> None:
    for place in files(node):
        place.unlink(missing_ok=True)


def restart_proxy(text: str = "Restarting pveproxy") -> None:
    print(text, flush=True)
    command = ["systemctl", "reload-or-restart", "pveproxy"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"command '{' '.join(command)}' failed: exit code {done.returncode}")

"""index.json.blob, a snapshot's manifest, and the names of snapshots (docs/file-formats.rst; pbs-datastore, manifest.rs).

An uncompressed blob is eight bytes of magic, the CRC-32 of the data (little endian), and the data.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import files

NAME = "index.json.blob"
_MAGIC = bytes((66, 171, 56, 7, 190, 131, 112, 161))


def stamp(when: int) -> str:
    """The directory's name of a snapshot made then."""
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def epoch(name: str) -> int:
    """The reverse. Raises ValueError for another name."""
    return int(datetime.strptime(name, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())


def blob(data: bytes) -> bytes:
    return _MAGIC + struct.pack("<I", zlib.crc32(data)) + data


def data_of(raw: bytes) -> bytes:
    """What is in a blob. Raises ValueError when it is damaged."""
    if raw[:8] != _MAGIC:
        raise ValueError("blob with an unexpected magic number")
    if struct.unpack("<I", raw[8:12])[0] != zlib.crc32(raw[12:]):
        raise ValueError("Data blob has wrong CRC checksum.")
    return raw[12:]


def read(directory: Path) -> dict[str, Any]:
    """The manifest of a snapshot. Raises ValueError or OSError."""
    return json.loads(data_of((directory / NAME).read_bytes()))


def write(directory: Path, manifest: dict[str, Any]) -> None:
    raw = blob(json.dumps(manifest, separators=(",", ":")).encode())
    path = directory / NAME
    path.write_bytes(raw)
    files.own(path)


def make(kind: str, ident: str, when: int, contents: dict[str, bytes]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """A manifest for blobs of the given contents, and the files themselves. File names end in .blob."""
    packed = {name: blob(data) for name, data in contents.items()}
    manifest = {
        "backup-type": kind,
        "backup-id": ident,
        "backup-time": when,
        "files": [
            {"filename": name, "crypt-mode": "none", "size": len(raw), "csum": hashlib.sha256(raw).hexdigest()}
            for name, raw in packed.items()
        ],
        "signature": None,
        "unprotected": {},
    }
    return manifest, packed


def damage(directory: Path) -> list[str]:
    """What is wrong with a snapshot: files that are gone, of another size or with another checksum."""
    try:
        manifest = read(directory)
    except (OSError, ValueError) as error:
        return [f"{NAME}: {error}"]
    found = []
    for entry in manifest["files"]:
        try:
            raw = (directory / entry["filename"]).read_bytes()
        except OSError as error:
            found.append(f"{entry['filename']}: {error.strerror}")
            continue
        if len(raw) != entry["size"]:
            found.append(f"{entry['filename']}: wrong size ({entry['size']} != {len(raw)})")
        elif hashlib.sha256(raw).hexdigest() != entry["csum"]:
            found.append(f"{entry['filename']}: wrong index checksum")
    return found

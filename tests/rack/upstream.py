"""Files of remote archives, fetched with the host's own apt configuration and kept in the rack's cache."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

from rack.acquire import Acquirer, NotFound
from rack.errors import RackError

FRESH_SECONDS = 600
_BY_HASH = re.compile(r"/by-hash/SHA256/([0-9a-f]{64})$")


class Upstream:
    """Maps `/PREFIX/path` to a cached copy of `URL/path`."""

    def __init__(self, cache: Path, archives: dict[str, str]) -> None:
        self.cache = cache
        self.archives = archives
        self.acquirer = Acquirer()
        self._guard = threading.Lock()
        self._locks: dict[Path, threading.Lock] = {}

    def get(self, path: str) -> Path:
        """Local copy of the file; NotFound or RackError when there is none."""
        prefix, _slash, rest = path.lstrip("/").partition("/")
        if prefix not in self.archives or not rest or ".." in rest.split("/"):
            raise NotFound(f"{path}: no archive of this rack")
        url = f"{self.archives[prefix]}/{urllib.parse.quote(rest, safe='/~+:')}"
        # One cache for all racks: the key is the archive, not the name it has here.
        host = urllib.parse.quote(self.archives[prefix], safe="")
        target = self.cache / host / rest
        with self._guard:
            lock = self._locks.setdefault(target, threading.Lock())
        with lock:
            if not self._is_fresh(target, rest):
                self._fetch(url, target, rest)
        return target

    def _is_fresh(self, target: Path, rest: str) -> bool:
        try:
            age = time.time() - target.stat().st_ctime
        except FileNotFoundError:
            return False
        immutable = rest.startswith("pool/") or "/by-hash/" in rest or rest.endswith(".deb")
        return immutable or 0 <= age < FRESH_SECONDS

    def _fetch(self, url: str, target: Path, rest: str) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as directory:
            partial = Path(directory) / "file"
            try:
                self.acquirer.fetch(url, partial)
            except NotFound:
                raise
            except RackError:
                if target.exists():
                    return  # An index that was fresh once serves better than none.
                raise
            wanted = _BY_HASH.search("/" + rest)
            if wanted and hashlib.sha256(partial.read_bytes()).hexdigest() != wanted[1]:
                raise RackError(f"{url}: what came does not have the hash in its name")
            os.replace(partial, target)

"""fusepy, told which library: while packages are being installed, the linker's cache does not know it yet."""

from __future__ import annotations

import os

os.environ.setdefault("FUSE_LIBRARY_PATH", "libfuse.so.2")

from fusepy import FUSE, FuseOSError

__all__ = ["FUSE", "FuseOSError"]

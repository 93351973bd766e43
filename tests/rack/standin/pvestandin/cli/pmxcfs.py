"""pmxcfs [-f] [-l]: the cluster file system's daemon."""

from __future__ import annotations

from ..cfs.server import main

__all__ = ["main"]

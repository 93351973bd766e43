"""The stand-in runs on its own path in the machines; tests import it the same way."""

from __future__ import annotations

import sys
from pathlib import Path

RACK = Path(__file__).resolve().parents[2] / "rack"
for directory in (RACK.parent, RACK / "standin"):
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))

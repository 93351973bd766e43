"""Stands where ansible-test keeps its download of get-pip.py: Python brings a pip of its own, no download is needed."""

from __future__ import annotations

import ensurepip

ensurepip.bootstrap()

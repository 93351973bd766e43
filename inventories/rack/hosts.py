#!/usr/bin/env python3
# Copyright (c) 2026, The baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machines of the running virtual rack (RACK_NAME, default: demo), as a dynamic inventory."""

from __future__ import annotations

import os
import sys
from pathlib import Path

tests = Path(__file__).resolve().parents[2] / "tests"
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(tests), os.environ.get("PYTHONPATH")]))
os.execv(sys.executable, [sys.executable, "-m", "rack", "inventory", os.environ.get("RACK_NAME", "demo")])

from __future__ import annotations

import sys

from rack.cli import main

sys.exit(main(sys.argv[1:]))

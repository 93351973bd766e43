"""The process of one task: `python3 -m pvestandin.worker`, the job as JSON on stdin."""

from __future__ import annotations

import json
import os
import sys

from . import tasks


def main() -> int:
    job = json.load(sys.stdin)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    if not job["foreground"]:
        log = os.open(tasks.decode(job["upid"]).log, os.O_WRONLY | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    tasks.run(job)
    return 0


if __name__ == "__main__":
    sys.exit(main())

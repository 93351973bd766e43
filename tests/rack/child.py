"""`python3 -m rack.child KIND …`: the processes that a rack starts for itself."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rack import backend, proxy, repository
from rack.errors import RackError
from rack.model import Spec


def _backend(directory: str) -> backend.Backend:
    return backend.make(Path(directory), Spec.from_dict(json.loads((Path(directory) / "spec.json").read_text())))


KINDS = {
    "switch": lambda arguments: _backend(arguments[0]).switch_main(),
    "proxy": proxy.main,
    "machine": lambda arguments: _backend(arguments[0]).machine_main(arguments[1]),
    "repository": repository.main,
}

if __name__ == "__main__":
    try:
        sys.exit(KINDS[sys.argv[1]](sys.argv[2:]))
    except RackError as error:
        sys.exit(str(error))

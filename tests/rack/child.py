"""`python3 -m rack.child KIND …`: the processes that a rack starts for itself."""

from __future__ import annotations

import sys

from rack import machine, network, proxy, repository
from rack.errors import RackError

KINDS = {"switch": network.main, "proxy": proxy.main, "machine": machine.main, "repository": repository.main}

if __name__ == "__main__":
    try:
        sys.exit(KINDS[sys.argv[1]](sys.argv[2:]))
    except RackError as error:
        sys.exit(str(error))

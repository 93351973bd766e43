"""`python3 -m rack.daemon KIND …`: the long-lived processes of a rack; `rack up` starts them."""

from __future__ import annotations

import sys

from rack import machine, network, proxy

KINDS = {"switch": network.main, "proxy": proxy.main, "machine": machine.main}

if __name__ == "__main__":
    sys.exit(KINDS[sys.argv[1]](sys.argv[2:]))

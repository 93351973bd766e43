"""The virtual rack: Debian machines in systemd-nspawn, on networks of their own.

`Rack` is the whole of it for tests; `python3 -m rack` is the same for a person.
"""

from __future__ import annotations

from rack.errors import RackError
from rack.rack import Rack
from rack.spec import Spec, load_spec

__all__ = ["Rack", "RackError", "Spec", "load_spec"]

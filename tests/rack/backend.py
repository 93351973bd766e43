"""What a rack asks of the machines it is made of; containers and metal answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from rack.host import Mirrors
from rack.model import Node, Spec


class Backend(Protocol):
    """Made for one rack: `Backend(rack_dir, spec)`. Refusals are RackErrors with a sentence for a person."""

    boot_seconds: float
    """How long a machine may take until ssh answers."""

    def check_host(self) -> None:
        """Refuse a host that lacks a tool."""

    def ensure_image(self, mirrors: Mirrors, say: Callable[[str], None]) -> Path:
        """What machines are made from, built when it is not there."""

    def image_exists(self, mirrors: Mirrors) -> bool: ...

    def build(self, image: Path, node: Node, authorized: str, password_hash: str, with_security: bool) -> None:
        """Make the machine's disks, with its identity on them."""

    def is_built(self, node: Node) -> bool: ...

    def host_key(self, node: Node) -> str:
        """`TYPE KEY` of the machine's ssh host key."""

    def grow_switch(self) -> None:
        """The switch runs already; the spec may have got nodes."""

    def before_start(self, node: Node) -> None:
        """Clear what a machine left whose supervisor was killed."""

    def leader(self, node: Node) -> int | None:
        """A process of the host that lives exactly as long as one boot of the machine."""

    def enter_command(self, node: Node, leader: int, command: Sequence[str]) -> list[str]:
        """argv on the host that runs `command` in the machine, not over its network."""

    def cut(self, node: Node) -> None:
        """Power off without a word."""

    def set_port(self, node: Node, interface: str, values: dict[str, Any]) -> None:
        """Change the switch's side of a NIC: up, native, tagged, mtu."""

    def ports(self) -> dict[str, Any]:
        """What the switch knows of its ports."""

    def read(self, node: Node, path: str) -> str | None:
        """Text of a file of the machine, also when it is off; None when there is no such file."""

    def edit_faults(self, node: Node, new: dict[str, Any] | None) -> None:
        """Add a rule for the stand-in, or with None drop all."""

    def journal_command(self, node: Node, arguments: list[str]) -> list[str]:
        """argv on the host that shows the journal of a machine that is off."""

    def machine_main(self, node: str) -> int: ...

    def switch_main(self) -> int: ...


def make(rack_dir: Path, spec: Spec) -> Backend:
    if spec.backend == "metal":
        from rack.metal.backend import Metal

        return Metal(rack_dir, spec)
    from rack.container import Containers

    return Containers(rack_dir, spec)

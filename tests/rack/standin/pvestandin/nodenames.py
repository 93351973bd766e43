"""Addresses of nodes, as the cluster or the resolver knows them."""

from __future__ import annotations

import re
import socket

from . import formats, pvefiles
from .errors import ApiError, Failure


def address(node: str) -> str:
    """The address of a node for the API. Raises what a client sees for an unknown one."""
    if not re.fullmatch(formats.DNS_NAME, node):
        raise ApiError(
            400,
            "Parameter verification failed.",
            {"node": "invalid format - value does not look like a valid node name\n"},
        )
    known = pvefiles.node_address(node)
    if known:
        return known
    try:
        return str(socket.getaddrinfo(node, None, proto=socket.IPPROTO_TCP)[0][4][0])
    except socket.gaierror as error:
        raise Failure(
            f"hostname lookup '{node}' failed - failed to get address info for: {node}: {error.strerror}", 11
        ) from error

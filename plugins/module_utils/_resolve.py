# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Names to addresses and back, as the machine's programs see them, all at once and never for longer than a deadline."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

Answer = dict[str, Any]


def forward(name: str) -> list[str]:
    """The addresses of a name, none if there is no such name. OSError if the name service does not work."""
    try:
        answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in (socket.EAI_NONAME, socket.EAI_NODATA):
            return []
        raise
    return list(dict.fromkeys(str(address[0]).partition("%")[0] for *_rest, address in answers))


def reverse(address: str) -> list[str]:
    """The name of an address, none if it has none."""
    try:
        return [socket.getnameinfo((address, 0), socket.NI_NAMEREQD)[0]]
    except socket.gaierror as error:
        if error.errno in (socket.EAI_NONAME, socket.EAI_NODATA):
            return []
        raise


def all_of(question: Callable[[str], list[str]], items: Iterable[str], seconds: float) -> dict[str, Answer]:
    """{item: {answer, error}}; C(answer) is None if there was an error, also that of no answer in time."""
    wanted = list(dict.fromkeys(items))
    answers: queue.SimpleQueue[tuple[str, Answer]] = queue.SimpleQueue()

    def ask(item: str) -> None:
        try:
            answers.put((item, {"answer": question(item), "error": None}))
        except OSError as error:
            answers.put((item, {"answer": None, "error": error.strerror or str(error)}))

    # daemons: a resolver that hangs must not hold up the end of the process
    for item in wanted:
        threading.Thread(target=ask, args=(item,), daemon=True).start()
    found: dict[str, Answer] = {}
    deadline = time.monotonic() + seconds
    while len(found) < len(wanted):
        try:
            item, answer = answers.get(timeout=max(0, deadline - time.monotonic()))
        except queue.Empty:
            break
        found[item] = answer
    late = {"answer": None, "error": f"no answer within {seconds:g} s"}
    return {item: found.get(item, late) for item in wanted}

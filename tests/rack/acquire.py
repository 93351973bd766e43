"""Downloads through apt's own transport programs, with the host's own apt configuration.

One program is kept per connection and speaks the protocol of apt's `methods` (libapt-pkg-doc, method.html): so proxies,
credentials, extra transports and kept-alive connections are the same as when the host installs a package.
"""

from __future__ import annotations

import contextlib
import queue
import subprocess
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

from rack.errors import RackError

METHODS = Path("/usr/lib/apt/methods")
FETCH_SECONDS = 300
REDIRECTS = 5
CONNECTIONS = 4


class NotFound(RackError):
    """The server says that there is no such file."""


class Unanswered(RackError):
    """The transport gave up or died."""


def configuration() -> str:
    """The `601 Configuration` message that apt gives its methods."""
    dump = subprocess.run(
        ["apt-config", "dump", "--format", "%F=%v%n"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    # The cache belongs to root: the method must not change to apt's own user.
    items = [line for line in dump if not line.startswith("APT::Sandbox::User=")] + ["APT::Sandbox::User="]
    return "601 Configuration\n" + "".join(f"Config-Item: {item}\n" for item in items) + "\n"


def parse_message(text: str) -> tuple[int, dict[str, str]]:
    """Status and headers of one message (without the empty line that ends it)."""
    first, *rest = text.strip("\n").split("\n")
    headers: dict[str, str] = {}
    for line in rest:
        key, colon, value = line.partition(":")
        if colon and not line.startswith((" ", "\t")):
            headers[key.strip()] = value.strip()
    return int(first.split()[0]), headers


class Method:
    """One transport program; not for use by two threads at a time."""

    def __init__(self, scheme: str) -> None:
        program = METHODS / scheme
        if not program.exists():
            raise RackError(f"apt on this host has no transport for {scheme}:// addresses ({program} is missing)")
        self.process = subprocess.Popen(
            [str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        self._input, self._output = self.process.stdin, self.process.stdout
        self._send(configuration())

    def _send(self, text: str) -> None:
        try:
            self._input.write(text)
            self._input.flush()
        except BrokenPipeError:
            raise Unanswered("apt's transport program ended") from None

    def _messages(self) -> Iterator[tuple[int, dict[str, str]]]:
        lines: list[str] = []
        for line in self._output:
            if line != "\n":
                lines.append(line)
            elif lines:
                yield parse_message("".join(lines))
                lines = []

    def fetch(self, url: str, target: Path) -> str | None:
        """Write the file to `target`; the address to ask instead when the server redirects to another."""
        watchdog = threading.Timer(FETCH_SECONDS, self.process.kill)
        watchdog.start()
        try:
            self._send(f"600 URI Acquire\nURI: {url}\nFilename: {target}\n\n")
            for status, headers in self._messages():
                if status == 201:
                    return None
                if status == 103:
                    return headers["New-URI"]
                if status == 400:
                    reason = headers.get("Message", "no reason given")
                    if headers.get("FailReason") == "HttpError404" or reason.startswith("404 "):
                        raise NotFound(f"{url}: not found")
                    raise RackError(f"{url}: {reason}")
                if status in (401, 402, 403):
                    raise RackError(
                        f"{url}: {headers.get('Message', 'the transport wants something that it cannot get')}"
                    )
            raise Unanswered(f"{url}: no answer within {FETCH_SECONDS} s, or the transport ended")
        finally:
            watchdog.cancel()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._input.close()
        self._output.close()


class Acquirer:
    """A few transports, started when first needed, shared by threads."""

    def __init__(self) -> None:
        self._slots = threading.BoundedSemaphore(CONNECTIONS)
        self._idle: dict[str, queue.SimpleQueue[Method]] = {}
        self._guard = threading.Lock()

    @contextlib.contextmanager
    def _method(self, scheme: str) -> Iterator[Method]:
        with self._guard:
            idle = self._idle.setdefault(scheme, queue.SimpleQueue())
        with self._slots:
            try:
                method = idle.get_nowait()
            except queue.Empty:
                method = Method(scheme)
            try:
                yield method
            except Unanswered:
                method.close()
                raise
            except RackError:
                idle.put(method)
                raise
            except BaseException:
                method.close()
                raise
            idle.put(method)

    def fetch(self, url: str, target: Path) -> None:
        """NotFound, or RackError with the transport's reason."""
        for _hop in range(REDIRECTS + 1):
            try:
                moved = self._once(url, target)
            except Unanswered:
                # A program that sat idle may have died meanwhile: a new one gets one chance.
                moved = self._once(url, target)
            if moved is None:
                return
            url = moved
        raise RackError(f"{url}: more than {REDIRECTS} redirections")

    def _once(self, url: str, target: Path) -> str | None:
        with self._method(urllib.parse.urlsplit(url).scheme) as method:
            return method.fetch(url, target)

    def close(self) -> None:
        with self._guard:
            for idle in self._idle.values():
                while not idle.empty():
                    idle.get().close()

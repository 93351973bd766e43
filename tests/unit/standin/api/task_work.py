"""What the tasks of the tests do; their worker processes import it."""

from __future__ import annotations

from pvestandin.errors import Failure


def ok_work(word: str) -> None:
    print(f"doing {word}")


def bad_work() -> None:
    raise Failure("it did not work\nat all")

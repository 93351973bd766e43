"""The monitors of a Ceph that is not there."""

from __future__ import annotations

from typing import Any


class Monitors:
    """Answers by prefix; every command is kept. An exception among the answers is raised."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {name.replace("_", " "): answer for name, answer in answers.items()}
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def mon_command(self, prefix: str, **arguments: Any) -> Any:
        self.asked.append((prefix, arguments))
        answer = self.answers.get(prefix)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def words(self) -> list[str]:
        return [" ".join([prefix, *(str(value) for value in given.values())]) for prefix, given in self.asked]

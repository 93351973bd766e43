"""The stand-ins come in packages of their own: what one of them imports has to be in it."""

from __future__ import annotations

import ast
from pathlib import Path

import pvestandin
import pytest

SOURCES = sorted(Path(pvestandin.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_a_node_needs_nothing_of_the_backup_server(source: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            imported |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imported.add(node.module.partition(".")[0])
    assert "pbsstandin" not in imported

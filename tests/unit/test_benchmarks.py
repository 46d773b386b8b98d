"""What `benchmarks/` and `scripts/` take from the packages is there: they run too seldom to notice by themselves."""

from __future__ import annotations

import ast
import importlib
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = sorted(p for folder in ("benchmarks", "scripts") for p in (ROOT / folder).rglob("*.py"))


def taken(path: Path) -> set[tuple[str, str | None]]:
    """Modules of ours that a file imports, anywhere in it, and the names it takes from each."""
    found: set[tuple[str, str | None]] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("lorid_"):
            found.update((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            found.update((a.name, None) for a in node.names if a.name.startswith("lorid_"))
    return found


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: str(p.relative_to(ROOT)))
def test_what_it_takes_is_there(path: Path) -> None:
    missing = []
    for module, name in taken(path):
        held = importlib.import_module(module)
        if name is None or hasattr(held, name):
            continue
        if not hasattr(held, "__path__") or importlib.util.find_spec(f"{module}.{name}") is None:
            missing.append(f"{module}.{name}")
    assert not missing, missing

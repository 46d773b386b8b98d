"""How much of each attack runs: a sample by default, all of it with `LORID_ATTACK=all` (`make attack`)."""

from __future__ import annotations

import os

import pytest

IS_EXHAUSTIVE = os.environ.get("LORID_ATTACK") == "all"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In full, one test may be hundreds of runs: a limit that tells a hang, and no slow machine."""
    for item in items if IS_EXHAUSTIVE else ():
        if "/attack/" in str(item.path):
            item.add_marker(pytest.mark.timeout(3600))


@pytest.fixture(scope="session")
def n_flips() -> int:
    """Bits flipped per kind of file."""
    return 400 if IS_EXHAUSTIVE else 12


@pytest.fixture(scope="session")
def every() -> int:
    """Of file events a run is killed at every one, or at one in so many."""
    return 1 if IS_EXHAUSTIVE else 13

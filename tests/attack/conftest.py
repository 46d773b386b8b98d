"""How much of each attack runs: a sample by default, all of it with `LORID_ATTACK=all` (`make attack`)."""

from __future__ import annotations

import os

import pytest

IS_EXHAUSTIVE = os.environ.get("LORID_ATTACK") == "all"


@pytest.fixture(scope="session")
def n_flips() -> int:
    """Bits flipped per kind of file."""
    return 400 if IS_EXHAUSTIVE else 12


@pytest.fixture(scope="session")
def every() -> int:
    """Of file events a run is killed at every one, or at one in so many."""
    return 1 if IS_EXHAUSTIVE else 13

"""pytest fixtures: `pytest_plugins = ("lorid_data.testing.plugin",)` in a conftest.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lorid_data.testing.fake_hub import FakeHub
from lorid_data.testing.fake_teacher import FakeTeacher


@pytest.fixture
def fake_teacher(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTeacher]:
    """A fake teacher that the environment names as OpenAI and as Anthropic."""
    with FakeTeacher() as teacher:
        for name, value in teacher.environment.items():
            monkeypatch.setenv(name, value)
        yield teacher


@pytest.fixture
def fake_hub() -> Iterator[FakeHub]:
    """A Hub that takes writes; give `fake_hub.environment` to a new process."""
    with FakeHub() as hub:
        yield hub

"""What several integration tests ask: a paid model on 127.0.0.1 that the environment points to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lorid_data.testing.fake_teacher import FakeTeacher


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTeacher]:
    """As the published plugin's `fake_teacher`, which one test loads as a user would."""
    with FakeTeacher() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server

"""The questions that others are held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class TestSet:
    """The questions that a dataset must not hold.

    Attributes:
        name: as it was asked for.
        sha256: of the content: of the records of a dataset folder, else of the source's split.
        ids: problem_id of each question, in its order.
        questions: the texts.
        answers: reference answers; empty where there is none.
    """

    __test__ = False  # the name makes pytest look for tests in it

    name: str
    sha256: str
    ids: tuple[str, ...]
    questions: tuple[str, ...]
    answers: tuple[str, ...]

    def identity(self) -> dict[str, Any]:
        """What decides the comparison, for a manifest."""
        return {"name": self.name, "sha256": self.sha256}

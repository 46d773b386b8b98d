"""What a user may say in a dataset's card."""

from __future__ import annotations

from lorid_data.schema import FrozenModel


class CardFields(FrozenModel):
    """What a user says in a card; nothing of it is guessed."""

    title: str | None = None
    teacher_terms: str | None = None
    language: tuple[str, ...] = ()

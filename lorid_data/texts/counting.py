"""Numbers with the word for what they count."""

from __future__ import annotations


def count(n: int, one: str, many: str | None = None) -> str:
    """`1 row`, `2 rows`, `1,200 rows`: a number and its word, in the form that goes with it.

    Args:
        n: how many.
        one: the word for one of them.
        many: the word for several; by default `one` and an s.
    """
    return f"{n:,} {one if n == 1 else many or f'{one}s'}"

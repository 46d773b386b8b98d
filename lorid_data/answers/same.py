"""Equality of answers as deduplication and decontamination need it: unreadable texts that are the same are equal."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=1 << 16)
def same_answer(a: str, b: str) -> bool:
    """Whether two answers are equal; texts that are equal but unreadable are, too."""
    if a.strip() == b.strip():
        return True
    from lorid_data.answers import Verdict, equal

    return equal(a, b) is Verdict.EQUAL

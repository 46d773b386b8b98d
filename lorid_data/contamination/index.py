"""A test set, prepared for many questions to be held against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from lorid_data.contamination.overlap import (
    Coded,
    Runs,
    all_words,
    as_gpt3,
    as_open_r1,
    coded,
    runs_of,
    starts_of,
    words,
)
from lorid_data.contamination.test_set import TestSet
from lorid_data.texts.folding import fold


@dataclass(frozen=True, slots=True)
class Index:
    """What of a test set is looked up; about 45 KB a question of GSM8K.

    Attributes:
        tests: the test set.
        words: the words of each question that are compared.
        coded: the same, for rapidfuzz.
        all_words: all words of each question.
        starts: the questions by their first words.
        folded: the questions by their text without regard to case, white space and forms of characters.
        open_r1_8: runs of 8 words, as open-r1 counts them.
        gpt3_8: runs of 8 words without punctuation.
        gpt3_13: runs of 13, as GPT-3's filter counts them.
    """

    tests: TestSet
    words: Sequence[Sequence[str]]
    coded: Coded
    all_words: Sequence[Sequence[str]]
    starts: Mapping[tuple[str, ...], Sequence[int]]
    folded: Mapping[str, Sequence[int]]
    open_r1_8: Runs
    gpt3_8: Runs
    gpt3_13: Runs


@lru_cache(maxsize=1)
def index_of(tests: TestSet) -> Index:
    """Prepare a test set; the last one is kept, since batch after batch is held against it."""
    questions = tests.questions
    compared, whole = [words(q) for q in questions], [all_words(q) for q in questions]
    folded: dict[str, list[int]] = {}
    for i, text in enumerate(questions):
        folded.setdefault(fold(text), []).append(i)
    return Index(
        tests=tests,
        words=compared,
        coded=coded(compared),
        all_words=whole,
        starts=starts_of(whole),
        folded=folded,
        open_r1_8=runs_of(questions, 8, as_open_r1),
        gpt3_8=runs_of(questions, 8, as_gpt3),
        gpt3_13=runs_of(questions, 13, as_gpt3),
    )

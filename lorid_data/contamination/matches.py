"""Which questions are those of a test set."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any

from lorid_data.answers.same import same_answer
from lorid_data.contamination.overlap import (
    all_words,
    as_gpt3,
    as_open_r1,
    compare_all,
    contained,
    n_sharing,
    words,
)
from lorid_data.contamination.test_set import TestSet
from lorid_data.schema import FrozenModel
from lorid_data.texts.folding import fold
from lorid_data.texts.shingles import TELLING

VERSION = 1
"""Bump when another pair matches: a folder then belongs to another configuration."""
SAME_WORDS, TEMPLATE = 0.8, 0.6
_KEEP = 5
"""Most pairs of one question and one test set that are kept."""


class MatchKind(StrEnum):
    """How a question matches one of a test set, the strongest first."""

    SAME_QUESTION = "same_question"
    """Equal but for case and white space."""
    HOLDS_QUESTION = "holds_question"
    """The test question stands in it, word for word."""
    SAME_WORDS = "same_words"
    """From 0.8 on alike, with the same numbers, two or more with the answer, no telling word
    exchanged, and answers that do not differ."""
    TEMPLATE = "template"
    """From 0.6 on alike, but another problem as far as numbers and answers say."""
    SIMILAR = "similar"
    """From 0.5 on alike: kept for people to look at, without effect."""


_ORDER = {rule: i for i, rule in enumerate(MatchKind)}
CONTAMINATED = frozenset({MatchKind.SAME_QUESTION, MatchKind.HOLDS_QUESTION, MatchKind.SAME_WORDS})


class Match(FrozenModel):
    """A question of the dataset and one of a test set."""

    problem_id: str
    against: str
    test_problem_id: str
    rule: MatchKind
    alike: float
    """Words common to both, in order: 2·|LCS| / (|a| + |b|)."""
    numbers: str
    """same or different."""
    answers: str
    """equal, different, or unknown where one of them is missing."""
    question: str
    test_question: str


@dataclass(frozen=True, slots=True)
class Questions:
    """The distinct questions of a dataset.

    Attributes:
        ids: problem_id of each.
        texts: the questions.
        answers: the answer of the first row of each.
    """

    ids: Sequence[str]
    texts: Sequence[str]
    answers: Sequence[str]


def find_matches(
    questions: Questions, tests: TestSet, advance: Callable[[int], None] = lambda _: None
) -> list[Match]:
    """The pairs that match, question after question, the strongest first; all pairs are compared.

    Of one question with one test set the five strongest pairs are kept.
    """
    ours, theirs = [words(q) for q in questions.texts], [words(q) for q in tests.questions]
    certain = _certain(questions, tests)
    matches: list[Match] = []

    def settle(row: int, pairs: Mapping[int, tuple[MatchKind | None, float]]) -> None:
        some = [
            _match(questions, tests, row, test, rule, alike, (ours[row], theirs[test]))
            for test, (rule, alike) in _strongest(pairs)
        ]
        some.sort(key=lambda m: (_ORDER[m.rule], -m.alike))
        matches.extend(some[:_KEEP])

    for row, alike in groupby(compare_all(ours, theirs, advance), key=lambda pair: pair.row):
        pairs: dict[int, tuple[MatchKind | None, float]] = {
            p.test: (None, p.fraction) for p in alike
        }
        for test, rule in certain.pop(row, {}).items():
            pairs[test] = (rule, pairs.get(test, (None, 0.0))[1])
        settle(row, pairs)
    for row, rules in certain.items():
        settle(row, {test: (rule, 0.0) for test, rule in rules.items()})
    return matches


def _certain(questions: Questions, tests: TestSet) -> dict[int, dict[int, MatchKind]]:
    """The test questions that each question equals or holds, drawings and instructions included."""
    found: dict[int, dict[int, MatchKind]] = defaultdict(dict)
    ours, theirs = ([all_words(q) for q in texts] for texts in (questions.texts, tests.questions))
    for row, test in contained(ours, theirs):
        found[row][test] = MatchKind.HOLDS_QUESTION
    folded: dict[str, list[int]] = defaultdict(list)
    for i, text in enumerate(tests.questions):
        folded[fold(text)].append(i)
    for row, text in enumerate(questions.texts):
        for test in folded.get(fold(text), ()):
            found[row][test] = MatchKind.SAME_QUESTION
    return found


def _strongest(
    pairs: Mapping[int, tuple[MatchKind | None, float]],
) -> list[tuple[int, tuple[MatchKind | None, float]]]:
    """Pairs that may be contaminated, and the most alike of the others."""
    likely = [(t, f) for t, f in pairs.items() if f[0] is not None or f[1] >= SAME_WORDS]
    rest = [(t, f) for t, f in pairs.items() if f[0] is None and f[1] < SAME_WORDS]
    return likely + sorted(rest, key=lambda item: -item[1][1])[:_KEEP]


def _match(
    questions: Questions,
    tests: TestSet,
    row: int,
    test: int,
    rule: MatchKind | None,
    alike: float,
    both: tuple[Sequence[str], Sequence[str]],
) -> Match:
    a, b = questions.answers[row].strip(), tests.answers[test].strip()
    equal = None if not a or not b else same_answer(a, b)
    numbers = numbers_of(both[0])
    same_numbers = numbers == numbers_of(both[1])
    if rule is None:
        # What two short questions of one kind agree in by chance is too little to call them one.
        n_shared = len(numbers) + bool(equal and re.search("[0-9]", b))
        speaks = n_shared >= 2 or all_words(questions.texts[row]) == all_words(
            tests.questions[test]
        )
        same = same_numbers and equal is not False and speaks and not exchanged(*both)
        rule = _rule(alike, same=same)
    return Match(
        problem_id=questions.ids[row],
        against=tests.name,
        test_problem_id=tests.ids[test],
        rule=rule,
        alike=round(alike, 4),
        numbers="same" if same_numbers else "different",
        answers={True: "equal", False: "different", None: "unknown"}[equal],
        question=questions.texts[row],
        test_question=tests.questions[test],
    )


def _rule(alike: float, *, same: bool) -> MatchKind:
    if alike >= SAME_WORDS and same:
        return MatchKind.SAME_WORDS
    return MatchKind.TEMPLATE if alike >= TEMPLATE else MatchKind.SIMILAR


_TELLING_OF = {w: i for i, group in enumerate(TELLING) for w in group.split()}


def exchanged(a: Sequence[str], b: Sequence[str]) -> bool:
    """Whether one telling word stands in the place of another: `sin` for `cos`, `three` for `two`."""
    more_a, more_b = Counter(a) - Counter(b), Counter(b) - Counter(a)
    groups_a = {_TELLING_OF[w] for w in more_a if w in _TELLING_OF}
    return any(_TELLING_OF.get(w) in groups_a for w in more_b)


_SPELLED = {
    word: str(n)
    for n, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
        ]
    )
}


def numbers_of(question: Sequence[str]) -> list[str]:
    """The numbers among the words of a question, in order; small ones may be spelled out.

    `one` is left out, since it is seldom a number.
    """
    spelled = [_SPELLED.get(w, w) for w in question if w not in ("one", "1")]
    return [w for w in spelled if w[-1].isdigit()]


def counts(
    questions: Questions, knowledge: Sequence[str], tests: TestSet, matches: Sequence[Match]
) -> dict[str, Any]:
    """What was found against one test set, and what others would count.

    Args:
        questions: the distinct questions.
        knowledge: the distinct rules of the dataset, whose runs of 8 words are counted, too.
        tests: the test set.
        matches: of these two.
    """
    first: dict[str, MatchKind] = {}
    for m in matches:
        first.setdefault(m.problem_id, m.rule)
    runs = {
        "open_r1_8": n_sharing(questions.texts, tests.questions, 8, as_open_r1),
        "gpt3_13": n_sharing(questions.texts, tests.questions, 13, as_gpt3),
        "knowledge_8": n_sharing(knowledge, tests.questions, 8, as_gpt3),
    }
    return {
        **tests.identity(),
        "n_test_questions": len(tests.questions),
        "n_pairs_compared": len(tests.questions) * len(questions.texts),
        "n_questions_by_rule": {r.value: list(first.values()).count(r) for r in MatchKind},
        "n_sharing_words": {
            name: {"questions": a, "test_questions": b} for name, (a, b) in runs.items()
        },
    }

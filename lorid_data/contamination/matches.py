"""Which questions are those of a test set."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lorid_data.answers.same import same_answer
from lorid_data.contamination.index import Index, index_of
from lorid_data.contamination.overlap import all_words, compare, compared_words, contained
from lorid_data.contamination.test_set import TestSet
from lorid_data.schema import FrozenModel
from lorid_data.texts.characters import plain
from lorid_data.texts.folding import fold
from lorid_data.texts.shingles import TELLING

VERSION = 2
"""Bump when another pair matches: a folder then belongs to another configuration."""
SAME_WORDS, TEMPLATE = 0.8, 0.6
_KEEP = 5
"""Most pairs of one question and one test set that are kept."""


class MatchKind(StrEnum):
    """How a question matches one of a test set, the strongest first."""

    SAME_QUESTION = "same_question"
    """Equal but for case, white space and forms of characters, such as digits of another script."""
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


_ROWS_AT_ONCE = 256
"""Questions whose table of pairs is in memory at once."""


def find_matches(
    questions: Questions, tests: TestSet, advance: Callable[[int], None] = lambda _: None
) -> list[Match]:
    """The pairs that match, question after question, the strongest first; all pairs are compared.

    Of one question with one test set the five strongest pairs are kept.
    """
    index, found = index_of(tests), list[Match]()
    for at in range(0, len(questions.ids), _ROWS_AT_ONCE):
        columns = (questions.ids, questions.texts, questions.answers)
        some = Questions(*(column[at : at + _ROWS_AT_ONCE] for column in columns))
        found += matches_of(some, index, n_threads=-1)
        advance(len(some.ids))
    return found


def matches_of(questions: Questions, index: Index, *, n_threads: int = 1) -> list[Match]:
    """The same of a few questions and a test set that was prepared.

    Args:
        questions: few: a number for each pair of them and a test question is held.
        index: the test set.
        n_threads: threads that compare; -1 is one a core.
    """
    whole = [all_words(q) for q in questions.texts]
    ours = [compared_words(q, w) for q, w in zip(questions.texts, whole, strict=True)]
    pairs: dict[int, dict[int, tuple[MatchKind | None, float]]] = defaultdict(dict)
    for pair in compare(ours, index.coded, n_threads=n_threads):
        pairs[pair.row][pair.test] = (None, pair.fraction)
    for row, rules in _certain(questions, whole, index).items():
        for test, rule in rules.items():
            pairs[row][test] = (rule, pairs[row].get(test, (None, 0.0))[1])
    matches: list[Match] = []
    for row in sorted(pairs):
        some = [
            _match(questions, index.tests, row, test, rule, alike, (ours[row], index.words[test]))
            for test, (rule, alike) in _strongest(pairs[row])
        ]
        some.sort(key=lambda m: (_ORDER[m.rule], -m.alike))
        matches.extend(some[:_KEEP])
    return matches


def _certain(
    questions: Questions, whole: Sequence[Sequence[str]], index: Index
) -> dict[int, dict[int, MatchKind]]:
    """The test questions that each question equals or holds, drawings and instructions included."""
    found: dict[int, dict[int, MatchKind]] = defaultdict(dict)
    for row, test in contained(whole, index.all_words, index.starts):
        found[row][test] = MatchKind.HOLDS_QUESTION
    for row, text in enumerate(questions.texts):
        for test in index.folded.get(fold(text), ()):
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
        n_shared = len(numbers) + bool(equal and re.search("[0-9]", plain(b)))
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

"""The public questions about two or more answers: `equal`, `key` and `group`."""

from __future__ import annotations

import time
from collections.abc import Sequence

from lorid_data.answers.compare import Ask, compare
from lorid_data.answers.read import read
from lorid_data.answers.results import LimitError, Verdict
from lorid_data.answers.verifier import LIMIT_S, verifier

TOTAL_S = 1.4
"""What all questions to the verifier for one pair of answers may take together."""
MIN_S = 0.2
"""With less than this left, the verifier is not asked."""


def equal(a: str, b: str) -> Verdict:
    """Whether two answers are the same.

    Takes plain answers and LaTeX, with or without `$`, `\\boxed{}`, units and a leading name. Exact
    stages decide numbers, surds, polynomials, lists, tuples, intervals, matrices, relations and words;
    Math-Verify, in a process that is killed when it takes too long, decides the rest.

    Returns:
        EQUAL or DIFFERENT; UNPARSED where one of them is empty, malformed or over a limit of size;
        TIMEOUT where the verifier was stopped. The order of `a` and `b` never matters.
    """
    if a.strip() and a.strip() == b.strip():
        return Verdict.EQUAL
    try:
        first, second = read(a), read(b)
        found = compare(first, second, _limited())
    except LimitError:
        return Verdict.UNPARSED
    if isinstance(found, Verdict):
        return found
    return Verdict.EQUAL if found else Verdict.DIFFERENT


def _limited() -> Ask:
    """The verifier for one pair of answers, whose parts share `TOTAL_S` seconds."""
    left_s = TOTAL_S

    def ask(x: str, y: str) -> Verdict:
        nonlocal left_s
        if left_s < MIN_S:
            return Verdict.TIMEOUT
        process = verifier()
        process.ready()
        started = time.monotonic()
        found = process.ask(x, y, min(LIMIT_S, left_s))
        left_s -= time.monotonic() - started
        return found

    return ask


def key(a: str) -> str:
    """A canonical text by which answers can be grouped cheaply.

    Two answers that the exact stages find equal have the same key, with these exceptions: a rounded
    decimal and its exact value, a quotient of sums that only cross multiplication shows equal, a
    row vector and a tuple. Units and a leading name are not part of a key: "5 km", "x = 5" and "5"
    share one. An answer over the limits is its own key.
    """
    try:
        return read(a).key
    except LimitError:
        return "!" + " ".join(a.split())


def group(answers: Sequence[str]) -> list[int]:
    """Number the answers so that equal ones share a number, in order of first appearance.

    Each answer joins the first group whose first member it equals. What cannot be compared
    (unparsed, timeout) makes a group of its own.
    """
    leaders: list[str] = []
    known: dict[str, int] = {}
    numbers = []
    for a in answers:
        if a not in known:
            known[a] = _find(a, leaders)
            if known[a] == len(leaders):
                leaders.append(a)
        numbers.append(known[a])
    return numbers


def _find(a: str, leaders: Sequence[str]) -> int:
    """The first leader equal to a; those with the same key are asked first, since that is cheap."""
    mine = key(a)
    order = sorted(range(len(leaders)), key=lambda i: (key(leaders[i]) != mine, i))
    return next((i for i in order if equal(a, leaders[i]) is Verdict.EQUAL), len(leaders))

"""The public questions about two or more answers: `equal`, `key` and `group`."""

from __future__ import annotations

import time
from collections.abc import Sequence

from lorid_data.answers.compare import Ask, Comparison, compare
from lorid_data.answers.monomials import TermsError
from lorid_data.answers.read import read, read_as_list
from lorid_data.answers.results import Accepted, LimitError, Verdict
from lorid_data.answers.verifier import verifier

TOTAL_S = 1.75
"""What the verifier may take for one pair of answers, all its parts together; its start is not counted."""


def equal(a: str | Accepted, b: str | Accepted) -> Verdict:
    """See `lorid_data.answers.equal`."""
    if isinstance(a, str) and isinstance(b, str):
        return _equal(a, b)
    found = [_equal(x, y) for x in _each(a) for y in _each(b)]
    # One that is equal decides; nothing is claimed where one is open.
    return min(found, key=_ORDER.index)


_ORDER = (Verdict.EQUAL, Verdict.TIMEOUT, Verdict.UNPARSED, Verdict.DIFFERENT)


def _each(answer: str | Accepted) -> tuple[str, ...]:
    return (answer,) if isinstance(answer, str) else answer.answers


def _equal(a: str, b: str) -> Verdict:
    if a.strip() == b.strip():
        return Verdict.EQUAL
    try:
        found = _compare(a, b)
    except (LimitError, TermsError):
        return Verdict.UNPARSED
    if isinstance(found, Verdict):
        return found
    return Verdict.EQUAL if found else Verdict.DIFFERENT


def _compare(a: str, b: str) -> Comparison:
    """The comparison; an answer such as 100,200 is tried as a list, too, where it fails as a number."""
    ask = _limited()
    first, second = read(a), read(b)
    found = compare(first, second, ask)
    if found is True:
        return True
    for x, y in ((read_as_list(a), second), (first, read_as_list(b))):
        if (
            x is not None
            and y is not None
            and "list" == x.kind == y.kind
            and compare(x, y, ask) is True
        ):
            return True
    return found


def _limited() -> Ask:
    """The verifier for one pair of answers, whose parts share `TOTAL_S` seconds once it has started."""
    deadline = 0.0

    def ask(a: str, b: str) -> Verdict:
        nonlocal deadline
        if not deadline:
            verifier().ready()
            deadline = time.monotonic() + TOTAL_S
        return verifier().ask(a, b, deadline - time.monotonic())

    return ask


def prepare() -> None:
    """See `lorid_data.answers.prepare`."""
    verifier().ready()


def key(a: str) -> str:
    """See `lorid_data.answers.key`."""
    try:
        return read(a).key
    except LimitError:
        return "!" + " ".join(a.split())


def group(answers: Sequence[str]) -> list[int]:
    """See `lorid_data.answers.group`."""
    distinct = list(dict.fromkeys(answers))
    keys = [key(a) for a in distinct]
    leader = list(range(len(distinct)))
    for i, a in enumerate(distinct):
        # Those with the same key first: they are found equal cheaply, and then nothing else is asked.
        for j in sorted(range(i), key=lambda j: (keys[j] != keys[i], j)):
            if leader[j] != leader[i] and equal(a, distinct[j]) is Verdict.EQUAL:
                first, last = sorted((leader[i], leader[j]))
                leader = [first if k == last else k for k in leader]
    numbers: dict[int, int] = {}
    of = {a: numbers.setdefault(leader[i], len(numbers)) for i, a in enumerate(distinct)}
    return [of[a] for a in answers]

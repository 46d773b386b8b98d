r"""Several boxes that are one answer: `k=\boxed{5}$ or $k=\boxed{-3}`.

Boxes with nothing between them but "and", "or", a comma or a name are one list, unless they restate
one value in another form.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from lorid_data.answers.marks import Mark, boxes
from lorid_data.answers.results import FoundBy, LimitError
from lorid_data.answers.translated import conjunctions

_EDGE = r"(?:[\s$]|\\[()\[\],;:! ]|\\q?quad)*"
_NAME = r"(?P<name>\\?[A-Za-z]+(?:_\w+|_\{\w+\})?)\s*="


@cache
def _between() -> re.Pattern[str]:
    """What may stand between two boxes of one answer, in any of the languages."""
    word = rf"\\?(?:text|mbox)?\s?\{{?\s?(?:(?:and|or|{conjunctions('spaced')})(?!\w)|{conjunctions('glued')})\s?\}}?"
    return re.compile(
        rf"{_EDGE}(?:(?:,|;|,?\s*{word})(?:\s*{word})?{_EDGE}(?:{_NAME}{_EDGE})?)"
        rf"|{_EDGE}(?P<only>\\?[A-Za-z]+(?:_\w+|_\{{\w+\}})?)\s*={_EDGE}"
    )


_BEFORE = re.compile(rf"(?<![A-Za-z\\]){_NAME}{_EDGE}$")
_MAX_BETWEEN = 60


def boxed(text: str) -> str | None:
    """See `lorid_data.answers.boxed`."""
    marks = boxes(text)
    while marks and marks[-1].content is None:
        del marks[-1]
    return joined(text, marks).content if marks else None


def joined(text: str, boxes: Sequence[Mark]) -> Mark:
    """The last box, or the list that it and the boxes right before it make; `content` says it.

    Args:
        text: where the boxes stand.
        boxes: all of them, in order; the last one has a content.
    """
    chain, names = [boxes[-1]], [""]
    for box in reversed(boxes[:-1]):
        between = text[box.end : chain[0].start]
        found = _between().fullmatch(between) if len(between) <= _MAX_BETWEEN else None
        if found is None or box.content is None:
            break
        names[0] = found["name"] or found["only"] or ""
        chain.insert(0, box)
        names.insert(0, "")
    if len(chain) == 1:
        return chain[0]
    before = _BEFORE.search(text[max(0, chain[0].start - _MAX_BETWEEN) : chain[0].start])
    names[0] = before["name"] if before else ""
    values = [c.content or "" for c in chain]
    if any(_is_restated(a, b) for i, a in enumerate(values) for b in values[:i]):
        return chain[-1]
    if len({n for n in names if n}) > 1:
        values = [f"{n}={v}" if n else v for n, v in zip(names, values, strict=True)]
    return Mark(chain[0].start, chain[-1].end, FoundBy.BOXED, ", ".join(values))


def _is_restated(a: str, b: str) -> bool:
    """Whether one value says the other in another form: 1/2 and 0.5, 28 and 28_9, 20:34 and 8:34 p.m."""
    from lorid_data.answers.compare import compare, declined
    from lorid_data.answers.read import read

    if _digits(a) and _digits(a) == _digits(b):
        return True
    try:
        first, second = read(a), read(b)
        if first.kind == second.kind == "ratio" or compare(first, second, declined) is True:
            return True
        percents = [f.number for f in (first, second) if f.unit == "percent"]
        plain = [f.number for f in (first, second) if f.unit != "percent"]
        return percents != [] and [p / 100 for p in percents if p is not None] == plain
    except LimitError:
        return False


def _digits(value: str) -> str:
    """The digits of a number in a base, without the base."""
    found = re.fullmatch(r"\s*(\w+)(?:_\{?\w+\}?)?\s*", value)
    return found[1].split("_")[0] if found else ""

"""What can be told of a question before anything is drawn: numbers for a router. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from lorid_train.metrics.properties import numbers_in

OPERATIONS = {
    "adding": r"total|altogether|in all|sum|more|together|gain\w*|increase\w*|both",
    "taking_away": r"left|remain\w*|fewer|less|difference|los[est]\w*|gave|give[sn]?|spen[dt]\w*|decrease\w*|change",
    "multiplying": r"each|every|times|twice|double\w*|triple\w*|per|product|dozen\w*",
    "dividing": r"shar\w+|equally|divid\w+|half|third|quarter|split\w*|average|ratio",
    "comparing": r"than|as many|as much|longer|taller|older|younger|faster",
}
"""Words that speak of an operation; a guess, since nothing is parsed."""
_WORDS = {
    name: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for name, words in OPERATIONS.items()
}
FEWEST_OF_SUBJECT = 10
"""Questions of a subject that has a feature of its own."""
PLAIN = ("words", "sentences", "numbers", "largest", "not_whole", *OPERATIONS)


def plain_features(question: str) -> tuple[float, ...]:
    """Length, sentences, numbers, the logarithm of the largest, broken numbers, operation words."""
    given = numbers_in(question)
    values = [float(n) for n in given]
    return (
        math.log1p(len(question.split())),
        float(len(re.findall(r"[.?!](?:\s|$)", question))),
        float(len(given)),
        math.log10(1 + min(max(values, default=0.0), 1e12)),
        float(any("." in n for n in given) or "%" in question or "/" in question),
        *(float(len(of.findall(question))) for of in _WORDS.values()),
    )


def features_of(
    questions: Sequence[str], subjects: Sequence[str | None]
) -> list[tuple[float, ...]]:
    """The features of every question, one column for each subject that is not rare."""
    often = [s for s, n in sorted(Counter(s for s in subjects if s).items()) if n >= FEWEST_OF_SUBJECT]  # fmt: skip
    known = often if len(often) > 1 else []
    return [
        (*plain_features(q), *(float(s == k) for k in known))
        for q, s in zip(questions, subjects, strict=True)
    ]

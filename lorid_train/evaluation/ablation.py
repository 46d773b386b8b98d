"""What DR reads in a knowledge ablation: the right rules, none, the same words in disorder, others'.

If DR uses its knowledge, it answers best with the right rules; if it does as well with those of
another question, what helps is at most their style.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from lorid_data.schema import sha256_text

EMPTY, SHUFFLED, OTHER = "empty-knowledge", "shuffled-knowledge", "other-knowledge"
GOLD, KG = "gold-knowledge", "kg-knowledge"
CONDITIONS = (GOLD, KG, EMPTY, SHUFFLED, OTHER)
"""Conditions of DR, greedy: whose knowledge it reads."""


def conditioned(
    problem_ids: Sequence[str], gold: Mapping[str, str], source: Mapping[str, str]
) -> dict[tuple[str, str], str]:
    """The knowledge of every condition but `kg-knowledge`, by problem id and condition.

    Args:
        problem_ids: the problems.
        gold: the dataset's knowledge by problem id, where it has any.
        source: the texts that `shuffled` and `other` are made from: the dataset's, or KG's where
            the dataset has none.
    """
    found = {(p, EMPTY): "" for p in problem_ids}
    found |= {(p, GOLD): gold[p] for p in problem_ids if p in gold}
    found |= {(p, SHUFFLED): shuffled(source[p], p) for p in problem_ids if p in source}
    others = of_another(source)
    return found | {(p, OTHER): others[p] for p in problem_ids if p in others}


def shuffled(text: str, key: str) -> str:
    """The words of a text in an order that `key` alone decides; line lengths in words stay."""
    words = text.split()
    random.Random(f"shuffled {key}").shuffle(words)
    lines, at = [], 0
    for line in text.split("\n"):
        n = len(line.split())
        lines.append(" ".join(words[at : at + n]))
        at += n
    return "\n".join(lines)


def of_another(texts: Mapping[str, str]) -> dict[str, str]:
    """For each key the text of another key that differs from its own; keys without one are left out.

    The keys stand in a circle whose order follows from their hashes; each takes the next text
    that differs.
    """
    circle = sorted(texts, key=sha256_text)
    found = {}
    for i, key in enumerate(circle):
        following = (texts[circle[(i + step) % len(circle)]] for step in range(1, len(circle)))
        other = next((t for t in following if t != texts[key]), None)
        if other is not None:
            found[key] = other
    return found

"""Any number of distinct rows with the lengths and the numbers of GSM8K: its own first, then its own in other words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

_WORD = re.compile(r"[A-Za-z]{4,}")
_KEPT = frozenset(
    [
        "half",
        "twice",
        "third",
        "thirds",
        "quarter",
        "quarters",
        "fourth",
        "fifth",
        "double",
        "triple",
        "dozen",
        "dozens",
        "hundred",
        "thousand",
        "million",
        "zero",
        "three",
        "four",
        "five",
        "seven",
        "eight",
        "nine",
        "eleven",
        "twelve",
        "answer",
        "total",
        "percent",
        "many",
        "much",
        "than",
        "more",
        "less",
        "each",
        "every",
        "left",
        "times",
    ]
)
"""Words that say how much, or that a check looks for: a row without them would be another kind of row."""
_RULES = (
    "To find a total, add its parts.",
    "A part of a whole is the whole times the fraction.",
    "The cost of several equal things is their number times the price of one.",
    "What is left is what there was less what is taken away.",
    "A rate is an amount divided by the time that it takes.",
)


def originals(data: Path) -> list[dict[str, str]]:
    """The train split of GSM8K, from a folder laid out like the Hub."""
    import polars as pl

    files = sorted((data / "openai" / "gsm8k" / "main").glob("train*.parquet"))
    return pl.concat([pl.read_parquet(f) for f in files]).to_dicts()


def rows(data: Path, n: int, seed: int) -> Iterator[dict[str, Any]]:
    """`n` rows: question, answer with its steps, two rules and a licence."""
    base = originals(data)
    words = sorted({w.lower() for r in base for w in _WORD.findall(r["question"])} - _KEPT)
    for i in range(n):
        round_, at = divmod(i, len(base))
        row = base[at]
        random = Random(f"{seed}/{i}")
        question, answer = row["question"], row["answer"]
        if round_:
            question, answer = _reworded((question, answer), words, random)
        yield {
            "question": question,
            "answer": answer,
            "knowledge": random.sample(_RULES, 2),
            "licence": "MIT",
        }


def _reworded(texts: tuple[str, str], words: list[str], random: Random) -> tuple[str, str]:
    """The texts with half of their words exchanged for others, the same one each time; no number is touched."""
    chosen: dict[str, str] = {}

    def other(match: re.Match[str]) -> str:
        word = match[0]
        key = word.lower()
        if key in _KEPT:
            return word
        if key not in chosen:
            chosen[key] = random.choice(words) if random.random() < 0.5 else key
        new = chosen[key]
        return word if new == key else new.capitalize() if word[0].isupper() else new

    question, answer = (_WORD.sub(other, t) for t in texts)
    return question, answer


def write(path: Path, data: Path, n: int, seed: int) -> None:
    """Write the rows as JSON Lines, one after another."""
    with path.open("w", encoding="utf-8") as f:
        for row in rows(data, n, seed):
            f.write(json.dumps(row, ensure_ascii=False) + "\n")

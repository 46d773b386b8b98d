"""Duplicates planted among real questions, and how well a removal finds them.

Each base question (GSM8K, and the test split of MATH) stands once as it is and in copies: two
exact, one in other case and white space, one without punctuation, with 5, 10, 20 and 35 % of the
words edited (replaced, left out, put in, exchanged; words with digits stay), and two with every
number changed, which are other problems. Beyond one set, bases are taken again with other numbers.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

NUMBER = re.compile(r"\d+(?:\.\d+)?")
EDITED = ((0.05, 2), (0.10, 2), (0.20, 2), (0.35, 1))
LIGHT = ("base", "exact", "format", "edited 5 %", "edited 10 %")
"""Copies with a tenth of the words edited or less."""


@dataclass(frozen=True, slots=True)
class Row:
    """A planted question."""

    question: str
    answer: str
    problem: int
    """Rows of one number are the same problem."""
    kind: str


def base_questions(data: Path) -> list[tuple[str, str]]:
    import polars as pl

    from lorid_data.texts.latex import last_boxed

    found = []
    for file in sorted((data / "openai" / "gsm8k" / "main").glob("*.parquet")):
        table = pl.read_parquet(file)
        found += [(q, a.rpartition("####")[2].strip()) for q, a in table.iter_rows()]
    for file in sorted((data / "EleutherAI" / "hendrycks_math").glob("*/test-*.parquet")):
        table = pl.read_parquet(file).select("problem", "solution")
        found += [(q, last_boxed(s) or "") for q, s in table.iter_rows()]
    return found


def plant(data: Path, n_rows: int, seed: int = 0) -> list[Row]:
    """About `n_rows` rows, shuffled."""
    rng = random.Random(seed)
    bases = base_questions(data)
    rng.shuffle(bases)
    words = [w for q, _ in bases for w in q.split() if not NUMBER.search(w)]
    rows: list[Row] = []
    i = 0
    while len(rows) < n_rows:
        question, answer = bases[i % len(bases)]
        if i >= len(bases):
            if not NUMBER.search(question):
                i += 1
                continue
            question = renumbered(question, rng)
        rows += copies(question, answer, len(rows), rng, words)
        i += 1
    rng.shuffle(rows)
    return rows


def copies(question: str, answer: str, n: int, rng: random.Random, words: list[str]) -> list[Row]:
    rows = [Row(question, answer, n, "base")]
    rows += [Row(question, answer, n, "exact")] * 2
    rows += [Row(respaced(question, rng), answer, n, "format")]
    bare = re.sub(r"(?<!\d)[.,;?!](?!\d)", "", question)
    rows += [Row(bare, answer, n, "format")]
    for share, times in EDITED:
        kind = f"edited {share:.0%}".replace("%", " %")
        rows += [Row(edited(question, share, rng, words), answer, n, kind) for _ in range(times)]
    if NUMBER.search(question):
        first = renumbered(question, rng)
        second = renumbered(first, rng)
        while second == question:
            second = renumbered(first, rng)
        rows += [Row(first, answer, n + 1, "numbers"), Row(second, answer, n + 2, "numbers")]
    return rows


def respaced(text: str, rng: random.Random) -> str:
    cased = rng.choice((text.upper, text.lower))()
    return re.sub(" ", lambda _: rng.choice((" ", "  ", "\n")), cased)


def renumbered(text: str, rng: random.Random) -> str:
    def other(match: re.Match[str]) -> str:
        return rng.choice([n for n in map(str, range(2, 100)) if n != match[0]])

    return NUMBER.sub(other, text)


def edited(text: str, share: float, rng: random.Random, words: list[str]) -> str:
    out: list[str] = []
    parts = text.split()
    i = 0
    while i < len(parts):
        word = parts[i]
        i += 1
        if rng.random() >= share or NUMBER.search(word):
            out.append(word)
            continue
        change = rng.choice(("replace", "leave out", "put in", "exchange"))
        if change == "replace":
            out.append(rng.choice(words))
        elif change == "put in":
            out += [word, rng.choice(words)]
        elif change == "exchange" and i < len(parts) and not NUMBER.search(parts[i]):
            out += [parts[i], word]
            i += 1
        elif change == "exchange":
            out.append(word)
    return " ".join(out)


def scores(rows: list[Row], removed: Iterable[tuple[int, int]]) -> dict[str, float]:
    """How right a removal is.

    Args:
        rows: the planted rows.
        removed: (row, the row that stays for it), by index.

    Returns:
        precision: removed rows whose staying row is the same problem; recall: duplicates removed
        of all, and of those with a tenth of the words edited or less; merged: rows with changed
        numbers that were removed for another problem, or kept for one, of all such rows.
    """
    pairs = list(removed)
    right = sum(rows[i].problem == rows[j].problem for i, j in pairs)
    gone = {i for i, _ in pairs}
    wrong = {k for pair in pairs if rows[pair[0]].problem != rows[pair[1]].problem for k in pair}
    merged = sum(rows[k].kind == "numbers" for k in wrong)
    return {
        "precision": right / max(len(pairs), 1),
        "recall": _recall(rows, gone, None),
        "recall_light": _recall(rows, gone, LIGHT),
        "merged": merged / sum(r.kind == "numbers" for r in rows),
    }


def _recall(rows: list[Row], gone: set[int], kinds: tuple[str, ...] | None) -> float:
    chosen = [i for i, r in enumerate(rows) if kinds is None or r.kind in kinds]
    total = Counter(rows[i].problem for i in chosen)
    left = Counter(rows[i].problem for i in chosen if i not in gone)
    wanted = sum(n - 1 for n in total.values())
    return 1 - sum(max(n - 1, 0) for n in left.values()) / wanted

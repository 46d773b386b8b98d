"""Which column of a table holds what: by its usual name, as its user says, or by a known shape.

A name that is nearly a usual one is suggested, never taken by itself. An answer column that nobody
named must not be passed over while rows stay without an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from lorid_data.errors import ConfigError, InputError, nearest
from lorid_data.folders.table_rows import Table
from lorid_data.sources.shapes import Shape, halves, shape_of

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "question": ("question", "problem"),
    "rationale": ("rationale", "solution"),
    "answer": ("answer",),
    "knowledge": ("knowledge",),
    "accepted": ("accepted",),
    "level": ("level",),
    "subject": ("subject", "type"),
    "licence": ("licence", "license"),
    "split": ("split",),
    "id": ("id",),
    "original_id": ("original_id",),
    "difficulty": ("difficulty",),
    "program": ("program",),
}
"""The names under which a column is looked for, best first."""
_OTHER_WORDS: Mapping[str, tuple[str, ...]] = {
    "question": ("instruction", "prompt", "query", "input", "text", "problem_text"),
    "rationale": ("output", "response", "completion", "explanation", "reasoning", "generated_solution", "cot"),
    "answer": ("final_answer", "expected_answer", "ground_truth", "gold", "label", "target"),
}  # fmt: skip
"""What others call the three, best first."""
_ANSWERS = re.compile(
    r"(?i:(?:.*[_\W])?(?:answers?|gold|label|target|ground[_ ]?truth)|correct)|.*[a-z]Answer"
)
"""Names of columns that hold an answer: final_answer, Answer, gold, finalAnswer."""
_CLOSE = 0.75


@dataclass(frozen=True, slots=True)
class Reading:
    """How a table is read, where its user says so.

    Attributes:
        columns: which column holds what; an empty name means that none does.
        bad: where a row that cannot be read is told, with its place; by default it is an error.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    bad: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Which column of a table holds what.

    Attributes:
        names: the column of each thing that there is.
        shape: how its cells are read, where the table is of a known set.
    """

    names: Mapping[str, str]
    shape: Shape | None = None


def parse_columns(given: Iterable[str]) -> dict[str, str]:
    """`question=instruction`, … as a mapping.

    Raises:
        ConfigError: with everything that is wrong.
    """
    found: dict[str, str] = {}
    problems = []
    for text in given:
        what, equals, column = text.partition("=")
        if not equals:
            problems.append(f"--columns {text!r}: write WHAT=COLUMN, like question=instruction")
        elif what in found:
            problems.append(f"--columns names {what!r} twice")
        found[what] = column
    if not problems:
        problems = faults(found)
    if problems:
        raise ConfigError(*problems)
    return found


def faults(columns: Mapping[str, str]) -> list[str]:
    """What is wrong with a mapping of columns, whatever the table."""
    problems = [
        f"--columns: unknown {w!r}{nearest(w, COLUMNS)}; a table has {', '.join(COLUMNS)}"
        for w in columns
        if w not in COLUMNS
    ]
    used = [c for c in columns.values() if c]
    twice = next((c for c in used if used.count(c) > 1), None)
    return problems + ([f"--columns names the column {twice!r} twice"] if twice is not None else [])


def find_columns(table: Table, read: Reading | None = None) -> Found:
    """Which column of the table holds what.

    Args:
        table: any table.
        read: which column holds what, where its user says so.

    Raises:
        InputError: with every column that is missing, and names that are near.
    """
    given = read.columns if read else {}
    names = {
        what: next(c for c in options if c in table.columns)
        for what, options in COLUMNS.items()
        if any(c in table.columns for c in options)
    }
    # Others write a number there, which is no pass rate and says nothing of who was asked.
    if "difficulty" not in given and not holds_rates(table.rows):
        names.pop("difficulty", None)
    if "program" not in given and not holds_texts(table.rows, "program"):
        names.pop("program", None)
    shape = shape_of(table, names, given)
    chosen = {**(shape.columns_of(table, given) if shape else {}), **given}
    taken = set(chosen.values())
    names = {w: c for w, c in names.items() if c not in taken and w not in chosen}
    names |= {w: c for w, c in chosen.items() if c}
    problems = [
        f"{table.where}: missing column {c!r}{nearest(c, table.columns)}"
        for c in given.values()
        if c and c not in table.columns
    ]
    missing = [] if "question" in names else ["question"]
    missing += [] if names.keys() & {"rationale", "answer"} else ["rationale", "answer"]
    if missing:
        say = {"question": "'question' (or 'problem')", "rationale": "'rationale' (or 'solution') or 'answer'"}  # fmt: skip
        hint = suggestion(table.columns, missing, used=names.values())
        problems += [f"{table.where}: missing column {say[w]}{hint}" for w in missing if w in say]
    if problems:
        there = ", ".join(table.columns) or "none"
        raise InputError(*(f"{p}; its columns are {there}" for p in problems))
    return Found(names, shape)


def holds_rates(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the column `difficulty` of a table is one that this project wrote."""
    first = next((v for r in rows if (v := r.get("difficulty")) is not None), None)
    return isinstance(first, list) and all(isinstance(x, dict) for x in first)


def holds_texts(rows: Sequence[Mapping[str, Any]], column: str) -> bool:
    """Whether the cells of a column of a table are texts, by the first that is not empty."""
    first = next((v for r in rows if (v := r.get(column)) is not None and v == v), None)
    return isinstance(first, str)


def suggestion(columns: Sequence[str], wanted: Sequence[str], *, used: Iterable[str] = ()) -> str:
    """`; did you mean --columns question=instruction (of build and import)?`, or nothing."""
    left = {c.lower(): c for c in columns if c not in set(used)}
    two = halves(list(left.values())) if "question" in wanted else None
    if two is not None:  # either alone would lose the problem
        return f"; it may stand in two columns, {two[0]!r} and {two[1]!r}: call them {two[0].lower()} and {two[1].lower()} and both are read"  # fmt: skip
    pairs = []
    for what in wanted:
        near = [w for w in (*COLUMNS[what], *_OTHER_WORDS.get(what, ())) if w in left]
        near = near or get_close_matches(what, left, n=1, cutoff=_CLOSE)
        if near:
            pairs.append(f"{what}={left.pop(near[0])}")
    return f"; did you mean --columns {' '.join(pairs)} (of build and import)?" if pairs else ""


def ignored(table: Table, found: Found) -> list[str]:
    """Warnings that name the columns nobody asked for, those that are nearly known, and half a question."""
    extra = [c for c in table.columns if c not in found.names.values()]
    if not extra:
        return []
    left = [w for w in COLUMNS if w not in found.names and w not in ("difficulty", "program")]
    hint = suggestion(extra, left)
    if not hint and (
        useful := [w for w in ("rationale", "knowledge", "subject", "level") if w in left]
    ):
        hint = f"; name one with --columns {' '.join(f'{w}=…' for w in useful)} (of build and import) if it holds that"
    said = [f"{table.where}: columns ignored: {', '.join(extra)}{hint}"]
    two = halves(table.columns)
    if two is not None and two[0] == found.names["question"] and two[1] in extra:
        said.append(
            f"{table.where}: the question is {two[0]!r} alone, as --columns says, without what {two[1]!r} holds; "
            "leave question= out of --columns and both are read"
        )
    return said


def refuse_ignored_answers(
    table: Table, found: Found, read: Reading, n_blank: int, n_rows: int
) -> None:
    """Rows without an answer (`n_blank` of `n_rows`), while a column that looks like one is passed over.

    Raises:
        InputError: it names the column.
    """
    if "answer" in read.columns:
        return
    columns = [c for c in table.columns if c not in found.names.values() and _ANSWERS.fullmatch(c)]
    if n_blank and columns:
        raise InputError(
            f"{table.where}: {n_blank:,} of {n_rows:,} rows have no answer, while the column {columns[0]!r} is ignored; "
            f"name it with --columns answer={columns[0]} (of build and import), or say with --columns answer= that none holds it"
        )

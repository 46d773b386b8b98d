"""Rows of any table as problems: which column is what, and how a solution is split.

Text is kept byte for byte; only the separator `#### ` between rationale and answer is removed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from lorid_data.errors import InputError
from lorid_data.folders.tables import RowError, Table
from lorid_data.hub.splits import split_fault
from lorid_data.pass_rates import PassRate
from lorid_data.schema import Problem, canonical_json, make_problem, problem_id
from lorid_data.sources.columns import (
    Found,
    Reading,
    find_columns,
    ignored,
    refuse_ignored_answers,
)
from lorid_data.sources.shapes import Shape
from lorid_data.texts.counting import count

_SEPARATOR = "####"
_SENTENCE = 12
"""Words above which an answer that stands alone is taken for a sentence."""
_TEXTS = ("rationale", "answer", "split", "question", "level", "subject", "licence", "program")
_WRITTEN_OUT = (str, int, float, Decimal)
"""What a cell may be: bytes, dates and the like are spelled in more ways than one."""
Rates = tuple[PassRate, ...] | None
_HEX64 = re.compile(r"[0-9a-f]{64}")


def stated_answer(text: str) -> str:
    r"""The answer that a text states (`\boxed{}`, "the answer is …"), or the empty text."""
    from lorid_data.answers import Answer, extract

    found = extract(text)
    return found.value if isinstance(found, Answer) else ""


def refuse_split_names(where: str, problems: Iterable[Problem]) -> None:
    """Refuse rows that a folder must not hold: nothing could load them once they are published.

    Raises:
        InputError: a split has a name that `datasets` reserves or does not load; all of them.
    """
    names = dict.fromkeys(p.split for p in problems)
    if faults := [f"{where}: {f}" for n in names if (f := split_fault(n))]:
        raise InputError(*faults)


def problems_of(
    table: Table,
    *,
    source: str,
    split: str,
    licence: str = "unknown",
    subject: str | None = None,
    read: Reading | None = None,
    answer_in: Callable[[str], str] = stated_answer,
) -> tuple[list[Problem], list[str]]:
    """The problems of a table, in its order, and warnings for people.

    Args:
        table: needs a question, and a rationale or an answer.
        source: name of the source.
        split: the split of rows without a column `split`.
        licence: the licence of rows without a column of that name.
        subject: the subject of rows without a column of that name.
        read: which column is what, and what becomes of a row that cannot be read.
        answer_in: how the answer is found in a rationale that stands alone.

    Raises:
        InputError: a missing column, a value of the wrong type, a duplicate id that others refer to.
    """
    read = read or Reading()
    found = find_columns(table, read)
    rows = []
    problems = []
    for i in range(len(table.rows)):
        if (cells := _cells(table, i, found, read)) is None:
            continue
        row, text, knowledge, accepted, rates = cells
        rationale, answer = split_solution(text["rationale"], text["answer"], answer_in)
        program = _stated(text["program"])
        rows.append(row)
        problems.append(
            make_problem(
                source=source,
                split=_stated(text["split"]) or split,
                question=text["question"] or "",
                rationale=rationale,
                answer=answer,
                level=_stated(text["level"]),
                subject=_stated(text["subject"]) or subject,
                licence=_stated(text["licence"]) or licence,
                knowledge=knowledge,
                accepted=accepted,
                program=program,
            ).model_copy(update={"difficulty": rates, "program_from": program and "table"})
        )
    originals, warnings = _originals(table, rows, problems)
    warnings += _sentences(table, problems, found.names.get("answer", "answer"))
    warnings = [*ignored(table, found), *warnings]
    refuse_ignored_answers(table, found, read, problems)
    linked = [
        p if p.original_id == o else p.model_copy(update={"original_id": o})
        for p, o in zip(problems, originals, strict=True)
    ]
    return linked, warnings


def split_solution(
    rationale: str | None, answer: str | None, answer_in: Callable[[str], str] = stated_answer
) -> tuple[str, str]:
    """Rationale and answer of a solution, in whichever of the two columns it stands.

    `… #### N` is split at its last separator, of which one line break before and one space after
    are part, in whichever column it stands. A cell without a visible character is a missing one. In
    a rationale alone, without the separator, `answer_in` finds the answer.
    """
    rationale, answer = _stated(rationale), _stated(answer)
    if rationale is None and answer is None:
        return "", ""
    if answer is not None and (parts := _at_mark(answer)):
        head, answer = parts
        rationale = head if rationale is None else rationale
    parts = _at_mark(rationale) if rationale is not None else None
    # Another answer than the stated one stays where it is, so that a check can find it.
    if parts and (answer is None or parts[1].strip() == answer.strip()):
        rationale, answer = parts[0], answer or parts[1]
    if answer is not None:
        return rationale or "", answer
    return (rationale or ""), answer_in(rationale or "")


def _at_mark(text: str) -> tuple[str, str] | None:
    """What stands before and behind the last `####`; None where that is a heading, or is not there."""
    head, mark, tail = text.rpartition(_SEPARATOR)
    if not mark or "\n" in tail.strip():
        return None
    return head.removesuffix("\n").removesuffix("\r"), tail.removeprefix(" ")


def _stated(text: str | None) -> str | None:
    """A text as it is; None where it has no visible character."""
    return text if text is not None and text.strip() else None


def _sentences(table: Table, problems: Sequence[Problem], column: str) -> list[str]:
    """A warning where answers seem to be whole explanations."""
    long = [p.answer for p in problems if not p.rationale and len(p.answer.split()) > _SENTENCE]
    if not long:
        return []
    return [
        f"{table.where}: {len(long):,} of {len(problems):,} answers are sentences, like {long[0][:60]!r}; if the column "
        f"{column!r} holds the reasoning, import it with `lorid-data import --columns rationale={column}`"
    ]


def _cells(
    table: Table, i: int, found: Found, read: Reading
) -> tuple[dict[str, Any], dict[str, str | None], tuple[str, ...], tuple[str, ...], Rates] | None:
    """A row by what it holds, its texts, its knowledge, its further answers and its pass rates.

    None where it cannot be read and need not be.
    """
    row = {what: table.rows[i][column] for what, column in found.names.items()}
    try:
        if found.shape is not None:
            row = _shaped(table, i, found.shape, row)
        texts = {what: _text(table, i, what, row) for what in _TEXTS}
        knowledge, accepted = (_listed(table, i, row, what) for what in ("knowledge", "accepted"))
        return row, texts, knowledge, accepted, _rates(table, i, row)
    except InputError as e:
        if read.bad is None:
            raise RowError(str(e)) from e
        read.bad.append(str(e))
        return None


def _shaped(table: Table, i: int, shape: Shape, row: dict[str, Any]) -> dict[str, Any]:
    try:
        return shape.read(row)
    except InputError as e:
        raise InputError(f"{table.place(i)}: {e}") from e


def _text(table: Table, i: int, what: str, row: Mapping[str, Any]) -> str | None:
    """A cell as text; numbers are written out, and None or an absent column is None."""
    value = row.get(what)
    if value is None or value != value:  # NaN is how pandas writes a missing text
        return None
    if isinstance(value, bool) or not isinstance(
        value, _WRITTEN_OUT if what != "question" else str
    ):
        raise InputError(f"{table.place(i)}: {what} is {value!r:.80}, where text is expected")
    text = str(value)
    if not text.isascii():
        _refuse_surrogates(table, i, what, text)
    return text


def _refuse_surrogates(table: Table, i: int, what: str, text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as e:
        raise InputError(
            f"{table.place(i)}: {what} holds half a character ({e.object[e.start : e.end]!r}); it is no valid Unicode text"
        ) from e


def _listed(table: Table, i: int, row: Mapping[str, Any], what: str) -> tuple[str, ...]:
    """A cell as a list of texts; a text has one of them a line."""
    value = row.get(what)
    if value is None or value != value:
        return ()
    if isinstance(value, str):
        _refuse_surrogates(table, i, what, value)
        # Not `splitlines`, which also ends a line at U+2028 and the like.
        return tuple(line for line in re.split(r"\r?\n|\r", value) if line.strip())
    if isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value):
        for one in value:
            _refuse_surrogates(table, i, what, one)
        return tuple(value)
    raise InputError(
        f"{table.place(i)}: {what} is {value!r:.80}; give a list of texts, or one text with one a line"
    )


def _rates(table: Table, i: int, row: Mapping[str, Any]) -> Rates:
    """The pass rates of a row, as `lorid-data difficulty` writes them."""
    value = row.get("difficulty")
    if value is None or value != value:
        return None
    try:
        return tuple(PassRate.model_validate(one) for one in value) or None
    except (ValidationError, TypeError) as e:
        msg = f"{table.place(i)}: difficulty is {value!r:.80}, which are no pass rates of lorid-data difficulty; name another column, or say --columns difficulty= that none holds them"
        raise InputError(msg) from e


def _originals(
    table: Table, rows: Sequence[Mapping[str, Any]], problems: Sequence[Problem]
) -> tuple[list[str], list[str]]:
    """The original_id of each row, and warnings.

    A column `original_id` names a row of the column `id`, or is a problem_id. Without it, rows
    that share an id (within a subject) are variants of the first of them, as the tables of
    LoRID-Math are written.
    """
    if not rows or ("id" not in rows[0] and "original_id" not in rows[0]):
        return [p.problem_id for p in problems], []
    if "original_id" in rows[0]:
        return _named_originals(table, rows, problems), []
    first: dict[tuple[str, str | None], str] = {}
    originals = [
        p.problem_id
        if (named := _id(table, i, r["id"])) is None
        else first.setdefault((named, p.subject), p.problem_id)
        for i, (r, p) in enumerate(zip(rows, problems, strict=True))
    ]
    n_variants = sum(o != p.problem_id for o, p in zip(originals, problems, strict=True))
    if not n_variants:
        return originals, []
    return originals, [
        f"{table.where}: {count(n_variants, 'row')} with the id of an earlier row: taken as variants of that question"
    ]


def _id(table: Table, i: int, value: object) -> str | None:
    """An id as text; an empty cell is none, in each way in which tables write one."""
    if value is None or value != value:
        return None
    if isinstance(value, bool) or not isinstance(value, _WRITTEN_OUT):
        raise InputError(
            f"{table.place(i)}: its id is {value!r:.80}, where text or a number is expected"
        )
    return _stated(str(value))


def _named_originals(
    table: Table, rows: Sequence[Mapping[str, Any]], problems: Sequence[Problem]
) -> list[str]:
    by_id: dict[str, str] = {}
    for i, (row, p) in enumerate(zip(rows, problems, strict=True)):
        own = _id(table, i, row.get("id"))
        if own is not None and by_id.setdefault(own, p.problem_id) != p.problem_id:
            raise InputError(
                f"{table.place(i)}: id {row['id']!r} stands twice, so that original_id cannot refer to it"
            )
    found = []
    for i, (row, p) in enumerate(zip(rows, problems, strict=True)):
        named = _id(table, i, row["original_id"])
        if named is None:
            found.append(p.problem_id)
        elif named in by_id:
            found.append(by_id[named])
        elif _HEX64.fullmatch(named):
            found.append(named)
        else:
            raise InputError(
                f"{table.place(i)}: original_id {named!r} is neither the id of a row nor a problem_id ({problem_id('')[:8]}…)"
            )
    return found


def content_hash(problems: Iterable[Problem]) -> str:
    """sha256 over every field of every problem, in order; over those added later where they say something."""
    digest = hashlib.sha256()
    for p in problems:
        unsaid = {
            n
            for n in ("accepted", "flags", "difficulty", "program", "program_from")
            if not getattr(p, n)
        }
        digest.update(canonical_json(p.model_dump(mode="json", exclude=unsaid)).encode())
        digest.update(b"\n")
    return digest.hexdigest()

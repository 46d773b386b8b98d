"""The cells of a row as texts: what may stand in one, and how a solution is split. Pure.

Text is kept byte for byte; only the separator `#### ` between rationale and answer is removed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from lorid_data.errors import InputError
from lorid_data.folders.table_rows import RowError, Table
from lorid_data.pass_rates import PassRate
from lorid_data.sources.columns import Found, Reading
from lorid_data.sources.links import whole_id
from lorid_data.sources.shapes import Shape

_SEPARATOR = "####"
_TEXTS = ("rationale", "answer", "split", "question", "level", "subject", "licence", "program")
_WRITTEN_OUT = (str, int, float, Decimal)
"""What a cell may be: bytes, dates and the like are spelled in more ways than one."""
_MOST_DIGITS = 40
"""Digits that a number with an exponent may be written out in."""
Rates = tuple[PassRate, ...] | None


def stated_answer(text: str) -> str:
    r"""The answer that a text states (`\boxed{}`, "the answer is …"), or the empty text."""
    from lorid_data.answers import Answer, extract

    found = extract(text)
    return found.value if isinstance(found, Answer) else ""


def split_solution(
    rationale: str | None, answer: str | None, answer_in: Callable[[str], str] = stated_answer
) -> tuple[str, str]:
    """Rationale and answer of a solution, in whichever of the two columns it stands.

    `… #### N` is split at its last separator, of which one line break before and one space after
    are part, in whichever column it stands. A cell without a visible character is a missing one. In
    a rationale alone, without the separator, `answer_in` finds the answer.
    """
    rationale, answer = stated(rationale), stated(answer)
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


def stated(text: str | None) -> str | None:
    """A text as it is; None where it has no visible character."""
    return text if text is not None and text.strip() else None


def cells_of(
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
        raise InputError(f"{table.place(i)}: {what} is {_shown(value)}, where text is expected")
    text = value if isinstance(value, str) else written(value)
    if text is None:
        raise InputError(f"{table.place(i)}: {what} is {value}, where text or a finite number is expected")  # fmt: skip
    if not text.isascii():
        _refuse_surrogates(table, i, what, text)
    return text


def written(number: float | Decimal) -> str | None:
    """A number in digits, equal in value: `0.1`, `3.0`, `12345678901234567.5`; None for one that is not finite.

    An exponent stays only where the digits would be more than 40: `1e400`.
    """
    if isinstance(number, int):
        return str(number)
    text = str(number)
    if not text.lower().islower():  # no letter: neither an exponent nor inf nor nan
        return text
    exact = Decimal(text)
    if not exact.is_finite():
        return None
    _, digits, exponent = exact.as_tuple()
    assert isinstance(exponent, int)
    n_written = len(digits) + exponent if exponent > 0 else max(len(digits), 1 - exponent)
    return f"{exact:f}" if n_written <= _MOST_DIGITS else text.lower().replace("e+", "e")


def _shown(value: object) -> str:
    """A cell for a message, cut short."""
    return f"{str(value) if isinstance(value, Decimal) else repr(value):.80}"


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


def id_of(value: object) -> str | None:
    """An id as text; an empty cell is none, in each way in which tables write one.

    The number 1.0 is the id 1: pandas makes floats of a column of integers in which a cell is empty.

    Raises:
        InputError: it is neither text nor a finite number.
    """
    if value is None or value != value:
        return None
    if isinstance(value, str):
        return stated(value)
    is_number = isinstance(value, _WRITTEN_OUT) and not isinstance(value, bool)
    text = written(value) if is_number else None  # type: ignore[arg-type]
    if text is None:
        raise InputError(f"its id is {_shown(value)}, where text or a finite number is expected")
    return whole_id(text) or text

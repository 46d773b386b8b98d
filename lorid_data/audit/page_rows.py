"""The rows of an audit's page: which are on it, how they can be filtered, and their data blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lorid_data.audit.checks import BY_NAME
from lorid_data.audit.result import Audit
from lorid_data.checks.finding import REJECTING, Severity
from lorid_data.pages.latex import Dialect, dialect, shown
from lorid_data.pages.page import chunk
from lorid_data.pages.text import visible
from lorid_data.sampling import ranked
from lorid_data.schema import Record

MOST_ROWS = 2000
_PER_BLOCK = 50
_HEAD, _MOST_TEXT = 400, 20_000


def shown_rows(result: Audit, records: Sequence[Record]) -> list[Record]:
    """Rows with a finding and those to be read, in the order of the folder; a draw where they are too many.

    The draw keeps the rows to be read, and some of every check, however rare.
    """
    wanted = set(result.rows) | set(result.sample)
    if len(wanted) > MOST_ROWS:
        seed = int(result.options.get("seed", 0))
        per_check = MOST_ROWS // (2 * len(BY_NAME))
        kept = set(result.sample[: MOST_ROWS // 4])
        for check in BY_NAME:
            having = [r for r, flags in result.rows.items() if any(f.check == check for f in flags)]
            kept |= set(ranked(having, seed)[:per_check])
        rest = ranked(wanted - kept, seed)
        wanted = kept | set(rest[: max(0, MOST_ROWS - len(kept))])
    return [r for r in records if r.row_id in wanted]


def tone(check: str) -> str:
    """How loud a finding is shown: `wrong` where it should reject its row, `ungradable` for people to look at, else nothing."""
    severity = BY_NAME[check].severity if check in BY_NAME else Severity.QUEUE
    return "wrong" if severity in REJECTING else "ungradable" if severity is Severity.QUEUE else ""


def filters(result: Audit) -> list[tuple[str, str]]:
    """(key, label) of each filter: all, each check that found something, the rows to be read."""
    found = {f.check for flags in result.rows.values() for f in flags}
    named = [(name, name.replace("_", " ")) for name in BY_NAME if name in found]
    judged = sorted(found - set(BY_NAME))
    named += [(name, name.replace("_", " ")) for name in judged]
    return [("all", "All"), ("to_read", "To read"), *named]


def data_blocks(result: Audit, rows: Sequence[Record]) -> Iterator[str]:
    """An index of all rows, and the texts in blocks that are opened on demand."""
    to_read = set(result.sample)
    index = [_entry(result, row, i, to_read=row.row_id in to_read) for i, row in enumerate(rows)]
    yield chunk("index", index)
    for at in range(0, len(rows), _PER_BLOCK):
        yield chunk(f"t{at // _PER_BLOCK}", [_texts(result, r) for r in rows[at : at + _PER_BLOCK]])


def _entry(result: Audit, row: Record, i: int, *, to_read: bool) -> dict[str, Any]:
    flags = result.rows.get(row.row_id, ())
    checks = list(dict.fromkeys(f.check for f in flags))
    return {
        "id": row.row_id,
        "q": shown(row.question, how_of(row), _HEAD),
        "search": " ".join([row.question[:_HEAD], *row.knowledge, *(f.evidence for f in flags)])[
            :2000
        ],
        "checks": ["to_read", *checks] if to_read else checks,
        "b": i // _PER_BLOCK,
        "i": i % _PER_BLOCK,
    }


def how_of(row: Record) -> Dialect:
    """How a row writes formulas."""
    return dialect(row.source, (row.question, row.rationale, row.answer, *row.knowledge))


def _texts(result: Audit, row: Record) -> dict[str, Any]:
    how = how_of(row)
    flags = result.rows.get(row.row_id, ())
    about = (row.source, row.split, row.subject, row.level)
    return {
        "q": shown(row.question, how, _MOST_TEXT),
        "rationale": shown(row.rationale, how, _MOST_TEXT),
        "answer": visible(" or ".join((row.answer, *row.accepted)), 400),
        "about": " · ".join(str(x) for x in about if x),
        "teacher": " ".join(filter(None, (row.provenance.teacher, row.provenance.model_answered))),
        "rules": [
            {
                "text": shown(rule, how, _MOST_TEXT),
                "flags": [[f.check, visible(f.evidence, 400)] for f in flags if f.rule_index == k],
            }
            for k, rule in enumerate(row.knowledge)
        ],
        "flags": [[f.check, visible(f.evidence, 400)] for f in flags if f.rule_index is None],
    }

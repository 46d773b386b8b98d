"""The rows of an audit's page: which are on it, how they can be filtered, and their data blocks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lorid_data.audit.catalogue import BY_NAME
from lorid_data.audit.result import Audit, Flag
from lorid_data.checks.finding import REJECTING, Severity
from lorid_data.pages.latex import Dialect, dialect, shown
from lorid_data.pages.page import chunk
from lorid_data.pages.text import visible
from lorid_data.sampling import Draw
from lorid_data.schema import Record

MOST_ROWS = 2000
_PER_BLOCK = 50
_HEAD, _MOST_TEXT = 400, 20_000


@dataclass(frozen=True, slots=True)
class PageRows:
    """The rows of a page, and what all rows of the audit come to.

    Attributes:
        row_ids: which rows are on the page.
        flags: the findings of those that have any.
        n_wanted: rows with a finding, and those to be read, on the page or not.
        checks: every check that found something.
    """

    row_ids: frozenset[str]
    flags: Mapping[str, tuple[Flag, ...]]
    n_wanted: int
    checks: frozenset[str]


def choose_rows(
    result: Audit, rows: Callable[[], Iterator[tuple[str, tuple[Flag, ...]]]]
) -> PageRows:
    """Rows with a finding and those to be read; a draw where they are too many.

    The draw keeps the rows to be read, and some of every check, however rare.

    Args:
        result: the audit, without its rows.
        rows: gives the findings of each row with any, from the beginning each time.
    """
    seed = int(result.options.get("seed", 0))
    per_check = {name: Draw(MOST_ROWS // (2 * len(BY_NAME)), seed) for name in BY_NAME}
    drawn, checks, n_found, unread = Draw(MOST_ROWS, seed), set(), 0, set(result.sample)
    for row_id, flags in rows():
        names = {f.check for f in flags}
        checks |= names
        for name in names & per_check.keys():
            per_check[name].add(row_id)
        drawn.add(row_id)
        unread.discard(row_id)
        n_found += 1
    for row_id in result.sample:
        drawn.add(row_id)
    n_wanted = n_found + len(unread)
    chosen = drawn.result()
    if n_wanted > MOST_ROWS:
        kept = {
            *result.sample[: MOST_ROWS // 4],
            *(r for d in per_check.values() for r in d.result()),
        }
        rest = [r for r in chosen if r not in kept]
        chosen = [*kept, *rest[: max(0, MOST_ROWS - len(kept))]]
    row_ids = frozenset(chosen)
    flags_of = {row_id: flags for row_id, flags in rows() if row_id in row_ids}
    return PageRows(row_ids, flags_of, n_wanted, frozenset(checks))


def tone(check: str) -> str:
    """How loud a finding is shown: `wrong` where it should reject its row, `ungradable` for people to look at, else nothing."""
    severity = BY_NAME[check].severity if check in BY_NAME else Severity.QUEUE
    return "wrong" if severity in REJECTING else "ungradable" if severity is Severity.QUEUE else ""


def filters(found: Collection[str]) -> list[tuple[str, str]]:
    """(key, label) of each filter: all, each check that found something, the rows to be read."""
    named = [(name, name.replace("_", " ")) for name in BY_NAME if name in found]
    judged = sorted(set(found) - set(BY_NAME))
    named += [(name, name.replace("_", " ")) for name in judged]
    return [("all", "All"), ("to_read", "To read"), *named]


def data_blocks(result: Audit, shown: PageRows, rows: Sequence[Record]) -> Iterator[str]:
    """An index of all rows of the page, and the texts in blocks that are opened on demand."""
    to_read = set(result.sample)
    flags = [shown.flags.get(row.row_id, ()) for row in rows]
    index = [_entry(row, flags[i], i, to_read=row.row_id in to_read) for i, row in enumerate(rows)]
    yield chunk("index", index)
    texts = [_texts(row, flags[i]) for i, row in enumerate(rows)]
    for at in range(0, len(rows), _PER_BLOCK):
        yield chunk(f"t{at // _PER_BLOCK}", texts[at : at + _PER_BLOCK])


def _entry(row: Record, flags: Sequence[Flag], i: int, *, to_read: bool) -> dict[str, Any]:
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


def _texts(row: Record, flags: Sequence[Flag]) -> dict[str, Any]:
    how = how_of(row)
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

"""From what is in the book to labels: one per annotator and row, marked where it counts no more."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from lorid_data.folders.flags import OF_SOURCE, Flag, flags_of
from lorid_data.labelling.book import Event
from lorid_data.labelling.rubric import Verdict
from lorid_data.labelling.types import Label, row_sha256
from lorid_data.schema import Record

CURRENT, CHANGED, GONE, OUTSIDE = "current", "changed", "gone", "outside"


def labels_of(
    events: Iterable[Event],
    peeks: Collection[tuple[str, str, str]],
    records: Mapping[str, Record],
    sampled: Collection[str],
    audited: Mapping[str, tuple[Flag, ...]] | None = None,
) -> list[Label]:
    """The labels that stand, in the order in which they were first given.

    Args:
        events: everything that was said, in order.
        peeks: (annotator, row_id, row_sha256) of solutions seen before a verdict.
        records: the folder's rows that were labelled, by row_id, as they are now.
        sampled: row ids of the sample as it is now.
        audited: findings of the audit, by row_id.
    """
    by_key: dict[tuple[str, str, str], list[Event]] = {}
    for e in events:
        by_key.setdefault((e.annotator, e.row_id, e.row_sha256), []).append(e)
    hashes = {row_id: row_sha256(r) for row_id, r in records.items()}
    return [
        _label(found, key in peeks, records.get(key[1]), audited, _status(key, hashes, sampled))
        for key, found in by_key.items()
        if any(not e.undone for e in found)
    ]


def _status(key: tuple[str, str, str], hashes: Mapping[str, str], sampled: Collection[str]) -> str:
    _, row_id, sha256 = key
    if row_id not in hashes:
        return GONE
    if hashes[row_id] != sha256:
        return CHANGED
    return CURRENT if row_id in sampled else OUTSIDE


def _label(
    events: list[Event],
    peeked: bool,  # noqa: FBT001  (a fact of the label, not a switch)
    record: Record | None,
    audited: Mapping[str, tuple[Flag, ...]] | None,
    status: str,
) -> Label:
    live = [e for e in events if not e.undone]
    first, last = live[0], live[-1]
    # After an undone verdict the solution has been seen.
    seen_before = peeked or events[0].undone
    return Label(
        row_id=last.row_id,
        original_id=record.original_id if record else "",
        annotator=last.annotator,
        verdict=Verdict(last.verdict),
        defects=last.defects,
        note=last.note,
        first_verdict=Verdict(first.verdict),
        first_defects=first.defects,
        peeked=seen_before,
        duration_s=first.duration_s,
        labelled_at=last.at,
        row_sha256=last.row_sha256,
        records_sha256=last.records_sha256,
        status=status,
        flags=_findings(record, audited) if record else (),
    )


def _findings(record: Record, audited: Mapping[str, tuple[Flag, ...]] | None) -> tuple[str, ...]:
    """What checks found in a row; what its source says of it is no finding."""
    found = dict.fromkeys(f.check for f in flags_of(record, audited))
    return tuple(name for name in found if name not in OF_SOURCE)

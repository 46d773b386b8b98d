"""Rows as data blocks: an index, the texts in blocks opened on demand, and what is searched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lorid_data.commandline.progress import Progress
from lorid_data.pages.latex import Dialect, dialect, pieces, shown
from lorid_data.pages.page import chunk
from lorid_data.pages.text import visible
from lorid_data.pass_rates import PassRate
from lorid_data.schema import Record
from lorid_data.view.rows import Folder, Shown

PER_BLOCK = 50
_HEAD, _SEARCHED, _PROGRAM = 300, 20_000, 20_000


def data_blocks(folder: Folder) -> Iterator[str]:
    """The blocks `t0`, `t1`, … with the texts, `texts` to search in, then `index`."""
    rows = folder.rows
    with Progress("view", len(rows)) as progress:
        for at in range(0, len(rows), PER_BLOCK):
            block = rows[at : at + PER_BLOCK]
            yield chunk(f"t{at // PER_BLOCK}", [_texts(row) for row in block])
            progress.advance(len(block))
    yield chunk("texts", [_searched(row) for row in rows])
    yield chunk("index", [_entry(row) for row in rows])


def _entry(row: Shown) -> dict[str, Any]:
    r, how = row.record, _dialect(row)
    return {
        "id": row.row_id,
        "q": shown(r.question, how, _HEAD) if r else "",
        "a": shown(r.answer, how, 120) if r else "",
        "state": row.reject.disposition.value if row.reject else "kept",
        "reason": row.reject.reason.value if row.reject else "",
        "detail": visible(row.reject.detail, 160) if row.reject else "",
        "flags": [visible(name, 80) for name in dict.fromkeys(f.check for f in row.flags)],
        "subject": visible(r.subject or "", 80) if r else "",
    }


def _searched(row: Shown) -> str:
    r = row.record
    said = [row.row_id]
    if r is not None:
        said += [
            r.problem_id,
            r.question,
            *r.knowledge,
            r.rationale,
            r.answer,
            *r.accepted,
            r.subject or "",
            r.program or "",
        ]
    if row.reject is not None:
        said += [row.reject.reason.value, row.reject.detail, row.reject.evidence]
    said += [f"{f.check} {f.evidence}" for f in row.flags]
    return visible("\n".join(said), _SEARCHED).lower()


def _dialect(row: Shown) -> Dialect:
    r = row.record
    if r is None:
        return Dialect.PLAIN
    return dialect(r.source, (r.question, r.rationale, r.answer, *r.knowledge))


def _texts(row: Shown) -> dict[str, Any]:
    r = row.record
    how = _dialect(row)
    found: dict[str, Any] = {
        "flags": [
            {
                "check": visible(f.check, 80),
                "rule": None if f.rule_index is None else f.rule_index + 1,
                "evidence": visible(f.evidence, 400),
            }
            for f in row.flags
        ],
        "about": _about(row),
        "provenance": _provenance(r),
    }
    if r is not None:
        found |= {
            "question": pieces(r.question, how),
            "knowledge": [pieces(rule, how) for rule in r.knowledge],
            "rationale": pieces(r.rationale, how),
            "answer": pieces(r.answer, how),
            "program": visible(r.program or "", _PROGRAM),
            "printed": visible(r.program_output or "", 2_000),
            "run": _run(r),
        }
    if row.reject is not None:
        found |= {
            "sentence": row.reject.reason.sentence,
            "detail": visible(row.reject.detail, 2_000),
            "evidence": visible(row.reject.evidence, 2_000),
        }
    return found


def _about(row: Shown) -> list[tuple[str, str]]:
    r = row.record
    said: list[tuple[str, str | None]] = [("row_id", row.row_id)]
    if r is not None:
        said += [("problem_id", r.problem_id)]
        said += [("variant of", r.original_id if r.original_id != r.problem_id else None)]
        said += [("source", r.source), ("split", r.split), ("subject", r.subject)]
        said += [("level", r.level), ("licence", r.licence)]
        said += [(f"also right ({i})", answer) for i, answer in enumerate(r.accepted, start=1)]
        said += [(f"solved by {d.role}", _rate(d)) for d in r.difficulty or ()]
    elif row.reject is not None:
        said += [("problem_id", row.reject.problem_id), ("split", row.reject.split)]
    if row.reject is not None:
        said += [("rejected by", row.reject.stage)]
    return [(name, visible(value, 200)) for name, value in said if value]


def _rate(d: PassRate) -> str:
    return (
        f"{d.n_right} of {d.n_draws} draws ({d.ci_low:.2f} to {d.ci_high:.2f}), {d.agreement:.0%} give the same answer; "
        f"judge {d.judge_sha256[:12]}"
    )


def _run(r: Record) -> str:
    """What a row's program was made of, and what became of it, for people."""
    parts = (r.program_from and f"made of {r.program_from}", f"run: {r.program_status or 'not yet'}", r.program_sandbox)  # fmt: skip
    return visible(", ".join(p for p in parts if p), 400)


def _provenance(record: Record | None) -> list[tuple[str, str]]:
    if record is None:
        return []
    found = record.provenance.model_dump(mode="json")
    return [(k, visible(str(v), 200)) for k, v in found.items() if v is not None]

"""The questions and their draws, packed for the page: an index, and chunks opened on demand.

Everything that a model or a dataset wrote passes `visible` here, and the page's script sets it
as text, never as HTML.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lorid_data.pages.page import chunk
from lorid_data.pages.text import visible
from lorid_data.schema import Record
from lorid_train.interaction.draws import Draw, How, draw_seed
from lorid_train.metrics.grading import GradedProblem, Vote
from lorid_train.metrics.rows import Outcome
from lorid_train.report.view import EvaluationView
from lorid_train.roles import ROLES

CHUNK_CHARS = 300_000
"""About how many characters of text one chunk holds."""
QUESTION_CHARS = 1_500
"""What the index keeps of a question: enough to recognise and to search it."""
ANSWER_CHARS = 200
_ROLES = tuple(ROLES)


def data_blocks(views: Sequence[EvaluationView]) -> Iterator[str]:
    """The chunks `t0`, `t1`, … with the draws, then `index`, one block at a time."""
    graded = [_first_seed(v) for v in views]
    headline = [_headline(v) for v in views]
    records: dict[str, Record] = {}
    for v in views:
        for problem_id, record in v.records.items():
            records.setdefault(problem_id, record)
    rows: list[dict[str, Any]] = []
    waiting: list[dict[str, Any]] = []
    size = n_chunks = 0
    for problem_id, record in records.items():
        trace = _trace(
            record, [v.draws(problem_id) if problem_id in v.records else () for v in views], graded
        )
        runs = [
            _index_run(h.get(problem_id), g.get(problem_id))
            for h, g in zip(headline, graded, strict=True)
        ]
        rows.append(_index_row(record, runs, n_chunks, len(waiting)))
        waiting.append(trace)
        size += _size(trace)
        if size >= CHUNK_CHARS:
            yield chunk(f"t{n_chunks}", waiting)
            waiting, size, n_chunks = [], 0, n_chunks + 1
    if waiting:
        yield chunk(f"t{n_chunks}", waiting)
    names = [{"name": visible(v.name, 80), "system": v.scored.headline} for v in views]
    yield chunk("index", {"runs": names, "rows": rows})


def _first_seed(view: EvaluationView) -> dict[str, GradedProblem]:
    """The graded problems of the lowest seed, by problem id."""
    first: dict[str, GradedProblem] = {}
    for g in sorted(view.graded, key=lambda g: g.seed):
        first.setdefault(g.gold.problem_id, g)
    return first


def _headline(view: EvaluationView) -> dict[str, Outcome]:
    """What the table shows of a question: the loop's outcome, else greedy IR's, lowest seed."""
    outcomes = view.scored.outcomes
    rows = outcomes.get(view.scored.headline) or outcomes.get("ir-greedy") or []
    first: dict[str, Outcome] = {}
    for o in sorted(rows, key=lambda o: o.seed):
        first.setdefault(o.problem_id, o)
    return first


def _index_run(outcome: Outcome | None, graded: GradedProblem | None) -> dict[str, Any] | None:
    if outcome is None or graded is None:
        return None
    ir, dr = graded.ir[:1], graded.dr[:1]
    differ = bool(ir and dr and (ir[0].cluster is None or ir[0].cluster != dr[0].cluster))
    return {
        "v": outcome.verdict,
        "a": None if outcome.answer is None else visible(outcome.answer, ANSWER_CHARS),
        "how": outcome.how,
        "r": outcome.round,
        "differ": differ,
    }


def _index_row(
    record: Record, runs: Sequence[dict[str, Any] | None], n_chunk: int, place: int
) -> dict[str, Any]:
    tags = [t for t in (record.subject, f"level {record.level}" if record.level else None) if t]
    return {
        "id": record.problem_id,
        "q": visible(record.question, QUESTION_CHARS),
        "g": visible(_gold(record), ANSWER_CHARS),
        "tags": visible(" · ".join(tags), 120),
        "runs": runs,
        "c": n_chunk,
        "i": place,
    }


def _trace(
    record: Record, draws: Sequence[Sequence[Draw]], graded: Sequence[dict[str, GradedProblem]]
) -> dict[str, Any]:
    return {
        "q": visible(record.question),
        "g": visible(_gold(record), 2_000),
        "rationale": visible(record.rationale),
        "knowledge": [visible(k, 2_000) for k in record.knowledge],
        "runs": [_run(d, g.get(record.problem_id)) for d, g in zip(draws, graded, strict=True)],
    }


def _gold(record: Record) -> str:
    """The reference answer, and those that are right as well."""
    return " or ".join((record.answer, *record.accepted))


def _run(draws: Sequence[Draw], graded: GradedProblem | None) -> dict[str, Any] | None:
    """Every draw of one problem in one run; answers and verdicts of the lowest seed."""
    if graded is None:
        return None
    decision = graded.decisions[-1] if graded.decisions else None
    single: list[dict[str, Any]] = []
    rounds: dict[tuple[int, int], dict[str, Any]] = {}
    for d in sorted(draws, key=lambda d: (d.seed, d.round, _ROLES.index(d.role), d.condition)):
        shown = _draw(d, _vote(d, graded))
        if d.condition == "sampled":
            rounds.setdefault((d.seed, d.round), {"seed": d.seed, "round": d.round})[d.role] = shown
        else:
            single.append(shown)
    said = None
    if decision is not None:
        said = {
            "a": None if decision.answer is None else visible(decision.answer, 2_000),
            "how": decision.how,
            "r": decision.round,
            "v": graded.verdicts[-1],
            "agreed": decision.how == How.CONSENSUS,
        }
    return {
        "decision": said,
        "single": single,
        "rounds": list(rounds.values()),
        "seed": graded.seed,
    }


def _vote(d: Draw, graded: GradedProblem) -> Vote | None:
    """The graded vote of a draw; None for knowledge and for other seeds."""
    if d.seed != graded.seed:
        return None
    if d.condition == "sampled":
        votes = graded.sampled(d.role)
        return votes[d.round - 1] if d.round <= len(votes) else None
    return graded.single.get(f"{d.role}-{d.condition}")


def _draw(d: Draw, vote: Vote | None) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "role": d.role,
        "condition": d.condition,
        "t": visible(d.text),
        "n": d.n_tokens,
        "finish": d.finish_reason,
        "s": str(draw_seed(d.key)),
    }
    if vote is not None:
        shown["a"] = None if vote.answer is None else visible(vote.answer, ANSWER_CHARS)
        shown["v"] = vote.verdict
    return shown


def _size(trace: dict[str, Any]) -> int:
    """About how many characters of text a trace holds."""
    n = len(trace["q"]) + len(trace["rationale"])
    for run in trace["runs"]:
        for shown in (*run["single"], *run["rounds"]) if run else ():
            texts = shown.values() if "round" in shown else [shown]
            n += sum(len(s["t"]) for s in texts if isinstance(s, dict))
    return n

"""The questions and their draws, packed for the page: an index, and chunks opened on demand.

Everything that a model or a dataset wrote passes `visible` here, and the page's script sets it
as text, never as HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from lorid_data.pages.latex import Dialect, pieces, shown
from lorid_data.pages.page import chunk
from lorid_data.pages.text import visible
from lorid_data.schema import Record
from lorid_train.interaction.draws import Decision, Draw, How, draw_seed
from lorid_train.metrics.grading import GradedProblem, Vote
from lorid_train.report import question_index
from lorid_train.report.view import EvaluationView
from lorid_train.roles import ROLES

CHUNK_CHARS = 300_000
"""About how many characters of text one chunk holds."""
MOST_FORMULAS = 20_000
"""Formulas of reference solutions and draws that a page sets; beyond, their LaTeX is shown: setting one takes
about 0.4 ms, and a long evaluation of MATH holds millions."""
_ROLES = tuple(ROLES)


def data_blocks(views: Sequence[EvaluationView]) -> Iterator[str]:
    """The chunks `t0`, `t1`, … with the draws, then `index`, one block at a time."""
    graded = [question_index.first_seed(v) for v in views]
    systems = [question_index.by_system(v) for v in views]
    formulas = _Formulas(MOST_FORMULAS)
    records: dict[str, Record] = {}
    for v in views:
        for problem_id, record in v.records.items():
            records.setdefault(problem_id, record)
    rows: list[dict[str, Any]] = []
    waiting: list[dict[str, Any]] = []
    size = n_chunks = 0
    for problem_id, record in records.items():
        draws = [v.draws(problem_id) if problem_id in v.records else () for v in views]
        trace = _trace(record, draws, graded, formulas)
        runs = [
            question_index.run_of(s, g.get(problem_id), problem_id, v.scored.before)
            for s, g, v in zip(systems, graded, views, strict=True)
        ]
        rows.append(question_index.row(record, runs, n_chunks, len(waiting)))
        waiting.append(trace)
        size += _size(trace)
        if size >= CHUNK_CHARS:
            yield chunk(f"t{n_chunks}", waiting)
            waiting, size, n_chunks = [], 0, n_chunks + 1
    if waiting:
        yield chunk(f"t{n_chunks}", waiting)
    yield chunk("index", {"runs": question_index.runs(views, systems), "rows": rows})


class _Formulas:
    """Texts with their formulas set, as long as the page can afford it."""

    def __init__(self, most: int) -> None:
        self._left = most

    def shown(self, text: str, how: Dialect) -> str | list[Any]:
        """The pieces of a text, or the text itself where it has none or too many were set already."""
        if how is Dialect.PLAIN or self._left <= 0:
            return visible(text)
        found = pieces(text, how)
        n = sum(not isinstance(p, str) for p in found)
        self._left -= n
        return found if n else "".join(found)


def _trace(
    record: Record,
    draws: Sequence[Sequence[Draw]],
    graded: Sequence[dict[str, GradedProblem]],
    formulas: _Formulas,
) -> dict[str, Any]:
    how = question_index.how_of(record)
    runs = [
        _run(d, g.get(record.problem_id), partial(formulas.shown, how=how))
        for d, g in zip(draws, graded, strict=True)
    ]
    return {
        "q": shown(record.question, how),
        "g": shown(question_index.gold_of(record), how, 2_000),
        "rationale": formulas.shown(record.rationale, how),
        "knowledge": [shown(k, how, 2_000) for k in record.knowledge],
        "runs": runs,
    }


def _run(
    draws: Sequence[Draw], graded: GradedProblem | None, text: Callable[[str], Any]
) -> dict[str, Any] | None:
    """Every draw of one problem in one run; answers and verdicts of the lowest seed."""
    if graded is None:
        return None
    decision = graded.decisions[-1] if graded.decisions else None
    single: list[dict[str, Any]] = []
    rounds: dict[tuple[int, int], dict[str, Any]] = {}
    for d in sorted(draws, key=lambda d: (d.seed, d.round, _ROLES.index(d.role), d.condition)):
        one = _draw(d, _vote(d, graded), text)
        if d.condition == "sampled":
            rounds.setdefault((d.seed, d.round), {"seed": d.seed, "round": d.round})[d.role] = one
        else:
            single.append(one)
    said = None
    if decision is not None:
        said = {
            "a": None if decision.answer is None else visible(decision.answer, 2_000),
            "how": decision.how,
            "r": decision.round,
            "v": graded.verdicts[-1],
            "way": _way(decision),
            "n": dict(zip(("ir", "dr"), decision.drawn, strict=True)),
        }
    return {
        "decision": said,
        "single": single,
        "rounds": list(rounds.values()),
        "seed": graded.seed,
    }


def _way(d: Decision) -> str:
    """How the loop came to its decision, and how sure it is."""
    chance = "" if d.probability is None else f"; right with probability {d.probability:.2f}"
    return _stop(d.withheld or d) + (", withheld" if d.withheld else "") + chance


def _stop(d: Decision) -> str:
    """Where the loop stopped, and who answers."""
    if d.n_ir is not None:  # votes were weighed
        made = f"{d.n_ir} of IR and {d.n_dr} of KG and DR"
        enough = "likely enough" if d.how == How.CONSENSUS else "never likely enough"
        return f"{enough} after {made}"
    if d.how == How.CONSENSUS:
        return f"agreed in round {d.round}"
    never = f"no consensus in {d.round} rounds"
    return never if d.how == How.NONE else f"{never}, fallback"


def _vote(d: Draw, graded: GradedProblem) -> Vote | None:
    """The graded vote of a draw; None for knowledge and for other seeds."""
    if d.seed != graded.seed:
        return None
    if d.condition == "sampled":
        votes = graded.sampled(d.role)
        return votes[d.round - 1] if d.round <= len(votes) else None
    return graded.single.get(f"{d.role}-{d.condition}")


def _draw(d: Draw, vote: Vote | None, text: Callable[[str], Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "role": d.role,
        "condition": d.condition,
        "t": text(d.text),
        "n": d.n_tokens,
        "finish": d.finish_reason,
        "s": str(draw_seed(d.key)),
    }
    if vote is not None:
        made["a"] = (
            None if vote.answer is None else visible(vote.answer, question_index.ANSWER_CHARS)
        )
        made["v"] = vote.verdict
    return made


def _size(trace: dict[str, Any]) -> int:
    """About how many characters of text a trace holds; a formula counts as a hundred."""
    n = _length(trace["q"]) + _length(trace["rationale"])
    for run in trace["runs"]:
        for one in (*run["single"], *run["rounds"]) if run else ():
            texts = one.values() if "round" in one else [one]
            n += sum(_length(s["t"]) for s in texts if isinstance(s, dict))
    return n


def _length(said: str | list[Any]) -> int:
    if isinstance(said, str):
        return len(said)
    return sum(len(p) if isinstance(p, str) else 100 for p in said)

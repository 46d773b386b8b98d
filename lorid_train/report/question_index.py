"""The questions of a page as a list: what a closed row shows, and what it is searched and filtered by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lorid_data.pages.latex import Dialect, dialect, shown
from lorid_data.pages.text import visible
from lorid_data.schema import Record
from lorid_train.metrics.grading import GradedProblem
from lorid_train.metrics.rows import Outcome, Verdict
from lorid_train.report.view import EvaluationView

QUESTION_CHARS = 1_500
"""What the index keeps of a question: enough to recognise and to search it."""
ANSWER_CHARS = 200
_CODES = {
    Verdict.CORRECT: "c",
    Verdict.WRONG: "w",
    Verdict.NO_ANSWER: "n",
    Verdict.UNGRADABLE: "u",
}
BySystem = Mapping[str, Mapping[str, Outcome]]
"""The lowest seed's outcomes by system and problem id."""


def how_of(record: Record) -> Dialect:
    """How a question's texts write formulas."""
    texts = (record.question, record.rationale, gold_of(record), *record.knowledge)
    return dialect(record.source, texts)


def gold_of(record: Record) -> str:
    """The reference answer, and those that are right as well."""
    return " or ".join((record.answer, *record.accepted))


def first_seed(view: EvaluationView) -> dict[str, GradedProblem]:
    """The graded problems of the lowest seed, by problem id."""
    first: dict[str, GradedProblem] = {}
    for g in sorted(view.graded, key=lambda g: g.seed):
        first.setdefault(g.gold.problem_id, g)
    return first


def by_system(view: EvaluationView) -> BySystem:
    """Every system's outcomes of its lowest seed, the one that rows show first: the loop, else greedy IR."""
    outcomes = view.scored.outcomes
    first = next((s for s in (view.scored.headline, "ir-greedy") if s in outcomes), None)
    found: dict[str, dict[str, Outcome]] = {}
    for system in sorted(outcomes, key=lambda s: s != first):
        of: dict[str, Outcome] = {}
        for o in sorted(outcomes[system], key=lambda o: o.seed):
            of.setdefault(o.problem_id, o)
        found[system] = of
    return found


def run_of(
    systems: BySystem,
    graded: GradedProblem | None,
    problem_id: str,
    before: Callable[[Outcome], Outcome] = lambda o: o,
) -> dict[str, Any] | None:
    """One question in one run: verdict and answer of every system, and what the loop did.

    `s` has a letter per system (c, w, n, u; - where it lacks the question), `as` the distinct
    answers, `ai` the place of each system's answer in them, -1 for none. Where the first system's
    answer is withheld, `was` is how it came about and the verdict on it (`Scored.before`).
    """
    found = [of.get(problem_id) for of in systems.values()]
    if not found or found[0] is None or graded is None:
        return None
    answers: list[str] = []
    places = []
    for o in found:
        if o is None or o.answer is None:
            places.append(-1)
            continue
        said = visible(o.answer, ANSWER_CHARS)
        if said not in answers:
            answers.append(said)
        places.append(answers.index(said))
    ir, dr = graded.ir[:1], graded.dr[:1]
    was = before(found[0])
    return {
        **({} if was == found[0] else {"was": [was.how, was.verdict]}),
        "v": found[0].verdict,
        "how": found[0].how,
        "r": found[0].round,
        "differ": bool(ir and dr and (ir[0].cluster is None or ir[0].cluster != dr[0].cluster)),
        "s": "".join("-" if o is None else _CODES[Verdict(o.verdict)] for o in found),
        "as": answers,
        "ai": places,
    }


def row(
    record: Record, runs: Sequence[dict[str, Any] | None], n_chunk: int, place: int
) -> dict[str, Any]:
    """A row of the list; its draws lie in chunk `n_chunk`, at `place`."""
    tags = [t for t in (record.subject, f"level {record.level}" if record.level else None) if t]
    how = how_of(record)
    return {
        "id": record.problem_id,
        "q": shown(record.question, how, QUESTION_CHARS),
        "g": visible(gold_of(record), ANSWER_CHARS),
        "tags": visible(" · ".join(tags), 120),
        "subject": visible(record.subject or "", 80),
        "runs": runs,
        "c": n_chunk,
        "i": place,
    }


def runs(views: Sequence[EvaluationView], systems: Sequence[BySystem]) -> list[dict[str, Any]]:
    """What the list knows of each run."""
    return [
        {"name": visible(v.name, 80), "system": v.scored.headline, "systems": list(of)}
        for v, of in zip(views, systems, strict=True)
    ]

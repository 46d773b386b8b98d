"""Small tables of draws written out by hand, and what the metrics make of them.

Loaded with `runpy.run_path`. An answer `!` cannot be parsed, one with `?` takes too long.
"""

from __future__ import annotations

from typing import Any

from lorid_train.interaction.draws import Decision, Draw, How
from lorid_train.metrics.grading import Gold, GradedProblem, grade
from lorid_train.metrics.rows import Metric
from lorid_train.metrics.systems import Scored


def extract(text: str) -> str | None:
    return text or None


def equal(a: str, b: str) -> str:
    return "timeout" if "?" in a else "unparsed" if "!" in a else "equal" if a == b else "different"


def group(answers: list[str]) -> list[int]:
    return [answers.index(a) for a in answers]


def same_round(draws: Any, t: int, *, fallback: str = "ir") -> Decision:
    ir = {d.round: d.text for d in draws if d.role == "ir"}
    dr = {d.round: d.text for d in draws if d.role == "dr"}
    for r in range(1, t + 1):
        if ir[r] and ir[r] == dr[r]:
            return Decision(answer=ir[r], how=How.CONSENSUS, round=r)
    if fallback == "none" or not ir[t]:
        return Decision(answer=None, how=How.NONE, round=t)
    return Decision(answer=ir[t], how=How.FALLBACK, round=t)


def draw(
    role: str, r: int, text: str, *, condition: str = "sampled", seed: int = 0, pid: str = "p"
) -> Draw:
    return Draw(
        problem_id=pid, role=role, condition=condition, seed=seed, round=r, text=text, finish_reason="stop",
        n_prompt_tokens=1, n_tokens={"ir": 10, "kg": 5, "dr": 20, "ks": 16, "ird": 11}[role], prompt_sha256="",
    )  # fmt: skip


def sampled(ir: list[str], dr: list[str], *, seed: int = 0, pid: str = "p") -> list[Draw]:
    found = [draw("ir", i + 1, a, seed=seed, pid=pid) for i, a in enumerate(ir)]
    for i, a in enumerate(dr):
        found += [
            draw("kg", i + 1, "rule", seed=seed, pid=pid),
            draw("dr", i + 1, a, seed=seed, pid=pid),
        ]
    return found


def graded(
    draws: list[Draw], *, gold: str = "1", rounds: int = 3, pid: str = "p", **slices: str
) -> list[GradedProblem]:
    return grade(
        Gold(pid, gold, slices), draws, decide=same_round, rounds=rounds, extract=extract, equal=equal, group=group
    )  # fmt: skip


def outcome(scored: Scored, system: str) -> Any:
    [o] = scored.outcomes[system]
    return o


def value(metrics: list[Metric], system: str, metric: str, label: str | None = None) -> Metric:
    [m] = [m for m in metrics if (m.system, m.metric, m.slice) == (system, metric, label)]
    return m


def two_problems(**slices: str) -> list[GradedProblem]:
    return [
        *graded(sampled(["1", "1", "1"], ["1", "2", "1"]), subject="algebra", level="1", **slices),
        *graded(
            sampled(["!", "2", "2"], ["3", "2", "2"], pid="q"),
            pid="q",
            subject="geometry",
            level="1",
            **slices,
        ),
    ]

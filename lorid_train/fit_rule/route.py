"""Whether the question alone tells which way is worth its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lorid_data.commandline import result
from lorid_data.errors import InputError
from lorid_data.folders.names import RECORDS
from lorid_data.folders.parquet import read_rows
from lorid_data.pages.table import aligned, table
from lorid_data.schema import Record
from lorid_train.fit_rule import regression
from lorid_train.fit_rule.question_features import features_of
from lorid_train.fit_rule.routing import ARMS, Compared, Way, adjusted, compare
from lorid_train.fit_rule.rule import read_graded
from lorid_train.interaction.rule_files import load
from lorid_train.interaction.weigher import Weigher
from lorid_train.metrics.grading import GradedProblem, Vote
from lorid_train.metrics.rows import Verdict
from lorid_train.report.view import weighed_at
from lorid_train.report.words import p_value, points

FEWEST = 50
"""Original questions; with fewer, a router learns nothing."""


def compared(evaluations: Sequence[Path], rule_file: Path | None, rounds: int) -> None:
    """Show what a router gains on stored draws over every fixed way.

    Raises:
        ConfigError: scikit-learn is missing, or the rule was fitted on these questions.
        InputError: draws are missing, or too few questions.
    """
    regression.require()
    rule = load(rule_file)
    weigher = rule.weigher()
    ways: list[Way] = []
    for folder in evaluations:
        records = list(read_rows(folder / RECORDS, Record))
        rule.refuse_fitted_on(records, str(folder))
        ways += ways_of(records, read_graded(folder), weigher, rounds, str(folder))
    n = len({w.cluster for w in ways})
    if n < FEWEST:
        msg = f"{n} questions: a router is judged on {FEWEST} or more; name evaluations of more questions"
        raise InputError(msg)
    found = adjusted(compare(ways))
    result.show(text(found, n), {"n_questions": n, "arms": [as_json(c) for c in found]})


def ways_of(
    records: Sequence[Record], graded: Sequence[GradedProblem], weigher: Weigher, rounds: int, where: str
) -> list[Way]:  # fmt: skip
    """Every question under every seed, with what each way comes to on its stored draws.

    Raises:
        InputError: draws are missing.
    """
    of = {r.problem_id: r for r in records}
    asked = [of[g.gold.problem_id] for g in graded]
    features = features_of([r.question for r in asked], [r.subject for r in asked])
    found = []
    for r, g, f in zip(asked, graded, features, strict=True):
        weighed = weighed_at(g, weigher=weigher, t=rounds)
        if weighed is None or not g.ir or not g.dr:
            msg = (
                f"{where}: draws are missing that the weighed loop asks for, of {r.question[:80]!r}; evaluate with "
                "--schedule exhaustive, or name fewer --rounds"
            )
            raise InputError(msg)
        right = (_right(g.ir), _right(g.dr), float(weighed.verdict == Verdict.CORRECT))
        tokens = (_tokens(g.ir), _tokens(g.dr), float(weighed.n_tokens))
        found.append(Way(r.original_id, f, right, tokens))
    return found


def _right(votes: Sequence[Vote]) -> float:
    return sum(v.verdict == Verdict.CORRECT for v in votes) / len(votes)


def _tokens(votes: Sequence[Vote]) -> float:
    return sum(v.n_tokens for v in votes) / len(votes)


def text(found: Sequence[Compared], n: int) -> str:
    """The comparisons as a table for a terminal."""
    rows = [
        [
            c.arm, f"{c.tokens:,.0f}", f"{c.right:.1%}", f"{c.fixed:.1%}",
            f"{points(c.ahead[0])} ({points(c.ahead[1])} to {points(c.ahead[2])})", p_value(c.p),
            f"{points(c.ahead_of_blind[0])} ({points(c.ahead_of_blind[1])} to {points(c.ahead_of_blind[2])})",
            p_value(c.p_blind), " / ".join(f"{s:.0%}" for s in c.taken),
        ]
        for c in found
    ]  # fmt: skip
    head = ["at the cost of", "tokens", "router", "fixed", "router − fixed", "p", "router − blind", "p", "takes"]  # fmt: skip
    note = (
        f"({n:,} questions; fixed: the best mixture of ways that costs the same; blind: shuffled features; p after "
        f"Holm's correction over all rows; takes: {', '.join(ARMS)})"
    )
    return f"{aligned(table(head, rows))}\n{note}"


def as_json(c: Compared) -> dict[str, Any]:
    """Plain values for other programs."""
    return {
        "at_the_cost_of": c.arm, "tokens_per_problem": c.tokens, "router": c.right, "fixed": c.fixed,
        "difference": c.ahead[0], "ci_low": c.ahead[1], "ci_high": c.ahead[2], "p_holm": c.p,
        "difference_blind": c.ahead_of_blind[0], "ci_low_blind": c.ahead_of_blind[1],
        "ci_high_blind": c.ahead_of_blind[2], "p_holm_blind": c.p_blind,
        "taken": dict(zip(ARMS, c.taken, strict=True)),
    }  # fmt: skip

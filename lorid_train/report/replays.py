"""What other rules and fallbacks would have made of the same draws, for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from lorid_train.interaction.draws import Decision, How
from lorid_train.interaction.rules import Fallback, Rule, agree, decide_answers, fall_back
from lorid_train.interaction.three_way import THREE_WAY
from lorid_train.interaction.weighed import play
from lorid_train.interaction.weigher import Weigher
from lorid_train.metrics.grading import GradedProblem
from lorid_train.metrics.numbers import fraction
from lorid_train.metrics.rows import Metric, Verdict

RULES: tuple[Rule, ...] = tuple(r for r in get_args(Rule) if r not in THREE_WAY)
"""Those of IR and DR; what programs decide is shown as systems of its own (`report.three_way`)."""
FALLBACKS: tuple[Fallback, ...] = tuple(f for f in get_args(Fallback) if f != "cg")


def replays(
    graded: Sequence[GradedProblem], thresholds: Sequence[int], weigher: Weigher | None
) -> list[Metric]:
    """Accuracy and coverage of `lorid@t` under every rule and fallback.

    Under `weighed` a fallback answers nothing (`none`) or is the leader's answer, whichever it is
    called; it is shown as `ir`, the usual one.

    A combination whose draws are missing for some question is left out: a lazy schedule under the
    cumulative rule stops before same-round agreement.
    """
    found: list[Metric] = []
    in_pairs = [r for r in RULES if r != "weighed"]
    stops = {rule: [_stop(g, rule) for g in graded] for rule in in_pairs}
    for t in thresholds:
        for rule in in_pairs:
            for fallback in FALLBACKS:
                found += _replay(graded, stops[rule], t, rule, fallback)
        if weigher is not None:
            found += _weighed(graded, t, weigher)
    return found


def _weighed(graded: Sequence[GradedProblem], t: int, weigher: Weigher) -> list[Metric]:
    games = []
    for g in graded:
        ir, dr = ([v.answer for v in g.to_look_at(role)] for role in ("ir", "dr"))
        game = play(ir, dr, weigher, rounds=t, agree=agree)
        if game.wants is not None:
            return []
        games.append((g, game))
    found = []
    for fallback in ("none", "ir"):
        right: dict[str, list[bool]] = {}
        enough: dict[str, list[bool]] = {}
        for g, game in games:
            answers = game.is_enough or fallback != "none"
            is_right = answers and _is_right(g, game.answer)
            right.setdefault(g.gold.problem_id, []).append(is_right)
            enough.setdefault(g.gold.problem_id, []).append(game.is_enough)
        of = label("weighed", fallback)
        found += [
            fraction(f"lorid@{t}", "accuracy", right, slice_name=of),
            fraction(f"lorid@{t}", "coverage", enough, slice_name=of),
        ]
    return found


def label(rule: str, fallback: str) -> str:
    """The slice of a combination."""
    return f"rule={rule},fallback={fallback}"


def _answers(g: GradedProblem) -> tuple[dict[int, str | None], dict[int, str | None]]:
    """The stored answers of IR and DR by round, as far as both have one."""
    votes = list(zip(g.to_look_at("ir"), g.to_look_at("dr"), strict=False))
    ir, dr = ({i: pair[side].answer for i, pair in enumerate(votes, 1)} for side in (0, 1))
    return ir, dr


def _stop(g: GradedProblem, rule: Rule) -> Decision:
    """Where a rule stops in the stored rounds: the same for every threshold from there on."""
    ir, dr = _answers(g)
    return decide_answers(ir, dr, rule=rule, rounds=len(ir), fallback="none")


def _replay(
    graded: Sequence[GradedProblem],
    stops: Sequence[Decision],
    t: int,
    rule: Rule,
    fallback: Fallback,
) -> list[Metric]:
    right: dict[str, list[bool]] = {}
    agreed: dict[str, list[bool]] = {}
    for g, stop in zip(graded, stops, strict=True):
        is_agreed = stop.how == How.CONSENSUS and stop.round <= t
        if is_agreed:
            answer = stop.answer
        else:
            ir, dr = _answers(g)
            if len(ir) < t:
                return []
            answer = fall_back(ir, dr, t, fallback)
        right.setdefault(g.gold.problem_id, []).append(_is_right(g, answer))
        agreed.setdefault(g.gold.problem_id, []).append(is_agreed)
    name, of = f"lorid@{t}", label(rule, fallback)
    return [
        fraction(name, "accuracy", right, slice_name=of),
        fraction(name, "coverage", agreed, slice_name=of),
    ]


def _is_right(g: GradedProblem, answer: str | None) -> bool:
    votes = (*g.to_look_at("ir"), *g.to_look_at("dr"))
    return answer is not None and any(
        v.answer == answer and v.verdict == Verdict.CORRECT for v in votes
    )

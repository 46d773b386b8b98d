"""One evaluation as a report sees it: its settings, scores and numbers, and a way to its draws."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from lorid_data.schema import Record
from lorid_train.interaction import weighed
from lorid_train.interaction.draws import Decision, Draw, How
from lorid_train.interaction.rule_files import default_weigher
from lorid_train.interaction.rules import Fallback, Rule, agree, answer_of, conclude, decide
from lorid_train.interaction.three_way import EQUAL, Votes
from lorid_train.interaction.weigher import Weigher
from lorid_train.metrics.deciding import last_decisions
from lorid_train.metrics.grading import GradedProblem, gold_of, grade
from lorid_train.metrics.official import official_grader
from lorid_train.metrics.programs import Times, of_programs
from lorid_train.metrics.rows import Metric, Verdict
from lorid_train.metrics.schedule import as_scheduled
from lorid_train.metrics.summary import exact_grader, summarise
from lorid_train.metrics.systems import Answer, Answered, Scored, outcomes
from lorid_train.report.replays import replays
from lorid_train.report.targets import Target
from lorid_train.report.three_way import three_way_systems

REPLAYED = (1, 3, 5, 10)
"""Thresholds at which other rules and fallbacks are shown, beside the largest."""
WEIGHED = "weighed"
"""What the rule that weighs votes is called beside a loop that stops otherwise."""
DrawsOf = Callable[[str], Sequence[Draw]]
"""problem id → all its draws, any order."""


@dataclass(frozen=True, slots=True)
class Replay:
    """How the loop decides: any of these can be changed on stored draws, for nothing."""

    rounds: int = 20
    """The largest threshold t."""
    rule: Rule = "same_round"
    fallback: Fallback = "ir"
    weigher: Weigher | None = None
    """The fitted rule; None is the packaged one."""
    abstain_below: float | None = None
    """Answers with a lower chance of being right are withheld."""
    votes: Votes = EQUAL
    """What the rule `cg_votes` counts."""
    is_stated: bool = True
    """Whether answers state a chance, and the weighed rule stands beside: not where it was fitted on
    the questions."""

    def __call__(self, draws: Sequence[Draw], t: int) -> Decision | None:
        """The decision at threshold t; None where the rule asks for draws that are missing."""
        if self.in_pairs and not self.is_stated:
            return decide(draws, rule=self.rule, rounds=t, fallback=self.fallback)
        return conclude(
            draws, rule=self.rule, rounds=t, fallback=self.fallback, weigher=self.weigher,
            abstain_below=self.abstain_below, votes=self.votes,
        )  # fmt: skip

    @property
    def in_pairs(self) -> bool:
        """Whether it takes whole rounds of IR and DR."""
        return self.rule in ("same_round", "cumulative") and self.fallback != "cg"

    @property
    def shown(self) -> dict[str, Any]:
        """What a report says of it."""
        found = {"rounds": self.rounds, "rule": self.rule, "fallback": self.fallback}
        return found if self.abstain_below is None else {**found, "abstain_below": self.abstain_below}  # fmt: skip


@dataclass(frozen=True, slots=True)
class EvaluationView:
    """What a report shows of one evaluation."""

    name: str
    """The heading of its column."""
    settings: Mapping[str, Any]
    """Base, adapters, seed, rule, t, …: shown flat, in this order."""
    records: Mapping[str, Record]
    """The problems by id, in dataset order."""
    graded: Sequence[GradedProblem]
    scored: Scored
    metrics: Sequence[Metric]
    draws: DrawsOf
    targets: Sequence[Target] = ()
    """Accuracies that others reported."""
    draw_s: float | None = None
    """Seconds that its draws took, where they were noted."""
    training: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What training logged of each role's adapter, where that is known."""
    executed: Times | None = None
    """How long programs took, where some were run."""


def view_of(  # noqa: PLR0913  (one argument per thing that a report shows)
    name: str, records: Iterable[Record], draws: DrawsOf, *,
    replay: Replay, asked: Replay | None = None, exhaustive: bool = False,
    thresholds: Sequence[int] = (1, 3, 5, 20),
    graders: Mapping[str, Callable[[str, str], Any]] | None = None,
    settings: Mapping[str, Any] | None = None,
    voted: Sequence[str] = ("ir",),
    samples: Mapping[str, int] | None = None,
    unasked: Callable[[str], str | None] = lambda _: None,
    extra: Sequence[Metric] = (),
    targets: Sequence[Target] = (),
    draw_s: float | None = None,
    training: Mapping[str, Mapping[str, Any]] | None = None,
    executed: Times | None = None,
) -> EvaluationView:  # fmt: skip
    """Grade, score and measure one evaluation.

    Texts are read one problem at a time and not kept. Of records that share a question the first counts.

    Args:
        name: how the report calls it.
        records: the problems with their gold answers.
        draws: where the draws are.
        replay: rule, largest threshold and fallback of the loop.
        asked: how the loop was decided when the draws were made, where that is not `replay`.
        exhaustive: whether every round was drawn for every problem on purpose.
        thresholds: further t to show as systems.
        graders: others to show accuracies under (`metrics.summarise`); exact strings and the official one by default.
        settings: what to show of the run's configuration; rule, t and fallback are added.
        voted: roles that were drawn on after the loop for majority voting.
        samples: rounds by role that were drawn whatever the loop needed.
        unasked: what to say of a system that nobody asked for (`metrics.outcomes`).
        extra: metrics that do not come from the draws.
        targets: accuracies that others reported.
        draw_s: seconds that the draws took.
        training: by role, the losses that training logged.
        executed: how long programs took.
    """
    by_id: dict[str, Record] = {}
    for r in records:
        by_id.setdefault(r.problem_id, r)
    graded = _grade_all(by_id.values(), draws, replay)
    last = None if asked is None or exhaustive else made_for(by_id, draws, asked)
    graded = as_scheduled(graded, exhaustive=exhaustive, voted=voted, samples=samples, asked=last)
    t, further = replay.rounds, _further(graded, replay)
    scored = outcomes(graded, rounds=t, thresholds=thresholds, further=further, unasked=unasked)
    found = summarise(scored, graded, graders=_GRADERS if graders is None else graders)
    return EvaluationView(
        name=name,
        settings={**(settings or {}), **replay.shown},
        records=by_id,
        graded=graded,
        scored=scored,
        metrics=[*found, *_replayed(graded, replay), *extra],
        draws=draws,
        targets=targets,
        draw_s=draw_s,
        training=training or {},
        executed=executed,
    )


_GRADERS = {"exact": exact_grader, "official": official_grader}


def _replayed(graded: Sequence[GradedProblem], replay: Replay) -> list[Metric]:
    """What other rules, fallbacks and thresholds give, and what became of programs."""
    ts = [t for t in REPLAYED if t < replay.rounds] + [replay.rounds]
    weigher = replay.weigher or default_weigher()
    return [*replays(graded, ts, weigher if replay.is_stated else None), *of_programs(graded)]


def _further(graded: Sequence[GradedProblem], replay: Replay) -> dict[str, Answer]:
    """The rule that weighs votes, where the loop is not decided by it, and those in which programs have a say."""
    weigher, t = replay.weigher or default_weigher(), replay.rounds
    found: dict[str, Answer] = {}
    if replay.rule != "weighed" and replay.is_stated:
        found[f"{WEIGHED}@{t}"] = partial(weighed_at, weigher=weigher, t=t)
    return found | dict(three_way_systems(graded, t, replay.fallback, replay.votes))


def _grade_all(records: Iterable[Record], draws: DrawsOf, replay: Replay) -> list[GradedProblem]:
    graded: list[GradedProblem] = []
    for r in records:
        graded += grade(
            gold_of(r),
            draws(r.problem_id),
            decide=replay,
            rounds=replay.rounds,
            extract=answer_of,
            in_pairs=replay.in_pairs,
        )
    return graded


def made_for(ids: Iterable[str], draws: DrawsOf, asked: Replay) -> list[Decision | None]:
    """What the rule by which the draws were made decides of each problem and seed, as they are graded."""
    return [
        d
        for problem_id in ids
        for d in last_decisions(draws(problem_id), asked, asked.rounds, in_pairs=asked.in_pairs)
    ]


def weighed_at(g: GradedProblem, *, weigher: Weigher, t: int) -> Answered | None:
    """The rule that weighs votes, on the draws of a problem; None where it asks for more of them."""
    ir, dr = (g.to_look_at(role) for role in ("ir", "dr"))
    said_by_ir, said_by_dr = ([v.answer for v in side] for side in (ir, dr))
    game = weighed.play(said_by_ir, said_by_dr, weigher, rounds=t, agree=agree)
    if game.wants is not None:
        return None
    used = (*ir[: game.n_ir], *dr[: game.n_dr])
    said = next((v.verdict for v in used if v.answer == game.answer), Verdict.NO_ANSWER)
    n_tokens = sum(v.n_tokens for v in used)
    how = How.CONSENSUS if game.is_enough else How.NONE if game.answer is None else How.FALLBACK
    return Answered(game.answer, said, how, game.round, n_tokens, game.probability)

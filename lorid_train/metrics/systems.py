"""From graded draws to one outcome per system, problem and seed.

A system answers every problem or is left out: where draws are missing the reason is kept, and
nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from typing import NamedTuple

from lorid_train.interaction.draws import Decision
from lorid_train.metrics.grading import GradedProblem, Vote
from lorid_train.metrics.rows import Outcome, Verdict
from lorid_train.metrics.voting import first_reached, leader, votes_needed, votes_within
from lorid_train.roles import SELF_STANDING


class Answered(NamedTuple):
    """What a system says to one problem under one seed, and what it cost."""

    answer: str | None
    verdict: Verdict
    how: str
    round: int
    n_tokens: int
    probability: float | None = None
    withheld: Answered | None = None
    """What it would have said, where its answer is withheld."""


EARLY_STOP = "early-stop-ir"
Answer = Callable[[GradedProblem], Answered | None]
"""A system: its answer to a problem, or None where the draws it needs are missing."""
_NO_DRAW = "its draws are missing for all questions"
_OF_GOLD_KNOWLEDGE = frozenset({f"dr-{kind}-knowledge" for kind in ("gold", "shuffled", "other")})
"""Systems that read the dataset's knowledge, or what is made of it."""


@dataclass(frozen=True, slots=True)
class Scored:
    """The outcomes of all systems on the same problems."""

    outcomes: dict[str, list[Outcome]]
    """By system, in the order in which a report shows them."""
    left_out: dict[str, str]
    """Systems without an outcome: why."""
    rounds: int
    """The largest threshold t."""
    notes: dict[str, str] = field(default_factory=dict)
    """What to know about a system: the tokens that its K was matched on, its cap."""
    withheld: dict[tuple[str, str, int], Outcome] = field(default_factory=dict)
    """By system, problem and seed, what the outcome of an answer that is withheld would have been."""

    def before(self, o: Outcome) -> Outcome:
        """An outcome as it was before its answer was withheld; itself where that was not done."""
        return self.withheld.get((o.system, o.problem_id, o.seed), o)

    @property
    def headline(self) -> str:
        """The name of the loop at its largest threshold."""
        return f"lorid@{self.rounds}"


def kind(system: str) -> str:
    """A system's name with K for the number that was matched on tokens: maj-ir@8 → maj-ir@K."""
    name, at, _ = system.partition("@")
    return f"{name}@K" if at and name.startswith(("maj-", EARLY_STOP)) else system


def outcomes(
    graded: Sequence[GradedProblem],
    *,
    rounds: int,
    thresholds: Iterable[int] = (1, 3, 5, 20),
    further: Mapping[str, Answer] | None = None,
    unasked: Callable[[str], str | None] = lambda _: None,
) -> Scored:
    """The outcome of every system that the draws allow.

    Args:
        graded: all problems and seeds, graded with at least these rounds.
        rounds: the largest threshold; `lorid@<rounds>` is what others are compared with.
        thresholds: further thresholds to show; those above `rounds` are ignored.
        further: other ways to decide on the same draws, by name.
        unasked: of a system without a draw, that nobody asked for it, or None where its draws are missed.
    """
    scored = Scored({}, {}, rounds)
    ts = sorted({t for t in thresholds if t <= rounds} | {rounds})
    _add(scored, graded, "ir-greedy", single("ir-greedy"))
    _add(scored, graded, "ir-sampled", first_vote("ir"))
    _add_further(scored, graded)
    conditions = sorted({name for g in graded for name in g.single if name.startswith("dr-")})
    for name in dict.fromkeys(["dr-gold-knowledge", "dr-kg-knowledge", *conditions]):
        _add(scored, graded, name, single(name))
    _add(scored, graded, "dr-sampled", first_vote("dr"))
    for t in ts:
        _add(scored, graded, f"lorid@{t}", partial(loop_at, t=t))
    for name, answer in (further or {}).items():
        _add(scored, graded, name, answer)
    programs = ("cg",) if any("cg" in g.further for g in graded) else ()
    for pool in ("ir", "dr", "both", *programs):
        _add_majority(scored, graded, pool)
    _add_early_stop(scored, graded)
    _add(scored, graded, "oracle", partial(oracle_within, t=rounds))
    for name, why in scored.left_out.items():
        if why == _NO_DRAW:
            scored.left_out[name] = unasked(name) or why
    return scored


def _add(scored: Scored, graded: Sequence[GradedProblem], name: str, answer: Answer) -> None:
    """Run a system over every problem of the seeds that it was drawn for."""
    results = [(g, answer(g)) for g in graded]
    seeds = {g.seed for g, a in results if a is not None}
    wanted = [(g, a) for g, a in results if g.seed in seeds]
    n_missing = sum(a is None for _, a in wanted)
    if not seeds or n_missing:
        scored.left_out[name] = _why_left_out(name, wanted if seeds else results)
        return
    scored.outcomes[name] = [_outcome(name, g, a) for g, a in wanted if a is not None]
    for g, a in wanted:
        if a is not None and a.withheld is not None:
            key = (name, g.gold.problem_id, g.seed)
            scored.withheld[key] = _outcome(name, g, a.withheld)


def _outcome(name: str, g: GradedProblem, a: Answered) -> Outcome:
    """What a system says to a problem, as a row."""
    return Outcome(
        system=name,
        problem_id=g.gold.problem_id,
        seed=g.seed,
        answer=a.answer,
        verdict=a.verdict,
        how=a.how,
        round=a.round,
        n_tokens=a.n_tokens,
        subject=g.gold.slices.get("subject"),
        level=g.gold.slices.get("level"),
        probability=a.probability,
    )


def _why_left_out(name: str, results: Sequence[tuple[GradedProblem, Answered | None]]) -> str:
    """Why a system has no answer to some questions: there was nothing for DR to read, or no draw.

    A question counts once, however many seeds it lacks draws under.
    """
    lacking = [g for g, a in results if a is None]
    is_all = len(lacking) == len(results)
    n_lacking, n = (
        len({g.gold.problem_id for g in of}) for of in (lacking, [g for g, _ in results])
    )
    some = f"{n_lacking} of {n} questions"
    if name in _OF_GOLD_KNOWLEDGE and not any(g.gold.has_knowledge for g in lacking):
        return f"{'none of the questions has' if is_all else f'{some} have no'} knowledge in the dataset"
    seeds = ", under one seed or more" if len({g.seed for g, _ in results}) > 1 else ""
    return _NO_DRAW if is_all else f"its draws are missing for {some}{seeds}"


def _add_further(scored: Scored, graded: Sequence[GradedProblem]) -> None:
    """Roles that the loop does not use, where any of their draws is there."""
    for role in SELF_STANDING:
        if role == "ir":
            continue
        if any(f"{role}-greedy" in g.single for g in graded):
            _add(scored, graded, f"{role}-greedy", single(f"{role}-greedy"))
        if any(role in g.further for g in graded):
            _add(scored, graded, f"{role}-sampled", first_vote(role))


def of_sampled_seeds(graded: Sequence[GradedProblem]) -> list[GradedProblem]:
    """The problems under the seeds that anything was sampled with.

    Another seed may hold greedy draws only; a problem that lacks its samples stays in.
    """
    seeds = {g.seed for g in graded if g.ir or g.dr or g.further}
    return [g for g in graded if g.seed in seeds]


def single(name: str) -> Answer:
    """A system of one draw."""

    def answer(g: GradedProblem) -> Answered | None:
        v = g.single.get(name)
        return None if v is None else Answered(v.answer, v.verdict, "single", 1, v.n_tokens)

    return answer


def first_vote(role: str) -> Answer:
    """The sampled draw of round 1 of a role: one chain, as one user would see it."""

    def answer(g: GradedProblem) -> Answered | None:
        votes = g.sampled(role)
        if not votes:
            return None
        return Answered(votes[0].answer, votes[0].verdict, "single", 1, votes[0].n_tokens)

    return answer


def loop_at(g: GradedProblem, *, t: int) -> Answered | None:
    """The interaction loop stopped at t, with all tokens of its rounds, failed ones included."""
    d = g.decisions[t - 1] if t <= len(g.decisions) else None
    if d is None:
        return None
    found = Answered(
        d.answer, g.verdicts[t - 1], d.how, d.round, g.n_tokens_of(d), d.probability
    )  # fmt: skip
    return found if d.withheld is None else found._replace(withheld=_unheld(g, found, d.withheld))


def _unheld(g: GradedProblem, held: Answered, d: Decision) -> Answered:
    """What was withheld, with the verdict of the vote that gave it."""
    verdict = next((v.verdict for v in g.votes_of(d) if v.answer == d.answer), Verdict.NO_ANSWER)
    return held._replace(answer=d.answer, verdict=verdict, how=d.how)


def oracle_within(g: GradedProblem, *, t: int) -> Answered | None:
    """Right where any answer that the loop looked at is right.

    No rule that chooses among these draws can do better.
    """
    d = g.decisions[t - 1]
    if d is None:
        return None
    votes = g.votes_of(d)
    right = next((v for v in votes if v.verdict == Verdict.CORRECT), None)
    best = right or next((v for v in votes if v.verdict == Verdict.WRONG), votes[0])
    return Answered(best.answer, best.verdict, "oracle", d.round, g.n_tokens_of(d))


def pool_votes(g: GradedProblem, pool: str) -> tuple[tuple[Vote, ...], ...]:
    """The rounds of a pool, each with its votes: ir (one vote), dr (one), cg (one), both (IR's, then DR's)."""
    if pool == "both":
        return tuple(zip(g.ir, g.dr, strict=False))
    return tuple((v,) for v in g.sampled(pool))


def majority_of(g: GradedProblem, *, pool: str, k: int) -> Answered | None:
    """The majority over the first k rounds of a pool; ties go to the answer given first."""
    chosen = pool_votes(g, pool)[:k]
    if len(chosen) < k:
        return None
    votes = [v for of_round in chosen for v in of_round]
    best = leader([v.cluster for v in votes])
    n_tokens = sum(v.n_tokens for v in votes)
    if best is None:
        return Answered(None, Verdict.NO_ANSWER, "majority", k, n_tokens)
    return Answered(votes[best].answer, votes[best].verdict, "majority", k, n_tokens)


def _add_majority(scored: Scored, graded: Sequence[GradedProblem], pool: str) -> None:
    """Majority voting with K chosen so that it costs what the loop costs."""
    name = f"maj-{pool}@K"
    loop = scored.outcomes.get(scored.headline)
    if not loop:
        _add_majority_of_all(scored, graded, pool)
        return
    budget = sum(o.n_tokens for o in loop) / len(loop)
    drawn = {o.seed for o in loop}
    costs = [
        [sum(v.n_tokens for v in votes) for votes in pool_votes(g, pool)]
        for g in graded
        if g.seed in drawn
    ]
    k = votes_within(costs, budget)
    if k is None:
        scored.left_out[name] = (
            f"matching {budget:.0f} tokens per question takes about {votes_needed(costs, budget)} "
            f"rounds; {min((len(c) for c in costs), default=0)} are stored for every question"
        )
        return
    name = f"maj-{pool}@{k}"
    _add(scored, graded, name, partial(majority_of, pool=pool, k=k))
    spent = sum(sum(c[:k]) for c in costs) / len(costs)
    scored.notes[name] = (
        f"K = {k} costs {spent:.1f} tokens per question; {scored.headline} costs {budget:.1f}"
    )


def _add_majority_of_all(scored: Scored, graded: Sequence[GradedProblem], pool: str) -> None:
    """Majority voting over every stored round, where no loop was drawn whose cost could be matched."""
    name = f"maj-{pool}@K"
    if any(g.dr for g in graded):
        scored.left_out[name] = f"{scored.headline} is left out, so there is no budget to match"
        return
    k = min((len(pool_votes(g, pool)) for g in of_sampled_seeds(graded)), default=0)
    if k == 0:
        scored.left_out[name] = _NO_DRAW
        return
    _add(scored, graded, f"maj-{pool}@{k}", partial(majority_of, pool=pool, k=k))
    scored.notes[f"maj-{pool}@{k}"] = f"K = {k} is every stored round: no loop was drawn to match"


def votes_reach(g: GradedProblem, *, m: int, cap: int) -> Answered | None:
    """IR alone, until an answer has m votes or `cap` draws are made; then the majority."""
    votes = g.ir[:cap]
    clusters = [v.cluster for v in votes]
    reached = first_reached(clusters)
    stopped = len(reached) >= m
    if not stopped and len(votes) < cap:
        return None
    n = reached[m - 1] + 1 if stopped else cap
    best = leader(clusters[:n])
    n_tokens = sum(v.n_tokens for v in votes[:n])
    if best is None:
        return Answered(None, Verdict.NO_ANSWER, "none", n, n_tokens)
    how = "early_stop" if stopped else "fallback"
    return Answered(votes[best].answer, votes[best].verdict, how, n, n_tokens)


def stop_costs(g: GradedProblem, *, cap: int) -> list[int]:
    """What `votes_reach` costs for m = 2, 3, … cap."""
    votes = g.ir[:cap]
    reached = first_reached([v.cluster for v in votes])
    spent = list(accumulate((v.n_tokens for v in votes), initial=0))
    return [spent[reached[m - 1] + 1 if m <= len(reached) else cap] for m in range(2, cap + 1)]


def early_stop_cap(graded: Sequence[GradedProblem], rounds: int) -> int:
    """How many draws of IR stopping early may use: those that every problem has, at most t."""
    return min([rounds, *(len(g.ir) for g in of_sampled_seeds(graded))])


def _add_early_stop(scored: Scored, graded: Sequence[GradedProblem]) -> None:
    """The control that tells two reasoners from stopping early: at two votes, and at the loop's cost."""
    cap = early_stop_cap(graded, scored.rounds)
    if cap < 2:
        scored.left_out[EARLY_STOP] = (
            f"it takes 2 draws of IR per question; {cap} are stored for all"
        )
        return
    _add(scored, graded, EARLY_STOP, partial(votes_reach, m=2, cap=cap))
    scored.notes[EARLY_STOP] = f"at most {cap} draws of IR, then their majority"
    loop = scored.outcomes.get(scored.headline)
    if loop:
        _add_early_stop_at_cost(scored, graded, sum(o.n_tokens for o in loop) / len(loop))


def _add_early_stop_at_cost(scored: Scored, graded: Sequence[GradedProblem], budget: float) -> None:
    """IR alone, stopped at the number of equal votes whose cost comes closest to the loop's."""
    sampled = of_sampled_seeds(graded)
    cap = min(len(g.ir) for g in sampled)
    spent = dict.fromkeys(range(2, cap + 1), 0.0)
    for g in sampled:
        for m, n_tokens in enumerate(stop_costs(g, cap=cap), 2):
            spent[m] += n_tokens / len(sampled)
    m = min(spent, key=lambda m: (abs(spent[m] - budget), m))
    if m == 2 and cap <= scored.rounds:
        return  # the same system as at two votes
    name = f"{EARLY_STOP}@{m}"
    if max(spent.values()) < 0.9 * budget:
        scored.left_out[f"{EARLY_STOP}@K"] = (
            f"{cap} draws of IR are stored for every question; they cost {max(spent.values()):.0f} "
            f"tokens, {scored.headline} {budget:.0f}"
        )
        return
    _add(scored, graded, name, partial(votes_reach, m=m, cap=cap))
    scored.notes[name] = (
        f"stopped at {m} equal votes, at most {cap} draws: {spent[m]:.1f} tokens per question; "
        f"{scored.headline} costs {budget:.1f}"
    )

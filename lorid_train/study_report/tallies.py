"""What each system makes of one problem: right answers and tokens, summed over pairings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from lorid_train.metrics.voting import leader
from lorid_train.study_report.decisions import leads, route, stop_round
from lorid_train.study_report.fitting import StoppingRule
from lorid_train.study_report.plan import SINGLE, Plan
from lorid_train.study_report.problems import Asked, Cluster, Pairing, Votes, pairings
from lorid_train.study_report.replay import play, play_at

EARLY_STOP = "early-stop-ir@T"
RULE, ROUTER, ROUTER_DR = "stopping-rule", "router", "router-dr"
N_ROUTED = 3
"""Draws of KG and DR that the router's control needs."""
CONFIDENCES = ("loop-round", "ir-share", "dr-share", "both-share")


class Tally(NamedTuple):
    """Sums over the draws or pairings of one problem."""

    n_right: int
    n_tokens: int


@dataclass(slots=True)
class _Sums:
    """Tallies by system, while pairings are gone through."""

    right: frozenset[int]
    found: dict[str, Tally] = field(default_factory=dict)

    def add(self, name: str, answer: Cluster, n_tokens: int) -> None:
        old = self.found.get(name, Tally(0, 0))
        self.found[name] = Tally(old.n_right + (answer in self.right), old.n_tokens + n_tokens)


def single(problem: Asked) -> dict[str, Tally]:
    """The systems of one greedy draw that the problem has."""
    return {
        name: Tally(problem.single[name][0] in problem.right, problem.single[name][1])
        for name in SINGLE
        if name in problem.single
    }


def sampled(problem: Asked, n_ir: int, n_dr: int) -> dict[str, Tally]:
    """One draw of either side, summed over the first draws that every problem has."""
    found = {}
    for name, votes, n in (("ir-sampled", problem.ir, n_ir), ("dr-sampled", problem.dr, n_dr)):
        n_right = sum(c in problem.right for c in votes.clusters[:n])
        found[name] = Tally(n_right, sum(votes.n_tokens[:n]))
    return found


class Looped(NamedTuple):
    """The loop on one problem."""

    tallies: dict[str, Tally]
    """`lorid-ir@t`, `lorid-dr@t` and `early-stop-ir@T`."""
    agreed: dict[int, tuple[int, int, int]]
    """By t: pairings that agree, those of them that are right, and rounds drawn."""


def looped(problem: Asked, plan: Plan) -> Looped:
    """The loop at every threshold with both fallbacks, and IR against itself."""
    sums = _Sums(problem.right)
    agreed = dict.fromkeys(plan.thresholds, (0, 0, 0))
    for ir, dr in pairings(problem, plan.n_ir, plan.n_dr):
        for fallback in ("ir", "dr"):
            for t, played in play_at(ir, dr, plan.thresholds, fallback).items():
                sums.add(f"lorid-{fallback}@{t}", played.answer, played.n_tokens)
                if fallback == "dr":
                    n, n_right, n_rounds = agreed[t]
                    n_right += played.agreed and played.answer in problem.right
                    agreed[t] = (n + played.agreed, n_right, n_rounds + played.round)
        if plan.n_early:
            first, second = _halves(ir, plan.n_early)
            alone = play(first, second, plan.n_early, "ir")
            sums.add(EARLY_STOP, alone.answer, alone.n_tokens)
    return Looped(sums.found, agreed)


def _halves(ir: Votes, n: int) -> tuple[Votes, Votes]:
    """The two sides of IR against itself: the loop's first n draws, and the next n."""
    return ir.taken(tuple(range(n))), ir.taken(tuple(range(n, 2 * n)))


class Ks(NamedTuple):
    """How many rounds each majority takes."""

    ir: int
    dr: int
    both: int


class Voted(NamedTuple):
    """Majorities, decisions and confidences on one problem."""

    tallies: dict[str, Tally]
    levels: Mapping[str, Sequence[tuple[int, bool]]]
    """By confidence, per pairing: the level (0 is the most confident) and whether it is right."""


def voted(problem: Asked, plan: Plan, ks: Ks, rule: StoppingRule | None) -> Voted:
    """The majorities at K, the stopping rule, the routers, and how confident each is."""
    sums = _Sums(problem.right)
    levels: dict[str, list[tuple[int, bool]]] = {name: [] for name in CONFIDENCES}
    for pairing in pairings(problem, plan.n_ir, plan.n_dr):
        ir, dr = pairing
        last = play(ir, dr, plan.rounds, "dr")
        level = last.round - 1 if last.agreed else plan.rounds
        levels["loop-round"].append((level, last.answer in problem.right))
        for pool, votes in _pools(pairing, ks).items():
            answer, n_votes = _majority(votes.clusters)
            sums.add(f"maj-{pool}@K", answer, sum(votes.n_tokens))
            levels[f"{pool}-share"].append((len(votes.clusters) - n_votes, answer in problem.right))
        if rule is not None:
            _stop(sums, pairing, plan.rounds, rule)
        if plan.n_dr >= N_ROUTED:
            _route(sums, pairing)
    return Voted(sums.found, levels)


def _pools(pairing: Pairing, ks: Ks) -> dict[str, Votes]:
    (ir, dr), k = pairing, ks.both
    mixed = tuple(c for pair in zip(ir.clusters[:k], dr.clusters[:k], strict=True) for c in pair)
    return {
        "ir": ir.taken(tuple(range(ks.ir))),
        "dr": dr.taken(tuple(range(ks.dr))),
        "both": Votes(mixed, ir.n_tokens[:k] + dr.n_tokens[:k]),
    }


def _majority(clusters: Sequence[Cluster]) -> tuple[Cluster, int]:
    """The most frequent answer (of equals the first) and its votes; none and 0 without an answer."""
    at = leader(clusters)
    answer = None if at is None else clusters[at]
    return answer, 0 if answer is None else clusters.count(answer)


def _stop(sums: _Sums, pairing: Pairing, rounds: int, rule: StoppingRule) -> None:
    ir, dr = pairing
    after = leads(ir.clusters[:rounds], dr.clusters[:rounds], rule.weights, rule.discount)
    n = stop_round(after, rule.threshold)
    sums.add(RULE, after[n - 1].answer, sum(ir.n_tokens[:n]) + sum(dr.n_tokens[:n]))


def _route(sums: _Sums, pairing: Pairing) -> None:
    """The router, and its control that draws KG and DR a third time."""
    ir, dr = pairing
    first, second = dr.clusters[:2]
    base = sum(dr.n_tokens[:2])
    thirds = {ROUTER: (ir.clusters[0], ir.n_tokens[0]), ROUTER_DR: (dr.clusters[2], dr.n_tokens[2])}
    for name, (third, n_tokens) in thirds.items():
        found = route(first, second, third)
        sums.add(name, found.answer, base + n_tokens * found.asked_third)

"""The loop replayed on one pairing of rounds, by the project's own rule."""

from __future__ import annotations

from typing import NamedTuple

from lorid_train.interaction.draws import How
from lorid_train.interaction.rules import Fallback, decide_answers, fall_back
from lorid_train.study_report.problems import Cluster, Votes


class Played(NamedTuple):
    """What a loop answers, and what it cost."""

    answer: Cluster
    agreed: bool
    round: int
    """The last round that was drawn."""
    n_tokens: int


def play(first: Votes, second: Votes, rounds: int, fallback: Fallback) -> Played:
    """The loop with two sides and the same-round rule; the first side stands for IR.

    `play_at` for one threshold.
    """
    return play_at(first, second, (rounds,), fallback)[rounds]


def play_at(
    first: Votes, second: Votes, thresholds: tuple[int, ...], fallback: Fallback
) -> dict[int, Played]:
    """The loop's outcome at each threshold t, all of them at most the draws of either side.

    Answers are handed to the rule as their clusters' numbers, so that its equality is that of
    the clusters, which is the project's.
    """
    ir = {n: _said(c) for n, c in enumerate(first.clusters, 1)}
    dr = {n: _said(c) for n, c in enumerate(second.clusters, 1)}
    most = decide_answers(ir, dr, rule="same_round", rounds=max(thresholds), fallback="none")
    agreed_in = most.round if most.how == How.CONSENSUS else max(thresholds) + 1
    found = {}
    for t in thresholds:
        last = min(t, agreed_in)
        agreed = agreed_in <= t
        answer = most.answer if agreed else fall_back(ir, dr, t, fallback)
        n_tokens = sum(first.n_tokens[:last]) + sum(second.n_tokens[:last])
        found[t] = Played(None if answer is None else int(answer), agreed, last, n_tokens)
    return found


def _said(cluster: Cluster) -> str | None:
    return None if cluster is None else str(cluster)

"""What a set of sampled answers says: majority, first repetition, and how many votes a budget buys.

Votes are counted by meaning: `clusters` holds one small integer per draw, equal where the answers
are equal, and None where a draw has no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

Group = Callable[[list[str]], list[int]]
"""`lorid_data.answers.group`: equal answers get the same integer."""


def cluster(answers: Sequence[str | None], *, group: Group | None = None) -> list[int | None]:
    """The cluster of each answer; None stays None. Each distinct string is compared once."""
    from lorid_data import answers as default

    distinct = list(dict.fromkeys(a for a in answers if a is not None))
    of = dict(zip(distinct, (group or default.group)(distinct), strict=True))
    return [None if a is None else of[a] for a in answers]


def leaders(clusters: Sequence[int | None]) -> list[int | None]:
    """After each vote, the position of the first vote for the largest cluster; None before any.

    A tie goes to the cluster that was voted for first, so that it depends on neither the gold
    answer nor the answers' spelling.
    """
    first: dict[int, int] = {}
    votes: dict[int, int] = {}
    best: int | None = None
    found: list[int | None] = []
    for position, c in enumerate(clusters):
        if c is not None:
            first.setdefault(c, position)
            votes[c] = votes.get(c, 0) + 1
            if best is None or (votes[c], -first[c]) > (votes[best], -first[best]):
                best = c
        found.append(None if best is None else first[best])
    return found


def leader(clusters: Sequence[int | None]) -> int | None:
    """The position of the first vote for the largest cluster; None where nothing was answered."""
    return leaders(clusters)[-1] if clusters else None


def majority(answers: Sequence[str | None], *, group: Group | None = None) -> str | None:
    """The answer that most draws agree on, as its first voter wrote it; ties go to the first."""
    position = leader(cluster(answers, group=group))
    return None if position is None else answers[position]


def first_reached(clusters: Sequence[int | None]) -> list[int]:
    """Where some cluster first has 1 vote, 2 votes, …: increasing positions, one per number."""
    votes: dict[int, int] = {}
    found: list[int] = []
    for position, c in enumerate(clusters):
        if c is not None:
            votes[c] = votes.get(c, 0) + 1
            if votes[c] > len(found):
                found.append(position)
    return found


def votes_within(costs: Sequence[Sequence[int]], budget: float) -> int | None:
    """The number of votes K whose mean cost is closest to `budget`.

    Args:
        costs: for each problem, the tokens of its first, second, … vote.
        budget: mean tokens per problem to match.

    Returns:
        K >= 1, or None where the stored votes cannot tell: some problem has no vote, or the
        votes that every problem has cost less than the budget and one more of the same mean
        cost would come closer.
    """
    n_common = min((len(c) for c in costs), default=0)
    if n_common == 0:
        return None
    spent = [0.0]
    for k in range(n_common):
        spent.append(spent[-1] + sum(c[k] for c in costs) / len(costs))
    best = min(range(1, n_common + 1), key=lambda k: (abs(spent[k] - budget), k))
    mean_vote = spent[n_common] / n_common
    if best == n_common and budget - spent[n_common] > mean_vote / 2:
        return None
    return best


def votes_needed(costs: Sequence[Sequence[int]], budget: float) -> int:
    """How many votes per problem to draw so that `votes_within` can answer, with one to spare.

    Estimated from the mean cost of the votes that exist; 1 where there is none.
    """
    n_votes = sum(len(c) for c in costs)
    n_tokens = sum(sum(c) for c in costs)
    return 1 if n_tokens == 0 else round(budget * n_votes / n_tokens) + 1

"""Answers to a question → how often they are right, and how far they agree; pure but for the equality."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lorid_data import answers as answers_room
from lorid_data.answers import Accepted, Verdict
from lorid_data.folders.evaluations import Judge
from lorid_data.intervals import beta_posterior
from lorid_data.pass_rates import PassRate

Equal = Callable[[str, str | Accepted], Verdict]
_DIGITS = 6
"""Of what is computed with logarithms: beyond, two machines may differ."""


@dataclass(frozen=True, slots=True)
class Graded:
    """All draws of one question, held against one reference answer.

    Attributes:
        rates: one per judge that made a draw which can be graded.
        n_draws: graded draws of all judges.
        n_right: of them.
        n_ungradable: draws whose answer, or whose reference, cannot be read; they count nowhere.
        other: the answer that is given most often of those that differ from the reference.
        n_other: how often.
    """

    rates: tuple[PassRate, ...]
    n_draws: int
    n_right: int
    n_ungradable: int
    other: str | None
    n_other: int


def graded(
    asked: Mapping[Judge, Sequence[str | None]],
    gold: str | Accepted,
    *,
    equal: Equal | None = None,
    group: Callable[[list[str]], list[int]] | None = None,
) -> Graded:
    """Grade all draws of one question; each distinct answer is looked at once.

    Args:
        asked: what each judge answered.
        gold: the reference answer, or several of which each is right.
        equal: the equality; `lorid_data.answers.equal` by default.
        group: its clusters; `lorid_data.answers.group` by default.
    """
    distinct = list(dict.fromkeys(a for of in asked.values() for a in of if a is not None))
    same = equal or answers_room.equal
    verdicts = {a: same(a, gold) for a in distinct}
    cluster = dict(zip(distinct, (group or answers_room.group)(distinct), strict=True))
    unclear = {a for a, v in verdicts.items() if v not in (Verdict.EQUAL, Verdict.DIFFERENT)}
    rates, wrong, n_ungradable = [], Counter[int](), 0
    for judge in sorted(asked):
        counted = [a for a in asked[judge] if a not in unclear]
        n_ungradable += len(asked[judge]) - len(counted)
        stated = [a for a in counted if a is not None]
        wrong.update(cluster[a] for a in stated if verdicts[a] == Verdict.DIFFERENT)
        if counted:
            n_right = sum(verdicts[a] == Verdict.EQUAL for a in stated)
            votes = Counter(cluster[a] for a in stated)
            rates.append(_rate(judge, n_right, len(counted), max(votes.values(), default=0)))
    most = min(wrong, key=lambda c: (-wrong[c], c), default=None)
    return Graded(
        rates=tuple(rates),
        n_draws=sum(r.n_draws for r in rates),
        n_right=sum(r.n_right for r in rates),
        n_ungradable=n_ungradable,
        other=next((a for a in distinct if a not in unclear and cluster[a] == most), None),
        n_other=0 if most is None else wrong[most],
    )


def _rate(judge: Judge, n_right: int, n: int, n_alike: int) -> PassRate:
    low, high = beta_posterior(n_right, n)
    return PassRate(
        role=judge.role,
        judge_sha256=judge.sha256,
        adapters_sha256=judge.adapters_sha256,
        n_draws=n,
        n_right=n_right,
        pass_rate=n_right / n,
        ci_low=round(low, _DIGITS),
        ci_high=round(high, _DIGITS),
        agreement=n_alike / n,
    )


def merged(
    before: Sequence[PassRate] | None, now: Sequence[PassRate]
) -> tuple[PassRate, ...] | None:
    """The pass rates of a row: those of judges that were asked now, and of others from before.

    Counts of one judge are not added up: the draws may be the same.
    """
    by_judge = {r.judge_sha256: r for r in (*(before or ()), *now)}
    return tuple(sorted(by_judge.values(), key=lambda r: (r.role, r.judge_sha256))) or None


def doubt(n_other: int, n_draws: int) -> float:
    """How sure it is that those who answer agree on something else than the reference, 0 to 1.

    The lower end of the 95 % posterior of the share of draws that give the commonest other answer:
    many draws that say the same wrong thing weigh more than few, and than many that disagree.
    """
    return round(beta_posterior(n_other, n_draws).low, _DIGITS)

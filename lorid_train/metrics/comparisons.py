"""Paired comparisons on the same problems: difference, exact test, and Holm's adjustment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lorid_train.metrics.intervals import paired_interval
from lorid_train.metrics.rows import Metric, Outcome, Verdict
from lorid_train.metrics.significance import holm, mcnemar_exact
from lorid_train.metrics.systems import Scored, kind
from lorid_train.roles import SELF_STANDING


class Pair(NamedTuple):
    """Two systems to compare; their names."""

    first: str
    second: str


def families(scored: Scored) -> dict[str, list[Pair]]:
    """The planned comparisons, fixed before any number is seen; Holm adjusts within a family.

    * alternatives: the loop against each system that could replace it;
    * thresholds: the loop against itself, stopped earlier;
    * rules: the loop's votes weighed, against the loop;
    * programs: each rule in which programs have a say, against the loop and against CG alone;
    * knowledge: DR with the gold knowledge (KG's where there is none) against each other
      knowledge, and against IR.
    """
    have, top = scored.outcomes, scored.headline
    alone = [f"{role}-{how}" for role in SELF_STANDING for how in ("greedy", "sampled")]
    plain = (*alone, "dr-kg-knowledge", "dr-sampled")
    rivals = [s for s in have if s in plain or s.startswith(("maj-", "early-stop-"))]
    earlier = [s for s in have if s.startswith("lorid@") and s != top]
    weighed = [s for s in have if s.startswith("weighed@")]
    alone_name = f"cg-alone@{scored.rounds}"
    three = [s for s in have if s.startswith(("cg-", "any-two@")) and "@" in s]
    knowing = [s for s in ("dr-gold-knowledge", "dr-kg-knowledge") if s in have]
    gold = knowing[0] if knowing else "dr-gold-knowledge"
    others = [s for s in have if s.startswith("dr-") and s not in (gold, "dr-sampled")]
    planned = {
        "alternatives": [Pair(top, s) for s in rivals],
        "thresholds": [Pair(top, s) for s in earlier],
        "rules": [Pair(s, top) for s in weighed],
        "programs": [Pair(s, other) for s in three for other in (top, alone_name) if s != other],
        "knowledge": [Pair(gold, s) for s in ("ir-greedy", *others)],
    }
    return {
        name: [p for p in pairs if p.first in have and p.second in have]
        for name, pairs in planned.items()
    }


def right_by_problem(rows: Sequence[Outcome]) -> dict[str, float]:
    """The fraction of a problem's seeds that a system got right, by problem id."""
    flags: dict[str, list[bool]] = {}
    for o in rows:
        flags.setdefault(o.problem_id, []).append(o.verdict == Verdict.CORRECT)
    return {pid: sum(f) / len(f) for pid, f in flags.items()}


def compare(scored: Scored, *, seed: int = 0, n_resamples: int = 10_000) -> list[Metric]:
    """The metrics of all planned comparisons; `slice` names the second system (`vs=…`).

    difference has a paired bootstrap interval (`paired_interval`); mcnemar_p is exact McNemar for one seed and, for several,
    the exact sign test over the problems' means (the same test where there is one seed);
    mcnemar_p_holm is adjusted within its family; only_this_right and only_other_right are the
    discordant fractions.
    """
    right = {name: right_by_problem(rows) for name, rows in scored.outcomes.items()}
    found: list[Metric] = []
    for family, pairs in families(scored).items():
        ps: list[float] = []
        rows: list[list[Metric]] = []
        for pair in pairs:
            metrics, p = _compare(pair, right, seed, n_resamples)
            rows.append(metrics)
            ps.append(p)
        for pair, metrics, adjusted in zip(pairs, rows, holm(ps), strict=True):
            last = _metric(
                pair, "mcnemar_p_holm", adjusted, metrics[0].n, f"holm over {len(ps)} ({family})"
            )
            found += [*metrics, last]
    return found


def compare_runs(
    this: Scored, other: Scored, *, seed: int = 0, n_resamples: int = 10_000
) -> list[Metric]:
    """The same systems in two evaluations, on the questions that both hold.

    Metrics as `compare` gives them, with the slice `other-run`. The loop at its largest threshold
    is what two runs are compared by, and a family of its own (named `lorid@T` where the thresholds
    differ); all other systems are one family beside it. Systems that one of them lacks are left
    aside. Empty where the two share no question.
    """
    found: list[Metric] = []
    ps: dict[str, float] = {}
    top = across(this, other)
    of = [
        {across_name(s, run, top): right_by_problem(rows) for s, rows in run.outcomes.items()}
        for run in (this, other)
    ]
    for name in (s for s in of[0] if s in of[1]):
        here, there = of[0][name], of[1][name]
        shared = [pid for pid in here if pid in there]
        if not shared:
            return []
        sides = {"this": {p: here[p] for p in shared}, "other": {p: there[p] for p in shared}}
        metrics, p = _compare(Pair("this", "other"), sides, seed, n_resamples)
        found += [m.model_copy(update={"system": name, "slice": "other-run"}) for m in metrics]
        ps[name] = p
    rest = [name for name in ps if name != top]
    adjusted = dict(zip(rest, holm([ps[name] for name in rest]), strict=True))
    raw = [m for m in found if m.metric == "mcnemar_p"]
    for m in raw:
        family = "holm over 1 (the loop)" if m.system == top else f"holm over {len(rest)} (runs)"
        value = adjusted.get(m.system, ps[m.system])
        found.append(
            m.model_copy(update={"metric": "mcnemar_p_holm", "value": value, "method": family})
        )
    return found


def across(first: Scored, second: Scored) -> str:
    """What the loop is called in a comparison of two runs."""
    return first.headline if first.headline == second.headline else "lorid@T"


def across_name(system: str, run: Scored, top: str) -> str:
    """What a system of a run is called beside another run's: K, and T where it differs, stand open."""
    return top if system == run.headline else kind(system)


def _metric(pair: Pair, name: str, value: float, n: int, method: str) -> Metric:
    return Metric(
        system=pair.first, metric=name, value=value, n=n, method=method, slice=f"vs={pair.second}"
    )


def _compare(
    pair: Pair, right: Mapping[str, Mapping[str, float]], seed: int, n_resamples: int
) -> tuple[list[Metric], float]:
    """The unadjusted metrics of one pair, and its p-value."""
    first, second = right[pair.first], right[pair.second]
    a, b = list(first.values()), [second[pid] for pid in first]
    n = len(a)
    (low, high), method = paired_interval(a, b, seed=seed, n_resamples=n_resamples)
    n_first = sum(x > y for x, y in zip(a, b, strict=True))
    n_second = sum(x < y for x, y in zip(a, b, strict=True))
    p = mcnemar_exact(n_first, n_second)
    exact = all(x in (0.0, 1.0) for x in (*a, *b))
    difference = Metric(
        system=pair.first,
        metric="difference",
        value=(sum(a) - sum(b)) / n,
        n=n,
        ci_low=low,
        ci_high=high,
        method=method,
        slice=f"vs={pair.second}",
    )
    test = "mcnemar-exact" if exact else "sign-exact over problem means"
    return [
        difference,
        _metric(pair, "only_this_right", n_first / n, n, "count"),
        _metric(pair, "only_other_right", n_second / n, n, "count"),
        _metric(pair, "mcnemar_p", p, n, test),
    ], p

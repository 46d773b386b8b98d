"""The numbers of the study `agreement`: accuracies, paired differences, the stop rule, break-even. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lorid_train.metrics.rows import Metric
from lorid_train.metrics.significance import ALPHA, holm
from lorid_train.study_report.agreement_reading import (
    FORTH_AND_BACK,
    GREEDY,
    Said,
    SettingRead,
    loop_of,
)
from lorid_train.study_report.resampling import (
    Estimate,
    Ratio,
    as_difference,
    as_fraction,
    ratios,
)

CONSENSUS = "consensus"
MARGIN = 0.02
"""Of "not worse": so much below, as a fraction, is the most that the interval may reach."""
TENTH = 0.1
"""Of the loop's tokens: the most that one pass may cost."""
SEEN, UNSEEN = "seen", "unseen"
_K = TypeVar("_K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One pre-registered difference: first less second, on the same questions."""

    name: str
    first: str
    second: str
    found: Estimate | None
    """None where one side was not made."""
    p_holm: float


@dataclass(frozen=True, slots=True)
class Stopped:
    """What the stop rule leaves of the system `consensus`."""

    n_kept: int
    n_seeds: int
    change: Mapping[str, Estimate]
    """Greedy accuracy against the start's, by slice: all, and seen and unseen where they are told apart."""
    unstopped: Mapping[str, Estimate]
    """The same of every seed's training, kept or not."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """All of one setting."""

    read: SettingRead
    accuracy: Mapping[str, Estimate]
    """By line: `before:ir-greedy`, `greedy:consensus`, `sampled:consensus`, `after:lorid`."""
    tokens: Mapping[str, float]
    comparisons: tuple[Comparison, ...]
    stopped: Stopped | None
    break_even: Mapping[str, float | None]
    """By system, questions; None where one pass saves nothing."""


def numbers(read: SettingRead) -> Numbers:
    """Everything that can be said of a setting by now."""
    lines = lines_of(read)
    right = {name: _each(read, said) for name, said in lines.items()}
    accuracy = {n: as_fraction(e) for n, e in _estimates(read, right).items()}
    tokens = {name: _tokens(said) for name, said in lines.items()}
    return Numbers(
        read, accuracy, tokens, comparisons(read, lines), stopped(read), break_even(read, tokens)
    )


def lines_of(read: SettingRead) -> dict[str, Said]:
    """Every system with answers to the test questions, by its line's name."""
    made = {f"before:{n}": s for n, s in read.before.items()}
    made |= {f"greedy:{n}": s for n, s in read.greedy.items()}
    made |= {f"sampled:{n}": s for n, s in read.sampled.items()}
    if read.loop_after is not None:
        made["after:lorid"] = read.loop_after
    return made


def pairs_of(read: SettingRead) -> list[tuple[str, str, str]]:
    """The ten comparisons of the plan: name, first line, second line."""
    one = f"greedy:{CONSENSUS}"
    loop = f"before:{loop_of(read)}" if read.before else "before:lorid"
    votes = next((f"before:{n}" for n in read.before if n.startswith("maj-ir@")), "before:maj-ir")
    found = [
        ("one pass after − LoRID before", one, loop),
        ("one pass after − one pass before", one, f"before:{GREEDY}"),
        ("one pass after − majority at equal tokens before", one, votes),
    ]
    found += [
        (f"consensus − {other}", one, f"greedy:{other}")
        for other in ("none", "none@steps", "majority", "ir-majority", "gold", "teacher@steps")
    ]
    return [*found, ("LoRID after − LoRID before", "after:lorid", loop)]


def comparisons(read: SettingRead, lines: Mapping[str, Said]) -> tuple[Comparison, ...]:
    """The pre-registered differences; one that was not made counts as p = 1 in Holm's adjustment.

    A system of which a seed is still missing is compared with nothing: its luck is not its merit.
    """
    pairs = pairs_of(read)
    whole = {
        n for n, s in lines.items() if not n.startswith("greedy:") or s.n_seeds == read.n_seeds
    }
    made = {
        name: _less(read, lines[a], lines[b]) for name, a, b in pairs if a in whole and b in whole
    }
    estimates = {n: as_difference(e) for n, e in _estimates(read, made).items()}
    found = [estimates.get(name) for name, _, _ in pairs]
    adjusted = holm([1.0 if f is None else f.p for f in found])
    return tuple(
        Comparison(name, a, b, f, p)
        for (name, a, b), f, p in zip(pairs, found, adjusted, strict=True)
    )


def stopped(read: SettingRead) -> Stopped | None:
    """What became of the harm: per seed the further training where it was kept, else the start."""
    kept, after, start = read.kept.get(CONSENSUS), read.greedy.get(CONSENSUS), read.before.get(GREEDY)  # fmt: skip
    if kept is None or after is None or start is None:
        return None
    left = Said(
        {
            p: tuple(
                v if keep else start.by_problem[p][0] for v, keep in zip(of, kept, strict=True)
            )
            for p, of in after.by_problem.items()
        }
    )
    changes: dict[tuple[str, str], list[float | None]] = {}
    for name in ("all",) if read.seen is None else ("all", SEEN, UNSEEN):
        for kind, one in (("left", left), ("after", after)):
            changes[kind, name] = _within(read, _less(read, one, start), name)
    found = {k: as_difference(e) for k, e in _estimates(read, changes).items()}
    return Stopped(
        sum(kept), len(kept),
        {name: e for (kind, name), e in found.items() if kind == "left"},
        {name: e for (kind, name), e in found.items() if kind == "after"},
    )  # fmt: skip


def break_even(read: SettingRead, tokens: Mapping[str, float]) -> dict[str, float | None]:
    """After how many questions the loop that one pass saves has paid for draws and training."""
    if not read.before:
        return {}
    loop = tokens[f"before:{loop_of(read)}"]
    found: dict[str, float | None] = {}
    for name, t in read.trained.items():
        saved = loop - tokens[f"greedy:{name}"]
        spent = t.n_drawn_tokens + FORTH_AND_BACK * t.n_tokens
        found[name] = spent / saved if saved > 0 else None
    return found


def verdict(c: Comparison) -> str:
    """better, worse, within noise, or not made."""
    if c.found is None or c.found.value is None:
        return "not made"
    if c.p_holm < ALPHA:
        return "better" if c.found.value > 0 else "worse"
    return "within noise"


def metrics_of(n: Numbers) -> list[Metric]:
    """The rows of `metrics.json`; `slice` names the setting."""
    where = f"setting={n.read.name}"
    made = [
        _metric(name, "accuracy", e, where, "cluster-bootstrap") for name, e in n.accuracy.items()
    ]
    made += [
        Metric(system=name, metric="tokens_per_problem", value=t, n=n.accuracy[name].n, method="mean", slice=where)
        for name, t in n.tokens.items()
    ]  # fmt: skip
    for c in n.comparisons:
        if c.found is not None:
            vs = f"{where},vs={c.second}"
            made.append(_metric(c.first, "difference", c.found, vs, "paired-cluster-bootstrap"))
            made.append(Metric(system=c.first, metric="p_holm", value=c.p_holm, n=c.found.n, method="holm", slice=vs))  # fmt: skip
    if n.stopped is not None:
        made += [
            _metric(f"greedy:{CONSENSUS}", "change_after_stop_rule", e, where if s == "all" else f"{where},{s}", "paired-cluster-bootstrap")
            for s, e in n.stopped.change.items()
        ]  # fmt: skip
    made += [
        Metric(system=f"greedy:{name}", metric="break_even_questions", value=q, n=n.read.trained[name].n_rows, method="count", slice=where)
        for name, q in n.break_even.items()
    ]  # fmt: skip
    return made


def _metric(system: str, metric: str, e: Estimate, where: str, method: str) -> Metric:
    return Metric(
        system=system, metric=metric, value=e.value, n=e.n, ci_low=e.low, ci_high=e.high, method=method,
        slice=where,
    )  # fmt: skip


def _each(read: SettingRead, said: Said) -> list[float | None]:
    """By test question, how often a system is right over its seeds."""
    return [_right(said, p) for p in read.subjects]


def _less(read: SettingRead, first: Said, second: Said) -> list[float | None]:
    """By test question, the first's mean over its seeds less the second's."""
    return [_right(first, p) - _right(second, p) for p in read.subjects]


def _within(read: SettingRead, values: list[float | None], part: str) -> list[float | None]:
    """The values of a part of the questions: all, seen or unseen; None elsewhere."""
    seen = read.seen or frozenset()
    return [
        v if part == "all" or (s in seen) == (part == SEEN) else None
        for v, s in zip(values, read.subjects.values(), strict=True)
    ]


def _estimates(
    read: SettingRead, wanted: Mapping[_K, Sequence[float | None]]
) -> dict[_K, Estimate]:
    """The mean of each list of values over the test questions, from the same resamples of the clusters."""
    import numpy as np

    number = {s: i for i, s in enumerate(dict.fromkeys(read.subjects.values()))}
    clusters = [number[s] for s in read.subjects.values()]
    columns = [
        Ratio(np.asarray([v or 0.0 for v in of]), np.asarray([float(v is not None) for v in of]))
        for of in wanted.values()
    ]
    return dict(zip(wanted, ratios(clusters, columns), strict=True))


def _right(said: Said, problem: str) -> float:
    of = said.by_problem[problem]
    return sum(right for right, _ in of) / len(of)


def _tokens(said: Said) -> float:
    every = [n for of in said.by_problem.values() for _, n in of]
    return sum(every) / len(every)

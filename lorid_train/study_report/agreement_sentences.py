"""What the study `agreement` says of a setting, in plain sentences made from its numbers."""

from __future__ import annotations

from lorid_train.report.words import percent_points, points
from lorid_train.study_report.agreement_numbers import (
    CONSENSUS,
    MARGIN,
    TENTH,
    Comparison,
    Numbers,
    verdict,
)
from lorid_train.study_report.agreement_reading import GREEDY, loop_of
from lorid_train.study_report.resampling import Estimate

_SAYS = {"better": "helps", "worse": "harms", "within noise": "no difference is shown"}
_SLICES = {"all": "over all test questions", "seen": "on subjects that training met", "unseen": "on subjects that training never met"}  # fmt: skip


def sentences(n: Numbers) -> list[str]:
    """The setting's verdict, one pass against the loop, the stop rule, the break-even; what is missing."""
    if not n.read.before:
        return ["This setting was not made."]
    if CONSENSUS not in n.read.greedy:
        return ["Nothing was trained further in this setting yet."]
    return [_helps(n), _one_pass(n), *_stop(n), *_break_even(n)]


def estimate(e: Estimate | None) -> str:
    """A fraction with its interval, in percent."""
    if e is None or e.value is None:
        return "–"
    if e.low is None or e.high is None:
        return percent_points(e.value)
    return f"{percent_points(e.value)} [{e.low * 100:.1f}–{e.high * 100:.1f}]"


def change(e: Estimate | None) -> str:
    """A difference with its interval, in points."""
    if e is None or e.value is None:
        return "–"
    if e.low is None or e.high is None:
        return f"{points(e.value)} points"
    return f"{points(e.value)} points ({points(e.low)} to {points(e.high)})"


def _named(n: Numbers, name: str) -> Comparison:
    return next(c for c in n.comparisons if c.name == name)


def _helps(n: Numbers) -> str:
    c = _named(n, "one pass after − one pass before")
    seeds = n.read.greedy[CONSENSUS].n_seeds
    return (
        f"Training on agreed draws, {n.read.name}: {_SAYS[verdict(c)]}. One greedy pass goes from "
        f"{estimate(n.accuracy[f'before:{GREEDY}'])} to {estimate(n.accuracy[f'greedy:{CONSENSUS}'])} over "
        f"{seeds} seed{'' if seeds == 1 else 's'}: {change(c.found)}."
    )


def _one_pass(n: Numbers) -> str:
    c = _named(n, "one pass after − LoRID before")
    loop, one = n.tokens[f"before:{loop_of(n.read)}"], n.tokens[f"greedy:{CONSENSUS}"]
    low = None if c.found is None else c.found.low
    is_cheap = one <= TENTH * loop
    how = "" if is_cheap else ", which is more than a tenth"
    cost = f"at {one:,.0f} tokens a question against {loop:,.0f}{how}"
    kept = low is not None and low >= -MARGIN
    said = "is" if kept and is_cheap else "is not shown to be"
    return (
        f"One pass after {said} as good as {loop_of(n.read)} before to within {MARGIN * 100:.0f} points"
        f"{' at a tenth of its tokens' if said == 'is' else ''}: {change(c.found)}, {cost}."
    )


def _stop(n: Numbers) -> list[str]:
    s = n.stopped
    if s is None:
        return []
    made = [
        f"The stop rule keeps {s.n_kept} of {s.n_seeds} trainings. Kept or not, the change is "
        + "; ".join(f"{change(e)} {_SLICES[k]}" for k, e in s.unstopped.items())
        + ". With it, the change is "
        + "; ".join(f"{change(e)} {_SLICES[k]}" for k, e in s.change.items())
        + "."
    ]
    failed = [
        f"by {points(-e.value)[1:]} points {_SLICES[k]}"
        for k, e in s.change.items()
        if e.value is not None and e.value < -MARGIN
    ]
    if failed:
        made.append(f"The stop rule fails: it lets accuracy fall {' and '.join(failed)}, more than {MARGIN * 100:.0f}.")  # fmt: skip
    return made


def _break_even(n: Numbers) -> list[str]:
    if CONSENSUS not in n.break_even:
        return []
    q = n.break_even[CONSENSUS]
    if q is None:
        return [
            "One pass costs no fewer tokens than the loop did: the training never pays for itself."
        ]
    return [f"Draws and training are paid for after {q:,.0f} questions that one pass answers instead of the loop."]  # fmt: skip


def missing(n: Numbers, names: list[str]) -> str:
    """Which systems were not made, or nothing."""
    made = {x: s.n_seeds for x, s in n.read.greedy.items()}
    lacking = [
        x if x not in made else f"{x} ({made[x]} of {n.read.n_seeds} seeds made)"
        for x in names
        if made.get(x, 0) < n.read.n_seeds
    ]
    if n.read.has_loop_after and n.read.loop_after is None:
        lacking.append("the loop after training")
    return (
        "" if not lacking else f"Not made yet: {', '.join(lacking)}; the same command makes them."
    )

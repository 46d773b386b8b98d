"""A comparison of runs in words: its warning, its sentence, its tables, and how a terminal shows it."""

from __future__ import annotations

from collections.abc import Sequence

from lorid_data.pages.cells import Chip
from lorid_data.pages.table import Table, aligned, table
from lorid_data.pages.text import visible
from lorid_train.report.comparing import Compared, Comparison, Flip
from lorid_train.report.verdicts import Ruling, fewest
from lorid_train.report.words import (
    VERDICTS,
    p_value,
    points,
    points_interval,
    share,
)

TONES = {"better": "correct", "worse": "wrong", "noise": "", "few": ""}
"""The colour of a verdict; none where there is nothing to say."""
_LISTED = 12
_MOST_SETTINGS = 6


def chip(found: Ruling) -> str:
    """A verdict as a cell."""
    return Chip(VERDICTS[found], TONES[found])


def warning(c: Comparison) -> str:
    """What keeps two runs from being compared like with like; '' where nothing does."""
    a, b = c.names
    said = []
    if any(c.n_alone):
        total = [c.n_shared + n for n in c.n_alone]
        said.append(
            f"{_questions(c.n_shared)} {'is' if c.n_shared == 1 else 'are'} shared, of "
            f"{total[0]:,} in {a} and {total[1]:,} in {b}"
        )
    if c.n_other_gold:
        said.append(f"{_questions(c.n_other_gold)} have another reference answer")
    if c.differing:
        pairs = [f"{key} ({_short(x)} against {_short(y)})" for key, (x, y) in c.differing.items()]
        more = len(pairs) - _MOST_SETTINGS
        shown = ", ".join(pairs[:_MOST_SETTINGS]) + (f" and {more} more" if more > 0 else "")
        said.append(f"settings differ: {shown}")
    return f"{a} and {b}, not like for like: {'; '.join(said)}." if said else ""


def sentence(c: Comparison) -> str:
    """What A − B comes to, in one sentence."""
    a, b = c.names
    if not c.n_shared:
        return f"{a} and {b} share no question: nothing can be said of their difference."
    if (loop := c.loop) is None:
        return (
            f"The loop was not drawn whole in both {a} and {b}: the systems below can be compared."
        )
    d = loop.difference
    numbers = (
        f"{share(loop.accuracy[0], with_n=False)} against {share(loop.accuracy[1], with_n=False)} of "
        f"{_questions(d.n)}, {points(d.value)} points ({points_interval(d)}), {loop.only[0]:,} won and "
        f"{loop.only[1]:,} lost, exact p {p_value(loop.p.value)}"
    )
    if loop.p_holm.value != loop.p.value:
        numbers += f", {p_value(loop.p_holm.value)} after Holm's correction"
    if loop.ruling == "few":
        least = fewest(loop.p_holm)
        return f"No verdict on {a} − {b}, which takes at least {least} questions: {numbers}."
    opening = {
        "better": f"{a} is better than {b}",
        "worse": f"{a} is worse than {b}",
        "noise": f"{a} does not differ from {b} beyond noise",
    }[loop.ruling]
    return f"{opening}: {numbers}."


def _questions(n: int) -> str:
    return f"{n:,} question{'' if n == 1 else 's'}"


def _short(value: str) -> str:
    return value if len(value) <= 60 else value[:59] + "…"


def systems(c: Comparison) -> Table:
    """Every system that both runs have: accuracy and tokens side by side, and what differs."""
    a, b = c.names
    rows = [_row(s) for s in c.systems]
    heads = ["System", a, b, "A − B, points", "95 % interval", "Tokens, A", "Tokens, B"]
    least = max((fewest(s.p_holm) for s in c.systems), default=0)
    return table(
        [*heads, "Only A right", "Only B right", "p", "p, Holm", "Verdict"],
        rows,
        caption=f"{a} (A) − {b} (B), {_questions(c.n_shared)}",
        note="The shared questions. Exact McNemar test; the loop is the comparison, all other systems "
        f"are one family under Holm's correction. A verdict needs p below 0.05 and at least {least} "
        f"questions. {times(c)}",
        strong=[i for i, s in enumerate(c.systems) if s.system == c.top],
        optional=(a, b, "Only A right", "Only B right", "p", "p, Holm"),
    )


def _row(s: Compared) -> list[str]:
    d = s.difference
    return [
        s.system,
        *(share(m) for m in s.accuracy),
        points(d.value),
        points_interval(d),
        *(f"{t:,.0f}" for t in s.tokens),
        *(f"{n:,}" for n in s.only),
        p_value(s.p.value),
        p_value(s.p_holm.value),
        chip(s.ruling),
    ]


def times(c: Comparison) -> str:
    """How long each run drew."""
    said = ["not noted" if s is None else duration(s) for s in c.draw_s]
    if c.draw_s == (None, None):
        return "How long the draws took was not noted."
    return f"The draws took {said[0]} in {c.names[0]}, {said[1]} in {c.names[1]}, other work of the machines included."


def duration(seconds: float) -> str:
    """A time for people: 8.4 s, 12 min 5 s, 3 h 20 min."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds) // 60} min {int(seconds) % 60} s"
    return f"{int(seconds) // 3600} h {int(seconds) % 3600 // 60} min"


def flipped(c: Comparison, side: int) -> Table:
    """The questions that one run's loop alone gets right, with both answers."""
    flips = c.flips[side]
    rows = [
        [f.problem_id[:12], _line(f, 110), *(x or "none" for x in f.answers), f.gold]
        for f in flips[:50]
    ]
    more = f"; the first 50 of {len(flips):,}" if len(flips) > 50 else ""
    return table(
        ["Problem", "Question", *(f"{n} says" for n in c.names), "Reference"],
        rows,
        caption=f"Right in {c.names[side]} only: {_questions(len(flips))}{more}",
    )


def _line(f: Flip, n: int) -> str:
    said = " ".join(f.question[: 4 * n].split())
    return said if len(said) <= n else said[: n - 1] + "…"


def matrix(found: Sequence[Comparison]) -> Table:
    """The loop of every run against every other: row − column, in points."""
    names = list(dict.fromkeys(n for c in found for n in c.names))
    of = {c.names: c for c in found}
    rows = []
    for a in names:
        cells = [a]
        for b in names:
            c, sign = (of[a, b], 1) if (a, b) in of else (of.get((b, a)), -1)
            cells.append("" if c is None else _cell(c, sign))
        rows.append(cells)
    n = len([c for c in found if c.loop])
    return table(
        ["Row − column", *names],
        rows,
        caption="The loop of each run against every other's, in points",
        note="With the 95 % interval, and the number of shared questions where it is not that of both "
        f"runs. *: p below 0.05 after Holm's correction over {n} pair{'' if n == 1 else 's'}. "
        "?: too few questions for a verdict.",
    )


def _cell(c: Comparison, sign: int) -> str:
    if (loop := c.loop) is None:
        return "–"
    d = loop.difference
    low, high = (d.ci_low, d.ci_high) if sign > 0 else (d.ci_high, d.ci_low)
    turned = d.model_copy(
        update={
            "value": None if d.value is None else sign * d.value,
            "ci_low": None if low is None else sign * low,
            "ci_high": None if high is None else sign * high,
        }
    )
    mark = {"better": "*", "worse": "*", "few": " ?", "noise": ""}[loop.ruling]
    shared = f", n = {d.n:,}" if any(c.n_alone) else ""
    return f"{points(turned.value)}{mark} ({points_interval(turned)}{shared})"


def terminal(found: Sequence[Comparison]) -> str:
    """What `lorid-train compare` prints; a warning first of all."""
    lines = [f"WARNING: {w}" for c in found if (w := warning(c))]
    if len(found) > 1:
        lines += [aligned(matrix(found)), ""]
    for c in found:
        lines += [sentence(c), ""]
        if len(found) > 1:
            continue
        if c.systems:
            lines += [*_of_pair(c), ""]
    return visible("\n".join(lines).rstrip("\n"), 200_000)


def _of_pair(c: Comparison) -> list[str]:
    rows = [
        [
            s.system, share(s.accuracy[0]), share(s.accuracy[1]), points(s.difference.value),
            points_interval(s.difference), p_value(s.p_holm.value), VERDICTS[s.ruling],
            *(f"{t:,.1f}" for t in s.tokens),
        ]
        for s in c.systems
    ]  # fmt: skip
    head = ["system", "A", "B", "A − B", "95 % interval", "p", "verdict", "tokens A", "tokens B"]
    lines = [aligned(table(head, rows)), f"(A: {c.names[0]}, B: {c.names[1]}; {_correction(c)})"]
    for side, name in enumerate(c.names):
        flips = c.flips[side]
        lines += ["", f"right in {name} only: {_questions(len(flips))}"]
        lines += [f"  {f.problem_id[:12]}  {_line(f, 80)}" for f in flips[:_LISTED]]
        if len(flips) > _LISTED:
            lines.append(f"  … and {len(flips) - _LISTED:,} more (--json has all ids)")
    return [*lines, "", times(c)]


def _correction(c: Comparison) -> str:
    """Under which correction the p-values of the terminal's table stand."""
    least = max((fewest(s.p_holm) for s in c.systems), default=0)
    return (
        "p: exact McNemar test, all but the loop's under Holm's correction; a verdict needs "
        f"p below 0.05 and at least {least} questions"
    )

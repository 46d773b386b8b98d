"""What a reader sees before anything else: the verdict in a sentence, three numbers, one plot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lorid_data.pages.page import Tile, paragraph, tiles
from lorid_data.pages.table import table_html
from lorid_train.metrics.comparisons import families
from lorid_train.metrics.rows import Metric
from lorid_train.report import compared, plots
from lorid_train.report.comparing import Comparison
from lorid_train.report.findings import never_agree, share_withheld, withheld
from lorid_train.report.run_tables import by_kind
from lorid_train.report.verdicts import fewest, verdict
from lorid_train.report.view import EvaluationView
from lorid_train.report.words import (
    FEW,
    VERDICTS,
    describe,
    interval,
    numbers,
    plain,
    points,
    points_interval,
    share,
)

_RIVALS = ("maj-ir@", "maj-both@", "maj-dr@", "early-stop-ir@")
"""What the loop's tokens could have bought instead, the plainest first."""
_NO_RESULT = "no question was answered"
_SHOWN = ("ir-greedy", "dr-kg-knowledge", "maj-ir@K")
"""What runs are shown by beside their loops; everything else stands below."""


def equal_cost(view: EvaluationView) -> str | None:
    """The alternative that was matched to the loop's tokens, or None where none was drawn."""
    have = view.scored.outcomes
    return next((s for r in _RIVALS for s in have if s.startswith(r)), None)


def lead(view: EvaluationView) -> str:
    """The verdict against the alternative of equal cost."""
    n, top = numbers(view.metrics), view.scored.headline
    if top not in view.scored.outcomes:
        return f"No verdict: {top} has no result, {view.scored.left_out.get(top, _NO_RESULT)}."
    rival = equal_cost(view)
    if rival is None:
        return (
            f"No verdict at equal cost: no alternative was drawn that costs what {top} does "
            f"({share(n[top, 'accuracy', None])} right)."
        )
    d, p = (n[top, m, f"vs={rival}"] for m in ("difference", "mcnemar_p_holm"))
    right = [share(n[s, "accuracy", None], with_n=False) for s in (top, rival)]
    cost = [plain(n[s, "tokens_per_problem", None], 0, with_n=False) for s in (top, rival)]
    what = describe(rival)
    opening = {
        "better": f"At equal cost the loop is better than {what}",
        "worse": f"At equal cost the loop is worse than {what}",
        "noise": f"At equal cost the loop does not differ, beyond noise, from {what}",
        "few": f"No verdict on the loop against {what}, which takes at least {fewest(p)} questions",
    }[verdict(n, top, rival)]
    coverage = n.get((top, "coverage", None))
    never = coverage is not None and coverage.value == 0
    held = share_withheld(top, n)
    given = "" if not held else " that is not withheld"
    answers = "is withheld" if held == 1 else f"{given} is the fallback's".strip()
    alone = f"; IR and DR never agree, every answer {answers}" if never else ""
    return (
        f"{opening}: {right[0]} against {right[1]} of {d.n:,} questions, {points(d.value)} points "
        f"({points_interval(d)}), with {cost[0]} and {cost[1]} generated tokens a question{alone}."
    )


def one(view: EvaluationView) -> Iterator[str]:
    """The first screen of one evaluation."""
    n, top = numbers(view.metrics), view.scored.headline
    yield paragraph(lead(view), "lead")
    rival = equal_cost(view)
    three = [
        ("The loop", top, view.scored.left_out.get(top, _NO_RESULT)),
        ("Greedy IR", "ir-greedy", "was not drawn"),
        ("Majority, equal tokens", rival or "", "was not drawn"),
    ]
    yield tiles([_tile(name, s, n.get((s, "accuracy", None)), n.get((s, "tokens_per_problem", None)), why) for name, s, why in three])  # fmt: skip
    family = {top, *(p.second for p in families(view.scored)["alternatives"])}
    only = [s for s in view.scored.outcomes if s in family] or list(view.scored.outcomes)
    if only:
        yield f'<div class="wide">{plots.accuracies([view], only=only)}</div>'
    coverage = n.get((top, "coverage", None))
    if coverage is not None and coverage.value == 0:
        yield paragraph(never_agree(top, view.settings, n), "note")
    if share_withheld(top, n):
        yield paragraph(withheld(view, n), "note")


def _tile(
    name: str, system: str, accuracy: Metric | None, tokens: Metric | None, missing: str
) -> Tile:
    if accuracy is None or accuracy.value is None:
        return Tile(name, "–", (system, missing) if system else (missing,))
    cost = plain(tokens, 0, with_n=False)
    return _numbers(name, system, accuracy, f"{cost} tokens")


def _numbers(name: str, system: str, accuracy: Metric, *more: str) -> Tile:
    """Accuracy large, what it is of, its interval, its n where that is small."""
    few = (f"n = {accuracy.n}",) if accuracy.n < FEW else ()
    lines = (system, f"95 %: {interval(accuracy)}", *few, *more)
    return Tile(name, share(accuracy, with_n=False), lines)


def several(views: Sequence[EvaluationView], found: Sequence[Comparison]) -> Iterator[str]:
    """The first screen of several evaluations: what keeps them from being compared, then A − B."""
    for c in found:
        if said := compared.warning(c):
            yield paragraph(said, "warning")
    if len(found) == 1:
        yield paragraph(compared.sentence(found[0]), "lead")
    yield tiles(_of_pair(found[0]) if len(found) == 1 else map(_of_run, views))
    if len(found) > 1:
        yield table_html(compared.matrix(found))
    names = dict.fromkeys(s for v in views for s in by_kind(v))
    tops = {v.scored.headline for v in views}
    only = [s for s in names if s in tops or s in _SHOWN]
    yield f'<div class="wide">{plots.accuracies(views, only=only or list(names))}</div>'


def _of_pair(c: Comparison) -> list[Tile]:
    """Both runs over the questions that they share, and A − B."""
    named = [f"{letter}: {name}" for letter, name in zip("AB", c.names, strict=True)]
    if (loop := c.loop) is None:
        return [Tile(n, "–", ("its loop was not drawn for every question",)) for n in named]
    made = []
    for name, m, tokens, s in zip(named, loop.accuracy, loop.tokens, c.draw_s, strict=True):
        time = () if s is None else (f"drawn in {compared.duration(s)}",)
        made.append(_numbers(name, loop.system, m, f"{tokens:,.0f} tokens", *time))
    d = loop.difference
    few = "no verdict: too few" if loop.ruling == "few" else VERDICTS[loop.ruling]
    lines = (f"{c.names[0]} − {c.names[1]}", points_interval(d), f"{d.n:,} shared questions", few)
    return [*made, Tile("A − B, points", points(d.value), lines)]


def _of_run(view: EvaluationView) -> Tile:
    n, top = numbers(view.metrics), view.scored.headline
    made = _tile(view.name, top, n.get((top, "accuracy", None)), n.get((top, "tokens_per_problem", None)), view.scored.left_out.get(top, _NO_RESULT))  # fmt: skip
    if view.draw_s is None:
        return made
    return Tile(made.name, made.value, (*made.lines, f"drawn in {compared.duration(view.draw_s)}"))

"""The tables about the interaction loop: every threshold, every round, and named questions."""

from __future__ import annotations

from collections.abc import Sequence

from lorid_data.pages.cells import Formulas
from lorid_data.pages.table import Table, table
from lorid_train.interaction.draws import How
from lorid_train.metrics.curves import CURVE
from lorid_train.metrics.rows import Outcome, Verdict
from lorid_train.metrics.wins import role_pair
from lorid_train.report.question_index import how_of
from lorid_train.report.view import EvaluationView
from lorid_train.report.words import interval, numbers, plain, share

LISTED = 50
"""Questions that a named list shows."""


def thresholds(view: EvaluationView) -> Table:
    """The loop at every t: accuracy and cost."""
    n = numbers(view.metrics)
    rows = []
    for t in range(1, view.scored.rounds + 1):
        accuracy = n.get((f"lorid@{t}", "accuracy", CURVE))
        if accuracy is not None:
            tokens = n.get((f"lorid@{t}", "tokens_per_problem", CURVE))
            rows.append([str(t), share(accuracy), interval(accuracy), plain(tokens, 0)])
    return table(["t", "Accuracy", "95 % interval", "Tokens"], rows)


def consensus(view: EvaluationView) -> Table:
    """The loop at every t: how often it agrees, and how often that is right."""
    n = numbers(view.metrics)
    rows = []
    for t in range(1, view.scored.rounds + 1):
        agreed = n.get((f"lorid@{t}", "coverage", CURVE))
        if agreed is not None:
            right = n.get((f"lorid@{t}", "consensus_precision", CURVE))
            rows.append([str(t), share(agreed), share(right), interval(right)])
    return table(["t", "Agreed", "Right", "95 % interval"], rows)


def stopping(view: EvaluationView) -> Table:
    """Where the loop stops, and how right it is there."""
    n, top = numbers(view.metrics), view.scored.headline
    rows = []
    for r in range(1, view.scored.rounds + 1):
        stopped = n.get((top, "stopped", f"round={r}"))
        right = n.get((top, "consensus_precision", f"round={r}"))
        if stopped is not None and right is not None and right.n:
            rows.append([str(r), f"{right.n:,}", share(stopped), share(right), interval(right)])
    rest = n.get((top, "accuracy_without_consensus", None))
    coverage = n.get((top, "coverage", None))
    if rest is not None and rest.n and coverage is not None and coverage.value is not None:
        rows.append(
            [
                "none",
                f"{rest.n:,}",
                f"{(1 - coverage.value) * 100:.1f} %",
                share(rest),
                interval(rest),
            ]
        )
    return table(["Round", "Questions", "Share", "Right", "95 % interval"], rows)


def two_by_two(view: EvaluationView) -> Table:
    """Which questions IR and DR each get right."""
    n = numbers(view.metrics)
    rows = []
    for label, name in (("greedy", "greedy, KG's knowledge"), ("round=1", "sampled, round 1")):
        cells = [
            n.get(("ir-and-dr", m, label))
            for m in ("both_right", "only_ir_right", "only_dr_right", "neither_right")
        ]
        if cells[0] is not None:
            rows.append(
                [name, *(share(c) for c in cells), plain(n.get(("ir-and-dr", "kappa", label)), 2)]
            )
    return table(
        ["IR and DR", "Both right", "Only IR", "Only DR", "Neither", "κ"],
        rows,
        note="κ is 1 where the two are right and wrong together, 0 where they are so by chance.",
    )


def named_list(view: EvaluationView, which: str) -> Table:
    """Questions by name.

    `no_consensus`, `false_consensus` (agreed on a wrong answer, be it withheld or not), or `only_ir` and `only_dr`: those
    that one of System 1 and System 2 alone gets right.
    """
    rows = view.scored.outcomes.get(view.scored.headline, [])
    if which in ("only_ir", "only_dr"):
        return _won(view, which)
    before = view.scored.before
    if which == "no_consensus":
        chosen = [o for o in rows if before(o).how != How.CONSENSUS]
    else:
        agreed = [o for o in map(before, rows) if o.how == How.CONSENSUS]
        chosen = [o for o in agreed if o.verdict == Verdict.WRONG]
    return _listed(view, chosen, last="Round")


def _won(view: EvaluationView, which: str) -> Table:
    """What one role alone gets right, with the other's answer."""
    pair = role_pair(view.scored)
    if pair is None:
        return table([], [])
    ir, dr = ({o.problem_id: o for o in view.scored.outcomes[s]} for s in pair)
    winner, loser = (ir, dr) if which == "only_ir" else (dr, ir)
    chosen = [
        o for p, o in loser.items()
        if p in winner and winner[p].verdict == Verdict.CORRECT and o.verdict != Verdict.CORRECT
    ]  # fmt: skip
    return _listed(view, chosen)


def _listed(view: EvaluationView, chosen: Sequence[Outcome], *, last: str = "") -> Table:
    cells = [
        [
            o.problem_id[:12],
            _question(view, o.problem_id),
            _short(o.answer or "none", 24),
            _short(view.records[o.problem_id].answer, 24),
            *([str(o.round)] if last else []),
        ]
        for o in chosen[:LISTED]
    ]
    note = f"{len(chosen):,} in all"
    if len(chosen) > LISTED:
        note += f"; the first {LISTED} are listed, the question table shows the rest"
    head = ["Problem", "Question", "Answer", "Gold", *([last] if last else [])]
    return table(head, cells, note=note + ".")


def _question(view: EvaluationView, problem_id: str) -> Formulas:
    r = view.records[problem_id]
    return Formulas(_short(r.question, 110), how_of(r))


def _short(text: str, n: int) -> str:
    one_line = " ".join(text[: 4 * n].split())
    return one_line if len(one_line) <= n else one_line[: n - 1] + "…"

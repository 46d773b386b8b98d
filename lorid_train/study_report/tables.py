"""The tables of a study, made once and written as HTML and as Markdown."""

from __future__ import annotations

from lorid_data.pages.table import Table, table
from lorid_train.report.words import p_value
from lorid_train.study_report import verdicts
from lorid_train.study_report.bins import SEEN
from lorid_train.study_report.claims import ALPHA, BESIDE, CLAIMS, DECIDED
from lorid_train.study_report.verdicts import UNSEEN
from lorid_train.study_report.view import StudyView
from lorid_train.study_report.words import (
    describe,
    plain,
    points,
    points_interval,
    share,
    tokens,
    with_interval,
)

ENDS = "An accuracy that is 0 or 100 % in all groups has Wilson's interval over the groups."


def systems(view: StudyView) -> Table:
    """Every system: accuracy on seen and unseen groups, and its cost."""
    rows = [
        [
            name,
            describe(name),
            with_interval(view.get(key, "accuracy", SEEN)),
            with_interval(view.get(key, "accuracy", UNSEEN)),
            plain(view.get(key, "tokens_per_problem", SEEN)),
            plain(view.get(key, "tokens_per_problem", None)),
        ]
        for key, name in view.names.items()
    ]
    head = ["System", "What it is", "Seen", "Unseen", "Tokens, seen", "Tokens, all"]
    notes = [f"{name}: {note}." for name, note in view.notes.items()]
    return table(head, rows, note="Tokens: all generated tokens per problem. " + " ".join(notes))


def by_frequency(view: StudyView) -> Table:
    """Accuracy of every system at every frequency."""
    parts = [b.slice for b in view.bins]
    rows = [
        [name, *(with_interval(view.get(key, "accuracy", p)) for p in parts)]
        for key, name in view.names.items()
    ]
    counts = [view.get(next(iter(view.names)), "accuracy", p) for p in parts] if rows else []
    n = ", ".join(f"{m.n:,}" if m is not None else "0" for m in counts)
    return table(
        ["Examples per group", *(b.label for b in view.bins)],
        rows,
        note=f"Problems in each column: {n}. {ENDS}" if rows else "",
    )


def comparisons(view: StudyView) -> Table:
    """The planned comparisons over seen problems."""
    rows = []
    for number, claim in enumerate(CLAIMS, 1):
        d, p, over, sd = (
            view.versus(claim.first, claim.second, m, SEEN)
            for m in ("difference", "p_holm", "difference_over_cells", "sd_within_world")
        )
        if d is None or p is None:
            continue
        first, second = (view.names[s] for s in (claim.first, claim.second))
        rows.append(
            [
                str(number),
                f"{first} − {second}",
                points(d.value),
                points_interval(d),
                p_value(p.value),
                points_interval(over) if over is not None else "–",
                f"{sd.value * 100:.1f}" if sd is not None and sd.value is not None else "–",
                str(verdicts.verdict(view, claim)),
            ]
        )
    head = ["No.", "Seen problems", "Points", "95 % interval", "p, Holm", "Cells, least to most"]
    return table(
        [*head, "SD in a world", "The claim is"],
        rows,
        note=(
            "Paired over problems; bootstrap over groups; Holm's adjustment over all rows. SD in a "
            "world: between its cells (bases and seeds), in points, pooled over worlds; the "
            "intervals do not cover it. Claims 2 and 3 are of no advantage."
        ),
    )


def differences_by_frequency(view: StudyView) -> Table:
    """The planned comparisons at every frequency."""
    rows = []
    for claim in CLAIMS:
        if claim.first not in view.names or claim.second not in view.names:
            continue
        cells = []
        for b in view.bins:
            d, p = (
                view.versus(claim.first, claim.second, m, b.slice) for m in ("difference", "p_holm")
            )
            star = "*" if verdicts.direction(d, p) else ""
            said = "–" if d is None else f"{points(d.value)}{star} [{points_interval(d)}]"
            cells.append(said)
        rows.append([f"{view.names[claim.first]} − {view.names[claim.second]}", *cells])
    return table(
        ["Examples per group", *(b.label for b in view.bins)],
        rows,
        note=f"Points. *: p below {ALPHA} after Holm's adjustment over the row.",
    )


def consensus(view: StudyView) -> Table:
    """Coverage and precision of consensus at every t, on seen and unseen groups."""
    rows = []
    for t in view.thresholds:
        cells = [
            with_interval(view.numbers.get((f"lorid@{t}", m, part)))
            for part in (SEEN, UNSEEN)
            for m in ("coverage", "consensus_precision")
        ]
        rows.append([str(t), *cells])
    head = ["t", "Seen: agreed", "Seen: right of these", "Unseen: agreed", "Unseen: right of these"]
    return table(head, rows)


def decisions(view: StudyView) -> Table:
    """(a) to (c): accuracy and tokens against what they replace."""
    rows = []
    for of in (*DECIDED, *BESIDE):
        d, p, spent, every = (
            view.versus(of.first, of.second, m, part)
            for m, part in (
                ("difference", SEEN), ("p_holm", SEEN), ("tokens_difference", SEEN), ("difference", ""),
            )
        )  # fmt: skip
        if d is None:
            continue
        rows.append(
            [
                f"({of.decision}) {view.names[of.first]} − {view.names[of.second]}",
                points(d.value),
                points_interval(d),
                p_value(p.value) if p is not None else "–",
                tokens(spent) if spent is not None else "±0.0",
                points(every.value) if every is not None else "–",
            ]
        )
    head = ["Seen problems", "Points", "95 % interval", "p, Holm", "Tokens a problem"]
    return table([*head, "Points, all problems"], rows)


def fitted(view: StudyView) -> Table:
    """What the stopping rule learnt in each cell."""
    names = (
        "p_ir", "p_dr", "p_same_wrong", "weight_ir", "weight_dr", "discount", "threshold", "reached_target",
    )  # fmt: skip
    rows = []
    for cell in view.cells:
        found = [view.numbers.get(("stopping-rule", m, f"cell={cell.name}")) for m in names]
        if found[0] is not None:
            reached = "yes" if found[-1] is not None and found[-1].value else "no"
            rows.append([cell.name, *(plain(m, 2) for m in found[:-1]), reached])
    return table(
        ["Cell", "p, IR", "p, DR", "c", "Weight, IR", "Weight, DR", "γ", "θ", "Target met"],
        rows,
        note=(
            "Fitted on the cell's own validation draws: accuracies p, the chance c that two wrong "
            "answers are the same, the discount γ of a repeated vote and the threshold θ. Target: as "
            "often right on validation as the loop with DR as fallback."
        ),
    )


def abstaining(view: StudyView) -> Table:
    """(d): what each confidence is worth."""
    rows = []
    for name, success in {"loop-round": None, **verdicts.abstaining(view)}.items():
        n = view.numbers
        if (name, "area", None) not in n:
            continue
        gain = n.get((name, "area_difference", "vs=loop-round"))
        p = n.get((name, "p_holm", "vs=loop-round"))
        rows.append(
            [
                name,
                with_interval(n[name, "area", None]),
                with_interval(n[name, "accuracy", "coverage=0.50"]),
                with_interval(n[name, "accuracy", "coverage=0.80"]),
                share(n.get((name, "unseen_below_seen", None))),
                f"{points(gain.value)} [{points_interval(gain)}]" if gain is not None else "–",
                p_value(p.value) if p is not None else "–",
                str(success) if success is not None else "the measure",
            ]
        )
    head = ["Confidence", "Area", "Accuracy at 50 %", "Accuracy at 80 %", "Unseen below seen"]
    what = "; ".join(f"{row[0]}: {describe(row[0])}" for row in rows)
    return table(
        [*head, "Area above loop-round", "p, Holm", "It"],
        rows,
        note=(
            f"All problems. {what}. Area: mean accuracy over all coverages. Unseen below seen: how often a "
            "problem of an unseen group has a lower confidence than one of a seen group; 50 % says "
            "that confidence does not tell them apart."
        ),
    )

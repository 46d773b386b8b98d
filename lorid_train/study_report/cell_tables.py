"""The tables of single cells, and of what stands around the numbers."""

from __future__ import annotations

from lorid_data.pages.table import Table, table
from lorid_train.report.run_tables import flatten
from lorid_train.study_report.bins import SEEN
from lorid_train.study_report.claims import CLAIMS
from lorid_train.study_report.verdicts import UNSEEN
from lorid_train.study_report.view import StudyView
from lorid_train.study_report.words import points, share


def accuracies(view: StudyView) -> Table:
    """Accuracy of every system in every cell, on seen and unseen groups."""
    rows = []
    for key, name in view.names.items():
        cells = []
        for cell in view.cells:
            seen, unseen = (
                view.get(key, "accuracy", f"cell={cell.name},{part}") for part in (SEEN, UNSEEN)
            )
            cells.append(f"{share(seen)} / {share(unseen)}")
        rows.append([name, *cells])
    return table(["System", *(c.name for c in view.cells)], rows, note="Seen / unseen groups.")


def differences(view: StudyView) -> Table:
    """The planned comparisons in every cell."""
    rows = []
    for claim in CLAIMS:
        if claim.first not in view.names or claim.second not in view.names:
            continue
        cells = []
        for cell in view.cells:
            d = view.versus(claim.first, claim.second, "difference", f"cell={cell.name},{SEEN}")
            cells.append("–" if d is None else points(d.value))
        d = view.versus(claim.first, claim.second, "difference", SEEN)
        cells.append("–" if d is None else points(d.value))
        rows.append([f"{view.names[claim.first]} − {view.names[claim.second]}", *cells])
    return table(
        ["Seen problems", *(c.name for c in view.cells), "All cells"],
        rows,
        note="Points; each cell's own interval stands in metrics.json.",
    )


def settings(view: StudyView) -> Table:
    """What the study was asked to do, and what its cells are."""
    rows = [[key, value] for key, value in flatten(view.settings).items()]
    rows.append(["group_by", view.group_by])
    rows += [
        [f"cell: {c.name}", f"world {c.world}, base {c.base}, seed {c.seed}"] for c in view.cells
    ]
    return table(["Setting", "Value"], rows)


def left_out(view: StudyView) -> Table:
    """What could not be scored, and why."""
    rows = [[system, cell, why] for (system, cell), why in view.left_out.items()]
    if view.n_seeds > 1:
        rows.append(
            [
                "other seeds",
                "all",
                f"{view.n_seeds} evaluation seeds are stored; the lowest is used",
            ]
        )
    return table(["Left out", "Cell", "Why"], rows)

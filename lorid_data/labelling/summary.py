"""What the labels of a folder say: counts with intervals, agreement, the worth of automatic flags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations
from statistics import median

from lorid_data.intervals import wilson
from lorid_data.labelling.agreement import cohen_kappa, cross_table, gwet_ac1, raw_agreement
from lorid_data.labelling.labels import CURRENT
from lorid_data.labelling.rubric import Defect, Verdict
from lorid_data.labelling.types import (
    Agreement,
    Flagged,
    Label,
    OneAnnotator,
    Sampled,
    Share,
    Summary,
)

DISPUTED = "disputed"


def summarise(labels: Sequence[Label], sample: Sampled, records_sha256: str) -> Summary:
    """`labels.json` of these labels; those that are not current are counted and left out."""
    current = [label for label in labels if label.status == CURRENT]
    by_row: dict[str, list[Label]] = {}
    for label in current:
        by_row.setdefault(label.row_id, []).append(label)
    verdicts = {row_id: _joint(found) for row_id, found in by_row.items()}
    defects = {
        row_id: set.intersection(*(set(label.defects) for label in found))
        for row_id, found in by_row.items()
    }
    names = list(dict.fromkeys(label.annotator for label in current))
    return Summary(
        records_sha256=records_sha256,
        sample=sample,
        n=len(by_row),
        n_not_current=len(labels) - len(current),
        verdicts=_shares(verdicts.values(), [*Verdict, DISPUTED], len(by_row)),
        defects=_shares((d for ds in defects.values() for d in ds), Defect, len(by_row)),
        annotators=tuple(_one(name, current) for name in names),
        agreement=tuple(
            found for a, b in combinations(names, 2) for found in _between(a, b, current)
        ),
        flags=_flags(by_row, verdicts),
    )


def _joint(labels: Sequence[Label]) -> str:
    """What all annotators of a sample say; `disputed` where they differ."""
    said = {label.verdict for label in labels}
    return next(iter(said)) if len(said) == 1 else DISPUTED


def share(n: int, of: int) -> Share:
    """`n` of `of` samples; an empty sample has the fraction 0 and says nothing: 0 to 1."""
    low, high = wilson(n, of)
    return Share(n=n, fraction=n / of if of else 0.0, ci_low=low, ci_high=high)


def _shares(found: Iterable[str], names: Iterable[str], of: int) -> dict[str, Share]:
    counts = Counter(map(str, found))
    return {str(name): share(counts[str(name)], of) for name in names}


def _one(name: str, current: Sequence[Label]) -> OneAnnotator:
    own = [label for label in current if label.annotator == name]
    return OneAnnotator(
        annotator=name,
        n=len(own),
        verdicts=_shares((label.verdict for label in own), Verdict, len(own)),
        defects=_shares((d for label in own for d in label.defects), Defect, len(own)),
        n_changed=sum(
            (label.verdict, label.defects) != (label.first_verdict, label.first_defects)
            for label in own
        ),
        n_peeked=sum(label.peeked for label in own),
        median_duration_s=round(median(label.duration_s for label in own), 1),
    )


def _between(a: str, b: str, current: Sequence[Label]) -> list[Agreement]:
    """Agreement of two annotators on the verdict and on each defect; nothing without shared samples."""
    of = {(label.annotator, label.row_id): label for label in current}
    both = [(label, of[b, label.row_id]) for label in current if label.annotator == a and (b, label.row_id) in of]  # fmt: skip
    if not both:
        return []
    found = [_agreement((a, b), "verdict", tuple(Verdict), [(x.verdict, y.verdict) for x, y in both])]  # fmt: skip
    for defect in Defect:
        said = [(_said(x, defect), _said(y, defect)) for x, y in both]
        found.append(_agreement((a, b), defect, ("yes", "no"), said))
    return found


def _said(label: Label, defect: Defect) -> str:
    return "yes" if defect in label.defects else "no"


def _agreement(
    names: tuple[str, str], of: str, categories: Sequence[str], pairs: Sequence[tuple[str, str]]
) -> Agreement:
    table = cross_table(pairs, categories)
    return Agreement(
        annotators=names,
        of=str(of),
        n=len(pairs),
        categories=tuple(map(str, categories)),
        table=table,
        raw=raw_agreement(table),
        kappa=cohen_kappa(table),
        ac1=gwet_ac1(table),
    )


def _flags(by_row: dict[str, list[Label]], verdicts: dict[str, str]) -> dict[str, Flagged]:
    found: dict[str, Flagged] = {}
    for name, wanted in (("flagged", True), ("unflagged", False)):
        rows = [row_id for row_id, labels in by_row.items() if bool(labels[0].flags) is wanted]
        n_bad = sum(verdicts[r] == Verdict.DEFECTIVE for r in rows)
        found[name] = Flagged(n=len(rows), defective=share(n_bad, len(rows)))
    return found

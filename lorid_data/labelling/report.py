"""The summary as the page shows it."""

from __future__ import annotations

from typing import Any

from lorid_data.labelling.files import LABELS, SUMMARY
from lorid_data.labelling.rubric import DEFECTS, VERDICTS
from lorid_data.labelling.types import Share, Summary

NAMES = {d.value: d.name for d in (*VERDICTS, *DEFECTS)}
"""How the page calls a verdict or a defect."""


def report(summary: Summary, annotator: str, *, done: bool) -> dict[str, Any]:
    """Sentences and tables for the page.

    Args:
        summary: of the labels that the annotator may see.
        annotator: whose page it is.
        done: whether the annotator has labelled every sample.
    """
    own = next((a for a in summary.annotators if a.annotator == annotator), None)
    n = own.n if own else 0
    said = f"You have labelled {n} of {summary.sample.n_samples} samples."
    if done:
        said += " That is all of them. Thank you."
    note = (
        f"Each sample is one of {summary.sample.n_originals:,} original questions, drawn with seed "
        f"{summary.sample.seed}. Everything is in {LABELS} and {SUMMARY}, in the dataset's folder."
    )
    if not done:
        note += " What other annotators say is shown when you are done."
    tables = [] if own is None else [_table("Your verdicts", own.verdicts), _table("Your defects", own.defects)]  # fmt: skip
    if len(summary.annotators) > 1:
        tables.append(_table("All annotators together", summary.verdicts))
    flags = {
        f"defective, of the {found.n} {name}": found.defective
        for name, found in summary.flags.items()
        if found.n
    }
    if flags:
        tables.append(_table("Automatic flags", flags))
    return {
        "done": done,
        "said": said,
        "note": note,
        "tables": tables,
        "agreement": [
            {**a.model_dump(mode="json"), "of": NAMES.get(a.of, a.of)} for a in summary.agreement
        ],
    }


def _table(title: str, shares: dict[str, Share]) -> dict[str, Any]:
    return {
        "title": title,
        "shares": [
            (NAMES.get(name, name.capitalize()), share.model_dump(mode="json"))
            for name, share in shares.items()
        ],
    }

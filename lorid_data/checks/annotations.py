"""Checks of calculator annotations, `<<a*b=c>>`: that they compute, and that none is left over."""

from __future__ import annotations

import re

from lorid_data.checks.finding import Finding, Severity
from lorid_data.checks.texts import texts_of
from lorid_data.schema import Record, RejectReason
from lorid_data.texts.calculate import agrees, calculate, number
from lorid_data.texts.latex import without_drawings

ANNOTATION = re.compile(r"<<([^<>]*)>>")


def annotation_wrong(r: Record) -> Finding | None:
    """A calculator annotation does not compute; what is no plain arithmetic is passed over.

    The result may be rounded or cut to the digits that are written.
    """
    for match in ANNOTATION.finditer(r.rationale):
        left, eq, right = match[1].rpartition("=")
        value, shown = calculate(left) if eq else None, number(right)
        if value is None or shown is None or agrees(value, shown, right):
            continue
        return Finding(
            RejectReason.ANNOTATION_WRONG,
            Severity.QUARANTINE,
            f"{left} is {float(value):g}, not {right.strip()}",
            match[0],
        )
    return None


_PIECE = re.compile(r"<<|>>")


def annotation_left(r: Record) -> Finding | None:
    """A piece of an annotation; or a whole one outside the rationales of GSM8K, whose own they are.

    A piece queues the row for a person, a whole one is only reported: training texts lose it anyway.
    """
    for name, text in texts_of(r):
        if piece := _PIECE.search(ANNOTATION.sub("", without_drawings(text, " "))):
            return Finding(
                RejectReason.ANNOTATION_LEFT,
                Severity.QUEUE,
                f"{name} holds {piece[0]} without its partner",
                text[-500:],
            )
        whole = ANNOTATION.search(text)
        if whole and (name != "rationale" or r.source != "gsm8k"):
            return Finding(
                RejectReason.ANNOTATION_LEFT,
                Severity.REPORT,
                f"{name} holds the annotation {whole[0]}",
                whole[0],
            )
    return None

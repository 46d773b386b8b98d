"""What the numbers decide, by the rules that were fixed beforehand; see `docs/experiments.md`."""

from __future__ import annotations

import re
from enum import StrEnum

from lorid_train.metrics.rows import Metric
from lorid_train.metrics.significance import fewest_pairs
from lorid_train.report.verdicts import fewest
from lorid_train.study_report.bins import SEEN
from lorid_train.study_report.claims import ALPHA, MARGIN, SIGN, SIGN_AT, Claim, Comparison
from lorid_train.study_report.tallies import CONFIDENCES
from lorid_train.study_report.view import StudyView

UNSEEN = "frequency=0"


class Verdict(StrEnum):
    """What became of a claim."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    NOT_DECIDED = "not decided"
    TOO_FEW = "–"
    """No verdict: of so few groups the exact test finds no difference, however large."""
    LEFT_OUT = "left out"


_GROUPS = re.compile(r"(\d+) groups")


def too_few(difference: Metric | None, p_holm: Metric | None) -> bool:
    """Whether the groups are too few for any verdict.

    The p-values are those of a bootstrap over groups, which promises too much of few. What the
    exact sign test over as many groups could not find were all of them to agree is not claimed.
    """
    found = _GROUPS.search(difference.method) if difference is not None else None
    if found is None:
        return False
    return int(found[1]) < (fewest(p_holm) if p_holm is not None else fewest_pairs())


def direction(difference: Metric | None, p_holm: Metric | None) -> int:
    """1 above zero, −1 below it, 0 neither: by the adjusted p."""
    if too_few(difference, p_holm):
        return 0
    if difference is None or p_holm is None or not difference.value:
        return 0
    if p_holm.value is None or p_holm.value >= ALPHA:
        return 0
    return 1 if difference.value > 0 else -1


def judge(claim: Claim, difference: Metric | None, p_holm: Metric | None) -> Verdict:
    """The verdict on one claim from its difference and adjusted p."""
    if difference is None or p_holm is None:
        return Verdict.LEFT_OUT
    if too_few(difference, p_holm):
        return Verdict.TOO_FEW
    way = direction(difference, p_holm)
    if claim.kind == "beats":
        return (Verdict.NOT_DECIDED, Verdict.SUPPORTED, Verdict.CONTRADICTED)[way]
    if way == 1:
        return Verdict.CONTRADICTED
    high = difference.ci_high
    return Verdict.SUPPORTED if high is not None and high < MARGIN else Verdict.NOT_DECIDED


def verdict(view: StudyView, claim: Claim, part: str = SEEN) -> Verdict:
    """The verdict on a claim over the seen problems, or at one frequency."""
    difference, p_holm = (
        view.versus(claim.first, claim.second, m, part) for m in ("difference", "p_holm")
    )
    return judge(claim, difference, p_holm)


def sign(view: StudyView) -> Verdict:
    """The pilot's first sign: it must be there at one example and at two."""
    return combined([verdict(view, SIGN, part) for part in SIGN_AT])


def combined(found: list[Verdict]) -> Verdict:
    """Supported if all are, contradicted if one is; left out where one could not be looked at."""
    if Verdict.CONTRADICTED in found:
        return Verdict.CONTRADICTED
    for none in (Verdict.LEFT_OUT, Verdict.TOO_FEW):
        if none in found:
            return none
    if all(v == Verdict.SUPPORTED for v in found):
        return Verdict.SUPPORTED
    return Verdict.NOT_DECIDED


def ignorance(view: StudyView) -> Verdict:
    """Whether agreement fails to notice that nobody knows the group."""
    m = view.numbers.get((f"lorid@{view.rounds}", "consensus_precision", UNSEEN))
    if m is None or m.ci_low is None or m.ci_high is None:
        return Verdict.LEFT_OUT
    if too_few(m, None):
        return Verdict.TOO_FEW
    if m.ci_high < 0.5:
        return Verdict.SUPPORTED
    return Verdict.CONTRADICTED if m.ci_low > 0.5 else Verdict.NOT_DECIDED


class Success(StrEnum):
    """What became of a decision."""

    BETTER = "succeeds, and is more accurate"
    SUCCEEDS = "succeeds"
    FAILS = "does not succeed"
    TOO_FEW = "has no verdict, of too few groups"
    LEFT_OUT = "left out"


def fallback(view: StudyView, of: Comparison) -> Success:
    """(a): above zero with an adjusted p."""
    difference, p_holm = (
        view.versus(of.first, of.second, m, SEEN) for m in ("difference", "p_holm")
    )
    if difference is None:
        return Success.LEFT_OUT
    if too_few(difference, p_holm):
        return Success.TOO_FEW
    return Success.SUCCEEDS if direction(difference, p_holm) == 1 else Success.FAILS


def cheaper(view: StudyView, of: Comparison) -> Success:
    """(b) and (c): no worse than a point at fewer tokens; better if it is above zero as well."""
    difference, p_holm, tokens = (
        view.versus(of.first, of.second, m, SEEN)
        for m in ("difference", "p_holm", "tokens_difference")
    )
    if difference is None or tokens is None:
        return Success.LEFT_OUT
    if too_few(difference, p_holm):
        return Success.TOO_FEW
    low, high = difference.ci_low, tokens.ci_high
    if low is None or high is None or low <= -MARGIN or high >= 0:
        return Success.FAILS
    return Success.BETTER if direction(difference, p_holm) == 1 else Success.SUCCEEDS


def abstaining(view: StudyView) -> dict[str, Success]:
    """(d): which shares order problems better than the loop's round does."""
    found = {}
    for name in CONFIDENCES[1:]:
        label = f"vs={CONFIDENCES[0]}"
        gain, p_holm = (view.numbers.get((name, m, label)) for m in ("area_difference", "p_holm"))
        if gain is None:
            found[name] = Success.LEFT_OUT
        elif too_few(gain, p_holm):
            found[name] = Success.TOO_FEW
        else:
            found[name] = Success.SUCCEEDS if direction(gain, p_holm) == 1 else Success.FAILS
    return found

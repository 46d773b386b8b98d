"""What the numbers decide, by the rules that were fixed beforehand; see `docs/experiments.md`."""

from __future__ import annotations

from enum import StrEnum

from lorid_train.metrics.rows import Metric
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
    LEFT_OUT = "left out"


def direction(difference: Metric | None, p_holm: Metric | None) -> int:
    """1 above zero, −1 below it, 0 neither: by the adjusted p."""
    if difference is None or p_holm is None or not difference.value:
        return 0
    if p_holm.value is None or p_holm.value >= ALPHA:
        return 0
    return 1 if difference.value > 0 else -1


def judge(claim: Claim, difference: Metric | None, p_holm: Metric | None) -> Verdict:
    """The verdict on one claim from its difference and adjusted p."""
    if difference is None or p_holm is None:
        return Verdict.LEFT_OUT
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
    if Verdict.LEFT_OUT in found:
        return Verdict.LEFT_OUT
    if all(v == Verdict.SUPPORTED for v in found):
        return Verdict.SUPPORTED
    return Verdict.NOT_DECIDED


def ignorance(view: StudyView) -> Verdict:
    """Whether agreement fails to notice that nobody knows the group."""
    m = view.numbers.get((f"lorid@{view.rounds}", "consensus_precision", UNSEEN))
    if m is None or m.ci_low is None or m.ci_high is None:
        return Verdict.LEFT_OUT
    if m.ci_high < 0.5:
        return Verdict.SUPPORTED
    return Verdict.CONTRADICTED if m.ci_low > 0.5 else Verdict.NOT_DECIDED


class Success(StrEnum):
    """What became of a decision."""

    BETTER = "succeeds, and is more accurate"
    SUCCEEDS = "succeeds"
    FAILS = "does not succeed"
    LEFT_OUT = "left out"


def fallback(view: StudyView, of: Comparison) -> Success:
    """(a): above zero with an adjusted p."""
    difference, p_holm = (
        view.versus(of.first, of.second, m, SEEN) for m in ("difference", "p_holm")
    )
    if difference is None:
        return Success.LEFT_OUT
    return Success.SUCCEEDS if direction(difference, p_holm) == 1 else Success.FAILS


def cheaper(view: StudyView, of: Comparison) -> Success:
    """(b) and (c): no worse than a point at fewer tokens; better if it is above zero as well."""
    difference, p_holm, tokens = (
        view.versus(of.first, of.second, m, SEEN)
        for m in ("difference", "p_holm", "tokens_difference")
    )
    if difference is None or tokens is None:
        return Success.LEFT_OUT
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
        else:
            found[name] = Success.SUCCEEDS if direction(gain, p_holm) == 1 else Success.FAILS
    return found

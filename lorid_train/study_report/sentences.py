"""What is and is not supported, in sentences made from the numbers alone: flattering or not."""

from __future__ import annotations

from collections.abc import Iterator

from lorid_train.metrics.rows import Metric
from lorid_train.report.words import joined
from lorid_train.study_report import verdicts
from lorid_train.study_report.bins import SEEN
from lorid_train.study_report.claims import (
    BESIDE,
    CLAIMS,
    DECIDED,
    MARGIN,
    SIGN,
    SIGN_AT,
    Claim,
    Comparison,
)
from lorid_train.study_report.tallies import CONFIDENCES
from lorid_train.study_report.verdicts import UNSEEN, Success, Verdict
from lorid_train.study_report.view import FEW_CLUSTERS, StudyView
from lorid_train.study_report.words import describe, difference, interval, plain, share, tokens

_NO_ADVANTAGE = tuple(c for c in CLAIMS if c.kind == "no-advantage")
_RIVALS = {
    "dr-kg-knowledge": "one greedy draw of KG and DR",
    "router-dr": "a router that draws KG and DR a third time in IR's place",
}


def _capital(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"


_AT = "at one and at two examples per group"
_SIGN_SAID = {
    Verdict.SUPPORTED: f"{_capital(SIGN.sentence)} {_AT}",
    Verdict.CONTRADICTED: f"That {SIGN.sentence} {_AT} is contradicted",
    Verdict.NOT_DECIDED: f"Whether {SIGN.sentence} {_AT} is not decided",
    Verdict.TOO_FEW: f"No verdict, of too few groups, on whether {SIGN.sentence} {_AT}",
    Verdict.LEFT_OUT: f"Whether {SIGN.sentence} {_AT} could not be looked at on these draws",
}


def headline(view: StudyView) -> list[str]:
    """The signs, the consensus and how far the numbers reach, most important first."""
    said = [_sign(view), *_elsewhere(view), _loop(view), *_consensus(view), *_reach(view)]
    return [_kept_together(s) for s in said]


def _kept_together(text: str) -> str:
    """No line break between a number and its sign."""
    return text.replace(" %", "\u00a0%")


def _sign(view: StudyView) -> str:
    at = [
        f"{difference(d)} at {part.partition('=')[2]}"
        for part in SIGN_AT
        if (d := view.versus(SIGN.first, SIGN.second, "difference", part)) is not None
    ]
    return f"{_SIGN_SAID[verdicts.sign(view)]}{f': {joined(at)}' if at else ''}."


def _elsewhere(view: StudyView) -> Iterator[str]:
    """The same difference at the other frequencies."""
    parts = []
    for b in view.bins:
        d = view.versus(SIGN.first, SIGN.second, "difference", b.slice)
        if b.slice not in SIGN_AT and d is not None:
            parts.append(
                f"{difference(d)} at {b.label}{_is(verdicts.verdict(view, SIGN, b.slice))}"
            )
    if parts:
        yield f"At other frequencies the same difference is {'; '.join(parts)}."


def _is(found: Verdict) -> str:
    return "" if found == Verdict.TOO_FEW else f": {found}"


def _loop(view: StudyView) -> str:
    parts = []
    for claim in _NO_ADVANTAGE:
        d = view.versus(claim.first, claim.second, "difference", SEEN)
        found = verdicts.verdict(view, claim)
        number = f", {difference(d)}" if d is not None else ""
        said = "no verdict, of too few groups," if found == Verdict.TOO_FEW else str(found)
        parts.append(f"{said} where it falls back on {claim.first[6:8].upper()}{number}")
    return f"No advantage of the loop over KG and DR alone: {'; '.join(parts)}."


def _consensus(view: StudyView) -> Iterator[str]:
    top = f"lorid@{view.rounds}"
    seen, unseen = (
        [view.numbers.get((top, m, part)) for m in ("coverage", "consensus_precision")]
        for part in (SEEN, UNSEEN)
    )
    said = [
        f"on {name} groups {_agreed(view.rounds, cover, right)}"
        for name, (cover, right) in (("seen", seen), ("unseen", unseen))
        if cover is not None and cover.value is not None
    ]
    if not said:
        return
    found = verdicts.ignorance(view)
    claim = (
        f" That agreement does not notice ignorance is {found}."
        if found not in (Verdict.LEFT_OUT, Verdict.TOO_FEW)
        else ""
    )
    text = "; ".join(said)
    yield f"{_capital(text)}.{claim}"


def _agreed(rounds: int, cover: Metric, right: Metric | None) -> str:
    if cover.value == 0:
        return f"IR and DR never agree within {rounds} rounds: every answer of the loop there is the fallback's"
    return (
        f"IR and DR agree within {rounds} rounds on {share(cover)} of the "
        f"problems and are right in {share(right)} of these ({interval(right)} %)"
    )


def _reach(view: StudyView) -> Iterator[str]:
    """What the intervals do not cover."""
    if view.n_groups < FEW_CLUSTERS:
        yield (
            f"Only {view.n_groups} groups: with fewer than {FEW_CLUSTERS} the intervals are too "
            "narrow, so that verdicts are wrong more often than one time in twenty."
        )
    n = len({(c.base, c.seed) for c in view.cells})
    yield (
        f"The intervals say which {view.group_by} values and problems might have been drawn; they do "
        f"not cover the training. {n} pair{'s' if n != 1 else ''} of base and seed "
        f"{'were' if n != 1 else 'was'} used; how far the cells lie apart is shown below."
    )


def claims(view: StudyView) -> dict[Verdict, list[str]]:
    """Every planned claim under its verdict."""
    found: dict[Verdict, list[str]] = {v: [] for v in Verdict}
    for claim in CLAIMS:
        which = verdicts.verdict(view, claim)
        found[which].append(_kept_together(_claim(view, claim, which)))
    return found


def _claim(view: StudyView, claim: Claim, which: Verdict) -> str:
    text = _capital(claim.sentence)
    d = view.versus(claim.first, claim.second, "difference", SEEN)
    if which == Verdict.LEFT_OUT or d is None:
        lacking = [s for s in (claim.first, claim.second) if s not in view.names]
        return f"{text}: {joined(lacking or [claim.first])} could not be scored."
    if which == Verdict.CONTRADICTED:
        how = "it has one" if claim.kind == "no-advantage" else "it is the other way round"
        return f"{text}: no, {how}, {difference(d)}."
    alone = which == Verdict.NOT_DECIDED and claim.kind == "beats" and _leaves_out_zero(d)
    more = "; alone the interval excludes zero, among all claims that is not enough"
    return f"{text}: {difference(d)}{more if alone else ''}."


def _leaves_out_zero(d: Metric) -> bool:
    return d.ci_low is not None and d.ci_high is not None and (d.ci_low > 0 or d.ci_high < 0)


def decisions(view: StudyView) -> list[str]:
    """(a) to (d), each with what became of it."""
    a, b, c = DECIDED
    said = [
        _fallback(view, a),
        _cheaper(view, b, "(b) The stopping rule that weighs votes"),
        " ".join([_cheaper(view, c, "(c) The router"), *_beside(view)]),
        _abstaining(view),
    ]
    return [_kept_together(s) for s in said]


def _fallback(view: StudyView, of: Comparison) -> str:
    d = view.versus(of.first, of.second, "difference", SEEN)
    head = f"(a) DR's last answer as fallback, against IR's, {verdicts.fallback(view, of)}"
    return f"{head}." if d is None else f"{head}: {difference(d)} over seen problems, same tokens."


def _cheaper(view: StudyView, of: Comparison, name: str) -> str:
    d, spent, every = (
        view.versus(of.first, of.second, m, part)
        for m, part in (("difference", SEEN), ("tokens_difference", SEEN), ("difference", ""))
    )
    head = f"{name}, against the loop with DR as fallback, {verdicts.cheaper(view, of)}"
    if d is None or spent is None:
        return f"{head}."
    used = [plain(view.get(s, "tokens_per_problem", SEEN), 0) for s in (of.first, of.second)]
    said = (
        f"{head}: {difference(d)} over seen problems, with {used[0]} tokens a problem instead of "
        f"{used[1]}, {tokens(spent)}"
    )
    more = f"; over all problems {difference(every)}" if every is not None else ""
    return f"{said}{more}. It had to lose less than {MARGIN * 100:.0f} point and save tokens."


def _beside(view: StudyView) -> Iterator[str]:
    for of in BESIDE:
        d = view.versus(of.first, of.second, "difference", SEEN)
        spent = view.versus(of.first, of.second, "tokens_difference", SEEN)
        if d is not None:
            yield f"Against {_RIVALS[of.second]}: {difference(d)}, tokens {tokens(spent)}."


def _abstaining(view: StudyView) -> str:
    found = verdicts.abstaining(view)
    if Success.LEFT_OUT in found.values():
        return "(d) Abstaining: left out."
    first = view.numbers[CONFIDENCES[0], "area", None]
    parts = []
    for name, success in found.items():
        gain = view.numbers[name, "area_difference", f"vs={CONFIDENCES[0]}"]
        parts.append(f"the {describe(name)} {success} ({difference(gain)})")
    return (
        f"(d) Abstaining by confidence. {describe(CONFIDENCES[0])[0].upper()}"
        f"{describe(CONFIDENCES[0])[1:]} gives a mean accuracy over all coverages of {share(first)}; "
        f"against that {joined(parts)}."
    )

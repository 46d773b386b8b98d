"""What the numbers say, in sentences made from the intervals and tests: flattering or not."""

from __future__ import annotations

from collections.abc import Mapping

from lorid_train.interaction.three_way import THREE_WAY
from lorid_train.metrics.comparisons import families
from lorid_train.metrics.rows import Metric
from lorid_train.metrics.significance import detectable_difference
from lorid_train.report.verdicts import Ruling, fewest, verdict
from lorid_train.report.view import EvaluationView
from lorid_train.report.words import (
    VERDICTS,
    Numbers,
    describe,
    interval,
    joined,
    numbers,
    plain,
    points,
    points_interval,
    share,
)


def findings(view: EvaluationView) -> list[str]:
    """The sentences of one evaluation, most important first."""
    n = numbers(view.metrics)
    top = view.scored.headline
    accuracy = n.get((top, "accuracy", None))
    if accuracy is None or accuracy.value is None:
        why = view.scored.left_out.get(top, "no question was answered")
        return [f"{top} has no result: {why}."]
    said = [_headline(view, accuracy), *_alternatives(view, n)]
    of_loop = (_budget(view, n), _thresholds(view, n), _consensus(view, n), withheld(view, n))
    said += [s for s in of_loop if s]
    said += _knowledge(view, n)
    said += [s for s in (_official(view, n), _unanswered(view, n), _scale(view, n)) if s]
    return said


def _headline(view: EvaluationView, accuracy: Metric) -> str:
    assert accuracy.value is not None
    seeds = len({o.seed for o in view.scored.outcomes[view.scored.headline]})
    over = f", mean of {seeds} seeds" if seeds > 1 else ""
    said = (
        f"{view.scored.headline} is right on {share(accuracy)} of {accuracy.n:,} questions{over} "
        f"(95 % interval {interval(accuracy)} %)."
    )
    if accuracy.value < 0.05:
        said += (
            " That is close to nothing: with so few right answers the comparisons below say little."
        )
    return said


def _named(n: Numbers, first: str, second: str) -> str:
    d = n[first, "difference", f"vs={second}"]
    return f"{describe(second)} ({points(d.value)} points, {points_interval(d)})"


def _leaves_out_zero(n: Numbers, first: str, second: str) -> bool:
    d = n[first, "difference", f"vs={second}"]
    return d.ci_low is not None and d.ci_high is not None and (d.ci_low > 0 or d.ci_high < 0)


def _alternatives(view: EvaluationView, n: Numbers) -> list[str]:
    top = view.scored.headline
    by: dict[str, list[str]] = {"better": [], "noise": [], "worse": [], "few": []}
    for pair in families(view.scored)["alternatives"]:
        by[verdict(n, top, pair.second)].append(pair.second)
    said = []
    if by["better"]:
        names = joined([_named(n, top, s) for s in by["better"]])
        said.append(f"It beats {names}: outside noise.")
    if by["worse"]:
        names = joined([_named(n, top, s) for s in by["worse"]])
        said.append(f"It is worse than {names}: outside noise.")
    if by["noise"]:
        names = joined([_named(n, top, s) for s in by["noise"]], "or")
        said.append(f"It does not differ, beyond noise, from {names}.")
        alone = [describe(s) for s in by["noise"] if _leaves_out_zero(n, top, s)]
        if alone:
            said.append(
                f"Taken alone, the interval of the difference from {joined(alone)} excludes zero; "
                "among all these comparisons that is not enough (Holm's correction)."
            )
    if by["few"]:
        needed = fewest(n[top, "mcnemar_p_holm", f"vs={by['few'][0]}"])
        names = joined([_named(n, top, s) for s in by["few"]])
        said.append(
            f"No verdict on {names}: of fewer than {needed} questions the exact test finds no "
            f"difference among {len(by['few'])}, however large."
        )
    if "early-stop-ir" in by["noise"]:
        costs = [plain(n[s, "tokens_per_problem", None], 0) for s in ("early-stop-ir", top)]
        said.append(
            f"Since IR alone, stopped when an answer repeats, does as well within noise (with "
            f"{costs[0]} generated tokens per question against {costs[1]}), these numbers do not "
            "show that the second reasoner or its knowledge adds anything to stopping early."
        )
    return said


def _budget(view: EvaluationView, n: Numbers) -> str:
    """What the equal-cost comparisons cost."""
    top = view.scored.headline
    rivals = [s for s in view.scored.outcomes if s.startswith(("maj-", "early-stop-"))]
    tokens = "tokens_per_problem"
    costs = [
        f"{s} {plain(n[s, tokens, None])}" for s in ("ir-greedy", *rivals) if (s, tokens, None) in n
    ]
    if not costs:
        return ""
    return (
        f"Generated tokens per question: {top} {plain(n[top, tokens, None])}, {', '.join(costs)}."
    )


def _thresholds(view: EvaluationView, n: Numbers) -> str:
    top = view.scored.headline
    parts = []
    for pair in families(view.scored)["thresholds"]:
        d = n[top, "difference", f"vs={pair.second}"]
        parts.append(
            f"against {pair.second} {points(d.value)} points ({points_interval(d)}"
            f"{_said(verdict(n, top, pair.second))})"
        )
    return f"More rounds: {top} {'; '.join(parts)}." if parts else ""


def _said(found: Ruling) -> str:
    return "" if found == "few" else f", {VERDICTS[found]}"


def _consensus(view: EvaluationView, n: Numbers) -> str:
    top, rounds = view.scored.headline, view.scored.rounds
    coverage, precision = (n.get((top, m, None)) for m in ("coverage", "consensus_precision"))
    if coverage is None or precision is None or precision.value is None:
        return never_agree(top, view.settings, n) if coverage is not None else ""
    first = n.get((top, "consensus_precision", "round=1"))
    rule = rule_of_programs(view.settings)
    who = "IR and DR agree" if rule is None else f"The rule {rule} stops"
    they = "they agree they are" if rule is None else "it stops it is"
    said = (
        f"{who} within {rounds} rounds on {share(coverage)} of the questions, after "
        f"{plain(n.get((top, 'mean_rounds', None)), 2)} rounds on average; where {they} "
        f"right in {share(precision)} ({interval(precision)} %)"
    )
    if first is not None and first.value is not None:
        said += f", where {'they agree' if rule is None else 'it stops'} at once in {share(first)} ({interval(first)} %)"
    late = n.get((top, "accuracy_without_consensus", None))
    if late is not None and late.value is not None:
        said += f". Without consensus the fallback is right in {share(late)} of {late.n:,}"
    return said + "."


def rule_of_programs(settings: Mapping[str, object]) -> str | None:
    """The rule in which programs have a say that the loop is decided by; None where it is another."""
    rule = str(settings.get("rule"))
    return rule if rule in THREE_WAY else None


def withheld(view: EvaluationView, n: Numbers) -> str:
    """How many answers of the loop are withheld; nothing where none was to be."""
    top, below = view.scored.headline, view.settings.get("abstain_below")
    held = n.get((top, "withheld", None))
    if held is None or not held.value:
        return f"No answer of {top} has a chance below {below} to be right, and none is withheld." if below else ""  # fmt: skip
    return (
        f"{top} withholds its answer to {share(held, with_n=False)} of {held.n:,} questions, of which the chance to be right is "
        f"below {below}; they count as not right. What is said of agreement and of chances is of all answers, those "
        "that are withheld included."
    )


def never_agree(top: str, settings: Mapping[str, object], n: Numbers) -> str:
    """What it means that no question reaches consensus.

    Args:
        top: the loop.
        settings: of the evaluation: rule and fallback.
        n: its numbers: whether answers are withheld.
    """
    fallback, rule = str(settings.get("fallback")), rule_of_programs(settings)
    rounds = top.partition("@")[2]
    who = "IR and DR never agree" if rule is None else f"The rule {rule} never stops"
    said = f"{who} within {rounds} round{'' if rounds == '1' else 's'}"
    if fallback == "none":
        return f"{said}, and there is no fallback: {top} answers nothing."
    of = {
        "ir": "IR's last",
        "dr": "DR's last",
        "cg": "CG's last",
        "majority": "the most frequent one",
    }.get(fallback)
    what = f" ({of})" if of else ""
    held = share_withheld(top, n)
    if held == 1:
        return f"{said}, and every answer of the fallback{what} is withheld: {top} answers nothing."
    given = " that is not withheld" if held else ""
    return f"{said}: every answer of {top}{given} is the fallback's{what}, and none the loop's own."


def share_withheld(top: str, n: Numbers) -> float:
    """The fraction of the questions whose answer is withheld, 0 to 1."""
    held = n.get((top, "withheld", None))
    return 0.0 if held is None or held.value is None else held.value


def _knowledge(view: EvaluationView, n: Numbers) -> list[str]:
    said = []
    for pair in families(view.scored)["knowledge"]:
        found = verdict(n, *pair)
        word = {
            "better": "beats",
            "worse": "is worse than",
            "noise": "does not differ, beyond noise, from",
            "few": "has too few questions for a verdict against",
        }
        said.append(
            f"{describe(pair.first)[0].upper()}{describe(pair.first)[1:]} {word[found]} "
            f"{_named(n, *pair)}."
        )
    return said


def _scale(view: EvaluationView, n: Numbers) -> str:
    """How small a difference these questions can show."""
    top = view.scored.headline
    pairs = families(view.scored)["alternatives"]
    discordant = [
        (n[top, "only_this_right", f"vs={s}"].value or 0)
        + (n[top, "only_other_right", f"vs={s}"].value or 0)
        for _, s in pairs
    ]
    if not discordant or not max(discordant):
        return ""
    count = n[top, "accuracy", None].n
    if count < fewest(n[top, "mcnemar_p_holm", f"vs={pairs[0].second}"]):
        return f"{count:,} questions are too few to tell any two systems apart."
    smallest = detectable_difference(sorted(discordant)[len(discordant) // 2], count)
    if smallest >= 1:
        return f"{count:,} questions are too few to tell any two systems apart."
    return (
        f"With {count:,} questions, and systems that differ as often as these, a true difference "
        f"below about {smallest * 100:.1f} points would go unseen more than one time in five."
    )


def _official(view: EvaluationView, n: Numbers) -> str:
    name = f"official@{view.scored.rounds}"
    accuracy, chosen = (n.get((name, m, None)) for m in ("accuracy", "label_chosen"))
    if accuracy is None or accuracy.value is None or chosen is None or chosen.value is None:
        return ""
    n_chosen = round(chosen.value * chosen.n)
    return (
        f"Under the official rule (all answers so far, any common one counts) the same draws give "
        f"{share(accuracy)} ({interval(accuracy)} %); in {n_chosen:,} of {chosen.n:,} questions the "
        "reference answer chose between a right and a wrong common answer."
    )


def _unanswered(view: EvaluationView, n: Numbers) -> str:
    top = view.scored.headline
    none, ungradable = (n[top, m, None] for m in ("no_answer", "ungradable"))
    if not none.value and not ungradable.value:
        return ""
    return (
        f"{share(none)} of the questions get no answer from {top} and {share(ungradable)} one that "
        "cannot be graded; both count as not right, and are shown apart from wrong."
    )

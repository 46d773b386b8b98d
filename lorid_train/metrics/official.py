"""The official evaluation, kept for comparison: cumulative sets, and any common answer counts.

Follows `evaluate` of the official repository (src/predict.py:124-156, commit 284c947), with one
repair: its stride over the generations is a constant 20, which reads the wrong questions for any
other number of rounds; here it is the number of rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

_MARKS = ("-->", "boxed", "he answer is", "答案是", "\n", "####")
"""What tells a label that is a whole target text from one that is a bare answer."""


@dataclass(frozen=True, slots=True)
class OfficialStop:
    """Where the official loop stops for one problem."""

    round: int
    """The first round with a common answer; the last round where there was none."""
    candidates: tuple[str, ...]
    """The common answers: none, one, or two."""
    score: int
    """1 where any candidate equals the label."""
    label_chose: bool
    """Two candidates, one right and one wrong: the label decided which one counts."""


def official_stop(
    ir: Sequence[str], dr: Sequence[str], is_right: Callable[[str], bool], *, rounds: int
) -> OfficialStop | None:
    """The official stop over extracted answers ('' for none), in round order.

    Returns:
        None where there is no common answer in the rounds given and they are fewer than `rounds`.
    """
    seen_ir: set[str] = set()
    seen_dr: set[str] = set()
    n_pairs = min(len(ir), len(dr), rounds)
    for j in range(n_pairs):
        seen_ir.add(ir[j])
        seen_dr.add(dr[j])
        common = sorted((seen_ir & seen_dr) - {""})
        if common:
            right = [is_right(c) for c in common]
            return OfficialStop(j + 1, tuple(common), int(any(right)), len(set(right)) == 2)
    return OfficialStop(rounds, (), 0, label_chose=False) if n_pairs == rounds else None


def official_stops(
    ir_texts: Sequence[Sequence[str]],
    dr_texts: Sequence[Sequence[str]],
    labels: Sequence[str],
    *,
    rounds: int,
    extract: Callable[[str], Any] | None = None,
    equal: Callable[[str, str], Any] | None = None,
) -> list[OfficialStop]:
    """The official stop of each problem; see `official_evaluate` for the arguments.

    Raises:
        ValueError: the lists do not hold the same problems, or one has fewer than `rounds` texts.
    """
    _check_shape(ir_texts, dr_texts, labels, rounds)
    of_text, of_label = _extractors(extract)
    same = equal or official_grader
    stops = []
    for ir, dr, label in zip(ir_texts, dr_texts, labels, strict=True):
        truth = of_label(label)
        stop = official_stop(
            [of_text(t) for t in ir[:rounds]],
            [of_text(t) for t in dr[:rounds]],
            lambda a, truth=truth: _is_equal(same(a, truth)),  # type: ignore[misc]
            rounds=rounds,
        )
        assert stop is not None  # every problem has all its rounds: checked above
        stops.append(stop)
    return stops


def official_evaluate(
    ir_texts: Sequence[Sequence[str]],
    dr_texts: Sequence[Sequence[str]],
    labels: Sequence[str],
    *,
    rounds: int,
    extract: Callable[[str], Any] | None = None,
    equal: Callable[[str, str], Any] | None = None,
) -> tuple[list[int], list[int]]:
    """Scores and stopping rounds as the official evaluation gives them.

    Answers of IR and DR are gathered in two growing sets, compared as strings. The first round
    with a common answer stops the loop, and the problem scores 1 if any common answer equals the
    label; without one it scores 0 after `rounds` rounds.

    Args:
        ir_texts: per problem, the texts of IR in round order, at least `rounds` of them.
        dr_texts: the same of DR.
        labels: per problem, the target text or the bare answer. A given `extract` reads it too
            (the label stands as it is where that finds nothing).
        rounds: the cap t, at least 1.
        extract: text → answer; a string ('' for none), None, or an `Answer`. By default
            `lorid_data.answers.official_extract`; a bare label is then read as the official
            target text `--> LABEL END` would be.
        equal: candidate, label → bool or a verdict of `lorid_data.answers.equal`. By default
            `official_grader`.

    Returns:
        (scores, iterations): 0 or 1, and 1 … rounds, per problem.

    Raises:
        ValueError: the lists do not hold the same problems, or one has fewer than `rounds` texts.
    """
    stops = official_stops(ir_texts, dr_texts, labels, rounds=rounds, extract=extract, equal=equal)
    return [s.score for s in stops], [s.round for s in stops]


def n_label_chosen(stops: Sequence[OfficialStop]) -> int:
    """In how many problems the label chose between a right and a wrong common answer."""
    return sum(s.label_chose for s in stops)


def _check_shape(
    ir_texts: Sequence[Sequence[str]],
    dr_texts: Sequence[Sequence[str]],
    labels: Sequence[str],
    rounds: int,
) -> None:
    if rounds < 1:
        msg = f"rounds is {rounds!r}: at least 1 is needed"
        raise ValueError(msg)
    if not len(ir_texts) == len(dr_texts) == len(labels):
        msg = f"{len(ir_texts)} IR, {len(dr_texts)} DR problems and {len(labels)} labels"
        raise ValueError(f"{msg}: the three must hold the same problems")
    for name, texts in (("ir_texts", ir_texts), ("dr_texts", dr_texts)):
        for i, of_one in enumerate(texts):
            if len(of_one) < rounds:
                msg = f"{name}[{i}] holds {len(of_one)} texts, {rounds} rounds were asked for"
                raise ValueError(msg)


def _as_string(found: Any) -> str:
    value = found if isinstance(found, str) else getattr(found, "value", None)
    return value if isinstance(value, str) else ""


def _is_equal(verdict: Any) -> bool:
    return str(verdict) == "equal" if isinstance(verdict, str) else bool(verdict)


def _extractors(
    extract: Callable[[str], Any] | None,
) -> tuple[Callable[[str], str], Callable[[str], str]]:
    """How to read a generation, and how to read a label."""
    if extract is not None:
        given = extract
        return lambda t: _as_string(given(t)), lambda t: _as_string(given(t)) or t
    from lorid_data.answers import official_extract

    def of_label(label: str) -> str:
        # Units, commas and fractions of a bare label are normalised as those of the answers are.
        is_target = any(m in label for m in _MARKS)
        return official_extract(label if is_target else f"--> {label} END") or label

    return official_extract, of_label


def official_grader(answer: str, label: str) -> str:
    """`answers.official_equal`; where the official code would ask sympy, `answers.equal` decides.

    The official code hands what its string and numeric stages leave open to sympy, which runs it
    as Python. Our equality stands in for that; it is right where sympy is, and does not hang.
    """
    from lorid_data.answers import Verdict, equal, official_equal

    found = official_equal(answer, label)
    return equal(answer, label) if found is Verdict.UNPARSED else found

"""What a question's stored draws say its answer is, by a rule that does not see the gold answer; or by the gold one.

| rule | label | draws that are kept |
| --- | --- | --- |
| `consensus` | what the loop would answer: the first round whose IR and DR agree | of the rounds in which both state it |
| `majority` | what more than half of all draws of IR and DR state | all that state it |
| `ir-majority` | what more than half of IR's draws state | all that state it |
| `gold` | the reference answer | all that the grader finds right |
| `none` | none | all that state an answer: the control |

A question without a label is left out: where the draws do not agree, abstaining is the point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from lorid_data.folders.parquet import read_rows, write_rows
from lorid_data.schema import FrozenModel
from lorid_train.interaction.draws import Draw
from lorid_train.interaction.rules import SAMPLED, agree, answer_of
from lorid_train.metrics.voting import cluster, leader

Rule = Literal["consensus", "majority", "ir-majority", "gold", "none"]
RULES: tuple[str, ...] = get_args(Rule)
FILE = "draw_labels.parquet"
"""File of an exported folder: one `Label` per question and role."""
VOTERS = {"consensus": ("ir", "dr"), "majority": ("ir", "dr"), "ir-majority": ("ir",)}
"""Whose draws decide a label, by rule; of the others the roles that are kept."""
IsRight = Callable[["str | None"], bool]
"""Whether an answer is the reference one: what the rule `gold` alone is given."""


class Label(FrozenModel):
    """What one question's draws of one role say, for a reward that is fixed before training."""

    problem_id: str
    question: str
    role: str
    rule: str
    label: str | None
    """The answer to be rewarded; null where the rule abstains."""
    agreement: float
    """Share of the rule's voters that state the label, 0 to 1; 0 without one."""
    n_draws: int
    """Stored draws of the role."""
    n_matching: int
    """Of these, how many state the label."""
    has_signal: bool
    """Whether some of the role's draws state the label and some do not: where all or none do, a
    group's rewards are equal and teach nothing."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One question's draws, decided by a rule.

    Attributes:
        label: the answer, or None where the rule abstains (and by the rule `none`).
        agreement: share of the voters that state it.
        n_votes: the voters that state it.
        n_voters: all of them, draws without an answer included.
        n_rounds: rounds that were looked at, of all seeds.
        kept: the draws to train on, in order of seed and round.
        others: draws of the same roles that state another answer.
    """

    label: str | None
    agreement: float
    n_votes: int
    n_voters: int
    n_rounds: int
    kept: tuple[Draw, ...]
    others: tuple[Draw, ...]


def labelled(
    draws: Iterable[Draw], rule: Rule, roles: Sequence[str], *, is_right: IsRight | None = None
) -> Labelled:
    """Decide one question.

    Args:
        draws: its draws, in any order; only sampled ones of IR and DR count.
        rule: how.
        roles: whose draws are kept: `ir`, `dr` or both.
        is_right: for the rule `gold` only; no other rule may see the gold answer.
    """
    of = _sampled(draws)
    own = [d for d in of if d.role in roles]
    voters = [d for d in of if d.role in VOTERS.get(rule, roles)]
    rounds = {(d.seed, d.round) for d in of}
    if rule == "none":
        kept = tuple(d for d in own if answer_of(d.text) is not None)
        return Labelled(None, 0.0, 0, len(voters), len(rounds), kept, ())
    label = _label(voters, rule, is_right)
    if label is None:
        return Labelled(None, 0.0, 0, len(voters), len(rounds), (), ())
    states = _stating(label, is_right if rule == "gold" else None)
    right = [d for d in own if states(answer_of(d.text))]
    if rule == "consensus":
        agreed = _rounds_where(of, states)
        right = [d for d in right if (d.seed, d.round) in agreed]
    others = [d for d in own if (a := answer_of(d.text)) is not None and not states(a)]
    n = sum(states(answer_of(d.text)) for d in voters)
    return Labelled(label, n / len(voters), n, len(voters), len(rounds), tuple(right), tuple(others))  # fmt: skip


def labels_of(
    problem_id: str,
    question: str,
    draws: Iterable[Draw],
    rule: Rule,
    roles: Sequence[str],
    *,
    is_right: IsRight | None = None,
) -> list[Label]:
    """The label of one question for each role, and whether its draws carried a signal."""
    draws = list(draws)
    found = labelled(draws, rule, roles, is_right=is_right)
    states = _stating(found.label, is_right if rule == "gold" else None)
    made = []
    for name in roles:
        own = [d for d in _sampled(draws) if d.role == name]
        n = 0 if found.label is None else sum(states(answer_of(d.text)) for d in own)
        made.append(
            Label(
                problem_id=problem_id, question=question, role=name, rule=rule, label=found.label,
                agreement=found.agreement, n_draws=len(own), n_matching=n,
                has_signal=0 < n < len(own),
            )
        )  # fmt: skip
    return made


def write_labels(folder: Path, labels: Iterable[Label]) -> None:
    """Write the labels of all questions into an exported folder."""
    write_rows(folder / FILE, Label, labels)


def read_labels(folder: Path, role: str) -> list[Label]:
    """The labels of one role, those without a label included.

    Raises:
        InputError: the folder holds none.
    """
    return [row for row in read_rows(folder / FILE, Label) if row.role == role]


def _sampled(draws: Iterable[Draw]) -> list[Draw]:
    """The sampled draws that state answers, in order of seed, round and role."""
    of = [d for d in draws if d.condition == SAMPLED and d.role in ("ir", "dr")]
    return sorted(of, key=lambda d: (d.seed, d.round, d.role != "ir"))


def _label(voters: Sequence[Draw], rule: Rule, is_right: IsRight | None) -> str | None:
    answers = [answer_of(d.text) for d in voters]
    if rule == "gold":
        assert is_right is not None
        return next((a for a in answers if is_right(a)), None)
    if rule == "consensus":
        return _first_agreed(voters)
    clusters = cluster(answers)
    first = leader(clusters)
    if first is None or 2 * clusters.count(clusters[first]) <= len(voters):
        return None
    return answers[first]


def _first_agreed(voters: Sequence[Draw]) -> str | None:
    """IR's answer of the first round in which DR's equals it."""
    rounds: dict[tuple[int, int], dict[str, str | None]] = {}
    for d in voters:
        rounds.setdefault((d.seed, d.round), {})[d.role] = answer_of(d.text)
    agreed = (r.get("ir") for r in rounds.values() if agree(r.get("ir"), r.get("dr")))
    return next(agreed, None)


def _rounds_where(
    draws: Sequence[Draw], states: Callable[[str | None], bool]
) -> set[tuple[int, int]]:
    """The rounds in which both roles state the label."""
    said: dict[tuple[int, int], set[str]] = {}
    for d in draws:
        if states(answer_of(d.text)):
            said.setdefault((d.seed, d.round), set()).add(d.role)
    return {r for r, by in said.items() if by == {"ir", "dr"}}


def _stating(label: str | None, is_right: IsRight | None) -> Callable[[str | None], bool]:
    return is_right or (lambda answer: agree(answer, label))

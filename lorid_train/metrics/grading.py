"""Where the gold answer enters: each draw of a problem becomes a small graded vote.

One problem at a time, so that memory does not grow with the texts: what stays of 60 texts is
their answers, clusters, verdicts and token counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING

from lorid_data.answers import reference
from lorid_data.folders.evaluations import SAMPLED, SAMPLED_GIVEN
from lorid_data.texts.characters import plain
from lorid_train.interaction.draws import Decision, Draw, Ran
from lorid_train.metrics.deciding import (
    Decide,
    Table,
    answering,
    by_seed,
    decisions_of,
    in_order,
    pairs,
)
from lorid_train.metrics.official import OfficialStop, official_stop
from lorid_train.metrics.properties import properties
from lorid_train.metrics.rows import Verdict
from lorid_train.metrics.voting import Group, cluster
from lorid_train.roles import SELF_STANDING

if TYPE_CHECKING:
    from lorid_data.answers import Accepted
    from lorid_data.schema import Record

Extract = Callable[[str], str | None]
"""The answer that a text gives, or None."""
Equal = Callable[[str, "str | Accepted"], str]
"""An answer and the gold one, or several of which each is right → equal, different, unparsed or timeout."""

_VERDICTS = {"equal": Verdict.CORRECT, "different": Verdict.WRONG}


@dataclass(frozen=True, slots=True)
class Gold:
    """What scoring alone may see of a problem."""

    problem_id: str
    answer: str | Accepted
    """The reference answer, or several of which each is right."""
    slices: Mapping[str, str]
    """subject, level, steps, answer_type, …: what results are broken down by."""
    original_id: str | None = None
    """The problem that it is a variant of; itself where that is not said."""
    has_knowledge: bool = True
    """Whether the dataset has knowledge for it, which DR can be given."""

    @property
    def answers(self) -> tuple[str, ...]:
        """Every answer that is right, the reference one first."""
        return (self.answer,) if isinstance(self.answer, str) else self.answer.answers


@dataclass(frozen=True, slots=True)
class Vote:
    """One draw, graded."""

    answer: str | None
    cluster: int | None
    """Equal for equal answers of one problem and seed; None without an answer."""
    verdict: Verdict
    n_tokens: int
    """What the answer cost: DR's includes the tokens of the knowledge it read."""
    cut: bool
    """It reached the token limit before its end."""
    ran: Ran | None = None
    """What became of the program, of a role that writes some."""


@dataclass(frozen=True, slots=True)
class GradedProblem:
    """One problem under one seed: every draw graded, every threshold decided."""

    gold: Gold
    seed: int
    single: Mapping[str, Vote]
    """Systems of one draw: `ir-greedy`, `dr-<condition>` for each condition of DR, and
    `<role>-greedy` for further roles."""
    ir: tuple[Vote, ...]
    """Sampled IR, rounds 1, 2, … without a gap; may go on after the loop's stop."""
    dr: tuple[Vote, ...]
    """Sampled DR on KG's sampled knowledge, rounds 1, 2, … without a gap."""
    decisions: tuple[Decision | None, ...]
    """The loop's decision at t = 1, 2, …; None where draws are missing for that t."""
    verdicts: tuple[Verdict, ...]
    """The verdict on each decision (no_answer where there is none)."""
    official: OfficialStop | None
    """Where the official evaluation stops; None where draws are missing."""
    compared: Mapping[str, str]
    """What the grader found of each distinct answer: equal, different, unparsed or timeout."""
    further: Mapping[str, tuple[Vote, ...]] = field(default_factory=dict)
    """Sampled draws of roles that the loop does not use, by role, rounds 1, 2, … without a gap."""
    by_round: Mapping[tuple[str, int], Vote] = field(default_factory=dict)
    """All sampled draws that answer, by role and round, gaps or not; empty where no program was drawn."""
    aside: Mapping[tuple[str, int], Vote] = field(default_factory=dict)
    """By role and round, draws that were asked for, though not by the rule at its largest threshold.

    Smaller thresholds and other rules may look at them; no other number counts them.
    """

    def sampled(self, role: str) -> tuple[Vote, ...]:
        """The sampled draws of a role that answers; DR's are those on KG's sampled knowledge."""
        return {"ir": self.ir, "dr": self.dr}.get(role) or self.further.get(role, ())

    def votes(self) -> Iterator[Vote]:
        """Every graded draw."""
        yield from chain(self.single.values(), self.ir, self.dr, *self.further.values())

    def n_loop_tokens(self, n_rounds: int) -> int:
        """All tokens of IR, KG and DR in the first rounds."""
        return sum(v.n_tokens for v in (*self.ir[:n_rounds], *self.dr[:n_rounds]))

    def vote(self, role: str, number: int) -> Vote | None:
        """The sampled draw of a role in a round, counted or put aside; None where there is none."""
        key, side = (role, number), self.sampled(role)
        if (found := self.by_round.get(key)) is not None:
            return found
        return side[number - 1] if number <= len(side) else self.aside.get(key)

    def to_look_at(self, role: str) -> tuple[Vote, ...]:
        """The sampled draws that any rule may look at, rounds 1, 2, … without a gap."""
        found = list(self.sampled(role))
        while (more := self.aside.get((role, len(found) + 1))) is not None:
            found.append(more)
        return tuple(found)

    def looked_at(self, d: Decision) -> tuple[tuple[Vote, ...], tuple[Vote, ...]]:
        """The votes of IR and of DR that a decision rests on."""
        keys = d.keys
        ir, dr = (tuple(self._of(k) for k in keys if k[0] == role) for role in ("ir", "dr"))
        return ir, dr

    def votes_of(self, d: Decision) -> tuple[Vote, ...]:
        """Every vote that a decision rests on, CG's included, in the order of `Decision.keys`."""
        n_ir, n_dr = d.drawn
        if d.read is None and n_ir <= len(self.ir) and n_dr <= len(self.dr):
            return (*self.ir[:n_ir], *self.dr[:n_dr])
        return tuple(map(self._of, d.keys))

    def n_tokens_of(self, d: Decision) -> int:
        """All tokens of IR, KG, DR and CG that a decision took."""
        return sum(v.n_tokens for v in self.votes_of(d))

    def _of(self, key: tuple[str, int]) -> Vote:
        found = self.vote(*key)
        if found is None:
            raise KeyError(key)
        return found


def extract_answer(text: str) -> str | None:
    """`lorid_data.answers.extract` as a plain string, or None."""
    from lorid_data.answers import extract

    value = getattr(extract(text), "value", None)
    return value if isinstance(value, str) else None


def score(answer: str | None, gold: str | Accepted, *, equal: Equal | None = None) -> Verdict:
    """The verdict on one answer.

    An answer that the equality cannot read, or not in time, is ungradable: counted apart, never
    silently wrong. So is a gold answer that it cannot read.
    """
    if answer is None:
        return Verdict.NO_ANSWER
    from lorid_data import answers as default

    return _VERDICTS.get(str((equal or default.equal)(answer, gold)), Verdict.UNGRADABLE)


def gold_of(record: Record) -> Gold:
    """The gold side of a record, with the slices that can be told from it."""
    steps = [line for line in record.rationale.splitlines() if line.strip()]
    slices = {
        "subject": record.subject,
        "level": record.level,
        "steps": str(len(steps)) if len(steps) < 8 else "8+",
        "answer_type": answer_type(record.answer),
        **properties(record),
    }
    gold = reference(record.answer, record.accepted)
    known = {k: v for k, v in slices.items() if v}
    return Gold(
        record.problem_id, gold, known, record.original_id, has_knowledge=bool(record.knowledge)
    )


def answer_type(answer: str) -> str:
    """integer, decimal, fraction or expression: a coarse reading of how an answer is written."""
    bare = re.sub(r"[\s$,]|\\[!,; ]", "", plain(answer))
    if re.fullmatch(r"[-+]?\d+", bare):
        return "integer"
    if re.fullmatch(r"[-+]?\d*\.\d+", bare):
        return "decimal"
    if re.fullmatch(r"[-+]?(\d+/\d+|\\[dt]?frac\{-?\d+\}\{-?\d+\})", bare):
        return "fraction"
    return "expression"


def grade(
    gold: Gold,
    draws: Iterable[Draw],
    *,
    decide: Decide,
    rounds: int,
    extract: Extract | None = None,
    equal: Equal | None = None,
    group: Group | None = None,
    in_pairs: bool = True,
) -> list[GradedProblem]:
    """Grade all draws of one problem; one result per seed, in order of seed.

    Args:
        gold: the problem's gold side.
        draws: all its draws, any order, any conditions.
        decide: the loop's rule; it is given draws without gold.
        rounds: the largest threshold t to decide at.
        extract: text → answer; `lorid_data.answers.extract` by default.
        equal: the equality; `lorid_data.answers.equal` by default.
        group: its clusters; `lorid_data.answers.group` by default.
        in_pairs: whether the rule takes whole rounds; else it is asked at every t, and says itself
            where draws are missing.
    """
    seeds = by_seed(draws)
    read = _Reader(gold, extract or extract_answer, equal, group)
    return [
        _grade_seed(table, seed, read, decide, rounds, in_pairs=in_pairs)
        for seed, table in seeds.items()
    ]


class _Reader:
    """Extraction and verdicts of one problem, each distinct text and answer looked at once."""

    def __init__(
        self, gold: Gold, extract: Extract, equal: Equal | None, group: Group | None
    ) -> None:
        self.gold, self.group = gold, group
        self._extract, self._equal = extract, equal
        self._verdicts: dict[str | None, Verdict] = {}
        self.compared: dict[str, str] = {}

    def answer(self, draw: Draw) -> str | None:
        return draw.answer(self._extract)

    def verdict(self, answer: str | None) -> Verdict:
        if answer not in self._verdicts:
            self._verdicts[answer] = score(answer, self.gold.answer, equal=self._compare)
        return self._verdicts[answer]

    def _compare(self, answer: str, gold: str | Accepted) -> str:
        from lorid_data import answers as default

        found = str((self._equal or default.equal)(answer, gold))
        self.compared[answer] = found
        return found

    def votes(self, draws: Sequence[tuple[Draw, int]]) -> list[Vote]:
        answers = [self.answer(d) for d, _ in draws]
        clusters = cluster(answers, group=self.group)
        return [
            Vote(a, c, self.verdict(a), n, d.finish_reason == "length", d.executed)
            for a, c, (d, n) in zip(answers, clusters, draws, strict=True)
        ]


def _grade_seed(
    table: Table,
    seed: int,
    read: _Reader,
    decide: Decide,
    rounds: int,
    *,
    in_pairs: bool,
) -> GradedProblem:
    ir, kg, dr = pairs(table)
    singles = _singles(table)
    further = {r: in_order(table.get((r, "sampled"), {})) for r in SELF_STANDING if r != "ir"}
    groups: dict[str, list[tuple[Draw, int]]] = {
        "single": list(singles.values()),
        "ir": [(d, d.n_tokens) for d in ir],
        "dr": [(d, d.n_tokens + k.n_tokens) for d, k in zip(dr, kg, strict=False)],
        **{r: [(d, d.n_tokens) for d in draws] for r, draws in further.items()},
    }
    scattered = answering(table)
    groups["by_round"] = list(scattered.values())
    votes = iter(read.votes([draw for group in groups.values() for draw in group]))
    by = {name: tuple(islice(votes, len(group))) for name, group in groups.items()}
    decisions = decisions_of(table, decide, rounds, in_pairs=in_pairs)
    answers = [None if d is None else d.answer for d in decisions]
    return GradedProblem(
        gold=read.gold,
        seed=seed,
        single=dict(zip(singles, by["single"], strict=True)),
        ir=by["ir"],
        dr=by["dr"],
        decisions=decisions,
        verdicts=tuple(read.verdict(a) for a in answers),
        official=official_stop(
            [v.answer or "" for v in by["ir"]],
            [v.answer or "" for v in by["dr"]],
            lambda a: read.verdict(a) == Verdict.CORRECT,
            rounds=rounds,
        ),
        compared=dict(read.compared),
        further={r: by[r] for r in further if by[r]},
        by_round=dict(zip(scattered, by["by_round"], strict=True)),
    )


def _singles(table: Table) -> dict[str, tuple[Draw, int]]:
    """The systems of one draw, with what each cost: `ROLE-greedy`, and `dr-CONDITION`."""
    found: dict[str, tuple[Draw, int]] = {}
    knowledge = table.get(("kg", "greedy"), {}).get(1)
    # IR first: of equal votes the earlier one speaks for its cluster.
    for role, condition in sorted(table, key=lambda k: (k != ("ir", "greedy"), k)):
        draw = table[role, condition].get(1)
        if draw is None or role == "kg" or condition in (SAMPLED, SAMPLED_GIVEN):
            continue
        if (role, condition) == ("dr", "kg-knowledge"):
            if knowledge is not None:
                found["dr-kg-knowledge"] = (draw, draw.n_tokens + knowledge.n_tokens)
        elif role == "dr" or condition == "greedy":
            found[f"{role}-{condition}"] = (draw, draw.n_tokens)
    return found

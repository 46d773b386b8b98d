"""Several teachers, or one several times: who is asked what, and what a row takes of their replies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from lorid_data import answers, prompts
from lorid_data.build.candidates import (
    REWRITE_SCHEMA,
    Candidate,
    Heard,
    ParsedReply,
    Vote,
    count,
    first_usable,
    is_decided,
    parse_reply,
    rows_of,
)
from lorid_data.errors import ConfigError, TeacherError
from lorid_data.schema import Problem, Record, Reject, TeacherReply
from lorid_data.teachers.base import (
    KNOWLEDGE,
    REWRITE,
    SYSTEM,
    Teacher,
    TeacherRequest,
    Unasked,
    make_request,
)
from lorid_data.teachers.registry import AskOptions, open_teacher


@dataclass(frozen=True, slots=True)
class Panel:
    """Who is asked, and how often.

    Attributes:
        specs: teachers, as `--teacher` names them.
        n_samples: replies of each.
        rewrite: whether they rewrite the rationale too, and so vote.
        asking: how they are asked.
        poll_s: how often a batch that is not over is looked at.
    """

    specs: tuple[str, ...]
    n_samples: int
    rewrite: bool
    asking: AskOptions
    poll_s: float = 30.0
    teachers: tuple[Teacher, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "teachers", tuple(self._open(spec) for spec in self.specs))

    @property
    def prompt(self) -> prompts.Prompt:
        """What they read."""
        return prompts.load(REWRITE if self.rewrite else KNOWLEDGE)

    @property
    def seats(self) -> list[tuple[int, int]]:
        """Number of the teacher and of its sample, in the order in which replies count."""
        return [(t, s) for s in range(self.n_samples) for t in range(len(self.specs))]

    def rounds(self) -> list[list[int]]:
        """Seats that are asked together, all of one teacher: one at a time where they vote."""
        if self.rewrite:
            return [[i] for i in range(len(self.seats))]
        return [
            [i for i, (t, _) in enumerate(self.seats) if t == n] for n in range(len(self.specs))
        ]

    def identity(self) -> dict[str, Any]:
        """What decides the rows, as far as it is the panel's."""
        system = prompts.load(SYSTEM)
        named = [
            {"teacher": t.kind, "model": t.model, "endpoint": getattr(t, "endpoint", None)}
            for t in self.teachers
        ]
        return {
            "teachers": named,
            "samples": self.n_samples,
            "rewrite_rationale": self.rewrite,
            "prompt": {"id": self.prompt.id, "sha256": self.prompt.sha256},
            "system_prompt": {"id": system.id, "sha256": system.sha256},
        }

    def request(self, problem: Problem, position: int, seat: int) -> TeacherRequest:
        """The request that one seat gets about a problem."""
        t, sample = self.seats[seat]
        made = make_request(
            problem,
            teacher=self.teachers[t],
            prompt=self.prompt,
            system=prompts.load(SYSTEM),
            position=position,
        )
        more: dict[str, Any] = {"sample": sample}
        if self.rewrite:
            more["output_schema"] = REWRITE_SCHEMA
        return made.model_copy(update=more)

    def reopened(self, seat: int) -> Teacher:
        """A teacher for one round: its locks belong to the event loop of that round."""
        return self._open(self.specs[self.seats[seat][0]])

    def _open(self, spec: str) -> Teacher:
        teacher = open_teacher(spec, self.asking)
        if isinstance(teacher, Unasked):
            raise ConfigError(
                f"teacher {spec!r} is not asked, so it cannot sit beside others, be sampled or rewrite"
            )
        return teacher


@dataclass(frozen=True, slots=True)
class Weighed:
    """What the panel's replies make of a row: what it takes, and all of them side by side.

    Attributes:
        problem: with the rationale that was chosen, where one was written.
        sample: number of the sample that was chosen.
    """

    problem: Problem
    answer: TeacherReply | TeacherError | Unasked
    vote: Vote | None
    sample: int | None
    heard: tuple[Heard, ...]
    reads: tuple[ParsedReply, ...]
    chosen: int | None


def with_vote(row: Record | Reject, weighed: Weighed) -> Record | Reject:
    """A record whose provenance says which sample it is, and how the vote ended."""
    if isinstance(row, Reject):
        return row
    vote = weighed.vote
    more = {
        "sample": weighed.sample,
        "agreement": vote.agreement if vote else None,
        "n_votes": vote.n_votes if vote else None,
    }
    return row.model_copy(update={"provenance": row.provenance.model_copy(update=more)})


def weigh(panel: Panel, problem: Problem, heard: Sequence[Heard]) -> Weighed:
    """What a row takes of the replies about it."""
    gold = _gold(panel, problem)
    there = [(i, x) for i, x in enumerate(heard) if x is not None]
    reads = tuple(parse_reply(x, gold, judge(problem.accepted)) for _, x in there)
    if not reads:
        return Weighed(problem, Unasked("none"), None, None, (), (), None)
    vote = None if gold is None else count(reads, len(panel.seats))
    chosen = first_usable(reads, vote)
    given = tuple(heard)
    if isinstance(chosen, TeacherError):
        return Weighed(problem, chosen, vote, None, given, reads, None)
    seat, reply = there[chosen]
    assert isinstance(reply, TeacherReply)
    if reads[chosen].rationale:
        problem = problem.model_copy(update={"rationale": reads[chosen].rationale})
    return Weighed(problem, reply, vote, panel.seats[seat][1], given, reads, chosen)


def side_by_side(panel: Panel, weighed: Weighed, row_id: str) -> list[Candidate]:
    """All replies about a row, for `candidates.parquet`."""
    there = [(i, x) for i, x in enumerate(weighed.heard) if x is not None]
    places = [panel.seats[i] for i, _ in there]
    seats = [(panel.teachers[t].kind, panel.teachers[t].model, s) for t, s in places]
    heard = [x for _, x in there]
    return rows_of(weighed.problem, row_id, seats, heard, weighed.reads, gold=_gold(panel, weighed.problem), vote=weighed.vote, chosen=weighed.chosen)  # fmt: skip


def panel_is_decided(panel: Panel, problem: Problem, heard: Sequence[Heard]) -> bool:
    """Whether no further reply can change what a row takes."""
    gold = _gold(panel, problem)
    reads = [parse_reply(x, gold, judge(problem.accepted)) for x in heard if x is not None]
    return is_decided(reads, len(panel.seats), rewritten=panel.rewrite, gold=gold)


def _gold(panel: Panel, problem: Problem) -> str | None:
    """What rewritten rationales are checked by; None where nothing can be checked."""
    return problem.answer if panel.rewrite and problem.answer.strip() else None


def judge(accepted: tuple[str, ...]) -> Callable[[str, str], bool]:
    """Whether an answer is the reference one, or one of those accepted too, as votes are counted."""
    return lambda a, gold: _is_equal(a, answers.reference(gold, accepted))


@lru_cache(maxsize=100_000)
def _is_equal(a: str, b: str | answers.Accepted) -> bool:
    """Whether an answer is that of the reference."""
    return answers.equal(a, b) is answers.Verdict.EQUAL

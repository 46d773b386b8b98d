"""Replies of several teachers side by side, and the vote where an answer can be checked; pure.

A teacher that also rewrites the rationale ends it in an answer: it votes for the row if that equals
the reference answer, by the one function that compares answers. More than half of all replies that
could be asked for must; nothing is asked once that is certain, or out of reach.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lorid_data.errors import TeacherError
from lorid_data.schema import FrozenModel, Problem, RejectReason, TeacherReply
from lorid_data.teachers.base import REPLY_SCHEMA, NoRules, read_object, read_reply
from lorid_data.texts.backslashes import controls, restore

TABLE = "candidates.parquet"
REWRITE_SCHEMA: dict[str, Any] = {
    **REPLY_SCHEMA,
    "properties": {
        **REPLY_SCHEMA["properties"],
        "rationale": {"type": "string"},
        "answer": {"type": "string"},
    },
    "required": ["output", "rationale", "answer"],
}
"""JSON schema of a reply that rewrites the rationale too."""
_VOTES = {True: "agrees", False: "differs", None: "none"}
Heard = TeacherReply | TeacherError | None
"""What became of a request; None where it was not asked, because the vote was decided."""


class Candidate(FrozenModel):
    """One reply about a row; `candidates.parquet` has them all, in the order of asking."""

    row_id: str
    problem_id: str
    teacher: str
    model_asked: str
    sample: int
    request_key: str
    """Joins to the journal; empty where nothing was answered."""
    reason: str
    """Empty where the reply can be used, else why not."""
    knowledge: tuple[str, ...]
    rationale: str
    """As rewritten; empty where it was not."""
    answer: str
    reference: str
    """The reference answer that the vote is on; empty where nothing is voted on."""
    accepted: tuple[str, ...] = ()
    """Further answers for which a vote counts as well."""
    vote: str
    """agrees, differs or none."""
    agreement: float | None
    """Share of the row's votes for the reference answer."""
    chosen: str
    """`yes` for the reply whose knowledge the record holds, else `no`."""
    findings: tuple[str, ...] = ()
    """What the checks of the audit found, worst first; filled in by `first_usable`."""


@dataclass(frozen=True, slots=True)
class ParsedReply:
    """A reply as it is read: rules and, where it was asked for, rationale and answer; or why not."""

    reason: str
    detail: str
    knowledge: tuple[str, ...] = ()
    rationale: str = ""
    answer: str = ""
    agrees: bool | None = None
    """Its vote; None where it has none."""


@dataclass(frozen=True, slots=True)
class Vote:
    """How the votes on a row stand.

    Attributes:
        n_agree: votes for the reference answer.
        n_votes: votes; a reply that cannot be read has none.
        n_heard: replies and failures.
        n_most: replies that may be asked for.
    """

    n_agree: int
    n_votes: int
    n_heard: int
    n_most: int

    @property
    def won(self) -> bool:
        """Whether more than half of all that may be asked for agree."""
        return 2 * self.n_agree > self.n_most

    @property
    def is_decided(self) -> bool:
        """Whether no further reply can change the outcome."""
        return self.won or 2 * (self.n_agree + self.n_most - self.n_heard) <= self.n_most

    @property
    def agreement(self) -> float | None:
        """Share of the votes that agree, 0 to 1."""
        return self.n_agree / self.n_votes if self.n_votes else None


def parse_reply(reply: TeacherReply | TeacherError, gold: str | None, equal: Callable[[str, str], bool]) -> ParsedReply:  # fmt: skip
    """Read a reply.

    Args:
        reply: what was answered.
        gold: the reference answer that a rewritten rationale is checked by; None where it was not
            asked for.
        equal: whether two answers are the same.
    """
    if isinstance(reply, TeacherError):
        return ParsedReply(reply.reason, str(reply))
    rules = read_reply(reply)
    if isinstance(rules, NoRules):
        return ParsedReply(rules.reason.value, rules.detail)
    if gold is None:
        return ParsedReply("", "", rules)
    body: Any = read_object(reply.text)
    rationale, answer = (body.get(name) for name in ("rationale", "answer"))
    texts = [x for x in (rationale, answer) if isinstance(x, str) and x.strip()]
    if len(texts) != 2 or any("\ud800" <= c <= "\udfff" for x in texts for c in x):
        return ParsedReply(
            RejectReason.REPLY_WRONG_SHAPE, "no text under the keys rationale and answer"
        )
    texts = [restore(x) for x in texts]
    if bad := [c for x in texts for c in controls(x, but="\t\r\n")]:
        return ParsedReply(
            RejectReason.KNOWLEDGE_FORMAT, f"rationale or answer holds {', '.join(bad)}"
        )
    return ParsedReply("", "", rules, texts[0], texts[1], equal(texts[1], gold))


def count(reads: Sequence[ParsedReply], n_most: int) -> Vote:
    """How the votes stand after these replies."""
    votes = [r.agrees for r in reads if r.agrees is not None]
    return Vote(sum(votes), len(votes), len(reads), n_most)


def is_decided(
    reads: Sequence[ParsedReply], n_most: int, *, rewritten: bool, gold: str | None
) -> bool:
    """Whether no further reply can change what a row takes.

    Args:
        reads: the replies so far.
        n_most: replies that may be asked for.
        rewritten: whether teachers write the rationale anew: then they are asked one after another.
        gold: the answer that they vote on; None where there is none.
    """
    if gold is not None:
        return count(reads, n_most).is_decided
    return len(reads) == n_most or (rewritten and any(not r.reason for r in reads))


def first_usable(reads: Sequence[ParsedReply], vote: Vote | None) -> int | TeacherError:
    """Number of the reply that the row takes, or why there is none.

    The first that can be used; where there was a vote, the first that agrees, if the vote is won.
    """
    usable = [i for i, r in enumerate(reads) if not r.reason]
    if vote is not None and usable:
        agreeing = [i for i in usable if reads[i].agrees]
        if vote.won:
            return agreeing[0]
        return TeacherError(
            RejectReason.VOTE_LOST,
            f"{vote.n_agree} of {vote.n_most} replies agree with the reference answer; others: "
            + ", ".join(repr(reads[i].answer[:40]) for i in usable if i not in agreeing),
        )
    if usable:
        return usable[0]
    # What may pass on another day is said first, so that the row is asked for again.
    first = next((r for r in reads if r.reason == RejectReason.TEACHER_FAILED), reads[0])
    return TeacherError(first.reason, first.detail)


def rows_of(
    problem: Problem,
    row_id: str,
    seats: Sequence[tuple[str, str, int]],
    heard: Sequence[Heard],
    reads: Sequence[ParsedReply],
    *,
    gold: str | None,
    vote: Vote | None,
    chosen: int | None,
) -> list[Candidate]:
    """The replies about one row; `seats` has kind, model and sample of each that was heard."""
    return [
        Candidate(
            row_id=row_id,
            problem_id=problem.problem_id,
            teacher=kind,
            model_asked=model,
            sample=sample,
            request_key=reply.request_key if isinstance(reply, TeacherReply) else "",
            reason=r.reason,
            knowledge=r.knowledge,
            rationale=r.rationale,
            answer=r.answer,
            reference=gold or "",
            accepted=problem.accepted if gold else (),
            vote=_VOTES[r.agrees],
            agreement=vote.agreement if vote else None,
            chosen="yes" if i == chosen else "no",
        )
        for i, ((kind, model, sample), reply, r) in enumerate(zip(seats, heard, reads, strict=True))
    ]


def as_read(
    candidate: Candidate, now: ParsedReply, vote: Vote | None, *, chosen: bool
) -> Candidate:
    """A reply about a row as it is read now."""
    return candidate.model_copy(
        update={
            "reason": str(now.reason),
            "knowledge": now.knowledge,
            "rationale": now.rationale,
            "answer": now.answer,
            "vote": _VOTES[now.agrees],
            "agreement": vote.agreement if vote else None,
            "chosen": "yes" if chosen else "no",
        }
    )

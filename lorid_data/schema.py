"""Every row type of a dataset: read this first.

What crosses a file or a process is a frozen pydantic model that refuses extra fields; what stays
in memory is a frozen dataclass. Identifiers are content hashes, never positions.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from lorid_data.pass_rates import PassRate
from lorid_data.reasons import SENTENCES

SCHEMA_VERSION = 1


class FrozenModel(BaseModel):
    """Base of everything that is written to a file: frozen, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# Texts of a manifest become folder names, lines of a card and paths: each has a shape, checked
# whenever one is read.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,40}$")]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f\u0085\u2028\u2029]{1,200}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
InnerPath = Annotated[
    str, StringConstraints(pattern=r"^(?:[A-Za-z0-9_-][A-Za-z0-9._@-]{0,199}/){0,9}[A-Za-z0-9_-][A-Za-z0-9._@-]{0,199}$")
]  # fmt: skip
"""A file below a folder: no part begins with a dot, so that none is `..`."""


def sha256_text(text: str) -> str:
    """sha256 of the UTF-8 bytes of `text`, as 64 hex digits."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def canonical_json(value: Any) -> str:
    """One spelling per JSON value: sorted keys, no spaces, UTF-8 kept. NaN is refused."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


_HALF = re.compile(r"(\\*)([\ud800-\udfff])")


def storable(text: str) -> str:
    r"""A text that any file takes: half a character becomes its JSON escape (`\ud83d`).

    Python holds half a character where JSON named one half of a pair; UTF-8 cannot. In a JSON text
    the escape means the same as what it stands for. Any other text is given back as it is.
    """
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        # Two halves that came apart, in two parts of one reply, are one character again.
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        return _HALF.sub(_escaped, text)
    return text


def _escaped(half: re.Match[str]) -> str:
    # Behind an odd number of backslashes the escape's own would be escaped, and mean something else.
    slashes = half[1] + "\\" * (len(half[1]) % 2)
    return f"{slashes}\\u{ord(half[2]):04x}"


def problem_id(question: str) -> str:
    """The id of a question: sha256 of its UTF-8 bytes, untouched and never stripped."""
    return sha256_text(question)


@dataclass(frozen=True, slots=True)
class Question:
    """What inference may see of a problem: no gold answer, no gold rationale."""

    problem_id: str
    text: str


class Problem(FrozenModel):
    """A question with its reference solution, as its source gives it, byte for byte."""

    problem_id: str
    """sha256 of the question's UTF-8 bytes."""
    original_id: str
    """problem_id of the question this one is a variant of; itself where it is no variant."""
    source: str
    """Where it comes from: `gsm8k`, `math`, `arithmetic`, a Hub id or a table's file name."""
    split: str
    """train, validation, test, or another name that the source defines."""
    question: str
    rationale: str
    """Reference reasoning without the marked final answer; may be empty."""
    answer: str
    """Reference final answer; may be empty where the source has none."""
    level: str | None = None
    """Difficulty as the source writes it."""
    subject: str | None = None
    licence: str = "unknown"
    """SPDX identifier or the source's own word; `unknown` blocks publishing."""
    knowledge: tuple[str, ...] = ()
    """Rules that the source itself carries (what the teacher `source` answers with)."""
    accepted: tuple[str, ...] = ()
    """Further answers, each right by itself, of a source that lists them; never guessed from prose."""
    flags: tuple[str, ...] = ()
    """What the source says of the row, such as which kinds of knowledge it carries."""
    difficulty: tuple[PassRate, ...] | None = None
    """Pass rates that the source carries, as those of a `Record`."""
    program: str | None = None
    """A program that assigns the answer to `answer`, of a source that gives one; nobody has run it."""
    program_from: str | None = None
    """`table` for a text of others; None for a source that makes it with the problem."""

    def as_question(self) -> Question:
        """The part of the problem that inference may see."""
        return Question(self.problem_id, self.question)


def make_problem(  # noqa: PLR0913  (one argument per column)
    *,
    source: str,
    split: str,
    question: str,
    rationale: str,
    answer: str,
    level: str | None = None,
    subject: str | None = None,
    licence: str = "unknown",
    original_id: str | None = None,
    knowledge: Iterable[str] = (),
    accepted: Iterable[str] = (),
    flags: Iterable[str] = (),
    program: str | None = None,
) -> Problem:
    """A `Problem` whose ids follow from its texts."""
    pid = problem_id(question)
    return Problem(
        problem_id=pid,
        original_id=original_id or pid,
        source=source,
        split=split,
        question=question,
        rationale=rationale,
        answer=answer,
        level=level,
        subject=subject,
        licence=licence,
        knowledge=tuple(knowledge),
        accepted=tuple(accepted),
        flags=tuple(flags),
        program=program,
    )


class TeacherReply(FrozenModel):
    """One reply of a teacher, raw: stored before anything parses it."""

    problem_id: str
    request_key: str
    """sha256 of everything that can change the answer."""
    prompt_id: str
    prompt_sha256: str
    teacher: str
    """Kind of teacher: recorded, scripted, openai, anthropic, server."""
    model_asked: str
    model_answered: str
    text: str
    """The reply as it came; half a character as its JSON escape."""
    finish_reason: str
    """stop, length, refusal, or the provider's own word."""
    n_input_tokens: int | None = None
    n_output_tokens: int | None = None
    n_cached_tokens: int | None = None
    cost_usd: float | None = None
    """None means unknown, never free."""
    latency_s: float | None = None
    rung: str | None = None
    """How structure was asked for: schema, tool, json_object or prompt; None where it was not."""
    n_attempts: int | None = None
    """Attempts that this reply took, failed ones included."""


class Provenance(FrozenModel):
    """Where a record's knowledge comes from; joins to the journal by request_key."""

    teacher: str
    """Kind of teacher, `source` (the source carried it) or `none`."""
    model_asked: str | None = None
    model_answered: str | None = None
    prompt_id: str | None = None
    prompt_sha256: str | None = None
    request_key: str | None = None
    finish_reason: str | None = None
    n_input_tokens: int | None = None
    n_output_tokens: int | None = None
    n_cached_tokens: int | None = None
    cost_usd: float | None = None
    latency_s: float | None = None
    rung: str | None = None
    sample: int | None = None
    """Number of the sample, where several were asked for."""
    agreement: float | None = None
    """Share of the votes for the reference answer, 0 to 1, where replies voted."""
    n_votes: int | None = None


class Record(FrozenModel):
    """One row of a dataset folder; the flat columns of `records.parquet`, in this order."""

    row_id: str
    """sha256 of (source, split, original_id, problem_id, rationale, occurrence)."""
    problem_id: str
    original_id: str
    source: str
    split: str
    question: str
    rationale: str
    answer: str
    level: str | None = None
    subject: str | None = None
    licence: str = "unknown"
    knowledge: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    """Reasons of severity queue or report that this row carries, and what its source says of it."""
    accepted: tuple[str, ...] = ()
    """Further answers, each right by itself; empty where `answer` is the only one."""
    difficulty: tuple[PassRate, ...] | None = None
    """How often each role answered it rightly (`lorid-data difficulty`); None where nobody was asked."""
    program: str | None = None
    """A program that assigns the answer to `answer`: what the role `cg` is trained on."""
    program_from: str | None = None
    """What it was made of: structure, annotations, equations or the teacher that wrote it."""
    program_status: str | None = None
    """What became of it when it was run: a value of `execution.executed.Status`; None before."""
    program_output: str | None = None
    """What it printed."""
    program_sandbox: str | None = None
    """Name and version of what ran it."""
    program_limits: str | None = None
    """The limits that it ran under, as JSON."""
    provenance: Provenance

    def as_question(self) -> Question:
        """The part of the record that inference may see."""
        return Question(self.problem_id, self.question)


PROGRAM_COLUMNS: tuple[str, ...] = (
    "program", "program_from", "program_status", "program_output", "program_sandbox", "program_limits",
)  # fmt: skip
"""Columns of the program of a record and of its run."""
ADDED_LATER: tuple[str, ...] = ("accepted", "difficulty", *PROGRAM_COLUMNS, "probability")
"""Columns that files of earlier releases lack: their rows have an empty list there, or nothing."""


def occurrence_key(*values: str) -> tuple[str, bytes]:
    """The values that only their occurrence tells apart, as a JSON list left open; and its sha256."""
    key = canonical_json(values)[:-1]
    return key, hashlib.sha256(key.encode("utf-8")).digest()


def row_ids(rows: Iterable[Problem | Record]) -> Iterator[str]:
    """The row id of each problem or record, in order; `folders.row_ids` holds less, in two passes.

    Rows that agree in source, split, original_id, problem_id and rationale are told apart by
    their occurrence (0, 1, …), so that ids are unique and do not depend on other rows' order.
    """
    seen: dict[bytes, int] = {}
    for r in rows:
        key, digest = occurrence_key(r.source, r.split, r.original_id, r.problem_id, r.rationale)
        seen[digest] = occurrence = seen.get(digest, -1) + 1
        yield sha256_text(f"{key},{occurrence}]")


class Disposition(StrEnum):
    """What becomes of a rejected row."""

    DROP = "drop"
    """Not usable."""
    REGENERATE = "regenerate"
    """Worth asking the teacher again."""
    QUARANTINE = "quarantine"
    """Kept apart until a person decides."""
    FAILED = "failed"
    """The stage could not do its work on this row."""


class RejectReason(StrEnum):
    """Why a row left a dataset. `sentence` says it for people."""

    NOT_RECORDED = "not_recorded"
    SCRIPT_EXHAUSTED = "script_exhausted"
    TEACHER_FAILED = "teacher_failed"
    TEACHER_REFUSED = "teacher_refused"
    REPLY_TRUNCATED = "reply_truncated"
    REPLY_NOT_JSON = "reply_not_json"
    REPLY_WRONG_SHAPE = "reply_wrong_shape"
    VOTE_LOST = "vote_lost"
    NO_KNOWLEDGE_IN_SOURCE = "no_knowledge_in_source"
    ROW_UNREADABLE = "row_unreadable"
    QUESTION_EMPTY = "question_empty"
    QUESTION_NOT_TEXT = "question_not_text"
    ANSWER_MISSING = "answer_missing"
    ANSWER_UNPARSED = "answer_unparsed"
    ANSWER_CONTRADICTED = "answer_contradicted"
    ANNOTATION_WRONG = "annotation_wrong"
    ANNOTATION_LEFT = "annotation_left"
    SENTENCES_GLUED = "sentences_glued"
    CHECK_FAILED = "check_failed"
    LATEX_UNBALANCED = "latex_unbalanced"
    KNOWLEDGE_EMPTY = "knowledge_empty"
    KNOWLEDGE_FORMAT = "knowledge_format"
    TOO_LONG = "too_long"
    ORIGINAL_UNKNOWN = "original_unknown"
    VARIANT_ASKS_ELSE = "variant_asks_else"
    BACKWARD_QUESTION = "backward_question"
    DUPLICATE_EXACT = "duplicate_exact"
    DUPLICATE_NEAR = "duplicate_near"
    DUPLICATE_ANSWERS_DIFFER = "duplicate_answers_differ"
    TOO_MANY_VARIANTS = "too_many_variants"
    CONTAMINATED = "contaminated"
    CONTAMINATED_VARIANT = "contaminated_variant"
    TEST_TEMPLATE = "test_template"
    DRAWS_DISAGREE = "draws_disagree"
    DRAWS_ALL_WRONG = "draws_all_wrong"
    DRAWS_ALL_ALIKE = "draws_all_alike"
    DRAW_OFF_LABEL = "draw_off_label"
    DRAW_WITHOUT_ANSWER = "draw_without_answer"
    DRAW_CUT = "draw_cut"
    DRAW_OVER_CAP = "draw_over_cap"
    DIFFICULTY_OUTSIDE = "difficulty_outside"
    DIFFICULTY_UNKNOWN = "difficulty_unknown"
    PROGRAM_MISSING = "program_missing"
    NO_STEPS = "no_steps"
    UNPARSABLE = "unparsable"
    DOES_NOT_RUN = "does_not_run"
    LIMIT = "limit"
    WRONG_ANSWER = "wrong_answer"
    UNGROUNDED = "ungrounded"
    AMBIGUOUS_LINK = "ambiguous_link"

    @property
    def sentence(self) -> str:
        """One sentence for people."""
        return SENTENCES[self]


class Reject(FrozenModel):
    """A row that a stage did not pass on, with the reason and the evidence."""

    row_id: str
    stage: str
    disposition: Disposition
    reason: RejectReason
    detail: str = ""
    """What exactly was wrong with this row, in one line."""
    evidence: str = ""
    """The text that shows it (cut to 2,000 characters)."""
    problem_id: str = ""
    split: str = ""


class Manifest(FrozenModel):
    """What a folder holds and how it came to be; written last, so a folder with one is whole.

    It has no clock and no path in it: the same inputs give the same manifest.
    """

    schema_version: int = SCHEMA_VERSION
    stage: Name
    identity: dict[str, Any]
    """The configuration that decides the result, resolved."""
    identity_sha256: Sha256
    settings: dict[str, Any] = Field(default_factory=dict)
    """Options that may change on resume: limit, budget, concurrency, mode."""
    parent_sha256: Sha256 | None = None
    """sha256 of the manifest that this stage read."""
    n_in: int = Field(ge=0)
    n_kept: int = Field(ge=0)
    n_rejected: dict[Name, int] = Field(default_factory=dict)
    """Rejected rows by reason."""
    figures: dict[str, Any] = Field(default_factory=dict)
    """What else the stage counted: tokens, cost, durations in steps."""
    files: dict[InnerPath, Sha256]
    """sha256 per file of the folder, by name."""
    code_version: Line
    libraries: dict[Line, Line] = Field(default_factory=dict)

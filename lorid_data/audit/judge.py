"""`--judge T`: a model judges a sample, through the journal and the asking of `build`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from lorid_data.asking.answering import answers_to
from lorid_data.asking.journal import check_journal, open_journal
from lorid_data.audit.judging import flags_of, items_of, judge_rates
from lorid_data.audit.result import Flag, JudgeResult
from lorid_data.audit.rubric import Item, prompt_hashes, read_verdict, request_of
from lorid_data.errors import ConfigError, TeacherError
from lorid_data.folders.batches import iter_columns
from lorid_data.folders.names import RECORDS
from lorid_data.folders.picked import pick_rows
from lorid_data.sampling import draw_by_original
from lorid_data.schema import FrozenModel, Record, TeacherReply
from lorid_data.teachers.base import Teacher, Unasked
from lorid_data.teachers.registry import AskOptions, Mode, open_teacher


class JudgeOptions(FrozenModel):
    """How a judge is asked. `concurrency` and all that follows it change nothing of its judgements."""

    teacher: str
    sample: int = Field(default=100, ge=1)
    """Original questions that it judges, one row of each."""
    planted: float = Field(default=0.1, ge=0, le=1)
    """Planted defects of each criterion, as a fraction of what it judges; 20 at least."""
    concurrency: int = Field(default=64, ge=1, le=4096)
    mode: Mode = "online"
    budget: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    prices: Path | None = None
    journal: Path | None = None
    poll_s: float = Field(default=30.0, gt=0, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Judged:
    """What a judge said: rates, and flags by row_id."""

    result: JudgeResult
    flags: Mapping[str, Sequence[Flag]]


def open_judge(options: JudgeOptions) -> Teacher:
    """The model that judges.

    Raises:
        ConfigError: no such model, its key is not set, or this teacher cannot judge.
    """
    kind = options.teacher.partition(":")[0]
    if kind in ("recorded", "source", "none"):
        raise ConfigError(
            f"--judge {options.teacher!r} cannot judge: name a model (openai:MODEL, anthropic:MODEL, server:MODEL@URL) or scripted:FILE"
        )
    asking = AskOptions(options.concurrency, options.mode, options.budget, options.prices)
    teacher = open_teacher(options.teacher, asking)
    assert not isinstance(teacher, Unasked)
    if options.journal is not None:
        check_journal(options.journal)
    return teacher


def judge(
    folder: Path, options: JudgeOptions, teacher: Teacher, *, journal: Path, seed: int
) -> Judged:
    """Have a sample judged; what the journal answers is not asked again.

    Args:
        folder: whose rows are judged.
        options: how many, and how.
        teacher: from `open_judge`.
        journal: the file, where the options name no other.
        seed: which questions, and what is planted where.

    Raises:
        StageError: no request can be answered any more; what was answered is stored.
        KeyboardInterrupt: interrupted; the same command goes on.
    """
    rows = pick_rows(
        folder / RECORDS, Record, draw_by_original(_with_rules(folder), options.sample, seed)
    )
    items = items_of(rows, options.planted, seed)
    requests = [request_of(item, teacher, n) for n, item in enumerate(items)]
    with open_journal(options.journal or journal) as opened:
        answers = answers_to(
            {r.key: r for r in requests},
            teacher,
            opened,
            what="judge",
            mode=options.mode,
            concurrency=options.concurrency,
            poll_s=options.poll_s,
        )
    verdicts = {
        n: _verdict(item, answers.get(request.key))
        for n, (item, request) in enumerate(zip(items, requests, strict=True))
    }
    failed = sum(isinstance(answers.get(r.key), TeacherError) for r in requests)
    result = JudgeResult(
        teacher=teacher.kind,
        model=teacher.model,
        prompts=prompt_hashes(),
        n_questions=len({r.original_id for r in rows}),
        n_asked=len(items),
        n_unanswered=sum(v is None for v in verdicts.values()),
        n_failed=failed,
        rates=judge_rates(items, verdicts),
    )
    return Judged(result, flags_of(items, verdicts))


def _with_rules(folder: Path) -> Iterator[tuple[str, str]]:
    """(row_id, original_id) of each row with knowledge."""
    for table in iter_columns(folder, ["row_id", "original_id", "knowledge"]):
        for row in table.to_pylist():
            if row["knowledge"]:
                yield row["row_id"], row["original_id"]


def _verdict(item: Item, answer: TeacherReply | TeacherError | None) -> dict[str, str] | None:
    return read_verdict(item.kind, answer) if isinstance(answer, TeacherReply) else None

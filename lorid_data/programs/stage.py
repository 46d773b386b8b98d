"""`programs DIR --out DIR [--teacher T]`: a program for each row, run; kept where it gives the answer.

A row's own program (of a source that gives one) comes first, then its annotations, then its plain equations;
with a teacher, what it writes. Every result is stored before it is used: killed at any moment and run again,
the stage runs no program twice and ends with the same rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from lorid_data.asking.journal import JOURNAL, check_journal
from lorid_data.commandline.progress import Progress
from lorid_data.execution.executed import Executor, Limits, identity
from lorid_data.execution.opened import STORE, opened
from lorid_data.execution.sandbox import sandbox_version
from lorid_data.folders.batches import DatasetWriter, iter_tables, n_records, records_of
from lorid_data.folders.manifests import manifest_sha256, n_failed, read_manifest
from lorid_data.folders.names import MANIFEST
from lorid_data.folders.records import iter_records
from lorid_data.folders.stage import Stage, open_stage
from lorid_data.programs import asked
from lorid_data.programs.checked import checked
from lorid_data.programs.convert import Made, NotMade
from lorid_data.programs.own import made_of
from lorid_data.schema import FrozenModel, Manifest, Record, Reject
from lorid_data.teachers.base import Teacher
from lorid_data.teachers.registry import AskOptions, Mode
from lorid_data.workers.pool import in_processes

VERSION = 1
"""Bump when other programs are made of the same rows."""


class ProgramOptions(FrozenModel):
    """Options of `programs`. `workers` and all that follow it may change on resume."""

    teacher: str | None = None
    """Who writes the programs; by default they are made of the solutions."""
    keep: tuple[Literal["ungrounded", "ambiguous_link"], ...] = ()
    """Doubts that become flags instead of rejecting the row."""
    seconds: float = Field(default=1.0, gt=0, le=60)
    """Time that one program may take."""
    memory_mib: int = Field(default=16, ge=1, le=1024)
    """Memory that one program may take, in MiB."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int | None = Field(default=None, ge=1)
    """Most tokens of a teacher's reply."""
    reasoning_effort: str | None = None
    workers: int | None = Field(default=None, ge=1, le=256)
    """Programs that run at the same time; by default as many as there are processes for the rows, 2 at least."""
    concurrency: int = Field(default=64, ge=1, le=4096)
    mode: Mode = "online"
    budget: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    prices: Path | None = None
    poll_s: float = Field(default=30.0, gt=0, allow_inf_nan=False)
    journal: Path | None = None
    """A journal of replies to share between folders; by default the folder's own."""

    @property
    def limits(self) -> Limits:
        """What one program may use."""
        return Limits(seconds=self.seconds, memory_bytes=self.memory_mib << 20)

    @property
    def asking(self) -> AskOptions:
        """How the teacher is asked."""
        return AskOptions(
            concurrency=self.concurrency, mode=self.mode, budget_usd=self.budget, prices=self.prices,
            temperature=self.temperature, max_tokens=self.max_tokens, reasoning_effort=self.reasoning_effort,
        )  # fmt: skip


def programs(folder: Path, out: Path, options: ProgramOptions, *, n_workers: int = 1) -> Manifest:
    """Write the rows of a dataset folder with a program that was run and gives their answer, and the rejects.

    Args:
        folder: a finished dataset folder.
        out: the folder to write.
        options: see `ProgramOptions`.
        n_workers: processes that make programs of solutions; the folder is the same whatever their number.

    Raises:
        ConfigError: there is no sandbox, `folder` is no finished dataset folder, or `out` belongs to
            something else.
        LockedError: another process works on `out`.
        StageError: no request can be answered any more; what was answered and run is stored.
    """
    version = sandbox_version()
    parent, sha256 = read_manifest(folder), manifest_sha256(folder)
    teacher = (
        None if options.teacher is None else asked.open_writer(options.teacher, options.asking)
    )
    if teacher is not None and options.journal is not None:
        check_journal(options.journal)
    with open_stage(
        out,
        "programs",
        identity=_identity(options, parent, teacher, version),
        settings={"parent_sha256": sha256},
        parent_sha256=sha256,
    ) as stage:
        if stage.done is not None:
            if not n_failed(stage.done):
                return stage.done
            (stage.out / MANIFEST).unlink()
        made = _made(folder, options, teacher, options.journal or out / JOURNAL, n_workers)
        at_once = options.workers or max(2, n_workers)
        with opened(out / STORE, limits=options.limits, workers=at_once) as executor:
            return _run(stage, n_records(folder), made, executor, frozenset(options.keep))


def check_programs(options: ProgramOptions) -> None:
    """Refuse what cannot work, before an earlier stage has begun.

    Raises:
        ConfigError: there is no sandbox, or no such teacher.
    """
    sandbox_version()
    if options.teacher is not None:
        asked.open_writer(options.teacher, options.asking)


def described(manifest: Manifest) -> list[str]:
    """What the programs were made of, in lines for people."""
    return [f"made of {name}: {n:,}" for name, n in manifest.figures["made_of"].items()]


def _identity(
    options: ProgramOptions, parent: Manifest, teacher: Teacher | None, sandbox: str
) -> dict[str, Any]:
    found = {
        "parent_identity_sha256": parent.identity_sha256,
        "method_version": VERSION,
        "keep": sorted(options.keep),
        "seconds": options.seconds,
        "memory_mib": options.memory_mib,
        "execution": identity(sandbox, options.limits),
    }
    for name in ("temperature", "max_tokens", "reasoning_effort"):
        if (value := getattr(options, name)) is not None:
            found[name] = value
    return found if teacher is None else {**found, **asked.identity(teacher)}


Batch = tuple[Any, list[Made | NotMade]]
"""An Arrow table of records, and for each a program, or why there is none."""


def _made(
    folder: Path, options: ProgramOptions, teacher: Teacher | None, journal: Path, n_workers: int
) -> Iterator[Batch]:
    """The rows of a folder with a program for each."""
    if teacher is None:
        yield from in_processes(made_of_table, iter_tables(folder), n_workers)
        return
    asking: dict[str, Any] = {
        "mode": options.mode, "concurrency": options.concurrency, "poll_s": options.poll_s,
    }  # fmt: skip
    written = iter(asked.written(iter_records(folder), teacher, journal, **asking))
    for table in iter_tables(folder):
        yield table, list(islice(written, len(table)))


def made_of_table(table: Any) -> Batch:
    """The rows of an Arrow table with a program for each, made of what the row itself holds."""
    return table, [made_of(record) for record in records_of(table)]


def _run(
    stage: Stage, n: int, made: Iterator[Batch], executor: Executor, keep: frozenset[str]
) -> Manifest:
    """A row for each record: its program run, unless a kept result says what it gives."""
    made_by: Counter[str] = Counter()
    flags: Counter[str] = Counter()
    with Progress("programs", n) as progress, DatasetWriter(stage) as writer:
        for table, found in made:
            results = executor.run_all(m.program for m in found if isinstance(m, Made))
            for record, program in zip(records_of(table), found, strict=True):
                done = next(results) if isinstance(program, Made) else None
                row = checked(
                    record, program, done, sandbox=executor.sandbox, limits=executor.limits, keep=keep
                )  # fmt: skip
                if isinstance(row, Record):
                    writer.keep([row])
                    made_by[row.program_from or ""] += 1
                    flags.update(row.flags)
                else:
                    writer.reject([row])
                progress.advance(kept=isinstance(row, Record), rejected=isinstance(row, Reject))
        stage.figures = {
            "made_of": dict(sorted(made_by.items())),
            "flags": dict(sorted(flags.items())),
        }
        return writer.finish(n_in=n)

"""`programs DIR --out DIR [--teacher T]`: a program for each row, run; kept where it gives the answer.

A row's own program (of a source that gives one) comes first, then its annotations, then its plain equations;
with a teacher, what it writes. Every result is stored before it is used: killed at any moment and run again,
the stage runs no program twice and ends with the same rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from lorid_data.asking.journal import JOURNAL, check_journal
from lorid_data.commandline.progress import Progress
from lorid_data.execution.executed import Executor, Limits, identity
from lorid_data.execution.opened import STORE, opened
from lorid_data.execution.sandbox import sandbox_version
from lorid_data.folders.manifests import manifest_sha256, n_failed, read_manifest
from lorid_data.folders.names import MANIFEST
from lorid_data.folders.records import read_records, write_dataset
from lorid_data.folders.stage import open_stage
from lorid_data.programs import asked
from lorid_data.programs.checked import checked
from lorid_data.programs.convert import Made, NotMade
from lorid_data.programs.own import made_of
from lorid_data.schema import FrozenModel, Manifest, Record, Reject
from lorid_data.teachers.base import Teacher
from lorid_data.teachers.registry import AskOptions, Mode

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
    workers: int = Field(default=2, ge=1, le=256)
    """Programs that run at the same time."""
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


def programs(folder: Path, out: Path, options: ProgramOptions) -> Manifest:
    """Write the rows of a dataset folder with a program that was run and gives their answer, and the rejects.

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
        records = read_records(folder)
        made = _made(records, options, teacher, options.journal or out / JOURNAL)
        with opened(out / STORE, limits=options.limits, workers=options.workers) as executor:
            rows = _run(records, made, executor, frozenset(options.keep))
        kept = [r for r in rows if isinstance(r, Record)]
        rejects = [r for r in rows if isinstance(r, Reject)]
        stage.figures = _figures(kept)
        return write_dataset(stage, kept, rejects, n_in=len(records))


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


def _made(
    records: Sequence[Record], options: ProgramOptions, teacher: Teacher | None, journal: Path
) -> list[Made | NotMade]:
    """A program for each record, or why there is none."""
    if teacher is not None:
        return asked.written(
            records, teacher, journal, mode=options.mode, concurrency=options.concurrency, poll_s=options.poll_s
        )  # fmt: skip
    found = []
    with Progress("programs: make", len(records)) as progress:
        for record in records:
            found.append(made_of(record))
            progress.advance()
    return found


def _run(
    records: Sequence[Record],
    made: Sequence[Made | NotMade],
    executor: Executor,
    keep: frozenset[str],
) -> list[Record | Reject]:
    """A row for each record: its program run, unless a kept result says what it gives."""
    results = executor.run_all(m.program for m in made if isinstance(m, Made))
    rows = []
    with Progress("programs: run", len(records)) as progress:
        for record, program in zip(records, made, strict=True):
            done = next(results) if isinstance(program, Made) else None
            row = checked(
                record, program, done, sandbox=executor.sandbox, limits=executor.limits, keep=keep
            )
            rows.append(row)
            progress.advance(kept=isinstance(row, Record), rejected=isinstance(row, Reject))
    return rows


def _figures(kept: Sequence[Record]) -> dict[str, Any]:
    made = Counter(r.program_from or "" for r in kept)
    flags = Counter(f for r in kept for f in r.flags)
    return {"made_of": dict(sorted(made.items())), "flags": dict(sorted(flags.items()))}

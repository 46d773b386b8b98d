"""`build SOURCE --teacher T --out DIR`: a source and what a teacher says of it → a dataset folder.

What no stored reply answers is asked, each reply is stored before it is read, and the folder is
written last. Killed at any moment and run again, it goes on and ends with the same rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from lorid_data import prompts
from lorid_data.asking.estimate import Estimate, estimate
from lorid_data.asking.journal import JOURNAL, check_journal, open_journal
from lorid_data.asking.many import How, Many, unanswered
from lorid_data.build.candidates import TABLE as CANDIDATES
from lorid_data.build.candidates import Candidate
from lorid_data.build.panel import Panel, side_by_side, with_vote
from lorid_data.build.passing import Answered, Requests, Totals, batches_of, rows_of
from lorid_data.build.rounds import Rounds, estimate_panel
from lorid_data.build.rows import to_row
from lorid_data.build.shard import parse_shard
from lorid_data.commandline.progress import say
from lorid_data.errors import ConfigError
from lorid_data.folders.batches import DatasetWriter
from lorid_data.folders.manifests import n_failed
from lorid_data.folders.names import MANIFEST
from lorid_data.folders.parquet import row_file
from lorid_data.folders.row_ids import Occurrences
from lorid_data.folders.stage import Stage, open_stage
from lorid_data.schema import FrozenModel, Manifest, Problem, Record, Reject
from lorid_data.sources.columns import parse_columns
from lorid_data.sources.registry import Loaded, load
from lorid_data.sources.table import refuse_split_names
from lorid_data.teachers.base import KNOWLEDGE, SYSTEM, Teacher, Unasked
from lorid_data.teachers.prices import Price
from lorid_data.teachers.registry import AskOptions, Mode, open_teacher
from lorid_data.teachers.remote import RemoteTeacher


class BuildOptions(FrozenModel):
    """Options of `build`. `source_path`, `limit` and all that follow it may change on resume."""

    source: str
    teacher: str | tuple[str, ...]
    """One, or several whose replies are kept side by side."""
    split: str = "train"
    samples: int = Field(default=1, ge=1, le=64)
    """Replies that each teacher is asked for."""
    rewrite_rationale: bool = False
    """Whether teachers write the rationale anew; their answers then vote."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    """What replies are sampled at; the provider's own choice by default."""
    max_tokens: int | None = Field(default=None, ge=1)
    """Most tokens of a reply, reasoning included; one that is cut off gets four times as many."""
    reasoning_effort: str | None = None
    """How long a model thinks before it writes, in the provider's own word."""
    seed: int = Field(default=0, ge=0)
    """Which problems `arithmetic` draws, which world `concepts` is."""
    scale: int = Field(default=1, ge=1, le=30)
    """How many times larger the numbers of `arithmetic` may be: beyond what a small student computes."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Which column of a table holds what, where it is called something else."""
    source_path: str | None = None
    limit: int | None = Field(default=None, ge=1)
    shard: str | None = None
    """`I/N`: the I-th of N blocks of the rows, for a folder that `merge` joins with the others."""
    concurrency: int = Field(default=64, ge=1, le=4096)
    """Most requests in flight."""
    mode: Mode = "online"
    """How a provider is asked."""
    budget: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Most that may be spent on the folder, in USD, earlier runs included."""
    prices: Path | None = None
    """A file that overrides the packaged prices."""
    poll_s: float = Field(default=30.0, gt=0, allow_inf_nan=False)
    """How often a batch that is not over is looked at."""
    journal: Path | None = None
    """A journal to share between folders; by default the folder's own."""

    @field_validator("columns", mode="before")
    @classmethod
    def _as_mapping(cls, given: Any) -> Any:
        """`[question=instruction]` is as good as `{question: instruction}`."""
        return parse_columns(given) if isinstance(given, list | tuple) else given

    def rows(self, n_rows: int) -> range:
        """The numbers of the rows that are built, of so many."""
        return parse_shard(self.shard or "1/1").rows(n_rows)

    @property
    def asking(self) -> AskOptions:
        """How the teacher is asked."""
        return AskOptions(
            concurrency=self.concurrency,
            mode=self.mode,
            budget_usd=self.budget,
            prices=self.prices,
            temperature=self.temperature,
            max_tokens=self.max_tokens,
            reasoning_effort=self.reasoning_effort,
        )

    @property
    def specs(self) -> tuple[str, ...]:
        """The teachers that are named."""
        return (self.teacher,) if isinstance(self.teacher, str) else self.teacher

    @property
    def is_side_by_side(self) -> bool:
        """Whether the replies about a row stand side by side, in `candidates.parquet`."""
        return len(self.specs) != 1 or self.samples > 1 or self.rewrite_rationale

    def who(self, asking: AskOptions) -> str | Panel:
        """The one teacher that is asked once, or several, or several samples."""
        specs = self.specs
        if self.shard is not None:
            parse_shard(self.shard)
            if self.is_side_by_side:
                raise ConfigError(
                    f"--shard {self.shard}: is for one teacher that is asked once; of several, or of samples, build each alone and share no rows"
                )
        if not self.is_side_by_side:
            return specs[0]
        if len(set(specs)) != len(specs) or not specs:
            raise ConfigError(
                f"teacher {list(specs)}: name each once; --samples asks one more often"
            )
        return Panel(specs, self.samples, self.rewrite_rationale, asking, self.poll_s)


Who = Teacher | Unasked | Panel


def _open(options: BuildOptions, *, only_price: bool = False) -> Who:
    asking = replace(options.asking, only_price=only_price)
    who = options.who(asking)
    return open_teacher(who, asking) if isinstance(who, str) else who


def build(options: BuildOptions, out: Path) -> Manifest:
    """Build a dataset folder; resume it where it stopped; do nothing where it is done.

    Raises:
        ConfigError: wrong options, an input that cannot be read, a folder of another configuration.
        LockedError: another process works on the folder or the journal.
        KeyboardInterrupt: interrupted; what was in flight was waited for and stored.
    """
    teacher = _open(options)
    if options.journal is not None:
        check_journal(options.journal)
    loaded = _load(options)
    only = options.rows(len(loaded.problems))
    settings = options.model_dump(include={"limit", "concurrency", "mode", "budget"})
    if options.seed:  # its content is what identifies a build; this is for who makes it again
        settings["seed"] = options.seed
    if options.scale != 1:
        settings["scale"] = options.scale
    if options.columns:
        settings["columns"] = [f"{what}={column}" for what, column in options.columns.items()]
    with open_stage(
        out,
        "build",
        identity=_identity(options, loaded, teacher),
        settings=settings,
        same_settings=lambda a, b: a.get("limit") == b.get("limit"),
    ) as stage:
        if stage.done is not None:
            if not n_failed(stage.done):
                return stage.done
            (stage.out / MANIFEST).unlink()
        if isinstance(teacher, Panel):
            return _panel_folder(options, loaded, teacher, stage)
        if isinstance(teacher, Unasked):
            return _folder(stage, loaded, only, lambda batch: [teacher] * len(batch))
        with open_journal(options.journal or stage.out / JOURNAL) as journal:
            requests = Requests(loaded.problems, teacher, only)
            many = Many(requests.batches, teacher, journal)
            many.everything(How("build", options.mode, options.concurrency, options.poll_s))
            return _folder(stage, loaded, only, lambda batch: many.answers(requests.of(batch)))


def _folder(stage: Stage, loaded: Loaded, only: range, answered: Answered) -> Manifest:
    """Write what became of each problem, a batch at a time."""
    totals = Totals()
    with DatasetWriter(stage) as writer:
        for rows in rows_of(loaded.problems, answered, only=only):
            rows.write(writer)
            totals.see(rows.records)
        stage.figures = {"n_available": loaded.n_available, **totals.figures()}
        return writer.finish(n_in=len(only))


def _panel_folder(options: BuildOptions, loaded: Loaded, panel: Panel, stage: Stage) -> Manifest:
    """Ask the panel, then write a row per problem; all replies about them stand beside, in `candidates.parquet`."""
    totals = Totals()
    with open_journal(options.journal or stage.out / JOURNAL) as journal:
        asked = Rounds(panel, loaded.problems, journal)
        asked.everything()
        ids = Occurrences()
        # A rewritten rationale is another row, with an id of its own.
        for problems in _as_weighed(asked) if panel.rewrite else batches_of(loaded.problems):
            ids.look(problems)
        with DatasetWriter(stage) as writer:
            with row_file(stage.out / CANDIDATES, Candidate) as table:
                for weighed in asked.weighed():
                    named = list(zip(weighed, ids.ids(w.problem for w in weighed), strict=True))
                    table.add(c for w, row_id in named for c in side_by_side(panel, w, row_id))
                    rows = [with_vote(to_row(w.problem, row_id, w.answer), w) for w, row_id in named]  # fmt: skip
                    records = [r for r in rows if isinstance(r, Record)]
                    writer.keep(records)
                    writer.reject(r for r in rows if isinstance(r, Reject))
                    totals.see(records)
            stage.figures = {"n_available": loaded.n_available, **totals.figures()}
            return writer.finish(n_in=len(loaded.problems))


def _as_weighed(asked: Rounds) -> Iterator[list[Problem]]:
    """The problems in batches, with the rationales that were chosen."""
    return ([w.problem for w in weighed] for weighed in asked.weighed())


def dry_run(options: BuildOptions, out: Path) -> Estimate:
    """What `build` with these options would still ask, and its price; nothing is written or asked.

    Raises:
        ConfigError: wrong options, or an input that cannot be read.
    """
    teacher = _open(options, only_price=True)
    loaded = _load(options)
    if isinstance(teacher, Unasked):
        return estimate([], None)
    if isinstance(teacher, Panel):
        return estimate_panel(teacher, loaded.problems, options.journal or out / JOURNAL)
    remote = teacher if isinstance(teacher, RemoteTeacher) else None
    price = remote.price if remote else Price(0.0, 0.0, 0.0)
    only = options.rows(len(loaded.problems))
    left = unanswered(
        Requests(loaded.problems, teacher, only).batches, options.journal or out / JOURNAL
    )
    return estimate(left, price, cheap=bool(remote and remote.cheap))


# --- pure ---------------------------------------------------------------------------------------


def _identity(options: BuildOptions, loaded: Loaded, teacher: Who) -> dict[str, Any]:
    """What decides the rows of the folder."""
    identity: dict[str, Any] = {
        "source": loaded.name,
        "split": options.split,
        "content_sha256": loaded.content_sha256,
    }
    for name in ("temperature", "max_tokens", "reasoning_effort"):
        if (value := getattr(options, name)) is not None:
            identity[name] = value
    if options.shard is not None:
        identity["shard"] = str(parse_shard(options.shard))
    if isinstance(teacher, Panel):
        return identity | teacher.identity()
    identity["teacher"] = teacher.kind
    if not isinstance(teacher, Unasked):
        prompt, system = prompts.load(KNOWLEDGE), prompts.load(SYSTEM)
        identity["model"] = teacher.model
        endpoint = getattr(teacher, "endpoint", None)
        if endpoint is not None:
            identity["endpoint"] = endpoint
        identity["prompt"] = {"id": prompt.id, "sha256": prompt.sha256}
        identity["system_prompt"] = {"id": system.id, "sha256": system.sha256}
    return identity


def _load(options: BuildOptions) -> Loaded:
    loaded = load(
        options.source,
        split=options.split,
        limit=options.limit,
        source_path=options.source_path,
        seed=options.seed,
        scale=options.scale,
        columns=options.columns,
    )
    for warning in loaded.warnings:
        say(f"warning: {warning}")
    refuse_split_names(options.source, loaded.problems)
    return loaded

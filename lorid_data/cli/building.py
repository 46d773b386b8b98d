"""The commands around `build`: `build`, `import`, `choose`, `reparse` and `prompts diff`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter, validators

from lorid_data.cli.ending import finish, finish_asking
from lorid_data.cli.numbers import Finite, Natural, Positive
from lorid_data.commandline.failures import EXIT_OK
from lorid_data.commandline.result import show, tell

Columns = Annotated[list[str] | None, Parameter(consume_multiple=True)]
Temperature = Annotated[float, Parameter(validator=validators.Number(gte=0, lte=2))]


if TYPE_CHECKING:
    from lorid_data.asking.estimate import Estimate


def build(
    source: str,
    *,
    teacher: list[str],
    out: Path,
    split: str = "train",
    samples: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=64))] = 1,
    rewrite_rationale: bool = False,
    temperature: Temperature | None = None,
    max_tokens: Positive | None = None,
    reasoning_effort: str | None = None,
    limit: Positive | None = None,
    shard: str | None = None,
    source_path: str | None = None,
    columns: Columns = None,
    seed: Natural = 0,
    scale: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=30))] = 1,
    concurrency: Positive = 64,
    mode: Literal["online", "flex", "batch"] = "online",
    budget: Finite | None = None,
    prices: Path | None = None,
    poll_s: Finite = 30.0,
    journal: Path | None = None,
    dry_run: bool = False,
) -> int:
    """Build a dataset: ask a teacher for the knowledge that each question of a source needs.

    Run again, it goes on where it stopped and asks nothing again whose answer is stored.

    Args:
        source: gsm8k, math, svamp, champ, arithmetic, concepts, org/name[@revision][:config], a folder or a table.
        teacher: openai:MODEL, anthropic:MODEL, server:MODEL@URL[,URL…], recorded, scripted:FILE, source (the source's own) or none. Of several, all replies stand in candidates.parquet.
        out: The dataset folder.
        samples: Replies that each teacher is asked for.
        rewrite_rationale: Let teachers write the rationale anew, and keep a row if over half end in its answer.
        temperature: What replies are sampled at; by default what the provider chooses.
        max_tokens: Most tokens of a reply, thinking included (2,048), four times as many when cut off.
        reasoning_effort: How long a model thinks, in its provider's word (low, medium, high, …).
        split: Split of the source.
        limit: Maximum number of rows, spread evenly over the source's subjects.
        shard: I/N, the I-th of N blocks of the rows; merge joins the folders of all of them.
        source_path: Local copy of gsm8k or math, laid out like the Hub's; of svamp or champ, or their one file.
        columns: Which column of a table holds what: question=instruction answer=final_answer …
        seed: Random seed of the generated sources, arithmetic and concepts.
        scale: How many times larger the numbers of arithmetic may be (1 to 30).
        concurrency: Maximum number of requests in flight.
        mode: online; half the price: flex (OpenAI: slower), batch (OpenAI, Anthropic: within a day).
        poll_s: Seconds between two looks at an unfinished batch.
        budget: Maximum cost of this folder in USD, earlier runs included.
        prices: YAML file that overrides the packaged prices.
        journal: Journal of replies to share between folders; by default the folder's own.
        dry_run: Say what would be asked and what it costs; ask and write nothing.
    """
    # Before anything else is a local: the options, by their names.
    given = locals() | {"concurrency": min(concurrency, 4096), "columns": columns or ()}
    from lorid_data.build import stage

    options = stage.BuildOptions(**{n: given[n] for n in given.keys() & stage.BuildOptions.model_fields.keys()})  # fmt: skip
    return _say_price(stage.dry_run(options, out)) if dry_run else finish_asking(stage.build(options, out), out)  # fmt: skip


def _say_price(found: Estimate) -> int:
    show(found.describe(), asdict(found))
    return EXIT_OK


def merge(shards: list[Path], *, out: Path) -> int:
    """Join the folders of build … --shard I/N to the one that a single build would have written.

    Args:
        shards: The folders of all N shards, in any order.
        out: The dataset folder to write; the shards' journals become one in it.
    """
    from lorid_data.build.merge import merge as run_merge

    return finish_asking(run_merge(shards, out), out)


def choose(
    folder: Path,
    *,
    out: Path,
    by: Literal["audit", "student", "number"] = "audit",
    evaluations: Annotated[
        list[Path] | None, Parameter(name="--from", consume_multiple=True)
    ] = None,
    number: Positive = 1,
    journal: Path | None = None,
) -> int:
    """Take for each row, of several teachers' or samples' lists, the best one.

    By the audit: fewest findings of the worst severity win, then of the next; where lists are equal,
    the earlier one. By a student: the list with which a fixed DR is right more often, drawn towards
    its teacher's mean; what is printed says whether that beats the audit's choice on the same rows.
    Where replies voted, only those that agree with the reference answer count. What was found in
    each stands in candidates.parquet. Asks nobody.

    Args:
        folder: A folder that build has finished with several --teacher, or with --samples.
        out: The dataset folder to write.
        by: What decides: the audit's checks, a student, or the --number of the reply, for a dataset of one teacher's lists.
        evaluations: Of a student: evaluations of one DR on each teacher's lists, with --samples gold-knowledge=8.
        number: Of a choice by number: which reply of each row, from 1; rows where it cannot be used are rejected.
        journal: The journal that the folder was built with; by default the folder's own.
    """
    from lorid_data.build.choose import ChooseOptions, described
    from lorid_data.build.choose import choose as run_choose

    options = ChooseOptions(
        journal=journal, by=by, evaluations=tuple(evaluations or ()), number=number
    )
    manifest = run_choose(folder, out, options)
    for line in described(manifest):
        tell(line)
    return finish(manifest, out)


def reparse(folder: Path, *, journal: Path | None = None) -> int:
    """Read the stored replies of a build again, with the parser as it is now; asks nobody.

    Args:
        folder: A folder that build has finished.
        journal: Its journal; the folder's own by default.
    """
    from lorid_data.build.reparse import reparse as run_reparse

    found = run_reparse(folder, journal)
    show(found.describe(), asdict(found))
    return EXIT_OK


def diff(folder: Path, *, prompt: str | None = None, journal: Path | None = None) -> int:
    """Say which rows another prompt would ask again, and what they cost when they were asked.

    Args:
        folder: A folder that build has finished.
        prompt: Id of the prompt to compare with, like teacher/knowledge.v1; by default the
            one that build uses now.
        journal: The folder's journal; its own by default.
    """
    from lorid_data.build.prompt_diff import compare

    show(compare(folder, prompt, journal))
    return EXIT_OK


def import_table(
    table: Path,
    *,
    out: Path,
    split: str = "train",
    licence: str = "unknown",
    subject: str | None = None,
    rationale: str | None = None,
    columns: Columns = None,
    skip_bad_rows: bool = False,
) -> int:
    """Make a dataset of a table of your own, or of a published dataset.

    Args:
        table: A .parquet, .arrow, .feather, .jsonl, .json, .csv or .tsv file (text packed with .gz or
            .zst too), or a quoted pattern of such files: question; rationale or answer; optional
            knowledge (a list, or text with one rule a line), accepted, original_id, level, subject,
            licence, split. Chat rows and sets that people train on are known by their columns. Or a folder laid out like a dataset of the Hub, or OWNER/NAME[@REVISION] there,
            such as LoRID-Math/GSM8K: all splits are read; of several configurations name one,
            like openai/gsm8k:main.
        out: The dataset folder.
        split: The split of rows of a single table that name none.
        licence: The licence of rows that name none; by default what a dataset's card states.
            Unknown blocks publishing.
        subject: The column that holds the subject, where it is called something else.
        rationale: The column that holds the reasoning, where it is called something else: `answer`,
            for one, of tables whose answers are whole explanations.
        columns: Which column holds what, where it is called something else: question=instruction
            rationale=output answer=final_answer; `answer=` says that none holds it.
        skip_bad_rows: Reject a row that cannot be read, instead of refusing the table.
    """
    from lorid_data.build.importing import import_table as run_import
    from lorid_data.sources.columns import parse_columns

    manifest = run_import(
        table,
        out,
        split=split,
        licence=licence,
        subject=subject,
        rationale=rationale,
        columns=parse_columns(columns or ()),
        skip_bad_rows=skip_bad_rows,
    )
    return finish(manifest, out)

"""The commands that read a folder and write one: `validate`, `expand`, `dedup`, `decontaminate`, `split`, `difficulty`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter, validators

from lorid_data.cli.ending import finish
from lorid_data.cli.numbers import Natural, Positive
from lorid_data.commandline.result import tell
from lorid_data.commandline.workers import Workers, n_workers


def validate(folder: Path, *, out: Path, workers: Workers = None) -> int:
    """Check every row; write those that pass, and the others with the reason.

    Args:
        folder: A finished dataset folder.
        out: The dataset folder to write.
        workers: Processes that check rows; all cores that this program may use by default. The
            folder is the same whatever their number.
    """
    from lorid_data.validate.stage import validate as run_validate

    return finish(run_validate(folder, out, n_workers=n_workers(workers)), out)


def expand(
    folder: Path,
    *,
    variants: Annotated[str, Parameter(name="--with")],
    out: Path,
    source_path: str | None = None,
) -> int:
    """Copy the knowledge of each question to its variants, behind the rows of the dataset.

    Variants that ask backwards (SV, FOBAR) get no knowledge; those whose answer is not that of
    their original are rejected.

    Args:
        folder: A finished dataset folder.
        variants: metamath, a Hub id, a folder laid out like the Hub's, or a table with a column
            original_question (the text) or original_id.
        out: The dataset folder to write.
        source_path: Local copy of MetaMathQA: a folder laid out like the Hub's, or a table.
    """
    from lorid_data.expand.stage import ExpandOptions
    from lorid_data.expand.stage import expand as run_expand

    options = ExpandOptions(variants=variants, source_path=source_path)
    return finish(run_expand(folder, out, options), out)


def dedup(
    folder: Path,
    *,
    out: Path,
    threshold: Annotated[float, Parameter(validator=validators.Number(gte=0.3, lte=1))] = 0.5,
    max_variants: Positive = 32,
) -> int:
    """Remove exact and near duplicates, and cap the variants of each original question.

    Every removed row names the row that stays and how close it is. Run again with another
    threshold or cap, the pairs that were found are used again.

    Args:
        folder: A finished dataset folder.
        out: The dataset folder to write.
        threshold: How alike question and rationale must be, besides equal numbers and answers:
            Jaccard similarity of their word pairs.
        max_variants: Most rows that one original question keeps.
    """
    from lorid_data.dedup.stage import DedupOptions
    from lorid_data.dedup.stage import dedup as run_dedup

    options = DedupOptions(threshold=threshold, max_variants=max_variants)
    return finish(run_dedup(folder, out, options), out)


def decontaminate(
    folder: Path,
    *,
    out: Path,
    against: Annotated[list[str], Parameter(consume_multiple=True)],
    split: str = "test",
    source_path: Annotated[list[str] | None, Parameter(consume_multiple=True)] = None,
    policy: Literal["drop", "quarantine", "report"] = "drop",
    templates: Literal["drop", "quarantine", "report"] = "report",
) -> int:
    """Remove rows whose question is that of a test set; show the pairs that match.

    Every question is compared with every test question. The counts of shared runs of 8 and 13
    words that others publish are printed, too; nothing is removed for them.

    Args:
        folder: A finished dataset folder.
        out: The dataset folder to write.
        against: Test sets: dataset folders, gsm8k, math, svamp, champ, arithmetic, a Hub id, a folder laid out
            like the Hub's, or a table.
        split: Split of those that have splits.
        source_path: Local copies of gsm8k, math, svamp and champ, in the order of --against.
        policy: What becomes of rows whose question is that of a test set, and of the variants of
            their original; report keeps them with a flag.
        templates: What becomes of rows that are only worded like a test question.
    """
    from lorid_data.decontaminate import stage

    options = stage.DecontaminateOptions(
        against=tuple(against),
        split=split,
        source_path=tuple(source_path or ()),
        policy=policy,
        templates=templates,
    )
    manifest = stage.decontaminate(folder, out, options)
    for line in [*stage.shown(out), *stage.described(manifest)]:
        tell(line)
    return finish(manifest, out)


def split(
    folder: Path,
    *,
    out: Path,
    test: Annotated[float, Parameter(validator=validators.Number(gt=0, lt=1))],
    validation: Annotated[float, Parameter(validator=validators.Number(gte=0, lt=1))] = 0.0,
    by: Literal["original_id", "source", "subject", "level"] = "original_id",
    seed: Natural = 0,
) -> int:
    """Split a dataset into train, test and, if asked for, validation: by original question, never by row.

    Rows stay in one folder; their column `split` says where each belongs. The same seed draws the
    same questions whatever the order of the rows.

    Args:
        folder: A finished dataset folder whose rows are of one split.
        out: The dataset folder to write.
        test: Share of the original questions to test on, such as 0.2.
        validation: Share of them to validate on.
        by: Column whose values stay together as well, such as subject: what is tested on is then
            another subject than what is trained on.
        seed: Which questions are drawn.
    """
    from lorid_data.split import stage

    options = stage.SplitOptions(test=test, validation=validation, by=by, seed=seed)
    manifest = stage.split(folder, out, options)
    for line in stage.described(manifest):
        tell(line)
    return finish(manifest, out)


def difficulty(
    folder: Path,
    *,
    evaluations: Annotated[list[Path], Parameter(name="--from", consume_multiple=True)],
    out: Path,
    workers: Workers = None,
) -> int:
    """Say for each row how often each role of finished evaluations answers it rightly; list what nobody solves.

    The column `difficulty` holds, per role and adapters, pass rate with interval, draws and
    agreement. Rows that nobody was asked are kept with an empty cell. difficulty.html lists the
    rows that nobody solves, those first whose reference answer is most to be doubted.

    Args:
        folder: A finished dataset folder.
        evaluations: Evaluation folders of lorid-train evaluate, with sampled draws of its questions.
        out: The dataset folder to write.
        workers: Processes that grade; all cores that this program may use by default.
    """
    from lorid_data.difficulty import stage

    manifest = stage.difficulty(folder, evaluations, out, n_workers=n_workers(workers))
    for line in stage.described(manifest):
        tell(line)
    return finish(manifest, out)

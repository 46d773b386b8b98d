"""`decontaminate DIR --out DIR --against SET …`: what is in a test set leaves the dataset.

records → which questions are there for the first time
→ distinct questions × test questions, every pair, batch by batch over processes (`contamination.looked`)
→ policy: drop, quarantine or report, for the same problem and for a mere template
→ records again, batch by batch; rows of one original share its fate: they are the same problem in other words
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import field_validator

from lorid_data.commandline.progress import Progress
from lorid_data.contamination.looked import Tally, look
from lorid_data.contamination.matches import VERSION, Match
from lorid_data.decontaminate.against import load_test_sets
from lorid_data.decontaminate.distinct import batches, first_ones
from lorid_data.decontaminate.shown import MATCHES
from lorid_data.decontaminate.verdicts import Evidence, Policy, Strongest, parted, verdict_of
from lorid_data.errors import ConfigError
from lorid_data.folders.batches import DatasetWriter, iter_columns, iter_tables
from lorid_data.folders.chosen import AT_ONCE, frame_of
from lorid_data.folders.files import atomic_path
from lorid_data.folders.manifests import manifest_sha256, read_manifest
from lorid_data.folders.parquet import RowFile, writing
from lorid_data.folders.stage import open_stage
from lorid_data.schema import FrozenModel, Manifest
from lorid_data.workers.pool import in_processes

if TYPE_CHECKING:
    from lorid_data.contamination.test_set import TestSet
    from lorid_data.folders.stage import Stage


class DecontaminateOptions(FrozenModel):
    """Options of `decontaminate`. Policies may change when the folder is written again."""

    against: tuple[str, ...]
    """Dataset folders, or sources as `build` names them."""
    split: str = "test"
    """The split of sources."""
    source_path: tuple[str, ...] = ()
    """Local copies of the named sources that have one, in the order of `against`."""
    policy: Policy = "drop"
    """What becomes of rows whose question is that of a test set."""
    templates: Policy = "report"
    """What becomes of rows that are worded like one, with other numbers or another answer."""

    @field_validator("against", "source_path", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value


def decontaminate(
    folder: Path, out: Path, options: DecontaminateOptions, *, n_workers: int = 1
) -> Manifest:
    """Write the rows of a dataset folder that no test set holds, and the others with the match.

    Args:
        folder: a finished dataset folder.
        out: the folder to write.
        options: the test sets, and what becomes of their questions.
        n_workers: processes that compare; the folder is the same whatever their number.

    Raises:
        ConfigError: `folder` is no finished dataset folder, a test set cannot be read, or `out`
            belongs to something else.
        LockedError: another process works on `out`.
    """
    parent, sha256 = read_manifest(folder), manifest_sha256(folder)
    if same := [a for a in options.against if a and Path(a).exists() and Path(a).samefile(folder)]:
        msg = (
            f"--against {same[0]!r} is the dataset itself: every row would be found. Near copies on both sides of a "
            "split are dedup's to find, before the split"
        )
        raise ConfigError(msg)
    sets = load_test_sets(options.against, split=options.split, source_paths=options.source_path)
    with open_stage(
        out,
        "decontaminate",
        identity={
            "parent_identity_sha256": parent.identity_sha256,
            "against": [tests.identity() for tests in sets],
            "method": VERSION,
        },
        settings={
            "parent_sha256": sha256,
            "policy": options.policy,
            "templates": options.templates,
        },
        parent_sha256=sha256,
    ) as stage:
        if stage.done is not None:
            return stage.done
        found, stage.figures["against"] = _compared(folder, out / MATCHES, sets, n_workers)
        return _written(folder, stage, options, found)


def _compared(
    folder: Path, path: Path, sets: Sequence[TestSet], n_workers: int
) -> tuple[Strongest, list[dict[str, Any]]]:
    """Hold every question against every test set, and write the pairs that match: set by set."""
    firsts, found = first_ones(folder), Strongest()
    figures = []
    n_questions = int(firsts.rows.sum())
    with (
        Progress("decontaminate", n_questions * len(sets)) as progress,
        atomic_path(path) as tmp,
        writing(path),
    ):
        file = RowFile(tmp, Match)
        for tests in sets:
            tally = Tally(tests)
            work = partial(look, tests)
            for looked in in_processes(work, batches(folder, firsts), n_workers):
                tally.add(looked)
                found.add(looked.matches, tests)
                file.add(looked.matches)
                progress.advance(looked.n_questions)
            figures.append(tally.figures())
        file.close()
    return found, figures


def _written(
    folder: Path, stage: Stage, options: DecontaminateOptions, found: Strongest
) -> Manifest:
    best, tainted = found.by_problem, _tainted(folder, found)
    n_in = 0
    with DatasetWriter(stage) as writer:
        for table in iter_tables(folder, at_once=AT_ONCE):
            ids = (table[name].to_pylist() for name in ("problem_id", "original_id"))
            verdicts = {
                i: verdict
                for i, (problem_id, original_id) in enumerate(zip(*ids, strict=True))
                if (verdict := verdict_of(problem_id, original_id, best, tainted)) is not None
            }
            kept, rejects = parted(
                table, verdicts, policy=options.policy, templates=options.templates
            )
            writer.keep(kept)
            writer.reject(rejects)
            n_in += len(table)
        return writer.finish(n_in=n_in)


def _tainted(folder: Path, found: Strongest) -> dict[str, Evidence]:
    """By original, the match of its first row whose question is in a test set."""
    import polars as pl

    tainted: dict[str, Evidence] = {}
    contaminated = pl.Series(found.contaminated(), dtype=pl.String)
    if not len(contaminated):
        return tainted
    for table in iter_columns(folder, ["problem_id", "original_id"], at_once=AT_ONCE):
        some = frame_of(table).filter(pl.col("problem_id").is_in(contaminated.implode()))
        for problem_id, original_id in some.iter_rows():
            tainted.setdefault(original_id, found.by_problem[problem_id])
    return tainted

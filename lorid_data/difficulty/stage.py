"""`difficulty DIR --from EVAL… --out DIR`: how often each role answers each question rightly, as a column.

No row is lost: one that nobody was asked keeps an empty cell, and is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any

from lorid_data import answers
from lorid_data.answers import reference
from lorid_data.commandline.progress import Progress
from lorid_data.difficulty.asked import Answers, Asked, Opened, gather, opened
from lorid_data.difficulty.page import PAGE, render
from lorid_data.difficulty.rates import Graded, graded, merged
from lorid_data.difficulty.unsolved import TABLE, NeverSolved, never_solved
from lorid_data.errors import InputError
from lorid_data.folders.batches import (
    DatasetWriter,
    iter_columns,
    iter_tables,
    n_records,
    records_of,
)
from lorid_data.folders.evaluations import Judge
from lorid_data.folders.files import write_text
from lorid_data.folders.manifests import manifest_sha256, read_manifest
from lorid_data.folders.parquet import table_of, write_rows
from lorid_data.folders.stage import Stage, open_stage
from lorid_data.pass_rates import PassRate
from lorid_data.schema import Manifest, Record
from lorid_data.texts.counting import count
from lorid_data.workers.pool import in_processes

VERSION = 1
"""Bump when the same draws lead to other pass rates."""


def difficulty(
    folder: Path, evaluations: Sequence[Path], out: Path, *, n_workers: int = 1
) -> Manifest:
    """Write the rows of a dataset folder with the pass rate of each role that was asked about them.

    Sampled draws count: IR's and those of other roles that answer alone, and DR's on what KG wrote.
    They are graded against the dataset's answer as it is now.

    Args:
        folder: a finished dataset folder.
        evaluations: finished evaluation folders of `lorid-train evaluate`.
        out: the folder to write; `never_solved.parquet` and `difficulty.html` list what nobody solves.
        n_workers: processes that grade; the folder is the same whatever their number.

    Raises:
        ConfigError: `folder` is no finished dataset folder, or `out` belongs to something else.
        InputError: an evaluation is unfinished or has changed, or none drew any of the questions.
        LockedError: another process works on `out`.
    """
    parent, sha256 = read_manifest(folder), manifest_sha256(folder)
    opened_ones = opened(evaluations)
    with open_stage(
        out,
        "difficulty",
        identity={
            "parent_identity_sha256": parent.identity_sha256,
            "evaluations_sha256": [e.sha256 for e in opened_ones],
            "method_version": VERSION,
        },
        settings={"parent_sha256": sha256},
        parent_sha256=sha256,
    ) as stage:
        if stage.done is not None:
            return stage.done
        return _measured(stage, folder, opened_ones, n_workers)


def _measured(
    stage: Stage, folder: Path, evaluations: Sequence[Opened], n_workers: int
) -> Manifest:
    wanted = {i for t in iter_columns(folder, ["problem_id"]) for i in t["problem_id"].to_pylist()}
    asked = gather(evaluations, wanted)
    if not asked.by_problem:
        msg = (
            f"{folder}: none of its questions has a sampled draw in the {count(len(evaluations), 'evaluation')}; "
            "evaluate on this dataset, with the loop or with --samples ir=8"
        )
        raise InputError(msg)
    counted = Counted()
    unsolved: list[tuple[Record, Graded]] = []
    with Progress("difficulty", n_records(folder)) as progress, DatasetWriter(stage) as writer:
        batches = ((table, _of(table, asked)) for table in iter_tables(folder))
        for table, found in in_processes(graded_table, batches, n_workers):
            writer.keep(table)
            counted.add(table["answer"].to_pylist(), found)
            is_unsolved = [bool(g.n_draws and not g.n_right) for g in found]
            if any(is_unsolved):
                rows = records_of(table.filter(is_unsolved))
                unsolved += zip(rows, compress(found, is_unsolved), strict=True)
            progress.advance(len(table))
        ranked = never_solved(unsolved)
        stage.figures = counted.figures(asked, ranked)
        write_rows(stage.out / TABLE, NeverSolved, ranked)
        write_text(stage.out / PAGE, render(stage.figures, ranked))
        return writer.finish(n_in=counted.n_rows)


def _of(table: Any, asked: Asked) -> list[dict[Judge, Answers]]:
    """What was answered to the question of each row."""
    return [asked.by_problem.get(i, {}) for i in table["problem_id"].to_pylist()]


def graded_table(batch: tuple[Any, list[dict[Judge, Answers]]]) -> tuple[Any, list[Graded]]:
    """An Arrow table of records with the pass rates of each row, and all that was found of it."""
    answers.prepare()  # the verifier's start must not use up the time of a first pair
    records = records_of(batch[0])
    found = []
    for r, asked in zip(records, batch[1], strict=True):
        of = asked if r.answer else {}
        found.append(graded(of, reference(r.answer, r.accepted) if of else ""))
    rows = [with_rates(r, g) for r, g in zip(records, found, strict=True)]
    return table_of(Record, rows), found


# --- pure ---------------------------------------------------------------------------------------


def with_rates(record: Record, found: Graded) -> Record:
    """The record with what was found; what other judges made of it before stays."""
    rates = merged(record.difficulty, found.rates)
    return record.model_copy(update={"difficulty": rates})


@dataclass(slots=True)
class _OfJudge:
    """How one judge did in the rows so far."""

    role: str
    adapters_sha256: tuple[str, ...]
    n_rows: int = 0
    n_draws: int = 0
    fewest: int = 0
    most: int = 0
    sum_of_rates: float = 0.0
    n_never: int = 0
    n_always: int = 0

    def add(self, rate: PassRate) -> None:
        """Count one row of it."""
        self.fewest = min(self.fewest or rate.n_draws, rate.n_draws)
        self.most = max(self.most, rate.n_draws)
        self.n_rows += 1
        self.n_draws += rate.n_draws
        self.sum_of_rates += rate.pass_rate
        self.n_never += rate.n_right == 0
        self.n_always += rate.n_right == rate.n_draws

    def figures(self, judge_sha256: str) -> dict[str, Any]:
        """What the manifest says of it."""
        return {
            "role": self.role,
            "judge_sha256": judge_sha256,
            "adapters_sha256": list(self.adapters_sha256),
            "n_rows": self.n_rows,
            "n_draws": self.n_draws,
            "fewest_draws": self.fewest,
            "most_draws": self.most,
            "mean_pass_rate": round(self.sum_of_rates / self.n_rows, 6),
            "n_never": self.n_never,
            "n_always": self.n_always,
        }


class Counted:
    """What the stage counts: rows, draws, and for each judge how it did."""

    def __init__(self) -> None:
        self.n_rows = 0
        self._n: Counter[str] = Counter()
        self._judges: dict[str, _OfJudge] = {}

    def add(self, golds: Sequence[str], found: Sequence[Graded]) -> None:
        """Count rows, with their reference answers and what was found of each."""
        self.n_rows += len(found)
        self._n["without_answer"] += sum(not gold for gold in golds)
        for g in found:
            self._n["measured"] += bool(g.rates)
            self._n["ungradable"] += g.n_ungradable
            for rate in g.rates:
                new = _OfJudge(rate.role, rate.adapters_sha256)
                self._judges.setdefault(rate.judge_sha256, new).add(rate)

    def figures(self, asked: Asked, unsolved: Sequence[NeverSolved]) -> dict[str, Any]:
        """All of it, as the manifest has it."""
        judges = sorted(self._judges.items(), key=lambda of: (of[1].role, of[0]))
        return {
            "n_measured": self._n["measured"],
            "n_unmeasured": self.n_rows - self._n["measured"],
            "n_without_answer": self._n["without_answer"],
            "n_never_solved": len(unsolved),
            "n_ungradable_draws": self._n["ungradable"],
            "n_draws_elsewhere": asked.n_elsewhere,
            "n_questions_elsewhere": len(asked.problems_elsewhere),
            "n_draws_twice": asked.n_twice,
            "judges": [of.figures(sha256) for sha256, of in judges],
        }


def described(manifest: Manifest) -> list[str]:
    """What was found, in lines for people."""
    f: Mapping[str, Any] = manifest.figures
    lines = [
        f"{j['role']}: {count(j['n_rows'], 'row')}, {_draws(j)} each, right in {j['mean_pass_rate']:.1%} on average; "
        f"never in {j['n_never']:,}, always in {j['n_always']:,} (judge {j['judge_sha256'][:12]})"
        for j in f["judges"]
    ]
    if any(j["fewest_draws"] != j["most_draws"] for j in f["judges"]):
        lines.append(
            "the number of draws differs from row to row: a loop stops where its roles agree; for equal numbers "
            "evaluate with --samples ir=8 dr=8"
        )
    if f["n_unmeasured"]:
        lines.append(
            f"{count(f['n_unmeasured'], 'row')} without a gradable draw: kept, with an empty cell"
        )
    if f["n_draws_elsewhere"]:
        lines.append(
            f"{count(f['n_draws_elsewhere'], 'draw')} about {count(f['n_questions_elsewhere'], 'question')} that this "
            "dataset does not hold: passed over"
        )
    if f["n_ungradable_draws"]:
        lines.append(
            f"{count(f['n_ungradable_draws'], 'draw')} that cannot be graded: counted nowhere"
        )
    lines.append(f"{count(f['n_never_solved'], 'row')} never solved: see {PAGE}, or {TABLE}")
    return lines


def _draws(judge: Mapping[str, Any]) -> str:
    low, high = judge["fewest_draws"], judge["most_draws"]
    return count(low, "draw") if low == high else f"{low:,} to {high:,} draws"

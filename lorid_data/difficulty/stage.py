"""`difficulty DIR --from EVAL… --out DIR`: how often each role answers each question rightly, as a column.

No row is lost: one that nobody was asked keeps an empty cell, and is counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lorid_data import answers
from lorid_data.answers import reference
from lorid_data.commandline.progress import Progress
from lorid_data.difficulty.asked import Asked, gather, opened
from lorid_data.difficulty.page import PAGE, render
from lorid_data.difficulty.rates import Graded, graded, merged
from lorid_data.difficulty.unsolved import TABLE, NeverSolved, never_solved
from lorid_data.errors import InputError
from lorid_data.folders.files import write_text
from lorid_data.folders.manifests import manifest_sha256, read_manifest
from lorid_data.folders.parquet import write_rows
from lorid_data.folders.records import read_records, write_dataset
from lorid_data.folders.stage import open_stage
from lorid_data.pass_rates import PassRate
from lorid_data.schema import Manifest, Record
from lorid_data.texts.counting import count

VERSION = 1
"""Bump when the same draws lead to other pass rates."""


def difficulty(folder: Path, evaluations: Sequence[Path], out: Path) -> Manifest:
    """Write the rows of a dataset folder with the pass rate of each role that was asked about them.

    Sampled draws count: IR's and those of other roles that answer alone, and DR's on what KG wrote.
    They are graded against the dataset's answer as it is now.

    Args:
        folder: a finished dataset folder.
        evaluations: finished evaluation folders of `lorid-train evaluate`.
        out: the folder to write; `never_solved.parquet` and `difficulty.html` list what nobody solves.

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
        records = read_records(folder)
        asked = gather(opened_ones, {r.problem_id for r in records})
        if not asked.by_problem:
            msg = (
                f"{folder}: none of its questions has a sampled draw in the {count(len(opened_ones), 'evaluation')}; "
                "evaluate on this dataset, with the loop or with --samples ir=8"
            )
            raise InputError(msg)
        found = _graded(records, asked)
        rows = [with_rates(r, g) for r, g in zip(records, found, strict=True)]
        unsolved = never_solved(zip(rows, found, strict=True))
        stage.figures = figures(rows, found, asked, unsolved)
        write_rows(stage.out / TABLE, NeverSolved, unsolved)
        write_text(stage.out / PAGE, render(stage.figures, unsolved))
        return write_dataset(stage, rows, [], n_in=len(records))


def _graded(records: Sequence[Record], asked: Asked) -> list[Graded]:
    answers.prepare()  # the verifier's start must not use up the time of a first pair
    found = []
    with Progress("difficulty", len(records)) as progress:
        for r in records:
            of = asked.by_problem.get(r.problem_id, {}) if r.answer else {}
            found.append(graded(of, reference(r.answer, r.accepted) if of else ""))
            progress.advance()
    return found


# --- pure ---------------------------------------------------------------------------------------


def with_rates(record: Record, found: Graded) -> Record:
    """The record with what was found; what other judges made of it before stays."""
    rates = merged(record.difficulty, found.rates)
    return record.model_copy(update={"difficulty": rates})


def figures(
    rows: Sequence[Record],
    found: Sequence[Graded],
    asked: Asked,
    unsolved: Sequence[NeverSolved],
) -> dict[str, Any]:
    """What the stage counted: rows, draws, and for each judge how it did."""
    by_judge: dict[str, list[PassRate]] = {}
    for g in found:
        for rate in g.rates:
            by_judge.setdefault(rate.judge_sha256, []).append(rate)
    judges = sorted(by_judge.values(), key=lambda of: (of[0].role, of[0].judge_sha256))
    return {
        "n_measured": sum(bool(g.rates) for g in found),
        "n_unmeasured": sum(not g.rates for g in found),
        "n_without_answer": sum(not r.answer for r in rows),
        "n_never_solved": len(unsolved),
        "n_ungradable_draws": sum(g.n_ungradable for g in found),
        "n_draws_elsewhere": asked.n_elsewhere,
        "n_questions_elsewhere": len(asked.problems_elsewhere),
        "n_draws_twice": asked.n_twice,
        "judges": [_judge(of) for of in judges],
    }


def _judge(rates: Sequence[PassRate]) -> dict[str, Any]:
    return {
        "role": rates[0].role,
        "judge_sha256": rates[0].judge_sha256,
        "adapters_sha256": list(rates[0].adapters_sha256),
        "n_rows": len(rates),
        "n_draws": sum(r.n_draws for r in rates),
        "fewest_draws": min(r.n_draws for r in rates),
        "most_draws": max(r.n_draws for r in rates),
        "mean_pass_rate": round(sum(r.pass_rate for r in rates) / len(rates), 6),
        "n_never": sum(r.n_right == 0 for r in rates),
        "n_always": sum(r.n_right == r.n_draws for r in rates),
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

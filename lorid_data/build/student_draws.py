"""What a fixed DR answered with each list of rules, out of finished evaluations on the dataset's own knowledge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lorid_data.answers import extract
from lorid_data.difficulty.asked import Opened, opened
from lorid_data.errors import InputError
from lorid_data.folders.evaluations import SAMPLED_GIVEN, iter_draws, judge_of
from lorid_data.folders.names import RECORDS
from lorid_data.folders.parquet import read_rows
from lorid_data.schema import Record
from lorid_data.texts import strict_json

HOW = "lorid-train evaluate --samples gold-knowledge=8, of a run with dr, on a folder with that teacher's lists"
METRICS = "metrics.json"


@dataclass(frozen=True, slots=True)
class Student:
    """A DR, or one for each part of the questions, and what it answered.

    Attributes:
        judges_sha256: of adapter, base model, format and sampling of each; the lists of one question
            have one judge.
        evaluations_sha256: manifests of the evaluations, sorted.
        answers: by question and list, the answer of each draw in the order of seed and round.
        trained_on: what the evaluations say of questions that it was trained on; empty where of none.
    """

    judges_sha256: tuple[str, ...]
    evaluations_sha256: tuple[str, ...]
    answers: Mapping[tuple[str, tuple[str, ...]], Mapping[int, str | None]]
    trained_on: str


def read_student(folders: Sequence[Path]) -> Student:
    """The draws of a fixed DR with every list that the evaluations gave it.

    Several may judge, each its own questions: one that was trained on a half of them and judges
    the other half, for one.

    Raises:
        InputError: an evaluation is unfinished or has changed, holds no such draws, or lists of one
            question were given to different students.
    """
    found = opened(folders)
    if not found:
        raise InputError(f"--by student needs evaluations: name them by --from ({HOW})")
    named: dict[tuple[str, tuple[str, ...]], dict[tuple[int, int], str | None]] = {}
    judge_by_problem: dict[str, str] = {}
    for e in found:
        judge = judge_of(e.identity, "dr", SAMPLED_GIVEN).sha256
        drawn = _read(e, named)
        if not drawn:
            raise InputError(f"{e.folder}: holds no sampled draws of DR on the dataset's own knowledge; make them by {HOW}")  # fmt: skip
        for problem in drawn:
            if (other := judge_by_problem.setdefault(problem, judge)) != judge:
                msg = (
                    f"{e.folder}: its DR, or how it was sampled, is another ({judge[:12]}) than that of other lists of the "
                    f"same questions ({other[:12]}); lists of one question can be compared by one student only"
                )
                raise InputError(msg)
    numbered = {key: dict(enumerate(of[k] for k in sorted(of))) for key, of in named.items()}
    said = [s for e in found if (s := _trained_on(e))]
    return Student(
        tuple(sorted(set(judge_by_problem.values()))),
        tuple(e.sha256 for e in found),
        numbered,
        "; ".join(said),
    )


def _read(
    e: Opened, named: dict[tuple[str, tuple[str, ...]], dict[tuple[int, int], str | None]]
) -> set[str]:
    """Take in the draws of one evaluation; the questions that they are about."""
    lists = {r.problem_id: r.knowledge for r in read_rows(e.folder / RECORDS, Record)}
    drawn = set()
    for d in iter_draws(e.folder):
        if (d.role, d.condition) == ("dr", SAMPLED_GIVEN) and d.problem_id in lists:
            drawn.add(d.problem_id)
            of = named.setdefault((d.problem_id, lists[d.problem_id]), {})
            of.setdefault((d.seed, d.round), getattr(extract(d.text), "value", None))
    return drawn


def _trained_on(e: Opened) -> str:
    """What an evaluation says of questions that its adapters were trained on, or nothing."""
    path = e.folder / METRICS
    try:
        rows = strict_json.parse(path.read_bytes())["metrics"]
        n = next((m["value"] for m in rows if m["metric"] == "trained_questions"), 0)
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise InputError(f"{path}: not the metrics of an evaluation ({err})") from err
    return f"{n:,.0f} of those of the evaluation {e.sha256[:12]}" if n else ""

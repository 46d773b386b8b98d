"""What each judge answered to each question, gathered from several evaluations; no gold answer is near."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lorid_data.answers import extract
from lorid_data.folders.evaluations import SAMPLED, Judge, iter_draws, judge_of, open_evaluation
from lorid_data.folders.manifests import manifest_sha256

WRITES_KNOWLEDGE = "kg"
"""The role that states no answer."""
Answers = list[str | None]
"""What each draw states; None where it states nothing."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An evaluation whose files have been compared with its manifest."""

    folder: Path
    sha256: str
    identity: dict[str, Any]


@dataclass(slots=True)
class Asked:
    """The sampled answers of several evaluations.

    Attributes:
        by_problem: by question and judge.
        n_elsewhere: sampled draws about questions that are not wanted.
        problems_elsewhere: those questions.
        n_twice: draws that another evaluation holds as well; they count once.
    """

    by_problem: dict[str, dict[Judge, Answers]] = field(default_factory=lambda: defaultdict(dict))
    n_elsewhere: int = 0
    problems_elsewhere: set[str] = field(default_factory=set)
    n_twice: int = 0


def opened(folders: Sequence[Path]) -> list[Opened]:
    """The evaluations, each once, in an order that does not depend on the one given.

    Raises:
        InputError: a folder is no finished evaluation, or has changed.
    """
    found = {}
    for folder in folders:
        manifest = open_evaluation(folder)
        sha256 = manifest_sha256(folder)
        found[sha256] = Opened(folder, sha256, manifest.identity)
    return [found[s] for s in sorted(found)]


def gather(
    evaluations: Sequence[Opened], wanted: Collection[str], condition: str = SAMPLED
) -> Asked:
    """The answers to the wanted questions that were drawn under a condition.

    A draw is named by its judge, question, seed and round: what two evaluations share counts once.
    """
    asked = Asked()
    seen: set[tuple[str, str, int, int]] = set()
    for e in evaluations:
        judges: dict[str, Judge] = {}
        for d in iter_draws(e.folder):
            if d.condition != condition or d.role == WRITES_KNOWLEDGE:
                continue
            if d.problem_id not in wanted:
                asked.n_elsewhere += 1
                asked.problems_elsewhere.add(d.problem_id)
                continue
            if d.role not in judges:
                judges[d.role] = judge_of(e.identity, d.role, condition)
            judge = judges[d.role]
            name = (judge.sha256, d.problem_id, d.seed, d.round)
            if name in seen:
                asked.n_twice += 1
                continue
            seen.add(name)
            asked.by_problem[d.problem_id].setdefault(judge, []).append(d.answer(_stated))
    return asked


def _stated(text: str) -> str | None:
    value: str | None = getattr(extract(text), "value", None)
    return value

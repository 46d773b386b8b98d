"""Cells of a study that never ran: known accuracies by frequency, seeded, written as folders.

Loaded with `runpy.run_path` by the tests that want a whole study.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from lorid_data.folders.names import RECORDS
from lorid_data.folders.parquet import write_rows
from lorid_data.schema import Provenance, Record, problem_id, sha256_text
from lorid_train.interaction.draws import Draw
from lorid_train.study_report import Cell

FREQUENCIES = (0, 1, 2, 4, 8, 16)
TRUTH: Mapping[str, Sequence[float]] = {
    "ir": (0.04, 0.40, 0.72, 0.90, 0.93, 0.95),
    "dr": (0.04, 0.88, 0.95, 0.95, 0.97, 0.97),
    "ks": (0.03, 0.87, 0.90, 0.95, 0.96, 0.96),
    "ird": (0.04, 0.60, 0.80, 0.92, 0.94, 0.95),
    "gold": (0.97, 0.97, 0.98, 0.98, 0.98, 0.99),
    "other": (0.03, 0.05, 0.05, 0.05, 0.05, 0.05),
}
"""The chance of a right answer by frequency, of each role (IR, KG→DR, …), greedy and sampled alike."""
GREEDY = {
    ("ir", "greedy"): "ir", ("kg", "greedy"): "dr", ("dr", "kg-knowledge"): "dr",
    ("dr", "gold-knowledge"): "gold", ("dr", "other-knowledge"): "other",
    ("ks", "greedy"): "ks", ("ird", "greedy"): "ird",
}  # fmt: skip
TOKENS = {"ir": 22, "kg": 14, "dr": 22, "ks": 35, "ird": 22}


def record(world: str, group: str, split: str, i: int, answer: int) -> Record:
    """The i-th problem of a group."""
    question = f"{world}, {split} {i}: how many make a {group}?"
    return Record(
        row_id=sha256_text(question), problem_id=problem_id(question), original_id=sha256_text(group),
        source="concepts", split=split, question=question, rationale="So it is.", answer=str(answer),
        subject=group, licence="Apache-2.0", knowledge=(f"A {group} is something.",),
        provenance=Provenance(teacher="source"),
    )  # fmt: skip


def draw(r: Record, role: str, condition: str, n: int, answer: int | None) -> Draw:
    """One draw that gives an answer, or none."""
    text = "It goes on and on." if answer is None else f"So it is.\n--> {answer} END"
    return Draw(
        problem_id=r.problem_id, role=role, condition=condition, seed=0, round=n, text=text,
        finish_reason="length" if answer is None else "stop", n_prompt_tokens=30,
        n_tokens=TOKENS[role] + n % 3, prompt_sha256="0" * 64,
    )  # fmt: skip


class Ability:
    """How often each role is right on a problem; whatever is wrong is one of a few other numbers."""

    def __init__(
        self, rng: random.Random, truth: Mapping[str, float], spread: float, n_wrong: int
    ) -> None:
        self._rng, self._n_wrong = rng, n_wrong
        # Problems differ, around the truth: that is what makes clusters of them.
        self._p = {role: _around(rng, p, spread) for role, p in truth.items()}

    def answer(self, role: str, gold: int) -> int | None:
        """Gold, a wrong number, or nothing."""
        if self._rng.random() < self._p[role]:
            return gold
        return None if self._rng.random() < 0.03 else gold + self._rng.randint(1, self._n_wrong)


def _around(rng: random.Random, p: float, spread: float) -> float:
    """A chance whose mean is p; spread 0 gives p itself, 1 only 0 and 1."""
    if spread == 0 or p in (0.0, 1.0):
        return p
    k = 1 / spread - 1
    return rng.betavariate(p * k, (1 - p) * k) if k else float(rng.random() < p)


def write_evaluation(
    folder: Path, records: Sequence[Record], abilities: Mapping[str, Ability], n_ir: int, n_dr: int
) -> None:
    """An evaluation folder with all draws."""
    folder.mkdir(parents=True)
    write_rows(folder / RECORDS, Record, records)
    with (folder / "draws.jsonl").open("w", encoding="utf-8") as f:
        for r in records:
            of, gold = abilities[r.subject or ""], int(r.answer)
            made = [draw(r, *key, 1, of.answer(who, gold)) for key, who in GREEDY.items()]
            made += [draw(r, "ir", "sampled", n, of.answer("ir", gold)) for n in range(1, n_ir + 1)]
            for n in range(1, n_dr + 1):
                made.append(draw(r, "kg", "sampled", n, None))
                made.append(draw(r, "dr", "sampled", n, of.answer("dr", gold)))
            f.writelines(d.model_dump_json() + "\n" for d in made)


def write_cell(
    out: Path,
    *,
    world: str = "world 0",
    seed: int = 0,
    truth: Mapping[str, Sequence[float]] = TRUTH,
    n_groups: int = 6,
    n_test: int = 2,
    spread: float = 0.3,
    n_wrong: int = 6,
    n_ir: int = 40,
    n_dr: int = 20,
    frequencies: Sequence[int] = FREQUENCIES,
) -> Cell:
    """A cell with `n_groups` groups per frequency; the same world and seed give the same draws."""
    rng = random.Random(f"{world}/{seed}")
    folder = out / f"{world}, base {seed}"
    train: list[Record] = []
    test: list[Record] = []
    validation: list[Record] = []
    abilities: dict[str, Ability] = {}
    for at, f in enumerate(frequencies):
        for g in range(n_groups):
            name = f"group {f}-{g}"
            of = {role: by[at] for role, by in truth.items()}
            abilities[name] = Ability(rng, of, spread, n_wrong)
            train += [record(world, name, "train", i, rng.randint(2, 90)) for i in range(f)]
            test += [record(world, name, "test", i, rng.randint(2, 90)) for i in range(n_test)]
            validation.append(record(world, name, "validation", 0, rng.randint(2, 90)))
    (folder / "train").mkdir(parents=True)
    write_rows(folder / "train" / RECORDS, Record, train)
    write_evaluation(folder / "test", test, abilities, n_ir, n_dr)
    write_evaluation(folder / "validation", validation, abilities, min(10, n_ir), min(10, n_dr))
    return Cell(
        f"{world}, base {seed}", world, f"base {seed}", seed,
        folder / "train", folder / "test", folder / "validation",
    )  # fmt: skip

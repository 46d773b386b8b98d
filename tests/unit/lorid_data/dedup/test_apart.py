"""Duplicates found group by group are those that the whole finds, and the folder is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lorid_data.dedup import apart, minhash
from lorid_data.dedup.minhash import candidate_pairs
from lorid_data.dedup.stage import dedup
from lorid_data.folders.records import write_dataset
from lorid_data.folders.stage import open_stage
from lorid_data.schema import Provenance, Record, make_problem, row_ids
from lorid_data.texts.shingles import shingles_of
from lorid_data.workers.pool import elsewhere


def here(work: Callable[[Any], Any], batches: Iterable[Any]) -> Iterator[Any]:
    yield from map(work, batches)


def write_rows(folder: Path, n: int) -> None:
    """Rows that repeat, are reworded, have several answers to one solution, or lack knowledge."""
    problems = []
    for i in range(n):
        at = i - i % 4
        question = f"Tom has {at % 50} red apples and buys {at % 7} green ones at the old market. How many has he now?"
        if i % 4 == 1:
            question = question.replace("old", "big old")
        if i % 4 == 2:
            question = question.upper()
        problems.append(
            make_problem(
                source="t",
                split="train" if at % 3 else "test",
                question=question,
                rationale=f"He has {at % 50} + {at % 7}.",
                answer=str(at % 50 + at % 7 + (i % 16 == 2)),
                knowledge=["Add."] if i % 3 else [],
            )
        )
    rows = [
        Record(row_id=row, provenance=Provenance(teacher="source"), **p.model_dump())
        for row, p in zip(row_ids(problems), problems, strict=True)
    ]
    with open_stage(folder, "build", identity={"made": "by hand"}) as stage:
        write_dataset(stage, rows, [], n_in=n)


@pytest.mark.parametrize("n", [0, 1, 900])
def test_the_folder_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n: int) -> None:
    write_rows(tmp_path / "rows", n)
    whole = dedup(tmp_path / "rows", tmp_path / "whole")
    monkeypatch.setattr(apart, "GROUP_ROWS", 40)
    with elsewhere(here):
        manifest = dedup(tmp_path / "rows", tmp_path / "apart")
    assert manifest == whole
    if n > 1:
        assert set(whole.n_rejected) == {"duplicate_exact", "duplicate_near"}
        assert whole.figures["n_with_differing_answers"]


def test_rows_of_the_same_numbers_are_in_one_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_rows(tmp_path / "rows", 400)
    monkeypatch.setattr(apart, "GROUP_ROWS", 40)
    groups: list[set[str]] = []

    def look(work: Callable[[Any], Any], batches: Iterable[Any]) -> Iterator[Any]:
        for batch in batches:
            if work is apart.compare:
                assert batch["rank"].to_pylist() == sorted(batch["rank"].to_pylist())
                groups.append({"".join(c for c in q if c.isdigit() or c == " ") for q in batch["question"].to_pylist()})  # fmt: skip
            yield work(batch)

    with elsewhere(look):
        dedup(tmp_path / "rows", tmp_path / "out")
    assert len(groups) > 5
    numbers = [{" ".join(q.split()) for q in group} for group in groups]
    assert sum(map(len, numbers)) == len(set().union(*numbers))


def test_what_is_found_does_not_depend_on_how_many_texts_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two groups whose hashes differ only in the bits that give way to the place of a text."""
    import polars as pl

    texts = pl.Series([f"{i} apples and pears of {i} trees" for i in (1, 2, 1, 2)])
    shingles = shingles_of(texts)
    everything, keys = np.arange(4), np.zeros(4, np.uint64)
    expected = candidate_pairs(shingles, everything, keys)
    assert [side.tolist() for side in expected] == [[0, 1], [2, 3]]
    tell = shingles.numbers == shingles.numbers[0]
    monkeypatch.setattr(minhash, "mix", lambda _: np.where(tell[: len(_)], np.uint64(9), np.uint64(8)))  # fmt: skip
    found = candidate_pairs(shingles, everything, keys)
    assert [side.tolist() for side in found] == [[0, 1], [2, 3]]

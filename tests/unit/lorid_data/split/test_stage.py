"""A split by original question: whole, seeded, and with nothing on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lorid_data import pipeline
from lorid_data.cli.app import main
from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.records import read_records, write_dataset
from lorid_data.folders.stage import open_stage
from lorid_data.schema import Provenance, Record, make_problem, row_ids
from lorid_data.split.blocks import SPLITS, Blocks, blocks_of, draw
from lorid_data.split.blocks import assigned as assigned_blocks
from lorid_data.split.stage import SplitOptions, split


def rows(
    n: int, *, variants: int = 1, subjects: Sequence[str | None] = (None,), split: str = "train"
) -> list[Record]:
    """`n` questions, each with further wordings that name it as their original."""
    problems = []
    for i in range(n):
        first = make_problem(
            source="t", split=split, question=f"What is {i} + {i}?", rationale="r", answer=str(2 * i),
            subject=subjects[i % len(subjects)],
        )  # fmt: skip
        problems.append(first)
        problems += [
            first.model_copy(
                update={
                    "question": f"Wording {v} of {i}",
                    "problem_id": f"{i:04d}{v:060d}",
                    "original_id": first.problem_id,
                }
            )
            for v in range(1, variants)
        ]
    return [
        Record(row_id=row, provenance=Provenance(teacher="source"), **p.model_dump())
        for row, p in zip(row_ids(problems), problems, strict=True)
    ]


def folder_of(path: Path, records: Sequence[Record]) -> Path:
    with open_stage(path, "import", identity={"made": "by hand"}) as stage:
        write_dataset(stage, records, [], n_in=len(records))
    return path


def test_variants_stay_together_and_no_row_is_lost(tmp_path: Path) -> None:
    records = rows(50, variants=4)
    folder = folder_of(tmp_path / "in", records)
    manifest = split(folder, tmp_path / "out", SplitOptions(test=0.2, validation=0.1))
    parted = read_records(tmp_path / "out")
    assert [r.question for r in parted] == [r.question for r in records]
    sides: dict[str, set[str]] = {}
    for r in parted:
        sides.setdefault(r.original_id, set()).add(r.split)
    assert all(len(names) == 1 for names in sides.values())
    assert manifest.figures["by_split"] == {
        "train": {"n_rows": 140, "n_originals": 35, "n_blocks": 35},
        "validation": {"n_rows": 20, "n_originals": 5, "n_blocks": 5},
        "test": {"n_rows": 40, "n_originals": 10, "n_blocks": 10},
    }
    assert (manifest.n_in, manifest.n_kept, manifest.n_rejected) == (200, 200, {})


def test_ids_are_those_of_rows_of_that_split(tmp_path: Path) -> None:
    split(folder_of(tmp_path / "in", rows(10)), tmp_path / "out", SplitOptions(test=0.3))
    parted = read_records(tmp_path / "out")
    assert [r.row_id for r in parted] == list(row_ids(parted))


def assigned(records: Sequence[Record], *, by: str, **options: Any) -> list[str]:
    """The split of each row."""
    blocks = Blocks()
    originals = [r.original_id for r in records]
    blocks.look(originals, [r.problem_id for r in records], [getattr(r, by) for r in records])
    blocks.settle()
    of = assigned_blocks(blocks, blocks.names(originals), **options)
    return [SPLITS[of[block]] for block in blocks.of_row]


def test_the_order_of_the_rows_changes_nothing_and_the_seed_does() -> None:
    records = rows(40, variants=2)
    options: dict[str, Any] = {"test": 0.25, "validation": 0.1, "by": "original_id"}
    forward = dict(
        zip((r.row_id for r in records), assigned(records, seed=3, **options), strict=True)
    )
    back = records[::-1]
    assert (
        dict(zip((r.row_id for r in back), assigned(back, seed=3, **options), strict=True))
        == forward
    )
    assert assigned(records, seed=4, **options) != assigned(records, seed=3, **options)


def test_a_larger_test_split_holds_the_smaller_one() -> None:
    records = rows(100)
    chosen = [
        {i for i, s in enumerate(assigned(records, test=t, validation=0, by="original_id", seed=0)) if s == "test"}
        for t in (0.1, 0.2, 0.5)
    ]  # fmt: skip
    assert [len(c) for c in chosen] == [10, 20, 50]
    assert chosen[0] < chosen[1] < chosen[2]


def test_rows_are_tied_over_several_steps() -> None:
    """A is a variant of B, whose text is the original of C: the three are one block."""
    a, b, c, d = rows(4)
    b = b.model_copy(update={"original_id": c.problem_id})
    a = a.model_copy(update={"original_id": b.problem_id})
    blocks = blocks_of([a, b, c, d], "original_id")
    assert len(set(blocks[:3])) == 1
    assert blocks[3] not in blocks[:3]


def test_by_keeps_a_subject_whole_and_rows_without_one_apart() -> None:
    records = rows(30, subjects=("a", "b", "c", None, None))
    names = assigned(records, test=0.3, validation=0, by="subject", seed=1)
    sides: dict[str, set[str]] = {}
    for r, name in zip(records, names, strict=True):
        if r.subject is not None:
            sides.setdefault(r.subject, set()).add(name)
    assert all(len(s) == 1 for s in sides.values())
    assert len(set(blocks_of(records, "subject"))) == 3 + 12


@given(
    st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(1, 9), min_size=1),
    st.integers(1, 60),
)
def test_blocks_are_drawn_as_near_to_the_wish_as_one_pass_can(
    sizes: dict[str, int], n: int
) -> None:
    order = np.array([[i * 7919 % 1009, i] for i in range(len(sizes))], np.uint64)
    chosen = draw(np.array(list(sizes.values())), order, n)
    got = sum(size for size, is_chosen in zip(sizes.values(), chosen, strict=True) if is_chosen)
    assert chosen.any()
    assert abs(got - min(n, sum(sizes.values()))) <= max(sizes.values())
    if set(sizes.values()) == {1}:
        assert got == min(n, len(sizes))


def test_what_cannot_be_split_is_refused_and_nothing_is_finished(tmp_path: Path) -> None:
    both = folder_of(tmp_path / "both", [*rows(3), *rows(3, split="test")])
    with pytest.raises(InputError, match="has the splits 'test', 'train' already"):
        split(both, tmp_path / "out", SplitOptions(test=0.5))
    one = folder_of(tmp_path / "one", rows(8, subjects=("algebra",)))
    with pytest.raises(
        InputError, match=r"1 group of rows that stay together .* leave no row for 'train'"
    ):
        split(one, tmp_path / "out2", SplitOptions(test=0.5, by="subject"))
    few = folder_of(tmp_path / "few", rows(3))
    with pytest.raises(InputError, match="leave no row for 'validation'"):
        split(few, tmp_path / "out3", SplitOptions(test=0.34, validation=0.01))
    for name in ("out", "out2", "out3"):
        assert not (tmp_path / name / "manifest.json").exists()


def test_the_command_says_what_it_did_and_does_it_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_of(tmp_path / "in", rows(20, variants=2))
    argv = ["split", str(folder), "--test", "0.2", "--out", str(tmp_path / "out")]
    assert main(argv) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[:2] == [
        "train: 32 rows of 16 original questions",
        "test: 8 rows of 4 original questions",
    ]
    before = read_manifest(tmp_path / "out")
    assert main(argv) == 0
    assert read_manifest(tmp_path / "out") == before
    assert main([*argv, "--seed", "1"]) == 2
    assert "was 0, is 1" in capsys.readouterr().err
    assert main(["split", str(folder), "--test", "1.2", "--out", str(tmp_path / "other")]) == 2
    assert not (tmp_path / "other").exists()


def test_a_pipeline_may_split(tmp_path: Path) -> None:
    body = {
        "out": str(tmp_path / "all"),
        "build": {"source": "arithmetic", "teacher": "source", "limit": 30},
        "split": {"test": 0.2},
    }
    manifests = pipeline.run(pipeline.read_config(body, "c.yaml"))
    assert manifests["split"].figures["by_split"]["test"]["n_originals"] == 6
    with pytest.raises(ConfigError, match="'colour' is no column to split by"):
        pipeline.read_config({**body, "split": {"test": 0.2, "by": "colour"}}, "c.yaml")

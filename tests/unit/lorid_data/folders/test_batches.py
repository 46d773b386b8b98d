"""Folders as batches: what is written does not depend on how rows come, and what is read is checked without being held."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest

from lorid_data.errors import InputError, StageError
from lorid_data.folders import row_ids as row_ids_room
from lorid_data.folders.batches import (
    DatasetWriter,
    iter_batches,
    iter_columns,
    iter_tables,
    n_records,
    records_of,
)
from lorid_data.folders.files import sha256_file
from lorid_data.folders.parquet import ROW_GROUP, frame_schema, table_of
from lorid_data.folders.records import iter_records, read_records, write_dataset
from lorid_data.folders.row_ids import Occurrences, keys_of
from lorid_data.folders.stage import open_stage
from lorid_data.pass_rates import PassRate
from lorid_data.schema import (
    Disposition,
    Problem,
    Provenance,
    Record,
    Reject,
    RejectReason,
    make_problem,
    row_ids,
)


def record(i: int, **more: Any) -> Record:
    return Record(
        row_id=f"row{i}", problem_id=f"p{i}", original_id=f"p{i}", source="s", split="train", question=f"q{i}é\n" * (i % 7),
        rationale="r", answer="1", knowledge=("k",) * (i % 3), provenance=Provenance(teacher="none", n_votes=i), **more,
    )  # fmt: skip


def reject(i: int, reason: RejectReason = RejectReason.NOT_RECORDED) -> Reject:
    return Reject(row_id=f"no{i}", stage="build", disposition=Disposition.DROP, reason=reason)


def written(out: Path, *pieces: Any, n: int, n_rejects: int = 1) -> Path:
    with open_stage(out, "build", identity={}) as stage, DatasetWriter(stage) as writer:
        for piece in pieces:
            writer.keep(piece)
        for i in range(n_rejects):
            writer.reject([reject(i)])
        writer.finish(n_in=n + n_rejects)
    return out


def bytes_of(folder: Path) -> list[str]:
    return [sha256_file(folder / n) for n in ("records.parquet", "rejects.parquet", "manifest.json", "README.md")]  # fmt: skip


def test_bytes_depend_on_the_rows_alone(tmp_path: Path) -> None:
    n = ROW_GROUP + 1000
    rate = PassRate(role="ir", judge_sha256="a", adapters_sha256=("b",), n_draws=2, n_right=1, pass_rate=0.5, ci_low=0.1, ci_high=0.9, agreement=0.5)  # fmt: skip
    # Texts of several pages: a page holds a mebibyte.
    rows = [
        record(i, difficulty=(rate,) if i % 5 == 0 else None, program=f"{i} " * 200)
        for i in range(n)
    ]
    with open_stage(tmp_path / "whole", "build", identity={}) as stage:
        write_dataset(stage, rows, [reject(0)], n_in=n + 1)
    whole = table_of(Record, rows)
    pieces = written(tmp_path / "pieces", rows[:1], rows[1:ROW_GROUP], rows[ROW_GROUP:], n=n)
    tables = written(tmp_path / "tables", whole.slice(0, 700), whole.slice(700), n=n)
    mixed = written(tmp_path / "mixed", iter(rows[:5000]), whole.slice(5000, 0), whole.slice(5000), n=n)  # fmt: skip
    first = bytes_of(tmp_path / "whole")
    assert bytes_of(pieces) == bytes_of(tables) == bytes_of(mixed) == first
    index = pq.read_metadata(tmp_path / "whole" / "records.parquet")
    assert [index.row_group(i).num_rows for i in range(index.num_row_groups)] == [ROW_GROUP, 1000]
    assert read_records(tmp_path / "whole") == rows


def test_polars_and_datasets_read_what_they_read_before(tmp_path: Path) -> None:
    from datasets import load_dataset

    rows = [record(i) for i in range(9)]
    folder = written(tmp_path / "d", rows, n=9, n_rejects=2)
    frame = pl.read_parquet(folder / "records.parquet")
    assert frame.schema == pl.Schema(frame_schema(Record))
    assert [Record.model_validate(row) for row in frame.iter_rows(named=True)] == rows
    found = load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))
    assert found["row_id"] == [r.row_id for r in rows]
    assert found[1]["provenance"]["n_votes"] == 1
    rejects = load_dataset(str(folder), "rejects", split="train", cache_dir=str(tmp_path / "cache"))
    assert len(rejects) == 2


def test_the_parquet_types_are_those_that_polars_writes(tmp_path: Path) -> None:
    for kind in (Record, Reject):
        pl.DataFrame(schema=frame_schema(kind)).write_parquet(tmp_path / "polars.parquet")
        pq.write_table(table_of(kind, []), tmp_path / "ours.parquet")
        ours, polars = (pq.ParquetFile(tmp_path / f"{n}.parquet") for n in ("ours", "polars"))
        assert str(ours.schema).splitlines()[2:] == str(polars.schema).splitlines()[2:]
        assert ours.schema_arrow.equals(polars.schema_arrow)


def test_a_folder_without_rows_can_be_read(tmp_path: Path) -> None:
    folder = written(tmp_path / "d", n=0, n_rejects=0)
    assert read_records(folder) == []
    assert n_records(folder) == 0
    assert pl.read_parquet(folder / "records.parquet").schema == pl.Schema(frame_schema(Record))


def test_rows_are_given_a_few_at_a_time(tmp_path: Path) -> None:
    folder = written(tmp_path / "d", [record(i) for i in range(10)], n=10)
    assert [len(b) for b in iter_batches(folder, at_once=4)] == [4, 4, 2]
    assert [r for t in iter_tables(folder, at_once=3) for r in records_of(t)] == list(iter_records(folder))  # fmt: skip
    assert [t.column_names for t in iter_columns(folder, ["split"], at_once=6)] == [["split"]] * 2
    assert n_records(folder) == 10


def test_left_without_an_end_the_folder_is_as_it_was(tmp_path: Path) -> None:
    folder = written(tmp_path / "d", [record(0)], n=1)
    before = {p.name for p in folder.iterdir()}

    def fail() -> None:
        with (
            open_stage(folder, "build", identity={}, settings={"x": 1}) as stage,
            DatasetWriter(stage) as writer,
        ):
            writer.keep([record(1)])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert pl.read_parquet(folder / "records.parquet")["row_id"].to_list() == ["row0"]
    assert {p.name for p in folder.iterdir()} == before - {"manifest.json"}
    with open_stage(folder, "build", identity={}) as stage, DatasetWriter(stage) as writer:
        writer.keep([record(1)])  # and nobody says that it is finished
    assert {p.name for p in folder.iterdir()} == before - {"manifest.json"}


def test_rows_that_are_lost_are_an_error(tmp_path: Path) -> None:
    with open_stage(tmp_path / "d", "build", identity={}) as stage, DatasetWriter(stage) as writer:
        writer.keep([record(0)])
        with pytest.raises(StageError, match="rows were lost"):
            writer.finish(n_in=2)
    assert not (tmp_path / "d" / "manifest.json").exists()


def test_an_id_that_stands_twice_is_found_far_apart(tmp_path: Path) -> None:
    rows = [record(i) for i in range(3000)] + [record(7)]
    folder = written(tmp_path / "d", rows, n=len(rows))
    with pytest.raises(InputError, match="'row7' is duplicated"):
        next(iter_batches(folder))


def test_ids_that_share_eight_bytes_are_no_duplicates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pl.Series, "hash", lambda s: s.str.len_bytes().cast(pl.UInt64))
    rows = [record(i) for i in range(200)]
    folder = written(tmp_path / "d", rows, n=200)
    assert len(read_records(folder)) == 200
    twice = written(tmp_path / "e", [*rows, record(150)], n=201)
    with pytest.raises(InputError, match="'row150' is duplicated"):
        read_records(twice)


def test_what_is_no_record_is_named(tmp_path: Path) -> None:
    folder = written(tmp_path / "d", [record(i) for i in range(3)], n=3)
    path = folder / "records.parquet"
    good = pl.read_parquet(path)
    for bad, says in [
        (good.drop("answer"), r"missing columns \['answer'\]"),
        (good.with_columns(pl.lit(1).alias("other")), "other: Extra inputs"),
        (good.with_columns(answer=pl.lit(None, dtype=pl.String)), "answer: Input should be a valid string"),
        (good.with_columns(answer=pl.lit(3)), "answer: Input should be a valid string"),
    ]:  # fmt: skip
        other = written(tmp_path / "other", n=0, n_rejects=0)
        bad.write_parquet(other / "records.parquet")
        reseal(other)
        with pytest.raises(InputError, match=says):
            list(iter_records(other))
        if "answer" in says:
            with pytest.raises(InputError, match="'answer'"):
                list(iter_columns(other, ["split", "answer"]))


def reseal(folder: Path) -> None:
    from lorid_data.folders.manifests import read_manifest, write_manifest

    manifest = read_manifest(folder)
    files = {n: sha256_file(folder / n) for n in manifest.files}
    write_manifest(folder, manifest.model_copy(update={"files": files}))


def test_rows_of_an_earlier_release_have_the_columns_of_now(tmp_path: Path) -> None:
    rows = [record(i) for i in range(3)]
    folder = written(tmp_path / "d", rows, n=3)
    old = pl.read_parquet(folder / "records.parquet").drop("accepted", "difficulty", "program")
    old.write_parquet(folder / "records.parquet")
    reseal(folder)
    assert read_records(folder) == rows
    assert [t.equals(table_of(Record, rows)) for t in iter_tables(folder)] == [True]


def test_what_has_changed_since_is_refused(tmp_path: Path) -> None:
    folder = written(tmp_path / "d", [record(0)], n=1)
    pl.read_parquet(folder / "records.parquet").write_parquet(folder / "records.parquet")
    for read in (iter_batches, iter_tables, lambda f: iter_columns(f, ["split"])):
        with pytest.raises(InputError, match="has changed"):
            next(read(folder))
    with pytest.raises(InputError, match="has changed"):
        n_records(folder)


def problems() -> list[Problem]:
    texts = [("a", "r"), ("b", "r"), ("a", "r"), ("a", "other"), ("a", "r"), ("c", ""), ("b", "r")]
    return [
        make_problem(source="s", split="t", question=q, rationale=r, answer="") for q, r in texts
    ]


@pytest.mark.parametrize("short", [None, lambda _: 1])
def test_ids_by_occurrence_are_the_same_in_two_passes(
    monkeypatch: pytest.MonkeyPatch, short: Any
) -> None:
    if short is not None:  # all share the eight bytes that are held of them
        monkeypatch.setattr(row_ids_room, "_short", short)
    rows = problems()
    expected = list(row_ids(rows))
    assert len(set(expected)) == len(rows)
    seen = Occurrences()
    seen.look(rows[:3])
    seen.look(keys_of(table_of(Problem, rows[3:])))
    assert [*seen.ids(rows[:4]), *seen.ids(rows[4:])] == expected
    assert list(Occurrences().ids([])) == []


def test_ids_by_occurrence_are_those_of_earlier_releases() -> None:
    from lorid_data.schema import canonical_json, sha256_text

    n_of: dict[tuple[str, ...], int] = {}
    for p, found in zip(problems(), row_ids(problems()), strict=True):
        key = (p.source, p.split, p.original_id, p.problem_id, p.rationale)
        n_of[key] = n_of.get(key, -1) + 1
        assert found == sha256_text(canonical_json([*key, n_of[key]]))

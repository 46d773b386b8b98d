"""A dataset folder in other programs: `lorid_data.load`, and `datasets.load_dataset(FOLDER)`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import lorid_data
from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.frames import read_record_frame, write_dataset_frames
from lorid_data.folders.names import MANIFEST, RECORDS
from lorid_data.folders.readme import README, split_shown
from lorid_data.folders.records import read_records, write_dataset
from lorid_data.folders.stage import open_stage
from lorid_data.schema import Provenance, Record, Reject, RejectReason, make_problem, row_ids
from lorid_data.sources.layout import layout


def records(*splits: str) -> list[Record]:
    problems = [
        make_problem(source="t", split=s, question=f"Ünd {i}? \u2028", rationale="r", answer=str(i),
                     knowledge=["Add."] * (i % 2))
        for i, s in enumerate(splits)
    ]  # fmt: skip
    return [
        Record(row_id=row, provenance=Provenance(teacher="source"), **p.model_dump())
        for row, p in zip(row_ids(problems), problems, strict=True)
    ]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")

    def make(*splits: str, n_rejects: int = 0) -> Path:
        rows = records(*splits)
        rejects = [
            Reject(row_id=f"{i:064x}", stage="build", disposition="drop", reason=RejectReason.ANSWER_MISSING,
                   detail="no answer")
            for i in range(n_rejects)
        ]  # fmt: skip
        with open_stage(tmp_path / "d", "build", identity={"n": splits}) as stage:
            write_dataset(stage, rows, rejects, n_in=len(rows) + n_rejects)
        return tmp_path / "d"

    return make


def rows_of(dataset: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in dataset]


@pytest.mark.parametrize(
    ("splits", "shown"), [(("test", "test"), "test"), (("train", "test", "train"), "records"), (("my split",), "records")]
)  # fmt: skip
def test_datasets_loads_the_folder_and_lorid_data_the_same_rows(
    made: Callable[..., Path], splits: tuple[str, ...], shown: str
) -> None:
    from datasets import load_dataset

    folder = made(*splits, n_rejects=2)
    theirs = load_dataset(str(folder))
    assert {s: len(rows) for s, rows in theirs.items()} == {shown: len(splits)}
    ours = lorid_data.load(folder)
    assert ours.features == theirs[shown].features
    assert rows_of(ours) == rows_of(theirs[shown])
    assert rows_of(ours) == [r.model_dump(mode="json") for r in read_records(folder)]
    rejected = load_dataset(str(folder), "rejects", split=shown)
    assert rejected["reason"][:] == ["answer_missing"] * 2


def test_a_folder_without_rejects_loads_too(made: Callable[..., Path]) -> None:
    from datasets import load_dataset

    assert len(load_dataset(str(made("train")), split="train")) == 1


@pytest.mark.parametrize("splits", [("train",), ("train", "test")])
@pytest.mark.parametrize("n_rejects", [0, 1])
def test_every_configuration_that_a_folder_names_loads(
    made: Callable[..., Path], splits: tuple[str, ...], n_rejects: int
) -> None:
    from datasets import get_dataset_config_names, load_dataset

    folder = made(*splits, n_rejects=n_rejects)
    names = get_dataset_config_names(str(folder))
    n_rows = {n: sum(map(len, load_dataset(str(folder), n).values())) for n in names}
    assert n_rows == {"default": len(splits), **({"rejects": n_rejects} if n_rejects else {})}
    assert ("Every row was kept" in (folder / README).read_text()) is (n_rejects == 0)


def test_rejects_alone_are_not_taken_for_the_rows(made: Callable[..., Path]) -> None:
    from datasets import get_dataset_config_names

    folder = made(n_rejects=2)
    assert get_dataset_config_names(str(folder)) == ["default", "rejects"]
    assert "No row was kept" in (folder / README).read_text()


def test_polars_and_one_split(made: Callable[..., Path]) -> None:
    folder = made("train", "test", "train")
    frame = lorid_data.load(folder, kind="polars")
    assert isinstance(frame, pl.DataFrame)
    assert frame.equals(read_record_frame(folder))
    assert lorid_data.load(folder, split="train")["split"][:] == ["train", "train"]
    assert len(lorid_data.load(str(folder), split="test", kind="polars")) == 1
    with pytest.raises(
        InputError, match=r"no row of the split 'dev'; there are \['test', 'train'\]"
    ):
        lorid_data.load(folder, split="dev")
    with pytest.raises(ConfigError, match="'pandas'"):
        lorid_data.load(folder, kind="pandas")  # type: ignore[call-overload]


def test_rows_that_have_changed_are_not_loaded(made: Callable[..., Path]) -> None:
    folder = made("train", "train")
    read_record_frame(folder).head(1).write_parquet(folder / RECORDS)
    with pytest.raises(InputError, match="has changed"):
        lorid_data.load(folder)
    (folder / MANIFEST).unlink()
    with pytest.raises(InputError, match="no manifest"):
        lorid_data.load(folder)


def test_the_readme_is_part_of_the_folder_and_folders_without_one_still_read(
    made: Callable[..., Path],
) -> None:
    folder = made("test")
    with open_stage(folder, "build", identity={"n": ("test",)}) as stage:
        assert stage.done is not None
        assert README in stage.done.files
    files = {k: v for k, v in stage.done.files.items() if k != README}
    from lorid_data.folders.manifests import write_manifest

    write_manifest(
        folder, stage.done.model_copy(update={"files": files})
    )  # as before there was one
    (folder / README).unlink()
    assert len(lorid_data.load(folder)) == len(read_records(folder)) == 1
    with open_stage(folder, "build", identity={"n": ("test",)}) as stage:
        assert stage.done is not None


def test_our_own_import_reads_the_folder_as_what_it_is(made: Callable[..., Path]) -> None:
    folder = made("train", "test")
    assert layout(folder).splits == {"train": (folder / RECORDS,)}  # each row names its split


def test_stages_on_columns_write_one_too(made: Callable[..., Path], tmp_path: Path) -> None:
    from datasets import load_dataset

    folder = made("test", "test")
    with open_stage(tmp_path / "other", "dedup", identity={}) as stage:
        write_dataset_frames(stage, read_record_frame(folder), {}, n_in=2)
    assert list(load_dataset(str(tmp_path / "other"))) == ["test"]


def test_names_that_datasets_would_not_take() -> None:
    assert [split_shown(s) for s in (["test"], ["all"], ["a b"], ["1"], [], ["train", "test"])] == [
        "test", "records", "records", "records", "records", "records",
    ]  # fmt: skip


def test_the_package_offers_it_and_nothing_else() -> None:
    assert callable(lorid_data.load)
    with pytest.raises(AttributeError, match="'laod'"):
        lorid_data.laod  # type: ignore[attr-defined]  # noqa: B018

"""The dataset folders of a cell: a world drawn by its seed, or split off a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path

from lorid_data import pipeline
from lorid_data.build.importing import import_table
from lorid_data.errors import ConfigError
from lorid_data.folders.manifests import manifest_sha256
from lorid_data.folders.names import MANIFEST, RECORDS
from lorid_data.folders.records import read_records, write_dataset
from lorid_data.folders.stage import open_stage
from lorid_data.folders.tables import read_table
from lorid_data.hub.snapshots import split_id
from lorid_data.schema import Record
from lorid_data.sources.columns import Reading, find_columns
from lorid_train.study import splits
from lorid_train.study.settings import DRAWN, SPLITS, StudyConfig
from lorid_train.study.tasks import Task

COLUMNS = ("subject", "level", "original_id")
"""Columns of the records that can name groups."""


def check_source(config: StudyConfig) -> None:
    """Refuse a source that is not there, and a column that it cannot be grouped by.

    Raises:
        ConfigError: with the columns that there are.
    """
    source = Path(config.source)
    if config.is_drawn or is_dataset(source):
        if config.group_by not in COLUMNS:
            msg = (
                f"group_by: {config.group_by!r} is none of {', '.join(COLUMNS)}; give another column the name "
                "'subject' when the dataset is made: lorid-data import --subject COLUMN"
            )
            raise ConfigError(msg)
    elif source.is_file():
        find_columns(read_table(source), Reading(_grouped(config)))
    elif not source.exists() and split_id(config.source) is None:
        msg = f"source {config.source!r}: no such table or folder; {', '.join(DRAWN)} are drawn by a seed"
        raise ConfigError(msg)


def is_dataset(path: Path) -> bool:
    """Whether a folder is one that a stage of lorid-data wrote."""
    return (path / MANIFEST).is_file() and (path / RECORDS).is_file()


def opened_table(config: StudyConfig, out: Path) -> Path | None:
    """The dataset folder that worlds are split off; a raw table is imported into `out` first.

    Raises:
        ConfigError: it cannot be read, or is not what was imported before.
    """
    if config.is_drawn:
        return None
    source = Path(config.source)
    if is_dataset(source):
        return source
    import_table(source, out / "table", subject=mapped_column(config))
    return out / "table"


def _grouped(config: StudyConfig) -> dict[str, str]:
    column = mapped_column(config)
    return {} if column is None else {"subject": column}


def mapped_column(config: StudyConfig) -> str | None:
    """The column of a raw table that becomes the subject; None where it has a record's name."""
    return None if config.group_by in COLUMNS else config.group_by


def record_column(config: StudyConfig) -> str:
    """The column of the records that names groups."""
    return config.group_by if config.group_by in COLUMNS else "subject"


def make_data(task: Task) -> None:
    """Write `data/train`, `data/test` and `data/validation`; do nothing where that is done.

    Raises:
        ConfigError: there is too little in the source, or it has changed.
    """
    folders = _sources(task)
    parents = [manifest_sha256(f) for f in folders.values()]
    wanted = task.config.model_dump(
        mode="json", include={"group_by", "groups", "limit", "test_fraction", "validation_fraction"}
    )
    if task.config.scales != (1,):
        wanted["scales"] = list(task.config.scales)
    identity = {"parents_sha256": parents, "world": task.world, **wanted}
    made: splits.Splits | None = None
    for name in SPLITS:
        with open_stage(
            task.data(name), "study-data", identity={**identity, "part": name}
        ) as stage:
            if stage.done is None:
                made = made or chosen(task, {s: read_records(f) for s, f in folders.items()})
                write_dataset(stage, made[name], [], n_in=len(made[name]))


def scales_of(tasks: Sequence[Task]) -> dict[str, int]:
    """The scale of every test problem of a study, by problem id; of the smallest where it is drawn at several."""
    found: dict[str, int] = {}
    for task in tasks:
        if task.config.scales != (1,):
            for scale in sorted(task.config.scales):
                for r in read_records(_scaled(task, "test", scale)):
                    found.setdefault(r.problem_id, scale)
    return found


def _scaled(task: Task, split: str, scale: int) -> Path:
    return task.folder / "data" / "source" / f"{split}-x{scale}" / "validate"


def _sources(task: Task) -> dict[str, Path]:
    """The folders that hold the records of this world: one per split, or one for all."""
    if task.table is not None:
        return {"": task.table}
    found = {}
    if task.config.scales != (1,):
        for name, scale in product(SPLITS, task.config.scales):
            out = _scaled(task, name, scale).parent
            n = _share(task.config, name)
            build = {
                "source": task.config.source, "teacher": "source", "split": name, "seed": task.world, "scale": scale,
                **({} if n is None else {"limit": n}),
            }  # fmt: skip
            pipeline.run(
                pipeline.read_config({"out": str(out), "build": build, "validate": {}}, "study")
            )
            found[f"{name}-x{scale}"] = out / "validate"
        return found
    for name in SPLITS:
        out = task.folder / "data" / "source" / name
        build = {
            "source": task.config.source,
            "teacher": "source",
            "split": name,
            "seed": task.world,
        }
        body = {"out": str(out), "build": build, "validate": {}}
        pipeline.run(pipeline.read_config(body, "study"))
        found[name] = out / "validate"
    return found


def _share(config: StudyConfig, split: str) -> int | None:
    """Rows of a split at each scale."""
    n = getattr(config.limit, split)
    return None if n is None else max(1, n // len(config.scales))


def _distinct(records: Iterable[Record]) -> list[Record]:
    """The first of each question: one may be drawn at two scales."""
    found: dict[str, Record] = {}
    for r in records:
        found.setdefault(r.problem_id, r)
    return list(found.values())


def chosen(task: Task, records: dict[str, list[Record]]) -> splits.Splits:
    """The records of each split, out of what the source holds.

    Raises:
        ConfigError: as `splits.check`.
    """
    c, seed = task.config, task.world
    made = records
    if c.scales != (1,):
        made = {
            name: _distinct(r for scale in c.scales for r in records[f"{name}-x{scale}"])
            for name in SPLITS
        }
    if task.table is not None:
        [of_all] = records.values()
        made = splits.split(
            of_all, seed=seed, test_fraction=c.test_fraction, validation_fraction=c.validation_fraction
        )  # fmt: skip
    if c.groups is not None:
        made = splits.of_groups(made, record_column(c), c.groups, seed)
    made = {name: splits.limited(made[name], getattr(c.limit, name), seed) for name in SPLITS}
    splits.check(made, c.source)
    return made

"""Programs of a dataset that this project made: of the configuration `cg` of a published one, beside `default`.

Rows and programs stand in the same order and join by row_id, so that one pass over both is enough, whatever
their number. Only the program and what it was made of are taken: what running it gave is a word of others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, overload

from lorid_data.errors import InputError
from lorid_data.folders.names import RECORDS
from lorid_data.schema import Problem, problem_id
from lorid_data.sources.layout import OURS, configurations, layout
from lorid_data.texts.counting import count

CONFIG = "cg"
"""The published configuration that holds the programs."""


class _Files(NamedTuple):
    """The files of a split."""

    rows: tuple[Path, ...]
    programs: tuple[Path, ...]


class _Stated(NamedTuple):
    """What a row of a dataset says of its program."""

    problem_id: str
    program: str | None
    program_from: str | None


class WithPrograms(Sequence[Problem]):
    """Problems, each with its program; those without one as they are.

    Args:
        problems: of the splits, one after the other, rows that could not be read left out.
        splits: the files that they were read from.
    """

    def __init__(self, problems: Sequence[Problem], splits: Sequence[_Files]) -> None:
        self._problems, self._splits = problems, splits

    def __len__(self) -> int:
        return len(self._problems)

    def __iter__(self) -> Iterator[Problem]:
        rows = (row for files in self._splits for row in _stated(files))
        for problem in self._problems:
            # A row that could not be read stands between: it is no problem.
            said = next((r for r in rows if r.problem_id == problem.problem_id), None)
            if said is None or said.program is None or problem.program not in (None, said.program):
                yield problem
            else:
                made_of = {"program": said.program, "program_from": said.program_from or "table"}
                yield problem.model_copy(update=made_of)

    @overload
    def __getitem__(self, i: int) -> Problem: ...
    @overload
    def __getitem__(self, i: slice) -> list[Problem]: ...
    def __getitem__(self, i: int | slice) -> Problem | list[Problem]:
        found = list(self)
        return found[i]


def with_programs(
    problems: Sequence[Problem], folder: Path, config: str | None, called: str
) -> tuple[Sequence[Problem], list[str]]:
    """The problems of a dataset with the programs that it holds, and what to say of them.

    Args:
        problems: as they were read of the dataset.
        folder: where it lies: a dataset folder of this project, or a published one.
        config: the configuration that was read; None is the usual one.
        called: what people call it.
    """
    splits = _files(folder, config)
    if not splits:
        return problems, []
    joined = WithPrograms(problems, splits)
    n = sum(p.program is not None for p in joined)
    n_there = sum(_n_rows(path) for files in splits for path in files.programs)
    said = []
    if n and n_there:
        said.append(
            f"{called}: {count(n, 'program')} of the configuration {CONFIG!r} taken too, without what running them gave "
            "elsewhere; lorid-data programs runs them here"
        )
    if n_there > n:
        said.append(
            f"{called}: {count(n_there - n, 'program')} of the configuration {CONFIG!r} left out, as they belong to no row "
            "in its order; lorid-data programs makes some of the solutions"
        )
    return (joined if n else problems), said


def left_out(called: str, configs: Collection[str]) -> list[str]:
    """That the programs of a published dataset are not read, where it has some."""
    if CONFIG not in configs:
        return []
    return [
        f"{called}: the programs of its configuration {CONFIG!r} are left out; lorid-data import takes them, and "
        "lorid-data programs makes some of the solutions"
    ]


def _files(folder: Path, config: str | None) -> list[_Files]:
    """By split, the files of the rows and of the programs; none where there are no programs."""
    if (folder / RECORDS).is_file():
        return [_Files((folder / RECORDS,), ())]
    names = configurations(folder)
    if config not in (None, "default") or not set(names) >= {*OURS, CONFIG}:
        return []
    try:
        programs = layout(folder, CONFIG).splits
    except InputError:
        return []  # a card names what is not there: the rows are read all the same
    rows = layout(folder, "default").splits
    found = [_Files(files, programs.get(split, ())) for split, files in rows.items()]
    every = [p for files in found for some in files for p in some]
    return found if all(p.suffix == ".parquet" for p in every) else []


def _stated(files: _Files) -> Iterator[_Stated]:
    """What the rows of a split say of their programs, in their order."""
    if not files.programs:
        for row in _read(files.rows, ("question", "program", "program_from")):
            yield _Stated(_id(row), _text(row, "program"), _text(row, "program_from"))
        return
    programs = _read(files.programs, ("row_id", "completion", "program_from"))
    head = next(programs, None)
    for row in _read(files.rows, ("question", "row_id")):
        if head is None or not row.get("row_id") or head.get("row_id") != row["row_id"]:
            yield _Stated(_id(row), None, None)
            continue
        yield _Stated(_id(row), _text(head, "completion"), _text(head, "program_from"))
        head = next(programs, None)


def _id(row: Mapping[str, Any]) -> str:
    question = row.get("question")
    return problem_id(question) if isinstance(question, str) else ""


def _text(row: Mapping[str, Any], column: str) -> str | None:
    value = row.get(column)
    return value if isinstance(value, str) and value else None


def _read(paths: Sequence[Path], columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Some columns of parquet files, a few rows at a time; one that is not there is left out."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for path in paths:
        try:
            with pq.ParquetFile(path, pre_buffer=False) as file:
                there = [c for c in columns if c in file.schema_arrow.names]
                for batch in file.iter_batches(batch_size=1000, columns=there):
                    yield from batch.to_pylist()
        except (pa.ArrowException, OSError) as e:
            raise InputError(f"{path}: cannot be read ({e})") from e


def _n_rows(path: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError) as e:
        raise InputError(f"{path}: cannot be read ({e})") from e

"""Variants of questions that a dataset holds: MetaMathQA, or any table that names the originals.

MetaMathQA (Yu et al. 2023): 395,000 rewritten and newly solved questions of the training splits of
GSM8K and MATH. Columns: query, response, original_question, type (`GSM_AnsAug`, `MATH_FOBAR`, …).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.paths import is_special, no_file
from lorid_data.folders.spool import Spool
from lorid_data.folders.table_rows import Table, TableStream
from lorid_data.folders.tables import SUFFIXES, open_table
from lorid_data.hub import reading
from lorid_data.hub.ids import is_hub_id, near
from lorid_data.schema import FrozenModel, Problem, problem_id
from lorid_data.sources.problems import Defaults, read_problems
from lorid_data.sources.shapes import split_response
from lorid_data.sources.table import content_hash, stated_answer

METAMATH = "metamath"
REPO = reading.HubRef("meta-math/MetaMathQA", "aa4f34d3d2d3231299b5b03d9b3e5a20da45aa18")
CONFIG, SPLIT, LICENCE = "default", "train", "MIT"
_RENAMED = {"query": "question", "response": "rationale"}


@dataclass(frozen=True, slots=True)
class Variant:
    """A question that is another one's variant.

    Attributes:
        problem: the variant with its solution; its original_id names the original, unless the
            original is given by its text alone.
        original: the text of the original question, where the table gives it.
        kind: what kind of variant it is, as the table's column `type` says.
    """

    problem: Problem
    original: str | None
    kind: str


class Said(FrozenModel):
    """What a row of a table says of a variant, beside the problem."""

    original: str | None
    kind: str


class Rows:
    """The variants of several tables, in their order; they are on disk, and can be gone through again and again."""

    def __init__(self, parts: Iterable[tuple[Sequence[Problem], Spool[Said]]]) -> None:
        self._parts = list(parts)

    def __len__(self) -> int:
        return sum(len(problems) for problems, _ in self._parts)

    def __iter__(self) -> Iterator[Variant]:
        for problems, said in self._parts:
            for problem, of in zip(problems, said, strict=True):
                yield Variant(problem, of.original, of.kind)


@dataclass(frozen=True, slots=True)
class Variants:
    """What a source of variants gave.

    Attributes:
        name: the source as its rows name it.
        rows: the variants.
        content_sha256: of all of them.
        warnings: sentences for people.
    """

    name: str
    rows: Rows
    content_sha256: str
    warnings: tuple[str, ...]


def load_variants(source: str, source_path: str | None = None) -> Variants:
    """Read variants, of which a batch is held at a time.

    Args:
        source: `metamath`, a Hub id, a folder laid out like the Hub's, or a table file; other
            than MetaMathQA's its columns are those of any table, and original_question or original_id.
        source_path: a local copy of MetaMathQA: a folder laid out like the Hub's, or a table file.

    Raises:
        ConfigError: an unknown source, or a copy of something else than metamath.
        InputError: it cannot be read, or no column names the originals.
    """
    if source_path is not None and source != METAMATH:
        raise ConfigError(
            f"--source-path {source_path!r} is for metamath; name the path itself with --with"
        )
    if source == METAMATH:
        tables = [_opened(source_path) if source_path else reading.opened(REPO, CONFIG, SPLIT)]
        licence = LICENCE
    else:
        _refuse_unknown(source)
        ref = None if Path(source).is_file() else reading.parse_ref(source)
        configs = reading.config_names(ref) if ref else ()
        tables = [reading.opened(ref, c, SPLIT) for c in configs] if ref else [_opened(source)]
        licence = reading.licence_of(ref) if ref else "unknown"
    name = METAMATH if source == METAMATH else _name_of(source)
    parts: list[tuple[Sequence[Problem], Spool[Said]]] = []
    warnings: list[str] = []
    for opened in tables:
        with opened as table:
            problems, said, more = variants_of(table, name=name, licence=licence)
        parts.append((problems, said))
        warnings += more
    rows = Rows(parts)
    return Variants(name, rows, _hash(rows), tuple(warnings))


def variants_of(
    table: TableStream, *, name: str, licence: str = "unknown"
) -> tuple[Sequence[Problem], Spool[Said], list[str]]:
    """The variants of a table in its order, as problems and what else is said of them; and warnings for people.

    Raises:
        InputError: a missing column, or a value of the wrong type.
    """
    if not {"original_question", "original_id"} & set(table.columns):
        raise InputError(
            f"{table.where}: no column 'original_question' or 'original_id' says what its rows are "
            f"variants of; its columns are {', '.join(table.columns)}"
        )
    plain, is_solved = _plain(table)
    answer_in = (lambda _: "") if is_solved else stated_answer
    problems, warnings = read_problems(plain, Defaults(name, SPLIT, licence, None, answer_in))
    return problems, Spool(Said, _said(table)), warnings


def _plain(table: TableStream) -> tuple[TableStream, bool]:
    """The table with its columns under their usual names; and whether a response was split into rationale and answer."""
    own = [c for c in table.columns if c != "original_question"]
    renamed = {c: _RENAMED.get(c, c) for c in own}
    if len(set(renamed.values())) < len(renamed):
        renamed = {c: c for c in own}
    is_solved = "response" in own and "answer" not in own and "rationale" in renamed.values()
    columns = (*renamed.values(), *(["answer"] if is_solved else []))

    def batches(wanted: Sequence[str]) -> Iterator[Table]:
        needed = {*wanted, "rationale"} if is_solved and "answer" in wanted else {*wanted}
        names = {old: new for old, new in renamed.items() if new in needed}
        for batch in table.batches(list(names)):
            rows = [_row(row, names, is_solved=is_solved) for row in batch.rows]
            yield Table(batch.where, columns, rows, batch.lines, first=batch.first)

    return TableStream(table.where, columns, table.n_rows, batches, table.heads), is_solved


def _row(row: Mapping[str, Any], names: Mapping[str, str], *, is_solved: bool) -> dict[str, Any]:
    plain = {new: row[old] for old, new in names.items()}
    if is_solved and isinstance(plain.get("rationale"), str):
        plain["rationale"], plain["answer"] = split_response(plain["rationale"])
    elif is_solved:
        plain["answer"] = ""
    return plain


def _said(table: TableStream) -> Iterator[Said]:
    named = "original_question" if "original_question" in table.columns else "original_id"
    names = [named, *(["type"] if "type" in table.columns else [])]
    for batch in table.batches(names):
        for i, row in enumerate(batch.rows):
            original = _told(row.get("original_question"))
            if not isinstance(original, str | None):
                raise InputError(
                    f"{batch.place(i)}: original_question is {original!r:.80}, where text is expected"
                )
            yield Said(original=original, kind=str(_told(row.get("type")) or ""))


def _told(cell: Any) -> Any:
    """A cell; None for NaN, which is how pandas writes a missing text."""
    return cell if cell == cell else None


def _opened(source: str) -> AbstractContextManager[TableStream]:
    if Path(source).is_dir():
        return reading.opened(reading.HubRef(source), CONFIG, SPLIT)
    return nullcontext(open_table(Path(source)))


def _refuse_unknown(source: str) -> None:
    if is_special(Path(source)):
        raise InputError(f"{source}: {no_file(Path(source))}")
    is_there = bool(source) and Path(source).exists()
    if not is_there and not is_hub_id(source):
        raise ConfigError(
            f"unknown source of variants {source!r}; give {METAMATH}, a Hub id (org/name), an "
            f"existing folder, or a table ({', '.join(SUFFIXES)}){near(source)}"
        )


def _name_of(source: str) -> str:
    path = Path(source)
    return path.stem if path.is_file() else path.resolve().name if path.is_dir() else source


def _hash(variants: Iterable[Variant]) -> str:
    return content_hash(
        v.problem.model_copy(update={"original_id": original_key(v), "subject": v.kind})
        for v in variants
    )


def original_key(variant: Variant) -> str:
    """The id of the original: that of its text, or what the table names."""
    return variant.problem.original_id if variant.original is None else problem_id(variant.original)

"""Variants of questions that a dataset holds: MetaMathQA, or any table that names the originals.

MetaMathQA (Yu et al. 2023): 395,000 rewritten and newly solved questions of the training splits of
GSM8K and MATH. Columns: query, response, original_question, type (`GSM_AnsAug`, `MATH_FOBAR`, …).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.tables import SUFFIXES, Table, read_table
from lorid_data.hub import reading
from lorid_data.hub.ids import is_hub_id, near
from lorid_data.schema import Problem, problem_id
from lorid_data.sources.shapes import split_response
from lorid_data.sources.table import content_hash, problems_of, stated_answer

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


@dataclass(frozen=True, slots=True)
class Variants:
    """What a source of variants gave.

    Attributes:
        name: the source as its rows name it.
        rows: the variants, in their order.
        content_sha256: of all of them.
        warnings: sentences for people.
    """

    name: str
    rows: tuple[Variant, ...]
    content_sha256: str
    warnings: tuple[str, ...]


def load_variants(source: str, source_path: str | None = None) -> Variants:
    """Read variants.

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
        tables = [_read(source_path)] if source_path else [reading.load(REPO, CONFIG, SPLIT)]
        licence = LICENCE
    else:
        _refuse_unknown(source)
        ref = None if Path(source).is_file() else reading.parse_ref(source)
        configs = reading.config_names(ref) if ref else ()
        tables = [reading.load(ref, c, SPLIT) for c in configs] if ref else [_read(source)]
        licence = reading.licence_of(ref) if ref else "unknown"
    name = METAMATH if source == METAMATH else _name_of(source)
    rows: list[Variant] = []
    warnings: list[str] = []
    for table in tables:
        some, said = variants_of(table, name=name, licence=licence)
        rows += some
        warnings += said
    return Variants(name, tuple(rows), _hash(rows), tuple(warnings))


def variants_of(
    table: Table, *, name: str, licence: str = "unknown"
) -> tuple[list[Variant], list[str]]:
    """The variants of a table, in its order, and warnings for people.

    Raises:
        InputError: a missing column, or a value of the wrong type.
    """
    if not {"original_question", "original_id"} & set(table.columns):
        raise InputError(
            f"{table.where}: no column 'original_question' or 'original_id' says what its rows are "
            f"variants of; its columns are {', '.join(table.columns)}"
        )
    own = [c for c in table.columns if c != "original_question"]
    renamed = {c: _RENAMED.get(c, c) for c in own}
    if len(set(renamed.values())) < len(renamed):
        renamed = {c: c for c in own}
    solved = "response" in table.columns and "answer" not in table.columns
    plain = Table(
        table.where,
        (*renamed.values(), *(["answer"] if solved else [])),
        [_row(row, renamed, solved=solved) for row in table.rows],
        table.lines,
    )
    problems, warnings = problems_of(
        plain,
        source=name,
        split=SPLIT,
        licence=licence,
        answer_in=(lambda _: "") if solved else stated_answer,
    )
    originals = [row.get("original_question") for row in table.rows]
    wrong = next((i for i, o in enumerate(originals) if not isinstance(o, str | None)), None)
    if wrong is not None:
        raise InputError(
            f"{table.place(wrong)}: original_question is {originals[wrong]!r:.80}, where text is expected"
        )
    kinds = [str(row.get("type") or "") for row in table.rows]
    variants = [Variant(*v) for v in zip(problems, originals, kinds, strict=True)]
    return variants, warnings


def _row(row: Mapping[str, Any], renamed: Mapping[str, str], *, solved: bool) -> dict[str, Any]:
    plain = {new: row[old] for old, new in renamed.items()}
    if solved and isinstance(plain["rationale"], str):
        plain["rationale"], plain["answer"] = split_response(plain["rationale"])
    elif solved:
        plain["answer"] = ""
    return plain


def _read(source: str) -> Table:
    if Path(source).is_dir():
        return reading.load(reading.HubRef(source), CONFIG, SPLIT)
    return read_table(Path(source))


def _refuse_unknown(source: str) -> None:
    if not Path(source).exists() and not is_hub_id(source):
        raise ConfigError(
            f"unknown source of variants {source!r}; give {METAMATH}, a Hub id (org/name), an "
            f"existing folder, or a table ({', '.join(SUFFIXES)}){near(source)}"
        )


def _name_of(source: str) -> str:
    path = Path(source)
    return path.stem if path.is_file() else path.resolve().name if path.is_dir() else source


def _hash(variants: Sequence[Variant]) -> str:
    return content_hash(
        v.problem.model_copy(update={"original_id": original_key(v), "subject": v.kind})
        for v in variants
    )


def original_key(variant: Variant) -> str:
    """The id of the original: that of its text, or what the table names."""
    return variant.problem.original_id if variant.original is None else problem_id(variant.original)

"""`split DIR --test 0.2 --out DIR`: the rows of a dataset as train, validation and test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from lorid_data.commandline.progress import Progress, say
from lorid_data.errors import InputError
from lorid_data.folders.batches import DatasetWriter, iter_columns, iter_tables, with_column
from lorid_data.folders.manifests import manifest_sha256, read_manifest
from lorid_data.folders.row_ids import KEY, Occurrences, keys_of
from lorid_data.folders.stage import Stage, open_stage
from lorid_data.schema import FrozenModel, Manifest
from lorid_data.split.blocks import SPLITS, Blocks, Names, Places, assigned
from lorid_data.texts.counting import count

COLUMNS = ("original_id", "source", "subject", "level")
"""What `--by` may name."""
VERSION = 1
"""Bump when other rows are drawn."""


class SplitOptions(FrozenModel):
    """Options of `split`."""

    test: float = Field(gt=0, lt=1)
    """Share of the original questions that are tested on."""
    validation: float = Field(default=0.0, ge=0, lt=1)
    """Share that is validated on."""
    by: str = "original_id"
    """Column whose values stay together, besides the variants of one question."""
    seed: int = Field(default=0, ge=0)

    @field_validator("by")
    @classmethod
    def _known(cls, by: str) -> str:
        if by not in COLUMNS:
            msg = f"{by!r} is no column to split by; name one of {', '.join(COLUMNS)}"
            raise ValueError(msg)
        return by


def split(folder: Path, out: Path, options: SplitOptions) -> Manifest:
    """Write the rows of a dataset folder with the split that each belongs to; none is lost.

    Variants of one question stay together, so that no question that is tested on was trained on in
    another wording that the dataset knows of. `row_id` holds the split, so it changes.

    Raises:
        ConfigError: `folder` is no finished dataset folder, or `out` belongs to something else.
        InputError: the rows are split already, or a split would be empty.
        LockedError: another process works on `out`.
    """
    parent, sha256 = read_manifest(folder), manifest_sha256(folder)
    with open_stage(
        out,
        "split",
        identity={
            "parent_identity_sha256": parent.identity_sha256,
            "method_version": VERSION,
            **options.model_dump(),
        },
        settings={"parent_sha256": sha256},
        parent_sha256=sha256,
    ) as stage:
        if stage.done is not None:
            return stage.done
        return _parted(stage, folder, options)


def _parted(stage: Stage, folder: Path, options: SplitOptions) -> Manifest:
    blocks, names = _blocks(folder, options.by)
    of = assigned(
        blocks, names, test=options.test, validation=options.validation, seed=options.seed
    )
    _check(folder, of, options)
    splits = [SPLITS[i] for i in of[blocks.of_row].tolist()]
    ids, n = Occurrences(), 0
    for table in iter_columns(folder, KEY):
        ids.look(keys_of(with_column(table, "split", splits[n : n + len(table)])))
        n += len(table)
    stage.figures = figures(blocks, of)
    with Progress("split", len(splits)) as progress, DatasetWriter(stage) as writer:
        done = 0
        for table in iter_tables(folder):
            some = splits[done : done + len(table)]
            done += len(table)
            parted = with_column(table, "split", some)
            writer.keep(with_column(parted, "row_id", list(ids.ids(keys_of(parted)))))
            progress.advance(len(table))
        return writer.finish(n_in=done)


def _blocks(folder: Path, by: str) -> tuple[Blocks, Names]:
    """Which rows stay together: one pass over the ids of questions, and one for the names of the blocks."""
    blocks = Blocks()
    columns = ["original_id", "problem_id"]
    for table in iter_columns(folder, [*columns, by] if by not in columns else columns):
        originals, problems = (table[name].to_pylist() for name in columns)
        nothing = [None] * len(table)
        blocks.look(originals, problems, nothing if by in columns else table[by].to_pylist())
    blocks.settle()
    originals_of = (
        i for t in iter_columns(folder, columns[:1]) for i in t["original_id"].to_pylist()
    )
    return blocks, blocks.names(originals_of)


def figures(blocks: Blocks, of: Places) -> dict[str, Any]:
    """How many rows, original questions and blocks each split has."""
    found: dict[str, dict[str, int]] = {}
    for name in ("train", "validation", "test"):
        is_there = of == SPLITS.index(name)
        if is_there.any():
            found[name] = {
                "n_rows": int(blocks.n_rows[is_there].sum()),
                "n_originals": int(blocks.n_originals[is_there].sum()),
                "n_blocks": int(is_there.sum()),
            }
    return {"by_split": found}


def described(manifest: Manifest) -> list[str]:
    """The splits in lines for people."""
    return [
        f"{name}: {count(n['n_rows'], 'row')} of {n['n_originals']:,} original questions"
        for name, n in manifest.figures["by_split"].items()
    ]


def _check(folder: Path, of: Places, options: SplitOptions) -> None:
    """Refuse what is split already, and what would leave a split empty."""
    given = sorted({s for t in iter_columns(folder, ["split"]) for s in t["split"].to_pylist()})
    if len(given) > 1:
        msg = (
            f"{folder}: has the splits {', '.join(map(repr, given))} already; use them "
            "(--split of lorid-train evaluate, split: of a training configuration), or import one of them alone"
        )
        raise InputError(msg)
    if given == ["test"]:
        say(
            f"warning: {folder}: its rows are a test split; what is trained on here is no fair test of others"
        )
    wanted = {"train", "test"} | ({"validation"} if options.validation else set())
    if missing := sorted(wanted - {SPLITS[i] for i in set(of.tolist())}):
        n = len(of)
        msg = (
            f"{folder}: {n} group{'s' * (n != 1)} of rows that stay together (by {options.by!r}) leave no row for "
            f"{' and '.join(map(repr, missing))}; take another share, or another --by"
        )
        raise InputError(msg)

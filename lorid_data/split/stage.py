"""`split DIR --test 0.2 --out DIR`: the rows of a dataset as train, validation and test."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from lorid_data.commandline.progress import say
from lorid_data.errors import InputError
from lorid_data.folders.manifests import manifest_sha256, read_manifest
from lorid_data.folders.records import read_records, write_dataset
from lorid_data.folders.stage import open_stage
from lorid_data.schema import FrozenModel, Manifest, Record, row_ids
from lorid_data.split.blocks import assigned, blocks_of
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
        records = read_records(folder)
        names = assigned(records, **options.model_dump())
        _check(folder, records, names, options)
        parted = [r.model_copy(update={"split": n}) for r, n in zip(records, names, strict=True)]
        ids = row_ids(parted)
        rows = [r.model_copy(update={"row_id": i}) for r, i in zip(parted, ids, strict=True)]
        stage.figures = figures(rows, options.by)
        return write_dataset(stage, rows, [], n_in=len(records))


def figures(records: Sequence[Record], by: str) -> dict[str, Any]:
    """How many rows, original questions and blocks each split has."""
    blocks = blocks_of(records, by)
    found: dict[str, dict[str, int]] = {}
    for name in ("train", "validation", "test"):
        of = [(r, b) for r, b in zip(records, blocks, strict=True) if r.split == name]
        if of:
            found[name] = {
                "n_rows": len(of),
                "n_originals": len({r.original_id for r, _ in of}),
                "n_blocks": len({b for _, b in of}),
            }
    return {"by_split": found}


def described(manifest: Manifest) -> list[str]:
    """The splits in lines for people."""
    return [
        f"{name}: {count(n['n_rows'], 'row')} of {n['n_originals']:,} original questions"
        for name, n in manifest.figures["by_split"].items()
    ]


def _check(
    folder: Path, records: Sequence[Record], names: Sequence[str], options: SplitOptions
) -> None:
    """Refuse what is split already, and what would leave a split empty."""
    given = sorted({r.split for r in records})
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
    if missing := sorted(wanted - set(names)):
        n = len(set(blocks_of(records, options.by)))
        msg = (
            f"{folder}: {n} group{'s' * (n != 1)} of rows that stay together (by {options.by!r}) leave no row for "
            f"{' and '.join(map(repr, missing))}; take another share, or another --by"
        )
        raise InputError(msg)

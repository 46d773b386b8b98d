"""`import`: a table, or a published dataset, as a dataset folder; no teacher is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from lorid_data.build.passing import rows_of
from lorid_data.commandline.progress import say
from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.batches import DatasetWriter
from lorid_data.folders.stage import open_stage
from lorid_data.folders.tables import RowError, format_of, is_pattern
from lorid_data.hub.ids import is_hub_id
from lorid_data.hub.reading import parse_ref
from lorid_data.schema import (
    Disposition,
    Manifest,
    Problem,
    Reject,
    RejectReason,
    canonical_json,
    sha256_text,
    storable,
)
from lorid_data.sources.cells import stated
from lorid_data.sources.columns import Reading, faults
from lorid_data.sources.registry import load_file
from lorid_data.sources.split_files import load_folder
from lorid_data.sources.table import content_hash, refuse_split_names
from lorid_data.teachers.base import Unasked


def import_table(
    table: Path,
    out: Path,
    *,
    split: str = "train",
    licence: str = "unknown",
    subject: str | None = None,
    rationale: str | None = None,
    columns: Mapping[str, str] | None = None,
    skip_bad_rows: bool = False,
) -> Manifest:
    """Make a dataset folder of a table, or of a published dataset; knowledge it carries is kept.

    Args:
        table: question; rationale or answer; optional knowledge, original_id, level, subject,
            licence, split. A folder laid out like a dataset of the Hub, or `owner/name[@revision]`
            there, is read with all its splits; of several configurations one is named behind a colon.
        out: the dataset folder.
        split: the split of rows of a single table that name none.
        licence: the licence of rows that name none; unknown takes what a dataset's card states.
        subject: the column that holds the subject, where it is called something else.
        rationale: the column that holds the reasoning, where it is called something else.
        columns: which column holds what, where it is called something else; see `columns.Reading`.
        skip_bad_rows: whether a row that cannot be read is rejected instead of refusing the table.

    Raises:
        ConfigError: the table cannot be read; the licence is empty; the folder belongs to something else.
    """
    if stated(licence) is None:
        raise ConfigError("--licence is empty; name the licence, or leave the option out")
    bad: list[str] | None = [] if skip_bad_rows else None
    read = Reading(_chosen(columns or {}, subject=subject, rationale=rationale), bad)
    problems: Sequence[Problem]
    try:
        if _is_dataset(table):
            given_licence = None if licence == "unknown" else licence
            name, problems, warnings = load_folder(str(table), given_licence, read=read)
        else:
            name = table.name
            problems, warnings = load_file(
                str(table), None, default_split=split, licence=licence, read=read
            )
    except RowError as e:
        raise InputError(f"{e}; --skip-bad-rows rejects such rows instead") from e
    for warning in warnings:
        say(f"warning: {warning}")
    refuse_split_names(str(table), problems)
    identity = {"table": name, "split": split, "content_sha256": content_hash(problems)}
    identity |= {"bad_rows_sha256": sha256_text("\n".join(bad))} if bad else {}
    # The content says what they did; this is for who makes it again.
    given = {"licence": licence, "subject": subject, "rationale": rationale, "columns": [f"{w}={c}" for w, c in (columns or {}).items()] or None, "skip_bad_rows": skip_bad_rows}  # fmt: skip
    settings = {k: v for k, v in given.items() if v not in (None, False, "unknown")}
    with open_stage(out, "import", identity=identity, settings=settings) as stage:
        if stage.done is not None:
            return stage.done
        with DatasetWriter(stage) as writer:
            for batch in rows_of(problems, _unasked, stage="import"):
                batch.write(writer)
            writer.reject(_unread(name, said) for said in bad or ())
            return writer.finish(n_in=len(problems) + len(bad or ()))


def _unasked(problems: Sequence[Problem]) -> Iterable[Unasked]:
    """Nobody is asked: a row carries knowledge, or none."""
    return (Unasked("source" if p.knowledge else "none") for p in problems)


def _is_dataset(table: Path) -> bool:
    """Whether a folder or a repository of the Hub is meant, and not a file or a pattern of files."""
    ref = parse_ref(str(table))
    is_free = not table.exists() and not is_pattern(str(table))
    return ref.is_local or (is_free and is_hub_id(ref.id) and format_of(table) is None)


def _chosen(
    columns: Mapping[str, str], *, subject: str | None, rationale: str | None
) -> dict[str, str]:
    """All that the user said of columns.

    Raises:
        ConfigError: a column is named twice, or something that no table has.
    """
    short = {w: c for w, c in (("subject", subject), ("rationale", rationale)) if c is not None}
    twice = [
        f"{w!r} is named by --columns and by --{w}; name it once" for w in short if w in columns
    ]
    problems = [*twice, *faults({**columns, **short})]
    if problems:
        raise ConfigError(*problems)
    return {**columns, **short}


def _unread(name: str, said: str) -> Reject:
    """A row that cannot be read, and so has no texts: it is known by its place."""
    return Reject(
        row_id=sha256_text(canonical_json([name, said])),
        stage="import",
        disposition=Disposition.DROP,
        reason=RejectReason.ROW_UNREADABLE,
        detail=storable(said),
    )

"""`import`: a table, or a published dataset, as a dataset folder; no teacher is asked."""

from __future__ import annotations

from pathlib import Path

from lorid_data.build.rows import to_row
from lorid_data.commandline.progress import say
from lorid_data.folders.records import write_dataset
from lorid_data.folders.stage import open_stage
from lorid_data.folders.tables import SUFFIXES
from lorid_data.hub.snapshots import split_id
from lorid_data.schema import Manifest, Record, Reject, row_ids
from lorid_data.sources.registry import load_file
from lorid_data.sources.split_files import load_folder
from lorid_data.sources.table import content_hash
from lorid_data.teachers.base import Unasked


def import_table(
    table: Path,
    out: Path,
    *,
    split: str = "train",
    licence: str = "unknown",
    subject: str | None = None,
) -> Manifest:
    """Make a dataset folder of a table, or of a published dataset; knowledge it carries is kept.

    Args:
        table: question; rationale or answer; optional knowledge, original_id, level, subject,
            licence, split. A folder with a file per split, or `owner/name[@revision]` on the Hub,
            is read whole; what LoRID-Math publishes is read as it is.
        out: the dataset folder.
        split: the split of rows of a single table that name none.
        licence: the licence of rows that name none; unknown takes what a dataset's card states.
        subject: the column that holds the subject, where it is called something else.

    Raises:
        ConfigError: the table cannot be read; the folder belongs to something else.
    """
    if table.is_dir() or (table.suffix not in SUFFIXES and split_id(str(table)) is not None):
        stated = None if licence == "unknown" else licence
        name, problems, warnings = load_folder(str(table), stated, subject_column=subject)
    else:
        name = table.name
        problems, warnings = load_file(
            table, None, default_split=split, licence=licence, subject_column=subject
        )
    for warning in warnings:
        say(f"warning: {warning}")
    identity = {"table": name, "split": split, "content_sha256": content_hash(problems)}
    with open_stage(out, "import", identity=identity) as stage:
        if stage.done is not None:
            return stage.done
        rows = [
            to_row(p, row_id, Unasked("source" if p.knowledge else "none"), stage="import")
            for p, row_id in zip(problems, row_ids(problems), strict=True)
        ]
        records = [r for r in rows if isinstance(r, Record)]
        rejects = [r for r in rows if isinstance(r, Reject)]
        return write_dataset(stage, records, rejects, n_in=len(problems))

"""`reparse`: stored replies through the parser as it is now, without a network.

It changes no row: it says what would. `reparsed.parquet` has a row per row of the folder whose
reply is stored; `reparse.json` counts, and names the records that it saw by their hash.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from lorid_data.errors import InputError
from lorid_data.journal import JOURNAL, replies_about
from lorid_data.schema import Record, Reject, Row, TeacherReply
from lorid_data.store import (
    RECORDS,
    REJECTS,
    locked,
    read_manifest,
    read_rows,
    sha256_file,
    write_rows,
    write_text,
)
from lorid_data.teachers.base import NoRules, read_reply

TABLE, SUMMARY = "reparsed.parquet", "reparse.json"


class Reparsed(Row):
    """A row, and what the parser makes of its reply now."""

    row_id: str
    problem_id: str
    request_key: str
    was: str
    """`kept`, or the reason why the row was rejected."""
    now: str
    """`kept`, or the reason why it would be rejected."""
    knowledge: tuple[str, ...]
    """The rules as they are read now; empty where it would be rejected."""
    same: str
    """`yes` where reason and knowledge are what they were, else `no`."""


@dataclass(frozen=True, slots=True)
class Reparse:
    """What a new parser changes; counts of rows."""

    records_sha256: str
    n_rows: int
    n_without_reply: int
    n_same: int
    n_now_kept: int
    n_now_rejected: int
    n_other_knowledge: int

    def describe(self) -> str:
        """The counts in one line."""
        return (
            f"reparse: {self.n_rows:,} rows, {self.n_without_reply:,} without a stored reply; {self.n_same:,} as before, "
            f"{self.n_now_kept:,} now kept, {self.n_now_rejected:,} now rejected, {self.n_other_knowledge:,} with other knowledge"
        )


def reparse(folder: Path, journal: Path | None = None) -> Reparse:
    """Read every stored reply of a finished build again.

    Args:
        folder: a folder that `build` has finished.
        journal: its journal; the folder's own by default.

    Raises:
        InputError: the folder is no finished build, or there is no journal.
        LockedError: another process works on the folder.
    """
    manifest = read_manifest(folder)
    path = journal or folder / JOURNAL
    if "teachers" in manifest.identity:
        raise InputError(
            f"{folder}: built of several replies a row; build it into a new folder with --journal {path}: that asks nothing again"
        )
    if manifest.stage != "build" or "model" not in manifest.identity:
        raise InputError(f"{folder}: no teacher was asked for it; name a folder of `build`")
    if not path.is_file():
        raise InputError(f"{path}: no journal; name the one that was used with --journal")
    with locked(folder):
        records = read_rows(folder / RECORDS, Record)
        rejects = read_rows(folder / REJECTS, Reject)
        rows: list[Record | Reject] = [*records, *rejects]
        prompt = manifest.identity["prompt"]["sha256"]
        replies = replies_about(
            path,
            {r.problem_id for r in rows},
            model=str(manifest.identity["model"]),
            prompt_sha256=str(prompt),
        )
        table = list(read_again(rows, replies))
        seen = sha256_file(folder / RECORDS)
        result = count(table, seen, n_rows=len(rows))
        write_rows(folder / TABLE, Reparsed, table)
        write_text(folder / SUMMARY, json.dumps(asdict(result), indent=2) + "\n")
    return result


def read_again(
    rows: Iterable[Record | Reject], replies: Mapping[str, TeacherReply]
) -> Iterable[Reparsed]:
    """What the parser makes of each row's reply; rows without one are left out."""
    for row in rows:
        reply = replies.get(row.problem_id)
        if reply is None:
            continue
        rules = read_reply(reply)
        knowledge = () if isinstance(rules, NoRules) else rules
        now = rules.reason.value if isinstance(rules, NoRules) else "kept"
        was = "kept" if isinstance(row, Record) else row.reason.value
        before = row.knowledge if isinstance(row, Record) else ()
        yield Reparsed(
            row_id=row.row_id,
            problem_id=row.problem_id,
            request_key=reply.request_key,
            was=was,
            now=now,
            knowledge=knowledge,
            same="yes" if (was, before) == (now, knowledge) else "no",
        )


def count(table: Iterable[Reparsed], records_sha256: str, *, n_rows: int) -> Reparse:
    """The counts of a table."""
    rows = list(table)
    changed = [r for r in rows if r.same == "no"]
    return Reparse(
        records_sha256=records_sha256,
        n_rows=n_rows,
        n_without_reply=n_rows - len(rows),
        n_same=len(rows) - len(changed),
        n_now_kept=sum(r.now == "kept" != r.was for r in changed),
        n_now_rejected=sum(r.was == "kept" != r.now for r in changed),
        n_other_knowledge=sum(r.was == r.now == "kept" for r in changed),
    )

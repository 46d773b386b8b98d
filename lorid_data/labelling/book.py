"""The book of labels: SQLite beside the records, append-only, committed before it is answered.

Every key press is a row of `events`; undoing marks the last one, so nothing that was ever said is
lost. The annotator's label of a row is the last event that is not undone.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from lorid_data.errors import ConfigError
from lorid_data.labelling.types import Wanted

BOOK = "labels.sqlite"
VERSION = 1
_APPLICATION_ID = 0x4C6F5241  # "LoRA": a book of labels, told from another program's database
_TABLES = f"""
CREATE TABLE sample (seed INTEGER NOT NULL, n_samples INTEGER NOT NULL);
CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  at TEXT NOT NULL,  -- UTC, ISO 8601
  annotator TEXT NOT NULL,
  row_id TEXT NOT NULL,
  row_sha256 TEXT NOT NULL,
  records_sha256 TEXT NOT NULL,
  verdict TEXT NOT NULL,
  defects TEXT NOT NULL,  -- JSON list
  note TEXT NOT NULL,
  duration_s REAL NOT NULL,
  undone INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE peeks (
  annotator TEXT NOT NULL, row_id TEXT NOT NULL, row_sha256 TEXT NOT NULL,
  PRIMARY KEY (annotator, row_id, row_sha256)
) WITHOUT ROWID;
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {VERSION};
"""


class Event(NamedTuple):
    """One key press, as it is stored."""

    annotator: str
    row_id: str
    row_sha256: str
    records_sha256: str
    verdict: str
    defects: tuple[str, ...]
    note: str
    duration_s: float
    at: str
    undone: bool


class Book:
    """The labels of one folder."""

    def __init__(self, path: Path) -> None:
        """Open or create the book.

        Raises:
            ConfigError: the file is another program's, or of a later version.
        """
        self.path = path
        self._db = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
        except sqlite3.DatabaseError as e:
            self._db.close()
            msg = f"{path}: not a book of labels ({e}); move it away"
            raise ConfigError(msg) from e
        except ConfigError:
            self._db.close()
            raise

    def _prepare(self) -> None:
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("BEGIN IMMEDIATE")
        [found], [version] = (
            self._db.execute(f"PRAGMA {name}").fetchone()
            for name in ("application_id", "user_version")
        )
        empty = not self._db.execute("SELECT 1 FROM sqlite_master").fetchone()
        if empty:
            for statement in _TABLES.split(";"):
                self._db.execute(statement)
        elif found != _APPLICATION_ID or version != VERSION:
            self._db.execute("ROLLBACK")
            msg = f"{self.path}: not a book of labels of this version; move it away"
            raise ConfigError(msg)
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def sample(self) -> tuple[int, int] | None:
        """(seed, number of samples) that this folder's labels were begun with."""
        row = self._db.execute("SELECT seed, n_samples FROM sample").fetchone()
        return None if row is None else (row[0], row[1])

    def set_sample(self, seed: int, n_samples: int) -> None:
        """Keep how the sample is drawn."""
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("DELETE FROM sample")
        self._db.execute("INSERT INTO sample VALUES (?, ?)", (seed, n_samples))
        self._db.execute("COMMIT")

    def add(self, annotator: str, wanted: Wanted, records_sha256: str) -> None:
        """Append what an annotator says of a row; on disk when this returns."""
        self._db.execute(
            "INSERT INTO events (at, annotator, row_id, row_sha256, records_sha256, verdict, "
            "defects, note, duration_s) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                datetime.now(UTC).isoformat(timespec="seconds"),
                annotator,
                wanted.row_id,
                wanted.row_sha256,
                records_sha256,
                wanted.verdict.value,
                json.dumps(wanted.in_order()),
                wanted.note,
                wanted.duration_s,
            ),
        )

    def undo(self, annotator: str) -> str | None:
        """Undo the annotator's last event; its row_id, or None where nothing is left."""
        with closing(self._db.cursor()) as cursor:
            row = cursor.execute(
                "UPDATE events SET undone = 1 WHERE id = (SELECT max(id) FROM events "
                "WHERE annotator = ? AND undone = 0) RETURNING row_id",
                (annotator,),
            ).fetchall()
        return row[0][0] if row else None

    def peek(self, annotator: str, row_id: str, row_sha256: str) -> None:
        """Keep that the annotator has seen the solution of a row."""
        self._db.execute(
            "INSERT OR IGNORE INTO peeks VALUES (?, ?, ?)", (annotator, row_id, row_sha256)
        )

    def peeks(self) -> set[tuple[str, str, str]]:
        """(annotator, row_id, row_sha256) of every solution opened before a verdict."""
        return set(self._db.execute("SELECT annotator, row_id, row_sha256 FROM peeks"))

    def events(self) -> list[Event]:
        """Everything that was ever said, in order."""
        rows = self._db.execute(
            "SELECT annotator, row_id, row_sha256, records_sha256, verdict, defects, note, "
            "duration_s, at, undone FROM events ORDER BY id"
        )
        return [
            Event(
                annotator=r[0],
                row_id=r[1],
                row_sha256=r[2],
                records_sha256=r[3],
                verdict=r[4],
                defects=tuple(json.loads(r[5])),
                note=r[6],
                duration_s=r[7],
                at=r[8],
                undone=bool(r[9]),
            )
            for r in rows
        ]

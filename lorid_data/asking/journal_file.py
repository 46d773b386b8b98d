"""The file of a journal: its tables, what version it is of, and how SQLite keeps it."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lorid_data.errors import ConfigError
from lorid_data.schema import TeacherReply

VERSION = 1
_APPLICATION_ID = 0x4C6F5249  # "LoRI", so that another program's database is recognised
FIELDS = tuple(TeacherReply.model_fields)
_TYPES = {"int | None": "INTEGER", "float | None": "REAL"}
_COLUMNS = ",\n  ".join(
    f"{name} {_TYPES.get(str(kind), 'TEXT')}" for name, kind in TeacherReply.__annotations__.items()
)
HASH = "row_sha256"
"""Of what a reply says and cost; empty for failed attempts, and in journals of earlier releases."""
_COLUMNS += f",\n  {HASH} TEXT"
_HASHED = (
    "request_key", "problem_id", "prompt_sha256", "model_asked", "model_answered", "text", "finish_reason",
    "n_input_tokens", "n_output_tokens", "cost_usd",
)  # fmt: skip
_TABLES = f"""
CREATE TABLE attempts (
  id INTEGER PRIMARY KEY,
  outcome TEXT NOT NULL,  -- 'reply', or the reason of the failure
  detail TEXT NOT NULL DEFAULT '',
  {_COLUMNS}
);
CREATE INDEX replies_by_key ON attempts (request_key, id) WHERE outcome = 'reply';
CREATE VIEW replies AS SELECT * FROM attempts WHERE outcome = 'reply';
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {VERSION};
"""  # noqa: S608  (names of fields)
INSERT = (
    f"INSERT INTO attempts (outcome, detail, {', '.join(FIELDS)}, {HASH}) "  # noqa: S608  (names of fields)
    f"VALUES ({', '.join('?' * (len(FIELDS) + 3))})"
)
SETTLE = "INSERT INTO settled (token, request_key) VALUES (?, ?)"
"""A result of a batch is stored, once. The table is the ledger's."""
_NETWORK = frozenset(
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb2",
        "smb3",
        "smbfs",
        "9p",
        "afs",
        "ceph",
        "fuse.sshfs",
        "fuse.s3fs",
        "fuse.gcsfuse",
        "fuse.rclone",
        "glusterfs",
        "fuse.glusterfs",
        "lustre",
        "gpfs",
        "beegfs",
        "ncpfs",
        "davfs",
        "fuse.davfs",
    ]
)


def row_sha256(cells: Mapping[str, Any]) -> str:
    """The hash of a reply as it is stored, by which damage to the file is noticed."""
    # Joined, not as JSON: this is done for each reply that a build reads again.
    return hashlib.sha256("\x1f".join(map(str, map(cells.get, _HASHED))).encode()).hexdigest()


def recognise(path: Path, connection: sqlite3.Connection) -> bool:
    """Whether the database holds a journal; False where it is still empty.

    Raises:
        ConfigError: it holds something else, or a journal of another version.
    """
    try:
        n_tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as e:
        raise ConfigError(f"{path}: not a journal ({e}); name another --journal") from e
    if n_tables and application != _APPLICATION_ID:
        raise ConfigError(f"{path}: a database of another program; name another --journal")
    if n_tables and version != VERSION:
        raise ConfigError(
            f"{path}: journal version {version}, this program writes {VERSION}; name another --journal"
        )
    return bool(n_tables)


def prepare(path: Path, connection: sqlite3.Connection, filesystem: str) -> None:
    """Make the tables, or add what an earlier release lacks."""
    is_journal = recognise(path, connection)
    mode = "DELETE" if filesystem in _NETWORK else "WAL"
    connection.execute(f"PRAGMA journal_mode = {mode}")
    connection.execute("PRAGMA synchronous = FULL")
    if not is_journal:
        connection.executescript(f"BEGIN; {_TABLES} COMMIT;")
        return
    # A journal of an earlier release lacks columns that were added since.
    present = {row[1] for row in connection.execute("PRAGMA table_info(attempts)")}
    for column in _COLUMNS.split(",\n  "):
        if column.split()[0] not in present:
            connection.execute(f"ALTER TABLE attempts ADD COLUMN {column}")


def copy_attempts(path: Path, into: sqlite3.Connection) -> None:
    """Add all attempts of a journal to another one, behind those that are there, in their order."""
    into.execute("ATTACH DATABASE ? AS other", (str(path),))
    try:
        # A journal of an earlier release lacks columns that were added since.
        there = {row[1] for row in into.execute("PRAGMA other.table_info(attempts)")}
        columns = ", ".join(c for c in ("outcome", "detail", *FIELDS, HASH) if c in there)
        with into:
            into.execute(f"INSERT INTO main.attempts ({columns}) SELECT {columns} FROM other.attempts ORDER BY id")  # noqa: S608  # fmt: skip
    finally:
        into.execute("DETACH DATABASE other")


@contextmanager
def connect(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection of its own, closed at the end of the block."""
    connection = sqlite3.connect(path, timeout=30)
    try:
        yield connection
    finally:
        connection.close()


def filesystem_of(folder: Path) -> str:
    """Type of the file system that holds a folder (`ext4`, `nfs4`, …); `unknown` where Linux does not say."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "unknown"
    best, kind = -1, "unknown"
    real = folder.resolve()
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        point = Path(before.split()[4].replace("\\040", " "))
        # A later mount on the same point hides an earlier one.
        if real.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), after.split()[0]
    return kind

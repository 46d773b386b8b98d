"""Results of programs in a file: what is in it is never run again, whatever happens to the process.

A SQLite database. A result is committed before it is given back, so that a killed process finds it again;
a row that does not fit its own hash is damaged, and its program is run again.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from lorid_data.errors import ConfigError, StageError
from lorid_data.execution.executed import Executed, Limits, Status, key_of
from lorid_data.execution.sandbox import Sandbox
from lorid_data.schema import canonical_json, sha256_text

_APPLICATION_ID = 0x4C6F4578  # "LoEx", so that another program's database is recognised
_VERSION = 1
_TABLE = f"""
CREATE TABLE IF NOT EXISTS results (
  key TEXT PRIMARY KEY, status TEXT NOT NULL, answer TEXT, output TEXT NOT NULL, ms REAL NOT NULL,
  error TEXT NOT NULL, row_sha256 TEXT NOT NULL
) WITHOUT ROWID;
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {_VERSION};
"""
_INSERT = "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?, ?)"
_SELECT = "SELECT status, answer, output, ms, error, row_sha256 FROM results WHERE key = ?"
_AT_ONCE = 256
"""Programs whose results are committed together."""


class Kept:
    """A sandbox behind the results that are kept; use it in a `with` block. Safe from any thread.

    Attributes:
        n_run: programs that were really run.
        n_kept: results that were there already.
    """

    def __init__(self, path: Path, sandbox: Sandbox) -> None:
        """Open the file, or make it.

        Raises:
            ConfigError: the file is something else, or of another version.
        """
        self._sandbox = sandbox
        self.n_run = self.n_kept = 0
        self._lock = threading.Lock()
        self._path = path
        self._connection = _open(path)

    @property
    def limits(self) -> Limits:
        """What one program may use."""
        return self._sandbox.limits

    @property
    def sandbox(self) -> str:
        """Name and version of the sandbox."""
        return self._sandbox.sandbox

    def __enter__(self) -> Kept:
        return self

    def __exit__(self, *error: object) -> None:
        self._sandbox.__exit__(*error)
        self._connection.close()

    def run(self, program: str) -> Executed:
        """The result of one program: kept, or run and then kept."""
        return self._results([program])[0]

    def run_all(self, programs: Iterable[str]) -> Iterator[Executed]:
        """The results of many, in their order; a program that stands there twice is run once."""
        left = iter(programs)
        while some := list(islice(left, _AT_ONCE)):
            yield from self._results(some)

    def _results(self, programs: list[str]) -> list[Executed]:
        keys = [key_of(p, self.sandbox, self.limits) for p in programs]
        found = {k: r for k in dict.fromkeys(keys) if (r := self._read(k)) is not None}
        new = {k: p for k, p in zip(keys, programs, strict=True) if k not in found}
        done = (
            self._sandbox.run_all(new.values())
            if len(new) > 1
            else map(self._sandbox.run, new.values())
        )
        ran = dict(zip(new, done, strict=True))
        self._write(ran)
        with self._lock:
            self.n_run += len(new)
            self.n_kept += len(found)
        return [found[k] if k in found else ran[k] for k in keys]

    def _read(self, key: str) -> Executed | None:
        with self._lock, _readable(self._path):
            row = self._connection.execute(_SELECT, (key,)).fetchone()
        if row is None or any(isinstance(cell, bytes) for cell in row):
            return None
        if row[-1] != _row_sha256(key, *row[:-1]):
            return None
        return Executed(Status(row[0]), *row[1:-1])

    def _write(self, results: dict[str, Executed]) -> None:
        rows = []
        for key, r in results.items():
            cells = (r.status.value, r.answer, r.output, r.ms, r.error)
            rows.append((key, *cells, _row_sha256(key, *cells)))
        with self._lock, _readable(self._path), self._connection:
            self._connection.executemany(_INSERT, rows)


def _row_sha256(*cells: object) -> str:
    return sha256_text(canonical_json(cells))


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """What is wrong with the file itself, told with its name and what to do about it.

    Raises:
        ConfigError: it is something else than a file of results, or damaged.
        StageError: another process holds it, the disk is full, or it is of no form to be read.
    """
    try:
        yield
    except sqlite3.OperationalError as e:
        msg = f"{path}: the results of programs cannot be read or written ({e}); end what else uses it, or remove it"
        raise StageError(msg) from e
    except sqlite3.DatabaseError as e:
        raise ConfigError(f"{path}: no file of results of programs ({e}); remove it") from e


def _open(path: Path) -> sqlite3.Connection:
    with _readable(path):
        connection = sqlite3.connect(path, timeout=30, check_same_thread=False)
        try:
            n_tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            application = connection.execute("PRAGMA application_id").fetchone()[0]
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if n_tables and (application, version) != (_APPLICATION_ID, _VERSION):
                raise ConfigError(
                    f"{path}: no file of results of programs, or of another release; remove it"
                )
            if not n_tables:
                connection.executescript(f"BEGIN IMMEDIATE; {_TABLE} COMMIT;")
        except (sqlite3.Error, ConfigError):
            connection.close()
            raise
        return connection

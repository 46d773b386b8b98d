"""A database for what does not fit into memory while a command runs; it leaves nothing behind."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing

_CACHE_KIB = 4_096


def scratch() -> sqlite3.Connection:
    """An empty database of this process alone, to be closed by the caller.

    SQLite keeps it in a file without a name (in `SQLITE_TMPDIR`, `TMPDIR` or `/var/tmp`), so that it
    is gone when it is closed and when the process is killed. It sorts there too: memory is bounded.
    """
    db = sqlite3.connect("", isolation_level=None)
    for setting in (f"cache_size = -{_CACHE_KIB}", "temp_store = FILE", "journal_mode = OFF", "synchronous = OFF"):  # fmt: skip
        db.execute(f"PRAGMA {setting}")
    db.execute("BEGIN")  # never committed: nobody else reads it
    return db


class Distinct:
    """Counts different texts, however many that is. To be closed."""

    def __init__(self) -> None:
        self._db = scratch()
        self._db.execute("CREATE TABLE texts (text TEXT)")

    def add(self, texts: Iterable[str]) -> None:
        """Take note of texts."""
        self._db.executemany("INSERT INTO texts VALUES (?)", ((text,) for text in texts))

    def count(self) -> int:
        """How many different ones there were."""
        found = self._db.execute("SELECT COUNT(DISTINCT text) FROM texts")
        return int(found.fetchone()[0])

    def close(self) -> None:
        """Let go of them."""
        self._db.close()


def n_distinct(texts: Iterable[str]) -> int:
    """How many different texts there are, however many that is."""
    with closing(Distinct()) as distinct:
        distinct.add(texts)
        return distinct.count()

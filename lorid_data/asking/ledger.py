"""The batches that were submitted, in the journal's table `batches`: written down before they are."""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lorid_data.schema import canonical_json
from lorid_data.teachers.backend import Rung
from lorid_data.teachers.base import TeacherRequest
from lorid_data.teachers.remote import RemoteTeacher

_TABLE = """
CREATE TABLE IF NOT EXISTS batches (
  token TEXT PRIMARY KEY, made_s REAL NOT NULL, teacher TEXT NOT NULL, model TEXT NOT NULL, endpoint TEXT,
  rung TEXT NOT NULL, requests TEXT NOT NULL, batch_id TEXT, over INTEGER NOT NULL DEFAULT 0, why TEXT,
  before TEXT, adopted INTEGER NOT NULL DEFAULT 0, n_requests INTEGER
)
"""
_REQUESTS = """
CREATE TABLE IF NOT EXISTS batch_requests (token TEXT PRIMARY KEY, requests TEXT NOT NULL)
"""
"""What a batch asks, beside the batches: who looks which are open does not pass over all of it."""
_SETTLED = """
CREATE TABLE IF NOT EXISTS settled (
  token TEXT NOT NULL, request_key TEXT NOT NULL, PRIMARY KEY (token, request_key)
)
"""
_OPEN = "WHERE NOT over AND teacher = ? AND model = ? AND endpoint IS ?"
_ADDED = {
    "why": "TEXT",
    "before": "TEXT",
    "adopted": "INTEGER NOT NULL DEFAULT 0",
    "n_requests": "INTEGER",
}
"""Columns that a journal of an earlier release lacks."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """A batch as it was written down; `batch_id` None where nobody knows whether it was submitted."""

    token: str
    made_s: float
    rung: Rung
    n_requests: int
    batch_id: str | None
    before: str | None = None
    """The provider's newest batch before this one was submitted: what is older is another's."""
    is_adopted: bool = False
    """Whether its id was found at the provider, and not told when it was submitted."""


class Ledger:
    """The batches of one teacher in a journal; each change is committed when its method returns."""

    def __init__(self, path: Path, teacher: RemoteTeacher) -> None:
        self._path = path
        self._who = (teacher.kind, teacher.model, teacher.endpoint)
        self._run(_TABLE)
        self._run(_REQUESTS)
        self._run(_SETTLED)
        present = {row[1] for row in self._run("PRAGMA table_info(batches)")}
        for name, kind in _ADDED.items():
            if name not in present:
                self._run(f"ALTER TABLE batches ADD COLUMN {name} {kind}")

    def intend(
        self, requests: Sequence[TeacherRequest], rung: Rung, before: str | None = None
    ) -> Submitted:
        """Write down what is about to be submitted, and the newest batch that is there already."""
        made = Submitted(uuid.uuid4().hex, time.time(), rung, len(requests), None, before)
        text = f"[{','.join(canonical_json(r.model_dump(mode='json')) for r in requests)}]"
        batch = (made.token, made.made_s, *self._who, rung, "", before, made.n_requests)
        with closing(sqlite3.connect(self._path, timeout=30)) as connection, connection:
            connection.execute("INSERT INTO batch_requests VALUES (?, ?)", (made.token, text))
            connection.execute(
                "INSERT INTO batches (token, made_s, teacher, model, endpoint, rung, requests, before, n_requests) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                batch,
            )
        return made

    def name(self, batch: Submitted, batch_id: str | None, *, is_adopted: bool = False) -> None:
        """It was submitted under this id; None: under one that nobody knows."""
        query = "UPDATE batches SET batch_id = ?, adopted = ? WHERE token = ?"
        self._run(query, batch_id, is_adopted, batch.token)

    def settled(self, batch: Submitted) -> set[str]:
        """Keys of its requests whose results are stored already."""
        query = "SELECT request_key FROM settled WHERE token = ?"
        return {key for (key,) in self._run(query, batch.token)}

    def close(self, batch: Submitted, why: str | None = None) -> None:
        """Its replies are stored, or there are none, and why."""
        self._run("UPDATE batches SET over = 1, why = ? WHERE token = ?", why, batch.token)

    def open(self) -> list[Submitted]:
        """Batches that are not over; their requests are read one batch after another, see `requests`."""
        # Those that an earlier release wrote hold their requests themselves.
        query = f"SELECT token, made_s, rung, coalesce(n_requests, json_array_length(requests)), batch_id, before, adopted FROM batches {_OPEN}"  # noqa: S608
        return [
            Submitted(token, made_s, rung, n, batch_id, before, bool(adopted))
            for token, made_s, rung, n, batch_id, before, adopted in self._run(query, *self._who)
        ]

    def n_open(self) -> int:
        """How many batches are not over."""
        return int(self._run(f"SELECT count(*) FROM batches {_OPEN}", *self._who)[0][0])  # noqa: S608

    def requests(self, batch: Submitted) -> tuple[TeacherRequest, ...]:
        """The requests of a batch."""
        apart = self._run("SELECT requests FROM batch_requests WHERE token = ?", batch.token)
        [(text,)] = apart or self._run("SELECT requests FROM batches WHERE token = ?", batch.token)
        return tuple(TeacherRequest(**r) for r in json.loads(text))

    def known(self) -> set[str]:
        """Ids of all batches that were ever submitted from here."""
        return {i for (i,) in self._run("SELECT batch_id FROM batches WHERE batch_id NOT NULL")}

    def _run(self, query: str, *values: object) -> list[Any]:
        with closing(sqlite3.connect(self._path, timeout=30)) as connection, connection:
            return connection.execute(query, values).fetchall()

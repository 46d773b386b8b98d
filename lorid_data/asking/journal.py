"""What was asked of a teacher and what it answered: SQLite, append-only, committed before use.

`attempts` has one row per attempt, failed ones too. A reply is acknowledged only once its commit
is on disk, and nothing parses it before. The first reply stored under a key is the one that counts.
One thread writes: whatever has gathered since the last commit began, 10 ms ago at least, becomes one.
"""

from __future__ import annotations

import asyncio
import fcntl
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Self

from pydantic import TypeAdapter

from lorid_data.asking.gc_pause import few_collections
from lorid_data.asking.journal_file import (
    FIELDS,
    HASH,
    INSERT,
    SETTLE,
    connect,
    filesystem_of,
    prepare,
    recognise,
    row_sha256,
)
from lorid_data.errors import ConfigError, LockedError, StageError
from lorid_data.folders.files import open_lock
from lorid_data.schema import TeacherReply, storable
from lorid_data.teachers.finish import is_final

JOURNAL = "journal.sqlite"
_GROUP = 64
_APART_S = 0.01
"""Commits begin no closer together, unless a whole group waits: each costs a sync and a wake-up."""
_AT_ONCE = 256
"""Rows that are read and checked together."""
_BY_KEY = 1024
"""Up to so many requests are looked up one by one: for more, all replies are gone through."""
_replies = TypeAdapter(list[TeacherReply])
_values_of = attrgetter(*FIELDS)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a request: a reply, or a reason and what is known of the request."""

    values: tuple[Any, ...]
    settles: tuple[str, str] | None = None
    """Mark of the batch and key of the request whose result this is: each is stored once, or neither."""


def replied(reply: TeacherReply, settles: tuple[str, str] | None = None) -> Attempt:
    """The attempt that a reply ended."""
    cells = dict(zip(FIELDS, map(_cell, _values_of(reply)), strict=True))
    return Attempt(("reply", "", *cells.values(), row_sha256(cells)), settles)


def failed(
    reason: str, detail: str, known: Mapping[str, Any], settles: tuple[str, str] | None = None
) -> Attempt:
    """An attempt without a reply; `known` are fields of `TeacherReply` that the request settles."""
    cells = (_cell(known.get(f)) for f in FIELDS)
    return Attempt((reason, storable(detail), *cells, None), settles)


def _cell(value: Any) -> Any:
    """A value as SQLite takes it: half a character escaped, a larger integer as its digits."""
    if value is None or isinstance(value, float):
        return value
    if isinstance(value, str):
        return storable(value)
    # As text the column would turn it into a rounded float.
    is_large = isinstance(value, int) and not -(2**63) <= value < 2**63
    return str(value).encode() if is_large else value


class Journal:
    """An open journal. Made by `open_journal`; one process at a time writes to a file."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._queue: SimpleQueue[_Entry | None] = SimpleQueue()
        self._dead: BaseException | None = None
        """What ended the writer; nothing can be stored any more."""
        self._writer = threading.Thread(
            target=self._write, name=f"journal {path.name}", daemon=True
        )
        self._writer.start()

    async def append(self, attempt: Attempt) -> None:
        """Store an attempt; returns when it is committed.

        Raises:
            sqlite3.Error: it could not be stored (a full disk, for one); nothing was acknowledged.
            StageError: the writer has ended, so nothing can be stored any more.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        self._queue.put(_Entry(attempt, loop, done))
        if self._dead is not None:  # it may have ended before it saw this entry
            _settle([done], self._ended())
        await done  # a caller that is cancelled here has its attempt stored all the same

    @property
    def is_dead(self) -> bool:
        """Whether nothing can be stored any more."""
        return self._dead is not None

    def _ended(self) -> StageError:
        e = self._dead
        return StageError(
            f"{self.path}: replies can no longer be stored ({type(e).__name__}: {e}); what was stored stays: "
            "put this right and run the same command again"
        )

    def replies(self, keys: Iterable[str]) -> dict[str, TeacherReply]:
        """The stored replies to these requests, by key; the first where there are several."""
        return replies_in(self.path, keys)

    def spent_usd(self, keys: Iterable[str]) -> float:
        """What these requests have cost so far, failed attempts included; unknown costs count as 0."""
        query = "SELECT sum(cost_usd) FROM attempts WHERE cost_usd > 0 AND request_key IN (SELECT key FROM temp.wanted)"
        with connect(self.path) as reader:
            # On disk, so that millions of keys are not held.
            reader.execute("PRAGMA temp_store = FILE")
            reader.execute("CREATE TEMP TABLE wanted (key TEXT PRIMARY KEY) WITHOUT ROWID")
            reader.executemany("INSERT OR IGNORE INTO temp.wanted VALUES (?)", ((k,) for k in keys))
            return float(reader.execute(query).fetchone()[0] or 0.0)

    def has_costs(self) -> bool:
        """Whether any attempt is known to have cost something."""
        with connect(self.path) as reader:
            query = "SELECT 1 FROM attempts WHERE cost_usd > 0 LIMIT 1"
            return reader.execute(query).fetchone() is not None

    def n_attempts(self) -> int:
        """How many attempts are stored, failed ones included."""
        with connect(self.path) as reader:
            return int(reader.execute("SELECT count(*) FROM attempts").fetchone()[0])

    def close(self) -> None:
        """Commit what is queued and stop the writer."""
        self._queue.put(None)
        self._writer.join()
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _write(self) -> None:
        """The writer's thread: whatever ends it, those who wait are told."""
        group: list[_Entry] = []
        try:
            self._write_all(group)
        except BaseException as e:  # noqa: BLE001  (nobody else would hear of it)
            self._dead = e
            with suppress(Empty):
                while True:
                    entry = self._queue.get_nowait()
                    group += [entry] if entry is not None else []
            _tell(group, self._ended())

    def _write_all(self, group: list[_Entry]) -> None:
        more, begun = True, 0.0
        while more:
            group.clear()
            entry = self._queue.get()
            # Sleeping here, not in `get`, so that nothing that arrives meanwhile wakes this thread.
            early_s = begun + _APART_S - time.monotonic()
            if entry is not None and early_s > 0 and self._queue.qsize() + 1 < _GROUP:
                time.sleep(early_s)
            begun = time.monotonic()
            while entry is not None:
                group.append(entry)
                if len(group) == _GROUP:
                    break
                try:
                    entry = self._queue.get_nowait()
                except Empty:
                    break
            more = entry is not None
            if group:
                self._commit(group)

    def _commit(self, group: list[_Entry]) -> None:
        error: BaseException | None = None
        try:
            with self._connection:
                self._connection.executemany(INSERT, (entry.attempt.values for entry in group))
                settled = [s for entry in group if (s := entry.attempt.settles)]
                if settled:  # the table is there once a batch was written down
                    self._connection.executemany(SETTLE, settled)
        except Exception as e:  # noqa: BLE001  (those who wait judge it)
            error = e
        # A full disk is everybody's; what else there is may be the fault of one, and not of its group.
        if error is not None and len(group) > 1 and not isinstance(error, sqlite3.OperationalError):
            for entry in group:
                self._commit([entry])
            return
        _tell(group, error)


@dataclass(frozen=True, slots=True)
class _Entry:
    attempt: Attempt
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[None]


def _tell(group: Sequence[_Entry], error: BaseException | None) -> None:
    """Tell those who wait for these entries, each loop once."""
    for loop in {entry.loop for entry in group}:
        # A loop that has closed meanwhile has nobody who waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, [e.done for e in group if e.loop is loop], error)


def _settle(waiting: Iterable[asyncio.Future[None]], error: BaseException | None) -> None:
    """Tell those who wait for a commit, in their own loop: one wake-up for all of them."""
    for done in waiting:
        if not done.done():
            done.set_exception(error) if error is not None else done.set_result(None)


@contextmanager
def open_journal(path: Path, *, filesystem: str | None = None) -> Iterator[Journal]:
    """Open or create a journal, locked for this process until the block ends.

    It runs in WAL mode, or, on a network file system, where WAL is not safe, with a rollback
    journal. Every commit is synced to disk.

    Args:
        path: the file.
        filesystem: type of its file system; found out by default.

    Raises:
        ConfigError: the file is no journal, or of another version.
        LockedError: another process writes to it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_lock(path.with_name(f".{path.name}.lock")) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            msg = f"{path}: another process writes to this journal; wait for it, or use another --journal"
            raise LockedError(msg) from e
        connection = sqlite3.connect(path, check_same_thread=False, timeout=30)
        try:
            prepare(path, connection, filesystem or filesystem_of(path.parent))
            journal = Journal(path, connection)
        except BaseException:
            connection.close()
            raise
        with journal:
            yield journal


def replies_in(path: Path, keys: Iterable[str]) -> dict[str, TeacherReply]:
    """The replies of a journal to these requests, by key; the first where there are several.

    A file that does not exist has none. A reply that earlier releases stored though it ended in a
    failure is none. Nothing is written, and another process may write meanwhile.

    Raises:
        ConfigError: the file is no journal of this version.
    """
    wanted = set(keys)
    if not path.exists() or not wanted:
        return {}
    found: dict[str, TeacherReply] = {}
    few = list(wanted) if len(wanted) <= _BY_KEY else None
    with _reading(path, few) as (fields, rows), few_collections(every=0):  # nothing here is garbage
        at = fields.index("request_key")
        # One call for many rows: checking them one by one takes half as long again.
        while some := rows.fetchmany(_AT_ONCE):
            for reply in _as_replies(fields, [row for row in some if row[at] in wanted]):
                if is_final(reply):
                    found.setdefault(reply.request_key, reply)
    return found


def replies_about(
    path: Path, problem_ids: Iterable[str], *, model: str, prompt_sha256: str
) -> dict[str, TeacherReply]:
    """The replies of a model to a prompt, by problem; the last where there are several.

    Raises:
        ConfigError: the file is no journal of this version.
    """
    wanted = set(problem_ids)
    last: dict[str, tuple[Any, ...]] = {}
    with _reading(path) as (fields, rows):
        names = ("problem_id", "model_asked", "prompt_sha256")
        at, *others = (fields.index(name) for name in names)
        for row in rows:
            if row[at] in wanted and [row[i] for i in others] == [model, prompt_sha256]:
                last[row[at]] = row
    return dict(zip(last, _as_replies(fields, last.values()), strict=True))


def costs_by_problem(path: Path, *, model: str, prompt_sha256: str) -> dict[str, float | None]:
    """What each problem's replies from a model to a prompt cost, in USD; None where unknown.

    Raises:
        ConfigError: the file is no journal of this version.
    """
    query = (
        "SELECT problem_id, sum(cost_usd), count(*) = count(cost_usd) FROM replies "
        "WHERE model_asked = ? AND prompt_sha256 = ? GROUP BY problem_id"
    )
    with connect(path) as reader:
        recognise(path, reader)
        rows = reader.execute(query, (model, prompt_sha256))
        return {problem: cost if known else None for problem, cost, known in rows}


def _as_replies(fields: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> list[TeacherReply]:
    bodies = [dict(zip(fields, row, strict=True)) for row in rows]
    for body in bodies:
        if body.pop(HASH, None) not in (None, row_sha256(body)):
            msg = f"the stored reply to the request {body['request_key']!r:.80} has changed since it was stored; put the journal back as it was, or name another --journal"
            raise ConfigError(msg)
    # Pydantic reads an integer that was stored as its digits, too.
    return _replies.validate_python(bodies)


@contextmanager
def _reading(
    path: Path, keys: Sequence[str] | None = None
) -> Iterator[tuple[list[str], sqlite3.Cursor]]:
    """Names of the columns, and the rows of all replies, or of those to these requests, in the order in which they were stored."""
    with connect(path) as reader:
        recognise(path, reader)
        # A journal of an earlier release lacks columns that were added since.
        present = {row[1] for row in reader.execute("PRAGMA table_info(attempts)")}
        fields = [f for f in (*FIELDS, HASH) if f in present]
        which = "" if keys is None else f"WHERE request_key IN ({', '.join('?' * len(keys))})"
        query = f"SELECT {', '.join(fields)} FROM replies {which} ORDER BY id"  # noqa: S608  (names of fields)
        yield fields, reader.execute(query, keys or ())


def check_journal(path: Path) -> None:
    """Refuse a path that cannot become or is no journal, before anything is written.

    Raises:
        ConfigError: its folder does not exist, or the file is no journal of this version.
    """
    if not path.parent.is_dir():
        raise ConfigError(
            f"--journal {path}: the folder {path.parent} does not exist; create it first"
        )
    if path.is_dir():
        raise ConfigError(f"--journal {path}: is a folder; name a file")
    if path.exists():
        with connect(path) as reader:
            recognise(path, reader)

"""What a fixed DR answered with each list of rules, out of finished evaluations on the dataset's own knowledge."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

from lorid_data.answers import extract
from lorid_data.difficulty.asked import Opened, opened
from lorid_data.errors import InputError
from lorid_data.folders.evaluations import SAMPLED_GIVEN, iter_draws, judge_of
from lorid_data.folders.names import RECORDS
from lorid_data.folders.picked import tables
from lorid_data.folders.scratch import scratch
from lorid_data.schema import Record, canonical_json
from lorid_data.texts import strict_json

HOW = "lorid-train evaluate --samples gold-knowledge=8, of a run with dr, on a folder with that teacher's lists"
METRICS = "metrics.json"
_TABLES = (
    "CREATE TABLE lists (problem BLOB PRIMARY KEY, list BLOB) WITHOUT ROWID",
    "CREATE TABLE judges (problem BLOB PRIMARY KEY, judge TEXT) WITHOUT ROWID",
    "CREATE TABLE draws (list BLOB, seed INTEGER, round INTEGER, answer BLOB, PRIMARY KEY (list, seed, round)) WITHOUT ROWID",
)
"""Questions and lists stand there by a hash of 16 bytes: no chance likeness is to be feared."""


class Student:
    """A DR, or one for each part of the questions, and what it answered; the answers are on disk."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.judges_sha256: tuple[str, ...] = ()
        """Of adapter, base model, format and sampling of each; the lists of one question have one judge."""
        self.evaluations_sha256: tuple[str, ...] = ()
        """Manifests of the evaluations, sorted."""
        self.trained_on = ""
        """What the evaluations say of questions that it was trained on; empty where of none."""

    def answers(self, problem_id: str, knowledge: Sequence[str]) -> dict[int, str | None]:
        """The answer of each draw with a list, in the order of seed and round; empty where there is none."""
        query = "SELECT answer FROM draws WHERE list = ? ORDER BY seed, round"
        found = self._db.execute(query, (_key(problem_id, *knowledge),))
        return {n: None if a is None else _text(a) for n, (a,) in enumerate(found)}


@contextmanager
def read_student(folders: Sequence[Path]) -> Iterator[Student]:
    """The draws of a fixed DR with every list that the evaluations gave it, until the block ends.

    Several may judge, each its own questions: one that was trained on a half of them and judges
    the other half, for one.

    Raises:
        InputError: an evaluation is unfinished or has changed, holds no such draws, or lists of one
            question were given to different students.
    """
    found = opened(folders)
    if not found:
        raise InputError(f"--by student needs evaluations: name them by --from ({HOW})")
    db = scratch()
    try:
        for table in _TABLES:
            db.execute(table)
        for e in found:
            _read(e, db)
        student = Student(db)
        judges = db.execute("SELECT DISTINCT judge FROM judges ORDER BY judge")
        student.judges_sha256 = tuple(judge for (judge,) in judges)
        student.evaluations_sha256 = tuple(e.sha256 for e in found)
        student.trained_on = "; ".join(s for e in found if (s := _trained_on(e)))
        yield student
    finally:
        db.close()


def _read(e: Opened, db: sqlite3.Connection) -> None:
    """Take in the draws of one evaluation."""
    judge = judge_of(e.identity, "dr", SAMPLED_GIVEN).sha256
    db.execute("DELETE FROM lists")
    db.executemany("INSERT OR REPLACE INTO lists VALUES (?, ?)", _lists(e.folder / RECORDS))
    is_drawn = False
    for d in iter_draws(e.folder):
        if (d.role, d.condition) != ("dr", SAMPLED_GIVEN):
            continue
        problem = _key(d.problem_id)
        row = db.execute("SELECT list FROM lists WHERE problem = ?", (problem,)).fetchone()
        if row is None:
            continue
        is_drawn = True
        _refuse_another(e, db, problem, judge)
        answer = getattr(extract(d.text), "value", None)
        of = (row[0], d.seed, d.round, None if answer is None else _bytes(answer))
        try:
            db.execute("INSERT OR IGNORE INTO draws VALUES (?, ?, ?, ?)", of)
        except OverflowError as err:
            raise InputError(f"{e.folder}: a draw of seed {d.seed}, round {d.round}: numbers are below 2**63") from err  # fmt: skip
    if not is_drawn:
        raise InputError(f"{e.folder}: holds no sampled draws of DR on the dataset's own knowledge; make them by {HOW}")  # fmt: skip


def _lists(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """The question and the list of each row."""
    for table in tables(path, Record, ("problem_id", "knowledge")):
        for row in table.to_pylist():
            problem = row["problem_id"]
            yield _key(problem), _key(problem, *row["knowledge"])


def _refuse_another(e: Opened, db: sqlite3.Connection, problem: bytes, judge: str) -> None:
    """One question has one judge."""
    db.execute("INSERT OR IGNORE INTO judges VALUES (?, ?)", (problem, judge))
    of = db.execute("SELECT judge FROM judges WHERE problem = ?", (problem,))
    if (other := of.fetchone()[0]) != judge:
        msg = (
            f"{e.folder}: its DR, or how it was sampled, is another ({judge[:12]}) than that of other lists of the "
            f"same questions ({other[:12]}); lists of one question can be compared by one student only"
        )
        raise InputError(msg)


def _key(*texts: str) -> bytes:
    return blake2b(_bytes(canonical_json(texts)), digest_size=16).digest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # JSON of others may hold half a character


def _text(stored: bytes) -> str:
    return stored.decode("utf-8", "surrogatepass")


def _trained_on(e: Opened) -> str:
    """What an evaluation says of questions that its adapters were trained on, or nothing."""
    path = e.folder / METRICS
    try:
        rows = strict_json.parse(path.read_bytes())["metrics"]
        n = next((m["value"] for m in rows if m["metric"] == "trained_questions"), 0)
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise InputError(f"{path}: not the metrics of an evaluation ({err})") from err
    return f"{n:,.0f} of those of the evaluation {e.sha256[:12]}" if n else ""

"""The rows of a dataset that its variants are made of, on disk: found by their id or by their text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b

from lorid_data.folders.scratch import scratch
from lorid_data.schema import FrozenModel, Provenance, Record
from lorid_data.sources.variants import Variant, original_key
from lorid_data.texts.folding import fold


class Original(FrozenModel):
    """What a variant gets of the row that it is a variant of: neither its question nor its rationale."""

    original_id: str
    split: str
    answer: str
    level: str | None
    subject: str | None
    licence: str
    knowledge: tuple[str, ...]
    provenance: Provenance


class Originals:
    """The rows of a dataset that some variants name, and no others. To be closed.

    An original is found by its id, or by its text without regard to case, white space and forms of characters. Of
    several rows with one question the first gives the knowledge.
    """

    def __init__(self, variants: Iterable[Variant]) -> None:
        self._db = scratch()
        # Named by hashes of 16 bytes: no chance likeness is to be feared.
        self._db.execute("CREATE TABLE named (key BLOB PRIMARY KEY, at INTEGER) WITHOUT ROWID")
        self._db.execute("CREATE TABLE originals (at INTEGER PRIMARY KEY, body TEXT)")
        keys = ((key,) for v in variants for key in _keys(v))
        self._db.executemany("INSERT OR IGNORE INTO named VALUES (?, NULL)", keys)

    def look(self, records: Iterable[Record]) -> None:
        """Take note of rows of the dataset."""
        wanted = "SELECT key FROM named WHERE key IN (?, ?) AND at IS NULL"
        for r in records:
            keys = _by_id(r.problem_id), _by_text(r.question)
            if not (new := self._db.execute(wanted, keys).fetchall()):
                continue
            body = Original.model_validate(
                {name: getattr(r, name) for name in Original.model_fields}
            ).model_dump_json()
            added = self._db.execute("INSERT INTO originals (body) VALUES (?)", (body,))
            self._db.executemany(
                "UPDATE named SET at = ? WHERE key = ?", ((added.lastrowid, key) for (key,) in new)
            )

    def of(self, variant: Variant) -> Original | None:
        """The row that a variant is one of, by its id first; None where the dataset has none."""
        query = "SELECT body FROM originals WHERE at = (SELECT at FROM named WHERE key = ?)"
        for key in _keys(variant):
            if (found := self._db.execute(query, (key,)).fetchone()) is not None:
                return Original.model_validate_json(found[0])
        return None

    def close(self) -> None:
        """Let go of them."""
        self._db.close()


def _keys(variant: Variant) -> Iterator[bytes]:
    """What the original of a variant may be found by, the best first."""
    yield _by_id(original_key(variant))
    if variant.original is not None:
        yield _by_text(variant.original)


def _by_id(problem_id: str) -> bytes:
    return _hash(f"id {problem_id}")


def _by_text(question: str) -> bytes:
    return _hash(f"text {fold(question)}")


def _hash(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=16).digest()

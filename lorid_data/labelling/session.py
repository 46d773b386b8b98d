"""One annotator at work on one folder: what the page may see, and what becomes of a key press.

It knows nothing of HTTP. The solution and the automatic flags of a row leave it only once the
annotator has given a verdict on it (the solution also when asked for, which is kept).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lorid_data.errors import ConfigError, LoridError
from lorid_data.folders.files import sha256_file
from lorid_data.folders.flags import audit_flags, flags_of
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.names import RECORDS
from lorid_data.folders.picked import n_rows, pick_rows, tables
from lorid_data.folders.scratch import n_distinct
from lorid_data.labelling.book import BOOK, Book
from lorid_data.labelling.files import write_files
from lorid_data.labelling.labels import CURRENT, labels_of
from lorid_data.labelling.report import report
from lorid_data.labelling.summary import summarise
from lorid_data.labelling.types import Label, Sampled, Summary, Wanted, row_sha256
from lorid_data.pages.latex import dialect, pieces
from lorid_data.pages.text import visible
from lorid_data.sampling import draw_by_original, ranked
from lorid_data.schema import Record
from lorid_data.texts.counting import count


class ConflictError(LoridError):
    """What the page shows is not what the folder holds any more."""


class Session:
    """The labels of a folder, seen by one annotator."""

    def __init__(
        self, folder: Path, annotator: str, *, seed: int | None, n_samples: int | None
    ) -> None:
        """Draw the sample, or take up the one that was begun.

        Raises:
            ConfigError: no finished dataset folder, no rows, or another sample than the one begun.
        """
        self.folder, self.annotator = folder, annotator
        read_manifest(folder)
        self._path = folder / RECORDS
        self.records_sha256 = sha256_file(self._path)
        self._stamp = _stamp(self._path)
        if not n_rows(self._path):
            msg = f"{folder}: holds no rows, so there is nothing to label"
            raise ConfigError(msg)
        self.book = Book(folder / BOOK)
        try:
            self._open(seed, n_samples)
        except BaseException:
            self.book.close()
            raise

    def _open(self, seed: int | None, n_samples: int | None) -> None:
        self.seed, wanted = _sample(self.book, seed, n_samples)
        drawn = draw_by_original(_ids(self._path), wanted, self.seed)
        labelled = {e.row_id for e in self.book.events()}
        rows = pick_rows(self._path, Record, {*drawn, *labelled})
        self._records = {r.row_id: r for r in rows}
        self._sampled = frozenset(drawn)
        self._audited = audit_flags(self.folder, self.records_sha256, self._records)
        self.order = ranked(drawn, self.seed, self.annotator)
        n_originals = n_distinct(original for _, original in _ids(self._path))
        self.sampled = Sampled(seed=self.seed, n_samples=len(drawn), n_originals=n_originals, n_rows=n_rows(self._path))  # fmt: skip

    # --- what there is --------------------------------------------------------------------------

    def labels(self) -> list[Label]:
        """Every label of the folder, of all annotators."""
        return labels_of(self.book.events(), self.book.peeks(), self._records, self._sampled, self._audited)  # fmt: skip

    def own(self) -> dict[str, Label]:
        """The annotator's labels that count, by row_id."""
        return {
            label.row_id: label
            for label in self.labels()
            if label.annotator == self.annotator and label.status == CURRENT
        }

    def n_left(self) -> int:
        """Samples that the annotator has not labelled."""
        return len(self.order) - len(self.own())

    def summary(self) -> Summary:
        """What the labels say so far."""
        return summarise(self.labels(), self.sampled, self.records_sha256)

    def write(self) -> Summary:
        """Write `labels.parquet` and `labels.json` beside the records."""
        labels = self.labels()
        summary = summarise(labels, self.sampled, self.records_sha256)
        write_files(self.folder, labels, summary)
        return summary

    def report(self) -> dict[str, Any]:
        """What the page's summary shows: of others nothing before the annotator is done."""
        labels, done = self.labels(), self.n_left() == 0
        visible_labels = labels if done else [x for x in labels if x.annotator == self.annotator]
        return report(
            summarise(visible_labels, self.sampled, self.records_sha256), self.annotator, done=done
        )

    # --- what the page asks -----------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """The annotator's progress; nothing of other annotators."""
        own, changed = self.own(), self._changed()
        return {
            "annotator": self.annotator,
            "folder": visible(self.folder.name, 120),
            "samples": [
                {"id": row_id, "v": own[row_id].verdict if row_id in own else None,
                 "changed": row_id in changed}
                for row_id in self.order
            ],
        }  # fmt: skip

    def _changed(self) -> set[str]:
        """Rows that the annotator labelled, and whose text is another now."""
        return {
            label.row_id
            for label in self.labels()
            if label.annotator == self.annotator and label.status == "changed"
        }

    def sample(self, index: int) -> dict[str, Any]:
        """One sample, by its place in the annotator's order (from 0)."""
        record = self._records[self.order[index]]
        how = _dialect(record)
        label = self.own().get(record.row_id)
        key = (self.annotator, record.row_id, row_sha256(record))
        found: dict[str, Any] = {
            "index": index,
            "id": record.row_id,
            "sha": key[2],
            "question": pieces(record.question, how),
            "knowledge": [pieces(rule, how) for rule in record.knowledge],
            "about": _about(record),
            "label": None,
        }
        if label is not None:
            found["label"] = {
                "verdict": label.verdict,
                "defects": label.defects,
                "note": label.note,
            }
            found["flags"] = self._flags(record)
            found["audited"] = self._audited is not None
        if label is not None or key in self.book.peeks():
            found["solution"] = _solution(record)
        return found

    def _flags(self, record: Record) -> list[dict[str, Any]]:
        return [
            {
                "check": visible(f.check, 80).replace("_", " "),
                "rule": None if f.rule_index is None else f.rule_index + 1,
                "evidence": visible(f.evidence, 400),
            }
            for f in flags_of(record, self._audited)
        ]

    def peek(self, index: int) -> dict[str, Any]:
        """The sample with its solution, before a verdict; that it was seen is kept."""
        record = self._records[self.order[index]]
        if record.row_id not in self.own():
            self.book.peek(self.annotator, record.row_id, row_sha256(record))
        return self.sample(index)

    def say(self, wanted: Wanted) -> dict[str, Any]:
        """Keep a verdict; the sample as it may be shown now.

        Raises:
            ConflictError: the row is not in the sample, or is another now.
        """
        self._check_records()
        record = self._records.get(wanted.row_id)
        if record is None or wanted.row_id not in self._sampled:
            msg = "this row is not in the sample; open the page again"
            raise ConflictError(msg)
        if wanted.row_sha256 != row_sha256(record):
            msg = "this row has changed since it was shown; open the page again"
            raise ConflictError(msg)
        self.book.add(self.annotator, wanted, self.records_sha256)
        self.write()
        return self.sample(self.order.index(wanted.row_id))

    def undo(self) -> int | None:
        """Take the last key press back; the place of its sample, None where nothing is left."""
        self._check_records()
        row_id = self.book.undo(self.annotator)
        self.write()
        return self.order.index(row_id) if row_id in self._sampled else None

    def _check_records(self) -> None:
        if _stamp(self._path) == self._stamp:
            return
        if not self._path.is_file() or sha256_file(self._path) != self.records_sha256:
            msg = (
                f"{self._path} has changed since this page was opened: nothing was saved; "
                "end lorid-data label and start it again"
            )
            raise ConflictError(msg)
        self._stamp = _stamp(self._path)

    def close(self) -> None:
        """Close the book."""
        self.book.close()


def _ids(path: Path) -> Iterator[tuple[str, str]]:
    """(row_id, original_id) of each row."""
    for table in tables(path, Record, ["row_id", "original_id"]):
        yield from zip(*(table[n].to_pylist() for n in ("row_id", "original_id")), strict=True)


def _stamp(path: Path) -> tuple[int, int, int]:
    """What changes when a file is written: cheap to look at on every key press."""
    if not path.is_file():
        return (0, 0, 0)
    found = path.stat()
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def _sample(book: Book, seed: int | None, n_samples: int | None) -> tuple[int, int]:
    """(seed, number of samples): as asked, or as the folder's labels were begun."""
    begun = book.sample()
    if begun is None:
        begun = (seed or 0, n_samples or 100)
        book.set_sample(*begun)
    wanted = (begun[0] if seed is None else seed, n_samples or begun[1])
    if wanted != begun:
        if wanted[0] != begun[0] and book.events():
            msg = f"{book.path}: its labels are of the sample with seed {begun[0]}, not {wanted[0]}"
            raise ConfigError(f"{msg}; leave --seed out, or move the book away")
        if wanted[1] < begun[1] and book.events():
            msg = f"{book.path}: its sample has {count(begun[1], 'question')} already, more than --samples {wanted[1]}"
            raise ConfigError(f"{msg}; leave --samples out")
        book.set_sample(*wanted)
    return wanted


def _dialect(record: Record) -> Any:
    return dialect(record.source, (record.question, record.rationale, record.answer, *record.knowledge))  # fmt: skip


def _about(record: Record) -> list[str]:
    """What is said of a row beside its texts; nothing that would weigh on the verdict."""
    level = record.level or ""
    said = (
        record.source,
        record.split,
        record.subject or "",
        f"level {level}" if level.isdigit() else level,
        "a variant of another question" if record.original_id != record.problem_id else "",
    )
    return [visible(text, 120) for text in said if text]


def _solution(record: Record) -> dict[str, Any]:
    how = _dialect(record)
    model = record.provenance.model_answered or record.provenance.model_asked
    teacher = record.provenance.teacher + (f" ({model})" if model else "")
    return {
        "rationale": pieces(record.rationale, how),
        "answer": pieces(" or ".join((record.answer, *record.accepted)), how),
        "teacher": visible(teacher, 120),
    }

"""What only shows when rows are put side by side, and what is counted over all of them.

Rows come one by one and are kept as hashes, counts and findings in a database on disk: memory does
not grow with their number. Texts are told apart by 16 bytes of BLAKE2b.
"""

from __future__ import annotations

import heapq
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import groupby
from typing import Any, NamedTuple

from lorid_data.audit.mapping import Member, answer_conflicts
from lorid_data.audit.result import Counted
from lorid_data.folders.scratch import scratch
from lorid_data.texts.counting import count

FREQUENT = 0.01
"""A rule that stands under more than this fraction of the original questions is frequent."""
_FREQUENT_LEAST = 5
BACKWARD, ORIGINAL, COVERED = 1, 2, 4
"""Marks of a row: it asks backwards; it is its own original question; a word list covers its language."""
_RULE_BITS = 32

Found = tuple[str, int | None, str]
"""A finding: the check, which rule of the row (None: the list or the row), the evidence."""


class Seen(NamedTuple):
    """What an audit keeps of one row once its own checks are done."""

    row_id: str
    original: bytes
    """Digest of its original question's id."""
    rules: tuple[bytes, ...]
    """Digest of each rule, spelled as `checks.same_rule` spells it."""
    list_: bytes | None
    """Digest of the list of rules; None where there are none."""
    answer: str | None
    """None where there are no rules or no answer."""
    marks: int
    found: tuple[Found, ...]


def digest(text: str) -> bytes:
    """What stands for a text."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


_TABLES = """
CREATE TABLE rows (
  n INTEGER PRIMARY KEY, row_id TEXT, original BLOB, n_rules INTEGER, list BLOB, answer TEXT, marks INTEGER, found TEXT
);
CREATE TABLE rules (at INTEGER PRIMARY KEY, rule BLOB, original BLOB);
CREATE TABLE conflicts (n INTEGER PRIMARY KEY, evidence TEXT);
CREATE TABLE shared (list BLOB PRIMARY KEY, n INTEGER) WITHOUT ROWID;
CREATE TABLE often (rule BLOB PRIMARY KEY, n INTEGER) WITHOUT ROWID;
CREATE TABLE counts (rule BLOB, n INTEGER, at INTEGER);
CREATE TABLE flagged (name TEXT, original BLOB);
CREATE TABLE settled (row_id TEXT, found TEXT);
"""


class Joined:
    """The rows of a folder: `add` all of them, then `settle`, then ask. `close` it in the end."""

    def __init__(self) -> None:
        self._db = scratch()
        for statement in filter(str.strip, _TABLES.split(";")):
            self._db.execute(statement)
        self.n_rows = self.n_rules = 0

    def close(self) -> None:
        """Give the disk back."""
        self._db.close()

    def add(self, batch: Iterable[Seen]) -> None:
        """Take rows in, in their order."""
        for s in batch:
            self._db.execute(
                "INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (self.n_rows, s.row_id, s.original, len(s.rules), s.list_, s.answer, s.marks, _text(s.found)),
            )  # fmt: skip
            at = self.n_rows << _RULE_BITS
            self._db.executemany(
                "INSERT INTO rules VALUES (?, ?, ?)",
                [(at + i, rule, s.original) for i, rule in enumerate(s.rules)],
            )
            self.n_rows += 1
            self.n_rules += len(s.rules)

    # --- what joins say ---------------------------------------------------------------------------

    def settle(self, order: Callable[[Found], Any]) -> Counted:
        """Join the rows, and put the findings of each in order.

        Args:
            order: the key by which the findings of a row are sorted.

        Returns:
            How often each check found something.
        """
        self._find_conflicts()
        self._db.execute(
            "INSERT INTO shared SELECT list, COUNT(*) FROM (SELECT DISTINCT list, original FROM rows WHERE list IS NOT NULL) "
            "GROUP BY list HAVING COUNT(*) > 1"
        )
        self._db.execute(
            "INSERT INTO counts SELECT rule, COUNT(*), MIN(at) FROM "
            "(SELECT rule, original, MIN(at) AS at FROM rules GROUP BY rule, original) GROUP BY rule"
        )
        self.n_questions = self._one("SELECT COUNT(DISTINCT original) FROM rows")
        least = max(_FREQUENT_LEAST, FREQUENT * self.n_questions)
        self._db.execute(
            "INSERT INTO often SELECT rule, n FROM counts WHERE n >= ? AND n > ?",
            (least, FREQUENT * self.n_questions),
        )
        return self._settled(order)

    def _one(self, query: str, *values: Any) -> int:
        return int(self._db.execute(query, values).fetchone()[0])

    def _find_conflicts(self) -> None:
        rows = self._db.execute(
            "SELECT r.original, r.list, r.n, r.answer, r.marks FROM rows r JOIN ("
            "SELECT original, list FROM rows WHERE answer IS NOT NULL GROUP BY original, list HAVING MIN(answer) <> MAX(answer)"
            ") c ON r.original = c.original AND r.list = c.list WHERE r.answer IS NOT NULL ORDER BY r.original, r.list, r.n"
        )
        for _, members in groupby(rows, key=lambda r: r[:2]):
            found = answer_conflicts(
                [Member(n, answer, bool(marks & BACKWARD), bool(marks & ORIGINAL)) for _, _, n, answer, marks in members]
            )  # fmt: skip
            self._db.executemany("INSERT INTO conflicts VALUES (?, ?)", found.items())

    def _settled(self, order: Callable[[Found], Any]) -> Counted:
        n_rows: Counter[str] = Counter()
        n_rules: Counter[str] = Counter()
        for row_id, original, found in self._joined():
            found.sort(key=order)
            names = {name for name, _, _ in found}
            n_rows.update(names)
            n_rules.update(name for name, i, _ in found if i is not None)
            self._db.executemany(
                "INSERT INTO flagged VALUES (?, ?)", [(name, original) for name in names]
            )
            self._db.execute("INSERT INTO settled VALUES (?, ?)", (row_id, _text(found)))
        n_flagged = self._db.execute(
            "SELECT name, COUNT(*) FROM (SELECT DISTINCT name, original FROM flagged) GROUP BY name"
        )
        return Counted(
            n_questions=self.n_questions,
            n_of_language=self._one(
                "SELECT COUNT(DISTINCT original) FROM rows WHERE marks & ?", COVERED
            ),
            n_flagged=dict(n_flagged),
            n_rows=n_rows,
            n_rules=n_rules,
        )

    def _joined(self) -> Iterator[tuple[str, bytes, list[Found]]]:
        """Rows with a finding of their own or of a join, in their order."""
        joins = heapq.merge(
            self._db.execute(
                "SELECT n, 'answer_conflict', NULL, evidence FROM conflicts ORDER BY n"
            ),
            self._db.execute(
                "SELECT rows.n, 'shared_list', NULL, shared.n FROM rows CROSS JOIN shared USING (list) ORDER BY rows.n"
            ),
            self._db.execute(
                "SELECT rules.at >> ?, 'frequent_rule', rules.at & ?, often.n FROM rules CROSS JOIN often USING (rule) ORDER BY rules.at",
                (_RULE_BITS, (1 << _RULE_BITS) - 1),
            ),
            key=lambda found: found[0],
        )
        of_rows = groupby(joins, key=lambda found: found[0])
        n_next, more = next(of_rows, (None, iter(())))
        for n, row_id, original, text in self._db.execute(
            "SELECT n, row_id, original, found FROM rows ORDER BY n"
        ):
            found = _findings(text)
            if n == n_next:
                found += [(name, i, _under(said)) for _, name, i, said in more]
                n_next, more = next(of_rows, (None, iter(())))
            if found:
                yield row_id, original, found

    # --- what may be asked then -------------------------------------------------------------------

    def found(self) -> Iterator[tuple[str, list[Found]]]:
        """(row_id, findings) of each row with any, in the order of the folder."""
        for row_id, text in self._db.execute("SELECT row_id, found FROM settled ORDER BY rowid"):
            yield row_id, _findings(text)

    def n_rules_per_list(self) -> dict[int, int]:
        """How many original questions have so many rules, by the first row of each."""
        return dict(
            self._db.execute(
                "SELECT n_rules, COUNT(*) FROM (SELECT n_rules, MIN(n) FROM rows GROUP BY original) GROUP BY n_rules ORDER BY n_rules"
            )
        )

    def n_distinct_rules(self) -> int:
        """Rules that are not the same."""
        return self._one("SELECT COUNT(*) FROM counts")

    def n_frequent_rules(self) -> int:
        """Rules under more than `FREQUENT` of the original questions, and under five at least."""
        return self._one("SELECT COUNT(*) FROM often")

    def most_frequent(
        self, most: int, lists: Callable[[], Iterable[Sequence[str]]], same: Callable[[str], str]
    ) -> list[tuple[str, int]]:
        """The rules under most original questions, and under two at least, as each is written most often.

        Args:
            most: how many; of those under as many questions, the first by their text.
            lists: gives the rules of each row, in the order in which the rows were added.
            same: the one spelling of rules that are the same.
        """
        least = self._db.execute(
            "SELECT n FROM counts ORDER BY n DESC LIMIT 1 OFFSET ?", (most - 1,)
        )
        asked = "SELECT at, rule, n FROM counts WHERE n >= ? ORDER BY at"
        candidates = self._db.execute(asked, (max(2, (least.fetchone() or (0,))[0]),))
        first = heapq.nsmallest(
            most, ((-n, same(text), rule) for text, rule, n in _texts(lists(), candidates))
        )
        chosen = [rule for _, _, rule in first]
        where = ", ".join("?" * len(chosen))
        places = self._db.execute(
            f"SELECT at, rule, 0 FROM rules WHERE rule IN ({where}) ORDER BY at",  # noqa: S608  (question marks)
            chosen,
        )
        written: dict[bytes, Counter[str]] = defaultdict(Counter)
        for text, rule, _ in _texts(lists(), places) if chosen else ():
            written[rule][" ".join(text.split())] += 1
        return [(written[rule].most_common(1)[0][0], -n) for n, _, rule in first]


def _texts(
    lists: Iterable[Sequence[str]], places: Iterable[tuple[int, bytes, int]]
) -> Iterator[tuple[str, bytes, int]]:
    """The text at each place, with what stands beside the place; places in their order."""
    rows, at = iter(enumerate(lists)), -1
    rules: Sequence[str] = ()
    for place, rule, n in places:
        while at < place >> _RULE_BITS:
            at, rules = next(rows)
        yield rules[place & ((1 << _RULE_BITS) - 1)], rule, n


def _under(said: int | str) -> str:
    return f"under {count(said, 'original question')}" if isinstance(said, int) else said


def _text(found: Iterable[Found]) -> str:
    return json.dumps(list(found), separators=(",", ":"))


def _findings(text: str) -> list[Found]:
    return [(name, i, evidence) for name, i, evidence in json.loads(text)]

"""`reparse`: stored replies through the parser as it is now, without a network.

It changes no row: it says what would. `reparsed.parquet` has a row per row of the folder whose
replies are stored; `reparse.json` counts, and names the records that it saw by their hash. Where
several replies stand behind a row, they are read, voted on and chosen from again by the rule that
the folder was built with, and `reparsed_candidates.parquet` has all of them as they are read now.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lorid_data.asking.journal import JOURNAL, replies_about, replies_in
from lorid_data.build import candidates
from lorid_data.build.candidates import (
    Candidate,
    ParsedReply,
    first_usable,
    is_decided,
    parse_reply,
)
from lorid_data.build.panel import judge
from lorid_data.errors import InputError, TeacherError
from lorid_data.folders.files import locked, sha256_file, write_text
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.names import RECORDS, REJECTS
from lorid_data.folders.parquet import read_rows, write_rows
from lorid_data.schema import FrozenModel, Record, Reject, TeacherReply
from lorid_data.teachers.base import NoRules, read_reply
from lorid_data.texts.counting import count as counted

TABLE, SUMMARY = "reparsed.parquet", "reparse.json"
SIDE_BY_SIDE = "reparsed_candidates.parquet"
UNDECIDED = "undecided"


class Reparsed(FrozenModel):
    """A row, and what the parser makes of its replies now."""

    row_id: str
    problem_id: str
    request_key: str
    """Of the reply that it is read from; empty where none of several would be taken."""
    was: str
    """`kept`, or the reason why the row was rejected."""
    now: str
    """`kept`, the reason why it would be rejected, or `undecided` where further replies would be
    asked for."""
    knowledge: tuple[str, ...]
    """The rules as they are read now; empty where it would not be kept."""
    rationale: str = ""
    """As rewritten, and read now; empty where it was not."""
    same: str
    """`yes` where reason, reply, knowledge and rationale are what they were, else `no`."""


@dataclass(frozen=True, slots=True)
class Reparse:
    """What a new parser changes; counts of rows."""

    records_sha256: str
    n_rows: int
    n_without_reply: int
    n_same: int
    n_now_kept: int
    n_now_rejected: int
    n_other_knowledge: int
    n_undecided: int = 0
    """Rows whose vote is open again: further replies would be asked for."""

    def describe(self) -> str:
        """The counts in one line."""
        said = (
            f"reparse: {counted(self.n_rows, 'row')}, {self.n_without_reply:,} without a stored reply; {self.n_same:,} as before, "
            f"{self.n_now_kept:,} now kept, {self.n_now_rejected:,} now rejected, {self.n_other_knowledge:,} with other knowledge"
        )
        return f"{said}, {self.n_undecided:,} undecided" if self.n_undecided else said


def reparse(folder: Path, journal: Path | None = None) -> Reparse:
    """Read every stored reply of a finished build again.

    Args:
        folder: a folder that `build` has finished.
        journal: its journal; the folder's own by default.

    Raises:
        InputError: the folder is no finished build, or there is no journal.
        LockedError: another process works on the folder.
    """
    identity = _identity(folder)
    path = journal or folder / JOURNAL
    if not path.is_file():
        raise InputError(f"{path}: no journal; name the one that was used with --journal")
    with locked(folder):
        records = read_rows(folder / RECORDS, Record)
        rows: list[Record | Reject] = [*records, *read_rows(folder / REJECTS, Reject)]
        if "teachers" in identity:
            asked = read_rows(folder / candidates.TABLE, Candidate)
            replies = replies_in(path, {c.request_key for c in asked if c.request_key})
            n_most = len(identity["teachers"]) * int(identity["samples"])
            again = Again(replies, n_most, rewritten=bool(identity["rewrite_rationale"]))
            table, beside = again.read(rows, asked)
            write_rows(folder / SIDE_BY_SIDE, Candidate, beside)
        else:
            table = list(read_again(rows, _replies(rows, path, identity)))
        result = count(table, sha256_file(folder / RECORDS), n_rows=len(rows))
        write_rows(folder / TABLE, Reparsed, table)
        write_text(folder / SUMMARY, json.dumps(asdict(result), indent=2) + "\n")
    return result


def _identity(folder: Path) -> dict[str, Any]:
    """The identity of a build that asked a teacher."""
    manifest = read_manifest(folder)
    if manifest.stage == "choose":
        raise InputError(
            f"{folder}: its lists were chosen by the audit's checks; reparse the folder of `build` that they were chosen from"
        )
    if manifest.stage != "build" or not {"model", "teachers"} & manifest.identity.keys():
        raise InputError(f"{folder}: no teacher was asked for it; name a folder of `build`")
    return manifest.identity


def _replies(
    rows: Iterable[Record | Reject], path: Path, identity: Mapping[str, Any]
) -> dict[str, TeacherReply]:
    return replies_about(
        path,
        {r.problem_id for r in rows},
        model=str(identity["model"]),
        prompt_sha256=str(identity["prompt"]["sha256"]),
    )


def read_again(
    rows: Iterable[Record | Reject], replies: Mapping[str, TeacherReply]
) -> Iterable[Reparsed]:
    """What the parser makes of each row's reply; rows without one are left out."""
    for row in rows:
        reply = replies.get(row.problem_id)
        if reply is None:
            continue
        rules = read_reply(reply)
        knowledge = () if isinstance(rules, NoRules) else rules
        now = rules.reason.value if isinstance(rules, NoRules) else "kept"
        was = "kept" if isinstance(row, Record) else row.reason.value
        before = row.knowledge if isinstance(row, Record) else ()
        yield Reparsed(
            row_id=row.row_id,
            problem_id=row.problem_id,
            request_key=reply.request_key,
            was=was,
            now=now,
            knowledge=knowledge,
            same="yes" if (was, before) == (now, knowledge) else "no",
        )


@dataclass(frozen=True, slots=True)
class Again:
    """Several replies a row through the parser as it is now, and the choice among them; pure.

    Attributes:
        replies: by request key.
        n_most: replies that may be asked for about a row.
        rewritten: whether teachers wrote the rationale anew.
    """

    replies: Mapping[str, TeacherReply]
    n_most: int
    rewritten: bool

    def read(
        self, rows: Iterable[Record | Reject], asked: Iterable[Candidate]
    ) -> tuple[list[Reparsed], list[Candidate]]:
        """What becomes of each row, and its replies side by side.

        Rows whose replies are not all stored, or that nobody was asked about, are left out.
        """
        by_row: dict[str, list[Candidate]] = defaultdict(list)
        for c in asked:
            by_row[c.row_id].append(c)
        table: list[Reparsed] = []
        beside: list[Candidate] = []
        for row in rows:
            mine = by_row[row.row_id]
            keys = {c.request_key for c in mine if c.request_key}
            if keys and keys <= self.replies.keys():
                now, read_now = self._row(row, mine)
                table.append(now)
                beside += read_now
        return table, beside

    def _row(
        self, row: Record | Reject, mine: Sequence[Candidate]
    ) -> tuple[Reparsed, list[Candidate]]:
        gold = mine[0].reference or None
        reads = [self._read(c, gold) for c in mine]
        vote = None if gold is None else candidates.count(reads, self.n_most)
        taken = first_usable(reads, vote)
        open_again = not is_decided(reads, self.n_most, rewritten=self.rewritten, gold=gold)
        chosen = None if open_again or isinstance(taken, TeacherError) else taken
        now = "kept"
        if open_again:
            now = UNDECIDED
        elif isinstance(taken, TeacherError):
            now = str(taken.reason)
        read_now = [
            candidates.as_read(c, r, vote, chosen=i == chosen)
            for i, (c, r) in enumerate(zip(mine, reads, strict=True))
        ]
        was = "kept" if isinstance(row, Record) else row.reason.value
        before = next((c for c in mine if c.chosen == "yes"), None)
        after = None if chosen is None else read_now[chosen]
        reparsed = Reparsed(
            row_id=row.row_id,
            problem_id=row.problem_id,
            request_key=after.request_key if after else "",
            was=was,
            now=now,
            knowledge=after.knowledge if after else (),
            rationale=after.rationale if after else "",
            same="yes" if (was, _taken(before)) == (now, _taken(after)) else "no",
        )
        return reparsed, read_now

    def _read(self, candidate: Candidate, gold: str | None) -> ParsedReply:
        """A request that was not answered stays what it was."""
        if not candidate.request_key:
            return ParsedReply(candidate.reason, "")
        return parse_reply(self.replies[candidate.request_key], gold, judge(candidate.accepted))


def _taken(c: Candidate | None) -> tuple[object, ...]:
    return () if c is None else (c.request_key, c.knowledge, c.rationale)


def count(table: Iterable[Reparsed], records_sha256: str, *, n_rows: int) -> Reparse:
    """The counts of a table."""
    rows = list(table)
    changed = [r for r in rows if r.same == "no"]
    return Reparse(
        records_sha256=records_sha256,
        n_rows=n_rows,
        n_without_reply=n_rows - len(rows),
        n_same=len(rows) - len(changed),
        n_now_kept=sum(r.now == "kept" != r.was for r in changed),
        n_now_rejected=sum(r.was == "kept" and r.now not in ("kept", UNDECIDED) for r in changed),
        n_other_knowledge=sum(r.was == r.now == "kept" for r in changed),
        n_undecided=sum(r.now == UNDECIDED for r in rows),
    )

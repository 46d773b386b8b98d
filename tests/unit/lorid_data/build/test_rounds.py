"""A panel about more rows than one batch: each row is asked as it would be alone, and nothing beyond."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lorid_data.build.candidates import (
    TABLE,
    Candidate,
    ParsedReply,
    count,
    first_usable,
    is_decided,
)
from lorid_data.build.stage import BuildOptions, build, dry_run
from lorid_data.folders.batches import BATCH
from lorid_data.folders.parquet import read_rows
from lorid_data.folders.records import read_records
from tests.support.panels import build_panel

N = BATCH + 80
Said = tuple[str, bool | None]
"""A raw reply, and how it votes; a text that is no JSON has no vote."""


def script(seed: int) -> Iterator[Said]:
    rng = random.Random(seed)
    for i in range(N):
        right = rng.random() < 0.6
        body = {"output": [f"Rule {seed}."], "rationale": f"By {seed}.", "answer": str(i) if right else "-1"}  # fmt: skip
        yield (json.dumps(body), right) if rng.random() < 0.9 else ("no", None)


def wanted_of(row: int, said: list[list[Said]], n_samples: int) -> tuple[int, int | None, str]:
    """How often a row without fellows is asked, which reply it takes, and its votes."""
    n_most = len(said) * n_samples
    gold = "" if row % 5 == 0 else str(row)
    reads: list[ParsedReply] = []
    for _ in range(n_samples):
        for of in said:
            if is_decided(reads, n_most, rewritten=True, gold=gold or None):
                continue
            _, right = of[row]
            if right is None:
                reads.append(ParsedReply("reply_not_json", ""))
            else:
                agrees = right if gold else None
                reads.append(ParsedReply("", "", ("Rule.",), "so", "", agrees=agrees))
    vote = count(reads, n_most) if gold else None
    chosen = first_usable(reads, vote)
    votes = " ".join({True: "agrees", False: "differs", None: "none"}[r.agrees] for r in reads)
    return len(reads), chosen if isinstance(chosen, int) else None, votes


@pytest.mark.parametrize("n_samples", [1, 2])
def test_each_row_is_asked_until_it_is_decided(tmp_path: Path, n_samples: int) -> None:
    said = [list(script(seed)) for seed in (1, 2, 3)]
    rows = [{"question": f"What is {i}?", "rationale": "So.", "answer": "" if i % 5 == 0 else str(i)} for i in range(N)]  # fmt: skip
    folder = build_panel(tmp_path / "p", rows, ([text for text, _ in of] for of in said), samples=n_samples, rewrite_rationale=True)  # fmt: skip
    by_row: dict[str, list[Candidate]] = {}
    for c in read_rows(folder / TABLE, Candidate):
        by_row.setdefault(c.row_id, []).append(c)
    wanted = [wanted_of(i, said, n_samples) for i in range(N)]
    got = [
        (
            len(of),
            next((i for i, c in enumerate(of) if c.chosen == "yes"), None),
            " ".join(c.vote for c in of),
        )
        for of in by_row.values()
    ]
    assert got == wanted
    assert len({n for n, _, _ in wanted}) > 2, "some are decided early"
    assert len(read_records(folder)) == sum(chosen is not None for _, chosen, _ in wanted)
    with closing(sqlite3.connect(folder / "journal.sqlite")) as journal:
        n_asked = journal.execute("SELECT count(*) FROM attempts").fetchone()[0]
    assert n_asked == sum(n for n, _, _ in wanted), "nobody is asked about what is decided"


def test_what_is_left_to_ask_is_what_the_journal_lacks(tmp_path: Path) -> None:
    said = [list(script(seed)) for seed in (1, 2)]
    rows = [{"question": f"What is {i}?", "rationale": "So."} for i in range(N)]
    build_panel(tmp_path / "p", rows, ([text for text, _ in of] for of in said), limit=BATCH + 40)
    journal = tmp_path / "p" / "build" / "journal.sqlite"
    teachers = tuple(f"scripted:{tmp_path / 'p' / name}.jsonl" for name in "ab")
    options = BuildOptions(
        source=str(tmp_path / "p" / "t.jsonl"), teacher=teachers, journal=journal
    )
    assert dry_run(options, tmp_path / "out").n_requests == 2 * (N - BATCH - 40)
    build(options, tmp_path / "out")
    assert dry_run(options, tmp_path / "out").n_requests == 0
    with closing(sqlite3.connect(journal)) as stored:
        assert stored.execute("SELECT count(*) FROM attempts").fetchone()[0] == 2 * N

"""A stored reply is the one that was paid for, or it is not used."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from pathlib import Path

import pytest
from pydantic import ValidationError

from lorid_data.asking.journal import open_journal, replied, replies_about, replies_in
from lorid_data.errors import LoridError
from lorid_data.schema import TeacherReply

N = 40


def reply(i: int) -> TeacherReply:
    return TeacherReply(
        problem_id=f"p{i}", request_key=f"k{i}", prompt_id="t", prompt_sha256="s", teacher="openai", model_asked="m", model_answered="m-1",
        text='{"output": ["' + f"Rule {i}: é ½ \x00 " * 20 + '"]}', finish_reason="stop", n_input_tokens=2**70 if i == 3 else i, n_output_tokens=7, cost_usd=0.1 * i,
    )  # fmt: skip


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "journal.sqlite"

    async def store() -> None:
        with open_journal(path) as opened:
            for i in range(N):
                await opened.append(replied(reply(i)))

    asyncio.run(store())
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path


def read(path: Path) -> dict[str, TeacherReply]:
    return replies_in(path, [f"k{i}" for i in range(N)])


def test_replies_come_back_as_they_were(journal: Path) -> None:
    assert read(journal) == {f"k{i}": reply(i) for i in range(N)}
    assert replies_about(journal, ["p1"], model="m", prompt_sha256="s") == {"p1": reply(1)}


def test_a_journal_from_before_there_were_hashes_is_read(journal: Path) -> None:
    with sqlite3.connect(journal) as connection:
        connection.execute("UPDATE attempts SET row_sha256 = NULL")
    connection.close()
    assert len(read(journal)) == N


@pytest.mark.parametrize("change", ["text = replace(text, 'Rule', 'Fool')", "cost_usd = 0.0", "model_answered = 'x'", "finish_reason = 'length'"])  # fmt: skip
def test_an_edited_reply_is_not_used(journal: Path, change: str) -> None:
    with sqlite3.connect(journal) as connection:
        connection.execute(f"UPDATE attempts SET {change} WHERE request_key = 'k5'")
    connection.close()
    with pytest.raises(LoridError, match="'k5' has changed since it was stored"):
        read(journal)


def test_flipped_bits_change_no_reply(journal: Path, n_flips: int) -> None:
    whole, before = journal.read_bytes(), read(journal)
    rng, missed = random.Random(5), []
    for i in range(n_flips * 4):
        data = bytearray(whole)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        journal.write_bytes(data)
        try:
            after = read(journal)
        except (LoridError, sqlite3.Error, ValidationError):
            continue
        missed += [i for key, found in after.items() if found.text != before[key].text]
    assert missed == []

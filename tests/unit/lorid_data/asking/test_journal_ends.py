"""What a journal cannot store as it is, and a writer that dies: nobody waits for ever."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lorid_data.asking import journal as journal_module
from lorid_data.asking.journal import Journal, failed, open_journal, replied
from lorid_data.asking.online import ask_all
from lorid_data.commandline.progress import Progress
from lorid_data.errors import StageError
from lorid_data.schema import TeacherReply, storable
from lorid_data.teachers.base import Message, TeacherRequest, make_reply


def request(i: int = 0) -> TeacherRequest:
    return TeacherRequest(problem_id=f"p{i}", prompt_id="i", prompt_sha256="s", teacher="scripted", model="m", messages=(Message(role="user", content=f"q{i}"),))  # fmt: skip


def soon(awaitable: Any) -> Any:
    """The result, within 5 s."""

    async def run() -> Any:
        return await asyncio.wait_for(awaitable(), 5)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", "half \ud83d of it"),
        ("text", "nul \0 tab \t \u2028 \ufeff"),
        ("model_answered", "m\udfff"),
        ("finish_reason", "\ud800"),
        ("rung", "\udc00\ud800"),
        ("n_output_tokens", 10**20),
        ("n_input_tokens", -(10**40)),
        ("n_cached_tokens", 2**63),
    ],
)
def test_what_sqlite_does_not_take_is_stored_all_the_same(
    tmp_path: Path, field: str, value: Any
) -> None:
    reply = make_reply(request(), "text").model_copy(update={field: value})
    with open_journal(tmp_path / "j.sqlite") as journal:
        soon(lambda: journal.append(replied(reply)))
        [back] = journal.replies([reply.request_key]).values()
    assert getattr(back, field) == (storable(value) if isinstance(value, str) else value)


def test_an_error_text_that_is_no_text_is_stored(tmp_path: Path) -> None:
    with open_journal(tmp_path / "j.sqlite") as journal:
        soon(lambda: journal.append(failed("attempt_failed", "it said \ud83d", {"model_asked": "\udc00"})))  # fmt: skip
    with closing(sqlite3.connect(tmp_path / "j.sqlite")) as c:
        assert c.execute("SELECT detail, model_asked FROM attempts").fetchall() == [("it said \\ud83d", "\\udc00")]  # fmt: skip


@given(st.text(st.characters(codec=None), max_size=30))
def test_every_text_becomes_one_that_can_be_written_and_reads_the_same(text: str) -> None:
    once = storable(text)
    once.encode("utf-8")
    assert storable(once) == once
    if text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text):
        assert once == text


def test_halves_that_came_apart_are_one_character_again() -> None:
    assert storable("a\ud83d" + "\ude00b") == "a😀b"
    assert storable("\\\ud83d") == "\\\\\\ud83d", "the escape's backslash is no escaped one"


def test_a_writer_that_dies_ends_who_waits_and_who_comes_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(self: Journal, group: list[Any]) -> None:
        raise SystemExit("no luck")

    monkeypatch.setattr(journal_module.Journal, "_commit", dies)

    async def many() -> list[Any]:
        waiting = [journal.append(replied(make_reply(request(i), "t"))) for i in range(200)]
        return await asyncio.gather(*waiting, return_exceptions=True)

    with open_journal(tmp_path / "j.sqlite") as journal:
        ends = soon(many)
        with pytest.raises(StageError, match="no longer be stored"):
            soon(lambda: journal.append(replied(make_reply(request(), "t"))))
    assert {type(e) for e in ends} == {StageError}
    assert "no luck" in str(ends[0])


def test_one_entry_that_cannot_be_stored_does_not_take_its_group_along(tmp_path: Path) -> None:
    bad = replied(make_reply(request(), "t").model_copy(update={"rung": object()}))

    async def both() -> list[Any]:
        good = [replied(make_reply(request(i), "t")) for i in range(1, 20)]
        return await asyncio.gather(*map(journal.append, [bad, *good]), return_exceptions=True)

    with open_journal(tmp_path / "j.sqlite") as journal:
        ends = soon(both)
        assert [e is None for e in ends] == [False, *[True] * 19]
        assert journal.n_attempts() == 19


def test_a_dead_writer_ends_the_run_though_replies_are_in_flight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow:
        """Answers the first request at once, and the others never."""

        kind, model = "scripted", "m"

        async def ask(self, request: TeacherRequest) -> TeacherReply:
            if request.problem_id != "p0":
                await asyncio.sleep(3600)
            return make_reply(request, "t")

    def dies(self: Journal, group: list[Any]) -> None:
        raise MemoryError

    monkeypatch.setattr(journal_module.Journal, "_commit", dies)
    requests = [(r.key, r) for r in map(request, range(8))]

    async def in_time() -> None:
        run = asyncio.to_thread(ask_all, requests, Slow(), journal, 8, Progress("t", 8))
        await asyncio.wait_for(run, 5)

    with open_journal(tmp_path / "j.sqlite") as journal, pytest.raises(StageError, match="MemoryError"):  # fmt: skip
        asyncio.run(in_time())

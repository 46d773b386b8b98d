"""The journal: nothing acknowledged is lost, the first reply counts, foreign files are refused."""

import asyncio
import fcntl
import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from lorid_data.asking import journal as journal_module
from lorid_data.asking.journal import check_journal, failed, filesystem_of, open_journal, replied
from lorid_data.errors import ConfigError, LockedError
from lorid_data.schema import TeacherReply


def reply(key: str, text: str = "t", **more: Any) -> TeacherReply:
    return TeacherReply(
        problem_id=f"p-{key}",
        request_key=key,
        prompt_id="teacher/knowledge.v1",
        prompt_sha256="a",
        teacher="scripted",
        model_asked="m",
        model_answered="m",
        text=text,
        finish_reason="stop",
        **more,
    )


def test_what_was_acknowledged_is_read_back_as_it_was(tmp_path: Path) -> None:
    full = reply("a", 'raw "\n\u2028é', n_input_tokens=3, cost_usd=0.25, latency_s=1.5)
    with open_journal(tmp_path / "j.sqlite") as journal:
        asyncio.run(journal.append(replied(full)))
        assert journal.replies(["a", "b"]) == {"a": full}
    with open_journal(tmp_path / "j.sqlite") as journal:
        assert journal.replies(["a"]) == {"a": full}
        assert journal.replies([]) == {}


def test_an_acknowledged_reply_is_committed(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"

    async def go() -> None:
        await journal.append(replied(reply("a")))
        # Another connection sees only what is committed.
        with sqlite3.connect(path) as other:
            assert other.execute("SELECT request_key FROM replies").fetchall() == [("a",)]

    with open_journal(path) as journal:
        asyncio.run(go())


def test_the_first_reply_counts_and_every_attempt_stays(tmp_path: Path) -> None:
    async def go() -> None:
        await journal.append(
            failed("teacher_failed", "overloaded", {"request_key": "a", "teacher": "s"})
        )
        await journal.append(replied(reply("a", "first")))
        await journal.append(replied(reply("a", "late")))

    with open_journal(tmp_path / "j.sqlite") as journal:
        asyncio.run(go())
        assert journal.replies(["a"])["a"].text == "first"
        assert journal.n_attempts() == 3


def test_appends_in_flight_together_are_committed_in_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    commit = journal_module.Journal._commit

    def counted(self: Any, group: list[Any]) -> None:
        sizes.append(len(group))
        commit(self, group)

    monkeypatch.setattr(journal_module.Journal, "_commit", counted)

    async def go() -> None:
        await asyncio.gather(*(journal.append(replied(reply(str(i)))) for i in range(1000)))

    with open_journal(tmp_path / "j.sqlite") as journal:
        asyncio.run(go())
        assert len(journal.replies(str(i) for i in range(1000))) == 1000
    assert sum(sizes) == 1000
    assert max(sizes) == 64


def test_a_reply_that_could_not_be_stored_is_not_acknowledged(tmp_path: Path) -> None:
    async def go() -> None:
        await journal.append(replied(reply("a")))
        journal._connection.execute("PRAGMA max_page_count = 1")  # as a full disk
        with pytest.raises(sqlite3.OperationalError, match="full"):
            await journal.append(replied(reply("b", "x" * 100_000)))

    with open_journal(tmp_path / "j.sqlite") as journal:
        asyncio.run(go())
        assert set(journal.replies(["a", "b"])) == {"a"}


def test_a_cancelled_append_is_stored_all_the_same(tmp_path: Path) -> None:
    async def go() -> None:
        task = asyncio.create_task(journal.append(replied(reply("a"))))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with open_journal(tmp_path / "j.sqlite") as journal:
        asyncio.run(go())
    with open_journal(tmp_path / "j.sqlite") as journal:
        assert set(journal.replies(["a"])) == {"a"}


@pytest.mark.parametrize(
    ("filesystem", "mode"), [("ext4", "wal"), ("nfs4", "delete"), ("9p", "delete")]
)
def test_wal_is_not_used_on_network_file_systems(
    tmp_path: Path, filesystem: str, mode: str
) -> None:
    path = tmp_path / "j.sqlite"
    with open_journal(path, filesystem=filesystem) as journal:
        asyncio.run(journal.append(replied(reply("a"))))
        with sqlite3.connect(path) as other:
            assert other.execute("PRAGMA journal_mode").fetchone() == (mode,)


def test_the_file_system_is_that_of_the_innermost_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = (
        "22 1 8:1 / / rw - ext4 /dev/a rw\n"
        f"23 22 0:5 / {tmp_path} rw shared:1 - nfs4 host:/x rw\n"
        f"24 22 0:6 / {tmp_path}-other rw - tmpfs none rw\n"
    )
    read = Path.read_text

    def fake(self: Path, **options: Any) -> str:
        return table if str(self) == "/proc/self/mountinfo" else read(self, **options)

    monkeypatch.setattr(Path, "read_text", fake)
    folder = tmp_path / "in"
    folder.mkdir()
    assert filesystem_of(folder) == "nfs4"
    assert filesystem_of(tmp_path.parent) == "ext4"


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with (tmp_path / ".j.sqlite.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(LockedError, match="another process writes"), open_journal(path):
            pass
    with open_journal(path) as journal:
        assert journal.n_attempts() == 0


def foreign_text(path: Path) -> None:
    path.write_text("this is no database, and it is long enough to be looked at as one\n" * 20)


def foreign_database(path: Path) -> None:
    with sqlite3.connect(path) as c:
        c.execute("CREATE TABLE t (x)")
    c.close()


def other_version(path: Path) -> None:
    with open_journal(path):
        pass
    with sqlite3.connect(path) as c:
        c.execute("PRAGMA user_version = 99")
    c.close()


@pytest.mark.parametrize("make", [foreign_text, foreign_database, other_version])
@pytest.mark.parametrize("check", [True, False])
def test_what_is_no_journal_of_this_version_is_refused_and_untouched(
    tmp_path: Path, make: Any, check: bool
) -> None:
    path = tmp_path / "j.sqlite"
    make(path)
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="--journal"), ExitStack() as stack:
        check_journal(path) if check else stack.enter_context(open_journal(path))
    assert path.read_bytes() == before


def test_a_journal_in_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        check_journal(tmp_path / "absent" / "j.sqlite")
    check_journal(tmp_path / "new.sqlite")
    assert not (tmp_path / "new.sqlite").exists()


def test_a_journal_of_an_earlier_release_gets_the_columns_that_came_later(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with open_journal(path) as journal:
        asyncio.run(journal.append(replied(reply("a"))))
    with closing(sqlite3.connect(path)) as c, c:
        for column in ("rung", "n_attempts"):
            c.execute(f"ALTER TABLE attempts DROP COLUMN {column}")
    with open_journal(path) as journal:
        asyncio.run(journal.append(replied(reply("b", rung="tool", n_attempts=2))))
        assert journal.replies(["a", "b"]) == {
            "a": reply("a"),
            "b": reply("b", rung="tool", n_attempts=2),
        }


def test_what_was_spent_counts_failed_attempts_and_only_what_is_asked_for(tmp_path: Path) -> None:
    async def go() -> None:
        await journal.append(failed("attempt_failed", "late", {"request_key": "a", "cost_usd": 1}))
        await journal.append(replied(reply("a", cost_usd=2.0)))
        await journal.append(replied(reply("b", cost_usd=4.0)))
        await journal.append(replied(reply("c")))

    with open_journal(tmp_path / "j.sqlite") as journal:
        asyncio.run(go())
        assert journal.spent_usd(["a", "c"]) == 3
        assert journal.spent_usd(["b"]) == 4
        assert journal.spent_usd([]) == 0

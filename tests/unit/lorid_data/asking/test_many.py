"""Asking about more rows than are held."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from lorid_data.asking.journal import Journal, open_journal, replied, replies_in
from lorid_data.asking.many import How, Many, unanswered
from lorid_data.errors import StageError, TeacherError
from lorid_data.schema import RejectReason, TeacherReply
from lorid_data.teachers.base import Message, TeacherRequest, Unasked, longer, make_reply

SIZE = 7


class Teacher:
    """Answers with the text of the question; some it cuts off, some it refuses."""

    kind, model = "told", "m"

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self.in_flight = self.most_in_flight = 0

    async def ask(self, request: TeacherRequest) -> TeacherReply:
        text = request.messages[0].content
        most = request.sampling["max_tokens"]
        self.asked.append((text, most))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        await asyncio.sleep(0)
        self.in_flight -= 1
        if text.startswith("bad") or (text.startswith("no longer") and most > 10):
            raise TeacherError(RejectReason.TEACHER_FAILED, f"no: {text}", is_refusal=True)
        is_cut = text.startswith(("cut", "no longer")) and (most == 10 or "always" in text)
        return make_reply(request, text, finish_reason="length" if is_cut else "stop")


def request(text: str) -> TeacherRequest:
    return TeacherRequest(problem_id="p", prompt_id="i", prompt_sha256="s", teacher="told", model="m",
                          messages=(Message(role="user", content=text),), sampling={"max_tokens": 10})  # fmt: skip


TEXTS = [
    *(f"q{i % 30}" for i in range(40)), "", "bad 1", "cut 1", "cut always", "no longer", "bad 1", "",
]  # fmt: skip


def batches() -> Iterator[list[TeacherRequest | None]]:
    for i in range(0, len(TEXTS), SIZE):
        yield [request(t) if t else None for t in TEXTS[i : i + SIZE]]


def told(many: Many) -> list[str]:
    def shown(x: TeacherReply | TeacherError | Unasked) -> str:
        return "nobody" if isinstance(x, Unasked) else str(x) if isinstance(x, TeacherError) else f"{x.text} {x.finish_reason}"  # fmt: skip

    return [shown(x) for b in batches() for x in many.answers(b)]


EXPECTED = [
    *(f"q{i % 30} stop" for i in range(40)), "nobody", "no: bad 1", "cut 1 stop", "cut always length",
    "no longer length", "no: bad 1", "nobody",
]  # fmt: skip


def run(journal: Journal, teacher: Teacher) -> list[str]:
    many = Many(batches, teacher, journal)
    many.everything(How("test", concurrency=3))
    return told(many)


def test_each_question_is_asked_once_and_every_row_has_its_answer(tmp_path: Path) -> None:
    teacher = Teacher()
    with open_journal(tmp_path / "j.sqlite") as journal:
        assert run(journal, teacher) == EXPECTED
        assert sorted(t for t, most in teacher.asked if most == 10) == sorted(
            {t for t in TEXTS if t}
        )
        assert {t for t, most in teacher.asked if most > 10} == {"cut 1", "cut always", "no longer"}
        assert teacher.most_in_flight <= 3
        again = Teacher()
        assert run(journal, again) == EXPECTED
        # What failed, or wants a longer reply that failed, is asked again; nothing else.
        assert {t for t, _ in again.asked} == {"bad 1", "no longer"}
        assert (tmp_path / "j.sqlite").stat().st_size > 0
    left = [r.messages[0].content for r in unanswered(batches, tmp_path / "j.sqlite")]
    assert sorted(left) == ["bad 1", "no longer"]


def test_a_reply_that_is_gone_is_not_passed_over(tmp_path: Path) -> None:
    with open_journal(tmp_path / "j.sqlite") as journal:
        many = Many(batches, Teacher(), journal)
        many.everything(How("test"))
        journal._connection.execute("DELETE FROM attempts WHERE text = 'q3'")
        journal._connection.commit()
        with pytest.raises(StageError, match="is gone"):
            told(many)


@pytest.mark.parametrize("n", [3, 1500])
def test_replies_are_found_by_key_as_by_going_through_all(tmp_path: Path, n: int) -> None:
    path = tmp_path / "j.sqlite"
    some = [request(f"q{i}") for i in range(n)]

    async def store(journal: Journal) -> None:
        twice = [make_reply(r, f"{k} {i}") for k in ("first", "second") for i, r in enumerate(some)]
        await asyncio.gather(*(journal.append(replied(x)) for x in twice))

    with open_journal(path) as journal:
        asyncio.run(store(journal))
        assert journal.spent_usd(r.key for r in some) == 0
        assert not journal.has_costs()
    found = replies_in(path, [r.key for r in some] + ["0" * 64])
    assert {k: x.text for k, x in found.items()} == {
        r.key: f"first {i}" for i, r in enumerate(some)
    }
    assert longer(some[0]) is not None

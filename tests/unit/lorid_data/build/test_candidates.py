"""Votes of several replies: who wins, when nothing more is asked, what is kept beside."""

from __future__ import annotations

import json

import pytest

from lorid_data.build.candidates import ParsedReply, Vote, count, first_usable, parse_reply
from lorid_data.errors import TeacherError
from lorid_data.schema import RejectReason, TeacherReply
from lorid_data.teachers.base import TeacherRequest, make_reply

REQUEST = TeacherRequest(problem_id="p", prompt_id="i", prompt_sha256="s", teacher="server", model="m", messages=())  # fmt: skip
GOOD = ParsedReply("", "", ("rule",), "so", "7", agrees=True)
BAD = ParsedReply("", "", ("other",), "thus", "8", agrees=False)
BROKEN = ParsedReply("reply_not_json", "x")


def reply(body: object, finish: str = "stop") -> TeacherReply:
    return make_reply(REQUEST, json.dumps(body), finish_reason=finish)


def same(a: str, b: str) -> bool:
    return a == b


@pytest.mark.parametrize(
    ("n_agree", "n_heard", "n_most", "decided", "won"),
    [
        (0, 0, 1, False, False),
        (1, 1, 1, True, True),
        (0, 1, 1, True, False),
        (1, 1, 3, False, False),
        (2, 2, 3, True, True),
        (0, 1, 3, False, False),
        (0, 2, 3, True, False),
        (1, 2, 2, True, False),  # half is not more than half
        (2, 3, 5, False, False),
        (3, 3, 5, True, True),
        (2, 5, 5, True, False),
    ],
)
def test_a_vote_is_decided_once_no_reply_can_change_it(
    n_agree: int, n_heard: int, n_most: int, decided: bool, won: bool
) -> None:
    vote = Vote(n_agree, n_heard, n_heard, n_most)
    assert (vote.is_decided, vote.won) == (decided, won)


def test_a_reply_that_cannot_be_read_has_no_vote_but_uses_its_turn() -> None:
    vote = count([BROKEN, GOOD], 3)
    assert (vote.n_agree, vote.n_votes, vote.n_heard, vote.agreement) == (1, 1, 2, 1.0)
    assert count([BROKEN, BROKEN], 3).is_decided
    assert count([BROKEN], 3).agreement is None


def test_the_first_that_agrees_is_taken_if_the_vote_is_won() -> None:
    reads = [BAD, BROKEN, GOOD, GOOD, GOOD]
    assert first_usable(reads, count(reads, 5)) == 2
    lost = first_usable(reads[:3], count(reads[:3], 5))
    assert isinstance(lost, TeacherError)
    assert lost.reason == RejectReason.VOTE_LOST
    assert "1 of 5" in str(lost)
    assert "'8'" in str(lost)


def test_without_a_vote_the_first_usable_reply_is_taken() -> None:
    assert first_usable([BROKEN, BAD], None) == 1
    none = first_usable([BROKEN, ParsedReply("teacher_failed", "later")], None)
    assert isinstance(none, TeacherError)
    assert none.reason == "teacher_failed", "a row that may pass later must be asked again"


def test_a_rewritten_reply_needs_rules_rationale_and_answer() -> None:
    whole = {"output": ["r"], "rationale": "so 7", "answer": "7"}
    assert parse_reply(reply(whole), "7", same) == ParsedReply(
        "", "", ("r",), "so 7", "7", agrees=True
    )
    assert parse_reply(reply({**whole, "answer": "9"}), "7", same).agrees is False
    for broken in ({"rationale": " "}, {"answer": None}, {"answer": 7}, {"rationale": "\ud800"}):
        got = parse_reply(reply({**whole, **broken}), "7", same)
        assert (got.reason, got.agrees) == ("reply_wrong_shape", None)
    assert parse_reply(reply(whole, "length"), "7", same).reason == "reply_truncated"
    assert parse_reply(reply({"output": ["r"]}), None, same) == ParsedReply("", "", ("r",))
    assert parse_reply(TeacherError("teacher_failed", "x"), "7", same).reason == "teacher_failed"

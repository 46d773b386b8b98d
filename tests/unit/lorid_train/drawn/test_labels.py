"""What a question's draws say its answer is, by each rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from lorid_train.drawn.labels import (
    Label,
    Rule,
    labelled,
    labels_of,
    read_labels,
    write_labels,
)
from lorid_train.interaction.draws import Draw

PID = "p" * 64


def draw(role: str, n: int, answer: str | None, *, seed: int = 0, text: str | None = None) -> Draw:
    written = text if text is not None else "I count." if answer is None else f"So.\n--> {answer} END"  # fmt: skip
    return Draw(
        problem_id=PID, role=role, condition="sampled", seed=seed, round=n, text=written,
        finish_reason="stop", n_prompt_tokens=9, n_tokens=5, prompt_sha256="0" * 64,
    )  # fmt: skip


def rounds(ir: str, dr: str) -> list[Draw]:
    """One letter a round; `.` states no answer."""
    value = {".": None}
    return [
        draw(role, n, value.get(c, str(ord(c))))
        for role, said in (("ir", ir), ("dr", dr))
        for n, c in enumerate(said, 1)
    ]


def kept(found: object) -> str:
    return " ".join(f"{d.role}{d.round}" for d in found.kept)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("rule", "ir", "dr", "label", "chosen"),
    [
        ("consensus", "abca", "bbca", "b", "ir2"),
        ("consensus", "abba", "bcba", "b", "ir3"),
        ("consensus", "abc", "cab", None, ""),
        ("consensus", "a..a", ".b.b", None, ""),
        ("majority", "aab", "aba", "a", "ir1 ir2"),
        ("majority", "aab", "abb", None, ""),
        ("majority", "aa", "b.", None, ""),
        ("ir-majority", "aab", "bbb", "a", "ir1 ir2"),
        ("ir-majority", "ab", "aa", None, ""),
        ("ir-majority", "a..", "aaa", None, ""),
    ],
)
def test_each_rule(rule: Rule, ir: str, dr: str, label: str | None, chosen: str) -> None:
    found = labelled(rounds(ir, dr), rule, ("ir",))
    assert found.label == (None if label is None else str(ord(label)))
    assert kept(found) == chosen


def test_a_consensus_keeps_the_rounds_in_which_both_say_it_and_no_other() -> None:
    found = labelled(rounds("aaba", "aabb"), "consensus", ("ir", "dr"))
    assert kept(found) == "ir1 dr1 ir2 dr2"
    assert [f"{d.role}{d.round}" for d in found.others] == ["ir3", "dr3", "dr4"]
    assert (found.n_votes, found.n_voters, found.n_rounds) == (5, 8, 4)
    assert found.agreement == 5 / 8


def test_gold_alone_is_asked_what_is_right() -> None:
    found = labelled(rounds("ab.", "bbb"), "gold", ("ir",), is_right=lambda a: a == "98")
    assert (found.label, kept(found), [d.round for d in found.others]) == ("98", "ir2", [1])
    assert labelled(rounds("aa", "bb"), "gold", ("ir",), is_right=lambda a: a == "98").label is None


def test_the_control_keeps_everything_that_states_an_answer() -> None:
    found = labelled(rounds("ab.", "b.a"), "none", ("ir", "dr"))
    assert (found.label, kept(found), found.others) == (None, "ir1 dr1 ir2 dr3", ())


def test_rounds_of_all_seeds_count_in_their_order() -> None:
    draws = [draw("ir", 1, "7", seed=1), draw("dr", 1, "7", seed=1), *rounds("a", "b")]
    found = labelled(draws, "consensus", ("ir",))
    assert (found.label, [d.seed for d in found.kept], found.n_rounds) == ("7", [1], 2)


def test_greedy_draws_and_other_roles_are_not_counted() -> None:
    greedy = draw("ir", 1, "1").model_copy(update={"condition": "greedy"})
    knowledge = draw("kg", 1, None, text="Add.")
    found = labelled([greedy, knowledge, draw("ir", 1, "7")], "ir-majority", ("ir",))
    assert (found.label, found.n_voters) == ("7", 1)


def test_equal_answers_are_one_whatever_their_spelling() -> None:
    draws = [draw("ir", 1, "0.5"), draw("ir", 2, "1/2"), draw("ir", 3, "7")]
    assert kept(labelled(draws, "ir-majority", ("ir",))) == "ir1 ir2"


def test_a_signal_is_some_right_and_some_not() -> None:
    signal = {
        said: labels_of(PID, "Q", rounds(said, "aaa"), "majority", ("ir",))[0]
        for said in ("aaa", "aab", "a..", "bcd")
    }
    assert {said: s.has_signal for said, s in signal.items()} == {"aaa": False, "aab": True, "a..": True, "bcd": False}  # fmt: skip
    assert (signal["aab"].n_matching, signal["aab"].n_draws, signal["aab"].agreement) == (2, 3, 5 / 6)  # fmt: skip
    assert signal["bcd"].label is None


def test_labels_survive_their_file(tmp_path: Path) -> None:
    made = labels_of(PID, "Q", rounds("ab", "ab"), "consensus", ("ir", "dr"))
    write_labels(tmp_path, made)
    assert read_labels(tmp_path, "ir") == [made[0]]
    assert isinstance(made[0], Label)

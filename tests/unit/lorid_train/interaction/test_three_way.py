"""Rules in which programs have a say: what they decide, and that nothing is drawn in vain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lorid_data.errors import ConfigError
from lorid_data.schema import Question
from lorid_train.engines.base import GenRequest, Sampling
from lorid_train.engines.scripted import ScriptedEngine
from lorid_train.interaction import three_way, votes_files
from lorid_train.interaction.draws import Decision, Draw, DrawKey, DrawLog, How, Ran, draw_of
from lorid_train.interaction.loop import Asker
from lorid_train.interaction.rules import agree, conclude, decide
from lorid_train.interaction.three_way import ASKED, THREE_WAY, Missing, Said, Votes, play
from lorid_train.interaction.three_way_loop import ThreeWayLoop, looked_at
from lorid_train.interaction.vote_weights import Graded, fit_votes

FALLBACKS = ("none", "ir", "dr", "cg", "majority")
Table = dict[tuple[str, int], Said]


def table(**sides: list[str | None]) -> Table:
    """Answers by round; a program's that ends in `!` does not keep to its question."""
    return {
        (role, r): Said(a and a.removesuffix("!"), not (a or "").endswith("!"))
        for role, said in sides.items()
        for r, a in enumerate(said, 1)
    }


def decided(rule: str, t: Table, rounds: int, fallback: str = "none", **more: Any) -> Decision:
    return play(
        lambda role, r: t.get((role, r)), rule=rule, rounds=rounds, fallback=fallback, agree=agree, **more
    )  # fmt: skip


CASES: list[tuple[str, str, dict[str, list[str | None]], str | None, How, int, str]] = [
    ("cg_alone", "none", {"cg": [None, "3"]}, "3", How.CONSENSUS, 2, "cg1 cg2"),
    ("cg_alone", "ir", {"cg": [None, None], "ir": ["1", None]}, "1", How.FALLBACK, 2, "cg1 cg2 ir2 ir1"),
    ("cg_repeat", "none", {"cg": ["3", None, "3.0"]}, "3", How.CONSENSUS, 3, "cg1 cg2 cg3"),
    ("cg_must_agree", "none", {"cg": ["3"], "ir": ["3"]}, "3", How.CONSENSUS, 1, "cg1 ir1"),
    ("cg_must_agree", "none", {"cg": ["3"], "ir": ["4"], "dr": ["3"]}, "3", How.CONSENSUS, 1, "cg1 ir1 dr1"),
    ("cg_must_agree", "none", {"cg": [None, "3"], "ir": ["5", "3"]}, "3", How.CONSENSUS, 2, "cg1 cg2 ir2"),
    # IR and DR agree, and it does not matter
    ("cg_must_agree", "none", {"cg": ["9"], "ir": ["5"], "dr": ["5"]}, None, How.NONE, 1, "cg1 ir1 dr1"),
    ("any_two", "none", {"cg": ["3"], "ir": ["3"]}, "3", How.CONSENSUS, 1, "cg1 ir1"),
    ("any_two", "none", {"cg": ["9"], "ir": ["5"], "dr": ["5"]}, "5", How.CONSENSUS, 1, "cg1 ir1 dr1"),
    ("any_two", "none", {"cg": [None, "3"], "ir": [None, "3"]}, "3", How.CONSENSUS, 2, "cg1 ir1 cg2 ir2"),
    ("any_two", "cg", {"cg": ["9", None], "ir": ["5", "6"], "dr": ["4", "7"]}, "9", How.FALLBACK, 2,
     "cg1 ir1 dr1 cg2 ir2 dr2"),
    ("any_two", "majority", {"cg": ["9", "4"], "ir": ["5", "6"], "dr": ["4", "7"]}, "4", How.FALLBACK, 2,
     "cg1 ir1 dr1 cg2 ir2 dr2"),
    ("cg_votes", "none", {"cg": ["3"], "ir": ["3"]}, "3", How.CONSENSUS, 1, "cg1 ir1"),
    # half a vote for a program that does not keep to its question: a third voter has to come
    ("cg_votes", "none", {"cg": ["3!"], "ir": ["3"], "dr": ["3"]}, "3", How.CONSENSUS, 1, "cg1 ir1 dr1"),
    ("cg_votes", "ir", {"cg": ["3!"], "ir": ["4"], "dr": [None]}, "4", How.FALLBACK, 1, "cg1 ir1 dr1"),
    ("cg_votes", "none", {"cg": ["3!"], "ir": ["4"], "dr": [None]}, None, How.NONE, 1, "cg1 ir1 dr1"),
    ("same_round", "cg", {"ir": ["1"], "dr": ["1"]}, "1", How.CONSENSUS, 1, "ir1 dr1"),
    ("same_round", "cg", {"ir": ["1"], "dr": ["2"], "cg": ["8"]}, "8", How.FALLBACK, 1, "ir1 dr1 cg1"),
    ("cumulative", "cg", {"ir": ["1", "3"], "dr": ["2", "1"]}, "1", How.CONSENSUS, 2, "ir1 dr1 ir2 dr2"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "fallback", "sides", "answer", "how", "r", "read"), CASES)
def test_what_a_rule_decides_and_looks_at(
    rule: str, fallback: str, sides: dict[str, list[str | None]], answer: str | None, how: How, r: int, read: str
) -> None:  # fmt: skip
    found = decided(rule, table(**sides), r, fallback)
    assert (found.answer, found.how, found.round) == (answer, how, r)
    assert " ".join(f"{role}{n}" for role, n in found.read or ()) == read


answers = st.sampled_from([None, "1", "2", "3", "1!", "2!"])
tables = st.integers(1, 4).flatmap(
    lambda t: st.fixed_dictionaries(
        {role: st.lists(answers, min_size=t, max_size=t) for role in ("ir", "dr", "cg")}
    ).map(lambda sides: (t, sides))
)
weights = st.sampled_from([Votes(), Votes(2.5, 1.0, 3.0, 0.0, 3.0), Votes(0.0, 0.0, 1.0, 0.3, 1.5)])


def lazily(rule: str, full: Table, rounds: int, fallback: str, votes: Votes) -> tuple[Decision, Table]:  # fmt: skip
    """The decision with nothing drawn that was not asked for, and what was drawn."""
    drawn: Table = {}
    for _ in range(len(full) + 1):
        try:
            return decided(rule, drawn, rounds, fallback, votes=votes), drawn
        except Missing as m:
            drawn[m.role, m.number] = full[m.role, m.number]
    raise AssertionError("asked for more than there is")


@settings(max_examples=300)
@given(tables, st.sampled_from(sorted(ASKED)), st.sampled_from(FALLBACKS), weights, st.data())
def test_lazy_drawing_decides_as_the_whole_table_does(
    drawn: tuple[int, dict[str, list[str | None]]], rule: str, fallback: str, votes: Votes, data: st.DataObject
) -> None:  # fmt: skip
    rounds, sides = drawn
    full = table(**sides)
    whole = decided(rule, full, rounds, fallback, votes=votes)
    lazy, made = lazily(rule, full, rounds, fallback, votes)
    assert lazy == whole
    assert set(made) == set(whole.read or ())
    # What was not drawn may be anything.
    other = {k: v if k in made else Said(data.draw(answers)) for k, v in full.items()}
    assert decided(rule, other, rounds, fallback, votes=votes) == whole


@settings(max_examples=200)
@given(
    tables,
    st.sampled_from(("same_round", "cumulative")),
    st.sampled_from(("none", "ir", "dr", "majority")),
)
def test_the_rules_of_two_are_the_same_here(
    drawn: tuple[int, dict[str, list[str | None]]], rule: Any, fallback: Any
) -> None:  # fmt: skip
    rounds, sides = drawn
    draws = [draw(role, r, a) for role in ("ir", "dr") for r, a in enumerate(sides[role], 1)]
    old = decide(draws, rule=rule, rounds=rounds, fallback=fallback)
    new = decided(rule, table(**{k: sides[k] for k in ("ir", "dr")}), rounds, fallback)
    assert (old.answer, old.how) == (new.answer, new.how)


def draw(role: str, r: int, answer: str | None) -> Draw:
    is_program = role == "cg"
    plain = answer and answer.removesuffix("!")
    ran = Ran(
        status="ok" if answer else "error", answer=plain, is_grounded=not (answer or "").endswith("!"), sandbox="s 1",
    )  # fmt: skip
    return Draw(
        problem_id="p", role=role, condition="sampled", seed=0, round=r,
        text=f"answer = {plain}" if is_program else f"so\n--> {plain} END" if answer else "no idea",
        finish_reason="stop", n_prompt_tokens=3, n_tokens=4, prompt_sha256="x",
        executed=ran if is_program else None,
    )  # fmt: skip


@settings(max_examples=100)
@given(tables, st.sampled_from(THREE_WAY), st.sampled_from(FALLBACKS))
def test_draws_give_what_their_table_gives(
    drawn: tuple[int, dict[str, list[str | None]]], rule: Any, fallback: Any
) -> None:
    rounds, sides = drawn
    draws = [draw(role, r, a) for role, said in sides.items() for r, a in enumerate(said, 1)]
    whole = decided(rule, table(**sides), rounds, fallback)
    assert decide(draws, rule=rule, rounds=rounds, fallback=fallback) == whole
    assert conclude(draws, rule=rule, rounds=rounds, fallback=fallback) == whole
    if whole.read:
        role, r = whole.read[0]
        some = [d for d in draws if (d.role, d.round) != (role, r)]
        assert conclude(some, rule=rule, rounds=rounds, fallback=fallback) is None


def test_what_a_program_gave_travels_with_its_draw_and_others_have_no_such_field(
    tmp_path: Path,
) -> None:
    log = DrawLog(tmp_path / "draws.jsonl")
    log.append(draw("cg", 1, "3!"))
    log.append(draw("ir", 1, "4"))
    log.close()
    program, plain = (tmp_path / "draws.jsonl").read_bytes().splitlines(keepends=True)
    assert draw_of(program, "here") == draw("cg", 1, "3!")
    assert b"executed" not in plain


def test_a_program_that_was_never_run_has_no_answer_though_its_text_states_one() -> None:
    bare = draw("cg", 1, "3").model_copy(update={"executed": None, "text": "--> 3 END"})
    assert bare.answer(lambda _: "3") is None


SCRIPT = {
    ("cg", 1): None, ("cg", 2): "7", ("ir", 2): "7", ("dr", 1): "1", ("ir", 1): "2",
}  # fmt: skip


def loop(log: DrawLog, rule: str, fallback: str = "ir", batch_size: int = 8) -> ScriptedEngine:
    """The draws of a rule on a scripted engine; programs are run by a function of the test."""

    def script(request: GenRequest) -> str:
        assert isinstance(request.key, DrawKey)
        answer = SCRIPT.get((request.key.role, request.key.round), "9")
        return f"--> {answer} END"

    def run(program: str, question: str) -> Ran:
        assert question == "How many?"
        answer = program.split()[1]
        ok = answer != "None"
        return Ran(status="ok" if ok else "error", answer=answer if ok else None, sandbox="s 1")

    engine = ScriptedEngine(script, batch_size=batch_size)
    asker = Asker(
        engine=engine, log=log, questions={"p": Question("p", "How many?")}, sampling=Sampling(1.0), run=run
    )  # fmt: skip
    loop = ThreeWayLoop(["p"], log, seed=0, rounds=3, rule=rule, fallback=fallback)
    asker.draw(loop)
    assert loop.is_decided
    return engine


@pytest.mark.parametrize(
    ("rule", "drawn"),
    [
        ("cg_alone", "cg1 cg2"),
        ("cg_must_agree", "cg1 cg2 ir2"),
        ("any_two", "cg1 ir1 kg1 dr1 cg2 ir2"),
    ],
)
def test_the_loop_draws_what_can_change_the_decision_and_nothing_else(
    tmp_path: Path, rule: str, drawn: str
) -> None:
    log = DrawLog(tmp_path / "draws.jsonl")
    engine = loop(log, rule)
    asked = [k for r in engine.asked if isinstance(k := r.key, DrawKey)]
    assert " ".join(f"{k.role}{k.round}" for k in asked) == drawn
    assert loop(log, rule).asked == []  # what the log holds is not asked again
    used = looked_at(log.draws(), ["p"], 0, rule=rule, rounds=3, fallback="ir")["p"]
    assert {d.key for d in used} == set(asked)
    log.close()


def test_roles_that_a_rule_may_draw() -> None:
    assert three_way.roles_of("cg_alone", "ir") == ("cg", "ir")
    assert three_way.roles_of("cg_alone", "none") == ("cg",)
    assert three_way.roles_of("any_two", "majority") == ("cg", "ir", "kg", "dr")
    assert three_way.roles_of("same_round", "cg") == ("ir", "kg", "dr", "cg")


def test_weights_are_the_log_odds_of_validation_answers() -> None:
    right = [Graded("ir", is_right=True)] * 8 + [Graded("ir", is_right=False)] * 8
    good = [Graded("cg", is_right=True)] * 18
    bad = [Graded("cg_ungrounded", is_right=False)] * 30
    votes = fit_votes([*right, *good, *bad], p_same_wrong=0.1)
    assert votes.ir == pytest.approx(2.302585)  # p = 1/2: log(1 / 0.1)
    assert votes.cg == pytest.approx(5.247024)  # p = 19/20
    assert votes.cg_ungrounded == 0.0  # never below nothing
    assert votes.dr == 0.0  # nobody has seen DR
    assert fit_votes([], p_same_wrong=0.5) == Votes()


def test_a_file_of_votes_is_read_whole_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "votes.json"
    made = votes_files.DEFAULT.model_copy(update={"cg": 2.5, "questions": ("q",)})
    path.write_text(made.text())
    assert votes_files.load(path) == made
    assert votes_files.load(None).votes == Votes()
    for text in ("{}", '{"schema_version": 2}', made.text().replace("2.5", "NaN"), "[" * 5_000):
        path.write_text(text)
        with pytest.raises(ConfigError, match="name a file that lorid-train fit-votes wrote"):
            votes_files.load(path)

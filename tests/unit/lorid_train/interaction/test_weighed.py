"""The rule that weighs votes: its count, its game, its loop, and its file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lorid_data.errors import ConfigError
from lorid_data.schema import Provenance, Question, Record, problem_id, sha256_text
from lorid_train.engines.base import GenRequest, Sampling
from lorid_train.engines.scripted import ScriptedEngine
from lorid_train.interaction import rule_files
from lorid_train.interaction.draws import Decision, Draw, DrawKey, DrawLog, How
from lorid_train.interaction.loop import Asker
from lorid_train.interaction.rules import conclude, decide, up_to_stop
from lorid_train.interaction.weighed import Game, play, probability
from lorid_train.interaction.weighed_loop import WeighedLoop
from lorid_train.interaction.weigher import FEATURES, State, Tells, Weigher, features, informs


def weigher(threshold: float = 0.9, most_draws: int = 40, **tells: Tells) -> Weigher:
    """Log-odds: −2, 1.5 for IR's vote, 2 for DR's, 1 for each again, 1 for both, −1 for each against."""
    given = {"ir": (1.5, 1.0), "dr": (2.0, 1.0)}
    values = {
        **{f"{r}_said": s for r, (s, _) in given.items()},
        **{f"{r}_again": a for r, (_, a) in given.items()},
        "both_said": 1.0, "ir_against": -1.0, "dr_against": -1.0,
    }  # fmt: skip
    usual = Tells(0.6, 0.1)
    return Weigher(
        -2.0, tuple(values.get(f, 0.0) for f in FEATURES), (0.0, 1.0), threshold, most_draws,
        {(v, k): tells.get(v, usual) for v in ("ir", "dr") for k in ("first", "again", "others")},  # type: ignore[misc]
        {"ir": 0.5, "dr": 0.6}, {"ir": 10.0, "dr": 30.0},
    )  # fmt: skip


def same(a: str, b: str) -> bool:
    return a == b


def game(ir: list[str | None], dr: list[str | None], w: Weigher, rounds: int = 20) -> Game:
    return play(ir, dr, w, rounds=rounds, agree=same)


def test_features_are_those_of_their_names() -> None:
    state = State(((2, 1), (0, 3), (1, 0)), (1, 1))
    found = dict(zip(FEATURES, features(state, 0), strict=True))
    assert found["ir_said"] == found["dr_said"] == found["both_said"] == 1
    assert found["ir_again"] == pytest.approx(0.6931, abs=1e-4)
    assert found["dr_again"] == 0
    assert found["ir_against"] == pytest.approx(0.6931, abs=1e-4)  # one IR vote elsewhere
    assert found["dr_against"] == found["rival"] == pytest.approx(1.3863, abs=1e-4)  # three
    assert found["silent"] == pytest.approx(1.0986, abs=1e-4)


def test_it_stops_when_the_leader_is_likely_enough() -> None:
    found = game(["7", "7", "7", "7"], ["7"], weigher(0.6))
    assert (found.answer, found.is_enough, found.wants) == ("7", True, None)
    assert found.probability is not None
    assert found.probability >= 0.6
    assert found.order == ("ir", "ir", "ir")
    assert not game(["7", "7"], [], weigher(0.6)).is_enough


def test_it_says_what_is_missing() -> None:
    found = game(["7"], [], weigher(0.999))
    assert found.wants == "ir"
    assert (found.n_ir, found.n_dr) == (1, 0)


def test_the_role_that_tells_most_per_token_is_drawn_next() -> None:
    # IR is cheaper: it begins, and goes on where both tell alike.
    assert game(["7"] * 3, ["7"] * 3, weigher(0.9999, 3)).order == ("ir", "ir", "ir")
    # Where IR repeats itself whether it is right or not, DR is worth its price.
    deaf = weigher(0.9999, 3, ir=Tells(0.9, 0.9))
    assert game(["7"] * 3, ["7"] * 3, deaf).order == ("ir", "dr", "dr")
    assert informs(0.5, Tells(0.9, 0.9)) == pytest.approx(0)
    assert informs(0.5, Tells(0.9, 0.1)) > informs(0.5, Tells(0.6, 0.4)) > 0


def test_the_other_role_goes_on_where_one_has_had_its_rounds() -> None:
    found = game(["1", "2"], ["3", "4"], weigher(0.9999), rounds=2)
    assert (found.n_ir, found.n_dr, found.wants) == (2, 2, None)
    assert not found.is_enough


def test_most_draws_ends_a_game() -> None:
    found = game(["1", "2", "3", "4"], ["5", "6"], weigher(0.9999, 2))
    assert found.n_ir + found.n_dr == 2
    assert found.wants is None


def test_draws_without_an_answer_are_draws() -> None:
    found = game([None, None], [None, None], weigher(0.9), rounds=2)
    assert (found.answer, found.probability, found.n_ir, found.n_dr) == (None, None, 2, 2)


answers_ = st.lists(st.sampled_from(["1", "2", "3", None]), min_size=6, max_size=6)


@given(answers_, answers_, st.sampled_from([0.6, 0.8, 0.95]), st.integers(1, 8))
def test_later_draws_change_nothing(
    ir: list[str | None], dr: list[str | None], threshold: float, most: int
) -> None:
    w = weigher(threshold, most)
    whole = game(ir, dr, w, rounds=6)
    assert whole.wants is None
    assert game(ir[: whole.n_ir], dr[: whole.n_dr], w, rounds=6) == whole


@given(answers_, answers_)
def test_names_of_answers_do_not_matter(ir: list[str | None], dr: list[str | None]) -> None:
    other = {"1": "x", "2": "y", "3": "z", None: None}
    a = game(ir, dr, weigher(), rounds=6)
    b = game([other[x] for x in ir], [other[x] for x in dr], weigher(), rounds=6)
    assert (other[a.answer], a.probability, a.order) == (b.answer, b.probability, b.order)


def test_equal_answers_are_counted_together() -> None:
    draws = [draw("ir", 1, "1,080"), draw("dr", 1, "1080"), draw("ir", 2, "1080.0")]
    found = decide(draws, rule="weighed", rounds=2, fallback="ir", weigher=weigher(0.85, 3))
    assert found.answer == "1,080"
    assert found.how == How.CONSENSUS


def draw(role: str, r: int, answer: str | None) -> Draw:
    text = "no idea" if answer is None else f"so\n--> {answer} END"
    return Draw(
        problem_id="p", role=role, condition="sampled", seed=0, round=r, text=text, finish_reason="stop",
        n_prompt_tokens=3, n_tokens=4, prompt_sha256="x",
    )  # fmt: skip


def test_below_the_threshold_the_leader_answers_unless_there_is_no_fallback() -> None:
    draws = [draw("ir", 1, "1"), draw("dr", 1, "2")]
    w = weigher(0.9999)
    found = decide(draws, rule="weighed", rounds=1, fallback="majority", weigher=w)
    assert (found.how, found.round, found.drawn) == (How.FALLBACK, 1, (1, 1))
    assert found.answer in ("1", "2")
    none = decide(draws, rule="weighed", rounds=1, fallback="none", weigher=w)
    assert (none.answer, none.how) == (None, How.NONE)


def test_every_rule_states_a_probability_and_can_withhold() -> None:
    draws = [draw("ir", 1, "1"), draw("dr", 1, "1")]
    for rule in ("same_round", "cumulative", "weighed"):
        found = conclude(draws, rule=rule, rounds=1, fallback="ir", weigher=weigher(0.7))  # type: ignore[arg-type]
        assert found is not None
        assert found.answer == "1"
        assert found.probability is not None
        p = found.probability
        kept = conclude(
            draws, rule=rule, rounds=1, fallback="ir", weigher=weigher(0.7), abstain_below=p  # type: ignore[arg-type]
        )  # fmt: skip
        assert kept == found
        held = conclude(
            draws, rule=rule, rounds=1, fallback="ir", weigher=weigher(0.7), abstain_below=p + 1e-6  # type: ignore[arg-type]
        )  # fmt: skip
        assert held is not None
        assert (held.answer, held.how, held.probability) == (None, How.ABSTAINED, p)


def test_where_a_draw_is_missing_nothing_is_concluded() -> None:
    assert conclude([draw("ir", 1, "1")], rule="weighed", rounds=9, fallback="ir", weigher=weigher(0.99)) is None  # fmt: skip


def test_the_probability_of_an_answer_that_nobody_gave_is_unknown() -> None:
    assert probability(["1"], ["2"], "3", weigher(), agree=same) is None
    assert probability(["1"], ["2"], None, weigher(), agree=same) is None
    p, q = (probability(["1", "1"], ["2"], a, weigher(), agree=same) for a in ("1", "2"))
    assert p is not None
    assert q is not None
    assert p > q


# --- the loop ---------------------------------------------------------------------------------

IDS = [f"p{i}" for i in range(7)]
QUESTIONS = {i: Question(i, f"question {i}") for i in IDS}


def script(request: GenRequest) -> str:
    """The later the question, the more its answers vary; KG says its round, which DR must read."""
    key = request.key
    assert isinstance(key, DrawKey)
    if key.role == "kg":
        return f" rule of round {key.round} "
    if key.role == "dr":
        assert f"Knowledge: rule of round {key.round}\n" in request.prompt
    i = IDS.index(key.problem_id)
    return f"--> {(key.round * (3 if key.role == 'ir' else 5)) % (i + 1)} END"


def drawn(tmp_path: Path, batch_size: int, stop_after: int | None = None) -> DrawLog:
    tmp_path.mkdir(exist_ok=True)
    log = DrawLog(tmp_path / "draws.jsonl")

    def maybe_stop(_: Draw) -> None:
        if stop_after is not None and len(log) >= stop_after:
            raise KeyboardInterrupt

    asker = Asker(ScriptedEngine(script, batch_size=batch_size), log, QUESTIONS, Sampling(0.8), on_draw=maybe_stop)  # fmt: skip
    loop = WeighedLoop(IDS, log, seed=0, rounds=6, weigher=weigher(0.9, 9, ir=Tells(0.6, 0.4)))
    asker.draw(loop)
    assert loop.is_decided
    return log


def decisions(log: DrawLog) -> list[Decision | None]:
    w = weigher(0.9, 9, ir=Tells(0.6, 0.4))
    of = {i: [d for d in log.draws().values() if d.problem_id == i] for i in IDS}
    return [conclude(of[i], rule="weighed", rounds=6, fallback="ir", weigher=w) for i in IDS]


def test_the_loop_draws_what_the_replay_looks_at_and_no_more(tmp_path: Path) -> None:
    log = drawn(tmp_path, 4)
    found = decisions(log)
    assert all(d is not None for d in found)
    assert len({d.round for d in found if d}) > 1  # some stop early
    w = weigher(0.9, 9, ir=Tells(0.6, 0.4))
    used = up_to_stop(log.draws(), IDS, 0, rule="weighed", rounds=6, weigher=w)
    assert sum(map(len, used.values())) == len(log)


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_the_batch_size_changes_no_draw(tmp_path: Path, batch_size: int) -> None:
    a, b = drawn(tmp_path / "a", batch_size), drawn(tmp_path / "b", 7)
    assert a.draws() == b.draws()


def test_interrupted_it_goes_on(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        drawn(tmp_path / "a", 3, stop_after=11)
    assert drawn(tmp_path / "a", 5).draws() == drawn(tmp_path / "b", 1).draws()


# --- the file ---------------------------------------------------------------------------------


def record(question: str, original: str | None = None) -> Record:
    pid = problem_id(question)
    return Record(
        row_id=sha256_text(question), problem_id=pid, original_id=original or pid, source="x", split="test",
        question=question, rationale="r", answer="1", licence="MIT", provenance=Provenance(teacher="source"),
    )  # fmt: skip


def test_the_packaged_rule_is_read() -> None:
    rule = rule_files.default()
    assert 0 < rule.threshold < 1
    assert rule_files.load(None) is rule
    assert json.loads(rule.text()) == json.loads(rule_files.DEFAULT.read_text(encoding="utf-8"))


def test_questions_that_it_was_fitted_on_are_refused(tmp_path: Path) -> None:
    old, new = record("How many?"), record("How much?")
    variant = record("How many then?", original=old.problem_id)
    path = tmp_path / "rule.json"
    body = rule_files.default().model_copy(update={"questions": (old.problem_id,)})
    path.write_text(body.text(), encoding="utf-8")
    rule = rule_files.load(path)
    rule.refuse_fitted_on([new], "rule.json")
    for hit in (old, variant):
        with pytest.raises(ConfigError, match=r"fitted on 1 question of the 2 .*How many"):
            rule.refuse_fitted_on([new, hit], "rule.json")


DAMAGED = [
    ({"weights": {}}, "weights"),
    ({"threshold": 1.5}, "threshold"),
    ({"threshold": float("nan")}, "no rule"),
    ({"calibration": {"intercept": 0.0, "slope": -1.0}}, "slope"),
    ({"tokens": {"ir": 0.0, "dr": 1.0}}, "tokens"),
    ({"tokens": {"ir": 1.0}}, "tokens"),
    ({"repeats": {"ir": {}, "dr": {}}}, "repeats"),
    ({"schema_version": 2}, "schema_version"),
    ({"more": 1}, "more"),
]


@pytest.mark.parametrize(("change", "said"), DAMAGED, ids=str)
def test_a_damaged_file_is_a_sentence(tmp_path: Path, change: dict[str, object], said: str) -> None:
    body = {**json.loads(rule_files.default().text()), **change}
    path = tmp_path / "rule.json"
    path.write_text(json.dumps(body), encoding="utf-8")
    with pytest.raises(ConfigError, match=said) as e:
        rule_files.load(path)
    assert "fit-rule" in str(e.value)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1, "a": 2}', "\x00"])
def test_what_is_no_rule_is_a_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rule.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="fit-rule"):
        rule_files.load(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        rule_files.load(tmp_path / "none.json")

"""Who is asked, and what an answer is worth: from simulated evaluations, by hand and by rule."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.parquet import read_rows
from lorid_data.schema import Record
from lorid_train.drawn.labels import labels_of
from lorid_train.evaluation.drawn_rows import Wanted, export_draws
from lorid_train.interaction.rules import answer_of
from lorid_train.reinforcement import questions
from lorid_train.reinforcement.settings import RlConfig

finished = SimpleNamespace(
    **runpy.run_path(str(Path(__file__).parents[3] / "support" / "finished_evaluation.py"))
)


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty training questions, four rounds each, none skipped."""
    folder = tmp_path_factory.mktemp("evaluation") / "eval"
    how = {"rounds": 4, "temperature": 0.7, "top_p": 0.95, "top_k": 0}
    made: Path = finished.write(
        folder, split="train", n=40, lazy=False, n_votes=4, n_wrong=2, settings=how
    )
    return made


def config(**given: Any) -> RlConfig:
    return RlConfig(**{"init": "run", "out": "out", "role": "ir", **given})


def asked(evaluation: Path, **given: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """By question what pays, and by question why it is passed over."""
    c = config(**{"draws": str(evaluation), **given})
    draws = questions.stored(c.draws)
    found, rejects = questions.choose(c, draws, questions.records_of(c, draws))
    return {a.record.problem_id: a for a in found}, {str(r.problem_id): str(r.reason) for r in rejects}  # fmt: skip


def labels(evaluation: Path, rule: Any = "consensus", role: str = "ir") -> dict[str, Any]:
    draws = questions.stored(str(evaluation))
    assert draws is not None
    assert draws.file is not None
    records = read_rows(evaluation / "records.parquet", Record)
    return {
        r.problem_id: labels_of(r.problem_id, r.question, draws.file(r.problem_id), rule, [role])[0]
        for r in records
    }


@pytest.mark.parametrize("rule", ["consensus", "majority", "ir-majority"])
def test_a_question_is_asked_where_draws_agree_and_not_all_of_them(evaluation: Path, rule: str) -> None:  # fmt: skip
    found, passed = asked(evaluation, reward="consensus", rule=rule)
    of = labels(evaluation, rule)
    assert found.keys() == {i for i, label in of.items() if label.label and label.has_signal}
    assert {i for i, why in passed.items() if why == "draws_disagree"} == {
        i for i, label in of.items() if label.label is None
    }
    assert set(passed.values()) <= {"draws_disagree", "draws_all_alike"}
    assert len(found) + len(passed) == 40
    assert 0 < len(found) < 40
    for i, one in found.items():
        assert one.pay(of[i].label) == 1
        assert one.pay("999999") == 0


def test_consensus_never_sees_the_gold_answer(
    evaluation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = questions.records_of
    before = asked(evaluation, reward="consensus")
    monkeypatch.setattr(
        questions, "records_of", lambda *a: [r.model_copy(update={"answer": ""}) for r in plain(*a)]
    )
    after = asked(evaluation, reward="consensus")
    assert before[0].keys() == after[0].keys()
    assert before[1] == after[1]


@pytest.mark.parametrize("role", ["ir", "dr"])
def test_an_exported_folder_says_the_same_as_its_evaluation(
    evaluation: Path, tmp_path: Path, role: str
) -> None:
    export_draws(evaluation, tmp_path / "d", Wanted("consensus", roles=(role,)))
    own, passed = asked(evaluation, reward="consensus", role=role)
    c = config(reward="consensus", role=role, draws=str(tmp_path / "d"), data=str(evaluation), split=None)  # fmt: skip
    draws = questions.stored(c.draws)
    assert draws is not None
    records = read_rows(evaluation / "records.parquet", Record)
    found, rejects = questions.choose(c, draws, records)
    assert {a.record.problem_id for a in found} == own.keys()
    assert {r.problem_id: r.reason for r in rejects} == passed
    assert draws.sampling == {}


def test_gold_passes_over_what_stored_draws_say_teaches_nothing(evaluation: Path) -> None:
    found, passed = asked(evaluation, reward="gold")
    of = labels(evaluation, "ir-majority")
    draws = questions.stored(str(evaluation))
    assert draws is not None
    assert draws.file is not None
    for record in read_rows(evaluation / "records.parquet", Record):
        own = [d for d in draws.file(record.problem_id) if (d.role, d.condition) == ("ir", "sampled")]  # fmt: skip
        right = {answer_of(d.text) == record.answer for d in own}
        assert (record.problem_id in found) == (len(right) == 2)
    assert set(passed.values()) == {"draws_all_alike"}
    assert len(of) == 40
    everyone, nobody = asked(evaluation, reward="gold", draws=None, data=str(evaluation), split=None)  # fmt: skip
    assert (len(everyone), len(nobody)) == (40, 0)


def test_draws_say_how_to_draw(evaluation: Path) -> None:
    draws = questions.stored(str(evaluation))
    assert draws is not None
    assert draws.sampling == {"temperature": 0.7, "top_p": 0.95, "top_k": 0, "max_new_tokens": 1024}


def test_agreement_is_the_share_of_the_partners_draws(evaluation: Path) -> None:
    found, _ = asked(evaluation, reward="agreement", allow_live_agreement=True)
    draws = questions.stored(str(evaluation))
    assert draws is not None
    assert draws.file is not None
    for i, one in found.items():
        theirs = [answer_of(d.text) for d in draws.file(i) if (d.role, d.condition) == ("dr", "sampled")]  # fmt: skip
        assert one.pay(theirs[0]) == pytest.approx(theirs.count(theirs[0]) / 4 if theirs[0] else 0)


def test_questions_of_a_test_split_are_refused(tmp_path: Path) -> None:
    folder = finished.write(tmp_path / "eval", n=5)
    c = config(reward="consensus", draws=str(folder))
    with pytest.raises(ConfigError, match="5 questions of 5 are of a test split"):
        questions.records_of(c, questions.stored(c.draws))


def test_a_reward_without_labels_is_refused(tmp_path: Path) -> None:
    """No two draws agree: no question could be paid for."""
    folder = finished.write(
        tmp_path / "eval", split="train", n=6, lazy=False, rounds=1, n_votes=1, p_ir=0.0, p_dr=1.0, settings={"rounds": 1}
    )  # fmt: skip
    with pytest.raises(
        InputError, match=r"none of 6 questions can be paid for \(6 draws_disagree\)"
    ):
        asked(folder, reward="consensus")


def test_folders_that_say_something_else_are_refused(evaluation: Path, tmp_path: Path) -> None:
    export_draws(evaluation, tmp_path / "gold", Wanted("gold"))
    export_draws(evaluation, tmp_path / "consensus", Wanted("consensus"))

    def refused(folder: Path, **given: Any) -> str:
        c = config(draws=str(folder), data=str(evaluation), split=None, **given)
        with pytest.raises(ConfigError) as e:
            questions.choose(c, questions.stored(c.draws), [])
        return str(e.value)

    assert "labels by the rule 'gold'" in refused(tmp_path / "gold", reward="consensus")
    assert "no labels of this role" in refused(
        tmp_path / "consensus", reward="consensus", role="dr"
    )
    assert "was not exported by the rule gold" in refused(tmp_path / "consensus", reward="gold")
    assert "needs the partner's draws" in refused(tmp_path / "gold", reward="agreement")
    finished_build(tmp_path / "other")
    with pytest.raises(ConfigError, match="name one of lorid-train evaluate or export-draws"):
        questions.stored(str(tmp_path / "other"))


def finished_build(folder: Path) -> None:
    from lorid_data.folders.records import write_dataset
    from lorid_data.folders.stage import open_stage

    with open_stage(folder, "build", identity={"made": "by hand"}) as stage:
        write_dataset(stage, [], [], n_in=0)

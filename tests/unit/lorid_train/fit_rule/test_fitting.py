"""Fitting on simulated voters whose worth is known, and what the command refuses."""

from __future__ import annotations

import json
import runpy
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest

from lorid_data.errors import ConfigError, InputError
from lorid_train import cli
from lorid_train.cli import run
from lorid_train.fit_rule.drawn import Asked, Side, same
from lorid_train.fit_rule.fitting import fit
from lorid_train.fit_rule.regression import folds, logistic
from lorid_train.fit_rule.rule import fitted, read_graded
from lorid_train.interaction import rule_files
from lorid_train.interaction.weighed import play
from lorid_train.interaction.weigher import FEATURES

FOLDER = runpy.run_path(str(Path(__file__).parents[3] / "support" / "finished_evaluation.py"))


def voters(n: int, p_ir: float, p_dr: float, *, rounds: int = 6, seed: int = 0) -> list[Asked]:
    """Questions of which a role is right with a chance, and else gives one of three wrong answers."""
    rng = Random(seed)

    def side(p: float, cost: int) -> Side:
        said = tuple("r" if rng.random() < p else f"w{rng.randrange(3)}" for _ in range(rounds))
        return Side(said, (cost,) * rounds)

    return [
        Asked(f"q{i}", f"q{i}", side(p_ir, 10), side(p_dr, 30), frozenset({"r"})) for i in range(n)
    ]


def test_the_better_voter_weighs_more() -> None:
    weights = dict(zip(FEATURES, fit(voters(80, 0.35, 0.75))[0].weights, strict=True))
    assert weights["dr_said"] + weights["dr_again"] > weights["ir_said"] + weights["ir_again"]
    turned = dict(zip(FEATURES, fit(voters(80, 0.75, 0.35))[0].weights, strict=True))
    assert turned["ir_said"] + turned["ir_again"] > turned["dr_said"] + turned["dr_again"]


def test_it_is_as_right_as_the_loop_for_less_and_its_chances_hold_elsewhere() -> None:
    w, figures = fit(voters(120, 0.55, 0.5))
    assert figures.is_as_good
    assert figures.tokens < figures.loop_tokens
    others = voters(600, 0.55, 0.5, seed=1)
    games = [(play(q.ir.said, q.dr.said, w, rounds=6, agree=same), q) for q in others]
    right = sum(g.answer in q.right for g, q in games) / len(games)
    said = sum(g.probability or 0 for g, _ in games) / len(games)
    assert said == pytest.approx(right, abs=0.08)


def test_the_best_aim_is_at_least_as_right() -> None:
    questions = voters(80, 0.5, 0.5)
    assert fit(questions, "best")[1].accuracy >= fit(questions)[1].accuracy - 1e-9


def test_the_same_draws_give_the_same_rule_whatever_their_order() -> None:
    questions = voters(40, 0.5, 0.6)
    a, b = fit(questions)[0], fit(questions[::-1])[0]
    assert a.weights == pytest.approx(b.weights, abs=1e-5)
    assert (a.threshold, a.most_draws) == (b.threshold, b.most_draws)


def test_too_little_to_fit_on_is_a_sentence() -> None:
    with pytest.raises(InputError, match="19 questions: a rule is fitted on 20 or more"):
        fit(voters(19, 0.5, 0.5))
    with pytest.raises(InputError, match="every answer is right"):
        fit([replace(q, right=frozenset({"r", "w0", "w1", "w2"})) for q in voters(30, 0.5, 0.5)])


def test_folds_keep_variants_together_and_are_of_one_size() -> None:
    groups = [f"g{i // 3}" for i in range(60)]
    found = folds(groups, 5)
    assert all(len({f for f, h in zip(found, groups, strict=True) if h == g}) == 1 for g in groups)
    assert {found.count(k) for k in range(5)} == {12}
    assert folds(groups[::-1], 5) == found[::-1]


def test_the_regression_finds_known_log_odds() -> None:
    rng = Random(0)
    x = [(rng.random() * 4 - 2,) for _ in range(4_000)]
    y = [rng.random() < 1 / (1 + 2.718281828 ** -(0.5 + 1.5 * v)) for (v,) in x]
    found = logistic(x, y, [1.0] * len(x), strength=1e6)
    assert found.intercept == pytest.approx(0.5, abs=0.12)
    assert found.weights[0] == pytest.approx(1.5, abs=0.12)


# --- folders ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("fit") / "eval"
    settings = {"schedule": "exhaustive", "votes": "none", "rounds": 4}
    found: Path = FOLDER["write"](out, settings=settings, n=40, lazy=False, n_votes=4)
    return found


def test_the_command_writes_a_rule_that_names_its_data(
    evaluation: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "rule.json"
    assert run(cli.app, ["fit-rule", str(evaluation), "--out", str(out), "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    rule = rule_files.load(out)
    assert body["threshold"] == rule.threshold
    assert "questions" not in body
    assert len(rule.questions) == 40
    assert rule.sources[0].n_questions == 40
    first = out.read_bytes()
    assert run(cli.app, ["fit-rule", str(evaluation), "--out", str(out)]) == 0
    assert out.read_bytes() == first
    assert "of the loop's tokens" in capsys.readouterr().out


def test_a_lazy_evaluation_is_refused(tmp_path: Path) -> None:
    lazy = FOLDER["write"](tmp_path / "lazy", n=30, n_votes=5)
    with pytest.raises(InputError, match="--schedule exhaustive --rounds 10"):
        fitted([lazy])


def test_the_same_evaluation_twice_is_refused(evaluation: Path) -> None:
    with pytest.raises(ConfigError, match="more than once"):
        fitted([evaluation, evaluation])


def test_a_replay_on_the_questions_of_the_fit_is_refused(
    evaluation: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = tmp_path / "rule.json"
    assert run(cli.app, ["fit-rule", str(evaluation), "--out", str(rule)]) == 0
    replay = ["report", str(evaluation), "--out", str(tmp_path / "r.html"), "--replay", "rule=weighed"]  # fmt: skip
    assert run(cli.app, [*replay, f"rule-file={rule}"]) == 2
    assert "fitted on 40 questions of the 40" in capsys.readouterr().err
    assert not (tmp_path / "r.html").exists()
    assert run(cli.app, replay) == 0  # the packaged rule knows other questions
    assert "weighed" in (tmp_path / "r.md").read_text(encoding="utf-8")


def test_a_replay_can_withhold(evaluation: Path, tmp_path: Path) -> None:
    replay = ["report", str(evaluation), "--out", str(tmp_path / "r.html"), "--replay", "abstain-below=0.9999999"]  # fmt: skip
    assert run(cli.app, replay) == 0
    rows = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["metrics"]
    none = next(m for m in rows if (m["system"], m["metric"], m["slice"]) == ("lorid@4", "no_answer", None))  # fmt: skip
    assert none["value"] == 1


def test_the_packaged_rule_states_nothing_on_questions_that_it_was_fitted_on(
    evaluation: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Evaluating them is allowed; a probability that has seen the answer is not shown."""
    rule = fitted([evaluation])[0]
    monkeypatch.setattr(rule_files, "default", lambda: rule)
    (evaluation / "rule.json").unlink(missing_ok=True)
    replay = ["report", str(evaluation), "--out", str(tmp_path / "r.html")]
    assert run(cli.app, replay) == 0
    text = (tmp_path / "r.md").read_text(encoding="utf-8")
    assert "How sure the answers are" not in text
    assert "weighed" not in text
    assert run(cli.app, [*replay, "--replay", "rule=weighed"]) == 2
    assert run(cli.app, [*replay, "--replay", "abstain-below=0.5"]) == 2


def test_rounds_made_ahead_of_need_are_not_fitted_on(tmp_path: Path) -> None:
    """The loop asked for no vote: what is stored beyond its agreement is what a full batch made."""
    drawn = FOLDER["write"](tmp_path / "lazy", n=12, n_votes=6, settings={"votes": "none"})
    for g, o in zip(read_graded(drawn), loop_of(drawn), strict=True):
        assert (len(g.ir), len(g.dr)) == (o["round"], o["round"])
    with pytest.raises(InputError, match="1 round of IR, KG and DR drawn of every question"):
        fitted([drawn])
    asked = {"votes": "none", "samples": {"ir": 5, "kg": 5, "dr": 5}}
    by_number = FOLDER["write"](tmp_path / "samples", n=12, n_votes=6, settings=asked)
    assert {len(g.ir) for g in read_graded(by_number)} == {5}


def loop_of(folder: Path) -> list[dict[str, Any]]:
    rows = pl.read_parquet(folder / "outcomes.parquet").filter(pl.col("system") == "lorid@5")
    return rows.to_dicts()

"""A router on questions that tell the way, and on questions that do not."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from lorid_data.errors import InputError
from lorid_train import cli
from lorid_train.cli import run
from lorid_train.fit_rule.command import route
from lorid_train.fit_rule.question_features import PLAIN, features_of, plain_features
from lorid_train.fit_rule.routing import Way, adjusted, compare


def ways(n: int, *, tells: bool, seed: int = 0) -> list[Way]:
    """Half of the questions want IR, half KG and DR; the first feature says which, or nothing does."""
    rng = Random(seed)
    found = []
    for i in range(n):
        wants_dr = rng.random() < 0.5
        said = float(wants_dr) if tells else rng.random()
        right = (0.2, 0.9, 0.9) if wants_dr else (0.9, 0.2, 0.9)
        noisy = tuple(min(1.0, max(0.0, p + rng.gauss(0, 0.05))) for p in right)
        found.append(Way(f"q{i}", (said, rng.random()), noisy, (40.0, 80.0, 240.0)))
    return found


def test_a_question_that_tells_the_way_is_worth_a_router() -> None:
    found = {c.arm: c for c in adjusted(compare(ways(200, tells=True)))}
    at_dr = found["dr-once"]
    assert at_dr.tokens < 90
    assert at_dr.right == pytest.approx(0.9, abs=0.05)
    assert at_dr.fixed < 0.65
    assert at_dr.ahead[1] > 0
    assert at_dr.p < 0.01
    assert at_dr.ahead_of_blind[1] > 0
    assert at_dr.p_blind < 0.01


def test_a_question_that_tells_nothing_is_not() -> None:
    for c in adjusted(compare(ways(200, tells=False))):
        assert c.ahead[1] <= 0.01
        assert c.p_blind > 0.01
        assert sum(c.taken) == pytest.approx(1)


def test_holm_only_raises_p() -> None:
    found = compare(ways(100, tells=True))
    for raw, after in zip(found, adjusted(found), strict=True):
        assert raw.p <= after.p
        assert raw.p_blind <= after.p_blind
        assert raw.right == after.right


def test_features_of_a_question() -> None:
    f = dict(zip(PLAIN, plain_features("Tom has 3 boxes with 24 pens each. How many are left?"), strict=True))  # fmt: skip
    assert f["sentences"] == 2
    assert f["numbers"] == 2
    assert f["largest"] == pytest.approx(1.398, abs=1e-3)
    assert f["multiplying"] == 1
    assert f["taking_away"] == 1
    assert f["dividing"] == f["not_whole"] == 0


def test_only_frequent_subjects_have_a_feature() -> None:
    subjects = ["a"] * 12 + ["b"] * 12 + ["c"] * 3
    found = features_of(["How many?"] * 27, subjects)
    assert {len(f) for f in found} == {len(PLAIN) + 2}
    assert len(features_of(["How many?"] * 12, ["a"] * 12)[0]) == len(PLAIN)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import runpy

    write = runpy.run_path(str(Path(__file__).parents[3] / "support" / "finished_evaluation.py"))["write"]  # fmt: skip
    settings = {"schedule": "exhaustive", "votes": "none", "rounds": 4}
    whole = write(tmp_path / "eval", settings=settings, n=60, lazy=False, n_votes=4)
    assert run(cli.app, ["route", str(whole), "--rounds", "4"]) == 0
    said = capsys.readouterr().out
    assert "ir-once" in said
    assert "60 questions" in said
    few = write(tmp_path / "few", settings=settings, n=30, lazy=False, n_votes=4)
    with pytest.raises(InputError, match="30 questions: a router is judged on 50"):
        route([few], rounds=4)
    lazy = write(tmp_path / "lazy", n=60, n_votes=3)
    with pytest.raises(InputError, match="--schedule exhaustive"):
        route([lazy], rounds=20)

"""Which rows are trained on by how hard they are, in which order, and what is said of it."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lorid_data.errors import ConfigError
from lorid_data.folders.records import write_dataset
from lorid_data.folders.stage import open_stage
from lorid_data.pass_rates import PassRate
from lorid_data.schema import Provenance, Record, make_problem, row_ids
from lorid_train import roles
from lorid_train.config import Difficulty, TrainConfig, parse
from lorid_train.training import difficulty
from lorid_train.training.difficulty import EaseSampler
from lorid_train.training.tokens import RoleCounts

RATES = (0.0, 0.25, 0.5, 0.75, 1.0, None)


def rate(value: float, role: str = "ir", judge: str = "a") -> PassRate:
    return PassRate(
        role=role, judge_sha256=judge * 64, adapters_sha256=("1" * 64,), n_draws=8, n_right=round(8 * value),
        pass_rate=value, ci_low=0.0, ci_high=1.0, agreement=1.0,
    )  # fmt: skip


def records(*rates: tuple[PassRate, ...] | None) -> list[Record]:
    problems = [
        make_problem(source="s", split="train", question=f"Q{i}?", rationale="", answer=str(i), knowledge=["K"])
        for i in range(len(rates))
    ]  # fmt: skip
    return [
        Record(
            row_id=row,
            provenance=Provenance(teacher="source"),
            **{**p.model_dump(), "difficulty": r},
        )
        for row, p, r in zip(row_ids(problems), problems, rates, strict=True)
    ]


ROWS = records(*(None if r is None else (rate(r),) for r in RATES))


def kept(asked: Difficulty | None, role: str = "ir") -> tuple[list[str], RoleCounts]:
    counts = RoleCounts()
    found = difficulty.within(ROWS, asked, roles.role(role), counts)
    return [r.answer for r in found], counts


def config(data: Path, **changes: Any) -> TrainConfig:
    return TrainConfig(
        **({"base": "student", "data": str(data), "out": "o", "roles": ("ir",)} | changes)
    )


# --- rows ------------------------------------------------------------------------------------------


def test_rows_outside_the_band_and_without_a_rate_are_rejected_with_the_reason() -> None:
    found, counts = kept(Difficulty(band=(0.25, 0.75)))
    assert found == ["1", "2", "3"]
    assert (counts.n_in, Counter(r.reason.value for r in counts.rejects)) == (
        3, {"difficulty_outside": 2, "difficulty_unknown": 1},
    )  # fmt: skip
    assert counts.rejects[0].detail == "0 of 8 draws of ir are right; the band is 0.25 to 0.75"
    assert counts.rejects[-1].detail == "not asked of ir; the band is 0.25 to 0.75"


def test_rows_without_a_rate_are_kept_where_that_is_asked_for() -> None:
    assert kept(Difficulty(band=(0.25, 0.75), unknown="keep"))[0] == ["1", "2", "3", "5"]
    assert kept(Difficulty(order="easy_first"))[0] == list("012345"), "without a band none is out"
    assert kept(None)[0] == list("012345")


def test_a_role_of_two_kinds_of_examples_rejects_both() -> None:
    _, counts = kept(Difficulty(band=(0.25, 0.75)), "ird")
    assert counts.n_in == len(counts.rejects) == 6
    assert {r.stage for r in counts.rejects} == {"sft:ird", "sft:ird:kg"}


def test_the_judge_is_the_one_that_is_named() -> None:
    row = records((rate(0.0, "ir"), rate(1.0, "dr"), rate(0.5, "dr", "b")))[0]
    assert difficulty.rate(row, Difficulty(by="ir")) == rate(0.0)
    assert difficulty.rate(row, Difficulty(by="dr", judge="bb")) == rate(0.5, "dr", "b")
    assert difficulty.rate(row, Difficulty(by="ks")) is None


# --- order -----------------------------------------------------------------------------------------


def ease_of(rows: list[Record]) -> list[float]:
    return [difficulty.ease(r, Difficulty()) for r in rows]


def test_how_easy_a_row_is_is_never_certain() -> None:
    values = ease_of(ROWS)
    assert values[0] == pytest.approx(0.1)
    assert values[4] == pytest.approx(0.9)
    assert math.isnan(values[5])
    assert math.isnan(difficulty.ease(ROWS[0], None))


def test_the_easy_ones_come_first_and_the_unknown_in_the_middle() -> None:
    assert list(EaseSampler(ease_of(ROWS), "hard_first", 0))[:2] == [0, 1]
    easy = list(EaseSampler(ease_of(ROWS), "easy_first", 0))
    assert easy[:2] == [4, 3]
    assert easy[-2:] == [1, 0]
    assert set(easy[2:4]) == {2, 5}


def test_equal_rows_come_in_another_order_each_epoch_the_same_for_a_seed() -> None:
    def orders(seed: int) -> list[list[int]]:
        sampler = EaseSampler([0.5] * 40, "easy_first", seed)
        found = []
        for epoch in range(2):
            sampler.set_epoch(epoch)
            found.append(list(sampler))
        return found

    assert orders(0) == orders(0)
    assert orders(0) != orders(1)
    assert orders(0)[0] != orders(0)[1]
    assert all(sorted(o) == list(range(40)) for o in orders(0))


def test_weights_draw_most_what_is_solved_half_of_the_time() -> None:
    sampler = EaseSampler([0.1, 0.5, 0.9] * 2000, "weighted", 0)
    n = Counter(i % 3 for i in sampler)
    assert sum(n.values()) == len(sampler) == 6000
    assert n[1] / n[0] == pytest.approx(0.25 / 0.09, rel=0.1)
    assert n[2] / n[0] == pytest.approx(1, rel=0.1)


def test_without_any_rate_every_row_weighs_the_same() -> None:
    assert list(difficulty.filled([math.nan, math.nan])) == [0.5, 0.5]


# --- configuration ---------------------------------------------------------------------------------


def test_a_band_alone_is_a_difficulty() -> None:
    body = {"base": "b", "data": "d", "out": "o", "difficulty": [0.1, 0.9]}
    assert parse(TrainConfig, body, "c").difficulty == Difficulty(by="ir", band=(0.1, 0.9))


@pytest.mark.parametrize("given", [[0.9, 0.1], [0, 1.5], [0.1], {"bnd": [0, 1]}])
def test_what_is_no_band_is_refused(given: Any) -> None:
    with pytest.raises(ConfigError, match="difficulty"):
        parse(TrainConfig, {"base": "b", "data": "d", "out": "o", "difficulty": given}, "c")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = records((rate(0.5), rate(0.5, "dr"), rate(1.0, "dr", "b")), None)
    with open_stage(tmp_path / "data", "difficulty", identity={}) as stage:
        write_dataset(stage, rows, [], n_in=len(rows))
    return tmp_path / "data"


def test_what_the_data_do_not_say_is_refused_with_what_they_do(data: Path) -> None:
    assert difficulty.problems(config(data, difficulty=[0.1, 0.9])) == []
    [said] = difficulty.problems(config(data, difficulty={"by": "ks"}))
    assert "no row of" in said
    assert "ir (judge aaaaaaaaaaaa)" in said
    [said] = difficulty.problems(config(data, difficulty={"by": "dr"}))
    assert "several who play 'dr'; name one under judge: (aaaaaaaaaaaa, bbbbbbbbbbbb)" in said
    assert difficulty.problems(config(data, difficulty={"by": "dr", "judge": "bb"})) == []
    [said] = difficulty.problems(config(data, difficulty={"by": "dr", "judge": "cc"}))
    assert "with the judge 'cc'" in said


@pytest.mark.parametrize("sft", [{"packing": True}, {"train_sampling_strategy": "group_by_length"}])
def test_two_orders_at_once_are_refused(data: Path, sft: dict[str, Any]) -> None:
    asked = {"difficulty": {"order": "easy_first"}, "sft": sft}
    assert "leave one out" in difficulty.problems(config(data, **asked))[0]
    assert difficulty.problems(config(data, difficulty=[0.0, 1.0], sft=sft)) == []


def test_the_plan_says_what_is_left_out_and_where_the_unknown_stand() -> None:
    asked = Difficulty(band=(0.25, 0.75), order="weighted", unknown="keep")
    _, counts = kept(asked)
    counts.ease.extend([0.5, 0.5, math.nan])
    said = "\n".join(difficulty.lines(asked, {"ir": counts}))
    assert "rows with a pass rate from 0.25 to 0.75, as ir solves them; order: weighted" in said
    assert (
        "ir: 2 outside and 0 without a pass rate left out; 1 row without one kept, as hard as the mean"
        in said
    )
    assert difficulty.lines(None, {"ir": counts}) == []
    assert difficulty.figures(asked, counts)["difficulty"]["n_rows_unknown"] == 1

"""A draw as a row: what was held against the reference answer is not the draw's."""

from __future__ import annotations

from lorid_data.build.rows import to_row
from lorid_data.pass_rates import PassRate
from lorid_data.schema import PROGRAM_COLUMNS, Record, make_problem
from lorid_data.teachers.base import Unasked
from lorid_train.drawn.labels import Labelled
from lorid_train.drawn.rows import Writer, rows_of
from lorid_train.interaction.draws import Draw


def test_a_draw_takes_over_neither_the_program_nor_the_pass_rates_of_its_question() -> None:
    problem = make_problem(source="s", split="train", question="6 and 1?", rationale="", answer="7")
    rate = PassRate(
        role="ir", judge_sha256="a", adapters_sha256=("b",), n_draws=1, n_right=0, pass_rate=0.0, ci_low=0.0,
        ci_high=1.0, agreement=1.0,
    )  # fmt: skip
    run = dict.fromkeys(PROGRAM_COLUMNS, "x") | {"program": "answer = 7", "program_status": "ok"}
    made = to_row(problem, "r", Unasked("none"))
    assert isinstance(made, Record)
    record = made.model_copy(update={"difficulty": (rate,), **run})
    d = Draw(
        problem_id=record.problem_id, role="ir", condition="sampled", seed=0, round=1, text="So.\n--> 8 END",
        finish_reason="stop", n_prompt_tokens=9, n_tokens=5, prompt_sha256="0" * 64,
    )  # fmt: skip
    found = Labelled("8", 1.0, 1, 1, 1, (d,), ())
    kept, _ = rows_of(record, [d], found, {}, Writer("tiny", {"ir": "c" * 64}, "consensus"))
    assert [r.answer for r, _ in kept] == ["8"]
    row = kept[0][0].model_dump()
    assert row["difficulty"] is None
    assert {row[n] for n in PROGRAM_COLUMNS} == {None}

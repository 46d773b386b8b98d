"""A draw as a row: nothing of the row that it answers stays which was made with the reference answer."""

from __future__ import annotations

from lorid_data.pass_rates import PassRate
from lorid_data.schema import PROGRAM_COLUMNS, Provenance, Record, problem_id
from lorid_train.drawn.labels import labelled
from lorid_train.drawn.rows import Writer, rows_of
from lorid_train.interaction.draws import Draw

QUESTION = "How many?"
RATE = PassRate(
    role="ir", judge_sha256="a", adapters_sha256=("b",), n_draws=2, n_right=1, pass_rate=0.5, ci_low=0, ci_high=1,
    agreement=1,
)  # fmt: skip
RECORD = Record(
    row_id="r", problem_id=problem_id(QUESTION), original_id=problem_id(QUESTION), source="s", split="train",
    question=QUESTION, rationale="", answer="1", accepted=("1.0",), difficulty=(RATE,), program="answer = 1",
    program_from="structure", program_status="ok", program_output="", program_sandbox="s 1", program_limits="{}",
    provenance=Provenance(teacher="none"),
)  # fmt: skip


def test_a_row_keeps_no_program_pass_rate_or_further_answer_of_another_answer() -> None:
    draw = Draw(
        problem_id=RECORD.problem_id, role="ir", condition="sampled", seed=0, round=1, text="So.\n--> 7 END",
        finish_reason="stop", n_prompt_tokens=9, n_tokens=5, prompt_sha256="0" * 64,
    )  # fmt: skip
    found = labelled([draw], "none", ("ir",))
    [(row, _)], [] = rows_of(RECORD, [draw], found, {}, Writer("base", {"ir": "c" * 64}, "none"))
    assert (row.answer, row.accepted, row.difficulty) == ("7", (), None)
    assert {getattr(row, name) for name in PROGRAM_COLUMNS} == {None}

"""Pairs: one draw that states the label, one that states another answer, of one prompt."""

from __future__ import annotations

from pathlib import Path

import pytest

from lorid_data.errors import InputError
from lorid_data.schema import Provenance, Record, problem_id
from lorid_train.drawn.labels import labelled
from lorid_train.drawn.pairs import Pair, pairs_of, read_pairs, write_pairs
from lorid_train.drawn.texts import knowledge_by_round
from lorid_train.interaction.draws import Draw

QUESTION = "How many?"
RECORD = Record(
    row_id="r", problem_id=problem_id(QUESTION), original_id=problem_id(QUESTION), source="s", split="train",
    question=QUESTION, rationale="", answer="1", provenance=Provenance(teacher="none"),
)  # fmt: skip
ADAPTERS = {"ir": "a" * 64, "dr": "b" * 64}


def draw(role: str, n: int, text: str, finish: str = "stop") -> Draw:
    return Draw(
        problem_id=RECORD.problem_id, role=role, condition="sampled", seed=0, round=n, text=text,
        finish_reason=finish, n_prompt_tokens=9, n_tokens=5, prompt_sha256="0" * 64,
    )  # fmt: skip


def says(answer: int, how: str = "So.") -> str:
    return f"{how}\n--> {answer} END"


def made(draws: list[Draw], *roles: str, cap: int | None = None) -> list[Pair]:
    found = labelled(draws, "gold", roles, is_right=lambda a: a == "1")
    return pairs_of(found, RECORD, rule="gold", knowledge=knowledge_by_round(draws), adapters=ADAPTERS, cap=cap)  # fmt: skip


def test_every_distinct_text_stands_in_a_pair() -> None:
    texts = [says(1), says(1), says(1, "Thus."), says(2), says(3), says(4)]
    pairs = made([draw("ir", n, t) for n, t in enumerate(texts, 1)], "ir")
    assert [(p.chosen, p.rejected) for p in pairs] == [
        (says(1), says(2)), (says(1, "Thus."), says(3)), (says(1), says(4)),
    ]  # fmt: skip
    assert (pairs[1].chosen_draw, pairs[1].rejected_draw) == ("ir/sampled/0/3", "ir/sampled/0/5")
    assert {(p.label, p.knowledge, p.adapter_sha256) for p in pairs} == {("1", (), "a" * 64)}
    assert len({p.pair_id for p in pairs}) == 3


def test_a_cap_keeps_the_first() -> None:
    texts = [says(1), says(2), says(3)]
    assert len(made([draw("ir", n, t) for n, t in enumerate(texts, 1)], "ir", cap=1)) == 1


def test_nothing_disagrees_so_there_is_no_pair() -> None:
    assert made([draw("ir", 1, says(1)), draw("ir", 2, "I count")], "ir") == []
    assert made([draw("ir", 1, says(1)), draw("ir", 2, says(2), finish="length")], "ir") == []


def test_both_texts_of_a_pair_were_written_for_one_prompt() -> None:
    knowledge = [draw("kg", 1, "Add."), draw("kg", 2, "Add."), draw("kg", 3, "Take away.")]
    answers = [draw("dr", 1, says(1)), draw("dr", 2, says(2)), draw("dr", 3, says(3))]
    pairs = made([*knowledge, *answers], "dr")
    assert [(p.knowledge, p.rejected) for p in pairs] == [(("Add.",), says(2))]


def test_pairs_survive_their_file(tmp_path: Path) -> None:
    pairs = made([draw("ir", 1, says(1)), draw("ir", 2, says(2))], "ir")
    with pytest.raises(InputError, match="holds no pairs; make them with"):
        read_pairs(tmp_path, "ir")
    write_pairs(tmp_path, pairs)
    assert read_pairs(tmp_path, "ir") == pairs
    with pytest.raises(InputError, match="no pairs of role 'dr'"):
        read_pairs(tmp_path, "dr")

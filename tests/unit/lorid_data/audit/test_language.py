"""Rules in a language that no word list covers: a check that knows words is not applied to them."""

import pytest

from lorid_data.audit.checks import OF_LANGUAGE, found_in, measure
from lorid_data.audit.gates import gates, rates, thresholds
from lorid_data.audit.words import is_covered
from lorid_data.publish.gates import _is_met
from lorid_data.schema import Provenance, Record

RULES = {
    "Chinese": ("求总价，用单价乘以数量。", "三角形面积等于底乘高除以二。"),
    "Spanish": ("Multiplica el número de cajas por el número de objetos de cada caja.",),
    "German": ("Um den Gesamtpreis zu berechnen, multipliziere den Preis mit der Anzahl.",),
    "Russian": ("Чтобы найти общую стоимость, умножьте цену на количество.",),
    "Japanese": ("合計を求めるには、単価に個数をかけます。",),
}
ENGLISH = ("To find the total cost, multiply the price of one by how many there are.",)
GENERIC = ("Think about what is given in the problem and then do what is needed.",)


def record(rules: tuple[str, ...], question: str = "How many are there in all?") -> Record:
    return Record(
        row_id=question, problem_id=question, original_id=question, source="s", split="train", question=question,
        rationale="2*3=<<2*3=6>>6", answer="6", knowledge=rules, provenance=Provenance(teacher="source"),
    )  # fmt: skip


@pytest.mark.parametrize("language", RULES)
def test_sound_rules_of_another_language_are_not_generic(language: str) -> None:
    assert not is_covered(" ".join(RULES[language]))
    assert {f.check for f in found_in(record(RULES[language]))}.isdisjoint(OF_LANGUAGE)


def test_english_is_judged_as_before() -> None:
    assert "generic_rule" not in {f.check for f in found_in(record(ENGLISH))}
    assert "generic_rule" in {f.check for f in found_in(record(GENERIC))}


def test_a_gate_without_its_language_is_neither_met_nor_failed() -> None:
    rows = [record(RULES["Chinese"], f"第{i}题") for i in range(3)]
    measured = rates(measure(rows)[1])
    by_check = {g.check: g for g in gates(measured, thresholds({"generic_rule": 0.1}), upper=True)}
    assert by_check["generic_rule"].met is None
    assert "Not applied" in by_check["generic_rule"].message
    assert _is_met(by_check["generic_rule"].model_dump())
    assert all(g.met is not None for name, g in by_check.items() if name not in OF_LANGUAGE)


def test_of_a_mixed_folder_the_rows_in_english_are_counted() -> None:
    rows = [record(RULES["Chinese"], "第一题"), record(GENERIC, "How much is it?")]
    measured = {r.check: r for r in rates(measure(rows)[1])}
    assert (measured["generic_rule"].n, measured["generic_rule"].n_flagged) == (1, 1)
    assert measured["answer_leak"].n == 2

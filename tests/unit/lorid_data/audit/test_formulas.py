"""Formulas as people type them, without a mark: they are content, and their digits are structure."""

from __future__ import annotations

import importlib.util

import pytest

from lorid_data.audit.checks import examine
from lorid_data.audit.formulas import formulas, plain_spans
from lorid_data.audit.numbers import of_a_question
from lorid_data.audit.usefulness import duplicate_of, generic_list, generic_rule
from lorid_data.schema import Provenance, Record, row_ids
from lorid_data.sources import champ


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("f(x)=0 is the only one.", ["f(x)=0"]),
        ("C(n, k)=C(n, n-k).", ["C(n, k)=C(n, n-k)"]),
        ("gcd(a, b)=gcd(b, a-b), always", ["gcd(a, b)=gcd(b, a-b)"]),
        ("(x±y)^3=x^3±3x^2*y+3x*y^2±y^3.", ["(x±y)^3=x^3±3x^2*y+3x*y^2±y^3"]),
        ("What are x_1, y_1 and T(1)?", ["x_1", "y_1", "T(1)"]),
        ("For odd x, x^2 mod 8=1.", ["x^2 mod 8=1"]),
        ("The area is A = l * w of it.", ["A = l * w"]),
        ("If a | b and b | c, then so on.", ["a | b", "b | c"]),
        ("With $x+1$, 2y+3 is $z$.", ["x+1", "z", "2y+3"]),
        # none of these
        ("Choose and/or count the n-digit item(s) of the x-axis (in cm).", []),
        ("Take 3/4 of it, or 5 * 3 = 15, a 24/7 T-shirt.", []),
        ("Distance = speed * time", []),
        ("It costs $5 more than I - a person - have.", []),
        ("The mother-in-law's well-known one-to-one talk, e.g. snake_case words.", []),
    ],
)
def test_plain_formulas_are_told_from_words(text: str, found: list[str]) -> None:
    assert formulas(text) == found


@pytest.mark.parametrize(
    "text",
    ["(" * 3000, "a_(" * 2000, "f(" * 2000, "x+" * 2000, "a(b" * 700 + ")" * 700, "x^" * 2000, "((a)" * 800],
)  # fmt: skip
def test_hostile_text_is_read_within_bounds(text: str) -> None:
    assert all(0 <= start < end <= 2000 + 20 for start, end in plain_spans(text))


def test_a_rule_that_holds_a_formula_is_not_generic() -> None:
    assert generic_rule("C(n, k)=C(n, n-k).") is None
    assert generic_rule("The number of ways to choose k items from n items is C(n, k).") is None
    assert generic_list(["If a | b and b | c, then a | c."]) is None
    assert generic_rule("Think about it, and then do it.") is not None
    assert generic_rule("Read it and/or think about it again.") is not None


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("C(n, k)=C(n, n-k).", "C(n, k)=n/k*C(n-1, k-1).", False),
        ("Find g(n+1) in terms of f(n) and g(n).", "Find f(n+1) in terms of f(n) and g(n).", False),
        ("(4^5=1024) mod 11=1.", "(3^5=243) mod 11=1.", False),
        ("Are 49 questions enough to find the answer?", "Are 50 questions enough to find the answer?", False),
        ("If the first child moves, count the orders.", "If the first child does not move, count the orders.", False),
        ("Add the prices of all items.", "Add all the items' prices.", True),
        ("Find x_1 first, then add 7.", "First find x_1, then add 7.", True),
    ],
)  # fmt: skip
def test_rules_of_other_formulas_numbers_or_negations_are_not_the_same(
    a: str, b: str, *, same: bool
) -> None:
    assert (1 in duplicate_of([a, b])) is same


@pytest.mark.parametrize(
    ("rule", "left"),
    [
        ("(x±y)^3=x^3±3x^2*y+3x*y^2±y^3.", []),
        ("All primes have the form 6n±1.", []),
        ("Let u=17a+4, and go on.", ["17"]),
        ("x=5", ["5"]),
        ("a_7=12", ["12"]),
        ("Subtract 5 from 12.", ["5", "12"]),
    ],
)
def test_single_digits_of_a_plain_formula_with_letters_are_structure(
    rule: str, left: list[str]
) -> None:
    assert [f.text for f in of_a_question(rule)] == left


def test_concepts_that_people_wrote_are_not_called_empty_or_repeated() -> None:
    if importlib.util.find_spec("champ_dataset") is None:
        pytest.skip("champ-dataset==1.0.0 is not installed: pip install --no-deps champ-dataset==1.0.0")  # fmt: skip
    problems, _ = champ.load("test", kind="concepts")
    rows = [
        Record(row_id=i, provenance=Provenance(teacher="source"), **p.model_dump())
        for p, i in zip(problems, row_ids(problems), strict=True)
        if p.knowledge
    ]
    found = [f for flags in examine(rows).values() for f in flags]
    assert len(rows) == 223
    assert not [f for f in found if f.check in ("generic_rule", "generic_list", "duplicate_rule", "name_leak", "rule_format")]  # fmt: skip
    by_id = {r.row_id: r for r in rows}
    leaking = {
        by_id[row].knowledge[f.rule_index]
        for row, flags in examine(rows).items()
        for f in flags
        if f.check in ("question_number", "answer_leak", "copied_question") and f.rule_index is not None
    }  # fmt: skip
    assert len(leaking) <= 5

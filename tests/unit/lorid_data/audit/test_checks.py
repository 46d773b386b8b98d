"""The checks of the audit on leaks, empty advice and wrong joins, and on what only looks like them."""

from __future__ import annotations

from typing import Any

import pytest

from lorid_data.audit import leaks, rationales, usefulness
from lorid_data.audit.checks import BY_NAME, examine
from lorid_data.audit.numbers import numbers, of_a_question
from lorid_data.schema import Provenance, Record

QUESTION = "Weng earns $12 an hour for babysitting. Yesterday Carla paid her for 50 minutes. How much did Weng's work bring?"
RATIONALE = "Weng earns 12/60 = $0.2 per minute.\nWorking 50 minutes, she earned 0.2 x 50 = $10.\nSo her pay grows with every minute of work."


def row(n: int = 0, **changes: Any) -> Record:
    fields: dict[str, Any] = {
        "row_id": f"r{n}",
        "problem_id": f"p{n}",
        "original_id": f"p{n}",
        "source": "s",
        "split": "train",
        "question": QUESTION,
        "rationale": RATIONALE,
        "answer": "10",
        "knowledge": (
            "Divide the hourly rate by the minutes in an hour to get the rate per minute.",
        ),
        "provenance": Provenance(teacher="source"),
        **changes,
    }
    return Record(**fields)


@pytest.mark.parametrize(
    ("rule", "check", "leaks_it"),
    [
        ("Multiply, which gives 10.", "answer_leak", True),
        ("The answer is $10.", "answer_leak", True),
        ("The answer is ten.", "answer_leak", True),
        ("To write a decimal, multiply by a power of 10.", "answer_leak", False),
        ("Move ten to the tens digit.", "answer_leak", False),
        ("The rate is 0.2 per minute.", "intermediate_leak", True),
        ("Divide by 60 to change minutes into hours.", "intermediate_leak", False),
        ("Divide by sixty minutes per hour.", "intermediate_leak", False),
        ("Multiply the rate by 50.", "question_number", True),
        ("Multiply the rate by fifty.", "question_number", True),
        ("Multiply $12 by the time.", "question_number", True),
        ("A year has 12 months.", "question_number", False),
        ("Ask how Weng's pay depends on time.", "name_leak", True),
        ("Ask how Carla pays.", "name_leak", True),
        ("Work on Monday is paid by the hour.", "name_leak", False),
        ("Think how much they earn an hour for babysitting there.", "copied_question", False),
        ("One earns $15 an hour for babysitting.", "copied_question", True),
        ("A wage grows with every hour of work.", "copied_rationale", False),
        ("A pay grows with every minute of work.", "copied_rationale", True),
    ],
)  # fmt: skip
def test_leaks(rule: str, check: str, leaks_it: bool) -> None:
    found = {f.check for f in examine([row(knowledge=(rule,))]).get("r0", ())}
    assert (check in found) is leaks_it


@pytest.mark.parametrize(
    ("answer", "rule", "leaks_it"),
    [
        (r"\frac{1}{48}", r"The probability is $\frac{1}{48}$.", True),
        (r"\frac{1}{48}", "The probability is 1/48.", True),
        (r"\frac{1}{2}", r"A triangle has the area $\frac{1}{2}bh$.", False),
        (r"\frac{1}{2}", r"So $x=\frac{1}{2}$.", True),
        ("(18,-18)", r"The vertex is at $(18, -18)$.", True),
        (r"16+8\pi", r"Add both: $16 + 8\pi$.", True),
        ("4", "Use $b^2-4ac$ for the discriminant.", False),
        ("4", "The final answer is 4.", True),
        ("180", "The angles of a triangle add up to $180^\\circ$.", False),
        ("1", "All probabilities sum to 1.", False),
        (r"\text{rhombus}", "A rhombus has equal sides.", False),
        (r"\text{rhombus}", "The answer is a rhombus.", True),
        ("1,000", "It comes to 1000 in the end.", True),
        ("8", "Exponents add: $2^{3}\\cdot 2^5=2^8$.", False),
    ],
)
def test_answers_in_latex(answer: str, rule: str, leaks_it: bool) -> None:
    assert (leaks.answer_leak(rule, row(answer=answer)) is not None) is leaks_it


def test_names_stand_inside_sentences_or_own_something() -> None:
    text = "Carla and Tom met. Weng's dog ran to Bob. Find Monday's cost in Euros by Pascal. Twelve came."
    assert leaks.names_of(text) == {"Carla", "Tom", "Weng", "Bob", "Euros"}


def test_numbers_are_read_once_and_exactly() -> None:
    found = [str(f.value) for f in numbers(r"\frac{3}{4} of 1,250.5, 2/3, twenty-five and .5")]
    assert found == ["3/4", "2501/2", "2/3", "25", "1/2"]
    assert [f.text for f in of_a_question("x_1, $x^{14}$, 60 minutes, 61 minutes")] == ["61"]


def test_a_long_digit_string_is_no_trap() -> None:
    assert numbers("9" * 5000) == ()


@pytest.mark.parametrize(
    ("rule", "generic"),
    [
        ("Read the problem carefully.", True),
        ("Substitute the appropriate values into the identified algebraic identity.", True),
        ("Apply the relevant formula to find the result.", True),
        ("Subtract the parts from the whole.", False),
        ("A square has equal sides.", False),
        ("Use $(a+b)^2=a^2+2ab+b^2$.", False),
        ("", False),  # an empty rule has a check of its own
    ],
)
def test_generic_rules(rule: str, generic: bool) -> None:
    assert (usefulness.generic_rule(rule) is not None) is generic


def test_duplicates_differ_in_no_operation() -> None:
    one = "To find the total price of red, blue and green toys in the shop, add the known prices."
    again = "Add the known prices to find the total price of red, blue and green toys in the shop."
    other = one.replace("add", "multiply")
    assert usefulness.duplicate_of([one, other, again]) == {2: (0, 1.0)}
    assert usefulness.duplicate_of(["Use $a+b$ here.", "Use $a-b$ here."]) == {}


def test_coverage_counts_annotated_steps() -> None:
    steps = "<<1+2=3>>3 <<3*2=6>>6 <<6-1=5>>5 <<5/5=1>>1"
    few = row(rationale=steps, knowledge=("Add the parts.",))
    assert usefulness.few_rules(few) == "1 rule for 4 steps"
    assert usefulness.missing_operation(few) == "the rationale uses *, no rule does"
    assert usefulness.few_rules(row(rationale=r"\(1=1\) = 1 = 2 = 3 = 4")) is None


def variant(n: int, answer: str, question: str = "Q", **changes: Any) -> Record:
    changes = {
        "rationale": "",
        "original_id": "p0",
        "answer": answer,
        "question": question,
        **changes,
    }
    return row(n, **changes)


def test_backward_rows_are_found_by_wording_and_by_join() -> None:
    rows = [
        variant(0, "1000"),
        variant(1, "1,000"),
        variant(2, "1", "The answer is 1000. What is the value of unknown variable X?"),
        variant(3, "1", "What is X?"),
    ]
    found = {r: {f.check for f in fs} for r, fs in examine(rows).items()}
    assert "r0" not in found
    assert "r1" not in found
    assert found["r2"] == {"backward_question", "answer_conflict"}
    assert found["r3"] == {"answer_conflict"}


def test_the_original_decides_against_more_backward_rows() -> None:
    rows = [variant(0, "7"), *(variant(n, "3") for n in (1, 2, 3))]
    conflict = {r for r, fs in examine(rows).items() if "answer_conflict" in {f.check for f in fs}}
    assert conflict == {"r1", "r2", "r3"}
    assert "answer_conflict" not in str(examine([row(0, answer="7"), row(1, answer="3")]))


@pytest.mark.parametrize(
    ("rationale", "answer", "reached"),
    [
        ("So the value of x is 2.\nThe answer is: 2", "2", True),
        ("So the value of x is $\\frac{1}{2}$.\nThe answer is: 2", "2", False),
        ("We cannot determine the value of $X$.\nThe answer is: 4", "4", False),
        ("So the value cannot be determined.\nThe answer is: 4", "4", False),
        ("The value of x is \\(\\frac{1+\\sqrt{5}}{2}\\).\nThe answer is: 2", "2", False),
        ("It is $4 \\times 5 = 20$ in all.The answer is: 20", "20", True),
        ("It is larger, so the answer is 5.", "6", True),
        ("No number here.\nThe answer is: 20", "20", True),
    ],
)
def test_rationales_reach_their_answer(rationale: str, answer: str, reached: bool) -> None:
    assert (
        rationales.unreached_answer(row(rationale=rationale, answer=answer)) is None
    ) is reached  # fmt: skip


def test_rare_rules_and_lists_are_not_called_frequent() -> None:
    rows = [row(n, knowledge=("Add them.",) if n < 6 else (f"Add {n}00.",)) for n in range(60)]
    found = examine(rows)
    assert {r for r, fs in found.items() if any(f.check == "frequent_rule" for f in fs)} == {
        f"r{n}" for n in range(6)
    }
    assert {f.check for f in found["r0"]} >= {"frequent_rule", "shared_list"}


def test_what_validate_only_flags_has_a_name_of_its_own() -> None:
    glued = row(0, rationale="It is 10 square feet.The answer is: 10")
    left = row(1, rationale="<<1+9=10>>10")
    broken = row(2, rationale="It is $\\frac{1}{2$ and 10")
    found = {r: {f.check for f in fs} for r, fs in examine([glued, left, broken]).items()}
    assert "glued_sentence" in found["r0"]
    assert "annotation_left" in found["r1"]
    assert "row_format" in found["r2"]
    assert not any("row_format" in found[r] for r in ("r0", "r1"))


def test_hostile_rows_are_only_text() -> None:
    bad = "<script>alert(1)</script>" + "\\frac{" * 3000 + "(" * 3000 + "9" * 4000
    found = examine([row(question=bad, rationale=bad, answer=bad[:500], knowledge=(bad, "", "\n"))])
    assert {f.check for f in found["r0"]} <= set(BY_NAME)
    assert any(f.check == "rule_format" and f.rule_index == 1 for f in found["r0"])


@pytest.mark.timeout(60)
def test_a_row_of_a_megabyte_is_read_like_any_other() -> None:
    rules = ("Add 3 and $x_1=4$ " * 15_000, "Sum 7 " * 15_000, "Ann's Bob. " * 20_000)
    big = row(
        question="Ann's Bob has 7 of 9. " * 12_000,
        rationale="x = 1 and 2/3 " * 20_000,
        knowledge=rules,
    )
    found = {f.check for f in examine([big])["r0"]}
    assert {"question_number", "name_leak"} <= found

"""Solutions as programs: what is read, what is linked, and what is left in doubt."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest

from lorid_data import answers
from lorid_data.execution.grounding import grounding
from lorid_data.execution.literals import literals, numbers
from lorid_data.programs.convert import Made, NotMade, convert
from lorid_data.programs.equations import all_steps, annotated, step_of
from lorid_data.schema import RejectReason

CLIPS = "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May. How many in all?"


def gold(answer: str) -> Callable[[str], bool]:
    return lambda a: answers.equal(a, answer) is answers.Verdict.EQUAL


def made(question: str, rationale: str, answer: str) -> Made:
    found = convert(question, rationale, gold(answer))
    assert isinstance(found, Made), found
    return found


def test_annotations_become_a_program() -> None:
    found = made(CLIPS, "48/2 = <<48/2=24>>24 clips. 48+24 = <<48+24=72>>72.", "72")
    assert found == Made("a = 48 / 2\nanswer = 48 + a", "annotations")


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("48 / 2 = 24 clips", ["48/2=24"]),
        ("14 pieces/house * 60 houses = 840 pieces", ["14*60=840"]),
        ("$5 x 3 = $15, then (15 - 3) / 2 = 6.", ["5*3=15", "(15-3)/2=6"]),
        ("1,200 × 2 = 2,400", ["1200*2=2400"]),
        ("3 * 4 + 2 = 12 + 2 = 14", ["3*4+2=14"]),
        ("100% - 25% = 75% and 20% * 50 = 10", ["100-25=75", "(20/100)*50=10"]),
        ("5(3) = 15", ["5*(3)=15"]),
        ("10 / 3 = 3.33", ["10/3=333/100"]),
        ("2x + 3 = 7; x = 2; 5 = 5; a^2 + 1 = 5; 3 + 4 = 8; 12/07/2001 = 3", []),
        ("48/2 = <<48/2=24>>24 clips", ["48/2=24"]),
    ],
)
def test_plain_equations_are_read(text: str, steps: list[str]) -> None:
    found = [f"{''.join(s.tokens)}={s.shown}" for s in all_steps(text) if s.is_calculation]
    assert found == steps


@pytest.mark.parametrize(
    "text", ["x=5", "5", "2+2=5", "2**8=256", "1/0=0", "", "=", "9" * 2000 + "=1"]
)
def test_what_is_no_arithmetic_is_no_step(text: str) -> None:
    assert step_of(text) is None
    assert annotated(f"<<{text}>>") == []


def test_a_text_of_brackets_takes_no_time() -> None:
    for text in (
        "(" * 20_000,
        "1 " * 10_000,
        "1+" * 10_000,
        "1 a " * 5_000,
        "((1)" * 5_000,
        "1 = " * 5_000,
    ):
        assert all_steps(text) == []


def test_the_result_of_a_plain_equation_explains_a_number() -> None:
    """An annotation that nobody wrote must not leave a literal in its place."""
    found = made(
        "Benny has 4 boxes of 6 pens and loses 5. How many are left?",
        "4 boxes * 6 pens = 24 pens. 24 - 5 = <<24-5=19>>19.", "19",
    )  # fmt: skip
    assert found == Made("a = 4 * 6\nanswer = a - 5", "equations")


def test_a_number_from_nowhere_is_named() -> None:
    found = made("Benny has 4 boxes of pens and loses 5.", "24 - 5 = <<24-5=19>>19.", "19")
    assert found.from_nowhere == ("24",)


def test_a_result_that_equals_a_number_of_the_question_is_settled_by_what_is_left_over() -> None:
    question = "Ann has 6 boxes of 2 pens, and 12 more pens. She shares them among 3 friends."
    settled = made(question, "<<6*2=12>>12 <<12+12=24>>24 <<24/3=8>>8", "8")
    assert settled.ambiguous == ("12", "12")
    question = "Ann has 24 pens and gives half of them away, then gives away 5 more than 24 - 12."
    clear = made(
        "Ann has 24 pens, half of them blue; 5 blue pens are lost.",
        "<<24/2=12>>12 <<12-5=7>>7",
        "7",
    )
    assert clear == Made("a = 24 / 2\nanswer = a - 5", "annotations")
    used_before = made(
        "A 10 m rope is cut in 2. Each of 5 pupils gets 2 pieces of 5 m.",
        "<<10/2=5>>5 <<5*2=10>>10",
        "10",
    )
    assert used_before.ambiguous == ("5",)


def test_steps_that_the_answer_does_not_need_are_left_out() -> None:
    found = made("Tom has 3 bags of 4 and a 7.", "<<3+4=7>>7 <<3*4=12>>12", "12")
    assert found.program == "answer = 3 * 4"


@pytest.mark.parametrize(
    ("rationale", "answer", "program"),
    [
        ("<<10/3=3.33>>3.33 <<3.33*3=9.99>>9.99", "9.99", "a = round(10 / 3, 2)\nanswer = a * 3"),
        ("<<10/3=3.33>>3.33 <<3.33*3=10>>10", "10", "a = 10 / 3\nanswer = a * 3"),
        ("<<10/3=3>>3 <<3*11=33>>33", "33", "a = round(10 / 3)\nanswer = a * 11"),
        ("<<11/3=3>>3 <<3*10=30>>30", "30", "import math\na = math.floor(11 / 3)\nanswer = a * 10"),
        ("<<10/3=4>>4 <<4*11=44>>44", "44", "import math\na = math.ceil(10 / 3)\nanswer = a * 11"),
        ("<<.5*10=5>>5", "5", "answer = 0.5 * 10"),
        ("<<007+3=10>>10", "10", "answer = 7 + 3"),
        ("<<10-3-2=5>>5 <<10-(5-2)=7>>7", "7", "a = 10 - 3 - 2\nanswer = 10 - (a - 2)"),
        ("<<-3+10=7>>7", "7", "answer = -3 + 10"),
    ],
)  # fmt: skip
def test_numbers_are_rounded_only_where_the_answer_needs_it(
    rationale: str, answer: str, program: str
) -> None:
    found = convert("Of 3, 10 and 11: …", rationale, gold(answer))
    assert isinstance(found, Made)
    assert found.program == program


@pytest.mark.parametrize(
    ("rationale", "reason"),
    [
        ("Let x be it. Then 2x = 8, so x = 4.", RejectReason.NO_STEPS),
        ("<<x=5>>5", RejectReason.UNPARSABLE),
        ("<<2*3=6>>6, so it is one more.", RejectReason.WRONG_ANSWER),
    ],
)
def test_why_there_is_no_program(rationale: str, reason: RejectReason) -> None:
    found = convert("Q 2 and 3?", rationale, gold("7"))
    assert isinstance(found, NotMade)
    assert found.reason is reason


def test_numbers_of_a_question() -> None:
    text = "Twenty-five of 1,250 pay 20% of $2.50, 1/4 waits 2 1/2 hours; two hundred left."
    assert {Fraction(25), Fraction(1250), Fraction(1, 5), Fraction(5, 2), Fraction(1, 4), Fraction(200)} <= set(numbers(text))  # fmt: skip


def test_numbers_of_a_program() -> None:
    program = (
        "a = 5_000 * 0.15  # of 77\nx1 = Decimal('1.5') + len('hi 8') + 1e3\n'''9 9'''\nanswer = .5"
    )
    assert list(map(float, literals(program))) == [5000, 0.15, 1.5, 1000, 0.5]


@pytest.mark.parametrize(
    ("question", "program", "nowhere", "unused"),
    [
        ("He has 20% of 50 dollars.", "answer = 50 * 0.2", [], []),
        ("He has 20% less than 50 dollars.", "answer = 50 * 0.8", [], []),
        ("He has 120% of 50 dollars, and 0.5% more.", "answer = 50 * 1.2 * 1.005", [], []),
        ("Patricia has $60, 3 times as much.", "answer = 40 * 3", [40], [60]),
        ("It takes 3 weeks.", "answer = 3 * 7", [], []),
        ("It takes 3 steps.", "answer = 3 * 7", [7], []),
        ("A dozen eggs at $2 each.", "answer = 12 * 2", [], []),
        ("4 boxes of 6.", "answer = 4 * 4", [], [6]),
        ("1/4 of 20.", "answer = 20 / 4", [], []),
    ],
)
def test_grounding(question: str, program: str, nowhere: list[int], unused: list[int]) -> None:
    found = grounding(question, program)
    assert (list(map(int, found.from_nowhere)), list(map(int, found.unused))) == (nowhere, unused)
    assert found.is_grounded is not bool(nowhere or unused)

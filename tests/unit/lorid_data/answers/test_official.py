"""The official grader's string and numeric stages: its known verdicts, mistakes included."""

import pytest

from lorid_data.answers import Verdict, official_equal, official_extract
from lorid_data.answers.official import strip_string


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("--> 72 END", "72"),
        ("--> 70 END or --> 72 END", "70"),
        ("it uses --> here, so --> 4 END", "here,so-->4"),
        ("--> 72 clips END", "72clips"),
        ("The final answer is $x=5$. I hope it is correct.", "5"),
        (r"\boxed{10} and \boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{a+3}", "+3"),
        (r"\boxed{\frac{c}{a}}", r"\frac{}{}"),
        (r"\boxed{1 \pm \sqrt{19}}", r"1\\sqrt{19}"),
        (r"\boxed{\sec x}", r"\x"),
        ("The answer is 5 km.", "5"),
        ("The answer is five", "5"),
        ("The answer is 3 1/2", r"\frac{31}{2}"),
        ("The answer is 5 and 7", "57"),
        ("The answer is n=5", "5"),
        ("The answer is .5", "0.5"),
        ("The answer is 5.00", "5"),
        ("the final answer is 7", "7"),
        ("答案是7", "7"),
        ("so 48+24 = 1,072 in all", "1072"),
        ("so 2/3 of it", "3"),
        ("nothing", ""),
        (r"\boxed", ""),
    ],
)
def test_extracts_as_the_official_code(text: str, answer: str) -> None:
    assert official_extract(text) == answer


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("18", "18"), ("1800", "18"), ("0.18", "18"), ("12345", "12346"), ("1000050", "1000000"), ("[0,1]", "(0,1)"),
        ("(-6,10)", "(-6,10]"), ("12", "1,2"), ("7,9,12,13", "791213"), ("(A)", "A"), ("x=5", "5"), ("5", "x=5"), ("East", "east"),
        (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{pmatrix}1.00001\\2\end{pmatrix}"), ("{3}", "3"), ("5%", "0.05"),
        ("(x+1)^2", "(x+1)^3"), ("(x+1)y", "(x+1)z"),
    ],
)  # fmt: skip
def test_calls_equal_what_the_official_grader_calls_equal(a: str, b: str) -> None:
    assert official_equal(a, b) is Verdict.EQUAL


@pytest.mark.parametrize(
    ("a", "b"), [("18", "19"), ("10", "11"), ("", "5"), ("(1,2)", "(1,3)"), ("100", "10001.5")]
)
def test_calls_different_what_its_numbers_decide(a: str, b: str) -> None:
    assert official_equal(a, b) is Verdict.DIFFERENT


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (r"\frac{1}{2}", "0.5"), ("x<3", "x>3"), ("2^3", "8"), ("y=x", "x=y"), ("(1,x)", "(1,2)"),
        ("9**9**9**9", "7"), ('__import__("os").getpid()', "7"), ("x" * 5000, "7"),
    ],
)  # fmt: skip
def test_says_unparsed_where_the_official_grader_would_run_sympy(a: str, b: str) -> None:
    assert official_equal(a, b) is Verdict.UNPARSED


def test_units_are_the_official_list() -> None:
    assert strip_string("5 sq m") == strip_string("5 sqs") == "5"
    assert strip_string("5 furlong") == "5furlong"


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text", ["-->" + " " * 50_000, r"\text{" * 2000, "1" * 50_000, r"\boxed{" * 9000, "$" * 90_000]
)
def test_hostile_texts_end(text: str) -> None:
    official_equal(official_extract(text), "7")

"""Exact arithmetic in text, against Python's own fractions."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lorid_data.texts.calculate import agrees, calculate, number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1+2*3", Fraction(7)),
        ("(1+2)*3", Fraction(9)),
        ("10/4", Fraction(5, 2)),
        ("8-3-2", Fraction(3)),
        ("16/4/2", Fraction(2)),
        (".5*.2", Fraction(1, 10)),
        ("0.1+0.2", Fraction(3, 10)),
        ("20%*50", Fraction(10)),
        ("-3+5", Fraction(2)),
        ("2*-3", Fraction(-6)),
        (" 1 + 1 ", Fraction(2)),
        ("-(1+2)", Fraction(-3)),
        ("1.", Fraction(1)),
    ],
)
def test_plain_arithmetic(text: str, value: Fraction) -> None:
    assert calculate(text) == value


@pytest.mark.parametrize(
    "text",
    ["", "x+1", "1+", "*2", "(1", "1)", "1 2", "1/0", "2**3", "2^3", "__import__('os')", "1e9", "3²", "1,5", "()", "." ,
     "(" * 50 + "1" + ")" * 50, "-" * 150 + "1", "1+" * 200 + "1"],
)  # fmt: skip
def test_anything_else_is_no_arithmetic(text: str) -> None:
    assert calculate(text) is None


@given(st.text(alphabet="0123456789.+-*/()% ", max_size=40))
def test_it_never_fails(text: str) -> None:
    got = calculate(text)
    assert got is None or isinstance(got, Fraction)


numbers = st.integers(0, 999)
sums = st.recursive(
    numbers.map(lambda n: (str(n), Fraction(n))),
    lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(
        lambda t: (
            f"({t[0][0]}{t[1]}{t[2][0]})",
            {"+": t[0][1] + t[2][1], "-": t[0][1] - t[2][1], "*": t[0][1] * t[2][1]}[t[1]],
        )
    ),
    max_leaves=8,
)


@given(sums)
def test_nested_sums_and_products_are_exact(pair: tuple[str, Fraction]) -> None:
    text, value = pair
    if len(text) <= 200:
        assert calculate(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("1,234", Fraction(1234)), ("-0.5", Fraction(-1, 2)), (".5", Fraction(1, 2)), ("$3", Fraction(3)),
     ("20%", Fraction(20)), ("3.", Fraction(3)), (" 7 ", Fraction(7)), ("1/2", None), ("x", None), ("", None), ("٣", Fraction(3)), ("−٣٫٥", Fraction(-7, 2)), ("3²", None), ("½", None)],
)  # fmt: skip
def test_numbers(text: str, value: Fraction | None) -> None:
    assert number(text) == value


@pytest.mark.parametrize(
    ("value", "written", "expected"),
    [
        (Fraction(10, 3), "3.33", True),
        (Fraction(10, 3), "3.34", True),
        (Fraction(10, 3), "3.35", False),
        (Fraction(10, 3), "3", True),
        (Fraction(10, 3), "4", True),
        (Fraction(10, 3), "5", False),
        (Fraction(6), "6.00", True),
        (Fraction(6), "7", False),
        (Fraction(6), "6.5", False),
    ],
)
def test_a_result_may_be_rounded_or_cut_to_its_digits(
    value: Fraction, written: str, expected: bool
) -> None:
    shown = number(written)
    assert shown is not None
    assert agrees(value, shown, written) is expected

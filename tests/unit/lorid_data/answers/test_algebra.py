"""Exact arithmetic behind `equal`: canonical forms, and limits that are kept."""

import cmath
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lorid_data.answers import algebra
from lorid_data.answers.evaluate import exact
from lorid_data.answers.expression import parse_expression
from lorid_data.answers.monomials import TermsError, factorise
from lorid_data.answers.rendered import rendered
from lorid_data.answers.results import LimitError
from lorid_data.answers.rough import N_POINTS, agree, at_points, differ
from lorid_data.answers.spelling import respell
from lorid_data.answers.tokens import ParseError, tokenise


def value(text: str) -> algebra.Quotient:
    return exact(parse_expression(tokenise(respell(text))))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("2/4", "1/2"), (r"\sqrt{8}", "2*2^1/2"), (r"\sqrt[3]{16}", "2*2^1/3"), (r"\frac{1}{\sqrt{2}}", "1/2*2^1/2"),
        (r"\frac{1}{1+i}", "-1/2*i+1/2"), ("i^7", "-1*i"), ("(x+1)(x-1)", "x^2+-1"), (r"\frac{x^2-1}{x-1}", "x+1"), ("x^2x^{-2}", "1"),
        (r"\sin\frac{\pi}{6}", "1/2"), (r"\cos 135^\circ", "-1/2*2^1/2"), (r"\tan 60^\circ", "3^1/2"), ("5!", "120"),
        (r"\binom{6}{2}", "15"), ("|-3|", "3"), (r"\lfloor -2.5 \rfloor", "-3"), (r"\lceil -2.5 \rceil", "-2"), ("-2^2", "-4"),
        (r"2\frac{3}{4}", "11/4"), (r"\frac12", "1/2"), (r"\sqrt{-4}", "2*i"), (r"\frac{4x}{2y}", "2*x*y^-1"), ("0x", "0"),
    ],
)  # fmt: skip
def test_canonical_forms(text: str, key: str) -> None:
    assert value(text).key() == key


@pytest.mark.parametrize("text", ["1/0", r"\frac{x}{0}", "0^{-1}", r"\frac{1}{x-x}"])
def test_division_by_zero_is_refused(text: str) -> None:
    with pytest.raises(ZeroDivisionError):
        value(text)


@pytest.mark.parametrize(
    "text", ["9^{9^{9}}", "2^{50000}", "4000!", r"\binom{5000}{2}", "(2^{30000})(2^{30000})"]
)
def test_numbers_that_are_too_large_are_refused(text: str) -> None:
    with pytest.raises(LimitError):
        value(text)


def test_sums_with_too_many_terms_are_refused() -> None:
    with pytest.raises(TermsError):
        value("(a+b+c+d+f+g)^{20}")


@pytest.mark.parametrize(
    "text",
    ["", "x+", "1 2", "(1", ")", r"\frac{1}", "x^", r"\unknown", "hello", "=", r"\sqrt", "3!x!!+"],
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_expression(tokenise(text))


@given(st.integers(1, 3_999_999))
def test_prime_factors_multiply_back(n: int) -> None:
    factors = factorise(n)
    assert factors is not None
    product = 1
    for p, k in factors.items():
        assert k > 0
        product *= p**k
    assert product == n


SMALL = st.fractions(-20, 20, max_denominator=9)


@settings(max_examples=200, deadline=None)
@given(SMALL, SMALL, st.integers(2, 12), st.integers(2, 12))
def test_surds_have_one_form(a: Fraction, b: Fraction, m: int, n: int) -> None:
    # (a + b√m)(a - b√m) = a² - b²m, and √m√n = √(mn)
    left = value(f"({a}+({b})\\sqrt{{{m}}})({a}-({b})\\sqrt{{{m}}})")
    assert left.number == a * a - b * b * m
    assert value(rf"\sqrt{{{m}}}\sqrt{{{n}}}").key() == value(rf"\sqrt{{{m * n}}}").key()


@settings(max_examples=200, deadline=None)
@given(SMALL, SMALL, SMALL.filter(bool), st.integers(2, 12))
def test_a_quotient_of_surds_times_its_denominator_is_its_numerator(
    a: Fraction, b: Fraction, c: Fraction, n: int
) -> None:
    top, bottom = f"({a}+({b})\\sqrt{{{n}}})", f"({c}+\\sqrt{{{n}}}i)"
    assert value(rf"\frac{{{top}}}{{{bottom}}} \cdot {bottom}").key() == value(top).key()


EXPRESSIONS = st.recursive(
    st.sampled_from(["x", "y", "2", "3", r"\pi", r"\sqrt{2}", "i"]),
    lambda inner: st.tuples(inner, st.sampled_from(["+", "-", r"\cdot "]), inner).map(
        lambda t: f"({t[0]}{t[1]}{t[2]})"
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(EXPRESSIONS, EXPRESSIONS)
def test_exact_and_rough_values_do_not_contradict(a: str, b: str) -> None:
    nodes = [parse_expression(tokenise(t)) for t in (a, b)]
    same = algebra.is_same(*(exact(n) for n in nodes))
    points = [at_points(n) for n in nodes]
    assert len(points[0]) == N_POINTS
    assert not (same and differ(*points))
    assert same or not agree(*points)


def test_an_identity_agrees_and_a_coincidence_at_positive_numbers_does_not() -> None:
    def points(text: str) -> tuple[complex | None, ...]:
        return at_points(parse_expression(tokenise(respell(text))))

    assert agree(points(r"\tan 2x"), points(r"\frac{2\tan x}{1-\tan^2 x}"))
    assert agree(points(r"\ln(xy)"), points(r"\ln x+\ln y"))
    assert not agree(points("|x|"), points("x"))
    assert differ(points(r"\sin x"), points(r"\cos x"))
    assert points("e^{e^{e^{e^{9}}}}") == (None,) * N_POINTS
    assert all(v is not None and cmath.isfinite(v) for v in points(r"\sqrt{x}+\arcsin x"))


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("-(x+1)^2", "-(x +1)^{2}"), ("2-(a-b)", "2+(-(a +(-b )))"), ("(x+1)!", "(x +1)!"), ("-3^2", "-3^{2}"),
        ("sqrt(3)/3", r"\frac{\sqrt{3}}{3}"), ("2*floor(n/2)", r"2 \cdot \lfloor \frac{n }{2} \rfloor"),
        (r"\alpha_1 + \pi", r"\alpha_{1}+\pi "), ("17 mod n", None), ("P(x)+1", None), ("n!!", None),
    ],
)  # fmt: skip
def test_the_verifier_is_asked_for_what_the_tree_says(text: str, latex: str | None) -> None:
    assert rendered(parse_expression(tokenise(respell(text)))) == latex


@settings(max_examples=100, deadline=None)
@given(EXPRESSIONS)
def test_what_the_verifier_is_asked_is_read_back_as_the_same_value(a: str) -> None:
    node = parse_expression(tokenise(respell(a)))
    latex = rendered(node)
    assert latex is not None
    again = parse_expression(tokenise(respell(latex)))
    assert algebra.is_same(exact(node), exact(again))

"""What an ellipsis leaves out is filled in where one progression alone fits; else nothing is claimed."""

import pytest

from lorid_data.answers import Verdict, equal

pytestmark = pytest.mark.usefixtures("answers_prepared")


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("1*3*…*11", "10395"),
        (r"3 \cdot 6 \cdots 15", "29160"),
        (r"9 \times 8 \times \dots \times 1", "9!"),
        ("7 + 8 + ... + 90", "4074"),
        ("1+2+...+99+100", "5050"),
        ("1+2+...+2025", "2051325"),
        (r"2 + 4 + \cdots + 2k", "k(k+1)"),
        (r"1 + 3 + \ldots + (2m-1)", "m^2"),
        ("1*2*...*m", "m!"),
        ("1 + 3 + 9 + ... + 729", "1093"),
        ("1 + 5 + 5^2 + ... + 5^4", "781"),
        (r"\frac13 + \frac19 + \frac1{27} + \cdots + \frac1{243}", "121/243"),
        (r"2^3 + 3^3 + \cdots + 6^3", "440"),
        ("1 + 4 + 9 + ... + 49", "140"),
        (r"1 \cdot 3 + 2 \cdot 4 + \cdots + 6 \cdot 8", "133"),
        (r"3^{1+2+\dots+6}", "3^{21}"),
        (r"\frac{1\cdot 3\cdots 7}{2\cdot 4\cdots 8}", "35/128"),
        ("2, 4, ..., 12", r"\{2,4,6,8,10,12\}"),
        ("(1, 2, ..., 6)", "(1,2,3,4,5,6)"),
    ],
)
def test_certain(a: str, b: str) -> None:
    assert (equal(a, b), equal(b, a)) == (Verdict.EQUAL, Verdict.EQUAL)
    assert equal(a, f"{b}+1") is not Verdict.EQUAL


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("1 + 4 + ... + 100", "385"),  # squares, or every third number
        ("2 * 4 * ... * 16", "1024"),  # powers of 2, or even numbers
        ("1 + 3 + 5 + ... + 100", "2500"),  # does not arrive
        ("2 + 3 + 5 + ... + 19", "77"),
        (r"1 + \frac12 + ... + \frac18", r"\frac{15}8"),
        ("1 + 2 + 3 + ...", "6"),
        (r"n(n-1)\cdots(n-k+1)", "n"),
        (r"1 + 4 + \cdots + n^2", "n^2"),
        ("1 - 2 + 3 - ... + 99", "50"),
        ("1*3*...*9*...*15", "2027025"),
        ("2, 4, 6, ...", "2, 4, 6"),
        (r"\{1, 2, \ldots\}", r"\{1, 2\}"),
        ("1 + 2 + ... + 10^{400}", "3"),
    ],
)
def test_not_certain(a: str, b: str) -> None:
    assert (equal(a, b), equal(b, a)) == (Verdict.UNPARSED, Verdict.UNPARSED)
    assert equal(a, f" ${a}$") is Verdict.EQUAL

"""Boxes, control characters, LaTeX balance."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lorid_data.texts.latex import control_characters, last_boxed, unbalanced_latex


@pytest.mark.parametrize(
    ("text", "content"),
    [
        (r"so $\boxed{\frac{1}{2}}$.", r"\frac{1}{2}"),
        (r"\boxed{1} or rather \boxed{ 2 }", " 2 "),
        (r"$\boxed 9$.", "9"),
        (r"$\boxed \pi$", r"\pi"),
        (r"\fbox{x}", "x"),
        (r"\boxed{}", ""),
        (r"\boxed{a\}b}", r"a\}b"),
        (r"\boxed{1} and \boxed{2", "1"),
        ("no box", None),
        (r"\boxed", None),
    ],
)
def test_last_boxed(text: str, content: str | None) -> None:
    assert last_boxed(text) == content


@given(st.text(alphabet="\\boxed{}$ a1", max_size=60))
def test_last_boxed_never_fails_and_gives_a_part_of_the_text(text: str) -> None:
    content = last_boxed(text)
    assert content is None or content in text


def test_control_characters_are_named_once() -> None:
    assert control_characters("a\tb\r\nc é\u2028") == []
    assert control_characters("a\x0crac\x0c\x00\x85\ufffd") == [
        "U+0000",
        "U+000C",
        "U+0085",
        "U+FFFD",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "She paid $5 and got $2 { back",
        r"$\frac{1}{2}$ and \$5",
        r"$\left\{ x \right.$",
        r"\[\begin{aligned} a &= b \\[2pt] c &= d \end{aligned}\]",
        r"\(a\) \[b\]",
        r"$x$ \textbf{a} [asy] label(\"$A\"); { [/asy]",
        r"100\% of $\{1, 2\}$ \\",
    ],
)
def test_balanced_latex_is_let_through(text: str) -> None:
    assert unbalanced_latex(text) is None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (r"\frac{1}{2", "a { without its }"),
        (r"\frac{1}2}", "a } without its {"),
        (r"\boxed{7} dollars$", "an odd number of $"),
        (r"\begin{align} x", r"\begin{align} without its \end"),
        (r"\begin{align} x \end{array}", r"\end{array} without its \begin"),
        (r"\[ x", r"\[ without its partner"),
        (r"x \]", r"\] without its partner"),
        (r"\( x \]", r"\] without its partner"),
    ],
)
def test_unbalanced_latex_is_named(text: str, what: str) -> None:
    assert unbalanced_latex(text) == what

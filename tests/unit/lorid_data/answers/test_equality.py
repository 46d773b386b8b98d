"""`equal`, `key` and `group`: the case book, properties, hostile input and every real gold answer."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lorid_data.answers import Accepted, Verdict, equal, group, key

pytestmark = pytest.mark.usefixtures("answers_prepared")

BOOK = [
    json.loads(line)
    for line in (Path(__file__).parents[3] / "golden" / "answers_equality.jsonl")
    .read_text("utf-8")
    .splitlines()
]
HELD_OUT = [
    json.loads(line)
    for line in (Path(__file__).parents[3] / "golden" / "answers_heldout_equality.jsonl")
    .read_text("utf-8")
    .splitlines()
]
CATEGORIES = sorted({case["category"] for case in BOOK})


@pytest.mark.parametrize("category", CATEGORIES)
def test_case_book(category: str) -> None:
    wrong = [
        (a, b, str(found), case["verdict"])
        for case in BOOK
        if case["category"] == category
        for a, b in ((case["a"], case["b"]), (case["b"], case["a"]))
        if (found := equal(a, b)) != case["verdict"]
    ]
    assert not wrong


@pytest.mark.parametrize("number", sorted({case["slice"] for case in HELD_OUT}))
def test_held_out_slices(number: int) -> None:
    """Each was read once before the code was changed; `given` is what still fails."""
    wrong = [
        (case["a"], case["b"], str(found))
        for case in HELD_OUT
        if case["slice"] == number
        for found in [equal(case["a"], case["b"])]
        if not found == equal(case["b"], case["a"]) == case.get("given", case["verdict"])
    ]
    assert not wrong


def test_of_several_accepted_answers_one_is_enough() -> None:
    accepted = Accepted(("C(10, 5)", "252"))
    assert equal("252", accepted) is equal(accepted, "252") is Verdict.EQUAL
    assert equal(r"\binom{10}{5}", accepted) is Verdict.EQUAL
    assert equal("251", accepted) is equal(accepted, "251") is Verdict.DIFFERENT
    assert equal("251", Accepted(("252", "erf(1)"))) is Verdict.UNPARSED
    assert equal(Accepted(("1", "2")), Accepted(("3", "2"))) is Verdict.EQUAL
    with pytest.raises(ValueError, match="at least one"):
        Accepted(())


def test_the_case_book_is_large_and_names_its_sources() -> None:
    verdicts = Counter(case["verdict"] for case in BOOK)
    assert verdicts["equal"] > 300
    assert verdicts["different"] > 200
    assert all(case["source"] for case in BOOK)
    assert len({(c["a"], c["b"]) for c in BOOK}) == len(BOOK)


BARE = [
    c
    for c in BOOK
    if c["verdict"] == "equal" and "$" not in c["a"] + c["b"] and "boxed" not in c["a"]
]


@pytest.mark.parametrize("case", BARE[::9], ids=lambda c: c["a"])
def test_wrappers_change_nothing(case: dict[str, str]) -> None:
    a, b = case["a"], case["b"]
    assert equal(f"${a}$", rf"\boxed{{{b}}}") == equal(a, rf"\({b}\)") == Verdict.EQUAL


@pytest.mark.parametrize(
    "over", ["(" * 41 + "1" + ")" * 41, "1" * 401, "x+" * 2047 + "x + 1", "1 " * 1501, "2^{40001}"]
)
def test_over_a_limit_nothing_is_claimed(over: str) -> None:
    assert equal(over, "1") is Verdict.UNPARSED
    assert equal("1", over) is Verdict.UNPARSED


@pytest.mark.parametrize("under", ["(" * 39 + "1" + ")" * 39, "0" * 399 + "1", "1" + "+0" * 700])
def test_under_the_limits_it_is_compared(under: str) -> None:
    assert equal(under, "1") is Verdict.EQUAL


@pytest.mark.parametrize("broken", ["", "(4x-7]", r"\frac{1}{", "}{", r"\sqrt{2"])
def test_what_is_empty_or_broken_is_not_claimed_to_differ(broken: str) -> None:
    assert equal(broken, "1") is Verdict.UNPARSED


# --- keys and groups ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("1,234", "1234"), ("72 clips", "72"), ("x = 5", "5"), ("$18", "18.00"), (r"\frac{1}{\sqrt{2}}", r"\frac{\sqrt2}{2}"),
        ("(x+1)^2", "x^2+2x+1"), (r"3, 1 \text{ and } 2", r"\{1,2,3\}"), ("x<3", r"(-\infty,3)"), ("101_{2}", "101_2"),
        ("seventy-two", "72"), ("(1, 2)", r"\left(1,2\right)"), ("x^2+y^2=25", "25-y^2=x^2"),
    ],
)  # fmt: skip
def test_answers_that_the_exact_stages_find_equal_share_a_key(a: str, b: str) -> None:
    assert key(a) == key(b)


def test_keys_tell_different_answers_apart() -> None:
    answers = [
        "5",
        "-5",
        "5.1",
        "x",
        "y",
        "(1,2)",
        "[1,2]",
        "1,2",
        "1,2,2",
        "x<3",
        "x>3",
        "12_5",
        "12",
        "A",
        "east",
    ]
    assert len({key(a) for a in answers}) == len(answers)


def test_a_key_of_what_is_over_the_limits_is_its_text() -> None:
    assert key("9" * 500) != key("9" * 501)
    assert key("9" * 500) == key(" " + "9" * 500)


def test_group_numbers_answers_in_order_of_first_appearance() -> None:
    answers = ["0.5", "7", r"\frac12", "7 clips", "east", "1/2", "East", "x=7"]
    assert group(answers) == [0, 1, 0, 1, 2, 0, 2, 1]


def test_group_asks_the_verifier_where_keys_differ() -> None:
    assert group([r"\int_0^1 x dx", "x", "1/2"]) == [0, 1, 0]


def test_group_keeps_stated_units_apart() -> None:
    assert group(["5 km", "5 m"]) == [0, 1]


@settings(max_examples=60, deadline=None)
@given(
    st.permutations(
        ["0.333", "1/3", "0.3333", "5", "5 km", "5 m", "x=5", "7", "1,2", "2,1", "(1,2)"]
    )
)
def test_groups_do_not_depend_on_the_order(answers: list[str]) -> None:
    numbers = dict(zip(answers, group(answers), strict=True))
    together = {frozenset(a for a in numbers if numbers[a] == n) for n in numbers.values()}
    assert together == {
        frozenset(["0.333", "1/3", "0.3333"]),  # two roundings meet through what they round
        frozenset(["5", "5 km", "5 m", "x=5"]),
        frozenset(["7"]),
        frozenset(["1,2", "2,1"]),
        frozenset(["(1,2)"]),
    }


def test_group_of_nothing() -> None:
    assert group([]) == []


# --- properties --------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        *[
            r"\frac",
            r"{",
            r"}",
            r"(",
            r")",
            r"[",
            r"]",
            r"\{",
            r"\}",
            r"1",
            r"23",
            r"4.5",
            r"x",
            r"y",
            r"ab",
            r"hello",
            r"\text{",
            r"cm}",
            r",",
            r";",
            r"=",
            r"<",
            r">",
            r"\leq",
            r"\cup",
            r"U",
            r"\infty",
            r"-",
            r"+",
            r"*",
            r"/",
            r"^",
            r"_",
            r"!",
            r"|",
            r"%",
            r"$",
            r"\pm",
            r"\sqrt",
            r"\sin",
            r"\pi",
            r"i",
            r"\begin{pmatrix}",
            r"\end{pmatrix}",
            r"&",
            r"\\",
            r"\in",
            r"\circ",
            r"or",
            r"and",
            r"\boxed{",
            r".",
            r":",
            r"\approx",
            r"\mathbb{R}",
            r"\langle",
            r"½",
            r"∞",
            r"million",
            r"two",
            r"base",
            r"1e5",
            r"max(",
            r"'",
            r"**",
        ],
        " ",
    ]
)
TEXTS = st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=30)


def _exact_only(monkeypatch: pytest.MonkeyPatch) -> None:
    from lorid_data.answers.verifier import Verifier

    monkeypatch.setattr(Verifier, "ask", lambda *_: Verdict.UNPARSED)
    monkeypatch.setattr(Verifier, "ready", lambda *_: None)


def test_any_two_texts_have_a_symmetric_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    _exact_only(monkeypatch)

    @settings(max_examples=300, deadline=None)
    @given(TEXTS, TEXTS)
    def check(a: str, b: str) -> None:
        assert equal(a, b) == equal(b, a)
        assert equal(a, a) is Verdict.EQUAL
        assert isinstance(key(a), str)

    check()


@settings(max_examples=300, deadline=None)
@given(
    st.integers(-(10**12), 10**12), st.sampled_from([",", "{,}", r"\,", r",\!", " ", "~", "\u202f"])
)
def test_thousands_in_any_spelling(n: int, separator: str) -> None:
    typed = f"{n:,}".replace(",", separator)
    assert equal(typed, str(n)) is Verdict.EQUAL
    assert equal(typed, str(n + 1)) is Verdict.DIFFERENT


@settings(max_examples=200, deadline=None)
@given(st.fractions(max_denominator=999), st.integers(2, 9))
def test_fractions_are_compared_exactly(value: object, factor: int) -> None:
    top, bottom = (
        (int(x) for x in str(value).split("/")) if "/" in str(value) else (int(str(value)), 1)
    )
    sign = "-" if top < 0 else ""
    assert (
        equal(rf"{sign}\frac{{{abs(top) * factor}}}{{{bottom * factor}}}", f"{top}/{bottom}")
        is Verdict.EQUAL
    )
    assert (
        equal(rf"{sign}\frac{{{abs(top) * factor + 1}}}{{{bottom * factor}}}", f"{top}/{bottom}")
        is Verdict.DIFFERENT
    )


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-99, 99), min_size=2, max_size=6), st.randoms())
def test_lists_have_no_order_and_forget_nothing(numbers: list[int], rng: object) -> None:
    other = list(numbers)
    rng.shuffle(other)  # type: ignore[attr-defined]
    typed = ", ".join(map(str, numbers))
    assert equal(typed, r"\{" + ",".join(map(str, other)) + r"\}") is Verdict.EQUAL
    assert equal(typed, ", ".join(map(str, other[1:]))) is Verdict.DIFFERENT


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-9, 9), min_size=1, max_size=4), st.integers(-9, 9))
def test_products_of_linear_factors_equal_their_expansion(roots: list[int], at: int) -> None:
    factors = "".join(f"(x-({r}))" for r in roots)
    coefficients = [1]
    for r in roots:
        coefficients = [
            a - r * b for a, b in zip([*coefficients, 0], [0, *coefficients], strict=True)
        ]
    n = len(roots)
    expanded = "+".join(f"({c})x^{{{n - i}}}" for i, c in enumerate(coefficients))
    assert equal(factors, expanded) is Verdict.EQUAL
    assert equal(factors, expanded + f"+({at})") is (
        Verdict.EQUAL if at == 0 else Verdict.DIFFERENT
    )


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 40), st.integers(2, 40))
def test_a_factor_may_stand_inside_the_root(a: int, b: int) -> None:
    assert equal(rf"{a}\sqrt{{{b}}}", rf"\sqrt{{{a * a * b}}}") is Verdict.EQUAL
    assert equal(rf"{a}\sqrt{{{b}}}", rf"\sqrt{{{a * a * b + 1}}}") is Verdict.DIFFERENT


# --- real gold answers -------------------------------------------------------------------------


def _golds(real_data: Path) -> list[str]:
    import polars as pl

    from lorid_data.texts.latex import last_boxed

    gsm8k = [
        a
        for f in (real_data / "openai/gsm8k/main").glob("*.parquet")
        for a in pl.read_parquet(f)["answer"]
    ]
    files = sorted((real_data / "EleutherAI/hendrycks_math").glob("*/*.parquet"))
    math = [last_boxed(s) for f in files for s in pl.read_parquet(f)["solution"]]
    assert (len(gsm8k), len(math)) == (8792, 12500)
    assert None not in math
    return [a.rpartition("####")[2].strip() for a in gsm8k] + [m or "" for m in math]


def _respelled(gold: str) -> str:
    other = re.sub(r"\\[dt]frac(?=\{)", r"\\frac", gold)
    return (
        " $ "
        + other.replace("(", r"\left( ").replace(")", r" \right)").replace(r"\left\left", r"\left")
        + " $ "
    )


def test_every_gold_answer_equals_itself(real_data: Path) -> None:
    assert [g for g in _golds(real_data) if equal(g, g) is not Verdict.EQUAL] == []


@pytest.mark.slow
def test_every_gold_answer_equals_itself_in_another_spelling(real_data: Path) -> None:
    golds = sorted(
        {g for g in _golds(real_data) if g.strip() and "left" not in g and r"\$" not in g}
    )
    wrong = [(g, str(v)) for g in golds if (v := equal(g, _respelled(g))) is not Verdict.EQUAL]
    assert wrong == []


@pytest.mark.slow
def test_gold_numbers_differ_from_their_neighbours(real_data: Path) -> None:
    integers = sorted({int(g) for g in _golds(real_data) if re.fullmatch(r"-?\d{1,9}", g)})
    for n in integers:
        assert equal(str(n), str(n + 1)) is Verdict.DIFFERENT
        assert equal(f"{n:,}", f"{n + 1}") is Verdict.DIFFERENT
        assert n == 0 or equal(str(n), str(n * 100)) is Verdict.DIFFERENT
        assert equal(str(n), f"{n}, {n + 2}") is Verdict.DIFFERENT

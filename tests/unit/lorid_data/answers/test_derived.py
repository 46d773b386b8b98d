"""Pairs derived from every gold answer of MATH: respelled, they are equal; changed, they are not.

The rules were written against the test split; the train split is the slice they were not tuned on.
"""

import random
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from lorid_data.answers import Verdict, equal

pytestmark = pytest.mark.usefixtures("answers_prepared")

Case = tuple[str, str, str, bool]
"""category, gold, other, whether they are equal"""

NOUNS = [
    "apples",
    "clips",
    "dollars",
    "students in total",
    "miles per hour",
    "cm",
    "square feet",
    "years old",
    "pages",
]
SEPARATORS = [",", "{,}", r"\,", r",\!", " ", r"\ ", "\u202f", "'", "~"]


def integers(gold: str, rng: random.Random) -> Iterator[Case]:
    if not re.fullmatch(r"-?\d{1,9}", gold):
        return
    n = int(gold)
    same = {
        "wrapped": f"${gold}$", "boxed": rf"\boxed{{{gold}}}", "with zeros": gold + ".00", "with a noun": f"{gold} {rng.choice(NOUNS)}",
        "named": f"{rng.choice('xnka')} = {gold}", "in text": rf"{gold}\text{{ {rng.choice(NOUNS)}}}", "percent": rf"{gold}\%",
        "degree": rf"{gold}^\circ", "money": rf"\${gold}", "bold": f"**{gold}**", "minus sign": gold.replace("-", "−"),
    }  # fmt: skip
    yield from (("integer " + name, gold, other, True) for name, other in same.items())
    yield "scientific", str(n * 1000), rf"{n}\times 10^3", True
    yield "scientific", str(n * 1000), f"{n}e3", True
    for other in (n + 1, n - 1, n * 100, n / 100, -n, n * 10):
        yield "other number", gold, str(other), other == n
    for other in (
        f"{n}, {n + 2}",
        f"{n + 2} or {n}",
        f"{n} and {n + 2}",
        f"{abs(n)}_7",
    ):
        yield "hedge", gold, other, False
    if abs(n) >= 1000:
        for separator in SEPARATORS:
            yield "thousands", gold, f"{n:,}".replace(",", separator), True
        yield "thousands off by one", f"{n:,}", str(n + 1), False


def fractions(gold: str, _: random.Random) -> Iterator[Case]:
    m = re.fullmatch(r"(-?)\\[dt]?frac\{(\d+)\}\{(\d+)\}", gold)
    if m is None:
        return
    sign, a, b = m[1], int(m[2]), int(m[3])
    for other in (
        f"{sign}{a}/{b}",
        rf"{sign}\dfrac{{{3 * a}}}{{{3 * b}}}",
        rf"\frac{{{sign}{a}}}{{{b}}}",
        rf"{sign} \frac {{ {a} }} {{ {b} }}",
    ):
        yield "fraction", gold, other, True
    for top, bottom in ((b, a), (a + 1, b), (a, b + 1)):
        if bottom:
            yield (
                "other fraction",
                gold,
                rf"{sign}\frac{{{top}}}{{{bottom}}}",
                Fraction(top, bottom) == Fraction(a, b),
            )
    if a > b and a % b:
        yield "mixed", gold, rf"{sign}{a // b}\frac{{{a % b}}}{{{b}}}", True
        yield "mixed", gold, f"{sign}{a // b} {a % b}/{b}", True
    if 10**6 * a % b == 0:
        yield "decimal", gold, f"{sign}{a / b:.6f}", True
        yield "decimal times 100", gold, f"{sign}{100 * a / b:.6f}", False


def surds(gold: str, _: random.Random) -> Iterator[Case]:
    m = re.fullmatch(r"(-?)(\d+) ?\\sqrt\{(\d+)\}", gold)
    if m is None:
        return
    sign, a, b = m[1], int(m[2]), int(m[3])
    for other in (
        rf"\sqrt{{{a * a * b}}}",
        f"{a}√{b}",
        f"{a}*sqrt({b})",
        rf"\frac{{{a * b}}}{{\sqrt{{{b}}}}}",
    ):
        yield "surd", gold, sign + other, True
    yield "other surd", gold, rf"{sign}\sqrt{{{a * a * b + 1}}}", False


def intervals(gold: str, _: random.Random) -> Iterator[Case]:
    text = gold.strip()
    if (
        "cup" in text
        or not re.fullmatch(r"[(\[][^()\[\]{}]*,[^()\[\]{}]*[)\]]", text)
        or not ({"[", "]"} & set(text))
    ):
        return
    yield "interval", gold, rf"x \in {text}", True
    yield "interval", gold, text.replace(",", " , ").replace(r"\infty", "∞"), True
    yield "other bracket", gold, {"(": "[", "[": "("}[text[0]] + text[1:], False
    yield "other bracket", gold, text[:-1] + {")": "]", "]": ")"}[text[-1]], False


def unions(gold: str, _: random.Random) -> Iterator[Case]:
    if gold.count(r"\cup") == 0 or "in" in gold.replace(r"\infty", ""):
        return
    parts = gold.split(r"\cup")
    yield "union", gold, r" \cup ".join(reversed(parts)), True
    yield "union", gold, "U".join(parts), True
    yield "union", gold, "∪".join(parts), True
    yield "part of a union", gold, parts[0], False


def lists(gold: str, rng: random.Random) -> Iterator[Case]:
    if not re.fullmatch(r"[^(\[{!\\]+(,[^(\[{!\\]+)+", gold) or re.search(
        r"\d,\d{3}(?!\d)|=", gold
    ):
        return
    parts = [p.strip() for p in gold.split(",")]
    shuffled = rng.sample(parts, len(parts))
    for other in (
        ",".join(shuffled),
        " or ".join(shuffled),
        r"\{" + ", ".join(shuffled) + r"\}",
        "; ".join(shuffled),
    ):
        yield "list", gold, other, True
    yield "list", gold, ", ".join(shuffled[:-1]) + " and " + shuffled[-1], True
    yield "shorter list", gold, ", ".join(parts[:-1]), False


def tuples(gold: str, _: random.Random) -> Iterator[Case]:
    if not re.fullmatch(r"\([^()\[\]]*,[^()\[\]]*\)", gold) or "infty" in gold:
        return
    parts = [p.strip() for p in gold[1:-1].split(",")]
    yield "tuple", gold, r"\left( " + " , ".join(parts) + r" \right)", True
    yield "other order", gold, "(" + ",".join(reversed(parts)) + ")", parts == parts[::-1]
    yield "shorter tuple", gold, "(" + ",".join(parts[:-1]) + ")", False


def matrices(gold: str, rng: random.Random) -> Iterator[Case]:
    if (
        not re.fullmatch(r"\s*\\begin\{pmatrix\}[^&]*(&[^&]*)*\\end\{pmatrix\}\s*", gold)
        or "phantom" in gold
    ):
        return
    yield "matrix", gold, "$" + gold.replace(r"\\", "\\\\\n") + "$", True
    yield "matrix", gold, gold.replace("pmatrix", "bmatrix"), True
    digits = list(re.finditer(r"(?<!\d)\d+(?!\d)", gold))
    k = rng.choice(digits)
    yield "other matrix", gold, gold[: k.start()] + str(int(k[0]) + 1) + gold[k.end() :], False


def based(gold: str, _: random.Random) -> Iterator[Case]:
    m = re.fullmatch(r"(\d+)_\{?(\d+)\}?", gold)
    if m is None:
        return
    yield "base", gold, f"({m[1]})_{{{m[2]}}}", True
    yield "base", f"{m[1]}_{m[2]}", f"{m[1]}_{{{m[2]}}}", True
    yield "other base", gold, f"{m[1]}_{{{int(m[2]) + 1}}}", False
    yield "no base", gold, m[1], False


def polynomials(gold: str, rng: random.Random) -> Iterator[Case]:
    if not re.fullmatch(r"[-+ a-z0-9^{}()/]*[a-z][-+ a-z0-9^{}()/]*", gold) or re.search(
        r"[a-z]{3}|f\(", gold
    ):
        return
    names = sorted(set(re.findall("[a-z]", gold)) - {"i", "e"})
    if not names:
        return
    old = rng.choice(names)
    new = rng.choice(sorted(set("abcnpqrstuvwxyz") - set(names)))
    yield "other variable", gold, gold.replace(old, new), False
    yield "plus one", gold, gold + "+1", False
    yield "named", gold, f"{new} = {gold}", True
    yield "spaced", gold, gold.replace("+", " + ").replace("-", " - "), True


def equations(gold: str, _: random.Random) -> Iterator[Case]:
    if gold.count("=") != 1 or "," in gold or "\\" in gold or not re.search("[a-z]", gold):
        return
    left, right = gold.split("=")
    yield "sides swapped", gold, f"{right.strip()} = {left.strip()}", True
    yield "other equation", gold, gold + "+1", False


RULES = [
    integers,
    fractions,
    surds,
    intervals,
    unions,
    lists,
    tuples,
    matrices,
    based,
    polynomials,
    equations,
]


def derived(data: Path, split: str, seed: int) -> list[Case]:
    import polars as pl

    from lorid_data.texts.latex import last_boxed

    files = sorted((data / "EleutherAI/hendrycks_math").glob(f"*/{split}-*.parquet"))
    golds = sorted({last_boxed(s) or "" for f in files for s in pl.read_parquet(f)["solution"]})
    rng = random.Random(seed)
    return [case for gold in golds for rule in RULES for case in rule(gold, rng)]


@pytest.mark.slow
@pytest.mark.parametrize(("split", "seed"), [("test", 0), ("train", 1)])
def test_derived_pairs(real_data: Path, split: str, seed: int) -> None:
    cases = derived(real_data, split, seed)
    assert len(cases) > 10_000
    assert {c for c, *_ in cases} >= {
        "thousands",
        "surd",
        "union",
        "matrix",
        "base",
        "sides swapped",
        "other bracket",
        "hedge",
    }
    wrong = [
        (c, a, b, str(v))
        for c, a, b, same in cases
        if (v := equal(a, b)) != ("equal" if same else "different")
    ]
    assert wrong == []
    assert [(a, b) for _, a, b, _ in cases if equal(a, b) != equal(b, a)] == []
    assert {equal(a, b) for _, a, b, _ in cases} == {Verdict.EQUAL, Verdict.DIFFERENT}

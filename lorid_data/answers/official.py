"""The official LoRID grader's string and numeric stages, its mistakes included, for comparison.

Written after `src/evaluation/parser.py` and `grader.py` of the official repository (commit 284c947),
which are Qwen2.5-Math's. The words it strips as units are data: `official_units.txt`. Where the
official code would hand both texts to sympy, which evaluates them as Python, this says `unparsed`.
"""

from __future__ import annotations

import math
import re
from functools import cache
from pathlib import Path

from lorid_data.answers.results import Verdict, table

MAX_CHARS = 4096
"""Longer answers are not looked at: some of the official replacements take quadratic time."""
_N_PASSES = 2
_CHOICES = frozenset("ABCDE")
_RELATIVE_TOLERANCE = 1e-4
_NAMES = ("x=", "y=", "z=", r"x\in", r"y\in", r"z\in", r"x\to", r"y\to", r"z\to")


def official_extract(text: str) -> str:
    """See `lorid_data.answers.official_extract`."""
    found = _find(text)
    found = re.sub(r"\n\s*", "", found[-MAX_CHARS:])
    found = found.removeprefix(":").removesuffix(".").removesuffix("/")
    return strip_string(found)


def _find(text: str) -> str:
    arrow = text.find("-->")
    if arrow >= 0 and (end := text.find("END", arrow + 3)) >= 0:
        return text[arrow + 3 : end].strip()
    if "final answer is $" in text and "$. I hope" in text:
        return text.split("final answer is $", 1)[1].split("$. I hope", 1)[0].strip()
    if "boxed" in text:
        return _last_box(text.split("boxed")[-1])
    for cue in ("he answer is", "final answer is"):
        if cue in text:
            return text.split(cue)[-1].strip()
    if "答案是" in text:
        return text.split("答案是")[1].strip().split("\n\n")[0].strip()
    numbers = re.findall(r"-?\d*\.?\d+", text.replace(",", "")[-100_000:])
    return str(numbers[-1]) if numbers else ""


def _last_box(rest: str) -> str:
    """What stands in the braces that `rest` begins with; up to its end where they do not close."""
    if not rest.startswith("{"):
        return rest.split("$")[0].strip()
    depth = 0
    for i, c in enumerate(rest):
        depth += (c == "{") - (c == "}")
        if depth == 0:
            return rest[1:i]
    return rest[1:]


# --- normalisation -----------------------------------------------------------------------------


@cache
def _unit_patterns() -> tuple[re.Pattern[str], ...]:
    lines = (Path(__file__).parent / "official_units.txt").read_text(encoding="utf-8").splitlines()
    words = [*lines, *(w + "s" for w in lines)]
    return tuple(re.compile(rf"(^|\W){w}($|\W)") for w in words)


def strip_string(text: str) -> str:
    """The official normal form of an answer."""
    text = text.strip().replace("\n", "").rstrip(".").replace(r"\!", "")
    text = re.sub(r"\\begin\{array\}\{.*?\}", r"\\begin{pmatrix}", text)
    text = text.replace(r"\end{array}", r"\end{pmatrix}").replace("bmatrix", "pmatrix")
    text = text.replace("tfrac", "frac").replace("dfrac", "frac")
    text = text.replace(r"\neq", r"\ne").replace(r"\leq", r"\le").replace(r"\geq", r"\ge")
    text = text.replace(r"\left", "").replace(r"\right", "").replace(r"\{", "{").replace(r"\}", "}")
    text = _strip_units(text)
    text = text.replace(r"^{\circ}", "").replace(r"^\circ", "")
    for gone in (r"\$", "$", r"\(", r"\)"):
        text = text.replace(gone, "")
    text = _words_to_number(text)
    text = re.sub(r"\\text\{(.*?)\}", r"\1", text)
    for name in _NAMES:
        text = text.replace(name, "")
    text = text.replace(r"\emptyset", "{}").replace(r"(-\infty,\infty)", r"\mathbb{R}")
    text = text.replace(r"\%", "").replace("%", "").replace(" .", " 0.").replace("{.", "{0.")
    return _strip_rest(text)


def _strip_units(text: str) -> str:
    cut = text.find(r"\text{")
    if text.endswith("}") and cut > 0 and text[:cut].strip():
        text = text[:cut].strip()
    for _ in range(_N_PASSES):
        for pattern in _unit_patterns():
            text = pattern.sub(r"\1\2", text) or text
    return text


def _strip_rest(text: str) -> str:
    text = text.replace("infinity", r"\infty")
    if r"\infty" not in text:
        text = text.replace("inf", r"\infty")
    text = re.sub(r"\\mbox{.*?}", "", text.replace("and", "").replace(r"\mathbf", ""))
    if "j" in text and "i" not in text:
        text = text.replace("j", "i")
    text = re.sub(r"(\d+)\.0*([^\d])", r"\1\2", text)
    text = re.sub(r"(\d+)\.0*$", r"\1", text)
    if not text:
        return text
    text = "0" + text if text.startswith(".") else text
    sides = text.split("=")
    if len(sides) == 2 and len(sides[0]) <= 2:
        text = sides[1]
    text = re.sub(r"\\sqrt(\w+)", r"\\sqrt{\1}", text).replace(" ", "")
    return _slash_to_frac(_brace_fractions(text))


def _brace_fractions(text: str) -> str:
    r"""\frac12 → \frac{1}{2}: the two characters behind a \frac without a brace become its arguments."""
    head, *rest = text.split(r"\frac")
    out = head
    for piece in rest:
        if piece.startswith("{"):
            out += r"\frac" + piece
        elif len(piece) < 2:
            return text
        elif piece[1] == "{":
            out += rf"\frac{{{piece[0]}}}{piece[1:]}"
        else:
            out += rf"\frac{{{piece[0]}}}{{{piece[1]}}}{piece[2:]}"
    return out


def _slash_to_frac(text: str) -> str:
    r"""3/4 → \frac{3}{4}, where nothing else is there."""
    sides = text.split("/")
    if len(sides) != 2:
        return text
    shown = []
    for side in sides:
        if "sqrt" in side or re.fullmatch(r"0|-?[1-9]\d*", side):
            shown.append(side)
        else:
            return text
    return rf"\frac{{{shown[0]}}}{{{shown[1]}}}"


# --- number words, as the package word2number reads them ---------------------------------------

_ONES = table("""
    zero one two three four five six seven eight nine ten eleven twelve thirteen
    fourteen fifteen sixteen seventeen eighteen nineteen
    """)  # fmt: skip
_VALUES = {
    **{w: i for i, w in enumerate(_ONES)},
    **{
        w: 10 * i
        for i, w in enumerate(
            ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2
        )
    },
    "hundred": 100,
}
_SCALES = {"thousand": 1000, "million": 10**6, "billion": 10**9}


def _words_to_number(text: str) -> str:
    """The number that the number words of a text make together, other words ignored; else the text."""
    plain = text.replace("-", " ").lower()
    if plain.isdecimal():
        return str(int(plain)) if len(plain) <= 400 else text
    words = [w for w in plain.split() if w in _VALUES or w in _SCALES]
    if not words or any(words.count(s) > 1 for s in _SCALES):
        return text
    order = [w for w in words if w in _SCALES]
    if order != sorted(order, key=lambda w: -_SCALES[w]):
        return text
    total = 0
    group: list[int] = []
    for w in words:
        if w in _SCALES:
            total += (_small(group) if group else 1) * _SCALES[w]
            group = []
        else:
            group.append(_VALUES[w])
    return str(total + (_small(group) if group else 0))


def _small(values: list[int]) -> int:
    """word2number's reading of up to four numbers below a thousand."""
    if len(values) == 4:
        return values[0] * values[1] + values[2] + values[3]
    if len(values) == 3:
        return values[0] * values[1] + values[2]
    if len(values) == 2:
        return values[0] * values[1] if 100 in values else sum(values)
    return values[0]


# --- equality ----------------------------------------------------------------------------------


def official_equal(a: str, b: str) -> Verdict:
    """See `lorid_data.answers.official_equal`."""
    if max(len(a), len(b)) > MAX_CHARS:
        return Verdict.UNPARSED
    return _equal(a, b, depth=0)


def _equal(a: str, b: str, *, depth: int) -> Verdict:
    a, b = a.strip(), b.strip()
    if a.lower() == b.lower() or (b in _CHOICES and _choice(a) == b):
        return Verdict.EQUAL
    x, y = _number(a), _number(b)
    if x is not None and y is not None:
        close = any(math.isclose(y * f, x, rel_tol=_RELATIVE_TOLERANCE) for f in (0.01, 1, 100))
        return Verdict.EQUAL if close else Verdict.DIFFERENT
    if not a:
        return Verdict.DIFFERENT
    if _bare(a, b) == _bare(b, a, of_label=True) or depth > 20:
        return Verdict.EQUAL if depth <= 20 else Verdict.UNPARSED
    return _parts(a, b, depth=depth)


def _parts(a: str, b: str, *, depth: int) -> Verdict:
    for parts in (_list_parts(a), _matrix_parts(a)):
        other = _list_parts(b) if parts is not None and not a.startswith("\\") else _matrix_parts(b)
        if parts is not None and other is not None and len(parts) == len(other):
            verdicts = [_equal(p, q, depth=depth + 1) for p, q in zip(parts, other, strict=True)]
            if all(v is Verdict.EQUAL for v in verdicts):
                return Verdict.EQUAL
            if all(_number(p) is not None for p in (*parts, *other) if p != "\\\\"):
                return Verdict.DIFFERENT  # sympy compares such tuples part by part, too
    for text, other_text in ((a, b), (b, a)):
        sides = text.split("=")
        if len(sides) == 2 and len(sides[0].strip()) <= 2 and "=" not in other_text:
            pair = (sides[1], b) if text is a else (a, sides[1])
            return _equal(*pair, depth=depth + 1)
    return Verdict.UNPARSED


def _number(text: str) -> float | None:
    """A float, commas deleted; a percentage is divided by 100."""
    text = text.replace(",", "")
    try:
        return float(text)
    except ValueError:
        pass
    if not text.endswith("%"):
        return None
    try:
        return float(text[:-1].removesuffix("\\")) / 100
    except ValueError:
        return None


def _choice(text: str) -> str:
    """The last letter A to E that stands alone, as the official cleaning of choices finds it."""
    text = text.strip("\n").rstrip(".").rstrip("/").strip(" ").lstrip(":")
    letters = re.findall(r"\b(A|B|C|D|E)\b", text.upper())
    return letters[-1] if letters else text.strip().strip(".")


def _bare(text: str, other: str, *, of_label: bool = False) -> str:
    """Without braces and round brackets; without outer brackets unless the kinds of the two clash."""
    pred, label = (other, text) if of_label else (text, other)
    if (pred[:1] == "[" and pred[-1:] == "]" and not label.startswith("(")) or (
        pred[:1] == "(" and pred[-1:] == ")" and not label.startswith("[")
    ):
        text = text.strip("[]()")
    return re.sub(r"[{}()]", "", text).lower()


def _list_parts(text: str) -> list[str] | None:
    """The parts between commas of what begins with a bracket; its first and last character are cut."""
    is_list = text[:1] in ("(", "[") and re.search(r"[)\]]", text[2:]) is not None
    return text[1:-1].split(",") if is_list else None


def _matrix_parts(text: str) -> list[str] | None:
    """The cells of a matrix, row by row; a row's end is a part of its own, so that shapes must agree."""
    begin, end = r"\begin{pmatrix}", r"\end{pmatrix}"
    if not text.startswith(begin) or not text.endswith(end):
        return None
    rows = [r.strip() for r in text[len(begin) : -len(end)].split(r"\\") if r.strip()]
    return [cell for row in rows for cell in (*row.split("&"), "\\\\")]

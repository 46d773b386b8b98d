"""One spelling for the many ways to type the same answer: characters, spaces, thousands, wrappers.

Nothing here understands mathematics. All functions are linear in the length of their input.
"""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction

from lorid_data.answers.results import LimitError
from lorid_data.answers.translated import in_english, may_be_foreign, stated
from lorid_data.texts.characters import (
    INVISIBLE,
    LOWERED,
    RAISED,
    VULGAR,
    normal,
    unscripted,
)

MAX_CHARS = 4096
"""Longest answer that is looked at, after runs of white space became one space."""
MAX_NESTING = 40
"""Deepest nesting of brackets."""
MAX_DIGITS = 400
"""Longest run of digits."""

_BEFORE_NFKC = str.maketrans(
    {
        "º": "°",
        "…": r"\ldots ",
        "´": "'",
        "ª": " ",
        **{c: rf"\mathbb{{{d}}}" for c, d in zip("ℝℤℚℕℂ", "RZQNC", strict=True)},
    }
)
_AREA = re.compile(r"(?<=\d)\s?((?:k|c|m|d)?m)([²³])(?!\w)")
"""12m²: behind a letter, a raised digit of its own makes a unit, where m^2 may be a product."""
_AFTER_NFKC = str.maketrans(
    {
        **dict.fromkeys("·⋅∙•", r"\cdot "),
        "`": "'",
        "×": r"\times ", "✕": r"\times ", "÷": r"\div ", "⁄": "/", "∕": "/",
        "π": r"\pi ", "∞": r"\infty ", "°": r"^\circ ", "±": r"\pm ", "∓": r"\mp ",
        "≤": r"\leq ", "≥": r"\geq ", "≠": r"\neq ", "≈": r"\approx ", "≡": r"\equiv ",
        "∪": r"\cup ", "∩": r"\cap ", "∅": r"\emptyset ", "∈": r"\in ", "∖": r"\setminus ",
        "⟨": r"\langle ", "⟩": r"\rangle ", "〈": r"\langle ", "〉": r"\rangle ",
        "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ",
        "α": r"\alpha ", "β": r"\beta ", "γ": r"\gamma ", "δ": r"\delta ", "ε": r"\epsilon ",
        "θ": r"\theta ", "λ": r"\lambda ", "μ": r"\mu ", "ρ": r"\rho ", "σ": r"\sigma ",
        "τ": r"\tau ", "φ": r"\phi ", "ω": r"\omega ", "∠": r"\angle ",
        "→": r"\to ", "⇒": r"\Rightarrow ", "∗": "*", "∣": "|", "€": "€",
    }
)  # fmt: skip
_ROOT = re.compile(r"([√∛∜])\s*(\d+(?:\.\d+)?|[A-Za-z]|(?=[({\\]))")
_ROOT_INDEX = {"√": "", "∛": "[3]", "∜": "[4]"}

_SPACES = re.compile(
    r"(?<!\\)\\[,;:> ]|~|\\(?:quad|qquad|thinspace|enspace|hfill|displaystyle|textstyle|limits|newline"
    r"|tiny|small|normalsize|large|Large|LARGE|huge|Huge)(?![A-Za-z])"
    r"|\\[hv]space\*?\{[^{}]*\}|\\phantom\s?(?:\{[^{}]*\}|[-+\w])"
)
_DOUBLED = re.compile(r"\\\\(?=[A-Za-z])")
"""\\\\frac: a backslash that was escaped once too often. In a matrix it ends a row."""
_HALF_DAY = re.compile(r"(?<![A-Za-z\\])([apAP])\.\s?[mM](?![A-Za-z])\.?")
_INNER_BOX = re.compile(r"\\(?:boxed|fbox|framebox)\s?(?=\{)")
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)(?![A-Za-z])")
_IMAGINARY = re.compile(r"(?<=[*\d])I(?![A-Za-z])")
"""The imaginary unit as sympy prints it: 3 + 4*I."""
_SIZES = re.compile(r"\\(?:left|right|middle|[bB]igg?[lrm]?|mleft|mright)(?![A-Za-z])\s*\.?|\\!")
_COMMANDS = (
    (re.compile(r"\\\\\s*\[\s*-?[\d.]+\s*(?:pt|em|ex|mm|cm)\s*\]"), r"\\\\ "),
    (re.compile(r"\\[dtc]frac(?![A-Za-z])"), r"\\frac"),
    (re.compile(r"\\[dt]binom(?![A-Za-z])"), r"\\binom"),
    (re.compile(r"\\(?:leqslant|leqq|le)(?![A-Za-z])"), r"\\leq"),
    (re.compile(r"\\(?:geqslant|geqq|ge)(?![A-Za-z])"), r"\\geq"),
    (re.compile(r"\\ne(?![A-Za-z])"), r"\\neq"),
    (re.compile(r"\\lt(?![A-Za-z])"), "<"),
    (re.compile(r"\\gt(?![A-Za-z])"), ">"),
    (re.compile(r"\\lbrace(?![A-Za-z])"), r"\\{"),
    (re.compile(r"\\rbrace(?![A-Za-z])"), r"\\}"),
    (re.compile(r"\\lbrack(?![A-Za-z])"), "["),
    (re.compile(r"\\rbrack(?![A-Za-z])"), "]"),
    (re.compile(r"\\(?:[lr]?vert|mid)(?![A-Za-z])"), "|"),
    (re.compile(r"\\(?:varnothing|O)(?![A-Za-z])"), r"\\emptyset"),
    (re.compile(r"\\(?:degree|degrees)(?![A-Za-z])"), r"^\\circ"),
    (re.compile(r"\^\s*\{\s*\\circ\s*\}"), r"^\\circ"),
    (re.compile(r"\\(?:mathrm|textrm|textbf|textit|textsf|texttt|textnormal|mbox|hbox|emph|mathit|mathsf|bf|rm"
                r"|operatorname\*?|mathop)\s*(?=\{)"), r"\\text"),
    (re.compile(r"\\(?:mathbf|boldsymbol|bm|vec|hat|mathcal|mathfrak)\s*(?=\{)"), ""),
    (re.compile(r"\\(?:mathbf|boldsymbol|bm|vec|hat)(?![A-Za-z])"), ""),
    (re.compile(r"\\(?:textcolor|colorbox|color)\s*\{[^{}]*\}"), ""),
    (re.compile(r"\{\s*\\(?:bf|rm|it|sf|tt|em|bfseries|itshape|boldmath)(?![A-Za-z])\s*([^{}]*)\}"), r"\1"),
    (re.compile(r"\\(?:bf|rm|it|sf|tt|em|bfseries|itshape|boldmath)(?![A-Za-z])"), ""),
    (re.compile(r"\\(?:Bbb|mathds)(?![A-Za-z])"), r"\\mathbb"),
    (re.compile(r"\\\$"), "$"),
    (re.compile(r"\\%"), "%"),
)  # fmt: skip
"""All of them begin with a backslash."""
_SIGNS = re.compile(r"[*<>=!+{]")
_OPERATORS = (
    (re.compile(r"\+\s?/\s?-|(?<![^\s=,(\[{$])(?<![\w)}\]]\s)\+-(?=\s?[\d.\\A-Za-z(])"), r"\\pm "),
    (re.compile(r"\*\*"), "^"),
    (re.compile(r"\*"), r"\\cdot "),
    (re.compile(r"<=(?!>)|=<"), r"\\leq "),
    (re.compile(r">="), r"\\geq "),
    (re.compile(r"(?<![\w.^_{])(\d+)!="), r"\1! ="),  # 5!=120: a whole number is no name that differs from another
    (re.compile(r"!=|=/="), r"\\neq "),
    (re.compile(r"\{\s*,\s*\}"), "{,}"),
)  # fmt: skip

_GROUPED = [
    # 1,234 typed with a comma that is marked as no separator, a thin space, an apostrophe, an underscore
    re.compile(rf"(?<![\d.]){first}\d{{0,2}}(?:{sep}\d{{3}})+(?!\d)")
    for first, sep in (
        (r"\d", r"(?:\{,\}|(?:\\!)?,\\!\s?|\\!,)"),
        (r"[1-9]", r"(?:\\[,;: ]|~)"),
        (r"[1-9]", r"['_]"),
    )
]
_DOTTED = re.compile(r"(?<![\d.,])[1-9]\d{0,2}(?:\.\d{3}){2,}(?![\d.])")
_COMMAS = re.compile(r"(?<![\d.,])[1-9](?:\d{0,2}(?:,\d{3})+|\d?(?:,\d\d)+,\d{3})(?![\d,]|,\d)")
"""1,234,567, and 12,34,567 as in India."""
_SPACED = re.compile(r"(?<![\d.,] )(?<![\d.,])[1-9]\d{0,2}(?: \d{3})+(?![\d/]| \d| */)")
_LONG_DIGITS = re.compile(rf"\d{{{MAX_DIGITS + 1}}}")
_SCIENTIFIC = re.compile(
    r"(?<![A-Za-z\\\d.])(\d+(?:\.\d+)?|\.\d+)[eE]([+-]?\d{1,4})(?![A-Za-z\d.])"
)
_TIMES_TEN = re.compile(r"(?<=\d)\s?[xX]\s?10\s?(?:\^|\*\*)")
_REPEATING = re.compile(r"(?<![\d.])(\d*)\.(\d*)\\(?:overline|bar|dot)\s*\{(\d+)\}")
_IN_BRACKETS = re.compile(r"(?<![^\s=,(\[{$-])(\d+)\.(\d*)\((\d+)\)(?=\s*(?:$|[,;%)\]}$]))")
"""0.1(6), for 1/6."""
_ELLIPSIS = re.compile(r"(?<![\d.])(\d*)\.(\d+)(?:\\(?:ldots|dots|cdots)(?![A-Za-z])|\.\.\.)")


def plain_unicode(text: str) -> str:
    """NFKC, with mathematical characters as LaTeX and every dash that can be a minus as `-`."""
    if text.isascii():
        return text
    text = INVISIBLE.sub("", text).translate(_BEFORE_NFKC)
    text = VULGAR.sub(_vulgar, text)
    text = _AREA.sub(lambda m: rf"\text{{ {m[1]}}}^{'2' if m[2] == '²' else '3'}", text)
    text = RAISED.sub(lambda m: "^{" + unscripted(m[0]) + "}", text)
    text = LOWERED.sub(lambda m: "_{" + unscripted(m[0]) + "}", text)
    text = _ROOT.sub(_root, normal(text))
    return text.translate(_AFTER_NFKC)


def _root(match: re.Match[str]) -> str:
    return rf"\sqrt{_ROOT_INDEX[match[1]]}" + (f"{{{match[2]}}}" if match[2] else "")


def _vulgar(match: re.Match[str]) -> str:
    top, _, bottom = unicodedata.normalize("NFKC", match[0]).partition("⁄")
    return rf"\frac{{{top}}}{{{bottom}}}"


def check_limits(text: str) -> None:
    """Refuse what no parser should see.

    Raises:
        LimitError: too long, nested too deeply, or a number with too many digits.
    """
    if len(text) > MAX_CHARS:
        msg = f"an answer of {len(text)} characters"
        raise LimitError(msg)
    depth = 0
    for c in text:
        if c in "([{":
            depth += 1
            if depth > MAX_NESTING:
                msg = "an answer nested too deeply"
                raise LimitError(msg)
        elif c in ")]}":
            depth -= 1
    if _LONG_DIGITS.search(text):
        msg = "a number with too many digits"
        raise LimitError(msg)


def respell(text: str) -> str:
    """One spelling of an answer: LaTeX in ASCII, no sizing commands, numbers without separators.

    Raises:
        LimitError: see `check_limits`.
    """
    text = " ".join(text.split())
    if len(text) > MAX_CHARS:
        msg = f"an answer of {len(text)} characters"
        raise LimitError(msg)
    text = " ".join(plain_unicode(text).split())
    check_limits(text)
    if r"\begin" not in text:
        text = _DOUBLED.sub(r"\\", text)
    if "." in text:
        text = _HALF_DAY.sub(r"\1m", text)
    wrapped, text = text, unwrap(text)
    if may_be_foreign(text) and not _is_product(
        text, wrapped
    ):  # what a wrapper held is known only now
        text = " ".join(in_english(unwrap(stated(text))).split())
        check_limits(text)
        text = unwrap(text)
    if "box" in text:
        text = _INNER_BOX.sub("", text)
    text = _ORDINAL.sub("", _IMAGINARY.sub("i", text))
    text = _numbers(text)
    if "\\" in text or "~" in text:
        text = _SPACES.sub(" ", _SIZES.sub("", text))
        for pattern, new in _COMMANDS:
            text = pattern.sub(new, text)
    if _SIGNS.search(text):
        for pattern, new in _OPERATORS:
            text = pattern.sub(new, text)
    text = _SPACED.sub(_squeeze, text) if _is_lone_number(text) else text
    return text.strip()


def _is_product(text: str, wrapped: str) -> bool:
    """Whether a few letters are a product of variables, since they stand in mathematics: $dos$, no Spanish two."""
    if wrapped is text or len(text) > 3 or not (text.isascii() and text.isalpha()):
        return False
    before = wrapped[: wrapped.find(text)].rstrip()
    return before.endswith(("$", r"\(", r"\[", "box{", "boxed{", "ensuremath{"))


# --- wrappers ----------------------------------------------------------------------------------

_PAIRS = (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"), ("**", "**"), ("__", "__"), ("*", "*"), ("_", "_"), ("`", "`"),
          ('"', '"'), ("'", "'"), ("<b>", "</b>"), ("==", "=="), ("「", "」"), ("『", "』"), ("【", "】"))  # fmt: skip
_WRAPPERS = re.compile(
    r"\\(?:boxed|fbox|framebox|ensuremath|mathbf|displaystyle|textbf|text|mathrm|mbox|underline)\s*(?=\{)"
)
_SAID = re.compile(
    r"(?:(?:so|thus|hence|therefore),?\s)?(?:(?:the|my|our)\s)?(?:(?:final|correct)\s)?answer(?:\sis:?|\s?[:=])\s?|\\text\s?\{\s*the answer is:?\s*\}",
    re.IGNORECASE,
)


_BUILDER = re.compile(r"\{\s*\(?[A-Za-z](?:\s*,\s*[A-Za-z])*\)?\s*(?:\\in[^:|]{1,30})?[:|]")
"""The set of all x with …: its braces belong to it."""


def unwrap(text: str) -> str:
    r"""Take off what surrounds a whole answer: `$…$`, `\boxed{…}`, `**…**`, quotes, a final full stop."""
    before = None
    while before != text:
        before = text
        text = (
            _SAID.sub("", text.strip().rstrip(",;\\ "), count=1)
            if _SAID.match(text)
            else text.strip().rstrip(",;\\ ")
        )
        if text.endswith((".", "。", "।")) and not text.endswith(".."):
            text = text[:-1].rstrip()
        for left, right in _PAIRS:
            inner = text[len(left) : len(text) - len(right)]
            if (
                len(text) > len(left) + len(right)
                and text.startswith(left)
                and text.endswith(right)
            ):
                if left in inner or inner.endswith("\\") or (left == "$" and "$" in inner):
                    continue
                text = inner.strip()
        wrapper = _WRAPPERS.match(text)
        start = wrapper.end() if wrapper else 0
        is_braced = text[start : start + 1] == "{" and closing(text, start) == len(text) - 1
        if is_braced and not (wrapper is None and _BUILDER.match(text)):
            text = text[start + 1 : -1].strip()
    return text


def closing(text: str, start: int) -> int:
    """Where the brace at `start` closes, or -1. A brace behind a backslash does not count."""
    depth = 0
    i = start
    while i < len(text):
        c = text[i]
        if c == "\\":
            i += 2
            continue
        depth += (c == "{") - (c == "}")
        if depth == 0:
            return i
        i += 1
    return -1


# --- numbers -----------------------------------------------------------------------------------


def _squeeze(match: re.Match[str]) -> str:
    return re.sub(r"\D", "", match[0])


def _numbers(text: str) -> str:
    """Numbers without thousands separators, without exponents, without endless decimals.

    Each pattern is tried only where a character that it needs is there.
    """
    separated = _SEPARATORS.search(text) is not None
    if separated:
        for pattern in _GROUPED:
            text = pattern.sub(_squeeze, text)
    if "." in text:
        text = _DOTTED.sub(_squeeze, text)
    if separated:
        text = _join_commas(text)
        text = re.sub(r"(?<=\d)\{,\}(?=\d)", ".", text)
    if "10" in text:
        text = _TIMES_TEN.sub(r"\\cdot 10^", text)
    if "e" in text or "E" in text:
        text = _SCIENTIFIC.sub(lambda m: rf"{m[1]}\cdot 10^{{{int(m[2])}}}", text)
    if "." not in text:
        return text
    for pattern in (_REPEATING, _IN_BRACKETS):
        text = pattern.sub(lambda m: _repeating(m[1], m[2], m[3]), text)
    return _ELLIPSIS.sub(_endless, text)


_SEPARATORS = re.compile(r"[,\\~'_]")


def _join_commas(text: str) -> str:
    """1,234 → 1234, but (1,234) stays a pair unless other commas in its brackets have a space."""
    if not _COMMAS.search(text):
        return text
    loose = _bracket_of(text)

    def join(m: re.Match[str]) -> str:
        opened = loose[m.start()]
        if opened < 0 or _has_loose_comma(text, loose, opened):
            return m[0].replace(",", "")
        return m[0]

    return _COMMAS.sub(join, text)


def _bracket_of(text: str) -> list[int]:
    r"""For each character the index of the innermost (, [ or \{ that holds it, else -1."""
    found, stack = [], [-1]
    for i, c in enumerate(text):
        if c in "([" or (c == "{" and text[i - 1 : i] == "\\"):
            stack.append(i)
        elif c in ")]" or (c == "}" and text[i - 1 : i] == "\\"):
            stack = stack[:-1] or [-1]
        found.append(stack[-1])
    return found


def _has_loose_comma(text: str, bracket: list[int], opened: int) -> bool:
    return any(bracket[m.start()] == opened for m in re.finditer(r"[,;]\s", text))


def _is_lone_number(text: str) -> bool:
    """A number written with spaces may be one number only where nothing else is."""
    return (
        re.fullmatch(r"[-+$€£ ]*\d{1,3}(?: \d{3})+(?:\.\d+)?(?: ?(?:[A-Za-z%$]|\\text).*)?", text)
        is not None
    )


def _repeating(whole: str, head: str, period: str) -> str:
    r"""0.1\overline{6} as an exact fraction."""
    if len(head) + len(period) > 40 or len(whole) > 40:
        return f"{whole or '0'}.{head}{period}"
    value = int(whole or "0") + Fraction(int(head or "0"), 10 ** len(head))
    value += Fraction(int(period), (10 ** len(period) - 1) * 10 ** len(head))
    return rf"({value.numerator}/{value.denominator})"


def _endless(match: re.Match[str]) -> str:
    """0.333... as an exact fraction where its period can be seen, else the digits that stand there."""
    whole, digits = match[1], match[2]
    for n in range(1, 7):
        times = 3 if n == 1 else 2
        period = digits[-n:]
        if len(digits) >= n * times and digits.endswith(period * times):
            head = digits
            while head.endswith(period):
                head = head[:-n]
            return _repeating(whole, head, period)
    return f"{whole or '0'}.{digits}"

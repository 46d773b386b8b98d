"""Where a sentence ends, and where an exclamation mark is a factorial instead."""

from __future__ import annotations

import re

_END = re.compile(
    r"(?<![ap]\.m)(?<!\bRs)[.!?]+(?=\s|$|\*|\")|!+(?=\.(?:\s|$))|[。？！।]|(?<=[\d)])\.(?=[^\x00-\x7f])|\n"
)
_OPERAND = re.compile(r"(?:(?<![A-Za-z\\])[A-Za-z]|\d|[)\]}])$")
_OPERATOR = re.compile(
    r"\s*(?:[-+/=^·×÷⋅<>≤≥)\]},!]|\*(?!\*)|\\(?:cdot|times|div|leq?|geq?|%|,))|[A-Za-z0-9(\\]"
)
_GOES_ON = re.compile(r"\s*[-+*/×·,<=]")
_BEFORE_DOTS = re.compile(r"[-+*/×·,<=]\s*$")


def is_factorial(text: str, at: int) -> bool:
    """Whether the `!` (or `!!`) at an index is a factorial: n!, 5! = 120, (2k)!/k!, "n!.".

    Behind a number that ends its sentence it calls out: "The answer is 72!".
    """
    if _OPERAND.search(text[max(0, at - 2) : at]) is None:
        return False
    end = at
    while text[end : end + 1] == "!":
        end += 1
    if end - at > 2:
        return False
    if _OPERATOR.match(text, end) or text[end : end + 1] == ".":
        return True
    is_number = text[at - 1].isdigit()
    return not is_number or re.match(r"\s+[a-z]", text[end:]) is not None


def sentence_end(text: str, start: int = 0) -> re.Match[str] | None:
    """The first full stop, question or exclamation mark or line break that ends a sentence."""
    for end in _END.finditer(text, start):
        mark = end[0]
        if mark[0] == "!" and is_factorial(text, end.start()):
            continue
        if mark.startswith("..") and (
            _GOES_ON.match(text, end.end()) or _BEFORE_DOTS.search(text[: end.start()][-3:])
        ):
            continue  # 2 * 4 * ... * 10
        return end
    return None

r"""LaTeX that lost its backslash: JSON reads `"\times"` as a tab and `imes`.

What is left of a command is a control character and the rest of its letters. Where only one command
can have been meant it is put back; every other control character is for the caller to refuse.
"""

from __future__ import annotations

import re
import unicodedata

_LETTER = {"\t": "t", "\n": "n", "\r": "r", "\f": "f", "\b": "b"}
"""What stood behind the backslash of each control character that JSON makes of two."""
_COMMANDS = frozenset(
    [
        r"tan",
        r"tanh",
        r"tau",
        r"tbinom",
        r"tfrac",
        r"text",
        r"textbf",
        r"textit",
        r"textrm",
        r"textsf",
        r"texttt",
        r"textnormal",
        r"textup",
        r"textcolor",
        r"textstyle",
        r"therefore",
        r"theta",
        r"thickapprox",
        r"thicksim",
        r"tilde",
        r"times",
        r"to",
        r"top",
        r"triangle",
        r"triangledown",
        r"triangleleft",
        r"triangleright",
        r"triangleq",
        r"twoheadrightarrow",
        r"nabla",
        r"natural",
        r"ncong",
        r"ne",
        r"nearrow",
        r"neg",
        r"neq",
        r"nexists",
        r"ngeq",
        r"ni",
        r"nleq",
        r"nless",
        r"nmid",
        r"normalsize",
        r"not",
        r"notin",
        r"nparallel",
        r"nprec",
        r"nrightarrow",
        r"nsim",
        r"nsubseteq",
        r"nu",
        r"nwarrow",
        r"rangle",
        r"rbrace",
        r"rbrack",
        r"rceil",
        r"rfloor",
        r"rho",
        r"right",
        r"rightarrow",
        r"rightharpoonup",
        r"rightleftharpoons",
        r"rm",
        r"fbox",
        r"flat",
        r"forall",
        r"frac",
        r"frown",
        r"footnotesize",
        r"backslash",
        r"bar",
        r"barwedge",
        r"because",
        r"begin",
        r"beta",
        r"bf",
        r"bigcap",
        r"bigcup",
        r"biggl",
        r"biggr",
        r"Bigl",
        r"bigl",
        r"bigr",
        r"big",
        r"bigg",
        r"bigoplus",
        r"bigotimes",
        r"bigstar",
        r"bigtriangleup",
        r"bigvee",
        r"bigwedge",
        r"binom",
        r"bmod",
        r"boldsymbol",
        r"bot",
        r"bowtie",
        r"boxed",
        r"boxplus",
        r"breve",
        r"bullet",
        r"bm",
        r"beth",
        r"bigcirc",
        r"biggm",
        r"bigm",
        r"bigodot",
        r"bigsqcup",
        r"bigtriangledown",
        r"biguplus",
        r"blacksquare",
        r"blacktriangle",
        r"boxdot",
        r"boxminus",
        r"boxtimes",
        r"bumpeq",
        r"fallingdotseq",
        r"frak",
        r"nLeftarrow",
        r"nLeftrightarrow",
        r"nRightarrow",
        r"newline",
        r"ngtr",
        r"nleftarrow",
        r"nleftrightarrow",
        r"nolimits",
        r"nonumber",
        r"notag",
        r"nsucc",
        r"nsupseteq",
        r"nvdash",
        r"rVert",
        r"rgroup",
        r"rightharpoondown",
        r"rightleftarrows",
        r"rightrightarrows",
        r"rightsquigarrow",
        r"risingdotseq",
        r"rmoustache",
        r"root",
        r"rtimes",
        r"rvert",
        r"textmd",
        r"textsc",
        r"textsl",
        r"trianglelefteq",
        r"trianglerighteq",
        r"twoheadleftarrow",
    ]
)
_WORDS = frozenset(
    {
        "an",
        "cong",
        "e",
        "exists",
        "i",
        "less",
        "m",
        "mid",
        "o",
        "op",
        "parallel",
        "prec",
        "sim",
        "succ",
        "u",
    }
)
"""Rests of commands that stand alone as often: words, or names of variables."""
_RUN = re.compile("([\t\n\r\f\b])([A-Za-z]+)")
_NEVER_TEXT = frozenset("\f\b")


def restore(text: str) -> str:
    r"""The text with every command put back of which no doubt is possible.

    A form feed or a backspace is never meant in a text; a tab or a line break may be, so before
    them a rest that is a word of its own (`an` of `\tan`) is left as it is.
    """
    return _RUN.sub(_put_back, text) if any(c in text for c in _LETTER) else text


def lost_commands(text: str) -> list[str]:
    r"""The commands of which `restore` would put back the backslash, as they should be."""
    return ["\\" + _LETTER[m[1]] + m[2] for m in _RUN.finditer(text) if _put_back(m) != m[0]]


def controls(text: str, *, but: str = "") -> list[str]:
    """The control characters of a text, as U+XXXX, once each; those of `but` do not count."""
    bad = {c for c in text if c not in but and unicodedata.category(c) == "Cc"}
    return [f"U+{ord(c):04X}" for c in sorted(bad)]


def _put_back(run: re.Match[str]) -> str:
    control, rest = run[1], run[2]
    is_plain = rest in _WORDS and control not in _NEVER_TEXT
    known = _LETTER[control] + rest in _COMMANDS
    return "\\" + _LETTER[control] + rest if known and not is_plain else run[0]

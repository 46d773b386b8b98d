r"""One formula as a MathML tree: a closed list of elements and attributes, and text.

`latex2mathml` reads the formula. What it serialises is not used: it un-escapes `&lt;`, so that
`\text{<script>}` would become an element, and it passes on links, classes and styles. Its tree
is rebuilt here from the elements and attributes that draw formulas, and from nothing else.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from lorid_data.pages.text import visible

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MAX_CHARS = 3_000
"""Length of a formula that is still converted."""
MAX_DEPTH = 60
MAX_NODES = 6_000
TAGS = frozenset(
    (
        "mrow", "mi", "mn", "mo", "mtext", "mspace", "ms", "mfrac", "msqrt", "mroot", "mstyle",
        "msub", "msup", "msubsup", "munder", "mover", "munderover", "mmultiscripts", "mtable",
        "mtr", "mtd", "menclose",
    )
)  # fmt: skip
_N_CHILDREN = {
    **dict.fromkeys(("mfrac", "mroot", "msub", "msup", "munder", "mover"), 2),
    **dict.fromkeys(("msubsup", "munderover"), 3),
}
_WORD = re.compile(r"[a-z]{1,24}(?:[ -][a-z]{1,24}){0,40}")
_LENGTH = re.compile(r"\d{1,2}(?:\.\d{1,4})?(?:em|ex|pt|px|mu)?")
ATTRIBUTES = {
    **dict.fromkeys(
        (
            "columnalign", "columnlines", "rowlines", "stretchy", "fence", "form", "accent",
            "accentunder", "displaystyle", "mathvariant", "movablelimits", "notation", "largeop",
        ),
        _WORD,
    ),
    **dict.fromkeys(("linethickness", "scriptlevel", "minsize", "maxsize"), _LENGTH),
    "width": _LENGTH,
}  # fmt: skip
"""The attributes that a page may set, and what their values may be."""
_REFERENCE = re.compile(r"&#x([0-9A-Fa-f]{1,6});")
# Definitions can grow without limit; a comment hides the rest of its line from the reader.
_REFUSED = re.compile(
    r"\\(?:newcommand|renewcommand|def|let|newenvironment|DeclareMathOperator|href|class|style|unicode)"
    r"(?![a-zA-Z])|(?<!\\)%"
)


_LAYOUT = re.compile(r"\\renewcommand\{\\arraystretch\}\{[\d.]{1,4}\}|\\allowbreak(?![a-zA-Z])")
"""How far apart the lines of a table stand, where a line may break: not needed here."""
_UNSAID = re.compile(
    r"\\begin\s*\{array\}\s*(?:\[[^\]]*\])?\s*\{[^{}]*\}|\\(?:begin|end)\s*\{[a-zA-Z]+\*?\}"
    r"|\\(?:hspace|vspace|hskip|kern|mspace|color|textcolor)\*?\s*\{[^{}]*\}|\\rule\{[^{}]*\}\{[^{}]*\}"
    r"|\\\\\[[^\]]*\]|\{[lcr| ]+\}"
)
"""What of a formula is layout, and no part of what it says."""
_NAMED = re.compile(r"\\operatorname\*?\s*\{([a-zA-Z ]*)\}")
_COMMAND = re.compile(r"\\[a-zA-Z]+")
_SAID = re.compile(r"[0-9a-zA-Z]")


@lru_cache(maxsize=8_192)
def mathml(latex: str, *, display: bool = False) -> list[Any] | None:
    """The tree of a formula, or None where it cannot be shown faithfully.

    Args:
        latex: the formula without its delimiters.
        display: whether it stands on a line of its own.

    Returns:
        Children of a `math` element as JSON: text, or `[tag, attributes, child, …]` with a tag
        of `TAGS` and attributes of `ATTRIBUTES`.
    """
    latex = _LAYOUT.sub("", latex)
    if len(latex) > MAX_CHARS or _REFUSED.search(latex) or _depth(latex) > MAX_DEPTH:
        return None
    from latex2mathml.converter import Converter

    try:
        math = Converter(display="block" if display else "inline").convert_to_element(latex)
        tree = _children(math, [MAX_NODES], 0)
        return tree if _says_all(latex, "".join(_leaves(tree))) else None
    except (Exception, RecursionError):  # noqa: BLE001  (a parser of hostile text: what it cannot read stays text)
        return None


def _says_all(latex: str, shown: str) -> bool:
    r"""Whether every letter and digit of a formula is shown, and no command is left over.

    The library drops a last row that ends in an empty cell, and knows nothing of `\cancelto`: a
    reader would then judge another formula than the data holds.
    """
    if _COMMAND.search(shown):
        return False
    said = _COMMAND.sub(" ", _UNSAID.sub(" ", _NAMED.sub(r"\1", latex)))
    wanted = Counter(_SAID.findall(unicodedata.normalize("NFKC", said)))
    return not wanted - Counter(_SAID.findall(unicodedata.normalize("NFKC", shown)))


def _leaves(tree: list[Any]) -> Iterator[str]:
    for node in tree:
        if isinstance(node, str):
            yield node
        else:
            yield from _leaves(node[2:])


def _depth(latex: str) -> int:
    """How deeply braces are nested."""
    depth = deepest = 0
    for c in latex:
        depth += (c == "{") - (c == "}")
        deepest = max(deepest, depth)
    return deepest


def _children(element: Element, left: list[int], depth: int) -> list[Any]:
    left[0] -= 1 + len(element)
    if left[0] < 0 or depth > 4 * MAX_DEPTH:
        msg = "formula too large"
        raise ValueError(msg)
    found: list[Any] = [text] if (text := _text(element.text)) else []
    for child in element:
        found.append(_node(child, left, depth + 1))
        if tail := _text(child.tail):
            found.append(tail)
    _mark_signs(found)
    return found


def _mark_signs(row: list[Any]) -> None:
    """A sign after another operator belongs to what follows: `x = -3` is not set as a subtraction."""
    for before, node in itertools.pairwise(row):
        if (
            node[:1] == ["mo"]
            and node[2:] in (["−"], ["+"], ["±"])
            and before[:1] == ["mo"]
            and before[2:] not in ([")"], ["]"], ["!"], ["|"], ["}"])
        ):
            node[1]["form"] = "prefix"


def _node(element: Element, left: list[int], depth: int) -> Any:
    # An unknown element keeps its content: nothing that the text says is hidden (as by \phantom).
    tag = element.tag if element.tag in TAGS else "mrow"
    attributes = {
        name: value
        for name, value in element.attrib.items()
        if name in ATTRIBUTES and ATTRIBUTES[name].fullmatch(value)
    }
    if tag != "mspace":
        attributes.pop("width", None)
    inner = _children(element, left, depth)
    if len(inner) != _N_CHILDREN.get(tag, len(inner)):
        msg = f"{tag} with {len(inner)} parts"
        raise ValueError(msg)
    if tag == "mrow" and len(inner) == 1 and isinstance(inner[0], list):
        return inner[0]
    return [tag, attributes, *inner]


def _text(text: str | None) -> str:
    """Text of the tree, its numeric references resolved once."""
    if not text:
        return ""
    if text.isascii() and text.isprintable() and "&" not in text:
        return text
    return visible(_REFERENCE.sub(lambda m: _character(m[1]), text))


def _character(digits: str) -> str:
    code = int(digits, 16)
    return chr(code) if code < 0x110000 else f"&#x{digits};"

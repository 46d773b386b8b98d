"""Whether a rationale reaches the answer that it should."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lorid_data.answers import Verdict, equal
from lorid_data.schema import Record
from lorid_data.texts.characters import in_place

_MARKER = re.compile(r"(?:^|(?<=[\s.!?)}$\]]))The answer is:?\s")

_GIVES_UP = re.compile(
    r"\b(?:(?:cannot|can't|can not|could not|unable to) (?:determine|find|solve|be (?:determined|found|solved))|(?:is|are) not determined|there is no (?:value|solution)|"
    r"no value of|is (?:not defined|undefined|unknown)|given answer is (?:incorrect|wrong)|does not (?:make sense|exist))",
    re.IGNORECASE,
)

_VALUE = re.compile(
    r"\\boxed\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}|\$[^$]+\$|\\\(.+?\\\)|\\[dt]?frac\{[^{}]*\}\{[^{}]*\}|-?\d[\d,]*(?:\.\d+)?(?:/\d+)?"
)


def unreached_answer(row: Record) -> str | None:
    """The rationale says another value before `The answer is`, or gives up.

    Rows whose rationale ends in no such sentence are judged by the checks of `validate`.
    """
    marks = list(_MARKER.finditer(row.rationale))
    if not marks:
        return None
    body = in_place(row.rationale[: marks[-1].start()]).rstrip()
    last = re.split(r"(?<=[.!?])\s+(?=[A-Z\\])|\n", body)[-1]
    gives_up = _GIVES_UP.search(last)
    if gives_up is not None and _GIVES_UP.search(row.answer) is None:
        return last[-120:]
    said = [m[0] for m in _VALUE.finditer(last)]
    return last[-120:] if said and not _says(said, row.answer) else None


def _says(said: Sequence[str], answer: str) -> bool:

    for text in said:
        sides = text.strip("$").removeprefix("\\(").removesuffix("\\)").split("=")
        if any(
            equal(side.strip(" .,"), answer) is not Verdict.DIFFERENT
            for side in sides
            if side.strip(" .,")
        ):
            return True
    return False

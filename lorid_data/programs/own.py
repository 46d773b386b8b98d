"""The program of one record before it is run: its own, or one made of its rationale; pure."""

from __future__ import annotations

from dataclasses import replace

from lorid_data.programs.checked import DOUBTS, is_right
from lorid_data.programs.convert import Made, NotMade, convert
from lorid_data.schema import Record

CONVERTED = ("annotations", "equations")
"""What `program_from` says of programs that were made of a rationale."""


def made_of(record: Record) -> Made | NotMade:
    """The program of one record: that of its source or of an earlier run, or one made of its rationale.

    A doubt that an earlier run kept as a flag stays one: it is found again where the program can be
    made again, and taken from the flag where it cannot.
    """
    if record.program is None:
        return _converted(record)
    own = Made(record.program, record.program_from or "structure")
    if own.made_of in CONVERTED:
        again = _converted(record)
        if isinstance(again, Made) and again.program == own.program:
            own = replace(again, made_of=own.made_of)
    flagged = tuple(d for d in DOUBTS if d.value in record.flags)
    return replace(own, flagged=flagged)


def _converted(record: Record) -> Made | NotMade:
    return convert(record.question, record.rationale, lambda answer: is_right(record, answer))

"""What an annotator is asked: the verdicts, their keys and their definitions.

Six of the defects are the questions R1 to R6 that a judge model is asked too, so that a person
and a judge can be compared; the seventh is about the row itself.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Verdict(StrEnum):
    """What an annotator says of a sample."""

    GOOD = "good"
    DEFECTIVE = "defective"
    UNSURE = "unsure"


class Defect(StrEnum):
    """What is wrong with a defective sample; several may be."""

    WRONG_RULE = "wrong_rule"
    INSTANCE = "instance"
    NOT_ACTIONABLE = "not_actionable"
    INCOMPLETE = "incomplete"
    OTHER_QUESTION = "other_question"
    UNUSED = "unused"
    ROW_BROKEN = "row_broken"


class Definition(NamedTuple):
    """How the page explains a key."""

    key: str
    value: str
    """A `Verdict` or a `Defect`."""
    name: str
    meaning: str
    example: str = ""


VERDICTS = (
    Definition(
        "g",
        Verdict.GOOD,
        "Good",
        "Every rule is right and general, and together they tell a student what to do here.",
    ),
    Definition(
        "u",
        Verdict.UNSURE,
        "Unsure",
        "You cannot tell. It counts as a verdict of its own, never as good or defective.",
    ),
)
DEFECTS = (
    Definition(
        "1",
        Defect.WRONG_RULE,
        "Wrong rule",
        "A rule is false as a general statement: there is a counter-example.",
        "“Divide by the fraction” for “half as many”: 48 ÷ ½ = 96.",
    ),
    Definition(
        "2",
        Defect.INSTANCE,
        "Tells the instance",
        "A rule carries this question's numbers, names or story, its answer or a step's result. "
        "Topic words (rate, square) and constants (60 minutes) are fine.",
        "“Multiply Natalia's 48 clips by one half.”",
    ),
    Definition(
        "3",
        Defect.NOT_ACTIONABLE,
        "Nothing to act on",
        "A student who cannot see the solution could not tell from the rules what to do.",
        "“Read the problem carefully and compute step by step.”",
    ),
    Definition(
        "4",
        Defect.INCOMPLETE,
        "Step missing",
        "A step of the solution that is not plain arithmetic has no rule.",
    ),
    Definition(
        "5",
        Defect.OTHER_QUESTION,
        "Other question",
        "The rules answer another question than this one.",
        "Rules for the forward problem where an unknown x of it is asked for.",
    ),
    Definition(
        "6",
        Defect.UNUSED,
        "Not used",
        "The solution reaches its answer another way: it does not use the rules.",
    ),
    Definition(
        "7",
        Defect.ROW_BROKEN,
        "Row broken",
        "The question or the solution itself is broken: cut, unreadable, or contradicting its answer.",
    ),
)
"""In the order of their keys."""

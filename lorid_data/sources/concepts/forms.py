"""The fourteen forms of problems: eight about units, six about formulas, of one to three steps.

A form of a concept is a family of the arithmetic source: numbers, phrasings, and steps that are
bare equations. No phrasing states what the concept means, nor shows the number that belongs to it.
"""

from __future__ import annotations

from lorid_data.sources.arithmetic.family import LARGEST, Family
from lorid_data.sources.concepts.world import Concept, Formula, Unit

_SIGNS = {
    "sum": "+", "difference": "-", "product": "*",
    "times": "*", "plus": "+", "minus": "-", "divided by": "/",
}  # fmt: skip
Form = tuple[str, dict[str, tuple[int, int]], tuple[str, ...], tuple[str, ...], tuple[str, ...]]
"""Name, ranges, hidden equations, phrasings, steps; MANY, ONE, ITEMS and K are the concept's."""

_UNIT_FORMS: tuple[Form, ...] = (
    ("count", {}, (), (
        "How many ITEMS are {a} MANY?",
        "Take {a} MANY. How many ITEMS is that?",
        "{name} counts {a} MANY. How many ITEMS is that?",
    ), ("{a} * K = {b}.",)),
    ("plus", {"m": (2, 90)}, (), (
        "How many ITEMS are {a} MANY and {m} more ITEMS?",
        "{name} takes {a} MANY and another {m} ITEMS. How many ITEMS is that?",
        "To {a} MANY, {m} ITEMS are added. How many ITEMS is that altogether?",
    ), ("{a} * K = {b}.", "{b} + {m} = {c}.")),
    ("minus", {"m": (2, 90)}, (), (
        "From {a} MANY, {m} ITEMS are taken away. How many ITEMS are left?",
        "{name} starts with {a} MANY and loses {m} ITEMS. How many ITEMS remain?",
        "How many ITEMS are {a} MANY without {m} ITEMS?",
    ), ("{a} * K = {b}.", "{b} - {m} = {c}.")),
    ("inverse", {}, ("{a} * K = {t}",), (
        "How many MANY are {t} ITEMS?",
        "{name} counts {t} ITEMS. How many MANY is that?",
        "{t} ITEMS make how many MANY?",
    ), ("{t} / K = {n}.",)),
    ("compare", {"m": (2, 150)}, (), (
        "How many more ITEMS are {a} MANY than {m} ITEMS?",
        "{name} has {a} MANY and {other} has {m} ITEMS. How many more ITEMS does {name} have?",
        "By how many ITEMS are {a} MANY ahead of {m} ITEMS?",
    ), ("{a} * K = {b}.", "{b} - {m} = {c}.")),
    ("per-part", {"d": (2, 12)}, (), (
        "{a} MANY are spread evenly over {d} parts. How many ITEMS is each part?",
        "{name} cuts {a} MANY into {d} equal parts. How many ITEMS is a part?",
        "Each of {d} equal parts of {a} MANY is how many ITEMS?",
    ), ("{a} * K = {b}.", "{b} / {d} = {c}.")),
    ("price", {"p": (2, 6)}, (), (
        "Each of the ITEMS in {a} MANY scores {p} points. How many points is that?",
        "{name} gets {p} points for each of the ITEMS in {a} MANY. How many points is that?",
        "At {p} points for each of the ITEMS, how many points are {a} MANY?",
    ), ("{a} * K = {b}.", "{b} * {p} = {c}.")),
    ("share", {"d": (2, 9), "m": (2, 60)}, (), (
        "{a} MANY and {m} more ITEMS are shared by {d} people. How many ITEMS does each get?",
        "{name} adds {m} ITEMS to {a} MANY and makes {d} equal heaps. How many ITEMS is a heap?",
        "Of {a} MANY and {m} ITEMS together, each of {d} people takes an equal share. How many ITEMS is a share?",
    ), ("{a} * K = {b}.", "{b} + {m} = {c}.", "{c} / {d} = {e}.")),
)  # fmt: skip

_FORMULA_FORMS: tuple[Form, ...] = (
    ("value", {}, (), (
        "What is the ONE of {a} and {b}?",
        "{name} works out the ONE of {a} and {b}. What is it?",
        "Find the ONE of {a} and {b}.",
    ), ("{a} FIRST {b} = {x}.", "{x} THEN K = {y}.")),
    ("value-plus", {"m": (2, 90)}, (), (
        "What is {m} more than the ONE of {a} and {b}?",
        "{name} adds {m} to the ONE of {a} and {b}. What does that give?",
        "Find the ONE of {a} and {b}, then add {m}.",
    ), ("{a} FIRST {b} = {x}.", "{x} THEN K = {y}.", "{y} + {m} = {z}.")),
    ("value-minus", {"m": (2, 30)}, (), (
        "What is {m} less than the ONE of {a} and {b}?",
        "{name} takes {m} from the ONE of {a} and {b}. What is left?",
        "Find the ONE of {a} and {b}, then take away {m}.",
    ), ("{a} FIRST {b} = {x}.", "{x} THEN K = {y}.", "{y} - {m} = {z}.")),
    ("value-times", {"m": (2, 5)}, (), (
        "What is {m} times the ONE of {a} and {b}?",
        "{name} multiplies the ONE of {a} and {b} by {m}. What does that give?",
        "Find the ONE of {a} and {b}, then take it {m} times.",
    ), ("{a} FIRST {b} = {x}.", "{x} THEN K = {y}.", "{y} * {m} = {z}.")),
    ("value-compare", {"m": (2, 40)}, (), (
        "By how much is the ONE of {a} and {b} larger than {m}?",
        "How far is the ONE of {a} and {b} above {m}?",
        "{name} has {m} points and needs the ONE of {a} and {b}. How many points are missing?",
    ), ("{a} FIRST {b} = {x}.", "{x} THEN K = {y}.", "{y} - {m} = {z}.")),
    ("nested", {"c": (2, 40)}, (), (
        "What is the ONE of {a} and the sum of {b} and {c}?",
        "{name} adds {b} and {c}, and works out the ONE of {a} and the result. What is it?",
        "Find the ONE of {a} and {b} plus {c}.",
    ), ("{b} + {c} = {d}.", "{a} FIRST {d} = {x}.", "{x} THEN K = {y}.")),
)  # fmt: skip

N_FORMS = len(_UNIT_FORMS) + len(_FORMULA_FORMS)


def families(concept: Concept) -> list[Family]:
    """The forms of a concept, as far as small numbers allow them."""
    if isinstance(concept, Unit):
        words = {"MANY": concept.plural, "ITEMS": concept.items, "K": str(concept.k)}
        ranges = {"a": (2, LARGEST // concept.k)}
        fitting = [f for f in _UNIT_FORMS if f[0] != "price" or 4 * concept.k <= LARGEST]
    else:
        words = {"ONE": concept.name, "FIRST": _SIGNS[concept.first], "THEN": _SIGNS[concept.then]}
        words |= {"K": str(concept.k)}
        ranges = _ranges(concept)
        fitting = list(_FORMULA_FORMS)
    return [_family(form, concept, words, ranges) for form in fitting]


def _ranges(concept: Formula) -> dict[str, tuple[int, int]]:
    match concept.first:
        case "sum":
            return {"a": (2, 60), "b": (2, 60)}
        case "difference":
            return {"a": (10, 150), "b": (2, 100)}
        case _:
            return {"a": (2, 14), "b": (2, 12)}


def _family(
    form: Form, concept: Concept, words: dict[str, str], ranges: dict[str, tuple[int, int]]
) -> Family:
    name, own, hidden, phrasings, steps = form

    def filled(texts: tuple[str, ...]) -> tuple[str, ...]:
        for slot, word in words.items():
            texts = tuple(t.replace(slot, word) for t in texts)
        return texts

    return Family(
        name=name,
        numbers={**ranges, **own},
        hidden=filled(hidden),
        phrasings=filled(phrasings),
        steps=filled(steps),
        knowledge=(concept.definition,),
    )

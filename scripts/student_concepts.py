"""Documents about named concepts, for the last course of the tiny student.

The names are invented ones that no world of the `concepts` source may use, so the base learns to
follow a definition that it reads, and to recall one that it has met, without any concept that
an adapter is asked for later. The real names of that source occur in copied questions alone: the base
prints them, and is told nowhere what they mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from random import Random

from lorid_data.schema import Problem, make_problem
from lorid_data.sources.arithmetic.family import Family, draw
from lorid_data.sources.arithmetic.words import POOLS
from lorid_data.sources.concepts.forms import families
from lorid_data.sources.concepts.names import REAL_FORMULAS, REAL_UNITS, invented
from lorid_data.sources.concepts.world import Concept, Formula, Unit

N_KNOWN = 200
"""Concepts that mean the same in every document: what recall is practised on."""
_ITEMS = (*POOLS["things"], *dict.fromkeys(items for *_, items in REAL_UNITS))
_FIRST = ("sum", "difference", "product")
_THEN = ("times", "plus", "minus", "divided by")


def fresh(seed: int) -> Iterator[Problem]:
    """Problems of concepts that mean something else each time, without end."""
    rng = Random(f"fresh/{seed}")
    names = _free_names(rng)[N_KNOWN:]
    while True:
        yield _problem(_concept(names[rng.randrange(len(names))], rng), rng)


def known(seed: int) -> Iterator[Problem]:
    """Problems of the `N_KNOWN` concepts with a fixed meaning, without end."""
    rng = Random(f"known/{seed}")
    forms = [families(_concept(name, rng)) for name in _free_names(rng)[:N_KNOWN]]
    while True:
        yield _drawn(forms[rng.randrange(len(forms))], rng)


def real(seed: int) -> Iterator[str]:
    """Questions about the real concepts, without end."""
    rng = Random(f"real/{seed}")
    concepts: list[Concept] = [
        *(Unit(*u) for u in REAL_UNITS),
        *(Formula(*f) for f in REAL_FORMULAS),
    ]
    forms = [families(c) for c in concepts]
    while True:
        yield _drawn(forms[rng.randrange(len(forms))], rng).question


def _free_names(rng: Random) -> list[str]:
    """Names that no world uses, in random order."""
    return list(islice(invented(rng, reserved=False), 1_500))


def _concept(name: str, rng: Random) -> Concept:
    if rng.randrange(12) < 7:  # as many units as a world has
        return Unit(name, f"{name}s", 3 + rng.randrange(50), _ITEMS[rng.randrange(len(_ITEMS))])
    then = _THEN[rng.randrange(len(_THEN))]
    k = 2 + rng.randrange(5 if then in ("times", "divided by") else 19)
    return Formula(name, _FIRST[rng.randrange(len(_FIRST))], then, k)


def _problem(concept: Concept, rng: Random) -> Problem:
    return _drawn(families(concept), rng)


def _drawn(forms: list[Family], rng: Random) -> Problem:
    form = forms[rng.randrange(len(forms))]
    made = draw(form, rng)
    return make_problem(
        source="concepts", split="train", question=made.question, rationale=made.rationale,
        answer=made.answer, licence="Apache-2.0", knowledge=form.knowledge,
    )  # fmt: skip

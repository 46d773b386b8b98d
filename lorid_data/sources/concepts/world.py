"""A world: which concepts there are, what they mean, and how often training meets each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random

from lorid_data.schema import sha256_text
from lorid_data.sources.arithmetic.words import POOLS
from lorid_data.sources.concepts.names import REAL_FORMULAS, REAL_UNITS, invented

BUCKETS = (0, 1, 2, 4, 8, 16)
"""How many training problems a concept has."""
N_PER_BUCKET = 36
N_UNITS, N_FORMULAS = 125, 91
"""Concepts of a world, by kind."""


@dataclass(frozen=True, slots=True)
class Unit:
    """So and so many of something: "A flimak is 7 pens."."""

    name: str
    plural: str
    k: int
    """How many, 3 to 52."""
    items: str

    @property
    def definition(self) -> str:
        """The concept in one sentence."""
        article = "An" if self.name[0] in "aeiou" else "A"
        return f"{article} {self.name} is {self.k} {self.items}."


@dataclass(frozen=True, slots=True)
class Formula:
    """What two numbers make: "The trelud of two numbers is their sum times 4."."""

    name: str
    first: str
    """sum, difference or product."""
    then: str
    """times, plus, minus or divided by."""
    k: int
    """2 to 20."""

    @property
    def definition(self) -> str:
        """The concept in one sentence."""
        return f"The {self.name} of two numbers is their {self.first} {self.then} {self.k}."


Concept = Unit | Formula


def concepts(seed: int) -> list[tuple[Concept, int]]:
    """The 216 concepts of a world, each with its bucket, in an order that says nothing.

    35 are real and the same in every world, 181 are invented; 36 fall into each bucket. Real
    concepts keep their meaning, but not their bucket.
    """
    rng = Random(f"{seed}/concepts")
    names = invented(rng, reserved=True)
    units = [Unit(*u) for u in REAL_UNITS]
    units += islice(_units(rng, names), N_UNITS - len(units))
    formulas = [Formula(*f) for f in REAL_FORMULAS]
    formulas += islice(_formulas(rng, names), N_FORMULAS - len(formulas))
    both: list[Concept] = [*units, *formulas]
    shuffled = sorted(both, key=lambda c: sha256_text(f"{seed}/{c.name}"))
    return [(c, BUCKETS[i // N_PER_BUCKET]) for i, c in enumerate(shuffled)]


def _units(rng: Random, names: Iterator[str]) -> Iterator[Unit]:
    things = POOLS["things"]
    for name in names:
        yield Unit(name, f"{name}s", 3 + rng.randrange(38), things[rng.randrange(len(things))])


def _formulas(rng: Random, names: Iterator[str]) -> Iterator[Formula]:
    for name in names:
        first = ("sum", "difference", "product")[rng.randrange(3)]
        then = ("times", "plus", "minus", "divided by")[rng.randrange(4)]
        # Small factors and divisors, so that results stay small and divisions come out even.
        k = 2 + rng.randrange(5 if then in ("times", "divided by") else 19)
        yield Formula(name, first, then, k)

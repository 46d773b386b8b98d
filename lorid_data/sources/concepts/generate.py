"""Problems of the `concepts` source, split by split; deterministic by world.

What each concept means is said nowhere but in the knowledge. Training meets a concept as often as
its bucket says: never, once, twice, 4, 8 or 16 times. So what knowledge is worth can be read off
against how often a concept was met.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from lorid_data.errors import ConfigError
from lorid_data.schema import Problem, make_problem, problem_id, sha256_text
from lorid_data.sources.arithmetic.family import Family, Instance, draw
from lorid_data.sources.concepts.forms import families
from lorid_data.sources.concepts.world import Concept, concepts

N_TEST, N_VALIDATION = 2, 1
"""Problems per concept, whatever its bucket."""
N_FRESH = 16
"""Problems per concept that a student may be asked beside, to learn from its own draws."""
SPLITS = ("train", "validation", "test", "fresh")
LICENCE = "Apache-2.0"
_PATIENCE = 10_000


def load(split: str, *, seed: int = 0) -> list[Problem]:
    """The problems of a split of one world.

    Columns: `level` is the concept's bucket (its number of training problems), `subject` the
    concept's name, and `original_id` the problem_id of its definition, the same for all problems
    of a concept; `knowledge` is that one definition.

    Args:
        split: train (1,116 rows), validation (216), test (432) or fresh (3,456).
        seed: the world.

    Raises:
        ConfigError: an unknown split.
    """
    if split not in SPLITS:
        msg = f"source 'concepts' has no split {split!r}; it has {', '.join(SPLITS)}"
        raise ConfigError(msg)
    rows = [
        problem
        for concept, bucket in concepts(seed)
        for problem in _of_split(concept, bucket, seed, split)
    ]
    # Neighbours in training should not share a concept.
    return sorted(rows, key=lambda p: sha256_text(f"{seed}/{p.question}"))


def _of_split(concept: Concept, bucket: int, seed: int, split: str) -> Iterator[Problem]:
    """A concept's problems; those of the other splits are drawn too, so that none is in two."""
    sizes = {"test": N_TEST, "validation": N_VALIDATION, "train": bucket, "fresh": N_FRESH}
    drawn = _instances(concept, Random(f"{seed}/{concept.name}"))
    for name, size in sizes.items():
        for form, instance in [next(drawn) for _ in range(size)]:
            if name == split:
                yield make_problem(
                    source="concepts",
                    split=split,
                    question=instance.question,
                    rationale=instance.rationale,
                    answer=instance.answer,
                    level=str(bucket),
                    subject=concept.name,
                    licence=LICENCE,
                    original_id=problem_id(concept.definition),
                    knowledge=form.knowledge,
                )


def _instances(concept: Concept, rng: Random) -> Iterator[tuple[Family, Instance]]:
    """Distinct problems of a concept, its forms in turn, from one that the world chooses."""
    forms = families(concept)
    start = rng.randrange(len(forms))
    seen: set[str] = set()
    shows = re.compile(rf"\b{concept.k}\b")
    for i in range(_PATIENCE):
        form = forms[(start + i) % len(forms)]
        instance = draw(form, rng)
        if instance.question not in seen and not shows.search(instance.question):
            seen.add(instance.question)
            yield form, instance

"""The concepts source: what is met how often, what is never said, and that nothing repeats."""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice
from random import Random

import pytest

from lorid_data.errors import ConfigError
from lorid_data.schema import Problem, problem_id, sha256_text
from lorid_data.sources import registry
from lorid_data.sources.concepts.forms import N_FORMS, families
from lorid_data.sources.concepts.generate import SPLITS, load
from lorid_data.sources.concepts.names import REAL_FORMULAS, REAL_UNITS, invented, is_reserved
from lorid_data.sources.concepts.world import BUCKETS, Formula, Unit, concepts
from lorid_data.texts.calculate import calculate

REAL = {name for name, *_ in (*REAL_UNITS, *REAL_FORMULAS)}
EQUATION = re.compile(r"(\d+ [-+*/] \d+) = (\d+)\.")


@pytest.fixture(scope="module")
def worlds() -> dict[int, dict[str, list[Problem]]]:
    return {seed: {split: load(split, seed=seed) for split in SPLITS} for seed in (0, 1)}


def test_training_meets_each_concept_as_often_as_its_bucket_says(
    worlds: dict[int, dict[str, list[Problem]]],
) -> None:
    for seed, rows in worlds.items():
        met = Counter(p.subject for p in rows["train"])
        of_bucket = Counter(bucket for _, bucket in concepts(seed))
        assert of_bucket == dict.fromkeys(BUCKETS, 36)
        for concept, bucket in concepts(seed):
            assert met[concept.name] == bucket
        assert {len(rows["test"]), len(rows["validation"])} == {432, 216}
        assert set(Counter(p.subject for p in rows["test"]).values()) == {2}
        assert all(p.level == str(met[p.subject]) for p in rows["test"])


def test_no_question_occurs_twice_in_a_world(worlds: dict[int, dict[str, list[Problem]]]) -> None:
    for rows in worlds.values():
        questions = [p.question for split in SPLITS for p in rows[split]]
        assert len(questions) == len(set(questions)) == 1116 + 216 + 432 + 3456


def test_the_knowledge_is_the_definition_and_no_question_states_it(
    worlds: dict[int, dict[str, list[Problem]]],
) -> None:
    for seed, rows in worlds.items():
        meaning = {c.name: c for c, _ in concepts(seed)}
        for p in (p for split in SPLITS for p in rows[split]):
            concept = meaning[str(p.subject)]
            assert p.knowledge == (concept.definition,)
            assert p.original_id == problem_id(concept.definition)
            assert not re.search(rf"\b{concept.k}\b", p.question)
            assert concept.definition.rstrip(".") not in p.question


def test_rationales_are_equations_that_hold_and_use_the_definition(
    worlds: dict[int, dict[str, list[Problem]]],
) -> None:
    for seed, rows in worlds.items():
        meaning = {c.name: c for c, _ in concepts(seed)}
        for p in rows["test"]:
            equations = EQUATION.findall(p.rationale)
            assert 1 <= len(equations) <= 3
            assert " ".join(f"{a} = {b}." for a, b in equations) == p.rationale
            assert all(calculate(a) == int(b) for a, b in equations)
            assert equations[-1][1] == p.answer
            assert re.search(rf" {meaning[str(p.subject)].k} = ", p.rationale)
            assert all(2 <= int(n) <= 200 for n in re.findall(r"\d+", p.rationale))


def test_worlds_differ_in_names_and_buckets_and_keep_real_meanings() -> None:
    one, two = dict(concepts(0)), dict(concepts(1))
    assert {c for c in one if c.name in REAL} == {c for c in two if c.name in REAL}
    assert [one[c] for c in one if c.name in REAL] != [two[c] for c in one if c.name in REAL]
    assert len({c.name for c in one}) == 216
    assert sum(isinstance(c, Unit) for c in one) == 125
    assert len({c.name for c in one} & {c.name for c in two} - REAL) < 20


def test_names_of_worlds_can_be_kept_from_other_texts() -> None:
    for concept, _ in concepts(7):
        assert concept.name in REAL or is_reserved(concept.name)
    free = list(islice(invented(Random(0), reserved=False), 200))
    assert len(set(free)) == 200
    assert not any(is_reserved(name) for name in free)


def test_there_are_fourteen_forms() -> None:
    unit, formula = Unit("flim", "flims", 7, "pens"), Formula("trell", "sum", "times", 4)
    assert unit.definition == "A flim is 7 pens."
    assert formula.definition == "The trell of two numbers is their sum times 4."
    assert Unit("octopus", "octopuses", 8, "arms").definition == "An octopus is 8 arms."
    names = [f.name for c in (unit, formula) for f in families(c)]
    assert len(set(names)) == len(names) == N_FORMS == 14
    for form in (f for c in (unit, formula) for f in families(c)):
        assert len(form.phrasings) >= 3
        assert not re.search("[A-Z]{3}", " ".join((*form.phrasings, *form.steps)))


def test_rows_never_change_with_the_version_of_python_or_of_the_project() -> None:
    texts = [f"{p.question}\t{p.rationale}\t{p.level}" for p in load("train", seed=0)[:200]]
    assert sha256_text("\n".join(texts)) == (
        "aa5d7739cba3300b72adaf7dea9cbed4ff2b36649d09a210e31921f41cefd4a1"
    )


def test_the_registry_knows_it() -> None:
    loaded = registry.load("concepts", split="validation", seed=3, limit=50)
    assert (loaded.name, len(loaded.problems), loaded.n_available) == ("concepts", 50, 216)
    assert loaded.content_sha256 != registry.load("concepts", split="validation").content_sha256
    with pytest.raises(ConfigError, match="heldout"):
        registry.load("concepts", split="heldout")

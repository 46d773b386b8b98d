"""The arithmetic source: deterministic, disjoint, correct, and wide enough."""

import re
from collections import Counter
from itertools import islice
from random import Random

import pytest

from lorid_data.errors import ConfigError
from lorid_data.schema import Problem, problem_id, sha256_text
from lorid_data.sources.arithmetic.family import LARGEST, SMALLEST, Family, draw
from lorid_data.sources.arithmetic.generate import (
    FAMILIES,
    HELDOUT_FAMILIES,
    SIZES,
    _problems,
    load,
    split_of,
)
from lorid_data.sources.arithmetic.words import NAMES, POOLS

ALL_FAMILIES = (*FAMILIES, *HELDOUT_FAMILIES)
EQUATION = re.compile(r"(\d+) ([-+*/]) (\d+) = (\d+)")
SLOT = re.compile(r"\{(\w+)\}")
FIRST_TEST_QUESTION = "Clara sold 96 magnets in January and half as many in August. How many magnets did Clara sell altogether?"


@pytest.fixture(scope="module")
def rows() -> dict[str, list[Problem]]:
    return {split: list(load(split, seed=3, limit=1500)) for split in SIZES}


def test_the_first_problem_of_seed_0_is_always_this_one() -> None:
    first = next(load("test"))
    assert first.subject == "half-next-month"
    assert first.question == FIRST_TEST_QUESTION
    assert first.problem_id == problem_id(first.question)


def test_rows_never_change_with_the_version_of_python_or_of_the_project() -> None:
    texts = [
        f"{p.question}\t{p.rationale}\t{p.answer}"
        for split in ("train", "heldout")
        for p in load(split, seed=0, limit=100)
    ]
    # Another value here means that the packaged student was trained on other problems.
    assert sha256_text("\n".join(texts)) == (
        "213230ea7700843f99eb8e4e94088dc47d01edfdb3fa6a03df8309d72ee36fd0"
    )


def test_same_seed_gives_the_same_rows_and_a_limit_is_a_prefix() -> None:
    rows = list(load("train", seed=1, limit=200))
    assert rows == list(load("train", seed=1, limit=200))
    assert rows[:77] == list(load("train", seed=1, limit=77))
    assert list(load("train", seed=1, limit=0)) == []


def test_another_seed_gives_other_rows() -> None:
    a = {p.question for p in load("test", seed=0, limit=300)}
    b = {p.question for p in load("test", seed=1, limit=300)}
    assert len(a & b) < 30


def test_default_sizes() -> None:
    sizes = {split: sum(1 for _ in load(split)) for split in SIZES}
    assert sizes == {"train": 10_000, "validation": 1_000, "test": 1_000, "heldout": 500}


def test_splits_share_no_question_even_across_seeds(rows: dict[str, list[Problem]]) -> None:
    questions = {split: {p.question for p in r} for split, r in rows.items()}
    for seed in (0, 1):
        other = {split: {p.question for p in load(split, seed=seed, limit=1500)} for split in SIZES}
        for a in SIZES:
            for b in SIZES:
                if a != b:
                    assert not questions[a] & other[b], (a, b)


def test_no_question_twice_in_a_split(rows: dict[str, list[Problem]]) -> None:
    for split, problems in rows.items():
        assert len({p.question for p in problems}) == len(problems), split


def test_heldout_families_occur_nowhere_else(rows: dict[str, list[Problem]]) -> None:
    held = {p.subject for p in rows["heldout"]}
    assert held == {f.name for f in HELDOUT_FAMILIES}
    assert len(held) >= 4
    for split in ("train", "validation", "test"):
        assert {p.subject for p in rows[split]} == {f.name for f in FAMILIES}
    assert not held & {f.name for f in FAMILIES}
    assert len(FAMILIES) >= 26
    shared = {s for f in FAMILIES for s in f.phrasings} & {
        s for f in HELDOUT_FAMILIES for s in f.phrasings
    }
    assert not shared


def test_any_prefix_is_spread_evenly_over_the_families() -> None:
    counts = Counter(p.subject for p in load("train", limit=5 * len(FAMILIES) + 3))
    assert set(counts.values()) == {5, 6}
    assert sum(1 for n in counts.values() if n == 6) == 3


def test_every_equation_recomputes(rows: dict[str, list[Problem]]) -> None:
    for p in (p for problems in rows.values() for p in problems):
        found = EQUATION.findall(p.rationale)
        assert str(len(found)) == p.level, p.rationale
        assert 2 <= len(found) <= 5
        assert p.rationale.count("=") == len(found)
        for left, op, right, result in found:
            a, b, c = int(left), int(right), int(result)
            assert SMALLEST <= c <= LARGEST
            if op == "/":
                assert b * c == a, p.rationale
            else:
                assert c == {"+": a + b, "-": a - b, "*": a * b}[op], p.rationale


def test_the_rationale_ends_in_the_answer(rows: dict[str, list[Problem]]) -> None:
    for p in (p for problems in rows.values() for p in problems):
        assert EQUATION.findall(p.rationale)[-1][3] == p.answer
        assert re.findall(r"\d+", p.rationale)[-1] == p.answer
        assert p.rationale.endswith(".")


def test_operands_come_from_the_question_or_an_earlier_step(
    rows: dict[str, list[Problem]],
) -> None:
    for p in (p for problems in rows.values() for p in problems):
        known = {*re.findall(r"\d+", p.question), "2", "3"}
        for left, _, right, result in EQUATION.findall(p.rationale):
            assert left in known, (p.question, p.rationale)
            assert right in known, (p.question, p.rationale)
            known.add(result)


def test_texts_are_plain_filled_lines(rows: dict[str, list[Problem]]) -> None:
    for p in (p for problems in rows.values() for p in problems):
        for text in (p.question, p.rationale, *p.knowledge):
            assert text == text.strip()
            assert text.isascii()
            assert not set(text) & set("{}\n\t"), text
        assert p.licence == "Apache-2.0"
        assert p.source == "arithmetic"
        assert p.original_id == p.problem_id


@pytest.mark.parametrize("family", ALL_FAMILIES, ids=lambda f: f.name)
def test_knowledge_is_general(family: Family) -> None:
    assert 2 <= len(family.knowledge) <= 4
    for rule in family.knowledge:
        assert not re.search(r"\d|[{}]", rule)
        assert not set(re.findall(r"\w+", rule)) & set(NAMES)
        assert rule[0].isupper()
        assert rule.endswith(".")


@pytest.mark.parametrize("family", ALL_FAMILIES, ids=lambda f: f.name)
def test_each_phrasing_tells_all_that_the_steps_use(family: Family) -> None:
    assert len(set(family.phrasings)) >= 3
    computed = {m for s in family.steps for m in re.findall(r"= \{(\w+)\}", s)}
    needed = {m for s in family.steps for m in SLOT.findall(s)} - computed
    for phrasing in family.phrasings:
        assert needed <= set(SLOT.findall(phrasing)), phrasing
        assert not computed & set(SLOT.findall(phrasing)), phrasing


@pytest.mark.parametrize("family", ALL_FAMILIES, ids=lambda f: f.name)
def test_every_phrasing_and_the_whole_family_is_drawn(family: Family) -> None:
    rng = Random(0)
    questions = [draw(family, rng).question for _ in range(60)]
    for phrasing in family.phrasings:
        fixed = re.escape(phrasing)
        pattern = re.sub(r"\\\{\w+\\\}", r"\\w+", fixed)
        assert any(re.fullmatch(pattern, q) for q in questions), phrasing


def test_family_names_are_unique() -> None:
    names = [f.name for f in ALL_FAMILIES]
    assert len(set(names)) == len(names)


def test_no_word_fills_two_slots_of_a_problem() -> None:
    family = Family(
        name="probe",
        numbers={"a": (2, 9)},
        phrasings=("{name} {other} {third} {things} {things2} {day} {day2} {month} {month2}",) * 3,
        steps=("{a} + {a} = {b} {things}.",),
        knowledge=("Adding is adding.", "Yes."),
    )
    rng = Random(5)
    for _ in range(300):
        words = draw(family, rng).question.split()
        assert len(set(words)) == len(words) == 9


def test_numbers_that_never_fit_are_an_error_not_a_hang() -> None:
    family = Family(
        name="never",
        numbers={"a": (3, 3)},
        phrasings=("{a}?",) * 3,
        steps=("{a} / 2 = {b}.",),
        knowledge=("One.", "Two."),
    )
    with pytest.raises(ValueError, match=r"'never'.*widen its ranges"):
        draw(family, Random(0))


def test_a_used_up_family_drops_out() -> None:
    family = Family(
        name="tiny",
        numbers={"a": (2, 4)},
        phrasings=("What is {a} and {a}?",) * 3,
        steps=("{a} + {a} = {b}.",),
        knowledge=("One.", "Two."),
    )
    per_split = {s: [p.question for p in _problems(family, s, Random(0), 1)] for s in SIZES}
    everything = sorted(per_split["heldout"])
    assert everything == [f"What is {a} and {a}?" for a in (2, 3, 4)]
    ordinary = per_split["train"] + per_split["validation"] + per_split["test"]
    assert sorted(ordinary) == everything


@pytest.mark.parametrize(("split", "limit"), [("dev", None), ("train", -1)])
def test_wrong_arguments_fail_before_the_first_row(split: str, limit: int | None) -> None:
    with pytest.raises(ConfigError, match=r"dev|-1"):
        load(split, limit=limit)


def test_shares_of_the_splits() -> None:
    counts = Counter(split_of(f"question {i}") for i in range(5000))
    assert abs(counts["train"] / 5000 - 0.8) < 0.03
    assert abs(counts["validation"] / 5000 - 0.1) < 0.02
    assert abs(counts["test"] / 5000 - 0.1) < 0.02


def test_pools_have_no_word_twice() -> None:
    for slot, pool in POOLS.items():
        assert len(set(pool)) == len(pool) >= 6, slot


@pytest.mark.slow
def test_a_hundred_thousand_distinct_train_questions() -> None:
    ids = {p.problem_id for p in islice(load("train", seed=9, limit=100_000), 100_000)}
    assert len(ids) == 100_000


def test_the_program_of_a_problem_follows_its_steps() -> None:
    """What a step computes is a name wherever a later one uses it, whatever numbers are equal."""
    for problem in load("train", limit=400):
        assert problem.program is not None
        lines = problem.program.splitlines()
        equations = re.findall(r"(\d+) ([-+*/]) (\d+) = (\d+)", problem.rationale)
        values: dict[str, int] = {}
        for line, (left, operator, right, result) in zip(lines, equations, strict=True):
            name, *operands = line.replace(" = ", " ").split()
            shown = [str(values[x]) if x in values else x for x in operands]
            assert shown == [left, operator, right]
            values[name] = int(result)
        assert str(values["answer"]) == problem.answer
        assert list(values)[-1] == "answer"


def test_a_scale_gives_numbers_that_no_ordinary_problem_has() -> None:
    ordinary, scaled = (list(load("test", scale=s, limit=200)) for s in (1, 3))
    largest = [max(map(int, re.findall(r"\d+", p.question + p.rationale))) for p in scaled]
    assert min(largest) > LARGEST
    assert max(largest) <= 3 * LARGEST
    assert {p.subject for p in scaled} <= {p.subject for p in ordinary}
    assert not {p.question for p in scaled} & {p.question for p in ordinary}
    assert list(load("test", scale=3, limit=200)) == scaled


@pytest.mark.parametrize("scale", [0, 31])
def test_a_scale_out_of_range_is_refused(scale: int) -> None:
    with pytest.raises(ConfigError, match="scale"):
        load("train", scale=scale)


def test_a_family_whose_numbers_cannot_grow_drops_out() -> None:
    family = Family(
        name="hours",
        numbers={"a": (2, 12, 1)},
        hidden=("12 - {a} = {b}",),
        phrasings=("What is left of 12 after {a}?",) * 3,
        steps=("12 - {a} = {c}.",),
        knowledge=("One.", "Two."),
    )
    assert list(_problems(family, "heldout", Random(0), 2)) == []

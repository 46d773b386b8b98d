"""Which question each row is a variant of, against the plain way of finding it."""

from __future__ import annotations

from random import Random

import pytest

from lorid_data.schema import problem_id
from lorid_data.sources.links import Links

PIDS = [problem_id(f"question {i}") for i in range(40)]


class ToldError(Exception):
    """A row that is told, by its number."""


@pytest.mark.parametrize("seed", range(20))
def test_rows_of_one_id_are_variants_of_the_first(seed: int) -> None:
    rng = Random(seed)
    rows = [(rng.choice(PIDS), rng.choice([None, *"abcdefg"]), rng.choice([None, "s", "t"])) for _ in range(rng.randrange(60))]  # fmt: skip
    links, first, expected = Links(), {}, []  # type: ignore[var-annotated]
    for pid, own, subject in rows:
        links.add(pid, None if own is None else (own, subject), None, None)
        expected.append(pid if own is None else first.setdefault((own, subject), pid))
    n = links.variants()
    assert [links.original(i) for i in range(len(rows))] == expected
    assert n == sum(e != pid for e, (pid, _, _) in zip(expected, rows, strict=True))


@pytest.mark.parametrize("seed", range(60))
def test_a_row_names_the_one_with_that_id_or_a_problem(seed: int) -> None:
    rng = Random(seed)
    names = [f"n{i}" for i in range(12)]
    question_of = {n: rng.choice(PIDS) for n in names}
    rows = []
    for _ in range(rng.randrange(1, 40)):
        own = rng.choice([None, *names])
        pid = question_of[own] if own and rng.random() < 0.99 else rng.choice(PIDS)
        rows.append((pid, own, rng.choice([None, *names[:6], *PIDS[:3], "0" * 64])))
    links = Links()
    for pid, own, named in rows:
        links.add(pid, None if own is None else (own,), named, named if named and len(named) == 64 else None)  # fmt: skip
    by_id: dict[str, str] = {}
    told: tuple[str, int] | None = None
    for i, (pid, own, _) in enumerate(rows):
        if told is None and own is not None and by_id.setdefault(own, pid) != pid:
            told = ("twice", i)
    expected: list[str] = []
    for i, (pid, _, named) in enumerate(rows):
        found = pid if named is None else by_id.get(named, named if len(named) == 64 else None)
        if found is None and told is None:
            told = ("unknown", i)
        expected.append(found or "")
    if told is not None:
        with pytest.raises(ToldError) as e:
            links.named(lambda i: ToldError("twice", i), lambda i: ToldError("unknown", i))
        assert e.value.args == told
        return
    links.named(lambda i: ToldError("twice", i), lambda i: ToldError("unknown", i))
    assert [links.original(i) for i in range(len(rows))] == expected


def test_no_rows_and_no_ids_are_fine() -> None:
    for n in (0, 3):
        links = Links()
        for pid in PIDS[:n]:
            links.add(pid, None, None, None)
        assert links.variants() == 0
        links.named(lambda i: ToldError(i), lambda i: ToldError(i))
        assert [links.original(i) for i in range(n)] == PIDS[:n]

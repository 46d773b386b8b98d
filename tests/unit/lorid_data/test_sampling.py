"""Draws that do not depend on the order of rows, and intervals with known values."""

from __future__ import annotations

import random

import pytest

from lorid_data.sampling import Draw, draw_by_original, ranked, wilson

ROWS = [(f"row-{i}", f"original-{i % 40}") for i in range(400)]


@pytest.mark.parametrize(
    ("n_hits", "n", "low", "high"),
    [
        (0, 50, 0.0, 0.071),
        (2, 50, 0.011, 0.135),
        (5, 100, 0.022, 0.112),
        (10, 100, 0.055, 0.174),
        (0, 0, 0.0, 1.0),
        (7, 7, 0.646, 1.0),
    ],
)
def test_wilson_has_its_published_values(n_hits: int, n: int, low: float, high: float) -> None:
    assert wilson(n_hits, n) == pytest.approx((low, high), abs=5e-4)


@pytest.mark.parametrize(("n_hits", "n"), [(3, 2), (-1, 2)])
def test_wilson_refuses_impossible_counts(n_hits: int, n: int) -> None:
    with pytest.raises(ValueError, match="counts must satisfy"):
        wilson(n_hits, n)


def test_a_draw_takes_one_row_of_each_original() -> None:
    drawn = draw_by_original(ROWS, 25, 0)
    of = dict(ROWS)
    assert len(drawn) == len({of[r] for r in drawn}) == 25


def test_a_draw_does_not_depend_on_the_order_and_grows() -> None:
    mixed = random.Random(1).sample(ROWS, len(ROWS))
    assert draw_by_original(mixed, 30, 7) == draw_by_original(ROWS, 30, 7)
    assert draw_by_original(ROWS, 30, 7)[:10] == draw_by_original(ROWS, 10, 7)
    assert draw_by_original(ROWS, 30, 8) != draw_by_original(ROWS, 30, 7)
    assert len(draw_by_original(ROWS, 999, 0)) == 40


def test_every_original_is_as_likely() -> None:
    hits = [0] * 40
    for seed in range(400):
        for row in draw_by_original(ROWS, 10, seed):
            hits[int(row.removeprefix("row-")) % 40] += 1
    # 400 draws of 10 in 40: 100 each, standard deviation 8.7.
    assert min(hits) > 65
    assert max(hits) < 135


def test_a_salt_gives_another_order_of_the_same() -> None:
    ids = [r for r, _ in ROWS]
    assert ranked(ids, 0, "ann") != ranked(ids, 0, "bob")
    assert sorted(ranked(ids, 0, "ann")) == sorted(ids)


@pytest.mark.parametrize("n", [0, 1, 7, 40, 100])
def test_a_draw_that_holds_no_more_than_it_gives_is_the_beginning_of_the_order(n: int) -> None:
    ids = [f"id{i % 40}" for i in range(100)]
    random.Random(3).shuffle(ids)
    draw = Draw(n, 5, "salt")
    for i in ids:
        draw.add(i)
        assert len(draw.result()) <= n
    assert draw.result() == ranked(ids, 5, "salt")[:n]
    assert all(i in draw for i in draw.result())


@pytest.mark.parametrize("n", [0, 1, 13, 40, 99])
def test_a_draw_by_original_is_what_the_whole_order_gives(n: int) -> None:
    by_original: dict[str, list[str]] = {}
    for row, original in ROWS:
        by_original.setdefault(original, []).append(row)
    chosen = ranked(by_original, 3)[:n]
    assert draw_by_original(iter(ROWS), n, 3) == [
        ranked(by_original[o], 3, "row")[0] for o in chosen
    ]

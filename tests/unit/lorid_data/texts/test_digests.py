"""Rows of texts by 128 bits."""

import polars as pl

from lorid_data.texts.digests import digests, equal_digests


def test_rows_are_equal_where_all_their_texts_are() -> None:
    first = pl.Series(["ab", "a", "ab", "", "é"])
    second = pl.Series(["c", "bc", "c", "abc", ""])
    found = digests(first, second)
    assert found.shape == (5, 2)
    assert equal_digests(found, found[[2, 1, 0, 3, 4]]).all()
    assert len({tuple(row) for row in found.tolist()}) == 4


def test_one_column_and_none_of_it() -> None:
    assert equal_digests(digests(pl.Series(["x", "y"])), digests(pl.Series(["x", "z"]))).tolist() == [True, False]  # fmt: skip
    assert digests(pl.Series([], dtype=pl.String)).shape == (0, 2)

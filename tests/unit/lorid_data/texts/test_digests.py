"""Texts by 128 bits."""

import polars as pl

from lorid_data.texts.digests import digests, equal_digests


def test_digests_are_equal_where_texts_are() -> None:
    found = digests(pl.Series(["ab", "a", "ab", "", "é"]))
    assert found.shape == (5, 2)
    assert equal_digests(found, found[[2, 1, 0, 3, 4]]).all()
    assert len({tuple(row) for row in found.tolist()}) == 4
    assert not equal_digests(found[:1], found[1:2]).any()


def test_no_texts_have_no_digests() -> None:
    assert digests(pl.Series([], dtype=pl.String)).shape == (0, 2)

"""The knowledge of an ablation, and targets: pure functions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lorid_data.errors import ConfigError
from lorid_train.evaluation.ablation import conditioned, of_another, shuffled
from lorid_train.report.targets import Target, parse

TEXTS = st.dictionaries(
    st.text(min_size=1, max_size=4), st.sampled_from(["a", "b", "c d"]), max_size=8
)


@given(TEXTS)
def test_another_s_text_is_another_text(texts: dict[str, str]) -> None:
    others = of_another(texts)
    assert set(others) == (set(texts) if len(set(texts.values())) > 1 else set())
    for key, other in others.items():
        assert other != texts[key]
        assert other in texts.values()


def test_shuffled_keeps_words_and_lines_and_repeats_itself() -> None:
    text = "Multiply the number of groups by the size of a group.\nTake away what is given away."
    mixed = shuffled(text, "p")
    assert mixed != text
    assert mixed == shuffled(text, "p") != shuffled(text, "q")
    assert sorted(mixed.split()) == sorted(text.split())
    assert [len(x.split()) for x in mixed.splitlines()] == [11, 6]


def test_every_condition_has_its_text() -> None:
    found = conditioned(["p", "q", "r"], {"p": "x y", "q": "z"}, {"p": "x y", "q": "z"})
    assert found["p", "gold-knowledge"] == "x y"
    assert found["p", "other-knowledge"] == "z"
    assert found["r", "empty-knowledge"] == ""
    assert not [key for key in found if key[0] == "r" and key[1] != "empty-knowledge"]


def test_targets() -> None:
    line = "gsm8k | Mistral 7B | LoRID | 0.842 | a paper"
    assert parse([line]) == (Target("gsm8k", "Mistral 7B", "LoRID", 0.842, "a paper"),)
    bad = ["", "a | b | c | 84.2 | d", "a | b | c | x | d", "a | | c | 0.5 | d"]
    with pytest.raises(ConfigError) as e:
        parse([line, *bad])
    assert len(e.value.problems) == 4

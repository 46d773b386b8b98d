"""The plan says what training rows hold that the base can never write."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from lorid_train.models.base_model import load_tokenizer, resolve
from lorid_train.training.plan import doubts
from lorid_train.training.tokens import RoleCounts
from lorid_train.training.unwritable import Unwritable, finder


def of_words(*words: str) -> PreTrainedTokenizerFast:
    """A tokenizer that knows these words in lower case, and nothing else."""
    made = Tokenizer(
        models.WordLevel({w: i for i, w in enumerate(["[UNK]", "a", *words])}, "[UNK]")
    )
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    return PreTrainedTokenizerFast(tokenizer_object=made, unk_token="[UNK]")


def test_unknown_and_dropped_characters_are_named() -> None:
    found = Unwritable(of_words("b", "1", " "))
    assert found.of("a1 b\n", []) == ["\n"]
    assert found.of("½ B", []) == ["B", "½"]  # unknown, and made another letter


def test_tokens_that_the_student_cannot_tell_apart_are_named() -> None:
    student = resolve("student")
    tokenizer = load_tokenizer(student)
    found = finder(tokenizer, student, {"target_modules": ["q_proj"]})

    def of(text: str) -> list[str]:
        return found.of(text, tokenizer.encode(text, add_special_tokens=False))

    assert of("7 * 5 = 35 dollars.\n--> 35 END") == []
    assert of("It costs $5, or 50% of £9.") == ["$", "%", "£"]
    assert "frac" in of("\\frac{1}{2}")


@pytest.mark.parametrize(
    "lora",
    [
        {"modules_to_save": ["embed_tokens"]},
        {"target_modules": ["q_proj", "lm_head"]},
        {"trainable_token_indices": [5]},
    ],
)
def test_adapters_that_train_the_output_can_learn_them(lora: dict[str, object]) -> None:
    student = resolve("student")
    tokenizer = load_tokenizer(student)
    text = "$5"
    assert finder(tokenizer, student, lora).of(text, tokenizer.encode(text)) == []


def test_the_warning_counts_rows_and_gives_examples() -> None:
    counts = RoleCounts(unwritable={"%": 3, "$": 12}, n_with_unwritable=14)
    counts.lengths.extend([9] * 20)
    [line] = doubts("ir", counts)
    assert "role 'ir': 14 of 20 rows" in line
    assert "'$' (12), '%' (3)" in line
    assert list(doubts("ir", RoleCounts())) == []

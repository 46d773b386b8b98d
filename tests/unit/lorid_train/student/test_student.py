"""The packaged student: small, loadable by the ordinary calls, and able to calculate."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lorid_train
from lorid_data import prompts
from lorid_data.folders.files import sha256_file

STUDENT = Path(lorid_train.__file__).parent / "student"
GSM8K_LIKE = "Weng earns $12 an hour. Yesterday, she did 50 minutes: <<12/60=0.2>>0.2*50 = $10."
LATEX = r"Let $x^2 + \frac{3}{4}\sqrt{y} \le 10$; then \boxed{\left(-\infty, 5\right]}."


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(STUDENT)


@pytest.fixture(scope="module")
def model() -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(STUDENT, dtype="float32")


def test_weights_are_small_and_are_those_of_the_card() -> None:
    weights = STUDENT / "model.safetensors"
    assert weights.stat().st_size <= 4_000_000
    card = (STUDENT / "README.md").read_text(encoding="utf-8")
    assert sha256_file(weights) in card
    assert f"{weights.stat().st_size:,} bytes" in card
    assert "license: apache-2.0" in card


def test_the_folder_holds_what_the_loaders_read_and_no_pickle() -> None:
    assert {p.name for p in STUDENT.iterdir()} == {
        "README.md",
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }


def test_the_model_is_the_one_that_was_meant(model: Any) -> None:
    assert model.config.model_type == "llama"
    assert model.config.max_position_embeddings == 2048
    assert 1_900_000 < sum(p.numel() for p in model.parameters()) < 2_000_000
    assert model.config.tie_word_embeddings


def test_special_tokens_agree_everywhere(tokenizer: Any, model: Any) -> None:
    assert (tokenizer.pad_token, tokenizer.bos_token, tokenizer.eos_token) == (
        "<pad>",
        "<s>",
        "</s>",
    )
    for config in (model.config, model.generation_config):
        assert config.bos_token_id == tokenizer.bos_token_id
        assert config.eos_token_id == tokenizer.eos_token_id
        assert config.pad_token_id == tokenizer.pad_token_id
    assert len(tokenizer) == model.config.vocab_size <= 1024


@pytest.mark.parametrize("text", [GSM8K_LIKE, LATEX, "é 中文 \U0001f600\t\x00\r\n  a  b\n\n", ""])
def test_any_text_survives(tokenizer: Any, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_every_text_survives(tokenizer: Any, text: str) -> None:
    ids = tokenizer.encode(text, split_special_tokens=True)
    assert tokenizer.decode(ids) == text


def test_encode_adds_no_special_token(tokenizer: Any) -> None:
    assert not set(tokenizer.encode("12 + 30 = 42")) & set(tokenizer.all_special_ids)


def test_every_digit_is_a_token_of_its_own(tokenizer: Any) -> None:
    digits = set(tokenizer.convert_tokens_to_ids(list("0123456789")))
    assert len(digits) == 10
    for text in ("48 + 240 = 288", "sold 96 magnets. 7", "$1,234.50", "--> 97 END", "x2y3"):
        n = sum(c.isdigit() for c in text)
        assert sum(i in digits for i in tokenizer.encode(text)) == n, text
    holding = [t for t in tokenizer.get_vocab() if re.search(r"\d.|.\d", t)]
    assert holding == []


def test_role_prompts_are_short(tokenizer: Any) -> None:
    for role, most in (("ir", 20), ("kg", 30), ("dr", 45)):
        assert len(tokenizer.encode(prompts.load(f"roles/{role}.v1").text)) <= most, role


def test_the_base_calculates(tokenizer: Any, model: Any) -> None:
    import torch

    facts = ["48 + 24 = 72", "135 - 47 = 88", "17 * 6 = 102", "126 / 9 = 14", "99 + 64 = 163"]
    for fact in facts:
        asked = fact[: fact.index("= ") + 2]
        n_answer = len(fact) - len(asked)
        ids = [tokenizer.bos_token_id, *tokenizer.encode(fact)]
        with torch.inference_mode():
            made = model.generate(
                torch.tensor([ids[:-n_answer]]),
                attention_mask=torch.ones(1, len(ids) - n_answer, dtype=torch.long),
                max_new_tokens=n_answer + 1,
                do_sample=False,
            )
        assert tokenizer.decode(made[0, 1:]).startswith(f"{fact}."), fact

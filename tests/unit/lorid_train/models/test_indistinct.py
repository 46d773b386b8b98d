"""Tokens that an output layer cannot tell apart are found, and only those."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from lorid_train.models.base_model import load_tokenizer, resolve
from lorid_train.models.indistinct import indistinct_tokens

V, D = 300, 48


def base(folder: Path, rows: torch.Tensor, name: str, *, tied: bool) -> Path:
    folder.mkdir()
    config = {
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": V,
        "hidden_size": D, "num_attention_heads": 4, "num_hidden_layers": 1, "tie_word_embeddings": tied,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    tensors = {name: rows, "model.norm.weight": torch.ones(D)}
    if not tied:
        tensors["model.embed_tokens.weight"] = torch.ones(V, D)  # the input's: it writes nothing
    save_file(tensors, str(folder / "model.safetensors"))
    return folder


def rows(same: list[int], dtype: torch.dtype = torch.float32) -> torch.Tensor:
    made = torch.randn(V, D, generator=torch.Generator().manual_seed(1))
    noise = torch.randn(len(same), D, generator=torch.Generator().manual_seed(2))
    made[same] = made[0] + 0.003 * noise
    return made.to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize(
    ("name", "tied"), [("model.embed_tokens.weight", True), ("lm_head.weight", False)]
)
def test_rows_that_are_one_row_are_found(
    tmp_path: Path, dtype: torch.dtype, name: str, tied: bool
) -> None:
    same = list(range(0, V, 7))
    found = indistinct_tokens(
        resolve(str(base(tmp_path / "b", rows(same, dtype), name, tied=tied)))
    )
    assert found == set(same)


def test_a_few_copies_and_ordinary_rows_are_not(tmp_path: Path) -> None:
    folder = base(tmp_path / "b", rows(list(range(5))), "lm_head.weight", tied=False)
    assert indistinct_tokens(resolve(str(folder))) == set()


def test_rows_of_nothing_are_one_row(tmp_path: Path) -> None:
    made = rows([])
    made[200:240] = 0
    folder = base(tmp_path / "b", made, "lm_head.weight", tied=False)
    assert indistinct_tokens(resolve(str(folder))) == set(range(200, 240))


def test_the_student_cannot_tell_dollars_from_percents() -> None:
    student = resolve("student")
    found, tokenizer = indistinct_tokens(student), load_tokenizer(student)
    for text in ("$", "%", "\\", "frac"):
        assert set(tokenizer.encode(text, add_special_tokens=False)) <= found
    assert not found.intersection(tokenizer.encode("7 * 5 = 35 dollars.\n--> 35 END</s>"))

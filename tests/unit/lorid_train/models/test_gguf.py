"""A GGUF file as a base: the same model and tokenizer, or a sentence that says why not."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from lorid_data.errors import ConfigError
from lorid_train.models import gguf as stage
from lorid_train.models.gguf import NOTE, import_base

made = runpy.run_path(str(Path(__file__).parents[3] / "support" / "gguf_files.py"))


@pytest.fixture(scope="module")
def model() -> Any:
    return made["make_model"]()


def logits(folder: Path, ids: list[int]) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    loaded = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.inference_mode():
        return loaded(input_ids=torch.tensor([ids])).logits[0]


def test_the_model_is_the_one_that_was_written(model: Any, tmp_path: Path) -> None:
    import torch

    file = made["write"](tmp_path / "tiny.gguf", model)
    done = import_base(str(file), tmp_path / "base")
    ids = [1, 20, 40, 60, 80, 100, 7, 9]
    with torch.inference_mode():
        wanted = model(input_ids=torch.tensor([ids])).logits[0]
    assert torch.allclose(logits(tmp_path / "base", ids), wanted, atol=1e-5)
    assert done.is_new
    assert done.n_parameters == sum(p.numel() for p in model.parameters())
    config = json.loads((tmp_path / "base" / "config.json").read_text())
    assert "quantization_config" not in config


def test_quantised_weights_come_back_as_the_file_has_them(model: Any, tmp_path: Path) -> None:
    import torch

    file = made["write"](tmp_path / "tiny.gguf", model, quantised=True)
    done = import_base(str(file), tmp_path / "base")
    assert set(done.quantisation) == {"Q8_0", "F32"}
    ids = [1, 20, 40, 60]
    with torch.inference_mode():
        near = model(input_ids=torch.tensor([ids])).logits[0]
    assert torch.allclose(logits(tmp_path / "base", ids), near, atol=0.05)


def test_tokenizer_template_and_origin_are_the_files(model: Any, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    file = made["write"](tmp_path / "tiny.gguf", model)
    import_base(str(file), tmp_path / "base")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "base")
    assert tokenizer.convert_ids_to_tokens([0, 1, 2]) == made["vocabulary"]()[:3]
    assert tokenizer.eos_token == "<|im_end|>"
    assert tokenizer.chat_template == made["TEMPLATE"]
    assert len(tokenizer.encode("1234", add_special_tokens=False)) == 4
    note = json.loads((tmp_path / "base" / NOTE).read_text())
    assert (note["source"], note["architecture"], note["licence"]) == (
        "tiny.gguf",
        "llama",
        "apache-2.0",
    )
    assert str(tmp_path) not in json.dumps(note)


def test_a_base_that_is_there_is_left_and_another_is_refused(model: Any, tmp_path: Path) -> None:
    file = made["write"](tmp_path / "tiny.gguf", model)
    first = import_base(str(file), tmp_path / "base")
    before = (tmp_path / "base" / "model.safetensors").stat().st_mtime_ns
    again = import_base(str(file), tmp_path / "base")
    assert not again.is_new
    assert again.logits_sha256 == first.logits_sha256
    assert (tmp_path / "base" / "model.safetensors").stat().st_mtime_ns == before
    other = made["write"](tmp_path / "other.gguf", made["make_model"](1))
    with pytest.raises(ConfigError, match="does not hold this file"):
        import_base(str(other), tmp_path / "base")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"split": "a-split-nobody-knows"}, "does not know how 'a-split-nobody-knows' cuts text"),
        ({"leave_out": "model.layers.1.mlp.up_proj.weight"}, r"missing keys.*up_proj"),
        ({"parts": 3}, "one part of a file in several"),
    ],
)  # fmt: skip
def test_what_cannot_be_converted_faithfully_is_refused(
    options: dict[str, Any], said: str, model: Any, tmp_path: Path
) -> None:
    file = made["write"](tmp_path / "tiny.gguf", model, **options)
    with pytest.raises(ConfigError, match=said):
        import_base(str(file), tmp_path / "base")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["tiny.gguf"]


def test_a_vocabulary_that_joins_digits_needs_a_split_that_is_known(tmp_path: Path) -> None:
    from transformers import LlamaForCausalLM

    model = made["make_model"]()
    tokens = [*made["vocabulary"](), "12"]
    config = model.config
    config.vocab_size = len(tokens)
    file = made["write"](tmp_path / "tiny.gguf", LlamaForCausalLM(config), tokens=tokens)
    with pytest.raises(ConfigError, match="tokens such as '12' join digits"):
        import_base(str(file), tmp_path / "base")


def test_weights_that_were_changed_on_the_way_are_noticed(
    model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    file = made["write"](tmp_path / "tiny.gguf", model)
    convert = stage._converted

    def wrong(file: Any) -> Any:
        found, tokenizer = convert(file)
        with torch.no_grad():
            found.model.layers[1].mlp.up_proj.weight.mul_(1.001)
        return found, tokenizer

    monkeypatch.setattr(stage, "_converted", wrong)
    with pytest.raises(ConfigError, match=r"'blk.1.ffn_up.weight' has other values"):
        import_base(str(file), tmp_path / "base")


@pytest.mark.parametrize("cut", [3, 40, 5_000])
def test_a_file_that_is_cut_off_is_refused(cut: int, model: Any, tmp_path: Path) -> None:
    whole = made["write"](tmp_path / "whole.gguf", model).read_bytes()
    (tmp_path / "cut.gguf").write_bytes(whole[:cut])
    with pytest.raises(ConfigError, match=r"cut\.gguf: is (not a GGUF file|damaged or cut off)"):
        import_base(str(tmp_path / "cut.gguf"), tmp_path / "base")


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        import_base(str(tmp_path / "nothing.gguf"), tmp_path / "base")

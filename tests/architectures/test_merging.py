"""`merge` against PEFT, where weights lie the other way round and where they are renormalised."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from lorid_data.errors import ConfigError
from lorid_train.models import base_model
from lorid_train.models.merge import merge

pytestmark = pytest.mark.filterwarnings("ignore")
SUPPORT = Path(__file__).parents[1] / "support"
tiny = SimpleNamespace(**runpy.run_path(str(SUPPORT / "tiny_models.py")))


def with_card(base: Path, adapter: Path) -> Path:
    """An adapter with what `merge` reads of a card of ours."""
    found = base_model.resolve(str(base))
    card = {"base": str(base), "base_fingerprint": found.fingerprint}
    (adapter / "lorid.json").write_text(json.dumps(card))
    return adapter


@pytest.mark.slow
@pytest.mark.parametrize("lora", [{}, {"use_dora": True}, {"use_rslora": True}], ids=str)
@pytest.mark.parametrize("model_type", ["gpt2", "llama", "falcon"])
def test_a_merged_model_gives_peft_s_logits(
    model_type: str, lora: dict[str, Any], tmp_path: Path
) -> None:
    base = tiny.tiny_model(model_type, tmp_path / "base")
    of = tiny.adapters(base, tmp_path, **lora)
    merge(with_card(base, of["ir"]), tmp_path / "merged")
    ids = torch.tensor([tiny.tokens("What is 1 + 1?")])
    with torch.inference_mode():
        got = tiny.bare(tmp_path / "merged").eval()(input_ids=ids).logits
        want = tiny.loaded(base, {"ir": of["ir"]})(input_ids=ids).logits
    torch.testing.assert_close(got, want, atol=1e-4, rtol=1e-3)


def test_what_is_no_number_is_not_merged(tmp_path: Path) -> None:
    base = tiny.tiny_model("llama", tmp_path / "base")
    adapter = with_card(base, tiny.adapters(base, tmp_path)["ir"])
    file = adapter / "adapter_model.safetensors"
    save_file({k: v * float("nan") for k, v in load_file(file).items()}, str(file))
    with pytest.raises(ConfigError, match="it is no number"):
        merge(adapter, tmp_path / "merged")
    assert not (tmp_path / "merged").exists()

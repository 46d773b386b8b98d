"""Which GPU each shipped recipe fits, at rank 512 and at rank 64, with the base in bfloat16 or in 4 bits.

    python benchmarks/fits.py [--row-tokens 512] [--target-tokens 256]

Nothing is downloaded or trained: models are built without weights, from the shapes that their
makers state, and the plan's own estimate is taken (`lorid_train.training.estimates`). Rows are all
of the given length, longer than GSM8K's longest. The last line is JSON: GiB.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import yaml

from lorid_data.schema import canonical_json
from lorid_train.config import Quantization
from lorid_train.models.base_model import Base
from lorid_train.training.activations import saved_bytes_per_token
from lorid_train.training.estimates import fits, memory_bytes, shape_of

RECIPES = Path(__file__).parents[1] / "configs" / "train"
RANKS = (512, 64)
NF4 = Quantization(load_in_4bit=True, bnb_4bit_use_double_quant=True)


def llama(width: int, layers: int, inner: int, vocabulary: int, kv: int, **more: Any) -> dict[str, Any]:  # fmt: skip
    """A configuration of Llama's kind, with heads of 128 numbers unless said otherwise."""
    own = {
        "model_type": "llama", "hidden_size": width, "num_hidden_layers": layers, "intermediate_size": inner,
        "vocab_size": vocabulary, "num_key_value_heads": kv, "num_attention_heads": width // 128,
        "tie_word_embeddings": False,
    }  # fmt: skip
    return own | more


BASES: dict[str, dict[str, Any]] = {
    "deepseek-ai/deepseek-math-7b-base": llama(4096, 30, 11008, 102400, 32),
    "meta-llama/Llama-2-7b-hf": llama(4096, 32, 11008, 32000, 32),
    "meta-llama/Meta-Llama-3-8B": llama(4096, 32, 14336, 128256, 8),
    "mistralai/Mistral-7B-v0.1": llama(4096, 32, 14336, 32000, 8, model_type="mistral"),
    "Qwen/Qwen2.5-Math-7B": llama(3584, 28, 18944, 152064, 4, model_type="qwen2"),
    "meta-llama/Llama-3.2-1B": llama(2048, 16, 8192, 128256, 8, num_attention_heads=32, head_dim=64, tie_word_embeddings=True),
    "Qwen/Qwen3-0.6B": llama(1024, 28, 3072, 151936, 8, model_type="qwen3", num_attention_heads=16, head_dim=128,
                            tie_word_embeddings=True),
    "HuggingFaceTB/SmolLM3-3B": llama(2048, 36, 11008, 128256, 4, model_type="smollm3", tie_word_embeddings=True, pad_token_id=0),
}  # fmt: skip


def main() -> None:
    """Print the table, and the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)  # fmt: skip
    parser.add_argument("--row-tokens", type=int, default=512)
    parser.add_argument("--target-tokens", type=int, default=256)
    options = parser.parse_args()
    heads = [f"rank {r}, {kind}" for r in RANKS for kind in ("bfloat16", "4 bits")]
    print("| base | rows at once | " + " | ".join(heads) + " |\n| --- | ---: |" + " ---: |" * len(heads))  # fmt: skip
    ratios: dict[str, float] = {}
    for name in BASES:
        recipe = next(
            r for p in sorted(RECIPES.glob("gsm8k-*.yaml"))
            if (r := yaml.safe_load(p.read_text(encoding="utf-8")))["base"] == name
        )  # fmt: skip
        batch = int(recipe["sft"]["per_device_train_batch_size"])
        cells = []
        for head, n_bytes in zip(heads, _estimates(name, recipe, batch, options), strict=True):
            ratios[f"{name}, {head}"] = round(n_bytes / 2**30, 1)
            gpu = fits(n_bytes).removeprefix("fits a GPU of ").replace("more than a GPU of 80 GB holds", "> 80 GB")  # fmt: skip
            cells.append(f"{n_bytes / 2**30:.1f} GiB: {gpu}")
        print(f"| {name} | {batch} | " + " | ".join(cells) + " |", flush=True)
    print(json.dumps({"benchmark": "fits", "ratios": ratios, "settings": vars(options)}))


def _estimates(name: str, recipe: dict[str, Any], batch: int, options: Any) -> list[int]:
    """Bytes at each rank, the base in bfloat16 and in 4 bits."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.json").write_text(json.dumps(BASES[name]))
        base = Base(name, folder, None, f"shape of {name}")
        for rank in RANKS:
            lora = {**recipe["lora"], "r": rank, "lora_alpha": 2 * rank}
            shape = shape_of(base, lora)
            kept = saved_bytes_per_token(base, canonical_json(lora), "bfloat16", autocast=True)
            found += [
                memory_bytes(
                    shape, dtype="bfloat16", tokens_at_once=batch * options.row_tokens,
                    target_at_once=batch * options.target_tokens, autocast=True, saved_per_token=kept,
                    checkpointing=recipe["sft"].get("gradient_checkpointing", True), quantization=q,
                )
                for q in (None, NF4)
            ]  # fmt: skip
    return found


if __name__ == "__main__":
    main()

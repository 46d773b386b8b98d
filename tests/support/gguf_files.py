"""A tiny Llama as a GGUF file, written by ggml's own writer as llama.cpp's converter would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

LAYERS, WIDTH, INNER, HEADS, KV_HEADS = 2, 64, 128, 4, 2
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
)


def vocabulary() -> list[str]:
    from tokenizers.pre_tokenizers import ByteLevel

    return [
        "<|endoftext|>",
        "<|im_start|>",
        "<|im_end|>",
        *sorted(ByteLevel.alphabet()),
        "Ġa",
        "th",
    ]


def make_model(seed: int = 0) -> Any:
    """The model that the file is to hold."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(vocabulary()), hidden_size=WIDTH, intermediate_size=INNER, num_hidden_layers=LAYERS,
            num_attention_heads=HEADS, num_key_value_heads=KV_HEADS, max_position_embeddings=512, rms_norm_eps=1e-5,
            rope_theta=10000.0, bos_token_id=1, eos_token_id=2, pad_token_id=2, tie_word_embeddings=True,
        )
    ).eval()  # fmt: skip


def rotated(weights: Any, heads: int) -> Any:
    """The rows of a query or key matrix in the order that llama.cpp's rotary embedding wants."""
    rows, columns = weights.shape
    return (
        weights.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)
    )


def write(
    path: Path,
    model: Any,
    *,
    quantised: bool = False,
    split: str = "smollm",
    tokens: list[str] | None = None,
    leave_out: str = "",
    spoil: str = "",
    architecture: str = "llama",
    parts: int = 1,
) -> Path:
    """Write `model` as a GGUF file; the options make files that must be refused."""
    import gguf

    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name("tiny")
    writer.add_license("apache-2.0")
    writer.add_block_count(LAYERS)
    writer.add_context_length(512)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    tokens = vocabulary() if tokens is None else tokens
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(split)
    writer.add_token_list(tokens)
    writer.add_token_types([3] * 3 + [1] * (len(tokens) - 3))
    writer.add_token_merges(["Ġ a", "t h"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_chat_template(TEMPLATE)
    if parts > 1:
        writer.add_uint16("split.count", parts)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, LAYERS)
    for name, parameter in model.state_dict().items():
        stem, _, suffix = name.rpartition(".")
        known = names.get_name(stem)
        if known is None or known == "output":  # the head is tied
            continue
        values = parameter.float().numpy()
        if "q_proj" in name or "k_proj" in name:
            values = rotated(values, HEADS if "q_proj" in name else KV_HEADS)
        if name == leave_out:
            continue
        if name == spoil:
            values = values * np.float32(1.01)
        values = np.ascontiguousarray(values)
        if quantised and values.ndim == 2:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(f"{known}.{suffix}", gguf.quantize(values, kind), raw_dtype=kind)
        else:
            writer.add_tensor(f"{known}.{suffix}", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path

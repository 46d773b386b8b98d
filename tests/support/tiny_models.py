"""Tiny models of many architectures: random weights, a vocabulary of bytes, nothing downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lorid_train.engines.ways import ALONE  # noqa: F401  (for those who run this file)

COMMON: dict[str, Any] = {
    "vocab_size": 259, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
    **dict.fromkeys(("hidden_size", "d_model", "n_embd", "word_embed_proj_dim"), 32),
    **dict.fromkeys(("intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size", "decoder_ffn_dim", "encoder_ffn_dim"), 48),
    **dict.fromkeys(("num_hidden_layers", "n_layer", "num_layers", "n_layers", "decoder_layers", "encoder_layers"), 2),
    **dict.fromkeys(("num_attention_heads", "n_head", "num_heads", "n_heads", "decoder_attention_heads",
                     "encoder_attention_heads", "attention_heads"), 4),
    "num_key_value_heads": 2, "head_dim": 8,
    **dict.fromkeys(("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len"), 2048),
    **dict.fromkeys(("num_experts", "num_local_experts", "n_routed_experts"), 4), "num_experts_per_tok": 2, "moe_topk": 2,
    **dict.fromkeys(("moe_intermediate_size", "shared_expert_intermediate_size"), 16),
    **dict.fromkeys(("attention_window_size", "window_size"), 24),
}  # fmt: skip
"""Small values, for every configuration that has a field of that name."""
_MIXED = {"layer_types": ["sliding_attention", "full_attention"]}
_LATENT: dict[str, Any] = {
    "kv_lora_rank": 16, "q_lora_rank": 16, "qk_nope_head_dim": 8, "qk_rope_head_dim": 4, "v_head_dim": 6,
    "n_group": 1, "topk_group": 1, "first_k_dense_replace": 1, "num_key_value_heads": 4, "n_shared_experts": 1,
}  # fmt: skip
_LINEAR: dict[str, Any] = {
    "layer_types": ["linear_attention", "full_attention"], "linear_num_value_heads": 4, "linear_num_key_heads": 2,
    "linear_key_head_dim": 8, "linear_value_head_dim": 8,
}  # fmt: skip
_MROPE = {
    "rope_parameters": {
        "rope_type": "default",
        "rope_theta": 1e4,
        "partial_rotary_factor": 0.5,
        "mrope_section": [1, 1, 0],
    }
}
_SSM: dict[str, Any] = {
    "mamba_n_heads": 8, "mamba_d_head": 8, "mamba_d_state": 8, "mamba_expand": 2, "mamba_n_groups": 1, "mamba_chunk_size": 16,
}  # fmt: skip
OWN: dict[str, dict[str, Any]] = {
    "gemma2": _MIXED, "gemma3_text": _MIXED, "olmo3": _MIXED, "gpt_oss": _MIXED, "cohere2": _MIXED, "ministral": _MIXED,
    "exaone4": _MIXED, "gemma4_unified_text": _MIXED,
    "deepseek_v2": _LATENT | {"topk_method": "greedy"},
    "deepseek_v3": _LATENT | {"head_dim": 4}, "youtu": _LATENT | {"head_dim": 4}, "glm4_moe_lite": _LATENT,
    "minicpm3": {k: _LATENT[k] for k in list(_LATENT)[:5]} | {"head_dim": None, "num_key_value_heads": 4},
    "longcat_flash": {k: _LATENT[k] for k in list(_LATENT)[:5]}
    | {"head_dim": 4, "num_key_value_heads": 4, "expert_ffn_hidden_size": 16, "zero_expert_num": 2},
    "gptj": {"rotary_dim": 4}, "codegen": {"rotary_dim": 4},
    "gpt_neo": {"attention_types": [[["global", "local"], 1]]},
    "dots1": {"n_shared_experts": 1, "n_group": 1, "topk_group": 1, "first_k_dense_replace": 1},
    "lfm2": {"layer_types": ["conv", "full_attention"]}, "lfm3": {"layer_types": ["conv", "full_attention"]},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"], "num_dense_layers": 1},
    "qwen3_next": _LINEAR, "qwen3_5_text": _LINEAR | _MROPE, "qwen3_5_moe_text": _LINEAR | _MROPE,
    "granitemoehybrid": _SSM | {"layer_types": ["mamba", "attention"], "shared_intermediate_size": 16},
    "bamba": _SSM | {"attn_layer_indices": [1]}, "falcon_h1": _SSM | {"mamba_d_ssm": 64},
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1, "expert_layer_period": 2, "expert_layer_offset": 1,
              "mamba_d_state": 4, "mamba_dt_rank": 4, "use_mamba_kernels": False},
    "mamba2": {"num_heads": 8, "head_dim": 8, "expand": 2, "state_size": 8, "n_groups": 1, "chunk_size": 16},
    "nemotron_h": {"layers_block_type": ["mamba", "attention", "mlp"], "mamba_num_heads": 8, "mamba_head_dim": 8,
                   "ssm_state_size": 8, "n_groups": 1, "chunk_size": 16, "num_hidden_layers": 3},
    "recurrent_gemma": {"block_types": ("recurrent", "attention"), "lru_width": 32},
    "zamba": {"num_hidden_layers": 3, "layers_block_type": ["mamba", "hybrid", "hybrid"], "attention_hidden_size": 64, "attention_head_dim": 16, "mamba_d_state": 4,
              "mamba_dt_rank": 4, "n_mamba_heads": 2, "use_mamba_kernels": False, "num_key_value_heads": 4},
    "zamba2": {"layers_block_type": ["mamba", "hybrid"], "attention_hidden_size": 64, "attention_head_dim": 16,
               "mamba_d_state": 8, "n_mamba_heads": 8, "mamba_headdim": 8, "mamba_ngroups": 1, "num_mem_blocks": 1,
               "num_key_value_heads": 4, "chunk_size": 16, "use_mamba_kernels": False},
    "gemma3n_text": {"num_hidden_layers": 4, "layer_types": ["sliding_attention", "full_attention"] * 2, "num_kv_shared_layers": 2,
                     "vocab_size_per_layer_input": 259, "hidden_size_per_layer_input": 8, "altup_num_inputs": 2,
                     "activation_sparsity_pattern": [0.0] * 4, "laurel_rank": 4, "intermediate_size": [48] * 4},
    "gemma4_text": _MIXED | {"global_head_dim": 16, "hidden_size_per_layer_input": 8, "vocab_size_per_layer_input": 259,
                             "num_kv_shared_layers": 0},
    "bert": {"is_decoder": True}, "zaya": {"num_experts_per_tok": 1},
}  # fmt: skip
"""What single architectures need beside that."""

QUICK = (
    "llama", "mistral", "gemma3_text", "gpt_oss", "olmo3", "gpt2", "opt", "mpt", "mamba", "deepseek_v3", "qwen2_moe", "qwen3_next",
)  # fmt: skip
"""One of each kind: windows, ALiBi, sinks, flat hidden states, Conv1D, no keys and values, experts."""
FAMILIES = tuple(sorted({
    *QUICK, "afmoe", "apertus", "arcee", "aria_text", "bamba", "bart", "bert", "bert-generation", "biogpt", "bitnet", "bloom",
    "codegen", "cohere", "cohere2", "cohere2_moe", "cpmant", "ctrl", "cwm", "deepseek_v2", "deepseek_v4", "diffllama", "doge",
    "dots1", "ernie4_5", "ernie4_5_moe", "exaone4", "exaone_moe", "falcon", "falcon_h1", "falcon_mamba", "flex_olmo", "flint",
    "gemma", "gemma2", "gemma3n_text", "gemma4_text", "gemma4_unified_text", "glm", "glm4", "glm4_moe", "glm4_moe_lite",
    "gpt_bigcode", "gpt_neo", "gpt_neox", "gpt_neox_japanese", "gptj", "granite", "granite_swa", "granitemoe",
    "granitemoe_swa", "granitemoehybrid", "granitemoeshared", "helium", "hunyuan_v1_dense", "hunyuan_v1_moe", "hy_v3",
    "hyperclovax", "jais2", "jamba", "jetmoe", "lfm2", "lfm2_moe", "lfm3", "llama4_text", "longcat_flash", "mamba2", "mellum",
    "mimo_v2_flash", "minicpm3", "minimax", "minimax_m2", "ministral", "ministral3", "mixtral", "modernbert-decoder",
    "nanochat", "nemotron", "nemotron_h", "olmo", "olmo2", "olmo_hybrid", "olmoe", "openai-gpt", "persimmon", "phi", "phi3",
    "phimoe", "qwen2", "qwen3", "qwen3_5_moe_text", "qwen3_5_text", "qwen3_moe", "recurrent_gemma", "rembert", "roberta",
    "rwkv", "seed_oss", "smollm3", "solar_open", "stablelm", "starcoder2", "vaultgemma", "xglm", "xlnet", "youtu", "zamba",
    "zamba2", "zaya",
}))  # fmt: skip


def tiny_config(model_type: str, **changes: Any) -> Any:
    """A configuration of some ten thousand parameters, with a window of 24 where it has windows."""
    from transformers import CONFIG_MAPPING

    kind = CONFIG_MAPPING[model_type]
    default = kind()
    has = {*default.to_dict(), *getattr(kind, "attribute_map", {})}
    own = {k: v for k, v in COMMON.items() if k in has}
    if getattr(default, "sliding_window", None) is not None:
        own["sliding_window"] = 24
    if "layer_types" in has and "layer_types" not in getattr(kind, "attribute_map", {}):
        own["layer_types"] = None
    return kind(**(own | OWN.get(model_type, {}) | changes))


def tiny_model(model_type: str, folder: Path, **changes: Any) -> Path:
    """A random model of that kind, saved with the tokenizer of bytes."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(tiny_config(model_type, **changes)).save_pretrained(folder)
    return folder


def bare(folder: Path) -> Any:
    """The model of a folder, in float32."""
    import torch
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def with_tokenizer(folder: Path) -> Path:
    """A model folder, with a tokenizer that has one token for each byte."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {t: i for i, t in enumerate(["<pad>", "<s>", "</s>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>"
    ).save_pretrained(folder)
    return folder


def dataset(folder: Path) -> Path:
    """Twelve problems with knowledge, of different lengths."""
    from lorid_data.folders.records import write_dataset
    from lorid_data.folders.stage import open_stage
    from lorid_data.schema import Provenance, Record, make_problem, row_ids

    problems = [
        make_problem(
            source="t", split="train", question=f"What is {i} + {i}{'?' * (i % 5 + 1)}",
            rationale=f"{i} + {i} = {2 * i}. " * (i % 3 + 1), answer=str(2 * i), knowledge=["Add the numbers."],
        )
        for i in range(12)
    ]  # fmt: skip
    records = [
        Record(row_id=row, provenance=Provenance(teacher="source"), **p.model_dump())
        for row, p in zip(row_ids(problems), problems, strict=True)
    ]
    with open_stage(folder, "build", identity={"made": "by hand"}) as stage:
        write_dataset(stage, records, [], n_in=len(records))
    return folder


def targets(model: Any) -> list[str]:
    """Names of linear layers of attention and of what stands in its place, for an adapter."""
    known = {
        "q_proj", "k_proj", "v_proj", "c_attn", "query_key_value", "qkv_proj", "Wqkv", "q_b_proj", "kv_b_proj", "query", "value",
        "x_proj", "in_proj", "in_proj_qkv", "in_proj_qkvz", "project_q", "project_v", "fc1", "q", "v", "Wq", "Wv",
    }  # fmt: skip
    names = {
        name.rpartition(".")[2]
        for name, m in model.named_modules()
        if type(m).__name__ in ("Linear", "Conv1D", "FalconLinear")
    }
    return sorted(names & known) or sorted(names - {"lm_head", "out_proj"})


def tokens(text: str) -> list[int]:
    """A begin token and one token for each byte."""
    return [1, *(3 + b for b in text.encode())]


def adapters(base: Path, folder: Path, **lora: Any) -> dict[str, Path]:
    """Three random, different adapters of different ranks."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    made = {}
    for i, name in enumerate(("ir", "kg", "dr")):
        torch.manual_seed(i)
        model = AutoModelForCausalLM.from_pretrained(base)
        given = {"r": 4 * (i + 1), "lora_alpha": 32, "init_lora_weights": False} | lora
        config = LoraConfig(task_type="CAUSAL_LM", **{"target_modules": targets(model)} | given)
        get_peft_model(model, config).save_pretrained(folder / name)
        made[name] = folder / name
    return made


def loaded(base: Path, of: dict[str, Path]) -> Any:
    """The model with its adapters, as PEFT makes it."""
    import torch
    from transformers import AutoModelForCausalLM

    from lorid_train.engines.loading import with_adapters

    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    return with_adapters(model, of, "cpu")


def engine(model: Any, way: Any = None, *, batch_size: int = 8, **changes: Any) -> Any:
    """An engine whose texts are its tokens."""
    from lorid_train.engines.transformers import TransformersEngine

    return TransformersEngine(
        model=model, encode=tokens, render=lambda text, _: text, decode=lambda ids: " ".join(map(str, ids)), stop_ids=[2],
        batch_size=batch_size, way=way, **changes,
    )  # fmt: skip


def texts(made: Any, requests: list[Any]) -> dict[Any, str]:
    """What an engine writes, by key."""
    waiting = list(requests)

    def pull(n: int) -> list[Any]:
        taken = waiting[:n]
        del waiting[:n]
        return taken

    return {r.key: r.text for r in made.generate(pull)}

"""How long a prompt and its text may be together, by the configuration of a model."""

from __future__ import annotations

from typing import Any

import pytest

from lorid_train.engines.context import context_of

pytestmark = pytest.mark.filterwarnings("ignore")


def config(kind: str, **settings: Any) -> Any:
    from transformers import AutoConfig

    return AutoConfig.for_model(kind, **settings)


@pytest.mark.parametrize(
    ("kind", "settings", "limit"),
    [
        ("llama", {"max_position_embeddings": 2048}, 2048),
        ("gpt2", {"n_positions": 1024}, 1024),
        ("mpt", {"max_seq_len": 512}, 512),
        ("mamba", {}, None),
        ("bloom", {}, None),
        # names the length before: Qwen2.5's way
        ("qwen2", {
            "max_position_embeddings": 32768,
            "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768},
        }, 131072),
        # names the length after
        ("llama", {
            "max_position_embeddings": 131072,
            "rope_scaling": {
                "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                "original_max_position_embeddings": 8192,
            },
        }, 131072),
        ("llama", {"max_position_embeddings": 2048, "rope_scaling": {"rope_type": "linear", "factor": 2.0}}, 4096),
    ],
)  # fmt: skip
def test_what_a_configuration_says(kind: str, settings: dict[str, Any], limit: int | None) -> None:
    assert context_of(config(kind, **settings)) == limit

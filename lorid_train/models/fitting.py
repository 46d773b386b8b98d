"""Whether an adapter is one of a base model, told without the base's weights.

Whoever uses an adapter's file without loading it into the model (a merge, a publication) would
pass over what is missing or is another model's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lorid_data.errors import ConfigError
from lorid_train.engines.loading import with_adapters
from lorid_train.models.base_model import Base, load_config

_META = "meta"
"""PyTorch's device for tensors that have a shape and no numbers."""


def without_weights(base: Base) -> Any:
    """The base model as its configuration describes it; nothing else is read.

    Raises:
        ConfigError: the configuration cannot be had, or describes no causal model.
    """
    import torch
    from transformers import AutoModelForCausalLM

    config = load_config(base)
    try:
        with torch.device(_META):
            return AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    except ValueError as e:
        said = str(e).strip().splitlines() or [type(e).__name__]
        raise ConfigError(f"base {base.name!r}: {said[0][:300]}") from e


def refuse_misfit(folder: Path, base: Base, model: Any = None) -> None:
    """Refuse an adapter that `evaluate` would refuse on this base.

    Args:
        folder: the adapter's.
        base: its base model.
        model: what `without_weights` gives for it, where that is there already.

    Raises:
        ConfigError: it has a tensor that the base does not take, lacks one that its configuration
            asks for, or holds what is no number.
    """
    if model is None:
        model = without_weights(base)
    with_adapters(model, {"adapter": folder}, _META)

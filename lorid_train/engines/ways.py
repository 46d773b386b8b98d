"""In which ways a model can be generated with, best first.

A batch that stays full moves a row's keys and values about, leaves gaps between a kept beginning
and what follows it, and lets rows of different lengths end in the same column. That is right only
where a model remembers nothing but keys and values, and where distances are told by positions,
not by columns. What the configuration says is read here; what is left is tried on the model
(`self_check`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any, Literal

Memory = Literal["slots", "together", "alone"]
CACHES = ("past_key_values", "cache_params")
"""Names under which models take what they remember."""
_WIDTHS = ("window_size", "attention_window_size", "attention_chunk_size")
"""Settings that limit how far back attention reads, beside those that end in `window`."""
_DEPENDS_ON_LENGTH = ("dynamic", "longrope")
"""Kinds of rotary embeddings that are others for all rows as soon as one row is long."""


@dataclass(frozen=True, slots=True)
class Way:
    """How rows are generated.

    Attributes:
        memory: `slots`, a batch that stays full; `together`, rows that begin together; `alone`,
            one row after another through the model's own `generate`.
        mixed: whether rows of one batch may have different adapters.
    """

    memory: Memory
    mixed: bool

    @property
    def words(self) -> str:
        """What it is, for a message."""
        memory = {
            "slots": "a batch that stays full",
            "together": "rows that begin and end together",
            "alone": "one row after another",
        }[self.memory]
        adapters = "" if self.memory == "alone" or self.mixed else ", one adapter at a time"
        return memory + adapters


ALONE = Way("alone", mixed=False)
BEST = Way("slots", mixed=True)


def ways_of(model: Any, *, mixed: bool) -> list[Way]:
    """The ways that may be right for a model, best first; `ALONE` is always the last.

    Args:
        model: a causal model, PEFT's or not, in evaluation mode.
        mixed: whether its adapters can be chosen by row.
    """
    memories: list[Memory] = []
    if arguments_of(model) & set(CACHES):
        probed = _probe(model)
        memories = ["slots", "together"] if probed == "slots" else ["together"] if probed else []
    kinds = (True, False) if mixed else (False,)
    return [*(Way(m, mixed=k) for m in memories for k in kinds), ALONE]


def arguments_of(model: Any) -> frozenset[str]:
    """The named arguments of a model's forward pass, below PEFT's."""
    base = model.get_base_model() if hasattr(model, "peft_config") else model
    return frozenset(signature(type(base).forward).parameters)


def new_cache(model: Any) -> Any:
    """What the model remembers a batch with, empty."""
    from transformers import DynamicCache

    return DynamicCache(config=model.config)


def counts_columns(config: Any) -> bool:
    """Whether a model may tell distances by columns: then no gap may be between a row's tokens.

    So do windows, chunks and ALiBi.
    """
    return any(_tells_columns(key, value) for key, value in _settings(config))


def _tells_columns(key: str, value: Any) -> bool:
    if not value or value == -1:
        return False
    if "alibi" in key or ("alibi" in value if isinstance(value, str) else False):
        return True
    if isinstance(value, list | tuple) and key in ("layer_types", "attention_layers"):
        return any(str(v).startswith(("sliding", "chunked", "local", "hybrid_sl")) for v in value)
    is_width = isinstance(value, int) and not isinstance(value, bool)
    return is_width and (key.endswith("window") or key in _WIDTHS)


def _settings(config: Any) -> Iterator[tuple[str, Any]]:
    """All settings of a configuration, those of its parts included."""
    body = config if isinstance(config, Mapping) else config.to_dict()
    for key, value in body.items():
        if isinstance(value, Mapping):
            yield from _settings(value)
        else:
            yield str(key), value
    if not isinstance(config, Mapping) and getattr(config, "attention_layers", None):
        yield "attention_layers", config.attention_layers


def longest_together(config: Any) -> int | None:
    """Tokens of the longest row that may share a batch; None where all rows may.

    Beyond it these rotary embeddings turn every row of the batch otherwise.
    """
    settings = list(_settings(config))
    if not any(k in ("rope_type", "type") and v in _DEPENDS_ON_LENGTH for k, v in settings):
        return None
    names = ("original_max_position_embeddings", "max_position_embeddings")
    return min((int(v) for k, v in settings if k in names and v), default=0)


def _probe(model: Any) -> Memory | None:
    """What one token leaves behind: keys and values of one shape in all layers, something, nothing."""
    import torch
    from transformers import Cache
    from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

    names = arguments_of(model)
    name = CACHES[0] if CACHES[0] in names else CACHES[1]
    ids = torch.ones(1, 1, dtype=torch.long, device=next(model.parameters()).device)
    try:
        cache = new_cache(model)
        with torch.inference_mode():
            out = model(input_ids=ids, use_cache=True, **{name: cache})
    except Exception:  # noqa: BLE001  (whatever it is: this model takes no such cache)
        return None
    if not isinstance(getattr(out, name, None), Cache):
        return None
    layers = cache.layers
    if not all(type(la) in (DynamicLayer, DynamicSlidingWindowLayer) for la in layers):
        return "together"
    states = [s for la in layers for s in (la.keys, la.values)]
    if any(s is None or s.dim() != 4 for s in states):
        return "together"
    return "slots" if len({s.shape for s in states}) == 1 else "together"

"""How long a prompt and its text may be together: what a model's configuration says."""

from __future__ import annotations

from typing import Any, TypeGuard

_NAMES = ("max_position_embeddings", "n_positions", "max_seq_len")
_STRETCHED = frozenset({"linear", "dynamic", "yarn"})
"""Kinds of rotary scaling whose configurations may name the length before it was stretched."""


def context_of(config: Any) -> int | None:
    """Longest prompt and text together, in tokens; None where the model has no limit (Mamba, for one).

    Where a rotary embedding is stretched by a factor, the limit is the longer of what the configuration
    names and the length before times the factor: some configurations name the one, some the other.

    Args:
        config: a model's, of `transformers`.
    """
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    named = [n for k in _NAMES if _is_length(n := getattr(text, k, None))]
    if not named:
        return None
    limit = min(named)
    return max([limit, *(_stretched(part, limit) for part in _ropes(text))])


def _ropes(text: Any) -> list[dict[str, Any]]:
    """Settings of the rotary embedding: one set, or one for each kind of layer."""
    found = getattr(text, "rope_parameters", None) or getattr(text, "rope_scaling", None)
    if not isinstance(found, dict):
        return []
    return [found, *(part for part in found.values() if isinstance(part, dict))]


def _stretched(rope: dict[str, Any], limit: int) -> int:
    """How far one set of rotary settings reaches; 0 where it says nothing."""
    factor = rope.get("factor")
    kind = rope.get("rope_type", rope.get("type"))
    if kind not in _STRETCHED or not isinstance(factor, int | float) or not factor > 1:
        return 0
    before = rope.get("original_max_position_embeddings")
    return int((before if _is_length(before) else limit) * factor)


def _is_length(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0

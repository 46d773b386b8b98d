"""What a reply says of its tokens, read so that no provider can charge more than is booked.

Providers disagree: reasoning tokens stand inside the completion's (OpenAI) or beside them (xAI),
cached ones inside the prompt's or beside, and proxies leave fields out. Of two readings the dearer
one is taken; counts that are missing or contradict each other are `is_sure=False`, and the most
that the request may cost is booked instead of less.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_MOST = 10**9
"""No reply has more tokens; a larger count is a fault of the server."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one reply; None where it does not say.

    Attributes:
        n_input: of the prompt, cached and written ones included.
        n_cached: of those, read from the provider's cache.
        n_written: of those, written to the provider's cache, which costs more than reading none.
        n_output: of the reply, reasoning included.
        is_sure: whether counts are there and agree.
        stated_usd: what the reply says it costs, where it does.
    """

    n_input: int | None = None
    n_cached: int | None = None
    n_written: int = 0
    n_output: int | None = None
    is_sure: bool = False
    stated_usd: float | None = None


def chat_usage(usage: Any) -> Usage:
    """The usage of a chat completion, whatever it is."""
    if not isinstance(usage, dict):
        return Usage()
    prompt, completion = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    stated = usage.get("total_tokens")
    total = _count(stated)
    reasoning = _inner(usage, "completion_tokens_details", "reasoning_tokens")
    cached = _inner(usage, "prompt_tokens_details", "cached_tokens")
    output, is_odd = completion, False
    if prompt is not None and completion is not None:
        # What the total has beyond the prompt is paid as output; reasoning without a total may be beside.
        beside = completion + (reasoning or 0) if total is None else total - prompt
        output = max(completion, beside)
        is_odd = (reasoning or 0) > output
        output += (reasoning or 0) * is_odd
    agrees = (
        prompt is not None
        and completion is not None
        and (total >= prompt + completion if total is not None else stated is None)
        and (cached or 0) <= prompt
        and not is_odd
    )
    return Usage(
        n_input=prompt,
        n_cached=None if cached is None or prompt is None else min(cached, prompt),
        n_output=output,
        is_sure=agrees,
        stated_usd=_usd(usage.get("cost")),
    )


def message_usage(usage: Any) -> Usage:
    """The usage of Anthropic's messages, whatever it is: cached and written tokens stand beside."""
    if not isinstance(usage, dict):
        return Usage()
    fresh, output = _count(usage.get("input_tokens")), _count(usage.get("output_tokens"))
    beside = [usage.get(k) for k in ("cache_read_input_tokens", "cache_creation_input_tokens")]
    counts = [_count(v) for v in beside]
    cached, written = (n or 0 for n in counts)
    strange = any(v is not None and n is None for v, n in zip(beside, counts, strict=True))
    return Usage(
        n_input=None if fresh is None else fresh + cached + written,
        n_cached=cached,
        n_written=written,
        n_output=output,
        is_sure=fresh is not None and output is not None and not strange,
        stated_usd=_usd(usage.get("cost")),
    )


def _inner(usage: Mapping[str, Any], group: str, name: str) -> int | None:
    details = usage.get(group)
    return _count(details.get(name)) if isinstance(details, dict) else None


def _count(value: Any) -> int | None:
    """A number of tokens; None for anything else, however it is written."""
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) <= _MOST:
        value = int(value)
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST
    return value if is_count else None


def _usd(value: Any) -> float | None:
    is_price = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_price or not math.isfinite(value) or not 0 <= value < _MOST:
        return None
    return float(value)

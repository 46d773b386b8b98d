"""JSON that somebody else wrote: a name stands once in an object, or nobody knows which value is meant."""

from __future__ import annotations

import json
from typing import Any


def parse(text: str | bytes) -> Any:
    """What a JSON text holds.

    Raises:
        ValueError: it is no JSON, nested too deep, or a name stands twice in one object (readers
            differ in which of the values they take).
    """
    try:
        return json.loads(text, object_pairs_hook=_once)
    except RecursionError as e:
        raise ValueError("JSON nested too deep") from e


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    body = dict(pairs)
    if len(body) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(n for n in names if names.count(n) > 1)
        raise ValueError(f"a key stands twice in one object: {twice!r:.80}")
    return body

"""JSON that somebody else wrote: a name stands once in an object, or nobody knows which value is meant."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import InvalidOperation
from typing import Any


def parse(
    text: str | bytes,
    *,
    constant: Callable[[str], Any] | None = None,
    number: Callable[[str], Any] | None = None,
) -> Any:
    """What a JSON text holds.

    Args:
        text: the text, or its bytes in UTF-8, UTF-16 or UTF-32.
        constant: what makes a value of NaN and Infinity, which JSON has not; by default the numbers.
        number: what makes a value of a number with a point or an exponent, by default `float`, which
            keeps 17 digits; `Decimal` keeps all.

    Raises:
        ValueError: it is no JSON, nested too deep, or a name stands twice in one object (readers
            differ in which of the values they take), or a number that `Decimal` cannot hold.
    """
    try:
        return json.loads(
            text, object_pairs_hook=_once, parse_constant=constant, parse_float=number
        )
    except RecursionError as e:
        raise ValueError("JSON nested too deep") from e
    except InvalidOperation as e:
        raise ValueError("a number with an exponent of more than 18 digits") from e


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    body = dict(pairs)
    if len(body) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(n for n in names if names.count(n) > 1)
        raise ValueError(f"a key stands twice in one object: {twice!r:.80}")
    return body

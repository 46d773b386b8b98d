"""The bytes of a request's body to a JSON object, or a refusal: they may be anything."""

from __future__ import annotations

from typing import Any, NoReturn

from lorid_data.texts import strict_json
from lorid_train.serve.refusals import RefusedError

MOST_BYTES = 2**18
"""Of a request's body; the longest question of the common datasets has 5,000."""
_DEEPEST = 32
"""Brackets inside one another; no request that is answered has more than a handful."""


def parse(body: bytes) -> dict[str, Any]:
    """The object that a body holds.

    Raises:
        RefusedError: no JSON object, nested deeper than 32, numbers that JSON has not, or half of a character.
    """
    try:
        found = strict_json.parse(body.decode("utf-8"), constant=_no_constant)
    except UnicodeDecodeError as e:
        raise RefusedError("the body is not UTF-8") from e
    except ValueError as e:
        if isinstance(e.__cause__, RecursionError):
            raise RefusedError(_TOO_DEEP) from e
        raise RefusedError(f"the body is not JSON: {str(e)[:200]}") from e
    if not isinstance(found, dict):
        raise RefusedError(f"the body is no JSON object but {type(found).__name__}")
    _look_into(found)
    return found


_TOO_DEEP = f"the body is nested deeper than {_DEEPEST}"


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _look_into(found: object) -> None:
    """Refuse depth and lone surrogates anywhere, keys included."""
    left: list[tuple[object, int]] = [(found, 1)]
    while left:
        value, depth = left.pop()
        if depth > _DEEPEST:
            raise RefusedError(_TOO_DEEP)
        if isinstance(value, dict):
            left += [(part, depth + 1) for pair in value.items() for part in pair]
        elif isinstance(value, list):
            left += [(part, depth + 1) for part in value]
        elif isinstance(value, str):
            try:
                value.encode("utf-8")
            except UnicodeEncodeError as e:
                raise RefusedError(
                    "a text of the body holds half of a character (a lone surrogate)"
                ) from e

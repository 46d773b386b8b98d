"""A JSON file that carries the hash of its own content, so that damage is noticed when it is read.

A seal is no signature: it tells a flipped bit or a careless edit, not an attacker who computes it
again.
"""

from __future__ import annotations

from typing import Any

from lorid_data.schema import canonical_json, sha256_text
from lorid_data.texts import strict_json

SEAL = "seal"


def sealed(body: dict[str, Any]) -> dict[str, Any]:
    """The object with the hash of all its other fields as the last one."""
    rest = {k: v for k, v in body.items() if k != SEAL}
    return {**rest, SEAL: sha256_text(canonical_json(rest))}


def unsealed(data: bytes) -> dict[str, Any]:
    """The object without its seal, where that fits. One without a seal is from before there were any.

    Raises:
        ValueError: no JSON object, a name that stands twice in one, or another content than sealed.
    """
    body = strict_json.parse(data)
    if not isinstance(body, dict):
        raise ValueError(f"a {type(body).__name__}, where an object is expected")
    seal = body.pop(SEAL, None)
    if seal is not None and seal != sha256_text(canonical_json(body)):
        raise ValueError("its content has changed since it was written")
    return body

"""Names of splits that `datasets` takes, so that what is published can be loaded."""

from __future__ import annotations

import re

_NAME = re.compile(r"\w+(\.\w+)*", re.ASCII)
_MOST = 64
RESERVED = frozenset({"all"})
"""Words that stand for something else when a split is asked for, in lower and upper case."""


def split_fault(name: str) -> str | None:
    """Why a split cannot be called this, in a sentence's end; None where it can."""
    if name.lower() in RESERVED:
        return f"the split {name!r} cannot be loaded: `datasets` reads that as all splits together; give it another name"
    if not _NAME.fullmatch(name) or len(name) > _MOST:
        return f"the split {name!r} cannot be the name of a split on the Hub; use up to {_MOST} letters, digits and '_'"
    return None

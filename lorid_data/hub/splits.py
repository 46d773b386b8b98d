"""Names of splits and configurations that `datasets` takes, so that what is published can be loaded."""

from __future__ import annotations

import re

_NAME = re.compile(r"\w+(\.\w+)*")
_MOST_BYTES = 100
"""A split's name is part of the names of files, which have at most 255 bytes."""
RESERVED = frozenset({"all"})
"""Words that stand for something else when a split is asked for, in lower and upper case."""
_NOT_IN_A_CONFIG = frozenset("<>:/\\|?*")


def split_fault(name: str) -> str | None:
    """Why a split cannot be called this, in a sentence's end; None where it can."""
    if name.lower() in RESERVED:
        return f"the split {name!r} cannot be loaded: `datasets` reads that as all splits together; give it another name"
    if not _NAME.fullmatch(name) or len(name.encode()) > _MOST_BYTES:
        return (
            f"the split {name!r} cannot be the name of a split on the Hub: `datasets` would not load it; use letters, "
            f"digits and '_', and single '.' between them, up to {_MOST_BYTES} bytes"
        )
    return None


def config_fault(name: object) -> str | None:
    """Why a configuration cannot be called this, in a sentence's end; None where it can."""
    if not isinstance(name, str) or not name:
        return f"the configuration {name!r} has no name that can be asked for; give it one, in quotation marks"
    if bad := sorted(_NOT_IN_A_CONFIG & set(name)):
        return f"the configuration {name!r} cannot be loaded: `datasets` takes no {bad[0]!r} in its name; give it another"
    return None

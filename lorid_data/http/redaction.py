"""Messages without what looks like a key."""

from __future__ import annotations

import re

_SECRET = re.compile(r"\b(?:sk-|hf_|Bearer\s+)[\w.*-]{4,}")


def redact(text: str) -> str:
    """A text without what looks like a key; providers repeat a wrong key in their messages."""
    return _SECRET.sub("[secret]", text)

"""Messages without secrets, where they are made: what is stored does not pass a terminal."""

from __future__ import annotations

from lorid_data.texts.secrets import without_secrets


def redact(text: str) -> str:
    """A text without a secret; providers and proxies repeat a key in their messages."""
    return without_secrets(text)

"""Names of tags and branches: what git takes, and one that is made of the content."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lorid_data.errors import ConfigError
from lorid_data.hub.state import LocalFile
from lorid_data.schema import canonical_json, sha256_text

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,99}", re.ASCII)


def check_tag(name: str, option: str) -> None:
    """Refuse what could be read as something else than a plain name.

    Raises:
        ConfigError: a slash, a space, `..`, or nothing.
    """
    if not _NAME.fullmatch(name) or ".." in name or name.endswith((".", ".lock")):
        msg = f"{option} {name!r}: give a plain name: letters, digits, '-', '_' and '.'"
        raise ConfigError(msg)


def content_tag(files: Mapping[str, LocalFile]) -> str:
    """`content-` and 12 hex digits of a hash over every file."""
    whole = canonical_json({path: f.sha256 for path, f in files.items()})
    return f"content-{sha256_text(whole)[:12]}"

"""Addresses such as `s3://bucket/folder` where a path of this machine belongs.

A `Path` made of one is a folder `s3:` in the current folder, which nobody means.
"""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+(.*)", re.DOTALL)


def not_a_path(path: object) -> str | None:
    """One sentence if something given as a path is an address; None for a path."""
    found = _ADDRESS.fullmatch(str(path))
    if found is None:
        return None
    return (
        f"{found[1]}://{found[2]}: is an address, and a path of this machine belongs here; copy it here first, or "
        "give it to `lorid-data run CONFIG --executor local:1`, whose `from` and `out` may be addresses"
    )

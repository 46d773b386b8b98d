"""What is given as a path and cannot be meant as one of this machine.

Each is taken by some library in a way of its own: a `Path` made of `s3://bucket` is a folder `s3:`
in the current folder, and Arrow and Polars read a leading `~` as a home folder where `Path` does not.
"""

from __future__ import annotations

import os
import re

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+(.*)", re.DOTALL)


def not_a_path(path: object) -> str | None:
    """One sentence if something given as a path is none; None for a path.

    An empty text is none; an empty `Path` cannot be told from the current folder.
    """
    text = str(path)
    if not text:
        return "a path is empty, as a shell variable leaves it that is not set; name one, or . for the current folder"
    if (found := _ADDRESS.fullmatch(text)) is not None:
        return (
            f"{found[1]}://{found[2]}: is an address, and a path of this machine belongs here; copy it here first, or "
            "give it to `lorid-data run CONFIG --executor local:1`, whose `from` and `out` may be addresses"
        )
    if text.startswith("~") and os.path.expanduser(text) != text:  # noqa: PTH111  (as Arrow does)
        return f"{text}: a leading ~ is a home folder to shells alone, and none has read it here; write the path out"
    if not text.isascii() and text.encode("utf-8", "replace").decode() != text:
        return f"{text}: holds what is not UTF-8; rename it (or set PYTHONUTF8=1, if it is written rightly)"
    return None

"""What names a repository of the Hub, and what can only be a path that is not there.

`owner/name` could be either. It is taken for a path where something speaks for it: so a typo in a
folder's name is an error at once, and not a search of the Hub.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path

_FOLDERS = frozenset({"runs", "data", "out", "output", "outputs", "tmp", "checkpoints"})
"""First parts that are folders of projects: to mean an owner of the Hub, name a revision as well."""
_FILES = frozenset(
    {".jsonl", ".json", ".csv", ".tsv", ".parquet", ".txt", ".yaml", ".yml", ".gguf", ".safetensors"}
)  # fmt: skip
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def looks_like_path(text: str) -> bool:
    """Whether a text that names a folder, a file or a repository can only be a path.

    A revision (`owner/name@main`) makes a repository of what would be taken for a path otherwise.
    """
    if text.startswith((".", "/", "~")) or "\\" in text or _DRIVE.match(text):
        return True
    name, at, _ = text.partition("@")
    if name.count("/") != 1 or name.endswith("/"):
        return "/" in name
    first = name.partition("/")[0]
    is_file = Path(name.partition(":")[0]).suffix.lower() in _FILES
    return not at and (first in _FOLDERS or is_file or Path(first).is_dir())


def is_hub_id(text: str) -> bool:
    """Whether a text can be `owner/name`, with `@revision` and `:part` behind it or not."""
    name = text.partition("@")[0].partition(":")[0]
    return name.count("/") == 1 and not looks_like_path(text) and not Path(text).exists()


def near(path: str | Path) -> str:
    """`; did you mean 'runs/arithmetic'?` where something of nearly that name is there, else nothing."""
    given = Path(path)
    try:
        there = [p.name for p in given.parent.iterdir()]
    except OSError:
        return ""
    found = get_close_matches(given.name, there, n=1, cutoff=0.7)
    return f"; did you mean {str(given.parent / found[0])!r}?" if found else ""

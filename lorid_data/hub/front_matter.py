"""The front matter of a README that somebody else wrote: YAML between two lines `---`, bounded.

Its `configs` name the files of a dataset. What they name must lie in that dataset: `datasets` would
read any file of this machine, and any address, in the place of its rows.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lorid_data.texts import safe_yaml


def front_matter(readme: Path) -> dict[str, Any]:
    """What a card says of itself; empty where it has no front matter.

    Raises:
        ValueError: it is not UTF-8, not YAML of a bearable size, or no mapping.
        OSError: the file cannot be read.
    """
    lines = readme.read_text(encoding="utf-8-sig").lstrip().splitlines()
    if not lines or lines[0].rstrip() != "---":
        return {}
    end = next((i for i, line in enumerate(lines[1:], start=1) if line.rstrip() == "---"), None)
    if end is None:
        return {}
    body = safe_yaml.parse("\n".join(lines[1:end]) + "\n")
    if body is not None and not isinstance(body, dict):
        raise ValueError(f"a {type(body).__name__}, where a mapping is expected")
    return body or {}


def named_outside(body: dict[str, Any]) -> str | None:
    """The first file or folder that front matter names outside of its own dataset, or None.

    Args:
        body: the front matter.
    """
    configs = body.get("configs")
    for config in configs if isinstance(configs, list) else ():
        if isinstance(config, dict):
            folder = str(config.get("data_dir") or "")
            for text in ("", *_texts(config.get("data_files"))):
                if is_outside(folder, text):
                    return text or folder
    return None


def is_outside(folder: str, pattern: str) -> bool:
    """Whether a pattern of files, read from a folder of a dataset, leads out of that dataset."""
    joined = posixpath.normpath(posixpath.join(folder, pattern))
    return "://" in folder + pattern or posixpath.isabs(joined) or joined.split("/")[0] == ".."


def _texts(node: object) -> Iterator[str]:
    """The patterns of `data_files`, in each of the shapes in which `datasets` takes them."""
    if isinstance(node, dict):
        # Of a list of splits each is a mapping of split and path; else the splits are the keys.
        for key, value in node.items():
            if key != "split":
                yield from _texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value)
    elif node is not None:
        yield str(node)

"""The command `doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from lorid_data.commandline.failures import EXIT_OK
from lorid_data.commandline.result import show


def doctor(
    *, teacher: str, mode: Literal["online", "flex"] = "online", prices: Path | None = None
) -> int:
    """One cheap call to a teacher: key, schema support, limits and price.

    Args:
        teacher: openai:MODEL, anthropic:MODEL or server:MODEL@URL[,URL…].
        mode: How the provider is asked.
        prices: YAML file that overrides the packaged prices.
    """
    from lorid_data.asking.doctor import examine
    from lorid_data.teachers.registry import AskOptions

    lines = examine(teacher, AskOptions(mode=mode, prices=prices))
    show("\n".join(lines), dict(line.split(": ", 1) for line in lines))
    return EXIT_OK

"""Arguments that are paths, looked at as they were written: a `Path` no longer tells `s3://` from `s3:/`, or empty from `.`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from lorid_data.texts.pathnames import not_a_path

if TYPE_CHECKING:
    from cyclopts.argument import Argument


def wrong_paths(arguments: Iterable[Argument]) -> Iterator[str]:
    """One sentence for each value of an argument that is a path, and cannot be meant as one."""
    for argument in arguments:
        # `--out` is a text where a configuration may name the folder, too.
        if "Path" in str(argument.hint) or argument.name == "--out":
            for token in argument.tokens:
                if (said := not_a_path(token.value)) is not None:
                    yield f"{argument.name}: {said}"

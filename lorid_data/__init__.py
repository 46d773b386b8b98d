"""Knowledge-enhanced math datasets: questions in, knowledge asked and kept.

`schema` is read first, `pipeline` second: each of its stages is a room (`choose` is in `build`).
Every room says in its `__init__.py` what it is for, where to enter it and in which order to read it;
`cli` says where each command's code is.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lorid_data.folders.loading import load as load

__all__ = ["load"]


def __getattr__(name: str) -> object:
    """`load`, imported when it is first asked for: importing the package loads nothing."""
    if name == "load":
        from lorid_data.folders.loading import load

        return load
    msg = f"module 'lorid_data' has no attribute {name!r}"
    raise AttributeError(msg)

"""What may be done elsewhere, by name: a job on disk names a function and classes, and can name no others."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

WORKS: tuple[str, ...] = (
    "lorid_data.validate.stage:check_table",
    "lorid_data.contamination.looked:look",
    "lorid_data.audit.stage:look",
    "lorid_data.dedup.apart:outline",
    "lorid_data.dedup.apart:compare",
)
"""The functions: of one batch, or of what is bound to them and one batch."""
CLASSES: tuple[str, ...] = (
    "lorid_data.validate.stage:Checked",
    "lorid_data.contamination.looked:Batch",
    "lorid_data.contamination.looked:Looked",
    "lorid_data.contamination.matches:Match",
    "lorid_data.contamination.matches:Questions",
    "lorid_data.contamination.test_set:TestSet",
    "lorid_data.audit.joined:Seen",
    "lorid_data.dedup.apart:Compared",
    "lorid_data.dedup.apart:Outline",
    "lorid_data.dedup.duplicates:Exact",
    "lorid_data.dedup.duplicates:Pairs",
    "lorid_data.dedup.signatures:Signatures",
    "lorid_data.texts.shingles:Shingles",
)
"""The classes that batches, bound arguments and results are made of."""


def is_listed(work: Callable[..., Any]) -> bool:
    """Whether some work may be done elsewhere."""
    function: Any = work.func if isinstance(work, partial) else work
    return f"{function.__module__}:{getattr(function, '__qualname__', '')}" in WORKS


def described(work: Callable[..., Any]) -> tuple[str, list[Any]]:
    """The name of some work and what is bound to it.

    Raises:
        TypeError: it is none of `WORKS`, or arguments are bound by name.
    """
    if not isinstance(work, partial):
        return _listed(work, WORKS), []
    if work.keywords:
        raise TypeError("arguments are bound by place only")
    return _listed(work.func, WORKS), list(work.args)


def name_of(kind: type) -> str:
    """The name of a class.

    Raises:
        TypeError: it is none of `CLASSES`.
    """
    return _listed(kind, CLASSES)


def _listed(thing: Any, names: tuple[str, ...]) -> str:
    name = f"{thing.__module__}:{thing.__qualname__}"
    if name not in names:
        raise TypeError(f"{name} is not listed in lorid_data/distributed/works.py")
    return name


def work_of(name: str) -> Callable[..., Any]:
    """The function of a name.

    Raises:
        ValueError: it is none of `WORKS`.
    """
    found: Callable[..., Any] = _loaded(name, WORKS)
    return found


def class_of(name: str) -> type:
    """The class of a name.

    Raises:
        ValueError: it is none of `CLASSES`.
    """
    found: type = _loaded(name, CLASSES)
    return found


def _loaded(name: str, names: tuple[str, ...]) -> Any:
    if name not in names:
        raise ValueError(f"{name[:80]!r} is nothing that may be done elsewhere")
    module, _, member = name.partition(":")
    return getattr(import_module(module), member)

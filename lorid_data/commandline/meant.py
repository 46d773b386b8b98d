"""What YAML makes of a word, held against what was wanted: `no` is a truth value to it, and `010` is 8."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

from lorid_data.errors import IN_QUOTES

_TEXTS = (str, Path)


def taken_for_numbers(given: Any, made: Any, key: str = "") -> Iterator[str]:
    """A sentence for each true or false that was taken for 1 or 0.

    Args:
        given: a configuration as YAML gave it.
        made: what pydantic made of it.
        key: where it stands in the file.
    """
    if isinstance(given, bool):
        if isinstance(made, int | float) and not isinstance(made, bool):
            yield f"{key}: a number is wanted, got {given}"
    elif isinstance(given, Mapping):
        for name, value in given.items():
            inner = _part(made, name)
            yield from taken_for_numbers(value, inner, f"{key}.{name}" if key else str(name))
    elif isinstance(given, list | tuple) and isinstance(made, list | tuple):
        for i, (value, inner) in enumerate(zip(given, made, strict=False)):
            yield from taken_for_numbers(value, inner, f"{key}[{i}]")


def _part(made: Any, name: Any) -> Any:
    """What stands under a key of a mapping that became a mapping or a model of pydantic's."""
    fields = getattr(type(made), "model_fields", None)
    if fields is None:
        return made.get(name) if isinstance(made, Mapping) else None
    return getattr(made, next((n for n, f in fields.items() if f.alias == name), str(name)), None)


def misread(hint: Any, value: Any) -> str | None:
    """What is wrong with a value of a file for an option of this type; None where it can be meant.

    Args:
        hint: the option's type.
        value: what YAML read; of a list and a mapping each value.
    """
    if isinstance(value, list | tuple):
        return next((said for v in value if (said := misread(hint, v))), None)
    if isinstance(value, Mapping):
        if names := [name for name in value if not isinstance(name, str)]:
            return f"a text is wanted, got {names[0]!r}; {IN_QUOTES}"
        # Pairs of a name and a number (`{ir: 40}`) are written in one text, so a number is no slip there.
        values = [v for v in value.values() if _is_mapping(hint) or isinstance(v, bool)]
        return misread(hint, values)
    kinds = set(_kinds(hint))
    if value is None or isinstance(value, str) or Any in kinds or type(value) in kinds:
        return None
    if kinds & {int, float}:
        return f"a number is wanted, got {value}" if isinstance(value, bool) else None
    is_text = all(kind in _TEXTS for kind in kinds - {type(None)})
    return f"a text is wanted, got {value!r}; {IN_QUOTES}" if is_text else None


def _is_mapping(hint: Any) -> bool:
    return get_origin(hint) is dict or any(map(_is_mapping, get_args(hint)))


def _kinds(hint: Any) -> Iterator[Any]:
    """The types that a value may have: of a list its elements', of a choice those of what is chosen from."""
    if not isinstance(hint, type) and not get_args(hint):
        yield type(hint)  # one of a choice
    elif inner := get_args(hint):
        for part in inner[1:] if get_origin(hint) is dict else inner:
            yield from _kinds(part)
    else:
        yield hint

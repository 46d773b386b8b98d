"""In which fields two configurations differ, in words: names and values, and a hash only beside a name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_HASH = re.compile(r"(?:sha256:)?[0-9a-f]{64}")
_OF_HASHES = {
    "parent_identity_sha256": ("", "what the folder is made from"),
    "parents_sha256": ("", "what the folder is made from"),
    "evaluation_sha256": ("", "the evaluation that it is made from"),
    "content_sha256": ("", "the rows of the table"),
    "bad_rows_sha256": ("", "the rows of the table that cannot be read"),
    "data_sha256": ("data", "the training data"),
    "base_sha256": ("base", "the base model"),
    "tokenizer_sha256": ("base", "the base model's tokenizer"),
    "adapters_sha256": ("adapters", "the adapter"),
    "adapter_configs_sha256": ("adapters", "the adapter's settings"),
    "dataset_sha256": ("dataset", "the dataset"),
    "format_sha256": ("format", "the text of the prompt format"),
    "text_sha256": ("text", "the text to measure forgetting on"),
}
"""Fields that hold hashes: the setting that says what was hashed, and what it is called."""
_OF_ROWS = ("content_sha256", "bad_rows_sha256")
_MAKE_ROWS = ("licence", "subject", "rationale", "columns", "skip_bad_rows", "seed", "scale")
"""Settings by which other rows are made of the same source: where one differs, the hash of the rows says no more."""


def differences(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    settings: tuple[Mapping[str, Any], Mapping[str, Any]] = ({}, {}),
) -> list[str]:
    """One phrase for each field in which two identities differ, with both values.

    Args:
        old: identity of the folder.
        new: identity that is asked for.
        settings: of both: names and places of what the identities have hashes of.
    """
    before, now = dict(_fields(old)), dict(_fields(new))
    keys = sorted(k for k in {*before, *now} if before.get(k) != now.get(k))
    made = _made_otherwise(settings) if any(k in _OF_ROWS for k in keys) else []
    is_said = bool(made) or "split" in keys  # every row names its split
    rest = [k for k in keys if not is_said or k not in _OF_ROWS]
    phrases = [_phrase(k, before.get(k), now.get(k), settings) for k in rest]
    return list(dict.fromkeys([*made, *phrases]))


def _made_otherwise(settings: tuple[Mapping[str, Any], Mapping[str, Any]]) -> list[str]:
    """The settings by which the rows of one source differ."""
    old, new = settings
    said = [
        (k, *(repr(s[k]) if s.get(k) is not None else "not given" for s in settings))
        for k in _MAKE_ROWS
        if old.get(k) != new.get(k)
    ]
    return [f"{k} was {was}, is {now}, of which the rows are made" for k, was, now in said]


def _fields(body: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Every field with its dotted name; of a list the whole."""
    for key, value in body.items():
        if isinstance(value, Mapping) and value:
            yield from _fields(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _phrase(
    key: str, old: Any, new: Any, settings: tuple[Mapping[str, Any], Mapping[str, Any]]
) -> str:
    field, _, part = key.partition(".")
    if field not in _OF_HASHES and not key.endswith("sha256"):
        return f"{key} was {_short(old)}, is {_short(new)}"
    setting, words = _OF_HASHES.get(field, ("", key.removesuffix("sha256").rstrip("_.")))
    names = [_named(s, setting, part) for s in settings]
    several = any(isinstance(s.get(setting), Mapping) for s in settings)
    of = f" of {part}" if part and field in _OF_HASHES else ""
    if names[0] != names[1]:
        return f"{words}{of * several}: was {names[0]!r}, is {names[1]!r}"
    at = f" {names[0]!r}" if names[0] else ""
    return f"{words}{of}{at}: not the same (was {_short(old)}, is {_short(new)})"


def _named(settings: Mapping[str, Any], setting: str, part: str) -> str | None:
    """What a setting says was hashed; of several, the one of `part`."""
    value = settings.get(setting)
    if isinstance(value, Mapping):
        value = value.get(part)
    return value if isinstance(value, str) else None


def _short(value: Any) -> str:
    if isinstance(value, str) and _HASH.fullmatch(value):
        return f"sha256 {value.removeprefix('sha256:')[:12]}…"
    return repr(value)

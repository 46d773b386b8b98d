"""Languages other than English, as tables: how they say "the answer is", their units and counters.

`languages/*.yaml` ship with the package; a folder named by `LORID_ANSWER_LANGUAGES` may hold further
ones, and replaces those of the same file name. Which are read is detected for each text.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = "LORID_ANSWER_LANGUAGES"
"""The environment variable that names a folder of further tables."""
_PATTERNS = ("unstated", "refused", "leads", "clauses", "ends", "minus")
_NEVER = r"(?!)"


class LanguageError(ValueError):
    """A table that cannot be read; the message names the file and the key."""


@dataclass(frozen=True, slots=True)
class Language:
    """One table."""

    name: str
    words: tuple[str, ...]
    """In lower case: one of them, or a letter, is in every text that this table is to read."""
    letters: re.Pattern[str]
    """Letters that only this language and its relatives have; looked for in texts that are not ASCII."""
    cue: re.Pattern[str]
    """Groups verb, label and strict: which words of the table stand there."""
    unstated: re.Pattern[str]
    """Right before a cue: it states nothing."""
    refused: re.Pattern[str]
    """Behind a cue: it states nothing."""
    leads: re.Pattern[str]
    """Words that are skipped before the answer."""
    clauses: re.Pattern[str]
    """Where an explanation begins."""
    ends: re.Pattern[str]
    """What may close a sentence behind its value."""
    minus: re.Pattern[str]
    units: Mapping[str, str]
    """A unit's or counter's spelling → the unit as `units` calls it, "" for a counter."""
    numbers: Mapping[str, int]


@cache
def languages() -> tuple[Language, ...]:
    """All tables, sorted by file name.

    Raises:
        LanguageError: one of them cannot be read.
    """
    folders = [Path(__file__).parent / "languages"]
    if further := os.environ.get(FOLDER):
        folders.append(Path(further))
    files = {f.name: f for folder in folders for f in sorted(folder.glob("*.yaml"))}
    return tuple(_read(files[name]) for name in sorted(files))


def spoken_in(text: str) -> Iterator[Language]:
    """The languages whose words or letters stand in a text."""
    lowered = "\n" + text.lower()
    is_ascii = text.isascii()
    for one in languages():
        if any(word in lowered for word in one.words) or (
            not is_ascii and one.letters.search(text)
        ):
            yield one


@cache
def foreign_units() -> Mapping[str, str]:
    """Every spelling of a unit in any of the languages, in lower case; the first table wins."""
    found: dict[str, str] = {}
    for one in languages():
        for spelled, unit in one.units.items():
            found.setdefault(spelled, unit)
    return found


@cache
def _numbers() -> Mapping[str, int]:
    return {word: n for one in languages() for word, n in one.numbers.items()}


_LETTER = r"(?:[^\W\d_]|[\u0900-\u0963])"
"""Devanagari's vowel signs are no letters to `re`."""
_NOUN = re.compile(
    rf"(?<=[\d)}}])\s*(?P<noun>(?![\u0370-\u03ff]){_LETTER}+(?:[ .]{{1,2}}{_LETTER}+){{0,8}}\.?)\s*$"
)


def in_english(text: str) -> str:
    """27个 as 27 and a noun, 18 км as 18 km: a unit or counter in another alphabet behind the last number."""
    if text in _numbers():
        return str(_numbers()[text])
    found = _NOUN.search(text)
    if found is None or found["noun"].isascii():
        return text
    unit = unit_of(found["noun"])
    shown = rf"\text{{ {unit or 'items'}}}"
    if "^" in unit:
        base, _, power = unit.partition("^")
        shown = rf"\text{{ {base}}}^{power}"
    return text[: found.start("noun")] + shown


def unit_of(noun: str) -> str:
    """The unit that a noun phrase begins with, or "" for none that is known."""
    said = noun.lower().rstrip(".")
    units = foreign_units()
    first = said.split()[0] if said.split() else said
    for whole in (said, first):
        if whole in units:
            return units[whole]
    if re.match(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]", said):  # written without spaces
        for n in range(min(len(said), 12), 0, -1):
            if said[:n] in units:
                return units[said[:n]]
    return ""


def _read(file: Path) -> Language:
    import yaml

    try:
        body = yaml.safe_load(file.read_text("utf-8"))
        return _language(body)
    except (OSError, yaml.YAMLError, re.error, KeyError, TypeError, AttributeError) as e:
        msg = f"{file}: {e!r}: a table of a language needs `name`, `cues`, and `words` or `letters`; see docs/answers.md"
        raise LanguageError(msg) from e


def _language(body: Mapping[str, Any]) -> Language:
    cues = body["cues"]
    verb, label, strict = (_any(cues.get(k)) for k in ("verb", "label", "strict"))
    mark = r"[\"'*_}\s)\]]{0,6}(?:[:：—–]|--?(?=\s))"
    cue = re.compile(
        rf"(?<!\w)(?:(?P<verb>{verb})|(?P<label>{label}){mark}|(?P<strict>{strict})(?:{mark})?)"
        if body.get("spaced", True)
        else rf"(?:(?P<verb>{verb})|(?P<label>{label}){mark}|(?P<strict>{strict})(?:{mark})?)",
        re.IGNORECASE,
    )
    given = {name: body.get(name) or _NEVER for name in _PATTERNS}
    unit_words = {
        str(word).replace(r"\s", " ").lower(): str(unit)
        for unit, words in (body.get("units") or {}).items()
        for word in words.split()
    }
    return Language(
        name=body["name"],
        words=tuple(str(w).lower() for w in body.get("words") or ()),
        letters=re.compile(body.get("letters") or _NEVER),
        cue=cue,
        unstated=re.compile(given["unstated"], re.IGNORECASE),
        refused=re.compile(rf"\s*(?:{given['refused']})", re.IGNORECASE),
        leads=re.compile(
            rf"\s*(?:(?:{given['leads']})(?!\w)|{_glued(given['leads'])})\s*", re.IGNORECASE
        ),
        clauses=re.compile(
            rf"\s*,?\s*(?:{given['clauses']})(?!\w)|{_glued(given['clauses'])}", re.IGNORECASE
        ),
        ends=re.compile(rf"\s*(?:{given['ends']})\s*$", re.IGNORECASE),
        minus=re.compile(rf"\s*(?:{given['minus']})\s*(?=[\d$\\])", re.IGNORECASE),
        units=unit_words,
        numbers={str(k): int(v) for k, v in (body.get("numbers") or {}).items()},
    )


def _any(patterns: list[str] | None) -> str:
    return "|".join(patterns) if patterns else _NEVER


def _glued(pattern: str) -> str:
    """The same pattern where its language writes without spaces, else nothing."""
    return (
        f"(?:{pattern})"
        if re.search(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]", pattern)
        else _NEVER
    )

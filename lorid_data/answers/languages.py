"""Languages other than English, as tables: how they say "the answer is", their units and counters.

`languages/*.yaml` ship with the package; a folder named by `LORID_ANSWER_LANGUAGES` may hold further
ones, and replaces those of the same file name. Which are read is detected for each text.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

FOLDER = "LORID_ANSWER_LANGUAGES"
"""The environment variable that names a folder of further tables."""
_PATTERNS = (
    "unstated",
    "refused",
    "instead",
    "leads",
    "clauses",
    "ends",
    "minus",
    "below",
    "withdrawn",
    "yes_words",
    "no_words",
    "and",
    "or",
    "fraction",
    "percent",
    "verdicts",
    "denies",
    "denied",
)
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
    """Groups denial, verb, label and strict: which words of the table stand there."""
    unstated: re.Pattern[str]
    """Right before a cue: it states nothing."""
    refused: re.Pattern[str]
    """Behind a cue: it states nothing."""
    instead: re.Pattern[str]
    """Behind what is denied: the answer follows."""
    leads: re.Pattern[str]
    """Words that are skipped before the answer."""
    clauses: re.Pattern[str]
    """Where an explanation begins."""
    ends: re.Pattern[str]
    """What may close a sentence behind its value."""
    minus: re.Pattern[str]
    below: re.Pattern[str]
    """Behind a temperature: it is negative."""
    withdrawn: re.Pattern[str]
    """Behind an answer: it is taken back."""
    denies: re.Pattern[str]
    """Right before a box: it states nothing."""
    denied: re.Pattern[str]
    """Right behind one, likewise."""
    verdict: re.Pattern[str]
    """Yes, no, true or the like where an answer is expected."""
    words_for: Mapping[str, str]
    """The table's patterns for `yes_words`, `no_words`, `and` and `or`, as they stand there."""
    is_spaced: bool
    scales: Mapping[str, int]
    """Words behind a number that multiply it."""
    parts: Mapping[str, int]
    """Words behind a number that divide it: tenths."""
    units: Mapping[str, str]
    """A unit's or counter's spelling → the unit as `units` calls it, "" for a counter."""
    numbers: Mapping[str, int]
    fraction: re.Pattern[str]
    """Fractions as the language says them; the groups are top and bottom."""
    percent: re.Pattern[str]
    """Percentages likewise; the group is top."""


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


@lru_cache(maxsize=4)
def spoken_in(text: str) -> tuple[Language, ...]:
    """The languages whose words or letters stand in a text. Remembered for the text at hand, which is asked about again."""
    lowered = "\n" + text.lower()
    is_ascii = text.isascii()
    return tuple(
        one
        for one in languages()
        if any(word in lowered for word in one.words) or (not is_ascii and one.letters.search(text))
    )


def _read(file: Path) -> Language:
    import yaml

    try:
        body = yaml.safe_load(file.read_text("utf-8"))
        return _language(body)
    except (OSError, yaml.YAMLError, re.error, KeyError, TypeError, AttributeError) as e:
        msg = f"{file}: {e!r}: a table of a language needs `name`, `cues`, and `words` or `letters`; see docs/answers.md"
        raise LanguageError(msg) from e


def _language(body: Mapping[str, Any]) -> Language:
    given = {name: body.get(name) or _NEVER for name in _PATTERNS}
    return Language(
        name=body["name"],
        words=tuple(str(w).lower() for w in body.get("words") or ()),
        letters=re.compile(body.get("letters") or _NEVER),
        cue=_cue(body),
        unstated=re.compile(given["unstated"], re.IGNORECASE),
        refused=re.compile(rf"\s*(?:{given['refused']})", re.IGNORECASE),
        instead=re.compile(rf"\s*,?\s*(?:{given['instead']})\s*", re.IGNORECASE),
        leads=re.compile(
            rf"\s*(?:(?:{given['leads']})(?!\w)|{_glued(given['leads'])})\s*", re.IGNORECASE
        ),
        clauses=re.compile(
            rf"\s*,?\s*(?:{given['clauses']})(?!\w)|{_glued(given['clauses'])}", re.IGNORECASE
        ),
        ends=re.compile(rf"\s*(?:{given['ends']})\s*$", re.IGNORECASE),
        minus=re.compile(rf"\s*(?:{given['minus']})\s*(?=[\d$\\])", re.IGNORECASE),
        below=re.compile(rf"\s*(?:{given['below']})\.?\s*$", re.IGNORECASE),
        withdrawn=re.compile(rf"{_QUIET}(?:{given['withdrawn']})", re.IGNORECASE),
        denies=re.compile(rf"(?:{given['denies']})[\s$*:]*$", re.IGNORECASE),
        denied=re.compile(rf"[\s$*]*(?:{given['denied']})", re.IGNORECASE),
        verdict=re.compile(
            rf"[\"'«「『“„]?({given['yes_words']}|{given['no_words']}|{given['verdicts']})(?=[\"'»」』”“]?\s*(?:{given['ends']})?\s*(?:[,.;:!。，、；！।—–]|$|{given['clauses']}))",
            re.IGNORECASE,
        ),
        words_for={name: given[name] for name in ("yes_words", "no_words", "and", "or")},
        is_spaced=body.get("spaced", True),
        scales=_by_word(body.get("scales")),
        parts=_by_word(body.get("parts")),
        units=_by_word(body.get("units")),
        fraction=re.compile(given["fraction"]),
        percent=re.compile(given["percent"]),
        numbers={str(k): int(v) for k, v in (body.get("numbers") or {}).items()},
    )


_QUIET = r"[\s.,;:!?。，、！।$*)\]}\"'¡«“-]{0,12}"


def _by_word(table: Mapping[Any, str] | None) -> dict[str, Any]:
    r"""A table of what words mean, turned round. `\s` stands for the space inside of a name."""
    return {
        word.replace(r"\s", " ").lower(): meaning
        for meaning, words in (table or {}).items()
        for word in words.split()
    }


def _cue(body: Mapping[str, Any]) -> re.Pattern[str]:
    cues = body["cues"]
    denial, verb, label, strict = (_any(cues.get(k)) for k in ("denial", "verb", "label", "strict"))
    mark = r"[\"'*_}\s)\]]{0,6}(?:[:：—–]|--?(?=\s))"
    start = r"(?<!\w)" if body.get("spaced", True) else ""
    return re.compile(
        rf"{start}(?:(?P<denial>{denial})|(?P<verb>{verb})|(?P<label>{label}){mark}|(?P<strict>{strict})(?:{mark})?)"
        rf"|^[ #*_]{{0,8}}(?P<line>{label})[ *_]{{0,8}}\n",
        re.IGNORECASE | re.MULTILINE,
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

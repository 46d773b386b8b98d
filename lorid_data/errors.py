"""Every error that this project raises on purpose.

    LoridError                 root: catch this one
    ├── ConfigError            wrong usage or configuration: nothing was written   (exit 2)
    │   └── InputError         a file, a column or a row that cannot be read as asked
    ├── LockedError            another process works on this folder                 (exit 1)
    ├── StageError             a stage could not finish; what was saved stays (exit 1)
    └── TeacherError           a teacher could not answer one request               (a rejected row)

A message says what was wrong (its repr), where (file and line, or row id), and what to do next.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

IN_QUOTES = "YAML takes no, yes, on, off, true, false, dates and bare numbers for something else; put it in quotes"
"""What is said where a text is wanted, and YAML made something else of it."""
_OF_TEXTS = ("string_type", "path_type", "literal_error")
"""What pydantic calls that."""


class LoridError(Exception):
    """Root of all errors raised on purpose; `exit_status` is what a command returns for it."""

    exit_status = 1


class ConfigError(LoridError):
    """Wrong usage or configuration. Raised before anything is written.

    Attributes:
        problems: every problem found, one sentence each; the message lists them all.
    """

    exit_status = 2

    def __init__(self, *problems: str) -> None:
        self.problems = tuple(problems)
        super().__init__(
            problems[0] if len(problems) == 1 else "\n".join(f"- {p}" for p in problems)
        )


class InputError(ConfigError):
    """An input that cannot be read as asked: a missing column, an empty source, bad UTF-8."""


class LockedError(LoridError):
    """Another process holds the lock of this folder."""


class StageError(LoridError):
    """A stage could not finish. What it had acknowledged stays on disk."""


class TeacherError(LoridError):
    """A teacher did not answer one request; the row is rejected and the run goes on.

    Attributes:
        reason: the value of the `RejectReason` that the row gets.
        is_refusal: whether the request itself was refused, so that the same one would be again.
    """

    def __init__(self, reason: str, message: str, *, is_refusal: bool = False) -> None:
        self.reason, self.is_refusal = reason, is_refusal
        super().__init__(message)


def unknown_key(key: str, known: Iterable[str], where: str) -> str:
    """The sentence for an unknown configuration key; names the nearest known one."""
    options: Sequence[str] = sorted(known)
    near = get_close_matches(key, options, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(options)}"
    return f"{where}: unknown key {key!r}; {hint}"


def nearest(key: str, known: Iterable[str]) -> str:
    """`; did you mean 'question'?`, or nothing where no known name is near."""
    near = get_close_matches(key, sorted(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def sentences(found: Iterable[Mapping[str, Any]], known: Iterable[str], where: str) -> list[str]:
    """One sentence for each problem that pydantic found in a configuration.

    Args:
        found: `ValidationError.errors()`.
        known: the keys that the configuration may have.
        where: the file, for people.
    """
    said = []
    for e in found:
        key = ".".join(str(part) for part in e["loc"])
        if e["type"] == "extra_forbidden":
            said.append(unknown_key(key, known, where))
        elif e["type"] == "missing":
            said.append(f"{where}: missing key {key!r}")
        else:
            is_unquoted = e["type"] in _OF_TEXTS and not isinstance(e["input"], str | list | dict | None)  # fmt: skip
            hint = f"; {IN_QUOTES}" if is_unquoted else ""
            said.append(f"{where}: {key}: {e['msg'].lower()}, got {e['input']!r}{hint}")
    return said

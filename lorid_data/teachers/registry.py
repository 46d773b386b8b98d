"""Every teacher by its name: what `--teacher T` accepts."""

from __future__ import annotations

from pathlib import Path

from lorid_data.errors import ConfigError
from lorid_data.teachers.base import Teacher, Unasked

AVAILABLE = {
    "recorded": "packaged replies for parts of GSM8K and MATH",
    "scripted:FILE": "replies of a .jsonl file",
    "source": "the knowledge that the source itself carries",
    "none": "no knowledge, for evaluation",
}


def open_teacher(spec: str) -> Teacher | Unasked:
    """The teacher that `--teacher SPEC` names.

    Raises:
        ConfigError: there is no such teacher, or its file cannot be read.
    """
    kind, colon, rest = spec.partition(":")
    if spec in ("source", "none"):
        return Unasked("source" if spec == "source" else "none")
    if spec == "recorded":
        from lorid_data.teachers.recorded import RecordedTeacher

        return RecordedTeacher()
    if kind == "scripted" and colon and rest:
        from lorid_data.teachers.scripted import ScriptedTeacher

        return ScriptedTeacher(Path(rest))
    if kind == "scripted":
        raise ConfigError("teacher 'scripted' needs a file: --teacher scripted:FILE")
    choices = "; ".join(f"{name} ({what})" for name, what in AVAILABLE.items())
    raise ConfigError(f"teacher {spec!r} is not available; available: {choices}")

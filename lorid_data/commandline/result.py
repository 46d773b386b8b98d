"""What a command prints in the end: sentences for people, or with `--json` one object for programs.

JSON is ASCII and stands alone on stdout, in one line: what hides or reorders text stays exact.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lorid_data.commandline.progress import say

if TYPE_CHECKING:
    from cyclopts import App

FLAG = "--json"
_wanted: ContextVar[bool] = ContextVar("json", default=False)


def take_json(app: App, argv: list[str]) -> tuple[list[str], bool]:
    """Split `--json` from the other arguments, unless the command has an option of that name.

    What follows `--` is left alone.
    """
    end = argv.index("--") if "--" in argv else len(argv)
    rest = [a for a in argv[:end] if a != FLAG]
    if len(rest) == end:
        return argv, False
    _, apps, _ = app.parse_commands(rest)
    command = apps[-1].default_command
    if command is None or "json" in inspect.signature(command).parameters:
        return argv, False
    return rest + argv[end:], True


@contextmanager
def wanting_json(*, asked: bool) -> Iterator[None]:
    """Have `show` print JSON until the block ends."""
    before = _wanted.set(asked)
    try:
        yield
    finally:
        _wanted.reset(before)


def is_json() -> bool:
    """Whether a program reads the result."""
    return _wanted.get()


def show(text: str, body: Mapping[str, Any] | None = None) -> None:
    """Print a result.

    Args:
        text: for people.
        body: the same for programs; by default the text's lines.
    """
    given = {"lines": text.splitlines()} if body is None else body
    print(json.dumps(given, default=_plain) if is_json() else text, flush=True)  # noqa: T201


def tell(line: str) -> None:
    """A line on the way to the result: on stdout for people, out of a program's way."""
    if is_json():
        say(line)
    else:
        print(line, flush=True)  # noqa: T201


def _plain(value: object) -> Any:
    """What JSON has no word for."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence | set | frozenset):
        return list(value)
    return str(value)

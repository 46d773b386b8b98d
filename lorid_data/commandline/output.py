"""What a program says: without secrets, without control characters of others, in any encoding.

Everything that is written to stdout or stderr while a command runs goes through here, whoever
writes it: a library's warning and a traceback may repeat a key as well as we may.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, TextIO

from lorid_data.texts.secrets import without_secrets
from lorid_data.texts.visible import spelled_out


class Guarded:
    """A text stream in which secrets become `[secret]`.

    Args:
        stream: where it goes.
        plain: whether nothing but text is meant to be written: control characters are spelled out
            then, and it is no terminal for those who would colour it.
    """

    def __init__(self, stream: TextIO, *, plain: bool) -> None:
        self.stream = stream
        self._plain = plain

    def write(self, text: str) -> int:
        """Write a text; how long it was."""
        text_out = without_secrets(text)
        self.stream.write(spelled_out(text_out) if self._plain else text_out)
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def isatty(self) -> bool:
        """Whether colours and moving lines are welcome."""
        return not self._plain and self.stream.isatty()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextmanager
def guarded() -> Iterator[None]:
    """Guard stdout and stderr until the block ends; what they cannot encode is escaped.

    An error that nobody expects leaves the block as it is: its traceback is guarded, too.
    """
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _guard(sys.stdout, plain=True), _guard(sys.stderr, plain=False)
    sys.excepthook = _told
    try:
        yield
    finally:
        # Whoever set one of them to None meant it: nobody reads it any more.
        sys.stdout = before[0] if isinstance(sys.stdout, Guarded) else sys.stdout
        sys.stderr = before[1] if isinstance(sys.stderr, Guarded) else sys.stderr


def _guard(stream: Any, *, plain: bool) -> Any:
    if stream is None or isinstance(stream, Guarded):
        return stream
    encoding = (getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "")
    if encoding != "utf8" and hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")
    return Guarded(stream, plain=plain)


def _told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The traceback of an error that nobody expected, without secrets."""
    text = "".join(traceback.format_exception(kind, error, trace))
    if sys.stderr is not None:
        sys.stderr.write(without_secrets(text))

"""What a rule of the parser needs of the parser: to read a part of its tokens."""

from __future__ import annotations

from typing import Protocol

from lorid_data.answers.forms import Form
from lorid_data.answers.tokens import Tokens


class Reader(Protocol):
    """The parser, as `relations`, `sets` and `quantities` are handed it: they know no other of its parts."""

    def answer(self, toks: Tokens) -> Form:
        """A whole answer or a part of one: a list, or a single thing."""
        ...

    def single(self, toks: Tokens) -> Form:
        """An answer that is no list."""
        ...

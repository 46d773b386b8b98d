"""What reading and comparing answers can give: every outcome has a name, none is silently "wrong"."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Whether two answers are the same; no truth value, since DIFFERENT would be a true one."""

    EQUAL = "equal"
    DIFFERENT = "different"
    UNPARSED = "unparsed"
    """One of the two is empty, malformed, or over a limit: nothing is claimed."""
    TIMEOUT = "timeout"
    """The comparison was stopped: nothing is claimed."""

    def __bool__(self) -> bool:
        """Refuse `if equal(a, b)`.

        Raises:
            TypeError: always.
        """
        msg = "a verdict is not true or false; compare it: `equal(a, b) is Verdict.EQUAL`"
        raise TypeError(msg)


class FoundBy(StrEnum):
    """What marked the answer in its text."""

    HASH = "hash"
    """`#### 72`."""
    ARROW = "arrow"
    """`--> 72 END`."""
    BOXED = "boxed"
    """The last `\\boxed{72}`."""
    TAG = "tag"
    """`<answer>72</answer>`."""
    CUE = "cue"
    """"The answer is 72", "Answer: 72" and the like."""
    LAST_NUMBER = "last_number"
    """Nothing marked it: the last number of the text. Only on request."""


class Why(StrEnum):
    """Why there is no answer."""

    EMPTY_TEXT = "empty_text"
    NO_MARKER = "no_marker"
    """The text marks no answer."""
    EMPTY_MARKER = "empty_marker"
    """A marker with nothing behind it, such as an empty box."""
    TRUNCATED = "truncated"
    """The text breaks off inside its answer, or before it."""
    WITHDRAWN = "withdrawn"
    """The text takes its last answer back, or breaks off while it doubts it."""
    NO_NUMBER = "no_number"
    """The last number was asked for and there is none."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The one answer of a text."""

    value: str
    """As written, without its marker, surrounding emphasis and final full stop; never empty."""
    found_by: FoundBy


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The text gives no answer."""

    reason: Why


@dataclass(frozen=True, slots=True)
class Accepted:
    """Several reference answers of which each is right by itself: "252, or equivalently C(10, 5)".

    Made from a source that says so in a field of its own; alternatives are never guessed from prose.

    Raises:
        ValueError: no answer.
    """

    answers: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.answers or not all(isinstance(a, str) for a in self.answers):
            msg = f"Accepted({self.answers!r}): give a tuple of at least one text"
            raise ValueError(msg)


def reference(answer: str, accepted: tuple[str, ...] = ()) -> str | Accepted:
    """What a reply is compared with: the reference answer, together with those that count too."""
    return Accepted((answer, *accepted)) if accepted else answer


class LimitError(ValueError):
    """An answer over the limits on length, nesting or digits: it is not looked at further."""


def table(text: str) -> tuple[str, ...]:
    """The words of a table that is written as text, in order."""
    return tuple(text.split())

"""What an engine is: prompts and sampling in, texts and token counts out.

An engine knows nothing of roles, rounds or answers. It pulls work: whenever it has room it asks
for up to so many requests, and it hands back each result as soon as there is one, so that what
comes back can decide what is asked next.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

TOO_LONG = "too_long"
"""Finish reason of a prompt that leaves the model no room."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to choose tokens. Temperature 0 is greedy; top_k 0 and top_p 1 switch those off."""

    temperature: float
    top_p: float = 1.0
    top_k: int = 0
    max_new_tokens: int = 1024


@dataclass(frozen=True, slots=True)
class GenRequest:
    """One generation. The result depends on all of it but the key."""

    key: Hashable
    """Opaque; comes back with the result."""
    adapter: str | None
    """Name of a loaded adapter; None is the bare base model."""
    prompt: str
    """The text before the engine's format is applied to it."""
    sampling: Sampling
    seed: int


@dataclass(frozen=True, slots=True)
class GenResult:
    """What was generated."""

    key: Hashable
    text: str
    """Without stop tokens."""
    finish_reason: str
    """stop, length, or TOO_LONG: the prompt leaves the model no room, and there is no text."""
    n_prompt_tokens: int
    n_tokens: int
    """Generated tokens, the stop token included."""


Pull = Callable[[int], Sequence[GenRequest]]
"""Up to n more requests; an empty answer means that nothing can be asked now."""


class Engine(Protocol):
    """Generates."""

    @property
    def batch_size(self) -> int:
        """How many requests it works on at once."""
        ...

    def generate(self, pull: Pull) -> Iterator[GenResult]:
        """Yield a result per pulled request, in any order, until `pull` has nothing left.

        The engine stops when `pull` returns nothing while none of its requests is in flight.
        """
        ...

    def render(self, content: str, adapter: str | None) -> str:
        """The prompt text for a role's content, in the format that the adapter is asked in."""
        ...

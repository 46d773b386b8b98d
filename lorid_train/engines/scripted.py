"""An engine that answers from a function: for tests, and for replaying known texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from lorid_train.engines.base import GenRequest, GenResult, Pull


@dataclass(slots=True)
class ScriptedEngine:
    """Calls `script(request) -> text`; counts what it was asked. Tokens are white-space words."""

    script: Callable[[GenRequest], str]
    batch_size: int = 8
    asked: list[GenRequest] = field(default_factory=list)

    def generate(self, pull: Pull) -> Iterator[GenResult]:
        """One result per request, batch by batch."""
        while batch := list(pull(self.batch_size)):
            for request in batch:
                self.asked.append(request)
                words = self.script(request).split(" ")
                kept = words[: request.sampling.max_new_tokens]
                reason = "stop" if len(kept) == len(words) else "length"
                n_prompt = len(request.prompt.split())
                yield GenResult(request.key, " ".join(kept), reason, n_prompt, len(kept))

    def render(self, content: str, adapter: str | None) -> str:  # noqa: ARG002
        """The content itself."""
        return content

"""What running a program gives, and the limits that it runs under."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from pydantic import Field

from lorid_data.schema import FrozenModel, canonical_json, sha256_text

VERSION = 1
"""Bump when the same program, sandbox and limits give another result."""


class Status(StrEnum):
    """What became of a program."""

    OK = "ok"
    """It ran, and `answer` is a number or a text."""
    UNPARSABLE = "unparsable"
    """It is no program."""
    ERROR = "error"
    """It raised an error, or used what the sandbox does not have."""
    LIMIT = "limit"
    """It took too long, too much memory, too deep a recursion, or wrote too much."""
    CRASHED = "crashed"
    """The sandbox itself failed on it."""
    NO_ANSWER = "no_answer"
    """It ran, but left no number and no text in `answer`."""


@dataclass(frozen=True, slots=True)
class Executed:
    """What running a program gave.

    Attributes:
        status: what became of it.
        answer: for `answers.equal`; None wherever the status is not `ok`.
        output: what it printed, cut at the limit.
        ms: how long it took, in milliseconds; of the first run where the result was kept.
        error: what stopped it, one line; empty where nothing did.
    """

    status: Status
    answer: str | None
    output: str
    ms: float
    error: str = ""


class Limits(FrozenModel):
    """What one program may use. The worker that runs it is killed half a second after its time."""

    seconds: float = Field(default=1.0, gt=0, le=60)
    """Wall-clock time of the program; reading its answer may take as long once more."""
    memory_bytes: int = Field(default=16 << 20, ge=1 << 20, le=1 << 30)
    """Heap of the program. As much may pass through this process, as the text of an error."""
    recursion: int = Field(default=200, ge=1, le=1000)
    """Calls within calls."""
    output_bytes: int = Field(default=10_000, ge=0, le=1 << 20)
    """What it may print, in bytes."""
    program_bytes: int = Field(default=50_000, ge=1, le=1 << 20)
    """A longer text is not run."""


class Executor(Protocol):
    """Whatever runs programs: the sandbox, or the sandbox behind results that are kept."""

    @property
    def limits(self) -> Limits:
        """What one program may use."""
        ...

    @property
    def sandbox(self) -> str:
        """Name and version of what runs them, such as `pydantic-monty 1.4.0`."""
        ...

    def run(self, program: str) -> Executed:
        """Run one program."""
        ...

    def run_all(self, programs: Iterable[str]) -> Iterator[Executed]:
        """Run many, several at once; the results come in the programs' order."""
        ...


def identity(sandbox: str, limits: Limits) -> dict[str, Any]:
    """What decides a program's result besides the program: for the identity of whatever runs some."""
    return {"sandbox": sandbox, "limits": limits.model_dump(), "execution_version": VERSION}


def key_of(program: str, sandbox: str, limits: Limits) -> str:
    """Under which a result is kept: sha256 of the program, the sandbox and the limits."""
    # Half a character is no UTF-8, and a model may write one.
    written = hashlib.sha256(program.encode("utf-8", "surrogatepass")).hexdigest()
    return sha256_text(canonical_json([written, canonical_json(identity(sandbox, limits))]))

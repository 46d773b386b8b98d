"""The rows of an evaluation that hold no gold answer: what was drawn, and what was decided.

`draws.jsonl` is append-only, one `Draw` a line with the hash of its text, and holds no gold answer.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from pydantic import Field, ValidationError

from lorid_data.errors import InputError
from lorid_data.folders.draw_lines import body_of, line_of, split_line
from lorid_data.schema import FrozenModel
from lorid_train.roles import ROLES


class DrawKey(NamedTuple):
    """What makes two draws the same draw."""

    problem_id: str
    role: str
    condition: str
    seed: int
    round: int


class Ran(FrozenModel):
    """What became of the program that a draw wrote: run once, when it was drawn."""

    status: str
    """A value of `lorid_data.execution.executed.Status`."""
    answer: str | None = None
    """What it left in `answer`; None wherever the status is not `ok`."""
    is_grounded: bool = False
    """Whether its numbers are those of the question, all of them (`lorid_data.execution.grounding`)."""
    sandbox: str
    """Name and version of what ran it."""
    output: str | None = None
    """What it printed, for people; None where it printed nothing, and in evaluations, which do not keep it."""
    error: str | None = None
    """What stopped it, one line, likewise."""


class Draw(FrozenModel):
    """One generation of one role for one problem."""

    problem_id: str
    role: str
    """The name of a role: ir, kg, dr, …"""
    condition: str
    """sampled, greedy, gold-knowledge, kg-knowledge, shuffled-knowledge, …: how it was asked."""
    seed: int
    """The evaluation's seed; the draw's own seed follows from the whole key."""
    round: int = Field(ge=1)
    """1, 2, …; 1 for greedy conditions."""
    text: str
    """What the model wrote, without stop strings and special tokens."""
    finish_reason: str
    """stop, length, or too_long: the prompt left the model no room, and the text is empty."""
    n_prompt_tokens: int = Field(ge=0)
    n_tokens: int = Field(ge=0)
    """Generated tokens, the end token included."""
    prompt_sha256: str
    """sha256 of the exact prompt text."""
    executed: Ran | None = None
    """Of a role whose answer is what its program gives; its line lacks the field elsewhere."""

    def answer(self, stated: Callable[[str], str | None]) -> str | None:
        """What the draw answers: what its program gave, or what its text states.

        Args:
            stated: text → the answer that it states.
        """
        if self.role in ROLES and ROLES[self.role].answer_from == "execution":
            return None if self.executed is None else self.executed.answer
        return stated(self.text)

    @property
    def key(self) -> DrawKey:
        """What makes two draws the same draw."""
        return DrawKey(self.problem_id, self.role, self.condition, self.seed, self.round)


class How(StrEnum):
    """How a decision came about."""

    CONSENSUS = "consensus"
    FALLBACK = "fallback"
    NONE = "none"
    ABSTAINED = "abstained"


class Decision(FrozenModel):
    """What the loop answers for one problem. Made without the gold answer."""

    answer: str | None
    """The answer's text, or none."""
    how: How
    round: int
    """The round of the consensus; the last round looked at where there was none."""
    n_ir: int | None = None
    """Draws of IR that were looked at, where that is not one a round."""
    n_dr: int | None = None
    """Likewise of DR, each with the knowledge that it reads."""
    read: tuple[tuple[str, int], ...] | None = None
    """(role, round) of the draws that were looked at, where they are not whole rounds; DR's stand for KG's too."""
    probability: float | None = None
    """That the answer is right, as a fitted rule sees it; of an answer that was withheld, too."""
    withheld: Decision | None = None
    """What it was before its answer was withheld; None where it was not."""

    @property
    def drawn(self) -> tuple[int, int]:
        """Draws of IR and of DR that were looked at."""
        return (
            self.round if self.n_ir is None else self.n_ir,
            self.round if self.n_dr is None else self.n_dr,
        )

    @property
    def keys(self) -> tuple[tuple[str, int], ...]:
        """(role, round) of every draw that was looked at; DR's stand for KG's too."""
        if self.read is not None:
            return self.read
        sides = zip(("ir", "dr"), self.drawn, strict=True)
        return tuple((role, r) for role, n in sides for r in range(1, n + 1))

    @property
    def is_agreed(self) -> bool:
        """Whether the rule was content, be the answer then withheld or not."""
        return (self.withheld or self).how == How.CONSENSUS


def draw_of(line: bytes, where: str, *, is_checked: bool = False) -> Draw:
    """The draw of a line of `draws.jsonl`.

    Args:
        line: with or without its end.
        where: file and line, for messages.
        is_checked: whether its hash has been compared already.

    Raises:
        InputError: it is damaged, or no draw of this version.
    """
    try:
        return Draw.model_validate_json(body_of(line) if is_checked else split_line(line)[0])
    except ValidationError as e:
        first = e.errors()[0]
        why = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise InputError(f"{where}: not a draw of this version ({why})") from e
    except ValueError as e:
        raise InputError(f"{where}: a damaged line ({e}); put the file back as it was") from e


class DrawLog:
    """`draws.jsonl` and its content in memory, keyed; append-only.

    A line that a kill cut short is removed when the log is opened again; everything before it
    stays, and a damaged one is refused. Use one log per locked folder: it takes no lock of its own.
    """

    def __init__(self, path: Path) -> None:
        self._draws: dict[DrawKey, Draw] = {}
        size = 0
        if path.is_file():
            size = self._read(path)
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.ftruncate(self._fd, size)

    def _read(self, path: Path) -> int:
        """Take in all whole lines; return how many bytes they are."""
        size = 0
        with path.open("rb") as f:
            for number, line in enumerate(f, 1):
                if not line.endswith(b"\n"):
                    break
                where = f"{path}:{number}"
                draw = draw_of(line, where)
                if draw.key in self._draws:
                    raise InputError(
                        f"{where}: a draw that stands before, too; put the file back as it was"
                    )
                self._draws[draw.key] = draw
                size += len(line)
        return size

    def append(self, draw: Draw) -> None:
        """Write a draw and remember it. A draw that is already there is ignored.

        Raises:
            OSError: the disk is full; the half-written line is taken back.
        """
        if draw.key in self._draws:
            return
        line = line_of(draw.model_dump_json(exclude_none=True).encode())
        end = os.fstat(self._fd).st_size
        try:
            n_written = os.write(self._fd, line)
            if n_written != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            os.ftruncate(self._fd, end)
            raise
        self._draws[draw.key] = draw

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def __contains__(self, key: DrawKey) -> bool:
        return key in self._draws

    def __getitem__(self, key: DrawKey) -> Draw:
        return self._draws[key]

    def __len__(self) -> int:
        return len(self._draws)

    def draws(self) -> Mapping[DrawKey, Draw]:
        """All draws by key."""
        return self._draws


def draw_seed(key: DrawKey) -> int:
    """The seed of one draw: 63 bits of the sha256 of its key, so that order does not matter."""
    digest = hashlib.sha256("\x1f".join(map(str, key)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1

"""What one request wants of the engine, and what has come of it so far.

A job asks for draws as `interaction` does and keeps them in a log of its own, so that each has its
own seed and sampling while all share the engine's batches.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace

from lorid_data.schema import Question, problem_id
from lorid_train.engines.base import TOO_LONG, Engine, GenRequest, GenResult, Sampling
from lorid_train.interaction.draws import Draw, DrawKey, draw_seed
from lorid_train.interaction.loop import Asker, Asking
from lorid_train.interaction.loop import Wanted as WantedDraws
from lorid_train.interaction.programs import Run, writes_programs
from lorid_train.interaction.rules import SAMPLED
from lorid_train.serve.refusals import RefusedError
from lorid_train.serve.wanted import Wanted
from lorid_train.solve.question import AskedQuestion, LoopSettings, MemoryLog
from lorid_train.solve.solution import Program, Round, Solution, program_in


@dataclass(frozen=True, slots=True)
class RoleAnswer:
    """What a role answers. DR's cost has that of KG, whose text it read; CG's text is its program.

    Attributes:
        draws: the role's own last; before DR's stands KG's.
    """

    draws: tuple[Draw, ...]

    @property
    def program(self) -> Program | None:
        """The program, and what running it gave, of a role that writes one."""
        return program_in(self.draws[-1]) if writes_programs(self.draws[-1].role) else None

    @property
    def text(self) -> str:
        """What the role wrote; of a role that writes programs, the program."""
        return self.draws[-1].text if self.program is None else self.program.text

    @property
    def finish_reason(self) -> str:
        """Why its text ended."""
        return self.draws[-1].finish_reason

    @property
    def n_tokens(self) -> int:
        """Generated tokens."""
        return sum(d.n_tokens for d in self.draws)

    @property
    def n_prompt_tokens(self) -> int:
        """Tokens read."""
        return sum(d.n_prompt_tokens for d in self.draws)


Part = Round | Solution | RoleAnswer | GenResult
"""What a job makes: rounds and a solution of `lorid`, a role's answer, a completion's text."""
Tell = Callable[["Part | RefusedError | None"], None]
"""Told of each part; of the refusal that ends the job; or of None, its good end."""


class Job(ABC):
    """One request at work in the batcher's thread. Ends once.

    Args:
        sampling: of all its requests.
        tell: called with each part, from the batcher's thread.
    """

    def __init__(self, sampling: Sampling, tell: Tell) -> None:
        self.sampling = sampling
        self.is_done = False
        self.is_alone = False
        """Whether it must not share the engine: something that it was in flight with has failed."""
        self.started = time.monotonic()
        self._tell = tell

    @abstractmethod
    def requests(self, n: int, *, ahead: bool) -> list[GenRequest]:
        """Up to n requests that are needed; with `ahead`, that may be needed later."""

    @abstractmethod
    def take(self, result: GenResult) -> None:
        """Take in a result of one of its requests."""

    @abstractmethod
    def again(self) -> None:
        """Forget what is in flight: it is asked for anew."""

    def end(self, refusal: RefusedError | None = None) -> None:
        """End the job, well or with a refusal; what is told after that is dropped."""
        if not self.is_done:
            self.is_done = True
            self._tell(refusal)

    def made(self, part: Part) -> None:
        """Tell a part."""
        if not self.is_done:
            self._tell(part)


class LoopJob(Job):
    """A question to `lorid`: tells each round as it is complete, and the solution."""

    def __init__(
        self, wanted: Wanted, settings: LoopSettings, engine: Engine, tell: Tell, run: Run | None = None
    ) -> None:  # fmt: skip
        super().__init__(wanted.sampling, tell)
        # Greedy, every further round would be the first one again; one rule asks for that.
        greedy = min(settings.rounds, 2 if settings.rule == "cg_repeat" else 1)
        rounds = settings.rounds if wanted.sampling.temperature else greedy
        self._settings = replace(settings, seed=wanted.seed, rounds=rounds)
        self._log = MemoryLog()
        self._asked = AskedQuestion(wanted.texts[0], self._log, self._settings)
        questions = {self._asked.id: self._asked.question}
        self._asker = Asker(engine, self._log, questions, self.sampling, run=run)
        self.again()

    def again(self) -> None:
        """Forget what is in flight."""
        self._loop = self._settings.loop([self._asked.id], self._log)
        self._asking = Asking(self._asker, self._loop)

    def requests(self, n: int, *, ahead: bool) -> list[GenRequest]:
        """Up to n requests."""
        return self._asking.requests(n, ahead=ahead)

    def take(self, result: GenResult) -> None:
        """Take in a result."""
        draw = self._asking.take(result)
        if draw.finish_reason == TOO_LONG and draw.role != "dr":
            self.end(too_long(draw.n_prompt_tokens))  # the question itself is
            return
        for r in self._asked.new_rounds():
            self.made(r)
        if self._loop.is_decided:
            self.made(self._asked.solution(time.monotonic() - self.started))
            self.end()


class RoleJob(Job):
    """A question to one role: tells its draw. DR reads what KG writes first; CG's program is run."""

    def __init__(self, wanted: Wanted, engine: Engine, tell: Tell, run: Run | None = None) -> None:
        super().__init__(wanted.sampling, tell)
        question = Question(problem_id=problem_id(wanted.texts[0]), text=wanted.texts[0])
        sampled = wanted.sampling.temperature > 0
        greedy = "kg-knowledge" if wanted.model == "dr" else "greedy"
        condition = SAMPLED if sampled else greedy
        self._wanted = DrawKey(question.problem_id, wanted.model, condition, wanted.seed, 1)
        self._keys = [self._wanted]
        if wanted.model == "dr":
            kg = self._wanted._replace(role="kg", condition=SAMPLED if sampled else "greedy")
            self._keys.insert(0, kg)
        self._log = MemoryLog()
        questions = {question.problem_id: question}
        self._asker = Asker(engine, self._log, questions, self.sampling, run=run)
        self.again()

    def again(self) -> None:
        """Forget what is in flight."""
        self._asking = Asking(self._asker, WantedDraws(self._keys, self._log))

    def requests(self, n: int, *, ahead: bool) -> list[GenRequest]:
        """Up to n requests."""
        return [] if ahead else self._asking.requests(n)

    def take(self, result: GenResult) -> None:
        """Take in a result."""
        draw = self._asking.take(result)
        if draw.finish_reason == TOO_LONG:
            self.end(too_long(draw.n_prompt_tokens))
        elif draw.key == self._wanted:
            self.made(RoleAnswer(tuple(self._log[k] for k in self._keys)))
            self.end()


class CompletionJob(Job):
    """A text that one role's adapter goes on with: tells the result."""

    def __init__(self, wanted: Wanted, content: str, tell: Tell) -> None:
        super().__init__(wanted.sampling, tell)
        condition = SAMPLED if wanted.sampling.temperature else "greedy"
        key = DrawKey(problem_id(content), wanted.model, condition, wanted.seed, 1)
        self._request = GenRequest(key, wanted.model, content, self.sampling, draw_seed(key))
        self.again()

    def again(self) -> None:
        """Forget what is in flight."""
        self._is_asked = False

    def requests(self, n: int, *, ahead: bool) -> list[GenRequest]:
        """Up to n requests."""
        if self._is_asked or ahead or n == 0:
            return []
        self._is_asked = True
        return [self._request]

    def take(self, result: GenResult) -> None:
        """Take in a result."""
        if result.finish_reason == TOO_LONG:
            self.end(too_long(result.n_prompt_tokens))
        else:
            self.made(result)
            self.end()


def too_long(n_tokens: int) -> RefusedError:
    """A prompt that leaves the model no room to write."""
    msg = f"the prompt has {n_tokens} tokens, which leaves the model no room to write; send a shorter one"
    return RefusedError(msg, code="context_length_exceeded")


@dataclass(frozen=True, slots=True)
class Frame:
    """What the adapters' format puts around a text, as the engine shows it."""

    before: str
    after: str

    @classmethod
    def of(cls, engine: Engine, role: str = "ir") -> Frame:
        """The frame of an engine's format, as one of its roles sees it."""
        before, _, after = engine.render(_MARK, role).partition(_MARK)
        return cls(before, after)

    def content(self, prompt: str) -> str:
        """What stands inside the frame in a prompt.

        Raises:
            RefusedError: the prompt is not in the format.
        """
        end = len(prompt) - len(self.after)
        if not (
            prompt.startswith(self.before)
            and prompt.endswith(self.after)
            and end > len(self.before)
        ):
            msg = (
                f"prompt: not in the adapters' format, which begins with {self.before!r} and ends with "
                f"{self.after!r}; lorid-train prompts prints it, and /v1/chat/completions takes a bare question"
            )
            raise RefusedError(msg, param="prompt")
        return prompt[len(self.before) : end]


_MARK = "A-text-of-one-word"

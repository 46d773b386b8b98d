"""The interaction loop as an object: trained roles that answer questions.

    from lorid_train import Solver
    solver = Solver.load("runs/quickstart/run")
    solution = solver.solve("Tom has 3 boxes with 24 pencils each. How many pencils?")
    solution.answer, solution.rounds, solution.draws

The same question under the same settings and seed has the same draws as in an evaluation: they
depend on the question, the role, the seed and the round, and on nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from lorid_data.errors import ConfigError
from lorid_data.prompts import Prompt
from lorid_data.schema import Question, problem_id
from lorid_train.config import STUDENT, EvalConfig
from lorid_train.engines.base import Engine, Sampling
from lorid_train.interaction.draws import Decision, Draw, DrawKey
from lorid_train.interaction.loop import Asker, Loop
from lorid_train.interaction.rules import SAMPLED, Fallback, Rule, decide
from lorid_train.solve.solution import Round, Solution

ROLES = ("ir", "kg", "dr")
OFFICIAL = Sampling(temperature=1.5, top_p=0.9, top_k=50, max_new_tokens=1024)
"""The sampling of the official code."""
OF_STUDENT = Sampling(temperature=0.8, top_p=1.0, top_k=0, max_new_tokens=128)
"""The quickstart's, for the packaged student."""


class Solver:
    """Answers questions by the interaction of IR and DR. Not for use from several threads at once.

    Args:
        engine: generates; it must know the adapters `ir`, `kg` and `dr`.
        rule: when IR and DR count as agreeing.
        rounds: the loop's threshold t, at least 1.
        fallback: who answers without an agreement.
        sampling: of every draw.
        seed: of all draws.
        prompts: by role, a text in the place of the role's own.

    Raises:
        ConfigError: fewer than one round.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        rule: Rule = "same_round",
        rounds: int = 20,
        fallback: Fallback = "ir",
        sampling: Sampling = OFFICIAL,
        seed: int = 0,
        prompts: Mapping[str, Prompt] | None = None,
    ) -> None:
        if rounds < 1:
            msg = f"rounds {rounds!r}: the loop needs at least one"
            raise ConfigError(msg)
        self.engine, self.rule, self.rounds, self.fallback = engine, rule, rounds, fallback
        self.sampling, self.seed, self.prompts = sampling, seed, prompts or {}

    @classmethod
    def load(  # noqa: PLR0913  (keyword arguments for users, named as evaluate names them)
        cls,
        run: str | Path | Mapping[str, str],
        *,
        base: str | None = None,
        format: str | None = None,
        formats: Mapping[str, str] | None = None,
        engine: Literal["transformers", "server"] = "transformers",
        server: Sequence[str] = (),
        served: Mapping[str, str] | None = None,
        dtype: Literal["float32", "bfloat16", "float16"] | None = None,
        batch_size: int = 64,
        threads: int | None = None,
        sampling: Sampling | None = None,
        rule: Rule = "same_round",
        rounds: int = 20,
        fallback: Fallback = "ir",
        seed: int = 0,
    ) -> Solver:
        """A solver of a finished run, or of adapters of the Hub.

        Args:
            run: a run folder, `OWNER/NAME[@REVISION]`, or a folder per role: `{"ir": …, "kg": …, "dr": …}`;
                `model:` and a base is a role that this model plays as it is.
            base: base model, where it is not the one that the adapters name.
            format: prompt format of adapters that another program trained.
            formats: of roles that a whole model plays: a format, a prompt file, or FORMAT:FILE.
            engine: a model in this process, or vLLM servers.
            server: base URLs of the servers.
            served: names of the adapters on the servers, by role; the roles' by default.
            dtype: of the model; float32 on a CPU and bfloat16 on a GPU by default.
            batch_size: texts generated at once; changes no result in float32.
            threads: CPU threads.
            sampling: of every draw; by default the official code's, or the quickstart's for the
                packaged student.
            rule: when IR and DR count as agreeing.
            rounds: the loop's threshold t.
            fallback: who answers without an agreement.
            seed: of all draws.

        Raises:
            ConfigError: adapters that are not there or do not fit together, or a base that cannot be had.
        """
        from lorid_train.evaluation import servers
        from lorid_train.models.adapters import folders_of, open_adapters

        named = dict(run) if isinstance(run, Mapping) else folders_of([str(run)])
        adapters = open_adapters(named, base, format, needed=ROLES, told=formats)
        config = EvalConfig(
            adapters=named, dataset="", out="", engine=engine, server=tuple(server),
            served=dict(served or {}), dtype=dtype, batch_size=batch_size, threads=threads,
        )  # fmt: skip
        make = servers.factory(config, ROLES, adapters.wholes)
        chosen = sampling or (OF_STUDENT if adapters.base.name == STUDENT else OFFICIAL)
        return cls(
            make(config, adapters), rule=rule, rounds=rounds, fallback=fallback, sampling=chosen,
            seed=seed, prompts=adapters.prompts,
        )  # fmt: skip

    def solve(self, question: str) -> Solution:
        """The answer to one question.

        Raises:
            ConfigError: an empty question.
        """
        return self.solve_all([question])[0]

    def solve_all(self, questions: Sequence[str]) -> list[Solution]:
        """The answers to several questions, in their order; they share the engine's batches.

        Raises:
            ConfigError: an empty question.
        """
        start = time.monotonic()
        log, ids = _Log(), [_id_of(q) for q in questions]
        for _ in self._drawn(dict(zip(ids, questions, strict=True)), log):
            pass
        seconds = time.monotonic() - start
        return [self._solution(q, i, log, seconds) for q, i in zip(questions, ids, strict=True)]

    def stream(self, question: str) -> Iterator[Round | Solution]:
        """Each round of one question as soon as it is complete, in order, and then the solution.

        Raises:
            ConfigError: an empty question.
        """
        start = time.monotonic()
        log, n_told, of = _Log(), 0, _id_of(question)
        for _ in self._drawn({of: question}, log):
            while (r := self._round(of, n_told + 1, log)) is not None:
                n_told += 1
                if n_told <= self._decision(of, log, n_told).round:
                    yield r
        yield self._solution(question, of, log, time.monotonic() - start)

    def _drawn(self, questions: Mapping[str, str], log: _Log) -> Iterator[Draw]:
        """Make the draws of the loop for these questions."""
        asked = {i: Question(problem_id=i, text=text) for i, text in questions.items()}
        loop = Loop(list(asked), log, seed=self.seed, rounds=self.rounds, rule=self.rule)
        yield from Asker(self.engine, log, asked, self.sampling, prompts=self.prompts).drawn(loop)

    def _key(self, of: str, role: str, number: int) -> DrawKey:
        return DrawKey(of, role, SAMPLED, self.seed, number)

    def _round(self, of: str, number: int, log: _Log) -> Round | None:
        """A round whose draws are all there."""
        keys = [self._key(of, role, number) for role in ROLES]
        if number > self.rounds or not all(k in log for k in keys):
            return None
        return Round(number, *(log[k] for k in keys))

    def _rounds(self, of: str, log: _Log, most: int) -> list[Round]:
        """The complete rounds from the first on, at most so many."""
        found: list[Round] = []
        while len(found) < most and (r := self._round(of, len(found) + 1, log)) is not None:
            found.append(r)
        return found

    def _decision(self, of: str, log: _Log, most: int) -> Decision:
        draws = [d for r in self._rounds(of, log, most) for d in r.draws]
        return decide(draws, rule=self.rule, rounds=self.rounds, fallback=self.fallback)

    def _solution(self, question: str, of: str, log: _Log, seconds: float) -> Solution:
        """What was drawn ahead of need does not count."""
        decision = self._decision(of, log, self.rounds)
        return Solution(question, decision, tuple(self._rounds(of, log, decision.round)), seconds)


class _Log:
    """The draws of one call, in memory; see `interaction.loop.Log`."""

    def __init__(self) -> None:
        self._draws: dict[DrawKey, Draw] = {}

    def append(self, draw: Draw) -> None:
        self._draws.setdefault(draw.key, draw)

    def __contains__(self, key: DrawKey) -> bool:
        return key in self._draws

    def __getitem__(self, key: DrawKey) -> Draw:
        return self._draws[key]

    def __len__(self) -> int:
        return len(self._draws)


def _id_of(question: str) -> str:
    """The id that the question has in a dataset, so that its draws are the same."""
    if not question.strip():
        msg = "the question is empty"
        raise ConfigError(msg)
    return problem_id(question)

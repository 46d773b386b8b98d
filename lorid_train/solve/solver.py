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
from lorid_train.config import EvalConfig
from lorid_train.engines.base import TOO_LONG, Engine, Sampling
from lorid_train.evaluation.usual import OFFICIAL, usual_sampling
from lorid_train.interaction import rule_files, votes_files
from lorid_train.interaction.draws import Draw
from lorid_train.interaction.loop import Asker
from lorid_train.interaction.programs import Run
from lorid_train.interaction.rules import Fallback, Rule
from lorid_train.solve.loading import check_programs, open_run, programs_of
from lorid_train.solve.question import AskedQuestion, LoopSettings, MemoryLog
from lorid_train.solve.solution import Round, Solution


class Solver:
    """Answers questions by the interaction of IR and DR, and of CG. Not for use from several threads at once.

    Programs are run in a sandbox, whose workers end with the solver, with `close`, or with a `with` block.

    Args:
        engine: generates; it must know the adapters `ir`, `kg` and `dr`, or those that the rule draws.
        rule: when IR and DR count as agreeing, or what CG's programs have to say.
        rounds: the loop's threshold t, at least 1.
        fallback: who answers without an agreement.
        sampling: of every draw.
        seed: of all draws.
        rule_file: what `lorid-train fit-rule` wrote: the weights of the rule `weighed`, and of every
            answer's probability; packaged ones by default.
        votes_file: what `lorid-train fit-votes` wrote: what `cg_votes` counts; one vote each by default.
        abstain_below: an answer with a lower probability is withheld.
        prompts: by role, a text in the place of the role's own.
        runs_programs: whether there are programs to run: by default where the rule asks for some.

    Attributes:
        roles: that the engine knows, as far as the solver does.
        run: what runs programs; None where there are none.

    Raises:
        ConfigError: fewer than one round, options that the rule would pass over in silence, or programs
            and no sandbox.
    """

    def __init__(  # noqa: PLR0913  (keyword arguments for users, named as evaluate names them)
        self,
        engine: Engine,
        *,
        rule: Rule = "same_round",
        rounds: int = 20,
        fallback: Fallback = "ir",
        sampling: Sampling = OFFICIAL,
        seed: int = 0,
        rule_file: str | Path | None = None,
        votes_file: str | Path | None = None,
        abstain_below: float | None = None,
        prompts: Mapping[str, Prompt] | None = None,
        runs_programs: bool | None = None,
    ) -> None:
        self._weigher, self.abstain_below = rule_files.load(rule_file).weigher(), abstain_below
        self._votes = votes_files.load(votes_file).votes
        self.engine, self.rule, self.rounds, self.fallback = engine, rule, rounds, fallback
        self.sampling, self.seed, self.prompts = sampling, seed, prompts or {}
        settings = self.settings  # refuses what cannot be
        self.roles: tuple[str, ...] = settings.roles
        has_programs = check_programs(settings)
        self.run: Run | None = None
        if has_programs if runs_programs is None else runs_programs:
            self.run, self._end = programs_of(self)

    @classmethod
    def load(  # noqa: PLR0913  (keyword arguments for users, named as evaluate names them)
        cls,
        run: str | Path | Mapping[str, str],
        *,
        base: str | None = None, format: str | None = None, formats: Mapping[str, str] | None = None,
        engine: Literal["transformers", "server"] = "transformers",
        server: Sequence[str] = (), served: Mapping[str, str] | None = None,
        dtype: Literal["float32", "bfloat16", "float16"] | None = None,
        batch_size: int | None = None, threads: int | None = None, sampling: Sampling | None = None,
        rule: Rule = "same_round", rounds: int = 20, fallback: Fallback = "ir", seed: int = 0,
        rule_file: str | Path | None = None, votes_file: str | Path | None = None,
        abstain_below: float | None = None, every_role: bool = False,
    ) -> Solver:  # fmt: skip
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
            batch_size: texts generated at once, 64 by default, and 256 for each server; changes no result in float32.
            threads: CPU threads.
            sampling: of every draw; by default the official code's, or the quickstart's for the
                packaged student.
            rule: when IR and DR count as agreeing, or what CG's programs have to say.
            rounds: the loop's threshold t.
            fallback: who answers without an agreement.
            seed: of all draws.
            rule_file: what `lorid-train fit-rule` wrote; packaged weights by default.
            votes_file: what `lorid-train fit-votes` wrote, for `cg_votes`; one vote each by default.
            abstain_below: an answer with a lower probability is withheld.
            every_role: also load ir, kg, dr and cg where the rule does not draw them and the run has them.

        Raises:
            ConfigError: adapters that are not there or do not fit together, a base that cannot be had, or
                programs and no sandbox.
        """
        from lorid_train.models.adapters import folders_of

        weigher, votes = rule_files.load(rule_file).weigher(), votes_files.load(votes_file).votes
        settings = LoopSettings(rule, rounds, fallback, seed, weigher, abstain_below, votes)
        config = EvalConfig(
            adapters=dict(run) if isinstance(run, Mapping) else folders_of([str(run)]),
            dataset="", out="", engine=engine, server=tuple(server), served=dict(served or {}),
            dtype=dtype, batch_size=batch_size, threads=threads,
        )  # fmt: skip
        opened = open_run(config, settings, base, format, formats, every_role=every_role)
        solver = cls(
            opened.engine(config), rule=rule, rounds=rounds, fallback=fallback, seed=seed,
            sampling=sampling or usual_sampling(opened.adapters.base), prompts=opened.adapters.prompts,
            rule_file=rule_file, votes_file=votes_file, abstain_below=abstain_below,
            runs_programs=opened.runs_programs,
        )  # fmt: skip
        solver.roles = opened.roles
        return solver

    def close(self) -> None:
        """End the workers that run programs, where there are some."""
        if self.run is not None:
            self._end()

    def __enter__(self) -> Solver:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def solve(self, question: str) -> Solution:
        """The answer to one question.

        Raises:
            ConfigError: an empty question, or one that leaves the model no room to write.
        """
        *_, solution = self.stream(question)
        assert isinstance(solution, Solution)
        return solution

    def solve_all(self, questions: Sequence[str]) -> list[Solution]:
        """The answers to several questions, in their order; they share the engine's batches.

        One that leaves the model no room to write has none: its draws end with `too_long`.

        Raises:
            ConfigError: an empty question.
        """
        start = time.monotonic()
        log, settings = MemoryLog(), self.settings
        asked = [AskedQuestion(q, log, settings) for q in questions]
        for _ in self._drawn(asked, log):
            pass
        seconds = time.monotonic() - start
        return [a.solution(seconds) for a in asked]

    def stream(self, question: str) -> Iterator[Round | Solution]:
        """Each round of one question as soon as it is complete, in order, and then the solution.

        Raises:
            ConfigError: an empty question, or one that leaves the model no room to write.
        """
        start = time.monotonic()
        log = MemoryLog()
        asked = AskedQuestion(question, log, self.settings)
        for draw in self._drawn([asked], log):
            if draw.finish_reason == TOO_LONG and draw.role != "dr":  # the question itself is
                msg = (
                    f"the question's prompt has {draw.n_prompt_tokens:,} tokens, which leaves the model no room to write; "
                    "ask a shorter one, or take a base with a longer context"
                )
                raise ConfigError(msg)
            yield from asked.new_rounds()
        yield asked.solution(time.monotonic() - start)

    @property
    def settings(self) -> LoopSettings:
        """How the loop ends, and the seed of its draws."""
        return LoopSettings(
            self.rule, self.rounds, self.fallback, self.seed, self._weigher, self.abstain_below,
            self._votes,
        )  # fmt: skip

    def _drawn(self, asked: Sequence[AskedQuestion], log: MemoryLog) -> Iterator[Draw]:
        """Make the draws of the loop for these questions."""
        questions = {a.id: a.question for a in asked}
        asker = Asker(self.engine, log, questions, self.sampling, prompts=self.prompts, run=self.run)  # fmt: skip
        yield from asker.drawn(self.settings.loop(list(questions), log))

"""The command `serve`: from the command line to a server that runs until it is told to end."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter, validators

from lorid_train.evaluation.command import Fallback, Rule
from lorid_train.solve.command import Chance, changed, run_or_quickstart

if TYPE_CHECKING:
    from lorid_train.serve.server import Server

Many = Annotated[list[str] | None, Parameter(consume_multiple=True)]
_POSITIVE = Parameter(validator=validators.Number(gte=1))
AtLeastOne = Annotated[int, _POSITIVE]
Port = Annotated[int, Parameter(validator=validators.Number(gte=0, lte=65535))]


def serve(
    run: str | None = None, /, *,
    host: str = "127.0.0.1", port: Port = 8008, queue: AtLeastOne = 256,
    rule: Rule = "same_round", rule_file: Path | None = None, votes_file: Path | None = None,
    abstain_below: Chance = None, rounds: AtLeastOne = 20, fallback: Fallback = "ir",
    temperature: float | None = None, top_p: float | None = None, top_k: int | None = None,
    max_new_tokens: Annotated[int | None, _POSITIVE] = None, most_tokens: AtLeastOne = 4096, seed: int | None = None,
    base: str | None = None, format: str | None = None, server: Many = None, served: Many = None,
    dtype: Literal["float32", "bfloat16", "float16"] | None = None, batch_size: AtLeastOne = 64, threads: int | None = None,
) -> int:  # fmt: skip
    """Serve trained roles as OpenAI's API does: lorid (the loop), ir, dr and kg as models, and cg where the run has it.

    Ctrl-C answers what has been asked, then ends. A key that requests must carry is read from LORID_SERVE_KEY.

    Args:
        run: A run folder, or OWNER/NAME[@REVISION] of the Hub; runs/quickstart/run by default.
        host: Address to listen at; beyond this machine only with a key.
        port: 0 takes any free one.
        queue: Requests taken in and not answered; more are told to come back later (429).
        rule: When the loop stops: IR and DR agree in a round, or in any so far, or their weighed votes are likely enough; or what programs say: cg_alone, cg_repeat, cg_must_agree, any_two, cg_votes.
        rule_file: Weights that lorid-train fit-rule wrote, for weighed and for answers' probabilities; packaged ones by default.
        votes_file: What the rule cg_votes counts, as lorid-train fit-votes wrote it; one vote each by default.
        abstain_below: Withhold answers that are right with a lower probability than this.
        rounds: The loop's threshold t.
        fallback: Who answers without an agreement.
        temperature: Of requests that name none.
        top_p: Of requests that name none; 1 switches it off.
        top_k: Of requests that name none; 0 switches it off.
        max_new_tokens: Longest text of a draw, for requests without max_tokens.
        most_tokens: The largest max_tokens that a request may ask for.
        seed: Of requests that name none; drawn anew for each by default.
        base: Base model, where it is not the one that the adapters name.
        format: Prompt format of adapters that another program trained.
        server: Base URLs of vLLM servers that generate, instead of a model in this process.
        served: Names of the adapters on those servers, ir=NAME kg=NAME dr=NAME …; the roles' by default.
        dtype: Of the model; float32 on a CPU and bfloat16 on a GPU by default.
        batch_size: Draws made at once, of all requests together; changes no text in float32.
        threads: CPU threads.
    """
    folder = run_or_quickstart(run)

    from lorid_train.serve.server import KEY_NAME, Server, bound_at, refuse_open_doors
    from lorid_train.serve.wanted import Defaults, models_of
    from lorid_train.solve.solver import Solver

    key = os.environ.get(KEY_NAME) or None
    refuse_open_doors(host, key)  # before a model is loaded, as is the next
    with bound_at(host, port) as bound:
        solver = Solver.load(
            folder, base=base, format=format, rule=rule, rounds=rounds, fallback=fallback, dtype=dtype,
            rule_file=rule_file, votes_file=votes_file, abstain_below=abstain_below, every_role=True,
            engine="server" if server else "transformers", server=tuple(server or ()), threads=threads,
            served=dict(name.partition("=")[::2] for name in served or ()), batch_size=batch_size,
        )  # fmt: skip
        usual = changed(solver.sampling, temperature, top_p, top_k, max_new_tokens)
        models = models_of(solver.roles)
        defaults = Defaults(usual, seed, max(most_tokens, usual.max_new_tokens), models)
        rest: dict[str, Any] = {"host": host, "key": key, "most_jobs": queue, "bound": bound}
        with solver:
            return _run(Server(solver.engine, solver.settings, defaults, run=solver.run, **rest), folder, models)  # fmt: skip


def _run(server: Server, folder: str, models: tuple[str, ...]) -> int:
    """Say where it is, serve, and say that it has ended."""
    from lorid_data.commandline.failures import EXIT_INTERRUPTED, EXIT_OK

    print(f"serving {', '.join(models)} of {folder} at {server.url} (Ctrl-C ends it)", flush=True)
    if not server.run():
        return EXIT_OK
    print("ended; what had been asked was answered", flush=True)
    return EXIT_INTERRUPTED

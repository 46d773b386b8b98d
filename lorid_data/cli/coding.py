"""The command that makes programs of solutions and runs them: `programs`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter, validators

from lorid_data.cli.ending import finish, finish_asking
from lorid_data.cli.numbers import Finite, Positive
from lorid_data.commandline.result import tell
from lorid_data.commandline.workers import n_workers


def programs(
    folder: Path,
    *,
    out: Path,
    teacher: str | None = None,
    keep: Annotated[
        list[Literal["ungrounded", "ambiguous_link"]] | None, Parameter(consume_multiple=True)
    ] = None,
    seconds: Annotated[float, Parameter(validator=validators.Number(gt=0, lte=60))] = 1.0,
    memory_mib: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=1024))] = 16,
    workers: Annotated[int | None, Parameter(validator=validators.Number(gte=1, lte=256))] = None,
    temperature: Annotated[float, Parameter(validator=validators.Number(gte=0, lte=2))]
    | None = None,
    max_tokens: Positive | None = None,
    reasoning_effort: str | None = None,
    concurrency: Positive = 64,
    mode: Literal["online", "flex", "batch"] = "online",
    budget: Finite | None = None,
    prices: Path | None = None,
    poll_s: Finite = 30.0,
    journal: Path | None = None,
) -> int:
    """Give each row a program that computes its answer; run it in a sandbox; reject what does not give it.

    A row's own program comes first (arithmetic has one), then the annotations of its solution (GSM8K has
    them), then its plain equations. Run again, it goes on where it stopped and runs nothing twice.

    Args:
        folder: A finished dataset folder.
        out: The dataset folder to write.
        teacher: Who writes the programs instead: openai:MODEL, anthropic:MODEL, server:MODEL@URL[,URL…] or
            scripted:FILE.
        keep: Keep rows whose program gives the answer with a number from nowhere (ungrounded), or with one
            that is the question's or a step's result (ambiguous_link); they get a flag.
        seconds: Time that one program may take.
        memory_mib: Memory that one program may take, in MiB.
        workers: Processes that make programs, and programs that run at the same time; all cores that
            this program may use by default.
        temperature: What the teacher's replies are sampled at; by default what the provider chooses.
        max_tokens: Most tokens of a reply, four times as many when cut off.
        reasoning_effort: How long a model thinks, in its provider's word (low, medium, high, …).
        concurrency: Maximum number of requests in flight.
        mode: online; half the price: flex (OpenAI: slower), batch (OpenAI, Anthropic: within a day).
        budget: Maximum cost of this folder in USD, earlier runs included.
        prices: YAML file that overrides the packaged prices.
        poll_s: Seconds between two looks at an unfinished batch.
        journal: Journal of replies to share between folders; by default the folder's own.
    """
    given = dict(locals())  # before anything else is a local: the options, by their names
    from lorid_data.programs import stage

    given |= {"concurrency": min(concurrency, 4096), "keep": keep or ()}
    shared = given.keys() & stage.ProgramOptions.model_fields.keys()
    options = stage.ProgramOptions(**{name: given[name] for name in shared})
    manifest = stage.programs(folder, out, options, n_workers=n_workers(workers))
    for line in stage.described(manifest):
        tell(line)
    return finish(manifest, out) if teacher is None else finish_asking(manifest, out)

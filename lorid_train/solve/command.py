"""The command `solve`: one question, a file of them, or line by line on a terminal."""

from __future__ import annotations

import json as json_lines
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter, validators

from lorid_data.errors import ConfigError
from lorid_train.evaluation.command import Fallback, Rule

if TYPE_CHECKING:
    from lorid_train.engines.base import Sampling
    from lorid_train.solve.solver import Solver

Chance = Annotated[float | None, Parameter(validator=validators.Number(gte=0, lte=1))]
QUICKSTART = Path("runs/quickstart/run")
"""The run that is asked where none is named: the packaged student's, after the quickstart."""


def solve(
    run: str | None = None, question: str | None = None, /, *, file: Path | None = None, json: bool = False,
    rule: Rule = "same_round", rule_file: Path | None = None, votes_file: Path | None = None, abstain_below: Chance = None,
    rounds: Annotated[int, Parameter(validator=validators.Number(gte=1))] = 20,
    fallback: Fallback = "ir",
    temperature: float | None = None, top_p: float | None = None, top_k: int | None = None,
    max_new_tokens: int | None = None, seed: int = 0,
    base: str | None = None, format: str | None = None,
    server: Annotated[list[str] | None, Parameter(consume_multiple=True)] = None,
    threads: int | None = None,
) -> None:  # fmt: skip
    """Put a question to trained roles and watch the loop: IR's answer, KG's rules, DR's answer, round by round.

    Under rules in which programs have a say: CG's program and what it gave, too.

    Without a question, each line of --file or of standard input is one; on a terminal you are asked.
    The sampling defaults are those of the official code; for the packaged student those of the
    quickstart.

    Args:
        run: A run folder, or OWNER/NAME[@REVISION] of the Hub; runs/quickstart/run by default.
        question: The question.
        file: A text file with one question a line.
        json: Print one JSON object per question instead: answer, how, rounds, tokens, programs and all draws.
        rule: When the loop stops: IR and DR agree in a round, or in any so far, or their weighed votes are likely enough; or what programs say: cg_alone, cg_repeat, cg_must_agree, any_two, cg_votes.
        rule_file: Weights that lorid-train fit-rule wrote, for weighed and for the answer's probability; packaged ones by default.
        votes_file: What the rule cg_votes counts, as lorid-train fit-votes wrote it; one vote each by default.
        abstain_below: Withhold an answer that is right with a lower probability than this.
        rounds: The loop's threshold t.
        fallback: Who answers without an agreement.
        temperature: Of the draws.
        top_p: Of the draws; 1 switches it off.
        top_k: Of the draws; 0 switches it off.
        max_new_tokens: Longest text of a draw.
        seed: Of the draws: the same seed gives the same answer.
        base: Base model, where it is not the one that the adapters name.
        format: Prompt format of adapters that another program trained.
        server: Base URLs of vLLM servers that serve the adapters ir, kg and dr, and cg where it is drawn.
        threads: CPU threads.
    """
    named, asked = _told_apart(run, question)
    questions = _given(asked, file)
    folder = run_or_quickstart(named)

    from lorid_train.solve.solver import Solver

    solver = Solver.load(
        folder, base=base, format=format, rule=rule, rounds=rounds, fallback=fallback, seed=seed,
        rule_file=rule_file, votes_file=votes_file, abstain_below=abstain_below,
        engine="server" if server else "transformers", server=tuple(server or ()), threads=threads,
        batch_size=8,
    )  # fmt: skip
    solver.sampling = changed(solver.sampling, temperature, top_p, top_k, max_new_tokens)
    with solver:
        for q in questions if questions is not None else _typed():
            if q.strip():
                _answer(solver, q, as_json=json)


def _given(asked: str | None, file: Path | None) -> list[str] | None:
    """The questions that were given; None where they are to be typed.

    Raises:
        ConfigError: a question and a file, or none in what was given.
    """
    if asked is not None and file is not None:
        raise ConfigError("a question and --file are given; give one of them")
    questions = [asked] if asked is not None else None if file is None else _lines(file)
    if questions is not None and not any(q.strip() for q in questions):
        raise ConfigError(f"{file}: holds no question" if file else "the question is empty")
    return questions


def changed(
    usual: Sampling,
    temperature: float | None,
    top_p: float | None,
    top_k: int | None,
    max_new_tokens: int | None,
) -> Sampling:
    """The usual sampling with what the user said otherwise."""
    return type(usual)(
        usual.temperature if temperature is None else temperature,
        usual.top_p if top_p is None else top_p,
        usual.top_k if top_k is None else top_k,
        usual.max_new_tokens if max_new_tokens is None else max_new_tokens,
    )


def _answer(solver: Solver, question: str, *, as_json: bool) -> None:
    from lorid_train.solve.shown import round_lines, solution_line
    from lorid_train.solve.solution import Round

    for event in solver.stream(question):
        if as_json:
            if not isinstance(event, Round):
                print(
                    json_lines.dumps(event.as_json()), flush=True
                )  # ASCII: as any terminal takes it
        elif isinstance(event, Round):
            print("\n".join(round_lines(event)), flush=True)
        else:
            print(solution_line(event), flush=True)


def _told_apart(run: str | None, question: str | None) -> tuple[str | None, str | None]:
    """Run and question; of one argument alone, which of the two it is."""
    if question is not None or run is None:
        return run, question
    from lorid_train.models.fetching import is_hub_id

    if Path(run).is_dir() or is_hub_id(run) or ("=" in run and "/" in run and " " not in run):
        return run, None
    if any(c.isspace() for c in run.strip()):
        return None, run
    msg = f"{run!r}: no such run folder; name a folder that lorid-train sft has finished, or ask a whole question"
    raise ConfigError(msg)


def run_or_quickstart(named: str | None) -> str:
    """The run to ask; the quickstart's where none is named.

    Raises:
        ConfigError: none is named, and the quickstart has not been run here.
    """
    if named is not None:
        return named
    if not (QUICKSTART / "manifest.json").is_file():
        msg = (
            f"no run is named, and there is none at {QUICKSTART}; name one (lorid-train solve RUN "
            '"QUESTION"), or train the packaged student first: lorid-train quickstart'
        )
        raise ConfigError(msg)
    return str(QUICKSTART)


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as e:
        msg = f"{file}: cannot be read ({e}); name a UTF-8 text file with one question a line"
        raise ConfigError(msg) from e


def _typed() -> Iterator[str]:
    """Lines of standard input; on a terminal each is asked for."""
    if not sys.stdin.isatty():
        yield from (line.rstrip("\n") for line in sys.stdin)
        return
    while True:
        try:
            yield input("question> ")
        except EOFError:
            print()
            return

"""The command `audit`: reads its options; the work is done in `audit.run`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter, validators

from lorid_data.cli.numbers import Finite, Natural, Positive
from lorid_data.commandline.failures import EXIT_FAILED, EXIT_OK
from lorid_data.commandline.workers import Workers, n_workers

if TYPE_CHECKING:
    from lorid_data.audit.result import Audit


def audit(
    folder: Path,
    *,
    gates: dict[str, float | None] | None = None,
    gate_on: Literal["fraction", "upper"] = "fraction",
    sample: Positive = 100,
    seed: Natural = 0,
    judge: str | None = None,
    judge_sample: Positive = 100,
    planted: Annotated[float, Parameter(validator=validators.Number(gte=0, lte=1))] = 0.1,
    concurrency: Positive = 64,
    mode: Literal["online", "flex", "batch"] = "online",
    budget: Finite | None = None,
    prices: Path | None = None,
    journal: Path | None = None,
    workers: Workers = None,
) -> int:
    """Check each row's knowledge, rule by rule and as a whole list; write audit.json and audit.html beside the rows.

    Ends with status 1 where a gate is not met, with a message for each.

    Args:
        folder: A finished dataset folder.
        gates: Highest fraction of original questions that a check may flag, as
            --gates.answer_leak 0.01; in a --config file a mapping, where null takes a gate away.
        gate_on: What a gate compares: the fraction seen, or the upper end of its 95 % interval.
        sample: Original questions to draw for people to read.
        seed: Which ones, and which a judge judges.
        judge: A model that judges a sample: openai:MODEL, anthropic:MODEL, server:MODEL@URL or
            scripted:FILE. Take another family than the teacher's.
        judge_sample: Original questions that it judges.
        planted: Planted defects of each criterion, as a fraction of what is judged; 20 at least.
        concurrency: Maximum number of requests in flight.
        mode: How a provider is asked, as for build.
        budget: Maximum cost of the judge in USD, earlier runs on this journal included.
        prices: YAML file that overrides the packaged prices.
        journal: Journal of the judge's replies; by default the folder's own.
        workers: Processes that check rows; all cores that this program may use by default. The
            files are the same whatever their number.
    """
    from lorid_data.audit.judge import JudgeOptions
    from lorid_data.audit.stage import AuditOptions, problems, summary
    from lorid_data.audit.stage import audit as run_audit
    from lorid_data.commandline.result import show

    judging = judge and JudgeOptions(
        teacher=judge, sample=judge_sample, planted=planted, concurrency=min(concurrency, 4096),
        mode=mode, budget=budget, prices=prices, journal=journal,
    )  # fmt: skip
    named = {name.replace("-", "_"): limit for name, limit in (gates or {}).items()}
    options = AuditOptions(gates=named, gate_on=gate_on, sample=sample, seed=seed, judge=judging or None)  # fmt: skip
    result = run_audit(folder, options, n_workers=n_workers(workers))
    show(summary(result, folder), _shown(result, folder))
    return _failed(problems(result))


def _shown(result: Audit, folder: Path) -> dict[str, Any]:
    """The result for programs; where rows with findings are too many to print, `rows` is null."""
    from lorid_data.audit.result import AUDIT_JSON

    body = result.model_dump(mode="json")
    return body if result.rows is not None else {**body, "rows_file": str(folder / AUDIT_JSON)}


def _failed(messages: Sequence[str]) -> int:
    """Say why a command did not pass; the exit status."""
    from lorid_data.commandline.progress import say

    for message in messages:
        say(message)
    return EXIT_FAILED if messages else EXIT_OK

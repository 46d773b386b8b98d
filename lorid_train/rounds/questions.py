"""Which fresh questions each round draws on: consecutive parts of one folder, no question in two."""

from __future__ import annotations

from pathlib import Path

from lorid_data.errors import ConfigError
from lorid_data.folders.manifests import manifest_sha256
from lorid_data.folders.records import read_records, write_dataset
from lorid_data.folders.stage import open_stage
from lorid_data.schema import Record
from lorid_data.texts.counting import count
from lorid_train.rounds.settings import RoundsConfig
from lorid_train.training.trained_on import text_hash

PART = "round-data"
"""The stage that writes a round's questions."""


def parts(config: RoundsConfig) -> list[list[Record]]:
    """The questions of each round, one record each.

    Raises:
        ConfigError: questions of a test split, too few of them, or some that are validated on; all
            problems at once.
    """
    by_problem: dict[str, Record] = {}
    for r in read_records(Path(config.fresh)):
        by_problem.setdefault(r.problem_id, r)
    fresh = list(by_problem.values())
    n = config.fresh_per_round or max(1, len(fresh) // config.rounds)
    problems = []
    if tested := sum(r.split == "test" for r in fresh):
        problems.append(
            f"fresh {config.fresh}: {count(tested, 'question')} are of a test split, and a model trained on its draws of "
            "them can be tested on them no more; name training questions that the adapters have not seen"
        )
    if n * config.rounds > len(fresh):
        problems.append(
            f"fresh {config.fresh}: {count(len(fresh), 'question')} for {config.rounds} rounds of {n}; name more, or fewer rounds"
        )
    if n_shared := len(_hashes(fresh) & _hashes(read_records(Path(config.validation)))):
        problems.append(
            f"validation {config.validation}: {count(n_shared, 'question')} found in fresh too; what is trained on tells "
            "nothing of when to stop: see lorid-data decontaminate"
        )
    if problems:
        raise ConfigError(*problems)
    return [fresh[i * n : (i + 1) * n] for i in range(config.rounds)]


def _hashes(records: list[Record]) -> set[str]:
    return {text_hash(r.question) for r in records}


def write_part(config: RoundsConfig, records: list[Record], out: Path, number: int) -> None:
    """Write the questions of one round; nothing where that is done."""
    parent = manifest_sha256(Path(config.fresh))
    identity = {"fresh_sha256": parent, "n": len(records), "round": number}
    with open_stage(out, PART, identity=identity, parent_sha256=parent) as stage:
        if stage.done is None:
            write_dataset(stage, records, [], n_in=len(records))

"""Both rules on one log, each drawing only what it asks for: `benchmarks/weighed.py --lazy`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import weighed_cells
import weighed_tables as tables

from lorid_data.folders.records import read_records
from lorid_train.engines.base import Sampling
from lorid_train.evaluation import servers
from lorid_train.evaluation.planned import LOOP
from lorid_train.interaction.draws import DrawLog
from lorid_train.interaction.loop import Asker, Loop
from lorid_train.interaction.rule_files import RuleFile
from lorid_train.interaction.rules import answer_of
from lorid_train.interaction.weighed_loop import WeighedLoop
from lorid_train.metrics.grading import gold_of, grade
from lorid_train.models.adapters import open_adapters


class _Said:
    """A line for every few hundred draws: how many the rules will ask for, nobody knows."""

    def __init__(self, what: str) -> None:
        self._what, self._n = what, 0

    def __call__(self, _: object) -> None:
        self._n += 1
        if self._n % 500 == 0:
            print(f"{self._what}: {self._n:,} draws", file=sys.stderr, flush=True)


def cell(setting: str, seed: int, rule: RuleFile, out: Path) -> tables.Cell:
    """The test questions of a cell with the draws that the loop and a rule ask for at T.

    Draws that an unfinished evaluation of the cell holds are taken over; the log goes on where it stopped.
    """
    task = weighed_cells.trained(setting, seed, out)
    config = task.eval_config("test")
    records = read_records(task.data("test"))
    tables.refuse_same(rule, records, setting)
    path = out / "lazy" / f"{setting}-{seed}" / "draws.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    begun = task.folder / "eval" / "draws.jsonl"
    if not path.is_file() and begun.is_file():
        shutil.copy(begun, path)
    log = DrawLog(path)
    adapters = open_adapters(config.adapters, None, None, needed=LOOP)
    engine = servers.factory(config, LOOP, adapters.wholes)(config, adapters)
    questions = {r.problem_id: r.as_question() for r in records}
    sampling = Sampling(config.temperature, config.top_p, config.top_k, config.max_new_tokens)
    asker = Asker(engine, log, questions, sampling, on_draw=_Said(f"{setting}, seed {seed}"))
    ids = list(questions)
    asker.draw(Loop(ids, log, seed=seed, rounds=tables.T, rule="same_round"))
    asker.draw(WeighedLoop(ids, log, seed=seed, rounds=tables.T, weigher=rule.weigher()))
    log.close()
    of: dict[str, list[object]] = {}
    for d in log.draws().values():
        of.setdefault(d.problem_id, []).append(d)
    graded = [
        g
        for r in records
        for g in grade(gold_of(r), of[r.problem_id], decide=lambda *_: None, rounds=0, extract=answer_of)  # type: ignore[arg-type]
    ]  # fmt: skip
    return tables.Cell({r.problem_id: r for r in records}, graded)

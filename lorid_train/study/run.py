"""A whole study: check it, make its cells, report on them. Killed and started again, it goes on."""

from __future__ import annotations

import os
import resource
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lorid_data.commandline.progress import say
from lorid_data.errors import ConfigError, StageError
from lorid_data.folders.evaluations import DRAWS
from lorid_data.folders.manifests import manifest_sha256
from lorid_data.folders.stage import open_stage
from lorid_data.schema import Manifest
from lorid_data.texts.counting import count
from lorid_train import study_report
from lorid_train.evaluation import programs
from lorid_train.evaluation.drawing import needed_roles
from lorid_train.models import base_model
from lorid_train.study import data
from lorid_train.study.pool import LOG, Failure, make_all
from lorid_train.study.progress import Steps, duration, plan_lines
from lorid_train.study.settings import StudyConfig
from lorid_train.study.tasks import Task, fingerprints, tasks_of
from lorid_train.training import preflight
from lorid_train.training.curves import PAGE, SPEED

REGISTERED = "concepts"
"""The source whose study was written down before its numbers were seen (docs/experiments.md)."""
_WHICH = {"worlds", "bases", "seeds"}
_ONCE = ("worlds", "bases", "seeds", "scales")
"""Which cells there are: more may be added to a folder."""
_NAMELESS = {"source", "workers", "batch_size"}
"""A path (its content is hashed instead), and what changes no result."""


def study(config: StudyConfig, out: Path) -> Manifest:
    """Make every cell of a study that is missing, and write its report; do nothing where that is done.

    Raises:
        ConfigError: the configuration or its inputs cannot be used; nothing was trained, and a
            folder that was not there before is gone again.
        StageError: cells failed; the others are done and stay.
        KeyboardInterrupt: interrupted; what was finished stays.
    """
    start = time.monotonic()
    _check(config, out)
    is_new = not out.exists()
    source = Path(config.source)
    settings: dict[str, Any] = {
        "worlds": list(config.worlds), "bases": fingerprints(config), "seeds": list(config.seeds),
    }  # fmt: skip
    if data.is_dataset(source):
        settings["source_sha256"] = manifest_sha256(source)
    identity = {
        "source": source.name, **config.model_dump(mode="json", exclude=_WHICH | _NAMELESS | config.unsaid)
    }  # fmt: skip
    with open_stage(out, "study", identity=identity, settings=settings) as stage:
        try:
            tasks = _prepared(config, out, is_done=stage.done is not None)
        except ConfigError:
            if is_new:  # what is left of it would stand in the way of the right command
                shutil.rmtree(out, ignore_errors=True)
            raise
        if stage.done is not None:
            return stage.done
        workers = config.workers or min(2, os.cpu_count() or 1)
        say(f"study: {count(len(tasks), 'cell')}, {min(workers, len(tasks))} at a time, in {out}")
        for line in plan_lines(tasks):
            say(line)
        steps = Steps(len(tasks), workers)
        failures = make_all(
            tasks,
            workers=workers,
            threads=config.threads,
            on_step=lambda task, step, s, was: steps.ended(task.name, step, s, was_done=was),
        )
        if failures:
            raise StageError(_sentences(failures, len(tasks)))
        cells = [t.cell() for t in tasks]
        column = data.record_column(config)
        study_report.write_study(
            cells,
            out,
            group_by=column,
            settings=shown(config),
            is_registered=config.source == REGISTERED,
        )
        if "cg" in config.roles:
            study_report.write_programs(cells, out, scales=data.scales_of(tasks))
        say(f"study: {duration(time.monotonic() - start)}, {_cpu_s():.0f} CPU-seconds")
        stage.libraries += base_model.LIBRARIES
        # Timings, and draws in the order in which they were made: each evaluation vouches for its own.
        stage.varying = frozenset({LOG, DRAWS, PAGE, SPEED})
        return stage.finish(n_in=len(tasks), n_kept=len(tasks), n_rejected={})


def _prepared(config: StudyConfig, out: Path, *, is_done: bool) -> list[Task]:
    """The cells to make; nothing was trained yet.

    Raises:
        ConfigError: a table or a base that will not do.
    """
    table = data.opened_table(config, out)
    tasks = tasks_of(config, out, table)
    if not is_done:
        if table is not None:
            data.make_data(tasks[0])  # what will not do is said once, and not by every cell
        preflight.check(tasks[0].train_config())
    return tasks


def _check(config: StudyConfig, out: Path) -> None:
    """Refuse what cannot work, before a folder is made.

    Raises:
        ConfigError: with every problem.
    """
    problems = []
    if config.scales != (1,) and config.source != "arithmetic":
        problems.append(f"scales: {list(config.scales)}; only the numbers of 'arithmetic' have one")
    if not config.is_drawn and len(config.worlds) > 1:
        problems.append(
            f"worlds: {list(config.worlds)}; the rows of a table are one world, name one seed"
        )
    for name in _ONCE:
        values = getattr(config, name)
        if len(set(values)) < len(values):
            problems.append(f"{name}: {list(values)}; name each once")
    try:
        data.check_source(config)
    except ConfigError as e:
        problems += e.problems
    [task, *_] = tasks_of(config, out, None)
    for split in ("test", "validation"):
        try:
            needed = needed_roles(task.planned(split))
            missing = [r for r in needed if r not in config.roles]
            programs.of(needed)  # before a cell is trained whose programs nobody could run
        except ConfigError as e:
            problems += [f"{split}: {p}" for p in e.problems]
        else:
            problems += [f"{split}: draws {r!r}, which roles does not name" for r in missing]
    if problems:
        raise ConfigError(*problems)


def _cpu_s() -> float:
    """CPU time of this process and of those that it waited for, in seconds."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def _sentences(failures: list[Failure], n_cells: int) -> str:
    lines = [f"cell {f.name}: {f.why} (see {f.log})" for f in failures]
    done = n_cells - len(failures)
    return "\n".join(
        [*lines, f"{done} of {n_cells} cells are done; run the same command again to go on"]
    )


def shown(config: StudyConfig) -> Mapping[str, Any]:
    """What the report shows of a configuration, flat; no path."""
    epochs = {r: config.per_role.get(r, {}).get("sft", {}) for r in config.roles}
    common = config.sft.get("num_train_epochs")
    return {
        "source": Path(config.source).name,
        "group_by": config.group_by,
        "worlds": ", ".join(map(str, config.worlds)),
        "bases": ", ".join(Path(b).name for b in config.bases),
        "adapter seeds": ", ".join(map(str, config.seeds)),
        "epochs": ", ".join(f"{r} {e.get('num_train_epochs', common)}" for r, e in epochs.items()),
        "learning_rate": config.sft.get("learning_rate"),
        "rank": config.lora.get("r"),
        "rounds": config.test.rounds,
        "samples": ", ".join(f"{r} {n}" for r, n in config.test.samples.items()),
        **{k: getattr(config, k) for k in ("temperature", "top_p", "top_k", "max_new_tokens")},
        "dtype": config.dtype,
    }

"""Train the roles: one frozen base model, one LoRA adapter per role, on TRL's `SFTTrainer`.

The loss is taken on the target and its end token only. Rows are tokenised here, piece by piece,
and handed over with labels; a check of the first batch refuses to train if the prompt would
carry loss. A run that was killed goes on from its last whole checkpoint, with the same result.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from lorid_data.commandline.progress import say as progress_say
from lorid_data.errors import InputError
from lorid_data.folders.manifests import manifest_sha256
from lorid_data.folders.names import REJECTS
from lorid_data.folders.parquet import write_rows
from lorid_data.folders.records import iter_records
from lorid_data.folders.stage import Stage, open_stage
from lorid_data.schema import Manifest, Record, Reject
from lorid_train import formats, roles
from lorid_train.config import ModelSettings, TrainConfig
from lorid_train.models import base_model
from lorid_train.models.base_model import LIBRARIES, Base
from lorid_train.training import (
    checkpoints,
    curves,
    difficulty,
    greedy_eval,
    moved,
    plan,
    preferences,
    processes,
    saving,
    starts,
    token_rows,
    tokens,
    trained_on,
)
from lorid_train.training.arguments import make_args, n_steps, refuse_no_batch, rows_needed
from lorid_train.training.frozen import FrozenBase
from lorid_train.training.preflight import check
from lorid_train.training.tokens import RoleCounts
from lorid_train.training.trainer import RoleRows, make_callback, make_trainer, prove
from lorid_train.training.trainer import train as train_steps
from lorid_train.training.unwritable import finder

_NAMELESS_SETTINGS = {"out", "data", "base", "init", "method", "dpo", "redi_alpha"}
"""Paths and names, whose content decides the result and is hashed instead; and what another method learns by."""
_TOKENS = ".tokens"
"""Folder of the tokenised rows inside a run folder, while it trains."""


@dataclass(frozen=True, slots=True)
class _Run:
    """What the roles of a run share."""

    config: TrainConfig
    base: Base
    tokenizer: Any
    out: Path
    starts: Mapping[str, starts.Start]


def train(config: TrainConfig, *, say: Callable[[str], None] | None = None) -> Manifest:
    """Train all roles of a configuration; do nothing where that has been done.

    Args:
        config: the run.
        say: told the plan, line by line, before the first step.

    Raises:
        ConfigError: the configuration or its inputs cannot be used; nothing was written.
        StageError: training failed; checkpoints stay.
    """
    if config.method != "sft":
        return preferences.train(config, say=say or (lambda _: None))
    run, identity = _opened(config)
    settings = {"base": config.base, "data": config.data}
    settings |= {"init": {r: s.name for r, s in run.starts.items()}} if run.starts else {}
    with _stage(run.out, identity, settings) as stage:
        done = processes.broadcast(stage.done)
        if done is not None:
            return done  # type: ignore[no-any-return]
        stage.libraries += LIBRARIES
        stage.varying = frozenset({curves.PAGE, curves.SPEED})  # they tell of time
        try:
            manifest = _train_roles(run, stage, say or (lambda _: None))
        finally:
            if processes.is_main_process():
                shutil.rmtree(run.out / _TOKENS, ignore_errors=True)
        return processes.broadcast(manifest)  # type: ignore[no-any-return]


def dry_run(config: TrainConfig, say: Callable[[str], None]) -> None:
    """Say the plan of a configuration; write nothing, train nothing, load no weights.

    Raises:
        ConfigError: as `train`.
    """
    if config.method != "sft":
        preferences.dry_run(config, say)
        return
    run, _ = _opened(config)
    counts = {}
    for name in config.roles:
        counts[name] = RoleCounts()
        for _ in _token_rows(run, name, counts[name]):
            pass
    plan.say_plan(config, run.base, counts, say)


def _opened(config: TrainConfig) -> tuple[_Run, dict[str, Any]]:
    """The checked configuration with its base model found, and what decides the result."""
    config = config.model_copy(update={"format": formats.newest(config.format)})
    check(config)
    base = base_model.pinned(base_model.resolve(config.base, config.revision))
    tokenizer = base_model.load_tokenizer(base)
    base_model.check_tokenizer(tokenizer, base)
    plan.vocabulary_of(base)
    begun = starts.starts_of(config, base)
    config = starts.settled(config, begun)
    plan.check_adapters(config, base)
    run = _Run(config, base, tokenizer, Path(config.out), begun)
    for name in config.roles:  # what fails with the first row fails before anything is written
        args = make_args(config, name, run.out)
        first = islice(_token_rows(run, name, RoleCounts()), rows_needed(args))
        refuse_no_batch(args, sum(1 for _ in first), f"sft, role {name!r}")
        _rows_of(run, name)
        if config.validation is not None:
            next(_token_rows(run, name, RoleCounts(), validation=True))
    # Runs of before a key was known stay what they are.
    nameless = _NAMELESS_SETTINGS | ({"model"} if config.model == ModelSettings() else set())
    nameless |= {"difficulty"} if config.difficulty is None else set()
    nameless |= set() if config.trainable_tokens else {"trainable_tokens"}
    identity = {
        **config.model_dump(mode="json", exclude=nameless),
        "revision": base.revision,
        "base_sha256": base.fingerprint,
        "tokenizer_sha256": base.tokenizer,
        "data_sha256": {r: manifest_sha256(config.data_for(r)) for r in config.roles},
        "format_sha256": formats.load(config.format).sha256,
        "n_processes": processes.world_size(),
    }
    if begun:
        identity["init_sha256"] = {r: s.sha256 for r, s in begun.items()}
    if config.validation is not None:
        identity["validation"] |= {
            "data": {r: manifest_sha256(config.validation_for(r)) for r in config.roles}
        }
    return run, identity


@contextmanager
def _stage(out: Path, identity: dict[str, Any], settings: dict[str, Any]) -> Iterator[Stage]:
    """The run folder: locked and written by the first process, shared by the others."""
    if not processes.is_main_process():
        yield Stage(out, "sft", identity, settings, None)
        return
    opened = open_stage(
        out, "sft", identity=identity, settings=settings, same_settings=lambda *_: True
    )
    with checkpoints.gone_if_refused(out), opened as stage:
        yield stage


def _records(config: TrainConfig, role: str, *, validation: bool = False) -> Iterator[Record]:
    """The records that a role trains on, or is measured on.

    Raises:
        InputError: there are none.
    """
    v = config.validation if validation else None
    folder = config.validation_for(role) if v else config.data_for(role)
    split, limit = (v.split, v.limit) if v else (config.split, config.limit)
    n, splits = 0, set()
    for record in iter_records(folder):
        splits.add(record.split)
        if split in (None, record.split):
            n += 1
            yield record
            if n == limit:
                return
    if not n:
        msg = f"{folder}: no rows of split {split!r}; it has {sorted(splits) or 'no rows at all'}"
        raise InputError(msg)


def _token_rows(
    run: _Run, role: str, counts: RoleCounts, *, validation: bool = False
) -> Iterator[tokens.TokenRow]:
    """The tokenised rows of a role.

    Raises:
        InputError: none of its records can be trained on.
        ConfigError: a token that the base model does not have.
    """
    asked = None if validation else run.config.difficulty
    records = difficulty.within(
        _records(run.config, role, validation=validation), asked, roles.role(role), counts
    )
    fmt = formats.on(run.config.format, run.config.template_date)
    lora = run.config.for_role(role)[0]
    made = tokens.tokenise(
        roles.role(role),
        records,
        fmt,
        run.tokenizer,
        max_tokens=run.config.max_tokens,
        counts=counts,
        unwritable=None if validation else finder(run.tokenizer, run.base, lora),
        ease=None if asked is None else partial(difficulty.ease, asked=asked),
    )
    n_known = plan.vocabulary_of(run.base)
    yield from tokens.known_ids(made, n_known, f"base {run.base.name!r}")
    if not counts.n_rows:
        reasons = ", ".join(sorted({r.reason for r in counts.rejects}))
        msg = f"role {role!r}: none of {counts.n_in} rows can be used; see the reasons: {reasons}"
        raise InputError(msg)


def _tokenised(run: _Run, role: str, *, validation: bool = False) -> tuple[Path, RoleCounts]:
    """The rows of a role in a file, written by the first process, and their counts."""
    path = run.out / _TOKENS / f"{role}{'-validation' * validation}.arrow"
    counts = RoleCounts()
    if processes.is_main_process():
        tokens.write_token_rows(path, _token_rows(run, role, counts, validation=validation))
    return path, processes.broadcast(counts)


def _train_roles(run: _Run, stage: Stage, say: Callable[[str], None]) -> Manifest | None:
    import torch

    config = run.config
    if config.threads:
        torch.set_num_threads(config.threads)
    files = {name: _tokenised(run, name) for name in config.roles}
    counts = {name: c for name, (_, c) in files.items()}
    rejects = [r for c in counts.values() for r in c.rejects]
    if processes.is_main_process():
        write_rows(stage.out / REJECTS, Reject, rejects)
        trained_on.write(stage.out, {n: _trained_on(run, n, c) for n, c in counts.items()})
        plan.say_plan(config, run.base, counts, say)
    base = FrozenBase(
        lambda: base_model.load_model(run.base, config.dtype, config.model),
        n_roles=len(config.roles),
    )
    for name in config.roles:
        adapter = stage.out / "adapters" / name
        if not processes.broadcast(adapter.is_dir()):
            base.give_back(_train_role(run, name, base.take(), files[name], stage.figures))
        if processes.is_main_process():
            stage.figures[name] = saving.read_figures(adapter)
            curves.write(stage.out, stage.figures)
    if not processes.is_main_process():
        return None
    by_reason: dict[str, int] = {}
    for r in rejects:
        by_reason[r.reason] = by_reason.get(r.reason, 0) + 1
    return stage.finish(
        n_in=sum(c.n_in for c in counts.values()),
        n_kept=sum(c.n_rows for c in counts.values()),
        n_rejected=by_reason,
    )


def _trained_on(run: _Run, name: str, counts: RoleCounts) -> list[trained_on.TrainedOn]:
    """The questions of a role, by hash: an evaluation holds its own against them."""
    rejected = {r.row_id for r in counts.rejects}
    rows = trained_on.rows_of(name, _records(run.config, name), rejected)
    return starts.with_before(rows, run.starts.get(name))


def _train_role(
    run: _Run, name: str, model: Any, file: tuple[Path, RoleCounts], before: dict[str, Any]
) -> Any:
    """Train one adapter and save it; what is left of the base model. `before` are the roles before it."""
    from peft import LoraConfig, get_peft_model
    from transformers import set_seed

    config, (path, counts) = run.config, file
    folder = run.out / "checkpoints" / name
    args = make_args(config, name, folder)
    set_seed(config.seed)  # LoRA's A matrices are drawn here
    lora = token_rows.lora_settings(model, config.for_role(name)[0], _rows_of(run, name))
    peft_model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **lora))
    if begun := run.starts.get(name):
        starts.put_onto(peft_model, begun)
    start = saving.start_of(peft_model, lora, folder) if processes.is_main_process() else None
    rows = tokens.read_dataset(path, pack_to=config.max_tokens if args.packing else None)
    refuse_no_batch(args, len(rows), f"sft, role {name!r}", "pack" if args.packing else "row")
    trainer = make_trainer(
        peft_model, args, run.tokenizer, _with_validation(run, name, rows, counts)
    )
    if config.difficulty is not None:
        trainer.order, trainer.ease = config.difficulty.order, counts.ease
    _ask(run, name, trainer)
    if (warning := prove(trainer)) and processes.is_main_process():
        progress_say(f"warning: {warning}")
    was = moved.before(peft_model, is_sharded=trainer.is_fsdp_enabled)
    resume = processes.broadcast(
        checkpoints.latest(folder) if processes.is_main_process() else None
    )
    cpu_start = time.process_time()
    n = n_steps(args, len(rows))
    per_step = counts.n_tokens / max(1, len(rows)) * trainer.args.train_batch_size
    per_step *= trainer.args.gradient_accumulation_steps * max(1, trainer.args.world_size)
    _steps(run, trainer, n, resume, curves.Watch(run.out, name, per_step, before))
    moved.refuse_moved_base(peft_model, was, f"role {name!r}: ", f"; look at lora: {lora}")
    weights = trainer.accelerator.get_state_dict(trainer.model) if trainer.is_fsdp_enabled else None
    if processes.is_main_process():
        moved.refuse_unmoved(peft_model, was, f"role {name!r}: ", weights)
        with checkpoints.full_disk_said(run.out):
            target = run.out / "adapters" / name
            more = {"init": begun.provenance} if begun else {}
            figures = _figures(trainer, counts) | difficulty.figures(config.difficulty, counts)
            made = saving.Trained(peft_model, figures, weights, start, more)
            saving.save_adapter(target, config, name, run.base, made)
        cpu_s = time.process_time() - cpu_start
        print(f"train {name}: {cpu_s:.0f} CPU-seconds", file=sys.stderr, flush=True)  # noqa: T201
    processes.wait_for_everyone()
    return peft_model.unload()


def _rows_of(run: _Run, name: str) -> list[int]:
    """The embeddings that a role trains."""
    return token_rows.indices(
        run.config, name, run.tokenizer, lambda: _records(run.config, name)
    )  # fmt: skip


def _steps(run: _Run, trainer: Any, n: int, resume: Path | None, watch: curves.Watch) -> None:
    """All steps of a role, from the first or from a checkpoint on."""
    done = int(resume.name.rpartition("-")[2]) if resume else 0
    folder = run.out / "checkpoints" / watch.role
    patience = run.config.validation.patience if run.config.validation else None
    with processes.progress(watch.role, n, done) as progress:
        if progress is not None:
            progress.note = watch.note
        trainer.add_callback(make_callback(progress, folder, patience, watch))
        with checkpoints.full_disk_said(run.out):
            train_steps(trainer, resume)


def _with_validation(run: _Run, name: str, rows: Any, counts: RoleCounts) -> RoleRows:
    """The role's rows with those that it is measured on."""
    if run.config.validation is None:
        return RoleRows(rows, counts)
    path, measured = _tokenised(run, name, validation=True)
    return RoleRows(rows, counts, tokens.read_dataset(path), measured)


def _ask(run: _Run, name: str, trainer: Any) -> None:
    """Let the trainer measure greedy answers, where the run asks for them."""
    v = run.config.validation
    if v is None or not v.greedy:
        return
    fmt = formats.on(run.config.format, run.config.template_date)
    records = _records(run.config, name, validation=True)
    exam = greedy_eval.make_greedy_eval(roles.role(name), records, fmt, run.tokenizer, v.greedy)
    stop, limit = (
        fmt.stop_ids(run.tokenizer, base_model.generation_ends(run.base)),
        v.max_new_tokens,
    )

    def grade(model: Any) -> float:
        made = greedy_eval.greedy_texts(
            model, run.tokenizer, exam.prompts, stop, max_new_tokens=limit
        )
        return exam.share_right(made)

    trainer.grade = grade


def _figures(trainer: Any, counts: RoleCounts) -> dict[str, Any]:
    """What the manifest says of a role: rows, tokens, steps, losses."""
    history = trainer.state.log_history
    figures = {
        "n_rows": counts.n_rows,
        "n_tokens": counts.n_tokens,
        "n_target_tokens": counts.n_target_tokens,
        "n_steps": int(trainer.state.global_step),
        "n_trainable_parameters": trainer.model.get_nb_trainable_parameters()[0],
    }
    if counts.special:
        figures["n_rows_with_special_texts"] = len(counts.special)
    if counts.n_with_unwritable:
        figures["n_rows_with_unwritable_texts"] = counts.n_with_unwritable
    figures |= curves.history(history)
    if "validation" in figures:
        figures["best_step"] = trainer.state.best_global_step
    return figures

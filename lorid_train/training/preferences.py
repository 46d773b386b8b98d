"""`sft` with `method: dpo` or `redi`: from pairs of a chosen and a rejected text, after training on rows.

The stage, its folder, its checks and its past are those of `sft` with `init`; only what is learnt
from differs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lorid_data.commandline.progress import Progress
from lorid_data.errors import ConfigError, InputError, unknown_key
from lorid_data.folders.manifests import manifest_sha256
from lorid_data.folders.names import REJECTS
from lorid_data.folders.parquet import write_rows
from lorid_data.folders.records import iter_records
from lorid_data.folders.stage import Stage, open_stage
from lorid_data.schema import Manifest, Reject
from lorid_data.texts.counting import count
from lorid_train import formats, roles
from lorid_train.config import ModelSettings, TrainConfig
from lorid_train.drawn.pairs import Pair, read_pairs
from lorid_train.models import base_model
from lorid_train.models.base_model import LIBRARIES, Base
from lorid_train.training import (
    checkpoints,
    curves,
    greedy_eval,
    moved,
    pairwise,
    plan,
    processes,
    saving,
    starts,
    trained_on,
)
from lorid_train.training import trainer as sft_trainer
from lorid_train.training.arguments import MANAGED_ALIKE, built, n_steps, numbers, refuse_no_batch
from lorid_train.training.keys import MANAGED, fields_of
from lorid_train.training.pairwise import PairTokens
from lorid_train.training.preflight import check
from lorid_train.training.starts import Start
from lorid_train.training.trained_on import TrainedOn, text_hash

_NAMELESS = {"out", "data", "base", "init", "sft"}
_SETS = MANAGED | {"eval_strategy", "load_best_model_at_end", "metric_for_best_model", "greater_is_better", "sync_ref_model"}  # fmt: skip
"""Fields of DPOConfig that the run sets itself."""


@dataclass(frozen=True, slots=True)
class _Role:
    """What one role learns from."""

    start: Start
    rows: list[PairTokens]
    rejects: list[Reject]
    questions: list[TrainedOn]


@dataclass(frozen=True, slots=True)
class _Run:
    config: TrainConfig
    base: Base
    tokenizer: Any
    roles: dict[str, _Role]


def train(config: TrainConfig, *, say: Callable[[str], None]) -> Manifest:
    """Train all roles of a configuration on pairs; do nothing where that has been done.

    Raises:
        ConfigError: the configuration or its inputs cannot be used; nothing was written.
        StageError: training failed; checkpoints stay.
    """
    run, identity = _opened(config)
    settings = {
        "base": config.base, "data": config.data,
        "init": {n: r.start.name for n, r in run.roles.items()},
    }  # fmt: skip
    opened = open_stage(
        Path(config.out), "sft", identity=identity, settings=settings, same_settings=lambda *_: True
    )
    with checkpoints.gone_if_refused(Path(config.out)), opened as stage:
        if stage.done is not None:
            return stage.done
        stage.libraries += LIBRARIES
        stage.varying = frozenset({curves.PAGE, curves.SPEED})  # they tell of time
        return _train_roles(run, stage, say)


def dry_run(config: TrainConfig, say: Callable[[str], None]) -> None:
    """Say the plan of a configuration; write nothing, load no weights.

    Raises:
        ConfigError: as `train`.
    """
    _say_plan(_opened(config)[0], say)


def _opened(config: TrainConfig) -> tuple[_Run, dict[str, Any]]:
    """The checked configuration, and what decides the result."""
    config = config.model_copy(update={"format": formats.newest(config.format)})
    _check(config)
    check(config)
    base = base_model.pinned(base_model.resolve(config.base, config.revision))
    tokenizer = base_model.load_tokenizer(base)
    base_model.check_tokenizer(tokenizer, base)
    plan.vocabulary_of(base)
    begun = starts.starts_of(config, base)
    config = starts.settled(config, begun)
    made = {name: _role(config, name, begun[name], tokenizer) for name in config.roles}
    for name in config.roles:
        args = make_args(config, name, Path(config.out))
        refuse_no_batch(args, len(made[name].rows), f"dpo, role {name!r}", "pair")
        if config.validation is not None:
            _exam(config, name, tokenizer)
    nameless = _NAMELESS | ({"model"} if config.model == ModelSettings() else set())
    nameless |= {"redi_alpha"} if config.method != "redi" else set()
    identity = {
        **config.model_dump(mode="json", exclude=nameless),
        "revision": base.revision,
        "base_sha256": base.fingerprint,
        "tokenizer_sha256": base.tokenizer,
        "data_sha256": {r: manifest_sha256(config.data_for(r)) for r in config.roles},
        "format_sha256": formats.load(config.format).sha256,
        "init_sha256": {r: s.sha256 for r, s in begun.items()},
    }
    if config.validation is not None:
        sha = {r: manifest_sha256(config.validation_for(r)) for r in config.roles}
        identity["validation"] |= {"data": sha}
    return _Run(config, base, tokenizer, made), identity


def _check(config: TrainConfig) -> None:
    """Refuse what makes no sense with pairs.

    Raises:
        ConfigError: all problems.
    """
    problems = []
    if config.init is None:
        problems.append(f"method {config.method!r} refines an adapter that was trained on rows; name it with init")  # fmt: skip
    if config.sft:
        problems.append(f"sft: method {config.method!r} takes its settings from dpo: (fields of trl.DPOConfig); move them there")  # fmt: skip
    if config.validation is not None and not config.validation.greedy:
        problems.append("validation: pairs say nothing of answers; set greedy: 100 to measure accuracy")  # fmt: skip
    if processes.world_size() > 1:
        problems.append(f"method {config.method!r} trains in one process; start it without accelerate launch or torchrun")  # fmt: skip
    known = fields_of("DPOConfig")
    problems += [unknown_key(k, known - _SETS, "dpo") for k in config.dpo if k not in known]
    problems += [f"dpo: {k!r} is set by the run itself; remove it" for k in config.dpo if k in _SETS]  # fmt: skip
    if config.method == "redi" and (odd := sorted({"loss_type", "loss_weights", "beta"} & config.dpo.keys())):  # fmt: skip
        problems.append(f"dpo: {odd[0]!r} has no meaning with method 'redi', whose loss is its own; remove it")  # fmt: skip
    if problems:
        raise ConfigError(*problems)


def _role(config: TrainConfig, name: str, start: Start, tokenizer: Any) -> _Role:
    """The pairs of a role.

    Raises:
        InputError: there are none, or one without a negative.
    """
    folder = config.data_for(name)
    every = read_pairs(folder, name)
    pairs = [p for p in every if config.split in (None, p.split)][: config.limit]
    if not pairs:
        msg = f"{folder}: no pairs of role {name!r} in split {config.split!r}; it has {sorted({p.split for p in every})}"
        raise InputError(msg)
    fmt = formats.on(config.format, config.template_date)
    rows, rejects = pairwise.tokenise_pairs(
        roles.role(name), pairs, fmt, tokenizer, max_tokens=config.max_tokens
    )
    if not rows:
        msg = f"role {name!r}: none of {count(len(pairs), 'pair')} of {folder} can be used (split {config.split!r}, at most {config.max_tokens} tokens)"
        raise InputError(msg)
    rejected = {r.row_id for r in rejects}
    questions = _questions(name, [p for p in pairs if p.pair_id not in rejected])
    return _Role(start, rows, rejects, starts.with_before(questions, start))


def _questions(name: str, pairs: list[Pair]) -> list[TrainedOn]:
    found = {p.problem_id: p for p in pairs}
    return [
        TrainedOn(role=name, problem_id=i, text_sha256=text_hash(p.question))
        for i, p in found.items()
    ]


def make_args(config: TrainConfig, role: str, folder: Path) -> Any:
    """The `DPOConfig` of one role: TRL's defaults, and a little of the loss on the chosen text beside DPO's.

    Raises:
        ConfigError: a value that `DPOConfig` refuses.
    """
    import torch
    from trl import DPOConfig

    cuda = torch.cuda.is_available()
    own = numbers(config.dpo, DPOConfig, "dpo")
    every = own.get("save_steps", own.get("eval_steps", 100))
    given: dict[str, Any] = {"bf16": cuda, "report_to": "none", "save_steps": every}
    if config.method == "dpo":
        given |= {"loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, 0.2]}
        if "loss_type" in own:
            given.pop("loss_weights")
    v = config.validation
    if v is not None:
        given |= {"eval_strategy": "steps", "eval_steps": every, "metric_for_best_model": "accuracy", "greater_is_better": True}  # fmt: skip
        given |= {"load_best_model_at_end": v.patience is not None}
    return built(
        DPOConfig, f"dpo, role {role!r}", output_dir=str(folder), use_cpu=not cuda, seed=config.seed,
        data_seed=config.seed, max_length=None, **MANAGED_ALIKE, **{**given, **own},
    )  # fmt: skip


def _say_plan(run: _Run, say: Callable[[str], None]) -> None:
    c = run.config
    say(f"method {c.method} on {run.base.name}, format {c.format}")
    for name, r in run.roles.items():
        args = make_args(c, name, Path(c.out))
        say(f"{name}: {count(len(r.rows), 'pair')}, {count(n_steps(args, len(r.rows)), 'step')}, from {r.start.name}")  # fmt: skip


def _train_roles(run: _Run, stage: Stage, say: Callable[[str], None]) -> Manifest:
    import torch

    if run.config.threads:
        torch.set_num_threads(run.config.threads)
    rejects = [r for role in run.roles.values() for r in role.rejects]
    write_rows(stage.out / REJECTS, Reject, rejects)
    trained_on.write(stage.out, {n: r.questions for n, r in run.roles.items()})
    _say_plan(run, say)
    for name, role in run.roles.items():
        adapter = stage.out / "adapters" / name
        if not adapter.is_dir():
            _train_role(run, name, role, stage)
        stage.figures[name] = saving.read_figures(adapter)
        curves.write(stage.out, stage.figures)
    by_reason: dict[str, int] = {}
    for r in rejects:
        by_reason[r.reason] = by_reason.get(r.reason, 0) + 1
    n_kept = sum(len(r.rows) for r in run.roles.values())
    return stage.finish(n_in=n_kept + len(rejects), n_kept=n_kept, n_rejected=by_reason)


def _train_role(run: _Run, name: str, role: _Role, stage: Stage) -> None:
    """Train one adapter and save it.

    Raises:
        StageError: the base has changed, or the adapter has not.
    """
    from peft import LoraConfig, get_peft_model
    from transformers import set_seed

    c, folder = run.config, stage.out / "checkpoints" / name
    args = make_args(c, name, folder)
    set_seed(c.seed)
    bare = base_model.load_model(run.base, c.dtype, c.model)
    model = get_peft_model(bare, LoraConfig(task_type="CAUSAL_LM", **c.for_role(name)[0]))
    starts.put_onto(model, role.start)
    alpha = c.redi_alpha if c.method == "redi" else None
    trainer = pairwise.make_pair_trainer(model, args, run.tokenizer, role.rows, alpha)
    if c.validation is not None:
        trainer.grade = _exam(c, name, run.tokenizer, run.base)
    was = moved.before(model)
    _steps(run, trainer, name, role, stage)
    moved.refuse_moved_base(model, was, f"role {name!r}: ")
    moved.refuse_unmoved(model, was, f"role {name!r}: ")
    if "ref" in model.peft_config:  # TRL's copy of the start
        model.delete_adapter("ref")
    more: dict[str, Any] = {"init": role.start.provenance, "method": c.method}
    more |= {"redi_alpha": alpha} if alpha is not None else {}
    with checkpoints.full_disk_said(stage.out):
        made = saving.Trained(model, _figures(c, trainer, role), more=more)
        saving.save_adapter(stage.out / "adapters" / name, c, name, run.base, made)


def _steps(run: _Run, trainer: Any, name: str, role: _Role, stage: Stage) -> None:
    folder = stage.out / "checkpoints" / name
    resume = checkpoints.latest(folder)
    done = int(resume.name.rpartition("-")[2]) if resume else 0
    a, v = trainer.args, run.config.validation
    per_step = sum(r.n_tokens for r in role.rows) / len(role.rows) * 2
    per_step *= a.per_device_train_batch_size * a.gradient_accumulation_steps
    watch = curves.Watch(stage.out, name, per_step, stage.figures)
    with Progress(f"train {name}", n_steps(a, len(role.rows)), done=done) as progress:
        progress.note = watch.note
        patience = v.patience if v else None
        trainer.add_callback(sft_trainer.make_callback(progress, folder, patience, watch))
        start = time.process_time()
        with checkpoints.full_disk_said(stage.out):
            sft_trainer.train(trainer, resume)
        progress.note = lambda *_: f"{time.process_time() - start:.0f} CPU-seconds"


def _exam(config: TrainConfig, name: str, tokenizer: Any, base: Base | None = None) -> Any:
    """What grades a model on the role's validation rows; without a base, only the rows are looked at.

    Raises:
        ConfigError: there are none.
    """
    v = config.validation
    assert v is not None
    fmt = formats.on(config.format, config.template_date)
    folder = config.validation_for(name)
    records = (r for r in iter_records(folder) if v.split in (None, r.split))
    exam = greedy_eval.make_greedy_eval(roles.role(name), records, fmt, tokenizer, v.greedy)
    if not exam.prompts:
        raise ConfigError(f"validation: {folder} has no rows of split {v.split!r} that {name} could be asked")  # fmt: skip
    if base is None:
        return None
    stop = fmt.stop_ids(tokenizer, base_model.generation_ends(base))

    def grade(model: Any) -> float:
        made = greedy_eval.greedy_texts(
            model, tokenizer, exam.prompts, stop, max_new_tokens=v.max_new_tokens
        )
        return exam.share_right(made)

    return grade


def _figures(config: TrainConfig, trainer: Any, role: _Role) -> dict[str, Any]:
    """What `training.json` says: pairs, tokens, steps, losses, accuracy."""
    log = trainer.state.log_history
    held = [{"step": h["step"], "eval_accuracy": h["eval_accuracy"]} for h in log if "eval_accuracy" in h]  # fmt: skip
    return {
        "method": config.method,
        "n_rows": len(role.rows),
        "n_tokens": sum(2 * len(r.prompt_ids) + len(r.chosen_ids) + len(r.rejected_ids) for r in role.rows),
        "n_target_tokens": sum(len(r.chosen_ids) + len(r.rejected_ids) for r in role.rows),
        "n_steps": int(trainer.state.global_step),
        "n_trainable_parameters": trainer.model.get_nb_trainable_parameters()[0],
        **curves.history(log),
        **({"validation": held, "best_step": trainer.state.best_global_step} if held else {}),
    }  # fmt: skip

"""One run: an adapter in, its training on its own answers watched, the best of it out.

A folder like that of `sft`, resumed in the same way: killed at any moment, the same command ends
with the same bytes.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lorid_data import answers as judge
from lorid_data.commandline.progress import Progress
from lorid_data.errors import ConfigError, StageError
from lorid_data.folders.names import REJECTS
from lorid_data.folders.parquet import write_rows
from lorid_data.folders.stage import Stage, open_stage
from lorid_data.schema import Manifest, Reject
from lorid_data.texts.counting import count
from lorid_train.models import base_model
from lorid_train.models.base_model import LIBRARIES
from lorid_train.reinforcement import curves, questions, stopping
from lorid_train.reinforcement.arguments import make_args
from lorid_train.reinforcement.prepared import Prepared, prepare
from lorid_train.reinforcement.rewards import Reward
from lorid_train.reinforcement.settings import RlConfig
from lorid_train.reinforcement.trainer import Asking, make_trainer, make_watcher, prove_prompts
from lorid_train.training import checkpoints, greedy_eval, moved, saving, starts, trained_on
from lorid_train.training import trainer as sft_trainer
from lorid_train.training.curves import PAGE

Say = Callable[[str], None]


def train(config: RlConfig, *, say: Say | None = None) -> Manifest:
    """Train one role on its own answers; do nothing where that has been done.

    Args:
        config: the run.
        say: told the plan, line by line, before the first step.

    Raises:
        ConfigError: the configuration or its inputs cannot be used; nothing was written.
        StageError: training failed; checkpoints stay.
    """
    run = prepare(config)
    args = _args(run)
    settings = {
        "base": run.training.base, "data": {config.role: run.training.data},
        "init": {config.role: run.start.name}, "draws": config.draws,
    }  # fmt: skip
    opened = open_stage(
        Path(config.out), questions.STAGE, identity=run.identity, settings=settings,
        same_settings=lambda *_: True,
    )  # fmt: skip
    with checkpoints.gone_if_refused(Path(config.out)), opened as stage:
        if stage.done is not None:
            return stage.done
        stage.libraries += LIBRARIES
        stage.varying = frozenset({PAGE})  # drawn while time passes
        return _trained(run, args, stage, say or (lambda _: None))


def dry_run(config: RlConfig, say: Say) -> None:
    """Say the plan of a configuration; write nothing, load no weights.

    Raises:
        ConfigError: as `train`.
    """
    run = prepare(config)
    _say_plan(run, _args(run), say)


def _args(run: Prepared) -> Any:
    """TRL's settings of a run.

    Raises:
        ConfigError: values that cannot be, or fewer questions than are asked at once.
    """
    args = make_args(run.config, _folder(run), run.sampling)
    at_once = args.generation_batch_size // args.num_generations
    if len(run.asked) < at_once:
        msg = (
            f"grpo: one batch of answers asks {at_once} questions, and only {len(run.asked)} can be asked; "
            "make per_device_train_batch_size or gradient_accumulation_steps smaller, or give more questions"
        )
        raise ConfigError(msg)
    return args


def _folder(run: Prepared) -> Path:
    return Path(run.config.out) / "checkpoints" / run.config.role


def _say_plan(run: Prepared, args: Any, say: Say) -> None:
    """What is asked, what is passed over, how answers are drawn and how many."""
    c, n_asked = run.config, len(run.asked)
    by = "the reference answer" if c.reward == "gold" else f"{c.reward} of stored draws"
    say(f"{c.role} on {run.base.name}, from {run.start.name}: paid for by {by}")
    passed = ", ".join(f"{n} {reason}" for reason, n in questions.by_reason(run.rejects).items())
    say(f"asked: {n_asked:,} of {count(n_asked + len(run.rejects), 'question')}" + (f" (passed over: {passed})" if passed else ""))  # fmt: skip
    say(
        f"{count(_n_steps(args, n_asked), 'step')} of {count(args.per_device_train_batch_size * args.gradient_accumulation_steps, 'answer')}, "
        f"{args.num_generations} of a question, at most {args.max_completion_length:,} tokens; temperature "
        f"{args.temperature:g}, top_p {args.top_p:g}, top_k {args.top_k}"
    )
    if run.exam is not None:
        say(f"watched on {count(len(run.exam.prompts), 'validation question')} every {count(int(args.eval_steps), 'step')}")  # fmt: skip
    else:
        say("warning: blind: nobody looks whether accuracy falls; the adapter's card says so")
    asked = {k: v for k, v in run.sampling.items() if _own(args, k) != v}
    if asked:
        say(f"warning: grpo draws otherwise than the stored draws were drawn ({asked})")


def _own(args: Any, name: str) -> Any:
    return getattr(args, "max_completion_length" if name == "max_new_tokens" else name)


def _n_steps(args: Any, n_asked: int) -> int:
    """How many optimiser steps `n_asked` questions take."""
    if args.max_steps > 0:
        return int(args.max_steps)
    n_at_once = args.generation_batch_size // args.num_generations
    per_batch = args.num_iterations * args.steps_per_generation / args.gradient_accumulation_steps
    return int(n_asked // n_at_once * per_batch * args.num_train_epochs)


def _trained(run: Prepared, args: Any, stage: Stage, say: Say) -> Manifest:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import set_seed

    c, name = run.config, run.config.role
    if c.threads:
        torch.set_num_threads(c.threads)
    write_rows(stage.out / REJECTS, Reject, run.rejects)
    own = trained_on.rows_of(name, [a.record for a in run.asked], set())
    trained_on.write(stage.out, {name: starts.with_before(own, run.start)})
    _say_plan(run, args, say)
    adapter = stage.out / "adapters" / name
    if not adapter.is_dir():
        judge.prepare()  # so that a busy machine gives the same verdicts as an idle one
        set_seed(c.seed)
        bare = base_model.load_model(run.base, run.training.dtype, c.model)
        lora = LoraConfig(task_type="CAUSAL_LM", **run.training.for_role(name)[0])
        model = get_peft_model(bare, lora)
        starts.put_onto(model, run.start)
        _train_adapter(run, args, model, stage.out)
    stage.figures[name] = saving.read_figures(adapter)
    curves.write(stage.out, name, stage.figures[name])
    return stage.finish(
        n_in=len(run.asked) + len(run.rejects),
        n_kept=len(run.asked),
        n_rejected=questions.by_reason(run.rejects),
    )


def _asking(run: Prepared) -> Asking:
    fmt, tokenizer = run.format, run.tokenizer
    stop = fmt.stop_ids(tokenizer, base_model.generation_ends(run.base))
    exam, v = run.exam, run.config.validation

    def grade(model: Any) -> float:
        assert exam is not None
        assert v is not None
        made = greedy_eval.greedy_texts(
            model, tokenizer, exam.prompts, stop, max_new_tokens=v.max_new_tokens
        )
        return exam.share_right(made)

    return Asking(
        contents=[a.content for a in run.asked],
        reward=Reward({i: a.pay for i, a in enumerate(run.asked)}),
        to_ids=lambda text: fmt.prompt_ids(tokenizer, text),
        stop=stop,
        grade=None if exam is None else grade,
    )


def _train_adapter(run: Prepared, args: Any, model: Any, out: Path) -> None:
    """All steps, the best kept, the adapter saved.

    Raises:
        StageError: nothing was learnt, or the base was changed.
    """
    name, folder = run.config.role, _folder(run)
    cpu_start = time.process_time()
    trainer = make_trainer(model, args, run.tokenizer, _asking(run))
    prove_prompts(trainer, run.wanted)
    was = moved.before(model)
    resume = checkpoints.latest(folder)
    done = int(resume.name.rpartition("-")[2]) if resume else 0
    watch: Any = curves.Watch(out, name)
    patience = run.config.validation.patience if run.config.validation else None
    with Progress(f"rl {name}", _n_steps(args, len(run.asked)), done=done) as progress:
        progress.note = watch.note
        trainer.add_callback(sft_trainer.make_callback(progress, folder, patience, watch))
        trainer.add_callback(make_watcher(trainer))
        with checkpoints.full_disk_said(out):
            sft_trainer.train(trainer, resume)
    _refuse_nothing_learnt(trainer, model, was)
    if "ref" in model.peft_config:  # TRL's copy of the start, which it compares with
        model.delete_adapter("ref")
    figures = _figures(run, trainer)
    if figures.get("best_step") == 0:
        starts.put_onto(model, run.start)  # no step was better than none
    with checkpoints.full_disk_said(out):
        made = saving.Trained(model, figures, more=_card(run, figures))
        saving.save_adapter(out / "adapters" / name, run.training, name, run.base, made)
    cpu_s = time.process_time() - cpu_start
    print(f"rl {name}: {cpu_s:.0f} CPU-seconds", file=sys.stderr, flush=True)  # noqa: T201


def _refuse_nothing_learnt(trainer: Any, model: Any, was: moved.Before) -> None:
    """Hold what is there after the last step against what was there before the first.

    Raises:
        StageError: the base has changed, or the adapter has not.
    """
    moved.refuse_moved_base(model, was, "")
    log = trainer.state.log_history
    if not any(h.get("grad_norm") for h in log):
        msg = (
            "no gradient was other than zero in any logged step: all answers of each question were paid alike, so that "
            "nothing was learnt; ask questions that are sometimes answered right (draws: EVAL passes over the others), or "
            "draw more answers of each (num_generations)"
        )
        raise StageError(msg)
    kept = stopping.best(stopping.measured(log))
    if kept is None or kept.step != 0:
        moved.refuse_unmoved(model, was, "")


def _figures(run: Prepared, trainer: Any) -> dict[str, Any]:
    """What `training.json` says: questions, steps, rewards, answers, accuracy, and which step is kept."""
    log = trainer.state.log_history
    made: dict[str, Any] = {
        "method": "grpo",
        "n_rows": len(run.asked),
        "n_tokens": int(trainer.state.num_input_tokens_seen),
        "n_steps": int(trainer.state.global_step),
        "n_trainable_parameters": trainer.model.get_nb_trainable_parameters()[0],
        **curves.figures(log),
    }
    found = stopping.measured(log)
    kept = stopping.best(found)
    if kept is not None:
        made["best_step"] = kept.step
        if (why := stopping.parted(found)) is not None:
            made["stopped"] = why
    return made


def _card(run: Prepared, figures: dict[str, Any]) -> dict[str, Any]:
    """What `lorid.json` says besides: what it went on from, what was paid for, who looked."""
    paid: dict[str, Any] = {"kind": run.config.reward}
    if run.draws is not None:
        paid["draws_manifest_sha256"] = run.draws.sha256
    if run.config.reward == "consensus":
        paid["rule"] = run.draws.manifest.identity.get("rule") if run.draws and run.draws.file is None else run.config.rule  # fmt: skip
    return {
        "init": run.start.provenance,
        "method": "grpo",
        "reward": paid,
        "blind": run.exam is None,
        **({"best_step": figures["best_step"]} if "best_step" in figures else {}),
    }

"""Train the roles: one frozen base model, one LoRA adapter per role, on TRL's `SFTTrainer`.

The loss is taken on the target and its end token only. Rows are tokenised here, piece by piece,
and handed over with labels; a check of the first batch refuses to train if the prompt would
carry loss. A run that was killed goes on from its last whole checkpoint, with the same result.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from lorid_data import prompts
from lorid_data.commands import Progress
from lorid_data.errors import ConfigError, InputError, unknown_key
from lorid_data.schema import Manifest, Record, Reject
from lorid_data.store import (
    REJECTS,
    Stage,
    manifest_sha256,
    open_stage,
    read_records,
    write_rows,
)
from lorid_train import adapters, base_model, checkpoints, formats, roles
from lorid_train.base_model import LIBRARIES, Base
from lorid_train.config import TrainConfig
from lorid_train.tokens import RoleData, tokenise
from lorid_train.trainer import MANAGED, assert_masked, make_callback, make_trainer, n_steps

_NAMELESS_SETTINGS = {"out", "data", "base"}
"""Paths and names: what they hold decides the result, and is hashed instead."""


def check(config: TrainConfig) -> None:
    """Refuse a configuration that cannot be run, with all its problems.

    Raises:
        ConfigError: unknown roles, formats or keys, or a role without data.
    """
    from peft import LoraConfig
    from trl import SFTConfig

    problems = [str(e) for name in config.roles if (e := _error(partial(roles.role, name)))]
    if e := _error(lambda: formats.load(config.format)):
        problems.append(str(e))
    if not isinstance(config.data, str):
        problems += [
            f"data: no dataset for the role {r!r}" for r in config.roles if r not in config.data
        ]
    problems += [
        unknown_key(r, config.roles, "per_role") for r in config.per_role if r not in config.roles
    ]
    known = {
        "lora": {f.name for f in fields(LoraConfig)},
        "sft": {f.name for f in fields(SFTConfig)},
    }
    parts: list[tuple[str, dict[str, dict[str, Any]]]] = [
        ("", {"lora": config.lora, "sft": config.sft})
    ]
    parts += [(f"per_role.{r}.", body) for r, body in config.per_role.items()]
    for where, body in parts:
        for part, given in body.items():
            if part not in known:
                problems.append(unknown_key(part, known, where.rstrip(".")))
                continue
            problems += [
                unknown_key(k, known[part] - MANAGED, where + part)
                for k in given
                if k not in known[part]
            ]
            problems += [
                f"{where}{part}: {k!r} is set by the run itself; remove it"
                for k in given
                if k in MANAGED
            ]
    if problems:
        raise ConfigError(*problems)


def _error(attempt: Callable[[], object]) -> ConfigError | None:
    try:
        attempt()
    except ConfigError as e:
        return e
    return None


def _select(config: TrainConfig, role: str) -> list[Record]:
    """The records that a role trains on."""
    folder = config.data_for(role)
    records = read_records(folder)
    chosen = [r for r in records if config.split in (None, r.split)][: config.limit]
    if not chosen:
        splits = sorted({r.split for r in records})
        msg = f"{folder}: no rows of split {config.split!r}; it has {splits or 'no rows at all'}"
        raise InputError(msg)
    return chosen


def train(config: TrainConfig) -> Manifest:
    """Train all roles of a configuration; do nothing where that has been done.

    Raises:
        ConfigError: the configuration or its inputs cannot be used; nothing was written.
        StageError: training failed; checkpoints stay.
    """
    check(config)
    base = base_model.resolve(config.base, config.revision)
    records = {r: _select(config, r) for r in config.roles}
    identity = {
        **config.model_dump(mode="json", exclude=_NAMELESS_SETTINGS),
        "base_sha256": base.fingerprint,
        "data_sha256": {r: manifest_sha256(config.data_for(r)) for r in config.roles},
        "format_sha256": formats.load(config.format).sha256,
    }
    settings = {"base": config.base, "data": config.data}
    with open_stage(
        Path(config.out), "sft", identity=identity, settings=settings, same_settings=lambda *_: True
    ) as stage:
        if stage.done is not None:
            return stage.done
        stage.libraries += LIBRARIES
        return _train_roles(config, base, records, stage)


def _train_roles(
    config: TrainConfig, base: Base, records: dict[str, list[Record]], stage: Stage
) -> Manifest:
    import torch

    if config.threads:
        torch.set_num_threads(config.threads)
    tokenizer = base_model.load_tokenizer(base)
    fmt = formats.load(config.format)
    data = {
        name: tokenise(roles.role(name), rows, fmt, tokenizer, max_tokens=config.max_tokens)
        for name, rows in records.items()
    }
    for name, made in data.items():
        if not made.rows:
            msg = f"role {name!r}: none of {len(records[name])} rows can be trained on; see the reasons: {_reasons(made)}"
            raise InputError(msg)
    rejects = [r for made in data.values() for r in made.rejects]
    write_rows(stage.out / REJECTS, Reject, rejects)
    model = None
    for name, made in data.items():
        adapter = stage.out / "adapters" / name
        if not adapter.is_dir():
            if model is None:
                model = base_model.load_model(base, config.dtype)
            model = _train_role(config, name, base, model, tokenizer, made, stage.out)
        stage.figures[name] = json.loads((adapter / "training.json").read_text(encoding="utf-8"))
    by_reason: dict[str, int] = {}
    for r in rejects:
        by_reason[r.reason] = by_reason.get(r.reason, 0) + 1
    n_in = sum(len(rows) for rows in records.values())
    return stage.finish(
        n_in=n_in, n_kept=sum(len(d.rows) for d in data.values()), n_rejected=by_reason
    )


def _reasons(made: RoleData) -> str:
    return ", ".join(sorted({r.reason for r in made.rejects})) or "no rows"


def _train_role(
    config: TrainConfig,
    name: str,
    base: Base,
    model: Any,
    tokenizer: Any,
    made: RoleData,
    out: Path,
) -> Any:
    """Train one adapter and save it; give the bare base model back for the next role."""
    from peft import LoraConfig, get_peft_model
    from transformers import set_seed

    lora, sft = config.for_role(name)
    set_seed(config.seed)  # LoRA's A matrices are drawn here
    peft_model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **lora))
    folder = out / "checkpoints" / name
    trainer = make_trainer(config, peft_model, tokenizer, made.rows, folder, sft)
    assert_masked(trainer)
    resume = checkpoints.latest(folder)
    cpu_start = time.process_time()
    done = int(resume.name.rpartition("-")[2]) if resume else 0
    total = n_steps(trainer, len(made.rows))
    with Progress(f"train {name}", total, done=done) as progress:
        trainer.add_callback(make_callback(name, progress, folder))
        with checkpoints.full_disk_said(out):
            trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    figures = {
        "n_rows": len(made.rows),
        "n_tokens": made.n_tokens,
        "n_target_tokens": made.n_target_tokens,
        "n_steps": int(trainer.state.global_step),
        "train_loss": [
            {"step": h["step"], "loss": h["loss"]} for h in trainer.state.log_history if "loss" in h
        ],
        "n_trainable_parameters": peft_model.get_nb_trainable_parameters()[0],
    }
    with checkpoints.full_disk_said(out):
        _save_adapter(out / "adapters" / name, config, name, base, peft_model, figures)
    cpu_s = time.process_time() - cpu_start
    print(f"train {name}: {cpu_s:.0f} CPU-seconds", file=sys.stderr, flush=True)  # noqa: T201
    return peft_model.unload()


def _save_adapter(
    target: Path,
    config: TrainConfig,
    name: str,
    base: Base,
    model: Any,
    figures: dict[str, Any],
) -> None:
    """Write an adapter folder under another name, then give it its name: whole or absent."""
    tmp = target.with_name(f".{name}.tmp")
    shutil.rmtree(tmp, ignore_errors=True)
    model.save_pretrained(str(tmp), safe_serialization=True)
    config_file = tmp / "adapter_config.json"
    body = json.loads(config_file.read_text(encoding="utf-8"))
    body["base_model_name_or_path"] = base.name  # never this machine's path of a packaged model
    config_file.write_text(json.dumps(body, indent=2, sort_keys=True), encoding="utf-8")
    (tmp / "README.md").unlink(missing_ok=True)  # names a local path; cards are made on publishing
    fmt, role = formats.load(config.format), roles.role(name)
    adapters.write_card(
        tmp,
        {
            "schema": 1,
            "role": name,
            "format": fmt.name,
            "format_sha256": fmt.sha256,
            "prompt": role.prompt_id,
            "prompt_sha256": prompts.load(role.prompt_id).sha256,
            "base": base.name,
            "base_revision": base.revision,
            "base_fingerprint": base.fingerprint,
            "data_manifest_sha256": manifest_sha256(config.data_for(name)),
            "seed": config.seed,
            "max_tokens": config.max_tokens,
        },
    )
    (tmp / "training.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    for path in tmp.iterdir():
        path.chmod(0o644)
    target.parent.mkdir(parents=True, exist_ok=True)
    tmp.replace(target)

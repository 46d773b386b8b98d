"""An adapter folder: written under another name, then given its name: whole or absent."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lorid_data import prompts
from lorid_data.folders.files import atomic_folder
from lorid_data.folders.manifests import manifest_sha256
from lorid_train import formats, roles
from lorid_train.config import TrainConfig
from lorid_train.models import adapters
from lorid_train.models.base_model import Base

FIGURES = "training.json"
"""File beside an adapter's weights: rows, tokens, steps, losses."""


def start_of(model: Any, lora: dict[str, Any], folder: Path) -> Path | None:
    """Where an adapter's first weights are kept, if what is saved in the end is the difference to them.

    PiSSA and OLoRA move a part of the base model's weights into the adapter: as it is, it would
    fit only a base that was changed in the same way.
    """
    if not moves_weights(lora):
        return None
    start = folder / "start"  # PEFT makes a name of a module of it
    if start.is_symlink():
        start.unlink()
    shutil.rmtree(start, ignore_errors=True)
    model.save_pretrained(str(start), safe_serialization=True)
    return start


def moves_weights(lora: dict[str, Any]) -> bool:
    """Whether an adapter starts with a part of the base model's weights."""
    init = str(lora.get("init_lora_weights", True)).lower()
    return init.startswith("pissa") or init == "olora"


@dataclass(frozen=True, slots=True)
class Trained:
    """What training a role has left.

    Attributes:
        model: PEFT's, trained.
        figures: `training.json`.
        weights: where they are sharded.
        start: first weights, where the difference to them is what is saved.
        more: what the card says besides: what it went on from, and how.
    """

    model: Any
    figures: dict[str, Any]
    weights: dict[str, Any] | None = None
    start: Path | None = None
    more: dict[str, Any] = field(default_factory=dict)


def save_adapter(target: Path, config: TrainConfig, name: str, base: Base, made: Trained) -> None:
    """Write the adapter of one role, with its card and figures.

    Args:
        target: the adapter's folder.
        config: the run.
        name: the role.
        base: its base model.
        made: what training has left.
    """
    with atomic_folder(target) as tmp:
        _write_weights(tmp, base, made)
        adapters.write_metadata(tmp, {**_card(config, name, base), **made.more})
        (tmp / FIGURES).write_text(json.dumps(made.figures, indent=2) + "\n", encoding="utf-8")
        for path in tmp.iterdir():
            path.chmod(0o644)


def _write_weights(tmp: Path, base: Base, made: Trained) -> None:
    made.model.save_pretrained(
        str(tmp), safe_serialization=True, state_dict=made.weights,
        path_initial_model_for_weight_conversion=None if made.start is None else str(made.start),
    )  # fmt: skip
    config_file = tmp / "adapter_config.json"
    body = json.loads(config_file.read_text(encoding="utf-8"))
    body["base_model_name_or_path"] = base.name  # never this machine's path of a packaged model
    for key in ("target_modules", "modules_to_save", "exclude_modules"):
        if isinstance(body.get(key), list):  # a set, written in the order of its hashes
            body[key] = sorted(body[key])
    config_file.write_text(json.dumps(body, indent=2, sort_keys=True), encoding="utf-8")
    (tmp / "README.md").unlink(missing_ok=True)  # names a local path; cards are made on publishing


def _card(config: TrainConfig, name: str, base: Base) -> dict[str, Any]:
    """How an adapter must be used, and what it was trained on."""
    fmt, role = formats.load(config.format), roles.role(name)
    return {
        "schema": 1,
        "role": name,
        "format": fmt.name,
        "format_sha256": fmt.sha256,
        "template_date": config.template_date,
        "prompt": role.prompt_id,
        "prompt_sha256": prompts.load(role.prompt_id).sha256,
        "base": base.name,
        "base_revision": base.revision,
        "base_fingerprint": base.fingerprint,
        "tokenizer_sha256": base.tokenizer,
        "data_manifest_sha256": manifest_sha256(config.data_for(name)),
        **_of_quantized(config),
        "seed": config.seed,
        "max_tokens": config.max_tokens,
    }


def _of_quantized(config: TrainConfig) -> dict[str, Any]:
    """How the base was quantised while the adapter was trained; nothing where it was not."""
    q = config.model.quantization
    return {} if q is None else {"base_quantization": q.model_dump(mode="json")}


def read_figures(adapter: Path) -> dict[str, Any]:
    """What training wrote beside an adapter's weights."""
    body: dict[str, Any] = json.loads((adapter / FIGURES).read_text(encoding="utf-8"))
    return body

"""What is published of an adapter: weights, how to use them, and the prompts they were trained with.

Safetensors only, and no path of this machine: what a local base is called elsewhere, the user says.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lorid_data import prompts
from lorid_data.errors import ConfigError
from lorid_data.folders.paths import below
from lorid_data.hub.calls import check_repo_id
from lorid_train import formats, roles
from lorid_train.config import STUDENT
from lorid_train.models.adapters import CARD, WEIGHTS, own_metadata
from lorid_train.models.untrusted import read_object

CONFIG, TRAINING = "adapter_config.json", "training.json"


@dataclass(frozen=True, slots=True)
class TrainedAdapter:
    """One adapter of a run: its folder, its card, its configuration, what training counted."""

    name: str
    folder: Path
    card: dict[str, Any]
    config: dict[str, Any]
    training: dict[str, Any]


def read_role(run: Path, name: str) -> TrainedAdapter:
    """An adapter of a run.

    Raises:
        ConfigError: it is not there, or its base is a folder whose name on the Hub is unknown.
    """
    folder = run / "adapters" / name
    card = own_metadata(folder)
    config = read_object(folder / CONFIG, str(folder))
    training = read_object(folder / TRAINING, str(folder))
    if formats.load(card["format"]).sha256 != card["format_sha256"]:
        msg = f"{folder}: its format {card['format']!r} differs from the one known here"
        raise ConfigError(msg)
    if missing := [k for k in ("prompt", "prompt_sha256") if not isinstance(card.get(k), str)]:
        msg = f"{folder}: {CARD} lacks {', '.join(missing)}; train the role again"
        raise ConfigError(msg)
    if prompts.load(card["prompt"]).sha256 != card["prompt_sha256"]:
        msg = f"{folder}: its prompt {card['prompt']!r} differs from the one known here"
        raise ConfigError(msg)
    return TrainedAdapter(name, folder, card, config, training)


def public_base(role: TrainedAdapter, base_id: str | None) -> tuple[str, str | None]:
    """Name and revision of the base model for others: a Hub id, or the packaged student.

    Raises:
        ConfigError: it was trained on a folder, and nobody says what that is called on the Hub.
    """
    base, revision = str(role.card["base"]), role.card.get("base_revision")
    if base_id is not None:
        name, _, at = base_id.partition("@")
        return check_repo_id(name), at or revision
    is_id = (
        base.count("/") == 1 and not base.startswith((".", "/", "~")) and not Path(base).exists()
    )
    if base == STUDENT or is_id:
        return base if base == STUDENT else check_repo_id(base), revision
    msg = f"{role.folder}: was trained on the folder {base!r}; say with --base-id OWNER/NAME[@REVISION] what others load"
    raise ConfigError(msg)


def stage_adapter(role: TrainedAdapter, out: Path, base: tuple[str, str | None]) -> None:
    """Write an adapter's files into `out`, but for its card."""
    out.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(role.folder / WEIGHTS, out / WEIGHTS)
    shutil.copyfile(role.folder / TRAINING, out / TRAINING)
    config = {**role.config, "base_model_name_or_path": base[0]}
    if base[1] is not None:
        config["revision"] = base[1]
    _write(out / CONFIG, config)
    card = {**role.card, "base": base[0], "base_id": base[0], "base_revision": base[1]}
    _write(out / CARD, card)
    files = {
        f"{role.card['prompt']}.txt": prompts.root() / f"{role.card['prompt']}.txt",
        f"formats/{role.card['format']}.yaml": prompts.root() / f"formats/{role.card['format']}.yaml",
    }  # fmt: skip
    for name, source in files.items():
        target = below(out, "prompts", *name.split("/"))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def shown_prompt(role: TrainedAdapter) -> str | None:
    """The exact text that a model sees, with placeholders; None for the tokenizer's own template."""
    fmt = formats.load(role.card["format"])
    if fmt.prompt is None:
        return None
    return fmt.render(roles.role(role.name).content("{question}", "{knowledge}"))


def _write(path: Path, body: dict[str, Any]) -> None:
    text = json.dumps(body, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8")

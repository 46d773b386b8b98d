"""Adapter folders: the card beside the weights, and what fits together.

An adapter works with the base model, the prompt and the format that it was trained with, and
fails in silence with any other; its card names all three, each with its hash.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lorid_data.errors import ConfigError
from lorid_data.store import sha256_file
from lorid_train import formats
from lorid_train.base_model import Base, resolve

ROLES = ("ir", "kg", "dr")
"""The adapters that the interaction loop needs."""
CARD = "lorid.json"
"""File beside an adapter's weights that says how to use it."""


def write_card(folder: Path, card: dict[str, Any]) -> None:
    """Write how an adapter must be used: role, format, prompt and base, each with its hash."""
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    (folder / CARD).write_text(text, encoding="utf-8")


def read_card(folder: Path) -> dict[str, Any]:
    """The card of an adapter folder.

    Raises:
        ConfigError: no adapter there, or one that this project did not write.
    """
    if not (folder / "adapter_model.safetensors").is_file():
        msg = f"{folder}: no adapter here (adapter_model.safetensors is missing)"
        raise ConfigError(msg)
    path = folder / CARD
    if not path.is_file():
        msg = f"{folder}: {CARD} is missing, so its prompt format is unknown"
        raise ConfigError(msg)
    card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return card


@dataclass(frozen=True, slots=True)
class Adapters:
    """Three checked adapters: they share a base model and a prompt format."""

    folders: dict[str, Path]
    base: Base
    format: formats.Format
    sha256: dict[str, str]


def folders_of(given: Sequence[str]) -> dict[str, str]:
    """Adapter folders from `RUN` or `ir=… kg=… dr=…`.

    Raises:
        ConfigError: neither of the two, or a role is missing.
    """
    if len(given) == 1 and "=" not in given[0]:
        run = Path(given[0])
        if not (run / "adapters").is_dir():
            msg = f"{run}: no adapters there; name a folder that lorid-train sft has finished"
            raise ConfigError(msg)
        return {r: str(run / "adapters" / r) for r in ROLES}
    pairs = dict(g.partition("=")[::2] for g in given)
    if set(pairs) != set(ROLES):
        msg = f"--adapters takes a run folder, or ir=… kg=… dr=…; got {list(given)}"
        raise ConfigError(msg)
    return pairs


def check(folders: Mapping[str, str], base: str | None) -> Adapters:
    """Read the adapters' cards and refuse what does not fit together.

    Raises:
        ConfigError: an adapter is missing, of another role, format or base model; all problems.
    """
    paths = {r: Path(folders[r]) for r in ROLES}
    cards = {r: read_card(p) for r, p in paths.items()}
    named = {str(c["base"]) for c in cards.values()}
    chosen = resolve(base or sorted(named)[0], cards["ir"].get("base_revision"))
    problems = []
    for r, card in cards.items():
        if card["role"] != r:
            problems.append(
                f"{paths[r]}: was trained for the role {card['role']!r}, given as {r!r}"
            )
        if card["base_fingerprint"] != chosen.fingerprint:
            problems.append(
                f"{paths[r]}: was trained on another base model ({card['base']!r}, "
                f"{card['base_fingerprint']}), not on {chosen.name!r} ({chosen.fingerprint}); "
                "name its base with --base"
            )
        known = formats.load(card["format"])
        if known.sha256 != card["format_sha256"]:
            problems.append(
                f"{paths[r]}: its format {card['format']!r} differs from the one known here"
            )
    if len({c["format"] for c in cards.values()}) > 1:
        problems.append(
            f"the adapters use several formats: { {r: c['format'] for r, c in cards.items()} }"
        )
    if problems:
        raise ConfigError(*problems)
    sha = {r: sha256_file(p / "adapter_model.safetensors") for r, p in paths.items()}
    return Adapters(paths, chosen, formats.load(cards["ir"]["format"]), sha)

"""The command `rounds`."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def rounds(config: Path, *, out: str | None = None) -> None:
    """Train on one's own agreed draws, round after round, until validation no longer gains.

    Each round: evaluate on fresh questions, export the draws that the rule chooses, sft from the
    last adapters. Resumable; the best round is named at the end.

    Args:
        config: YAML file: run, fresh, validation, out, rounds, and what is drawn and trained.
        out: Folder of the rounds, instead of the file's.
    """
    from lorid_data.commandline import result
    from lorid_data.commandline.options import read_yaml, secrets_in
    from lorid_data.errors import ConfigError
    from lorid_train.config import parse
    from lorid_train.rounds.run import best_adapters, run_rounds
    from lorid_train.rounds.settings import RoundsConfig

    body: dict[str, Any] = read_yaml(config)
    if problems := secrets_in(body, str(config)):
        raise ConfigError(*problems)
    parsed = parse(RoundsConfig, body | ({"out": out} if out else {}), str(config))
    manifest = run_rounds(parsed)
    adapters = best_adapters(parsed, manifest)
    f = manifest.figures
    accuracy = ", ".join(f"{a:.1%}" for a in f["accuracy"])
    named = " ".join(f"{role}={folder}" for role, folder in adapters.items())
    best = f"round {f['best_round']}" if f["best_round"] else "the start: no round gained"
    lines = [f"validation accuracy, the start first: {accuracy}", f"ended: {f['ended']}"]
    lines += [f"best: {best}", f"adapters: {named}"]
    result.show("\n".join(lines), {"out": parsed.out, "adapters": adapters, **f})

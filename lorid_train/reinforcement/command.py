"""The command `rl`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lorid_data.commandline.options import read_yaml, secrets_in
from lorid_data.commandline.result import show, tell


def rl(
    config: Path,
    *,
    role: str | None = None,
    out: str | None = None,
    blind: bool = False,
    dry_run: bool = False,
) -> None:
    """Train a role's adapter further on its own answers, paid for by gold or by the consensus of stored draws.

    Prompts are those of sft, answers are drawn as an evaluation draws them. Accuracy on labelled questions is
    watched: the best adapter is kept, and training stops where the reward rises while accuracy falls.

    Args:
        config: YAML file: init, role, data, reward, draws, validation, out, and what `grpo` changes of TRL's GRPOConfig.
        role: Which role, instead of the file's.
        out: Run folder, instead of the file's.
        blind: Train without labelled validation questions; the adapter's card says so.
        dry_run: Print the plan and stop; nothing is written.
    """
    from lorid_data.errors import ConfigError
    from lorid_train.config import parse
    from lorid_train.reinforcement.arguments import check_keys
    from lorid_train.reinforcement.settings import RlConfig

    body: dict[str, Any] = read_yaml(config)
    if problems := secrets_in(body, str(config)):
        raise ConfigError(*problems)
    body |= {k: v for k, v in {"role": role, "out": out, "blind": blind}.items() if v}
    parsed = parse(RlConfig, body, str(config))
    check_keys(parsed)
    from lorid_train.reinforcement import stage  # seconds of imports, for what can be run

    if dry_run:
        lines: list[str] = []
        stage.dry_run(parsed, lines.append)
        show("\n".join(lines))
        return
    manifest = stage.train(parsed, say=tell)
    from lorid_train.reinforcement.curves import sentence
    from lorid_train.training.curves import PAGE

    folder = Path(parsed.out)
    said = [sentence(name, made) for name, made in manifest.figures.items()]
    said += [f"curves: {folder / PAGE}", f"adapters: {folder / 'adapters'}"]
    show("\n".join(said), {"out": str(folder), "roles": manifest.figures})

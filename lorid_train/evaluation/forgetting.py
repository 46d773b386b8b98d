"""What training the adapters cost elsewhere: the loss of base and adapters on a text of the user's.

The text is cut into parts of equal length in tokens; every model reads the same parts, so that
the differences are paired. Loss is the mean negative log-likelihood per token, in nats.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.files import sha256_file
from lorid_data.folders.parquet import read_rows, write_rows
from lorid_data.schema import FrozenModel
from lorid_train.config import EvalConfig
from lorid_train.metrics.intervals import bootstrap_ratio, is_known
from lorid_train.metrics.rows import Metric
from lorid_train.models import base_model
from lorid_train.models.adapters import Adapters

FILE = "text_loss.parquet"
PART_TOKENS = 256
"""Tokens of a part; the first of them is read, not predicted."""
BASE = "base"


class TextLoss(FrozenModel):
    """The loss of one model on one part of the text."""

    model: str
    """base, or a role's name."""
    part: int
    n_tokens: int
    """Tokens predicted."""
    loss_sum: float
    """Sum of their negative log-likelihoods, in nats."""


def text_sha256(config: EvalConfig) -> str | None:
    """sha256 of the text file, or None where no text was named.

    Raises:
        ConfigError: the file cannot be read as text, or the engine has no model to read it with.
    """
    if config.text is None:
        return None
    if config.engine != "transformers":
        raise ConfigError(
            "--text needs --engine transformers: a server does not give the loss of a text"
        )
    read_text(Path(config.text))
    return sha256_file(Path(config.text))


def read_text(path: Path) -> str:
    """The text to measure on.

    Raises:
        InputError: no such file, not UTF-8, or nothing in it.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise InputError(f"--text {path}: cannot be read as UTF-8 text ({e})") from e
    if not text.strip():
        raise InputError(f"--text {path}: the file is empty")
    return text


def measure(config: EvalConfig, adapters: Adapters, out: Path) -> None:
    """Write the losses of base and adapters to the evaluation folder; once."""
    if (out / FILE).is_file():
        return
    import torch

    from lorid_train.engines.loading import with_adapters

    assert config.text is not None
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = base_model.load_tokenizer(adapters.base)
    dtype = config.dtype or ("bfloat16" if device == "cuda" else "float32")
    ids = tokenizer.encode(read_text(Path(config.text)), add_special_tokens=False)
    parts = [ids[i : i + PART_TOKENS] for i in range(0, len(ids), PART_TOKENS)]
    parts = [p for p in parts if len(p) > 1]
    if not parts:
        raise InputError(f"--text {config.text}: fewer than two tokens")
    model = base_model.load_model(adapters.base, dtype).to(device).eval()
    rows = _losses(BASE, model, parts)
    for role, folder in adapters.folders.items():
        tuned = with_adapters(model, {role: folder}, device)
        rows += _losses(role, tuned, parts)
        model = tuned.unload()
    write_rows(out / FILE, TextLoss, rows)


def _losses(name: str, model: Any, parts: Sequence[Sequence[int]]) -> list[TextLoss]:
    """The loss of a model on each part, read one by one: memory does not grow with the text."""
    import torch

    found = []
    device = next(model.parameters()).device
    with torch.inference_mode():
        for i, part in enumerate(parts):
            ids = torch.tensor([part], device=device)
            logits = model(input_ids=ids, use_cache=False).logits[0, :-1].float()
            loss = torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="sum")
            found.append(TextLoss(model=name, part=i, n_tokens=len(part) - 1, loss_sum=float(loss)))
    return found


def read(folder: Path) -> list[Metric]:
    """The metrics of an evaluation folder's losses; none where no text was measured."""
    path = folder / FILE
    return metrics_of(read_rows(path, TextLoss)) if path.is_file() else []


def metrics_of(rows: Sequence[TextLoss]) -> list[Metric]:
    """`text_loss` of each model and `text_loss_added` of each adapter, in nats per token.

    Intervals are bootstraps over the parts of the text; the difference is paired.
    """
    by_model: dict[str, list[TextLoss]] = {}
    for row in sorted(rows, key=lambda r: r.part):
        by_model.setdefault(row.model, []).append(row)
    found = []
    for name, of in by_model.items():
        n_tokens = [float(r.n_tokens) for r in of]
        losses = [r.loss_sum for r in of]
        found.append(_ratio(name, "text_loss", losses, n_tokens))
        if name != BASE:
            added = [r.loss_sum - b.loss_sum for r, b in zip(of, by_model[BASE], strict=True)]
            found.append(_ratio(name, "text_loss_added", added, n_tokens))
    return found


def _ratio(name: str, metric: str, sums: list[float], n_tokens: list[float]) -> Metric:
    found = bootstrap_ratio(sums, n_tokens)
    low, high = found if is_known(found) else (None, None)
    return Metric(
        system=name, metric=metric, value=sum(sums) / sum(n_tokens), n=len(sums), ci_low=low,
        ci_high=high, method="part-bootstrap", slice="text",
    )  # fmt: skip

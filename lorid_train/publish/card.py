"""The card of published adapters: what its template shows, out of cards, figures and metrics. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lorid_data.cards.licences import front_matter
from lorid_data.cards.render import render
from lorid_data.errors import ConfigError
from lorid_data.folders.manifests import manifest_sha256, read_manifest
from lorid_data.folders.parquet import read_rows
from lorid_data.schema import Record
from lorid_train.config import STUDENT
from lorid_train.metrics.files import read_metrics
from lorid_train.metrics.rows import Metric
from lorid_train.metrics.trained import warning
from lorid_train.publish.contents import TrainedAdapter, shown_prompt

if TYPE_CHECKING:
    from huggingface_hub import EvalResult, ModelCardData

TEMPLATE = "adapter.md.jinja"
NAMES = {
    "ir": "Intuitive Reasoner",
    "kg": "Knowledge Generator",
    "dr": "Deep Reasoner",
    "ks": "control KS (knowledge, then solution)",
    "ird": "control IRD (Intuitive Reasoner, trained on knowledge too)",
    "cg": "Code Generator",
}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An evaluation of the adapters, as a card shows it.

    Attributes:
        dataset: `source/split` of its rows.
        metrics: all of its metrics over all rows.
        sha256: of its manifest.
    """

    dataset: str
    n: int
    settings: dict[str, Any]
    metrics: tuple[Metric, ...]
    sha256: str

    @property
    def trained(self) -> str | None:
        """What must be read before its numbers: questions that were trained on."""
        return warning(self.metrics)


def read_evaluation(folder: Path, weights: Mapping[str, str]) -> Evaluation:
    """An evaluation folder.

    Args:
        folder: as `lorid-train evaluate` wrote it.
        weights: sha256 of the weights that are published, by role.

    Raises:
        ConfigError: it is none, or it evaluated other adapters.
    """
    manifest = read_manifest(folder)
    if manifest.stage != "evaluate":
        msg = f"{folder}: a folder of {manifest.stage!r}, not of lorid-train evaluate"
        raise ConfigError(msg)
    seen = manifest.identity["adapters_sha256"]
    # An evaluation may have drawn fewer roles than are published; not one of them is another's.
    others = [r for r, sha in weights.items() if r in seen and seen[r] != sha]
    others = others or ([] if set(seen) & set(weights) else list(weights))
    if others:
        msg = f"{folder}: evaluated other adapters for {', '.join(others)} than are published; evaluate these"
        raise ConfigError(msg)
    records = read_rows(folder / "records.parquet", Record)
    named = sorted({f"{r.source}/{r.split}" for r in records})
    keys = ("rounds", "rule", "fallback", "temperature", "top_p", "top_k", "max_new_tokens", "seed", "dtype")  # fmt: skip
    return Evaluation(
        dataset=", ".join(named),
        n=len(records),
        settings={k: manifest.identity.get(k) for k in keys}
        | {f"{r} is played by": w for r, w in manifest.settings.get("players", {}).items()},
        metrics=tuple(m for m in read_metrics(folder / "metrics.json") if m.slice is None),
        sha256=manifest_sha256(folder),
    )


@dataclass(frozen=True, slots=True)
class CardFields:
    """What a user says in a card; nothing of it is guessed.

    Attributes:
        dataset_id: where the training data is published.
        repos: repository (and folder in it) of each published role.
    """

    licence: str | None
    dataset_id: str | None
    base: tuple[str, str | None]
    repos: Mapping[str, str]
    tag: str


def adapter_card(
    roles: Sequence[TrainedAdapter],
    evaluations: Sequence[Evaluation],
    words: CardFields,
    repo_id: str,
) -> str:
    """The README of a repository with one adapter, or with several in folders.

    Args:
        roles: the adapters in this repository.
        evaluations: of all roles together.
        words: what the user says.
        repo_id: `owner/name`.
    """
    context = {
        "title": repo_id.partition("/")[2],
        "repo_id": repo_id,
        "roles": [_role(r) for r in roles],
        "is_one": len(roles) == 1,
        "names": NAMES,
        "base": words.base[0],
        "base_revision": words.base[1],
        "has_rows": any(r.config.get("trainable_token_indices") for r in roles),
        "is_student": words.base[0] == STUDENT,
        "rank": _served_rank(max(int(r.config["r"]) for r in roles)),
        "repos": dict(words.repos),
        "in_folders": any(":" in where for where in words.repos.values()),
        "tag": words.tag,
        "licence": words.licence,
        "dataset_id": words.dataset_id,
        "evaluations": evaluations,
    }
    return render(TEMPLATE, card_data(evaluations, words, repo_id), context)


def _served_rank(rank: int) -> int:
    """The smallest `--max-lora-rank` of vLLM that holds a rank."""
    return next((n for n in (8, 16, 32, 64, 128, 256, 320, 512) if n >= rank), rank)


def card_data(evaluations: Sequence[Evaluation], words: CardFields, repo_id: str) -> ModelCardData:
    """The front matter: base model, library, licence, and the evaluation as model-index."""
    from huggingface_hub import ModelCardData

    more: dict[str, Any] = front_matter({words.licence}) if words.licence else {}
    if words.base[0] != STUDENT:
        more["base_model"] = words.base[0]
    if words.dataset_id:
        more["datasets"] = [words.dataset_id]
    results = [r for e in evaluations for r in _results(e)]
    if results:
        more |= {"model_name": repo_id.partition("/")[2], "eval_results": results}
    return ModelCardData(
        library_name="peft",
        pipeline_tag="text-generation",
        tags=["lorid", "lora", "mathematics"],
        **more,
    )


def _results(evaluation: Evaluation) -> list[EvalResult]:
    from huggingface_hub import EvalResult

    return [
        EvalResult(
            task_type="text-generation",
            dataset_type=evaluation.dataset,
            dataset_name=evaluation.dataset,
            metric_type=m.metric,
            metric_name=f"{m.metric}, {m.system}",
            metric_value=m.value,
            metric_args={"n": m.n, "ci_low": m.ci_low, "ci_high": m.ci_high, "method": m.method},
        )
        for m in evaluation.metrics
        if m.metric == "accuracy" and m.value is not None
    ]


def _role(role: TrainedAdapter) -> dict[str, Any]:
    c, t = role.config, role.training
    targets = c.get("target_modules") or []
    return {
        "name": role.name,
        "card": role.card,
        "prompt": shown_prompt(role),
        "rank": c["r"],
        "alpha": c.get("lora_alpha"),
        "dropout": c.get("lora_dropout"),
        "targets": ", ".join(sorted(targets) if isinstance(targets, list) else [str(targets)]),
        "n_rows": t.get("n_rows"),
        "n_target_tokens": t.get("n_target_tokens"),
        "n_steps": t.get("n_steps"),
        "n_parameters": t.get("n_trainable_parameters"),
        "difficulty": t.get("difficulty"),
    }

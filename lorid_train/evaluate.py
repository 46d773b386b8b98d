"""One evaluation, from adapters and a dataset to draws, outcomes, metrics and a report.

The order: greedy draws, the interaction loop, further IR draws for majority voting at the loop's
token cost, then scoring. Gold answers are read after the last draw has been made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lorid_data.errors import ConfigError, InputError
from lorid_data.progress import Progress
from lorid_data.schema import Manifest, Record
from lorid_data.store import Stage, manifest_sha256, open_stage, read_records, sha256_file
from lorid_train import base_model, formats, interaction, metrics
from lorid_train.base_model import Base
from lorid_train.config import EvalConfig
from lorid_train.draws import DrawLog
from lorid_train.engines.base import Engine, Sampling
from lorid_train.roles import knowledge_text

DRAWS = "draws.jsonl"
ROLES = ("ir", "kg", "dr")
_MAY_CHANGE = {"adapters", "base", "dataset", "out", "batch_size"}
"""Paths (their content is hashed instead) and what changes no result."""


@dataclass(frozen=True, slots=True)
class Adapters:
    """Three checked adapters: they share a base model and a prompt format."""

    folders: dict[str, Path]
    base: Base
    format: formats.Format
    sha256: dict[str, str]


def adapter_folders(given: Sequence[str]) -> dict[str, str]:
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


def check_adapters(folders: Mapping[str, str], base: str | None) -> Adapters:
    """Read the adapters' cards and refuse what does not fit together.

    Raises:
        ConfigError: an adapter is missing, of another role, format or base model; all problems.
    """
    paths = {r: Path(folders[r]) for r in ROLES}
    cards = {r: base_model.read_adapter_card(p) for r, p in paths.items()}
    named = {str(c["base"]) for c in cards.values()}
    chosen = base_model.resolve(base or sorted(named)[0], cards["ir"].get("base_revision"))
    problems = []
    for r, card in cards.items():
        if card["role"] != r:
            problems.append(f"{paths[r]}: was trained for the role {card['role']!r}, given as {r!r}")
        if card["base_fingerprint"] != chosen.fingerprint:
            problems.append(
                f"{paths[r]}: was trained on another base model ({card['base']!r}, "
                f"{card['base_fingerprint']}), not on {chosen.name!r} ({chosen.fingerprint}); "
                "name its base with --base"
            )
        known = formats.load(card["format"])
        if known.sha256 != card["format_sha256"]:
            problems.append(f"{paths[r]}: its format {card['format']!r} differs from the one known here")
    if len({c["format"] for c in cards.values()}) > 1:
        problems.append(f"the adapters use several formats: { {r: c['format'] for r, c in cards.items()} }")
    if problems:
        raise ConfigError(*problems)
    sha = {r: sha256_file(p / "adapter_model.safetensors") for r, p in paths.items()}
    return Adapters(paths, chosen, formats.load(cards["ir"]["format"]), sha)


def make_engine(config: EvalConfig, adapters: Adapters) -> Engine:
    """The transformers engine with the three adapters loaded on one base."""
    import torch

    from lorid_train.engines.transformers import TransformersEngine, load_model

    if config.threads:
        torch.set_num_threads(config.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = config.dtype or ("bfloat16" if device == "cuda" else "float32")
    tokenizer = base_model.load_tokenizer(adapters.base)
    model = load_model(
        adapters.base.source,
        adapters.folders,
        dtype=dtype,
        device=device,
        revision=adapters.base.revision,
    )
    fmt = adapters.format

    def render(content: str) -> str:
        # The chat format's text is the tokenizer's to make.
        return fmt.render(content) if fmt.prompt else tokenizer.decode(fmt.prompt_ids(tokenizer, content))

    return TransformersEngine(
        model=model,
        encode=lambda content: fmt.prompt_ids(tokenizer, content),
        render=render,
        decode=lambda ids: tokenizer.decode(ids, skip_special_tokens=True),
        stop_ids=fmt.stop_ids(tokenizer),
        batch_size=config.batch_size,
    )


def select(dataset: Path, split: str | None, limit: int | None) -> list[Record]:
    """The records to evaluate on: one per question, the first of each.

    Raises:
        InputError: none is left.
    """
    by_problem: dict[str, Record] = {}
    for record in read_records(dataset):
        if split in (None, record.split):
            by_problem.setdefault(record.problem_id, record)
    chosen = list(by_problem.values())[:limit]
    if not chosen:
        msg = f"{dataset}: no rows" + (f" of split {split!r}" if split else "") + " to evaluate on"
        raise InputError(msg)
    return chosen


def evaluate(config: EvalConfig) -> Manifest:
    """Draw what is missing, score, report; do nothing where that has been done.

    Raises:
        ConfigError: adapters or dataset cannot be used; nothing was written.
    """
    adapters = check_adapters(config.adapters, config.base)
    records = select(Path(config.dataset), config.split, config.limit)
    identity = {
        **config.model_dump(mode="json", exclude=_MAY_CHANGE),
        "adapters_sha256": adapters.sha256,
        "base_sha256": adapters.base.fingerprint,
        "format": adapters.format.name,
        "format_sha256": adapters.format.sha256,
        "dataset_sha256": manifest_sha256(Path(config.dataset)),
    }
    settings = {
        "base": adapters.base.name, "dataset": config.dataset, "batch_size": config.batch_size,
        "adapters": {r: str(p) for r, p in adapters.folders.items()},
    }  # fmt: skip
    stage_of = open_stage(
        Path(config.out), "evaluate", identity=identity, settings=settings, same_settings=lambda *_: True
    )
    with stage_of as stage:
        if stage.done is not None:
            return stage.done
        log = DrawLog(stage.out / DRAWS)
        try:
            n_ir_rounds = draw_all(config, records, log, lambda: make_engine(config, adapters))
            return score(config, records, log, n_ir_rounds, stage)
        finally:
            log.close()


def draw_all(config: EvalConfig, records: list[Record], log: DrawLog, make: Any) -> int:
    """Make every draw that the log lacks; return up to which round IR was drawn for voting.

    `make` returns the engine; it is called even where nothing is missing only if a draw is.
    """
    ids = [r.problem_id for r in records]
    gold = {r.problem_id: knowledge_text(r.knowledge) for r in records if r.knowledge}
    sampling = Sampling(config.temperature, config.top_p, config.top_k, config.max_new_tokens)
    with Progress("evaluate", None, done=len(log)) as progress:
        asker = interaction.Asker(
            engine=_Lazy(make),
            log=log,
            questions={r.problem_id: r.as_question() for r in records},
            sampling=sampling,
            gold_knowledge=gold,
            on_draw=lambda d: progress.advance(tokens=d.n_tokens),
        )
        asker.draw(interaction.Wanted(interaction.greedy_keys(ids, config.seed, gold=gold)))
        exhaustive = config.schedule == "exhaustive"
        loop = interaction.Loop(
            ids, log, seed=config.seed, rounds=config.rounds, rule=config.rule, exhaustive=exhaustive
        )
        asker.draw(loop)
        n_votes = config.rounds if exhaustive else 0
        if not exhaustive:
            n_votes = _draw_votes(config, ids, log, asker)
    return n_votes


def _draw_votes(config: EvalConfig, ids: Sequence[str], log: DrawLog, asker: interaction.Asker) -> int:
    """Draw IR for majority voting until it has cost what the loop cost; return the rounds drawn."""
    of_loop = [
        d
        for d in interaction.used(log.draws(), ids, config.seed, rule=config.rule, rounds=config.rounds)
        if d.condition == interaction.SAMPLED
    ]
    budget = sum(d.n_tokens for d in of_loop) / len(ids)
    n_votes = metrics.votes_needed([[d.n_tokens] for d in of_loop if d.role == "ir"], budget)
    while True:
        keys = interaction.sampled_keys(ids, config.seed, "ir", n_votes)
        asker.draw(interaction.Wanted(keys))
        costs = [[log[k].n_tokens for k in keys if k.problem_id == i] for i in ids]
        if metrics.votes_within(costs, budget) is not None:
            return n_votes
        n_votes += 1


class _Lazy:
    """An engine that is made when it is first asked: a finished log needs no model."""

    def __init__(self, make: Any) -> None:
        self._make, self._engine = make, None

    def __getattr__(self, name: str) -> Any:
        if self._engine is None:
            self._engine = self._make()
        return getattr(self._engine, name)


def score(
    config: EvalConfig, records: list[Record], log: DrawLog, n_ir_rounds: int, stage: Stage
) -> Manifest:
    """Grade the draws and write outcomes, metrics and the report. Here the gold answers enter."""
    ids = [r.problem_id for r in records]
    rounds = config.rounds
    if config.schedule == "exhaustive":
        draws = list(log.draws().values())
    else:
        draws = interaction.used(
            log.draws(), ids, config.seed, rule=config.rule, rounds=rounds, n_ir_rounds=n_ir_rounds
        )
    stage.figures["n_ir_rounds"] = n_ir_rounds
    stage.figures["n_draws"] = len(draws)
    write_rows(stage.out / RECORDS, Record, records)
    view = report.view(stage.out.name, records, draws, rule=config.rule, rounds=rounds, fallback=config.fallback)
    report.write(stage.out, view)
    return stage.finish(n_in=len(records), n_kept=len(records), n_rejected={})

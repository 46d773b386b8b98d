"""The rounds: evaluate on fresh questions → export the chosen draws → sft → look at validation; keep the best."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from lorid_data.commandline.progress import say
from lorid_data.errors import ConfigError, InputError
from lorid_data.folders.evaluations import DRAWS
from lorid_data.folders.manifests import manifest_sha256, read_manifest
from lorid_data.folders.parquet import read_rows
from lorid_data.folders.stage import open_stage
from lorid_data.schema import Manifest, Record
from lorid_train.config import EvalConfig, TrainConfig
from lorid_train.evaluation.drawn_rows import Wanted, export_draws
from lorid_train.evaluation.evaluate import OUTCOMES, evaluate
from lorid_train.metrics.rows import Outcome, Verdict
from lorid_train.models import base_model
from lorid_train.models.adapters import folders_of
from lorid_train.rounds.questions import parts, write_part
from lorid_train.rounds.settings import RoundsConfig
from lorid_train.training.arguments import make_args
from lorid_train.training.early import early_problems, refused
from lorid_train.training.sft import train

STAGE = "rounds"
NEEDED = ("ir", "kg", "dr")
_PATHS = {"run", "fresh", "validation", "out", "base", "batch_size", "threads"}
"""Paths (the content is hashed instead), and what changes no result."""


@dataclass(slots=True)
class _State:
    """How far the rounds have come.

    Attributes:
        adapters: of each role, the adapter as the last round left it.
        best: round with the best validation accuracy, 0 for the start; the earliest of equals.
        accuracy: of the start and of each round, in order.
        rounds: what each round was made of.
        ended: why there is no further one.
    """

    adapters: dict[str, str]
    accuracy: list[float] = field(default_factory=list)
    best: int = 0
    rounds: list[dict[str, Any]] = field(default_factory=list)
    ended: str = "all rounds were made"


def run_rounds(config: RoundsConfig) -> Manifest:
    """Make the rounds that are missing; nothing where all is done.

    The manifest's figures say what each round gave, which is the best and why they ended.

    Raises:
        ConfigError: the run, the questions or the settings cannot be used; nothing was written.
        StageError: a step failed; what was finished stays.
    """
    adapters = _opened(config)
    questions = parts(config)
    identity = {
        **config.model_dump(mode="json", exclude=_PATHS),
        "run_sha256": manifest_sha256(Path(config.run)),
        "fresh_sha256": manifest_sha256(Path(config.fresh)),
        "validation_sha256": manifest_sha256(Path(config.validation)),
    }
    settings = {n: getattr(config, n) for n in ("run", "fresh", "validation")}
    out = Path(config.out)
    with open_stage(
        out, STAGE, identity=identity, settings=settings, same_settings=lambda *_: True
    ) as stage:
        if stage.done is not None:
            return stage.done
        state = _State(adapters)
        state.accuracy.append(_validated(config, state, out / "0"))
        say(f"rounds: the start answers {state.accuracy[0]:.1%} of the validation questions")
        for number, records in enumerate(questions, 1):
            if not _round(config, state, records, number):
                break
        stage.libraries += base_model.LIBRARIES
        stage.varying = frozenset({DRAWS, "training.html", "speed.jsonl"})
        stage.figures = {
            "accuracy": state.accuracy, "best_round": state.best, "ended": state.ended, "rounds": state.rounds,
        }  # fmt: skip
        return stage.finish(n_in=len(state.rounds), n_kept=len(state.rounds), n_rejected={})


def best_adapters(config: RoundsConfig, manifest: Manifest) -> dict[str, str]:
    """By role, the adapter that the best round left: that of the start where no round gained."""
    found = folders_of([config.run])
    best = int(manifest.figures["best_round"])
    if best:
        found |= {r: _adapter(config, best, r) for r in config.roles}
    return {r: found[r] for r in NEEDED}


def _opened(config: RoundsConfig) -> dict[str, str]:
    """The adapters of the run to begin with.

    Raises:
        ConfigError: it is no run, or one of the loop's roles is missing.
    """
    read_manifest(Path(config.run))
    found = folders_of([config.run])
    missing = [r for r in NEEDED if r not in found]
    if missing:
        raise ConfigError(
            f"run {config.run}: holds no adapter for {', '.join(missing)}; the draws are made by all three roles"
        )
    _check_training(config, found)
    return {r: found[r] for r in NEEDED}


def _check_training(config: RoundsConfig, adapters: dict[str, str]) -> None:
    """Look at the settings of the further training before hours of drawing come to it.

    Raises:
        ConfigError: keys or values that it would refuse; all of them.
    """
    folder = Path(config.out) / "1"
    training = _training(config, _State(adapters), folder)
    problems = early_problems(training)
    problems += [] if problems else refused(partial(make_args, training, r, folder) for r in training.roles)  # fmt: skip
    if problems:
        raise ConfigError(*dict.fromkeys(problems))


def _round(config: RoundsConfig, state: _State, records: list[Record], number: int) -> bool:
    """One round; whether there should be another."""
    folder = Path(config.out) / str(number)
    write_part(config, records, folder / "data", number)
    evaluate(_drawing(config, state, folder))
    try:
        made = {r: _exported(config, folder, r) for r in config.roles}
    except InputError as e:
        state.ended = f"round {number} has nothing to train on: {e}"
        return False
    train(_training(config, state, folder))
    state.adapters |= {r: _adapter(config, number, r) for r in config.roles}
    state.accuracy.append(_validated(config, state, folder))
    state.rounds.append({"accuracy": state.accuracy[-1], **{r: _told(m) for r, m in made.items()}})
    gained = state.accuracy[-1] > state.accuracy[state.best]
    rows = ", ".join(
        f"{r} {m.n_kept:,} rows of {m.figures['coverage_fraction']:.1%} of the questions" for r, m in made.items()
    )  # fmt: skip
    say(f"rounds: round {number}: {rows}; {state.accuracy[-1]:.1%} of the validation questions")
    if gained:
        state.best = number
    else:
        state.ended = f"round {number} gained nothing on the validation questions"
    return gained


def _exported(config: RoundsConfig, folder: Path, role: str) -> Manifest:
    """The rows of one role: each is trained on what it wrote itself."""
    wanted = Wanted(config.rule, (role,), config.cap, without=(Path(config.validation),))
    return export_draws(folder / "draws", folder / "rows" / role, wanted)


def _told(made: Manifest) -> dict[str, Any]:
    """What is said of one export."""
    names = ("coverage_fraction", "label_precision_fraction", "row_precision_fraction")
    return {"n_rows": made.n_kept, **{n: made.figures[n] for n in names}}


def _adapter(config: RoundsConfig, number: int, role: str) -> str:
    return str(Path(config.out) / str(number) / "run" / "adapters" / role)


def _validated(config: RoundsConfig, state: _State, folder: Path) -> float:
    """Greedy accuracy on the validation questions: of IR where it is trained, else of DR on KG's knowledge."""
    is_ir = "ir" in config.roles
    greedy, system = ("ir", "ir-greedy") if is_ir else ("kg-knowledge", "dr-kg-knowledge")
    out = folder / "validation"
    evaluate(
        _evaluation(config, state.adapters, config.validation, out, loop=False, greedy=(greedy,))
    )
    rows = [o for o in read_rows(out / OUTCOMES, Outcome) if o.system == system]
    return sum(o.verdict == Verdict.CORRECT for o in rows) / len(rows)


def _drawing(config: RoundsConfig, state: _State, folder: Path) -> EvalConfig:
    return _evaluation(
        config, state.adapters, str(folder / "data"), folder / "draws", rounds=config.stored_rounds,
        schedule="exhaustive", greedy=(),
    )  # fmt: skip


def _evaluation(
    config: RoundsConfig, adapters: dict[str, str], dataset: str, out: Path, **more: Any
) -> EvalConfig:
    """An evaluation as the configuration samples; near copies of trained questions are no reason to stop."""
    return EvalConfig(
        adapters=adapters, base=config.base, dataset=dataset, out=str(out), votes="none",
        temperature=config.temperature, top_p=config.top_p, top_k=config.top_k,
        max_new_tokens=config.max_new_tokens, seed=config.seed, batch_size=config.batch_size,
        threads=config.threads, allow_trained_questions=True, **more,
    )  # fmt: skip


def _training(config: RoundsConfig, state: _State, folder: Path) -> TrainConfig:
    """The further training, in the format and on the base of the run."""
    first = read_manifest(Path(config.run))
    return TrainConfig(
        base=config.base or str(first.settings["base"]), revision=first.identity.get("revision"),
        init={r: state.adapters[r] for r in config.roles}, data={r: str(folder / "rows" / r) for r in config.roles},
        out=str(folder / "run"), roles=config.roles, format=str(first.identity["format"]),
        template_date=str(first.identity["template_date"]), split=None, max_tokens=config.max_tokens,
        dtype=config.dtype, seed=config.seed, threads=config.threads, sft=config.sft,
    )  # fmt: skip

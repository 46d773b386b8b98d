"""One evaluation, from adapters and a dataset to draws, outcomes, metrics and a report.

`drawing` makes the draws; then they are scored. Gold answers are read after the last draw.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from lorid_data import answers
from lorid_data.commandline.progress import say
from lorid_data.errors import ConfigError, InputError, unknown_key
from lorid_data.folders.draw_lines import sum_of
from lorid_data.folders.evaluations import DRAWS, evaluation
from lorid_data.folders.files import write_text
from lorid_data.folders.manifests import manifest_sha256
from lorid_data.folders.names import MANIFEST, RECORDS
from lorid_data.folders.parquet import read_rows, write_rows
from lorid_data.folders.records import read_records
from lorid_data.folders.stage import Stage, open_stage
from lorid_data.schema import Manifest, Record
from lorid_train.config import EvalConfig, parse
from lorid_train.evaluation import forgetting, planned, programs, servers, timing, trained_on
from lorid_train.evaluation.drawing import draw_all, needed_roles
from lorid_train.evaluation.identity import adapter_configs
from lorid_train.evaluation.usual import with_usual_sampling
from lorid_train.interaction import rule_files, three_way, votes_files
from lorid_train.interaction.draws import DrawLog
from lorid_train.interaction.rule_files import RuleFile
from lorid_train.metrics.grading import GradedProblem
from lorid_train.metrics.rows import Metric, Outcome
from lorid_train.metrics.schedule import as_scheduled
from lorid_train.models import adapters as adapters_of
from lorid_train.models import base_model
from lorid_train.models.adapters import Adapters
from lorid_train.report import targets
from lorid_train.report.reading import DrawFile
from lorid_train.report.view import EvaluationView, Replay, made_for, view_of
from lorid_train.report.writing import check_place, write_metrics, write_report, write_runs

OUTCOMES = "outcomes.parquet"
METRICS = "metrics.json"
RULE = "rule.json"
"""The fitted rule that gives answers their probability, and decides under `weighed`."""
VOTES = "votes.json"
"""What `cg_votes` counts."""
MAY_CHANGE = {
    "adapters", "base", "dataset", "out", "batch_size", "server", "served", "targets", "text", "format", "formats",
    "allow_trained_questions", "rule_file", "votes_file",
}  # fmt: skip
"""Paths and addresses (the content is hashed instead) and what changes no result."""


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
    needed = needed_roles(config)
    adapters = adapters_of.open_adapters(
        config.adapters, config.base, config.format, needed=needed, told=config.formats
    ).pinned()
    config = with_usual_sampling(config, adapters.base)
    records = select(Path(config.dataset), config.split, config.limit)
    targets.parse(config.targets)
    looked = _looked(config, adapters, records)
    rule = chosen_rule(config)
    stated(config, rule, records, str(config.rule_file or "the packaged rule"))
    counted = votes_files.load(config.votes_file)
    counted.refuse_fitted_on(records, str(config.votes_file))
    executor = programs.of(needed)
    engine = servers.factory(config, needed, adapters.wholes)
    settings = {
        "base": adapters.base.name, "dataset": config.dataset, "batch_size": config.batch_size,
        "adapters": adapters.names, "targets": list(config.targets), "players": adapters.players,
    }  # fmt: skip
    stage_of = open_stage(
        Path(config.out),
        "evaluate",
        identity=_identity(config, adapters, executor),
        settings=settings,
        same_settings=lambda *_: True,
    )
    with stage_of as stage:
        if stage.done is not None:
            if DRAWS not in stage.done.files:
                sum_of(stage.out / DRAWS).check(stage.out / DRAWS, stage.done.figures)
            return stage.done
        stage.varying = frozenset({DRAWS})  # in the order in which they were made
        stage.libraries += base_model.LIBRARIES
        if looked is not None:
            trained_on.keep(stage.out, looked)
        trained_on.keep_losses(stage.out, adapters.folders)
        write_text(stage.out / RULE, rule.text())
        if _counts_votes(config):
            write_text(stage.out / VOTES, counted.text())
        answers.prepare()  # the verifier's start must not use up the time of a first pair
        log, start = DrawLog(stage.out / DRAWS), time.monotonic()
        here = adapters.base if config.engine == "transformers" else None
        for line in planned.lines(config, records, here, len(log)):
            say(line)
        try:
            with programs.running(stage.out, executor) as run:
                draw_all(
                    config, records, log, lambda: engine(config, adapters), adapters.prompts, run
                )  # fmt: skip
        finally:
            log.close()
            timing.add(stage.out, time.monotonic() - start)
        if config.text:
            forgetting.measure(config, adapters, stage.out)
        return score(config, adapters, records, stage)


def _identity(
    config: EvalConfig, adapters: Adapters, executor: dict[str, Any] | None
) -> dict[str, Any]:
    """All that decides an evaluation's numbers."""
    identity = {
        **config.model_dump(mode="json", exclude=MAY_CHANGE),
        "adapters_sha256": adapters.sha256,
        "adapter_configs_sha256": adapter_configs(adapters),
        "base_sha256": adapters.base.fingerprint,
        "tokenizer_sha256": adapters.base.tokenizer,
        "format": adapters.format.name,
        "format_sha256": adapters.format.sha256,
        "dataset_sha256": manifest_sha256(Path(config.dataset)),
        "text_sha256": forgetting.text_sha256(config),
    }
    if config.abstain_below is None:  # folders of earlier releases do not name it
        del identity["abstain_below"]
    if config.rule == "weighed" or config.rule_file:
        identity["rule_sha256"] = chosen_rule(config).sha256
    if _counts_votes(config):
        identity["votes_sha256"] = votes_files.load(config.votes_file).sha256
    if executor is not None:
        identity["execution"] = executor
    if adapters.wholes:
        identity["wholes"] = {r: w.identity for r, w in adapters.wholes.items()}
    return identity


def _counts_votes(config: EvalConfig) -> bool:
    """Whether the votes of a file, or one vote each, belong to what an evaluation is: `cg_votes` is reported under any rule."""
    return config.rule == "cg_votes" or config.votes_file is not None


def _looked(
    config: EvalConfig, adapters: Adapters, records: Sequence[Record]
) -> trained_on.Looked | None:
    """Which questions were trained on; None where a finished folder says so already.

    Raises:
        ConfigError: some were, and that was not allowed.
    """
    if (Path(config.out) / MANIFEST).is_file():
        return None
    looked = trained_on.look(adapters.folders, records, tuple(adapters.wholes))
    trained_on.refuse(looked, records, allowed=config.allow_trained_questions)
    return looked


def score(config: EvalConfig, adapters: Adapters, records: list[Record], stage: Stage) -> Manifest:
    """Grade the draws and write outcomes, metrics and the report. Here the gold answers enter."""
    write_rows(stage.out / RECORDS, Record, records)
    shown = {"base": adapters.base.name, "format": adapters.format.name}
    view = _view(stage.out, config, shown | _played(adapters.players))
    write_rows(
        stage.out / OUTCOMES, Outcome, [o for rows in view.scored.outcomes.values() for o in rows]
    )
    write_metrics(view, stage.out / METRICS)
    write_report([view], stage.out / "report.html")
    stage.figures = sum_of(stage.out / DRAWS).figures()
    return stage.finish(n_in=len(records), n_kept=len(records), n_rejected={})


def chosen_rule(config: EvalConfig, folder: Path | None = None) -> RuleFile:
    """The fitted rule that is named, else the one that an evaluation folder keeps, else the packaged one."""
    kept = None if folder is None or not (folder / RULE).is_file() else folder / RULE
    return rule_files.load(config.rule_file or kept)


def stated(config: EvalConfig, rule: RuleFile, records: Sequence[Record], where: str) -> bool:
    """Whether answers state a probability: not on questions that the packaged rule was fitted on.

    Raises:
        ConfigError: there are such questions, and the rule is asked for by name, to decide or to withhold; or
            something is asked for that would change nothing.
    """
    _refuse_without_effect(config)
    is_asked = config.rule == "weighed" or config.rule_file or config.abstain_below is not None
    if is_asked:
        rule.refuse_fitted_on(records, where)
    return not rule.fitted_on(records)


def _refuse_without_effect(config: EvalConfig) -> None:
    """Refuse options that the rule would pass over in silence.

    Raises:
        ConfigError: with all of them.
    """
    problems = three_way.without_effect(config.rule, config.fallback, config.abstain_below)
    if problems:
        raise ConfigError(*problems)


def _played(players: Mapping[str, str]) -> dict[str, Any]:
    """Who plays the roles that no adapter plays, among the settings of a report."""
    return {"played_by": dict(players)} if players else {}


def unasked(config: EvalConfig, system: str) -> str | None:
    """That an evaluation was not asked for a system; None where it was."""
    role, _, condition = system.partition("-")
    if condition == "greedy" or condition.endswith("-knowledge"):
        option = role if condition == "greedy" else condition
        return None if option in config.greedy else f"it was not asked for (--greedy {option})"
    return None if config.loop else "it was not asked for (--no-loop)"


def run_names(folders: Sequence[Path]) -> list[str]:
    """What runs are called: the last parts of their paths, as many as tell them apart."""
    parts = [f.resolve().parts[1:] or f.resolve().parts for f in folders]
    for n in range(1, max(map(len, parts)) + 1):
        found = ["/".join(p[-n:]) for p in parts]
        if len(set(found)) == len(set(parts)):
            return found
    return ["/".join(p) for p in parts]


def _replay(folder: Path, config: EvalConfig, rule: RuleFile, *, is_stated: bool) -> Replay:
    """How a configuration decides the draws of a folder."""
    kept = folder / VOTES if (folder / VOTES).is_file() else None
    return Replay(
        config.rounds, config.rule, config.fallback, rule.weigher(), config.abstain_below,
        votes_files.load(config.votes_file or kept).votes, is_stated,
    )  # fmt: skip


_VOTED: Mapping[str, tuple[str, ...]] = {"all": ("ir", "dr"), "ir": ("ir",), "none": ()}
"""The roles that are drawn on for majority voting."""


def _view(
    folder: Path,
    config: EvalConfig,
    settings: Mapping[str, Any],
    name: str | None = None,
    asked: EvalConfig | None = None,
) -> EvaluationView:
    """One evaluation as `config` decides it; `asked` is by what it was drawn, where that is another."""
    records = list(read_rows(folder / RECORDS, Record))
    rule = chosen_rule(config, folder)
    kept = folder / VOTES if (folder / VOTES).is_file() else None
    counted = votes_files.load(config.votes_file or kept)
    counted.refuse_fitted_on(records, str(config.votes_file or folder))
    is_stated = stated(config, rule, records, str(config.rule_file or folder))
    extra: list[Metric] = [*trained_on.metrics(folder, len(records)), *forgetting.read(folder)]
    return view_of(
        name or folder.name,
        records,
        DrawFile(folder / DRAWS),
        replay=_replay(folder, config, rule, is_stated=is_stated),
        asked=None
        if asked is None
        else _replay(folder, asked, chosen_rule(asked, folder), is_stated=False),
        exhaustive=config.schedule == "exhaustive",
        voted=_VOTED[config.votes],
        samples=config.samples,
        unasked=partial(unasked, config),
        settings={
            **settings,
            **config.model_dump(mode="json", exclude=MAY_CHANGE | {"abstain_below"}),
        },
        extra=extra,
        training=trained_on.losses(folder),
        targets=targets.parse(config.targets),
        draw_s=timing.read(folder),
        executed=programs.times(folder),
    )


def _asked(folder: Path, manifest: Manifest) -> dict[str, Any]:
    """What a finished evaluation was asked for, as a configuration has it."""
    body = {k: v for k, v in manifest.identity.items() if k in EvalConfig.model_fields}
    body |= {k: manifest.settings[k] for k in ("adapters", "dataset", "targets")}
    return body | {"out": str(folder)}


def asked_for(folder: Path, graded: Sequence[GradedProblem]) -> list[GradedProblem]:
    """The graded draws of a finished evaluation without those that were made ahead of need.

    Args:
        folder: the evaluation.
        graded: all its problems and seeds, in the order of its records, then of seed; nothing decided.
    """
    config = parse(EvalConfig, _asked(folder, evaluation(folder)), str(folder))
    if config.schedule == "exhaustive" or not config.loop:
        return list(graded)
    ids = dict.fromkeys(g.gold.problem_id for g in graded)
    replay = _replay(folder, config, chosen_rule(config, folder), is_stated=False)
    last = made_for(ids, DrawFile(folder / DRAWS), replay)
    return as_scheduled(
        graded, exhaustive=False, voted=_VOTED[config.votes], samples=config.samples, asked=last
    )


def report_on(folders: Sequence[Path], out: Path, replay: Mapping[str, str]) -> None:
    """One report over finished evaluations, decided anew where `replay` says so.

    Raises:
        ConfigError: an unknown replay key, or a folder that is no finished evaluation.
    """
    check_place(out)
    known = ("rule", "rounds", "fallback", "rule_file", "abstain_below", "votes_file")
    replay = {k.replace("-", "_"): v for k, v in replay.items()}
    unknown = [unknown_key(k, known, "--replay") for k in replay if k not in known]
    if unknown:
        raise ConfigError(*unknown)
    views = []
    for folder, name in zip(folders, run_names(folders), strict=True):
        manifest = evaluation(folder)
        body = _asked(folder, manifest)
        config = parse(EvalConfig, body | dict(replay), "--replay")
        asked = parse(EvalConfig, body, str(folder)) if replay else None
        shown = {"base": manifest.settings["base"], "format": manifest.identity["format"]}
        shown |= _played(manifest.settings.get("players", {}))
        view = _view(folder, config, shown, name, asked)
        if why := view.scored.left_out.get(view.scored.headline):
            say(f"warning: {folder}: no {view.scored.headline}: {why}")
        views.append(view)
    write_report(views, out)
    if len(views) == 1:
        write_metrics(views[0], out.with_suffix(".json"))
    else:
        write_runs(views, out.with_suffix(".json"))

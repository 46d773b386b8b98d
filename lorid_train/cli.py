"""The command `lorid-train`. Each command imports what it needs when it runs."""

from __future__ import annotations

import json
import sys
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from lorid_data.commandline.completion import completion_of
from lorid_data.commandline.options import read_yaml, secrets_in
from lorid_data.commandline.program import make_app, run
from lorid_data.commandline.progress import say
from lorid_data.commandline.result import show, tell
from lorid_data.folders.names import REJECTS
from lorid_data.texts.counting import count
from lorid_train.evaluation.command import compare, evaluate, export_draws
from lorid_train.evaluation.command import show as show_evaluation
from lorid_train.fit_rule.command import fit_rule, fit_votes, route
from lorid_train.reinforcement.command import rl
from lorid_train.rounds.command import rounds
from lorid_train.serve.command import serve
from lorid_train.solve.command import solve

app = make_app(
    "lorid-train",
    "Train LoRID's three roles (IR, KG, DR), let them interact, and report. Usually: sft, evaluate, report; "
    "then solve to ask a question. quickstart does all of it, small.",
)
app.command(rl)
app.command(evaluate)
app.command(solve)
app.command(serve)
app.command(compare)
app.command(export_draws)
app.command(fit_rule)
app.command(fit_votes)
app.command(route)
app.command(rounds)
app.command(completion_of(app), name="completion")

Many = Parameter(consume_multiple=True)


@app.command
def sft(
    config: Path,
    *,
    role: Annotated[list[str] | None, Many] = None,
    out: str | None = None,
    dry_run: bool = False,
) -> None:
    """Train the LoRA adapters of the roles on one frozen base model.

    The plan is printed first: rows, tokens, steps, trainable parameters, estimated memory and time.

    Args:
        config: YAML file, like those in configs/train: base, data, out, and what `lora` and `sft` change of the paper's settings.
        role: Train these roles only (ir, kg, dr, ks, ird, cg); all that the file names by default.
        out: Run folder, instead of the file's.
        dry_run: Print the plan and stop; nothing is written.
    """
    from lorid_data.errors import ConfigError
    from lorid_train.config import TrainConfig, only_roles, parse
    from lorid_train.training.early import check_early

    body: dict[str, Any] = read_yaml(config)
    if problems := secrets_in(body, str(config)):
        raise ConfigError(*problems)
    if role:
        body = only_roles(body, role)
    if out:
        body["out"] = out
    parsed = parse(TrainConfig, body, str(config))
    check_early(parsed)
    from lorid_train.training import processes, sft  # seconds of imports, for what can be run

    if dry_run:
        lines: list[str] = []
        sft.dry_run(parsed, lines.append)
        show("\n".join(lines))
        return
    manifest = sft.train(parsed, say=tell)
    if not processes.is_main_process():
        return
    from lorid_train.training.curves import PAGE, role_line

    folder = Path(body["out"])
    lines = [role_line(name, figures) for name, figures in manifest.figures.items()]
    lines += [f"curves: {folder / PAGE}", f"adapters: {folder / 'adapters'}"]
    show("\n".join(lines), {"out": str(folder), "roles": manifest.figures})


@app.command
def merge(adapter: Path, *, out: Path, base: str | None = None) -> None:
    """Write the base model with one adapter merged in, shard by shard.

    Args:
        adapter: Adapter folder, such as RUN/adapters/ir.
        out: New model folder.
        base: Base model, where it is not the one that the adapter names.
    """
    from lorid_train.models.merge import merge as merge_adapter

    done = merge_adapter(adapter, out, base=base)
    show(
        f"merged {count(done.n_merged, 'matrix', 'matrices')}, copied {count(done.n_copied, 'tensor')}, "
        f"{count(done.n_shards, 'shard')}\nmodel: {out}",
        {**asdict(done), "model": str(out)},
    )


@app.command
def import_base(source: str, *, out: Path) -> None:
    """Make a base model's folder of a GGUF file, converted faithfully or refused.

    Weights are dequantised to float32 safetensors and held against the file, as are the tokenizer
    and the chat template; lorid_base.json says where they come from.

    Args:
        source: A .gguf file, or OWNER/NAME[@REVISION]:FILE.gguf on the Hub.
        out: New model folder, to be named as base in a training configuration.
    """
    from lorid_train.models.gguf import import_base as import_gguf

    done = import_gguf(source, out)
    kinds = ", ".join(f"{n} {kind}" for kind, n in done.quantisation.items())
    what = "" if done.is_new else " (was there already)"
    show(
        f"{done.n_parameters / 1e6:,.1f} M parameters from tensors {kinds}{what}\nbase: {out}",
        {**asdict(done), "base": str(out)},
    )


@app.command
def publish(
    run: Path,
    repo_id: str,
    *,
    one_repo: bool = False,
    evaluation: Annotated[list[Path] | None, Many] = None,
    base_id: str | None = None,
    dataset_id: str | None = None,
    licence: str | None = None,
    tag: str | None = None,
    revision: str = "main",
    private: bool = False,
    create_pr: bool = False,
    check_logits: bool = True,
    dry_run: bool = False,
    out: Path | None = None,
) -> None:
    """Publish a run's adapters on the Hugging Face Hub, load them back and compare.

    The token is read from HF_TOKEN, or from where `hf auth login` keeps it.

    Args:
        run: A run folder that sft has finished.
        repo_id: OWNER/NAME; the roles go to OWNER/NAME-IR, -KG and -DR.
        one_repo: One repository with a folder per role instead.
        evaluation: Evaluation folders of these adapters, for the cards.
        base_id: What a base model that was a folder is called on the Hub, OWNER/NAME[@REVISION].
        dataset_id: Where the training data is published.
        licence: Licence of the adapters; the cards say where none is stated.
        tag: Name of the tag; by default one made of the content.
        revision: Branch to commit to.
        private: Make the repositories private; refuse where one is public.
        create_pr: Open pull requests instead of committing.
        check_logits: Load the base model and compare logits; --no-check-logits compares files only.
        dry_run: Write what would be published to --out, and say how it differs from the Hub.
        out: Where a dry run writes; by default RUN-publish.
    """
    from lorid_train.publish.report import describe
    from lorid_train.publish.stage import PublishOptions
    from lorid_train.publish.stage import publish as run_publish

    options = PublishOptions(
        repo_id=repo_id,
        one_repo=one_repo,
        evaluations=tuple(evaluation or ()),
        base_id=base_id,
        dataset_id=dataset_id,
        licence=licence,
        tag=tag,
        revision=revision,
        private=private,
        create_pr=create_pr,
        check_logits=check_logits,
    )
    target = (out or run.with_name(f"{run.name}-publish")) if dry_run else None
    done = run_publish(run, options, dry_run=target)
    show(describe(done, target, logits=check_logits), {"repositories": [asdict(d) for d in done]})


@app.command
def report(
    evaluations: Annotated[list[Path], Many],
    /,
    *,
    out: Path,
    replay: Annotated[list[str] | None, Many] = None,
) -> None:
    """Write one report over one or several evaluation folders, side by side.

    Args:
        evaluations: Evaluation folders.
        out: HTML file; the Markdown and JSON of the same report go beside it.
        replay: Decide anew on the stored draws: rule=… rounds=… fallback=… rule_file=… votes_file=… abstain_below=….
    """
    from lorid_train.evaluation.evaluate import report_on

    report_on(evaluations, out, dict(r.partition("=")[::2] for r in replay or ()))
    show(f"report: {out}", {"report": str(out), "metrics": str(out.with_suffix(".json"))})


@app.command
def export_knowledge(evaluation: Path, /, *, out: Path) -> int:
    """Write what KG wrote as a dataset folder, so that it can be audited like a teacher's.

    Args:
        evaluation: Evaluation folder.
        out: Dataset folder.
    """
    from lorid_train.evaluation.exports import export_knowledge as export

    manifest = export(evaluation, out)
    found = manifest.figures
    kinds = ", ".join(f"{n} {kind.replace('_', ' ')}" for kind, n in found["n_by_kind"].items())
    show(
        f"kept {manifest.n_kept} of {manifest.n_in}; {count(found['n_distinct_texts'], 'distinct text')}\n"
        f"degenerate: {found['degenerate_fraction']:.1%} ({kinds or 'none'})",
        {"out": str(out), "n_in": manifest.n_in, "n_kept": manifest.n_kept, **found},
    )
    if manifest.n_kept:
        return 0
    say(f"error: KG wrote nothing that can be kept; the reasons are in {out / REJECTS}")
    return 1


@app.command
def export_log(evaluation: Path, /, *, out: Path) -> None:
    """Write every draw with its question, answer and verdict as one Parquet table.

    Args:
        evaluation: Evaluation folder.
        out: Parquet file.
    """
    from lorid_train.evaluation.exports import export_log as export

    n = export(evaluation, out)
    show(f"{out}: {count(n, 'row')}", {"out": str(out), "n_rows": n})


@app.command
def prompts(
    *,
    format: str = "plain",
    role: str,
    question: Annotated[str, Parameter(allow_leading_hyphen=True)],
    knowledge: Annotated[str, Parameter(allow_leading_hyphen=True)] = "",
) -> None:
    """Print the exact text that a model sees, as JSON: prompt, target_prefix, target_suffix, stop.

    Nothing is stripped. A null suffix is the tokenizer's own end token.

    Args:
        format: plain, or a template such as lf-0.9.2/llama2.
        role: ir, kg, dr, cg, or one of the controls ks and ird.
        question: The question.
        knowledge: What DR reads.
    """
    from lorid_train import formats, roles

    fmt = formats.load(format)
    body = {
        "prompt": fmt.render(roles.role(role).content(question, knowledge)),
        "target_prefix": fmt.target_prefix,
        "target_suffix": fmt.target_suffix,
        "stop": list(fmt.stop),
    }
    print(json.dumps(body))  # ASCII: what hides or reorders text stays exact


@app.command
def quickstart(
    *,
    out: Path = Path("runs/quickstart"),
    rows: int = 1200,
    problems: int = 200,
    rounds: int = 20,
    seed: int = 0,
    batch_size: int = 256,
    threads: int | None = None,
) -> None:
    """Watch LoRID happen, offline and on a CPU: build, train three adapters, interact, report.

    Args:
        out: Where data, run and evaluation go; run again, it goes on where it stopped.
        rows: Training problems of the arithmetic source.
        problems: Test problems.
        rounds: The loop's threshold t.
        seed: Of the adapters and of the draws.
        batch_size: Rows generated at once; changes no result.
        threads: CPU threads; 2 at most by default.
    """
    from lorid_train.quickstart import quickstart as run_quickstart

    run_quickstart(
        out,
        n_rows=rows,
        n_problems=problems,
        rounds=rounds,
        seed=seed,
        batch_size=batch_size,
        threads=threads,
    )
    show_evaluation(out / "eval")


@app.command
def study(
    source: str,
    *,
    group_by: str | None = None,
    out: Path | None = None,
    settings: Path | None = None,
    base: Annotated[list[str] | None, Many] = None,
    world: Annotated[list[int] | None, Many] = None,
    seed: Annotated[list[int] | None, Many] = None,
    setting: Annotated[list[str] | None, Many] = None,
    workers: int | None = None,
    threads: int | None = None,
) -> None:
    """When does knowledge help, or agreement trained in? A whole experiment from one file.

    Killed or interrupted, the same command goes on where it stopped.

    Args:
        source: concepts, concepts-small, code, agreement, a YAML file, or a table or dataset folder of your own.
        group_by: Column of a table that names a row's group, whose frequency in training is the axis.
        out: Study folder; runs/study-NAME by default.
        settings: YAML file with the settings for a table; those of concepts by default.
        base: Base models, instead of the file's: student, folders, Hub ids.
        world: Worlds, instead of the file's; for a table, the seed of its split.
        seed: Seeds of adapters and draws, instead of the file's.
        setting: Of the study agreement: these of its settings only.
        workers: Cells made at a time; by default one per core, two at most.
        threads: CPU threads of each.
    """
    from lorid_train.study.command import agreement, configured
    from lorid_train.study.run import study as run_study

    given = {
        "group_by": group_by, "bases": base, "worlds": world, "seeds": seed,
        "workers": workers, "threads": threads,
    }  # fmt: skip
    if agreement(source, setting, settings, given, out):
        return
    config, default = configured(
        source, settings, {k: v for k, v in given.items() if v is not None}
    )
    out = out or default
    run_study(config, out)
    pages = {"report": out / "report.html", "programs": out / "programs.html"}
    there = {name: str(path) for name, path in pages.items() if path.is_file()}
    show("\n".join(f"{name}: {path}" for name, path in there.items()), dict(there))


def main() -> None:
    """Entry point of the console script."""
    # Deprecations between transformers, trl and peft are not the user's to act on.
    warnings.filterwarnings("ignore", category=FutureWarning)
    sys.exit(run(app))

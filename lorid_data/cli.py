"""`lorid-data`: the commands, and nothing but reading their options."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter, validators

from lorid_data.cli_audit import Natural, Positive, audit
from lorid_data.cli_pages import label, view
from lorid_data.commands import EXIT_FAILED, EXIT_OK, make_app, read_yaml, run, secrets_in

if TYPE_CHECKING:
    from lorid_data.schema import Manifest

app = make_app("lorid-data", "Build, check and keep knowledge-enhanced math datasets.")
app.command(audit)
app.command(label)
app.command(view)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    return run(app, argv)


@app.command
def build(
    source: str,
    *,
    teacher: list[str],
    out: Path,
    split: str = "train",
    samples: Positive = 1,
    rewrite_rationale: bool = False,
    temperature: Annotated[float, Parameter(validator=validators.Number(gte=0, lte=2))]
    | None = None,
    limit: Positive | None = None,
    source_path: str | None = None,
    seed: Natural = 0,
    concurrency: Positive = 64,
    mode: Literal["online", "flex", "batch"] = "online",
    budget: Annotated[float, Parameter(validator=validators.Number(gt=0))] | None = None,
    prices: Path | None = None,
    poll_s: Annotated[float, Parameter(validator=validators.Number(gt=0))] = 30.0,
    journal: Path | None = None,
    dry_run: bool = False,
) -> int:
    """Build a dataset: ask a teacher for the knowledge that each question of a source needs.

    Run again, it goes on where it stopped and asks nothing again whose answer is stored.

    Args:
        source: gsm8k, math, arithmetic, concepts, a Hub id (org/name[@revision][:config]), a folder laid
            out like the Hub's, or a table (.parquet, .jsonl, .csv).
        teacher: openai:MODEL, anthropic:MODEL, server:MODEL@URL[,URL…], recorded, scripted:FILE,
            source (knowledge that the source carries) or none. Given several times, the replies of
            all are kept side by side in candidates.parquet.
        out: The dataset folder.
        samples: Replies that each teacher is asked for.
        rewrite_rationale: Let teachers write the rationale anew as well. Its answer votes: a row is
            kept if more than half of the replies agree with the reference answer.
        temperature: What replies are sampled at; by default what the provider chooses.
        split: Split of the source.
        limit: At most so many rows, spread evenly over the source's subjects.
        source_path: Local copy of gsm8k or math, laid out like the Hub's.
        seed: Which problems arithmetic draws; which world concepts is.
        concurrency: Most requests in flight.
        mode: How a provider is asked: online; flex (OpenAI: slower, at half the price); batch
            (OpenAI and Anthropic: within a day, at half the price).
        poll_s: How often a batch that is not over is looked at, in seconds.
        budget: Most USD that this folder may cost, earlier runs included.
        prices: YAML file that overrides the packaged prices.
        journal: Journal of replies to share between folders; by default the folder's own.
        dry_run: Say what would be asked and what it costs; ask and write nothing.
    """
    given = dict(locals())  # before anything else is a local: the options, by their names
    from lorid_data import build as stage

    shared = given.keys() & stage.BuildOptions.model_fields.keys()
    given["concurrency"] = min(concurrency, 4096)
    options = stage.BuildOptions(**{name: given[name] for name in shared})
    if dry_run:
        print(stage.dry_run(options, out).describe())
        return EXIT_OK
    return _finish(stage.build(options, out), out)


@app.command(name="import")
def import_(
    table: Path,
    *,
    out: Path,
    split: str = "train",
    licence: str = "unknown",
    subject: str | None = None,
) -> int:
    """Make a dataset of a table of your own, or of a published dataset.

    Args:
        table: A .parquet, .jsonl or .csv file: question; rationale or answer; optional knowledge
            (a list, or text with one rule a line), original_id, level, subject, licence, split.
            Or a folder with a file per split, or OWNER/NAME[@REVISION] on the Hub, such as
            LoRID-Math/GSM8K: all splits are read.
        out: The dataset folder.
        split: The split of rows of a single table that name none.
        licence: The licence of rows that name none; by default what a dataset's card states.
            Unknown blocks publishing.
        subject: The column that holds the subject, where it is called something else.
    """
    from lorid_data.build import import_table

    manifest = import_table(table, out, split=split, licence=licence, subject=subject)
    return _finish(manifest, out)


@app.command
def choose(folder: Path, *, out: Path, journal: Path | None = None) -> int:
    """Of several teachers' or samples' lists, take that with which the audit's checks find least wrong.

    Fewest findings of the worst severity win, then of the next; where lists are equal, the earlier
    one. Where replies voted, only those that agree with the reference answer count. What was found
    in each stands in candidates.parquet. Asks nobody.

    Args:
        folder: A folder that build has finished with several --teacher, or with --samples.
        out: The dataset folder to write.
        journal: The journal that the folder was built with; by default the folder's own.
    """
    from lorid_data.choose import ChooseOptions
    from lorid_data.choose import choose as run_choose

    return _finish(run_choose(folder, out, ChooseOptions(journal=journal)), out)


@app.command
def validate(folder: Path, *, out: Path) -> int:
    """Check every row; write those that pass, and the others with the reason.

    Args:
        folder: A finished dataset folder.
        out: The dataset folder to write.
    """
    from lorid_data.validate import validate as run_validate

    return _finish(run_validate(folder, out), out)


@app.command
def expand(
    folder: Path,
    *,
    variants: Annotated[str, Parameter(name="--with")],
    out: Path,
    source_path: str | None = None,
) -> int:
    """Give the knowledge of each question to its variants; the rows of the dataset come first.

    Variants that ask backwards (SV, FOBAR) get no knowledge; those whose answer is not that of
    their original are rejected.

    Args:
        folder: A finished dataset folder.
        variants: metamath, a Hub id, a folder laid out like the Hub's, or a table with a column
            original_question (the text) or original_id.
        out: The dataset folder to write.
        source_path: Local copy of MetaMathQA: a folder laid out like the Hub's, or a table.
    """
    from lorid_data.expand import ExpandOptions
    from lorid_data.expand import expand as run_expand

    options = ExpandOptions(variants=variants, source_path=source_path)
    return _finish(run_expand(folder, out, options), out)


@app.command
def dedup(
    folder: Path,
    *,
    out: Path,
    threshold: Annotated[float, Parameter(validator=validators.Number(gte=0.3, lte=1))] = 0.5,
    max_variants: Positive = 32,
) -> int:
    """Remove exact and near duplicates, and cap the variants of each original question.

    Every removed row names the row that stays and how close it is. Run again with another
    threshold or cap, the pairs that were found are used again.

    Args:
        folder: A finished dataset folder.
        out: The dataset folder to write.
        threshold: How alike question and rationale must be, besides equal numbers and answers:
            Jaccard similarity of their word pairs.
        max_variants: Most rows that one original question keeps.
    """
    from lorid_data.dedup import DedupOptions
    from lorid_data.dedup import dedup as run_dedup

    options = DedupOptions(threshold=threshold, max_variants=max_variants)
    return _finish(run_dedup(folder, out, options), out)


@app.command
def decontaminate(
    folder: Path,
    *,
    out: Path,
    against: Annotated[list[str], Parameter(consume_multiple=True)],
    split: str = "test",
    source_path: Annotated[list[str] | None, Parameter(consume_multiple=True)] = None,
    policy: Literal["drop", "quarantine", "report"] = "drop",
    templates: Literal["drop", "quarantine", "report"] = "report",
) -> int:
    """Remove rows whose question is that of a test set; show the pairs that match.

    Every question is compared with every test question. The counts of shared runs of 8 and 13
    words that others publish are printed, too; nothing is removed for them.

    Args:
        folder: A finished dataset folder.
        out: The dataset folder to write.
        against: Test sets: dataset folders, gsm8k, math, arithmetic, a Hub id, a folder laid out
            like the Hub's, or a table.
        split: Split of those that have splits.
        source_path: Local copies of gsm8k and math, in the order of --against.
        policy: What becomes of rows whose question is that of a test set, and of the variants of
            their original; report keeps them with a flag.
        templates: What becomes of rows that are only worded like a test question.
    """
    from lorid_data import decontaminate as stage

    options = stage.DecontaminateOptions(
        against=tuple(against),
        split=split,
        source_path=tuple(source_path or ()),
        policy=policy,
        templates=templates,
    )
    manifest = stage.decontaminate(folder, out, options)
    print("\n".join([*stage.shown(out), *stage.described(manifest)]))
    return _finish(manifest, out)


@app.command
def reparse(folder: Path, *, journal: Path | None = None) -> int:
    """Read the stored replies of a build again, with the parser as it is now; asks nobody.

    Args:
        folder: A folder that build has finished.
        journal: Its journal; the folder's own by default.
    """
    from lorid_data.reparse import reparse as run_reparse

    print(run_reparse(folder, journal).describe())
    return EXIT_OK


@app.command
def doctor(
    *, teacher: str, mode: Literal["online", "flex"] = "online", prices: Path | None = None
) -> int:
    """One cheap call to a teacher: key, schema support, limits and price.

    Args:
        teacher: openai:MODEL, anthropic:MODEL or server:MODEL@URL[,URL…].
        mode: How the provider is asked.
        prices: YAML file that overrides the packaged prices.
    """
    from lorid_data.doctor import examine
    from lorid_data.teachers.registry import AskOptions

    print("\n".join(examine(teacher, AskOptions(mode=mode, prices=prices))))
    return EXIT_OK


prompts = App(name="prompts", help="The versioned texts that teachers read.")
app.command(prompts)


@prompts.command
def diff(folder: Path, *, prompt: str | None = None, journal: Path | None = None) -> int:
    """Say which rows another prompt would ask again, and what they cost when they were asked.

    Args:
        folder: A folder that build has finished.
        prompt: Id of the prompt to compare with, like teacher/knowledge.v1; by default the
            one that build uses now.
        journal: The folder's journal; its own by default.
    """
    from lorid_data.prompt_diff import compare

    print(compare(folder, prompt, journal))
    return EXIT_OK


@app.command
def publish(
    folder: Path,
    repo_id: str,
    *,
    dry_run: bool = False,
    out: Path | None = None,
    allow: Annotated[list[str] | None, Parameter(consume_multiple=True)] = None,
    tag: str | None = None,
    revision: str = "main",
    private: bool = False,
    create_pr: bool = False,
    title: str | None = None,
    teacher_terms: str | None = None,
    language: Annotated[list[str] | None, Parameter(consume_multiple=True)] = None,
    parents: Annotated[list[Path] | None, Parameter(consume_multiple=True)] = None,
) -> int:
    """Publish a dataset on the Hugging Face Hub: one commit, a card, a tag, loaded back and compared.

    The token is read from HF_TOKEN, or from where `hf auth login` keeps it.

    Args:
        folder: A finished dataset folder.
        repo_id: OWNER/NAME.
        dry_run: Write what would be published to --out, and say how it differs from the Hub.
        out: Where a dry run writes; by default FOLDER-publish.
        allow: Gates that need not be met: validate, decontaminate, audit. The card says so.
        tag: Name of the tag; by default one made of the content.
        revision: Branch to commit to.
        private: Make the repository private; refuse where it is public.
        create_pr: Open a pull request instead of committing.
        title: Title of the card; by default the name of the repository.
        teacher_terms: Under which terms the teacher's text may be used, in your words.
        language: Languages of the rows, like en.
        parents: Folders of earlier stages, where they do not lie beside FOLDER.
    """
    from lorid_data.publish import PublishOptions
    from lorid_data.publish import publish as run_publish
    from lorid_data.publish.card import Words
    from lorid_data.publish.report import describe

    options = PublishOptions(
        repo_id=repo_id,
        revision=revision,
        tag=tag,
        private=private,
        create_pr=create_pr,
        allow=tuple(allow or ()),
        parents=tuple(parents or ()),
        words=Words(title=title, teacher_terms=teacher_terms, language=tuple(language or ())),
    )
    target = (out or folder.with_name(f"{folder.name}-publish")) if dry_run else None
    done = run_publish(folder, options, dry_run=target)
    print(describe(done, repo_id))
    return EXIT_FAILED if done.refused else EXIT_OK


@app.command(name="run")
def run_(config: Path, /) -> int:
    """Run every stage that a configuration names, in order.

    Args:
        config: A YAML file, like those in configs/data.
    """
    from lorid_data import pipeline
    from lorid_data.build import n_failed
    from lorid_data.errors import ConfigError

    body = read_yaml(config)
    secrets = secrets_in(body, str(config))
    if secrets:
        raise ConfigError(*secrets)
    manifests = pipeline.run(pipeline.read_config(body, str(config)))
    return EXIT_FAILED if any(n_failed(m) for m in manifests.values()) else EXIT_OK


def _finish(manifest: Manifest, out: Path) -> int:
    from lorid_data.build import n_failed
    from lorid_data.pipeline import summary

    print(summary(manifest, out))
    return EXIT_FAILED if n_failed(manifest) else EXIT_OK

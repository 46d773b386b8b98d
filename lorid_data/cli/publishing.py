"""The command `publish`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lorid_data.commandline.failures import EXIT_FAILED, EXIT_OK
from lorid_data.commandline.result import show


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
    from lorid_data.publish.card_fields import CardFields
    from lorid_data.publish.report import describe
    from lorid_data.publish.stage import PublishOptions
    from lorid_data.publish.stage import publish as run_publish

    options = PublishOptions(
        repo_id=repo_id,
        revision=revision,
        tag=tag,
        private=private,
        create_pr=create_pr,
        allow=tuple(allow or ()),
        parents=tuple(parents or ()),
        words=CardFields(title=title, teacher_terms=teacher_terms, language=tuple(language or ())),
    )
    target = (out or folder.with_name(f"{folder.name}-publish")) if dry_run else None
    done = run_publish(folder, options, dry_run=target)
    show(describe(done, repo_id), {"repo_id": repo_id, **asdict(done)})
    return EXIT_FAILED if done.refused else EXIT_OK

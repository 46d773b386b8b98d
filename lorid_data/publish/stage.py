"""`publish DIR REPO_ID`: a dataset folder onto the Hub in one commit, with an honest card.

The head is read first, then the folder to publish is written, loaded with `datasets` and compared,
then pushed, and then loaded back and compared. Nothing is sent before everything local is known to be in order.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from lorid_data.commandline.progress import Progress, say
from lorid_data.errors import ConfigError, StageError
from lorid_data.folders.files import sha256_file
from lorid_data.folders.names import RECORDS
from lorid_data.folders.seals import unsealed
from lorid_data.hub.calls import Patience, check_repo_id
from lorid_data.hub.publishing import (
    check_revision,
    client,
    patience_of,
    refuse_used,
    state_before,
    workplace,
    write_card,
)
from lorid_data.hub.push import Push, Pushed
from lorid_data.hub.state import Diff, Target, compare, local_files
from lorid_data.publish.card import dataset_card
from lorid_data.publish.card_fields import CardFields
from lorid_data.publish.chain import Chain, find_chain
from lorid_data.publish.contents import OWNED, Facts, stage_dataset
from lorid_data.publish.gates import Gate, check_gates, current_audit, refusals
from lorid_data.publish.shards import MAX_SHARD_BYTES
from lorid_data.publish.verify import STREAM_ABOVE_BYTES, differences, verify
from lorid_data.schema import FrozenModel

__all__ = ["PublishOptions", "Published", "publish"]


class PublishOptions(FrozenModel):
    """Options of `publish`."""

    repo_id: str
    revision: str = "main"
    tag: str | None = None
    """By default made of the content: the same content has the same tag."""
    private: bool = False
    create_pr: bool = False
    allow: tuple[str, ...] = ()
    """Gates that may be passed unmet."""
    parents: tuple[Path, ...] = ()
    """Folders of earlier stages that do not lie beside the dataset folder."""
    words: CardFields = CardFields()
    max_shard_bytes: int = Field(default=MAX_SHARD_BYTES, ge=100_000)
    stream_above_bytes: int = STREAM_ABOVE_BYTES
    """Splits of more bytes in memory are streamed when they are loaded back."""


@dataclass(frozen=True, slots=True)
class Published:
    """What publishing did, or would do.

    Attributes:
        pushed: None for a dry run.
        diff: to what the Hub has; None where it could not be reached.
        refused: why it may not be published; only a dry run comes back with any.
        folder: what is published, written to disk; None where it was temporary.
        n_rows: of `default`.
    """

    pushed: Pushed | None
    diff: Diff | None
    refused: tuple[str, ...]
    folder: Path | None
    n_rows: int


def publish(
    folder: Path,
    options: PublishOptions,
    *,
    dry_run: Path | None = None,
    patience: Patience | None = None,
) -> Published:
    """Publish a dataset folder; do nothing where the Hub has it already.

    Args:
        folder: a finished dataset folder.
        options: where to, and what is allowed.
        dry_run: write what would be published here, compare it with the Hub, send nothing.
        patience: how failures that pass are waited for.

    Raises:
        ConfigError: a wrong option, an input that cannot be published; nothing was sent.
        StageError: a gate is not met, the head has moved, the Hub kept failing, or what was
            published does not load back equal.
    """
    target = _target(options)
    if dry_run is not None:
        refuse_used(dry_run)
    chain = find_chain(folder, options.parents)
    gates = check_gates(chain, options.allow)
    is_dry = dry_run is not None
    patience = patience or patience_of(dry_run=is_dry)
    api = client()
    start = state_before(api, target, patience, dry_run=is_dry)
    with workplace(dry_run) as out:
        facts, tag = _write(chain, gates, options, out)
        # What cannot be loaded is seen here, before anything is sent.
        unloadable = differences(
            str(out), None, facts, stream_above_bytes=options.stream_above_bytes
        )
        refused = [
            *refusals(gates, facts.statistics),
            *(f"`datasets` does not load what would be published: {d}" for d in unloadable),
        ]
        n_rows = sum(f.n_rows for f in facts.configs["default"].values())
        if dry_run is not None:
            diff = None if start is None else compare(local_files(out), start.files, OWNED)
            return Published(None, diff, tuple(refused), dry_run, n_rows)
        if refused:
            raise StageError("not published:\n" + "\n".join(f"- {r}" for r in refused))
        assert start is not None, "only a dry run goes on without the Hub"
        message = f"Publish {options.repo_id.partition('/')[2]} as {tag}"
        push = Push(api, target, out, OWNED, message, tag, patience)
        diff = compare(local_files(out), start.files, OWNED)
        pushed = push.run(start)
        total = sum(f.n_rows for c in facts.configs.values() for f in c.values())
        with Progress("publish: load back", total) as progress:
            verify(
                options.repo_id,
                pushed.revision,
                facts,
                progress.advance,
                stream_above_bytes=options.stream_above_bytes,
            )
        return Published(pushed, diff, (), None, n_rows)


def _target(options: PublishOptions) -> Target:
    check_repo_id(options.repo_id)
    check_revision(options.revision, options.tag, create_pr=options.create_pr)
    return Target(options.repo_id, "dataset", options.revision, options.private, options.create_pr)


def _write(
    chain: Chain, gates: tuple[Gate, ...], options: PublishOptions, out: Path
) -> tuple[Facts, str]:
    """Write the whole folder, the card last; the facts and the tag."""
    audit = current_audit(chain.last.folder)
    with Progress("publish: write", chain.last.manifest.n_kept) as progress:
        facts = stage_dataset(
            chain,
            out,
            max_shard_bytes=options.max_shard_bytes,
            on_row=progress.advance,
            with_audit=audit is not None,
        )
    labels = _labels(chain.last.folder)

    def card(tag: str) -> str:
        return dataset_card(
            chain, facts, gates, options.words, repo_id=options.repo_id, tag=tag,
            audit=audit, labels=labels,
        )  # fmt: skip

    return facts, write_card(out, card, options.tag)


def _labels(folder: Path) -> dict[str, Any] | None:
    """What `labels.json` says.

    Raises:
        ConfigError: it, or the labels that it sums up, have changed since they were written.
    """
    path, rows = folder / "labels.json", folder / "labels.parquet"
    if not path.is_file():
        return None
    again = "label a row (`lorid-data label`), and it is written again"
    try:
        body = unsealed(path.read_bytes())
    except ValueError as e:
        raise ConfigError(f"{path}: cannot be trusted ({e}); {again}") from e
    stated = body.get("labels_sha256")  # an earlier release did not name it
    if stated is not None and (not rows.is_file() or sha256_file(rows) != stated):
        raise ConfigError(f"{rows}: is missing or has changed; {again}")
    if body.get("records_sha256") != sha256_file(folder / RECORDS):
        say(f"warning: {path}: labels of other rows; the card does not show them")
        return None
    return body

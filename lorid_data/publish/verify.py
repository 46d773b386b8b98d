"""Loads what was published back, as anyone would, and compares rows and content."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from lorid_data.errors import StageError
from lorid_data.hub.calls import error_line
from lorid_data.publish.contents import Facts
from lorid_data.publish.shards import hash_rows
from lorid_data.texts.counting import count

STREAM_ABOVE_BYTES = 32_000_000
"""A split that is larger in memory is streamed: it would be mapped into memory whole."""


def verify(
    repo_id: str,
    revision: str,
    facts: Facts,
    on_row: Callable[[], None] = lambda: None,
    *,
    stream_above_bytes: int = STREAM_ABOVE_BYTES,
) -> None:
    """Load every configuration and split of a revision, and compare with what was written.

    Args:
        repo_id: `owner/name`.
        revision: what to load.
        facts: what was written.
        on_row: called for each row.
        stream_above_bytes: splits of more bytes in memory are streamed.

    Raises:
        StageError: it cannot be loaded, or holds other rows.
    """
    problems = differences(repo_id, revision, facts, on_row, stream_above_bytes=stream_above_bytes)
    if problems:
        raise StageError(
            "published, but it does not load back as it should: "
            + "; ".join(problems)
            + "; run the same command again to compare once more"
        )


def differences(
    where: str,
    revision: str | None,
    facts: Facts,
    on_row: Callable[[], None] = lambda: None,
    *,
    stream_above_bytes: int = STREAM_ABOVE_BYTES,
) -> list[str]:
    """What `datasets` loads otherwise than it was written, or not at all; empty where all is well.

    Args:
        where: a repository, or the folder that is to be published.
        revision: what to load of a repository.
        facts: what was written.
        on_row: called for each row.
        stream_above_bytes: splits of more bytes in memory are streamed.
    """
    import datasets
    from datasets.exceptions import DatasetsError
    from huggingface_hub.errors import HfHubHTTPError

    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
    problems = []
    for config, splits in facts.configs.items():
        for split, wanted in splits.items():
            name = f"{where}@{revision} ({config}, {split})" if revision else f"{config}, {split}"
            try:
                streaming = wanted.n_bytes > stream_above_bytes
                rows = _rows(where, revision, config, split, on_row, streaming=streaming)
                n, sha256 = hash_rows(rows)
            except (OSError, ValueError, RuntimeError, DatasetsError, HfHubHTTPError) as e:
                problems.append(f"{name}: cannot be loaded ({error_line(e)})")
                continue
            if (n, sha256) != (wanted.n_rows, wanted.content_sha256):
                problems.append(
                    f"{name}: {count(n, 'row')} with the hash {sha256[:12]}, {wanted.n_rows:,} with "
                    f"{wanted.content_sha256[:12]} were published"
                )
    return problems


def _rows(
    where: str,
    revision: str | None,
    config: str,
    split: str,
    on_row: Callable[[], None],
    *,
    streaming: bool,
) -> Iterator[dict[str, Any]]:
    """The rows of one split, in order; what is prepared of them on disk is thrown away again."""
    import datasets

    with tempfile.TemporaryDirectory(prefix="lorid-verify-") as cache:
        data: Any = datasets.load_dataset(
            where, config, split=split, revision=revision, cache_dir=cache, streaming=streaming
        )
        if streaming:
            # By file, Arrow decodes ahead of whoever reads slowly, up to a whole shard in memory; by
            # row group it cannot.
            data = data.reshard()
        for batch in data.iter(batch_size=1000):
            names = list(batch)
            for values in zip(*batch.values(), strict=True):
                on_row()
                yield dict(zip(names, values, strict=True))

"""Loads what was published back, as anyone would, and compares rows and content."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from typing import cast

from lorid_data.errors import StageError
from lorid_data.hub.calls import say
from lorid_data.publish.shards import hash_rows
from lorid_data.publish.staging import Facts


def verify(
    repo_id: str, revision: str, facts: Facts, on_row: Callable[[], None] = lambda: None
) -> None:
    """Load every configuration and split of a revision, and compare with what was written.

    Raises:
        StageError: it cannot be loaded, or holds other rows.
    """
    import datasets
    from datasets.exceptions import DatasetsError
    from huggingface_hub.errors import HfHubHTTPError

    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
    problems = []
    for config, splits in facts.configs.items():
        for split, wanted in splits.items():
            where = f"{repo_id}@{revision} ({config}, {split})"
            try:
                n, sha256 = _loaded(repo_id, revision, config, split, on_row)
            except (OSError, ValueError, RuntimeError, DatasetsError, HfHubHTTPError) as e:
                problems.append(f"{where}: cannot be loaded ({say(e)})")
                continue
            if (n, sha256) != (wanted.n_rows, wanted.content_sha256):
                problems.append(
                    f"{where}: {n:,} rows with the hash {sha256[:12]}, {wanted.n_rows:,} with "
                    f"{wanted.content_sha256[:12]} were published"
                )
    if problems:
        raise StageError(
            "published, but it does not load back as it should: "
            + "; ".join(problems)
            + "; run the same command again to compare once more"
        )


def _loaded(
    repo_id: str, revision: str, config: str, split: str, on_row: Callable[[], None]
) -> tuple[int, str]:
    """Rows and content hash of one split; the prepared rows are thrown away again."""
    import datasets

    with tempfile.TemporaryDirectory(prefix="lorid-verify-") as cache:
        data = cast(
            "datasets.Dataset",
            datasets.load_dataset(repo_id, config, split=split, revision=revision, cache_dir=cache),
        )

        def rows() -> object:
            for batch in data.iter(batch_size=1000):
                names = list(batch)
                for values in zip(*batch.values(), strict=True):
                    on_row()
                    yield dict(zip(names, values, strict=True))

        return hash_rows(rows())  # type: ignore[arg-type]

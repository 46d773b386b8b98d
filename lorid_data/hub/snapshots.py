"""Files of a repository of the Hub, downloaded once and pinned to a commit."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from lorid_data.errors import ConfigError, StageError
from lorid_data.hub.calls import Patience, calling, check_repo_id, error_line
from lorid_data.hub.ids import is_hub_id
from lorid_data.hub.reach import not_cached, reached

_REF = re.compile(r"(?P<id>[^@:]+)(?:@(?P<revision>[^:]+))?(?::(?P<folder>[^:@\\\x00-\x1f]+))?")


def split_id(text: str) -> tuple[str, str | None, str | None] | None:
    """Repository, revision and folder of `owner/name[@revision][:folder]`; None for a local path.

    A folder may lie in others (`adapters/ir`) and has any name that the Hub takes, as a
    configuration has (`main-v1.0`); it never leads out of its repository.
    """
    match = _REF.fullmatch(text)
    if match is None or not is_hub_id(text):
        return None
    folder = match["folder"]
    if folder is not None and not all(p.strip(".") for p in folder.split("/")):
        return None
    return match["id"], match["revision"], folder


def gated_said(repo_id: str, kind: Literal["dataset", "model"]) -> str:
    """What to say of a repository whose owners choose who reads it, and what to do."""
    address = f"https://huggingface.co/{'datasets/' if kind == 'dataset' else ''}{repo_id}"
    return (
        f"is gated: its owners let in only who accepts their conditions. Accept them at {address}, "
        "set HF_TOKEN to a token of the same account, then run the same command again"
    )


def download(
    repo_id: str,
    kind: Literal["dataset", "model"],
    revision: str | None,
    patterns: Sequence[str],
    patience: Patience,
) -> Path:
    """The folder of a revision's files; it is named after the commit.

    Args:
        repo_id: `owner/name`.
        kind: of the repository.
        revision: branch, tag or commit; None takes the head.
        patterns: which files.
        patience: how failures that pass are waited for.

    Raises:
        ConfigError: no such repository or revision, or it cannot be reached.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

    check_repo_id(repo_id)
    if not sys.stderr.isatty():
        disable_progress_bars()
    at = f"{repo_id}@{revision}" if revision else repo_id
    why = None
    try:
        with reached() as why:
            found = calling(
                f"downloading {at}",
                lambda: snapshot_download(
                    repo_id, repo_type=kind, revision=revision, allow_patterns=list(patterns)
                ),
                patience,
            )
    except GatedRepoError as e:
        msg = f"{at}: {gated_said(repo_id, kind)}"
        raise ConfigError(msg) from e
    except (HfHubHTTPError, StageError, OSError, ValueError) as e:
        if why:
            raise ConfigError(f"{at}: {not_cached(why)}") from e
        msg = f"{at}: cannot be downloaded ({error_line(e)}); check the id, the revision and the network, or give a local folder"
        raise ConfigError(msg) from e
    return Path(found)

"""Adapters that others published: found on the Hub, downloaded once, pinned to a commit.

Only what an adapter needs is downloaded; pickled weights are not, and no code is run.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from lorid_data.errors import ConfigError, StageError
from lorid_data.hub.calls import Patience, calling, check_repo_id, say

_NEEDED = ("*.json", "*.safetensors", "*.jinja", "prompts/*")
_REF = re.compile(r"(?P<id>[^@:]+)(?:@(?P<revision>[^:]+))?(?::(?P<folder>\w+))?")


@dataclass(frozen=True, slots=True)
class Fetched:
    """An adapter folder on this machine, and what it is called.

    Attributes:
        folder: where it lies.
        name: what a user would ask for to get it again: a path, or `owner/name@COMMIT`.
    """

    folder: Path
    name: str


def is_hub_id(text: str) -> bool:
    """Whether a text can only mean a repository of the Hub: `owner/name[@revision][:folder]`."""
    match = _REF.fullmatch(text)
    if match is None or Path(text).exists() or text.startswith((".", "/", "~")):
        return False
    return match["id"].count("/") == 1


def fetch(text: str, patience: Patience | None = None) -> Fetched:
    """The folder of an adapter: a local one as it is, one of the Hub after its download.

    Args:
        text: a folder, or `owner/name[@revision][:folder]`.
        patience: how failures that pass are waited for.

    Raises:
        ConfigError: no such repository, revision or folder, or it cannot be reached.
    """
    if not is_hub_id(text):
        return Fetched(Path(text), text)
    match = _REF.fullmatch(text)
    assert match is not None, "is_hub_id has looked"
    repo_id = check_repo_id(match["id"])
    snapshot = _download(repo_id, match["revision"], patience or Patience())
    # A snapshot's folder is named after its commit.
    inner = f":{match['folder']}" if match["folder"] else ""
    folder = snapshot / match["folder"] if match["folder"] else snapshot
    if not folder.is_dir():
        msg = f"{repo_id}@{snapshot.name}: has no folder {match['folder']!r}"
        raise ConfigError(msg)
    return Fetched(folder, f"{repo_id}@{snapshot.name}{inner}")


def _download(repo_id: str, revision: str | None, patience: Patience) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

    if not sys.stderr.isatty():
        disable_progress_bars()
    at = f"{repo_id}@{revision}" if revision else repo_id
    try:
        found = calling(
            f"downloading {at}",
            lambda: snapshot_download(repo_id, revision=revision, allow_patterns=list(_NEEDED)),
            patience,
        )
    except (HfHubHTTPError, StageError, OSError, ValueError) as e:
        msg = f"{at}: cannot be downloaded ({say(e)}); check the id, the revision and the network, or give a local folder"
        raise ConfigError(msg) from e
    return Path(found)

"""Adapters that others published: found on the Hub, downloaded once, pinned to a commit.

Only what an adapter needs is downloaded; pickled weights are not, and no code is run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lorid_data.errors import ConfigError
from lorid_data.hub.calls import Patience
from lorid_data.hub.snapshots import download, split_id

_NEEDED = ("*.json", "*.safetensors", "*.jinja", "prompts/*")


@dataclass(frozen=True, slots=True)
class Fetched:
    """An adapter folder on this machine, and what it is called.

    Attributes:
        folder: where it lies.
        name: what a user would ask for to get it again: a path, or `owner/name@COMMIT`.
        is_download: whether others wrote its files.
    """

    folder: Path
    name: str
    is_download: bool = False


def is_hub_id(text: str) -> bool:
    """Whether a text can only mean a repository of the Hub: `owner/name[@revision][:folder]`."""
    return split_id(text) is not None


def fetch(text: str, patience: Patience | None = None) -> Fetched:
    """The folder of an adapter: a local one as it is, one of the Hub after its download.

    Args:
        text: a folder, or `owner/name[@revision][:folder]`.
        patience: how failures that pass are waited for.

    Raises:
        ConfigError: no such repository, revision or folder, or it cannot be reached.
    """
    found = split_id(text)
    if found is None:
        return Fetched(Path(text), text)
    repo_id, revision, inner = found
    snapshot = download(repo_id, "model", revision, _NEEDED, patience or Patience())
    folder = snapshot / inner if inner else snapshot
    if not folder.is_dir():
        msg = f"{repo_id}@{snapshot.name}: has no folder {inner!r}"
        raise ConfigError(msg)
    return Fetched(
        folder, f"{repo_id}@{snapshot.name}{f':{inner}' if inner else ''}", is_download=True
    )

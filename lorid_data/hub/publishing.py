"""What publishing a dataset and publishing adapters have in common, around the push itself."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lorid_data.commandline.progress import say
from lorid_data.errors import ConfigError, LoridError
from lorid_data.folders.files import atomic_folder, sha256_file, write_text
from lorid_data.folders.seals import sealed, unsealed
from lorid_data.http.retrying import RetryPolicy
from lorid_data.hub.calls import Patience
from lorid_data.hub.push import Pushed
from lorid_data.hub.state import RemoteState, Target, local_files, read_state
from lorid_data.hub.tags import check_tag, content_tag

if TYPE_CHECKING:
    from huggingface_hub import HfApi

CARD = "README.md"
DRY_RUN = ".dry-run.json"
"""What a dry run has written, by which the next one knows its folder."""


def check_revision(revision: str, tag: str | None, *, create_pr: bool) -> None:
    """Refuse names of a branch and a tag that git or the Hub would not take as they are meant.

    Raises:
        ConfigError: such a name, or a pull request to another branch than main.
    """
    if create_pr and revision != "main":
        msg = f"--create-pr opens a pull request to 'main'; --revision {revision!r} does not go with it"
        raise ConfigError(msg)
    check_tag(revision, "--revision")
    if tag is not None:
        check_tag(tag, "--tag")


def client() -> HfApi:
    """A client of the Hub; it draws no bars where nobody looks."""
    from huggingface_hub import HfApi
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

    if not sys.stderr.isatty():
        disable_progress_bars()
    return HfApi(library_name="lorid")


def patience_of(*, dry_run: bool) -> Patience:
    """How long the Hub is waited for: a dry run can do without it."""
    return Patience(RetryPolicy(attempts=2)) if dry_run else Patience(is_push=True)


def state_before(
    api: HfApi, target: Target, patience: Patience, *, dry_run: bool
) -> RemoteState | None:
    """What the Hub holds before anything is sent; a dry run goes on without it, as None.

    Raises:
        StageError: it cannot be reached, or refuses; not in a dry run.
    """
    try:
        return read_state(api, target, patience)
    except LoridError as e:
        if not dry_run:
            raise
        say(f"warning: not compared with the Hub: {e}")
        return None


@contextmanager
def workplace(dry_run: Path | None) -> Iterator[Path]:
    """An empty folder to write into. That of a dry run gets its name when it is whole.

    It then holds a list of its files with their hashes, by which the next dry run knows it.

    Args:
        dry_run: where the folder is to stay, in the place of an earlier one; None: it is temporary.
    """
    if dry_run is None:
        with tempfile.TemporaryDirectory(prefix="lorid-publish-") as folder:
            yield Path(folder)
        return
    with atomic_folder(dry_run, replace=True) as tmp:
        yield tmp
        refuse_used(dry_run)  # somebody may have made something else there meanwhile
        body = sealed({"files": _hashes(tmp)})
        write_text(tmp / DRY_RUN, json.dumps(body, indent=1, ensure_ascii=False) + "\n")


def refuse_used(dry_run: Path) -> None:
    """Refuse to take the place of anything but an earlier dry run, as that left it.

    Raises:
        ConfigError: something else is there.
    """
    if not os.path.lexists(dry_run) or (dry_run.is_dir() and not any(dry_run.iterdir())):
        return
    what = "exists, and was not written by a dry run"
    if dry_run.is_dir() and not dry_run.is_symlink() and (dry_run / DRY_RUN).is_file():
        try:
            listed = unsealed((dry_run / DRY_RUN).read_bytes()).get("files")
        except ValueError:
            listed = None
        found = _hashes(dry_run)
        if listed == found:
            return
        if isinstance(listed, dict):
            other = sorted(k for k in {*listed, *found} if listed.get(k) != found.get(k))
            what = f"was written by a dry run, but {other[0]!r} in it has changed since"
    raise ConfigError(f"{dry_run}: {what}; choose another --out")


def _hashes(folder: Path) -> dict[str, str]:
    """sha256 of each file below a folder but the list itself; of a link, where it leads to."""
    return {
        p.relative_to(folder).as_posix(): str(p.readlink()) if p.is_symlink() else sha256_file(p)
        for p in sorted(folder.rglob("*"))
        if p.name != DRY_RUN and (p.is_symlink() or p.is_file())
    }


def write_card(folder: Path, card: Callable[[str], str], tag: str | None) -> str:
    """Write the card into a folder that is whole but for it; the tag.

    Args:
        folder: what is published.
        card: the card's text, by the tag that it names.
        tag: the tag that was asked for. By default it is made of all files, and so of the card
            without it.
    """
    (folder / CARD).write_text(card(tag or ""), encoding="utf-8")
    tag = tag or content_tag(local_files(folder))
    (folder / CARD).write_text(card(tag), encoding="utf-8")
    return tag


def said(pushed: Pushed) -> str:
    """What a push did, in a few words for people."""
    what = "one commit" if pushed.made_commit else "nothing changed, no commit"
    if pushed.pull_request:
        what = f"pull request {pushed.pull_request}"
    return f"{what}, tag {pushed.tag}" if pushed.tag else what
